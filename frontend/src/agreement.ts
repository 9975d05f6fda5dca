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
 *
 * A refused token that another server may accept is set aside. The page tries such tokens, one after
 * the other, by answering with them: each at most once for a server. The first good one is used from
 * then on. The offer is kept only if none is good.
 */

import {
  type Acceptance,
  afterRefusal,
  type Aside,
  inOrder,
  mayOpen,
  type Refusal,
  without,
  withRefused,
  withToken,
} from "./aside";
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
  /** Why `replaces` opens nothing. */
  because: Refusal;
  /** Whether the visitor wants to be forgotten: then no token lies aside any more. */
  clears: boolean;
  accepts: Acceptance;
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
  /** The question that was answered with a token that lies aside, and that token, by fingerprint. */
  trial: { to: string; mark: string } | null;
  /** Which of the tokens aside were tried, with which server. */
  tried: Set<string>;
  /** Which token this page leaves for which other one, while it tries those that lie aside. */
  leaving: string | null;
  /** Which token this page has replaced by which other one. */
  replaced: Set<string>;
}

export function newMemory(): Memory {
  return {
    ...{ stored: new Set(), gone: new Set(), agreed: null, isBlocked: false },
    ...{ trial: null, tried: new Set(), leaving: null, replaced: new Set() },
  };
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
  noteRefusal(question, copies, memory);
  endTrial(question, copies, memory);
  const local = copies.readLocal();
  const token = local ?? copies.readCookie();
  if (token !== null && fingerprint(token) === question.have) {
    if (local === null) copies.writeLocal(token);
    copies.writeCookie(token);
    const isEarlier = memory.gone.delete(question.have); // than one that has replaced this token
    const mayTry = !question.forgets && !isEarlier;
    const other = mayTry ? next(question, copies, memory, false) : null;
    return other ? tryAside(other, question, memory) : confirm(question, token, memory);
  }
  if (memory.gone.has(question.have)) return atRest(copies);
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
  const mark = fingerprint(token);
  const isRefused = mark === question.replaces || memory.leaving === turnOf(mark, question);
  if (question.offer !== null && isRefused) {
    return replace(token, question.offer, question, copies, memory);
  }
  if (isSetAsideElsewhere(question, copies)) return atRest(copies);
  return answerWith(token, question, memory);
}

/**
 * This page leaves to another one which token the browser keeps. Each page writes localStorage first
 * and then the cookie, so two that write at once may leave the token of one in localStorage, and that
 * of the other in the cookie. Only the page that was overtaken hears of it, by the storage event: it
 * has the cookie follow localStorage.
 */
function atRest(copies: Copies): null {
  const local = copies.readLocal();
  if (local !== null && copies.readCookie() !== local) copies.writeCookie(local);
  return null;
}

/**
 * Whether another page has set the server's token aside, as a server has refused it that is another
 * than ours. Then each page goes on with its own, and F5 here brings ours back.
 */
function isSetAsideElsewhere({ have, accepts }: Question, copies: Copies): boolean {
  const ours = copies.readAside().find(({ token }) => fingerprint(token) === have);
  return ours !== undefined && !ours.isSpare && mayOpen(ours, accepts);
}

/** The server has refused the token in use, or it has ended. */
function replace(
  token: string,
  offer: string,
  question: Question,
  copies: Copies,
  memory: Memory,
): Answer | null {
  const turn = turnOf(fingerprint(token), question);
  const isFinal = question.because === "final" && memory.leaving !== turn;
  if (isFinal) return keep(offer, question, copies, memory);
  // Two pages may be open, at servers that refuse each other's tokens. Each then does this once:
  // they would take turns for ever.
  if (memory.replaced.has(turn)) return atRest(copies);
  if (!hasSetAside(token, offer, question, copies)) return blocked(question, memory);
  memory.leaving = turn;
  const other = next(question, copies, memory, true);
  if (other !== null) return tryAside(other, question, memory);
  memory.replaced.add(turn);
  return keep(offer, question, copies, memory);
}

function turnOf(mark: string, { have }: Question): string {
  return `${mark} ${have}`;
}

/**
 * Set the token aside that the offer will replace. On a full disk its own place is the room for
 * that. False if that is not enough: then it is in its place as before, and must not be replaced.
 */
