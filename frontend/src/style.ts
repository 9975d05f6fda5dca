/**
 * CSS rules for what this package draws in the page, so that nothing in the page moves.
 *
 * The progress bar of a long operation and the message that the database is away are in Streamlit's
 * container of toasts, which Streamlit hides. The rules show that container over the page's upper edge
 * while it holds one of them. Of several messages they show one. In a fragment's container the
 * component takes no space.
 */

const ID = "streamlit-pgstate-style";
const BAR = ".st-key-streamlit_pgstate_progress";
const OUTAGE = ".st-key-streamlit_pgstate_outage";
const HELD = `:is(${BAR} [data-testid="stProgress"], ${OUTAGE})`;
const PLACE = `[data-testid="stEvent"]:has(${HELD})`;
const BEFORE = `:is(${OUTAGE}, :has(${OUTAGE}))`;

const RULES = `
[class*="st-key-streamlit_pgstate"]:not(${BAR}, ${OUTAGE}) {
  position: absolute;
}
${PLACE} {
  display: block !important;
  position: fixed;
  inset: 0.75rem 0 auto;
  margin: 0 auto;
  width: min(24rem, 80vw);
  padding: 0.5rem 1rem 0.75rem;
  border-radius: 0.5rem;
  box-shadow: 0 0.25rem 1rem rgb(0 0 0 / 20%);
  background: inherit;
  pointer-events: none;
  z-index: 999991;
}
${PLACE}:has(${OUTAGE}) {
  width: min(36rem, 90vw);
  padding: 0;
}
${PLACE} [data-testid="stElementContainer"]:not(:is(${BAR}, ${OUTAGE}) *),
${OUTAGE} [class*="st-key-streamlit_pgstate_retry"],
${BEFORE} ~ ${OUTAGE},
${BEFORE} ~ * ${OUTAGE} {
  display: none;
}
`;

/** Add the rules to the page, once, however often the component is mounted. */
export function addStyle(page: Document): void {
  if (page.getElementById(ID) !== null) return;
  const style = page.createElement("style");
  style.id = ID;
  style.textContent = RULES;
  page.head.append(style);
}
