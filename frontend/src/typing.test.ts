// @vitest-environment happy-dom
import { beforeEach, expect, it, vi } from "vitest";
import { fieldBeingTypedIn, watchTyping } from "./typing";

type Field = HTMLInputElement | HTMLTextAreaElement;

const KEYED = '<div data-testid="stElementContainer" class="a st-key-name b">';

const TEXT = `${KEYED}<input type="text" value="Ada"></div>`;
const AREA = `${KEYED}<textarea>Ada</textarea></div>`;
const NUMBER = `${KEYED}<input type="number" value="1"></div>`;
const CHAT = `${KEYED}<div data-testid="stChatInput"><textarea></textarea></div></div>`;

const press = (key: string, options: KeyboardEventInit = {}) => (field: Field): void => {
  field.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...options }));
};
const type = (text: string) => (field: Field): void => {
  field.value = text;
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
};
/** As Streamlit sets it: another has changed it, or the widget itself. */
const set = (text: string) => (field: Field): void => {
  field.value = text;
};
const refuse = (field: Field): void => field.setAttribute("aria-invalid", "true");
const leave = (field: Field): void => field.blur();
const comeBack = (field: Field): void => field.focus();

beforeEach(() => {
  vi.useFakeTimers();
  watchTyping(document);
});

it.each<[string, string, ((field: Field) => void)[], boolean]>([
  ["with the focus", TEXT, [], false],
  ["with a half-typed text", TEXT, [type("Ad")], true],
  ["with what it had, typed again", TEXT, [type("Ad"), type("Ada")], true],
  ["with what it had, typed again and sent", TEXT, [type("Ad"), type("Ada"), press("Enter")], false],
  ["after Enter", TEXT, [type("Grace"), press("Enter")], false],
  ["after Enter, when somebody types on", TEXT, [type("Grace"), press("Enter"), type("G")], true],
  ["after Enter, when another has changed it", TEXT, [type("G"), press("Enter"), set("Bob")], false],
  ["that another has changed, typed in", TEXT, [set("Bob"), type("Bo")], true],
  ["whose text Streamlit refuses", TEXT, [type("?"), refuse, press("Enter")], true],
  ["where Enter chooses a candidate", TEXT, [type("あ"), press("Enter", { isComposing: true })], true],
  ["that was left", TEXT, [type("Grace"), leave], false],
  ["that was left and has the focus again", TEXT, [type("Grace"), leave, comeBack], false],
  ["of several lines, after Enter", AREA, [type("Grace\n"), press("Enter")], true],
  ["of several lines, after Ctrl+Enter", AREA, [type("G"), press("Enter", { ctrlKey: true })], false],
  ["of several lines, after Cmd+Enter", AREA, [type("G"), press("Enter", { metaKey: true })], false],
  ["of a number, half typed", NUMBER, [type("12")], true],
  ["of a number, after Enter", NUMBER, [type("12"), press("Enter")], false],
  ["of a number, after an arrow", NUMBER, [type("12"), press("ArrowUp"), set("13")], false],
  ["of text, after an arrow", TEXT, [type("12"), press("ArrowUp")], true],
  ["of a chat, half typed", CHAT, [type("Hel")], true],
  ["of a chat, sent", CHAT, [type("Hello"), press("Enter"), set("")], false],
  ["of a chat, on its second line", CHAT, [type("Hello\n"), press("Enter", { shiftKey: true })], true],
])("a field %s", (_, html, steps, isTypedIn) => {
  document.body.innerHTML = html;
  const field = document.querySelector("input, textarea") as Field;
  field.focus();
  for (const step of steps) {
    step(field);
    if (step !== steps.at(-1)) vi.runAllTimers();
  }
  vi.runAllTimers();
  expect(fieldBeingTypedIn(document)).toBe(isTypedIn ? "st-key-name" : null);
});

it("knows the table of a cell's editor, which is drawn outside of it", () => {
  document.body.innerHTML =
    `${KEYED}<canvas tabindex="0"></canvas></div><div id="portal"><textarea></textarea></div>`;
  document.querySelector("canvas")?.focus();
  expect(fieldBeingTypedIn(document)).toBe(null);
  document.querySelector("textarea")?.focus();
  expect(fieldBeingTypedIn(document)).toBe("st-key-name");
});

it("knows no name for a field without a key", () => {
  document.body.innerHTML =
    `${TEXT}<div data-testid="stElementContainer"><input id="other"></div>`;
  document.querySelector("input")?.focus();
  const other = document.querySelector("#other") as HTMLInputElement;
  other.focus();
  type("text")(other);
  expect(fieldBeingTypedIn(document)).toBe(null);
});
