function be(e, t) {
  return (e ?? "").split("!").map((r) => r.split("~")).filter(([r]) => t(r)).map(([r, i, ...s]) => ({
    token: r,
    refusedBy: s.slice(-8),
    isSpare: i === "spare"
  })).slice(0, 4);
}
function me(e) {
  return e.slice(0, 4).map(
    ({ token: t, refusedBy: n, isSpare: r }) => [t, r ? "spare" : "first", ...n.slice(-8)].join("~")
  ).join("!");
}
function Q(e, t, n) {
  const r = e.find((s) => s.token === t);
  return [{ token: t, refusedBy: r?.refusedBy ?? [], isSpare: n }, ...N(e, t)];
}
function N(e, t) {
  return e.filter((n) => n.token !== t);
}
function Z(e, t, n, r) {
  if (n === "final") return N(e, t);
  const i = n === "key" ? r.key : n === "database" ? r.database : null;
  return i === null ? e : e.map(
    (s) => s.token === t && !s.refusedBy.includes(i) ? { ...s, refusedBy: [...s.refusedBy, i].slice(-8) } : s
  );
}
function Ae(e, { token: t, isSpare: n }, { because: r, accepts: i }) {
  const s = Z(Q(e, t, n), t, r, i), c = s.filter(({ refusedBy: [l, ...a] }) => l === i.database && a.length === 0).slice(1, -1);
  return s.filter((l) => !c.includes(l)).slice(0, 4);
}
function Te(e, t) {
  const n = e.filter((r) => !r.isSpare).reverse();
  return t ? [...n, ...e.filter((r) => r.isSpare)] : n;
}
function V({ token: e, refusedBy: t }, { key: n, database: r, ...i }) {
  const s = Le(e);
  return !t.includes(n) && !t.includes(r) && s >= i.earliest && s <= i.latest;
}
function Le(e) {
  const t = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", n = e.split(".")[1] ?? "";
  let r = 0;
  for (const i of n) r = r * 64 + t.indexOf(i);
  return Math.floor(r / 2 ** (n.length * 6 % 8));
}
function Ie() {
  return {
    stored: /* @__PURE__ */ new Set(),
    gone: /* @__PURE__ */ new Set(),
    agreed: null,
    isBlocked: !1,
    trial: null,
    tried: /* @__PURE__ */ new Set(),
    leaving: null,
    replaced: /* @__PURE__ */ new Set()
  };
}
const $e = 16;
function u(e) {
  return e.slice(-43).slice(0, $e);
}
function B(e, t, n) {
  Pe(e, t, n), De(e, t, n);
  const r = t.readLocal(), i = r ?? t.readCookie();
  if (i !== null && u(i) === e.have) {
    r === null && t.writeLocal(i), t.writeCookie(i);
    const s = n.gone.delete(e.have), c = !e.forgets && !s ? F(e, t, n, !1) : null;
    return c ? U(c, e, n) : te(e, i, n);
  }
  return n.gone.has(e.have) ? null : i === null ? Me(e, t, n) : Oe(i, e, t, n);
}
function Ce(e, t, n, r) {
  const i = t.readLocal();
  if (i === null) return B(e, t, n);
  const s = u(i);
  return r.isCopy(i) && s !== e.replaces ? { to: e.have, token: i, blocked: !1, kept: !1, copied: !0 } : !r.isSettled && s !== e.have ? null : B(e, t, n);
}
function Oe(e, t, n, r) {
  const i = u(e), s = i === t.replaces || r.leaving === q(i, t);
  return t.offer !== null && s ? Ne(e, t.offer, t, n, r) : Re(t, n) ? null : m(e, t, r);
}
function Re({ have: e, accepts: t }, n) {
  const r = n.readAside().find(({ token: i }) => u(i) === e);
  return r !== void 0 && !r.isSpare && V(r, t);
}
function Ne(e, t, n, r, i) {
  const s = q(u(e), n);
  if (n.because === "final" && i.leaving !== s) return _(t, n, r, i);
  if (i.replaced.has(s)) return null;
  if (!ye(e, t, n, r)) return W(n, i);
  i.leaving = s;
  const c = F(n, r, i, !0);
  return c !== null ? U(c, n, i) : (i.replaced.add(s), _(t, n, r, i));
}
function q(e, { have: t }) {
  return `${e} ${t}`;
}
function ye(e, t, n, r) {
  return H(e, t, n, r) || (r.writeLocal(null), H(e, t, n, r)) ? !0 : (r.writeLocal(e), r.readLocal() !== e);
}
function H(e, t, n, r) {
  const i = r.readAside();
  if (u(e) !== n.replaces) return !0;
  const s = i.some((o) => o.token === t && !o.isSpare);
  return r.writeAside(Ae(i, { token: e, isSpare: s }, n));
}
function Me(e, t, n) {
  if (e.offer === null || n.stored.has(e.have))
    return t.isReadable() ? m(null, e, n) : W(e, n);
  const r = e.forgets ? null : F(e, t, n, !0);
  return r !== null ? U(r, e, n) : _(e.offer, e, t, n);
}
function _(e, t, n, r) {
  return Be(e, n), n.writeLocal(e), n.readLocal() !== e && n.writeLocal(null), n.writeCookie(e), n.readLocal() === e || n.readCookie() === e ? (r.stored.add(t.have), te(t, e, r)) : t.forgets && !t.ask ? null : W(t, r);
}
function Pe(e, t, n) {
  const { replaces: r, because: i, accepts: s } = e;
  if (r === null) return;
  e.clears && !n.gone.has(r) && t.writeAside([]), n.gone.add(r);
  const o = t.readAside(), c = o.find(({ token: l }) => u(l) === r);
  c !== void 0 && t.writeAside(Z(o, c.token, i, s));
}
function De(e, t, n) {
  const { trial: r } = n;
  if (r === null) return;
  const i = r.mark === e.have, s = r.to === e.have && r.mark === e.replaces;
  (i || s) && (n.trial = null);
  const o = t.readAside(), c = o.find(({ token: f }) => u(f) === r.mark);
  if (!i || c === void 0) return;
  const l = t.readLocal() ?? t.readCookie(), a = N(o, c.token);
  t.writeLocal(c.token), t.writeCookie(c.token), t.writeAside(l === null ? a : Q(a, l, !c.isSpare));
}
function Be(e, t) {
  const n = t.readAside(), r = N(n, e);
  r.length < n.length && t.writeAside(r);
}
function F(e, t, n, r) {
  const i = Te(t.readAside(), r), s = (a) => {
    const f = u(a.token);
    return f === e.have || f === e.replaces ? !1 : !n.tried.has(ee(f, e)) && V(a, e.accepts);
  }, { to: o, mark: c } = n.trial ?? {};
  return i.find(({ token: a }) => o === e.have && u(a) === c) ?? i.find(s) ?? null;
}
function U(e, t, n) {
  const r = u(e.token);
  return n.trial = { to: t.have, mark: r }, n.tried.add(ee(r, t)), m(e.token, t, n);
}
function ee(e, { have: t, accepts: n }) {
  return [e, t, ...Object.values(n)].join(" ");
}
function W(e, t) {
  return t.isBlocked = !0, { ...m(null, e, t), blocked: !0 };
}
function te(e, t, n) {
  const r = e.ask || n.isBlocked;
  return n.agreed = e.have, n.isBlocked = !1, r ? m(t, e, n) : null;
}
function m(e, t, n) {
  const r = n.stored.has(t.have), i = e !== null && u(e) === n.agreed && n.agreed !== t.have, s = { to: t.have, token: e, blocked: !1, kept: r };
  return i ? { ...s, shown: !0 } : s;
}
function M(e) {
  const t = e.token === null ? "" : u(e.token);
  return `${e.to} ${t} ${e.blocked} ${e.copied ?? !1}`;
}
const _e = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function ne(e) {
  return typeof e == "string" && _e.test(e);
}
function G(e, t, n) {
  const r = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${e}.${r}.${encodeURIComponent(t)}`;
}
function xe(e) {
  try {
    const { pathname: t } = new URL(e), n = t.indexOf("/_stcore/");
    return n > 0 ? t.slice(0, n) : "";
  } catch {
    return "";
  }
}
function Fe(e, t) {
  const n = G(t.app, t.base, e.location), r = re(() => e.localStorage, n);
  return {
    ...r,
    // In no cookie: who can set one for this host could bring the page into another session.
    ...se(() => e.localStorage, ie(n)),
    readCookie: () => d(() => le(ae(e, n))),
    writeCookie: (i) => oe(e, n, t.cookie ? i : null, t.maxAge, t.base),
    // If cookies are blocked, `document.cookie` is empty and throws nothing.
    isReadable: () => r.isReadable() || t.cookie && e.navigator.cookieEnabled
  };
}
function re(e, t) {
  return {
    readLocal: () => d(() => le(e().getItem(t))),
    writeLocal: (n) => {
      d(
        () => n === null ? e().removeItem(t) : e().setItem(t, n)
      );
    },
    isReadable: () => d(() => (e().getItem(t), !0)) ?? !1
  };
}
function ie(e) {
  return e.replace(/^pgstate/, "pgstate-aside");
}
function se(e, t) {
  const n = () => d(() => e().getItem(t));
  return {
    readAside: () => be(n(), ne),
    writeAside: (r) => {
      const i = r.length > 0 ? me(r) : null;
      return n() !== i && d(
        () => i === null ? e().removeItem(t) : e().setItem(t, i)
      ), !(d(() => (e().getItem(t), !0)) ?? !1) || n() === i;
    }
  };
}
function oe(e, t, n, r, i) {
  const s = n === null ? 0 : Math.round(r), o = C(e) || i.includes(";") ? "/" : i || "/", c = `${ce(e, t)}=${n ?? ""}; Max-Age=${s}; Path=${o}`;
  for (const l of Ue(e))
    if (d(() => e.document.cookie = `${c}; ${l}`), n !== null && d(() => ae(e, t)) === n) return;
}
function Ue(e) {
  const t = `SameSite=Strict${C(e) ? "; Secure" : ""}`, n = e.top !== e && !!e.top;
  return C(e) && n ? [t, "SameSite=None; Secure; Partitioned"] : [t];
}
function C(e) {
  return e.location.protocol === "https:";
}
function ce(e, t) {
  return C(e) ? `__Host-${t}` : t;
}
function d(e) {
  try {
    return e();
  } catch {
    return null;
  }
}
function le(e) {
  return ne(e) ? e : null;
}
function ae(e, t) {
  const n = `${ce(e, t)}=`, r = e.document.cookie.split(/;\s*/).filter((o) => o.startsWith(n)).map((o) => o.slice(n.length)), [i, ...s] = new Set(r);
  return s.length === 0 ? i ?? null : null;
}
const O = /* @__PURE__ */ new WeakSet();
let ue = null;
const z = /* @__PURE__ */ new WeakSet();
function We(e) {
  if (z.has(e)) return;
  z.add(e);
  const t = (n, r) => e.addEventListener(n, r, { capture: !0, passive: !0 });
  t("pointerdown", ({ target: n }) => K(n)), t("focusin", ({ target: n }) => K(n)), t("input", ({ target: n }) => {
    I(n) && O.add(n);
  }), t("keydown", (n) => {
    I(n.target) && je(n, n.target) && ze(n.target);
  }), t("focusout", ({ target: n }) => {
    I(n) && O.delete(n);
  });
}
function Ge(e) {
  const t = e.activeElement;
  if (!I(t)) return null;
  const n = fe(t);
  return n === null && !de(t) ? ue : (He(t) ? t.value !== "" : O.has(t)) ? n : null;
}
function je(e, t) {
  return e.isComposing ? !1 : e.key === "ArrowUp" || e.key === "ArrowDown" ? t.type === "number" : e.key !== "Enter" ? !1 : t.tagName === "INPUT" ? !0 : e.ctrlKey || e.metaKey;
}
function He(e) {
  return e.closest('[data-testid="stChatInput"]') !== null;
}
function ze(e) {
  setTimeout(() => {
    e.getAttribute("aria-invalid") !== "true" && O.delete(e);
  });
}
function K(e) {
  e instanceof Element && de(e) && (ue = fe(e));
}
function de(e) {
  return e.closest('[data-testid="stElementContainer"]') !== null;
}
function fe(e) {
  const t = e.closest('[class*="st-key-"]');
  return Array.from(t?.classList ?? []).find((n) => n.startsWith("st-key-")) ?? null;
}
function I(e) {
  return e instanceof Element && ["INPUT", "TEXTAREA"].includes(e.tagName);
}
const Ke = 1e3, Je = 1e4, A = /* @__PURE__ */ new Map(), he = /* @__PURE__ */ new Map();
function Xe(e, t, n) {
  const r = A.get(e);
  r?.stop();
  const i = {
    lastTick: r?.lastTick ?? null,
    sentAt: r?.sentAt ?? 0,
    stop: () => {
    }
  };
  A.set(e, i), We(document);
  const s = () => {
    document.visibilityState !== "visible" || i.lastTick !== null && i.lastTick.number > t.received && Date.now() - i.sentAt < Je || (i.lastTick = { number: t.received + 1, typing: Ge(document) }, i.sentAt = Date.now(), n(i.lastTick));
  }, o = setInterval(s, Ke), c = () => s();
  document.addEventListener("visibilitychange", c);
  const l = Object.entries(t.channels).map(([a, f]) => {
    const p = we(a);
    return p !== null && (p.onmessage = ({ data: v }) => {
      const g = Math.max(f, he.get(a) ?? 0);
      typeof v == "number" && v > g && s();
    }), p;
  });
  return i.stop = () => {
    clearInterval(o), document.removeEventListener("visibilitychange", c);
    for (const a of l) a?.close();
  }, () => {
    A.get(e)?.stop(), A.delete(e);
  };
}
function Ye(e) {
  for (const [t, n] of Object.entries(e.channels)) {
    he.set(t, n);
    const r = we(t);
    r?.postMessage(n), r?.close();
  }
}
function we(e) {
  return d(() => new BroadcastChannel(e));
}
const $ = "data-test-connection-state", R = "CONNECTED", Qe = "data-test-script-state", Ze = "running";
function pe(e) {
  return e.querySelector("[data-testid=stApp]");
}
let ve = { have: "", version: 0, serverSession: "" };
function Ve({ have: e, version: t, serverSession: n }) {
  ve = { have: e, version: t, serverSession: n };
}
const T = /* @__PURE__ */ new Map();
function qe(e, t) {
  T.get(e)?.disconnect();
  const n = pe(document);
  let r = n?.getAttribute($);
  const i = new MutationObserver(() => {
    const s = n?.getAttribute($);
    s === R && r !== R && t({ at: Date.now(), ...ve }), r = s;
  });
  return n !== null && i.observe(n, { attributeFilter: [$] }), T.set(e, i), () => {
    T.get(e)?.disconnect(), T.delete(e);
  };
}
const et = 3e4, tt = 500, nt = 1e3, rt = 45e3;
function it(e, t) {
  return Math.min(et, 1e3 * 2 ** (e - 1)) * (1 - t / 4);
}
function st() {
  if (document.visibilityState !== "visible") return !1;
  const e = pe(document);
  return (e?.getAttribute($) ?? R) === R && e?.getAttribute(Qe) !== Ze;
}
const w = /* @__PURE__ */ new Map(), S = /* @__PURE__ */ new Map(), ot = 2;
let P = 0, ge = 0, b, E = 0;
function ct(e, t) {
  w.size === 0 && Date.now() - ge > nt && (P = 0, S.clear()), w.set(e, t);
  const n = (S.get(e) ?? 0) + 1;
  return S.set(e, n), n <= ot && (P += 1, ke(it(P, Math.random()))), document.addEventListener("visibilitychange", y), () => {
    w.delete(e), S.delete(e), w.size === 0 && lt();
  };
}
function lt() {
  clearTimeout(b), E = 0, ge = Date.now(), document.removeEventListener("visibilitychange", y);
}
function ke(e) {
  clearTimeout(b), E = 0, b = setTimeout(() => {
    S.clear(), E = w.size, y();
  }, e);
}
function y() {
  const [e] = w;
  if (E === 0 || e === void 0 || (clearTimeout(b), b = setTimeout(y, tt), !st())) return;
  E -= 1;
  const [t, n] = e;
  w.delete(t), w.set(t, n), E === 0 && ke(rt), n({ at: Date.now() });
}
const J = "streamlit-pgstate-style", x = ".st-key-streamlit_pgstate_progress", h = ".st-key-streamlit_pgstate_outage", at = `:is(${x} [data-testid="stProgress"], ${h})`, D = `[data-testid="stEvent"]:has(${at})`, X = `:is(${h}, :has(${h}))`, ut = `
[class*="st-key-streamlit_pgstate"]:not(${x}, ${h}) {
  position: absolute;
}
${D} {
  display: block !important;
  position: fixed;
  inset: 0.75rem 0 auto;
  margin: 0 auto;
  width: min(24rem, 80vw);
  padding: 0.5rem 1rem 0.75rem;
  border-radius: 0.5rem;
  box-shadow: 0 0.25rem 1rem rgb(0 0 0 / 20%);
  background: inherit;
  pointer-events: none;
  z-index: 999991;
}
${D}:has(${h}) {
  width: min(36rem, 90vw);
  padding: 0;
}
${D} [data-testid="stElementContainer"]:not(:is(${x}, ${h}) *),
${h} [class*="st-key-streamlit_pgstate_retry"],
${X} ~ ${h},
${X} ~ * ${h} {
  display: none;
}
`;
function dt(e) {
  if (e.getElementById(J) !== null) return;
  const t = e.createElement("style");
  t.id = J, t.textContent = ut, e.head.append(t);
}
const ft = 5, ht = 150;
function wt(e, t) {
  const n = G(t.app, t.base, e.location);
  return {
    ...re(() => e.sessionStorage, n),
    ...se(() => e.sessionStorage, ie(n)),
    readCookie: () => null,
    writeCookie: () => {
    }
  };
}
class pt {
  constructor(t, n, r, i) {
    this.page = t, this.options = n, this.copies = r, this.events = new EventTarget(), this.id = Math.random().toString(36).slice(2), this.copied = /* @__PURE__ */ new Set(), this.since = i ?? performance.timeOrigin, this.name = G(n.app, n.base, t.location), this.channel = d(() => new BroadcastChannel(`${this.name}.tab`)), this.channel?.addEventListener("message", ({ data: s }) => this.receive(s)), this.isSettled = this.channel === null || r.readLocal() === null, this.writeReloadCookie(null), t.addEventListener("pagehide", () => this.writeReloadCookie(r.readLocal())), t.addEventListener("pageshow", (s) => {
      s.persisted && (this.writeReloadCookie(null), this.query());
    }), t.document.addEventListener("visibilitychange", () => {
      t.document.visibilityState === "visible" && this.query();
    }), !this.isSettled && (this.query(), t.setTimeout(() => this.settle(), ht));
  }
  /** Whether an older tab uses this token. */
  isCopy(t) {
    return t !== null && this.copied.has(u(t));
  }
  settle() {
    this.isSettled || (this.isSettled = !0, this.events.dispatchEvent(new Event("change")));
  }
  query() {
    const t = this.copies.readLocal();
    t !== null && this.send({ kind: "query", fingerprint: u(t) });
  }
  send(t) {
    d(() => this.channel?.postMessage({ ...t, from: this.id, since: this.since }));
  }
  receive({ kind: t, fingerprint: n, from: r, since: i, to: s }) {
    const o = this.copies.readLocal();
    if (o === null || n !== u(o)) return;
    const c = i < this.since || i === this.since && r < this.id;
    t === "query" && !c ? this.send({ kind: "claim", fingerprint: n, to: r }) : (t === "query" || s === this.id) && (this.copied.add(n), this.isSettled = !0, this.events.dispatchEvent(new Event("change")));
  }
  /** Write the cookie from which the server knows the tab after F5. Null removes it: it was read. */
  writeReloadCookie(t) {
    const n = t ?? this.copies.readLocal();
    if (!this.options.cookie || n === null) return;
    const r = `${this.name.replace(/^pgstate/, "pgstate-tab")}.${u(n)}`;
    oe(this.page, r, t, ft, this.options.base);
  }
}
const vt = xe(import.meta.url), Y = /* @__PURE__ */ new Map(), L = /* @__PURE__ */ new Map(), Et = ({ data: e, key: t, parentElement: n, setStateValue: r }) => (dt(document), e.role === "live" ? Xe(t, e, (i) => r("tick", i)) : e.role === "changes" ? Ye(e) : e.role === "shown" ? Ve(e) : e.role === "reconnect" ? qe(t, (i) => r("reconnect", i)) : e.role === "retry" ? ct(n, (i) => r("retry", i)) : gt(e, t, (i) => r("answer", i)));
function gt(e, t, n) {
  const r = { ...e, base: vt }, i = e.scope === "tab", s = (i ? wt : Fe)(window, r), o = JSON.stringify(e), c = `${e.scope} ${e.app}`, l = Y.get(c) ?? {
    ...Ie(),
    request: o,
    answered: /* @__PURE__ */ new Set(),
    claims: i ? new pt(window, r, s) : null
  };
  Y.set(c, l), l.request !== o && (l.request = o, l.answered.clear());
  const a = L.get(t);
  a?.stop();
  const f = a?.request === o ? a.answered : /* @__PURE__ */ new Set(), p = (Se) => {
    const { claims: j } = l, k = j === null ? B(e, s, l) : Ce(e, s, l, j);
    k === null || Se.has(M(k)) || (f.add(M(k)), l.answered.add(M(k)), n({ ...k, token: kt(k.token, e.veil) }));
  }, v = () => p(l.answered), g = () => {
    document.visibilityState === "visible" && p(l.answered);
  };
  window.addEventListener("storage", v), window.addEventListener("pageshow", g), document.addEventListener("visibilitychange", g), l.claims?.events.addEventListener("change", v);
  const Ee = () => {
    window.removeEventListener("storage", v), window.removeEventListener("pageshow", g), document.removeEventListener("visibilitychange", g), l.claims?.events.removeEventListener("change", v);
  };
  return L.set(t, { request: o, answered: f, stop: Ee }), p(f), () => {
    L.get(t)?.stop(), L.delete(t);
  };
}
function kt(e, t) {
  if (e === null) return null;
  let n = "";
  for (let r = 0; r < e.length; r++) {
    const i = parseInt(t.slice(2 * r, 2 * r + 2), 16);
    n += (e.charCodeAt(r) ^ i).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  Et as default,
  kt as veiled
};
