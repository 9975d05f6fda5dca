"""A data editor whose script saves the edited table, or whose table grows: what the visitor sees.

The edits end when their key is deleted. Each test also asks whether an edit was lost or applied
twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from everything import in_everything
from playwright.sync_api import expect
from run_log import Run
from served import Server, running
from table_editor import TableEditor
from test_example import IMPORTS, RECIPES
from visitor import Tab, Visitor

from streamlit_pgstate import connect

NAMES = ["ada", "bob", "cyd"]
PATIENCE = 30_000
"""Milliseconds until a page shows what a run has computed."""
NOTE = "This table has changed since"
WAYS = [
    ("callback", "persist"),
    *in_everything(("auto", "set"), ("button", "set"), ("button", "persist"), ("callback", "set")),
    *in_everything(("auto", "persist")),
]
"""When the script saves the table, and where."""


def names(run: Run) -> list[str]:
    return [row[0] for row in run.seen["rows"]]


def opened(visitor: Visitor, app: Server, case: str, query: str = "") -> tuple[Tab, TableEditor]:
    tab = visitor.tab(app, case)
    tab.address += query
    tab.open()
    tab.settled(1)
    return tab, TableEditor(tab)


def save(tab: Tab, how: str) -> Run:
    """Save what was edited: the script does so by itself, or at a click."""
    if how == "auto":
        return tab.runs()[-1]
    tab.click("save")
    return tab.settled()


def has_edits(run: Run) -> bool:
    return any(run.seen["edits"].values())


@pytest.mark.parametrize(("how", "kept"), WAYS)
def test_a_saved_table_is_shown_and_edited_as_it_was_saved(
    how: str, kept: str, app: Server, visitor: Visitor
) -> None:
    query = f"&how={how}&kept={kept}"
    tab, editor = opened(visitor, app, "table_saved", query)
    other, other_editor = opened(visitor, app, "table_saved", query)
    tab.page.bring_to_front()
    editor.type(0, "name", "eve")
    tab.settled()
    run = save(tab, how)
    assert run.seen["given"] == names(run) == ["eve", "bob", "cyd"]
    assert not has_edits(run)
    assert run.seen["stored"] is None
    editor.shows(0, "name", "eve")

    editor.type(1, "name", "ben")
    assert names(tab.settled()) == ["eve", "ben", "cyd"]
    tab.reload()
    assert names(tab.settled(1)) == ["eve", "ben", "cyd"]
    run = save(tab, how)
    assert run.seen["given"] == names(run) == ["eve", "ben", "cyd"]
    tab.reload()
    run = tab.settled(1)
    assert run.seen["given"] == names(run) == ["eve", "ben", "cyd"]
    assert not has_edits(run)

    other.page.bring_to_front()
    other.click("run")
    assert names(other.settled(1)) == ["eve", "ben", "cyd"]
    other_editor.type(2, "name", "cat")
    assert names(other.settled()) == ["eve", "ben", "cat"]
    run = save(other, how)
    assert run.seen["given"] == names(run) == ["eve", "ben", "cat"]
    tab.page.bring_to_front()
    tab.click("run")
    assert names(tab.settled(1)) == ["eve", "ben", "cat"]
    editor.shows(2, "name", "cat")
    for page in (tab.page, other.page):
        expect(page.get_by_text(NOTE)).to_have_count(0)


@pytest.mark.long
def test_edits_of_every_kind_go_on_after_a_save_that_starts_no_run(
    app: Server, visitor: Visitor
) -> None:
    """The widget on the page holds the saved edits, too, until it is drawn anew."""
    tab, editor = opened(visitor, app, "table_saved", "&how=later&kept=set")
    editor.type(0, "name", "eve")
    tab.settled(1)
    editor.delete_row(1)
    tab.settled(1)
    editor.add_row(2)
    tab.settled(1)
    editor.type(2, "name", "dan")
    assert names(tab.settled(1)) == ["eve", "cyd", "dan"]
    tab.click("save")
    tab.settled(1)

    editor.type(0, "name", "ada")  # as it was before: the widget has no edit of this cell now
    run = tab.settled(1)
    assert run.seen["given"] == ["eve", "cyd", "dan"]
    assert names(run) == ["ada", "cyd", "dan"]
    assert run.seen["edits"]["edited_rows"] == {"0": {"name": "ada"}}
    editor.type(2, "name", "don")
    assert names(tab.settled(1)) == ["ada", "cyd", "don"]
    tab.reload()
    assert names(tab.settled(1)) == ["ada", "cyd", "don"]
    tab.click("save")
    tab.settled(1)
    editor.delete_row(1)
    run = tab.settled(1)
    assert run.seen["given"] == ["ada", "cyd", "don"]
    assert names(run) == ["ada", "don"]
    tab.reload()
    assert names(tab.settled(1)) == ["ada", "don"]
    expect(tab.page.get_by_text(NOTE)).to_have_count(0)


@pytest.mark.long
def test_an_edit_after_the_key_was_deleted_is_the_only_one(app: Server, visitor: Visitor) -> None:
    tab, editor = opened(visitor, app, "table_saved", "&how=later&kept=set")
    editor.type(0, "name", "eve")
    tab.settled(1)
    editor.delete_row(1)
    tab.settled(1)
    tab.click("reset")
    tab.settled(1)
    editor.type(1, "name", "cat")  # the page still shows the edits
    run = tab.settled(1)
    assert run.seen["given"] == NAMES
    assert names(run) == ["ada", "bob", "cat"]
    editor.has_rows(3)
    editor.shows(0, "name", "ada")
    tab.reload()
    assert names(tab.settled(1)) == ["ada", "bob", "cat"]


@pytest.mark.long  # test_live follows another device
def test_what_was_saved_elsewhere_is_shown_here(app: Server, visitor: Visitor) -> None:
    """By another tab, which then edits what it has saved."""
    query = "&how=button&kept=set"
    tab, editor = opened(visitor, app, "table_saved", query)
    editor.type(0, "name", "eve")
    tab.settled(1)
    other, other_editor = opened(visitor, app, "table_saved", query)
    other.click("save")
    other.settled()
    other_editor.type(1, "name", "ben")
    assert names(other.settled(1)) == ["eve", "ben", "cyd"]
    tab.page.bring_to_front()
    tab.click("run")
    run = tab.settled(1)
    assert run.seen["given"] == ["eve", "bob", "cyd"]
    assert names(run) == ["eve", "ben", "cyd"]
    editor.type(2, "name", "cat")
    assert names(tab.settled(1)) == ["eve", "ben", "cat"]
    tab.reload()
    assert names(tab.settled(1)) == ["eve", "ben", "cat"]


@pytest.mark.long
def test_a_job_that_deletes_the_key_ends_the_edits(app: Server, visitor: Visitor) -> None:
    tab, editor = opened(visitor, app, "table_saved", "&how=button&kept=set")
    editor.type(0, "name", "eve")
    run = tab.settled(1)
    store = connect(app.url)
    state = store.state(tab.token())
    state["saved"] = [{"name": row[0], "count": int(row[1])} for row in run.seen["rows"]]
    del state["table"]
    tab.click("run")
    run = tab.settled(1)
    assert run.seen["given"] == names(run) == ["eve", "bob", "cyd"]
    editor.type(1, "name", "ben")
    assert names(tab.settled(1)) == ["eve", "ben", "cyd"]
    del state["table"]
    tab.click("run")
    assert names(tab.settled(1)) == ["eve", "bob", "cyd"]
    editor.shows(1, "name", "bob")
    store.close()


def test_a_callback_that_saves_the_edits_of_session_state_applies_none_twice(
    app: Server, visitor: Visitor
) -> None:
    tab, editor = opened(visitor, app, "table_saved_by_its_callback")
    editor = TableEditor(tab, has_markers=False)
    for number, name in enumerate(("eve", "ben")):
        editor.type(number, "name", name)
        run = tab.settled(1)
        assert run.seen["given"] == names(run)
        assert run.seen["given"][number] == name
        assert not has_edits(run)
    tab.reload()
    assert names(tab.settled(1)) == ["eve", "ben", "cyd"]


@pytest.mark.long
def test_a_sheet_that_was_sent_is_empty_again(app: Server, visitor: Visitor) -> None:
    tab, _ = opened(visitor, app, "table_sent")
    editor = TableEditor(tab, has_markers=False)
    for sent in (["eve"], ["eve", "ben"]):
        editor.type(0, "name", sent[-1])
        run = tab.settled(1)
        assert run.seen["sent"] == sent
        assert names(run) == [""]
        editor.shows(0, "name", "")


@pytest.mark.long
def test_a_form_that_empties_itself_shows_what_it_has_saved(app: Server, visitor: Visitor) -> None:
    tab, editor = opened(visitor, app, "table_in_form_saved")
    for name in ("eve", "eva"):
        editor.type(0, "name", name)
        tab.page.wait_for_timeout(400)  # the browser waits a moment whether more is typed
        tab.click("save")
        run = tab.settled()
        assert run.seen["given"] == names(run) == [name, "bob", "cyd"]
        editor.shows(0, "name", name)


@pytest.mark.long  # test_edits has it without a browser
def test_edits_stay_when_rows_are_added_below_and_not_when_others_change(
    app: Server, visitor: Visitor
) -> None:
    tab, editor = opened(visitor, app, "table_grown")
    editor.type(0, "name", "eve")
    tab.settled(1)
    editor.add_row(2)
    tab.settled(1)
    editor.type(2, "name", "dan")
    tab.settled(1)
    tab.click("add")  # its 2.5 turns the counts into floats
    assert names(tab.settled(1)) == ["eve", "bob", "new", "dan"]
    tab.reload()
    assert names(tab.settled(1)) == ["eve", "bob", "new", "dan"]
    editor.type(2, "name", "own")
    tab.settled(1)
    editor.delete_row(1)
    assert names(tab.settled(1)) == ["eve", "own", "dan"]
    tab.click("add")
    assert names(tab.settled(1)) == ["eve", "own", "new", "dan"]
    expect(tab.page.get_by_text(NOTE)).to_have_count(0)
    tab.click("change")
    assert names(tab.settled(1)) == ["zoe", "bob", "new", "new"]
    expect(tab.page.get_by_text(NOTE)).to_be_visible()


def test_a_deleted_row_takes_no_new_row_of_the_same_label_with_it(
    app: Server, visitor: Visitor
) -> None:
    tab, editor = opened(visitor, app, "table_grown")
    editor.delete_row(0)
    assert names(tab.settled(1)) == ["bob"]
    tab.click("add a label twice")
    assert names(tab.settled(1)) == ["ada", "bob", "new"]
    expect(tab.page.get_by_text(NOTE)).to_be_visible()


# The recipes


class Reader:
    """Somebody who tries a recipe. No log counts its runs."""

    def __init__(self, tab: Tab) -> None:
        self.page = tab.page
        self.editor = TableEditor(tab)

    def reload(self) -> None:
        self.page.reload()

    def click(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def sees(self, total: str, *names: str) -> None:
        metric = self.page.get_by_test_id("stMetricValue")
        expect(metric).to_have_text(total, timeout=PATIENCE)
        for row, name in enumerate(names):
            self.editor.shows(row, "what", name)

    def sees_no_note(self) -> None:
        expect(self.page.get_by_text(NOTE)).to_have_count(0)


@pytest.fixture
def recipe(
    request: pytest.FixtureRequest, url: str, tmp_path: Path, visitor: Visitor
) -> Iterator[Reader]:
    [text] = [it for it in RECIPES if request.param in it]
    script = tmp_path / "recipe.py"
    script.write_text(IMPORTS + text)
    with running(Server(tmp_path, url=url, script=str(script))) as server:
        yield Reader(visitor.tab(server).open())


@pytest.mark.parametrize("recipe", ['st.button("Save")'], indirect=True)
@pytest.mark.long
def test_the_recipe_that_saves_an_edited_table(recipe: Reader) -> None:
    recipe.sees("5.0", "Bread", "Milk")
    recipe.editor.type(0, "amount", "100")
    recipe.sees("102.0")
    recipe.reload()
    recipe.sees("102.0", "Bread", "Milk")
    recipe.click("Save")
    recipe.editor.type(1, "amount", "7")
    recipe.sees("107.0", "Bread", "Milk")
    recipe.reload()
    recipe.sees("107.0", "Bread", "Milk")
    recipe.click("Save")
    recipe.editor.type(1, "amount", "8")
    recipe.sees("108.0", "Bread", "Milk")
    recipe.editor.shows(0, "amount", "100")
    recipe.sees_no_note()


@pytest.mark.parametrize("recipe", ["Save the edits"], indirect=True)
@pytest.mark.long
def test_the_recipe_of_a_table_that_a_form_grows(recipe: Reader) -> None:
    def add(what: str, amount: str) -> None:
        recipe.page.get_by_label("What").fill(what)
        recipe.page.get_by_label("Amount").fill(amount)
        recipe.click("Add")

    recipe.sees("0.0")
    add("Bread", "3")
    recipe.sees("3.0", "Bread")
    recipe.editor.type(0, "amount", "100")
    recipe.sees("100.0")
    add("Milk", "2")
    recipe.sees("102.0", "Bread", "Milk")
    recipe.reload()
    recipe.sees("102.0", "Bread", "Milk")
    recipe.click("Save the edits")
    recipe.sees("102.0", "Bread", "Milk")
    recipe.editor.delete_row(0)
    recipe.sees("2.0", "Milk")
    add("Cheese", "5")
    recipe.sees("7.0", "Milk", "Cheese")
    recipe.click("Save the edits")
    recipe.reload()
    recipe.sees("7.0", "Milk", "Cheese")
    recipe.sees_no_note()
