function ce() {
  return { stored: /* @__PURE__ */ new Set(), gone: /* @__PURE__ */ new Set(), agreed: null, isBlocked: !1 };
}
const le = 16;
function d(e) {
  return e.slice(-43).slice(0, le);
}
function P(e, t, n) {
  e.replaces !== null && n.gone.add(e.replaces);
  const i = t.readLocal(), s = i ?? t.readCookie();
  return s !== null && d(s) === e.have ? (i === null && t.writeLocal(s), t.writeCookie(s), n.gone.delete(e.have), K(e, s, n)) : n.gone.has(e.have) ? null : s === null ? de(e, t, n) : ue(s, e, t, n);
}
function ae(e, t, n, i) {
  const s = t.readLocal();
  if (s === null) return P(e, t, n);
  const o = d(s);
  return i.isCopy(s) && o !== e.replaces ? { to: e.have, token: s, blocked: !1, kept: !1, copied: !0 } : !i.isSettled && o !== e.have ? null : P(e, t, n);
}
function ue(e, t, n, i) {
  return t.offer !== null && d(e) === t.replaces ? H(t.offer, t, n, i) : A(e, t, i);
}
function de(e, t, n) {
  return e.offer === null || n.stored.has(e.have) ? t.isReadable() ? A(null, e, n) : z(e, n) : H(e.offer, e, t, n);
}
function H(e, t, n, i) {
  return n.writeLocal(e), n.readLocal() !== e && n.writeLocal(null), n.writeCookie(e), n.readLocal() === e || n.readCookie() === e ? (i.stored.add(t.have), K(t, e, i)) : t.forgets && !t.ask ? null : z(t, i);
}
function z(e, t) {
  return t.isBlocked = !0, { ...A(null, e, t), blocked: !0 };
}
function K(e, t, n) {
  const i = e.ask || n.isBlocked;
  return n.agreed = e.have, n.isBlocked = !1, i ? A(t, e, n) : null;
}
function A(e, t, n) {
  const i = n.stored.has(t.have), s = e !== null && d(e) === n.agreed && n.agreed !== t.have, o = { to: t.have, token: e, blocked: !1, kept: i };
  return s ? { ...o, shown: !0 } : o;
}
function R(e) {
  const t = e.token === null ? "" : d(e.token);
  return `${e.to} ${t} ${e.blocked} ${e.copied ?? !1}`;
}
const fe = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function he(e) {
  return typeof e == "string" && fe.test(e);
}
function _(e, t, n) {
  const i = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${e}.${i}.${encodeURIComponent(t)}`;
}
function we(e) {
  try {
    const { pathname: t } = new URL(e), n = t.indexOf("/_stcore/");
    return n > 0 ? t.slice(0, n) : "";
  } catch {
    return "";
  }
}
function pe(e, t) {
  const n = _(t.app, t.base, e.location), i = j(() => e.localStorage, n);
  return {
    ...i,
    readCookie: () => f(() => X(Y(e.document.cookie, n))),
    writeCookie: (s) => J(e, n, t.cookie ? s : null, t.maxAge, t.base),
    // If cookies are blocked, `document.cookie` is empty and throws nothing.
    isReadable: () => i.isReadable() || t.cookie && e.navigator.cookieEnabled
  };
}
function j(e, t) {
  return {
    readLocal: () => f(() => X(e().getItem(t))),
    writeLocal: (n) => {
      f(
        () => n === null ? e().removeItem(t) : e().setItem(t, n)
      );
    },
    isReadable: () => f(() => (e().getItem(t), !0)) ?? !1
  };
}
function J(e, t, n, i, s) {
  const o = n === null ? 0 : Math.round(i), c = `${t}=${n ?? ""}; Max-Age=${o}; Path=${s || "/"}`;
  for (const l of ve(e))
    if (f(() => e.document.cookie = `${c}; ${l}`), n !== null && f(() => Y(e.document.cookie, t)) === n) return;
}
function ve(e) {
  const t = e.location.protocol === "https:", n = `SameSite=Strict${t ? "; Secure" : ""}`, i = e.top !== e && !!e.top;
  return t && i ? [n, "SameSite=None; Secure; Partitioned"] : [n];
}
function f(e) {
  try {
    return e();
  } catch {
    return null;
  }
}
function X(e) {
  return he(e) ? e : null;
}
function Y(e, t) {
  for (const n of e.split(/;\s*/))
    if (n.startsWith(`${t}=`)) return n.slice(t.length + 1);
  return null;
}
const I = /* @__PURE__ */ new WeakSet();
let Q = null;
const W = /* @__PURE__ */ new WeakSet();
function me(e) {
  if (W.has(e)) return;
  W.add(e);
  const t = (n, i) => e.addEventListener(n, i, { capture: !0, passive: !0 });
  t("pointerdown", ({ target: n }) => U(n)), t("focusin", ({ target: n }) => U(n)), t("input", ({ target: n }) => {
    $(n) && I.add(n);
  }), t("keydown", (n) => {
    $(n.target) && Ee(n, n.target) && ke(n.target);
  }), t("focusout", ({ target: n }) => {
    $(n) && I.delete(n);
  });
}
function ge(e) {
  const t = e.activeElement;
  if (!$(t)) return null;
  const n = V(t);
  return n === null && !Z(t) ? Q : (be(t) ? t.value !== "" : I.has(t)) ? n : null;
}
function Ee(e, t) {
  return e.isComposing ? !1 : e.key === "ArrowUp" || e.key === "ArrowDown" ? t.type === "number" : e.key !== "Enter" ? !1 : t.tagName === "INPUT" ? !0 : e.ctrlKey || e.metaKey;
}
function be(e) {
  return e.closest('[data-testid="stChatInput"]') !== null;
}
function ke(e) {
  setTimeout(() => {
    e.getAttribute("aria-invalid") !== "true" && I.delete(e);
  });
}
function U(e) {
  e instanceof Element && Z(e) && (Q = V(e));
}
function Z(e) {
  return e.closest('[data-testid="stElementContainer"]') !== null;
}
function V(e) {
  const t = e.closest('[class*="st-key-"]');
  return Array.from(t?.classList ?? []).find((n) => n.startsWith("st-key-")) ?? null;
}
function $(e) {
  return e instanceof Element && ["INPUT", "TEXTAREA"].includes(e.tagName);
}
const Se = 1e3, Le = 1e4, S = /* @__PURE__ */ new Map(), q = /* @__PURE__ */ new Map();
function Te(e, t, n) {
  const i = S.get(e);
  i?.stop();
  const s = {
    lastTick: i?.lastTick ?? null,
    sentAt: i?.sentAt ?? 0,
    stop: () => {
    }
  };
  S.set(e, s), me(document);
  const o = () => {
    document.visibilityState !== "visible" || s.lastTick !== null && s.lastTick.number > t.received && Date.now() - s.sentAt < Le || (s.lastTick = { number: t.received + 1, typing: ge(document) }, s.sentAt = Date.now(), n(s.lastTick));
  }, c = setInterval(o, Se), l = () => o();
  document.addEventListener("visibilitychange", l);
  const r = Object.entries(t.channels).map(([a, E]) => {
    const w = ee(a);
    return w !== null && (w.onmessage = ({ data: p }) => {
      const v = Math.max(E, q.get(a) ?? 0);
      typeof p == "number" && p > v && o();
    }), w;
  });
  return s.stop = () => {
    clearInterval(c), document.removeEventListener("visibilitychange", l);
    for (const a of r) a?.close();
  }, () => {
    S.get(e)?.stop(), S.delete(e);
  };
}
function $e(e) {
  for (const [t, n] of Object.entries(e.channels)) {
    q.set(t, n);
    const i = ee(t);
    i?.postMessage(n), i?.close();
  }
}
function ee(e) {
  return f(() => new BroadcastChannel(e));
}
const C = "data-test-connection-state", y = "CONNECTED", Ce = "data-test-script-state", Ie = "running";
function te(e) {
  return e.querySelector("[data-testid=stApp]");
}
let ne = { have: "", version: 0, serverSession: "" };
function ye({ have: e, version: t, serverSession: n }) {
  ne = { have: e, version: t, serverSession: n };
}
const L = /* @__PURE__ */ new Map();
function Ae(e, t) {
  L.get(e)?.disconnect();
  const n = te(document);
  let i = n?.getAttribute(C);
  const s = new MutationObserver(() => {
    const o = n?.getAttribute(C);
    o === y && i !== y && t({ at: Date.now(), ...ne }), i = o;
  });
  return n !== null && s.observe(n, { attributeFilter: [C] }), L.set(e, s), () => {
    L.get(e)?.disconnect(), L.delete(e);
  };
}
const Ne = 3e4, Re = 500, Oe = 1e3, Me = 45e3;
function Pe(e, t) {
  return Math.min(Ne, 1e3 * 2 ** (e - 1)) * (1 - t / 4);
}
function De() {
  if (document.visibilityState !== "visible") return !1;
  const e = te(document);
  return (e?.getAttribute(C) ?? y) === y && e?.getAttribute(Ce) !== Ie;
}
const h = /* @__PURE__ */ new Map(), b = /* @__PURE__ */ new Map(), _e = 2;
let O = 0, ie = 0, k, g = 0;
function Be(e, t) {
  h.size === 0 && Date.now() - ie > Oe && (O = 0, b.clear()), h.set(e, t);
  const n = (b.get(e) ?? 0) + 1;
  return b.set(e, n), n <= _e && (O += 1, se(Pe(O, Math.random()))), document.addEventListener("visibilitychange", N), () => {
    h.delete(e), b.delete(e), h.size === 0 && We();
  };
}
function We() {
  clearTimeout(k), g = 0, ie = Date.now(), document.removeEventListener("visibilitychange", N);
}
function se(e) {
  clearTimeout(k), g = 0, k = setTimeout(() => {
    b.clear(), g = h.size, N();
  }, e);
}
function N() {
  const [e] = h;
  if (g === 0 || e === void 0 || (clearTimeout(k), k = setTimeout(N, Re), !De())) return;
  g -= 1;
  const [t, n] = e;
  h.delete(t), h.set(t, n), g === 0 && se(Me), n({ at: Date.now() });
}
const G = "streamlit-pgstate-style", D = ".st-key-streamlit_pgstate_progress", u = ".st-key-streamlit_pgstate_outage", Ue = `:is(${D} [data-testid="stProgress"], ${u})`, M = `[data-testid="stEvent"]:has(${Ue})`, x = `:is(${u}, :has(${u}))`, Ge = `
[class*="st-key-streamlit_pgstate"]:not(${D}, ${u}) {
  position: absolute;
}
${M} {
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
${M}:has(${u}) {
  width: min(36rem, 90vw);
  padding: 0;
}
${M} [data-testid="stElementContainer"]:not(:is(${D}, ${u}) *),
${u} [class*="st-key-streamlit_pgstate_retry"],
${x} ~ ${u},
${x} ~ * ${u} {
  display: none;
}
`;
function xe(e) {
  if (e.getElementById(G) !== null) return;
  const t = e.createElement("style");
  t.id = G, t.textContent = Ge, e.head.append(t);
}
const Fe = 5, He = 150;
function ze(e, t) {
  const n = _(t.app, t.base, e.location);
  return {
    ...j(() => e.sessionStorage, n),
    readCookie: () => null,
    writeCookie: () => {
    }
  };
}
class Ke {
  constructor(t, n, i, s) {
    this.page = t, this.options = n, this.copies = i, this.events = new EventTarget(), this.id = Math.random().toString(36).slice(2), this.copied = /* @__PURE__ */ new Set(), this.since = s ?? performance.timeOrigin, this.name = _(n.app, n.base, t.location), this.channel = f(() => new BroadcastChannel(`${this.name}.tab`)), this.channel?.addEventListener("message", ({ data: o }) => this.receive(o)), this.isSettled = this.channel === null || i.readLocal() === null, this.writeReloadCookie(null), t.addEventListener("pagehide", () => this.writeReloadCookie(i.readLocal())), t.addEventListener("pageshow", (o) => {
      o.persisted && (this.writeReloadCookie(null), this.query());
    }), t.document.addEventListener("visibilitychange", () => {
      t.document.visibilityState === "visible" && this.query();
    }), !this.isSettled && (this.query(), t.setTimeout(() => this.settle(), He));
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
    f(() => this.channel?.postMessage({ ...t, from: this.id, since: this.since }));
  }
  receive({ kind: t, fingerprint: n, from: i, since: s, to: o }) {
    const c = this.copies.readLocal();
    if (c === null || n !== d(c)) return;
    const l = s < this.since || s === this.since && i < this.id;
    t === "query" && !l ? this.send({ kind: "claim", fingerprint: n, to: i }) : (t === "query" || o === this.id) && (this.copied.add(n), this.isSettled = !0, this.events.dispatchEvent(new Event("change")));
  }
  /** Write the cookie from which the server knows the tab after F5. Null removes it: it was read. */
  writeReloadCookie(t) {
    const n = t ?? this.copies.readLocal();
    if (!this.options.cookie || n === null) return;
    const i = `${this.name.replace(/^pgstate/, "pgstate-tab")}.${d(n)}`;
    J(this.page, i, t, Fe, this.options.base);
  }
}
const je = we(import.meta.url), F = /* @__PURE__ */ new Map(), T = /* @__PURE__ */ new Map(), Ye = ({ data: e, key: t, parentElement: n, setStateValue: i }) => (xe(document), e.role === "live" ? Te(t, e, (s) => i("tick", s)) : e.role === "changes" ? $e(e) : e.role === "shown" ? ye(e) : e.role === "reconnect" ? Ae(t, (s) => i("reconnect", s)) : e.role === "retry" ? Be(n, (s) => i("retry", s)) : Je(e, t, (s) => i("answer", s)));
function Je(e, t, n) {
  const i = { ...e, base: je }, s = e.scope === "tab", o = (s ? ze : pe)(window, i), c = JSON.stringify(e), l = `${e.scope} ${e.app}`, r = F.get(l) ?? {
    ...ce(),
    request: c,
    answered: /* @__PURE__ */ new Set(),
    claims: s ? new Ke(window, i, o) : null
  };
  F.set(l, r), r.request !== c && (r.request = c, r.answered.clear());
  const a = T.get(t);
  a?.stop();
  const E = a?.request === c ? a.answered : /* @__PURE__ */ new Set(), w = (re) => {
    const { claims: B } = r, m = B === null ? P(e, o, r) : ae(e, o, r, B);
    m === null || re.has(R(m)) || (E.add(R(m)), r.answered.add(R(m)), n({ ...m, token: Xe(m.token, e.veil) }));
  }, p = () => w(r.answered), v = () => {
    document.visibilityState === "visible" && w(r.answered);
  };
  window.addEventListener("storage", p), window.addEventListener("pageshow", v), document.addEventListener("visibilitychange", v), r.claims?.events.addEventListener("change", p);
  const oe = () => {
    window.removeEventListener("storage", p), window.removeEventListener("pageshow", v), document.removeEventListener("visibilitychange", v), r.claims?.events.removeEventListener("change", p);
  };
  return T.set(t, { request: c, answered: E, stop: oe }), w(E), () => {
    T.get(t)?.stop(), T.delete(t);
  };
}
function Xe(e, t) {
  if (e === null) return null;
  let n = "";
  for (let i = 0; i < e.length; i++) {
    const s = parseInt(t.slice(2 * i, 2 * i + 2), 16);
    n += (e.charCodeAt(i) ^ s).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  Ye as default,
  Xe as veiled
};
