"""What a visitor sees of long work: a bar over the page that moves nothing, and goes away."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import psycopg
import pytest
from playwright.sync_api import expect
from served import Server, running
from test_page import boxes
from visitor import Tab, Visitor

pytestmark = pytest.mark.xdist_group("progress_bar")  # they share a server


@pytest.fixture(scope="module")
def slow(database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environment = {"PGSTATE_CACHE_BYTES": "0"}  # each `get` reads from the database
    server = Server(tmp_path_factory.mktemp("slow"), database(), environment=environment)
    with running(server) as server:
        yield server


@contextlib.contextmanager
def bodies_locked(server: Server) -> Iterator[None]:
    """Large values wait here, as over a slow line, until this ends."""
    with psycopg.connect(server.url) as connection:
        connection.execute("LOCK TABLE pgstate.body IN ACCESS EXCLUSIVE MODE")
        yield


def bar_says(tab: Tab, text: str) -> None:
    bar = tab.page.get_by_test_id("stProgress")
    expect(bar).to_be_in_viewport()
    expect(bar).to_contain_text(text)


def assert_no_bar(tab: Tab) -> None:
    expect(tab.page.get_by_test_id("stProgress")).to_have_count(0)


def test_saving_and_reading_show_a_bar_that_goes_away_and_moves_nothing(
    slow: Server, visitor: Visitor
) -> None:
    tab = visitor.open(slow, "large_value")
    tab.settled(1)
    before = boxes(tab)
    for button, text in (("save", "Saving 'large *value*'"), ("read", "Reading 'large *value*'")):
        with bodies_locked(slow):
            tab.click(button)
            bar_says(tab, text)
            assert boxes(tab) == before
        tab.settled(1)
        assert_no_bar(tab)
        assert boxes(tab) == before
        tab.reload()
        tab.settled(1)
    assert tab.runs()[-2].seen == {"same": True}


@pytest.mark.long
def test_in_a_fragment_too(slow: Server, visitor: Visitor) -> None:
    tab = visitor.open(slow, "large_value")
    tab.settled(1)
    with bodies_locked(slow):
        tab.click("save in part")
        bar_says(tab, "Saving 'large *value*'")
    tab.settled(1)
    assert_no_bar(tab)


def test_a_value_that_is_saved_at_once_shows_no_bar(slow: Server, visitor: Visitor) -> None:
    tab = visitor.open(slow, "visits")
    tab.settled()
    assert_no_bar(tab)


def test_when_the_work_fails_the_bar_goes_and_the_page_says_so(
    slow: Server, visitor: Visitor
) -> None:
    tab = visitor.open(slow, "large_value")
    tab.settled(1)
    with bodies_locked(slow):
        tab.click("save")
        bar_says(tab, "Saving")
        expect(tab.page.get_by_text("database is not available")).to_be_visible(timeout=45_000)
        assert_no_bar(tab)
