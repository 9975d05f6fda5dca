function it() {
  return { stored: /* @__PURE__ */ new Set(), gone: /* @__PURE__ */ new Set(), agreed: null };
}
function u(t) {
  return t.slice(-43).slice(0, 16);
}
function D(t, e, n) {
  t.replaces !== null && n.gone.add(t.replaces);
  const s = e.readLocal(), i = s ?? e.readCookie();
  return i !== null && u(i) === t.have ? (s === null && e.writeLocal(i), e.writeCookie(i), n.gone.delete(t.have), G(t, i, n)) : n.gone.has(t.have) ? null : i === null ? ct(t, e, n) : rt(i, t, e, n);
}
function ot(t, e, n, s) {
  const i = e.readLocal();
  if (i === null) return D(t, e, n);
  const o = u(i);
  return s.isCopy(i) && o !== t.replaces ? { to: t.have, token: i, blocked: !1, kept: !1, copied: !0 } : !s.isSettled && o !== t.have ? null : D(t, e, n);
}
function rt(t, e, n, s) {
  return e.offer !== null && u(t) === e.replaces ? F(e.offer, e, n, s) : A(t, e, s);
}
function ct(t, e, n) {
  return t.offer === null || n.stored.has(t.have) ? A(null, t, n) : F(t.offer, t, e, n);
}
function F(t, e, n, s) {
  return n.writeLocal(t), n.readLocal() !== t && n.writeLocal(null), n.writeCookie(t), n.readLocal() === t || n.readCookie() === t ? (s.stored.add(e.have), G(e, t, s)) : e.forgets && !e.ask ? null : { ...A(null, e, s), blocked: !0 };
}
function G(t, e, n) {
  return n.agreed = t.have, t.ask ? A(e, t, n) : null;
}
function A(t, e, n) {
  const s = n.stored.has(e.have), i = t !== null && u(t) === n.agreed && n.agreed !== e.have, o = { to: e.have, token: t, blocked: !1, kept: s };
  return i ? { ...o, shown: !0 } : o;
}
function I(t) {
  const e = t.token === null ? "" : u(t.token);
  return `${t.to} ${e} ${t.blocked} ${t.copied ?? !1}`;
}
const at = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function K(t) {
  return typeof t == "string" && at.test(t);
}
function y(t, e, n) {
  const s = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${t}.${s}.${encodeURIComponent(e)}`;
}
function lt(t) {
  try {
    const { pathname: e } = new URL(t), n = e.indexOf("/_stcore/");
    return n > 0 ? e.slice(0, n) : "";
  } catch {
    return "";
  }
}
function ut(t, e) {
  const n = y(e.app, e.base, t.location);
  return {
    readLocal: () => d(() => _(t.localStorage.getItem(n))),
    writeLocal: (s) => {
      d(
        () => s === null ? t.localStorage.removeItem(n) : t.localStorage.setItem(n, s)
      );
    },
    readCookie: () => d(() => _(Y(t.document.cookie, n))),
    writeCookie: (s) => j(t, n, e.cookie ? s : null, e.maxAge, e.base)
  };
}
function j(t, e, n, s, i) {
  const o = n === null ? 0 : Math.round(s), c = `${e}=${n ?? ""}; Max-Age=${o}; Path=${i || "/"}`;
  for (const h of dt(t))
    if (d(() => t.document.cookie = `${c}; ${h}`), n !== null && d(() => Y(t.document.cookie, e)) === n) return;
}
function dt(t) {
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
function _(t) {
  return K(t) ? t : null;
}
function Y(t, e) {
  for (const n of t.split(/;\s*/))
    if (n.startsWith(`${e}=`)) return n.slice(e.length + 1);
  return null;
}
const C = /* @__PURE__ */ new WeakSet();
let J = null;
const W = /* @__PURE__ */ new WeakSet();
function ft(t) {
  if (W.has(t)) return;
  W.add(t);
  const e = (n, s) => t.addEventListener(n, s, { capture: !0, passive: !0 });
  e("pointerdown", ({ target: n }) => B(n)), e("focusin", ({ target: n }) => B(n)), e("input", ({ target: n }) => {
    $(n) && C.add(n);
  }), e("keydown", (n) => {
    $(n.target) && wt(n, n.target) && mt(n.target);
  }), e("focusout", ({ target: n }) => {
    $(n) && C.delete(n);
  });
}
function ht(t) {
  const e = t.activeElement;
  if (!$(e)) return null;
  const n = Q(e);
  return n === null && !X(e) ? J : (pt(e) ? e.value !== "" : C.has(e)) ? n : null;
}
function wt(t, e) {
  return t.isComposing ? !1 : t.key === "ArrowUp" || t.key === "ArrowDown" ? e.type === "number" : t.key !== "Enter" ? !1 : e.tagName === "INPUT" ? !0 : t.ctrlKey || t.metaKey;
}
function pt(t) {
  return t.closest('[data-testid="stChatInput"]') !== null;
}
function mt(t) {
  setTimeout(() => {
    t.getAttribute("aria-invalid") !== "true" && C.delete(t);
  });
}
function B(t) {
  t instanceof Element && X(t) && (J = Q(t));
}
function X(t) {
  return t.closest('[data-testid="stElementContainer"]') !== null;
}
function Q(t) {
  const e = t.closest('[class*="st-key-"]');
  return Array.from(e?.classList ?? []).find((n) => n.startsWith("st-key-")) ?? null;
}
function $(t) {
  return t instanceof Element && ["INPUT", "TEXTAREA"].includes(t.tagName);
}
const vt = 1e3, gt = 1e4, k = /* @__PURE__ */ new Map(), Z = /* @__PURE__ */ new Map();
function Et(t, e, n) {
  const s = k.get(t);
  s?.stop();
  const i = {
    data: e,
    said: s?.said ?? null,
    saidAt: s?.saidAt ?? 0,
    stop: () => {
    }
  };
  k.set(t, i), ft(document);
  const o = () => {
    document.visibilityState !== "visible" || i.said !== null && i.said.number > i.data.heard && Date.now() - i.saidAt < gt || (i.said = { number: i.data.heard + 1, typing: ht(document) }, i.saidAt = Date.now(), n(i.said));
  }, c = setInterval(o, vt), h = () => o();
  document.addEventListener("visibilitychange", h);
  const r = Object.entries(e.channels).map(([a, g]) => {
    const w = V(a);
    return w !== null && (w.onmessage = ({ data: p }) => {
      typeof p == "number" && p > Math.max(g, Z.get(a) ?? 0) && o();
    }), w;
  });
  return i.stop = () => {
    clearInterval(c), document.removeEventListener("visibilitychange", h);
    for (const a of r) a?.close();
  }, () => {
    k.get(t)?.stop(), k.delete(t);
  };
}
function bt(t) {
  for (const [e, n] of Object.entries(t.channels)) {
    Z.set(e, n);
    const s = V(e);
    s?.postMessage(n), s?.close();
  }
}
function V(t) {
  try {
    return new BroadcastChannel(t);
  } catch {
    return null;
  }
}
let q = { have: "", version: 0, teller: "" };
function kt({ have: t, version: e, teller: n }) {
  q = { have: t, version: e, teller: n };
}
const St = "[data-testid=stApp]", N = "data-test-connection-state", U = "CONNECTED", S = /* @__PURE__ */ new Map();
function Lt(t, e) {
  S.get(t)?.disconnect();
  const n = document.querySelector(St);
  let s = n?.getAttribute(N);
  const i = new MutationObserver(() => {
    const o = n?.getAttribute(N);
    o === U && s !== U && e({ at: Date.now(), ...q }), s = o;
  });
  return n !== null && i.observe(n, { attributeFilter: [N] }), S.set(t, i), () => {
    S.get(t)?.disconnect(), S.delete(t);
  };
}
const $t = 3e4, yt = 500, Ct = 1e3, At = 45e3;
function Tt(t, e) {
  return Math.min($t, 1e3 * 2 ** (t - 1)) * (1 - e / 4);
}
const It = "[data-testid=stApp]", Nt = "data-test-connection-state", Ot = "data-test-script-state";
function Pt() {
  if (document.visibilityState !== "visible") return !1;
  const t = document.querySelector(It);
  return (t?.getAttribute(Nt) ?? "CONNECTED") === "CONNECTED" && t?.getAttribute(Ot) !== "running";
}
const f = /* @__PURE__ */ new Map();
let O = 0, tt = 0, E, v = 0;
function Dt(t, e) {
  return f.size === 0 && Date.now() - tt > Ct && (O = 0), f.set(t, e), O += 1, et(Tt(O, Math.random())), document.addEventListener("visibilitychange", T), () => {
    f.delete(t), f.size === 0 && Mt();
  };
}
function Mt() {
  clearTimeout(E), v = 0, tt = Date.now(), document.removeEventListener("visibilitychange", T);
}
function et(t) {
  clearTimeout(E), v = 0, E = setTimeout(() => {
    v = f.size, T();
  }, t);
}
function T() {
  const [t] = f;
  if (v === 0 || t === void 0 || (clearTimeout(E), E = setTimeout(T, yt), !Pt())) return;
  v -= 1;
  const [e, n] = t;
  f.delete(e), f.set(e, n), v === 0 && et(At), n({ at: Date.now() });
}
const x = "streamlit-pgstate-style", M = ".st-key-streamlit_pgstate_progress", l = ".st-key-streamlit_pgstate_outage", Rt = `:is(${M} [data-testid="stProgress"], ${l})`, P = `[data-testid="stEvent"]:has(${Rt})`, H = `:is(${l}, :has(${l}))`, _t = `
[class*="st-key-streamlit_pgstate"]:not(${M}, ${l}) {
  position: absolute;
}
${P} {
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
${P}:has(${l}) {
  width: min(36rem, 90vw);
  padding: 0;
}
${P} [data-testid="stElementContainer"]:not(:is(${M}, ${l}) *),
${l} [class*="st-key-streamlit_pgstate_retry"],
${H} ~ ${l},
${H} ~ * ${l} {
  display: none;
}
`;
function Wt(t) {
  if (t.getElementById(x) !== null) return;
  const e = t.createElement("style");
  e.id = x, e.textContent = _t, t.head.append(e);
}
const Bt = 5, Ut = 150;
function xt(t, e) {
  const n = y(e.app, e.base, t.location);
  return {
    readLocal: () => d(() => {
      const s = t.sessionStorage.getItem(n);
      return K(s) ? s : null;
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
class Ht {
  constructor(e, n, s, i) {
    this.page = e, this.options = n, this.copies = s, this.events = new EventTarget(), this.id = Math.random().toString(36).slice(2), this.copied = /* @__PURE__ */ new Set(), this.since = i ?? performance.timeOrigin;
    const o = y(n.app, n.base, e.location);
    this.channel = d(() => new BroadcastChannel(`${o}.tab`)), this.channel?.addEventListener("message", (c) => this.hear(c.data)), this.isSettled = this.channel === null || s.readLocal() === null, this.hint(null), e.addEventListener("pagehide", () => this.hint(s.readLocal())), e.addEventListener("pageshow", (c) => {
      c.persisted && (this.hint(null), this.ask());
    }), e.document.addEventListener("visibilitychange", () => {
      e.document.visibilityState === "visible" && this.ask();
    }), !this.isSettled && (this.ask(), e.setTimeout(() => this.settle(), Ut));
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
    const i = `${y(this.options.app, this.options.base, this.page.location).replace(/^pgstate/, "pgstate-tab")}.${u(n)}`;
    j(this.page, i, e, Bt, this.options.base);
  }
}
const zt = lt(import.meta.url), z = /* @__PURE__ */ new Map(), L = /* @__PURE__ */ new Map(), Kt = ({ data: t, key: e, parentElement: n, setStateValue: s }) => (Wt(document), t.role === "live" ? Et(e, t, (i) => s("tick", i)) : t.role === "news" ? bt(t) : t.role === "shown" ? kt(t) : t.role === "reconnect" ? Lt(e, (i) => s("reconnect", i)) : t.role === "retry" ? Dt(n, (i) => s("retry", i)) : Ft(t, e, (i) => s("answer", i)));
function Ft(t, e, n) {
  const s = { ...t, base: zt }, i = t.scope === "tab", o = (i ? xt : ut)(window, s), c = JSON.stringify(t), h = `${t.scope} ${t.app}`, r = z.get(h) ?? {
    ...it(),
    asked: c,
    answered: /* @__PURE__ */ new Set(),
    hold: i ? new Ht(window, s, o) : null
  };
  z.set(h, r), r.asked !== c && (r.asked = c, r.answered.clear());
  const a = L.get(e);
  a?.stop();
  const g = a?.asked === c ? a.answered : /* @__PURE__ */ new Set(), w = (st) => {
    const { hold: R } = r, m = R === null ? D(t, o, r) : ot(t, o, r, R);
    m === null || st.has(I(m)) || (g.add(I(m)), r.answered.add(I(m)), n({ ...m, token: Gt(m.token, t.veil) }));
  }, p = () => w(r.answered), b = () => {
    document.visibilityState === "visible" && w(r.answered);
  };
  window.addEventListener("storage", p), window.addEventListener("pageshow", b), document.addEventListener("visibilitychange", b), r.hold?.events.addEventListener("told", p);
  const nt = () => {
    window.removeEventListener("storage", p), window.removeEventListener("pageshow", b), document.removeEventListener("visibilitychange", b), r.hold?.events.removeEventListener("told", p);
  };
  return L.set(e, { asked: c, answered: g, stop: nt }), w(g), () => {
    L.get(e)?.stop(), L.delete(e);
  };
}
function Gt(t, e) {
  if (t === null) return null;
  let n = "";
  for (let s = 0; s < t.length; s++) {
    const i = parseInt(e.slice(2 * s, 2 * s + 2), 16);
    n += (t.charCodeAt(s) ^ i).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  Kt as default,
  Gt as veiled
};
