/**
 * The component as Streamlit drives it: alone, and against a server that follows the rules of
 * `streamlit_pgstate/page/replies.py`, through random sequences of what visitors and browsers do.
 */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Answer, fingerprint } from "./agreement";
import { isToken } from "./copies";
import { issuedAt } from "./aside";
import type render from "./index";

type Render = typeof render;
type Veiled = Answer;

const NAME = "pgstate.app.8501.";
const VEIL = Array.from({ length: 128 }, (_, i) => ((i * 37) % 256).toString(16).padStart(2, "0"));

let minted = 0;

const TIME = "awss7g";
const A_DAY_BEFORE = "awhOgA";

function mint(at = TIME): string {
  const number = String(++minted).padStart(16, "0");
  return `${number.repeat(4)}.${at}.${number}${"z".repeat(27)}`;
}

function unveiled(text: string): string {
  const bytes = text.match(/../g) ?? [];
  return bytes
    .map((byte, i) => String.fromCharCode(parseInt(byte, 16) ^ parseInt(VEIL[i] as string, 16)))
    .join("");
}

/** What all tabs of one browser share. */
class Browser {
  local: string | null = null;
  cookie: string | null = null;
  aside: string | null = null;
  localIs: "fine" | "blocked" | "read-only" = "fine";
  cookieIs: "fine" | "blocked" = "fine";
  pages: Page[] = [];

  /** What the server sees of the cookie, before any script of ours runs. */
  sent(): string | null {
    return this.cookieIs === "fine" ? this.cookie : null;
  }

  read(name: string): string | null {
    return name === NAME ? this.local : this.aside;
  }

  write(name: string, text: string | null, by: Page): void {
    if (this.localIs !== "fine" || this.read(name) === text) return;
    if (name === NAME) this.local = text;
    else this.aside = text;
    for (const page of this.pages) if (page !== by) page.due.push("storage");
  }
}

/** One page: a `window` and a `document` of its own, and the module loaded afresh. */
class Page {
  due: string[] = [];
  visibility = "visible";
  private listeners = new Map<string, Set<() => void>>();
  private window: object;
  private document: object;
  private render!: Render;

  constructor(readonly browser: Browser) {
    const page = this;
    const listening = {
      addEventListener: (name: string, listener: () => void) => {
        this.listeners.set(name, (this.listeners.get(name) ?? new Set()).add(listener));
      },
      removeEventListener: (name: string, listener: () => void) => {
        this.listeners.get(name)?.delete(listener);
      },
    };
    this.document = {
      ...listening,
      getElementById: () => ({}), // the style of the progress bar: see style.test.ts
      get visibilityState() {
        return page.visibility;
      },
      get cookie() {
        const text = browser.sent();
        return text === null ? "" : `${NAME}=${text}`;
      },
      set cookie(text: string) {
        if (browser.cookieIs !== "fine" || !text.startsWith(NAME)) return;
        const value = /=([^;]*)/.exec(text)?.[1] ?? "";
        browser.cookie = value === "" ? null : value;
      },
    };
    this.window = {
      ...listening,
      document: this.document,
      location: new URL("http://localhost:8501/"),
      get navigator() {
        return { cookieEnabled: browser.cookieIs === "fine" };
      },
      get localStorage() {
        if (browser.localIs === "blocked") throw new DOMException("denied", "SecurityError");
        return {
          getItem: (name: string) => browser.read(name),
          setItem: (name: string, text: string) => browser.write(name, text, page),
          removeItem: (name: string) => browser.write(name, null, page),
        };
      },
    };
    browser.pages.push(this);
  }

  async load(): Promise<this> {
    vi.resetModules();
    this.render = (await import("./index")).default;
    return this;
  }

  mount(key: string, data: object, setStateValue: (name: string, answer: Veiled) => void) {
    const stop = this.here(() =>
      this.render({ key, data, setStateValue } as unknown as Parameters<Render>[0]),
    ) as () => void;
    return () => this.here(stop);
  }

  fire(name: string): void {
    this.here(() => {
      for (const listener of [...(this.listeners.get(name) ?? [])]) listener();
    });
  }

  listening(): number {
    return [...this.listeners.values()].reduce((sum, listeners) => sum + listeners.size, 0);
  }

