"""What a visitor keeps when a run ends above the widgets that Streamlit lets nobody set."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import streamlit as st
from everything import in_everything
from playwright.sync_api import expect
from served import Server, running
from sqlalchemy.engine import make_url
from table_editor import TableEditor
from upload_fields import file, record, removers, take_photo
from visitor import Tab, Visitor

pytestmark = pytest.mark.xdist_group("early_ends")  # they share a server

ENDINGS = [
    "stop",
    *in_everything("outage", "overtaken", "rerun", "raise", "switch", "outage at the widget"),
]

BUTTON_OF = """name => [...document.querySelectorAll("[class*='-remove-'] button,"
    + "[data-testid=stFileChipDeleteBtn] button, [data-testid=stFileUploaderDeleteBtn] button,"
    + "button[data-testid=stFileChipDeleteBtn]")].find(button => {
        let row = button
        while (!/\\.csv/.test(row.innerText)) row = row.parentElement
        return row.innerText.includes(name)
    })"""
"""The button that removes a file, which stands in a row with its name."""

_numbers = itertools.count()


class Page:
    """The page of `app_early_ends.py`."""

    def __init__(self, tab: Tab, admin: psycopg.Connection[Any]) -> None:
        self.tab = tab
        self.page = tab.page
        self.editor = TableEditor(tab, has_markers=False)
        self._admin = admin
        self._database = make_url(tab.server.url).database

    def choose(self, ending: str) -> None:
        self.tab.click(f"by {ending}")
        self.tab.settled(1)
        self.ending = ending

    def run(self) -> dict[str, Any]:
        self.tab.click("run")
        return self.tab.settled().seen

    def end(self, change: Callable[[], None]) -> None:
        """Have the run that `change` causes end as chosen."""
        with self._database_away() if "outage" in self.ending else contextlib.nullcontext():
            change()
            if self.ending == "overtaken":
                self.page.wait_for_selector("[data-test-script-state=running]")
                self.run()
            else:
                self.tab.settled()
        if self.ending == "switch":
            self.page.get_by_text("back", exact=True).click()
            self.tab.settled()

    @contextlib.contextmanager
    def _database_away(self) -> Iterator[None]:
        self._admin.execute(f'ALTER DATABASE "{self._database}" ALLOW_CONNECTIONS false')
        self._admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
            (self._database,),
        )
        yield
        self._admin.execute(f'ALTER DATABASE "{self._database}" ALLOW_CONNECTIONS true')

    def fill(self) -> dict[str, Any]:
        """Put something into each widget."""
        number = next(_numbers)
        self.upload("many", f"a{number}.csv", f"b{number}.csv")
        self.tab.settled()
        self.upload("one", f"c{number}.csv")
        self.tab.settled()
        self.editor.type(number % 3, "name", f"name {number}")
        self.tab.settled()
        take_photo(self.tab)
        self.tab.settled()
        record(self.tab, 700)
        seen = self.tab.settled().seen
        assert seen["one"][1] == f"c{number}.csv"
        assert [one[1] for one in seen["many"]][-2:] == [f"a{number}.csv", f"b{number}.csv"]
        assert seen["names"][number % 3] == f"name {number}"
        assert seen["photo"]
        assert seen["sound"]
        return seen

    def upload(self, key: str, *names: str) -> None:
        files = [file(name, name.encode()) for name in names]
        uploader = self.page.get_by_test_id("stFileUploader").nth(["many", "one"].index(key))
        uploader.locator("input[type=file]").first.set_input_files(files)

    def remove(self, name: str) -> None:
        """By Streamlit's own button or, where the file was stored before, by ours."""
        button = self.page.evaluate_handle(BUTTON_OF, name).as_element()
        assert button is not None
        button.click()

    def shows(self, seen: dict[str, Any]) -> None:
        """All that the script has seen is there for the visitor too."""
        for name in [one[1] for one in [*seen["many"], seen["one"]]]:
            expect(self.page.get_by_text(name).first).to_be_visible()
        for row, name in enumerate(seen["names"]):
            self.editor.shows(row, "name", name)
        expect(self.page.get_by_role("button", name="Clear photo")).to_be_visible()

    def stored(self, seen: dict[str, Any]) -> set[str]:
        with psycopg.connect(self.tab.server.url) as connection:
            found = connection.execute(
                "SELECT key FROM pgstate.entry WHERE session_id = %s AND kind IS NOT NULL",
                (seen["id"],),
            )
            return {key for (key,) in found}


