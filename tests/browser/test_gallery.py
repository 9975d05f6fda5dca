"""docs/gallery.py, as its reader tries it: each page before and after F5."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browsers import new_profile
from playwright.sync_api import Browser, Page, expect
from served import Server, running
from visitor import IS_IDLE

pytestmark = pytest.mark.xdist_group("gallery")  # they share a server

GALLERY = Path(__file__).parents[2] / "docs" / "gallery.py"


@pytest.fixture(scope="module")
def gallery(
    database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("gallery")
    with running(Server(folder, database(), script=str(GALLERY))) as server:
        yield server


@pytest.fixture
def page(chromium: Browser, gallery: Server) -> Iterator[Page]:
    context = new_profile(chromium)
    page = context.new_page()
    page.goto(gallery.address)
    yield page
    context.close()


def turn_to(page: Page, name: str) -> None:
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("link", name=name)).to_have_attribute("aria-current", "page")
    settle(page)


def settle(page: Page) -> None:
    page.wait_for_function(IS_IDLE)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def press_f5(page: Page) -> None:
    settle(page)
    page.reload()
    settle(page)


@pytest.mark.long
def test_the_widgets(page: Page) -> None:
    page.get_by_label("Text", exact=True).fill("typed")
    page.keyboard.press("Enter")
    page.get_by_text("Toggle", exact=True).click()
    press_f5(page)
    expect(page.get_by_label("Text", exact=True)).to_have_value("typed")
    expect(page.get_by_label("Toggle", exact=True)).to_be_checked()
    turn_to(page, "Chat")
    turn_to(page, "Widgets")
    expect(page.get_by_label("Text", exact=True)).to_have_value("typed")


@pytest.mark.long
def test_the_chat(page: Page) -> None:
    turn_to(page, "Chat")
    page.get_by_test_id("stChatInputTextArea").fill("hello")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You said 5 letters.")).to_be_visible()
    press_f5(page)
    expect(page.get_by_text("You said 5 letters.")).to_be_visible()


@pytest.mark.long
def test_the_wizard(page: Page) -> None:
    turn_to(page, "Wizard")
    page.get_by_label("Who are you?").fill("Ada")
    page.keyboard.press("Enter")
    settle(page)
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_label("What do you want?")).to_be_visible()
    press_f5(page)
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("Ada gets: None")).to_be_visible()


@pytest.mark.long
def test_the_table_the_upload_and_the_live_page_are_drawn(page: Page) -> None:
    for name in ("Table", "Upload", "Together"):
        turn_to(page, name)
        press_f5(page)


@pytest.mark.long
def test_the_upload(page: Page, tmp_path: Path) -> None:
    turn_to(page, "Upload")
    (tmp_path / "notes.txt").write_text("some notes")
    page.locator("input[type=file]").set_input_files(tmp_path / "notes.txt")
    expect(page.get_by_text("notes.txt: 10 bytes of text/plain")).to_be_visible()
    press_f5(page)
    expect(page.get_by_text("notes.txt: 10 bytes of text/plain")).to_be_visible()
