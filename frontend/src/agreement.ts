/**
 * How the browser and the server come to agree on one token. Pure: no page, no Streamlit. The twin of
 * `streamlit_pgstate/component/handshake.py`; both sides run the conversations in `tests/handshake.json`.
 *
 * The server says which token it works with (by fingerprint), and may offer one to be kept.
 * The browser keeps it, or answers with the token that it has. localStorage decides; the cookie
 * follows it. Each answer names the token that it is about, so nothing can go in circles.
 */

import type { Copies } from "./copies";

export interface Question {
  /** Fingerprint of the token that the server works with. */
  have: string;
  /** A token to be kept, where there is none yet, or in place of `replaces`. */
  offer: string | null;
  /**
   * Fingerprint of a token that the browser is not to have any more: refused, rotated away, ended, or
   * another tab's. The offer takes its place.
   */
  replaces: string | null;
  /** Whether the server waits for an answer in any case. */
  ask: boolean;
  /** Whether the server only wants to hear of another token, to forget its state. */
  forgets?: boolean;
}

export interface Answer {
  /** Fingerprint of the token that this answers to. */
  to: string;
  /** The token that the browser keeps; null where it keeps none. */
  token: string | null;
  /** Whether the browser refuses to keep any token. */
  blocked: boolean;
  /**
   * Whether this page has ever stored the token in question, now or earlier: then other tabs of the
   * browser may use it.
   */
  kept: boolean;
  /** Whether another tab has the token, and this one wants a copy of its state. */
  copied?: boolean;
  /** Whether the page shows the state of that token: it has agreed on it with an earlier server. */
  shown?: boolean;
}

/** What one page remembers of all its questions. */
export interface Memory {
  /** Fingerprints of the offers that this page has stored. */
  stored: Set<string>;
  /** Fingerprints of replaced tokens. A question about one of these is old, unless that token is
   * found in storage again. */
  gone: Set<string>;
  /** Fingerprint of the token that the page and a server have agreed upon last. */
  agreed: string | null;
  /** Whether the server was told that nothing can be kept. Once that changes, it is told so. */
  isBlocked: boolean;
}

export function newMemory(): Memory {
  return { stored: new Set(), gone: new Set(), agreed: null, isBlocked: false };
}

/** The part of a token's signature that may be shown: it leads to no token. */
export function fingerprint(token: string): string {
  return token.slice(-43).slice(0, 16);
}

/** Write what the two copies should hold, and return the answer to give; null for none. */
export function agree(question: Question, copies: Copies, memory: Memory): Answer | null {
  if (question.replaces !== null) memory.gone.add(question.replaces);
  const local = copies.readLocal();
  const token = local ?? copies.readCookie();
  if (token !== null && fingerprint(token) === question.have) {
    if (local === null) copies.writeLocal(token);
    copies.writeCookie(token);
    memory.gone.delete(question.have);
    return said(question, token, memory);
  }
  if (memory.gone.has(question.have)) return null;
  return token === null
    ? fill(question, copies, memory)
    : compare(token, question, copies, memory);
}

/** What a tab knows of the browser's other tabs, which may use its token. */
export interface Claims {
  /** Whether an older tab uses this token: then this one was duplicated from it. */
  isCopy(token: string | null): boolean;
  /** Whether the others have had the time to say so. */
  isSettled: boolean;
}

/** As `agree`, of a token that is one tab's own. */
export function agreeInTab(
  question: Question,
  copies: Copies,
  memory: Memory,
  claims: Claims,
): Answer | null {
  const token = copies.readLocal();
  if (token === null) return agree(question, copies, memory);
  const mark = fingerprint(token);
  if (claims.isCopy(token) && mark !== question.replaces) {
    return { to: question.have, token, blocked: false, kept: false, copied: true };
  }
  if (!claims.isSettled && mark !== question.have) return null;
  return agree(question, copies, memory);
}

/** The browser has another token than the server. */
function compare(token: string, question: Question, copies: Copies, memory: Memory): Answer | null {
  if (question.offer !== null && fingerprint(token) === question.replaces) {
    return keep(question.offer, question, copies, memory);
  }
  return answerWith(token, question, memory);
}

/** The browser has none: lost, never written, or blocked. */
function fill(question: Question, copies: Copies, memory: Memory): Answer | null {
  // What this page has stored once and finds gone was taken away: it is not put back.
  if (question.offer === null || memory.stored.has(question.have)) {
    return copies.isReadable() ? answerWith(null, question, memory) : blocked(question, memory);
  }
  return keep(question.offer, question, copies, memory);
}

function keep(token: string, question: Question, copies: Copies, memory: Memory): Answer | null {
  copies.writeLocal(token);
  if (copies.readLocal() !== token) copies.writeLocal(null); // a full disk still removes
  copies.writeCookie(token);
  if (copies.readLocal() === token || copies.readCookie() === token) {
    memory.stored.add(question.have);
    return said(question, token, memory);
  }
  return question.forgets && !question.ask ? null : blocked(question, memory);
}

function blocked(question: Question, memory: Memory): Answer {
  memory.isBlocked = true;
  return { ...answerWith(null, question, memory), blocked: true };
}

/** They agree. That is worth a script run only if the server waits for it, or was told before that
 * nothing can be kept. */
function said(question: Question, token: string, memory: Memory): Answer | null {
  const isWorthIt = question.ask || memory.isBlocked;
  memory.agreed = question.have;
  memory.isBlocked = false;
  return isWorthIt ? answerWith(token, question, memory) : null;
}

function answerWith(token: string | null, question: Question, memory: Memory): Answer {
  const kept = memory.stored.has(question.have);
  const isShown =
    token !== null && fingerprint(token) === memory.agreed && memory.agreed !== question.have;
  const answer = { to: question.have, token, blocked: false, kept };
  return isShown ? { ...answer, shown: true } : answer;
}

/** What makes an answer worth giving: one of the same mark says nothing new. */
export function markOf(answer: Answer): string {
  const token = answer.token === null ? "" : fingerprint(answer.token);
  return `${answer.to} ${token} ${answer.blocked} ${answer.copied ?? false}`;
}
