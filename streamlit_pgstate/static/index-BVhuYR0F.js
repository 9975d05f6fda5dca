function V(e, t) {
  return (e ?? "").split("!").map((r) => r.split("~")).filter(([r]) => t(r)).map(([r, i, ...s]) => ({
    token: r,
    refusedBy: s.slice(-8),
    isSpare: i === "spare"
  })).slice(0, 4);
}
function q(e) {
  return e.slice(0, 4).map(
    ({ token: t, refusedBy: n, isSpare: r }) => [t, r ? "spare" : "first", ...n.slice(-8)].join("~")
  ).join("!");
}
function ee(e, t, n) {
  const r = e.find((s) => s.token === t);
  return [{ token: t, refusedBy: r?.refusedBy ?? [], isSpare: n }, ...y(e, t)];
}
function y(e, t) {
  return e.filter((n) => n.token !== t);
}
function te(e, t, n, r) {
  if (n === "final") return y(e, t);
  const i = n === "key" ? r.key : n === "database" ? r.database : null;
  return i === null ? e : e.map(
    (s) => s.token === t && !s.refusedBy.includes(i) ? { ...s, refusedBy: [...s.refusedBy, i].slice(-8) } : s
  );
}
function Se(e, { token: t, isSpare: n }, { because: r, accepts: i }) {
  const s = te(ee(e, t, n), t, r, i), c = s.filter(({ refusedBy: [l, ...a] }) => l === i.database && a.length === 0).slice(1, -1);
  return s.filter((l) => !c.includes(l)).slice(0, 4);
}
function Ae(e, t) {
  const n = e.filter((r) => !r.isSpare).reverse();
  return t ? [...n, ...e.filter((r) => r.isSpare)] : n;
}
function me({ token: e, refusedBy: t }, { key: n, database: r, ...i }) {
  const s = Te(e);
  return !t.includes(n) && !t.includes(r) && s >= i.earliest && s <= i.latest;
}
function Te(e) {
  const t = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", n = e.split(".")[1] ?? "";
  let r = 0;
  for (const i of n) r = r * 64 + t.indexOf(i);
  return Math.floor(r / 2 ** (n.length * 6 % 8));
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
function x(e, t, n) {
  Me(e, t, n), ye(e, t, n);
  const r = t.readLocal(), i = r ?? t.readCookie();
  if (i !== null && u(i) === e.have) {
    r === null && t.writeLocal(i), t.writeCookie(i), n.gone.delete(e.have);
    const s = e.forgets ? null : W(e, t, n, !1);
    return s ? G(s, e, n) : ie(e, i, n);
  }
  return n.gone.has(e.have) ? null : i === null ? Ne(e, t, n) : Ce(i, e, t, n);
}
function $e(e, t, n, r) {
  const i = t.readLocal();
  if (i === null) return x(e, t, n);
  const s = u(i);
  return r.isCopy(i) && s !== e.replaces ? { to: e.have, token: i, blocked: !1, kept: !1, copied: !0 } : !r.isSettled && s !== e.have ? null : x(e, t, n);
}
function Ce(e, t, n, r) {
  const i = u(e), s = i === t.replaces || r.leaving === ne(i, t);
  return t.offer !== null && s ? Oe(e, t.offer, t, n, r) : m(e, t, r);
}
function Oe(e, t, n, r, i) {
  const s = ne(u(e), n);
  if (n.because === "final" && i.leaving !== s) return F(t, n, r, i);
  if (i.replaced.has(s)) return null;
  if (!Re(e, t, n, r)) return j(n, i);
  i.leaving = s;
  const c = W(n, r, i, !0);
  return c !== null ? G(c, n, i) : (i.replaced.add(s), F(t, n, r, i));
}
function ne(e, { have: t }) {
  return `${e} ${t}`;
}
function Re(e, t, n, r) {
  const i = r.readAside();
  if (u(e) !== n.replaces) return !0;
  const s = i.some((o) => o.token === t && !o.isSpare);
  return r.writeAside(Se(i, { token: e, isSpare: s }, n));
}
function Ne(e, t, n) {
  if (e.offer === null || n.stored.has(e.have))
    return t.isReadable() ? m(null, e, n) : j(e, n);
  const r = e.forgets ? null : W(e, t, n, !0);
  return r !== null ? G(r, e, n) : F(e.offer, e, t, n);
}
function F(e, t, n, r) {
  return Pe(e, n), n.writeLocal(e), n.readLocal() !== e && n.writeLocal(null), n.writeCookie(e), n.readLocal() === e || n.readCookie() === e ? (r.stored.add(t.have), ie(t, e, r)) : t.forgets && !t.ask ? null : j(t, r);
}
function Me(e, t, n) {
  const { replaces: r, because: i, accepts: s } = e;
  if (r === null) return;
  e.clears && !n.gone.has(r) && t.writeAside([]), n.gone.add(r);
  const o = t.readAside(), c = o.find(({ token: l }) => u(l) === r);
  c !== void 0 && t.writeAside(te(o, c.token, i, s));
}
function ye(e, t, n) {
  const { trial: r } = n;
  if (r === null) return;
  const i = r.mark === e.have, s = r.to === e.have && r.mark === e.replaces;
  (i || s) && (n.trial = null);
  const o = t.readAside(), c = o.find(({ token: f }) => u(f) === r.mark);
  if (!i || c === void 0) return;
  const l = t.readLocal() ?? t.readCookie(), a = y(o, c.token);
  t.writeLocal(c.token), t.writeCookie(c.token), t.writeAside(l === null ? a : ee(a, l, !c.isSpare));
}
function Pe(e, t) {
  const n = t.readAside(), r = y(n, e);
  r.length < n.length && t.writeAside(r);
}
function W(e, t, n, r) {
  const i = Ae(t.readAside(), r), s = (a) => {
    const f = u(a.token);
    return f === e.have || f === e.replaces ? !1 : !n.tried.has(re(f, e)) && me(a, e.accepts);
  }, { to: o, mark: c } = n.trial ?? {};
  return i.find(({ token: a }) => o === e.have && u(a) === c) ?? i.find(s) ?? null;
}
function G(e, t, n) {
  const r = u(e.token);
  return n.trial = { to: t.have, mark: r }, n.tried.add(re(r, t)), m(e.token, t, n);
}
function re(e, { have: t, accepts: n }) {
  return [e, t, ...Object.values(n)].join(" ");
}
function j(e, t) {
  return t.isBlocked = !0, { ...m(null, e, t), blocked: !0 };
}
function ie(e, t, n) {
  const r = e.ask || n.isBlocked;
  return n.agreed = e.have, n.isBlocked = !1, r ? m(t, e, n) : null;
}
function m(e, t, n) {
  const r = n.stored.has(t.have), i = e !== null && u(e) === n.agreed && n.agreed !== t.have, s = { to: t.have, token: e, blocked: !1, kept: r };
  return i ? { ...s, shown: !0 } : s;
}
function D(e) {
  const t = e.token === null ? "" : u(e.token);
  return `${e.to} ${t} ${e.blocked} ${e.copied ?? !1}`;
}
const De = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function H(e) {
  return typeof e == "string" && De.test(e);
}
function z(e, t, n) {
  const r = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${e}.${r}.${encodeURIComponent(t)}`;
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
  const n = z(t.app, t.base, e.location), r = se(() => e.localStorage, n), i = oe(n), s = ce(() => e.localStorage, i);
  return {
    ...r,
    // A browser that keeps cookies alone keeps these in one, too.
    readAside: () => {
      const o = s.readAside();
      return o.length > 0 ? o : V(d(() => b(e, i)), H);
    },
    writeAside: (o) => {
      if (s.writeAside(o))
        return d(() => b(e, i)) != null && $(e, i, null, 0, t.base), !0;
      s.writeAside([]);
      const c = t.cookie && o.length > 0 ? q(o) : null;
      return $(e, i, c, t.maxAge, t.base), c !== null && d(() => b(e, i)) === c;
    },
    readCookie: () => d(() => ae(b(e, n))),
    writeCookie: (o) => $(e, n, t.cookie ? o : null, t.maxAge, t.base),
    // If cookies are blocked, `document.cookie` is empty and throws nothing.
    isReadable: () => r.isReadable() || t.cookie && e.navigator.cookieEnabled
  };
}
function se(e, t) {
  return {
    readLocal: () => d(() => ae(e().getItem(t))),
    writeLocal: (n) => {
      d(
        () => n === null ? e().removeItem(t) : e().setItem(t, n)
      );
    },
    isReadable: () => d(() => (e().getItem(t), !0)) ?? !1
  };
}
function oe(e) {
  return e.replace(/^pgstate/, "pgstate-aside");
}
function ce(e, t) {
  const n = () => d(() => e().getItem(t));
  return {
    readAside: () => V(n(), H),
    writeAside: (r) => {
      const i = r.length > 0 ? q(r) : null;
      return n() === i ? i !== null || d(() => e().length) !== null : (d(
        () => i === null ? e().removeItem(t) : e().setItem(t, i)
      ), n() === i);
    }
  };
}
function $(e, t, n, r, i) {
  const s = n === null ? 0 : Math.round(r), o = R(e) ? "/" : i || "/", c = `${le(e, t)}=${n ?? ""}; Max-Age=${s}; Path=${o}`;
  for (const l of xe(e))
    if (d(() => e.document.cookie = `${c}; ${l}`), n !== null && d(() => b(e, t)) === n) return;
}
function xe(e) {
  const t = `SameSite=Strict${R(e) ? "; Secure" : ""}`, n = e.top !== e && !!e.top;
  return R(e) && n ? [t, "SameSite=None; Secure; Partitioned"] : [t];
}
function R(e) {
  return e.location.protocol === "https:";
}
function le(e, t) {
  return R(e) ? `__Host-${t}` : t;
}
function d(e) {
  try {
    return e();
  } catch {
    return null;
  }
}
function ae(e) {
  return H(e) ? e : null;
}
function b(e, t) {
  const n = `${le(e, t)}=`, r = e.document.cookie.split(/;\s*/).filter((o) => o.startsWith(n)).map((o) => o.slice(n.length)), [i, ...s] = new Set(r);
  return s.length === 0 ? i ?? null : null;
}
const N = /* @__PURE__ */ new WeakSet();
let ue = null;
const J = /* @__PURE__ */ new WeakSet();
function Fe(e) {
  if (J.has(e)) return;
  J.add(e);
  const t = (n, r) => e.addEventListener(n, r, { capture: !0, passive: !0 });
  t("pointerdown", ({ target: n }) => X(n)), t("focusin", ({ target: n }) => X(n)), t("input", ({ target: n }) => {
    C(n) && N.add(n);
  }), t("keydown", (n) => {
    C(n.target) && We(n, n.target) && je(n.target);
  }), t("focusout", ({ target: n }) => {
    C(n) && N.delete(n);
  });
}
function Ue(e) {
  const t = e.activeElement;
  if (!C(t)) return null;
  const n = fe(t);
  return n === null && !de(t) ? ue : (Ge(t) ? t.value !== "" : N.has(t)) ? n : null;
}
function We(e, t) {
  return e.isComposing ? !1 : e.key === "ArrowUp" || e.key === "ArrowDown" ? t.type === "number" : e.key !== "Enter" ? !1 : t.tagName === "INPUT" ? !0 : e.ctrlKey || e.metaKey;
}
function Ge(e) {
  return e.closest('[data-testid="stChatInput"]') !== null;
}
function je(e) {
  setTimeout(() => {
    e.getAttribute("aria-invalid") !== "true" && N.delete(e);
  });
}
function X(e) {
  e instanceof Element && de(e) && (ue = fe(e));
}
function de(e) {
  return e.closest('[data-testid="stElementContainer"]') !== null;
}
function fe(e) {
  const t = e.closest('[class*="st-key-"]');
  return Array.from(t?.classList ?? []).find((n) => n.startsWith("st-key-")) ?? null;
}
function C(e) {
  return e instanceof Element && ["INPUT", "TEXTAREA"].includes(e.tagName);
}
const He = 1e3, ze = 1e4, T = /* @__PURE__ */ new Map(), he = /* @__PURE__ */ new Map();
function Ke(e, t, n) {
  const r = T.get(e);
  r?.stop();
  const i = {
    lastTick: r?.lastTick ?? null,
    sentAt: r?.sentAt ?? 0,
    stop: () => {
    }
  };
  T.set(e, i), Fe(document);
  const s = () => {
    document.visibilityState !== "visible" || i.lastTick !== null && i.lastTick.number > t.received && Date.now() - i.sentAt < ze || (i.lastTick = { number: t.received + 1, typing: Ue(document) }, i.sentAt = Date.now(), n(i.lastTick));
  }, o = setInterval(s, He), c = () => s();
  document.addEventListener("visibilitychange", c);
  const l = Object.entries(t.channels).map(([a, f]) => {
    const v = we(a);
    return v !== null && (v.onmessage = ({ data: p }) => {
      const g = Math.max(f, he.get(a) ?? 0);
      typeof p == "number" && p > g && s();
    }), v;
  });
  return i.stop = () => {
    clearInterval(o), document.removeEventListener("visibilitychange", c);
    for (const a of l) a?.close();
  }, () => {
    T.get(e)?.stop(), T.delete(e);
  };
}
function Je(e) {
  for (const [t, n] of Object.entries(e.channels)) {
    he.set(t, n);
    const r = we(t);
    r?.postMessage(n), r?.close();
  }
}
function we(e) {
  return d(() => new BroadcastChannel(e));
}
const O = "data-test-connection-state", M = "CONNECTED", Xe = "data-test-script-state", Ye = "running";
function ve(e) {
  return e.querySelector("[data-testid=stApp]");
}
let pe = { have: "", version: 0, serverSession: "" };
function Qe({ have: e, version: t, serverSession: n }) {
  pe = { have: e, version: t, serverSession: n };
}
const L = /* @__PURE__ */ new Map();
function Ze(e, t) {
  L.get(e)?.disconnect();
  const n = ve(document);
  let r = n?.getAttribute(O);
  const i = new MutationObserver(() => {
    const s = n?.getAttribute(O);
    s === M && r !== M && t({ at: Date.now(), ...pe }), r = s;
  });
  return n !== null && i.observe(n, { attributeFilter: [O] }), L.set(e, i), () => {
    L.get(e)?.disconnect(), L.delete(e);
  };
}
const Ve = 3e4, qe = 500, et = 1e3, tt = 45e3;
function nt(e, t) {
  return Math.min(Ve, 1e3 * 2 ** (e - 1)) * (1 - t / 4);
}
function rt() {
  if (document.visibilityState !== "visible") return !1;
  const e = ve(document);
  return (e?.getAttribute(O) ?? M) === M && e?.getAttribute(Xe) !== Ye;
}
const w = /* @__PURE__ */ new Map(), S = /* @__PURE__ */ new Map(), it = 2;
let B = 0, ge = 0, A, E = 0;
function st(e, t) {
  w.size === 0 && Date.now() - ge > et && (B = 0, S.clear()), w.set(e, t);
  const n = (S.get(e) ?? 0) + 1;
  return S.set(e, n), n <= it && (B += 1, ke(nt(B, Math.random()))), document.addEventListener("visibilitychange", P), () => {
    w.delete(e), S.delete(e), w.size === 0 && ot();
  };
}
function ot() {
  clearTimeout(A), E = 0, ge = Date.now(), document.removeEventListener("visibilitychange", P);
}
function ke(e) {
  clearTimeout(A), E = 0, A = setTimeout(() => {
    S.clear(), E = w.size, P();
  }, e);
}
function P() {
  const [e] = w;
  if (E === 0 || e === void 0 || (clearTimeout(A), A = setTimeout(P, qe), !rt())) return;
  E -= 1;
  const [t, n] = e;
  w.delete(t), w.set(t, n), E === 0 && ke(tt), n({ at: Date.now() });
}
const Y = "streamlit-pgstate-style", U = ".st-key-streamlit_pgstate_progress", h = ".st-key-streamlit_pgstate_outage", ct = `:is(${U} [data-testid="stProgress"], ${h})`, _ = `[data-testid="stEvent"]:has(${ct})`, Q = `:is(${h}, :has(${h}))`, lt = `
[class*="st-key-streamlit_pgstate"]:not(${U}, ${h}) {
  position: absolute;
}
${_} {
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
${_}:has(${h}) {
  width: min(36rem, 90vw);
  padding: 0;
}
${_} [data-testid="stElementContainer"]:not(:is(${U}, ${h}) *),
${h} [class*="st-key-streamlit_pgstate_retry"],
${Q} ~ ${h},
${Q} ~ * ${h} {
  display: none;
}
`;
function at(e) {
  if (e.getElementById(Y) !== null) return;
  const t = e.createElement("style");
  t.id = Y, t.textContent = lt, e.head.append(t);
}
const ut = 5, dt = 150;
function ft(e, t) {
  const n = z(t.app, t.base, e.location);
  return {
    ...se(() => e.sessionStorage, n),
    ...ce(() => e.sessionStorage, oe(n)),
    readCookie: () => null,
    writeCookie: () => {
    }
  };
}
class ht {
  constructor(t, n, r, i) {
    this.page = t, this.options = n, this.copies = r, this.events = new EventTarget(), this.id = Math.random().toString(36).slice(2), this.copied = /* @__PURE__ */ new Set(), this.since = i ?? performance.timeOrigin, this.name = z(n.app, n.base, t.location), this.channel = d(() => new BroadcastChannel(`${this.name}.tab`)), this.channel?.addEventListener("message", ({ data: s }) => this.receive(s)), this.isSettled = this.channel === null || r.readLocal() === null, this.writeReloadCookie(null), t.addEventListener("pagehide", () => this.writeReloadCookie(r.readLocal())), t.addEventListener("pageshow", (s) => {
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
    $(this.page, r, t, ut, this.options.base);
  }
}
const wt = Be(import.meta.url), Z = /* @__PURE__ */ new Map(), I = /* @__PURE__ */ new Map(), gt = ({ data: e, key: t, parentElement: n, setStateValue: r }) => (at(document), e.role === "live" ? Ke(t, e, (i) => r("tick", i)) : e.role === "changes" ? Je(e) : e.role === "shown" ? Qe(e) : e.role === "reconnect" ? Ze(t, (i) => r("reconnect", i)) : e.role === "retry" ? st(n, (i) => r("retry", i)) : vt(e, t, (i) => r("answer", i)));
function vt(e, t, n) {
  const r = { ...e, base: wt }, i = e.scope === "tab", s = (i ? ft : _e)(window, r), o = JSON.stringify(e), c = `${e.scope} ${e.app}`, l = Z.get(c) ?? {
    ...Le(),
    request: o,
    answered: /* @__PURE__ */ new Set(),
    claims: i ? new ht(window, r, s) : null
  };
  Z.set(c, l), l.request !== o && (l.request = o, l.answered.clear());
  const a = I.get(t);
  a?.stop();
  const f = a?.request === o ? a.answered : /* @__PURE__ */ new Set(), v = (be) => {
    const { claims: K } = l, k = K === null ? x(e, s, l) : $e(e, s, l, K);
    k === null || be.has(D(k)) || (f.add(D(k)), l.answered.add(D(k)), n({ ...k, token: pt(k.token, e.veil) }));
  }, p = () => v(l.answered), g = () => {
    document.visibilityState === "visible" && v(l.answered);
  };
  window.addEventListener("storage", p), window.addEventListener("pageshow", g), document.addEventListener("visibilitychange", g), l.claims?.events.addEventListener("change", p);
  const Ee = () => {
    window.removeEventListener("storage", p), window.removeEventListener("pageshow", g), document.removeEventListener("visibilitychange", g), l.claims?.events.removeEventListener("change", p);
  };
  return I.set(t, { request: o, answered: f, stop: Ee }), v(f), () => {
    I.get(t)?.stop(), I.delete(t);
  };
}
function pt(e, t) {
  if (e === null) return null;
  let n = "";
  for (let r = 0; r < e.length; r++) {
    const i = parseInt(t.slice(2 * r, 2 * r + 2), 16);
    n += (e.charCodeAt(r) ^ i).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  gt as default,
  pt as veiled
};
