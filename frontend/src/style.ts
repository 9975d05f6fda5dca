/**
 * The progress bar of long work, and the sentence that the database is away, stand in Streamlit's
 * container of toasts, which is not drawn: this lays them over the page's upper edge while there is
 * one, so that nothing in the page moves. Of several such sentences one is shown. The component itself
 * takes no room where it stands in a fragment's container.
 */

const ID = "streamlit-pgstate-style";
const BAR = ".st-key-streamlit_pgstate_progress";
const OUTAGE = ".st-key-streamlit_pgstate_outage";
const SAYS = `:is(${BAR} [data-testid="stProgress"], ${OUTAGE})`;
const PLACE = `[data-testid="stEvent"]:has(${SAYS})`;
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

/** Once a page, however often the component is mounted. */
export function addStyle(page: Document): void {
  if (page.getElementById(ID) !== null) return;
  const style = page.createElement("style");
  style.id = ID;
  style.textContent = RULES;
  page.head.append(style);
}
