/**
 * The component, in six roles: it asks the browser for its token when mounted, and whenever it
 * may have changed; it follows the state of a live page; it tells other tabs of a change; it
 * notices that the server was away, and is told what the page shows; it has a page that could not be
 * drawn run again.
 */

import type { FrontendRenderer } from "@streamlit/component-v2-lib";
import { type Answer, agree, agreeInTab, markOf, type Memory, newMemory } from "./agreement";
import type { Question } from "./agreement";
import { basePath, copiesIn } from "./copies";
import { announce, follow, type LiveData, type NewsData, type Tick } from "./live";
import { noticeReconnect, type Reconnect, type ReconnectData, show, type ShownData } from "./reconnect";
import { type Retry, type RetryData, retryLater } from "./retry";
import { addStyle } from "./style";
import { Hold, sessionCopyIn } from "./tab";

interface TokenData extends Question {
  role?: undefined;
  app: string;
  /** Whose state the token opens: that of all tabs of this browser, or of this one. */
  scope: "browser" | "tab";
  maxAge: number;
  cookie: boolean;
  /** Hex digits, as many bytes as a token has: what the answer's token is veiled with. */
  veil: string;
}

type Data = TokenData | LiveData | NewsData | ReconnectData | ShownData | RetryData;
type State = { answer: Answer; tick: Tick; reconnect: Reconnect; retry: Retry };

const BASE = basePath(import.meta.url);

/** One for each app and scope in this page, however often the component is mounted and unmounted. */
interface AppMemory extends Memory {
  /** The latest question, and what any component has answered to it. */
  asked: string;
  answered: Set<string>;
  /** Where the token is this tab's own. */
  hold: Hold | null;
}

const memories: Map<string, AppMemory> = new Map();

/** One for each component that stands in the page, by Streamlit's own key for it. */
interface Mounted {
  asked: string;
  answered: Set<string>;
  /** Stop listening. */
  stop: () => void;
}

const mounted: Map<string, Mounted> = new Map();

/**
 * Streamlit calls this anew whenever the data have changed, and cleans up only once, when the
 * component leaves the page: so what listens with the data before is stopped here.
 */
const render: FrontendRenderer<State, Data> = ({ data, key, parentElement, setStateValue }) => {
  addStyle(document);
  if (data.role === "live") return follow(key, data, (tick) => setStateValue("tick", tick));
  if (data.role === "news") return announce(data);
  if (data.role === "shown") return show(data);
  if (data.role === "reconnect") return noticeReconnect(key, (what) => setStateValue("reconnect", what));
  if (data.role === "retry") return retryLater(parentElement, (what) => setStateValue("retry", what));
  return keepToken(data, key, (answer) => setStateValue("answer", answer));
};

function keepToken(data: TokenData, key: string, say: (answer: Answer) => void): () => void {
  const options = { ...data, base: BASE };
  const isTabs = data.scope === "tab";
  const copies = (isTabs ? sessionCopyIn : copiesIn)(window, options);
  const asked = JSON.stringify(data);
  const name = `${data.scope} ${data.app}`;
  const memory = memories.get(name) ?? {
    ...newMemory(),
    asked,
    answered: new Set<string>(),
    hold: isTabs ? new Hold(window, options, copies) : null,
  };
  memories.set(name, memory);
  if (memory.asked !== asked) {
    memory.asked = asked;
    memory.answered.clear(); // the server may come back to a token, and want to hear it again
  }
  const earlier = mounted.get(key);
  earlier?.stop();
  const answered = earlier?.asked === asked ? earlier.answered : new Set<string>();

  // Python hears a component only in runs that mount it: so each answers when it is asked, but
  // what happens later is said by one of them.
  const settle = (known: Set<string>): void => {
    const { hold } = memory;
    const answer =
      hold === null ? agree(data, copies, memory) : agreeInTab(data, copies, memory, hold);
    if (answer === null || known.has(markOf(answer))) return;
    answered.add(markOf(answer));
    memory.answered.add(markOf(answer));
    say({ ...answer, token: veiled(answer.token, data.veil) });
  };
  // Another tab stored, rotated or cleared it; or this page was frozen and missed that.
  const onStorage = (): void => settle(memory.answered);
  const onShow = (): void => {
    if (document.visibilityState === "visible") settle(memory.answered);
  };
  window.addEventListener("storage", onStorage);
  window.addEventListener("pageshow", onShow);
  document.addEventListener("visibilitychange", onShow);
  memory.hold?.events.addEventListener("told", onStorage);
  const stop = (): void => {
    window.removeEventListener("storage", onStorage);
    window.removeEventListener("pageshow", onShow);
    document.removeEventListener("visibilitychange", onShow);
    memory.hold?.events.removeEventListener("told", onStorage);
  };
  mounted.set(key, { asked, answered, stop });
  settle(answered);
  return () => {
    mounted.get(key)?.stop();
    mounted.delete(key);
  };
}

/** What Streamlit shows of a component's state must not show the token: XOR with the veil. */
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
