"""What a visitor sees of a data editor: their edits, however often they reload."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import psycopg
import pytest
import streamlit as st
from everything import in_everything
from playwright.sync_api import expect
from run_log import Run
from served import Server
from table_editor import TableEditor
from visitor import Tab, Visitor

NAMES = ["ada", "bob", "cyd"]
ROWS = [
    *("dynamic", *in_everything("fixed")),
    *(in_everything("add", "delete") if hasattr(st, "pagination") else []),
]
"""The values of `num_rows`; 1.51 has two."""
FOUR = ("4", "int64") if hasattr(st, "pagination") else ("4.0", "float64")
"""A whole number in a row that was added, and its column's type then."""


def names(run: Run) -> list[str]:
    return [row[0] for row in run.seen["rows"]]


def opened(visitor: Visitor, app: Server, case: str = "table") -> tuple[Tab, TableEditor]:
    tab = visitor.open(app, case)
    tab.settled(1)
    return tab, TableEditor(tab)


def version(rows: psycopg.Connection[Any], tab: Tab) -> int:
    """Of the session: it grows by one with each write."""
    found = rows.execute(
        "SELECT version FROM pgstate.session WHERE id = %s", (tab.runs()[-1].seen["id"],)
    ).fetchone()
    return int(found[0]) if found else 0


def test_edits_of_every_kind_pile_up_over_reloads_each_in_one_run(
    app: Server, visitor: Visitor, rows: psycopg.Connection[Any]
) -> None:
    tab, editor = opened(visitor, app)
    editor.type(0, "name", "eve")
    assert names(tab.settled(1)) == ["eve", "bob", "cyd"]
    tab.reload()
    assert names(tab.settled(1)) == ["eve", "bob", "cyd"]
    editor.shows(0, "name", "eve")
    editor.add_row(3)
    tab.settled(1)
    editor.type(3, "name", "dan")
    before = tab.settled(1)
    assert before.seen["dtypes"][:2] == [str(pd.Series(["a"]).dtype), "float64"]
    tab.reload()
    after = tab.settled(1)
    for fact in ("rows", "dtypes", "index", "edits"):
        assert after.seen[fact] == before.seen[fact]
    editor.type(3, "count", "4")
    run = tab.settled(1)
    assert run.seen["rows"][3][:2] == ["dan", FOUR[0]]
    assert run.seen["dtypes"][1] == FOUR[1], "as if the row had been added in one sitting"
    editor.delete_row(1)
    assert names(tab.settled(1)) == ["eve", "cyd", "dan"]
    tab.reload()
    assert names(tab.settled(1)) == ["eve", "cyd", "dan"]
    editor.toggle(1, "done")
    run = tab.settled(1)
    assert run.seen["rows"][1][2] == "False"
    assert run.seen["edits"] == {
        "edited_rows": {"0": {"name": "eve"}, "2": {"done": False}},
        "added_rows": [{"name": "dan", "count": 4}],
        "deleted_rows": [1],
    }
    written = version(rows, tab)
    tab.click("run")
    assert names(tab.settled(1)) == ["eve", "cyd", "dan"]
    tab.reload()
    tab.settled(1)
    assert version(rows, tab) == written, "a run in which nothing changed writes nothing"
    editor.type(2, "name", "don")
    tab.settled(1)
    assert version(rows, tab) == written + 1


@pytest.mark.parametrize("number", ROWS)
def test_edits_last_whichever_rows_may_come_and_go(
    number: str, app: Server, visitor: Visitor
) -> None:
    tab = visitor.tab(app, "table")
    tab.address += f"&rows={number}"
    tab.open()
    tab.settled(1)
    editor = TableEditor(tab, has_markers=number in ("dynamic", "delete"))
    editor.type(0, "name", "eve")
    tab.settled(1)
    tab.reload()
    assert names(tab.settled(1)) == ["eve", "bob", "cyd"]
    editor.type(1, "name", "ben")
    assert names(tab.settled(1)) == ["eve", "ben", "cyd"]
    if number in ("dynamic", "delete"):
        editor.delete_row(2)
        tab.settled(1)
    tab.reload()
    assert names(tab.settled(1)) == ["eve", "ben", "cyd"][: 2 if editor.has_markers else 3]


