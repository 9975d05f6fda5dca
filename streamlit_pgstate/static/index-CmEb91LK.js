function h() {
  return { stored: /* @__PURE__ */ new Set(), answered: /* @__PURE__ */ new Set() };
}
function u(e) {
  return e.slice(-43).slice(0, 16);
}
function v(e, t, n) {
  const r = t.readLocal(), o = r === null ? p(e, t, n) : k(r, e, t, n);
  return o === null ? null : S(o, n);
}
function k(e, t, n, r) {
  const o = u(e);
  return o === t.have ? (n.writeCookie(e), s(t, e, r)) : t.offer !== null && o === t.replaces ? (n.writeLocal(null), w(t.offer, t, n, r)) : l(e, t, r);
}
function p(e, t, n) {
  const r = t.readCookie();
  if (r !== null) {
    const o = u(r);
    if (o === e.have)
      return t.writeLocal(r), s(e, r, n);
    if (o !== e.replaces) return l(r, e, n);
  }
  return e.offer === null || n.stored.has(e.have) ? l(null, e, n) : w(e.offer, e, t, n);
}
function w(e, t, n, r) {
  return n.writeLocal(e), n.writeCookie(e), r.stored.add(t.have), n.readLocal() === e || n.readCookie() === e ? s(t, e, r) : { ...l(null, t, r), blocked: !0 };
}
function s(e, t, n) {
  return e.ask ? l(t, e, n) : null;
}
function l(e, t, n) {
  return { to: t.have, token: e, blocked: !1, kept: n.stored.has(t.have) };
}
function S(e, t) {
  const n = `${e.to} ${e.token === null ? "" : u(e.token)} ${e.blocked}`;
  return t.answered.has(n) ? null : (t.answered.add(n), e);
}
const g = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;
function L(e) {
  return typeof e == "string" && g.test(e);
}
function $(e, t, n) {
  const r = n.port || (n.protocol === "https:" ? "443" : "80");
  return `pgstate.${e}.${r}.${encodeURIComponent(t)}`;
}
function b(e) {
  try {
    const { pathname: t } = new URL(e), n = t.indexOf("/_stcore/");
    return n > 0 ? t.slice(0, n) : "";
  } catch {
    return "";
  }
}
function m(e, t) {
  const n = $(t.app, t.base, e.location);
  return {
    readLocal: () => i(() => f(e.localStorage.getItem(n))),
    writeLocal: (r) => {
      i(
        () => r === null ? e.localStorage.removeItem(n) : e.localStorage.setItem(n, r)
      );
    },
    readCookie: () => i(() => f(C(e.document.cookie, n))),
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
function f(e) {
  return L(e) ? e : null;
}
function C(e, t) {
  for (const n of e.split(/;\s*/))
    if (n.startsWith(`${t}=`)) return n.slice(t.length + 1);
  return null;
}
const E = b(import.meta.url), d = /* @__PURE__ */ new Map(), A = ({ data: e, setStateValue: t }) => {
  const n = m(window, { ...e, base: E }), r = d.get(e.app) ?? h();
  d.set(e.app, r);
  const o = () => {
    const a = v(e, n, r);
    a !== null && t("answer", { ...a, token: I(a.token, e.veil) });
  }, c = () => {
    document.visibilityState === "visible" && o();
  };
  return window.addEventListener("storage", o), window.addEventListener("pageshow", c), document.addEventListener("visibilitychange", c), o(), () => {
    window.removeEventListener("storage", o), window.removeEventListener("pageshow", c), document.removeEventListener("visibilitychange", c);
  };
};
function I(e, t) {
  if (e === null) return null;
  let n = "";
  for (let r = 0; r < e.length; r++) {
    const o = parseInt(t.slice(2 * r, 2 * r + 2), 16);
    n += (e.charCodeAt(r) ^ o).toString(16).padStart(2, "0");
  }
  return n;
}
export {
  A as default,
  I as veiled
};
