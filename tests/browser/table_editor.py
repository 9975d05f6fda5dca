"""A data editor in the page: a canvas, driven as a visitor does, by mouse and keys."""

from __future__ import annotations

import contextlib

from playwright.sync_api import Locator, expect
from visitor import Tab

ROW_HEIGHT = 35
MARKER_WIDTH = 33
"""Of the column with the boxes that select rows, where rows may be deleted."""


class TableEditor:
    """Clicks on a canvas go by its pixels; what its cells show, the grid tells screen readers."""

    def __init__(self, tab: Tab, *, has_markers: bool = True) -> None:
        self.page = tab.page
        self.has_markers = has_markers
        self._marker = MARKER_WIDTH if has_markers else 0

    @property
    def canvas(self) -> Locator:
        return self.page.get_by_test_id("data-grid-canvas").first

    @property
    def columns(self) -> list[str]:
        return self.canvas.locator("thead th").all_inner_texts()

    def cell(self, row: int, column: str) -> Locator:
        return self._cell(row, self._at(column))

    def _cell(self, row: int, at: int) -> Locator:
        return self.canvas.locator("tbody tr").nth(row).locator("td").nth(at)

    def shows(self, row: int, column: str, text: str) -> None:
        expect(self.cell(row, column)).to_have_text(text)

    def has_rows(self, number: int) -> None:
        """And the empty one at the end, where rows may be added."""
        expect(self.canvas.locator("tbody tr")).to_have_count(number)

    def _at(self, column: str) -> int:
        expect(self.canvas.locator("thead th").first).to_be_attached()
        return self.columns.index(column)

    def _click(self, row: int, x: float) -> None:
        # By force: over the canvas lies what scrolls it.
        self.canvas.click(position={"x": x, "y": (row + 1.5) * ROW_HEIGHT}, force=True)

    def select(self, row: int, column: str) -> None:
        at = self._at(column)
        with contextlib.suppress(AssertionError):  # without the focus it hears no key
            self._deselect()
        if self._cell(row, 0).get_attribute("aria-selected") == "true":
            # A second click would open it. The first click on a grid may give it the focus alone.
            self._click(row - 1 if row else 1, self._marker + 20)
            self._deselect()
        self._click(row, self._marker + 20)
        try:
            expect(self._cell(row, 0)).to_have_attribute("aria-selected", "true", timeout=2000)
        except AssertionError:  # a grid without the focus may take a click for that alone
            self._click(row, self._marker + 20)
        self._is_selected(row, 0)
        for _ in range(at):
            self.page.keyboard.press("ArrowRight")
        self._is_selected(row, at)

    def _deselect(self) -> None:
        """A click on a selected cell would open it."""
        for _ in range(20):
            if not self.canvas.locator("td[aria-selected=true]").count():
                return
            self.page.keyboard.press("Escape")
            self.page.wait_for_timeout(50)
        raise AssertionError("the selection stays")

    def _is_selected(self, row: int, at: int) -> None:
        expect(self._cell(row, at)).to_have_attribute("aria-selected", "true")

    def type(self, row: int, column: str, text: str) -> None:
        self.select(row, column)
        self.page.keyboard.press("Enter")
        field = self.page.locator("#portal textarea, #portal input").first
        field.fill(text)
        field.press("Enter")
        expect(field).to_have_count(0)

    def toggle(self, row: int, column: str) -> None:
        self.select(row, column)
        self.page.keyboard.press("Space")

    def erase(self, row: int, column: str) -> None:
        self.select(row, column)
        self.page.keyboard.press("Delete")

    def add_row(self, rows: int) -> None:
        """Click on the line below so many rows."""
        self._deselect()
        self._click(rows, self._marker + 20)

    def delete_row(self, row: int) -> None:
        self._deselect()
        self._click(row, self._marker / 2)
        self.page.keyboard.press("Delete")
