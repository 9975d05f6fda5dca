"""A data editor in the page: a canvas, driven by mouse and keys; its cells are told to screen readers."""

from __future__ import annotations

from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from window import Window, awaited

ROW_HEIGHT = 35
MARKER_WIDTH = 33
"""Of the column with the boxes that select rows."""
FIELD = "#portal textarea, #portal input"


class Table:
    """The first data editor of a window, whose rows may be deleted."""

    def __init__(self, window: Window) -> None:
        self.window = window

    def shows(self, row: int, column: int, text: str) -> None:
        cell = f"canvas tbody tr:nth-child({row + 1}) td:nth-child({column + 1})"
        script = "return document.querySelector(arguments[0])?.textContent"
        awaited(
            lambda: self.window.driver.execute_script(script, cell) == text,
            f"{text!r} in the cell {row}, {column}",
        )

    def type_first(self, row: int, text: str) -> None:
        """Into the first cell of a row that nobody has selected yet."""
        self._select_first(row)
        self.window.press(Keys.ENTER)
        field = self.window.find(FIELD)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text, Keys.ENTER)
        awaited(lambda: self.window.count(FIELD) == 0, "the end of editing")

    def _select_first(self, row: int) -> None:
        canvas = self.window.find("[data-testid=data-grid-canvas]")
        x = MARKER_WIDTH + 20 - canvas.size["width"] // 2
        y = int((row + 1.5) * ROW_HEIGHT) - canvas.size["height"] // 2
        selected = "canvas td[aria-selected=true]"

        def is_selected() -> bool:
            """A grid without the focus may take a click for that alone."""
            driver = self.window.driver
            if not driver.find_elements(By.CSS_SELECTOR, selected):
                ActionChains(driver).move_to_element_with_offset(canvas, x, y).click().perform()
            return self.window.count(selected) > 0

        awaited(is_selected, f"a selected cell in row {row}")
