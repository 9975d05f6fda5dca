// @vitest-environment happy-dom
import { expect, it } from "vitest";
import { addStyle } from "./style";

it("adds its rules to the page once, however often the component is mounted", () => {
  addStyle(document);
  addStyle(document);
  const styles = document.head.querySelectorAll("style");
  expect(styles.length).toBe(1);
  expect(styles[0]?.textContent).toContain("stProgress");
});
