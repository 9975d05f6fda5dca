function m() {
  return { stored: /* @__PURE__ */ new Set(), gone: /* @__PURE__ */ new Set() };
}
function v(e) {
  return e.slice(-43).slice(0, 16);
}
function C(e, t, n) {
  e.replaces !== null && n.gone.add(e.replaces);
  const r = t.readLocal(), o = r ?? t.readCookie();
  return o !== null && v(o) === e.have ? (r === null && t.writeLocal(o), t.writeCookie(o), n.gone.delete(e.have), L(e, o, n)) : n.gone.has(e.have) ? null : o === null ? I(e, t, n) : E(o, e, t, n);
}
function E(e, t, n, r) {
  return t.offer !== null && v(e) === t.replaces ? S(t.offer, t, n, r) : d(e, t, r);
}
function I(e, t, n) {
  return e.offer === null || n.stored.has(e.have) ? d(null, e, n) : S(e.offer, e, t, n);
}
function S(e, t, n, r) {
  return n.writeLocal(e), n.readLocal() !== e && n.writeLocal(null), n.writeCookie(e), n.readLocal() === e || n.readCookie() === e ? (r.stored.add(t.have), L(t, e, r)) : { ...d(null, t, r), blocked: !0 };
}
function L(e, t, n) {
  return e.ask ? d(t, e, n) : null;
}
function d(e, t, n) {
  return { to: t.have, token: e, blocked: !1, kept: n.stored.has(t.have) };
}
function h(e) {
  const t = e.token === null ? "" : v(e.token);
  return `${e.to} ${t} ${e.blocked}`;
}
const A = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function M(e) {
  return typeof e == "string" && A.test(e);
}
function O(e, t, n) {
  const r = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${e}.${r}.${encodeURIComponent(t)}`;
}
function P(e) {
  try {
    const { pathname: t } = new URL(e), n = t.indexOf("/_stcore/");
    return n > 0 ? t.slice(0, n) : "";
  } catch {
    return "";
  }
}
function x(e, t) {
  const n = O(t.app, t.base, e.location);
  return {
    readLocal: () => i(() => k(e.localStorage.getItem(n))),
    writeLocal: (r) => {
      i(
        () => r === null ? e.localStorage.removeItem(n) : e.localStorage.setItem(n, r)
      );
    },
    readCookie: () => i(() => k(R(e.document.cookie, n))),
    writeCookie: (r) => {
      i(() => {
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
function i(e) {
  try {
    return e();
  } catch {
    return null;
  }
}
function k(e) {
  return M(e) ? e : null;
}
function R(e, t) {
  for (const n of e.split(/;\s*/))
    if (n.startsWith(`${t}=`)) return n.slice(t.length + 1);
  return null;
}
const U = P(import.meta.url), p = /* @__PURE__ */ new Map(), s = /* @__PURE__ */ new Map(), j = ({ data: e, key: t, setStateValue: n }) => {
  const r = x(window, { ...e, base: U }), o = JSON.stringify(e), l = p.get(e.app) ?? { ...m(), asked: o, answered: /* @__PURE__ */ new Set() };
  p.set(e.app, l), l.asked !== o && (l.asked = o, l.answered.clear());
  const u = s.get(t);
  u?.stop();
  const f = u?.asked === o ? u.answered : /* @__PURE__ */ new Set(), w = (b) => {
    const a = C(e, r, l);
    a === null || b.has(h(a)) || (f.add(h(a)), l.answered.add(h(a)), n("answer", { ...a, token: W(a.token, e.veil) }));
  }, g = () => w(l.answered), c = () => {
    document.visibilityState === "visible" && w(l.answered);
  };
  window.addEventListener("storage", g), window.addEventListener("pageshow", c), document.addEventListener("visibilitychange", c);
  const $ = () => {
    window.removeEventListener("storage", g), window.removeEventListener("pageshow", c), document.removeEventListener("visibilitychange", c);
  };
  return s.set(t, { asked: o, answered: f, stop: $ }), w(f), () => {
    s.get(t)?.stop(), s.delete(t);
  };
};
function W(e, t) {
  if (e === null) return null;
  let n = "";
  for (let r = 0; r < e.length; r++) {
    const o = parseInt(t.slice(2 * r, 2 * r + 2), 16);
    n += (e.charCodeAt(r) ^ o).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  j as default,
  W as veiled
};
