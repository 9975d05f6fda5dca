import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  agree,
  agreeInTab,
  type Answer,
  type Claims,
  fingerprint,
  newMemory,
  type Question,
} from "./agreement";
import type { Acceptance, Aside, Refusal } from "./aside";
import type { Copies } from "./copies";

/** The conversations that Python runs too, in tests/unit/test_handshake.py. */
const TABLE = new URL("../../tests/handshake.json", import.meta.url);
const { conversations } = JSON.parse(readFileSync(TABLE, "utf-8")) as {
  conversations: Conversation[];
};

interface Conversation {
  name: string;
  scope?: "tab";
  browser: { local: string | null; cookie?: string | null; is?: "blocked"; aside?: string[] };
  rounds: Round[];
}

interface Round {
  before?: {
    local?: string | null;
    cookie?: string | null;
    is?: "blocked" | "open";
    others?: string;
    aside?: string[];
    page?: object;
    server?: keyof typeof SERVERS;
  };
  question: {
    have: string;
    offers?: boolean;
    replaces?: string;
    ask?: boolean;
    forgets?: boolean;
    because?: Refusal;
    clears?: boolean;
  };
  answer: {
    token: string | null;
    blocked?: boolean;
    kept?: boolean;
    copied?: boolean;
    shown?: boolean;
  } | null;
  copies: { local: string | null; cookie?: string | null; aside?: string[] };
}

const RIGHT: Acceptance = { key: "k1", database: "d1", earliest: 0, latest: 1e12 };
const SERVERS = {
  "the right one": RIGHT,
  "another key": { ...RIGHT, key: "k2" },
  "another database": { ...RIGHT, database: "d2" },
  "a clock behind": { ...RIGHT, latest: 1 },
};

/** The table names tokens by a letter. */
const tokenOf = (name: string) => `${name.repeat(64)}.abcdef.${name.repeat(43)}`;
const markOf = (name: string) => fingerprint(tokenOf(name));
const orNull = <T>(name: string | null | undefined, make: (name: string) => T) =>
  name === null || name === undefined ? null : make(name);

/** In the table a token that lies aside is named "A", or "A spare". */
const asideOf = (names: string[] = []): Aside[] =>
  names.map((name) => {
    const [letter, ...marks] = name.split(/ spare|, refused by /).filter((part) => part !== "");
    return { token: tokenOf(letter as string), refusedBy: marks, isSpare: name.endsWith("spare") };
  });
const namesOf = (list: Aside[]): string[] =>
  list.map(({ token, isSpare }) => `${token[0]}${isSpare ? " spare" : ""}`);

class Browser implements Copies {
  aside: Aside[] = [];
  constructor(
    public local: string | null,
    public cookie: string | null,
    public isBlocked: boolean,
  ) {}
  readLocal = () => (this.isBlocked ? null : this.local);
  readCookie = () => (this.isBlocked ? null : this.cookie);
  isReadable = () => !this.isBlocked;
  writeLocal = (text: string | null) => {
    if (!this.isBlocked) this.local = text;
  };
  writeCookie = (text: string | null) => {
    if (!this.isBlocked) this.cookie = text;
  };
  readAside = () => this.aside;
  writeAside = (list: Aside[]) => {
    if (!this.isBlocked) this.aside = list;
    return !this.isBlocked;
  };
}

function questionOf(question: Round["question"], accepts: Acceptance): Question {
  const { have, offers, replaces, ask, forgets, because, clears } = question;
  return {
    because: because ?? "final",
    clears: clears ?? false,
    accepts,
    have: markOf(have),
    offer: offers ? tokenOf(have) : null,
    replaces: orNull(replaces, markOf),
    ask: ask ?? false,
    forgets: forgets ?? false,
  };
}

function answerOf({ question, answer }: Round): Answer | null {
  if (answer === null) return null;
  const { blocked = false, kept = false, copied, shown } = answer;
  const to = markOf(question.have);
  const always = { to, token: orNull(answer.token, tokenOf), blocked, kept };
  return { ...always, ...(copied && { copied }), ...(shown && { shown }) };
}

function claimsOf(others: string | undefined): Claims {
  return { isCopy: () => others === "claim it", isSettled: others !== "may claim it" };
}

describe("the browser keeps to the conversation:", () => {
  it.each(conversations.map((it) => [it.name, it] as const))("%s", (_, conversation) => {
    const { local, cookie, is } = conversation.browser;
    const isTab = conversation.scope === "tab";
    const browser = new Browser(
      orNull(local, tokenOf),
      orNull(cookie, tokenOf),
      is === "blocked",
    );
    browser.aside = asideOf(conversation.browser.aside);
    let memory = newMemory();
    let accepts = RIGHT;
    for (const round of conversation.rounds) {
      const { local, cookie, is, others, aside, page, server } = round.before ?? {};
      if (page !== undefined) memory = newMemory();
      if (server !== undefined) accepts = SERVERS[server];
      if (aside !== undefined) browser.aside = asideOf(aside);
      if (is !== undefined) browser.isBlocked = is === "blocked";
      if (local !== undefined) browser.local = orNull(local, tokenOf);
      if (cookie !== undefined) browser.cookie = orNull(cookie, tokenOf);
      const copies = isTab
        ? { ...browser, readCookie: () => null, writeCookie: () => undefined }
        : browser;
      const question = questionOf(round.question, accepts);
      const answer = isTab
        ? agreeInTab(question, copies, memory, claimsOf(others))
        : agree(question, copies, memory);
      expect(answer).toEqual(answerOf(round));
      expect(namesOf(browser.aside)).toEqual(round.copies.aside ?? []);
      expect(browser.local).toBe(orNull(round.copies.local, tokenOf));
      if (!isTab) expect(browser.cookie).toBe(orNull(round.copies.cookie, tokenOf));
    }
  });
});
