/**
 * What a tab keeps for itself: its token in sessionStorage, which F5 leaves and other tabs do not
 * see; a cookie for the moment of F5; and whether it is a duplicate of another tab.
 *
 * A duplicated tab begins with a copy of the other's sessionStorage, token and all. The tabs of a
 * browser hear each other: the younger of two that hold one token asks for a copy of the state.
 */

import { fingerprint } from "./agreement";
import {
  attempt,
  canRead,
  type Copies,
  type CopiesOptions,
  isToken,
  nameOf,
  writeCookie,
} from "./copies";

/** Seconds from F5 to the WebSocket of the new page. A tab that is opened within them, and not
 * reloaded, is put right by its component. */
const RELOADED_WITHIN = 5;

/** Milliseconds for the other tabs to say that a token is theirs: they do so in under 10. */
const HEARD_WITHIN = 150;

interface Said {
  kind: "who" | "mine";
  fingerprint: string;
  from: string;
  since: number;
  to?: string;
}

export function sessionCopyIn(page: Window, options: CopiesOptions): Copies {
  const name = nameOf(options.app, options.base, page.location);
  return {
    readLocal: () =>
      attempt(() => {
        const text = page.sessionStorage.getItem(name);
        return isToken(text) ? text : null;
      }),
    writeLocal: (text) =>
      void attempt(() =>
        text === null
          ? page.sessionStorage.removeItem(name)
          : page.sessionStorage.setItem(name, text),
      ),
    readCookie: () => null,
    writeCookie: () => undefined,
    isReadable: () => canRead(() => page.sessionStorage.getItem(name)),
  };
}

/** This tab's hold on its token, for as long as its page lives. */
export class Hold {
  /** Fires "told" when something was learned that the server should hear. */
  readonly events = new EventTarget();
  isSettled: boolean;
  private readonly id = Math.random().toString(36).slice(2);
  private readonly since: number;
  private readonly channel: BroadcastChannel | null;
  private readonly copied = new Set<string>();

  constructor(
    private readonly page: Window,
    private readonly options: CopiesOptions,
    private readonly copies: Copies,
    since?: number,
  ) {
    this.since = since ?? performance.timeOrigin;
    const name = nameOf(options.app, options.base, page.location);
    this.channel = attempt(() => new BroadcastChannel(`${name}.tab`));
    this.channel?.addEventListener("message", (event) => this.hear(event.data as Said));
    this.isSettled = this.channel === null || copies.readLocal() === null;
    this.hint(null);
    page.addEventListener("pagehide", () => this.hint(copies.readLocal()));
    page.addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      this.hint(null);
      this.ask(); // it was frozen, and may have been duplicated meanwhile
    });
    page.document.addEventListener("visibilitychange", () => {
      if (page.document.visibilityState === "visible") this.ask();
    });
    if (this.isSettled) return;
    this.ask();
    page.setTimeout(() => this.settle(), HEARD_WITHIN);
  }

  /** Whether an older tab holds this token too. */
  isCopy(token: string | null): boolean {
    return token !== null && this.copied.has(fingerprint(token));
  }

  private settle(): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.events.dispatchEvent(new Event("told"));
  }

  private ask(): void {
    const token = this.copies.readLocal();
    if (token !== null) this.say({ kind: "who", fingerprint: fingerprint(token) });
  }

  private say(what: Pick<Said, "kind" | "fingerprint" | "to">): void {
    attempt(() => this.channel?.postMessage({ ...what, from: this.id, since: this.since }));
  }

  private hear(said: Said): void {
    const token = this.copies.readLocal();
    if (token === null || said.fingerprint !== fingerprint(token)) return;
    const isOlder = said.since < this.since || (said.since === this.since && said.from < this.id);
    if (said.kind === "who" && !isOlder) {
      this.say({ kind: "mine", fingerprint: said.fingerprint, to: said.from });
    } else if (said.kind === "who" || said.to === this.id) {
      this.copied.add(said.fingerprint);
      this.isSettled = true;
      this.events.dispatchEvent(new Event("told"));
    }
  }

  /** The cookie that tells the page after F5 whose it is; null: it has been read. */
  private hint(token: string | null): void {
    const known = token ?? this.copies.readLocal();
    if (!this.options.cookie || known === null) return;
    const name = nameOf(this.options.app, this.options.base, this.page.location);
    const own = `${name.replace(/^pgstate/, "pgstate-tab")}.${fingerprint(known)}`;
    writeCookie(this.page, own, token, RELOADED_WITHIN, this.options.base);
  }
}
