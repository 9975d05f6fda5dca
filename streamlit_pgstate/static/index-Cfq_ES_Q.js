function Y() {
  return { stored: /* @__PURE__ */ new Set(), gone: /* @__PURE__ */ new Set() };
}
function a(t) {
  return t.slice(-43).slice(0, 16);
}
function O(t, e, n) {
  t.replaces !== null && n.gone.add(t.replaces);
  const s = e.readLocal(), i = s ?? e.readCookie();
  return i !== null && a(i) === t.have ? (s === null && e.writeLocal(i), e.writeCookie(i), n.gone.delete(t.have), B(t, i, n)) : n.gone.has(t.have) ? null : i === null ? K(t, e, n) : J(i, t, e, n);
}
function J(t, e, n, s) {
  return e.offer !== null && a(t) === e.replaces ? x(e.offer, e, n, s) : L(t, e, s);
}
function K(t, e, n) {
  return t.offer === null || n.stored.has(t.have) ? L(null, t, n) : x(t.offer, t, e, n);
}
function x(t, e, n, s) {
  return n.writeLocal(t), n.readLocal() !== t && n.writeLocal(null), n.writeCookie(t), n.readLocal() === t || n.readCookie() === t ? (s.stored.add(e.have), B(e, t, s)) : { ...L(null, e, s), blocked: !0 };
}
function B(t, e, n) {
  return t.ask ? L(e, t, n) : null;
}
function L(t, e, n) {
  return { to: e.have, token: t, blocked: !1, kept: n.stored.has(e.have) };
}
function I(t) {
  const e = t.token === null ? "" : a(t.token);
  return `${t.to} ${e} ${t.blocked} ${t.copied ?? !1}`;
}
const X = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function U(t) {
  return typeof t == "string" && X.test(t);
}
function S(t, e, n) {
  const s = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${t}.${s}.${encodeURIComponent(e)}`;
}
function Q(t) {
  try {
    const { pathname: e } = new URL(t), n = e.indexOf("/_stcore/");
    return n > 0 ? e.slice(0, n) : "";
  } catch {
    return "";
  }
}
function Z(t, e) {
  const n = S(e.app, e.base, t.location);
  return {
    readLocal: () => c(() => N(t.localStorage.getItem(n))),
    writeLocal: (s) => {
      c(
        () => s === null ? t.localStorage.removeItem(n) : t.localStorage.setItem(n, s)
      );
    },
    readCookie: () => c(() => N(V(t.document.cookie, n))),
    writeCookie: (s) => {
      c(() => {
        const i = e.cookie ? s : null;
        t.document.cookie = [
          `${n}=${i ?? ""}`,
          `Max-Age=${i === null ? 0 : Math.round(e.maxAge)}`,
          `Path=${e.base || "/"}`,
          "SameSite=Strict",
          ...t.location.protocol === "https:" ? ["Secure"] : []
        ].join("; ");
      });
    }
  };
}
function c(t) {
  try {
    return t();
  } catch {
    return null;
  }
}
function N(t) {
  return U(t) ? t : null;
}
function V(t, e) {
  for (const n of t.split(/;\s*/))
    if (n.startsWith(`${e}=`)) return n.slice(e.length + 1);
  return null;
}
const q = 1e3, tt = 1e4, m = /* @__PURE__ */ new Map();
function et(t, e, n) {
  const s = m.get(t);
  s?.stop();
  const i = {
    data: e,
    said: s?.said ?? null,
    saidAt: s?.saidAt ?? 0,
    stop: () => {
    }
  };
  m.set(t, i);
  const r = () => {
    document.visibilityState !== "visible" || i.said !== null && i.said.number > i.data.heard && Date.now() - i.saidAt < tt || (i.said = { number: i.data.heard + 1, typing: st() }, i.saidAt = Date.now(), n(i.said));
  }, l = setInterval(r, q), f = () => r();
  document.addEventListener("visibilitychange", f);
  const o = H(e.channel);
  return o !== null && (o.onmessage = ({ data: u }) => {
    typeof u == "number" && u > i.data.version && r();
  }), i.stop = () => {
    clearInterval(l), document.removeEventListener("visibilitychange", f), o?.close();
  }, () => {
    m.get(t)?.stop(), m.delete(t);
  };
}
function nt(t) {
  const e = H(t.channel);
  e?.postMessage(t.version), e?.close();
}
function H(t) {
  try {
    return new BroadcastChannel(t);
  } catch {
    return null;
  }
}
function st() {
  const t = document.activeElement;
  if (t === null || !["INPUT", "TEXTAREA"].includes(t.tagName)) return null;
  const e = t.closest('[class*="st-key-"]');
  return Array.from(e?.classList ?? []).find((s) => s.startsWith("st-key-")) ?? null;
}
let W = { have: "", version: 0, teller: "" };
function it({ have: t, version: e, teller: n }) {
  W = { have: t, version: e, teller: n };
}
const ot = "[data-testid=stApp]", T = "data-test-connection-state", D = "CONNECTED", g = /* @__PURE__ */ new Map();
function rt(t, e) {
  g.get(t)?.disconnect();
  const n = document.querySelector(ot);
  let s = n?.getAttribute(T);
  const i = new MutationObserver(() => {
    const r = n?.getAttribute(T);
    r === D && s !== D && e({ at: Date.now(), ...W }), s = r;
  });
  return n !== null && i.observe(n, { attributeFilter: [T] }), g.set(t, i), () => {
    g.get(t)?.disconnect(), g.delete(t);
  };
}
const lt = 3e4, at = 500, ct = 45e3;
function dt(t, e) {
  return Math.min(lt, 1e3 * 2 ** (t - 1)) * (1 - e / 4);
}
const ut = "[data-testid=stApp]", ht = "data-test-connection-state", ft = "data-test-script-state";
function pt() {
  if (document.visibilityState !== "visible") return !1;
  const t = document.querySelector(ut);
  return (t?.getAttribute(ht) ?? "CONNECTED") === "CONNECTED" && t?.getAttribute(ft) !== "running";
}
const b = /* @__PURE__ */ new Map();
let y = 0, p, k = !1;
function wt(t, e) {
  return b.set(t, e), y += 1, j(dt(y, Math.random())), document.addEventListener("visibilitychange", $), () => {
    b.delete(t), b.size === 0 && vt();
  };
}
function vt() {
  clearTimeout(p), k = !1, y = 0, document.removeEventListener("visibilitychange", $);
}
function j(t) {
  clearTimeout(p), k = !1, p = setTimeout(() => {
    k = !0, $();
  }, t);
}
function $() {
  if (k) {
    if (clearTimeout(p), !pt()) {
      p = setTimeout($, at);
      return;
    }
    j(ct);
    for (const t of b.values()) t({ at: Date.now() });
  }
}
const M = "streamlit-pgstate-style", z = ".st-key-streamlit_pgstate_progress", d = ".st-key-streamlit_pgstate_outage", mt = `:is(${z} [data-testid="stProgress"], ${d})`, P = `[data-testid="stEvent"]:has(${mt})`, R = `:is(${d}, :has(${d}))`, gt = `
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
[data-testid="stEvent"]:has(${d}) {
  width: min(36rem, 90vw);
  padding: 0;
}
${P} [data-testid="stElementContainer"]:not(:is(${z}, ${d}) *),
${d} [class*="st-key-streamlit_pgstate_retry"],
${R} ~ ${d},
${R} ~ * ${d} {
  display: none;
}
`;
function Et(t) {
  if (t.getElementById(M) !== null) return;
  const e = t.createElement("style");
  e.id = M, e.textContent = gt, t.head.append(e);
}
const bt = 5, St = 150;
function kt(t, e) {
  const n = S(e.app, e.base, t.location);
  return {
    readLocal: () => c(() => {
      const s = t.sessionStorage.getItem(n);
      return U(s) ? s : null;
    }),
    writeLocal: (s) => {
      c(
        () => s === null ? t.sessionStorage.removeItem(n) : t.sessionStorage.setItem(n, s)
      );
    },
    readCookie: () => null,
    writeCookie: () => {
    }
  };
}
class Lt {
  constructor(e, n, s, i) {
    this.page = e, this.options = n, this.copies = s, this.events = new EventTarget(), this.id = Math.random().toString(36).slice(2), this.copied = /* @__PURE__ */ new Set(), this.since = i ?? performance.timeOrigin;
    const r = S(n.app, n.base, e.location);
    this.channel = c(() => new BroadcastChannel(`${r}.tab`)), this.channel?.addEventListener("message", (l) => this.hear(l.data)), this.isSettled = this.channel === null || s.readLocal() === null, this.hint(null), e.addEventListener("pagehide", () => this.hint(s.readLocal())), e.addEventListener("pageshow", (l) => {
      l.persisted && (this.hint(null), this.ask());
    }), e.document.addEventListener("visibilitychange", () => {
      e.document.visibilityState === "visible" && this.ask();
    }), !this.isSettled && (this.ask(), e.setTimeout(() => this.settle(), St));
  }
  /** Whether an older tab holds this token too. */
  isCopy(e) {
    return e !== null && this.copied.has(a(e));
  }
  settle() {
    this.isSettled || (this.isSettled = !0, this.events.dispatchEvent(new Event("told")));
  }
  ask() {
    const e = this.copies.readLocal();
    e !== null && this.say({ kind: "who", fingerprint: a(e) });
  }
  say(e) {
    c(() => this.channel?.postMessage({ ...e, from: this.id, since: this.since }));
  }
  hear(e) {
    const n = this.copies.readLocal();
    if (n === null || e.fingerprint !== a(n)) return;
    const s = e.since < this.since || e.since === this.since && e.from < this.id;
    e.kind === "who" && !s ? this.say({ kind: "mine", fingerprint: e.fingerprint, to: e.from }) : (e.kind === "who" || e.to === this.id) && (this.copied.add(e.fingerprint), this.isSettled = !0, this.events.dispatchEvent(new Event("told")));
  }
  /** The cookie that tells the page after F5 whose it is; null: it has been read. */
  hint(e) {
    const n = e ?? this.copies.readLocal();
    if (!this.options.cookie || n === null) return;
    const { location: s } = this.page, i = S(this.options.app, this.options.base, s);
    c(() => {
      this.page.document.cookie = [
        `${i.replace(/^pgstate/, "pgstate-tab")}.${a(n)}=${e ?? ""}`,
        `Max-Age=${e === null ? 0 : bt}`,
        `Path=${this.options.base || "/"}`,
        "SameSite=Strict",
        ...s.protocol === "https:" ? ["Secure"] : []
      ].join("; ");
    });
  }
}
const $t = Q(import.meta.url), _ = /* @__PURE__ */ new Map(), E = /* @__PURE__ */ new Map(), Tt = ({ data: t, key: e, parentElement: n, setStateValue: s }) => (Et(document), t.role === "live" ? et(e, t, (i) => s("tick", i)) : t.role === "news" ? nt(t) : t.role === "shown" ? it(t) : t.role === "reconnect" ? rt(e, (i) => s("reconnect", i)) : t.role === "retry" ? wt(n, (i) => s("retry", i)) : At(t, e, (i) => s("answer", i)));
function At(t, e, n) {
  const s = { ...t, base: $t }, i = t.scope === "tab", r = (i ? kt : Z)(window, s), l = JSON.stringify(t), f = `${t.scope} ${t.app}`, o = _.get(f) ?? {
    ...Y(),
    asked: l,
    answered: /* @__PURE__ */ new Set(),
    hold: i ? new Lt(window, s, r) : null
  };
  _.set(f, o), o.asked !== l && (o.asked = l, o.answered.clear());
  const u = E.get(e);
  u?.stop();
  const A = u?.asked === l ? u.answered : /* @__PURE__ */ new Set(), C = (G) => {
    const h = Ct(t, r, o);
    h === null || G.has(I(h)) || (A.add(I(h)), o.answered.add(I(h)), n({ ...h, token: It(h.token, t.veil) }));
  }, w = () => C(o.answered), v = () => {
    document.visibilityState === "visible" && C(o.answered);
  };
  window.addEventListener("storage", w), window.addEventListener("pageshow", v), document.addEventListener("visibilitychange", v), o.hold?.events.addEventListener("told", w);
  const F = () => {
    window.removeEventListener("storage", w), window.removeEventListener("pageshow", v), document.removeEventListener("visibilitychange", v), o.hold?.events.removeEventListener("told", w);
  };
  return E.set(e, { asked: l, answered: A, stop: F }), C(A), () => {
    E.get(e)?.stop(), E.delete(e);
  };
}
function Ct(t, e, n) {
  const s = n.hold === null ? null : e.readLocal();
  if (n.hold === null || s === null) return O(t, e, n);
  const i = a(s) === t.replaces;
  return n.hold.isCopy(s) && !i ? { to: t.have, token: s, blocked: !1, kept: !1, copied: !0 } : !n.hold.isSettled && a(s) !== t.have ? null : O(t, e, n);
}
function It(t, e) {
  if (t === null) return null;
  let n = "";
  for (let s = 0; s < t.length; s++) {
    const i = parseInt(e.slice(2 * s, 2 * s + 2), 16);
    n += (t.charCodeAt(s) ^ i).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  Tt as default,
  It as veiled
};
