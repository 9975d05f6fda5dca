// @vitest-environment happy-dom
import { afterEach, expect, it } from "vitest";
import { noticeReconnect, type Reconnect, keepShownState } from "./reconnect";

let stop: () => void = () => {};

afterEach(() => {
  stop();
  document.body.replaceChildren();
});

function app(state: string): HTMLElement {
  const element = document.createElement("div");
  element.dataset.testid = "stApp";
  element.setAttribute("data-test-connection-state", state);
  document.body.append(element);
  return element;
}

/** How many reports are sent while the connection goes through these states. */
async function reports(states: string[], begins = "CONNECTED"): Promise<number> {
  const element = app(begins);
  let count = 0;
  stop = noticeReconnect("key", () => count++);
  for (const state of states) {
    element.setAttribute("data-test-connection-state", state);
    await new Promise((resolve) => setTimeout(resolve));
  }
  return count;
}

it("reports when the server is there again, once each time", async () => {
  expect(await reports(["PINGING_SERVER", "CONNECTING"])).toBe(0);
  stop();
  document.body.replaceChildren();
  const away = ["PINGING_SERVER", "CONNECTING", "CONNECTED"];
  expect(await reports([...away, "CONNECTED", ...away])).toBe(2);
});

it("reports for each key once, however often it is rendered", async () => {
  const element = app("CONNECTED");
  let count = 0;
  noticeReconnect("key", () => count++);
  stop = noticeReconnect("key", () => count++);
  element.setAttribute("data-test-connection-state", "CONNECTING");
  await new Promise((resolve) => setTimeout(resolve));
  element.setAttribute("data-test-connection-state", "CONNECTED");
  await new Promise((resolve) => setTimeout(resolve));
  expect(count).toBe(1);
});

it("reports nothing once it has left the page, and nothing if Streamlit shows no state", async () => {
  const element = app("CONNECTING");
  let count = 0;
  noticeReconnect("key", () => count++)();
  element.setAttribute("data-test-connection-state", "CONNECTED");
  await new Promise((resolve) => setTimeout(resolve));
  element.remove();
  stop = noticeReconnect("key", () => count++);
  expect(count).toBe(0);
});

it("reports what the server has last sent", async () => {
  const element = app("CONNECTED");
  const sent: Reconnect[] = [];
  stop = noticeReconnect("key", (what) => sent.push(what));
  keepShownState({ role: "shown", have: "abc", version: 3, serverSession: "one" });
  keepShownState({ role: "shown", have: "abc", version: 4, serverSession: "two" });
  element.setAttribute("data-test-connection-state", "CONNECTING");
  await new Promise((resolve) => setTimeout(resolve));
  element.setAttribute("data-test-connection-state", "CONNECTED");
  await new Promise((resolve) => setTimeout(resolve));
  expect(sent).toEqual([{ at: expect.any(Number), have: "abc", version: 4, serverSession: "two" }]);
});