@pytest.mark.long
def test_the_unedited_table_is_never_on_the_screen(app: Server, visitor: Visitor) -> None:
    tab, editor = opened(visitor, app)
    editor.type(0, "name", "eve")
    tab.settled(1)
    tab.run_first(
        """window.seen = new Set()
        new MutationObserver(() => document.querySelectorAll("canvas td").forEach(cell =>
            window.seen.add(cell.innerText))).observe(document,
                {subtree: true, childList: true, characterData: true})"""
    )
    tab.reload()
    tab.settled(1)
    editor.shows(0, "name", "eve")
    seen = tab.page.evaluate("[...window.seen]")
    assert "eve" in seen
    assert "ada" not in seen


@pytest.mark.long  # test_reconnect has a restart with edits
def test_a_restarted_server_and_a_second_tab_have_the_edits(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app()
    first, editor = opened(visitor, server)
    editor.type(0, "name", "eve")
    first.settled(1)
    second, _ = opened(visitor, server)
    assert names(second.runs()[-1]) == ["eve", "bob", "cyd"]
    first.restart_server()
    first.reload()
    assert names(first.settled()) == ["eve", "bob", "cyd"]


def test_a_tab_takes_over_what_another_has_edited_and_what_it_edits_itself_wins(
    app: Server, visitor: Visitor
) -> None:
    first, editor = opened(visitor, app)
    second, other = opened(visitor, app)
    editor.type(0, "name", "eve")
    first.settled(1)
    second.page.bring_to_front()
    second.click("run")
    assert names(second.settled(1)) == ["eve", "bob", "cyd"]
    other.shows(0, "name", "eve")
    other.type(1, "name", "ben")
    assert names(second.settled(1)) == ["eve", "ben", "cyd"]
    first.page.bring_to_front()
    editor.type(2, "name", "cat")
    assert names(first.settled(1)) == ["eve", "bob", "cat"]
    second.page.bring_to_front()
    second.click("run")
    assert names(second.settled(1)) == ["eve", "bob", "cat"]
    second.click("run")
    assert names(second.settled(1)) == ["eve", "bob", "cat"]


def test_edits_are_not_applied_to_another_table_and_come_back_with_theirs(
    app: Server, visitor: Visitor
) -> None:
    tab, editor = opened(visitor, app)
    editor.type(0, "name", "eve")
    tab.settled(1)
    logged = app.log.count("the table has changed since it was edited")
    changed = visitor.tab(app, "table")
    changed.address += "&base=2"
    changed.open()
    run = changed.settled(1)
    assert names(run) == NAMES
    assert run.seen["rows"][0][1] == "101"
    expect(changed.page.get_by_text("This table has changed since")).to_be_visible()
    for _ in range(2):
        changed.click("run")
        assert names(changed.settled(1)) == NAMES
    assert app.log.count("the table has changed since it was edited") == logged + 1
    tab.reload()
    assert names(tab.settled(1)) == ["eve", "bob", "cyd"]
    changed.page.bring_to_front()
    changed.click("run")
    changed.settled(1)
    TableEditor(changed).type(1, "name", "ben")
    assert names(changed.settled(1)) == ["ada", "ben", "cyd"]
    changed.reload()
    assert names(changed.settled(1)) == ["ada", "ben", "cyd"]


@pytest.mark.long
def test_a_table_that_changes_in_the_middle_is_shown_as_it_is_now(
    app: Server, visitor: Visitor
) -> None:
    tab, editor = opened(visitor, app)
    editor.type(0, "name", "eve")
    tab.settled(1)
    switch = tab.page.get_by_text("another table")
    switch.click()
    assert names(tab.settled(1)) == NAMES
    switch.click()
    assert names(tab.settled(1)) == ["eve", "bob", "cyd"]


def test_deleting_the_key_begins_anew(app: Server, visitor: Visitor) -> None:
    tab, editor = opened(visitor, app)
    editor.type(0, "name", "eve")
    tab.settled(1)
    tab.click("delete")
    tab.settled(1)
    tab.click("run")
    run = tab.settled(1)
    assert names(run) == NAMES
    assert run.seen["stored"] is None
    editor.shows(0, "name", "ada")
    editor.type(1, "name", "ben")
    assert names(tab.settled(1)) == ["ada", "ben", "cyd"]


@pytest.mark.long
def test_the_callback_of_the_script_finds_all_edits(app: Server, visitor: Visitor) -> None:
    tab, editor = opened(visitor, app)
    editor.type(0, "name", "eve")
    tab.settled(1)
    tab.reload()
    assert tab.settled(1).seen["called"] == 0
    editor.type(1, "name", "ben")
    run = tab.settled(1)
    assert run.seen["called"] == 1
    assert run.seen["edits"]["edited_rows"] == {"0": {"name": "eve"}, "1": {"name": "ben"}}


@pytest.mark.parametrize("case", ["table_fed_back", *in_everything("table_kept_by_the_script")])
@pytest.mark.long
def test_an_editor_that_is_given_its_own_output_loses_no_second_edit(
    case: str, app: Server, visitor: Visitor
) -> None:
    tab, editor = opened(visitor, app, case)
    for number, name in enumerate(("eve", "ben", "cat")):
        editor.type(number, "name", name)
        assert names(tab.settled(1))[: number + 1] == ["eve", "ben", "cat"][: number + 1]
    tab.reload()
    assert names(tab.settled(1)) == ["eve", "ben", "cat"]
    for number, name in enumerate(("eva", "bea")):
        editor.type(number, "name", name)
        tab.settled(1)
    editor.delete_row(2)
    assert names(tab.settled(1)) == ["eva", "bea"]
    tab.reload()
    assert names(tab.settled(1)) == ["eva", "bea"]
    expect(tab.page.get_by_text("This table has changed since")).to_have_count(0)


@pytest.mark.long  # feeding back is tried above
def test_a_script_that_feeds_back_may_begin_again_itself(app: Server, visitor: Visitor) -> None:
    tab, editor = opened(visitor, app, "table_fed_back")
    editor.type(0, "name", "eve")
    tab.settled(1)
    editor.type(1, "name", "ben")
    tab.settled(1)
    tab.click("begin again")
    assert names(tab.settled(1)) == NAMES
    tab.reload()
    assert names(tab.settled(1)) == NAMES


@pytest.mark.long
def test_an_editor_that_was_not_drawn_for_a_while_keeps_its_edits(
    app: Server, visitor: Visitor
) -> None:
    tab, editor = opened(visitor, app, "table_hidden")
    editor.type(0, "name", "eve")
    tab.settled(1)
    switch = tab.page.get_by_text("show")
    for name in ("ben", "bea"):
        switch.click()
        tab.settled(1)
        tab.click("run")
        tab.settled(1)
        switch.click()
        assert names(tab.settled(1))[0] == "eve"
        editor.type(1, "name", name)
        assert names(tab.settled(1)) == ["eve", name, "cyd"]
    tab.reload()
    assert names(tab.settled(1)) == ["eve", "bea", "cyd"]


def test_a_run_that_ends_above_the_editor_loses_no_edit(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "table_below_a_stop")
    tab.settled(1)
    editor = TableEditor(tab, has_markers=False)
    editor.type(0, "name", "eve")
    tab.settled(1)
    tab.reload()
    tab.settled(1)
    editor.shows(0, "name", "eve")


def test_in_a_form_the_edits_come_with_its_button(app: Server, visitor: Visitor) -> None:
    tab, editor = opened(visitor, app, "table_in_form")
    for name in ("eve", "eva"):
        editor.type(0, "name", name)
        editor.type(1, "name", "ben")
        tab.page.wait_for_timeout(400)  # the browser waits a moment whether more is typed
        tab.click("send")
        assert names(tab.settled(1)) == [name, "ben", "cyd"]
        tab.reload()
        assert names(tab.settled(1)) == [name, "ben", "cyd"]


@pytest.mark.long  # test_uploads has a fragment
def test_in_a_fragment_only_that_runs(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "table_in_fragment")
    tab.settled(2)
    editor = TableEditor(tab)
    for name in ("eve", "eva"):
        editor.type(0, "name", name)
        run = tab.settled(1)
        assert run.is_fragment
        assert names(run) == [name, "bob", "cyd"]
        tab.reload()
        assert names(tab.settled(2)) == [name, "bob", "cyd"]


@pytest.mark.long  # test_persisted_widgets has a dialog
def test_in_a_dialog(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "table_in_dialog")
    tab.settled(1)
    editor = TableEditor(tab)
    for name in ("eve", "eva"):
        tab.click("open")
        tab.settled(2)
        editor.type(0, "name", name)
        assert names(tab.settled(1)) == [name, "bob", "cyd"]
        tab.reload()
        tab.settled(1)
