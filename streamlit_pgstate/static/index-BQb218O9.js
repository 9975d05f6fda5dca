function J() {
  return { stored: /* @__PURE__ */ new Set(), gone: /* @__PURE__ */ new Set() };
}
function c(t) {
  return t.slice(-43).slice(0, 16);
}
function N(t, e, n) {
  t.replaces !== null && n.gone.add(t.replaces);
  const s = e.readLocal(), i = s ?? e.readCookie();
  return i !== null && c(i) === t.have ? (s === null && e.writeLocal(i), e.writeCookie(i), n.gone.delete(t.have), B(t, i, n)) : n.gone.has(t.have) ? null : i === null ? X(t, e, n) : K(i, t, e, n);
}
function K(t, e, n, s) {
  return e.offer !== null && c(t) === e.replaces ? x(e.offer, e, n, s) : L(t, e, s);
}
function X(t, e, n) {
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
  const e = t.token === null ? "" : c(t.token);
  return `${t.to} ${e} ${t.blocked} ${t.copied ?? !1}`;
}
const Q = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function U(t) {
  return typeof t == "string" && Q.test(t);
}
function k(t, e, n) {
  const s = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${t}.${s}.${encodeURIComponent(e)}`;
}
function Z(t) {
  try {
    const { pathname: e } = new URL(t), n = e.indexOf("/_stcore/");
    return n > 0 ? e.slice(0, n) : "";
  } catch {
    return "";
  }
}
function V(t, e) {
  const n = k(e.app, e.base, t.location);
  return {
    readLocal: () => a(() => D(t.localStorage.getItem(n))),
    writeLocal: (s) => {
      a(
        () => s === null ? t.localStorage.removeItem(n) : t.localStorage.setItem(n, s)
      );
    },
    readCookie: () => a(() => D(q(t.document.cookie, n))),
    writeCookie: (s) => {
      a(() => {
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
function a(t) {
  try {
    return t();
  } catch {
    return null;
  }
}
function D(t) {
  return U(t) ? t : null;
}
function q(t, e) {
  for (const n of t.split(/;\s*/))
    if (n.startsWith(`${e}=`)) return n.slice(e.length + 1);
  return null;
}
const tt = 1e3, et = 1e4, E = /* @__PURE__ */ new Map();
function nt(t, e, n) {
  const s = E.get(t);
  s?.stop();
  const i = {
    data: e,
    said: s?.said ?? null,
    saidAt: s?.saidAt ?? 0,
    stop: () => {
    }
  };
  E.set(t, i);
  const r = () => {
    document.visibilityState !== "visible" || i.said !== null && i.said.number > i.data.heard && Date.now() - i.saidAt < et || (i.said = { number: i.data.heard + 1, typing: it() }, i.saidAt = Date.now(), n(i.said));
  }, l = setInterval(r, tt), w = () => r();
  document.addEventListener("visibilitychange", w);
  const o = H(e.channel);
  return o !== null && (o.onmessage = ({ data: h }) => {
    typeof h == "number" && h > i.data.version && r();
  }), i.stop = () => {
    clearInterval(l), document.removeEventListener("visibilitychange", w), o?.close();
  }, () => {
    E.get(t)?.stop(), E.delete(t);
  };
}
function st(t) {
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
function it() {
  const t = document.activeElement;
  if (t === null || !["INPUT", "TEXTAREA"].includes(t.tagName)) return null;
  const e = t.closest('[class*="st-key-"]');
  return Array.from(e?.classList ?? []).find((s) => s.startsWith("st-key-")) ?? null;
}
let W = { have: "", version: 0, teller: "" };
function ot({ have: t, version: e, teller: n }) {
  W = { have: t, version: e, teller: n };
}
const rt = "[data-testid=stApp]", T = "data-test-connection-state", P = "CONNECTED", b = /* @__PURE__ */ new Map();
function lt(t, e) {
  b.get(t)?.disconnect();
  const n = document.querySelector(rt);
  let s = n?.getAttribute(T);
  const i = new MutationObserver(() => {
    const r = n?.getAttribute(T);
    r === P && s !== P && e({ at: Date.now(), ...W }), s = r;
  });
  return n !== null && i.observe(n, { attributeFilter: [T] }), b.set(t, i), () => {
    b.get(t)?.disconnect(), b.delete(t);
  };
}
const ct = 3e4, at = 500, dt = 1e3, ut = 45e3;
function ht(t, e) {
  return Math.min(ct, 1e3 * 2 ** (t - 1)) * (1 - e / 4);
}
const ft = "[data-testid=stApp]", pt = "data-test-connection-state", wt = "data-test-script-state";
function vt() {
  if (document.visibilityState !== "visible") return !1;
  const t = document.querySelector(ft);
  return (t?.getAttribute(pt) ?? "CONNECTED") === "CONNECTED" && t?.getAttribute(wt) !== "running";
}
const u = /* @__PURE__ */ new Map();
let y = 0, z = 0, v, p = 0;
function mt(t, e) {
  return u.size === 0 && Date.now() - z > dt && (y = 0), u.set(t, e), y += 1, G(ht(y, Math.random())), document.addEventListener("visibilitychange", $), () => {
    u.delete(t), u.size === 0 && gt();
  };
}
function gt() {
  clearTimeout(v), p = 0, z = Date.now(), document.removeEventListener("visibilitychange", $);
}
function G(t) {
  clearTimeout(v), p = 0, v = setTimeout(() => {
    p = u.size, $();
  }, t);
}
function $() {
  const [t] = u;
  if (p === 0 || t === void 0 || (clearTimeout(v), v = setTimeout($, at), !vt())) return;
  p -= 1;
  const [e, n] = t;
  u.delete(e), u.set(e, n), p === 0 && G(ut), n({ at: Date.now() });
}
const M = "streamlit-pgstate-style", j = ".st-key-streamlit_pgstate_progress", d = ".st-key-streamlit_pgstate_outage", Et = `:is(${j} [data-testid="stProgress"], ${d})`, O = `[data-testid="stEvent"]:has(${Et})`, R = `:is(${d}, :has(${d}))`, bt = `
${O} {
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
${O}:has(${d}) {
  width: min(36rem, 90vw);
  padding: 0;
}
${O} [data-testid="stElementContainer"]:not(:is(${j}, ${d}) *),
${d} [class*="st-key-streamlit_pgstate_retry"],
${R} ~ ${d},
${R} ~ * ${d} {
  display: none;
}
`;
function St(t) {
  if (t.getElementById(M) !== null) return;
  const e = t.createElement("style");
  e.id = M, e.textContent = bt, t.head.append(e);
}
const kt = 5, Lt = 150;
function $t(t, e) {
  const n = k(e.app, e.base, t.location);
  return {
    readLocal: () => a(() => {
      const s = t.sessionStorage.getItem(n);
      return U(s) ? s : null;
    }),
    writeLocal: (s) => {
      a(
        () => s === null ? t.sessionStorage.removeItem(n) : t.sessionStorage.setItem(n, s)
      );
    },
    readCookie: () => null,
    writeCookie: () => {
    }
  };
}
class At {
  constructor(e, n, s, i) {
    this.page = e, this.options = n, this.copies = s, this.events = new EventTarget(), this.id = Math.random().toString(36).slice(2), this.copied = /* @__PURE__ */ new Set(), this.since = i ?? performance.timeOrigin;
    const r = k(n.app, n.base, e.location);
    this.channel = a(() => new BroadcastChannel(`${r}.tab`)), this.channel?.addEventListener("message", (l) => this.hear(l.data)), this.isSettled = this.channel === null || s.readLocal() === null, this.hint(null), e.addEventListener("pagehide", () => this.hint(s.readLocal())), e.addEventListener("pageshow", (l) => {
      l.persisted && (this.hint(null), this.ask());
    }), e.document.addEventListener("visibilitychange", () => {
      e.document.visibilityState === "visible" && this.ask();
    }), !this.isSettled && (this.ask(), e.setTimeout(() => this.settle(), Lt));
  }
  /** Whether an older tab holds this token too. */
  isCopy(e) {
    return e !== null && this.copied.has(c(e));
  }
  settle() {
    this.isSettled || (this.isSettled = !0, this.events.dispatchEvent(new Event("told")));
  }
  ask() {
    const e = this.copies.readLocal();
    e !== null && this.say({ kind: "who", fingerprint: c(e) });
  }
  say(e) {
    a(() => this.channel?.postMessage({ ...e, from: this.id, since: this.since }));
  }
  hear(e) {
    const n = this.copies.readLocal();
    if (n === null || e.fingerprint !== c(n)) return;
    const s = e.since < this.since || e.since === this.since && e.from < this.id;
    e.kind === "who" && !s ? this.say({ kind: "mine", fingerprint: e.fingerprint, to: e.from }) : (e.kind === "who" || e.to === this.id) && (this.copied.add(e.fingerprint), this.isSettled = !0, this.events.dispatchEvent(new Event("told")));
  }
  /** The cookie that tells the page after F5 whose it is; null: it has been read. */
  hint(e) {
    const n = e ?? this.copies.readLocal();
    if (!this.options.cookie || n === null) return;
    const { location: s } = this.page, i = k(this.options.app, this.options.base, s);
    a(() => {
      this.page.document.cookie = [
        `${i.replace(/^pgstate/, "pgstate-tab")}.${c(n)}=${e ?? ""}`,
        `Max-Age=${e === null ? 0 : kt}`,
        `Path=${this.options.base || "/"}`,
        "SameSite=Strict",
        ...s.protocol === "https:" ? ["Secure"] : []
      ].join("; ");
    });
  }
}
const Ct = Z(import.meta.url), _ = /* @__PURE__ */ new Map(), S = /* @__PURE__ */ new Map(), Ot = ({ data: t, key: e, parentElement: n, setStateValue: s }) => (St(document), t.role === "live" ? nt(e, t, (i) => s("tick", i)) : t.role === "news" ? st(t) : t.role === "shown" ? ot(t) : t.role === "reconnect" ? lt(e, (i) => s("reconnect", i)) : t.role === "retry" ? mt(n, (i) => s("retry", i)) : It(t, e, (i) => s("answer", i)));
function It(t, e, n) {
  const s = { ...t, base: Ct }, i = t.scope === "tab", r = (i ? $t : V)(window, s), l = JSON.stringify(t), w = `${t.scope} ${t.app}`, o = _.get(w) ?? {
    ...J(),
    asked: l,
    answered: /* @__PURE__ */ new Set(),
    hold: i ? new At(window, s, r) : null
  };
  _.set(w, o), o.asked !== l && (o.asked = l, o.answered.clear());
  const h = S.get(e);
  h?.stop();
  const A = h?.asked === l ? h.answered : /* @__PURE__ */ new Set(), C = (Y) => {
    const f = Tt(t, r, o);
    f === null || Y.has(I(f)) || (A.add(I(f)), o.answered.add(I(f)), n({ ...f, token: yt(f.token, t.veil) }));
  }, m = () => C(o.answered), g = () => {
    document.visibilityState === "visible" && C(o.answered);
  };
  window.addEventListener("storage", m), window.addEventListener("pageshow", g), document.addEventListener("visibilitychange", g), o.hold?.events.addEventListener("told", m);
  const F = () => {
    window.removeEventListener("storage", m), window.removeEventListener("pageshow", g), document.removeEventListener("visibilitychange", g), o.hold?.events.removeEventListener("told", m);
  };
  return S.set(e, { asked: l, answered: A, stop: F }), C(A), () => {
    S.get(e)?.stop(), S.delete(e);
  };
}
function Tt(t, e, n) {
  const s = n.hold === null ? null : e.readLocal();
  if (n.hold === null || s === null) return N(t, e, n);
  const i = c(s) === t.replaces;
  return n.hold.isCopy(s) && !i ? { to: t.have, token: s, blocked: !1, kept: !1, copied: !0 } : !n.hold.isSettled && c(s) !== t.have ? null : N(t, e, n);
}
function yt(t, e) {
  if (t === null) return null;
  let n = "";
  for (let s = 0; s < t.length; s++) {
    const i = parseInt(e.slice(2 * s, 2 * s + 2), 16);
    n += (t.charCodeAt(s) ^ i).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  Ot as default,
  yt as veiled
};
