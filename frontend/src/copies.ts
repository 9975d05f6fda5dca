/**
 * The two copies of the token that a browser keeps: one in localStorage, and a cookie, which the
 * server reads before the first script run. If they differ, localStorage decides.
 *
 * Either may be blocked (private mode, cross-site iframe, full disk). Then reading it gives null,
 * writing does nothing, and the other one is used.
 */

export interface Copies {
  readLocal(): string | null;
  writeLocal(token: string | null): void;
  readCookie(): string | null;
  writeCookie(token: string | null): void;
  /** Whether a copy that is not found is really missing. False if the browser forbids to read. */
  isReadable(): boolean;
}

export interface CopiesOptions {
  /** The app's name, encoded for a cookie's name. */
  app: string;
  /** The path under which the app is served, "" for the root. */
  base: string;
  /** Seconds for which the browser keeps the cookie. Browsers allow 400 days at most. */
  maxAge: number;
  /** Whether a cookie may be written at all. */
  cookie: boolean;
}

/** Id and secret, timestamp, signature. Anything else under our name counts as missing. */
const SHAPE = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;

export function isToken(text: unknown): text is string {
  return typeof text === "string" && SHAPE.test(text);
}

/**
 * The name of both copies. Cookies ignore ports and localStorage ignores paths, so the name holds
 * both: two apps on one host never see each other's token.
 */
export function nameOf(app: string, base: string, location: Location): string {
  const port = location.port || (location.protocol === "https:" ? "443" : "80");
  return `pgstate.${app}.${port}.${encodeURIComponent(base)}`;
}

/** The base path of the app, from the URL at which Streamlit serves this script. */
export function basePath(scriptUrl: string): string {
  try {
    const { pathname } = new URL(scriptUrl);
    const end = pathname.indexOf("/_stcore/");
    return end > 0 ? pathname.slice(0, end) : "";
  } catch {
    return "";
  }
}

/** The copies of the browser's token. */
export function copiesIn(page: Window, options: CopiesOptions): Copies {
  const name = nameOf(options.app, options.base, page.location);
  const local = copyIn(() => page.localStorage, name);
  return {
    ...local,
    readCookie: () => attempt(() => token(cookieIn(page.document.cookie, name))),
    writeCookie: (text) =>
      writeCookie(page, name, options.cookie ? text : null, options.maxAge, options.base),
    // If cookies are blocked, `document.cookie` is empty and throws nothing.
    isReadable: () => local.isReadable() || (options.cookie && page.navigator.cookieEnabled),
  };
}

type StoredCopy = Pick<Copies, "readLocal" | "writeLocal" | "isReadable">;

/** The copy in localStorage or sessionStorage. `storage` may throw: both may be blocked. */
export function copyIn(storage: () => Storage, name: string): StoredCopy {
  return {
    readLocal: () => attempt(() => token(storage().getItem(name))),
    writeLocal: (text) =>
      void attempt(() =>
        text === null ? storage().removeItem(name) : storage().setItem(name, text),
      ),
    isReadable: () => attempt(() => (storage().getItem(name), true)) ?? false,
  };
}

/** Write a cookie under the app's base path. A `text` of null removes it. */
export function writeCookie(
  page: Window,
  name: string,
  text: string | null,
  maxAge: number,
  base: string,
): void {
  const seconds = text === null ? 0 : Math.round(maxAge);
  const cookie = `${name}=${text ?? ""}; Max-Age=${seconds}; Path=${base || "/"}`;
  for (const policy of policies(page)) {
    attempt(() => (page.document.cookie = `${cookie}; ${policy}`));
    if (text !== null && attempt(() => cookieIn(page.document.cookie, name)) === text) return;
  }
}

/**
 * The attributes to try, in this order, until the browser accepts the cookie.
 *
 * In a frame of another site the browser accepts no `Strict` cookie. There the cookie is partitioned,
 * so that the frame does not share it with the app in a tab of its own. That needs https.
 */
function policies(page: Window): string[] {
  const isSecure = page.location.protocol === "https:";
  const strict = `SameSite=Strict${isSecure ? "; Secure" : ""}`;
  const isFramed = page.top !== page && !!page.top;
  return isSecure && isFramed ? [strict, "SameSite=None; Secure; Partitioned"] : [strict];
}

/** The result of `action`; null if the browser refuses it. */
export function attempt<T>(action: () => T): T | null {
  try {
    return action();
  } catch {
    return null; // blocked, or the disk is full
  }
}

function token(text: string | null): string | null {
  return isToken(text) ? text : null;
}

function cookieIn(cookies: string, name: string): string | null {
  for (const cookie of cookies.split(/;\s*/)) {
    if (cookie.startsWith(`${name}=`)) return cookie.slice(name.length + 1);
  }
  return null;
}
