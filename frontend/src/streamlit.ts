/**
 * What Streamlit shows about its connection and its script, as attributes of the app's element:
 * seen in 1.51 to 1.67.
 */

export const CONNECTION = "data-test-connection-state";
export const CONNECTED = "CONNECTED";
export const SCRIPT = "data-test-script-state";
export const RUNNING = "running";

/** The app's element; null in a version of Streamlit without it. */
export function appIn(page: Document): Element | null {
  return page.querySelector("[data-testid=stApp]");
}
