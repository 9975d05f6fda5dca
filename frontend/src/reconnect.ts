/**
 * A page that has found its server again.
 *
 * A server that was restarted knows nothing of the page. The same holds for a server that has given
 * up the session, after two minutes. It could not distinguish what the visitor then changes from
 * what the page has shown all along. So the page runs its script before anything is changed, and
 * reports which version of the state it showed. The visitor has chosen whatever differs from that.
 */

import { appIn, CONNECTED, CONNECTION } from "./streamlit";

export interface ReconnectData {
  role: "reconnect";
}

/** Which state the page shows, and which version of it. */
interface ShownState {
  /** Fingerprint of the state's token. */
  have: string;
  version: number;
  /** The server's session that has sent this. A restarted server has another. */
  serverSession: string;
}

export interface ShownData extends ShownState {
  role: "shown";
}

/** What the page reports when it has found its server again. */
export interface Reconnect extends ShownState {
  /** When, in milliseconds of the page's clock. */
  at: number;
}

let shown: ShownState = { have: "", version: 0, serverSession: "" };

/** Keep what the server has sent at the end of a run. */
export function keepShownState({ have, version, serverSession }: ShownData): void {
  shown = { have, version, serverSession };
}

const observers: Map<string, MutationObserver> = new Map();

/** Report the shown state as soon as the connection, once lost, is there again. */
export function noticeReconnect(key: string, report: (what: Reconnect) => void): () => void {
  observers.get(key)?.disconnect();
  const app = appIn(document);
  let was = app?.getAttribute(CONNECTION);
  const observer = new MutationObserver(() => {
    const is = app?.getAttribute(CONNECTION);
    if (is === CONNECTED && was !== CONNECTED) report({ at: Date.now(), ...shown });
    was = is;
  });
  if (app !== null) observer.observe(app, { attributeFilter: [CONNECTION] });
  observers.set(key, observer);
  return () => {
    observers.get(key)?.disconnect();
    observers.delete(key);
  };
}
