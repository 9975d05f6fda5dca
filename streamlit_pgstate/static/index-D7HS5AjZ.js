function I() {
  return { stored: /* @__PURE__ */ new Set(), gone: /* @__PURE__ */ new Set() };
}
function g(e) {
  return e.slice(-43).slice(0, 16);
}
function A(e, t, n) {
  e.replaces !== null && n.gone.add(e.replaces);
  const r = t.readLocal(), o = r ?? t.readCookie();
  return o !== null && g(o) === e.have ? (r === null && t.writeLocal(o), t.writeCookie(o), n.gone.delete(e.have), b(e, o, n)) : n.gone.has(e.have) ? null : o === null ? M(e, t, n) : x(o, e, t, n);
}
function x(e, t, n, r) {
  return t.offer !== null && g(e) === t.replaces ? L(t.offer, t, n, r) : d(e, t, r);
}
function M(e, t, n) {
  return e.offer === null || n.stored.has(e.have) ? d(null, e, n) : L(e.offer, e, t, n);
}
function L(e, t, n, r) {
  return n.writeLocal(e), n.readLocal() !== e && n.writeLocal(null), n.writeCookie(e), n.readLocal() === e || n.readCookie() === e ? (r.stored.add(t.have), b(t, e, r)) : { ...d(null, t, r), blocked: !0 };
}
function b(e, t, n) {
  return e.ask ? d(t, e, n) : null;
}
function d(e, t, n) {
  return { to: t.have, token: e, blocked: !1, kept: n.stored.has(t.have) };
}
function h(e) {
  const t = e.token === null ? "" : g(e.token);
  return `${e.to} ${t} ${e.blocked}`;
}
const P = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function y(e) {
  return typeof e == "string" && P.test(e);
}
function O(e, t, n) {
  const r = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${e}.${r}.${encodeURIComponent(t)}`;
}
function R(e) {
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
    readLocal: () => s(() => v(e.localStorage.getItem(n))),
    writeLocal: (r) => {
      s(
        () => r === null ? e.localStorage.removeItem(n) : e.localStorage.setItem(n, r)
      );
    },
    readCookie: () => s(() => v(U(e.document.cookie, n))),
    writeCookie: (r) => {
      s(() => {
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
function s(e) {
  try {
    return e();
  } catch {
    return null;
  }
}
function v(e) {
  return y(e) ? e : null;
}
function U(e, t) {
  for (const n of e.split(/;\s*/))
    if (n.startsWith(`${t}=`)) return n.slice(t.length + 1);
  return null;
}
const m = "streamlit-pgstate-style", $ = ".st-key-streamlit_pgstate_progress", k = `[data-testid="stEvent"]:has(${$} [data-testid="stProgress"])`, _ = `
${k} {
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
${k} [data-testid="stElementContainer"]:not(${$} *) {
  display: none;
}
`;
function W(e) {
  if (e.getElementById(m) !== null) return;
  const t = e.createElement("style");
  t.id = m, t.textContent = _, e.head.append(t);
}
const j = R(import.meta.url), S = /* @__PURE__ */ new Map(), c = /* @__PURE__ */ new Map(), D = ({ data: e, key: t, setStateValue: n }) => {
  W(document);
  const r = B(window, { ...e, base: j }), o = JSON.stringify(e), a = S.get(e.app) ?? { ...I(), asked: o, answered: /* @__PURE__ */ new Set() };
  S.set(e.app, a), a.asked !== o && (a.asked = o, a.answered.clear());
  const u = c.get(t);
  u?.stop();
  const f = u?.asked === o ? u.answered : /* @__PURE__ */ new Set(), w = (C) => {
    const l = A(e, r, a);
    l === null || C.has(h(l)) || (f.add(h(l)), a.answered.add(h(l)), n("answer", { ...l, token: z(l.token, e.veil) }));
  }, p = () => w(a.answered), i = () => {
    document.visibilityState === "visible" && w(a.answered);
  };
  window.addEventListener("storage", p), window.addEventListener("pageshow", i), document.addEventListener("visibilitychange", i);
  const E = () => {
    window.removeEventListener("storage", p), window.removeEventListener("pageshow", i), document.removeEventListener("visibilitychange", i);
  };
  return c.set(t, { asked: o, answered: f, stop: E }), w(f), () => {
    c.get(t)?.stop(), c.delete(t);
  };
};
function z(e, t) {
  if (e === null) return null;
  let n = "";
  for (let r = 0; r < e.length; r++) {
    const o = parseInt(t.slice(2 * r, 2 * r + 2), 16);
    n += (e.charCodeAt(r) ^ o).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  D as default,
  z as veiled
};
