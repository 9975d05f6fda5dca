"""`pgstate.App` where it cannot work: each time an error says what to do."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from streamlit.testing.v1 import AppTest
from streamlit.web.server.app_discovery import discover_asgi_app

import streamlit_pgstate as pgstate
from streamlit_pgstate.page import apps
from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.settings import Settings

OLDER_STREAMLIT = """
import streamlit
vars(streamlit).pop("App", None)
import streamlit_pgstate as pgstate
try:
    pgstate.App("app.py")
except pgstate.ConfigError as error:
    print(error)
"""


def test_without_st_app_it_says_which_streamlit_has_one() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", OLDER_STREAMLIT], capture_output=True, text=True, check=True
    )
    assert "pgstate.App needs st.App" in ended.stdout
    assert 'pip install "streamlit>=' in ended.stdout


def test_in_a_script_it_says_how_to_start_the_app() -> None:
    def script() -> None:
        import streamlit_pgstate as pgstate

        pgstate.App("app.py")

    [error] = AppTest.from_function(script).run().exception
    assert "uvicorn MODULE:app" in error.message
    assert "lifespan=page.lifespan()" in error.message


@pytest.mark.parametrize(
    "lines",
    [
        "from streamlit_pgstate import App as A\napp = A('shop.py')",
        "from streamlit_pgstate import App\napp: App = App('shop.py')",
        "import streamlit_pgstate as p\nclass Served(p.App): ...\napp = Served('shop.py')",
        "import streamlit_pgstate as p\ndef make():\n    return p.App('shop.py')\napp = make()",
    ],
    ids=["another name", "an annotation", "a class of its own", "a function"],
)
def test_so_it_says_however_the_file_makes_it(lines: str, tmp_path: Path) -> None:
    file = tmp_path / "serve.py"
    file.write_text(lines)
    assert not discover_asgi_app(file).is_asgi_app, "by this Streamlit; say so in docs/app.md"
    [error] = AppTest.from_file(str(file)).run().exception
    assert "uvicorn MODULE:app" in error.message


def test_streamlit_run_recognizes_what_the_docs_have_one_type(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "app.md").read_text(encoding="utf-8")
    [lines] = re.findall(
        r"```python\n(# serve.py, for: streamlit run serve.py\n.*?)```", page, re.S
    )
    file = tmp_path / "serve.py"
    file.write_text(lines)
    assert discover_asgi_app(file).import_string == "serve:app"


@pytest.fixture
def script(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Of an app whose settings are in the environment."""
    monkeypatch.setenv("PGSTATE_URL", url)
    yield tmp_path / "app.py"
    for tables in list(apps._tables.values()):
        tables.close()


@pytest.mark.parametrize("name", ["cookie", "http_only"])
def test_with_a_setting_against_it_it_names_the_setting(
    script: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"PGSTATE_{name.upper()}", "false")
    with pytest.raises(pgstate.ConfigError, match=f"the setting {name} is false"):
        apps.tables_of(script)


def test_that_it_has_served_an_app_is_noted_for_that_app_alone(url: str) -> None:
    served = Tables(Settings.read({"url": url}))
    assert served.needs_app() is False
    served.note_http_only()
    served.note_http_only()
    later, other, on_purpose = (
        Tables(Settings.read({"url": url, **settings}))
        for settings in ({}, {"app": "other"}, {"http_only": False})
    )
    assert [it.needs_app() for it in (later, other, on_purpose)] == [True, False, False]
    for tables in (served, later, other, on_purpose):
        tables.close()


def test_a_server_that_runs_when_the_app_first_serves_goes_on(url: str) -> None:
    running, app = (Tables(Settings.read({"url": url})) for _ in range(2))
    assert running.needs_app() is False
    app.note_http_only()
    assert running.needs_app() is False
    running.close()
    app.close()


def test_a_role_that_may_not_note_it_serves_all_the_same(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    read_only = make_url(url).update_query_dict({"options": "-c default_transaction_read_only=on"})
    tables = Tables(Settings.read({"url": read_only, "timeout": 2}))
    tables.note_http_only()
    assert "Set http_only = true" in caplog.text
    tables.close()
