import { beforeEach, describe, expect, it } from "vitest";
import { agree, fingerprint, markOf, type Memory, newMemory, type Question } from "./agreement";
import type { Aside } from "./aside";
import type { Copies } from "./copies";

const token = (letter: string) => `${letter.repeat(64)}.abcdef.${letter.repeat(43)}`;
const [A, B, C] = [token("a"), token("b"), token("c")] as const;
const mark = fingerprint;

class Browser implements Copies {
  local: string | null = null;
  cookie: string | null = null;
  /**
   * How each copy fails: it shows nothing, or takes nothing in, or takes in no more; or there is room
   * for one token, and none for those that lie aside.
   */
  localIs: "fine" | "blocked" | "read-only" | "full" | "tight" = "fine";
  cookieIs: "fine" | "blocked" | "read-only" = "fine";

  readLocal = () => (this.localIs === "blocked" ? null : this.local);
  writeLocal = (text: string | null) => {
    const isOpen = this.localIs === "fine" || this.localIs === "tight";
    if (isOpen || (this.localIs === "full" && text === null)) this.local = text;
  };
  readCookie = () => (this.cookieIs === "blocked" ? null : this.cookie);
  writeCookie = (text: string | null) => {
    if (this.cookieIs === "fine") this.cookie = text;
  };
  isReadable = () => this.localIs !== "blocked" || this.cookieIs !== "blocked";
  aside: Aside[] = [];
  readAside = () => this.aside;
  writeAside = (list: Aside[]) => {
    if (this.localIs === "fine") this.aside = list;
    return this.localIs === "fine";
  };
}

const HERE = { key: "k1", database: "d1", earliest: 0, latest: 1e12 };

function question(have: string, more: Partial<Question> = {}): Question {
  const plain = { offer: null, replaces: null, ask: false, because: "final", clears: false } as const;
  return { have: mark(have), ...plain, accepts: HERE, ...more };
}

const offering = (offer: string, more: Partial<Question> = {}) => question(offer, { offer, ...more });

