"""What docs/testing.md says of AppTest: its example as it stands, and what AppTest cannot do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url
from streamlit.testing.v1 import AppTest

import streamlit_pgstate as pgstate
from streamlit_pgstate import Store

DOCUMENT = Path(__file__).parents[2] / "docs" / "testing.md"
APP, TEST = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)


def sessions(url: str) -> int:
    with psycopg.connect(url) as connection:
        (count,) = connection.execute("SELECT count(*) FROM pgstate.session").fetchone()  # type: ignore[misc]
        return int(count)


@pytest.fixture
def own_url(empty_url: str) -> str:
    """The app's own database, with a signing key of its own."""
    store = pgstate.connect(empty_url)
    store.migrate()
    store.close()
    return empty_url


def test_the_example_passes_and_leaves_the_apps_own_database_alone(
    url: str, own_url: str, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "test_app.py").write_text(TEST)
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text(
        f'[connections.pgstate]\nurl = "{own_url}"\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_app.py"],
        cwd=tmp_path,
        env={**os.environ, "TEST_DATABASE_URL": url, "PGSTATE_URL": own_url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert sessions(own_url) == 0
    assert sessions(url) == 1


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "app.py"
    path.write_text(APP)
    return str(path)


def test_a_store_over_another_database_than_the_apps_is_told(
    store: Store, own_url: str, script: str
) -> None:
    app = AppTest.from_file(script, default_timeout=30)
    app.secrets["connections"] = {"pgstate": {"url": own_url}}
    pgstate.testing.visit(app, store)
    said = app.run().exception[0].message
    assert "the store that testing.visit() was given may be over another database" in said
    assert f"/{make_url(own_url).database}, schema 'pgstate'" in said
    assert "app.secrets" in said
    assert sessions(own_url) == 0


def test_each_test_of_one_process_may_have_a_database_of_its_own(
    store: Store, own_url: str, script: str, url: str
) -> None:
    own = pgstate.connect(own_url)
    for each, its_url in ((store, url), (own, own_url), (store, url)):
        app = AppTest.from_file(script, default_timeout=30)
        app.secrets["connections"] = {"pgstate": {"url": its_url}}
        token = pgstate.testing.visit(app, each)
        app.run().text_area("note").set_value("milk").run()
        assert not app.exception, app.exception[0].message
        assert each.state(token)["note"] == "milk"
    own.close()
    assert (sessions(url), sessions(own_url)) == (2, 1)


PAGES = """
import pandas as pd
import streamlit as st
import streamlit_pgstate as pgstate

def first():
    file = pgstate.file_uploader("Upload", key="file")
    st.markdown(file.name if file else "no file")
    table = pgstate.data_editor(pd.DataFrame({"a": [1]}), key="table")
    st.markdown(str(table["a"].sum()))
    if st.button("go"):
        st.switch_page(second)

def show():
    st.markdown("second")

second = st.Page(show, url_path="second")
st.navigation([st.Page(first, default=True), second]).run()
"""


def test_what_apptest_can_do_and_cannot(store: Store, url: str, tmp_path: Path) -> None:
    path = tmp_path / "app.py"
    path.write_text(PAGES)

    def opened(token: str | None = None) -> tuple[AppTest, str]:
        app = AppTest.from_file(str(path), default_timeout=30)
        app.secrets["connections"] = {"pgstate": {"url": url}}
        token = pgstate.testing.visit(app, store, token)
        assert not app.run().exception
        return app, token

    app, token = opened()
    with pytest.raises(KeyError):
        app.file_uploader("file")
    app.file_uploader[0].set_value(("a.csv", b"1,2", "text/csv"))
    with pytest.raises(Exception, match="not supported for data_editor"):
        app.data_editor[0].set_value({})
    edits = {"edited_rows": {0: {"a": 5}}, "added_rows": [], "deleted_rows": []}
    app.session_state[app.data_editor[0].key] = edits
    assert [shown.value for shown in app.run().markdown] == ["a.csv", "5"]
    again, _ = opened(token)
    assert [shown.value for shown in again.markdown][-2:] == ["a.csv", "5"]
    with pytest.raises(ValueError, match="Could not find page"):
        app.switch_page("second")
    assert [shown.value for shown in app.button[0].click().run().markdown] == ["second"]
