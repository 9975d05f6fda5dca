/**
 * Which text field the visitor is typing in.
 *
 * That is a field with text that was typed and that Streamlit has not sent yet. A field that only has
 * the focus does not count: it may show what others have changed.
 */

type Field = HTMLInputElement | HTMLTextAreaElement;

/**
 * Fields with text that Streamlit has not sent. Streamlit does not change the text of such a field,
 * even if the visitor has typed the former text again.
 */
const unsent: WeakSet<Field> = new WeakSet();

/**
 * The `st-key-…` class of the widget that last had the focus. The editor of a table's cell is drawn
 * outside of its widget, and is assigned to it by this.
 */
let widget: string | null = null;

const watched: WeakSet<Document> = new WeakSet();

/** Listen to what is typed in the page. Further calls for the same page do nothing. */
export function watchTyping(page: Document): void {
  if (watched.has(page)) return;
  watched.add(page);
  const on = <E extends Event>(name: string, listener: (event: E) => void): void =>
    page.addEventListener(name, listener as EventListener, { capture: true, passive: true });
  on("pointerdown", ({ target }) => noteWidget(target));
  on("focusin", ({ target }) => noteWidget(target));
  on("input", ({ target }) => {
    if (isField(target)) unsent.add(target);
  });
  on<KeyboardEvent>("keydown", (event) => {
    if (isField(event.target) && sends(event, event.target)) noteSent(event.target);
  });
  on("focusout", ({ target }) => {
    if (isField(target)) unsent.delete(target); // Streamlit sends the text when the focus leaves
  });
}

/** The `st-key-…` class of the field that the visitor is typing in; null for none. */
export function fieldBeingTypedIn(page: Document): string | null {
  const field = page.activeElement;
  if (!isField(field)) return null;
  const own = keyClass(field);
  // A cell's editor exists only while the visitor edits the cell. Its key is that of its table.
  if (own === null && !isInPage(field)) return widget;
  const isTypedIn = isChat(field) ? field.value !== "" : unsent.has(field);
  return isTypedIn ? own : null;
}

/** Whether Streamlit sends the field's text when this key is pressed. */
function sends(event: KeyboardEvent, field: Field): boolean {
  if (event.isComposing) return false; // Enter chooses a candidate of the input method
  if (event.key === "ArrowUp" || event.key === "ArrowDown") return field.type === "number";
  if (event.key !== "Enter") return false;
  if (field.tagName === "INPUT") return true;
  return event.ctrlKey || event.metaKey;
}

/** Whether it is the field of `st.chat_input`, which is empty once its text was sent. */
function isChat(field: Field): boolean {
  return field.closest('[data-testid="stChatInput"]') !== null;
}

/** Note that the text was sent, after Streamlit has handled the key. */
function noteSent(field: Field): void {
  setTimeout(() => {
    // A text that Streamlit refuses to send stays in the field, which is marked as invalid.
    if (field.getAttribute("aria-invalid") !== "true") unsent.delete(field);
  });
}

function noteWidget(target: EventTarget | null): void {
  if (!(target instanceof Element)) return;
  if (isInPage(target)) widget = keyClass(target);
}

/** Whether an element is in the page's layout, and not drawn over the page. */
function isInPage(part: Element): boolean {
  return part.closest('[data-testid="stElementContainer"]') !== null;
}

function keyClass(part: Element): string | null {
  const keyed = part.closest('[class*="st-key-"]');
  return Array.from(keyed?.classList ?? []).find((name) => name.startsWith("st-key-")) ?? null;
}

function isField(target: EventTarget | null): target is Field {
  return target instanceof Element && ["INPUT", "TEXTAREA"].includes(target.tagName);
}
