"""The inspector in Chromium: rows that open, a way back in the history, and a link with a key."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import psycopg
import pytest
from browsers import new_profile
from everything import in_everything
from playwright.sync_api import Browser, Page, expect
from served import Server, running
from visitor import IS_IDLE

from streamlit_pgstate import State, Store, connect

pytestmark = pytest.mark.xdist_group("inspector")  # they share a server

HEAD, ROW = 35, 35
"""Heights in a table, in pixels."""


@pytest.fixture(scope="module")
def inspected(
    database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("inspected")
    environment = {"PGSTATE_HISTORY": "5"}
    server = Server(
        folder, database(), script="app_inspected.py", environment=environment, is_app=False
    )
    with running(server):
        yield server


@pytest.fixture(scope="module")
def its_store(inspected: Server) -> Iterator[Store]:
    store = connect(inspected.url, history=5)
    yield store
    store.close()


@pytest.fixture
def ada(its_store: Store) -> State:
    state = its_store.state(its_store.new_token())
    state["cart"] = {"total": 1}
    state["cart"] = {"total": 2}
    return state


@pytest.fixture
def open_page(chromium: Browser, inspected: Server) -> Iterator[Callable[..., Page]]:
    pages: list[Page] = []

    def open_page(query: str = "?as=operator", **options: object) -> Page:
        page = new_profile(chromium, **options).new_page()
        pages.append(page)
        page.goto(f"{inspected.address}/{query}")
        settle(page)
        return page

    yield open_page
    for page in pages:
        page.context.close()


def settle(page: Page) -> None:
    page.wait_for_function(IS_IDLE)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def select(page: Page, row: int, *, table: int = 0) -> None:
    """Click on the box before a row of a table, which is drawn on a canvas.

    First the page settles: while a run is under way, the run before still has its tables in the
    page. After the click the table waits for 150 ms before it sends the row (Streamlit's own
    delay), so that what is asked of the page next is what the row opens.
    """
    settle(page)
    at = {"x": 15, "y": HEAD + row * ROW + ROW // 2}
    page.get_by_test_id("stDataFrame").nth(table).click(position=at)


def test_it_is_closed_to_visitors(open_page: Callable[..., Page], ada: State) -> None:
    page = open_page("")
    expect(page.get_by_text("closed to you")).to_be_visible()
    expect(page.get_by_test_id("stDataFrame")).to_have_count(0)
    expect(page.get_by_test_id("stTextInput")).to_have_count(0)


def test_a_row_opens_its_session_and_a_row_of_that_its_value(
    open_page: Callable[..., Page], ada: State
) -> None:
    page = open_page()
    page.get_by_text("Newest", exact=True).click()
    settle(page)
    select(page, 0)
    expect(page.get_by_role("heading", name=f"Session {str(ada.id)[:8]}")).to_be_visible()
    select(page, 0)
    expect(page.get_by_role("heading", name="cart")).to_be_visible()
    value = page.get_by_role("tabpanel", name="Value").get_by_test_id("stCode")
    expect(value).to_contain_text('"total": 2')
    page.get_by_role("button", name="All sessions").click()
    settle(page)
    expect(page.get_by_text("Newest", exact=True)).to_be_visible()


def test_a_former_version_is_restored_after_a_second_click(
    open_page: Callable[..., Page], ada: State
) -> None:
    page = open_page()
    page.get_by_role("textbox", name="Open a session").fill(str(ada.id)[:8])
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="All sessions")).to_be_visible()
    settle(page)
    select(page, 0)
    page.get_by_role("tab", name="History").click()
    expect(page.get_by_test_id("stCode").filter(has_text='+  "total": 2')).to_be_visible()
    page.get_by_role("button", name="Restore this version").click()
    page.get_by_role("button", name="Restore it").click()
    expect(page.get_by_text("Version 1 of 'cart' was restored.")).to_be_visible()
    ada.refresh()
    assert ada["cart"] == {"total": 1}


def test_who_looks_has_no_session_and_no_token(
    open_page: Callable[..., Page], inspected: Server, ada: State
) -> None:
    with psycopg.connect(inspected.url, autocommit=True) as sql:
        count = "SELECT count(*) FROM pgstate.session"
        before = sql.execute(count).fetchone()
        page = open_page()
        select(page, 0)
        expect(page.get_by_role("heading", name=re.compile("^Session "))).to_be_visible()
        settle(page)
        assert sql.execute(count).fetchone() == before
    assert inspected.token_name not in {cookie["name"] for cookie in page.context.cookies()}
    assert page.evaluate("Object.keys(localStorage).filter(name => /pgstate/.test(name))") == []


@pytest.mark.parametrize("part", ["Sessions", *in_everything("Growth", "Expiry")])
def test_it_fits_a_phone(
    open_page: Callable[..., Page], ada: State, its_store: Store, part: str
) -> None:
    its_store.gc()
    page = open_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.get_by_text(part, exact=True).first.click()
    settle(page)
    too_wide = """() => [...document.querySelectorAll("[data-testid=stMain] *")].filter(
        it => it.getBoundingClientRect().right > innerWidth + 1
            && !it.closest("[data-testid=stDataFrame], [role=tooltip]")).length"""
    assert page.evaluate(too_wide) == 0


@pytest.fixture(scope="module")
def command(inspected: Server) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command `pgstate inspect`, and the link that it has printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit_pgstate.cli", "inspect", "--no-browser"],
        env=os.environ | {"PGSTATE_URL": inspected.url},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    link = next(line.strip() for line in process.stdout if "?key=" in line)
    yield process, link
    with contextlib.suppress(ProcessLookupError):  # all of it has ended
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_the_command_serves_whoever_has_its_link(
    command: tuple[subprocess.Popen[str], str], chromium: Browser, ada: State
) -> None:
    process, link = command
    context = new_profile(chromium)
    page = context.new_page()
    for wrong in (link.partition("?")[0], f"{link[:-4]}aaaa"):
        page.goto(wrong)
        expect(page.get_by_text("Open the link that")).to_be_visible()
        expect(page.get_by_test_id("stDataFrame")).to_have_count(0)
    page.goto(link)
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    expect(page.get_by_text(re.compile("changes are allowed"))).to_have_count(0)
    context.close()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal sends Ctrl-C
    said, _ = process.communicate()
    assert "The inspector has ended." in said
    assert process.returncode == 0
