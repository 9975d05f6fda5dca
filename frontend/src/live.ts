/**
 * A page that follows its state: asks the server once a second, while it can be seen, and at once
 * when another tab of this browser says that it has changed something.
 */

export interface LiveData {
  role: "live";
  /** The name under which tabs of this app tell each other. */
  channel: string;
  /** Of the state that this page shows. */
  version: number;
  /** Of the last tick that the server has heard. */
  heard: number;
}

export interface NewsData {
  role: "news";
  channel: string;
  version: number;
}

export interface Tick {
  number: number;
  /** The `st-key-…` class of the text field that is being typed in; null for none. */
  typing: string | null;
}

export const PERIOD = 1000;
/** After so long without an answer the server is asked again: it may have been away. */
const PATIENCE = 10_000;

interface Follower {
  data: LiveData;
  said: Tick | null;
  saidAt: number;
  stop: () => void;
}

const followers: Map<string, Follower> = new Map();

/** Follow the state; called anew with each answer of the server's. */
export function follow(key: string, data: LiveData, say: (tick: Tick) => void): () => void {
  const known = followers.get(key);
  known?.stop();
  const follower: Follower = {
    data,
    said: known?.said ?? null,
    saidAt: known?.saidAt ?? 0,
    stop: () => {},
  };
  followers.set(key, follower);
  const ask = (): void => {
    if (document.visibilityState !== "visible") return;
    const waits = follower.said !== null && follower.said.number > follower.data.heard;
    if (waits && Date.now() - follower.saidAt < PATIENCE) return;
    follower.said = { number: follower.data.heard + 1, typing: fieldInUse() };
    follower.saidAt = Date.now();
    say(follower.said);
  };
  const timer = setInterval(ask, PERIOD);
  const onShow = (): void => ask();
  document.addEventListener("visibilitychange", onShow);
  const news = channel(data.channel);
  if (news !== null) {
    news.onmessage = ({ data: version }) => {
      if (typeof version === "number" && version > follower.data.version) ask();
    };
  }
  follower.stop = () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", onShow);
    news?.close();
  };
  return () => {
    followers.get(key)?.stop();
    followers.delete(key);
  };
}

/** Tell the other tabs of this browser. */
export function announce(data: NewsData): void {
  const news = channel(data.channel);
  news?.postMessage(data.version);
  news?.close();
}

function channel(name: string): BroadcastChannel | null {
  try {
    return new BroadcastChannel(name);
  } catch {
    return null; // blocked: the other tabs see it within a second
  }
}

function fieldInUse(): string | null {
  const field = document.activeElement;
  if (field === null || !["INPUT", "TEXTAREA"].includes(field.tagName)) return null;
  const widget = field.closest('[class*="st-key-"]');
  const name = Array.from(widget?.classList ?? []).find((part) => part.startsWith("st-key-"));
  return name ?? null;
}
