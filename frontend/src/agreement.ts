/**
 * The handshake: how the browser and the server agree on one token. Pure: no page, no Streamlit.
 *
 * This module decides for the browser; `streamlit_pgstate/component/handshake.py` decides for the
 * server. Both run the conversations in `tests/handshake.json`. The words for the messages are
 * defined in `streamlit_pgstate/component/bridge.py`.
 *
 * The server names the token that it works with, by fingerprint, and may offer it. The browser keeps
 * the offer, or answers with the token that it has. If localStorage and the cookie differ,
 * localStorage decides, and the cookie is overwritten. Each answer names the token in the question,
 * so the two sides cannot go in circles.
 */

import type { Copies } from "./copies";

export interface Question {
  /** Fingerprint of the token that the server works with. */
  have: string;
  /** The token itself, if the browser may keep it: it has none yet, or it has `replaces`. */
  offer: string | null;
  /**
   * Fingerprint of a token that the browser must no longer keep: it was refused, rotated away, has
   * ended, or is another tab's. The offer replaces it.
   */
  replaces: string | null;
  /** Whether the server waits for an answer in any case. */
  ask: boolean;
  /** Whether the server will delete the state of any other token that the browser reports. */
  forgets?: boolean;
}

export interface Answer {
  /** Fingerprint of the token in the question. */
  to: string;
  /** The token that the browser keeps; null if it keeps none. */
  token: string | null;
  /** Whether the browser refuses to keep any token. */
  blocked: boolean;
  /**
   * Whether this page has ever stored the token in question. Then other tabs of the browser may
   * use it.
   */
  kept: boolean;
  /** Whether another tab uses the token, so that this tab needs a copy of its state. */
  copied?: boolean;
  /**
   * Whether the page shows the state of the token already: page and server had agreed on it before
   * the server was restarted.
   */
  shown?: boolean;
}

/** What one page remembers about all its questions. */
export interface Memory {
  /** Fingerprints of the offers that this page has stored. */
  stored: Set<string>;
  /**
   * Fingerprints of replaced tokens. A question about one of them is out of date, unless that token
   * is found in storage again.
   */
  gone: Set<string>;
  /** Fingerprint of the token that the page and a server have last agreed on. */
  agreed: string | null;
  /** Whether the last report was that nothing can be kept. Once that changes, it is reported. */
  isBlocked: boolean;
}

export function newMemory(): Memory {
  return { stored: new Set(), gone: new Set(), agreed: null, isBlocked: false };
}

/** Characters of a token's signature, at the token's end, and of its fingerprint. */
const SIGNATURE_LENGTH = 43;
const FINGERPRINT_LENGTH = 16;

/**
 * The beginning of a token's signature. It is safe to show: nobody can make the token from it. The
 * same as `fingerprint` in `streamlit_pgstate/postgres/token.py`.
 */
export function fingerprint(token: string): string {
  return token.slice(-SIGNATURE_LENGTH).slice(0, FINGERPRINT_LENGTH);
}

/** Write what the two copies should hold. Return the answer to give; null for none. */
export function agree(question: Question, copies: Copies, memory: Memory): Answer | null {
  if (question.replaces !== null) memory.gone.add(question.replaces);
  const local = copies.readLocal();
  const token = local ?? copies.readCookie();
  if (token !== null && fingerprint(token) === question.have) {
    if (local === null) copies.writeLocal(token);
    copies.writeCookie(token);
    memory.gone.delete(question.have);
    return confirm(question, token, memory);
  }
  if (memory.gone.has(question.have)) return null;
  return token === null
    ? fill(question, copies, memory)
    : compare(token, question, copies, memory);
}

/** Which tokens the browser's other tabs claim, as far as this tab knows. */
export interface Claims {
  /** Whether an older tab uses this token. Then this tab was duplicated from it. */
  isCopy(token: string | null): boolean;
  /** Whether the other tabs have had the time to claim it. */
  isSettled: boolean;
}

/** As `agree`, for a token that belongs to one tab. */
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

/** The browser has no token: it was lost, never written, or storage is blocked. */
function fill(question: Question, copies: Copies, memory: Memory): Answer | null {
  // If this page has stored the token before, somebody has removed it since: it is not put back.
  if (question.offer === null || memory.stored.has(question.have)) {
    return copies.isReadable() ? answerWith(null, question, memory) : blocked(question, memory);
  }
  return keep(question.offer, question, copies, memory);
}

function keep(token: string, question: Question, copies: Copies, memory: Memory): Answer | null {
  copies.writeLocal(token);
  if (copies.readLocal() !== token) copies.writeLocal(null); // a full disk still allows removal
  copies.writeCookie(token);
  if (copies.readLocal() === token || copies.readCookie() === token) {
    memory.stored.add(question.have);
    return confirm(question, token, memory);
  }
  return question.forgets && !question.ask ? null : blocked(question, memory);
}

function blocked(question: Question, memory: Memory): Answer {
  memory.isBlocked = true;
  return { ...answerWith(null, question, memory), blocked: true };
}

/**
 * Page and server agree. An answer costs a script run, so there is one only if the server waits for
 * it, or if the last report was that nothing can be kept.
 */
function confirm(question: Question, token: string, memory: Memory): Answer | null {
  const isNeeded = question.ask || memory.isBlocked;
  memory.agreed = question.have;
  memory.isBlocked = false;
  return isNeeded ? answerWith(token, question, memory) : null;
}

function answerWith(token: string | null, question: Question, memory: Memory): Answer {
  const kept = memory.stored.has(question.have);
  const isShown =
    token !== null && fingerprint(token) === memory.agreed && memory.agreed !== question.have;
  const answer = { to: question.have, token, blocked: false, kept };
  return isShown ? { ...answer, shown: true } : answer;
}

/** Identifies what an answer reports. A second answer with the same mark is not sent. */
export function markOf(answer: Answer): string {
  const token = answer.token === null ? "" : fingerprint(answer.token);
  return `${answer.to} ${token} ${answer.blocked} ${answer.copied ?? false}`;
}
