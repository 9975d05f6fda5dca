"""Take the pictures of README and docs from the real apps:

    python docs/screenshot.py example http://localhost:8501
    python docs/screenshot.py gallery http://localhost:8501

Each changes something, presses F5 and takes a picture of what came back. Needs Playwright and
Chromium, as `make test` installs them.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def example(page: Page) -> None:
    page.get_by_text("Matrix", exact=True).click()
    page.get_by_label("Size").fill("7")
    page.keyboard.press("Enter")
    page.get_by_text("7x7").wait_for()
    page.reload()
    page.get_by_text("Read back: 7x7").wait_for()
    page.locator("[data-testid=stDataFrame] canvas").nth(1).wait_for()


def gallery(page: Page) -> None:
    page.get_by_label("Text", exact=True).fill("typed, and still there")
    page.keyboard.press("Enter")
    page.get_by_text("banana").first.click()
    for name in ("Checkbox", "Toggle"):
        page.get_by_text(name, exact=True).click()
    for name in ("apple", "cherry"):
        page.get_by_test_id("stButtonGroup").nth(0).get_by_text(name).click()
    page.get_by_test_id("stFeedbackButton").nth(3).click()
    page.locator(".st-key-slider").get_by_role("slider").focus()
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(1000)
    settle(page)
    page.reload()
    page.get_by_label("Text", exact=True).wait_for()


def settle(page: Page) -> None:
    """Wait until the script has run and all that it drew has been loaded."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.wait_for_function("document.querySelector('[data-testid=stSkeleton]') === null")


def main(name: str, address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1000, "height": 900}, device_scale_factor=2)
        page.goto(address)
        {"example": example, "gallery": gallery}[name](page)
        page.mouse.move(5, 5)
        settle(page)
        page.screenshot(path=IMAGES / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
