function J() {
  return { stored: /* @__PURE__ */ new Set(), gone: /* @__PURE__ */ new Set() };
}
function a(t) {
  return t.slice(-43).slice(0, 16);
}
function A(t, e, n) {
  t.replaces !== null && n.gone.add(t.replaces);
  const s = e.readLocal(), o = s ?? e.readCookie();
  return o !== null && a(o) === t.have ? (s === null && e.writeLocal(o), e.writeCookie(o), n.gone.delete(t.have), R(t, o, n)) : n.gone.has(t.have) ? null : o === null ? G(t, e, n) : X(o, t, e, n);
}
function X(t, e, n, s) {
  return e.offer !== null && a(t) === e.replaces ? D(e.offer, e, n, s) : L(t, e, s);
}
function G(t, e, n) {
  return t.offer === null || n.stored.has(t.have) ? L(null, t, n) : D(t.offer, t, e, n);
}
function D(t, e, n, s) {
  return n.writeLocal(t), n.readLocal() !== t && n.writeLocal(null), n.writeCookie(t), n.readLocal() === t || n.readCookie() === t ? (s.stored.add(e.have), R(e, t, s)) : { ...L(null, e, s), blocked: !0 };
}
function R(t, e, n) {
  return t.ask ? L(e, t, n) : null;
}
function L(t, e, n) {
  return { to: e.have, token: t, blocked: !1, kept: n.stored.has(e.have) };
}
function C(t) {
  const e = t.token === null ? "" : a(t.token);
  return `${t.to} ${e} ${t.blocked} ${t.copied ?? !1}`;
}
const Q = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function x(t) {
  return typeof t == "string" && Q.test(t);
}
function E(t, e, n) {
  const s = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${t}.${s}.${encodeURIComponent(e)}`;
}
function Y(t) {
  try {
    const { pathname: e } = new URL(t), n = e.indexOf("/_stcore/");
    return n > 0 ? e.slice(0, n) : "";
  } catch {
    return "";
  }
}
function Z(t, e) {
  const n = E(e.app, e.base, t.location);
  return {
    readLocal: () => d(() => $(t.localStorage.getItem(n))),
    writeLocal: (s) => {
      d(
        () => s === null ? t.localStorage.removeItem(n) : t.localStorage.setItem(n, s)
      );
    },
    readCookie: () => d(() => $(V(t.document.cookie, n))),
    writeCookie: (s) => {
      d(() => {
        const o = e.cookie ? s : null;
        t.document.cookie = [
          `${n}=${o ?? ""}`,
          `Max-Age=${o === null ? 0 : Math.round(e.maxAge)}`,
          `Path=${e.base || "/"}`,
          "SameSite=Strict",
          ...t.location.protocol === "https:" ? ["Secure"] : []
        ].join("; ");
      });
    }
  };
}
function d(t) {
  try {
    return t();
  } catch {
    return null;
  }
}
function $(t) {
  return x(t) ? t : null;
}
function V(t, e) {
  for (const n of t.split(/;\s*/))
    if (n.startsWith(`${e}=`)) return n.slice(e.length + 1);
  return null;
}
const S = /* @__PURE__ */ new WeakSet();
let W = null;
const y = /* @__PURE__ */ new WeakSet();
function q(t) {
  if (y.has(t)) return;
  y.add(t);
  const e = (n, s) => t.addEventListener(n, s, { capture: !0, passive: !0 });
  e("pointerdown", ({ target: n }) => T(n)), e("focusin", ({ target: n }) => T(n)), e("input", ({ target: n }) => {
    k(n) && S.add(n);
  }), e("keydown", (n) => {
    k(n.target) && et(n, n.target) && st(n.target);
  }), e("focusout", ({ target: n }) => {
    k(n) && S.delete(n);
  });
}
function tt(t) {
  const e = t.activeElement;
  if (!k(e)) return null;
  const n = U(e);
  return n === null && !B(e) ? W : (nt(e) ? e.value !== "" : S.has(e)) ? n : null;
}
function et(t, e) {
  return t.isComposing ? !1 : t.key === "ArrowUp" || t.key === "ArrowDown" ? e.type === "number" : t.key !== "Enter" ? !1 : e.tagName === "INPUT" ? !0 : t.ctrlKey || t.metaKey;
}
function nt(t) {
  return t.closest('[data-testid="stChatInput"]') !== null;
}
function st(t) {
  setTimeout(() => {
    t.getAttribute("aria-invalid") !== "true" && S.delete(t);
  });
}
function T(t) {
  t instanceof Element && B(t) && (W = U(t));
}
function B(t) {
  return t.closest('[data-testid="stElementContainer"]') !== null;
}
function U(t) {
  const e = t.closest('[class*="st-key-"]');
  return Array.from(e?.classList ?? []).find((n) => n.startsWith("st-key-")) ?? null;
}
function k(t) {
  return t instanceof Element && ["INPUT", "TEXTAREA"].includes(t.tagName);
}
const ot = 1e3, it = 1e4, m = /* @__PURE__ */ new Map(), H = /* @__PURE__ */ new Map();
function rt(t, e, n) {
  const s = m.get(t);
  s?.stop();
  const o = {
    data: e,
    said: s?.said ?? null,
    saidAt: s?.saidAt ?? 0,
    stop: () => {
    }
  };
  m.set(t, o), q(document);
  const r = () => {
    document.visibilityState !== "visible" || o.said !== null && o.said.number > o.data.heard && Date.now() - o.saidAt < it || (o.said = { number: o.data.heard + 1, typing: tt(document) }, o.saidAt = Date.now(), n(o.said));
  }, l = setInterval(r, ot), w = () => r();
  document.addEventListener("visibilitychange", w);
  const i = Object.entries(e.channels).map(([c, p]) => {
    const u = _(c);
    return u !== null && (u.onmessage = ({ data: h }) => {
      typeof h == "number" && h > Math.max(p, H.get(c) ?? 0) && r();
    }), u;
  });
  return o.stop = () => {
    clearInterval(l), document.removeEventListener("visibilitychange", w);
    for (const c of i) c?.close();
  }, () => {
    m.get(t)?.stop(), m.delete(t);
  };
}
function lt(t) {
  for (const [e, n] of Object.entries(t.channels)) {
    H.set(e, n);
    const s = _(e);
    s?.postMessage(n), s?.close();
  }
}
function _(t) {
  try {
    return new BroadcastChannel(t);
  } catch {
    return null;
  }
}
let j = { have: "", version: 0, teller: "" };
function ct({ have: t, version: e, teller: n }) {
  j = { have: t, version: e, teller: n };
}
const at = "[data-testid=stApp]", I = "data-test-connection-state", M = "CONNECTED", g = /* @__PURE__ */ new Map();
function dt(t, e) {
  g.get(t)?.disconnect();
  const n = document.querySelector(at);
  let s = n?.getAttribute(I);
  const o = new MutationObserver(() => {
    const r = n?.getAttribute(I);
    r === M && s !== M && e({ at: Date.now(), ...j }), s = r;
  });
  return n !== null && o.observe(n, { attributeFilter: [I] }), g.set(t, o), () => {
    g.get(t)?.disconnect(), g.delete(t);
  };
}
const O = "streamlit-pgstate-style", F = ".st-key-streamlit_pgstate_progress", P = `[data-testid="stEvent"]:has(${F} [data-testid="stProgress"])`, ut = `
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
${P} [data-testid="stElementContainer"]:not(${F} *) {
  display: none;
}
`;
function ht(t) {
  if (t.getElementById(O) !== null) return;
  const e = t.createElement("style");
  e.id = O, e.textContent = ut, t.head.append(e);
}
const ft = 5, wt = 150;
function pt(t, e) {
  const n = E(e.app, e.base, t.location);
  return {
    readLocal: () => d(() => {
      const s = t.sessionStorage.getItem(n);
      return x(s) ? s : null;
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
class vt {
  constructor(e, n, s, o) {
    this.page = e, this.options = n, this.copies = s, this.events = new EventTarget(), this.id = Math.random().toString(36).slice(2), this.copied = /* @__PURE__ */ new Set(), this.since = o ?? performance.timeOrigin;
    const r = E(n.app, n.base, e.location);
    this.channel = d(() => new BroadcastChannel(`${r}.tab`)), this.channel?.addEventListener("message", (l) => this.hear(l.data)), this.isSettled = this.channel === null || s.readLocal() === null, this.hint(null), e.addEventListener("pagehide", () => this.hint(s.readLocal())), e.addEventListener("pageshow", (l) => {
      l.persisted && (this.hint(null), this.ask());
    }), e.document.addEventListener("visibilitychange", () => {
      e.document.visibilityState === "visible" && this.ask();
    }), !this.isSettled && (this.ask(), e.setTimeout(() => this.settle(), wt));
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
    d(() => this.channel?.postMessage({ ...e, from: this.id, since: this.since }));
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
    const { location: s } = this.page, o = E(this.options.app, this.options.base, s);
    d(() => {
      this.page.document.cookie = [
        `${o.replace(/^pgstate/, "pgstate-tab")}.${a(n)}=${e ?? ""}`,
        `Max-Age=${e === null ? 0 : ft}`,
        `Path=${this.options.base || "/"}`,
        "SameSite=Strict",
        ...s.protocol === "https:" ? ["Secure"] : []
      ].join("; ");
    });
  }
}
const mt = Y(import.meta.url), N = /* @__PURE__ */ new Map(), b = /* @__PURE__ */ new Map(), Et = ({ data: t, key: e, setStateValue: n }) => (ht(document), t.role === "live" ? rt(e, t, (s) => n("tick", s)) : t.role === "news" ? lt(t) : t.role === "shown" ? ct(t) : t.role === "reconnect" ? dt(e, (s) => n("reconnect", s)) : gt(t, e, (s) => n("answer", s)));
function gt(t, e, n) {
  const s = { ...t, base: mt }, o = t.scope === "tab", r = (o ? pt : Z)(window, s), l = JSON.stringify(t), w = `${t.scope} ${t.app}`, i = N.get(w) ?? {
    ...J(),
    asked: l,
    answered: /* @__PURE__ */ new Set(),
    hold: o ? new vt(window, s, r) : null
  };
  N.set(w, i), i.asked !== l && (i.asked = l, i.answered.clear());
  const c = b.get(e);
  c?.stop();
  const p = c?.asked === l ? c.answered : /* @__PURE__ */ new Set(), u = (z) => {
    const f = bt(t, r, i);
    f === null || z.has(C(f)) || (p.add(C(f)), i.answered.add(C(f)), n({ ...f, token: kt(f.token, t.veil) }));
  }, h = () => u(i.answered), v = () => {
    document.visibilityState === "visible" && u(i.answered);
  };
  window.addEventListener("storage", h), window.addEventListener("pageshow", v), document.addEventListener("visibilitychange", v), i.hold?.events.addEventListener("told", h);
  const K = () => {
    window.removeEventListener("storage", h), window.removeEventListener("pageshow", v), document.removeEventListener("visibilitychange", v), i.hold?.events.removeEventListener("told", h);
  };
  return b.set(e, { asked: l, answered: p, stop: K }), u(p), () => {
    b.get(e)?.stop(), b.delete(e);
  };
}
function bt(t, e, n) {
  const s = n.hold === null ? null : e.readLocal();
  if (n.hold === null || s === null) return A(t, e, n);
  const o = a(s) === t.replaces;
  return n.hold.isCopy(s) && !o ? { to: t.have, token: s, blocked: !1, kept: !1, copied: !0 } : !n.hold.isSettled && a(s) !== t.have ? null : A(t, e, n);
}
function kt(t, e) {
  if (t === null) return null;
  let n = "";
  for (let s = 0; s < t.length; s++) {
    const o = parseInt(e.slice(2 * s, 2 * s + 2), 16);
    n += (t.charCodeAt(s) ^ o).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  Et as default,
  kt as veiled
};
