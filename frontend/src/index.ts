/** The component: asks the browser for its token when mounted, and whenever it may have changed. */

import type { FrontendRenderer } from "@streamlit/component-v2-lib";
import { type Answer, agree, type Memory, newMemory, type Question } from "./agreement";
import { basePath, copiesIn } from "./copies";

interface Data extends Question {
  app: string;
  maxAge: number;
  cookie: boolean;
  /** Hex digits, as many bytes as a token has: what the answer's token is veiled with. */
  veil: string;
}

type State = { answer: Answer };

const BASE = basePath(import.meta.url);

/** One for each app in this page, however often the component is mounted and unmounted. */
const memories: Map<string, Memory> = new Map();

const render: FrontendRenderer<State, Data> = ({ data, setStateValue }) => {
  const copies = copiesIn(window, { ...data, base: BASE });
  const memory = memories.get(data.app) ?? newMemory();
  memories.set(data.app, memory);

  const settle = (): void => {
    const answer = agree(data, copies, memory);
    if (answer !== null) {
      setStateValue("answer", { ...answer, token: veiled(answer.token, data.veil) });
    }
  };
  // Another tab stored, rotated or cleared it; or this page was frozen and missed that.
  const onShow = (): void => {
    if (document.visibilityState === "visible") settle();
  };
  window.addEventListener("storage", settle);
  window.addEventListener("pageshow", onShow);
  document.addEventListener("visibilitychange", onShow);
  settle();
  return () => {
    window.removeEventListener("storage", settle);
    window.removeEventListener("pageshow", onShow);
    document.removeEventListener("visibilitychange", onShow);
  };
};

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
