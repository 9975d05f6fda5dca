// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Answer } from "./agreement";
import { type CookieRequest, keepCookie } from "./cookie";
import { nameOf } from "./copies";

const TOKENS = ["a", "b"].map((it) => `${it.repeat(64)}.awtYqw.${it.repeat(43)}`);
const [LOCAL, OTHER] = TOKENS as [string, string];
const MARK = LOCAL.slice(-43).slice(0, 16);

let number = 0;
let app = "";
/** What the route answers, one after the other; the last one again and again. */
let statuses: number[] = [];
let asked: [string, string, string][] = [];
let reloads = 0;
let pauses: number[] = [];
/** The requests that wait until a test lets them go; null if none has to wait. */
let waiting: (() => void)[] | null = null;
type Act = () => Promise<unknown>;
let locks: { request: (name: string, options: object, act: Act) => Promise<unknown> } | undefined;

function page(): Window {
  const fetch = async (path: string, options: RequestInit): Promise<{ status: number }> => {
    const headers = options.headers as Record<string, string>;
    asked.push([path, headers["X-Pgstate"] ?? "", String(options.body)]);
    const gate = waiting;
    if (gate !== null) await new Promise<void>((go) => gate.push(go));
    const status = statuses.length > 1 ? statuses.shift() : statuses[0];
    if (status === undefined) throw new TypeError("network");
    return { status };
  };
  return {
    fetch,
    document,
    localStorage,
    sessionStorage,
    navigator: { locks },
    location: { protocol: "http:", port: "8501", reload: () => reloads++ },
    setTimeout: (done: () => void, pause: number) => (pauses.push(pause), setTimeout(done)),
  } as unknown as Window;
}

function request(what: Partial<CookieRequest>): CookieRequest {
  return {
    ...{ role: "cookie", app, have: "have", replaces: null, ask: false, because: "final" },
    ...{ clears: false, ticket: null, takesOver: false, announces: false, veil: "00" },
    accepts: { key: "k", database: "d", earliest: 0, latest: 2 ** 40 },
    ...what,
  };
}

async function answers(...data: Partial<CookieRequest>[]): Promise<Answer[]> {
  const sent: Answer[] = [];
  for (const it of data) {
    keepCookie(page(), "/base", request(it), "key", (answer) => sent.push(answer));
    for (let turn = 0; turn < 30; turn++) await new Promise((done) => setTimeout(done));
  }
  return sent;
}

const local = () => nameOf(app, "/base", page().location);

beforeEach(() => {
  app = `app${number++}`;
  [statuses, asked, reloads, pauses, waiting, locks] = [[204], [], 0, [], null, undefined];
});

afterEach(() => {
  localStorage.clear();
  sessionStorage.clear();
});

it("asks the route nothing where the cookie is as it should be", async () => {
  expect(await answers({}, { announces: true })).toEqual([]);
  expect(asked).toEqual([]);
});

it("answers once on a first visit that there is no token in localStorage", async () => {
  const none = { to: "have", token: null, blocked: false, kept: false };
  expect(await answers({ takesOver: true }, { takesOver: true })).toEqual([none]);
  expect(asked).toEqual([]);
});

it("presents a ticket, and once more to see whether the browser keeps the cookie", async () => {
  statuses = [200, 204];
  expect(await answers({ ticket: "T" })).toEqual([]);
  const presented = ["/base/_pgstate/cookie", "present", "T"];
  expect(asked).toEqual([presented, presented]);
});

it("presents each ticket once, however often the server sends it", async () => {
  await answers({ ticket: "T" }, { ticket: "T" }, { ticket: "sealed again" });
  expect(asked).toHaveLength(1);
  await answers({ ticket: "U", have: "next" });
  expect(asked).toHaveLength(2);
});

it("reports that the browser keeps no cookie", async () => {
  statuses = [200, 200];
  const blocked = { to: "have", token: null, blocked: true, kept: false };
  expect(await answers({ ticket: "T" })).toEqual([blocked]);
});

async function turns(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await new Promise((done) => setTimeout(done));
}

it("presents two tickets of one run one after the other, and loads nothing anew", async () => {
  waiting = [];
  statuses = [200, 204, 200, 204];
  expect(await answers({ ticket: "T" }, { ticket: "U", have: "next" })).toEqual([]);
  expect(asked.map(([, , body]) => body)).toEqual(["T"]);
  while (asked.length < 4 || waiting.length > 0) {
    waiting.shift()?.();
    await turns();
  }
  expect(asked.map(([, , body]) => body)).toEqual(["T", "T", "U", "U"]);
  expect(reloads).toBe(0);
});

it("stays as it is where the ticket of a token that was replaced meanwhile comes too late", async () => {
  waiting = [];
  statuses = [409, 200, 204];
  expect(await answers({ ticket: "T" }, { ticket: "U", have: "next" })).toEqual([]);
  while (asked.length < 3 || waiting.length > 0) {
    waiting.shift()?.();
    await turns();
  }
  expect(asked.map(([, , body]) => body)).toEqual(["T", "U", "U"]);
  expect(reloads).toBe(0);
});

