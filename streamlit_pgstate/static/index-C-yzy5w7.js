function y() {
  return { stored: /* @__PURE__ */ new Set(), gone: /* @__PURE__ */ new Set() };
}
function g(e) {
  return e.slice(-43).slice(0, 16);
}
function P(e, t, n) {
  e.replaces !== null && n.gone.add(e.replaces);
  const r = t.readLocal(), o = r ?? t.readCookie();
  return o !== null && g(o) === e.have ? (r === null && t.writeLocal(o), t.writeCookie(o), n.gone.delete(e.have), L(e, o, n)) : n.gone.has(e.have) ? null : o === null ? x(e, t, n) : M(o, e, t, n);
}
function M(e, t, n, r) {
  return t.offer !== null && g(e) === t.replaces ? S(t.offer, t, n, r) : m(e, t, r);
}
function x(e, t, n) {
  return e.offer === null || n.stored.has(e.have) ? m(null, e, n) : S(e.offer, e, t, n);
}
function S(e, t, n, r) {
  return n.writeLocal(e), n.readLocal() !== e && n.writeLocal(null), n.writeCookie(e), n.readLocal() === e || n.readCookie() === e ? (r.stored.add(t.have), L(t, e, r)) : { ...m(null, t, r), blocked: !0 };
}
function L(e, t, n) {
  return e.ask ? m(t, e, n) : null;
}
function m(e, t, n) {
  return { to: t.have, token: e, blocked: !1, kept: n.stored.has(t.have) };
}
function v(e) {
  const t = e.token === null ? "" : g(e.token);
  return `${e.to} ${t} ${e.blocked}`;
}
const R = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function T(e) {
  return typeof e == "string" && R.test(e);
}
function O(e, t, n) {
  const r = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${e}.${r}.${encodeURIComponent(t)}`;
}
function U(e) {
  try {
    const { pathname: t } = new URL(e), n = t.indexOf("/_stcore/");
    return n > 0 ? t.slice(0, n) : "";
  } catch {
    return "";
  }
}
function B(e, t) {
  const n = O(t.app, t.base, e.location);
  return {
    readLocal: () => f(() => p(e.localStorage.getItem(n))),
    writeLocal: (r) => {
      f(
        () => r === null ? e.localStorage.removeItem(n) : e.localStorage.setItem(n, r)
      );
    },
    readCookie: () => f(() => p(D(e.document.cookie, n))),
    writeCookie: (r) => {
      f(() => {
        const o = t.cookie ? r : null;
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
function f(e) {
  try {
    return e();
  } catch {
    return null;
  }
}
function p(e) {
  return T(e) ? e : null;
}
function D(e, t) {
  for (const n of e.split(/;\s*/))
    if (n.startsWith(`${t}=`)) return n.slice(t.length + 1);
  return null;
}
const N = 1e3, W = 1e4, w = /* @__PURE__ */ new Map();
function _(e, t, n) {
  const r = w.get(e);
  r?.stop();
  const o = {
    data: t,
    said: r?.said ?? null,
    saidAt: r?.saidAt ?? 0,
    stop: () => {
    }
  };
  w.set(e, o);
  const s = () => {
    document.visibilityState !== "visible" || o.said !== null && o.said.number > o.data.heard && Date.now() - o.saidAt < W || (o.said = { number: o.data.heard + 1, typing: z() }, o.saidAt = Date.now(), n(o.said));
  }, d = setInterval(s, N), l = () => s();
  document.addEventListener("visibilitychange", l);
  const i = $(t.channel);
  return i !== null && (i.onmessage = ({ data: a }) => {
    typeof a == "number" && a > o.data.version && s();
  }), o.stop = () => {
    clearInterval(d), document.removeEventListener("visibilitychange", l), i?.close();
  }, () => {
    w.get(e)?.stop(), w.delete(e);
  };
}
function j(e) {
  const t = $(e.channel);
  t?.postMessage(e.version), t?.close();
}
function $(e) {
  try {
    return new BroadcastChannel(e);
  } catch {
    return null;
  }
}
function z() {
  const e = document.activeElement;
  if (e === null || !["INPUT", "TEXTAREA"].includes(e.tagName)) return null;
  const t = e.closest('[class*="st-key-"]');
  return Array.from(t?.classList ?? []).find((r) => r.startsWith("st-key-")) ?? null;
}
const k = "streamlit-pgstate-style", A = ".st-key-streamlit_pgstate_progress", b = `[data-testid="stEvent"]:has(${A} [data-testid="stProgress"])`, H = `
${b} {
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
${b} [data-testid="stElementContainer"]:not(${A} *) {
  display: none;
}
`;
function J(e) {
  if (e.getElementById(k) !== null) return;
  const t = e.createElement("style");
  t.id = k, t.textContent = H, e.head.append(t);
}
const X = U(import.meta.url), E = /* @__PURE__ */ new Map(), h = /* @__PURE__ */ new Map(), K = ({ data: e, key: t, setStateValue: n }) => (J(document), e.role === "live" ? _(t, e, (r) => n("tick", r)) : e.role === "news" ? j(e) : F(e, t, (r) => n("answer", r)));
function F(e, t, n) {
  const r = B(window, { ...e, base: X }), o = JSON.stringify(e), s = E.get(e.app) ?? { ...y(), asked: o, answered: /* @__PURE__ */ new Set() };
  E.set(e.app, s), s.asked !== o && (s.asked = o, s.answered.clear());
  const d = h.get(t);
  d?.stop();
  const l = d?.asked === o ? d.answered : /* @__PURE__ */ new Set(), i = (C) => {
    const c = P(e, r, s);
    c === null || C.has(v(c)) || (l.add(v(c)), s.answered.add(v(c)), n({ ...c, token: G(c.token, e.veil) }));
  }, a = () => i(s.answered), u = () => {
    document.visibilityState === "visible" && i(s.answered);
  };
  window.addEventListener("storage", a), window.addEventListener("pageshow", u), document.addEventListener("visibilitychange", u);
  const I = () => {
    window.removeEventListener("storage", a), window.removeEventListener("pageshow", u), document.removeEventListener("visibilitychange", u);
  };
  return h.set(t, { asked: o, answered: l, stop: I }), i(l), () => {
    h.get(t)?.stop(), h.delete(t);
  };
}
function G(e, t) {
  if (e === null) return null;
  let n = "";
  for (let r = 0; r < e.length; r++) {
    const o = parseInt(t.slice(2 * r, 2 * r + 2), 16);
    n += (e.charCodeAt(r) ^ o).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  K as default,
  G as veiled
};