  close(): void {
    this.browser.pages = this.browser.pages.filter((page) => page !== this);
  }

  private here<T>(action: () => T): T {
    vi.stubGlobal("window", this.window);
    vi.stubGlobal("document", this.document);
    try {
      return action();
    } finally {
      vi.unstubAllGlobals();
    }
  }
}

const data = (have: string, more: object = {}) => ({
  ...{ app: "app", maxAge: 100, cookie: true, veil: VEIL.join(""), ask: false },
  ...{ have: fingerprint(have), offer: null, replaces: null, because: "final", clears: false },
  accepts: { key: "k", database: "d", earliest: 0, latest: 1e12 },
  ...more,
});

describe("the component", () => {
  let browser: Browser;
  let page: Page;
  let answers: (string | null)[];
  const [A, B] = [mint(), mint()];
  const say = (_: string, answer: Veiled) =>
    void answers.push(answer.token === null ? null : unveiled(answer.token));

  beforeEach(async () => {
    browser = new Browser();
    page = await new Page(browser).load();
    answers = [];
  });

  it("keeps an offer and says nothing", () => {
    page.mount("k", data(A, { offer: A }), say);
    expect([browser.local, browser.cookie, answers]).toEqual([A, A, []]);
  });

  it("never shows a token in what it says", () => {
    browser.local = B;
    const sent: unknown[] = [];
    page.mount("k", data(A), (name, answer) => sent.push(name, answer));
    expect(sent).toHaveLength(2);
    expect(JSON.stringify(sent)).not.toContain(B);
    expect(unveiled((sent[1] as Answer).token as string)).toBe(B);
  });

  it("answers once, however often it is rendered or hears of something", () => {
    browser.local = B;
    page.mount("k", data(A), say);
    page.mount("k", data(A), say);
    for (const name of ["storage", "pageshow", "visibilitychange", "storage"]) page.fire(name);
    expect(answers).toEqual([B]);
  });

  it("listens once, with its latest question, and not at all when it is gone", () => {
    const stops = [page.mount("k", data(A, { offer: A }), say)];
    const listeners = page.listening();
    stops.push(page.mount("k", data(B, { offer: B, replaces: fingerprint(A) }), say));
    expect(page.listening()).toBe(listeners);
    page.fire("storage");
    expect(answers).toEqual([]);
    for (const stop of stops) stop();
    expect(page.listening()).toBe(0);
  });

  it("answers for each place that it is mounted in, but what happens later only once", () => {
    browser.local = B;
    page.mount("page", data(A), say);
    page.mount("fragment", data(A), say);
    expect(answers).toEqual([B, B]);
    browser.local = mint();
    page.fire("storage");
    expect(answers).toEqual([B, B, browser.local]);
  });

  it("hears nothing while its tab is hidden, and catches up when it is shown", () => {
    page.mount("k", data(A, { offer: A }), say);
    browser.local = B;
    page.visibility = "hidden";
    page.fire("visibilitychange");
    expect(answers).toEqual([]);
    page.visibility = "visible";
    page.fire("visibilitychange");
    expect(answers).toEqual([B]);
  });

  it("says once that nothing can be kept, and never that it was taken away", () => {
    browser.localIs = "blocked";
    browser.cookieIs = "blocked";
    const blocked: boolean[] = [];
    page.mount("k", data(A, { offer: A }), (_, answer) => blocked.push(answer.blocked));
    for (const name of ["storage", "pageshow", "visibilitychange"]) page.fire(name);
    expect(blocked).toEqual([true]);
  });
});

// A server by the rules of replies.py

interface Database {
  /** Each token that was ever good: the session it opens, while it does. */
  sessions: Map<string, string>;
  /** Sessions that were forgotten or have expired. */
  dead: Set<string>;
  /** What was written, by session. */
  written: Map<string, Set<string>>;
  /** The signing key of the servers that pages reach from now on. */
  key: "k1" | "k2";
  /** Whether the servers of `k2` have the same key in truth, and a clock that is a day behind. */
  isBehind: boolean;
  /** The key under which each token was signed. */
  signedBy: Map<string, string>;
}

