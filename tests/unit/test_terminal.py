"""The bar of the command line: drawn over one line, and cleared."""

from __future__ import annotations

import pytest

from streamlit_pgstate.cli.terminal import Terminal, find_terminal


def test_a_bar_is_drawn_over_its_line_and_cleared(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    for fraction in (0.0, 0.5, 1.0):
        terminal.show("Exporting: 1 of 2 MiB", fraction)
    terminal.hide()
    drawn = capsys.readouterr()
    assert drawn.out == ""
    lines = drawn.err.split("\r")[1:]
    assert [line.count("#") for line in lines] == [0, 15, 30, 0]
    assert "\n" not in drawn.err


def test_nobody_is_shown_a_bar_where_no_terminal_is() -> None:
    assert find_terminal() is None
