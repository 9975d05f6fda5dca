// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { fingerprint } from "./agreement";
import { TabClaims, sessionCopyIn } from "./tab";

/** All tabs of one browser: a message goes to each but the one that sent it. */
class Channel extends EventTarget {
  static all = new Set<Channel>();
  constructor(readonly name: string) {
    super();
    Channel.all.add(this);
  }
  postMessage(data: unknown): void {
    for (const other of Channel.all) {
      if (other !== this && other.name === this.name) {
        other.dispatchEvent(Object.assign(new Event("message"), { data }));
      }
    }
  }
}

const TOKEN = `${"a".repeat(64)}.timeAA.${"b".repeat(43)}`;
const OTHER = `${"a".repeat(64)}.timeAA.${"c".repeat(43)}`;
const OPTIONS = { app: "app", base: "", maxAge: 100, cookie: true };

/** A tab with a sessionStorage of its own, loaded at the time `since`. */
function tab(text: string | null, since: number, options = OPTIONS) {
  const kept = new Map<string, string>();
  const page = Object.assign(new EventTarget(), {
    location: { port: "8501", protocol: "http:" },
    document: Object.assign(new EventTarget(), { visibilityState: "visible", cookie: "" }),
    setTimeout: (action: () => void, after: number) => setTimeout(action, after),
    sessionStorage: {
      getItem: (name: string) => kept.get(name) ?? null,
      setItem: (name: string, value: string) => void kept.set(name, value),
      removeItem: (name: string) => void kept.delete(name),
    },
  });
  const copies = sessionCopyIn(page as unknown as Window, options);
  copies.writeLocal(text);
  const claims = new TabClaims(page as unknown as Window, options, copies, since);
  return { page, copies, claims };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("BroadcastChannel", Channel);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  Channel.all.clear();
});

it("knows the younger of two tabs with one token as the copy, and never the older", () => {
  const first = tab(TOKEN, 1);
  const second = tab(TOKEN, 2);
  expect(second.claims.isCopy(TOKEN)).toBe(true);
  expect(second.claims.isSettled).toBe(true);
  expect(first.claims.isCopy(TOKEN)).toBe(false);
});

it("finds it out when the older one was asleep, as soon as that one is looked at", () => {
  const first = tab(TOKEN, 1);
  const asleep = [...Channel.all];
  for (const channel of asleep) Channel.all.delete(channel);
  const second = tab(TOKEN, 2);
  expect(second.claims.isCopy(TOKEN)).toBe(false);
  for (const channel of asleep) Channel.all.add(channel);
  let changes = 0;
  second.claims.events.addEventListener("change", () => changes++);
  first.page.document.dispatchEvent(new Event("visibilitychange"));
  expect(second.claims.isCopy(TOKEN)).toBe(true);
  expect(first.claims.isCopy(TOKEN)).toBe(false);
  expect(changes).toBe(1);
});

it("leaves tabs with other tokens, or with none, alone", () => {
  const tabs = [tab(TOKEN, 1), tab(OTHER, 2), tab(null, 3), tab(null, 4)];
  for (const { claims } of tabs) {
    expect([claims.isCopy(TOKEN), claims.isCopy(OTHER), claims.isCopy(null)]).toEqual([
      false,
      false,
      false,
    ]);
  }
});

it("is settled when nobody has claimed the token, and at once where there is none", () => {
  const { claims } = tab(TOKEN, 1);
  let changes = 0;
  claims.events.addEventListener("change", () => changes++);
  expect(claims.isSettled).toBe(false);
  vi.advanceTimersByTime(200);
  expect([claims.isSettled, changes]).toEqual([true, 1]);
  expect(tab(null, 2).claims.isSettled).toBe(true);
});

it("works without BroadcastChannel: then no tab is a copy", () => {
  vi.stubGlobal("BroadcastChannel", undefined);
  const { claims } = tab(TOKEN, 1);
  expect([claims.isSettled, claims.isCopy(TOKEN)]).toEqual([true, false]);
});

it("leaves a cookie for some seconds when the page goes, named by the fingerprint", () => {
  const { page } = tab(TOKEN, 1);
  expect(page.document.cookie).toContain("Max-Age=0");
  page.dispatchEvent(new Event("pagehide"));
  const name = `pgstate-tab.app.8501..${fingerprint(TOKEN)}`;
  expect(page.document.cookie).toBe(
    `${name}=${TOKEN}; Max-Age=5; Path=/; SameSite=Strict`,
  );
  page.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  expect(page.document.cookie).toContain(`${name}=; Max-Age=0`);
});

it("leaves none where the app wants none", () => {
  const { page } = tab(TOKEN, 1, { ...OPTIONS, cookie: false });
  page.dispatchEvent(new Event("pagehide"));
  expect(page.document.cookie).toBe("");
});