class Visit {
  token = "";
  durable: boolean | null = null;
  runs = 0;
  private isNew = true;
  private isCandidate = false;
  private offers = false;
  private replaces: string | null = null;
  private because = "final";
  private mounted: object[] = [];
  private readonly key: string;

  constructor(
    private database: Database,
    private cookie: string | null,
  ) {
    this.key = database.key;
  }

  session(): string {
    return this.database.sessions.get(this.token) as string;
  }

  /** One script run: what it mounts, in order. */
  run(state: Veiled | null, action: string): object[] {
    this.runs++;
    this.mounted = [];
    const isNew = this.isNew;
    if (isNew) this.open();
    this.hear(state);
    if (!isNew && this.isDead()) this.startOver();
    this.hear(this.mount() && state);
    if (action === "write") this.write();
    if (action === "rotate") this.rotate();
    if (action === "forget") {
      this.database.dead.add(this.session());
      this.startOver();
    }
    return this.mounted;
  }

  private isGood(text: string): boolean {
    const session = this.database.sessions.get(text);
    if (this.refusal(text) !== "final") return false;
    return isToken(text) && session !== undefined && !this.database.dead.has(session);
  }

  private refusal(text: string): "key" | "time" | "final" {
    if (this.database.isBehind) {
      return issuedAt(text) > this.latest() ? "time" : "final";
    }
    return (this.database.signedBy.get(text) ?? this.key) === this.key ? "final" : "key";
  }

  private latest(): number {
    return this.isLate() ? issuedAt(`.${A_DAY_BEFORE}`) : 1e12;
  }

  private isLate(): boolean {
    return this.database.isBehind && this.key === "k2";
  }

  private refuse(text: string): void {
    this.replaces = fingerprint(text);
    this.because = this.refusal(text);
  }

  private isDead(): boolean {
    return !this.isGood(this.token);
  }

  private open(): void {
    this.isNew = false;
    if (this.cookie !== null) {
      if (this.isGood(this.cookie)) {
        this.adopt(this.cookie);
        this.durable = true;
        return;
      }
      this.refuse(this.cookie);
    }
    this.useCandidate();
  }

  private adopt(text: string): void {
    this.token = text;
    this.isCandidate = this.offers = false;
    this.replaces = null;
  }

  private useCandidate(): void {
    this.token = mint(this.isLate() ? A_DAY_BEFORE : TIME);
    this.database.sessions.set(this.token, `session ${minted}`);
    this.database.signedBy.set(this.token, this.key);
    this.isCandidate = this.offers = true;
  }

  private startOver(): void {
    this.refuse(this.token);
    this.useCandidate();
    if (this.mounted.length > 0) this.mount();
  }

  private rotate(): void {
    const [session, before] = [this.session(), this.token];
    this.refuse(before);
    this.token = mint();
    this.offers = true;
    this.database.signedBy.set(this.token, this.key);
    this.database.sessions.set(this.token, session);
    if (this.mounted.length > 0) this.mount();
  }

  private write(): void {
    const written = this.database.written.get(this.session()) ?? new Set();
    this.database.written.set(this.session(), written.add("value"));
  }

  private mount(): true {
    const offer = this.offers ? this.token : null;
    const { replaces, because, key } = this;
    const mark = this.database.isBehind ? "k1" : key;
    const accepts = { key: mark, database: "d", earliest: 0, latest: this.latest() };
    this.mounted.push(data(this.token, { offer, replaces, because, accepts }));
    return true;
  }

  private hear(answer: Veiled | null): void {
    if (answer === null || answer.to !== fingerprint(this.token)) return;
    const text = answer.token === null ? null : unveiled(answer.token);
    if (text === null) {
      if (answer.blocked) this.durable = false;
      else {
        this.useCandidate();
        this.durable = null;
      }
    } else if (text === this.token) {
      this.durable = true;
      this.isCandidate = false;
    } else this.hearOfAnother(text, answer.kept);
  }

  private hearOfAnother(text: string, kept: boolean): void {
    if (!this.isGood(text)) {
      this.refuse(text);
      this.offers = true;
      return;
    }
    const [before, wasCandidate] = [this.session(), this.isCandidate];
    this.adopt(text);
    this.durable = true;
    if (wasCandidate && !kept && before !== this.session()) this.database.dead.add(before);
  }
}

