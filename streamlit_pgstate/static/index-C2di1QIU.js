function it() {
  return { stored: /* @__PURE__ */ new Set(), gone: /* @__PURE__ */ new Set() };
}
function d(t) {
  return t.slice(-43).slice(0, 16);
}
function D(t, e, n) {
  t.replaces !== null && n.gone.add(t.replaces);
  const i = e.readLocal(), s = i ?? e.readCookie();
  return s !== null && d(s) === t.have ? (i === null && e.writeLocal(s), e.writeCookie(s), n.gone.delete(t.have), z(t, s, n)) : n.gone.has(t.have) ? null : s === null ? rt(t, e, n) : ot(s, t, e, n);
}
function st(t, e, n, i) {
  const s = e.readLocal();
  if (s === null) return D(t, e, n);
  const o = d(s);
  return i.isCopy(s) && o !== t.replaces ? { to: t.have, token: s, blocked: !1, kept: !1, copied: !0 } : !i.isSettled && o !== t.have ? null : D(t, e, n);
}
function ot(t, e, n, i) {
  return e.offer !== null && d(t) === e.replaces ? j(e.offer, e, n, i) : C(t, e, i);
}
function rt(t, e, n) {
  return t.offer === null || n.stored.has(t.have) ? C(null, t, n) : j(t.offer, t, e, n);
}
function j(t, e, n, i) {
  return n.writeLocal(t), n.readLocal() !== t && n.writeLocal(null), n.writeCookie(t), n.readLocal() === t || n.readCookie() === t ? (i.stored.add(e.have), z(e, t, i)) : e.forgets ? null : { ...C(null, e, i), blocked: !0 };
}
function z(t, e, n) {
  return t.ask ? C(e, t, n) : null;
}
function C(t, e, n) {
  return { to: e.have, token: t, blocked: !1, kept: n.stored.has(e.have) };
}
function I(t) {
  const e = t.token === null ? "" : d(t.token);
  return `${t.to} ${e} ${t.blocked} ${t.copied ?? !1}`;
}
const ct = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function F(t) {
  return typeof t == "string" && ct.test(t);
}
function $(t, e, n) {
  const i = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${t}.${i}.${encodeURIComponent(e)}`;
}
function at(t) {
  try {
    const { pathname: e } = new URL(t), n = e.indexOf("/_stcore/");
    return n > 0 ? e.slice(0, n) : "";
  } catch {
    return "";
  }
}
function lt(t, e) {
  const n = $(e.app, e.base, t.location);
  return {
    readLocal: () => a(() => R(t.localStorage.getItem(n))),
    writeLocal: (i) => {
      a(
        () => i === null ? t.localStorage.removeItem(n) : t.localStorage.setItem(n, i)
      );
    },
    readCookie: () => a(() => R(dt(t.document.cookie, n))),
    writeCookie: (i) => {
      a(() => {
        const s = e.cookie ? i : null;
        t.document.cookie = [
          `${n}=${s ?? ""}`,
          `Max-Age=${s === null ? 0 : Math.round(e.maxAge)}`,
          `Path=${e.base || "/"}`,
          ...G(t)
        ].join("; ");
      });
    }
  };
}
function G(t) {
  const e = t.location.protocol === "https:";
  return e && ut(t) ? ["SameSite=None", "Secure", "Partitioned"] : ["SameSite=Strict", ...e ? ["Secure"] : []];
}
function ut(t) {
  return t.top === t || !t.top ? !1 : a(() => t.top?.location.origin) !== t.location.origin;
}
function a(t) {
  try {
    return t();
  } catch {
    return null;
  }
}
function R(t) {
  return F(t) ? t : null;
}
function dt(t, e) {
  for (const n of t.split(/;\s*/))
    if (n.startsWith(`${e}=`)) return n.slice(e.length + 1);
  return null;
}
const A = /* @__PURE__ */ new WeakSet();
let K = null;
const _ = /* @__PURE__ */ new WeakSet();
function ft(t) {
  if (_.has(t)) return;
  _.add(t);
  const e = (n, i) => t.addEventListener(n, i, { capture: !0, passive: !0 });
  e("pointerdown", ({ target: n }) => x(n)), e("focusin", ({ target: n }) => x(n)), e("input", ({ target: n }) => {
    L(n) && A.add(n);
  }), e("keydown", (n) => {
    L(n.target) && wt(n, n.target) && mt(n.target);
  }), e("focusout", ({ target: n }) => {
    L(n) && A.delete(n);
  });
}
function ht(t) {
  const e = t.activeElement;
  if (!L(e)) return null;
  const n = J(e);
  return n === null && !Y(e) ? K : (pt(e) ? e.value !== "" : A.has(e)) ? n : null;
}
function wt(t, e) {
  return t.isComposing ? !1 : t.key === "ArrowUp" || t.key === "ArrowDown" ? e.type === "number" : t.key !== "Enter" ? !1 : e.tagName === "INPUT" ? !0 : t.ctrlKey || t.metaKey;
}
function pt(t) {
  return t.closest('[data-testid="stChatInput"]') !== null;
}
function mt(t) {
  setTimeout(() => {
    t.getAttribute("aria-invalid") !== "true" && A.delete(t);
  });
}
function x(t) {
  t instanceof Element && Y(t) && (K = J(t));
}
function Y(t) {
  return t.closest('[data-testid="stElementContainer"]') !== null;
}
function J(t) {
  const e = t.closest('[class*="st-key-"]');
  return Array.from(e?.classList ?? []).find((n) => n.startsWith("st-key-")) ?? null;
}
function L(t) {
  return t instanceof Element && ["INPUT", "TEXTAREA"].includes(t.tagName);
}
const vt = 1e3, gt = 1e4, k = /* @__PURE__ */ new Map(), X = /* @__PURE__ */ new Map();
function Et(t, e, n) {
  const i = k.get(t);
  i?.stop();
  const s = {
    data: e,
    said: i?.said ?? null,
    saidAt: i?.saidAt ?? 0,
    stop: () => {
    }
  };
  k.set(t, s), ft(document);
  const o = () => {
    document.visibilityState !== "visible" || s.said !== null && s.said.number > s.data.heard && Date.now() - s.saidAt < gt || (s.said = { number: s.data.heard + 1, typing: ht(document) }, s.saidAt = Date.now(), n(s.said));
  }, c = setInterval(o, vt), v = () => o();
  document.addEventListener("visibilitychange", v);
  const r = Object.entries(e.channels).map(([l, g]) => {
    const h = Q(l);
    return h !== null && (h.onmessage = ({ data: w }) => {
      typeof w == "number" && w > Math.max(g, X.get(l) ?? 0) && o();
    }), h;
  });
  return s.stop = () => {
    clearInterval(c), document.removeEventListener("visibilitychange", v);
    for (const l of r) l?.close();
  }, () => {
    k.get(t)?.stop(), k.delete(t);
  };
}
function bt(t) {
  for (const [e, n] of Object.entries(t.channels)) {
    X.set(e, n);
    const i = Q(e);
    i?.postMessage(n), i?.close();
  }
}
function Q(t) {
  try {
    return new BroadcastChannel(t);
  } catch {
    return null;
  }
}
let Z = { have: "", version: 0, teller: "" };
function kt({ have: t, version: e, teller: n }) {
  Z = { have: t, version: e, teller: n };
}
const St = "[data-testid=stApp]", N = "data-test-connection-state", B = "CONNECTED", S = /* @__PURE__ */ new Map();
function yt(t, e) {
  S.get(t)?.disconnect();
  const n = document.querySelector(St);
  let i = n?.getAttribute(N);
  const s = new MutationObserver(() => {
    const o = n?.getAttribute(N);
    o === B && i !== B && e({ at: Date.now(), ...Z }), i = o;
  });
  return n !== null && s.observe(n, { attributeFilter: [N] }), S.set(t, s), () => {
    S.get(t)?.disconnect(), S.delete(t);
  };
}
const Lt = 3e4, $t = 500, At = 1e3, Ct = 45e3;
function Tt(t, e) {
  return Math.min(Lt, 1e3 * 2 ** (t - 1)) * (1 - e / 4);
}
const It = "[data-testid=stApp]", Nt = "data-test-connection-state", Ot = "data-test-script-state";
function Pt() {
  if (document.visibilityState !== "visible") return !1;
  const t = document.querySelector(It);
  return (t?.getAttribute(Nt) ?? "CONNECTED") === "CONNECTED" && t?.getAttribute(Ot) !== "running";
}
const f = /* @__PURE__ */ new Map();
let O = 0, V = 0, E, m = 0;
function Dt(t, e) {
  return f.size === 0 && Date.now() - V > At && (O = 0), f.set(t, e), O += 1, q(Tt(O, Math.random())), document.addEventListener("visibilitychange", T), () => {
    f.delete(t), f.size === 0 && Mt();
  };
}
function Mt() {
  clearTimeout(E), m = 0, V = Date.now(), document.removeEventListener("visibilitychange", T);
}
function q(t) {
  clearTimeout(E), m = 0, E = setTimeout(() => {
    m = f.size, T();
  }, t);
}
function T() {
  const [t] = f;
  if (m === 0 || t === void 0 || (clearTimeout(E), E = setTimeout(T, $t), !Pt())) return;
  m -= 1;
  const [e, n] = t;
  f.delete(e), f.set(e, n), m === 0 && q(Ct), n({ at: Date.now() });
}
const W = "streamlit-pgstate-style", tt = ".st-key-streamlit_pgstate_progress", u = ".st-key-streamlit_pgstate_outage", Rt = `:is(${tt} [data-testid="stProgress"], ${u})`, P = `[data-testid="stEvent"]:has(${Rt})`, U = `:is(${u}, :has(${u}))`, _t = `
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
${P}:has(${u}) {
  width: min(36rem, 90vw);
  padding: 0;
}
${P} [data-testid="stElementContainer"]:not(:is(${tt}, ${u}) *),
${u} [class*="st-key-streamlit_pgstate_retry"],
${U} ~ ${u},
${U} ~ * ${u} {
  display: none;
}
`;
function xt(t) {
  if (t.getElementById(W) !== null) return;
  const e = t.createElement("style");
  e.id = W, e.textContent = _t, t.head.append(e);
}
const Bt = 5, Wt = 150;
function Ut(t, e) {
  const n = $(e.app, e.base, t.location);
  return {
    readLocal: () => a(() => {
      const i = t.sessionStorage.getItem(n);
      return F(i) ? i : null;
    }),
    writeLocal: (i) => {
      a(
        () => i === null ? t.sessionStorage.removeItem(n) : t.sessionStorage.setItem(n, i)
      );
    },
    readCookie: () => null,
    writeCookie: () => {
    }
  };
}
class Ht {
  constructor(e, n, i, s) {
    this.page = e, this.options = n, this.copies = i, this.events = new EventTarget(), this.id = Math.random().toString(36).slice(2), this.copied = /* @__PURE__ */ new Set(), this.since = s ?? performance.timeOrigin;
    const o = $(n.app, n.base, e.location);
    this.channel = a(() => new BroadcastChannel(`${o}.tab`)), this.channel?.addEventListener("message", (c) => this.hear(c.data)), this.isSettled = this.channel === null || i.readLocal() === null, this.hint(null), e.addEventListener("pagehide", () => this.hint(i.readLocal())), e.addEventListener("pageshow", (c) => {
      c.persisted && (this.hint(null), this.ask());
    }), e.document.addEventListener("visibilitychange", () => {
      e.document.visibilityState === "visible" && this.ask();
    }), !this.isSettled && (this.ask(), e.setTimeout(() => this.settle(), Wt));
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
    const i = e.since < this.since || e.since === this.since && e.from < this.id;
    e.kind === "who" && !i ? this.say({ kind: "mine", fingerprint: e.fingerprint, to: e.from }) : (e.kind === "who" || e.to === this.id) && (this.copied.add(e.fingerprint), this.isSettled = !0, this.events.dispatchEvent(new Event("told")));
  }
  /** The cookie that tells the page after F5 whose it is; null: it has been read. */
  hint(e) {
    const n = e ?? this.copies.readLocal();
    if (!this.options.cookie || n === null) return;
    const { location: i } = this.page, s = $(this.options.app, this.options.base, i);
    a(() => {
      this.page.document.cookie = [
        `${s.replace(/^pgstate/, "pgstate-tab")}.${d(n)}=${e ?? ""}`,
        `Max-Age=${e === null ? 0 : Bt}`,
        `Path=${this.options.base || "/"}`,
        ...G(this.page)
      ].join("; ");
    });
  }
}
const jt = at(import.meta.url), H = /* @__PURE__ */ new Map(), y = /* @__PURE__ */ new Map(), Gt = ({ data: t, key: e, parentElement: n, setStateValue: i }) => (xt(document), t.role === "live" ? Et(e, t, (s) => i("tick", s)) : t.role === "news" ? bt(t) : t.role === "shown" ? kt(t) : t.role === "reconnect" ? yt(e, (s) => i("reconnect", s)) : t.role === "retry" ? Dt(n, (s) => i("retry", s)) : zt(t, e, (s) => i("answer", s)));
function zt(t, e, n) {
  const i = { ...t, base: jt }, s = t.scope === "tab", o = (s ? Ut : lt)(window, i), c = JSON.stringify(t), v = `${t.scope} ${t.app}`, r = H.get(v) ?? {
    ...it(),
    asked: c,
    answered: /* @__PURE__ */ new Set(),
    hold: s ? new Ht(window, i, o) : null
  };
  H.set(v, r), r.asked !== c && (r.asked = c, r.answered.clear());
  const l = y.get(e);
  l?.stop();
  const g = l?.asked === c ? l.answered : /* @__PURE__ */ new Set(), h = (nt) => {
    const { hold: M } = r, p = M === null ? D(t, o, r) : st(t, o, r, M);
    p === null || nt.has(I(p)) || (g.add(I(p)), r.answered.add(I(p)), n({ ...p, token: Ft(p.token, t.veil) }));
  }, w = () => h(r.answered), b = () => {
    document.visibilityState === "visible" && h(r.answered);
  };
  window.addEventListener("storage", w), window.addEventListener("pageshow", b), document.addEventListener("visibilitychange", b), r.hold?.events.addEventListener("told", w);
  const et = () => {
    window.removeEventListener("storage", w), window.removeEventListener("pageshow", b), document.removeEventListener("visibilitychange", b), r.hold?.events.removeEventListener("told", w);
  };
  return y.set(e, { asked: c, answered: g, stop: et }), h(g), () => {
    y.get(e)?.stop(), y.delete(e);
  };
}
function Ft(t, e) {
  if (t === null) return null;
  let n = "";
  for (let i = 0; i < t.length; i++) {
    const s = parseInt(e.slice(2 * i, 2 * i + 2), 16);
    n += (t.charCodeAt(i) ^ s).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  Gt as default,
  Ft as veiled
};