it("presents a ticket while no other tab does", async () => {
  const named: string[] = [];
  locks = { request: (name, _, act) => (named.push(name), act()) };
  await answers({ ticket: "T" });
  expect(named).toEqual([local().replace("pgstate", "pgstate-app")]);
});

it("presents a ticket though it waits in vain for its turn, and tells the other tabs", async () => {
  locks = { request: () => Promise.reject(new DOMException("aborted", "TimeoutError")) };
  const heard: unknown[] = [];
  const other = new BroadcastChannel(local().replace("pgstate", "pgstate-app"));
  other.addEventListener("message", ({ data }) => heard.push(data));
  expect(await answers({ ticket: "T" })).toEqual([]);
  await turns();
  while (heard.length === 0) await turns();
  other.close();
  expect(asked.map(([, , body]) => body)).toEqual(["T"]);
  expect(heard).toContain("changed");
});

it("presents its last ticket again where another tab changes the cookie without a lock", async () => {
  await answers({ ticket: "T" });
  statuses = [409, 200, 204];
  asked = [];
  const other = new BroadcastChannel(local().replace("pgstate", "pgstate-app"));
  other.postMessage("changed");
  await turns();
  while (asked.length < 3) await turns();
  other.close();
  expect(asked.map(([, verb]) => verb)).toEqual(["check", "present", "present"]);
  expect(reloads).toBe(0);
});

it("tries again where the network or the server fails", async () => {
  statuses = [503, 400, 204];
  expect(await answers({ ticket: "T" })).toEqual([]);
  expect(pauses).toEqual([500, 2000]);
});

it("gives up after four more tries, and presents the ticket again when it is asked to", async () => {
  statuses = [];
  expect(await answers({ ticket: "T" })).toHaveLength(1);
  expect(asked).toHaveLength(5);
  statuses = [204];
  expect(await answers({ ticket: "T" })).toEqual([]);
});

it("loads anew where the browser has another token, once within half a minute", async () => {
  statuses = [409];
  expect(await answers({ ticket: "T" })).toEqual([]);
  expect(reloads).toBe(1);
  expect(await answers({ ticket: "U", have: "next" })).toHaveLength(1);
  expect(reloads).toBe(1);
});

it("asks for a token where none came with the page, and loads anew with it", async () => {
  statuses = [200, 204];
  expect(await answers({ ask: true })).toEqual([]);
  expect(asked.map(([, verb]) => verb)).toEqual(["renew", "renew"]);
  expect(reloads).toBe(1);
});

it("answers that nothing is kept where no token came and none is kept", async () => {
  statuses = [200];
  expect(await answers({ ask: true })).toHaveLength(1);
  expect(reloads).toBe(0);
});

it("reports a token in localStorage on a first visit alone, and once", async () => {
  localStorage.setItem(local(), LOCAL);
  expect(await answers({})).toEqual([]);
  const reported = { to: "have", token: LOCAL, blocked: false, kept: false };
  expect(await answers({ takesOver: true }, { takesOver: true })).toEqual([reported]);
});

it.each([
  ["the cookie has it", { have: MARK }],
  ["the cookie has its successor", { replaces: MARK }],
  ["the visitor is forgotten", { clears: true }],
])("removes the token from localStorage when %s", async (_, what) => {
  localStorage.setItem(local(), LOCAL);
  await answers({ ticket: "T", ...what });
  expect(localStorage.getItem(local())).toBeNull();
});

it("keeps another token in localStorage, and one whose cookie did not come", async () => {
  localStorage.setItem(local(), OTHER);
  await answers({ ticket: "T", replaces: MARK });
  expect(localStorage.getItem(local())).toBe(OTHER);
  localStorage.setItem(local(), LOCAL);
  statuses = [409];
  await answers({ ticket: "U", have: MARK });
  expect(localStorage.getItem(local())).toBe(LOCAL);
});

it.each([
  ["key", true],
  ["final", false],
] as const)("sets a token of localStorage aside that was refused: %s", async (because, isKept) => {
  localStorage.setItem(local(), LOCAL);
  await answers({ takesOver: true, replaces: MARK, because });
  expect(localStorage.getItem(local())).toBeNull();
  const aside = localStorage.getItem(local().replace("pgstate", "pgstate-aside"));
  expect(aside?.startsWith(LOCAL) ?? false).toBe(isKept);
});

it("looks for another token when another tab announces one, and loads anew", async () => {
  await answers({});
  statuses = [409];
  const channel = new BroadcastChannel(local().replace("pgstate", "pgstate-app"));
  channel.postMessage("have");
  channel.postMessage("another");
  await expect.poll(() => reloads).toBe(1);
  expect(asked).toEqual([["/base/_pgstate/cookie", "check", "have"]]);
  channel.close();
});

it("announces a token once", async () => {
  const heard: unknown[] = [];
  const channel = new BroadcastChannel(local().replace("pgstate", "pgstate-app"));
  channel.onmessage = ({ data }) => heard.push(data);
  await answers({ announces: true }, { announces: true }, { announces: true, have: "next" });
  await expect.poll(() => heard).toEqual(["have", "next"]);
  channel.close();
});