/** A tab: its page, its visit on the server, and the components that stand in the page. */
class Tab {
  visit!: Visit;
  page!: Page;
  due: string[] = [];
  private answers = new Map<string, Veiled>();
  private standing = new Map<string, { data: string; stop: () => void }>();

  constructor(
    private browser: Browser,
    private database: Database,
    private random: () => number,
  ) {}

  async load(): Promise<this> {
    this.page?.close();
    this.page = await new Page(this.browser).load();
    this.standing.clear();
    this.connect();
    return this;
  }

  /** A new session on a server: the first, after F5, or after the server was restarted. */
  connect(): void {
    this.visit = new Visit(this.database, this.browser.sent());
    this.answers.clear();
    this.due = ["look"];
  }

  /** One script run, and what the browser makes of it. */
  run(): void {
    const action = this.due.shift() as string;
    const mounts = this.visit.run(this.answers.get("0") ?? null, action);
    for (const key of [...this.standing.keys()].slice(mounts.length)) {
      this.standing.get(key)?.stop();
      this.standing.delete(key);
      this.answers.delete(key);
    }
    const order = [...mounts.keys()];
    if (this.random() < 0.5) order.reverse(); // the browser loads each on its own
    for (const number of order) this.show(String(number), mounts[number] as object);
  }

  private show(key: string, data: object): void {
    const text = JSON.stringify(data);
    const before = this.standing.get(key);
    if (before?.data === text) return;
    const stop = this.page.mount(key, data, (_, answer) => {
      this.answers.set(key, answer);
      if (!this.due.includes("rerun")) this.due.push("rerun");
    });
    this.standing.set(key, { data: text, stop });
  }

  close(): void {
    this.page.close();
  }
}

function randomness(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

class World {
  browser = new Browser();
  database: Database = {
    ...{ sessions: new Map(), dead: new Set(), written: new Map() },
    ...{ key: "k1", isBehind: false, signedBy: new Map() },
  };
  tabs: Tab[] = [];
  readonly random: () => number;

  constructor(seed: number) {
    this.random = randomness(seed);
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)] as T;
  }

  async open(): Promise<Tab> {
    const tab = await new Tab(this.browser, this.database, this.random).load();
    this.tabs.push(tab);
    return tab;
  }

  /** Let everything happen that is due, in any order; how many runs each tab took. */
  settle(): number[] {
    const before = this.tabs.map((tab) => tab.visit.runs);
    for (let steps = 0; ; steps++) {
      const open = this.tabs.filter((tab) => tab.due.length + tab.page.due.length > 0);
      if (open.length === 0) break;
      if (steps > 200) throw new Error("a loop");
      const tab = this.pick(open);
      const first = this.random() < 0.5;
      if (tab.page.due.length > 0 && (first || tab.due.length === 0)) {
        tab.page.fire(tab.page.due.shift() as string);
      } else tab.run();
    }
    return this.tabs.map((tab, i) => tab.visit.runs - (before[i] as number));
  }

  /** Each tab is looked at once: what a browser does not tell it, it finds out then. */
  lookAtAll(): void {
    for (const tab of this.tabs) {
      tab.page.fire("visibilitychange");
      this.settle();
    }
  }

  badToken(): string {
    const dead = [...this.database.sessions].filter(([, session]) => this.database.dead.has(session));
    return this.pick([...dead.map(([text]) => text), mint(), mint().slice(2), "nonsense"]);
  }
}

