function Ee(e, t) {
  return (e ?? "").split("!").map((i) => i.split("~")).filter(([i]) => t(i)).map(([i, r, ...s]) => ({
    token: i,
    refusedBy: s.slice(-8),
    isSpare: r === "spare"
  })).slice(0, 4);
}
function Se(e) {
  return e.slice(0, 4).map(
    ({ token: t, refusedBy: n, isSpare: i }) => [t, i ? "spare" : "first", ...n.slice(-8)].join("~")
  ).join("!");
}
function Y(e, t, n) {
  const i = e.find((s) => s.token === t);
  return [{ token: t, refusedBy: i?.refusedBy ?? [], isSpare: n }, ...N(e, t)];
}
function N(e, t) {
  return e.filter((n) => n.token !== t);
}
function Q(e, t, n, i) {
  if (n === "final") return N(e, t);
  const r = n === "key" ? i.key : n === "database" ? i.database : null;
  return r === null ? e : e.map(
    (s) => s.token === t && !s.refusedBy.includes(r) ? { ...s, refusedBy: [...s.refusedBy, r].slice(-8) } : s
  );
}
function be(e, { token: t, isSpare: n }, { because: i, accepts: r }) {
  const s = Q(Y(e, t, n), t, i, r), c = s.filter(({ refusedBy: [l, ...a] }) => l === r.database && a.length === 0).slice(1, -1);
  return s.filter((l) => !c.includes(l)).slice(0, 4);
}
function me(e, t) {
  const n = e.filter((i) => !i.isSpare).reverse();
  return t ? [...n, ...e.filter((i) => i.isSpare)] : n;
}
function Ae({ token: e, refusedBy: t }, { key: n, database: i, ...r }) {
  const s = Te(e);
  return !t.includes(n) && !t.includes(i) && s >= r.earliest && s <= r.latest;
}
function Te(e) {
  const t = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", n = e.split(".")[1] ?? "";
  let i = 0;
  for (const r of n) i = i * 64 + t.indexOf(r);
  return Math.floor(i / 2 ** (n.length * 6 % 8));
}
function Le() {
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
const Ie = 16;
function u(e) {
  return e.slice(-43).slice(0, Ie);
}
function B(e, t, n) {
  ye(e, t, n), Me(e, t, n);
  const i = t.readLocal(), r = i ?? t.readCookie();
  if (r !== null && u(r) === e.have) {
    i === null && t.writeLocal(r), t.writeCookie(r);
    const s = n.gone.delete(e.have), c = !e.forgets && !s ? F(e, t, n, !1) : null;
    return c ? U(c, e, n) : q(e, r, n);
  }
  return n.gone.has(e.have) ? null : r === null ? Ne(e, t, n) : Ce(r, e, t, n);
}
function $e(e, t, n, i) {
  const r = t.readLocal();
  if (r === null) return B(e, t, n);
  const s = u(r);
  return i.isCopy(r) && s !== e.replaces ? { to: e.have, token: r, blocked: !1, kept: !1, copied: !0 } : !i.isSettled && s !== e.have ? null : B(e, t, n);
}
function Ce(e, t, n, i) {
  const r = u(e), s = r === t.replaces || i.leaving === Z(r, t);
  return t.offer !== null && s ? Oe(e, t.offer, t, n, i) : m(e, t, i);
}
function Oe(e, t, n, i, r) {
  const s = Z(u(e), n);
  if (n.because === "final" && r.leaving !== s) return _(t, n, i, r);
  if (r.replaced.has(s)) return null;
  if (!Re(e, t, n, i)) return W(n, r);
  r.leaving = s;
  const c = F(n, i, r, !0);
  return c !== null ? U(c, n, r) : (r.replaced.add(s), _(t, n, i, r));
}
function Z(e, { have: t }) {
  return `${e} ${t}`;
}
function Re(e, t, n, i) {
  const r = i.readAside();
  if (u(e) !== n.replaces) return !0;
  const s = r.some((o) => o.token === t && !o.isSpare);
  return i.writeAside(be(r, { token: e, isSpare: s }, n));
}
function Ne(e, t, n) {
  if (e.offer === null || n.stored.has(e.have))
    return t.isReadable() ? m(null, e, n) : W(e, n);
  const i = e.forgets ? null : F(e, t, n, !0);
  return i !== null ? U(i, e, n) : _(e.offer, e, t, n);
}
function _(e, t, n, i) {
  return Pe(e, n), n.writeLocal(e), n.readLocal() !== e && n.writeLocal(null), n.writeCookie(e), n.readLocal() === e || n.readCookie() === e ? (i.stored.add(t.have), q(t, e, i)) : t.forgets && !t.ask ? null : W(t, i);
}
function ye(e, t, n) {
  const { replaces: i, because: r, accepts: s } = e;
  if (i === null) return;
  e.clears && !n.gone.has(i) && t.writeAside([]), n.gone.add(i);
  const o = t.readAside(), c = o.find(({ token: l }) => u(l) === i);
  c !== void 0 && t.writeAside(Q(o, c.token, r, s));
}
function Me(e, t, n) {
  const { trial: i } = n;
  if (i === null) return;
  const r = i.mark === e.have, s = i.to === e.have && i.mark === e.replaces;
  (r || s) && (n.trial = null);
  const o = t.readAside(), c = o.find(({ token: f }) => u(f) === i.mark);
  if (!r || c === void 0) return;
  const l = t.readLocal() ?? t.readCookie(), a = N(o, c.token);
  t.writeLocal(c.token), t.writeCookie(c.token), t.writeAside(l === null ? a : Y(a, l, !c.isSpare));
}
function Pe(e, t) {
  const n = t.readAside(), i = N(n, e);
  i.length < n.length && t.writeAside(i);
}
function F(e, t, n, i) {
  const r = me(t.readAside(), i), s = (a) => {
    const f = u(a.token);
    return f === e.have || f === e.replaces ? !1 : !n.tried.has(V(f, e)) && Ae(a, e.accepts);
  }, { to: o, mark: c } = n.trial ?? {};
  return r.find(({ token: a }) => o === e.have && u(a) === c) ?? r.find(s) ?? null;
}
function U(e, t, n) {
  const i = u(e.token);
  return n.trial = { to: t.have, mark: i }, n.tried.add(V(i, t)), m(e.token, t, n);
}
function V(e, { have: t, accepts: n }) {
  return [e, t, ...Object.values(n)].join(" ");
}
function W(e, t) {
  return t.isBlocked = !0, { ...m(null, e, t), blocked: !0 };
}
function q(e, t, n) {
  const i = e.ask || n.isBlocked;
  return n.agreed = e.have, n.isBlocked = !1, i ? m(t, e, n) : null;
}
function m(e, t, n) {
  const i = n.stored.has(t.have), r = e !== null && u(e) === n.agreed && n.agreed !== t.have, s = { to: t.have, token: e, blocked: !1, kept: i };
  return r ? { ...s, shown: !0 } : s;
}
function M(e) {
  const t = e.token === null ? "" : u(e.token);
  return `${e.to} ${t} ${e.blocked} ${e.copied ?? !1}`;
}
const De = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function ee(e) {
  return typeof e == "string" && De.test(e);
}
function G(e, t, n) {
  const i = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${e}.${i}.${encodeURIComponent(t)}`;
}
function Be(e) {
  try {
    const { pathname: t } = new URL(e), n = t.indexOf("/_stcore/");
    return n > 0 ? t.slice(0, n) : "";
  } catch {
    return "";
  }
}
function _e(e, t) {
  const n = G(t.app, t.base, e.location), i = te(() => e.localStorage, n);
  return {
    ...i,
    // In no cookie: who can set one for this host could bring the page into another session.
    ...ie(() => e.localStorage, ne(n)),
    readCookie: () => d(() => oe(ce(e, n))),
    writeCookie: (r) => re(e, n, t.cookie ? r : null, t.maxAge, t.base),
    // If cookies are blocked, `document.cookie` is empty and throws nothing.
    isReadable: () => i.isReadable() || t.cookie && e.navigator.cookieEnabled
  };
}
function te(e, t) {
  return {
    readLocal: () => d(() => oe(e().getItem(t))),
    writeLocal: (n) => {
      d(
        () => n === null ? e().removeItem(t) : e().setItem(t, n)
      );
    },
    isReadable: () => d(() => (e().getItem(t), !0)) ?? !1
  };
}
function ne(e) {
  return e.replace(/^pgstate/, "pgstate-aside");
}
function ie(e, t) {
  const n = () => d(() => e().getItem(t));
  return {
    readAside: () => Ee(n(), ee),
    writeAside: (i) => {
      const r = i.length > 0 ? Se(i) : null;
      return n() !== r && d(
        () => r === null ? e().removeItem(t) : e().setItem(t, r)
      ), !(d(() => (e().getItem(t), !0)) ?? !1) || n() === r;
    }
  };
}
function re(e, t, n, i, r) {
  const s = n === null ? 0 : Math.round(i), o = C(e) ? "/" : r || "/", c = `${se(e, t)}=${n ?? ""}; Max-Age=${s}; Path=${o}`;
  for (const l of xe(e))
    if (d(() => e.document.cookie = `${c}; ${l}`), n !== null && d(() => ce(e, t)) === n) return;
}
function xe(e) {
  const t = `SameSite=Strict${C(e) ? "; Secure" : ""}`, n = e.top !== e && !!e.top;
  return C(e) && n ? [t, "SameSite=None; Secure; Partitioned"] : [t];
}
function C(e) {
  return e.location.protocol === "https:";
}
function se(e, t) {
  return C(e) ? `__Host-${t}` : t;
}
function d(e) {
  try {
    return e();
  } catch {
    return null;
  }
}
function oe(e) {
  return ee(e) ? e : null;
}
function ce(e, t) {
  const n = `${se(e, t)}=`, i = e.document.cookie.split(/;\s*/).filter((o) => o.startsWith(n)).map((o) => o.slice(n.length)), [r, ...s] = new Set(i);
  return s.length === 0 ? r ?? null : null;
}
const O = /* @__PURE__ */ new WeakSet();
let le = null;
const H = /* @__PURE__ */ new WeakSet();
function Fe(e) {
  if (H.has(e)) return;
  H.add(e);
  const t = (n, i) => e.addEventListener(n, i, { capture: !0, passive: !0 });
  t("pointerdown", ({ target: n }) => z(n)), t("focusin", ({ target: n }) => z(n)), t("input", ({ target: n }) => {
    I(n) && O.add(n);
  }), t("keydown", (n) => {
    I(n.target) && We(n, n.target) && je(n.target);
  }), t("focusout", ({ target: n }) => {
    I(n) && O.delete(n);
  });
}
function Ue(e) {
  const t = e.activeElement;
  if (!I(t)) return null;
  const n = ue(t);
  return n === null && !ae(t) ? le : (Ge(t) ? t.value !== "" : O.has(t)) ? n : null;
}
function We(e, t) {
  return e.isComposing ? !1 : e.key === "ArrowUp" || e.key === "ArrowDown" ? t.type === "number" : e.key !== "Enter" ? !1 : t.tagName === "INPUT" ? !0 : e.ctrlKey || e.metaKey;
}
function Ge(e) {
  return e.closest('[data-testid="stChatInput"]') !== null;
}
function je(e) {
  setTimeout(() => {
    e.getAttribute("aria-invalid") !== "true" && O.delete(e);
  });
}
function z(e) {
  e instanceof Element && ae(e) && (le = ue(e));
}
function ae(e) {
  return e.closest('[data-testid="stElementContainer"]') !== null;
}
function ue(e) {
  const t = e.closest('[class*="st-key-"]');
  return Array.from(t?.classList ?? []).find((n) => n.startsWith("st-key-")) ?? null;
}
function I(e) {
  return e instanceof Element && ["INPUT", "TEXTAREA"].includes(e.tagName);
}
const He = 1e3, ze = 1e4, A = /* @__PURE__ */ new Map(), de = /* @__PURE__ */ new Map();
function Ke(e, t, n) {
  const i = A.get(e);
  i?.stop();
  const r = {
    lastTick: i?.lastTick ?? null,
    sentAt: i?.sentAt ?? 0,
    stop: () => {
    }
  };
  A.set(e, r), Fe(document);
  const s = () => {
    document.visibilityState !== "visible" || r.lastTick !== null && r.lastTick.number > t.received && Date.now() - r.sentAt < ze || (r.lastTick = { number: t.received + 1, typing: Ue(document) }, r.sentAt = Date.now(), n(r.lastTick));
  }, o = setInterval(s, He), c = () => s();
  document.addEventListener("visibilitychange", c);
  const l = Object.entries(t.channels).map(([a, f]) => {
    const p = fe(a);
    return p !== null && (p.onmessage = ({ data: v }) => {
      const g = Math.max(f, de.get(a) ?? 0);
      typeof v == "number" && v > g && s();
    }), p;
  });
  return r.stop = () => {
    clearInterval(o), document.removeEventListener("visibilitychange", c);
    for (const a of l) a?.close();
  }, () => {
    A.get(e)?.stop(), A.delete(e);
  };
}
function Je(e) {
  for (const [t, n] of Object.entries(e.channels)) {
    de.set(t, n);
    const i = fe(t);
    i?.postMessage(n), i?.close();
  }
}
function fe(e) {
  return d(() => new BroadcastChannel(e));
}
const $ = "data-test-connection-state", R = "CONNECTED", Xe = "data-test-script-state", Ye = "running";
function he(e) {
  return e.querySelector("[data-testid=stApp]");
}
let we = { have: "", version: 0, serverSession: "" };
function Qe({ have: e, version: t, serverSession: n }) {
  we = { have: e, version: t, serverSession: n };
}
const T = /* @__PURE__ */ new Map();
function Ze(e, t) {
  T.get(e)?.disconnect();
  const n = he(document);
  let i = n?.getAttribute($);
  const r = new MutationObserver(() => {
    const s = n?.getAttribute($);
    s === R && i !== R && t({ at: Date.now(), ...we }), i = s;
  });
  return n !== null && r.observe(n, { attributeFilter: [$] }), T.set(e, r), () => {
    T.get(e)?.disconnect(), T.delete(e);
  };
}
const Ve = 3e4, qe = 500, et = 1e3, tt = 45e3;
function nt(e, t) {
  return Math.min(Ve, 1e3 * 2 ** (e - 1)) * (1 - t / 4);
}
function it() {
  if (document.visibilityState !== "visible") return !1;
  const e = he(document);
  return (e?.getAttribute($) ?? R) === R && e?.getAttribute(Xe) !== Ye;
}
const w = /* @__PURE__ */ new Map(), S = /* @__PURE__ */ new Map(), rt = 2;
let P = 0, pe = 0, b, E = 0;
function st(e, t) {
  w.size === 0 && Date.now() - pe > et && (P = 0, S.clear()), w.set(e, t);
  const n = (S.get(e) ?? 0) + 1;
  return S.set(e, n), n <= rt && (P += 1, ve(nt(P, Math.random()))), document.addEventListener("visibilitychange", y), () => {
    w.delete(e), S.delete(e), w.size === 0 && ot();
  };
}
function ot() {
  clearTimeout(b), E = 0, pe = Date.now(), document.removeEventListener("visibilitychange", y);
}
function ve(e) {
  clearTimeout(b), E = 0, b = setTimeout(() => {
    S.clear(), E = w.size, y();
  }, e);
}
function y() {
  const [e] = w;
  if (E === 0 || e === void 0 || (clearTimeout(b), b = setTimeout(y, qe), !it())) return;
  E -= 1;
  const [t, n] = e;
  w.delete(t), w.set(t, n), E === 0 && ve(tt), n({ at: Date.now() });
}
const K = "streamlit-pgstate-style", x = ".st-key-streamlit_pgstate_progress", h = ".st-key-streamlit_pgstate_outage", ct = `:is(${x} [data-testid="stProgress"], ${h})`, D = `[data-testid="stEvent"]:has(${ct})`, J = `:is(${h}, :has(${h}))`, lt = `
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
${J} ~ ${h},
${J} ~ * ${h} {
  display: none;
}
`;
function at(e) {
  if (e.getElementById(K) !== null) return;
  const t = e.createElement("style");
  t.id = K, t.textContent = lt, e.head.append(t);
}
const ut = 5, dt = 150;
function ft(e, t) {
  const n = G(t.app, t.base, e.location);
  return {
    ...te(() => e.sessionStorage, n),
    ...ie(() => e.sessionStorage, ne(n)),
    readCookie: () => null,
    writeCookie: () => {
    }
  };
}
class ht {
  constructor(t, n, i, r) {
    this.page = t, this.options = n, this.copies = i, this.events = new EventTarget(), this.id = Math.random().toString(36).slice(2), this.copied = /* @__PURE__ */ new Set(), this.since = r ?? performance.timeOrigin, this.name = G(n.app, n.base, t.location), this.channel = d(() => new BroadcastChannel(`${this.name}.tab`)), this.channel?.addEventListener("message", ({ data: s }) => this.receive(s)), this.isSettled = this.channel === null || i.readLocal() === null, this.writeReloadCookie(null), t.addEventListener("pagehide", () => this.writeReloadCookie(i.readLocal())), t.addEventListener("pageshow", (s) => {
      s.persisted && (this.writeReloadCookie(null), this.query());
    }), t.document.addEventListener("visibilitychange", () => {
      t.document.visibilityState === "visible" && this.query();
    }), !this.isSettled && (this.query(), t.setTimeout(() => this.settle(), dt));
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
  receive({ kind: t, fingerprint: n, from: i, since: r, to: s }) {
    const o = this.copies.readLocal();
    if (o === null || n !== u(o)) return;
    const c = r < this.since || r === this.since && i < this.id;
    t === "query" && !c ? this.send({ kind: "claim", fingerprint: n, to: i }) : (t === "query" || s === this.id) && (this.copied.add(n), this.isSettled = !0, this.events.dispatchEvent(new Event("change")));
  }
  /** Write the cookie from which the server knows the tab after F5. Null removes it: it was read. */
  writeReloadCookie(t) {
    const n = t ?? this.copies.readLocal();
    if (!this.options.cookie || n === null) return;
    const i = `${this.name.replace(/^pgstate/, "pgstate-tab")}.${u(n)}`;
    re(this.page, i, t, ut, this.options.base);
  }
}
const wt = Be(import.meta.url), X = /* @__PURE__ */ new Map(), L = /* @__PURE__ */ new Map(), gt = ({ data: e, key: t, parentElement: n, setStateValue: i }) => (at(document), e.role === "live" ? Ke(t, e, (r) => i("tick", r)) : e.role === "changes" ? Je(e) : e.role === "shown" ? Qe(e) : e.role === "reconnect" ? Ze(t, (r) => i("reconnect", r)) : e.role === "retry" ? st(n, (r) => i("retry", r)) : pt(e, t, (r) => i("answer", r)));
function pt(e, t, n) {
  const i = { ...e, base: wt }, r = e.scope === "tab", s = (r ? ft : _e)(window, i), o = JSON.stringify(e), c = `${e.scope} ${e.app}`, l = X.get(c) ?? {
    ...Le(),
    request: o,
    answered: /* @__PURE__ */ new Set(),
    claims: r ? new ht(window, i, s) : null
  };
  X.set(c, l), l.request !== o && (l.request = o, l.answered.clear());
  const a = L.get(t);
  a?.stop();
  const f = a?.request === o ? a.answered : /* @__PURE__ */ new Set(), p = (ke) => {
    const { claims: j } = l, k = j === null ? B(e, s, l) : $e(e, s, l, j);
    k === null || ke.has(M(k)) || (f.add(M(k)), l.answered.add(M(k)), n({ ...k, token: vt(k.token, e.veil) }));
  }, v = () => p(l.answered), g = () => {
    document.visibilityState === "visible" && p(l.answered);
  };
  window.addEventListener("storage", v), window.addEventListener("pageshow", g), document.addEventListener("visibilitychange", g), l.claims?.events.addEventListener("change", v);
  const ge = () => {
    window.removeEventListener("storage", v), window.removeEventListener("pageshow", g), document.removeEventListener("visibilitychange", g), l.claims?.events.removeEventListener("change", v);
  };
  return L.set(t, { request: o, answered: f, stop: ge }), p(f), () => {
    L.get(t)?.stop(), L.delete(t);
  };
}
function vt(e, t) {
  if (e === null) return null;
  let n = "";
  for (let i = 0; i < e.length; i++) {
    const r = parseInt(t.slice(2 * i, 2 * i + 2), 16);
    n += (e.charCodeAt(i) ^ r).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  gt as default,
  vt as veiled
};
