"""Take the pictures of README and docs from the real apps, which run already:

    python docs/screenshot.py code > app.py   # README's own code, for: streamlit run app.py
    python docs/screenshot.py readme http://localhost:8501
    python docs/screenshot.py gallery http://localhost:8501
    python docs/screenshot.py inspector 'http://127.0.0.1:8600/?key=…'   # of pgstate inspect

The first two change something, press F5 and take a picture of what came back. `inspector` takes
the newest session with its first key, in light, the growth in dark, and the same session on a
phone. Needs Playwright and Chromium, as `make test` installs them.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
README = Path(__file__).parents[1] / "README.md"
HEIGHT = {"readme": 740, "gallery": 900}
PLACE = "db.example.com/app, schema 'pgstate'"
"""What the pictures of the inspector say of the database."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def code() -> str:
    """The app that README shows: its first block of Python."""
    [first, *_] = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.M | re.S)
    return str(first)


def readme(page: Page) -> None:
    page.get_by_label("Your name").fill("Ada")
    page.keyboard.press("Enter")
    settle(page)
    page.get_by_text("blue", exact=True).click()
    settle(page)
    for note in ("Milk", "A book about bees"):
        page.get_by_test_id("stChatInputTextArea").fill(note)
        page.keyboard.press("Enter")
        page.get_by_text(note).first.wait_for()
        settle(page)
    page.reload()
    page.get_by_text("A book about bees").first.wait_for()


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


def inspector(browser: Browser, address: str) -> None:
    """Three pictures: a session and a history in light, growth in dark, and both on a phone."""
    for name, scheme, width, height in (
        ("inspector", "light", 1100, 1900),
        ("inspector-growth", "dark", 1100, 1250),
        ("inspector-phone", "dark", 390, 1500),
    ):
        page = browser.new_page(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            device_scale_factor=1.5,
        )
        page.goto(address)
        page.get_by_text("Newest", exact=True).click()
        settle(page)
        if name == "inspector-growth":
            page.get_by_text("Growth", exact=True).first.click()
            page.get_by_text("Largest keys").wait_for()
        else:
            for _ in ("the newest session", "its first key"):
                page.get_by_test_id("stDataFrame").first.click(position={"x": 15, "y": 52})
                page.wait_for_timeout(1000)
                settle(page)
            page.get_by_role("tab", name="History").click()
        settle(page)
        page.wait_for_timeout(1000)
        page.get_by_test_id("stCaptionContainer").first.locator("p").evaluate(
            "(it, place) => { it.textContent = place }", PLACE
        )
        page.mouse.move(5, 5)
        page.screenshot(path=IMAGES / f"{name}.png")
        page.close()


def settle(page: Page) -> None:
    """Wait until the script has run and all that it drew has been loaded."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.wait_for_function("document.querySelector('[data-testid=stSkeleton]') === null")


def main(name: str, address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        if name == "inspector":
            inspector(browser, address)
            return
        size = {"width": 1000, "height": HEIGHT[name]}
        page = browser.new_page(viewport=size, device_scale_factor=2)
        page.goto(address)
        {"readme": readme, "gallery": gallery}[name](page)
        page.mouse.move(5, 5)
        settle(page)
        page.screenshot(path=IMAGES / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    if sys.argv[1:] == ["code"]:
        sys.stdout.write(code())
    else:
        main(*sys.argv[1:])
