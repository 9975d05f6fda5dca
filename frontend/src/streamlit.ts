/**
 * What Streamlit shows in the document: its connection and its script, as attributes of the app's
 * element, and an open dialog. Seen in 1.51 to 1.67.
 */

export const CONNECTION = "data-test-connection-state";
export const CONNECTED = "CONNECTED";
export const SCRIPT = "data-test-script-state";
export const RUNNING = "running";

/** The app's element; null in a version of Streamlit without it. */
export function appIn(page: Document): Element | null {
  return page.querySelector("[data-testid=stApp]");
}

/**
 * Whether a dialog is open: one of `st.dialog`, or one of Streamlit's own.
 *
 * Streamlit's own are «Clear caches» and «Record a screencast», and in 1.51 the settings. A run does
 * not close these, but it can wait for them. All dialogs have this element, and only while they are
 * open: seen in 1.51 and 1.67. Without it, no dialog counts as open. The role `dialog` does not tell:
 * in 1.67 `st.popover` and the panel of `st.color_picker` have it too, and a run closes neither.
 */
export function hasDialog(page: Document): boolean {
  return page.querySelector("[data-testid=stDialog]") !== null;
}
