/**
 * The token's cookie under `pgstate.App`. It is HttpOnly: this page can neither read nor set it. It
 * can only ask a route of the app, `streamlit_pgstate/page/cookie_keeper.py`, to set it.
 *
 * The server gives the page a ticket when the cookie must change: after `rotate()` and `forget()`, and
 * in place of a refused token. If another tab has changed the cookie meanwhile, the page loads anew.
 *
 * The answers to two requests that are on their way at once may come in any order, and the later one
 * sets the cookie. It could hold a forgotten token then. So one ticket is presented at a time: in one
 * page, and by Web Locks in all tabs. Browsers have no Web Locks for pages over plain http. There a
 * tab says that it has changed the cookie, and the others present their last tickets again. A ticket
 * replaces only older tokens, so that does no harm.
 */

import { type Answer, fingerprint } from "./agreement";
import { type Acceptance, type Refusal, withRefused } from "./aside";
import { attempt, type Copies, copiesIn, nameOf } from "./copies";

export interface CookieRequest {
  role: "cookie";
  /** The app's name and the identity of its database. */
  app: string;
  /** Fingerprint of the token that the server works with. */
  have: string;
  /** Fingerprint of the token that it replaces; of a token in localStorage, if that was refused. */
  replaces: string | null;
  /** Whether no token came with the page, so that the server waits for an answer. */
  ask: boolean;
  because: Refusal;
  /** Whether the visitor wants to be forgotten. */
  clears: boolean;
  /** For the route; null if the cookie is as it should be. */
  ticket: string | null;
  /** Whether to answer once: with the token in localStorage, from before `pgstate.App`, or none. */
  takesOver: boolean;
  /** Whether other tabs must look whether their token is still the browser's. */
  announces: boolean;
  accepts: Acceptance;
  veil: string;
}

/** What the route answers. `set`: this answer has set the cookie, if the browser allows it. */
export type Outcome = "kept" | "set" | "other" | "failed";

/** Milliseconds until each further try, where the network or the server fails. */
const PAUSES = [500, 2000, 8000, 30_000];

/** Milliseconds within which the route answers. Until then other tabs wait for their turn. */
const ANSWERS_WITHIN = 20_000;

/** Milliseconds that a tab waits for its turn. Timers do not run in a tab that is suspended. */
const TURN_WITHIN = 60_000;

/** How often a page looks whether its cookie is kept. Without Web Locks another tab may be between. */
const LOOKS = 2;

/** Milliseconds within which a tab loads itself anew once at most. */
const RELOADS_EVERY = 30_000;

const OUTCOMES: Record<number, Outcome> = { 200: "set", 204: "kept", 409: "other" };

/** What a page remembers for one app, however often the component is mounted. */
interface CookieMemory {
  /** Fingerprint of the server's present token. */
  have: string;
  /** Fingerprints of tokens whose tickets have been presented, or are being presented. */
  presented: Set<string>;
  /** Fingerprints that were announced. */
  announced: Set<string>;
  /** Tokens of localStorage that were reported, each with the veil of the question. */
  reported: Set<string>;
  /** The questions that were answered. */
  answered: Set<string>;
  channel: BroadcastChannel | null;
  /** Ends when all tickets of this page that came before have been presented. */
  turns: Promise<unknown>;
  /** The last ticket. */
  ticket: string | null;
}

/** What a tab says that has changed the cookie, where no lock keeps others from doing so at once. */
const CHANGED = "changed";

const memories: Map<string, CookieMemory> = new Map();

/** See that the browser's cookie is as the server wants it. */
export function keepCookie(
  page: Window,
  base: string,
  data: CookieRequest,
  key: string,
  send: (answer: Answer) => void,
): () => void {
  const name = nameOf(data.app, base, page.location).replace(/^pgstate/, "pgstate-app");
  const browser = new Browser(page, base, name);
  const known = memories.get(name);
  const memory = known ?? newMemory(browser);
  memories.set(name, memory);
  memory.have = data.have;
  const local = copiesIn(page, { app: data.app, base, maxAge: 0, cookie: true });
  const answer = (what: Partial<Answer>): void => {
    // A server that was restarted cannot read what was said under a former veil.
    const mark = `${key} ${data.veil} ${data.have} ${what.token ?? ""} ${what.blocked ?? false}`;
    if (memory.answered.has(mark)) return;
    memory.answered.add(mark);
    send({ to: data.have, token: null, blocked: false, kept: false, ...what });
  };
  void settle(data, memory, browser, local, answer);
  return () => undefined;
}

