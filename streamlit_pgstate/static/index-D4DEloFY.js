function ct() {
  return { stored: /* @__PURE__ */ new Set(), gone: /* @__PURE__ */ new Set(), agreed: null, isBlocked: !1 };
}
function d(t) {
  return t.slice(-43).slice(0, 16);
}
function D(t, e, n) {
  t.replaces !== null && n.gone.add(t.replaces);
  const s = e.readLocal(), i = s ?? e.readCookie();
  return i !== null && d(i) === t.have ? (s === null && e.writeLocal(i), e.writeCookie(i), n.gone.delete(t.have), j(t, i, n)) : n.gone.has(t.have) ? null : i === null ? ut(t, e, n) : lt(i, t, e, n);
}
function at(t, e, n, s) {
  const i = e.readLocal();
  if (i === null) return D(t, e, n);
  const o = d(i);
  return s.isCopy(i) && o !== t.replaces ? { to: t.have, token: i, blocked: !1, kept: !1, copied: !0 } : !s.isSettled && o !== t.have ? null : D(t, e, n);
}
function lt(t, e, n, s) {
  return e.offer !== null && d(t) === e.replaces ? G(e.offer, e, n, s) : T(t, e, s);
}
function ut(t, e, n) {
  return t.offer === null || n.stored.has(t.have) ? e.isReadable() ? T(null, t, n) : K(t, n) : G(t.offer, t, e, n);
}
function G(t, e, n, s) {
  return n.writeLocal(t), n.readLocal() !== t && n.writeLocal(null), n.writeCookie(t), n.readLocal() === t || n.readCookie() === t ? (s.stored.add(e.have), j(e, t, s)) : e.forgets && !e.ask ? null : K(e, s);
}
function K(t, e) {
  return e.isBlocked = !0, { ...T(null, t, e), blocked: !0 };
}
function j(t, e, n) {
  const s = t.ask || n.isBlocked;
  return n.agreed = t.have, n.isBlocked = !1, s ? T(e, t, n) : null;
}
function T(t, e, n) {
  const s = n.stored.has(e.have), i = t !== null && d(t) === n.agreed && n.agreed !== e.have, o = { to: e.have, token: t, blocked: !1, kept: s };
  return i ? { ...o, shown: !0 } : o;
}
function N(t) {
  const e = t.token === null ? "" : d(t.token);
  return `${t.to} ${e} ${t.blocked} ${t.copied ?? !1}`;
}
const dt = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function Y(t) {
  return typeof t == "string" && dt.test(t);
}
function C(t, e, n) {
  const s = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${t}.${s}.${encodeURIComponent(e)}`;
}
function ft(t) {
  try {
    const { pathname: e } = new URL(t), n = e.indexOf("/_stcore/");
    return n > 0 ? e.slice(0, n) : "";
  } catch {
    return "";
  }
}
function ht(t, e) {
  const n = C(e.app, e.base, t.location);
  return {
    readLocal: () => a(() => B(t.localStorage.getItem(n))),
    writeLocal: (s) => {
      a(
        () => s === null ? t.localStorage.removeItem(n) : t.localStorage.setItem(n, s)
      );
    },
    readCookie: () => a(() => B(Q(t.document.cookie, n))),
    writeCookie: (s) => J(t, n, e.cookie ? s : null, e.maxAge, e.base),
    // Where cookies are blocked, `document.cookie` is empty and throws nothing.
    isReadable: () => X(() => t.localStorage.getItem(n)) || e.cookie && t.navigator.cookieEnabled
  };
}
function J(t, e, n, s, i) {
  const o = n === null ? 0 : Math.round(s), c = `${e}=${n ?? ""}; Max-Age=${o}; Path=${i || "/"}`;
  for (const h of wt(t))
    if (a(() => t.document.cookie = `${c}; ${h}`), n !== null && a(() => Q(t.document.cookie, e)) === n) return;
}
function wt(t) {
  const e = t.location.protocol === "https:", n = `SameSite=Strict${e ? "; Secure" : ""}`, s = t.top !== t && !!t.top;
  return e && s ? [n, "SameSite=None; Secure; Partitioned"] : [n];
}
function X(t) {
  return a(() => (t(), !0)) ?? !1;
}
function a(t) {
  try {
    return t();
  } catch {
    return null;
  }
}
function B(t) {
  return Y(t) ? t : null;
}
function Q(t, e) {
  for (const n of t.split(/;\s*/))
    if (n.startsWith(`${e}=`)) return n.slice(e.length + 1);
  return null;
}
const I = /* @__PURE__ */ new WeakSet();
let Z = null;
const W = /* @__PURE__ */ new WeakSet();
function pt(t) {
  if (W.has(t)) return;
  W.add(t);
  const e = (n, s) => t.addEventListener(n, s, { capture: !0, passive: !0 });
  e("pointerdown", ({ target: n }) => U(n)), e("focusin", ({ target: n }) => U(n)), e("input", ({ target: n }) => {
    A(n) && I.add(n);
  }), e("keydown", (n) => {
    A(n.target) && vt(n, n.target) && Et(n.target);
  }), e("focusout", ({ target: n }) => {
    A(n) && I.delete(n);
  });
}
function mt(t) {
  const e = t.activeElement;
  if (!A(e)) return null;
  const n = q(e);
  return n === null && !V(e) ? Z : (gt(e) ? e.value !== "" : I.has(e)) ? n : null;
}
function vt(t, e) {
  return t.isComposing ? !1 : t.key === "ArrowUp" || t.key === "ArrowDown" ? e.type === "number" : t.key !== "Enter" ? !1 : e.tagName === "INPUT" ? !0 : t.ctrlKey || t.metaKey;
}
function gt(t) {
  return t.closest('[data-testid="stChatInput"]') !== null;
}
function Et(t) {
  setTimeout(() => {
    t.getAttribute("aria-invalid") !== "true" && I.delete(t);
  });
}
function U(t) {
  t instanceof Element && V(t) && (Z = q(t));
}
function V(t) {
  return t.closest('[data-testid="stElementContainer"]') !== null;
}
function q(t) {
  const e = t.closest('[class*="st-key-"]');
  return Array.from(e?.classList ?? []).find((n) => n.startsWith("st-key-")) ?? null;
}
function A(t) {
  return t instanceof Element && ["INPUT", "TEXTAREA"].includes(t.tagName);
}
const bt = 1e3, kt = 1e4, S = /* @__PURE__ */ new Map(), tt = /* @__PURE__ */ new Map();
function St(t, e, n) {
  const s = S.get(t);
  s?.stop();
  const i = {
    data: e,
    said: s?.said ?? null,
    saidAt: s?.saidAt ?? 0,
    stop: () => {
    }
  };
  S.set(t, i), pt(document);
  const o = () => {
    document.visibilityState !== "visible" || i.said !== null && i.said.number > i.data.heard && Date.now() - i.saidAt < kt || (i.said = { number: i.data.heard + 1, typing: mt(document) }, i.saidAt = Date.now(), n(i.said));
  }, c = setInterval(o, bt), h = () => o();
  document.addEventListener("visibilitychange", h);
  const r = Object.entries(e.channels).map(([l, g]) => {
    const w = et(l);
    return w !== null && (w.onmessage = ({ data: p }) => {
      typeof p == "number" && p > Math.max(g, tt.get(l) ?? 0) && o();
    }), w;
  });
  return i.stop = () => {
    clearInterval(c), document.removeEventListener("visibilitychange", h);
    for (const l of r) l?.close();
  }, () => {
    S.get(t)?.stop(), S.delete(t);
  };
}
function Lt(t) {
  for (const [e, n] of Object.entries(t.channels)) {
    tt.set(e, n);
    const s = et(e);
    s?.postMessage(n), s?.close();
  }
}
function et(t) {
  try {
    return new BroadcastChannel(t);
  } catch {
    return null;
  }
}
let nt = { have: "", version: 0, teller: "" };
function $t({ have: t, version: e, teller: n }) {
  nt = { have: t, version: e, teller: n };
}
const At = "[data-testid=stApp]", O = "data-test-connection-state", x = "CONNECTED", L = /* @__PURE__ */ new Map();
function Ct(t, e) {
  L.get(t)?.disconnect();
  const n = document.querySelector(At);
  let s = n?.getAttribute(O);
  const i = new MutationObserver(() => {
    const o = n?.getAttribute(O);
    o === x && s !== x && e({ at: Date.now(), ...nt }), s = o;
  });
  return n !== null && i.observe(n, { attributeFilter: [O] }), L.set(t, i), () => {
    L.get(t)?.disconnect(), L.delete(t);
  };
}
const It = 3e4, Tt = 500, yt = 1e3, Nt = 45e3;
function Ot(t, e) {
  return Math.min(It, 1e3 * 2 ** (t - 1)) * (1 - e / 4);
}
const Pt = "[data-testid=stApp]", Mt = "data-test-connection-state", Dt = "data-test-script-state";
function Rt() {
  if (document.visibilityState !== "visible") return !1;
  const t = document.querySelector(Pt);
  return (t?.getAttribute(Mt) ?? "CONNECTED") === "CONNECTED" && t?.getAttribute(Dt) !== "running";
}
const f = /* @__PURE__ */ new Map(), E = /* @__PURE__ */ new Map(), _t = 2;
let P = 0, st = 0, b, v = 0;
function Bt(t, e) {
  f.size === 0 && Date.now() - st > yt && (P = 0, E.clear()), f.set(t, e);
  const n = (E.get(t) ?? 0) + 1;
  return E.set(t, n), n <= _t && (P += 1, it(Ot(P, Math.random()))), document.addEventListener("visibilitychange", y), () => {
    f.delete(t), E.delete(t), f.size === 0 && Wt();
  };
}
function Wt() {
  clearTimeout(b), v = 0, st = Date.now(), document.removeEventListener("visibilitychange", y);
}
function it(t) {
  clearTimeout(b), v = 0, b = setTimeout(() => {
    E.clear(), v = f.size, y();
  }, t);
}
function y() {
  const [t] = f;
  if (v === 0 || t === void 0 || (clearTimeout(b), b = setTimeout(y, Tt), !Rt())) return;
  v -= 1;
  const [e, n] = t;
  f.delete(e), f.set(e, n), v === 0 && it(Nt), n({ at: Date.now() });
}
const H = "streamlit-pgstate-style", R = ".st-key-streamlit_pgstate_progress", u = ".st-key-streamlit_pgstate_outage", Ut = `:is(${R} [data-testid="stProgress"], ${u})`, M = `[data-testid="stEvent"]:has(${Ut})`, z = `:is(${u}, :has(${u}))`, xt = `
[class*="st-key-streamlit_pgstate"]:not(${R}, ${u}) {
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
${M} [data-testid="stElementContainer"]:not(:is(${R}, ${u}) *),
${u} [class*="st-key-streamlit_pgstate_retry"],
${z} ~ ${u},
${z} ~ * ${u} {
  display: none;
}
`;
function Ht(t) {
  if (t.getElementById(H) !== null) return;
  const e = t.createElement("style");
  e.id = H, e.textContent = xt, t.head.append(e);
}
const zt = 5, Ft = 150;
function Gt(t, e) {
  const n = C(e.app, e.base, t.location);
  return {
    readLocal: () => a(() => {
      const s = t.sessionStorage.getItem(n);
      return Y(s) ? s : null;
    }),
    writeLocal: (s) => {
      a(
        () => s === null ? t.sessionStorage.removeItem(n) : t.sessionStorage.setItem(n, s)
      );
    },
    readCookie: () => null,
    writeCookie: () => {
    },
    isReadable: () => X(() => t.sessionStorage.getItem(n))
  };
}
class Kt {
  constructor(e, n, s, i) {
    this.page = e, this.options = n, this.copies = s, this.events = new EventTarget(), this.id = Math.random().toString(36).slice(2), this.copied = /* @__PURE__ */ new Set(), this.since = i ?? performance.timeOrigin;
    const o = C(n.app, n.base, e.location);
    this.channel = a(() => new BroadcastChannel(`${o}.tab`)), this.channel?.addEventListener("message", (c) => this.hear(c.data)), this.isSettled = this.channel === null || s.readLocal() === null, this.hint(null), e.addEventListener("pagehide", () => this.hint(s.readLocal())), e.addEventListener("pageshow", (c) => {
      c.persisted && (this.hint(null), this.ask());
    }), e.document.addEventListener("visibilitychange", () => {
      e.document.visibilityState === "visible" && this.ask();
    }), !this.isSettled && (this.ask(), e.setTimeout(() => this.settle(), Ft));
  }
  /** Whether an older tab holds this token too. */
  isCopy(e) {
    return e !== null && this.copied.has(d(e));
  }
  settle() {
    this.isSettled || (this.isSettled = !0, this.events.dispatchEvent(new Event("told")));
  }
  ask() {
    const e = this.copies.readLocal();
    e !== null && this.say({ kind: "who", fingerprint: d(e) });
  }
  say(e) {
    a(() => this.channel?.postMessage({ ...e, from: this.id, since: this.since }));
  }
  hear(e) {
    const n = this.copies.readLocal();
    if (n === null || e.fingerprint !== d(n)) return;
    const s = e.since < this.since || e.since === this.since && e.from < this.id;
    e.kind === "who" && !s ? this.say({ kind: "mine", fingerprint: e.fingerprint, to: e.from }) : (e.kind === "who" || e.to === this.id) && (this.copied.add(e.fingerprint), this.isSettled = !0, this.events.dispatchEvent(new Event("told")));
  }
  /** The cookie that tells the page after F5 whose it is; null: it has been read. */
  hint(e) {
    const n = e ?? this.copies.readLocal();
    if (!this.options.cookie || n === null) return;
    const i = `${C(this.options.app, this.options.base, this.page.location).replace(/^pgstate/, "pgstate-tab")}.${d(n)}`;
    J(this.page, i, e, zt, this.options.base);
  }
}
const jt = ft(import.meta.url), F = /* @__PURE__ */ new Map(), $ = /* @__PURE__ */ new Map(), Xt = ({ data: t, key: e, parentElement: n, setStateValue: s }) => (Ht(document), t.role === "live" ? St(e, t, (i) => s("tick", i)) : t.role === "news" ? Lt(t) : t.role === "shown" ? $t(t) : t.role === "reconnect" ? Ct(e, (i) => s("reconnect", i)) : t.role === "retry" ? Bt(n, (i) => s("retry", i)) : Yt(t, e, (i) => s("answer", i)));
function Yt(t, e, n) {
  const s = { ...t, base: jt }, i = t.scope === "tab", o = (i ? Gt : ht)(window, s), c = JSON.stringify(t), h = `${t.scope} ${t.app}`, r = F.get(h) ?? {
    ...ct(),
    asked: c,
    answered: /* @__PURE__ */ new Set(),
    hold: i ? new Kt(window, s, o) : null
  };
  F.set(h, r), r.asked !== c && (r.asked = c, r.answered.clear());
  const l = $.get(e);
  l?.stop();
  const g = l?.asked === c ? l.answered : /* @__PURE__ */ new Set(), w = (rt) => {
    const { hold: _ } = r, m = _ === null ? D(t, o, r) : at(t, o, r, _);
    m === null || rt.has(N(m)) || (g.add(N(m)), r.answered.add(N(m)), n({ ...m, token: Jt(m.token, t.veil) }));
  }, p = () => w(r.answered), k = () => {
    document.visibilityState === "visible" && w(r.answered);
  };
  window.addEventListener("storage", p), window.addEventListener("pageshow", k), document.addEventListener("visibilitychange", k), r.hold?.events.addEventListener("told", p);
  const ot = () => {
    window.removeEventListener("storage", p), window.removeEventListener("pageshow", k), document.removeEventListener("visibilitychange", k), r.hold?.events.removeEventListener("told", p);
  };
  return $.set(e, { asked: c, answered: g, stop: ot }), w(g), () => {
    $.get(e)?.stop(), $.delete(e);
  };
}
function Jt(t, e) {
  if (t === null) return null;
  let n = "";
  for (let s = 0; s < t.length; s++) {
    const i = parseInt(e.slice(2 * s, 2 * s + 2), 16);
    n += (t.charCodeAt(s) ^ i).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  Xt as default,
  Jt as veiled
};