@pytest.fixture(scope="module")
def early_ends(
    database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """An app with a database of its own, which may be away."""
    folder = tmp_path_factory.mktemp("early")
    with running(Server(folder, database(), script="app_early_ends.py")) as server:
        yield server


@pytest.fixture
def page(early_ends: Server, visitor_with_devices: Visitor, admin: psycopg.Connection[Any]) -> Page:
    """Of a new visitor: Chromium's camera shows nothing in a page that was reloaded often."""
    tab = visitor_with_devices.open(early_ends)
    tab.settled()
    return Page(tab, admin)


@pytest.mark.parametrize("ending", ENDINGS)
def test_runs_that_end_above_the_widgets_lose_nothing(page: Page, ending: str) -> None:
    before = page.fill()
    page.choose(ending)
    for _ in range(2):
        page.end(lambda: page.tab.click("end"))
    for _ in range(2):
        assert page.run() == before
    page.shows(before)
    assert page.stored(before) == {"many", "one", "photo", "sound", "table"}
    if ending != "overtaken":
        what_is_changed_in_the_very_run_that_ends_is_changed(page, before)


def what_is_changed_in_the_very_run_that_ends_is_changed(
    page: Page, before: dict[str, Any]
) -> None:
    """Filled, edited, removed: each counts, and nothing comes back."""
    number = next(_numbers)
    page.tab.click("end changes too")
    page.tab.settled(1)
    page.end(lambda: page.upload("one", f"c{number}.csv"))
    page.run()
    page.end(lambda: page.editor.type(number % 3, "name", f"name {number}"))
    page.run()
    page.end(lambda: page.page.get_by_role("button", name="Clear photo").click())
    page.run()
    page.end(lambda: page.remove(before["many"][-1][1]))
    after = page.run()
    assert after["one"][1] == f"c{number}.csv"
    assert after["many"] == before["many"][:-1]
    assert after["photo"] is None
    assert after["sound"] == before["sound"]
    assert after["names"][number % 3] == f"name {number}"
    assert after["names"][number % 3 - 1] == before["names"][number % 3 - 1]
    assert page.run() == after
    assert page.stored(after) == {"many", "one", "sound", "table"}
    page.tab.reload()
    seen = page.tab.settled().seen
    assert {**seen, "versions": None} == {**after, "versions": None}


def last(tab: Tab) -> dict[str, Any]:
    """What the last run that came to the widgets has seen."""
    return next(run.seen for run in reversed(tab.runs()) if "names" in run.seen)


def add(tab: Tab, row: int) -> dict[str, Any]:
    """Upload a file more and edit a row more."""
    tab.page.locator("input[type=file]").first.set_input_files(file(f"{row}.csv", b"1"))
    expect(tab.page.get_by_text(f"{row}.csv").first).to_be_visible()
    tab.settled()
    TableEditor(tab, has_markers=False).type(row, "name", f"name {row}")
    tab.settled()
    seen = last(tab)
    assert [one[1] for one in seen["many"]] == [f"{number}.csv" for number in range(row + 1)]
    assert seen["names"][: row + 1] == [f"name {number}" for number in range(row + 1)]
    return seen


@pytest.mark.long  # of the full run and of the form there are tests
def test_in_a_fragment_nothing_is_lost_wherever_a_run_ends(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "upload_in_fragments_below_ends")
    tab.settled()
    for row, (end, again) in enumerate(
        [("raise", "run"), ("stop outer", "run outer"), ("raise inner", "run inner")]
    ):
        before = add(tab, row)
        tab.click(end)
        tab.settled()
        for click in (again, "run inner", "run"):
            tab.click(click)
            tab.settled()
            assert last(tab) == before


def test_runs_of_another_fragment_and_a_rerun_leave_the_widget_as_it_is(
    app: Server, visitor: Visitor
) -> None:
    """What the page still has, is not begun anew: a half-done upload would be lost."""
    tab = visitor.open(app, "upload_in_fragments_below_ends")
    tab.settled()
    before = add(tab, 0)
    for end in ("raise elsewhere", "stop elsewhere", "rerun"):
        tab.click(end)
        tab.settled()
        tab.click("run inner")
        tab.settled()
        assert last(tab) == before
        is_kept = hasattr(st, "pagination") or end != "rerun"  # 1.51 itself forgets it there
        expect(removers(tab)).to_have_count(0 if is_kept else 1)


def test_what_a_form_is_sent_with_is_there_though_that_run_ends_above_it(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "upload_in_form_below_ends")
    tab.settled()
    for row, how in enumerate(("stop", "raise", "rerun")):
        tab.page.get_by_role("radiogroup").get_by_text(how, exact=True).click()
        tab.settled()
        tab.page.locator("input[type=file]").first.set_input_files(file(f"{row}.csv", b"1"))
        expect(tab.page.get_by_text(f"{row}.csv").first).to_be_visible()
        TableEditor(tab, has_markers=False).type(row, "name", f"name {row}")
        tab.page.wait_for_timeout(400)  # both have come to the form
        tab.click("send")
        tab.settled()
        for _ in range(2):
            tab.click("run")
            seen = tab.settled().seen
            assert [one[1] for one in seen["many"]] == [f"{n}.csv" for n in range(row + 1)]
            assert seen["names"][: row + 1] == [f"name {n}" for n in range(row + 1)]
    tab.page.locator("label").filter(has_text="Remove").first.click()
    tab.page.get_by_role("radiogroup").get_by_text("stop", exact=True).click()
    tab.settled()
    tab.click("send")
    tab.settled()
    for _ in range(2):
        tab.click("run")
        assert [one[1] for one in tab.settled().seen["many"]] == ["1.csv", "2.csv"]


@pytest.mark.long
def test_a_click_that_is_sent_before_the_page_hears_of_the_end_loses_nothing(
    app: Server, visitor: Visitor
) -> None:
    """Its message still has the widget's value, though the page drops the widget then."""
    tab = visitor.open(app, "upload_in_fragments_below_ends")
    tab.settled()
    before = add(tab, 0)
    tab.page.evaluate(
        """() => {
            const click = name => [...document.querySelectorAll("button")].find(
                button => button.innerText.trim() === name).click()
            click("stop")
            const until = performance.now() + 1500  // the page hears nothing meanwhile
            while (performance.now() < until) {}
            click("run")
        }"""
    )
    tab.settled()
    for _ in range(2):
        tab.click("run")
        tab.settled()
        assert last(tab) == before
