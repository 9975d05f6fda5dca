"""An undo button: the widgets, the data editor and the tabs show what it brings back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from everything import in_everything
from playwright.sync_api import Page, expect
from run_log import Run
from served import Server, running
from table_editor import TableEditor
from visitor import Tab, Visitor

NAMES = ["ada", "bob", "cyd"]


@pytest.fixture(scope="module")
def undo_app(
    database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("app")
    with running(Server(folder, database(), environment={"PGSTATE_HISTORY": "20"})) as server:
        yield server


@pytest.fixture
def tab(undo_app: Server, visitor: Visitor) -> Tab:
    tab = visitor.open(undo_app, "undo")
    tab.settled(1)
    return tab


def seen(run: Run) -> tuple[str, str, list[str]]:
    return run.seen["color"], run.seen["size"], run.seen["names"]


def shows(tab: Tab, color: str, size: str, names: list[str]) -> None:
    """Whether the page shows it, and the last run of the script had it."""
    page = tab.page
    expect(page.get_by_role("radio", name=color)).to_be_checked()
    expect(page.get_by_label("size")).to_have_value(size)
    editor = TableEditor(tab, has_markers=False)
    for row, name in enumerate(names):
        editor.shows(row, "name", name)
    assert seen(tab.runs()[-1]) == (color, size, names)


def choose(page: Page, color: str) -> None:
    page.get_by_test_id("stRadio").get_by_text(color, exact=True).click()


def enter(page: Page, size: str) -> None:
    field = page.get_by_label("size")
    field.fill(size)
    field.press("Enter")


def change_all(tab: Tab) -> None:
    """Three changes, each in a run of its own."""
    choose(tab.page, "green")
    tab.settled(1)
    enter(tab.page, "12")
    tab.settled(1)
    TableEditor(tab, has_markers=False).type(1, "name", "ben")
    tab.settled(1)
    shows(tab, "green", "12", ["ada", "ben", "cyd"])


STEPS: list[tuple[str, str, str, list[str]]] = [
    ("Undo", "green", "12", NAMES),
    ("F5", "green", "12", NAMES),
    ("Undo", "green", "10", NAMES),
    ("Undo", "red", "10", NAMES),
    ("F5", "red", "10", NAMES),
    ("Undo", "red", "10", NAMES),  # nothing is left
    ("Redo", "green", "10", NAMES),
    ("Redo", "green", "12", NAMES),
    ("F5", "green", "12", NAMES),
    ("Redo", "green", "12", ["ada", "ben", "cyd"]),
]


def test_three_changes_are_undone_and_made_again_with_reloads_in_between(tab: Tab) -> None:
    change_all(tab)
    for step, *expected in STEPS:
        if step == "F5":
            tab.reload()
        else:
            tab.click(step)
        tab.settled(1)
        shows(tab, *expected)  # type: ignore[arg-type]  # mypy takes them for a list of one type


@pytest.mark.long
def test_a_change_after_undo_is_undone_in_turn(tab: Tab) -> None:
    change_all(tab)
    tab.click("Undo")
    tab.settled(1)
    editor = TableEditor(tab, has_markers=False)
    editor.type(2, "name", "dan")
    tab.settled(1)
    shows(tab, "green", "12", ["ada", "bob", "dan"])
    for expected in ("12", "10"):
        tab.click("Undo")
        tab.settled(1)
        shows(tab, "green", expected, NAMES)
    enter(tab.page, "99")
    tab.settled(1)
    tab.click("Redo")
    tab.settled(1)
    shows(tab, "green", "99", NAMES)


@pytest.mark.parametrize("button", ["Undo in the script", *in_everything("Undo in a fragment")])
def test_undo_in_the_script_runs_the_whole_page_again(tab: Tab, button: str) -> None:
    change_all(tab)
    for expected in (("green", "12", NAMES), ("green", "10", NAMES), ("red", "10", NAMES)):
        tab.click(button)
        run = tab.settled()
        shows(tab, *expected)
        assert "nothing_to_undo" not in run.seen


@pytest.mark.long
def test_undo_in_the_script_goes_on_where_nothing_is_left(tab: Tab) -> None:
    tab.click("Undo in the script")
    assert tab.settled(1).seen["nothing_to_undo"]
    shows(tab, "red", "10", NAMES)


def test_what_the_visitor_has_just_typed_is_what_is_undone(tab: Tab) -> None:
    """The click comes with the text that is not saved yet."""
    enter(tab.page, "11")
    tab.settled(1)
    tab.page.get_by_label("size").fill("12")
    tab.click("Undo")
    tab.settled()
    shows(tab, "red", "11", NAMES)
    tab.click("Redo")
    tab.settled(1)
    shows(tab, "red", "12", NAMES)


def test_it_undoes_what_another_tab_has_changed(
    tab: Tab, undo_app: Server, visitor: Visitor
) -> None:
    other = visitor.open(undo_app, "undo")
    other.settled(1)
    choose(other.page, "blue")
    other.settled(1)
    tab.page.bring_to_front()
    tab.click("Undo")
    tab.settled(1)
    shows(tab, "red", "10", NAMES)
    other.page.bring_to_front()
    enter(other.page, "5")
    other.settled(1)
    shows(other, "red", "5", NAMES)


def test_what_is_read_by_get_is_shown_anew(undo_app: Server, visitor: Visitor) -> None:
    tab = visitor.open(undo_app, "undo_of_a_value")
    tab.settled(1)
    found: list[Any] = []
    for button in ("add", "add", "undo", "undo", "undo"):
        tab.click(button)
        found.append(tab.settled().seen["n"])
    assert found == [1, 2, 1, None, None]
    expect(tab.page.get_by_text("n is None")).to_be_visible()
