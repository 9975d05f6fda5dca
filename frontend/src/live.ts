/**
 * A page that follows its state: asks the server once a second, while it can be seen, and at once
 * when another tab of this browser says that it has changed something.
 */

import { fieldBeingTypedIn, watchTyping } from "./typing";

/** Versions of states, by the name under which the tabs of this browser tell each other of each. */
type Channels = Record<string, number>;

export interface LiveData {
  role: "live";
  /** Of the states that this page reads. */
  channels: Channels;
  /** Of the last tick that the server has heard. */
  heard: number;
}

export interface NewsData {
  role: "news";
  channels: Channels;
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

/** What this page has told the others itself. */
const told: Map<string, number> = new Map();

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
  watchTyping(document);
  const ask = (): void => {
    if (document.visibilityState !== "visible") return;
    const waits = follower.said !== null && follower.said.number > follower.data.heard;
    if (waits && Date.now() - follower.saidAt < PATIENCE) return;
    follower.said = { number: follower.data.heard + 1, typing: fieldBeingTypedIn(document) };
    follower.saidAt = Date.now();
    say(follower.said);
  };
  const timer = setInterval(ask, PERIOD);
  const onShow = (): void => ask();
  document.addEventListener("visibilitychange", onShow);
  const news = Object.entries(data.channels).map(([name, shown]) => {
    const channel = opened(name);
    if (channel !== null) {
      channel.onmessage = ({ data: version }) => {
        if (typeof version === "number" && version > Math.max(shown, told.get(name) ?? 0)) ask();
      };
    }
    return channel;
  });
  follower.stop = () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", onShow);
    for (const channel of news) channel?.close();
  };
  return () => {
    followers.get(key)?.stop();
    followers.delete(key);
  };
}

/** Tell the other tabs of this browser. */
export function announce(data: NewsData): void {
  for (const [name, version] of Object.entries(data.channels)) {
    told.set(name, version);
    const channel = opened(name);
    channel?.postMessage(version);
    channel?.close();
  }
}

function opened(name: string): BroadcastChannel | null {
  try {
    return new BroadcastChannel(name);
  } catch {
    return null; // blocked: the other tabs see it within a second
  }
}
