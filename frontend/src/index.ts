/**
 * The component. Each instance has one of eight roles:
 *
 * - no role: compare the browser's token with the server's, when mounted and whenever the browser's
 *   may have changed.
 * - `cookie`: under `pgstate.App`, have the server set the token's cookie.
 * - `reload`: load the page anew.
 * - `live`: ask the server for changes of the states that a live page reads.
 * - `changes`: announce changes to the other tabs.
 * - `shown`: keep what the server says that the page shows.
 * - `reconnect`: report that, as soon as the page has found its server again.
 * - `retry`: have a page whose run has failed run again.
 */

import type { FrontendRenderer } from "@streamlit/component-v2-lib";
import { type Answer, agree, agreeInTab, markOf, type Memory, newMemory } from "./agreement";
import type { Question } from "./agreement";
import { type CookieRequest, keepCookie } from "./cookie";
import { basePath, copiesIn } from "./copies";
import { announce, type ChangesData, follow, type LiveData, type Tick } from "./live";
import {
  keepShownState,
  noticeReconnect,
  type Reconnect,
  type ReconnectData,
  type ShownData,
} from "./reconnect";
import { type Retry, type RetryData, retryLater } from "./retry";
import { addStyle } from "./style";
import { sessionCopyIn, TabClaims } from "./tab";

/** A question, and all that the page needs to answer it. */
interface TokenRequest extends Question {
  role?: undefined;
  app: string;
  /** Whether the token opens the state of all tabs of this browser, or of this tab. */
  scope: "browser" | "tab";
  maxAge: number;
  cookie: boolean;
  /** The bytes with which the token in the reply is XORed, as hex digits. */
  veil: string;
}

/** An answer whose token is veiled. */
type TokenReply = Answer;

interface ReloadData {
  role: "reload";
}

type Data = TokenRequest | CookieRequest | ReloadData | LiveData | ChangesData | ReconnectData | ShownData | RetryData;
type State = { answer: TokenReply; tick: Tick; reconnect: Reconnect; retry: Retry };

const BASE = basePath(import.meta.url);

/**
 * What the page remembers for each app and scope, however often the component is mounted and
 * unmounted.
 */
interface AppMemory extends Memory {
  /** The latest request, as JSON. */
  request: string;
  /** The marks of the answers that any instance has given to it. */
  answered: Set<string>;
  /** Null unless the token belongs to this tab. */
  claims: TabClaims | null;
}

const memories: Map<string, AppMemory> = new Map();

/** An instance of the component that is in the page. */
interface Mounted {
  /** The latest request to it, as JSON. */
  request: string;
  /** The marks of the answers that it has given to this request. */
  answered: Set<string>;
  /** Removes its listeners. */
  stop: () => void;
}

/** By Streamlit's key for the instance. */const mounted: Map<string, Mounted> = new Map();

/**
 * Streamlit calls this whenever `data` has changed, but calls the cleanup function only once, when the
 * instance leaves the page. So each role first removes the listeners of its former `data`.
 */
const render: FrontendRenderer<State, Data> = ({ data, key, parentElement, setStateValue }) => {
  addStyle(document);
  if (data.role === "reload") return window.location.reload();
  if (data.role === "cookie") {
    return keepCookie(window, BASE, data, key, (answer) =>
      setStateValue("answer", { ...answer, token: veiled(answer.token, data.veil) }),
    );
  }
  if (data.role === "live") return follow(key, data, (tick) => setStateValue("tick", tick));
  if (data.role === "changes") return announce(data);
  if (data.role === "shown") return keepShownState(data);
  if (data.role === "reconnect") {
    return noticeReconnect(key, (report) => setStateValue("reconnect", report));
  }
  if (data.role === "retry") {
    return retryLater(parentElement, (retry) => setStateValue("retry", retry));
  }
  return keepToken(data, key, (reply) => setStateValue("answer", reply));
};

function keepToken(
  data: TokenRequest,
  key: string,
  send: (reply: TokenReply) => void,
): () => void {
  const options = { ...data, base: BASE };
  const isOfTab = data.scope === "tab";
  const copies = (isOfTab ? sessionCopyIn : copiesIn)(window, options);
  const request = JSON.stringify(data);
  const name = `${data.scope} ${data.app}`;
  const memory = memories.get(name) ?? {
    ...newMemory(),
    request,
    answered: new Set<string>(),
    claims: isOfTab ? new TabClaims(window, options, copies) : null,
  };
  memories.set(name, memory);
  if (memory.request !== request) {
    memory.request = request;
    memory.answered.clear(); // the server may work with a former token again, and need the answer
  }
  const earlier = mounted.get(key);
  earlier?.stop();
  const answered = earlier?.request === request ? earlier.answered : new Set<string>();

  // Python reads an instance's state only in runs that mount it. So each instance answers the request
  // when it is mounted, but later changes are reported by one of them only.
  const settle = (known: Set<string>): void => {
    const { claims } = memory;
    const answer =
      claims === null ? agree(data, copies, memory) : agreeInTab(data, copies, memory, claims);
    if (answer === null || known.has(markOf(answer))) return;
    answered.add(markOf(answer));
    memory.answered.add(markOf(answer));
    send({ ...answer, token: veiled(answer.token, data.veil) });
  };
  // Another tab has stored, rotated or removed the token, perhaps while this page was frozen.
  const onStorage = (): void => settle(memory.answered);
  const onShow = (): void => {
    if (document.visibilityState === "visible") settle(memory.answered);
  };
  window.addEventListener("storage", onStorage);
  window.addEventListener("pageshow", onShow);
  document.addEventListener("visibilitychange", onShow);
  memory.claims?.events.addEventListener("change", onStorage);
  const stop = (): void => {
    window.removeEventListener("storage", onStorage);
    window.removeEventListener("pageshow", onShow);
    document.removeEventListener("visibilitychange", onShow);
    memory.claims?.events.removeEventListener("change", onStorage);
  };
  mounted.set(key, { request, answered, stop });
  settle(answered);
  return () => {
    mounted.get(key)?.stop();
    mounted.delete(key);
  };
}

/** XOR a token with the veil: `st.session_state` shows a component's state, and so the reply. */
export function veiled(token: string | null, veil: string): string | null {
  if (token === null) return null;
  let text = "";
  for (let i = 0; i < token.length; i++) {
    const mask = parseInt(veil.slice(2 * i, 2 * i + 2), 16);
    text += (token.charCodeAt(i) ^ mask).toString(16).padStart(2, "0");
  }
  return text;
}

export default render;
