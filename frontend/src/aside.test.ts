import { describe, expect, it } from "vitest";
import {
  type Acceptance,
  afterRefusal,
  type Aside,
  asideText,
  inOrder,
  issuedAt,
  mayOpen,
  parseAside,
  withRefused,
  withToken,
} from "./aside";
import { isToken } from "./copies";

/** Issued at 1795894510, as itsdangerous writes it. */
const token = (letter: string) => `${letter.repeat(64)}.awss7g.${letter.repeat(43)}`;
const [A, B, C, D, E] = ["a", "b", "c", "d", "e"].map(token) as [
  string, string, string, string, string,
];
const HERE: Acceptance = { key: "k1", database: "d1", earliest: 0, latest: 1e12 };
const entry = (of: string, refusedBy: string[] = [], isSpare = false): Aside => ({
  token: of,
  refusedBy,
  isSpare,
});
const tokens = (list: Aside[]) => list.map((it) => it.token);

describe("the text of the tokens that lie aside", () => {
  it("says all of them, and is good for a cookie", () => {
    const list = [entry(A, ["0123abcd", "d2"]), entry(B, [], true)];
    expect(parseAside(asideText(list), isToken)).toEqual(list);
    expect(asideText(list)).toMatch(/^[\w.~!-]+$/);
  });

  it("holds four at most", () => {
    const list = [A, B, C, D, E].map((it) => entry(it));
    expect(tokens(parseAside(asideText(list), isToken))).toEqual([A, B, C, D]);
  });

  it.each([null, "", "!", "~~~", "null", "[]", `${A}x~first`, `x${A}`, "!".repeat(10_000)])(
    "may be anything, such as %j: then there are none",
    (text) => expect(parseAside(text, isToken)).toEqual([]),
  );

  it("leaves out what is no token", () => {
    expect(tokens(parseAside(`nonsense~first!${A}!${B}~spare`, isToken))).toEqual([A, B]);
  });
});

describe("a token that is set aside", () => {
  it("is the newest, and is there once", () => {
    const list = withToken([entry(B), entry(A, ["k2"])], A, false);
    expect(list).toEqual([entry(A, ["k2"]), entry(B)]);
  });

  it("bears the mark of the key or database that has refused it, once", () => {
    for (const [because, marks] of [["key", ["k1"]], ["database", ["d1"]], ["time", []]] as const) {
      const once = withRefused([], entry(A), { because, accepts: HERE });
      expect(once).toEqual([entry(A, [...marks])]);
      expect(withRefused(once, entry(A), { because, accepts: HERE })).toEqual(once);
    }
  });

  it("is thrown away when it opens nothing anywhere", () => {
    expect(afterRefusal([entry(A), entry(B)], A, "final", HERE)).toEqual([entry(B)]);
  });

  it("does not push out the oldest of those that only this database does not know", () => {
    let list: Aside[] = [entry(A, ["k2"])];
    for (const it of [B, C, D, E]) {
      list = withRefused(list, entry(it), { because: "database", accepts: HERE });
    }
    expect(tokens(list)).toEqual([E, B, A]);
  });
});

describe("the order of trials", () => {
  it("begins with the oldest that came before the token in use", () => {
    const list = [entry(A), entry(B, [], true), entry(C)];
    expect(tokens(inOrder(list, true))).toEqual([C, A, B]);
    expect(tokens(inOrder(list, false))).toEqual([C, A]);
  });
});

describe("a token may be good", () => {
  it("unless this key or this database has refused it", () => {
    expect(mayOpen(entry(A), HERE)).toBe(true);
    expect(mayOpen(entry(A, ["k2", "d2"]), HERE)).toBe(true);
    expect(mayOpen(entry(A, ["k2", "k1"]), HERE)).toBe(false);
    expect(mayOpen(entry(A, ["d1"]), HERE)).toBe(false);
  });

  it("unless it is too old or from the future by the server's clock", () => {
    const issued = 1795894510;
    expect(issuedAt(A)).toBe(issued);
    expect(mayOpen(entry(A), { ...HERE, latest: issued })).toBe(true);
    expect(mayOpen(entry(A), { ...HERE, latest: issued - 1 })).toBe(false);
    expect(mayOpen(entry(A), { ...HERE, earliest: issued })).toBe(true);
    expect(mayOpen(entry(A), { ...HERE, earliest: issued + 1 })).toBe(false);
  });
});