function newMemory(browser: Browser): CookieMemory {
  const memory: CookieMemory = {
    ...{ have: "", presented: new Set(), announced: new Set(), reported: new Set() },
    ...{ answered: new Set(), channel: attempt(() => new BroadcastChannel(browser.name)) },
    ...{ turns: Promise.resolve(), ticket: null },
  };
  memory.channel?.addEventListener("message", ({ data: have }) => {
    if (have === CHANGED) void presentAgain(memory, browser);
    else if (have !== memory.have) void look(memory.have, memory, browser);
  });
  return memory;
}

/** Another tab has changed the cookie: if the browser has another token than this page, load anew. */
async function look(have: string, memory: CookieMemory, browser: Browser): Promise<void> {
  const outcome = await browser.post("check", have);
  if (outcome === "other" && memory.have === have) browser.reload();
}

/** Another tab has changed the cookie at about the same time: present the last ticket again. */
async function presentAgain(memory: CookieMemory, browser: Browser): Promise<void> {
  await inTurn(memory, browser, async () => {
    if (memory.ticket === null || (await browser.post("check", memory.have)) !== "other") return;
    await browser.present(memory.ticket);
  });
}

/** Do one thing at a time, in the order of the calls. */
function inTurn<T>(memory: CookieMemory, browser: Browser, act: () => Promise<T>): Promise<T> {
  const turn = memory.turns.then(() => browser.alone(act));
  memory.turns = turn.catch(() => undefined);
  return turn;
}

async function settle(
  data: CookieRequest,
  memory: CookieMemory,
  browser: Browser,
  local: Copies,
  answer: (what: Partial<Answer>) => void,
): Promise<void> {
  noteLocal(data, local);
  const token = data.takesOver ? local.readLocal() : null;
  const mark = `${data.veil} ${token ?? ""}`;
  if (token !== null && !memory.reported.has(mark) && fingerprint(token) !== data.replaces) {
    memory.reported.add(mark);
    answer({ token });
    return;
  }
  if (data.takesOver && token === null) answer({});
  if (data.ticket !== null) await present(data, data.ticket, memory, browser, local, answer);
  else if (data.ask) await renew(browser, answer);
  else announce(data, memory);
}

/** Present a ticket, and see whether the browser keeps the cookie. */
async function present(
  data: CookieRequest,
  ticket: string,
  memory: CookieMemory,
  browser: Browser,
  local: Copies,
  answer: (what: Partial<Answer>) => void,
): Promise<void> {
  if (memory.presented.has(data.have)) return; // another instance does, or has
  memory.presented.add(data.have);
  memory.ticket = ticket;
  const isPresent = (): boolean => memory.have === data.have;
  const outcome = await browser.until(isPresent, () =>
    inTurn(memory, browser, () => browser.present(ticket)),
  );
  if (outcome === "kept") {
    if (!browser.hasLocks) attempt(() => memory.channel?.postMessage(CHANGED));
    dropLocal(data, local);
    if (isPresent()) announce(data, memory);
  } else if (isPresent() && (outcome !== "other" || !browser.reload())) {
    memory.presented.delete(data.have);
    answer({ blocked: true });
  }
}

/** No token came with the page. Ask for one; it comes with the next load of the page. */
async function renew(
  browser: Browser,
  answer: (what: Partial<Answer>) => void,
): Promise<void> {
  const outcome = await browser.until(
    () => true,
    () => browser.change("renew", ""),
  );
  if (outcome !== "kept" || !browser.reload()) answer({ blocked: true });
}

function announce({ announces, have }: CookieRequest, memory: CookieMemory): void {
  if (!announces || memory.announced.has(have)) return;
  memory.announced.add(have);
  attempt(() => memory.channel?.postMessage(have));
}

