/**
 * A page that has found its server again. A server that was restarted, and one that has given up
 * the session after two minutes, know nothing of the page: what the visitor then changes could not
 * be told from what the page has shown all along. So the script runs before anything is changed, and
 * is told which version of the state that was: what differs from it, somebody has chosen since.
 */

export interface ReconnectData {
  role: "reconnect";
}

/**
 * What the page shows: the fingerprint of the state's token, how far that state was, and which
 * session of the server's has told the page so.
 */
interface Shown {
  have: string;
  version: number;
  teller: string;
}

export interface ShownData extends Shown {
  role: "shown";
}

export interface Reconnect extends Shown {
  at: number;
}

let shown: Shown = { have: "", version: 0, teller: "" };

/** Told at the end of each run. */
export function show({ have, version, teller }: ShownData): void {
  shown = { have, version, teller };
}

/** What Streamlit says of its connection, as an attribute: seen in 1.51 to 1.67. */
const APP = "[data-testid=stApp]";
const STATE = "data-test-connection-state";
const CONNECTED = "CONNECTED";

const observers: Map<string, MutationObserver> = new Map();

/** Say so at once when the server was away and is there again. */
export function noticeReconnect(key: string, say: (what: Reconnect) => void): () => void {
  observers.get(key)?.disconnect();
  const app = document.querySelector(APP);
  let was = app?.getAttribute(STATE);
  const observer = new MutationObserver(() => {
    const is = app?.getAttribute(STATE);
    if (is === CONNECTED && was !== CONNECTED) say({ at: Date.now(), ...shown });
    was = is;
  });
  if (app !== null) observer.observe(app, { attributeFilter: [STATE] });
  observers.set(key, observer);
  return () => {
    observers.get(key)?.disconnect();
    observers.delete(key);
  };
}
