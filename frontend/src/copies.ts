/**
 * The two copies of the token that a browser keeps: localStorage, which decides, and a cookie,
 * which the server reads before the first script run.
 *
 * Either may be blocked (private mode, cross-site iframe, full disk): then reading gives null
 * and writing does nothing, and the other has to do.
 */

export interface Copies {
  readLocal(): string | null;
  writeLocal(token: string | null): void;
  readCookie(): string | null;
  writeCookie(token: string | null): void;
  /** Whether a copy that is not found is really missing. False: the browser lets nobody look. */
  isReadable(): boolean;
}

export interface CopiesOptions {
  /** The app's name, as it may stand in a cookie's name. */
  app: string;
  /** The path under which the app is served, "" for the root. */
  base: string;
  /** Seconds the cookie is to be kept; browsers cap it at 400 days. */
  maxAge: number;
  /** Whether a cookie may be written at all. */
  cookie: boolean;
}

/** id and secret, timestamp, signature: anything else in our place is treated as nothing. */
const SHAPE = /^[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}$/;

export function isToken(text: unknown): text is string {
  return typeof text === "string" && SHAPE.test(text);
}

/**
 * Cookies ignore ports and localStorage ignores paths, so the name holds both: two apps on one
 * host never see each other's token.
 */
export function nameOf(app: string, base: string, location: Location): string {
  const port = location.port || (location.protocol === "https:" ? "443" : "80");
  return `pgstate.${app}.${port}.${encodeURIComponent(base)}`;
}

/** The base path of the app, from the address that Streamlit served this very script from. */
export function basePath(scriptUrl: string): string {
  try {
    const { pathname } = new URL(scriptUrl);
    const end = pathname.indexOf("/_stcore/");
    return end > 0 ? pathname.slice(0, end) : "";
  } catch {
    return "";
  }
}

export function copiesIn(page: Window, options: CopiesOptions): Copies {
  const name = nameOf(options.app, options.base, page.location);
  return {
    readLocal: () => attempt(() => token(page.localStorage.getItem(name))),
    writeLocal: (text) =>
      void attempt(() =>
        text === null ? page.localStorage.removeItem(name) : page.localStorage.setItem(name, text),
      ),
    readCookie: () => attempt(() => token(cookieIn(page.document.cookie, name))),
    writeCookie: (text) =>
      writeCookie(page, name, options.cookie ? text : null, options.maxAge, options.base),
    // Where cookies are blocked, `document.cookie` is empty and throws nothing.
    isReadable: () =>
      canRead(() => page.localStorage.getItem(name)) ||
      (options.cookie && page.navigator.cookieEnabled),
  };
}

/** Write a cookie under the app's own path; null removes it. */
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
 * Who gets the cookie; the first that the browser takes. In a frame of another site it takes none that
 * is `Strict`: there it is the frame's own, apart from those of the app in a tab, which needs https.
 */
function policies(page: Window): string[] {
  const isSecure = page.location.protocol === "https:";
  const strict = `SameSite=Strict${isSecure ? "; Secure" : ""}`;
  const isFramed = page.top !== page && !!page.top;
  return isSecure && isFramed ? [strict, "SameSite=None; Secure; Partitioned"] : [strict];
}

/** Whether the browser lets the page read, whatever it finds. */
export function canRead(read: () => unknown): boolean {
  return attempt(() => (read(), true)) ?? false;
}

export function attempt<T>(action: () => T): T | null {
  try {
    return action();
  } catch {
    return null; // blocked, or full: the other copy has to do
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
