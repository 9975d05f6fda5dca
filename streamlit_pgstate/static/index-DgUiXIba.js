function ot() {
  return { stored: /* @__PURE__ */ new Set(), gone: /* @__PURE__ */ new Set(), agreed: null };
}
function u(t) {
  return t.slice(-43).slice(0, 16);
}
function D(t, e, n) {
  t.replaces !== null && n.gone.add(t.replaces);
  const s = e.readLocal(), i = s ?? e.readCookie();
  return i !== null && u(i) === t.have ? (s === null && e.writeLocal(i), e.writeCookie(i), n.gone.delete(t.have), K(t, i, n)) : n.gone.has(t.have) ? null : i === null ? at(t, e, n) : ct(i, t, e, n);
}
function rt(t, e, n, s) {
  const i = e.readLocal();
  if (i === null) return D(t, e, n);
  const o = u(i);
  return s.isCopy(i) && o !== t.replaces ? { to: t.have, token: i, blocked: !1, kept: !1, copied: !0 } : !s.isSettled && o !== t.have ? null : D(t, e, n);
}
function ct(t, e, n, s) {
  return e.offer !== null && u(t) === e.replaces ? G(e.offer, e, n, s) : T(t, e, s);
}
function at(t, e, n) {
  return t.offer === null || n.stored.has(t.have) ? T(null, t, n) : G(t.offer, t, e, n);
}
function G(t, e, n, s) {
  return n.writeLocal(t), n.readLocal() !== t && n.writeLocal(null), n.writeCookie(t), n.readLocal() === t || n.readCookie() === t ? (s.stored.add(e.have), K(e, t, s)) : e.forgets && !e.ask ? null : { ...T(null, e, s), blocked: !0 };
}
function K(t, e, n) {
  return n.agreed = t.have, t.ask ? T(e, t, n) : null;
}
function T(t, e, n) {
  const s = n.stored.has(e.have), i = t !== null && u(t) === n.agreed && n.agreed !== e.have, o = { to: e.have, token: t, blocked: !1, kept: s };
  return i ? { ...o, shown: !0 } : o;
}
function N(t) {
  const e = t.token === null ? "" : u(t.token);
  return `${t.to} ${e} ${t.blocked} ${t.copied ?? !1}`;
}
const lt = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function j(t) {
  return typeof t == "string" && lt.test(t);
}
function A(t, e, n) {
  const s = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${t}.${s}.${encodeURIComponent(e)}`;
}
function ut(t) {
  try {
    const { pathname: e } = new URL(t), n = e.indexOf("/_stcore/");
    return n > 0 ? e.slice(0, n) : "";
  } catch {
    return "";
  }
}
function dt(t, e) {
  const n = A(e.app, e.base, t.location);
  return {
    readLocal: () => d(() => U(t.localStorage.getItem(n))),
    writeLocal: (s) => {
      d(
        () => s === null ? t.localStorage.removeItem(n) : t.localStorage.setItem(n, s)
      );
    },
    readCookie: () => d(() => U(J(t.document.cookie, n))),
    writeCookie: (s) => Y(t, n, e.cookie ? s : null, e.maxAge, e.base)
  };
}
function Y(t, e, n, s, i) {
  const o = n === null ? 0 : Math.round(s), c = `${e}=${n ?? ""}; Max-Age=${o}; Path=${i || "/"}`;
  for (const h of ft(t))
    if (d(() => t.document.cookie = `${c}; ${h}`), n !== null && d(() => J(t.document.cookie, e)) === n) return;
}
function ft(t) {
  const e = t.location.protocol === "https:", n = `SameSite=Strict${e ? "; Secure" : ""}`, s = t.top !== t && !!t.top;
  return e && s ? [n, "SameSite=None; Secure; Partitioned"] : [n];
}
function d(t) {
  try {
    return t();
  } catch {
    return null;
  }
}
function U(t) {
  return j(t) ? t : null;
}
function J(t, e) {
  for (const n of t.split(/;\s*/))
    if (n.startsWith(`${e}=`)) return n.slice(e.length + 1);
  return null;
}
const C = /* @__PURE__ */ new WeakSet();
let X = null;
const W = /* @__PURE__ */ new WeakSet();
function ht(t) {
  if (W.has(t)) return;
  W.add(t);
  const e = (n, s) => t.addEventListener(n, s, { capture: !0, passive: !0 });
  e("pointerdown", ({ target: n }) => B(n)), e("focusin", ({ target: n }) => B(n)), e("input", ({ target: n }) => {
    y(n) && C.add(n);
  }), e("keydown", (n) => {
    y(n.target) && pt(n, n.target) && vt(n.target);
  }), e("focusout", ({ target: n }) => {
    y(n) && C.delete(n);
  });
}
function wt(t) {
  const e = t.activeElement;
  if (!y(e)) return null;
  const n = Z(e);
  return n === null && !Q(e) ? X : (mt(e) ? e.value !== "" : C.has(e)) ? n : null;
}
function pt(t, e) {
  return t.isComposing ? !1 : t.key === "ArrowUp" || t.key === "ArrowDown" ? e.type === "number" : t.key !== "Enter" ? !1 : e.tagName === "INPUT" ? !0 : t.ctrlKey || t.metaKey;
}
function mt(t) {
  return t.closest('[data-testid="stChatInput"]') !== null;
}
function vt(t) {
  setTimeout(() => {
    t.getAttribute("aria-invalid") !== "true" && C.delete(t);
  });
}
function B(t) {
  t instanceof Element && Q(t) && (X = Z(t));
}
function Q(t) {
  return t.closest('[data-testid="stElementContainer"]') !== null;
}
function Z(t) {
  const e = t.closest('[class*="st-key-"]');
  return Array.from(e?.classList ?? []).find((n) => n.startsWith("st-key-")) ?? null;
}
function y(t) {
  return t instanceof Element && ["INPUT", "TEXTAREA"].includes(t.tagName);
}
const gt = 1e3, Et = 1e4, S = /* @__PURE__ */ new Map(), V = /* @__PURE__ */ new Map();
function bt(t, e, n) {
  const s = S.get(t);
  s?.stop();
  const i = {
    data: e,
    said: s?.said ?? null,
    saidAt: s?.saidAt ?? 0,
    stop: () => {
    }
  };
  S.set(t, i), ht(document);
  const o = () => {
    document.visibilityState !== "visible" || i.said !== null && i.said.number > i.data.heard && Date.now() - i.saidAt < Et || (i.said = { number: i.data.heard + 1, typing: wt(document) }, i.saidAt = Date.now(), n(i.said));
  }, c = setInterval(o, gt), h = () => o();
  document.addEventListener("visibilitychange", h);
  const r = Object.entries(e.channels).map(([a, g]) => {
    const w = q(a);
    return w !== null && (w.onmessage = ({ data: p }) => {
      typeof p == "number" && p > Math.max(g, V.get(a) ?? 0) && o();
    }), w;
  });
  return i.stop = () => {
    clearInterval(c), document.removeEventListener("visibilitychange", h);
    for (const a of r) a?.close();
  }, () => {
    S.get(t)?.stop(), S.delete(t);
  };
}
function kt(t) {
  for (const [e, n] of Object.entries(t.channels)) {
    V.set(e, n);
    const s = q(e);
    s?.postMessage(n), s?.close();
  }
}
function q(t) {
  try {
    return new BroadcastChannel(t);
  } catch {
    return null;
  }
}
let tt = { have: "", version: 0, teller: "" };
function St({ have: t, version: e, teller: n }) {
  tt = { have: t, version: e, teller: n };
}
const Lt = "[data-testid=stApp]", O = "data-test-connection-state", x = "CONNECTED", L = /* @__PURE__ */ new Map();
function $t(t, e) {
  L.get(t)?.disconnect();
  const n = document.querySelector(Lt);
  let s = n?.getAttribute(O);
  const i = new MutationObserver(() => {
    const o = n?.getAttribute(O);
    o === x && s !== x && e({ at: Date.now(), ...tt }), s = o;
  });
  return n !== null && i.observe(n, { attributeFilter: [O] }), L.set(t, i), () => {
    L.get(t)?.disconnect(), L.delete(t);
  };
}
const yt = 3e4, At = 500, Ct = 1e3, Tt = 45e3;
function It(t, e) {
  return Math.min(yt, 1e3 * 2 ** (t - 1)) * (1 - e / 4);
}
const Nt = "[data-testid=stApp]", Ot = "data-test-connection-state", Pt = "data-test-script-state";
function Mt() {
  if (document.visibilityState !== "visible") return !1;
  const t = document.querySelector(Nt);
  return (t?.getAttribute(Ot) ?? "CONNECTED") === "CONNECTED" && t?.getAttribute(Pt) !== "running";
}
const f = /* @__PURE__ */ new Map(), E = /* @__PURE__ */ new Map(), Dt = 2;
let P = 0, et = 0, b, v = 0;
function _t(t, e) {
  f.size === 0 && Date.now() - et > Ct && (P = 0, E.clear()), f.set(t, e);
  const n = (E.get(t) ?? 0) + 1;
  return E.set(t, n), n <= Dt && (P += 1, nt(It(P, Math.random()))), document.addEventListener("visibilitychange", I), () => {
    f.delete(t), E.delete(t), f.size === 0 && Rt();
  };
}
function Rt() {
  clearTimeout(b), v = 0, et = Date.now(), document.removeEventListener("visibilitychange", I);
}
function nt(t) {
  clearTimeout(b), v = 0, b = setTimeout(() => {
    E.clear(), v = f.size, I();
  }, t);
}
function I() {
  const [t] = f;
  if (v === 0 || t === void 0 || (clearTimeout(b), b = setTimeout(I, At), !Mt())) return;
  v -= 1;
  const [e, n] = t;
  f.delete(e), f.set(e, n), v === 0 && nt(Tt), n({ at: Date.now() });
}
const H = "streamlit-pgstate-style", _ = ".st-key-streamlit_pgstate_progress", l = ".st-key-streamlit_pgstate_outage", Ut = `:is(${_} [data-testid="stProgress"], ${l})`, M = `[data-testid="stEvent"]:has(${Ut})`, z = `:is(${l}, :has(${l}))`, Wt = `
[class*="st-key-streamlit_pgstate"]:not(${_}, ${l}) {
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
${M}:has(${l}) {
  width: min(36rem, 90vw);
  padding: 0;
}
${M} [data-testid="stElementContainer"]:not(:is(${_}, ${l}) *),
${l} [class*="st-key-streamlit_pgstate_retry"],
${z} ~ ${l},
${z} ~ * ${l} {
  display: none;
}
`;
function Bt(t) {
  if (t.getElementById(H) !== null) return;
  const e = t.createElement("style");
  e.id = H, e.textContent = Wt, t.head.append(e);
}
const xt = 5, Ht = 150;
function zt(t, e) {
  const n = A(e.app, e.base, t.location);
  return {
    readLocal: () => d(() => {
      const s = t.sessionStorage.getItem(n);
      return j(s) ? s : null;
    }),
    writeLocal: (s) => {
      d(
        () => s === null ? t.sessionStorage.removeItem(n) : t.sessionStorage.setItem(n, s)
      );
    },
    readCookie: () => null,
    writeCookie: () => {
    }
  };
}
class Ft {
  constructor(e, n, s, i) {
    this.page = e, this.options = n, this.copies = s, this.events = new EventTarget(), this.id = Math.random().toString(36).slice(2), this.copied = /* @__PURE__ */ new Set(), this.since = i ?? performance.timeOrigin;
    const o = A(n.app, n.base, e.location);
    this.channel = d(() => new BroadcastChannel(`${o}.tab`)), this.channel?.addEventListener("message", (c) => this.hear(c.data)), this.isSettled = this.channel === null || s.readLocal() === null, this.hint(null), e.addEventListener("pagehide", () => this.hint(s.readLocal())), e.addEventListener("pageshow", (c) => {
      c.persisted && (this.hint(null), this.ask());
    }), e.document.addEventListener("visibilitychange", () => {
      e.document.visibilityState === "visible" && this.ask();
    }), !this.isSettled && (this.ask(), e.setTimeout(() => this.settle(), Ht));
  }
  /** Whether an older tab holds this token too. */
  isCopy(e) {
    return e !== null && this.copied.has(u(e));
  }
  settle() {
    this.isSettled || (this.isSettled = !0, this.events.dispatchEvent(new Event("told")));
  }
  ask() {
    const e = this.copies.readLocal();
    e !== null && this.say({ kind: "who", fingerprint: u(e) });
  }
  say(e) {
    d(() => this.channel?.postMessage({ ...e, from: this.id, since: this.since }));
  }
  hear(e) {
    const n = this.copies.readLocal();
    if (n === null || e.fingerprint !== u(n)) return;
    const s = e.since < this.since || e.since === this.since && e.from < this.id;
    e.kind === "who" && !s ? this.say({ kind: "mine", fingerprint: e.fingerprint, to: e.from }) : (e.kind === "who" || e.to === this.id) && (this.copied.add(e.fingerprint), this.isSettled = !0, this.events.dispatchEvent(new Event("told")));
  }
  /** The cookie that tells the page after F5 whose it is; null: it has been read. */
  hint(e) {
    const n = e ?? this.copies.readLocal();
    if (!this.options.cookie || n === null) return;
    const i = `${A(this.options.app, this.options.base, this.page.location).replace(/^pgstate/, "pgstate-tab")}.${u(n)}`;
    Y(this.page, i, e, xt, this.options.base);
  }
}
const Gt = ut(import.meta.url), F = /* @__PURE__ */ new Map(), $ = /* @__PURE__ */ new Map(), Yt = ({ data: t, key: e, parentElement: n, setStateValue: s }) => (Bt(document), t.role === "live" ? bt(e, t, (i) => s("tick", i)) : t.role === "news" ? kt(t) : t.role === "shown" ? St(t) : t.role === "reconnect" ? $t(e, (i) => s("reconnect", i)) : t.role === "retry" ? _t(n, (i) => s("retry", i)) : Kt(t, e, (i) => s("answer", i)));
function Kt(t, e, n) {
  const s = { ...t, base: Gt }, i = t.scope === "tab", o = (i ? zt : dt)(window, s), c = JSON.stringify(t), h = `${t.scope} ${t.app}`, r = F.get(h) ?? {
    ...ot(),
    asked: c,
    answered: /* @__PURE__ */ new Set(),
    hold: i ? new Ft(window, s, o) : null
  };
  F.set(h, r), r.asked !== c && (r.asked = c, r.answered.clear());
  const a = $.get(e);
  a?.stop();
  const g = a?.asked === c ? a.answered : /* @__PURE__ */ new Set(), w = (it) => {
    const { hold: R } = r, m = R === null ? D(t, o, r) : rt(t, o, r, R);
    m === null || it.has(N(m)) || (g.add(N(m)), r.answered.add(N(m)), n({ ...m, token: jt(m.token, t.veil) }));
  }, p = () => w(r.answered), k = () => {
    document.visibilityState === "visible" && w(r.answered);
  };
  window.addEventListener("storage", p), window.addEventListener("pageshow", k), document.addEventListener("visibilitychange", k), r.hold?.events.addEventListener("told", p);
  const st = () => {
    window.removeEventListener("storage", p), window.removeEventListener("pageshow", k), document.removeEventListener("visibilitychange", k), r.hold?.events.removeEventListener("told", p);
  };
  return $.set(e, { asked: c, answered: g, stop: st }), w(g), () => {
    $.get(e)?.stop(), $.delete(e);
  };
}
function jt(t, e) {
  if (t === null) return null;
  let n = "";
  for (let s = 0; s < t.length; s++) {
    const i = parseInt(e.slice(2 * s, 2 * s + 2), 16);
    n += (t.charCodeAt(s) ^ i).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  Yt as default,
  jt as veiled
};
