/**
 * The tokens that lie aside: a server has refused them, and another one may accept them. Pure.
 *
 * A server with a wrong signing key, clock or database refuses a good token. The browser keeps it
 * beside the one that it uses there, and tries it again where the outcome may be another.
 */

export interface Aside {
  token: string;
  /** Marks of the signing keys and databases by which it was refused. */
  refusedBy: string[];
  /**
   * Whether it only stood in for the token in use, which was set aside then. It is tried only where
   * the token in use is refused. All others come before the token in use.
   */
  isSpare: boolean;
}

/** Why a token opens nothing: see `Refusal` in `streamlit_pgstate/errors.py`. */
export type Refusal = "final" | "key" | "time" | "database";

/** Which tokens a server may accept, as far as this can be foreseen: see `bridge.py`. */
export interface Acceptance {
  key: string;
  database: string;
  earliest: number;
  latest: number;
}

/** How many tokens lie aside at most: each may cost one run, on a page of a server that is new. */
const MOST = 4;
const MOST_MARKS = 8;

const SEPARATOR = "!"; // neither of these two occurs in a token, and a cookie may hold both
const FIELDS = "~";

/** Newest first. `isToken` says what counts as a token: others may have written this text. */
export function parseAside(text: string | null, isToken: (text: unknown) => boolean): Aside[] {
  const entries = (text ?? "").split(SEPARATOR).map((entry) => entry.split(FIELDS));
  return entries
    .filter(([token]) => isToken(token))
    .map(([token, rank, ...marks]) => ({
      token: token as string,
      refusedBy: marks.slice(-MOST_MARKS),
      isSpare: rank === "spare",
    }))
    .slice(0, MOST);
}

export function asideText(list: Aside[]): string {
  return list
    .slice(0, MOST)
    .map(({ token, refusedBy, isSpare }) =>
      [token, isSpare ? "spare" : "first", ...refusedBy.slice(-MOST_MARKS)].join(FIELDS),
    )
    .join(SEPARATOR);
}

/** The list with one more token, as the newest; or with what is new about one that is in it. */
export function withToken(list: Aside[], token: string, isSpare: boolean): Aside[] {
  const known = list.find((entry) => entry.token === token);
  const entry = { token, refusedBy: known?.refusedBy ?? [], isSpare };
  return [entry, ...without(list, token)];
}

export function without(list: Aside[], token: string): Aside[] {
  return list.filter((entry) => entry.token !== token);
}

/** The list after a server has refused one of its tokens. */
export function afterRefusal(
  list: Aside[],
  token: string,
  because: Refusal,
  by: Acceptance,
): Aside[] {
  if (because === "final") return without(list, token);
  const mark = because === "key" ? by.key : because === "database" ? by.database : null;
  if (mark === null) return list;
  return list.map((entry) =>
    entry.token === token && !entry.refusedBy.includes(mark)
      ? { ...entry, refusedBy: [...entry.refusedBy, mark].slice(-MOST_MARKS) }
      : entry,
  );
}

/**
 * The list after a server has refused the token in use, as its newest.
 *
 * A visitor who only reads has a token that no database knows a day later. Of those that only this
 * database has refused, the oldest and the newest stay: others have probably begun here, and are
 * gone. Else they would soon push out all others.
 */
export function withRefused(
  list: Aside[],
  { token, isSpare }: Pick<Aside, "token" | "isSpare">,
  { because, accepts: by }: { because: Refusal; accepts: Acceptance },
): Aside[] {
  const added = afterRefusal(withToken(list, token, isSpare), token, because, by);
  const here = added.filter(({ refusedBy: [mark, ...more] }) => {
    return mark === by.database && more.length === 0;
  });
  const between = here.slice(1, -1);
  return added.filter((entry) => !between.includes(entry)).slice(0, MOST);
}

/** In which order to try them: first those that came before the token in use, the oldest first. */
export function inOrder(list: Aside[], withSpares: boolean): Aside[] {
  const first = list.filter((entry) => !entry.isSpare).reverse();
  return withSpares ? [...first, ...list.filter((entry) => entry.isSpare)] : first;
}

/** Whether the server may accept the token. */
export function mayOpen({ token, refusedBy }: Aside, { key, database, ...times }: Acceptance): boolean {
  const issued = issuedAt(token);
  return (
    !refusedBy.includes(key) &&
    !refusedBy.includes(database) &&
    issued >= times.earliest &&
    issued <= times.latest
  );
}

/** A token's timestamp, in seconds since 1970: the bytes of a number, in base64url. */
export function issuedAt(token: string): number {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const text = token.split(".")[1] ?? "";
  let number = 0;
  for (const character of text) number = number * 64 + digits.indexOf(character);
  return Math.floor(number / 2 ** ((text.length * 6) % 8));
}
