function G() {
  return { stored: /* @__PURE__ */ new Set(), gone: /* @__PURE__ */ new Set() };
}
function a(e) {
  return e.slice(-43).slice(0, 16);
}
function y(e, t, n) {
  e.replaces !== null && n.gone.add(e.replaces);
  const s = t.readLocal(), o = s ?? t.readCookie();
  return o !== null && a(o) === e.have ? (s === null && t.writeLocal(o), t.writeCookie(o), n.gone.delete(e.have), W(e, o, n)) : n.gone.has(e.have) ? null : o === null ? Y(e, t, n) : Q(o, e, t, n);
}
function Q(e, t, n, s) {
  return t.offer !== null && a(e) === t.replaces ? R(t.offer, t, n, s) : C(e, t, s);
}
function Y(e, t, n) {
  return e.offer === null || n.stored.has(e.have) ? C(null, e, n) : R(e.offer, e, t, n);
}
function R(e, t, n, s) {
  return n.writeLocal(e), n.readLocal() !== e && n.writeLocal(null), n.writeCookie(e), n.readLocal() === e || n.readCookie() === e ? (s.stored.add(t.have), W(t, e, s)) : { ...C(null, t, s), blocked: !0 };
}
function W(e, t, n) {
  return e.ask ? C(t, e, n) : null;
}
function C(e, t, n) {
  return { to: t.have, token: e, blocked: !1, kept: n.stored.has(t.have) };
}
function I(e) {
  const t = e.token === null ? "" : a(e.token);
  return `${e.to} ${t} ${e.blocked} ${e.copied ?? !1}`;
}
const Z = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function B(e) {
  return typeof e == "string" && Z.test(e);
}
function L(e, t, n) {
  const s = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${e}.${s}.${encodeURIComponent(t)}`;
}
function V(e) {
  try {
    const { pathname: t } = new URL(e), n = t.indexOf("/_stcore/");
    return n > 0 ? t.slice(0, n) : "";
  } catch {
    return "";
  }
}
function q(e, t) {
  const n = L(t.app, t.base, e.location);
  return {
    readLocal: () => u(() => T(e.localStorage.getItem(n))),
    writeLocal: (s) => {
      u(
        () => s === null ? e.localStorage.removeItem(n) : e.localStorage.setItem(n, s)
      );
    },
    readCookie: () => u(() => T(ee(e.document.cookie, n))),
    writeCookie: (s) => {
      u(() => {
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
function u(e) {
  try {
    return e();
  } catch {
    return null;
  }
}
function T(e) {
  return B(e) ? e : null;
}
function ee(e, t) {
  for (const n of e.split(/;\s*/))
    if (n.startsWith(`${t}=`)) return n.slice(t.length + 1);
  return null;
}
const h = /* @__PURE__ */ new WeakMap();
let $ = null, U = null;
const M = /* @__PURE__ */ new WeakSet();
function te(e) {
  if (M.has(e)) return;
  M.add(e);
  const t = (n, s) => e.addEventListener(n, s, { capture: !0, passive: !0 });
  t("pointerdown", (n) => O(n.target)), t("focusin", (n) => {
    O(n.target), S(n.target);
  }), t("beforeinput", (n) => S(n.target)), t("input", ({ target: n }) => {
    if (!m(n)) return;
    const s = h.get(n) ?? ($?.[0] === n ? $[1] : "");
    s === n.value ? h.delete(n) : h.set(n, s);
  }), t("keydown", (n) => {
    m(n.target) && se(n, n.target) && ie(n.target);
  }), t("focusout", ({ target: n }) => {
    m(n) && h.delete(n);
  }), S(e.activeElement);
}
function ne(e) {
  const t = e.activeElement;
  if (!m(t)) return null;
  const n = _(t);
  return n === null && !H(t) ? U : (oe(t) ? t.value !== "" : h.has(t)) ? n : null;
}
function se(e, t) {
  return e.isComposing ? !1 : e.key === "ArrowUp" || e.key === "ArrowDown" ? t.type === "number" : e.key !== "Enter" ? !1 : t.tagName === "INPUT" ? !0 : e.ctrlKey || e.metaKey;
}
function oe(e) {
  return e.closest('[data-testid="stChatInput"]') !== null;
}
function ie(e) {
  setTimeout(() => {
    e.getAttribute("aria-invalid") !== "true" && (h.delete(e), S(e));
  });
}
function S(e) {
  m(e) && !h.has(e) && ($ = [e, e.value]);
}
function O(e) {
  e instanceof Element && H(e) && (U = _(e));
}
function H(e) {
  return e.closest('[data-testid="stElementContainer"]') !== null;
}
function _(e) {
  const t = e.closest('[class*="st-key-"]');
  return Array.from(t?.classList ?? []).find((n) => n.startsWith("st-key-")) ?? null;
}
function m(e) {
  return e instanceof Element && ["INPUT", "TEXTAREA"].includes(e.tagName);
}
const re = 1e3, le = 1e4, b = /* @__PURE__ */ new Map(), j = /* @__PURE__ */ new Map();
function ce(e, t, n) {
  const s = b.get(e);
  s?.stop();
  const o = {
    data: t,
    said: s?.said ?? null,
    saidAt: s?.saidAt ?? 0,
    stop: () => {
    }
  };
  b.set(e, o), te(document);
  const r = () => {
    document.visibilityState !== "visible" || o.said !== null && o.said.number > o.data.heard && Date.now() - o.saidAt < le || (o.said = { number: o.data.heard + 1, typing: ne(document) }, o.saidAt = Date.now(), n(o.said));
  }, l = setInterval(r, re), w = () => r();
  document.addEventListener("visibilitychange", w);
  const i = Object.entries(t.channels).map(([c, v]) => {
    const d = F(c);
    return d !== null && (d.onmessage = ({ data: f }) => {
      typeof f == "number" && f > Math.max(v, j.get(c) ?? 0) && r();
    }), d;
  });
  return o.stop = () => {
    clearInterval(l), document.removeEventListener("visibilitychange", w);
    for (const c of i) c?.close();
  }, () => {
    b.get(e)?.stop(), b.delete(e);
  };
}
function ae(e) {
  for (const [t, n] of Object.entries(e.channels)) {
    j.set(t, n);
    const s = F(t);
    s?.postMessage(n), s?.close();
  }
}
function F(e) {
  try {
    return new BroadcastChannel(e);
  } catch {
    return null;
  }
}
let K = { have: "", version: 0, teller: "" };
function ue({ have: e, version: t, teller: n }) {
  K = { have: e, version: t, teller: n };
}
const de = "[data-testid=stApp]", A = "data-test-connection-state", P = "CONNECTED", E = /* @__PURE__ */ new Map();
function fe(e, t) {
  E.get(e)?.disconnect();
  const n = document.querySelector(de);
  let s = n?.getAttribute(A);
  const o = new MutationObserver(() => {
    const r = n?.getAttribute(A);
    r === P && s !== P && t({ at: Date.now(), ...K }), s = r;
  });
  return n !== null && o.observe(n, { attributeFilter: [A] }), E.set(e, o), () => {
    E.get(e)?.disconnect(), E.delete(e);
  };
}
const N = "streamlit-pgstate-style", z = ".st-key-streamlit_pgstate_progress", D = `[data-testid="stEvent"]:has(${z} [data-testid="stProgress"])`, he = `
${D} {
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
${D} [data-testid="stElementContainer"]:not(${z} *) {
  display: none;
}
`;
function pe(e) {
  if (e.getElementById(N) !== null) return;
  const t = e.createElement("style");
  t.id = N, t.textContent = he, e.head.append(t);
}
const we = 5, ve = 150;
function me(e, t) {
  const n = L(t.app, t.base, e.location);
  return {
    readLocal: () => u(() => {
      const s = e.sessionStorage.getItem(n);
      return B(s) ? s : null;
    }),
    writeLocal: (s) => {
      u(
        () => s === null ? e.sessionStorage.removeItem(n) : e.sessionStorage.setItem(n, s)
      );
    },
    readCookie: () => null,
    writeCookie: () => {
    }
  };
}
class ge {
  constructor(t, n, s, o) {
    this.page = t, this.options = n, this.copies = s, this.events = new EventTarget(), this.id = Math.random().toString(36).slice(2), this.copied = /* @__PURE__ */ new Set(), this.since = o ?? performance.timeOrigin;
    const r = L(n.app, n.base, t.location);
    this.channel = u(() => new BroadcastChannel(`${r}.tab`)), this.channel?.addEventListener("message", (l) => this.hear(l.data)), this.isSettled = this.channel === null || s.readLocal() === null, this.hint(null), t.addEventListener("pagehide", () => this.hint(s.readLocal())), t.addEventListener("pageshow", (l) => {
      l.persisted && (this.hint(null), this.ask());
    }), t.document.addEventListener("visibilitychange", () => {
      t.document.visibilityState === "visible" && this.ask();
    }), !this.isSettled && (this.ask(), t.setTimeout(() => this.settle(), ve));
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
    u(() => this.channel?.postMessage({ ...t, from: this.id, since: this.since }));
  }
  hear(t) {
    const n = this.copies.readLocal();
    if (n === null || t.fingerprint !== a(n)) return;
    const s = t.since < this.since || t.since === this.since && t.from < this.id;
    t.kind === "who" && !s ? this.say({ kind: "mine", fingerprint: t.fingerprint, to: t.from }) : (t.kind === "who" || t.to === this.id) && (this.copied.add(t.fingerprint), this.isSettled = !0, this.events.dispatchEvent(new Event("told")));
  }
  /** The cookie that tells the page after F5 whose it is; null: it has been read. */
  hint(t) {
    const n = t ?? this.copies.readLocal();
    if (!this.options.cookie || n === null) return;
    const { location: s } = this.page, o = L(this.options.app, this.options.base, s);
    u(() => {
      this.page.document.cookie = [
        `${o.replace(/^pgstate/, "pgstate-tab")}.${a(n)}=${t ?? ""}`,
        `Max-Age=${t === null ? 0 : we}`,
        `Path=${this.options.base || "/"}`,
        "SameSite=Strict",
        ...s.protocol === "https:" ? ["Secure"] : []
      ].join("; ");
    });
  }
}
const be = V(import.meta.url), x = /* @__PURE__ */ new Map(), k = /* @__PURE__ */ new Map(), Le = ({ data: e, key: t, setStateValue: n }) => (pe(document), e.role === "live" ? ce(t, e, (s) => n("tick", s)) : e.role === "news" ? ae(e) : e.role === "shown" ? ue(e) : e.role === "reconnect" ? fe(t, (s) => n("reconnect", s)) : Ee(e, t, (s) => n("answer", s)));
function Ee(e, t, n) {
  const s = { ...e, base: be }, o = e.scope === "tab", r = (o ? me : q)(window, s), l = JSON.stringify(e), w = `${e.scope} ${e.app}`, i = x.get(w) ?? {
    ...G(),
    asked: l,
    answered: /* @__PURE__ */ new Set(),
    hold: o ? new ge(window, s, r) : null
  };
  x.set(w, i), i.asked !== l && (i.asked = l, i.answered.clear());
  const c = k.get(t);
  c?.stop();
  const v = c?.asked === l ? c.answered : /* @__PURE__ */ new Set(), d = (X) => {
    const p = ke(e, r, i);
    p === null || X.has(I(p)) || (v.add(I(p)), i.answered.add(I(p)), n({ ...p, token: Se(p.token, e.veil) }));
  }, f = () => d(i.answered), g = () => {
    document.visibilityState === "visible" && d(i.answered);
  };
  window.addEventListener("storage", f), window.addEventListener("pageshow", g), document.addEventListener("visibilitychange", g), i.hold?.events.addEventListener("told", f);
  const J = () => {
    window.removeEventListener("storage", f), window.removeEventListener("pageshow", g), document.removeEventListener("visibilitychange", g), i.hold?.events.removeEventListener("told", f);
  };
  return k.set(t, { asked: l, answered: v, stop: J }), d(v), () => {
    k.get(t)?.stop(), k.delete(t);
  };
}
function ke(e, t, n) {
  const s = n.hold === null ? null : t.readLocal();
  if (n.hold === null || s === null) return y(e, t, n);
  const o = a(s) === e.replaces;
  return n.hold.isCopy(s) && !o ? { to: e.have, token: s, blocked: !1, kept: !1, copied: !0 } : !n.hold.isSettled && a(s) !== e.have ? null : y(e, t, n);
}
function Se(e, t) {
  if (e === null) return null;
  let n = "";
  for (let s = 0; s < e.length; s++) {
    const o = parseInt(t.slice(2 * s, 2 * s + 2), 16);
    n += (e.charCodeAt(s) ^ o).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  Le as default,
  Se as veiled
};
