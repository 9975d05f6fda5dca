function $e(e, t) {
  return (e ?? "").split("!").map((s) => s.split("~")).filter(([s]) => t(s)).map(([s, r, ...i]) => ({
    token: s,
    refusedBy: i.slice(-8),
    isSpare: r === "spare"
  })).slice(0, 4);
}
function Ce(e) {
  return e.slice(0, 4).map(
    ({ token: t, refusedBy: n, isSpare: s }) => [t, s ? "spare" : "first", ...n.slice(-8)].join("~")
  ).join("!");
}
function Z(e, t, n) {
  const s = e.find((i) => i.token === t);
  return [{ token: t, refusedBy: s?.refusedBy ?? [], isSpare: n }, ...M(e, t)];
}
function M(e, t) {
  return e.filter((n) => n.token !== t);
}
function V(e, t, n, s) {
  if (n === "final") return M(e, t);
  const r = n === "key" ? s.key : n === "database" ? s.database : null;
  return r === null ? e : e.map(
    (i) => i.token === t && !i.refusedBy.includes(r) ? { ...i, refusedBy: [...i.refusedBy, r].slice(-8) } : i
  );
}
function q(e, { token: t, isSpare: n }, { because: s, accepts: r }) {
  const i = V(Z(e, t, n), t, s, r), a = i.filter(({ refusedBy: [c, ...l] }) => c === r.database && l.length === 0).slice(1, -1);
  return i.filter((c) => !a.includes(c)).slice(0, 4);
}
function Oe(e, t) {
  const n = e.filter((s) => !s.isSpare).reverse();
  return t ? [...n, ...e.filter((s) => s.isSpare)] : n;
}
function ee({ token: e, refusedBy: t }, { key: n, database: s, ...r }) {
  const i = Re(e);
  return !t.includes(n) && !t.includes(s) && i >= r.earliest && i <= r.latest;
}
function Re(e) {
  const t = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", n = e.split(".")[1] ?? "";
  let s = 0;
  for (const r of n) s = s * 64 + t.indexOf(r);
  return Math.floor(s / 2 ** (n.length * 6 % 8));
}
function Me() {
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
const Ne = 16;
function u(e) {
  return e.slice(-43).slice(0, Ne);
}
function _(e, t, n) {
  Ue(e, t, n), Fe(e, t, n);
  const s = t.readLocal(), r = s ?? t.readCookie();
  if (r !== null && u(r) === e.have) {
    s === null && t.writeLocal(r), t.writeCookie(r);
    const i = n.gone.delete(e.have), a = !e.forgets && !i ? F(e, t, n, !1) : null;
    return a ? W(a, e, n) : se(e, r, n);
  }
  return n.gone.has(e.have) ? null : r === null ? xe(e, t, n) : Pe(r, e, t, n);
}
function ye(e, t, n, s) {
  const r = t.readLocal();
  if (r === null) return _(e, t, n);
  const i = u(r);
  return s.isCopy(r) && i !== e.replaces ? { to: e.have, token: r, blocked: !1, kept: !1, copied: !0 } : !s.isSettled && i !== e.have ? null : _(e, t, n);
}
function Pe(e, t, n, s) {
  const r = u(e), i = r === t.replaces || s.leaving === te(r, t);
  return t.offer !== null && i ? Be(e, t.offer, t, n, s) : De(t, n) ? null : b(e, t, s);
}
function De({ have: e, accepts: t }, n) {
  const s = n.readAside().find(({ token: r }) => u(r) === e);
  return s !== void 0 && !s.isSpare && ee(s, t);
}
function Be(e, t, n, s, r) {
  const i = te(u(e), n);
  if (n.because === "final" && r.leaving !== i) return x(t, n, s, r);
  if (r.replaced.has(i)) return null;
  if (!_e(e, t, n, s)) return G(n, r);
  r.leaving = i;
  const a = F(n, s, r, !0);
  return a !== null ? W(a, n, r) : (r.replaced.add(i), x(t, n, s, r));
}
function te(e, { have: t }) {
  return `${e} ${t}`;
}
function _e(e, t, n, s) {
  return H(e, t, n, s) || (s.writeLocal(null), H(e, t, n, s)) ? !0 : (s.writeLocal(e), s.readLocal() !== e);
}
function H(e, t, n, s) {
  const r = s.readAside();
  if (u(e) !== n.replaces) return !0;
  const i = r.some((o) => o.token === t && !o.isSpare);
  return s.writeAside(q(r, { token: e, isSpare: i }, n));
}
function xe(e, t, n) {
  if (e.offer === null || n.stored.has(e.have))
    return t.isReadable() ? b(null, e, n) : G(e, n);
  const s = e.forgets ? null : F(e, t, n, !0);
  return s !== null ? W(s, e, n) : x(e.offer, e, t, n);
}
function x(e, t, n, s) {
  return We(e, n), n.writeLocal(e), n.readLocal() !== e && n.writeLocal(null), n.writeCookie(e), n.readLocal() === e || n.readCookie() === e ? (s.stored.add(t.have), se(t, e, s)) : t.forgets && !t.ask ? null : G(t, s);
}
function Ue(e, t, n) {
  const { replaces: s, because: r, accepts: i } = e;
  if (s === null) return;
  e.clears && !n.gone.has(s) && t.writeAside([]), n.gone.add(s);
  const o = t.readAside(), a = o.find(({ token: c }) => u(c) === s);
  a !== void 0 && t.writeAside(V(o, a.token, r, i));
}
function Fe(e, t, n) {
  const { trial: s } = n;
  if (s === null) return;
  const r = s.mark === e.have, i = s.to === e.have && s.mark === e.replaces;
  (r || i) && (n.trial = null);
  const o = t.readAside(), a = o.find(({ token: f }) => u(f) === s.mark);
  if (!r || a === void 0) return;
  const c = t.readLocal() ?? t.readCookie(), l = M(o, a.token);
  t.writeLocal(a.token), t.writeCookie(a.token), t.writeAside(c === null ? l : Z(l, c, !a.isSpare));
}
function We(e, t) {
  const n = t.readAside(), s = M(n, e);
  s.length < n.length && t.writeAside(s);
}
function F(e, t, n, s) {
  const r = Oe(t.readAside(), s), i = (l) => {
    const f = u(l.token);
    return f === e.have || f === e.replaces ? !1 : !n.tried.has(ne(f, e)) && ee(l, e.accepts);
  }, { to: o, mark: a } = n.trial ?? {};
  return r.find(({ token: l }) => o === e.have && u(l) === a) ?? r.find(i) ?? null;
}
function W(e, t, n) {
  const s = u(e.token);
  return n.trial = { to: t.have, mark: s }, n.tried.add(ne(s, t)), b(e.token, t, n);
}
function ne(e, { have: t, accepts: n }) {
  return [e, t, ...Object.values(n)].join(" ");
}
function G(e, t) {
  return t.isBlocked = !0, { ...b(null, e, t), blocked: !0 };
}
function se(e, t, n) {
  const s = e.ask || n.isBlocked;
  return n.agreed = e.have, n.isBlocked = !1, s ? b(t, e, n) : null;
}
function b(e, t, n) {
  const s = n.stored.has(t.have), r = e !== null && u(e) === n.agreed && n.agreed !== t.have, i = { to: t.have, token: e, blocked: !1, kept: s };
  return r ? { ...i, shown: !0 } : i;
}
function P(e) {
  const t = e.token === null ? "" : u(e.token);
  return `${e.to} ${t} ${e.blocked} ${e.copied ?? !1}`;
}
const Ge = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function re(e) {
  return typeof e == "string" && Ge.test(e);
}
function N(e, t, n) {
  const s = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${e}.${s}.${encodeURIComponent(t)}`;
}
function je(e) {
  try {
    const { pathname: t } = new URL(e), n = t.indexOf("/_stcore/");
    return n > 0 ? t.slice(0, n) : "";
  } catch {
    return "";
  }
}
function ie(e, t) {
  const n = N(t.app, t.base, e.location), s = oe(() => e.localStorage, n);
  return {
    ...s,
    // In no cookie: who can set one for this host could bring the page into another session.
    ...ae(() => e.localStorage, ce(n)),
    readCookie: () => d(() => de(fe(e, n))),
    writeCookie: (r) => le(e, n, t.cookie ? r : null, t.maxAge, t.base),
    // If cookies are blocked, `document.cookie` is empty and throws nothing.
    isReadable: () => s.isReadable() || t.cookie && e.navigator.cookieEnabled
  };
}
function oe(e, t) {
  return {
    readLocal: () => d(() => de(e().getItem(t))),
    writeLocal: (n) => {
      d(
        () => n === null ? e().removeItem(t) : e().setItem(t, n)
      );
    },
    isReadable: () => d(() => (e().getItem(t), !0)) ?? !1
  };
}
function ce(e) {
  return e.replace(/^pgstate/, "pgstate-aside");
}
function ae(e, t) {
  const n = () => d(() => e().getItem(t));
  return {
    readAside: () => $e(n(), re),
    writeAside: (s) => {
      const r = s.length > 0 ? Ce(s) : null;
      return n() !== r && d(
        () => r === null ? e().removeItem(t) : e().setItem(t, r)
      ), !(d(() => (e().getItem(t), !0)) ?? !1) || n() === r;
    }
  };
}
function le(e, t, n, s, r) {
  const i = n === null ? 0 : Math.round(s), o = C(e) || r.includes(";") ? "/" : r || "/", a = `${ue(e, t)}=${n ?? ""}; Max-Age=${i}; Path=${o}`;
  for (const c of He(e))
    if (d(() => e.document.cookie = `${a}; ${c}`), n !== null && d(() => fe(e, t)) === n) return;
}
function He(e) {
  const t = `SameSite=Strict${C(e) ? "; Secure" : ""}`, n = e.top !== e && !!e.top;
  return C(e) && n ? [t, "SameSite=None; Secure; Partitioned"] : [t];
}
function C(e) {
  return e.location.protocol === "https:";
}
function ue(e, t) {
  return C(e) ? `__Host-${t}` : t;
}
function d(e) {
  try {
    return e();
  } catch {
    return null;
  }
}
function de(e) {
  return re(e) ? e : null;
}
function fe(e, t) {
  const n = `${ue(e, t)}=`, s = e.document.cookie.split(/;\s*/).filter((o) => o.startsWith(n)).map((o) => o.slice(n.length)), [r, ...i] = new Set(s);
  return i.length === 0 ? r ?? null : null;
}
const ze = [500, 2e3, 8e3, 3e4], Ke = 3e4, Xe = { 200: "set", 204: "kept", 409: "other" }, z = /* @__PURE__ */ new Map();
function Ye(e, t, n, s, r) {
  const i = N(n.app, t, e.location).replace(/^pgstate/, "pgstate-app"), o = new nt(e, t, i), c = z.get(i) ?? Je(o);
  z.set(i, c), c.have = n.have;
  const l = ie(e, { app: n.app, base: t, maxAge: 0, cookie: !0 });
  return Ze(n, c, o, l, (h) => {
    const p = `${s} ${n.have} ${h.token ?? ""}`;
    c.answered.has(p) || (c.answered.add(p), r({ to: n.have, token: null, blocked: !1, kept: !1, ...h }));
  }), () => {
  };
}
function Je(e) {
  const t = {
    have: "",
    presented: /* @__PURE__ */ new Set(),
    announced: /* @__PURE__ */ new Set(),
    reported: /* @__PURE__ */ new Set(),
    answered: /* @__PURE__ */ new Set(),
    channel: d(() => new BroadcastChannel(e.name))
  };
  return t.channel?.addEventListener("message", ({ data: n }) => {
    n !== t.have && Qe(t.have, t, e);
  }), t;
}
async function Qe(e, t, n) {
  await n.post("check", e) === "other" && t.have === e && n.reload();
}
async function Ze(e, t, n, s, r) {
  et(e, s);
  const i = e.takesOver ? s.readLocal() : null;
  if (i !== null && !t.reported.has(i) && u(i) !== e.replaces) {
    t.reported.add(i), r({ token: i });
    return;
  }
  e.ticket !== null ? await Ve(e, e.ticket, t, n, s, r) : e.ask ? await qe(n, r) : he(e, t);
}
async function Ve(e, t, n, s, r, i) {
  if (n.presented.has(e.have)) return;
  n.presented.add(e.have);
  const o = await s.change("present", t);
  o === "kept" ? (tt(e, r), he(e, n)) : (o !== "other" || !s.reload()) && (n.presented.delete(e.have), i({ blocked: !0 }));
}
async function qe(e, t) {
  (await e.change("renew", "") !== "kept" || !e.reload()) && t({ blocked: !0 });
}
function he({ announces: e, have: t }, n) {
  !e || n.announced.has(t) || (n.announced.add(t), d(() => n.channel?.postMessage(t)));
}
function et(e, t) {
  e.clears && t.writeAside([]);
  const n = t.readLocal();
  if (!(n === null || u(n) !== e.replaces || e.ticket !== null)) {
    if (e.because !== "final") {
      const s = q(t.readAside(), { token: n, isSpare: !1 }, e);
      if (!t.writeAside(s)) return;
    }
    t.writeLocal(null), t.writeCookie(null);
  }
}
function tt(e, t) {
  const n = t.readLocal();
  !(n !== null && [e.have, e.replaces].includes(u(n))) && !e.clears || (t.writeLocal(null), t.writeCookie(null));
}
class nt {
  constructor(t, n, s) {
    this.page = t, this.base = n, this.name = s;
  }
  /** Send a request until it is answered. A cookie that was set is asked for once more. */
  async change(t, n) {
    for (const s of [...ze, null]) {
      const r = await this.post(t, n), i = r === "set" ? await this.post(t, n) : r;
      if (i !== "failed" || s === null) return i;
      await new Promise((o) => this.page.setTimeout(o, s));
    }
    return "failed";
  }
  async post(t, n) {
    try {
      const s = await this.page.fetch(`${this.base}/_pgstate/cookie`, {
        method: "POST",
        headers: { "X-Pgstate": t, "Content-Type": "text/plain" },
        body: n,
        credentials: "same-origin",
        cache: "no-store"
      });
      return Xe[s.status] ?? "failed";
    } catch {
      return "failed";
    }
  }
  /** Load the page anew, unless this tab has just done so: then false. */
  reload() {
    const t = Date.now(), n = Number(d(() => this.page.sessionStorage.getItem(this.guard)) ?? 0);
    return Math.abs(t - n) < Ke || (d(() => this.page.sessionStorage.setItem(this.guard, String(t))), d(() => this.page.sessionStorage.getItem(this.guard)) !== String(t)) ? !1 : (this.page.location.reload(), !0);
  }
  get guard() {
    return this.name.replace(/^pgstate-app/, "pgstate-app-reloaded");
  }
}
const O = /* @__PURE__ */ new WeakSet();
let pe = null;
const K = /* @__PURE__ */ new WeakSet();
function st(e) {
  if (K.has(e)) return;
  K.add(e);
  const t = (n, s) => e.addEventListener(n, s, { capture: !0, passive: !0 });
  t("pointerdown", ({ target: n }) => X(n)), t("focusin", ({ target: n }) => X(n)), t("input", ({ target: n }) => {
    I(n) && O.add(n);
  }), t("keydown", (n) => {
    I(n.target) && it(n, n.target) && ct(n.target);
  }), t("focusout", ({ target: n }) => {
    I(n) && O.delete(n);
  });
}
function rt(e) {
  const t = e.activeElement;
  if (!I(t)) return null;
  const n = ge(t);
  return n === null && !we(t) ? pe : (ot(t) ? t.value !== "" : O.has(t)) ? n : null;
}
function it(e, t) {
  return e.isComposing ? !1 : e.key === "ArrowUp" || e.key === "ArrowDown" ? t.type === "number" : e.key !== "Enter" ? !1 : t.tagName === "INPUT" ? !0 : e.ctrlKey || e.metaKey;
}
function ot(e) {
  return e.closest('[data-testid="stChatInput"]') !== null;
}
function ct(e) {
  setTimeout(() => {
    e.getAttribute("aria-invalid") !== "true" && O.delete(e);
  });
}
function X(e) {
  e instanceof Element && we(e) && (pe = ge(e));
}
function we(e) {
  return e.closest('[data-testid="stElementContainer"]') !== null;
}
function ge(e) {
  const t = e.closest('[class*="st-key-"]');
  return Array.from(t?.classList ?? []).find((n) => n.startsWith("st-key-")) ?? null;
}
function I(e) {
  return e instanceof Element && ["INPUT", "TEXTAREA"].includes(e.tagName);
}
const at = 1e3, lt = 1e4, A = /* @__PURE__ */ new Map(), ve = /* @__PURE__ */ new Map();
function ut(e, t, n) {
  const s = A.get(e);
  s?.stop();
  const r = {
    lastTick: s?.lastTick ?? null,
    sentAt: s?.sentAt ?? 0,
    stop: () => {
    }
  };
  A.set(e, r), st(document);
  const i = () => {
    document.visibilityState !== "visible" || r.lastTick !== null && r.lastTick.number > t.received && Date.now() - r.sentAt < lt || (r.lastTick = { number: t.received + 1, typing: rt(document) }, r.sentAt = Date.now(), n(r.lastTick));
  }, o = setInterval(i, at), a = () => i();
  document.addEventListener("visibilitychange", a);
  const c = Object.entries(t.channels).map(([l, f]) => {
    const h = ke(l);
    return h !== null && (h.onmessage = ({ data: p }) => {
      const v = Math.max(f, ve.get(l) ?? 0);
      typeof p == "number" && p > v && i();
    }), h;
  });
  return r.stop = () => {
    clearInterval(o), document.removeEventListener("visibilitychange", a);
    for (const l of c) l?.close();
  }, () => {
    A.get(e)?.stop(), A.delete(e);
  };
}
function dt(e) {
  for (const [t, n] of Object.entries(e.channels)) {
    ve.set(t, n);
    const s = ke(t);
    s?.postMessage(n), s?.close();
  }
}
function ke(e) {
  return d(() => new BroadcastChannel(e));
}
const $ = "data-test-connection-state", R = "CONNECTED", ft = "data-test-script-state", ht = "running";
function Se(e) {
  return e.querySelector("[data-testid=stApp]");
}
let Ee = { have: "", version: 0, serverSession: "" };
function pt({ have: e, version: t, serverSession: n }) {
  Ee = { have: e, version: t, serverSession: n };
}
const L = /* @__PURE__ */ new Map();
function wt(e, t) {
  L.get(e)?.disconnect();
  const n = Se(document);
  let s = n?.getAttribute($);
  const r = new MutationObserver(() => {
    const i = n?.getAttribute($);
    i === R && s !== R && t({ at: Date.now(), ...Ee }), s = i;
  });
  return n !== null && r.observe(n, { attributeFilter: [$] }), L.set(e, r), () => {
    L.get(e)?.disconnect(), L.delete(e);
  };
}
const gt = 3e4, vt = 500, kt = 1e3, St = 45e3;
function Et(e, t) {
  return Math.min(gt, 1e3 * 2 ** (e - 1)) * (1 - t / 4);
}
function mt() {
  if (document.visibilityState !== "visible") return !1;
  const e = Se(document);
  return (e?.getAttribute($) ?? R) === R && e?.getAttribute(ft) !== ht;
}
const g = /* @__PURE__ */ new Map(), E = /* @__PURE__ */ new Map(), bt = 2;
let D = 0, me = 0, m, S = 0;
function At(e, t) {
  g.size === 0 && Date.now() - me > kt && (D = 0, E.clear()), g.set(e, t);
  const n = (E.get(e) ?? 0) + 1;
  return E.set(e, n), n <= bt && (D += 1, be(Et(D, Math.random()))), document.addEventListener("visibilitychange", y), () => {
    g.delete(e), E.delete(e), g.size === 0 && Lt();
  };
}
function Lt() {
  clearTimeout(m), S = 0, me = Date.now(), document.removeEventListener("visibilitychange", y);
}
function be(e) {
  clearTimeout(m), S = 0, m = setTimeout(() => {
    E.clear(), S = g.size, y();
  }, e);
}
function y() {
  const [e] = g;
  if (S === 0 || e === void 0 || (clearTimeout(m), m = setTimeout(y, vt), !mt())) return;
  S -= 1;
  const [t, n] = e;
  g.delete(t), g.set(t, n), S === 0 && be(St), n({ at: Date.now() });
}
const Y = "streamlit-pgstate-style", U = ".st-key-streamlit_pgstate_progress", w = ".st-key-streamlit_pgstate_outage", Tt = `:is(${U} [data-testid="stProgress"], ${w})`, B = `[data-testid="stEvent"]:has(${Tt})`, J = `:is(${w}, :has(${w}))`, It = `
[class*="st-key-streamlit_pgstate"]:not(${U}, ${w}) {
  position: absolute;
}
${B} {
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
${B}:has(${w}) {
  width: min(36rem, 90vw);
  padding: 0;
}
${B} [data-testid="stElementContainer"]:not(:is(${U}, ${w}) *),
${w} [class*="st-key-streamlit_pgstate_retry"],
${J} ~ ${w},
${J} ~ * ${w} {
  display: none;
}
`;
function $t(e) {
  if (e.getElementById(Y) !== null) return;
  const t = e.createElement("style");
  t.id = Y, t.textContent = It, e.head.append(t);
}
const Ct = 5, Ot = 150;
function Rt(e, t) {
  const n = N(t.app, t.base, e.location);
  return {
    ...oe(() => e.sessionStorage, n),
    ...ae(() => e.sessionStorage, ce(n)),
    readCookie: () => null,
    writeCookie: () => {
    }
  };
}
class Mt {
  constructor(t, n, s, r) {
    this.page = t, this.options = n, this.copies = s, this.events = new EventTarget(), this.id = Math.random().toString(36).slice(2), this.copied = /* @__PURE__ */ new Set(), this.since = r ?? performance.timeOrigin, this.name = N(n.app, n.base, t.location), this.channel = d(() => new BroadcastChannel(`${this.name}.tab`)), this.channel?.addEventListener("message", ({ data: i }) => this.receive(i)), this.isSettled = this.channel === null || s.readLocal() === null, this.writeReloadCookie(null), t.addEventListener("pagehide", () => this.writeReloadCookie(s.readLocal())), t.addEventListener("pageshow", (i) => {
      i.persisted && (this.writeReloadCookie(null), this.query());
    }), t.document.addEventListener("visibilitychange", () => {
      t.document.visibilityState === "visible" && this.query();
    }), !this.isSettled && (this.query(), t.setTimeout(() => this.settle(), Ot));
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
  receive({ kind: t, fingerprint: n, from: s, since: r, to: i }) {
    const o = this.copies.readLocal();
    if (o === null || n !== u(o)) return;
    const a = r < this.since || r === this.since && s < this.id;
    t === "query" && !a ? this.send({ kind: "claim", fingerprint: n, to: s }) : (t === "query" || i === this.id) && (this.copied.add(n), this.isSettled = !0, this.events.dispatchEvent(new Event("change")));
  }
  /** Write the cookie from which the server knows the tab after F5. Null removes it: it was read. */
  writeReloadCookie(t) {
    const n = t ?? this.copies.readLocal();
    if (!this.options.cookie || n === null) return;
    const s = `${this.name.replace(/^pgstate/, "pgstate-tab")}.${u(n)}`;
    le(this.page, s, t, Ct, this.options.base);
  }
}
const Ae = je(import.meta.url), Q = /* @__PURE__ */ new Map(), T = /* @__PURE__ */ new Map(), yt = ({ data: e, key: t, parentElement: n, setStateValue: s }) => ($t(document), e.role === "reload" ? window.location.reload() : e.role === "cookie" ? Ye(
  window,
  Ae,
  e,
  t,
  (r) => s("answer", { ...r, token: Le(r.token, e.veil) })
) : e.role === "live" ? ut(t, e, (r) => s("tick", r)) : e.role === "changes" ? dt(e) : e.role === "shown" ? pt(e) : e.role === "reconnect" ? wt(t, (r) => s("reconnect", r)) : e.role === "retry" ? At(n, (r) => s("retry", r)) : Nt(e, t, (r) => s("answer", r)));
function Nt(e, t, n) {
  const s = { ...e, base: Ae }, r = e.scope === "tab", i = (r ? Rt : ie)(window, s), o = JSON.stringify(e), a = `${e.scope} ${e.app}`, c = Q.get(a) ?? {
    ...Me(),
    request: o,
    answered: /* @__PURE__ */ new Set(),
    claims: r ? new Mt(window, s, i) : null
  };
  Q.set(a, c), c.request !== o && (c.request = o, c.answered.clear());
  const l = T.get(t);
  l?.stop();
  const f = l?.request === o ? l.answered : /* @__PURE__ */ new Set(), h = (Ie) => {
    const { claims: j } = c, k = j === null ? _(e, i, c) : ye(e, i, c, j);
    k === null || Ie.has(P(k)) || (f.add(P(k)), c.answered.add(P(k)), n({ ...k, token: Le(k.token, e.veil) }));
  }, p = () => h(c.answered), v = () => {
    document.visibilityState === "visible" && h(c.answered);
  };
  window.addEventListener("storage", p), window.addEventListener("pageshow", v), document.addEventListener("visibilitychange", v), c.claims?.events.addEventListener("change", p);
  const Te = () => {
    window.removeEventListener("storage", p), window.removeEventListener("pageshow", v), document.removeEventListener("visibilitychange", v), c.claims?.events.removeEventListener("change", p);
  };
  return T.set(t, { request: o, answered: f, stop: Te }), h(f), () => {
    T.get(t)?.stop(), T.delete(t);
  };
}
function Le(e, t) {
  if (e === null) return null;
  let n = "";
  for (let s = 0; s < e.length; s++) {
    const r = parseInt(t.slice(2 * s, 2 * s + 2), 16);
    n += (e.charCodeAt(s) ^ r).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  yt as default,
  Le as veiled
};
