function Ie(e, t) {
  return (e ?? "").split("!").map((r) => r.split("~")).filter(([r]) => t(r)).map(([r, s, ...i]) => ({
    token: r,
    refusedBy: i.slice(-8),
    isSpare: s === "spare"
  })).slice(0, 4);
}
function Oe(e) {
  return e.slice(0, 4).map(
    ({ token: t, refusedBy: n, isSpare: r }) => [t, r ? "spare" : "first", ...n.slice(-8)].join("~")
  ).join("!");
}
function V(e, t, n) {
  const r = e.find((i) => i.token === t);
  return [{ token: t, refusedBy: r?.refusedBy ?? [], isSpare: n }, ...M(e, t)];
}
function M(e, t) {
  return e.filter((n) => n.token !== t);
}
function q(e, t, n, r) {
  if (n === "final") return M(e, t);
  const s = n === "key" ? r.key : n === "database" ? r.database : null;
  return s === null ? e : e.map(
    (i) => i.token === t && !i.refusedBy.includes(s) ? { ...i, refusedBy: [...i.refusedBy, s].slice(-8) } : i
  );
}
function ee(e, { token: t, isSpare: n }, { because: r, accepts: s }) {
  const i = q(V(e, t, n), t, r, s), a = i.filter(({ refusedBy: [c, ...l] }) => c === s.database && l.length === 0).slice(1, -1);
  return i.filter((c) => !a.includes(c)).slice(0, 4);
}
function Re(e, t) {
  const n = e.filter((r) => !r.isSpare).reverse();
  return t ? [...n, ...e.filter((r) => r.isSpare)] : n;
}
function te({ token: e, refusedBy: t }, { key: n, database: r, ...s }) {
  const i = Me(e);
  return !t.includes(n) && !t.includes(r) && i >= s.earliest && i <= s.latest;
}
function Me(e) {
  const t = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", n = e.split(".")[1] ?? "";
  let r = 0;
  for (const s of n) r = r * 64 + t.indexOf(s);
  return Math.floor(r / 2 ** (n.length * 6 % 8));
}
function Ne() {
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
const ye = 16;
function u(e) {
  return e.slice(-43).slice(0, ye);
}
function _(e, t, n) {
  Fe(e, t, n), We(e, t, n);
  const r = t.readLocal(), s = r ?? t.readCookie();
  if (s !== null && u(s) === e.have) {
    r === null && t.writeLocal(s), t.writeCookie(s);
    const i = n.gone.delete(e.have), a = !e.forgets && !i ? W(e, t, n, !1) : null;
    return a ? G(a, e, n) : se(e, s, n);
  }
  return n.gone.has(e.have) ? F(t) : s === null ? Ue(e, t, n) : De(s, e, t, n);
}
function Pe(e, t, n, r) {
  const s = t.readLocal();
  if (s === null) return _(e, t, n);
  const i = u(s);
  return r.isCopy(s) && i !== e.replaces ? { to: e.have, token: s, blocked: !1, kept: !1, copied: !0 } : !r.isSettled && i !== e.have ? null : _(e, t, n);
}
function De(e, t, n, r) {
  const s = u(e), i = s === t.replaces || r.leaving === ne(s, t);
  return t.offer !== null && i ? _e(e, t.offer, t, n, r) : Be(t, n) ? F(n) : b(e, t, r);
}
function F(e) {
  const t = e.readLocal();
  return t !== null && e.readCookie() !== t && e.writeCookie(t), null;
}
function Be({ have: e, accepts: t }, n) {
  const r = n.readAside().find(({ token: s }) => u(s) === e);
  return r !== void 0 && !r.isSpare && te(r, t);
}
function _e(e, t, n, r, s) {
  const i = ne(u(e), n);
  if (n.because === "final" && s.leaving !== i) return x(t, n, r, s);
  if (s.replaced.has(i)) return F(r);
  if (!xe(e, t, n, r)) return j(n, s);
  s.leaving = i;
  const a = W(n, r, s, !0);
  return a !== null ? G(a, n, s) : (s.replaced.add(i), x(t, n, r, s));
}
function ne(e, { have: t }) {
  return `${e} ${t}`;
}
function xe(e, t, n, r) {
  return z(e, t, n, r) || (r.writeLocal(null), z(e, t, n, r)) ? !0 : (r.writeLocal(e), r.readLocal() !== e);
}
function z(e, t, n, r) {
  const s = r.readAside();
  if (u(e) !== n.replaces) return !0;
  const i = s.some((o) => o.token === t && !o.isSpare);
  return r.writeAside(ee(s, { token: e, isSpare: i }, n));
}
function Ue(e, t, n) {
  if (e.offer === null || n.stored.has(e.have))
    return t.isReadable() ? b(null, e, n) : j(e, n);
  const r = e.forgets ? null : W(e, t, n, !0);
  return r !== null ? G(r, e, n) : x(e.offer, e, t, n);
}
function x(e, t, n, r) {
  return Ge(e, n), n.writeLocal(e), n.readLocal() !== e && n.writeLocal(null), n.writeCookie(e), n.readLocal() === e || n.readCookie() === e ? (r.stored.add(t.have), se(t, e, r)) : t.forgets && !t.ask ? null : j(t, r);
}
function Fe(e, t, n) {
  const { replaces: r, because: s, accepts: i } = e;
  if (r === null) return;
  e.clears && !n.gone.has(r) && t.writeAside([]), n.gone.add(r);
  const o = t.readAside(), a = o.find(({ token: c }) => u(c) === r);
  a !== void 0 && t.writeAside(q(o, a.token, s, i));
}
function We(e, t, n) {
  const { trial: r } = n;
  if (r === null) return;
  const s = r.mark === e.have, i = r.to === e.have && r.mark === e.replaces;
  (s || i) && (n.trial = null);
  const o = t.readAside(), a = o.find(({ token: f }) => u(f) === r.mark);
  if (!s || a === void 0) return;
  const c = t.readLocal() ?? t.readCookie(), l = M(o, a.token);
  t.writeLocal(a.token), t.writeCookie(a.token), t.writeAside(c === null ? l : V(l, c, !a.isSpare));
}
function Ge(e, t) {
  const n = t.readAside(), r = M(n, e);
  r.length < n.length && t.writeAside(r);
}
function W(e, t, n, r) {
  const s = Re(t.readAside(), r), i = (l) => {
    const f = u(l.token);
    return f === e.have || f === e.replaces ? !1 : !n.tried.has(re(f, e)) && te(l, e.accepts);
  }, { to: o, mark: a } = n.trial ?? {};
  return s.find(({ token: l }) => o === e.have && u(l) === a) ?? s.find(i) ?? null;
}
function G(e, t, n) {
  const r = u(e.token);
  return n.trial = { to: t.have, mark: r }, n.tried.add(re(r, t)), b(e.token, t, n);
}
function re(e, { have: t, accepts: n }) {
  return [e, t, ...Object.values(n)].join(" ");
}
function j(e, t) {
  return t.isBlocked = !0, { ...b(null, e, t), blocked: !0 };
}
function se(e, t, n) {
  const r = e.ask || n.isBlocked;
  return n.agreed = e.have, n.isBlocked = !1, r ? b(t, e, n) : null;
}
function b(e, t, n) {
  const r = n.stored.has(t.have), s = e !== null && u(e) === n.agreed && n.agreed !== t.have, i = { to: t.have, token: e, blocked: !1, kept: r };
  return s ? { ...i, shown: !0 } : i;
}
function P(e) {
  const t = e.token === null ? "" : u(e.token);
  return `${e.to} ${t} ${e.blocked} ${e.copied ?? !1}`;
}
const je = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function ie(e) {
  return typeof e == "string" && je.test(e);
}
function N(e, t, n) {
  const r = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${e}.${r}.${encodeURIComponent(t)}`;
}
function He(e) {
  try {
    const { pathname: t } = new URL(e), n = t.indexOf("/_stcore/");
    return n > 0 ? t.slice(0, n) : "";
  } catch {
    return "";
  }
}
function oe(e, t) {
  const n = N(t.app, t.base, e.location), r = ce(() => e.localStorage, n);
  return {
    ...r,
    // In no cookie: who can set one for this host could bring the page into another session.
    ...le(() => e.localStorage, ae(n)),
    readCookie: () => d(() => fe(he(e, n))),
    writeCookie: (s) => ue(e, n, t.cookie ? s : null, t.maxAge, t.base),
    // If cookies are blocked, `document.cookie` is empty and throws nothing.
    isReadable: () => r.isReadable() || t.cookie && e.navigator.cookieEnabled
  };
}
function ce(e, t) {
  return {
    readLocal: () => d(() => fe(e().getItem(t))),
    writeLocal: (n) => {
      d(
        () => n === null ? e().removeItem(t) : e().setItem(t, n)
      );
    },
    isReadable: () => d(() => (e().getItem(t), !0)) ?? !1
  };
}
function ae(e) {
  return e.replace(/^pgstate/, "pgstate-aside");
}
function le(e, t) {
  const n = () => d(() => e().getItem(t));
  return {
    readAside: () => Ie(n(), ie),
    writeAside: (r) => {
      const s = r.length > 0 ? Oe(r) : null;
      return n() !== s && d(
        () => s === null ? e().removeItem(t) : e().setItem(t, s)
      ), !(d(() => (e().getItem(t), !0)) ?? !1) || n() === s;
    }
  };
}
function ue(e, t, n, r, s) {
  const i = n === null ? 0 : Math.round(r), o = I(e) || s.includes(";") ? "/" : s || "/", a = `${de(e, t)}=${n ?? ""}; Max-Age=${i}; Path=${o}`;
  for (const c of ze(e))
    if (d(() => e.document.cookie = `${a}; ${c}`), n !== null && d(() => he(e, t)) === n) return;
}
function ze(e) {
  const t = `SameSite=Strict${I(e) ? "; Secure" : ""}`, n = e.top !== e && !!e.top;
  return I(e) && n ? [t, "SameSite=None; Secure; Partitioned"] : [t];
}
function I(e) {
  return e.location.protocol === "https:";
}
function de(e, t) {
  return I(e) ? `__Host-${t}` : t;
}
function d(e) {
  try {
    return e();
  } catch {
    return null;
  }
}
function fe(e) {
  return ie(e) ? e : null;
}
function he(e, t) {
  const n = `${de(e, t)}=`, r = e.document.cookie.split(/;\s*/).filter((o) => o.startsWith(n)).map((o) => o.slice(n.length)), [s, ...i] = new Set(r);
  return i.length === 0 ? s ?? null : null;
}
const Ke = [500, 2e3, 8e3, 3e4], Xe = 3e4, Ye = { 200: "set", 204: "kept", 409: "other" }, K = /* @__PURE__ */ new Map();
function Je(e, t, n, r, s) {
  const i = N(n.app, t, e.location).replace(/^pgstate/, "pgstate-app"), o = new rt(e, t, i), c = K.get(i) ?? Qe(o);
  K.set(i, c), c.have = n.have;
  const l = oe(e, { app: n.app, base: t, maxAge: 0, cookie: !0 });
  return Ve(n, c, o, l, (h) => {
    const w = `${r} ${n.have} ${h.token ?? ""} ${h.blocked ?? !1}`;
    c.answered.has(w) || (c.answered.add(w), s({ to: n.have, token: null, blocked: !1, kept: !1, ...h }));
  }), () => {
  };
}
function Qe(e) {
  const t = {
    have: "",
    presented: /* @__PURE__ */ new Set(),
    announced: /* @__PURE__ */ new Set(),
    reported: /* @__PURE__ */ new Set(),
    answered: /* @__PURE__ */ new Set(),
    channel: d(() => new BroadcastChannel(e.name))
  };
  return t.channel?.addEventListener("message", ({ data: n }) => {
    n !== t.have && Ze(t.have, t, e);
  }), t;
}
async function Ze(e, t, n) {
  await n.post("check", e) === "other" && t.have === e && n.reload();
}
async function Ve(e, t, n, r, s) {
  tt(e, r);
  const i = e.takesOver ? r.readLocal() : null;
  if (i !== null && !t.reported.has(i) && u(i) !== e.replaces) {
    t.reported.add(i), s({ token: i });
    return;
  }
  e.takesOver && i === null && s({}), e.ticket !== null ? await qe(e, e.ticket, t, n, r, s) : e.ask ? await et(n, s) : we(e, t);
}
async function qe(e, t, n, r, s, i) {
  if (n.presented.has(e.have)) return;
  n.presented.add(e.have);
  const o = await r.change("present", t);
  o === "kept" ? (nt(e, s), we(e, n)) : (o !== "other" || !r.reload()) && (n.presented.delete(e.have), i({ blocked: !0 }));
}
async function et(e, t) {
  (await e.change("renew", "") !== "kept" || !e.reload()) && t({ blocked: !0 });
}
function we({ announces: e, have: t }, n) {
  !e || n.announced.has(t) || (n.announced.add(t), d(() => n.channel?.postMessage(t)));
}
function tt(e, t) {
  e.clears && t.writeAside([]);
  const n = t.readLocal();
  if (!(n === null || u(n) !== e.replaces || e.ticket !== null)) {
    if (e.because !== "final") {
      const r = ee(t.readAside(), { token: n, isSpare: !1 }, e);
      if (!t.writeAside(r)) return;
    }
    t.writeLocal(null), t.writeCookie(null);
  }
}
function nt(e, t) {
  const n = t.readLocal();
  !(n !== null && [e.have, e.replaces].includes(u(n))) && !e.clears || (t.writeLocal(null), t.writeCookie(null));
}
class rt {
  constructor(t, n, r) {
    this.page = t, this.base = n, this.name = r;
  }
  /** Send a request until it is answered. A cookie that was set is asked for once more. */
  async change(t, n) {
    for (const r of [...Ke, null]) {
      const s = await this.post(t, n), i = s === "set" ? await this.post(t, n) : s;
      if (i !== "failed" || r === null) return i;
      await new Promise((o) => this.page.setTimeout(o, r));
    }
    return "failed";
  }
  async post(t, n) {
    try {
      const r = await this.page.fetch(`${this.base}/_pgstate/cookie`, {
        method: "POST",
        headers: { "X-Pgstate": t, "Content-Type": "text/plain" },
        body: n,
        credentials: "same-origin",
        cache: "no-store"
      });
      return Ye[r.status] ?? "failed";
    } catch {
      return "failed";
    }
  }
  /** Load the page anew, unless this tab has just done so: then false. */
  reload() {
    const t = Date.now(), n = Number(d(() => this.page.sessionStorage.getItem(this.guard)) ?? 0);
    return Math.abs(t - n) < Xe || (d(() => this.page.sessionStorage.setItem(this.guard, String(t))), d(() => this.page.sessionStorage.getItem(this.guard)) !== String(t)) ? !1 : (this.page.location.reload(), !0);
  }
  get guard() {
    return this.name.replace(/^pgstate-app/, "pgstate-app-reloaded");
  }
}
const O = /* @__PURE__ */ new WeakSet();
let pe = null;
const X = /* @__PURE__ */ new WeakSet();
function st(e) {
  if (X.has(e)) return;
  X.add(e);
  const t = (n, r) => e.addEventListener(n, r, { capture: !0, passive: !0 });
  t("pointerdown", ({ target: n }) => Y(n)), t("focusin", ({ target: n }) => Y(n)), t("input", ({ target: n }) => {
    $(n) && O.add(n);
  }), t("keydown", (n) => {
    $(n.target) && ot(n, n.target) && at(n.target);
  }), t("focusout", ({ target: n }) => {
    $(n) && O.delete(n);
  });
}
function it(e) {
  const t = e.activeElement;
  if (!$(t)) return null;
  const n = ve(t);
  return n === null && !ge(t) ? pe : (ct(t) ? t.value !== "" : O.has(t)) ? n : null;
}
function ot(e, t) {
  return e.isComposing ? !1 : e.key === "ArrowUp" || e.key === "ArrowDown" ? t.type === "number" : e.key !== "Enter" ? !1 : t.tagName === "INPUT" ? !0 : e.ctrlKey || e.metaKey;
}
function ct(e) {
  return e.closest('[data-testid="stChatInput"]') !== null;
}
function at(e) {
  setTimeout(() => {
    e.getAttribute("aria-invalid") !== "true" && O.delete(e);
  });
}
function Y(e) {
  e instanceof Element && ge(e) && (pe = ve(e));
}
function ge(e) {
  return e.closest('[data-testid="stElementContainer"]') !== null;
}
function ve(e) {
  const t = e.closest('[class*="st-key-"]');
  return Array.from(t?.classList ?? []).find((n) => n.startsWith("st-key-")) ?? null;
}
function $(e) {
  return e instanceof Element && ["INPUT", "TEXTAREA"].includes(e.tagName);
}
const lt = 1e3, ut = 1e4, A = /* @__PURE__ */ new Map(), ke = /* @__PURE__ */ new Map();
function dt(e, t, n) {
  const r = A.get(e);
  r?.stop();
  const s = {
    lastTick: r?.lastTick ?? null,
    sentAt: r?.sentAt ?? 0,
    stop: () => {
    }
  };
  A.set(e, s), st(document);
  const i = () => {
    document.visibilityState !== "visible" || s.lastTick !== null && s.lastTick.number > t.received && Date.now() - s.sentAt < ut || (s.lastTick = { number: t.received + 1, typing: it(document) }, s.sentAt = Date.now(), n(s.lastTick));
  }, o = setInterval(i, lt), a = () => i();
  document.addEventListener("visibilitychange", a);
  const c = Object.entries(t.channels).map(([l, f]) => {
    const h = Se(l);
    return h !== null && (h.onmessage = ({ data: w }) => {
      const v = Math.max(f, ke.get(l) ?? 0);
      typeof w == "number" && w > v && i();
    }), h;
  });
  return s.stop = () => {
    clearInterval(o), document.removeEventListener("visibilitychange", a);
    for (const l of c) l?.close();
  }, () => {
    A.get(e)?.stop(), A.delete(e);
  };
}
function ft(e) {
  for (const [t, n] of Object.entries(e.channels)) {
    ke.set(t, n);
    const r = Se(t);
    r?.postMessage(n), r?.close();
  }
}
function Se(e) {
  return d(() => new BroadcastChannel(e));
}
const C = "data-test-connection-state", R = "CONNECTED", ht = "data-test-script-state", wt = "running";
function Ee(e) {
  return e.querySelector("[data-testid=stApp]");
}
let me = { have: "", version: 0, serverSession: "" };
function pt({ have: e, version: t, serverSession: n }) {
  me = { have: e, version: t, serverSession: n };
}
const L = /* @__PURE__ */ new Map();
function gt(e, t) {
  L.get(e)?.disconnect();
  const n = Ee(document);
  let r = n?.getAttribute(C);
  const s = new MutationObserver(() => {
    const i = n?.getAttribute(C);
    i === R && r !== R && t({ at: Date.now(), ...me }), r = i;
  });
  return n !== null && s.observe(n, { attributeFilter: [C] }), L.set(e, s), () => {
    L.get(e)?.disconnect(), L.delete(e);
  };
}
const vt = 3e4, kt = 500, St = 1e3, Et = 45e3;
function mt(e, t) {
  return Math.min(vt, 1e3 * 2 ** (e - 1)) * (1 - t / 4);
}
function bt() {
  if (document.visibilityState !== "visible") return !1;
  const e = Ee(document);
  return (e?.getAttribute(C) ?? R) === R && e?.getAttribute(ht) !== wt;
}
const g = /* @__PURE__ */ new Map(), E = /* @__PURE__ */ new Map(), At = 2;
let D = 0, be = 0, m, S = 0;
function Lt(e, t) {
  g.size === 0 && Date.now() - be > St && (D = 0, E.clear()), g.set(e, t);
  const n = (E.get(e) ?? 0) + 1;
  return E.set(e, n), n <= At && (D += 1, Ae(mt(D, Math.random()))), document.addEventListener("visibilitychange", y), () => {
    g.delete(e), E.delete(e), g.size === 0 && Tt();
  };
}
function Tt() {
  clearTimeout(m), S = 0, be = Date.now(), document.removeEventListener("visibilitychange", y);
}
function Ae(e) {
  clearTimeout(m), S = 0, m = setTimeout(() => {
    E.clear(), S = g.size, y();
  }, e);
}
function y() {
  const [e] = g;
  if (S === 0 || e === void 0 || (clearTimeout(m), m = setTimeout(y, kt), !bt())) return;
  S -= 1;
  const [t, n] = e;
  g.delete(t), g.set(t, n), S === 0 && Ae(Et), n({ at: Date.now() });
}
const J = "streamlit-pgstate-style", U = ".st-key-streamlit_pgstate_progress", p = ".st-key-streamlit_pgstate_outage", $t = `:is(${U} [data-testid="stProgress"], ${p})`, B = `[data-testid="stEvent"]:has(${$t})`, Q = `:is(${p}, :has(${p}))`, Ct = `
[class*="st-key-streamlit_pgstate"]:not(${U}, ${p}) {
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
${B}:has(${p}) {
  width: min(36rem, 90vw);
  padding: 0;
}
${B} [data-testid="stElementContainer"]:not(:is(${U}, ${p}) *),
${p} [class*="st-key-streamlit_pgstate_retry"],
${Q} ~ ${p},
${Q} ~ * ${p} {
  display: none;
}
`;
function It(e) {
  if (e.getElementById(J) !== null) return;
  const t = e.createElement("style");
  t.id = J, t.textContent = Ct, e.head.append(t);
}
const Ot = 5, Rt = 150;
function Mt(e, t) {
  const n = N(t.app, t.base, e.location);
  return {
    ...ce(() => e.sessionStorage, n),
    ...le(() => e.sessionStorage, ae(n)),
    readCookie: () => null,
    writeCookie: () => {
    }
  };
}
class Nt {
  constructor(t, n, r, s) {
    this.page = t, this.options = n, this.copies = r, this.events = new EventTarget(), this.id = Math.random().toString(36).slice(2), this.copied = /* @__PURE__ */ new Set(), this.since = s ?? performance.timeOrigin, this.name = N(n.app, n.base, t.location), this.channel = d(() => new BroadcastChannel(`${this.name}.tab`)), this.channel?.addEventListener("message", ({ data: i }) => this.receive(i)), this.isSettled = this.channel === null || r.readLocal() === null, this.writeReloadCookie(null), t.addEventListener("pagehide", () => this.writeReloadCookie(r.readLocal())), t.addEventListener("pageshow", (i) => {
      i.persisted && (this.writeReloadCookie(null), this.query());
    }), t.document.addEventListener("visibilitychange", () => {
      t.document.visibilityState === "visible" && this.query();
    }), !this.isSettled && (this.query(), t.setTimeout(() => this.settle(), Rt));
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
  receive({ kind: t, fingerprint: n, from: r, since: s, to: i }) {
    const o = this.copies.readLocal();
    if (o === null || n !== u(o)) return;
    const a = s < this.since || s === this.since && r < this.id;
    t === "query" && !a ? this.send({ kind: "claim", fingerprint: n, to: r }) : (t === "query" || i === this.id) && (this.copied.add(n), this.isSettled = !0, this.events.dispatchEvent(new Event("change")));
  }
  /** Write the cookie from which the server knows the tab after F5. Null removes it: it was read. */
  writeReloadCookie(t) {
    const n = t ?? this.copies.readLocal();
    if (!this.options.cookie || n === null) return;
    const r = `${this.name.replace(/^pgstate/, "pgstate-tab")}.${u(n)}`;
    ue(this.page, r, t, Ot, this.options.base);
  }
}
const Le = He(import.meta.url), Z = /* @__PURE__ */ new Map(), T = /* @__PURE__ */ new Map(), Pt = ({ data: e, key: t, parentElement: n, setStateValue: r }) => (It(document), e.role === "reload" ? window.location.reload() : e.role === "cookie" ? Je(
  window,
  Le,
  e,
  t,
  (s) => r("answer", { ...s, token: Te(s.token, e.veil) })
) : e.role === "live" ? dt(t, e, (s) => r("tick", s)) : e.role === "changes" ? ft(e) : e.role === "shown" ? pt(e) : e.role === "reconnect" ? gt(t, (s) => r("reconnect", s)) : e.role === "retry" ? Lt(n, (s) => r("retry", s)) : yt(e, t, (s) => r("answer", s)));
function yt(e, t, n) {
  const r = { ...e, base: Le }, s = e.scope === "tab", i = (s ? Mt : oe)(window, r), o = JSON.stringify(e), a = `${e.scope} ${e.app}`, c = Z.get(a) ?? {
    ...Ne(),
    request: o,
    answered: /* @__PURE__ */ new Set(),
    claims: s ? new Nt(window, r, i) : null
  };
  Z.set(a, c), c.request !== o && (c.request = o, c.answered.clear());
  const l = T.get(t);
  l?.stop();
  const f = l?.request === o ? l.answered : /* @__PURE__ */ new Set(), h = (Ce) => {
    const { claims: H } = c, k = H === null ? _(e, i, c) : Pe(e, i, c, H);
    k === null || Ce.has(P(k)) || (f.add(P(k)), c.answered.add(P(k)), n({ ...k, token: Te(k.token, e.veil) }));
  }, w = () => h(c.answered), v = () => {
    document.visibilityState === "visible" && h(c.answered);
  };
  window.addEventListener("storage", w), window.addEventListener("pageshow", v), document.addEventListener("visibilitychange", v), c.claims?.events.addEventListener("change", w);
  const $e = () => {
    window.removeEventListener("storage", w), window.removeEventListener("pageshow", v), document.removeEventListener("visibilitychange", v), c.claims?.events.removeEventListener("change", w);
  };
  return T.set(t, { request: o, answered: f, stop: $e }), h(f), () => {
    T.get(t)?.stop(), T.delete(t);
  };
}
function Te(e, t) {
  if (e === null) return null;
  let n = "";
  for (let r = 0; r < e.length; r++) {
    const s = parseInt(t.slice(2 * r, 2 * r + 2), 16);
    n += (e.charCodeAt(r) ^ s).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  Pt as default,
  Te as veiled
};
