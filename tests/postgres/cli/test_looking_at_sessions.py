"""`sessions` and `show`: an operator finds a visitor's session and looks at what it holds."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import uuid
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest
from PIL import Image

from streamlit_pgstate import State, Store, StoredFile, connect

from .conftest import Pgstate


def new_state(store: Store, **values: Any) -> State:
    state = store.state(store.new_token())
    state.update(values)
    return state


def ids(pgstate: Pgstate, *arguments: str) -> list[str]:
    result = pgstate("sessions", "--json", *arguments)
    assert result.exit_code == 0, result.output
    return [row["id"] for row in json.loads(result.output)["sessions"]]


def test_an_empty_database_has_no_sessions(pgstate: Pgstate) -> None:
    assert pgstate("sessions").output == "No sessions.\n"
    assert json.loads(pgstate("sessions", "--json").output) == {"sessions": [], "next": None}


def test_sessions_are_a_table_with_what_they_hold(pgstate: Pgstate, store: Store) -> None:
    state = new_state(store, a=1, b="x" * 2000)
    head, line = pgstate("sessions").output.splitlines()
    assert head.split() == ["ID", "APP", "SCOPE", "KEYS", "SIZE", "CREATED", "SEEN", "EXPIRES"]
    assert line.split()[:6] == [str(state.id), "app", "browser", "2", "2.0", "KiB"]


def test_the_largest_and_the_oldest_come_first_if_asked(
    pgstate: Pgstate, store: Store, sql: psycopg.Connection
) -> None:
    small, large, middle = (new_state(store, a="x" * size) for size in (10, 1000, 100))
    for days, state in ((1, middle), (2, small), (3, large)):
        sql.execute(
            "UPDATE pgstate.session SET created_at = now() - make_interval(days => %s), "
            "expires_at = now() + make_interval(days => %s) WHERE id = %s",
            (days, 20 + days, state.id),
        )
    assert ids(pgstate, "--largest") == [str(one.id) for one in (large, middle, small)]
    assert ids(pgstate, "--oldest") == [str(one.id) for one in (large, small, middle)]
    assert ids(pgstate) == [str(one.id) for one in (large, small, middle)]


@pytest.mark.parametrize("order", [[], ["--largest"], ["--oldest"]])
def test_pages_show_each_session_once(
    pgstate: Pgstate, store: Store, sql: psycopg.Connection, order: list[str]
) -> None:
    """Also where many are alike: then their ids give the order."""
    made = {str(new_state(store, a=1).id) for _ in range(7)}
    sql.execute("UPDATE pgstate.session SET created_at = now(), expires_at = now() + '1 day'")
    found: list[str] = []
    after: list[str] = []
    while True:
        page = json.loads(pgstate("sessions", "--json", "--limit", "3", *order, *after).output)
        found += [row["id"] for row in page["sessions"]]
        if page["next"] is None:
            break
        after = ["--after", page["next"]]
    assert len(found) == 7
    assert set(found) == made


def test_a_position_of_another_order_is_refused(pgstate: Pgstate, store: Store) -> None:
    for _ in range(2):
        new_state(store, a=1)
    after = json.loads(pgstate("sessions", "--json", "--limit", "1").output)["next"]
    for wrong in (after, "nonsense", "bytes,x,y", f"bytes,{2**63},{uuid.UUID(int=0)}"):
        result = pgstate("sessions", "--largest", "--after", wrong)
        assert result.exit_code == 2
        assert "give the same order" in result.stderr
    assert pgstate("sessions", "--largest", "--oldest").exit_code == 2


def test_sessions_of_one_app_alone(pgstate: Pgstate, url: str, store: Store) -> None:
    new_state(store, a=1)
    shop = connect(url, app="shop")
    state = new_state(shop, a=1)
    shop.close()
    assert ids(pgstate, "--app", "shop") == [str(state.id)]


def test_ended_sessions_are_not_listed_and_show_says_so(
    pgstate: Pgstate, store: Store, sql: psycopg.Connection
) -> None:
    forgotten, expired = new_state(store, a=1), new_state(store, a=1)
    forgotten.forget()
    sql.execute("UPDATE pgstate.session SET expires_at = now() WHERE id = %s", (expired.id,))
    assert ids(pgstate) == []
    assert f"{forgotten.id} (forgotten)" in pgstate("show", str(forgotten.id)).output
    assert f"{expired.id} (expired)" in pgstate("show", str(expired.id)).output


def test_the_first_digits_of_an_id_are_enough(pgstate: Pgstate, store: Store) -> None:
    state = new_state(store, cart=["bread"])
    short = str(state.id)[:8]
    for text in (short, short.upper(), str(state.id), state.id.hex[:20]):
        result = pgstate("show", text)
        assert result.exit_code == 0, result.output
        assert str(state.id) in result.output
        assert "cart" in result.output


def test_an_id_that_is_nobody_s_or_two_sessions_or_none_says_what_to_do(
    pgstate: Pgstate, sql: psycopg.Connection
) -> None:
    nobody = pgstate("show", "00001111")
    assert nobody.exit_code == 1
    assert "No session has an id that begins with '00001111'" in nobody.stderr
    for last in (1, 2):
        sql.execute(
            "INSERT INTO pgstate.session (id, app, version, created_at, seen_at, expires_at) "
            "VALUES (%s, 'app', 1, now(), now(), now() + '1 day')",
            (uuid.UUID(f"abcd0000-0000-0000-0000-00000000000{last}"),),
        )
    several = pgstate("show", "abcd")
    assert several.exit_code == 2
    assert "Give more digits" in several.stderr
    assert "abcd0000-0000-0000-0000-000000000001" in several.stderr
    for text in ("abc", "not-an-id", "g" * 8, "a" * 33):
        wrong = pgstate("show", text)
        assert wrong.exit_code == 2
        assert "at least 4" in wrong.stderr


def test_an_ended_session_does_not_make_a_prefix_ambiguous(
    pgstate: Pgstate, sql: psycopg.Connection
) -> None:
    for last, revoked in ((1, "now()"), (2, "NULL")):
        sql.execute(
            "INSERT INTO pgstate.session (id, app, version, created_at, seen_at, expires_at, "
            f"revoked_at) VALUES (%s, 'app', 1, now(), now(), now() + '1 day', {revoked})",
            (uuid.UUID(f"abcd0000-0000-0000-0000-00000000000{last}"),),
        )
    assert "000000000002" in pgstate("show", "abcd").output


def photo() -> StoredFile:
    sink = io.BytesIO()
    Image.new("RGB", (64, 48)).save(sink, "PNG")
    return StoredFile(sink.getvalue(), name="me.png", type="image/png")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"bread": 2}, '"bread": 2'),
        (pd.DataFrame({"a": range(100)}), "100 rows × 1 columns"),
        (pd.Series([1.5, 2.5]), "2 values of float64"),
        (np.zeros((3, 4)), "ndarray of float64, 3 × 4"),
        (Image.new("L", (64, 48)), "64 × 48 pixels"),
        (photo(), "'me.png', image/png"),
        (b"\x00\xff" * 100, "00 ff 00 ff"),
        ("x" * 100_000, "xxx"),
        ({"table": pd.DataFrame({"a": [1]})}, "builtins.dict"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_shown_as_what_it_is(
    pgstate: Pgstate, store: Store, value: object, said: str
) -> None:
    state = new_state(store, it=value)
    result = pgstate("show", str(state.id), "it")
    assert result.exit_code == 0, result.output
    assert said in result.output
    found = json.loads(pgstate("show", str(state.id), "it", "--json").output)
    assert found["key"] == "it"
    assert "value" in found or said.strip('"') in found["preview"]


def test_what_a_visitor_has_entered_does_not_command_the_terminal(
    pgstate: Pgstate, store: Store
) -> None:
    escape, reversed_ = "\x1b[2J", "\u202e"
    state = new_state(store, **{f"key{escape}": f"text{escape}{reversed_}"})
    for arguments in (["show", str(state.id)], ["show", str(state.id), f"key{escape}"]):
        output = pgstate(*arguments).output
        assert "\x1b" not in output
        assert reversed_ not in output


def test_a_key_that_is_not_there_and_a_lifetime(pgstate: Pgstate, store: Store) -> None:
    state = new_state(store, a=1)
    state.set("soon", 1, ttl=timedelta(days=1))
    missing = pgstate("show", str(state.id), "b")
    assert missing.exit_code == 1
    assert f"holds no 'b'. To see its keys, run: pgstate show {state.id}" in missing.stderr
    assert "Expires:" in pgstate("show", str(state.id), "soon").output


def test_a_damaged_value_is_named(pgstate: Pgstate, store: Store, sql: psycopg.Connection) -> None:
    state = new_state(store, noise=np.random.default_rng(1).bytes(100_000), fine=1)
    sql.execute("DELETE FROM pgstate.body WHERE session_id = %s", (state.id,))
    result = pgstate("show", str(state.id), "noise")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: 'noise' (kind 'bytes') is damaged")
    assert pgstate("show", str(state.id), "fine").exit_code == 0


def test_encrypted_values_need_the_key(pgstate: Pgstate, keyed_url: str) -> None:
    key = "A" * 43
    store = connect(keyed_url, encryption_key=key)
    state = new_state(store, secret="of the visitor")
    store.close()
    without = pgstate("show", str(state.id), "secret")
    assert without.exit_code == 1
    assert "Set `encryption_key`" in without.stderr
    within = pgstate("show", str(state.id), "secret", PGSTATE_ENCRYPTION_KEY=key)
    assert "of the visitor" in within.output


@pytest.mark.parametrize(
    "command",
    [("show", "{id}"), ("history", "{id}"), ("sessions", "--app"), ("migrate", "--schema")],
)
def test_an_argument_that_is_not_utf_8_is_refused(
    pgstate: Pgstate, store: Store, command: tuple[str, ...]
) -> None:
    state = new_state(store, a=1)
    result = pgstate(*(part.replace("{id}", str(state.id)) for part in command), "\udcff")
    assert result.exit_code == 2
    assert result.stderr == "Error: The argument '\\udcff' is not UTF-8 text. Type it in UTF-8.\n"


def test_a_terminal_that_lacks_a_letter_gets_its_escape(store: Store, url: str) -> None:
    state = new_state(store, omega="Ω")
    done = subprocess.run(
        [sys.executable, "-m", "streamlit_pgstate.cli", "show", str(state.id), "omega"],
        env=os.environ | {"PGSTATE_URL": url, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b'"\\u03a9"' in done.stdout


def test_a_long_line_is_shown_in_part(pgstate: Pgstate, store: Store) -> None:
    state = new_state(store, text="x" * 100_000)
    shown = pgstate("show", str(state.id), "text").output
    assert len(shown) < 21_000
    assert shown.endswith("… and 80,002 more characters\n")
