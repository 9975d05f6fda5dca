"""What a visitor keeps when a run ends above the widgets that Streamlit lets nobody set."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from playwright.sync_api import expect
from served import Server, running
from sqlalchemy.engine import make_url
from table_editor import TableEditor
from upload_fields import file, record, take_photo
from visitor import Tab, Visitor

ENDINGS = ["stop", "raise", "rerun", "switch", "outage", "outage at the widget", "overtaken"]

_numbers = itertools.count()


class Page:
    """The page of `app_early_ends.py`, one for all tests of this module."""

    def __init__(self, tab: Tab, admin: psycopg.Connection[Any]) -> None:
        self.tab = tab
        self.page = tab.page
        self.editor = TableEditor(tab, has_markers=False)
        self._admin = admin
        self._database = make_url(tab.server.url).database

    def choose(self, ending: str) -> None:
        self.page.get_by_role("radiogroup").get_by_text(ending, exact=True).click()
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
        """Put something new into each widget."""
        number = next(_numbers)
        if (clear := self.page.get_by_role("button", name="Clear photo")).count():
            clear.click()
            self.tab.settled()
        self.upload("many", f"a{number}.csv", f"b{number}.csv")
        self.upload("one", f"c{number}.csv")
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
        for name in names:
            expect(self.page.get_by_text(name).first).to_be_visible()
        self.tab.settled()

    def remove(self, name: str) -> None:
        """By Streamlit's own button or, where the file was stored before, by ours."""
        own = "[data-testid=stFileChipDeleteBtn], [data-testid=stFileUploaderDeleteBtn]"
        self.page.locator(f"{own}, [class*='-remove-'] button").nth(
            self._files().index(name)
        ).click()

    def _files(self) -> list[str]:
        """The names of the files that the page shows, in the order of their buttons."""
        shown = self.page.locator(
            "[data-testid=stFileUploader], [class*=st-key] p"
        ).all_inner_texts()
        return re.findall(r"[abc]\d+\.csv", " ".join(shown))

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
def page(
    database: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
    with_devices: Callable[[], Visitor],
    admin: psycopg.Connection[Any],
) -> Iterator[Page]:
    """In an app with a database of its own, which may be away."""
    folder = tmp_path_factory.mktemp("early")
    with running(Server(folder, database(), script="app_early_ends.py")) as server:
        tab = with_devices().open(server)
        tab.settled()
        yield Page(tab, admin)


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_there_outlasts_runs_that_end_above_it(page: Page, ending: str) -> None:
    before = page.fill()
    page.choose(ending)
    for _ in range(2):
        page.end(lambda: page.tab.click("end"))
    for _ in range(2):
        assert page.run() == before
    page.shows(before)
    assert page.stored(before) == {"many", "one", "photo", "sound", "table"}


@pytest.mark.parametrize("ending", [ending for ending in ENDINGS if ending != "overtaken"])
def test_what_is_changed_in_the_very_run_that_ends_is_changed(page: Page, ending: str) -> None:
    """Filled, edited, removed: each counts, and nothing comes back."""
    before = page.fill()
    page.choose(ending)
    number = next(_numbers)
    page.page.get_by_text("changes end", exact=True).click()
    page.tab.settled(1)
    try:
        page.end(lambda: page.upload("one", f"c{number}.csv"))
        page.end(lambda: page.editor.type(number % 3, "name", f"name {number}"))
        page.end(lambda: page.page.get_by_role("button", name="Clear photo").click())
        page.end(lambda: page.remove(before["many"][-1][1]))
    finally:
        page.page.get_by_text("changes end", exact=True).click()
        page.tab.settled(1)
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
