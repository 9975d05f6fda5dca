function Se(e, t) {
  return (e ?? "").split("!").map((r) => r.split("~")).filter(([r]) => t(r)).map(([r, i, ...s]) => ({
    token: r,
    refusedBy: s.slice(-8),
    isSpare: i === "spare"
  })).slice(0, 4);
}
function be(e) {
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
function me(e, { token: t, isSpare: n }, { because: r, accepts: i }) {
  const s = Z(Q(e, t, n), t, r, i), c = s.filter(({ refusedBy: [l, ...a] }) => l === i.database && a.length === 0).slice(1, -1);
  return s.filter((l) => !c.includes(l)).slice(0, 4);
}
function Ae(e, t) {
  const n = e.filter((r) => !r.isSpare).reverse();
  return t ? [...n, ...e.filter((r) => r.isSpare)] : n;
}
function Te({ token: e, refusedBy: t }, { key: n, database: r, ...i }) {
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
  Me(e, t, n), Pe(e, t, n);
  const r = t.readLocal(), i = r ?? t.readCookie();
  if (i !== null && u(i) === e.have) {
    r === null && t.writeLocal(i), t.writeCookie(i);
    const s = n.gone.delete(e.have), c = !e.forgets && !s ? F(e, t, n, !1) : null;
    return c ? U(c, e, n) : ee(e, i, n);
  }
  return n.gone.has(e.have) ? null : i === null ? ye(e, t, n) : Oe(i, e, t, n);
}
function Ce(e, t, n, r) {
  const i = t.readLocal();
  if (i === null) return B(e, t, n);
  const s = u(i);
  return r.isCopy(i) && s !== e.replaces ? { to: e.have, token: i, blocked: !1, kept: !1, copied: !0 } : !r.isSettled && s !== e.have ? null : B(e, t, n);
}
function Oe(e, t, n, r) {
  const i = u(e), s = i === t.replaces || r.leaving === V(i, t);
  return t.offer !== null && s ? Re(e, t.offer, t, n, r) : m(e, t, r);
}
function Re(e, t, n, r, i) {
  const s = V(u(e), n);
  if (n.because === "final" && i.leaving !== s) return _(t, n, r, i);
  if (i.replaced.has(s)) return null;
  if (!Ne(e, t, n, r)) return W(n, i);
  i.leaving = s;
  const c = F(n, r, i, !0);
  return c !== null ? U(c, n, i) : (i.replaced.add(s), _(t, n, r, i));
}
function V(e, { have: t }) {
  return `${e} ${t}`;
}
function Ne(e, t, n, r) {
  return H(e, t, n, r) || (r.writeLocal(null), H(e, t, n, r)) ? !0 : (r.writeLocal(e), r.readLocal() !== e);
}
function H(e, t, n, r) {
  const i = r.readAside();
  if (u(e) !== n.replaces) return !0;
  const s = i.some((o) => o.token === t && !o.isSpare);
  return r.writeAside(me(i, { token: e, isSpare: s }, n));
}
function ye(e, t, n) {
  if (e.offer === null || n.stored.has(e.have))
    return t.isReadable() ? m(null, e, n) : W(e, n);
  const r = e.forgets ? null : F(e, t, n, !0);
  return r !== null ? U(r, e, n) : _(e.offer, e, t, n);
}
function _(e, t, n, r) {
  return De(e, n), n.writeLocal(e), n.readLocal() !== e && n.writeLocal(null), n.writeCookie(e), n.readLocal() === e || n.readCookie() === e ? (r.stored.add(t.have), ee(t, e, r)) : t.forgets && !t.ask ? null : W(t, r);
}
function Me(e, t, n) {
  const { replaces: r, because: i, accepts: s } = e;
  if (r === null) return;
  e.clears && !n.gone.has(r) && t.writeAside([]), n.gone.add(r);
  const o = t.readAside(), c = o.find(({ token: l }) => u(l) === r);
  c !== void 0 && t.writeAside(Z(o, c.token, i, s));
}
function Pe(e, t, n) {
  const { trial: r } = n;
  if (r === null) return;
  const i = r.mark === e.have, s = r.to === e.have && r.mark === e.replaces;
  (i || s) && (n.trial = null);
  const o = t.readAside(), c = o.find(({ token: f }) => u(f) === r.mark);
  if (!i || c === void 0) return;
  const l = t.readLocal() ?? t.readCookie(), a = N(o, c.token);
  t.writeLocal(c.token), t.writeCookie(c.token), t.writeAside(l === null ? a : Q(a, l, !c.isSpare));
}
function De(e, t) {
  const n = t.readAside(), r = N(n, e);
  r.length < n.length && t.writeAside(r);
}
function F(e, t, n, r) {
  const i = Ae(t.readAside(), r), s = (a) => {
    const f = u(a.token);
    return f === e.have || f === e.replaces ? !1 : !n.tried.has(q(f, e)) && Te(a, e.accepts);
  }, { to: o, mark: c } = n.trial ?? {};
  return i.find(({ token: a }) => o === e.have && u(a) === c) ?? i.find(s) ?? null;
}
function U(e, t, n) {
  const r = u(e.token);
  return n.trial = { to: t.have, mark: r }, n.tried.add(q(r, t)), m(e.token, t, n);
}
function q(e, { have: t, accepts: n }) {
  return [e, t, ...Object.values(n)].join(" ");
}
function W(e, t) {
  return t.isBlocked = !0, { ...m(null, e, t), blocked: !0 };
}
function ee(e, t, n) {
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
const Be = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function te(e) {
  return typeof e == "string" && Be.test(e);
}
function G(e, t, n) {
  const r = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${e}.${r}.${encodeURIComponent(t)}`;
}
function _e(e) {
  try {
    const { pathname: t } = new URL(e), n = t.indexOf("/_stcore/");
    return n > 0 ? t.slice(0, n) : "";
  } catch {
    return "";
  }
}
function xe(e, t) {
  const n = G(t.app, t.base, e.location), r = ne(() => e.localStorage, n);
  return {
    ...r,
    // In no cookie: who can set one for this host could bring the page into another session.
    ...ie(() => e.localStorage, re(n)),
    readCookie: () => d(() => ce(le(e, n))),
    writeCookie: (i) => se(e, n, t.cookie ? i : null, t.maxAge, t.base),
    // If cookies are blocked, `document.cookie` is empty and throws nothing.
    isReadable: () => r.isReadable() || t.cookie && e.navigator.cookieEnabled
  };
}
function ne(e, t) {
  return {
    readLocal: () => d(() => ce(e().getItem(t))),
    writeLocal: (n) => {
      d(
        () => n === null ? e().removeItem(t) : e().setItem(t, n)
      );
    },
    isReadable: () => d(() => (e().getItem(t), !0)) ?? !1
  };
}
function re(e) {
  return e.replace(/^pgstate/, "pgstate-aside");
}
function ie(e, t) {
  const n = () => d(() => e().getItem(t));
  return {
    readAside: () => Se(n(), te),
    writeAside: (r) => {
      const i = r.length > 0 ? be(r) : null;
      return n() !== i && d(
        () => i === null ? e().removeItem(t) : e().setItem(t, i)
      ), !(d(() => (e().getItem(t), !0)) ?? !1) || n() === i;
    }
  };
}
function se(e, t, n, r, i) {
  const s = n === null ? 0 : Math.round(r), o = C(e) ? "/" : i || "/", c = `${oe(e, t)}=${n ?? ""}; Max-Age=${s}; Path=${o}`;
  for (const l of Fe(e))
    if (d(() => e.document.cookie = `${c}; ${l}`), n !== null && d(() => le(e, t)) === n) return;
}
function Fe(e) {
  const t = `SameSite=Strict${C(e) ? "; Secure" : ""}`, n = e.top !== e && !!e.top;
  return C(e) && n ? [t, "SameSite=None; Secure; Partitioned"] : [t];
}
function C(e) {
  return e.location.protocol === "https:";
}
function oe(e, t) {
  return C(e) ? `__Host-${t}` : t;
}
function d(e) {
  try {
    return e();
  } catch {
    return null;
  }
}
function ce(e) {
  return te(e) ? e : null;
}
function le(e, t) {
  const n = `${oe(e, t)}=`, r = e.document.cookie.split(/;\s*/).filter((o) => o.startsWith(n)).map((o) => o.slice(n.length)), [i, ...s] = new Set(r);
  return s.length === 0 ? i ?? null : null;
}
const O = /* @__PURE__ */ new WeakSet();
let ae = null;
const z = /* @__PURE__ */ new WeakSet();
function Ue(e) {
  if (z.has(e)) return;
  z.add(e);
  const t = (n, r) => e.addEventListener(n, r, { capture: !0, passive: !0 });
  t("pointerdown", ({ target: n }) => K(n)), t("focusin", ({ target: n }) => K(n)), t("input", ({ target: n }) => {
    I(n) && O.add(n);
  }), t("keydown", (n) => {
    I(n.target) && Ge(n, n.target) && He(n.target);
  }), t("focusout", ({ target: n }) => {
    I(n) && O.delete(n);
  });
}
function We(e) {
  const t = e.activeElement;
  if (!I(t)) return null;
  const n = de(t);
  return n === null && !ue(t) ? ae : (je(t) ? t.value !== "" : O.has(t)) ? n : null;
}
function Ge(e, t) {
  return e.isComposing ? !1 : e.key === "ArrowUp" || e.key === "ArrowDown" ? t.type === "number" : e.key !== "Enter" ? !1 : t.tagName === "INPUT" ? !0 : e.ctrlKey || e.metaKey;
}
function je(e) {
  return e.closest('[data-testid="stChatInput"]') !== null;
}
function He(e) {
  setTimeout(() => {
    e.getAttribute("aria-invalid") !== "true" && O.delete(e);
  });
}
function K(e) {
  e instanceof Element && ue(e) && (ae = de(e));
}
function ue(e) {
  return e.closest('[data-testid="stElementContainer"]') !== null;
}
function de(e) {
  const t = e.closest('[class*="st-key-"]');
  return Array.from(t?.classList ?? []).find((n) => n.startsWith("st-key-")) ?? null;
}
function I(e) {
  return e instanceof Element && ["INPUT", "TEXTAREA"].includes(e.tagName);
}
const ze = 1e3, Ke = 1e4, A = /* @__PURE__ */ new Map(), fe = /* @__PURE__ */ new Map();
function Je(e, t, n) {
  const r = A.get(e);
  r?.stop();
  const i = {
    lastTick: r?.lastTick ?? null,
    sentAt: r?.sentAt ?? 0,
    stop: () => {
    }
  };
  A.set(e, i), Ue(document);
  const s = () => {
    document.visibilityState !== "visible" || i.lastTick !== null && i.lastTick.number > t.received && Date.now() - i.sentAt < Ke || (i.lastTick = { number: t.received + 1, typing: We(document) }, i.sentAt = Date.now(), n(i.lastTick));
  }, o = setInterval(s, ze), c = () => s();
  document.addEventListener("visibilitychange", c);
  const l = Object.entries(t.channels).map(([a, f]) => {
    const p = he(a);
    return p !== null && (p.onmessage = ({ data: v }) => {
      const g = Math.max(f, fe.get(a) ?? 0);
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
function Xe(e) {
  for (const [t, n] of Object.entries(e.channels)) {
    fe.set(t, n);
    const r = he(t);
    r?.postMessage(n), r?.close();
  }
}
function he(e) {
  return d(() => new BroadcastChannel(e));
}
const $ = "data-test-connection-state", R = "CONNECTED", Ye = "data-test-script-state", Qe = "running";
function we(e) {
  return e.querySelector("[data-testid=stApp]");
}
let pe = { have: "", version: 0, serverSession: "" };
function Ze({ have: e, version: t, serverSession: n }) {
  pe = { have: e, version: t, serverSession: n };
}
const T = /* @__PURE__ */ new Map();
function Ve(e, t) {
  T.get(e)?.disconnect();
  const n = we(document);
  let r = n?.getAttribute($);
  const i = new MutationObserver(() => {
    const s = n?.getAttribute($);
    s === R && r !== R && t({ at: Date.now(), ...pe }), r = s;
  });
  return n !== null && i.observe(n, { attributeFilter: [$] }), T.set(e, i), () => {
    T.get(e)?.disconnect(), T.delete(e);
  };
}
const qe = 3e4, et = 500, tt = 1e3, nt = 45e3;
function rt(e, t) {
  return Math.min(qe, 1e3 * 2 ** (e - 1)) * (1 - t / 4);
}
function it() {
  if (document.visibilityState !== "visible") return !1;
  const e = we(document);
  return (e?.getAttribute($) ?? R) === R && e?.getAttribute(Ye) !== Qe;
}
const w = /* @__PURE__ */ new Map(), S = /* @__PURE__ */ new Map(), st = 2;
let P = 0, ve = 0, b, E = 0;
function ot(e, t) {
  w.size === 0 && Date.now() - ve > tt && (P = 0, S.clear()), w.set(e, t);
  const n = (S.get(e) ?? 0) + 1;
  return S.set(e, n), n <= st && (P += 1, ge(rt(P, Math.random()))), document.addEventListener("visibilitychange", y), () => {
    w.delete(e), S.delete(e), w.size === 0 && ct();
  };
}
function ct() {
  clearTimeout(b), E = 0, ve = Date.now(), document.removeEventListener("visibilitychange", y);
}
function ge(e) {
  clearTimeout(b), E = 0, b = setTimeout(() => {
    S.clear(), E = w.size, y();
  }, e);
}
function y() {
  const [e] = w;
  if (E === 0 || e === void 0 || (clearTimeout(b), b = setTimeout(y, et), !it())) return;
  E -= 1;
  const [t, n] = e;
  w.delete(t), w.set(t, n), E === 0 && ge(nt), n({ at: Date.now() });
}
const J = "streamlit-pgstate-style", x = ".st-key-streamlit_pgstate_progress", h = ".st-key-streamlit_pgstate_outage", lt = `:is(${x} [data-testid="stProgress"], ${h})`, D = `[data-testid="stEvent"]:has(${lt})`, X = `:is(${h}, :has(${h}))`, at = `
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
function ut(e) {
  if (e.getElementById(J) !== null) return;
  const t = e.createElement("style");
  t.id = J, t.textContent = at, e.head.append(t);
}
const dt = 5, ft = 150;
function ht(e, t) {
  const n = G(t.app, t.base, e.location);
  return {
    ...ne(() => e.sessionStorage, n),
    ...ie(() => e.sessionStorage, re(n)),
    readCookie: () => null,
    writeCookie: () => {
    }
  };
}
class wt {
  constructor(t, n, r, i) {
    this.page = t, this.options = n, this.copies = r, this.events = new EventTarget(), this.id = Math.random().toString(36).slice(2), this.copied = /* @__PURE__ */ new Set(), this.since = i ?? performance.timeOrigin, this.name = G(n.app, n.base, t.location), this.channel = d(() => new BroadcastChannel(`${this.name}.tab`)), this.channel?.addEventListener("message", ({ data: s }) => this.receive(s)), this.isSettled = this.channel === null || r.readLocal() === null, this.writeReloadCookie(null), t.addEventListener("pagehide", () => this.writeReloadCookie(r.readLocal())), t.addEventListener("pageshow", (s) => {
      s.persisted && (this.writeReloadCookie(null), this.query());
    }), t.document.addEventListener("visibilitychange", () => {
      t.document.visibilityState === "visible" && this.query();
    }), !this.isSettled && (this.query(), t.setTimeout(() => this.settle(), ft));
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
    se(this.page, r, t, dt, this.options.base);
  }
}
const pt = _e(import.meta.url), Y = /* @__PURE__ */ new Map(), L = /* @__PURE__ */ new Map(), kt = ({ data: e, key: t, parentElement: n, setStateValue: r }) => (ut(document), e.role === "live" ? Je(t, e, (i) => r("tick", i)) : e.role === "changes" ? Xe(e) : e.role === "shown" ? Ze(e) : e.role === "reconnect" ? Ve(t, (i) => r("reconnect", i)) : e.role === "retry" ? ot(n, (i) => r("retry", i)) : vt(e, t, (i) => r("answer", i)));
function vt(e, t, n) {
  const r = { ...e, base: pt }, i = e.scope === "tab", s = (i ? ht : xe)(window, r), o = JSON.stringify(e), c = `${e.scope} ${e.app}`, l = Y.get(c) ?? {
    ...Ie(),
    request: o,
    answered: /* @__PURE__ */ new Set(),
    claims: i ? new wt(window, r, s) : null
  };
  Y.set(c, l), l.request !== o && (l.request = o, l.answered.clear());
  const a = L.get(t);
  a?.stop();
  const f = a?.request === o ? a.answered : /* @__PURE__ */ new Set(), p = (Ee) => {
    const { claims: j } = l, k = j === null ? B(e, s, l) : Ce(e, s, l, j);
    k === null || Ee.has(M(k)) || (f.add(M(k)), l.answered.add(M(k)), n({ ...k, token: gt(k.token, e.veil) }));
  }, v = () => p(l.answered), g = () => {
    document.visibilityState === "visible" && p(l.answered);
  };
  window.addEventListener("storage", v), window.addEventListener("pageshow", g), document.addEventListener("visibilitychange", g), l.claims?.events.addEventListener("change", v);
  const ke = () => {
    window.removeEventListener("storage", v), window.removeEventListener("pageshow", g), document.removeEventListener("visibilitychange", g), l.claims?.events.removeEventListener("change", v);
  };
  return L.set(t, { request: o, answered: f, stop: ke }), p(f), () => {
    L.get(t)?.stop(), L.delete(t);
  };
}
function gt(e, t) {
  if (e === null) return null;
  let n = "";
  for (let r = 0; r < e.length; r++) {
    const i = parseInt(t.slice(2 * r, 2 * r + 2), 16);
    n += (e.charCodeAt(r) ^ i).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  kt as default,
  gt as veiled
};
