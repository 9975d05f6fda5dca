function x() {
  return { stored: /* @__PURE__ */ new Set(), gone: /* @__PURE__ */ new Set() };
}
function l(e) {
  return e.slice(-43).slice(0, 16);
}
function b(e, t, n) {
  e.replaces !== null && n.gone.add(e.replaces);
  const s = t.readLocal(), i = s ?? t.readCookie();
  return i !== null && l(i) === e.have ? (s === null && t.writeLocal(i), t.writeCookie(i), n.gone.delete(e.have), y(e, i, n)) : n.gone.has(e.have) ? null : i === null ? N(e, t, n) : D(i, e, t, n);
}
function D(e, t, n, s) {
  return t.offer !== null && l(e) === t.replaces ? A(t.offer, t, n, s) : g(e, t, s);
}
function N(e, t, n) {
  return e.offer === null || n.stored.has(e.have) ? g(null, e, n) : A(e.offer, e, t, n);
}
function A(e, t, n, s) {
  return n.writeLocal(e), n.readLocal() !== e && n.writeLocal(null), n.writeCookie(e), n.readLocal() === e || n.readCookie() === e ? (s.stored.add(t.have), y(t, e, s)) : { ...g(null, t, s), blocked: !0 };
}
function y(e, t, n) {
  return e.ask ? g(t, e, n) : null;
}
function g(e, t, n) {
  return { to: t.have, token: e, blocked: !1, kept: n.stored.has(t.have) };
}
function E(e) {
  const t = e.token === null ? "" : l(e.token);
  return `${e.to} ${t} ${e.blocked} ${e.copied ?? !1}`;
}
const B = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function T(e) {
  return typeof e == "string" && B.test(e);
}
function m(e, t, n) {
  const s = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${e}.${s}.${encodeURIComponent(t)}`;
}
function H(e) {
  try {
    const { pathname: t } = new URL(e), n = t.indexOf("/_stcore/");
    return n > 0 ? t.slice(0, n) : "";
  } catch {
    return "";
  }
}
function U(e, t) {
  const n = m(t.app, t.base, e.location);
  return {
    readLocal: () => a(() => L(e.localStorage.getItem(n))),
    writeLocal: (s) => {
      a(
        () => s === null ? e.localStorage.removeItem(n) : e.localStorage.setItem(n, s)
      );
    },
    readCookie: () => a(() => L(W(e.document.cookie, n))),
    writeCookie: (s) => {
      a(() => {
        const i = t.cookie ? s : null;
        e.document.cookie = [
          `${n}=${i ?? ""}`,
          `Max-Age=${i === null ? 0 : Math.round(t.maxAge)}`,
          `Path=${t.base || "/"}`,
          "SameSite=Strict",
          ...e.location.protocol === "https:" ? ["Secure"] : []
        ].join("; ");
      });
    }
  };
}
function a(e) {
  try {
    return e();
  } catch {
    return null;
  }
}
function L(e) {
  return T(e) ? e : null;
}
function W(e, t) {
  for (const n of e.split(/;\s*/))
    if (n.startsWith(`${t}=`)) return n.slice(t.length + 1);
  return null;
}
const _ = 1e3, j = 1e4, p = /* @__PURE__ */ new Map();
function z(e, t, n) {
  const s = p.get(e);
  s?.stop();
  const i = {
    data: t,
    said: s?.said ?? null,
    saidAt: s?.saidAt ?? 0,
    stop: () => {
    }
  };
  p.set(e, i);
  const c = () => {
    document.visibilityState !== "visible" || i.said !== null && i.said.number > i.data.heard && Date.now() - i.saidAt < j || (i.said = { number: i.data.heard + 1, typing: X() }, i.saidAt = Date.now(), n(i.said));
  }, r = setInterval(c, _), h = () => c();
  document.addEventListener("visibilitychange", h);
  const o = M(t.channel);
  return o !== null && (o.onmessage = ({ data: d }) => {
    typeof d == "number" && d > i.data.version && c();
  }), i.stop = () => {
    clearInterval(r), document.removeEventListener("visibilitychange", h), o?.close();
  }, () => {
    p.get(e)?.stop(), p.delete(e);
  };
}
function J(e) {
  const t = M(e.channel);
  t?.postMessage(e.version), t?.close();
}
function M(e) {
  try {
    return new BroadcastChannel(e);
  } catch {
    return null;
  }
}
function X() {
  const e = document.activeElement;
  if (e === null || !["INPUT", "TEXTAREA"].includes(e.tagName)) return null;
  const t = e.closest('[class*="st-key-"]');
  return Array.from(t?.classList ?? []).find((s) => s.startsWith("st-key-")) ?? null;
}
const $ = "streamlit-pgstate-style", P = ".st-key-streamlit_pgstate_progress", I = `[data-testid="stEvent"]:has(${P} [data-testid="stProgress"])`, F = `
${I} {
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
${I} [data-testid="stElementContainer"]:not(${P} *) {
  display: none;
}
`;
function G(e) {
  if (e.getElementById($) !== null) return;
  const t = e.createElement("style");
  t.id = $, t.textContent = F, e.head.append(t);
}
const K = 5, Q = 150;
function Y(e, t) {
  const n = m(t.app, t.base, e.location);
  return {
    readLocal: () => a(() => {
      const s = e.sessionStorage.getItem(n);
      return T(s) ? s : null;
    }),
    writeLocal: (s) => {
      a(
        () => s === null ? e.sessionStorage.removeItem(n) : e.sessionStorage.setItem(n, s)
      );
    },
    readCookie: () => null,
    writeCookie: () => {
    }
  };
}
class Z {
  constructor(t, n, s, i) {
    this.page = t, this.options = n, this.copies = s, this.events = new EventTarget(), this.id = Math.random().toString(36).slice(2), this.copied = /* @__PURE__ */ new Set(), this.since = i ?? performance.timeOrigin;
    const c = m(n.app, n.base, t.location);
    this.channel = a(() => new BroadcastChannel(`${c}.tab`)), this.channel?.addEventListener("message", (r) => this.hear(r.data)), this.isSettled = this.channel === null || s.readLocal() === null, this.hint(null), t.addEventListener("pagehide", () => this.hint(s.readLocal())), t.addEventListener("pageshow", (r) => {
      r.persisted && (this.hint(null), this.ask());
    }), t.document.addEventListener("visibilitychange", () => {
      t.document.visibilityState === "visible" && this.ask();
    }), !this.isSettled && (this.ask(), t.setTimeout(() => this.settle(), Q));
  }
  /** Whether an older tab holds this token too. */
  isCopy(t) {
    return t !== null && this.copied.has(l(t));
  }
  settle() {
    this.isSettled || (this.isSettled = !0, this.events.dispatchEvent(new Event("told")));
  }
  ask() {
    const t = this.copies.readLocal();
    t !== null && this.say({ kind: "who", fingerprint: l(t) });
  }
  say(t) {
    a(() => this.channel?.postMessage({ ...t, from: this.id, since: this.since }));
  }
  hear(t) {
    const n = this.copies.readLocal();
    if (n === null || t.fingerprint !== l(n)) return;
    const s = t.since < this.since || t.since === this.since && t.from < this.id;
    t.kind === "who" && !s ? this.say({ kind: "mine", fingerprint: t.fingerprint, to: t.from }) : (t.kind === "who" || t.to === this.id) && (this.copied.add(t.fingerprint), this.isSettled = !0, this.events.dispatchEvent(new Event("told")));
  }
  /** The cookie that tells the page after F5 whose it is; null: it has been read. */
  hint(t) {
    const n = t ?? this.copies.readLocal();
    if (!this.options.cookie || n === null) return;
    const { location: s } = this.page, i = m(this.options.app, this.options.base, s);
    a(() => {
      this.page.document.cookie = [
        `${i.replace(/^pgstate/, "pgstate-tab")}.${l(n)}=${t ?? ""}`,
        `Max-Age=${t === null ? 0 : K}`,
        `Path=${this.options.base || "/"}`,
        "SameSite=Strict",
        ...s.protocol === "https:" ? ["Secure"] : []
      ].join("; ");
    });
  }
}
const V = H(import.meta.url), C = /* @__PURE__ */ new Map(), v = /* @__PURE__ */ new Map(), ne = ({ data: e, key: t, setStateValue: n }) => (G(document), e.role === "live" ? z(t, e, (s) => n("tick", s)) : e.role === "news" ? J(e) : q(e, t, (s) => n("answer", s)));
function q(e, t, n) {
  const s = { ...e, base: V }, i = e.scope === "tab", c = (i ? Y : U)(window, s), r = JSON.stringify(e), h = `${e.scope} ${e.app}`, o = C.get(h) ?? {
    ...x(),
    asked: r,
    answered: /* @__PURE__ */ new Set(),
    hold: i ? new Z(window, s, c) : null
  };
  C.set(h, o), o.asked !== r && (o.asked = r, o.answered.clear());
  const d = v.get(t);
  d?.stop();
  const k = d?.asked === r ? d.answered : /* @__PURE__ */ new Set(), S = (O) => {
    const u = ee(e, c, o);
    u === null || O.has(E(u)) || (k.add(E(u)), o.answered.add(E(u)), n({ ...u, token: te(u.token, e.veil) }));
  }, f = () => S(o.answered), w = () => {
    document.visibilityState === "visible" && S(o.answered);
  };
  window.addEventListener("storage", f), window.addEventListener("pageshow", w), document.addEventListener("visibilitychange", w), o.hold?.events.addEventListener("told", f);
  const R = () => {
    window.removeEventListener("storage", f), window.removeEventListener("pageshow", w), document.removeEventListener("visibilitychange", w), o.hold?.events.removeEventListener("told", f);
  };
  return v.set(t, { asked: r, answered: k, stop: R }), S(k), () => {
    v.get(t)?.stop(), v.delete(t);
  };
}
function ee(e, t, n) {
  const s = n.hold === null ? null : t.readLocal();
  if (n.hold === null || s === null) return b(e, t, n);
  const i = l(s) === e.replaces;
  return n.hold.isCopy(s) && !i ? { to: e.have, token: s, blocked: !1, kept: !1, copied: !0 } : !n.hold.isSettled && l(s) !== e.have ? null : b(e, t, n);
}
function te(e, t) {
  if (e === null) return null;
  let n = "";
  for (let s = 0; s < e.length; s++) {
    const i = parseInt(t.slice(2 * s, 2 * s + 2), 16);
    n += (e.charCodeAt(s) ^ i).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  ne as default,
  te as veiled
};