describe("the component and a server", () => {
  afterEach(() => vi.restoreAllMocks());

  async function visited(seed = 1): Promise<[World, Tab, string]> {
    const world = new World(seed);
    const tab = await world.open();
    expect(world.settle()).toEqual([1]);
    return [world, tab, tab.visit.token];
  }

  const agreed = (world: World) => expect(agreement(world)).toBe("they agree");

  it("need one run for a first visit, F5, a new tab and a restarted server", async () => {
    const [world, tab, token] = await visited();
    await tab.load();
    expect(world.settle()).toEqual([1]);
    await world.open();
    expect(world.settle()).toEqual([0, 1]);
    tab.connect();
    expect(world.settle()).toEqual([1, 0]);
    expect(tab.visit.token).toBe(token);
    agreed(world);
  });

  it("need two where the cookie is lost, and one where localStorage is", async () => {
    const [world, tab, token] = await visited();
    world.browser.cookie = null;
    await tab.load();
    const candidates = new Set(world.database.dead);
    expect(world.settle()).toEqual([2]);
    expect(world.database.dead.size).toBe(candidates.size + 1);
    world.browser.local = null;
    await tab.load();
    expect(world.settle()).toEqual([1]);
    expect(tab.visit.token).toBe(token);
    agreed(world);
  });

  it("need one for a refused token in both copies, and two for one of them", async () => {
    for (const [inLocal, inCookie, runs] of [[true, true, 1], [true, false, 2], [false, true, 2]]) {
      const [world, tab, token] = await visited();
      const bad = mint();
      if (inLocal) world.browser.local = bad;
      if (inCookie) world.browser.cookie = bad;
      await tab.load();
      expect(world.settle()).toEqual([runs]);
      expect(tab.visit.token === token).toBe(!(inLocal && inCookie));
      agreed(world);
    }
  });

  it("need two at most in each of several tabs that open at once", async () => {
    for (let seed = 0; seed < 200; seed++) {
      const world = new World(seed);
      for (let tabs = 0; tabs < 2 + (seed % 3); tabs++) await world.open();
      for (const run of world.settle()) expect(run).toBeLessThanOrEqual(2);
      agreed(world);
    }
  });

  it("follow a rotation with one run, and a forgotten state with one", async () => {
    for (let seed = 0; seed < 50; seed++) {
      const [world, first] = await visited(seed);
      await world.open();
      world.settle();
      for (const action of ["rotate", "forget", "rotate", "rotate", "forget"]) {
        first.due.push(action);
        expect(world.settle()).toEqual([1, 1]);
        agreed(world);
      }
    }
  });

  it("take two runs where nothing can be kept, and lose nothing while the tab is open", async () => {
    for (const localIs of ["blocked", "read-only"] as const) {
      const world = new World(1);
      Object.assign(world.browser, { localIs, cookieIs: "blocked" });
      const tab = await world.open();
      expect(world.settle()).toEqual([2]);
      expect(tab.visit.durable).toBe(false);
      const { token } = tab.visit;
      world.lookAtAll();
      tab.due.push("look");
      expect(world.settle()).toEqual([1]);
      expect(tab.visit.token).toBe(token);
    }
  });

  const SEEDS = Number(import.meta.env.VITE_SEEDS ?? 300);
  const MOST = 8; // runs of one tab, where several events fall together

  const EVENTS = [
    ...["click", "click", "write", "rotate", "forget", "reload", "open", "close", "restart"],
    ...["lose local", "lose cookie", "lose both", "bad local", "bad cookie", "bad both"],
    ...["expire", "look", "block local", "block cookie", "unblock"],
  ] as const;

  async function happen(world: World, event: string): Promise<void> {
    const { browser, database } = world;
    const tab = world.pick(world.tabs);
    switch (event) {
      case "click":
      case "write":
      case "rotate":
      case "forget":
        tab.due.push(event);
        break;
      case "reload":
        await tab.load();
        break;
      case "open":
        if (world.tabs.length < 4) await world.open();
        break;
      case "close":
        if (world.tabs.length > 1) {
          tab.close();
          world.tabs = world.tabs.filter((other) => other !== tab);
        }
        break;
      case "restart":
        for (const each of world.tabs) each.connect();
        break;
      case "lose local":
      case "lose both":
        browser.local = null;
        if (event === "lose both") browser.cookie = null;
        break;
      case "lose cookie":
        browser.cookie = null;
        break;
      case "bad local":
        browser.local = world.badToken();
        break;
      case "bad cookie":
        browser.cookie = world.badToken();
        break;
      case "bad both":
        browser.local = browser.cookie = world.badToken();
        break;
      case "expire":
        database.dead.add(tab.visit.session());
        break;
      case "look":
        tab.page.fire("visibilitychange");
        break;
      case "block local":
        browser.localIs = "blocked";
        break;
      case "read-only":
        browser.localIs = "read-only";
        break;
      case "block cookie":
        browser.cookieIs = "blocked";
        break;
      case "unblock":
        browser.localIs = browser.cookieIs = "fine";
    }
  }

  /** Random events, then nothing blocked any more, then a look at each tab: the most runs. */
  async function live(seed: number, events: readonly string[], isReloaded: boolean) {
    const world = new World(seed);
    await world.open();
    const history: string[] = [];
    let most = 0;
    for (let i = 0; i < 25; i++) {
      const event = world.pick(events);
      history.push(event);
      await happen(world, event);
      if (world.random() < 0.3) continue; // the next thing happens before this one is over
      most = Math.max(most, ...world.settle());
    }
    Object.assign(world.browser, { localIs: "fine", cookieIs: "fine" });
    for (const tab of world.tabs) {
      tab.due.push("click");
      if (isReloaded) await tab.load();
    }
    world.settle();
    world.lookAtAll();
    world.lookAtAll();
    expect([seed, history, agreement(world)]).toEqual([seed, history, "they agree"]);
    return most;
  }

  function agreement(world: World): string {
    const { local, cookie } = world.browser;
    const tokens = new Set([local, cookie, ...world.tabs.map((tab) => tab.visit.token)]);
    return tokens.size === 1 ? "they agree" : `they have ${tokens.size} tokens`;
  }

  it("always come to rest, whatever happens, and agree once nothing is blocked", async () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      expect(await live(seed, EVENTS, false)).toBeLessThanOrEqual(MOST);
    }
  }, 60_000);

  it("lose no state between servers that refuse each other's tokens, and come to rest", async () => {
    const events = ["click", "write", "reload", "reload", "open", "close", "restart", "lose cookie"];
    for (let seed = 0; seed < SEEDS / 3; seed++) {
      const world = new World(seed);
      const { database } = world;
      await world.open();
      world.settle();
      const homes = new Map([["k1", (world.tabs[0] as Tab).visit.token]]);
      const history: string[] = [];
      for (let i = 0; i < 20; i++) {
        const event = world.pick([...events, "switch", "switch"]);
        history.push(event);
        if (event === "switch") database.key = database.key === "k1" ? "k2" : "k1";
        else await happen(world, event);
        for (const runs of world.settle()) expect([seed, history, runs <= 5]).toContain(true);
        for (const { visit } of world.tabs) {
          const key = database.signedBy.get(visit.token) as string;
          if (!homes.has(key)) homes.set(key, visit.token);
          expect([seed, history, homes.get(key)]).toEqual([seed, history, visit.token]);
        }
      }
      for (const [key, token] of homes) {
        database.key = key as "k1";
        const tab = world.tabs[0] as Tab;
        await tab.load();
        world.settle();
        expect([seed, history, tab.visit.token]).toEqual([seed, history, token]);
      }
    }
  }, 60_000);

  it("go back to the first token after a server whose clock is behind", async () => {
    const events = ["click", "write", "reload", "reload", "open", "close", "restart", "lose cookie"];
    for (let seed = 0; seed < SEEDS / 3; seed++) {
      const world = new World(seed);
      const { database } = world;
      database.isBehind = true;
      await world.open();
      world.settle();
      const { token } = (world.tabs[0] as Tab).visit;
      const history: string[] = [];
      for (let i = 0; i < 20; i++) {
        const event = world.pick([...events, "switch", "switch"]);
        history.push(event);
        if (event === "switch") database.key = database.key === "k1" ? "k2" : "k1";
        else await happen(world, event);
        for (const runs of world.settle()) expect([seed, history, runs <= 6]).toContain(true);
      }
      const tab = world.tabs[0] as Tab;
      const found: string[] = [];
      for (const key of ["k1", "k2", "k1", "k2"] as const) {
        database.key = key;
        await tab.load();
        world.settle();
        found.push(tab.visit.token);
      }
      expect([seed, history, found[0], found[2]]).toEqual([seed, history, token, token]);
      expect(found[1]).toBe(found[3]);
    }
  }, 60_000);

  it("come to rest where localStorage takes nothing in, and agree at F5 once it does", async () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      expect(await live(seed, [...EVENTS, "read-only"], true)).toBeLessThanOrEqual(MOST);
    }
  }, 60_000);
});