describe("agree", () => {
  let browser: Browser;
  let memory: Memory;
  const ask = (asked: Question) => agree(asked, browser, memory);
  const kept = () => [browser.local, browser.cookie];
  const keep = (local: string | null, cookie: string | null) => {
    browser.local = local;
    browser.cookie = cookie;
  };

  beforeEach(() => {
    browser = new Browser();
    memory = newMemory();
  });

  describe("where another page has overtaken this one between its two writes", () => {
    const refusing = () => offering(A, { replaces: mark(B), because: "key" });

    it("has the cookie follow localStorage, if their servers refuse each other's tokens", () => {
      keep(B, B);
      expect(ask(refusing())).toBeNull();
      expect(kept()).toEqual([A, A]);
      keep(B, A); // the other page's write to localStorage came between, its cookie before ours
      expect(ask(refusing())).toBeNull();
      expect(kept()).toEqual([B, B]);
    });

    it("has the cookie follow localStorage, if the other page has replaced its token", () => {
      keep(A, A);
      expect(ask(offering(B, { replaces: mark(A) }))).toBeNull();
      keep(C, B);
      expect(ask(question(A))).toBeNull();
      expect(kept()).toEqual([C, C]);
    });

    it("has the cookie follow localStorage, if the other page has set its token aside", () => {
      keep(B, A);
      browser.aside = [{ token: A, isSpare: false, refusedBy: ["k2"] }];
      expect(ask(question(A))).toBeNull();
      expect(kept()).toEqual([B, B]);
    });
  });

  describe("on a first visit", () => {
    it("keeps the offer in both copies and says nothing", () => {
      expect(ask(offering(A))).toBeNull();
      expect(kept()).toEqual([A, A]);
    });

    it("says so when asked", () => {
      expect(ask(offering(A, { ask: true }))).toEqual(
        { to: mark(A), token: A, blocked: false, kept: true },
      );
    });

    it("takes another tab's token where that was faster", () => {
      keep(B, B);
      expect(ask(offering(A))).toEqual({ to: mark(A), token: B, blocked: false, kept: false });
      expect(kept()).toEqual([B, B]);
    });

    it("says that other tabs may have had the offer, where this page has stored it before", () => {
      ask(offering(A));
      keep(B, B);
      expect(ask(offering(A))).toMatchObject({ token: B, kept: true });
    });
  });

  describe("with a token that both know", () => {
    it("has nothing to say", () => {
      keep(A, A);
      expect(ask(question(A))).toBeNull();
      expect(ask(offering(A))).toBeNull();
    });

    it("says so when asked", () => {
      keep(A, A);
      expect(ask(question(A, { ask: true }))).toMatchObject({ token: A, kept: false });
    });

    it("puts a lost cookie back, or a different one right", () => {
      for (const cookie of [null, B]) {
        keep(A, cookie);
        expect(ask(question(A))).toBeNull();
        expect(kept()).toEqual([A, A]);
      }
    });

    it("puts a lost localStorage back from the cookie", () => {
      keep(null, A);
      expect(ask(question(A))).toBeNull();
      expect(kept()).toEqual([A, A]);
      keep(null, A);
      expect(ask(question(A, { ask: true }))).toMatchObject({ token: A });
    });
  });

  describe("where localStorage has another than the server", () => {
    it("answers with it, whatever the cookie says", () => {
      for (const cookie of [null, A, B, C]) {
        keep(B, cookie);
        expect(ask(question(A))).toMatchObject({ to: mark(A), token: B });
        expect(kept()).toEqual([B, cookie]);
      }
    });

    it("replaces it only if it is the one refused", () => {
      keep(B, C);
      expect(ask(offering(A, { replaces: mark(C) }))).toMatchObject({ token: B });
      expect(ask(question(A, { replaces: mark(B) }))).toMatchObject({ token: B });
      expect(kept()).toEqual([B, C]);
      expect(ask(offering(A, { replaces: mark(B) }))).toBeNull();
      expect(kept()).toEqual([A, A]);
    });

    it("never shows other tabs an empty place while it replaces", () => {
      keep(B, B);
      const writes: (string | null)[] = [];
      const write = browser.writeLocal;
      browser.writeLocal = (text) => {
        writes.push(text);
        write(text);
      };
      ask(offering(A, { replaces: mark(B) }));
      expect(writes).toEqual([A]);
    });
  });

  describe("where only the cookie has another than the server", () => {
    it("answers with it", () => {
      keep(null, B);
      expect(ask(question(A))).toMatchObject({ token: B });
    });

    it("replaces it if it is the one refused", () => {
      keep(null, B);
      expect(ask(offering(A, { replaces: mark(B) }))).toBeNull();
      expect(kept()).toEqual([A, A]);
    });
  });

  describe("where both were taken away", () => {
    it("does not put back what it has stored itself, but says so", () => {
      ask(offering(A));
      keep(null, null);
      expect(ask(offering(A))).toEqual(
        { to: mark(A), token: null, blocked: false, kept: true },
      );
      expect(kept()).toEqual([null, null]);
    });

    it("says so where it is offered nothing", () => {
      expect(ask(question(A))).toEqual({ to: mark(A), token: null, blocked: false, kept: false });
    });
  });

  describe("where nothing can be kept", () => {
    it.each([
      ["blocked", "blocked"],
      ["read-only", "blocked"],
      ["full", "read-only"],
    ] as const)("says so, again and again, with localStorage %s and cookies %s", (local, cookie) => {
      browser.localIs = local;
      browser.cookieIs = cookie;
      const answer = { to: mark(A), token: null, blocked: true, kept: false };
      expect(ask(offering(A))).toEqual(answer);
      expect(ask(offering(A))).toEqual(answer); // and never that it was taken away
    });

    it.each(["blocked", "read-only", "full"] as const)(
      "keeps a cookie where localStorage is %s",
      (local) => {
        browser.localIs = local;
        expect(ask(offering(A))).toBeNull();
        expect(kept()).toEqual([null, A]);
        expect(ask(question(A))).toBeNull();
        expect(ask(offering(B, { replaces: mark(A) }))).toBeNull();
        expect(kept()).toEqual([null, B]);
      },
    );

    it.each(["blocked", "read-only"] as const)(
      "keeps localStorage where cookies are %s",
      (cookie) => {
        browser.cookieIs = cookie;
        expect(ask(offering(A))).toBeNull();
        expect(kept()).toEqual([A, null]);
        expect(ask(offering(B))).toMatchObject({ token: A });
      },
    );

    it("removes a refused token where the disk is too full to replace it", () => {
      keep(B, B);
      browser.localIs = "full";
      expect(ask(offering(A, { replaces: mark(B) }))).toBeNull();
      expect(kept()).toEqual([null, A]);
    });

    it("takes the cookie for enough where a refused token cannot even be removed", () => {
      keep(B, B);
      browser.localIs = "read-only";
      expect(ask(offering(A, { replaces: mark(B) }))).toBeNull();
      expect(kept()).toEqual([B, A]);
    });
  });

  describe("where a token that another server may accept was refused", () => {
    const refused = { replaces: mark(B), because: "key" } as const;

    it("replaces nothing if there is no room to set it aside", () => {
      keep(B, B);
      browser.localIs = "tight";
      expect(ask(offering(A, refused))).toMatchObject({ token: null, blocked: true });
      expect(kept()).toEqual([B, B]);
    });

    it("keeps the offer in the cookie where nothing at all can be written", () => {
      keep(B, B);
      browser.localIs = "full";
      expect(ask(offering(A, refused))).toBeNull();
      expect(kept()).toEqual([null, A]);
    });

    it("answers with the same one until the server has said what it makes of it", () => {
      keep(B, B);
      browser.aside = [{ token: C, refusedBy: [], isSpare: false }];
      const answer = { to: mark(A), token: C };
      expect(ask(offering(A, refused))).toMatchObject(answer);
      expect(ask(offering(A, refused))).toMatchObject(answer);
      expect(ask(question(B))).toBeNull(); // an earlier question of this page
      expect(ask(offering(A, refused))).toMatchObject(answer);
      expect(kept()).toEqual([B, B]);
      expect(ask(question(C))).toBeNull();
      expect(kept()).toEqual([C, C]);
    });

    it("goes over to none that lies aside where the visitor wants to be forgotten", () => {
      keep(B, B);
      browser.aside = [{ token: C, refusedBy: [], isSpare: false }];
      expect(ask(offering(A, { replaces: mark(B), clears: true }))).toBeNull();
      expect([kept(), browser.aside]).toEqual([[A, A], []]);
    });
  });

  describe("a question that another has overtaken", () => {
    it("is left alone, in whatever order they come", () => {
      keep(A, A);
      expect(ask(offering(B, { replaces: mark(A) }))).toBeNull();
      expect(ask(question(A))).toBeNull();
      expect(ask(offering(A))).toBeNull();
      expect(kept()).toEqual([B, B]);
    });
  });
});

describe("fingerprint", () => {
  it("is a part of the signature, and of a short text no error", () => {
    expect(fingerprint(`${"a".repeat(64)}.abcdef.0123456789abcdef${"z".repeat(27)}`)).toBe(
      "0123456789abcdef",
    );
    expect(fingerprint("")).toBe("");
  });
});

describe("markOf", () => {
  it("tells answers apart and holds no token", () => {
    const answer = { to: mark(A), token: B, blocked: false, kept: false };
    const marks = [
      answer,
      { ...answer, to: mark(B) },
      { ...answer, token: C },
      { ...answer, token: null },
      { ...answer, token: null, blocked: true },
    ].map(markOf);
    expect(new Set(marks).size).toBe(5);
    expect(marks.join()).not.toContain(B);
    expect(markOf({ ...answer, kept: true })).toBe(markOf(answer));
  });
});