function hasSetAside(token: string, offer: string, question: Question, copies: Copies): boolean {
  if (setAside(token, offer, question, copies)) return true;
  copies.writeLocal(null);
  if (setAside(token, offer, question, copies)) return true;
  copies.writeLocal(token);
  return copies.readLocal() !== token; // nothing at all can be written, and it is lost
}

/** False if there is no room. */
function setAside(token: string, offer: string, question: Question, copies: Copies): boolean {
  const list = copies.readAside();
  if (fingerprint(token) !== question.replaces) return true; // it was set aside before a trial
  const isSpare = list.some((entry) => entry.token === offer && !entry.isSpare);
  return copies.writeAside(withRefused(list, { token, isSpare }, question));
}

/** The browser has no token: it was lost, never written, or storage is blocked. */
function fill(question: Question, copies: Copies, memory: Memory): Answer | null {
  // If this page has stored the token before, somebody has removed it since: it is not put back.
  if (question.offer === null || memory.stored.has(question.have)) {
    return copies.isReadable() ? answerWith(null, question, memory) : blocked(question, memory);
  }
  const other = question.forgets ? null : next(question, copies, memory, true);
  if (other !== null) return tryAside(other, question, memory);
  return keep(question.offer, question, copies, memory);
}

function keep(token: string, question: Question, copies: Copies, memory: Memory): Answer | null {
  takeBack(token, copies);
  copies.writeLocal(token);
  if (copies.readLocal() !== token) copies.writeLocal(null); // a full disk still allows removal
  copies.writeCookie(token);
  if (copies.readLocal() === token || copies.readCookie() === token) {
    memory.stored.add(question.have);
    return confirm(question, token, memory);
  }
  return question.forgets && !question.ask ? null : blocked(question, memory);
}

/** Note in the list of tokens aside what the question says of them. */
function noteRefusal(question: Question, copies: Copies, memory: Memory): void {
  const { replaces, because, accepts } = question;
  if (replaces === null) return;
  if (question.clears && !memory.gone.has(replaces)) copies.writeAside([]);
  memory.gone.add(replaces);
  const list = copies.readAside();
  const entry = list.find(({ token }) => fingerprint(token) === replaces);
  if (entry !== undefined) copies.writeAside(afterRefusal(list, entry.token, because, accepts));
}

/** See what has become of the token that was tried. If the server works with it, it is used. */
function endTrial(question: Question, copies: Copies, memory: Memory): void {
  const { trial } = memory;
  if (trial === null) return;
  const isGood = trial.mark === question.have;
  const isRefused = trial.to === question.have && trial.mark === question.replaces;
  if (isGood || isRefused) memory.trial = null;
  const list = copies.readAside();
  const entry = list.find(({ token }) => fingerprint(token) === trial.mark);
  if (!isGood || entry === undefined) return;
  const present = copies.readLocal() ?? copies.readCookie();
  const others = without(list, entry.token);
  copies.writeLocal(entry.token);
  copies.writeCookie(entry.token);
  copies.writeAside(present === null ? others : withToken(others, present, !entry.isSpare));
}

/** The token in use does not lie aside. */
function takeBack(token: string, copies: Copies): void {
  const list = copies.readAside();
  const rest = without(list, token);
  if (rest.length < list.length) copies.writeAside(rest);
}

/** The token aside that is to be tried now: the one that is being tried, or the next one. */
function next(
  question: Question,
  copies: Copies,
  memory: Memory,
  withSpares: boolean,
): Aside | null {
  const list = inOrder(copies.readAside(), withSpares);
  const isUntried = (entry: Aside): boolean => {
    const mark = fingerprint(entry.token);
    if (mark === question.have || mark === question.replaces) return false;
    return !memory.tried.has(triedOf(mark, question)) && mayOpen(entry, question.accepts);
  };
  const { to, mark: tried } = memory.trial ?? {};
  const pending = list.find(({ token }) => to === question.have && fingerprint(token) === tried);
  return pending ?? list.find(isUntried) ?? null;
}

function tryAside(entry: Aside, question: Question, memory: Memory): Answer {
  const mark = fingerprint(entry.token);
  memory.trial = { to: question.have, mark };
  memory.tried.add(triedOf(mark, question));
  return answerWith(entry.token, question, memory);
}

/** Identifies a trial: of one token, with one server, beside one token that this works with. */
function triedOf(mark: string, { have, accepts }: Question): string {
  return [mark, have, ...Object.values(accepts)].join(" ");
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
