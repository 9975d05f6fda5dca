// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { GAP, LOOK_EVERY, LONGEST, PATIENCE, pauseAfter, retryLater } from "./retry";

/** No test is a part of the outage of the one before. */
let day = 0;
let visibility: string;
let leave: Array<() => void>;

/** A place in the page that says so; whether it was asked to run, and how often. */
function place(): { fail: () => void; succeed: () => void; runs: () => number } {
  const element = {};
  let runs = 0;
  let left = () => {};
  const fail = () => {
    left = retryLater(element, () => (runs += 1));
    leave.push(left);
  };
  fail();
  return { fail, succeed: () => left(), runs: () => runs };
}

/** What Streamlit says of its connection and its script. */
function app(connection: string, script: string): void {
  document.body.innerHTML =
    `<div data-testid="stApp" data-test-connection-state="${connection}" ` +
    `data-test-script-state="${script}"></div>`;
}

beforeEach(() => {
  vi.useFakeTimers({ now: (day += 86_400_000) });
  vi.spyOn(Math, "random").mockReturnValue(0);
  visibility = "visible";
  leave = [];
  vi.spyOn(document, "visibilityState", "get").mockImplementation(
    () => visibility as DocumentVisibilityState,
  );
});

afterEach(() => {
  leave.forEach((stop) => stop());
  vi.useRealTimers();
  vi.restoreAllMocks();
  document.body.replaceChildren();
});

it.each([
  [1, 0, 1000],
  [2, 0, 2000],
  [3, 0, 4000],
  [5, 0, 16_000],
  [6, 0, LONGEST],
  [500, 0, LONGEST],
  [1, 1, 750],
  [2000, 1, 22_500],
])("after %i that have failed, with chance %d, it waits %i ms", (failed, chance, pause) => {
  expect(pauseAfter(failed, chance)).toBe(pause);
});

it("runs after 1, 2 and 4 s, as long as each run fails", () => {
  const page = place();
  for (const [number, pause] of [1000, 2000, 4000].entries()) {
    vi.advanceTimersByTime(pause - 1);
    expect(page.runs()).toBe(number);
    vi.advanceTimersByTime(1);
    expect(page.runs()).toBe(number + 1);
    page.fail();
  }
});

it("runs no more once a run has succeeded, and begins with 1 s the next time", () => {
  const page = place();
  vi.advanceTimersByTime(1000);
  page.fail();
  page.succeed();
  vi.advanceTimersByTime(GAP + 1);
  expect(page.runs()).toBe(1);
  page.fail();
  vi.advanceTimersByTime(1000);
  expect(page.runs()).toBe(2);
  page.succeed();
  vi.advanceTimersByTime(10 * PATIENCE);
  expect(page.runs()).toBe(2);
});

it("takes a run of the visitor's own for a try", () => {
  const page = place();
  vi.advanceTimersByTime(900);
  page.fail();
  vi.advanceTimersByTime(1900);
  expect(page.runs()).toBe(0);
  vi.advanceTimersByTime(100);
  expect(page.runs()).toBe(1);
});

it("does not let a fragment that runs every second keep the page from its try", () => {
  const page = place();
  const fragment = place();
  for (let second = 0; second < 20; second++) {
    vi.advanceTimersByTime(1000);
    fragment.fail();
  }
  expect(page.runs()).toBeGreaterThan(0);
});

it("keeps the count where another place of the page takes over", () => {
  const first = place();
  vi.advanceTimersByTime(1000);
  const second = place();
  first.succeed();
  vi.advanceTimersByTime(1999);
  expect(second.runs()).toBe(0);
  vi.advanceTimersByTime(1);
  expect(second.runs()).toBe(1);
});

it("keeps the count where Streamlit removes it before it draws it elsewhere", () => {
  const first = place();
  vi.advanceTimersByTime(1000);
  first.succeed();
  vi.advanceTimersByTime(GAP);
  const second = place();
  vi.advanceTimersByTime(1999);
  expect(second.runs()).toBe(0);
});

it("waits while it is hidden, and runs at once when it is shown", () => {
  visibility = "hidden";
  const page = place();
  vi.advanceTimersByTime(10 * PATIENCE);
  expect(page.runs()).toBe(0);
  visibility = "visible";
  document.dispatchEvent(new Event("visibilitychange"));
  expect(page.runs()).toBe(1);
});

it("does not run before its time because it is shown", () => {
  const page = place();
  document.dispatchEvent(new Event("visibilitychange"));
  expect(page.runs()).toBe(0);
});

it.each([
  ["CONNECTING", "notRunning"],
  ["CONNECTED", "running"],
])("waits while the server is %s and the script is %s", (connection, script) => {
  app(connection, script);
  const page = place();
  vi.advanceTimersByTime(5000);
  expect(page.runs()).toBe(0);
  app("CONNECTED", "notRunning");
  vi.advanceTimersByTime(LOOK_EVERY);
  expect(page.runs()).toBe(1);
});

it("runs again where nothing has come of it for long: the server may have been away", () => {
  const page = place();
  vi.advanceTimersByTime(1000 + PATIENCE);
  expect(page.runs()).toBe(2);
});

it("has several places run one after the other, each in its turn", () => {
  const [first, second] = [place(), place()];
  vi.advanceTimersByTime(2000);
  expect([first.runs(), second.runs()]).toEqual([1, 0]);
  vi.advanceTimersByTime(LOOK_EVERY);
  expect([first.runs(), second.runs()]).toEqual([1, 1]);
  vi.advanceTimersByTime(LOOK_EVERY);
  expect([first.runs(), second.runs()]).toEqual([1, 1]);
});

it("lets no place that always fails keep the others from their turn", () => {
  const [first, second] = [place(), place()];
  vi.advanceTimersByTime(2000);
  first.fail();
  vi.advanceTimersByTime(4000);
  expect([first.runs(), second.runs()]).toEqual([1, 1]);
});

it("goes on with the others where one of them has left meanwhile", () => {
  const [first, second] = [place(), place()];
  vi.advanceTimersByTime(2000);
  first.succeed();
  vi.advanceTimersByTime(LOOK_EVERY);
  expect(second.runs()).toBe(1);
});
