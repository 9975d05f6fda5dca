/**
 * A page whose script could not reach the database. It runs again by itself after 1 s, 2 s, 4 s and so
 * on, at most 30 s, until a run succeeds. A run that succeeds does not mount this.
 */

import { appIn, CONNECTED, CONNECTION, RUNNING, SCRIPT } from "./streamlit";

export interface RetryData {
  role: "retry";
  /** Identifies the run that has failed. */
  run: string;
}

/** What the page sends to have its script run. */
export interface Retry {
  /** When, in milliseconds of the page's clock: no two are equal. */
  at: number;
}

/** Milliseconds of the longest pause. */
export const LONGEST = 30_000;
/** Milliseconds between two checks whether a page that is due may run now. */
export const LOOK_EVERY = 500;
/**
 * Milliseconds for which the page may lack the component between two failed runs: Streamlit moves it
 * to another place then. After a longer gap a failure begins a new outage.
 */
export const GAP = 1000;
/** Milliseconds without a run after which it is requested again: the server may have been away. */
export const PATIENCE = 45_000;

/**
 * Milliseconds until the next run: 1, 2, 4 … 30 s, and up to a quarter less at random, so that the
 * pages of an app do not all come back at the same moment.
 *
 * `failed` is the number of runs that have failed, `chance` a random number from 0 to 1.
 */
export function pauseAfter(failed: number, chance: number): number {
  return Math.min(LONGEST, 1000 * 2 ** (failed - 1)) * (1 - chance / 4);
}

/** Without Streamlit's attributes a visible page may always run. */
function mayRun(): boolean {
  if (document.visibilityState !== "visible") return false;
  const app = appIn(document);
  const connection = app?.getAttribute(CONNECTION) ?? CONNECTED;
  return connection === CONNECTED && app?.getAttribute(SCRIPT) !== RUNNING;
}

/**
 * What has failed: the page, or each of its fragments, by its place in the page. The place whose run
 * was requested last is at the end.
 */
const waiting: Map<unknown, (what: Retry) => void> = new Map();

/** How often each place has failed since the last pause was over, or since the outage began. */
const inThisPause: Map<unknown, number> = new Map();
/**
 * How many failures of one place restart the pause: one after our request, and one after an action of
 * the visitor. Without a limit, a fragment that Streamlit runs every second would restart the pause
 * for ever, and the rest of the page would never run.
 */
const MOST_IN_A_PAUSE = 2;

let failed = 0;
let emptyAt = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
/** How many places are still to run after the pause. */
let due = 0;

/**
 * Have the script run again after a pause. Called for each run that has failed, whoever has started
 * it. Each failure restarts the pause, up to `MOST_IN_A_PAUSE` for each place.
 *
 * Returns a function to call when the component leaves the page: a run has succeeded, or Streamlit has
 * moved the component to another place.
 */
export function retryLater(place: unknown, request: (what: Retry) => void): () => void {
  if (waiting.size === 0 && Date.now() - emptyAt > GAP) {
    failed = 0;
    inThisPause.clear();
  }
  waiting.set(place, request);
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

/** Request the runs one after the other: of two requests at once Streamlit fulfils only one. */
function runIfDue(): void {
  const [next] = waiting;
  if (due === 0 || next === undefined) return;
  clearTimeout(timer);
  timer = setTimeout(runIfDue, LOOK_EVERY);
  if (!mayRun()) return;
  due -= 1;
  const [place, request] = next;
  waiting.delete(place);
  waiting.set(place, request);
  if (due === 0) wait(PATIENCE);
  request({ at: Date.now() });
}
