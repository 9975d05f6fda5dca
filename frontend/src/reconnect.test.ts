// @vitest-environment happy-dom
import { afterEach, expect, it } from "vitest";
import { noticeReconnect, type Reconnect, show } from "./reconnect";

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

/** What is said while the connection goes through these states. */
async function said(states: string[], begins = "CONNECTED"): Promise<number> {
  const element = app(begins);
  let count = 0;
  stop = noticeReconnect("key", () => count++);
  for (const state of states) {
    element.setAttribute("data-test-connection-state", state);
    await new Promise((resolve) => setTimeout(resolve));
  }
  return count;
}

it("speaks when the server is there again, once each time", async () => {
  expect(await said(["PINGING_SERVER", "CONNECTING"])).toBe(0);
  stop();
  document.body.replaceChildren();
  const away = ["PINGING_SERVER", "CONNECTING", "CONNECTED"];
  expect(await said([...away, "CONNECTED", ...away])).toBe(2);
});

it("speaks for each key once, however often it is rendered", async () => {
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

it("says nothing once it has left the page, nor where Streamlit tells nothing", async () => {
  const element = app("CONNECTING");
  let count = 0;
  noticeReconnect("key", () => count++)();
  element.setAttribute("data-test-connection-state", "CONNECTED");
  await new Promise((resolve) => setTimeout(resolve));
  element.remove();
  stop = noticeReconnect("key", () => count++);
  expect(count).toBe(0);
});

it("says what the page was told last that it shows", async () => {
  const element = app("CONNECTED");
  const said: Reconnect[] = [];
  stop = noticeReconnect("key", (what) => said.push(what));
  show({ role: "shown", have: "abc", version: 3, teller: "one" });
  show({ role: "shown", have: "abc", version: 4, teller: "two" });
  element.setAttribute("data-test-connection-state", "CONNECTING");
  await new Promise((resolve) => setTimeout(resolve));
  element.setAttribute("data-test-connection-state", "CONNECTED");
  await new Promise((resolve) => setTimeout(resolve));
  expect(said).toEqual([{ at: expect.any(Number), have: "abc", version: 4, teller: "two" }]);
});
