/**
 * A page whose script could not reach the database: it runs again by itself, after a second, then two,
 * four, at most thirty, until a run succeeds. Such a run no longer mounts this.
 */

export interface RetryData {
  role: "retry";
  /** Another one in each run that has failed. */
  run: string;
}

export interface Retry {
  at: number;
}

export const LONGEST = 30_000;
/** How often a page that is due looks whether it may run now. */
export const LOOK_EVERY = 500;
/** So long a page may lack it between two runs that have failed: Streamlit draws it elsewhere then. */
export const GAP = 1000;
/** After so long without an answer it runs again: the server may have been away. */
export const PATIENCE = 45_000;

/** Milliseconds to the next run, after so many that have failed; `chance` is from 0 to 1.
 *
 * Up to a quarter less than 1, 2, 4 … 30 s: the pages of an app do not all come back at one moment.
 */
export function pauseAfter(failed: number, chance: number): number {
  return Math.min(LONGEST, 1000 * 2 ** (failed - 1)) * (1 - chance / 4);
}

/** What Streamlit says of its connection and its script, as attributes: seen in 1.51 to 1.67.
 * Without them a page runs whenever it is due. */
const APP = "[data-testid=stApp]";
const CONNECTION = "data-test-connection-state";
const SCRIPT = "data-test-script-state";

function mayRun(): boolean {
  if (document.visibilityState !== "visible") return false;
  const app = document.querySelector(APP);
  const connection = app?.getAttribute(CONNECTION) ?? "CONNECTED";
  return connection === "CONNECTED" && app?.getAttribute(SCRIPT) !== "running";
}

/** All that stand in the page, the one that was asked last at the end: one for the page itself, or
 * for each of its fragments. */
const waiting: Map<unknown, (what: Retry) => void> = new Map();

/** How often each place has failed since the pause before was over, or since the outage began. */
const inThisPause: Map<unknown, number> = new Map();
/** One of our tries, and one of the visitor's own: a fragment that Streamlit runs every second would
 * begin the pause anew for ever, and keep the rest of the page from its try. */
const MOST_IN_A_PAUSE = 2;

let failed = 0;
let emptyAt = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
/** How many are still to run, once the pause is over. */
let due = 0;

/**
 * Called anew for each run that has failed, whoever has started it: the pause begins anew, unless
 * this place has done that already.
 *
 * Returns what is to be called when it leaves the page: a run has succeeded, or another place
 * says so now.
 */
export function retryLater(place: unknown, say: (what: Retry) => void): () => void {
  if (waiting.size === 0 && Date.now() - emptyAt > GAP) {
    failed = 0;
    inThisPause.clear();
  }
  waiting.set(place, say);
  const times = (inThisPause.get(place) ?? 0) + 1;
  inThisPause.set(place, times);
  if (times <= MOST_IN_A_PAUSE) {
    failed += 1;
    wait(pauseAfter(failed, Math.random()));
  }
  document.addEventListener("visibilitychange", runIfDue);
  return () => {
    waiting.delete(place);
    inThisPause.delete(place);
    if (waiting.size === 0) stop();
  };
}

function stop(): void {
  clearTimeout(timer);
  due = 0;
  emptyAt = Date.now();
  document.removeEventListener("visibilitychange", runIfDue);
}

function wait(pause: number): void {
  clearTimeout(timer);
  due = 0;
  timer = setTimeout(() => {
    inThisPause.clear();
    due = waiting.size;
    runIfDue();
  }, pause);
}

/** One after the other: of two runs that are asked for at once, Streamlit makes one. */
function runIfDue(): void {
  const [next] = waiting;
  if (due === 0 || next === undefined) return;
  clearTimeout(timer);
  timer = setTimeout(runIfDue, LOOK_EVERY);
  if (!mayRun()) return;
  due -= 1;
  const [place, say] = next;
  waiting.delete(place);
  waiting.set(place, say);
  if (due === 0) wait(PATIENCE);
  say({ at: Date.now() });
}
