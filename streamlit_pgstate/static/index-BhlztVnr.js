function b() {
  return { stored: /* @__PURE__ */ new Set(), gone: /* @__PURE__ */ new Set() };
}
function w(e) {
  return e.slice(-43).slice(0, 16);
}
function m(e, t, n) {
  if (e.replaces !== null && n.gone.add(e.replaces), n.gone.has(e.have)) return null;
  const r = t.readLocal();
  return r === null ? E(e, t, n) : C(r, e, t, n);
}
function f(e) {
  const t = e.token === null ? "" : w(e.token);
  return `${e.to} ${t} ${e.blocked}`;
}
function C(e, t, n, r) {
  const o = w(e);
  return o === t.have ? (n.writeCookie(e), h(t, e, r)) : t.offer !== null && o === t.replaces ? S(t.offer, t, n, r) : a(e, t, r);
}
function E(e, t, n) {
  const r = t.readCookie();
  if (r !== null) {
    const o = w(r);
    if (o === e.have)
      return t.writeLocal(r), h(e, r, n);
    if (o !== e.replaces) return a(r, e, n);
  }
  return e.offer === null || n.stored.has(e.have) ? a(null, e, n) : S(e.offer, e, t, n);
}
function S(e, t, n, r) {
  return n.writeLocal(e), n.readLocal() !== e && n.writeLocal(null), n.writeCookie(e), n.readLocal() === e || n.readCookie() === e ? (r.stored.add(t.have), h(t, e, r)) : { ...a(null, t, r), blocked: !0 };
}
function h(e, t, n) {
  return e.ask ? a(t, e, n) : null;
}
function a(e, t, n) {
  return { to: t.have, token: e, blocked: !1, kept: n.stored.has(t.have) };
}
const I = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function A(e) {
  return typeof e == "string" && I.test(e);
}
function M(e, t, n) {
  const r = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${e}.${r}.${encodeURIComponent(t)}`;
}
function O(e) {
  try {
    const { pathname: t } = new URL(e), n = t.indexOf("/_stcore/");
    return n > 0 ? t.slice(0, n) : "";
  } catch {
    return "";
  }
}
function P(e, t) {
  const n = M(t.app, t.base, e.location);
  return {
    readLocal: () => i(() => k(e.localStorage.getItem(n))),
    writeLocal: (r) => {
      i(
        () => r === null ? e.localStorage.removeItem(n) : e.localStorage.setItem(n, r)
      );
    },
    readCookie: () => i(() => k(x(e.document.cookie, n))),
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
  return A(e) ? e : null;
}
function x(e, t) {
  for (const n of e.split(/;\s*/))
    if (n.startsWith(`${t}=`)) return n.slice(t.length + 1);
  return null;
}
const R = O(import.meta.url), p = /* @__PURE__ */ new Map(), s = /* @__PURE__ */ new Map(), W = ({ data: e, key: t, setStateValue: n }) => {
  const r = P(window, { ...e, base: R }), o = p.get(e.app) ?? { ...b(), answered: /* @__PURE__ */ new Set() };
  p.set(e.app, o);
  const v = s.get(t);
  v?.stop();
  const u = v?.answered ?? /* @__PURE__ */ new Set(), d = ($) => {
    const l = m(e, r, o);
    l === null || $.has(f(l)) || (u.add(f(l)), o.answered.add(f(l)), n("answer", { ...l, token: U(l.token, e.veil) }));
  }, g = () => d(o.answered), c = () => {
    document.visibilityState === "visible" && d(o.answered);
  };
  window.addEventListener("storage", g), window.addEventListener("pageshow", c), document.addEventListener("visibilitychange", c);
  const L = () => {
    window.removeEventListener("storage", g), window.removeEventListener("pageshow", c), document.removeEventListener("visibilitychange", c);
  };
  return s.set(t, { answered: u, stop: L }), d(u), () => {
    s.get(t)?.stop(), s.delete(t);
  };
};
function U(e, t) {
  if (e === null) return null;
  let n = "";
  for (let r = 0; r < e.length; r++) {
    const o = parseInt(t.slice(2 * r, 2 * r + 2), 16);
    n += (e.charCodeAt(r) ^ o).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  W as default,
  U as veiled
};
