"""What an operator has set for the user or the database, and connections that go without a word."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import psycopg
import pytest
from gate import Gate
from noise import noise

from streamlit_pgstate import State, Store, StoreUnavailable, connect
from streamlit_pgstate.postgres import trust
from streamlit_pgstate.postgres.chunks import IN_ONE_STATEMENT
from streamlit_pgstate.postgres.rows import SMALL

pytestmark = pytest.mark.faults

SQL = psycopg.Connection[Any]


@pytest.fixture
def opened(url: str, sql: SQL) -> Iterator[Callable[..., Store]]:
    """Stores of a database with these settings as the default of each connection."""
    stores: list[Store] = []

    def opened(**settings: str) -> Store:
        for name, value in settings.items():
            change = f"ALTER DATABASE \"{sql.info.dbname}\" SET {name} = '{value}'"
            sql.execute(change)  # type: ignore[arg-type]  # not a literal
        stores.append(connect(url, timeout=5))
        return stores[-1]

    yield opened
    for store in stores:
        store.close()


def held_up(url: str, state: State, write: Callable[[], object]) -> StoreUnavailable:
    """The error of a write while another transaction holds the session's row."""
    with psycopg.connect(url) as other:
        other.execute("SELECT FROM pgstate.session WHERE id = %s FOR UPDATE", (state.id,))
        with pytest.raises(StoreUnavailable) as caught:
            write()
    return caught.value


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("lock_timeout", "longer than the `lock_timeout` of the user in `url`"),
        ("statement_timeout", "after the `statement_timeout` of the user in `url`"),
    ],
)
def test_a_limit_of_the_role_is_named(
    setting: str, said: str, opened: Callable[..., Store], url: str
) -> None:
    store = opened(**{setting: "200ms"})
    state = store.state(store.new_token())
    state["k"] = 1
    began = time.monotonic()
    error = held_up(url, state, lambda: state.set("k", 2))
    assert time.monotonic() - began < 3
    assert said in str(error)
    assert "Nothing was stored" in str(error)
    assert f"SHOW {setting}" in error.in_full
    state["k"] = 2
    assert state["k"] == 2


def test_a_limit_of_the_role_that_is_longer_than_ours_is_not_named(
    opened: Callable[..., Store], url: str
) -> None:
    opened(lock_timeout="1h", statement_timeout="1d")
    store = connect(url, timeout=1)
    state = store.state(store.new_token())
    state["k"] = 1
    error = held_up(url, state, lambda: state.set("k", 2))
    assert "did not answer within 1 s" in str(error)
    assert "Nothing was stored" in str(error)
    store.close()


@pytest.mark.parametrize("is_rotated", [False, True])
def test_a_page_load_waits_for_no_lock_on_the_session(
    is_rotated: bool, store: Store, token: str, url: str
) -> None:
    state = store.state(token)
    state["k"] = 1
    token = (state.rotate() or "") if is_rotated else token
    with psycopg.connect(url) as other:
        other.execute(
            """UPDATE pgstate.session SET seen_at = now() - interval '2 hours',
            expires_at = now() + interval '1 hour'"""
        )
        other.commit()
        other.execute("SELECT FROM pgstate.session FOR UPDATE")
        began = time.monotonic()
        assert store.state(token)["k"] == 1
        assert time.monotonic() - began < 2
    assert store.state(token)["k"] == 1


def test_pages_are_read_where_the_server_only_reads(
    opened: Callable[..., Store],
    sql: SQL,
    round_trips: Callable[[], AbstractContextManager[list[str]]],
) -> None:
    store = opened()
    token = store.new_token()
    store.state(token)["k"] = 1
    sql.execute("UPDATE pgstate.session SET seen_at = now() - interval '2 hours'")
    reader = opened(default_transaction_read_only="on")
    for _ in range(2):
        state = reader.state(token)
        assert state["k"] == 1
        state.refresh()
        with round_trips() as trips:
            state.refresh()
        assert len(trips) == 1
    with pytest.raises(StoreUnavailable, match="read-only"):
        state["k"] = 2


VALUES: dict[str, Any] = {
    "bytes": b"a\\b\x00'\xff",
    "text": "10 €, ключ, 😀, \\x41",
    "ключ €": [None, {"a": "\\"}],
    "moment": dt.datetime(2024, 3, 4, 5, 6, tzinfo=dt.UTC),
    "large": noise(2 * SMALL),
    "huge": noise(IN_ONE_STATEMENT + 1),
}
DEFAULTS = {
    "standard_conforming_strings": "off",
    "client_encoding": "LATIN1",
    "bytea_output": "escape",
    "datestyle": "SQL, DMY",
    "intervalstyle": "sql_standard",
    "timezone": "Asia/Kathmandu",
    "search_path": "",
    "extra_float_digits": "-15",
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_every_value_is_exact_whatever_the_defaults_of_the_role_are(
    name: str, opened: Callable[..., Store], url: str
) -> None:
    store = opened(**{name: DEFAULTS[name]})
    token = store.new_token()
    state = store.state(token)
    for key, value in VALUES.items():
        state[key] = value
    state.update({f"again {key}": value for key, value in VALUES.items()})
    state.delete("again text")
    assert state.modify("bytes", lambda held: held + b"\\") == VALUES["bytes"] + b"\\"
    expected = {**VALUES, **{f"again {key}": value for key, value in VALUES.items()}}
    expected["bytes"] += b"\\"
    del expected["again text"]
    assert dict(store.state(token)) == expected
    other = connect(url)
    assert dict(other.state(token)) == expected
    other.close()


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "SJIS"])
def test_every_value_is_exact_whatever_the_encoding_of_the_environment_is(
    encoding: str, opened: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", encoding)
    store = opened()
    token = store.new_token()
    store.state(token).update(VALUES)
    assert dict(store.state(token)) == VALUES


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_modify_counts_right_under_any_isolation(
    isolation: str, opened: Callable[..., Store]
) -> None:
    store = opened(default_transaction_isolation=isolation)
    token = store.new_token()
    store.state(token)["n"] = 0

    def count(_: int) -> None:
        state = store.state(token)
        for _ in range(25):
            state.modify("n", lambda n: n + 1)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(count, range(4)))
    assert store.state(token)["n"] == 100


def test_a_connection_that_was_dropped_without_a_word_costs_no_answer(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "_ASKED_AFTER", 0.0)
    store = connect(gate.url, timeout=4)
    token = store.new_token()
    state = store.state(token)
    state["k"] = 1
    verbs: list[Callable[[], object]] = [
        state.refresh,
        lambda: state.set("k", 2),
        lambda: state.modify("k", lambda n: n),
    ]
    for verb in verbs:
        gate.drop_silently()
        began = time.monotonic()
        verb()
        assert time.monotonic() - began < 4
    assert store.state(token)["k"] == 2
    store.close()


@pytest.mark.parametrize(
    "option",
    [
        "client_encoding=utf8",
        "client_encoding=latin1",
        "autocommit=1",
        "fallback_application_name=mine",
        "application_name=mine",
        "connect_timeout=3",
    ],
)
def test_an_option_in_the_url_that_the_package_sets_itself_does_no_harm(
    option: str, url: str
) -> None:
    store = connect(f"{url}{'&' if '?' in url else '?'}{option}")
    token = store.new_token()
    store.state(token)["k"] = "ü €"
    assert store.state(token)["k"] == "ü €"
    store.close()


def test_a_connection_that_was_just_used_is_not_asked(
    state: State, round_trips: Callable[[], Any]
) -> None:
    state["k"] = 1
    with round_trips() as trips:
        state.refresh()
    assert len(trips) == 1
