/**
 * A live page. It asks the server for changes once a second while it is visible, and at once when
 * another tab of this browser announces a change.
 */

import { attempt } from "./copies";
import { hasDialog } from "./streamlit";
import { fieldBeingTypedIn, watchTyping } from "./typing";

/** Versions of states, by the channel on which tabs announce the changes of each. */
type Channels = Record<string, number>;

export interface LiveData {
  role: "live";
  /** The states that this page reads, in the versions that it shows. */
  channels: Channels;
  /** The number of the last tick that the server has received. */
  received: number;
}

export interface ChangesData {
  role: "changes";
  /** The states that have changed, in their new versions. */
  channels: Channels;
}

/** What a live page sends to ask for changes. */
export interface Tick {
  number: number;
  /** The `st-key-…` class of the text field that the visitor is typing in; null for none. */
  typing: string | null;
  /** Whether a dialog is open. A run of the whole page would close it. */
  dialog: boolean;
}

/** Milliseconds between two ticks. */
export const PERIOD = 1000;
/** Milliseconds without an answer after which a tick is sent again: the server may have been away. */
const PATIENCE = 10_000;

interface Follower {
  lastTick: Tick | null;
  sentAt: number;
  stop: () => void;
}

const followers: Map<string, Follower> = new Map();

/** The versions that this page has announced itself, by channel. */
const announced: Map<string, number> = new Map();

/** Follow the states in `data`. Streamlit calls this again with each answer of the server. */
export function follow(key: string, data: LiveData, send: (tick: Tick) => void): () => void {
  const known = followers.get(key);
  known?.stop();
  const follower: Follower = {
    lastTick: known?.lastTick ?? null,
    sentAt: known?.sentAt ?? 0,
    stop: () => {},
  };
  followers.set(key, follower);
  watchTyping(document);
  const ask = (): void => {
    if (document.visibilityState !== "visible") return;
    const isWaiting = follower.lastTick !== null && follower.lastTick.number > data.received;
    if (isWaiting && Date.now() - follower.sentAt < PATIENCE) return;
    follower.lastTick = {
      number: data.received + 1,
      typing: fieldBeingTypedIn(document),
      dialog: hasDialog(document),
    };
    follower.sentAt = Date.now();
    send(follower.lastTick);
  };
  const timer = setInterval(ask, PERIOD);
  const onShow = (): void => ask();
  document.addEventListener("visibilitychange", onShow);
  const channels = Object.entries(data.channels).map(([name, shown]) => {
    const channel = open(name);
    if (channel !== null) {
      channel.onmessage = ({ data: version }) => {
        const known = Math.max(shown, announced.get(name) ?? 0);
        if (typeof version === "number" && version > known) ask();
      };
    }
    return channel;
  });
  follower.stop = () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", onShow);
    for (const channel of channels) channel?.close();
  };
  return () => {
    followers.get(key)?.stop();
    followers.delete(key);
  };
}

/** Announce changes to the other tabs of this browser. */
export function announce(data: ChangesData): void {
  for (const [name, version] of Object.entries(data.channels)) {
    announced.set(name, version);
    const channel = open(name);
    channel?.postMessage(version);
    channel?.close();
  }
}

/** Null if the browser blocks it: then the other tabs find a change within a second. */
function open(name: string): BroadcastChannel | null {
  return attempt(() => new BroadcastChannel(name));
}
