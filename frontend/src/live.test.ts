// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { announce, follow, type LiveData, PERIOD, type Tick } from "./live";

const heard = (number: number, version = 1): LiveData => ({
  role: "live",
  channel: "pgstate.test",
  version,
  heard: number,
});

let visibility: string;
let stop: () => void;

/** As Streamlit: the ticks that were said, and the server's answer to each. */
function page(): { said: Tick[]; answer: (version?: number) => void } {
  const said: Tick[] = [];
  const render = (data: LiveData) => follow("key", data, (tick) => said.push(tick));
  stop = render(heard(0));
  return { said, answer: (version) => void render(heard(said.at(-1)?.number ?? 0, version)) };
}

beforeEach(() => {
  vi.useFakeTimers();
  visibility = "visible";
  vi.spyOn(document, "visibilityState", "get").mockImplementation(
    () => visibility as DocumentVisibilityState,
  );
});

afterEach(() => {
  stop();
  vi.useRealTimers();
  vi.restoreAllMocks();
  document.body.replaceChildren();
});

it("asks once a second, each time it has been answered", () => {
  const { said, answer } = page();
  for (let second = 1; second <= 3; second++) {
    vi.advanceTimersByTime(PERIOD);
    expect(said.length).toBe(second);
    answer();
  }
  expect(said.map((tick) => tick.number)).toEqual([1, 2, 3]);
});

it("asks nothing more while the server has not answered, until it may have been away", () => {
  const { said } = page();
  vi.advanceTimersByTime(9 * PERIOD);
  expect(said.length).toBe(1);
  vi.advanceTimersByTime(3 * PERIOD);
  expect(said.length).toBe(2);
});

it("asks nothing while it is hidden, and at once when it is shown", () => {
  visibility = "hidden";
  const { said } = page();
  vi.advanceTimersByTime(60 * PERIOD);
  expect(said).toEqual([]);
  visibility = "visible";
  document.dispatchEvent(new Event("visibilitychange"));
  expect(said.length).toBe(1);
});

it("says which field is being typed in", () => {
  const { said } = page();
  document.body.innerHTML = '<div class="a st-key-name b"><input></div><input id="other">';
  document.querySelector("input")?.focus();
  vi.advanceTimersByTime(PERIOD);
  expect(said.at(-1)?.typing).toBe("st-key-name");
});

it("asks at once when another tab tells of a version that it does not show", async () => {
  vi.useRealTimers();
  const { said } = page();
  announce({ role: "news", channel: "pgstate.test", version: 2 });
  await vi.waitFor(() => expect(said.length).toBe(1), 500);
});

it("stops when the component leaves the page", () => {
  const { said, answer } = page();
  vi.advanceTimersByTime(PERIOD);
  answer();
  stop();
  vi.advanceTimersByTime(60 * PERIOD);
  expect(said.length).toBe(1);
});
