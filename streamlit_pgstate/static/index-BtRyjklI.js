function Re(e, t) {
  return (e ?? "").split("!").map((s) => s.split("~")).filter(([s]) => t(s)).map(([s, i, ...r]) => ({
    token: s,
    refusedBy: r.slice(-8),
    isSpare: i === "spare"
  })).slice(0, 4);
}
function Ne(e) {
  return e.slice(0, 4).map(
    ({ token: t, refusedBy: n, isSpare: s }) => [t, s ? "spare" : "first", ...n.slice(-8)].join("~")
  ).join("!");
}
function V(e, t, n) {
  const s = e.find((r) => r.token === t);
  return [{ token: t, refusedBy: s?.refusedBy ?? [], isSpare: n }, ...N(e, t)];
}
function N(e, t) {
  return e.filter((n) => n.token !== t);
}
function q(e, t, n, s) {
  if (n === "final") return N(e, t);
  const i = n === "key" ? s.key : n === "database" ? s.database : null;
  return i === null ? e : e.map(
    (r) => r.token === t && !r.refusedBy.includes(i) ? { ...r, refusedBy: [...r.refusedBy, i].slice(-8) } : r
  );
}
function ee(e, { token: t, isSpare: n }, { because: s, accepts: i }) {
  const r = q(V(e, t, n), t, s, i), c = r.filter(({ refusedBy: [a, ...l] }) => a === i.database && l.length === 0).slice(1, -1);
  return r.filter((a) => !c.includes(a)).slice(0, 4);
}
function Me(e, t) {
  const n = e.filter((s) => !s.isSpare).reverse();
  return t ? [...n, ...e.filter((s) => s.isSpare)] : n;
}
function te({ token: e, refusedBy: t }, { key: n, database: s, ...i }) {
  const r = Pe(e);
  return !t.includes(n) && !t.includes(s) && r >= i.earliest && r <= i.latest;
}
function Pe(e) {
  const t = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", n = e.split(".")[1] ?? "";
  let s = 0;
  for (const i of n) s = s * 64 + t.indexOf(i);
  return Math.floor(s / 2 ** (n.length * 6 % 8));
}
function ye() {
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
const De = 16;
function d(e) {
  return e.slice(-43).slice(0, De);
}
function B(e, t, n) {
  Fe(e, t, n), He(e, t, n);
  const s = t.readLocal(), i = s ?? t.readCookie();
  if (i !== null && d(i) === e.have) {
    s === null && t.writeLocal(i), t.writeCookie(i);
    const r = n.gone.delete(e.have), c = !e.forgets && !r ? G(e, t, n, !1) : null;
    return c ? F(c, e, n) : ie(e, i, n);
  }
  return n.gone.has(e.have) ? W(t) : i === null ? Ge(e, t, n) : Be(i, e, t, n);
}
function _e(e, t, n, s) {
  const i = t.readLocal();
  if (i === null) return B(e, t, n);
  const r = d(i);
  return s.isCopy(i) && r !== e.replaces ? { to: e.have, token: i, blocked: !1, kept: !1, copied: !0 } : !s.isSettled && r !== e.have ? null : B(e, t, n);
}
function Be(e, t, n, s) {
  const i = d(e), r = i === t.replaces || s.leaving === ne(i, t);
  return t.offer !== null && r ? xe(e, t.offer, t, n, s) : Ue(t, n) ? W(n) : L(e, t, s);
}
function W(e) {
  const t = e.readLocal();
  return t !== null && e.readCookie() !== t && e.writeCookie(t), null;
}
function Ue({ have: e, accepts: t }, n) {
  const s = n.readAside().find(({ token: i }) => d(i) === e);
  return s !== void 0 && !s.isSpare && te(s, t);
}
function xe(e, t, n, s, i) {
  const r = ne(d(e), n);
  if (n.because === "final" && i.leaving !== r) return U(t, n, s, i);
  if (i.replaced.has(r)) return W(s);
  if (!We(e, t, n, s)) return H(n, i);
  i.leaving = r;
  const c = G(n, s, i, !0);
  return c !== null ? F(c, n, i) : (i.replaced.add(r), U(t, n, s, i));
}
function ne(e, { have: t }) {
  return `${e} ${t}`;
}
function We(e, t, n, s) {
  return z(e, t, n, s) || (s.writeLocal(null), z(e, t, n, s)) ? !0 : (s.writeLocal(e), s.readLocal() !== e);
}
function z(e, t, n, s) {
  const i = s.readAside();
  if (d(e) !== n.replaces) return !0;
  const r = i.some((o) => o.token === t && !o.isSpare);
  return s.writeAside(ee(i, { token: e, isSpare: r }, n));
}
function Ge(e, t, n) {
  if (e.offer === null || n.stored.has(e.have))
    return t.isReadable() ? L(null, e, n) : H(e, n);
  const s = e.forgets ? null : G(e, t, n, !0);
  return s !== null ? F(s, e, n) : U(e.offer, e, t, n);
}
function U(e, t, n, s) {
  return je(e, n), n.writeLocal(e), n.readLocal() !== e && n.writeLocal(null), n.writeCookie(e), n.readLocal() === e || n.readCookie() === e ? (s.stored.add(t.have), ie(t, e, s)) : t.forgets && !t.ask ? null : H(t, s);
}
function Fe(e, t, n) {
  const { replaces: s, because: i, accepts: r } = e;
  if (s === null) return;
  e.clears && !n.gone.has(s) && t.writeAside([]), n.gone.add(s);
  const o = t.readAside(), c = o.find(({ token: a }) => d(a) === s);
  c !== void 0 && t.writeAside(q(o, c.token, i, r));
}
function He(e, t, n) {
  const { trial: s } = n;
  if (s === null) return;
  const i = s.mark === e.have, r = s.to === e.have && s.mark === e.replaces;
  (i || r) && (n.trial = null);
  const o = t.readAside(), c = o.find(({ token: f }) => d(f) === s.mark);
  if (!i || c === void 0) return;
  const a = t.readLocal() ?? t.readCookie(), l = N(o, c.token);
  t.writeLocal(c.token), t.writeCookie(c.token), t.writeAside(a === null ? l : V(l, a, !c.isSpare));
}
function je(e, t) {
  const n = t.readAside(), s = N(n, e);
  s.length < n.length && t.writeAside(s);
}
function G(e, t, n, s) {
  const i = Me(t.readAside(), s), r = (l) => {
    const f = d(l.token);
    return f === e.have || f === e.replaces ? !1 : !n.tried.has(se(f, e)) && te(l, e.accepts);
  }, { to: o, mark: c } = n.trial ?? {};
  return i.find(({ token: l }) => o === e.have && d(l) === c) ?? i.find(r) ?? null;
}
function F(e, t, n) {
  const s = d(e.token);
  return n.trial = { to: t.have, mark: s }, n.tried.add(se(s, t)), L(e.token, t, n);
}
function se(e, { have: t, accepts: n }) {
  return [e, t, ...Object.values(n)].join(" ");
}
function H(e, t) {
  return t.isBlocked = !0, { ...L(null, e, t), blocked: !0 };
}
function ie(e, t, n) {
  const s = e.ask || n.isBlocked;
  return n.agreed = e.have, n.isBlocked = !1, s ? L(t, e, n) : null;
}
function L(e, t, n) {
  const s = n.stored.has(t.have), i = e !== null && d(e) === n.agreed && n.agreed !== t.have, r = { to: t.have, token: e, blocked: !1, kept: s };
  return i ? { ...r, shown: !0 } : r;
}
function y(e) {
  const t = e.token === null ? "" : d(e.token);
  return `${e.to} ${t} ${e.blocked} ${e.copied ?? !1}`;
}
const ze = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function re(e) {
  return typeof e == "string" && ze.test(e);
}
function M(e, t, n) {
  const s = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${e}.${s}.${encodeURIComponent(t)}`;
}
function Ke(e) {
  try {
    const { pathname: t } = new URL(e), n = t.indexOf("/_stcore/");
    return n > 0 ? t.slice(0, n) : "";
  } catch {
    return "";
  }
}
function oe(e, t) {
  const n = M(t.app, t.base, e.location), s = ce(() => e.localStorage, n);
  return {
    ...s,
    // In no cookie: who can set one for this host could bring the page into another session.
    ...le(() => e.localStorage, ae(n)),
    readCookie: () => u(() => fe(he(e, n))),
    writeCookie: (i) => ue(e, n, t.cookie ? i : null, t.maxAge, t.base),
    // If cookies are blocked, `document.cookie` is empty and throws nothing.
    isReadable: () => s.isReadable() || t.cookie && e.navigator.cookieEnabled
  };
}
function ce(e, t) {
  return {
    readLocal: () => u(() => fe(e().getItem(t))),
    writeLocal: (n) => {
      u(
        () => n === null ? e().removeItem(t) : e().setItem(t, n)
      );
    },
    isReadable: () => u(() => (e().getItem(t), !0)) ?? !1
  };
}
function ae(e) {
  return e.replace(/^pgstate/, "pgstate-aside");
}
function le(e, t) {
  const n = () => u(() => e().getItem(t));
  return {
    readAside: () => Re(n(), re),
    writeAside: (s) => {
      const i = s.length > 0 ? Ne(s) : null;
      return n() !== i && u(
        () => i === null ? e().removeItem(t) : e().setItem(t, i)
      ), !(u(() => (e().getItem(t), !0)) ?? !1) || n() === i;
    }
  };
}
function ue(e, t, n, s, i) {
  const r = n === null ? 0 : Math.round(s), o = C(e) || i.includes(";") ? "/" : i || "/", c = `${de(e, t)}=${n ?? ""}; Max-Age=${r}; Path=${o}`;
  for (const a of Xe(e))
    if (u(() => e.document.cookie = `${c}; ${a}`), n !== null && u(() => he(e, t)) === n) return;
}
function Xe(e) {
  const t = `SameSite=Strict${C(e) ? "; Secure" : ""}`, n = e.top !== e && !!e.top;
  return C(e) && n ? [t, "SameSite=None; Secure; Partitioned"] : [t];
}
function C(e) {
  return e.location.protocol === "https:";
}
function de(e, t) {
  return C(e) ? `__Host-${t}` : t;
}
function u(e) {
  try {
    return e();
  } catch {
    return null;
  }
}
function fe(e) {
  return re(e) ? e : null;
}
function he(e, t) {
  const n = `${de(e, t)}=`, s = e.document.cookie.split(/;\s*/).filter((o) => o.startsWith(n)).map((o) => o.slice(n.length)), [i, ...r] = new Set(s);
  return r.length === 0 ? i ?? null : null;
}
const Ye = [500, 2e3, 8e3, 3e4], Je = 2e4, Qe = 6e4, Ze = 2, Ve = 3e4, qe = { 200: "set", 204: "kept", 409: "other" }, pe = "changed", K = /* @__PURE__ */ new Map();
function et(e, t, n, s, i) {
  const r = M(n.app, t, e.location).replace(/^pgstate/, "pgstate-app"), o = new lt(e, t, r), a = K.get(r) ?? tt(o);
  K.set(r, a), a.have = n.have;
  const l = oe(e, { app: n.app, base: t, maxAge: 0, cookie: !0 });
  return it(n, a, o, l, (h) => {
    const p = `${s} ${n.veil} ${n.have} ${h.token ?? ""} ${h.blocked ?? !1}`;
    a.answered.has(p) || (a.answered.add(p), i({ to: n.have, token: null, blocked: !1, kept: !1, ...h }));
  }), () => {
  };
}
function tt(e) {
  const t = {
    have: "",
    presented: /* @__PURE__ */ new Set(),
    announced: /* @__PURE__ */ new Set(),
    reported: /* @__PURE__ */ new Set(),
    answered: /* @__PURE__ */ new Set(),
    channel: u(() => new BroadcastChannel(e.name)),
    turns: Promise.resolve(),
    ticket: null
  };
  return t.channel?.addEventListener("message", ({ data: n }) => {
    n === pe ? st(t, e) : n !== t.have && nt(t.have, t, e);
  }), t;
}
async function nt(e, t, n) {
  await n.post("check", e) === "other" && t.have === e && n.reload();
}
async function st(e, t) {
  await we(e, t, async () => {
    e.ticket === null || await t.post("check", e.have) !== "other" || await t.present(e.ticket);
  });
}
function we(e, t, n) {
  const s = e.turns.then(() => t.alone(n));
  return e.turns = s.catch(() => {
  }), s;
}
async function it(e, t, n, s, i) {
  ct(e, s);
  const r = e.takesOver ? s.readLocal() : null, o = `${e.veil} ${r ?? ""}`;
  if (r !== null && !t.reported.has(o) && d(r) !== e.replaces) {
    t.reported.add(o), i({ token: r });
    return;
  }
  e.takesOver && r === null && i({}), e.ticket !== null ? await rt(e, e.ticket, t, n, s, i) : e.ask ? await ot(n, i) : ge(e, t);
}
async function rt(e, t, n, s, i, r) {
  if (n.presented.has(e.have)) return;
  n.presented.add(e.have), n.ticket = t;
  const o = () => n.have === e.have, c = await s.until(
    o,
    () => we(n, s, () => s.present(t))
  );
  c === "kept" ? (s.hasLocks || u(() => n.channel?.postMessage(pe)), at(e, i), o() && ge(e, n)) : o() && (c !== "other" || !s.reload()) && (n.presented.delete(e.have), r({ blocked: !0 }));
}
async function ot(e, t) {
  (await e.until(
    () => !0,
    () => e.change("renew", "")
  ) !== "kept" || !e.reload()) && t({ blocked: !0 });
}
function ge({ announces: e, have: t }, n) {
  !e || n.announced.has(t) || (n.announced.add(t), u(() => n.channel?.postMessage(t)));
}
function ct(e, t) {
  e.clears && t.writeAside([]);
  const n = t.readLocal();
  if (!(n === null || d(n) !== e.replaces || e.ticket !== null)) {
    if (e.because !== "final") {
      const s = ee(t.readAside(), { token: n, isSpare: !1 }, e);
      if (!t.writeAside(s)) return;
    }
    t.writeLocal(null), t.writeCookie(null);
  }
}
function at(e, t) {
  const n = t.readLocal();
  !(n !== null && [e.have, e.replaces].includes(d(n))) && !e.clears || (t.writeLocal(null), t.writeCookie(null));
}
class lt {
  constructor(t, n, s) {
    this.page = t, this.base = n, this.name = s, this.hasGivenUp = !1;
  }
  /** Present a ticket. */
  present(t) {
    return this.change("present", t);
  }
  /** Send a request, and once more to see whether the cookie that it has set is kept. */
  async change(t, n) {
    let s = await this.post(t, n);
    for (let i = 0; s === "set" && i < Ze; i++)
      s = await this.post(t, n);
    return s;
  }
  /** Try until it succeeds, as long as it is wanted. */
  async until(t, n) {
    for (const s of [...Ye, null]) {
      const i = await n();
      if (i !== "failed" || s === null || !t() || (await new Promise((r) => this.page.setTimeout(r, s)), !t())) return i;
    }
    return "failed";
  }
  /** Whether tabs of this browser can keep each other from acting at once. */
  get hasLocks() {
    return this.locks !== null && !this.hasGivenUp;
  }
  /** Act while no other tab of this browser does, if it has Web Locks. */
  async alone(t) {
    if (this.locks === null) return t();
    const n = u(() => AbortSignal.timeout(Qe)) ?? void 0;
    let s = !1;
    const i = () => (s = !0, t());
    try {
      return await this.locks.request(this.name, n ? { signal: n } : {}, i);
    } catch (r) {
      if (s) throw r;
      return this.hasGivenUp = !0, t();
    }
  }
  get locks() {
    return u(() => this.page.navigator.locks) ?? null;
  }
  async post(t, n) {
    try {
      const s = await this.page.fetch(`${this.base}/_pgstate/cookie`, {
        method: "POST",
        headers: { "X-Pgstate": t, "Content-Type": "text/plain" },
        body: n,
        credentials: "same-origin",
        cache: "no-store",
        signal: u(() => AbortSignal.timeout(Je))
      });
      return qe[s.status] ?? "failed";
    } catch {
      return "failed";
    }
  }
  /** Load the page anew, unless this tab has just done so: then false. */
  reload() {
    const t = Date.now(), n = Number(u(() => this.page.sessionStorage.getItem(this.guard)) ?? 0);
    return Math.abs(t - n) < Ve || (u(() => this.page.sessionStorage.setItem(this.guard, String(t))), u(() => this.page.sessionStorage.getItem(this.guard)) !== String(t)) ? !1 : (this.page.location.reload(), !0);
  }
  get guard() {
    return this.name.replace(/^pgstate-app/, "pgstate-app-reloaded");
  }
}
const I = "data-test-connection-state", O = "CONNECTED", ut = "data-test-script-state", dt = "running";
function ve(e) {
  return e.querySelector("[data-testid=stApp]");
}
function ft(e) {
  return e.querySelector("[data-testid=stDialog]") !== null;
}
const R = /* @__PURE__ */ new WeakSet();
let ke = null;
const X = /* @__PURE__ */ new WeakSet();
function ht(e) {
  if (X.has(e)) return;
  X.add(e);
  const t = (n, s) => e.addEventListener(n, s, { capture: !0, passive: !0 });
  t("pointerdown", ({ target: n }) => Y(n)), t("focusin", ({ target: n }) => Y(n)), t("input", ({ target: n }) => {
    $(n) && R.add(n);
  }), t("keydown", (n) => {
    $(n.target) && wt(n, n.target) && vt(n.target);
  }), t("focusout", ({ target: n }) => {
    $(n) && R.delete(n);
  });
}
function pt(e) {
  const t = e.activeElement;
  if (!$(t)) return null;
  const n = Ee(t);
  return n === null && !Se(t) ? ke : (gt(t) ? t.value !== "" : R.has(t)) ? n : null;
}
function wt(e, t) {
  return e.isComposing ? !1 : e.key === "ArrowUp" || e.key === "ArrowDown" ? t.type === "number" : e.key !== "Enter" ? !1 : t.tagName === "INPUT" ? !0 : e.ctrlKey || e.metaKey;
}
function gt(e) {
  return e.closest('[data-testid="stChatInput"]') !== null;
}
function vt(e) {
  setTimeout(() => {
    e.getAttribute("aria-invalid") !== "true" && R.delete(e);
  });
}
function Y(e) {
  e instanceof Element && Se(e) && (ke = Ee(e));
}
function Se(e) {
  return e.closest('[data-testid="stElementContainer"]') !== null;
}
function Ee(e) {
  const t = e.closest('[class*="st-key-"]');
  return Array.from(t?.classList ?? []).find((n) => n.startsWith("st-key-")) ?? null;
}
function $(e) {
  return e instanceof Element && ["INPUT", "TEXTAREA"].includes(e.tagName);
}
const kt = 1e3, St = 1e4, b = /* @__PURE__ */ new Map(), Ae = /* @__PURE__ */ new Map();
function Et(e, t, n) {
  const s = b.get(e);
  s?.stop();
  const i = {
    lastTick: s?.lastTick ?? null,
    sentAt: s?.sentAt ?? 0,
    stop: () => {
    }
  };
  b.set(e, i), ht(document);
  const r = () => {
    document.visibilityState !== "visible" || i.lastTick !== null && i.lastTick.number > t.received && Date.now() - i.sentAt < St || (i.lastTick = {
      number: t.received + 1,
      typing: pt(document),
      dialog: ft(document)
    }, i.sentAt = Date.now(), n(i.lastTick));
  }, o = setInterval(r, kt), c = () => r();
  document.addEventListener("visibilitychange", c);
  const a = Object.entries(t.channels).map(([l, f]) => {
    const h = Le(l);
    return h !== null && (h.onmessage = ({ data: p }) => {
      const v = Math.max(f, Ae.get(l) ?? 0);
      typeof p == "number" && p > v && r();
    }), h;
  });
  return i.stop = () => {
    clearInterval(o), document.removeEventListener("visibilitychange", c);
    for (const l of a) l?.close();
  }, () => {
    b.get(e)?.stop(), b.delete(e);
  };
}
function At(e) {
  for (const [t, n] of Object.entries(e.channels)) {
    Ae.set(t, n);
    const s = Le(t);
    s?.postMessage(n), s?.close();
  }
}
function Le(e) {
  return u(() => new BroadcastChannel(e));
}
let be = { have: "", version: 0, serverSession: "" };
function Lt({ have: e, version: t, serverSession: n }) {
  be = { have: e, version: t, serverSession: n };
}
const T = /* @__PURE__ */ new Map();
function bt(e, t) {
  T.get(e)?.disconnect();
  const n = ve(document);
  let s = n?.getAttribute(I);
  const i = new MutationObserver(() => {
    const r = n?.getAttribute(I);
    r === O && s !== O && t({ at: Date.now(), ...be }), s = r;
  });
  return n !== null && i.observe(n, { attributeFilter: [I] }), T.set(e, i), () => {
    T.get(e)?.disconnect(), T.delete(e);
  };
}
const Tt = 3e4, mt = 500, It = 1e3, $t = 45e3;
function Ct(e, t) {
  return Math.min(Tt, 1e3 * 2 ** (e - 1)) * (1 - t / 4);
}
function Ot() {
  if (document.visibilityState !== "visible") return !1;
  const e = ve(document);
  return (e?.getAttribute(I) ?? O) === O && e?.getAttribute(ut) !== dt;
}
const g = /* @__PURE__ */ new Map(), E = /* @__PURE__ */ new Map(), Rt = 2;
let D = 0, Te = 0, A, S = 0;
function Nt(e, t) {
  g.size === 0 && Date.now() - Te > It && (D = 0, E.clear()), g.set(e, t);
  const n = (E.get(e) ?? 0) + 1;
  return E.set(e, n), n <= Rt && (D += 1, me(Ct(D, Math.random()))), document.addEventListener("visibilitychange", P), () => {
    g.delete(e), E.delete(e), g.size === 0 && Mt();
  };
}
function Mt() {
  clearTimeout(A), S = 0, Te = Date.now(), document.removeEventListener("visibilitychange", P);
}
function me(e) {
  clearTimeout(A), S = 0, A = setTimeout(() => {
    E.clear(), S = g.size, P();
  }, e);
}
function P() {
  const [e] = g;
  if (S === 0 || e === void 0 || (clearTimeout(A), A = setTimeout(P, mt), !Ot())) return;
  S -= 1;
  const [t, n] = e;
  g.delete(t), g.set(t, n), S === 0 && me($t), n({ at: Date.now() });
}
const J = "streamlit-pgstate-style", x = ".st-key-streamlit_pgstate_progress", w = ".st-key-streamlit_pgstate_outage", Pt = `:is(${x} [data-testid="stProgress"], ${w})`, _ = `[data-testid="stEvent"]:has(${Pt})`, Q = `:is(${w}, :has(${w}))`, yt = `
[class*="st-key-streamlit_pgstate"]:not(${x}, ${w}) {
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
${_}:has(${w}) {
  width: min(36rem, 90vw);
  padding: 0;
}
${_} [data-testid="stElementContainer"]:not(:is(${x}, ${w}) *),
${w} [class*="st-key-streamlit_pgstate_retry"],
${Q} ~ ${w},
${Q} ~ * ${w} {
  display: none;
}
`;
function Dt(e) {
  if (e.getElementById(J) !== null) return;
  const t = e.createElement("style");
  t.id = J, t.textContent = yt, e.head.append(t);
}
const _t = 5, Bt = 150;
function Ut(e, t) {
  const n = M(t.app, t.base, e.location);
  return {
    ...ce(() => e.sessionStorage, n),
    ...le(() => e.sessionStorage, ae(n)),
    readCookie: () => null,
    writeCookie: () => {
    }
  };
}
class xt {
  constructor(t, n, s, i) {
    this.page = t, this.options = n, this.copies = s, this.events = new EventTarget(), this.id = Math.random().toString(36).slice(2), this.copied = /* @__PURE__ */ new Set(), this.since = i ?? performance.timeOrigin, this.name = M(n.app, n.base, t.location), this.channel = u(() => new BroadcastChannel(`${this.name}.tab`)), this.channel?.addEventListener("message", ({ data: r }) => this.receive(r)), this.isSettled = this.channel === null || s.readLocal() === null, this.writeReloadCookie(null), t.addEventListener("pagehide", () => this.writeReloadCookie(s.readLocal())), t.addEventListener("pageshow", (r) => {
      r.persisted && (this.writeReloadCookie(null), this.query());
    }), t.document.addEventListener("visibilitychange", () => {
      t.document.visibilityState === "visible" && this.query();
    }), !this.isSettled && (this.query(), t.setTimeout(() => this.settle(), Bt));
  }
  /** Whether an older tab uses this token. */
  isCopy(t) {
    return t !== null && this.copied.has(d(t));
  }
  settle() {
    this.isSettled || (this.isSettled = !0, this.events.dispatchEvent(new Event("change")));
  }
  query() {
    const t = this.copies.readLocal();
    t !== null && this.send({ kind: "query", fingerprint: d(t) });
  }
  send(t) {
    u(() => this.channel?.postMessage({ ...t, from: this.id, since: this.since }));
  }
  receive({ kind: t, fingerprint: n, from: s, since: i, to: r }) {
    const o = this.copies.readLocal();
    if (o === null || n !== d(o)) return;
    const c = i < this.since || i === this.since && s < this.id;
    t === "query" && !c ? this.send({ kind: "claim", fingerprint: n, to: s }) : (t === "query" || r === this.id) && (this.copied.add(n), this.isSettled = !0, this.events.dispatchEvent(new Event("change")));
  }
  /** Write the cookie from which the server knows the tab after F5. Null removes it: it was read. */
  writeReloadCookie(t) {
    const n = t ?? this.copies.readLocal();
    if (!this.options.cookie || n === null) return;
    const s = `${this.name.replace(/^pgstate/, "pgstate-tab")}.${d(n)}`;
    ue(this.page, s, t, _t, this.options.base);
  }
}
const Ie = Ke(import.meta.url), Z = /* @__PURE__ */ new Map(), m = /* @__PURE__ */ new Map(), Gt = ({ data: e, key: t, parentElement: n, setStateValue: s }) => (Dt(document), e.role === "reload" ? window.location.reload() : e.role === "cookie" ? et(
  window,
  Ie,
  e,
  t,
  (i) => s("answer", { ...i, token: $e(i.token, e.veil) })
) : e.role === "live" ? Et(t, e, (i) => s("tick", i)) : e.role === "changes" ? At(e) : e.role === "shown" ? Lt(e) : e.role === "reconnect" ? bt(t, (i) => s("reconnect", i)) : e.role === "retry" ? Nt(n, (i) => s("retry", i)) : Wt(e, t, (i) => s("answer", i)));
function Wt(e, t, n) {
  const s = { ...e, base: Ie }, i = e.scope === "tab", r = (i ? Ut : oe)(window, s), o = JSON.stringify(e), c = `${e.scope} ${e.app}`, a = Z.get(c) ?? {
    ...ye(),
    request: o,
    answered: /* @__PURE__ */ new Set(),
    claims: i ? new xt(window, s, r) : null
  };
  Z.set(c, a), a.request !== o && (a.request = o, a.answered.clear());
  const l = m.get(t);
  l?.stop();
  const f = l?.request === o ? l.answered : /* @__PURE__ */ new Set(), h = (Oe) => {
    const { claims: j } = a, k = j === null ? B(e, r, a) : _e(e, r, a, j);
    k === null || Oe.has(y(k)) || (f.add(y(k)), a.answered.add(y(k)), n({ ...k, token: $e(k.token, e.veil) }));
  }, p = () => h(a.answered), v = () => {
    document.visibilityState === "visible" && h(a.answered);
  };
  window.addEventListener("storage", p), window.addEventListener("pageshow", v), document.addEventListener("visibilitychange", v), a.claims?.events.addEventListener("change", p);
  const Ce = () => {
    window.removeEventListener("storage", p), window.removeEventListener("pageshow", v), document.removeEventListener("visibilitychange", v), a.claims?.events.removeEventListener("change", p);
  };
  return m.set(t, { request: o, answered: f, stop: Ce }), h(f), () => {
    m.get(t)?.stop(), m.delete(t);
  };
}
function $e(e, t) {
  if (e === null) return null;
  let n = "";
  for (let s = 0; s < e.length; s++) {
    const i = parseInt(t.slice(2 * s, 2 * s + 2), 16);
    n += (e.charCodeAt(s) ^ i).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  Gt as default,
  $e as veiled
};
