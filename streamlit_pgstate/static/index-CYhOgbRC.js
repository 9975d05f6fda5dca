function W() {
  return { stored: /* @__PURE__ */ new Set(), gone: /* @__PURE__ */ new Set() };
}
function a(e) {
  return e.slice(-43).slice(0, 16);
}
function $(e, t, n) {
  e.replaces !== null && n.gone.add(e.replaces);
  const o = t.readLocal(), s = o ?? t.readCookie();
  return s !== null && a(s) === e.have ? (o === null && t.writeLocal(s), t.writeCookie(s), n.gone.delete(e.have), N(e, s, n)) : n.gone.has(e.have) ? null : s === null ? F(e, t, n) : j(s, e, t, n);
}
function _(e, t, n, o) {
  const s = t.readLocal();
  if (s === null) return $(e, t, n);
  const r = a(s);
  return o.isCopy(s) && r !== e.replaces ? { to: e.have, token: s, blocked: !1, kept: !1, copied: !0 } : !o.isSettled && r !== e.have ? null : $(e, t, n);
}
function j(e, t, n, o) {
  return t.offer !== null && a(e) === t.replaces ? M(t.offer, t, n, o) : b(e, t, o);
}
function F(e, t, n) {
  return e.offer === null || n.stored.has(e.have) ? b(null, e, n) : M(e.offer, e, t, n);
}
function M(e, t, n, o) {
  return n.writeLocal(e), n.readLocal() !== e && n.writeLocal(null), n.writeCookie(e), n.readLocal() === e || n.readCookie() === e ? (o.stored.add(t.have), N(t, e, o)) : t.forgets ? null : { ...b(null, t, o), blocked: !0 };
}
function N(e, t, n) {
  return e.ask ? b(t, e, n) : null;
}
function b(e, t, n) {
  return { to: t.have, token: e, blocked: !1, kept: n.stored.has(t.have) };
}
function S(e) {
  const t = e.token === null ? "" : a(e.token);
  return `${e.to} ${t} ${e.blocked} ${e.copied ?? !1}`;
}
const z = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function O(e) {
  return typeof e == "string" && z.test(e);
}
function g(e, t, n) {
  const o = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${e}.${o}.${encodeURIComponent(t)}`;
}
function J(e) {
  try {
    const { pathname: t } = new URL(e), n = t.indexOf("/_stcore/");
    return n > 0 ? t.slice(0, n) : "";
  } catch {
    return "";
  }
}
function X(e, t) {
  const n = g(t.app, t.base, e.location);
  return {
    readLocal: () => c(() => I(e.localStorage.getItem(n))),
    writeLocal: (o) => {
      c(
        () => o === null ? e.localStorage.removeItem(n) : e.localStorage.setItem(n, o)
      );
    },
    readCookie: () => c(() => I(K(e.document.cookie, n))),
    writeCookie: (o) => {
      c(() => {
        const s = t.cookie ? o : null;
        e.document.cookie = [
          `${n}=${s ?? ""}`,
          `Max-Age=${s === null ? 0 : Math.round(t.maxAge)}`,
          `Path=${t.base || "/"}`,
          ...D(e)
        ].join("; ");
      });
    }
  };
}
function D(e) {
  const t = e.location.protocol === "https:";
  return t && G(e) ? ["SameSite=None", "Secure", "Partitioned"] : ["SameSite=Strict", ...t ? ["Secure"] : []];
}
function G(e) {
  return e.top === e || !e.top ? !1 : c(() => e.top?.location.origin) !== e.location.origin;
}
function c(e) {
  try {
    return e();
  } catch {
    return null;
  }
}
function I(e) {
  return O(e) ? e : null;
}
function K(e, t) {
  for (const n of e.split(/;\s*/))
    if (n.startsWith(`${t}=`)) return n.slice(t.length + 1);
  return null;
}
const Q = 1e3, Y = 1e4, v = /* @__PURE__ */ new Map();
function Z(e, t, n) {
  const o = v.get(e);
  o?.stop();
  const s = {
    data: t,
    said: o?.said ?? null,
    saidAt: o?.saidAt ?? 0,
    stop: () => {
    }
  };
  v.set(e, s);
  const r = () => {
    document.visibilityState !== "visible" || s.said !== null && s.said.number > s.data.heard && Date.now() - s.saidAt < Y || (s.said = { number: s.data.heard + 1, typing: q() }, s.saidAt = Date.now(), n(s.said));
  }, l = setInterval(r, Q), h = () => r();
  document.addEventListener("visibilitychange", h);
  const i = R(t.channel);
  return i !== null && (i.onmessage = ({ data: d }) => {
    typeof d == "number" && d > s.data.version && r();
  }), s.stop = () => {
    clearInterval(l), document.removeEventListener("visibilitychange", h), i?.close();
  }, () => {
    v.get(e)?.stop(), v.delete(e);
  };
}
function V(e) {
  const t = R(e.channel);
  t?.postMessage(e.version), t?.close();
}
function R(e) {
  try {
    return new BroadcastChannel(e);
  } catch {
    return null;
  }
}
function q() {
  const e = document.activeElement;
  if (e === null || !["INPUT", "TEXTAREA"].includes(e.tagName)) return null;
  const t = e.closest('[class*="st-key-"]');
  return Array.from(t?.classList ?? []).find((o) => o.startsWith("st-key-")) ?? null;
}
let x = { have: "", version: 0, teller: "" };
function ee({ have: e, version: t, teller: n }) {
  x = { have: e, version: t, teller: n };
}
const te = "[data-testid=stApp]", L = "data-test-connection-state", C = "CONNECTED", p = /* @__PURE__ */ new Map();
function ne(e, t) {
  p.get(e)?.disconnect();
  const n = document.querySelector(te);
  let o = n?.getAttribute(L);
  const s = new MutationObserver(() => {
    const r = n?.getAttribute(L);
    r === C && o !== C && t({ at: Date.now(), ...x }), o = r;
  });
  return n !== null && s.observe(n, { attributeFilter: [L] }), p.set(e, s), () => {
    p.get(e)?.disconnect(), p.delete(e);
  };
}
const T = "streamlit-pgstate-style", B = ".st-key-streamlit_pgstate_progress", y = `[data-testid="stEvent"]:has(${B} [data-testid="stProgress"])`, oe = `
${y} {
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
${y} [data-testid="stElementContainer"]:not(${B} *) {
  display: none;
}
`;
function se(e) {
  if (e.getElementById(T) !== null) return;
  const t = e.createElement("style");
  t.id = T, t.textContent = oe, e.head.append(t);
}
const ie = 5, re = 150;
function le(e, t) {
  const n = g(t.app, t.base, e.location);
  return {
    readLocal: () => c(() => {
      const o = e.sessionStorage.getItem(n);
      return O(o) ? o : null;
    }),
    writeLocal: (o) => {
      c(
        () => o === null ? e.sessionStorage.removeItem(n) : e.sessionStorage.setItem(n, o)
      );
    },
    readCookie: () => null,
    writeCookie: () => {
    }
  };
}
class ce {
  constructor(t, n, o, s) {
    this.page = t, this.options = n, this.copies = o, this.events = new EventTarget(), this.id = Math.random().toString(36).slice(2), this.copied = /* @__PURE__ */ new Set(), this.since = s ?? performance.timeOrigin;
    const r = g(n.app, n.base, t.location);
    this.channel = c(() => new BroadcastChannel(`${r}.tab`)), this.channel?.addEventListener("message", (l) => this.hear(l.data)), this.isSettled = this.channel === null || o.readLocal() === null, this.hint(null), t.addEventListener("pagehide", () => this.hint(o.readLocal())), t.addEventListener("pageshow", (l) => {
      l.persisted && (this.hint(null), this.ask());
    }), t.document.addEventListener("visibilitychange", () => {
      t.document.visibilityState === "visible" && this.ask();
    }), !this.isSettled && (this.ask(), t.setTimeout(() => this.settle(), re));
  }
  /** Whether an older tab holds this token too. */
  isCopy(t) {
    return t !== null && this.copied.has(a(t));
  }
  settle() {
    this.isSettled || (this.isSettled = !0, this.events.dispatchEvent(new Event("told")));
  }
  ask() {
    const t = this.copies.readLocal();
    t !== null && this.say({ kind: "who", fingerprint: a(t) });
  }
  say(t) {
    c(() => this.channel?.postMessage({ ...t, from: this.id, since: this.since }));
  }
  hear(t) {
    const n = this.copies.readLocal();
    if (n === null || t.fingerprint !== a(n)) return;
    const o = t.since < this.since || t.since === this.since && t.from < this.id;
    t.kind === "who" && !o ? this.say({ kind: "mine", fingerprint: t.fingerprint, to: t.from }) : (t.kind === "who" || t.to === this.id) && (this.copied.add(t.fingerprint), this.isSettled = !0, this.events.dispatchEvent(new Event("told")));
  }
  /** The cookie that tells the page after F5 whose it is; null: it has been read. */
  hint(t) {
    const n = t ?? this.copies.readLocal();
    if (!this.options.cookie || n === null) return;
    const { location: o } = this.page, s = g(this.options.app, this.options.base, o);
    c(() => {
      this.page.document.cookie = [
        `${s.replace(/^pgstate/, "pgstate-tab")}.${a(n)}=${t ?? ""}`,
        `Max-Age=${t === null ? 0 : ie}`,
        `Path=${this.options.base || "/"}`,
        ...D(this.page)
      ].join("; ");
    });
  }
}
const ae = J(import.meta.url), P = /* @__PURE__ */ new Map(), m = /* @__PURE__ */ new Map(), he = ({ data: e, key: t, setStateValue: n }) => (se(document), e.role === "live" ? Z(t, e, (o) => n("tick", o)) : e.role === "news" ? V(e) : e.role === "shown" ? ee(e) : e.role === "reconnect" ? ne(t, (o) => n("reconnect", o)) : de(e, t, (o) => n("answer", o)));
function de(e, t, n) {
  const o = { ...e, base: ae }, s = e.scope === "tab", r = (s ? le : X)(window, o), l = JSON.stringify(e), h = `${e.scope} ${e.app}`, i = P.get(h) ?? {
    ...W(),
    asked: l,
    answered: /* @__PURE__ */ new Set(),
    hold: s ? new ce(window, o, r) : null
  };
  P.set(h, i), i.asked !== l && (i.asked = l, i.answered.clear());
  const d = m.get(t);
  d?.stop();
  const E = d?.asked === l ? d.answered : /* @__PURE__ */ new Set(), k = (U) => {
    const { hold: A } = i, u = A === null ? $(e, r, i) : _(e, r, i, A);
    u === null || U.has(S(u)) || (E.add(S(u)), i.answered.add(S(u)), n({ ...u, token: ue(u.token, e.veil) }));
  }, f = () => k(i.answered), w = () => {
    document.visibilityState === "visible" && k(i.answered);
  };
  window.addEventListener("storage", f), window.addEventListener("pageshow", w), document.addEventListener("visibilitychange", w), i.hold?.events.addEventListener("told", f);
  const H = () => {
    window.removeEventListener("storage", f), window.removeEventListener("pageshow", w), document.removeEventListener("visibilitychange", w), i.hold?.events.removeEventListener("told", f);
  };
  return m.set(t, { asked: l, answered: E, stop: H }), k(E), () => {
    m.get(t)?.stop(), m.delete(t);
  };
}
function ue(e, t) {
  if (e === null) return null;
  let n = "";
  for (let o = 0; o < e.length; o++) {
    const s = parseInt(t.slice(2 * o, 2 * o + 2), 16);
    n += (e.charCodeAt(o) ^ s).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  he as default,
  ue as veiled
};
