/**
 * What a tab keeps for itself: its token in sessionStorage, a cookie for the moment of F5, and
 * whether it is a duplicate of another tab.
 *
 * sessionStorage outlives F5, and other tabs cannot see it. But a duplicated tab begins with a copy
 * of it, with the token. The tabs of a browser therefore send each other messages: of two tabs with
 * one token, the younger asks the server for a copy of the state.
 */

import { type Claims, fingerprint } from "./agreement";
import {
  asideIn,
  asideNameOf,
  attempt,
  type Copies,
  type CopiesOptions,
  copyIn,
  nameOf,
  writeCookie,
} from "./copies";

/**
 * Seconds from F5 until the new page opens its WebSocket, at most. Another tab that is opened within
 * them reads the cookie too; its component then reports that the token is not its own.
 */
const RELOADED_WITHIN = 5;

/** Milliseconds for the other tabs to claim a token. They do so in under 10. */
const CLAIMED_WITHIN = 150;

/** A message from one tab to the others. */
interface TabMessage {
  /** "query": the sender uses the token, and asks who else does. "claim": the answer to a query. */
  kind: "query" | "claim";
  /** Of the token. */
  fingerprint: string;
  /** The sender's id. */
  from: string;
  /** When the sender's page was loaded. */
  since: number;
  /** The id of the tab that a claim answers. */
  to?: string;
}

/** The copy of a tab's own token. The cookie is not a copy: it exists only for the moment of F5. */
export function sessionCopyIn(page: Window, options: CopiesOptions): Copies {
  const name = nameOf(options.app, options.base, page.location);
  return {
    ...copyIn(() => page.sessionStorage, name),
    ...asideIn(() => page.sessionStorage, asideNameOf(name)),
    readCookie: () => null,
    writeCookie: () => undefined,
  };
}

/** This tab's claim to its token, and the claims of other tabs, for as long as the page lives. */
export class TabClaims implements Claims {
  /** Fires "change" when there may be something new to report to the server. */
  readonly events = new EventTarget();
  isSettled: boolean;
  private readonly id = Math.random().toString(36).slice(2);
  private readonly name: string;
  private readonly since: number;
  private readonly channel: BroadcastChannel | null;
  /** Fingerprints of tokens that an older tab uses. */
  private readonly copied = new Set<string>();

  constructor(
    private readonly page: Window,
    private readonly options: CopiesOptions,
    private readonly copies: Copies,
    since?: number,
  ) {
    this.since = since ?? performance.timeOrigin;
    this.name = nameOf(options.app, options.base, page.location);
    this.channel = attempt(() => new BroadcastChannel(`${this.name}.tab`));
    this.channel?.addEventListener("message", ({ data }) => this.receive(data as TabMessage));
    this.isSettled = this.channel === null || copies.readLocal() === null;
    this.writeReloadCookie(null);
    page.addEventListener("pagehide", () => this.writeReloadCookie(copies.readLocal()));
    page.addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      this.writeReloadCookie(null);
      this.query(); // the page was frozen, and may have been duplicated meanwhile
    });
    page.document.addEventListener("visibilitychange", () => {
      if (page.document.visibilityState === "visible") this.query();
    });
    if (this.isSettled) return;
    this.query();
    page.setTimeout(() => this.settle(), CLAIMED_WITHIN);
  }

  /** Whether an older tab uses this token. */
  isCopy(token: string | null): boolean {
    return token !== null && this.copied.has(fingerprint(token));
  }

  private settle(): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.events.dispatchEvent(new Event("change"));
  }

  private query(): void {
    const token = this.copies.readLocal();
    if (token !== null) this.send({ kind: "query", fingerprint: fingerprint(token) });
  }

  private send(message: Pick<TabMessage, "kind" | "fingerprint" | "to">): void {
    attempt(() => this.channel?.postMessage({ ...message, from: this.id, since: this.since }));
  }

  private receive({ kind, fingerprint: mark, from, since, to }: TabMessage): void {
    const token = this.copies.readLocal();
    if (token === null || mark !== fingerprint(token)) return;
    const isOlder = since < this.since || (since === this.since && from < this.id);
    if (kind === "query" && !isOlder) {
      this.send({ kind: "claim", fingerprint: mark, to: from });
    } else if (kind === "query" || to === this.id) {
      this.copied.add(mark);
      this.isSettled = true;
      this.events.dispatchEvent(new Event("change"));
    }
  }

  /** Write the cookie from which the server knows the tab after F5. Null removes it: it was read. */
  private writeReloadCookie(token: string | null): void {
    const known = token ?? this.copies.readLocal();
    if (!this.options.cookie || known === null) return;
    const name = `${this.name.replace(/^pgstate/, "pgstate-tab")}.${fingerprint(known)}`;
    writeCookie(this.page, name, token, RELOADED_WITHIN, this.options.base);
  }
}