/** The server has refused the token in localStorage: set it aside, as the other mode would. */
function noteLocal(data: CookieRequest, local: Copies): void {
  if (data.clears) local.writeAside([]);
  const token = local.readLocal();
  if (token === null || fingerprint(token) !== data.replaces || data.ticket !== null) return;
  if (data.because !== "final") {
    const list = withRefused(local.readAside(), { token, isSpare: false }, data);
    if (!local.writeAside(list)) return;
  }
  local.writeLocal(null);
  local.writeCookie(null);
}

/** The cookie has the token now, or its successor. Scripts must no longer find it elsewhere. */
function dropLocal(data: CookieRequest, local: Copies): void {
  const token = local.readLocal();
  const isOurs = token !== null && [data.have, data.replaces].includes(fingerprint(token));
  if (!isOurs && !data.clears) return;
  local.writeLocal(null);
  local.writeCookie(null);
}

/** What a page can do about a cookie that it cannot see. */
class Browser {
  /** Whether this tab acts without a lock, as it has waited in vain for one. */
  private hasGivenUp = false;

  constructor(
    private readonly page: Window,
    private readonly base: string,
    readonly name: string,
  ) {}

  /** Present a ticket. */
  present(ticket: string): Promise<Outcome> {
    return this.change("present", ticket);
  }

  /** Send a request, and once more to see whether the cookie that it has set is kept. */
  async change(verb: string, body: string): Promise<Outcome> {
    let outcome = await this.post(verb, body);
    for (let looks = 0; outcome === "set" && looks < LOOKS; looks++) {
      outcome = await this.post(verb, body);
    }
    return outcome;
  }

  /** Try until it succeeds, as long as it is wanted. */
  async until(isWanted: () => boolean, act: () => Promise<Outcome>): Promise<Outcome> {
    for (const pause of [...PAUSES, null]) {
      const outcome = await act();
      if (outcome !== "failed" || pause === null || !isWanted()) return outcome;
      await new Promise((done) => this.page.setTimeout(done, pause));
      if (!isWanted()) return outcome;
    }
    return "failed";
  }

  /** Whether tabs of this browser can keep each other from acting at once. */
  get hasLocks(): boolean {
    return this.locks !== null && !this.hasGivenUp;
  }

  /** Act while no other tab of this browser does, if it has Web Locks. */
  async alone<T>(act: () => Promise<T>): Promise<T> {
    if (this.locks === null) return act();
    const signal = attempt(() => AbortSignal.timeout(TURN_WITHIN)) ?? undefined;
    let acts = false;
    const begin = (): Promise<T> => {
      acts = true;
      return act();
    };
    try {
      return (await this.locks.request(this.name, signal ? { signal } : {}, begin)) as T;
    } catch (error) {
      if (acts) throw error;
      this.hasGivenUp = true;
      return act();
    }
  }

  private get locks(): LockManager | null {
    return attempt(() => this.page.navigator.locks) ?? null;
  }

  async post(verb: string, body: string): Promise<Outcome> {
    try {
      const answer = await this.page.fetch(`${this.base}/_pgstate/cookie`, {
        method: "POST",
        headers: { "X-Pgstate": verb, "Content-Type": "text/plain" },
        body,
        credentials: "same-origin",
        cache: "no-store",
        signal: attempt(() => AbortSignal.timeout(ANSWERS_WITHIN)),
      });
      return OUTCOMES[answer.status] ?? "failed";
    } catch {
      return "failed";
    }
  }

  /** Load the page anew, unless this tab has just done so: then false. */
  reload(): boolean {
    const now = Date.now();
    const before = Number(attempt(() => this.page.sessionStorage.getItem(this.guard)) ?? 0);
    if (Math.abs(now - before) < RELOADS_EVERY) return false;
    attempt(() => this.page.sessionStorage.setItem(this.guard, String(now)));
    if (attempt(() => this.page.sessionStorage.getItem(this.guard)) !== String(now)) return false;
    this.page.location.reload();
    return true;
  }

  private get guard(): string {
    return this.name.replace(/^pgstate-app/, "pgstate-app-reloaded");
  }
}
