function H() {
  return { stored: /* @__PURE__ */ new Set(), gone: /* @__PURE__ */ new Set() };
}
function c(e) {
  return e.slice(-43).slice(0, 16);
}
function $(e, t, n) {
  e.replaces !== null && n.gone.add(e.replaces);
  const s = t.readLocal(), o = s ?? t.readCookie();
  return o !== null && c(o) === e.have ? (s === null && t.writeLocal(o), t.writeCookie(o), n.gone.delete(e.have), P(e, o, n)) : n.gone.has(e.have) ? null : o === null ? W(e, t, n) : U(o, e, t, n);
}
function U(e, t, n, s) {
  return t.offer !== null && c(e) === t.replaces ? O(t.offer, t, n, s) : b(e, t, s);
}
function W(e, t, n) {
  return e.offer === null || n.stored.has(e.have) ? b(null, e, n) : O(e.offer, e, t, n);
}
function O(e, t, n, s) {
  return n.writeLocal(e), n.readLocal() !== e && n.writeLocal(null), n.writeCookie(e), n.readLocal() === e || n.readCookie() === e ? (s.stored.add(t.have), P(t, e, s)) : { ...b(null, t, s), blocked: !0 };
}
function P(e, t, n) {
  return e.ask ? b(t, e, n) : null;
}
function b(e, t, n) {
  return { to: t.have, token: e, blocked: !1, kept: n.stored.has(t.have) };
}
function k(e) {
  const t = e.token === null ? "" : c(e.token);
  return `${e.to} ${t} ${e.blocked} ${e.copied ?? !1}`;
}
const _ = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function D(e) {
  return typeof e == "string" && _.test(e);
}
function m(e, t, n) {
  const s = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${e}.${s}.${encodeURIComponent(t)}`;
}
function j(e) {
  try {
    const { pathname: t } = new URL(e), n = t.indexOf("/_stcore/");
    return n > 0 ? t.slice(0, n) : "";
  } catch {
    return "";
  }
}
function z(e, t) {
  const n = m(t.app, t.base, e.location);
  return {
    readLocal: () => a(() => A(e.localStorage.getItem(n))),
    writeLocal: (s) => {
      a(
        () => s === null ? e.localStorage.removeItem(n) : e.localStorage.setItem(n, s)
      );
    },
    readCookie: () => a(() => A(F(e.document.cookie, n))),
    writeCookie: (s) => {
      a(() => {
        const o = t.cookie ? s : null;
        e.document.cookie = [
          `${n}=${o ?? ""}`,
          `Max-Age=${o === null ? 0 : Math.round(t.maxAge)}`,
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
function A(e) {
  return D(e) ? e : null;
}
function F(e, t) {
  for (const n of e.split(/;\s*/))
    if (n.startsWith(`${t}=`)) return n.slice(t.length + 1);
  return null;
}
const J = 1e3, X = 1e4, p = /* @__PURE__ */ new Map();
function G(e, t, n) {
  const s = p.get(e);
  s?.stop();
  const o = {
    data: t,
    said: s?.said ?? null,
    saidAt: s?.saidAt ?? 0,
    stop: () => {
    }
  };
  p.set(e, o);
  const r = () => {
    document.visibilityState !== "visible" || o.said !== null && o.said.number > o.data.heard && Date.now() - o.saidAt < X || (o.said = { number: o.data.heard + 1, typing: Q() }, o.saidAt = Date.now(), n(o.said));
  }, l = setInterval(r, J), h = () => r();
  document.addEventListener("visibilitychange", h);
  const i = N(t.channel);
  return i !== null && (i.onmessage = ({ data: d }) => {
    typeof d == "number" && d > o.data.version && r();
  }), o.stop = () => {
    clearInterval(l), document.removeEventListener("visibilitychange", h), i?.close();
  }, () => {
    p.get(e)?.stop(), p.delete(e);
  };
}
function K(e) {
  const t = N(e.channel);
  t?.postMessage(e.version), t?.close();
}
function N(e) {
  try {
    return new BroadcastChannel(e);
  } catch {
    return null;
  }
}
function Q() {
  const e = document.activeElement;
  if (e === null || !["INPUT", "TEXTAREA"].includes(e.tagName)) return null;
  const t = e.closest('[class*="st-key-"]');
  return Array.from(t?.classList ?? []).find((s) => s.startsWith("st-key-")) ?? null;
}
let R = { have: "", version: 0, teller: "" };
function Y({ have: e, version: t, teller: n }) {
  R = { have: e, version: t, teller: n };
}
const Z = "[data-testid=stApp]", L = "data-test-connection-state", C = "CONNECTED", v = /* @__PURE__ */ new Map();
function V(e, t) {
  v.get(e)?.disconnect();
  const n = document.querySelector(Z);
  let s = n?.getAttribute(L);
  const o = new MutationObserver(() => {
    const r = n?.getAttribute(L);
    r === C && s !== C && t({ at: Date.now(), ...R }), s = r;
  });
  return n !== null && o.observe(n, { attributeFilter: [L] }), v.set(e, o), () => {
    v.get(e)?.disconnect(), v.delete(e);
  };
}
const I = "streamlit-pgstate-style", y = ".st-key-streamlit_pgstate_progress", T = `[data-testid="stEvent"]:has(${y} [data-testid="stProgress"])`, q = `
${T} {
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
${T} [data-testid="stElementContainer"]:not(${y} *) {
  display: none;
}
`;
function ee(e) {
  if (e.getElementById(I) !== null) return;
  const t = e.createElement("style");
  t.id = I, t.textContent = q, e.head.append(t);
}
const te = 5, ne = 150;
function se(e, t) {
  const n = m(t.app, t.base, e.location);
  return {
    readLocal: () => a(() => {
      const s = e.sessionStorage.getItem(n);
      return D(s) ? s : null;
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
class oe {
  constructor(t, n, s, o) {
    this.page = t, this.options = n, this.copies = s, this.events = new EventTarget(), this.id = Math.random().toString(36).slice(2), this.copied = /* @__PURE__ */ new Set(), this.since = o ?? performance.timeOrigin;
    const r = m(n.app, n.base, t.location);
    this.channel = a(() => new BroadcastChannel(`${r}.tab`)), this.channel?.addEventListener("message", (l) => this.hear(l.data)), this.isSettled = this.channel === null || s.readLocal() === null, this.hint(null), t.addEventListener("pagehide", () => this.hint(s.readLocal())), t.addEventListener("pageshow", (l) => {
      l.persisted && (this.hint(null), this.ask());
    }), t.document.addEventListener("visibilitychange", () => {
      t.document.visibilityState === "visible" && this.ask();
    }), !this.isSettled && (this.ask(), t.setTimeout(() => this.settle(), ne));
  }
  /** Whether an older tab holds this token too. */
  isCopy(t) {
    return t !== null && this.copied.has(c(t));
  }
  settle() {
    this.isSettled || (this.isSettled = !0, this.events.dispatchEvent(new Event("told")));
  }
  ask() {
    const t = this.copies.readLocal();
    t !== null && this.say({ kind: "who", fingerprint: c(t) });
  }
  say(t) {
    a(() => this.channel?.postMessage({ ...t, from: this.id, since: this.since }));
  }
  hear(t) {
    const n = this.copies.readLocal();
    if (n === null || t.fingerprint !== c(n)) return;
    const s = t.since < this.since || t.since === this.since && t.from < this.id;
    t.kind === "who" && !s ? this.say({ kind: "mine", fingerprint: t.fingerprint, to: t.from }) : (t.kind === "who" || t.to === this.id) && (this.copied.add(t.fingerprint), this.isSettled = !0, this.events.dispatchEvent(new Event("told")));
  }
  /** The cookie that tells the page after F5 whose it is; null: it has been read. */
  hint(t) {
    const n = t ?? this.copies.readLocal();
    if (!this.options.cookie || n === null) return;
    const { location: s } = this.page, o = m(this.options.app, this.options.base, s);
    a(() => {
      this.page.document.cookie = [
        `${o.replace(/^pgstate/, "pgstate-tab")}.${c(n)}=${t ?? ""}`,
        `Max-Age=${t === null ? 0 : te}`,
        `Path=${this.options.base || "/"}`,
        "SameSite=Strict",
        ...s.protocol === "https:" ? ["Secure"] : []
      ].join("; ");
    });
  }
}
const ie = j(import.meta.url), M = /* @__PURE__ */ new Map(), g = /* @__PURE__ */ new Map(), ae = ({ data: e, key: t, setStateValue: n }) => (ee(document), e.role === "live" ? G(t, e, (s) => n("tick", s)) : e.role === "news" ? K(e) : e.role === "shown" ? Y(e) : e.role === "reconnect" ? V(t, (s) => n("reconnect", s)) : re(e, t, (s) => n("answer", s)));
function re(e, t, n) {
  const s = { ...e, base: ie }, o = e.scope === "tab", r = (o ? se : z)(window, s), l = JSON.stringify(e), h = `${e.scope} ${e.app}`, i = M.get(h) ?? {
    ...H(),
    asked: l,
    answered: /* @__PURE__ */ new Set(),
    hold: o ? new oe(window, s, r) : null
  };
  M.set(h, i), i.asked !== l && (i.asked = l, i.answered.clear());
  const d = g.get(t);
  d?.stop();
  const E = d?.asked === l ? d.answered : /* @__PURE__ */ new Set(), S = (B) => {
    const u = le(e, r, i);
    u === null || B.has(k(u)) || (E.add(k(u)), i.answered.add(k(u)), n({ ...u, token: ce(u.token, e.veil) }));
  }, f = () => S(i.answered), w = () => {
    document.visibilityState === "visible" && S(i.answered);
  };
  window.addEventListener("storage", f), window.addEventListener("pageshow", w), document.addEventListener("visibilitychange", w), i.hold?.events.addEventListener("told", f);
  const x = () => {
    window.removeEventListener("storage", f), window.removeEventListener("pageshow", w), document.removeEventListener("visibilitychange", w), i.hold?.events.removeEventListener("told", f);
  };
  return g.set(t, { asked: l, answered: E, stop: x }), S(E), () => {
    g.get(t)?.stop(), g.delete(t);
  };
}
function le(e, t, n) {
  const s = n.hold === null ? null : t.readLocal();
  if (n.hold === null || s === null) return $(e, t, n);
  const o = c(s) === e.replaces;
  return n.hold.isCopy(s) && !o ? { to: e.have, token: s, blocked: !1, kept: !1, copied: !0 } : !n.hold.isSettled && c(s) !== e.have ? null : $(e, t, n);
}
function ce(e, t) {
  if (e === null) return null;
  let n = "";
  for (let s = 0; s < e.length; s++) {
    const o = parseInt(t.slice(2 * s, 2 * s + 2), 16);
    n += (e.charCodeAt(s) ^ o).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  ae as default,
  ce as veiled
};
