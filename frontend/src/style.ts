/**
 * The progress bar of long work stands in Streamlit's container of toasts, which is not drawn:
 * this lays it over the page's upper edge while there is one, so that nothing in the page moves.
 */

const ID = "streamlit-pgstate-style";
const BAR = ".st-key-streamlit_pgstate_progress";
const PLACE = `[data-testid="stEvent"]:has(${BAR} [data-testid="stProgress"])`;

const RULES = `
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
${PLACE} [data-testid="stElementContainer"]:not(${BAR} *) {
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
