"""A data editor in the page, driven by mouse and keys.

It is a canvas; what its cells show, the grid tells screen readers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from selenium.webdriver import ActionChains, Keys
from window import Window, awaited

ROW_HEIGHT = 35
MARKER_WIDTH = 33
"""Of the column with the boxes that select rows."""
SELECTED = "canvas td[aria-selected=true]"
FIELD = "#portal textarea, #portal input"
TRIES = 5
TRIED_FOR = 4.0
"""Seconds: a second click on a selected cell would open it."""


class Table:
    """The first data editor of a window, whose rows may be deleted."""

    def __init__(self, window: Window) -> None:
        self.window = window

    def shows_first(self, row: int, text: str) -> None:
        cell = f"canvas tbody tr:nth-child({row + 1}) td"
        script = "return document.querySelector(arguments[0])?.textContent"
        awaited(
            lambda: self.window.driver.execute_script(script, cell) == text,
            f"{text!r} in the first cell of row {row}",
        )

    def type_first(self, row: int, text: str) -> None:
        """Into the first cell of a row."""
        self._do(lambda: self._click_first(row), f"{SELECTED}[id$='-1-{row}']")
        self._do(lambda: self.window.press(Keys.ENTER), FIELD)
        field = self.window.find(FIELD)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text)
        awaited(lambda: field.get_property("value") == text, f"{text!r} in the cell's field")
        field.send_keys(Keys.ENTER)
        awaited(lambda: self.window.count(FIELD) == 0, "the end of editing")

    def _do(self, act: Callable[[], None], until: str) -> None:
        """Again where a grid without the focus has taken a click, or a key, for that alone."""
        for _ in range(TRIES):
            act()
            with contextlib.suppress(AssertionError):
                awaited(lambda: self.window.count(until) > 0, until, within=TRIED_FOR)
                return
        raise AssertionError(f"{TRIES} tries have not led to {until}")

    def _click_first(self, row: int) -> None:
        canvas = self.window.find("[data-testid=data-grid-canvas]")
        x = MARKER_WIDTH + 20 - canvas.size["width"] // 2
        y = int((row + 1.5) * ROW_HEIGHT) - canvas.size["height"] // 2
        mouse = ActionChains(self.window.driver)
        mouse.move_to_element_with_offset(canvas, x, y).click().perform()
