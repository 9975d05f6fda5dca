function G() {
  return { stored: /* @__PURE__ */ new Set(), gone: /* @__PURE__ */ new Set() };
}
function u(t) {
  return t.slice(-43).slice(0, 16);
}
function C(t, e, n) {
  t.replaces !== null && n.gone.add(t.replaces);
  const o = e.readLocal(), s = o ?? e.readCookie();
  return s !== null && u(s) === t.have ? (o === null && e.writeLocal(s), e.writeCookie(s), n.gone.delete(t.have), x(t, s, n)) : n.gone.has(t.have) ? null : s === null ? Z(t, e, n) : Y(s, t, e, n);
}
function Q(t, e, n, o) {
  const s = e.readLocal();
  if (s === null) return C(t, e, n);
  const i = u(s);
  return o.isCopy(s) && i !== t.replaces ? { to: t.have, token: s, blocked: !1, kept: !1, copied: !0 } : !o.isSettled && i !== t.have ? null : C(t, e, n);
}
function Y(t, e, n, o) {
  return e.offer !== null && u(t) === e.replaces ? R(e.offer, e, n, o) : L(t, e, o);
}
function Z(t, e, n) {
  return t.offer === null || n.stored.has(t.have) ? L(null, t, n) : R(t.offer, t, e, n);
}
function R(t, e, n, o) {
  return n.writeLocal(t), n.readLocal() !== t && n.writeLocal(null), n.writeCookie(t), n.readLocal() === t || n.readCookie() === t ? (o.stored.add(e.have), x(e, t, o)) : e.forgets ? null : { ...L(null, e, o), blocked: !0 };
}
function x(t, e, n) {
  return t.ask ? L(e, t, n) : null;
}
function L(t, e, n) {
  return { to: e.have, token: t, blocked: !1, kept: n.stored.has(e.have) };
}
function I(t) {
  const e = t.token === null ? "" : u(t.token);
  return `${t.to} ${e} ${t.blocked} ${t.copied ?? !1}`;
}
const V = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function W(t) {
  return typeof t == "string" && V.test(t);
}
function E(t, e, n) {
  const o = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${t}.${o}.${encodeURIComponent(e)}`;
}
function q(t) {
  try {
    const { pathname: e } = new URL(t), n = e.indexOf("/_stcore/");
    return n > 0 ? e.slice(0, n) : "";
  } catch {
    return "";
  }
}
function tt(t, e) {
  const n = E(e.app, e.base, t.location);
  return {
    readLocal: () => c(() => $(t.localStorage.getItem(n))),
    writeLocal: (o) => {
      c(
        () => o === null ? t.localStorage.removeItem(n) : t.localStorage.setItem(n, o)
      );
    },
    readCookie: () => c(() => $(nt(t.document.cookie, n))),
    writeCookie: (o) => {
      c(() => {
        const s = e.cookie ? o : null;
        t.document.cookie = [
          `${n}=${s ?? ""}`,
          `Max-Age=${s === null ? 0 : Math.round(e.maxAge)}`,
          `Path=${e.base || "/"}`,
          ...B(t)
        ].join("; ");
      });
    }
  };
}
function B(t) {
  const e = t.location.protocol === "https:";
  return e && et(t) ? ["SameSite=None", "Secure", "Partitioned"] : ["SameSite=Strict", ...e ? ["Secure"] : []];
}
function et(t) {
  return t.top === t || !t.top ? !1 : c(() => t.top?.location.origin) !== t.location.origin;
}
function c(t) {
  try {
    return t();
  } catch {
    return null;
  }
}
function $(t) {
  return W(t) ? t : null;
}
function nt(t, e) {
  for (const n of t.split(/;\s*/))
    if (n.startsWith(`${e}=`)) return n.slice(e.length + 1);
  return null;
}
const S = /* @__PURE__ */ new WeakSet();
let U = null;
const T = /* @__PURE__ */ new WeakSet();
function ot(t) {
  if (T.has(t)) return;
  T.add(t);
  const e = (n, o) => t.addEventListener(n, o, { capture: !0, passive: !0 });
  e("pointerdown", ({ target: n }) => P(n)), e("focusin", ({ target: n }) => P(n)), e("input", ({ target: n }) => {
    k(n) && S.add(n);
  }), e("keydown", (n) => {
    k(n.target) && it(n, n.target) && lt(n.target);
  }), e("focusout", ({ target: n }) => {
    k(n) && S.delete(n);
  });
}
function st(t) {
  const e = t.activeElement;
  if (!k(e)) return null;
  const n = _(e);
  return n === null && !H(e) ? U : (rt(e) ? e.value !== "" : S.has(e)) ? n : null;
}
function it(t, e) {
  return t.isComposing ? !1 : t.key === "ArrowUp" || t.key === "ArrowDown" ? e.type === "number" : t.key !== "Enter" ? !1 : e.tagName === "INPUT" ? !0 : t.ctrlKey || t.metaKey;
}
function rt(t) {
  return t.closest('[data-testid="stChatInput"]') !== null;
}
function lt(t) {
  setTimeout(() => {
    t.getAttribute("aria-invalid") !== "true" && S.delete(t);
  });
}
function P(t) {
  t instanceof Element && H(t) && (U = _(t));
}
function H(t) {
  return t.closest('[data-testid="stElementContainer"]') !== null;
}
function _(t) {
  const e = t.closest('[class*="st-key-"]');
  return Array.from(e?.classList ?? []).find((n) => n.startsWith("st-key-")) ?? null;
}
function k(t) {
  return t instanceof Element && ["INPUT", "TEXTAREA"].includes(t.tagName);
}
const ct = 1e3, at = 1e4, v = /* @__PURE__ */ new Map(), j = /* @__PURE__ */ new Map();
function ut(t, e, n) {
  const o = v.get(t);
  o?.stop();
  const s = {
    data: e,
    said: o?.said ?? null,
    saidAt: o?.saidAt ?? 0,
    stop: () => {
    }
  };
  v.set(t, s), ot(document);
  const i = () => {
    document.visibilityState !== "visible" || s.said !== null && s.said.number > s.data.heard && Date.now() - s.saidAt < at || (s.said = { number: s.data.heard + 1, typing: st(document) }, s.saidAt = Date.now(), n(s.said));
  }, l = setInterval(i, ct), w = () => i();
  document.addEventListener("visibilitychange", w);
  const r = Object.entries(e.channels).map(([a, p]) => {
    const d = F(a);
    return d !== null && (d.onmessage = ({ data: f }) => {
      typeof f == "number" && f > Math.max(p, j.get(a) ?? 0) && i();
    }), d;
  });
  return s.stop = () => {
    clearInterval(l), document.removeEventListener("visibilitychange", w);
    for (const a of r) a?.close();
  }, () => {
    v.get(t)?.stop(), v.delete(t);
  };
}
function dt(t) {
  for (const [e, n] of Object.entries(t.channels)) {
    j.set(e, n);
    const o = F(e);
    o?.postMessage(n), o?.close();
  }
}
function F(t) {
  try {
    return new BroadcastChannel(t);
  } catch {
    return null;
  }
}
let K = { have: "", version: 0, teller: "" };
function ft({ have: t, version: e, teller: n }) {
  K = { have: t, version: e, teller: n };
}
const ht = "[data-testid=stApp]", y = "data-test-connection-state", M = "CONNECTED", g = /* @__PURE__ */ new Map();
function wt(t, e) {
  g.get(t)?.disconnect();
  const n = document.querySelector(ht);
  let o = n?.getAttribute(y);
  const s = new MutationObserver(() => {
    const i = n?.getAttribute(y);
    i === M && o !== M && e({ at: Date.now(), ...K }), o = i;
  });
  return n !== null && s.observe(n, { attributeFilter: [y] }), g.set(t, s), () => {
    g.get(t)?.disconnect(), g.delete(t);
  };
}
const N = "streamlit-pgstate-style", z = ".st-key-streamlit_pgstate_progress", O = `[data-testid="stEvent"]:has(${z} [data-testid="stProgress"])`, pt = `
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
${O} [data-testid="stElementContainer"]:not(${z} *) {
  display: none;
}
`;
function mt(t) {
  if (t.getElementById(N) !== null) return;
  const e = t.createElement("style");
  e.id = N, e.textContent = pt, t.head.append(e);
}
const vt = 5, gt = 150;
function bt(t, e) {
  const n = E(e.app, e.base, t.location);
  return {
    readLocal: () => c(() => {
      const o = t.sessionStorage.getItem(n);
      return W(o) ? o : null;
    }),
    writeLocal: (o) => {
      c(
        () => o === null ? t.sessionStorage.removeItem(n) : t.sessionStorage.setItem(n, o)
      );
    },
    readCookie: () => null,
    writeCookie: () => {
    }
  };
}
class kt {
  constructor(e, n, o, s) {
    this.page = e, this.options = n, this.copies = o, this.events = new EventTarget(), this.id = Math.random().toString(36).slice(2), this.copied = /* @__PURE__ */ new Set(), this.since = s ?? performance.timeOrigin;
    const i = E(n.app, n.base, e.location);
    this.channel = c(() => new BroadcastChannel(`${i}.tab`)), this.channel?.addEventListener("message", (l) => this.hear(l.data)), this.isSettled = this.channel === null || o.readLocal() === null, this.hint(null), e.addEventListener("pagehide", () => this.hint(o.readLocal())), e.addEventListener("pageshow", (l) => {
      l.persisted && (this.hint(null), this.ask());
    }), e.document.addEventListener("visibilitychange", () => {
      e.document.visibilityState === "visible" && this.ask();
    }), !this.isSettled && (this.ask(), e.setTimeout(() => this.settle(), gt));
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
    c(() => this.channel?.postMessage({ ...e, from: this.id, since: this.since }));
  }
  hear(e) {
    const n = this.copies.readLocal();
    if (n === null || e.fingerprint !== u(n)) return;
    const o = e.since < this.since || e.since === this.since && e.from < this.id;
    e.kind === "who" && !o ? this.say({ kind: "mine", fingerprint: e.fingerprint, to: e.from }) : (e.kind === "who" || e.to === this.id) && (this.copied.add(e.fingerprint), this.isSettled = !0, this.events.dispatchEvent(new Event("told")));
  }
  /** The cookie that tells the page after F5 whose it is; null: it has been read. */
  hint(e) {
    const n = e ?? this.copies.readLocal();
    if (!this.options.cookie || n === null) return;
    const { location: o } = this.page, s = E(this.options.app, this.options.base, o);
    c(() => {
      this.page.document.cookie = [
        `${s.replace(/^pgstate/, "pgstate-tab")}.${u(n)}=${e ?? ""}`,
        `Max-Age=${e === null ? 0 : vt}`,
        `Path=${this.options.base || "/"}`,
        ...B(this.page)
      ].join("; ");
    });
  }
}
const Et = q(import.meta.url), D = /* @__PURE__ */ new Map(), b = /* @__PURE__ */ new Map(), It = ({ data: t, key: e, setStateValue: n }) => (mt(document), t.role === "live" ? ut(e, t, (o) => n("tick", o)) : t.role === "news" ? dt(t) : t.role === "shown" ? ft(t) : t.role === "reconnect" ? wt(e, (o) => n("reconnect", o)) : St(t, e, (o) => n("answer", o)));
function St(t, e, n) {
  const o = { ...t, base: Et }, s = t.scope === "tab", i = (s ? bt : tt)(window, o), l = JSON.stringify(t), w = `${t.scope} ${t.app}`, r = D.get(w) ?? {
    ...G(),
    asked: l,
    answered: /* @__PURE__ */ new Set(),
    hold: s ? new kt(window, o, i) : null
  };
  D.set(w, r), r.asked !== l && (r.asked = l, r.answered.clear());
  const a = b.get(e);
  a?.stop();
  const p = a?.asked === l ? a.answered : /* @__PURE__ */ new Set(), d = (X) => {
    const { hold: A } = r, h = A === null ? C(t, i, r) : Q(t, i, r, A);
    h === null || X.has(I(h)) || (p.add(I(h)), r.answered.add(I(h)), n({ ...h, token: Lt(h.token, t.veil) }));
  }, f = () => d(r.answered), m = () => {
    document.visibilityState === "visible" && d(r.answered);
  };
  window.addEventListener("storage", f), window.addEventListener("pageshow", m), document.addEventListener("visibilitychange", m), r.hold?.events.addEventListener("told", f);
  const J = () => {
    window.removeEventListener("storage", f), window.removeEventListener("pageshow", m), document.removeEventListener("visibilitychange", m), r.hold?.events.removeEventListener("told", f);
  };
  return b.set(e, { asked: l, answered: p, stop: J }), d(p), () => {
    b.get(e)?.stop(), b.delete(e);
  };
}
function Lt(t, e) {
  if (t === null) return null;
  let n = "";
  for (let o = 0; o < t.length; o++) {
    const s = parseInt(e.slice(2 * o, 2 * o + 2), 16);
    n += (t.charCodeAt(o) ^ s).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  It as default,
  Lt as veiled
};
