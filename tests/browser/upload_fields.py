"""Uploaders, cameras and recorders in the page, as a visitor uses them."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, expect
from visitor import Tab


def file(name: str, content: bytes = b"a,b\n1,2\n", type: str = "text/csv") -> Any:
    return {"name": name, "mimeType": type, "buffer": content}


def fields(tab: Tab) -> Locator:
    return tab.page.locator("input[type=file]")


def removers(tab: Tab) -> Locator:
    """The buttons that remove a stored file, by the class that Streamlit makes of their key."""
    return tab.page.locator("[class*='-remove-'] button >> visible=true")


def take_photo(tab: Tab) -> None:
    """Once the camera shows something, and until the photo has come to the server."""
    tab.page.wait_for_function(
        "[...document.querySelectorAll('video')].some(video => video.currentTime > 0)"
    )
    with tab.page.expect_response(lambda response: "upload_file" in response.url):
        tab.page.get_by_role("button", name="Take Photo").click()
        if not is_shown(tab.page.get_by_role("button", name="Clear photo"), seconds=10):
            tab.page.get_by_role("button", name="Take Photo").click()  # Streamlit missed it


def is_shown(button: Locator, *, seconds: float) -> bool:
    try:
        expect(button).to_be_visible(timeout=seconds * 1000)
    except AssertionError:
        return False
    return True


def own_removers(tab: Tab) -> Locator:
    """Those of Streamlit's own widgets, for what is in them; named otherwise up to 1.51."""
    return tab.page.locator(
        "[data-testid=stFileChipDeleteBtn], [data-testid=stFileUploaderDeleteBtn]"
    )


def record(tab: Tab, milliseconds: int) -> None:
    tab.page.get_by_role("button", name="Record", exact=True).click()
    tab.page.wait_for_timeout(milliseconds)
    tab.page.get_by_role("button", name="Stop recording").click()
