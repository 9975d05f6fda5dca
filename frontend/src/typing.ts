/**
 * Which text field the visitor is typing in: one that was typed in since its text was last sent, as
 * Streamlit sees it. A field that merely has the focus is not, and may show what others have changed.
 */

type Field = HTMLInputElement | HTMLTextAreaElement;

/** Streamlit shows no other text in them, even where what it had was typed again. */
const unsent: WeakSet<Field> = new WeakSet();

/** The widget that had the focus last: that of a cell's editor, which is drawn outside of it. */
let widget: string | null = null;

const watched: WeakSet<Document> = new WeakSet();

/** Listen to what is typed in the page; any number of calls is one. */
export function watchTyping(page: Document): void {
  if (watched.has(page)) return;
  watched.add(page);
  const on = <E extends Event>(name: string, hear: (event: E) => void): void =>
    page.addEventListener(name, hear as EventListener, { capture: true, passive: true });
  on("pointerdown", ({ target }) => noteWidget(target));
  on("focusin", ({ target }) => noteWidget(target));
  on("input", ({ target }) => {
    if (isField(target)) unsent.add(target);
  });
  on<KeyboardEvent>("keydown", (event) => {
    // When Streamlit has heard of it, and has sent what it makes of it.
    if (isField(event.target) && sends(event, event.target)) sentSoon(event.target);
  });
  on("focusout", ({ target }) => {
    if (isField(target)) unsent.delete(target); // Streamlit sends a field that is left
  });
}

/** The `st-key-…` class of the field that is being typed in; null for none. */
export function fieldBeingTypedIn(page: Document): string | null {
  const field = page.activeElement;
  if (!isField(field)) return null;
  const own = keyClass(field);
  // A cell's editor lives as long as somebody edits the cell, and goes with its table.
  if (own === null && !isInPage(field)) return widget;
  const isTypedIn = isChat(field) ? field.value !== "" : unsent.has(field);
  return isTypedIn ? own : null;
}

/** Whether this key has Streamlit send the field's text as it is then. */
function sends(event: KeyboardEvent, field: Field): boolean {
  if (event.isComposing) return false; // Enter chooses among candidates
  if (event.key === "ArrowUp" || event.key === "ArrowDown") return field.type === "number";
  if (event.key !== "Enter") return false;
  if (field.tagName === "INPUT") return true;
  return event.ctrlKey || event.metaKey;
}

/** A chat's field is empty once it was sent. */
function isChat(field: Field): boolean {
  return field.closest('[data-testid="stChatInput"]') !== null;
}

function sentSoon(field: Field): void {
  setTimeout(() => {
    // What Streamlit refuses to send stays in the field, which says so.
    if (field.getAttribute("aria-invalid") !== "true") unsent.delete(field);
  });
}

function noteWidget(target: EventTarget | null): void {
  if (!(target instanceof Element)) return;
  if (isInPage(target)) widget = keyClass(target);
}

/** Whether an element stands where the script has put it, and is not laid over the page. */
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
