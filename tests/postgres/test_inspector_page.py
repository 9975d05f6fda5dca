"""The inspector as an operator uses it: what it shows, what it never shows, and what it changes."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from typing import Any

import altair as alt
import geopandas as gpd
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import polars as pl
import psycopg
import pyarrow as pa
import pytest
from encrypted import KEY, MARK
from noise import noise
from PIL import Image
from shapely import Point
from streamlit.testing.v1 import AppTest

import streamlit_pgstate as pgstate
from streamlit_pgstate import Store, StoredFile, connect

SQL = psycopg.Connection[Any]
PREFIX = "pgstate_inspector_"
OPEN = """
import streamlit_pgstate as pgstate
pgstate.inspector(allow=lambda user: True{options})
"""


class Operator:
    """Somebody who has opened the page."""

    def __init__(self, url: str, script: str, **settings: object) -> None:
        self.app = AppTest.from_string(script, default_timeout=60)
        self.app.secrets["connections"] = {"pgstate": {"url": url, **settings}}
        self.run()

    def run(self) -> Operator:
        self.app.run()
        assert not self.app.exception, self.app.exception[0].message
        return self

    def find(self, text: str) -> Operator:
        self.app.text_input(key=f"{PREFIX}text").input(text)
        self.click("open")
        return self

    def click(self, name: str) -> Operator:
        self.app.button(key=f"{PREFIX}{name}").click()
        return self.run()

    def choose(self, name: str, option: str) -> Operator:
        self.app.session_state[f"{PREFIX}{name}"] = option
        return self.run()

    def open_key(self, key: str) -> Operator:
        self.app.session_state[f"{PREFIX}view"].open_key(key)
        return self.run()

    def buttons(self) -> set[str]:
        return {str(button.key).removeprefix(PREFIX) for button in self.app.button}

    def told(self) -> list[str]:
        app = self.app
        return [
            str(said.value).replace("\\", "")
            for said in (*app.error, *app.warning, *app.info, *app.success, *app.caption)
        ]

    def code(self) -> list[str]:
        return [str(block.value) for block in self.app.code]

    def everything(self) -> str:
        """All that the page has been sent, as text."""
        return repr(self.app._tree) + str([frame.value for frame in self.app.dataframe])


@pytest.fixture
def open_page(url: str) -> Callable[..., Operator]:
    def open_page(options: str = "", **settings: object) -> Operator:
        return Operator(url, OPEN.replace("{options}", options), **settings)

    return open_page


@pytest.fixture
def ada(store: Store) -> pgstate.State:
    state = store.state(store.new_token())
    state["cart"] = {"total": 31}
    return state


def rows(sql: SQL) -> list[Any]:
    found: list[Any] = []
    for table in ("session", "entry", "body", "revision", "setting", "growth"):
        found += sql.execute(f"SELECT t::text FROM pgstate.{table} t ORDER BY 1").fetchall()  # type: ignore[arg-type]
    return found


# Who may see it


@pytest.mark.parametrize(
    "call",
    ["inspector()", "inspector(allow=lambda user: False)", "inspector(allow=lambda user: 1)"],
)
def test_it_is_closed_unless_the_developer_says_who_may(
    url: str, ada: pgstate.State, call: str
) -> None:
    app = AppTest.from_string(f"""
        import streamlit as st
        import streamlit_pgstate as pgstate
        pgstate.{call}
        st.write("below")
        """)
    app.secrets["connections"] = {"pgstate": {"url": url}}
    app.run()
    assert [error.value for error in app.error] == [
        "This page is for the operators of this app, and it is closed to you."
    ]
    assert not app.title
    assert not app.dataframe
    assert not app.markdown


def test_whoever_is_not_logged_in_is_not_let_in_by_their_email(url: str) -> None:
    app = AppTest.from_string("""
        import streamlit_pgstate as pgstate
        pgstate.inspector(allow=lambda user: user.email == "ada@example.com")
        """)
    app.secrets["connections"] = {"pgstate": {"url": url}}
    assert len(app.run().error) == 1
    assert not app.title


def test_what_is_no_function_is_refused(url: str) -> None:
    app = AppTest.from_string("""
        import streamlit_pgstate as pgstate
        pgstate.inspector(allow=["ada@example.com"])
        """)
    app.secrets["connections"] = {"pgstate": {"url": url}}
    assert "allow must be a function" in app.run().exception[0].message


def test_it_is_drawn_in_a_script_only() -> None:
    with pytest.raises(pgstate.NoSessionError, match="run: pgstate inspect"):
        pgstate.inspector()


# What it shows


def test_a_visitor_is_found_by_the_short_id(
    open_page: Callable[..., Operator], ada: pgstate.State
) -> None:
    page = open_page().find(str(ada.id)[:8])
    assert page.app.subheader[0].value == f"Session {str(ada.id)[:8]}"
    assert page.app.dataframe[0].value["Key"].tolist() == ["cart"]
    assert page.click("back").app.dataframe[0].value["Session"].tolist() == [str(ada.id)[:8]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("zzzz", "not the id of a session"),
        ("12", "not the id of a session"),
        ("00000000", "No session has an id that begins with '00000000'"),
        ("abcd", "Several sessions have an id that begins with 'abcd'"),
    ],
)
def test_an_id_that_is_none_is_told(
    open_page: Callable[..., Operator], sql: SQL, text: str, expected: str
) -> None:
    for number in (1, 2):
        sql.execute(
            """INSERT INTO pgstate.session (id, app, version, created_at, seen_at, expires_at)
            VALUES (%s, 'app', 1, now(), now(), now() + interval '1 day')""",
            (uuid.UUID(f"abcd0000-0000-4000-8000-00000000000{number}"),),
        )
    assert any(expected in said for said in open_page().find(text).told())


@pytest.mark.parametrize(
    ("order", "expected"),
    [("Newest", ["c", "b", "a"]), ("Oldest", ["a", "b", "c"]), ("Largest", ["b", "c", "a"])],
)
def test_sessions_are_listed_in_an_order(
    open_page: Callable[..., Operator], store: Store, order: str, expected: list[str]
) -> None:
    names = {}
    for name, size in (("a", 1), ("b", 300), ("c", 20)):
        state = store.state(store.new_token())
        state[name] = "x" * size
        names[str(state.id)[:8]] = name
    store.gc()
    page = open_page().choose("order", order)
    assert [names[id_] for id_ in page.app.dataframe[0].value["Session"]] == expected


def test_the_largest_of_all_are_read_when_asked_for(
    open_page: Callable[..., Operator], ada: pgstate.State
) -> None:
    page = open_page().choose("order", "Largest")
    assert "No cleanup has looked for the largest sessions yet. Run: pgstate gc" in page.told()
    page.click("exact")
    assert page.app.dataframe[0].value["Session"].tolist() == [str(ada.id)[:8]]
    assert any("as of when you have asked" in said for said in page.told())


def test_sessions_come_in_pages(open_page: Callable[..., Operator], store: Store) -> None:
    for _ in range(30):
        store.state(store.new_token())["k"] = 1
    page = open_page()
    first = set(page.app.dataframe[0].value["Session"])
    second = set(page.click("sessions_next").app.dataframe[0].value["Session"])
    assert (len(first), len(second), len(first & second)) == (25, 5, 0)
    assert set(page.click("sessions_previous").app.dataframe[0].value["Session"]) == first


@pytest.mark.parametrize(("order", "first"), [("By name", "k00"), ("By size", "k29")])
def test_keys_come_in_pages(
    open_page: Callable[..., Operator], store: Store, order: str, first: str
) -> None:
    state = store.state(store.new_token())
    state.update({f"k{number:02}": "x" * number for number in range(30)})
    page = open_page().find(str(state.id)).choose("key_order", order)
    keys = page.app.dataframe[0].value["Key"].tolist()
    keys += page.click("keys_next").app.dataframe[0].value["Key"].tolist()
    assert keys[0] == first
    assert sorted(keys) == sorted(state.keys())


TABLE = pd.DataFrame({"name": ["Ada", "Grace"], "born": [1815, 1906]})
PICTURE = Image.new("RGB", (8, 6), "red")
FILE = io.BytesIO()
PICTURE.save(FILE, "PNG")
VALUES = {
    "a dict": ({"page": 3}, "code"),
    "a text": ("<b>bold</b> and *stars*", "code"),
    "a frame": (TABLE, "dataframe"),
    "a series": (TABLE["born"], "dataframe"),
    "an index": (pd.Index([1, 2]), "dataframe"),
    "places": (gpd.GeoDataFrame({"a": [1]}, geometry=[Point(1, 2)]), "dataframe"),
    "polars": (pl.DataFrame({"a": [1]}), "dataframe"),
    "arrow": (pa.table({"a": [1]}), "dataframe"),
    "an array": (np.arange(6).reshape(2, 3), "dataframe"),
    "a cube": (np.zeros((2, 2, 2)), "code"),
    "a picture": (PICTURE, "image"),
    "a figure": (go.Figure(go.Bar(y=[1])), "plotly_chart"),
    "a chart": (
        alt.Chart(pd.DataFrame({"x": [1]})).mark_point().encode(x="x"),
        "vega_lite_chart",
    ),
    "bytes": (b"\x00text", "code"),
    "a photo": (StoredFile(FILE.getvalue(), name="a.png", type="image/png"), "image"),
    "a table": (StoredFile(b"a,b\n", name="a.csv", type="text/csv"), "code"),
    "a broken photo": (StoredFile(b"none", name="a.png", type="image/png"), "info"),
    "a container": ({"frame": TABLE, "n": 1}, "dataframe"),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_shown_as_what_it_is(
    open_page: Callable[..., Operator], ada: pgstate.State, name: str
) -> None:
    value, expected = VALUES[name]
    ada["k"] = value
    page = open_page().find(str(ada.id)).open_key("k")
    kinds = [element.type for element in page.app.tabs[0]]
    assert expected in kinds
    assert "exception" not in kinds


def test_what_visitors_have_entered_is_no_markdown(
    open_page: Callable[..., Operator], ada: pgstate.State
) -> None:
    ada["![x](http://example.com/x.png)"] = "[link](http://example.com)"
    page = open_page().find(str(ada.id)).open_key("![x](http://example.com/x.png)")
    drawn = [element.value for element in (*page.app.markdown, *page.app.subheader)]
    assert not any("](" in str(text) for text in drawn)
    assert "[link](http://example.com)" in page.code()


def test_a_large_value_is_read_when_asked_for(
    open_page: Callable[..., Operator], ada: pgstate.State
) -> None:
    ada["k"] = noise(3 * 2**20, "large")
    page = open_page().find(str(ada.id)).open_key("k")
    assert len(page.code()) == 1
    assert any("The first 256 of 3,145,728 bytes" in said for said in page.click("read").told())


def test_growth_and_expiry_are_plotted(
    open_page: Callable[..., Operator], store: Store, ada: pgstate.State
) -> None:
    page = open_page().choose("part", "Growth")
    assert "No cleanup has noted sizes yet. Run: pgstate gc" in page.told()
    store.gc()
    charts = page.run().app.get("vega_lite_chart")
    assert len(charts) == 2
    assert any("1 sessions in use hold 1 values" in said for said in page.click("count").told())
    assert len(page.choose("part", "Expiry").app.get("vega_lite_chart")) == 2
    assert "Nothing waits for a cleanup." in page.told()


# What it never shows


def test_no_token_and_no_hash_is_sent(
    open_page: Callable[..., Operator], store: Store, sql: SQL
) -> None:
    token = store.new_token()
    state = store.state(token)
    state["k"] = 1
    [(hash_, key)] = sql.execute(
        """SELECT token_hash, (SELECT value FROM pgstate.setting WHERE name = 'signing_key')
        FROM pgstate.session"""
    ).fetchall()
    page = open_page().find(str(state.id)).open_key("k")
    sent = page.everything() + page.click("back").everything()
    for secret in (token, *token.split("."), hash_.hex(), key):
        assert secret not in sent


def test_encrypted_values_are_shown_only_with_the_key(
    url: str, open_page: Callable[..., Operator]
) -> None:
    store = connect(url, encryption_key=KEY)
    state = store.state(store.new_token())
    state.update({"small": MARK, "large": noise(50_000, MARK)})
    for key in ("small", "large"):
        page = open_page().find(str(state.id)).open_key(key)
        assert any("has no encryption key" in said for said in page.told())
        assert MARK not in page.everything()
    page = open_page(encryption_key=KEY).find(str(state.id)).open_key("small")
    assert MARK in page.code()
    store.close()


@pytest.mark.changes_entries
def test_a_damaged_value_is_named_and_the_others_are_shown(
    open_page: Callable[..., Operator], ada: pgstate.State, sql: SQL
) -> None:
    ada.update({"table": TABLE, "large": noise(50_000, "large")})
    sql.execute("UPDATE pgstate.entry SET body = 'none' WHERE key = 'table'")
    sql.execute("DELETE FROM pgstate.body")
    page = open_page().find(str(ada.id))
    for key, said in (("table", "'table' was written as"), ("large", "'large'")):
        page.open_key(key)
        assert any(text.startswith(said) for text in page.told())
    assert '{\n  "total": 31\n}' in page.open_key("cart").code()


# What it changes


def test_looking_changes_no_row(
    open_page: Callable[..., Operator], ada: pgstate.State, sql: SQL
) -> None:
    ada["large"] = noise(50_000, "large")
    sql.execute("UPDATE pgstate.session SET seen_at = now() - interval '3 hours'")
    before = rows(sql)
    page = open_page(history=5).find(str(ada.id)).open_key("large").open_key("cart").click("back")
    for order in ("Newest", "Oldest", "Largest"):
        page.choose("order", order)
    for part in ("Growth", "Expiry"):
        page.choose("part", part)
    assert rows(sql) == before


def test_nothing_can_be_changed_unless_the_developer_allows_it(
    url: str, open_page: Callable[..., Operator]
) -> None:
    id_ = with_history(url)
    page = open_page(history=5).find(str(id_)).open_key("cart")
    assert page.buttons().isdisjoint({"forget", "restore"})


def with_history(url: str) -> uuid.UUID:
    store = connect(url, history=5)
    state = store.state(store.new_token())
    for total in (1, 2, 3):
        state["cart"] = {"total": total}
    store.close()
    return state.id


def test_a_former_version_is_compared_and_restored(
    url: str, store: Store, open_page: Callable[..., Operator]
) -> None:
    id_ = with_history(url)
    page = open_page(", allow_changes=True", history=5).find(str(id_)).open_key("cart")
    assert page.code()[-1] == '@@ -1,3 +1,3 @@\n {\n-  "total": 2\n+  "total": 3\n }'
    page.app.selectbox[0].select_index(1)
    page.run()
    assert '-  "total": 1' in page.code()[-1]
    page.click("restore")
    assert "Version 1 of 'cart' was restored." in page.told()
    assert store.state_of(id_)["cart"] == {"total": 1}
    assert page.app.dataframe[1].value["Operation"].tolist()[0] == "restore"


def test_a_deletion_is_a_version_and_is_taken_back(
    url: str, open_page: Callable[..., Operator]
) -> None:
    id_ = with_history(url)
    store = connect(url, history=5)
    del store.state_of(id_)["cart"]
    page = open_page(", allow_changes=True", history=5).find(str(id_)).open_key("cart")
    assert any("This key holds no value" in said for said in page.told())
    page.click("restore")
    assert store.state_of(id_)["cart"] == {"total": 3}
    store.close()


def test_a_session_is_forgotten_once_its_id_is_typed(
    open_page: Callable[..., Operator], store: Store, ada: pgstate.State
) -> None:
    short = str(ada.id)[:8]
    page = open_page(", allow_changes=True").find(short)
    assert page.app.button(key=f"{PREFIX}forget").disabled
    page.app.text_input(key=f"{PREFIX}confirm_{short}").input(short)
    page.run().click("forget")
    assert f"Session {short} was forgotten." in page.told()
    with pytest.raises(pgstate.UnknownToken):
        store.state_of(ada.id)


def test_a_database_that_is_away_is_told(url: str) -> None:
    away = url.replace("pgstate_test", "no_such_database")
    page = Operator(away, OPEN.replace("{options}", ""))
    assert page.app.error


def test_tables_of_another_layout_are_told_with_what_to_run(empty_url: str) -> None:
    page = Operator(empty_url, OPEN.replace("{options}", ""))
    assert any("pgstate migrate" in said for said in page.told())
