"""example.py, the article's app, as its reader tries it: on an embedded PostgreSQL of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from served import Server, running

EXAMPLE = Path(__file__).parents[2] / "example.py"
COUNTED = f"""
with open("runs", "a") as log:
    log.write("run ")
with open({str(EXAMPLE)!r}) as file:
    exec(compile(file.read(), file.name, "exec"))
"""
# In a process of its own, so that this one does not keep the database running.
MATRIX = """
import sys, pandas, streamlit_pgstate
matrix = streamlit_pgstate.connect().state(sys.argv[1])["matrix"]
print(matrix.shape, *{str(dtype) for dtype in matrix.dtypes})
print(matrix.sparse.to_dense().to_numpy().tolist())
"""


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Server]:
    script = tmp_path / "counted.py"
    script.write_text(COUNTED)
    with running(Server(tmp_path, url="", script=str(script))) as server:
        yield server


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context()
    yield context
    context.close()


class Reader:
    """Somebody who tries the example, and how many script runs each step costs."""

    def __init__(self, page: Page, server: Server) -> None:
        self.page, self.server = page, server
        self._counted = 0

    def runs(self) -> int:
        """Script runs since the last question, once no more of them come."""
        idle = self.page.locator("[data-testid=stApp][data-test-script-state=notRunning]")
        expect(idle).to_be_attached(timeout=15_000)
        count = -1
        while count != self._count():
            count = self._count()
            self.page.wait_for_timeout(600)
        since, self._counted = count - self._counted, count
        return since

    def _count(self) -> int:
        return (self.server.folder / "runs").read_text().count("run")

    def choose(self, page: str) -> None:
        self.page.get_by_text(page, exact=True).click()

    def sees(self, text: str) -> None:
        expect(self.page.get_by_text(text, exact=True)).to_be_visible(timeout=15_000)

    def copies(self) -> tuple[str, str]:
        """The token in localStorage, and in the cookie."""
        stored = self.page.evaluate(
            "Object.entries(localStorage).find(([name]) => name.startsWith('pgstate.'))[1]"
        )
        cookies = self.page.context.cookies()
        [cookie] = [each for each in cookies if each["name"].startswith("pgstate.")]
        return stored, unquote(cookie["value"])

    def matrix(self) -> str:
        """The matrix as PostgreSQL has it."""
        return subprocess.run(
            [sys.executable, "-c", MATRIX, self.copies()[0]],
            cwd=self.server.folder,
            capture_output=True,
            text=True,
            check=True,
        ).stdout


def test_the_matrix_is_there_after_f5_a_page_toggle_and_a_killed_server(
    example: Server, context: BrowserContext
) -> None:
    reader = Reader(context.new_page(), example)
    reader.page.goto(example.address)
    assert reader.runs() == 1  # the first visit

    reader.choose("Matrix")
    reader.page.get_by_label("Size").fill("7")
    reader.page.keyboard.press("Enter")
    reader.sees("Computed just now: 7x7.")
    reader.runs()
    matrix = reader.matrix()
    assert matrix.startswith("(7, 7) Sparse[int64, 0]\n")

    reader.page.reload()
    reader.sees("Read back: 7x7.")
    assert reader.runs() == 1

    reader.choose("Hello")
    expect(reader.page.get_by_role("heading", name="Hello")).to_be_visible()
    reader.choose("Matrix")
    reader.sees("Read back: 7x7.")
    assert reader.runs() == 2  # one for each click

    example.kill()
    example.start()
    reader.page.reload()
    reader.sees("Read back: 7x7.")
    reader.runs()
    assert reader.matrix() == matrix

    reader.page.reload()
    reader.sees("Read back: 7x7.")
    assert reader.runs() == 1

    context.clear_cookies()
    reader.page.reload()
    reader.sees("Read back: 7x7.")
    assert reader.runs() == 2
    first, second = reader.copies()
    assert first == second
    assert reader.matrix() == matrix


def test_of_two_fields_f5_leaves_the_one_that_is_persisted(
    example: Server, context: BrowserContext
) -> None:
    reader = Reader(context.new_page(), example)
    reader.page.goto(example.address)
    assert reader.runs() == 1
    kept = reader.page.get_by_label("With persist")
    plain = reader.page.get_by_label("Without")
    for field in (kept, plain):
        field.fill("typed")
        field.press("Enter")
        reader.runs()

    reader.page.reload()

    expect(kept).to_have_value("typed")
    expect(plain).to_have_value("")
    assert reader.runs() == 1


def test_another_browser_begins_with_the_defaults(
    example: Server, context: BrowserContext, chromium: Browser
) -> None:
    reader = Reader(context.new_page(), example)
    reader.page.goto(example.address)
    reader.choose("Matrix")
    reader.page.get_by_label("Size").fill("7")
    reader.page.keyboard.press("Enter")
    reader.sees("Computed just now: 7x7.")
    reader.runs()

    elsewhere = chromium.new_context()
    other = Reader(elsewhere.new_page(), example)
    other.page.goto(example.address)

    expect(other.page.get_by_role("heading", name="Hello")).to_be_visible()
    other.choose("Matrix")
    other.sees("Computed just now: 5x5.")
    elsewhere.close()
