// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { announce, follow, type LiveData, PERIOD, type Tick } from "./live";

const received = (number: number, version = 1): LiveData => ({
  role: "live",
  channels: { "pgstate.test": version, "pgstate.app": 7 },
  received: number,
});

let visibility: string;
let stop: () => void;

/** As Streamlit: the ticks that were sent, and the server's answer to each. */
function page(): { ticks: Tick[]; answer: (version?: number) => void } {
  const ticks: Tick[] = [];
  const render = (data: LiveData) => follow("key", data, (tick) => ticks.push(tick));
  stop = render(received(0));
  return { ticks, answer: (version) => void render(received(ticks.at(-1)?.number ?? 0, version)) };
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
  const { ticks, answer } = page();
  for (let second = 1; second <= 3; second++) {
    vi.advanceTimersByTime(PERIOD);
    expect(ticks.length).toBe(second);
    answer();
  }
  expect(ticks.map((tick) => tick.number)).toEqual([1, 2, 3]);
});

it("asks nothing more while the server has not answered, until it may have been away", () => {
  const { ticks } = page();
  vi.advanceTimersByTime(9 * PERIOD);
  expect(ticks.length).toBe(1);
  vi.advanceTimersByTime(3 * PERIOD);
  expect(ticks.length).toBe(2);
});

it("asks nothing while it is hidden, and at once when it is shown", () => {
  visibility = "hidden";
  const { ticks } = page();
  vi.advanceTimersByTime(60 * PERIOD);
  expect(ticks).toEqual([]);
  visibility = "visible";
  document.dispatchEvent(new Event("visibilitychange"));
  expect(ticks.length).toBe(1);
});

it("sends which field is being typed in", () => {
  const { ticks } = page();
  document.body.innerHTML = '<div class="a st-key-name b"><input></div>';
  const field = document.querySelector("input") as HTMLInputElement;
  field.focus();
  field.value = "half a w";
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  vi.advanceTimersByTime(PERIOD);
  expect(ticks.at(-1)?.typing).toBe("st-key-name");
});

it.each([
  ["nothing", "<div></div>", false],
  ["a dialog", '<div class="stDialog" data-testid="stDialog"><div role="dialog"></div></div>', true],
  ["a popover, in 1.67", '<div data-testid="stPopoverBody" role="dialog"></div>', false],
  ["a popover, in 1.51", '<div data-baseweb="popover" data-testid="stPopoverBody"></div>', false],
  ["a color picker, in 1.67", '<div role="dialog" aria-label="hue color picker"></div>', false],
  ["a list of options", '<ul role="listbox" data-testid="stSelectboxVirtualDropdown"></ul>', false],
  ["the main menu", '<ul role="menu" data-testid="stMainMenuList"></ul>', false],
])("sends whether a dialog is open: %s", (_, html, isOpen) => {
  const { ticks, answer } = page();
  document.body.innerHTML = html;
  vi.advanceTimersByTime(PERIOD);
  expect(ticks.at(-1)?.dialog).toBe(isOpen);
  answer();
  document.body.replaceChildren();
  vi.advanceTimersByTime(PERIOD);
  expect(ticks.at(-1)?.dialog).toBe(false);
});

it.each([
  ["pgstate.test", 2, 1],
  ["pgstate.test", 1, 0],
  ["pgstate.app", 8, 1],
  ["pgstate.app", 7, 0],
  ["pgstate.another", 9, 0],
])("asks at once when another tab announces what it does not show: %s, %i", async (name, version, asks) => {
  vi.useRealTimers();
  const { ticks } = page();
  new BroadcastChannel(name).postMessage(version);
  await receivedBy(name);
  expect(ticks.length).toBe(asks);
});

it("does not ask for what it has announced itself", async () => {
  vi.useRealTimers();
  const { ticks } = page();
  announce({ role: "changes", channels: { "pgstate.test": 3 } });
  await receivedBy("pgstate.test");
  expect(ticks.length).toBe(0);
});

/** Messages come in order: one that is received comes after those that were sent before. */
async function receivedBy(name: string): Promise<void> {
  const last = new BroadcastChannel(name);
  const received = new Promise((resolve) => last.addEventListener("message", resolve));
  new BroadcastChannel(name).postMessage("the last");
  await received;
  last.close();
}

it("stops when the component leaves the page", () => {
  const { ticks, answer } = page();
  vi.advanceTimersByTime(PERIOD);
  answer();
  stop();
  vi.advanceTimersByTime(60 * PERIOD);
  expect(ticks.length).toBe(1);
});
