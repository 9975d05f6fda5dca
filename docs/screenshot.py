"""Take the README's screenshot from the real app: python docs/screenshot.py http://localhost:8501

Enters 7 on the page Matrix of example.py, presses F5 and takes the picture of what came back.
Needs Playwright and Chromium, as `make test` installs them.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).parent / "images" / "example.png"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def main(address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1000, "height": 800}, device_scale_factor=2)
        page.goto(address)
        page.get_by_text("Matrix", exact=True).click()
        page.get_by_label("Size").fill("7")
        page.keyboard.press("Enter")
        page.get_by_text("7x7").wait_for()
        page.reload()
        page.get_by_text("Read back: 7x7").wait_for()
        page.locator("[data-testid=stDataFrame] canvas").nth(1).wait_for()
        page.mouse.move(5, 5)
        page.locator("[data-testid=stStatusWidget]").wait_for(state="hidden")
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8501")
