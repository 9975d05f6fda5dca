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
import type { Copies } from "./copies";

/** The conversations that Python runs too, in tests/unit/test_handshake.py. */
const TABLE = new URL("../../tests/handshake.json", import.meta.url);
const { conversations } = JSON.parse(readFileSync(TABLE, "utf-8")) as {
  conversations: Conversation[];
};

interface Conversation {
  name: string;
  scope?: "tab";
  browser: { local: string | null; cookie?: string | null; is?: "blocked" };
  rounds: Round[];
}

interface Round {
  before?: {
    local?: string | null;
    cookie?: string | null;
    is?: "blocked" | "open";
    others?: string;
  };
  question: { have: string; offers?: boolean; replaces?: string; ask?: boolean; forgets?: boolean };
  answer: {
    token: string | null;
    blocked?: boolean;
    kept?: boolean;
    copied?: boolean;
    shown?: boolean;
  } | null;
  copies: { local: string | null; cookie?: string | null };
}

/** The table names tokens by a letter. */
const tokenOf = (name: string) => `${name.repeat(64)}.abcdef.${name.repeat(43)}`;
const markOf = (name: string) => fingerprint(tokenOf(name));
const orNull = <T>(name: string | null | undefined, make: (name: string) => T) =>
  name === null || name === undefined ? null : make(name);

class Browser implements Copies {
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
}

function questionOf({ have, offers, replaces, ask, forgets }: Round["question"]): Question {
  return {
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
    const memory = newMemory();
    for (const round of conversation.rounds) {
      const { local, cookie, is, others } = round.before ?? {};
      if (is !== undefined) browser.isBlocked = is === "blocked";
      if (local !== undefined) browser.local = orNull(local, tokenOf);
      if (cookie !== undefined) browser.cookie = orNull(cookie, tokenOf);
      const copies = isTab
        ? { ...browser, readCookie: () => null, writeCookie: () => undefined }
        : browser;
      const question = questionOf(round.question);
      const answer = isTab
        ? agreeInTab(question, copies, memory, claimsOf(others))
        : agree(question, copies, memory);
      expect(answer).toEqual(answerOf(round));
      expect(browser.local).toBe(orNull(round.copies.local, tokenOf));
      if (!isTab) expect(browser.cookie).toBe(orNull(round.copies.cookie, tokenOf));
    }
  });
});
