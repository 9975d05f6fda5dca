"""The setting `encryption_key`: every value comes back, and no row shows any of it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from encrypted import KEY, MARK, OTHER_KEY, columns, everything_stored
from everything import in_everything
from fingerprint import fingerprint
from hypothesis import given, settings
from hypothesis import strategies as st
from noise import noise
from strategies.anything import FAMILIES
from strategies.large import large_values
from streamlit.testing.v1 import AppTest

import streamlit_pgstate as pgstate
from streamlit_pgstate import ConfigError, DecodeError, State, Store, connect
from streamlit_pgstate.page import apps
from streamlit_pgstate.postgres import sealing
from streamlit_pgstate.postgres.chunks import CHUNK, IN_ONE_STATEMENT
from streamlit_pgstate.postgres.cipher import MAGIC
from streamlit_pgstate.postgres.rows import SMALL, SessionRef

SQL = psycopg.Connection[Any]
Counter = Callable[[], contextlib.AbstractContextManager[list[str]]]
OpenStore = Callable[..., Store]


def marked(size: int, seed: str = "x") -> bytes:
    """Bytes that no codec compresses, with `MARK` every 64 KiB."""
    step = 2**16
    parts = [noise(step - len(MARK), seed) + MARK.encode()] * -(-size // step)
    return b"".join(parts)


VALUES: dict[str, Any] = {
    "small JSON": {"note": MARK, "numbers": [1, 2, 3]},
    "small bytes": MARK.encode(),
    "large JSON": [MARK, noise(SMALL, "json").hex()[: SMALL + 1]],
    "large bytes": marked(SMALL + 1),
    "bytes that are sent ahead": marked(IN_ONE_STATEMENT + 1),
}
LARGE = [name for name in VALUES if not name.startswith("small")]
FIRST = ["small JSON", "large bytes", "bytes that are sent ahead"]
"""One value of each way into the tables: in a row, in chunks, in chunks that are sent ahead."""
LATER = [name for name in VALUES if name not in FIRST]
every_value = pytest.mark.parametrize("name", FIRST + in_everything(*LATER))
every_large_value = pytest.mark.parametrize("name", LARGE)


@pytest.fixture
def url(keyed_url: str) -> str:
    """Replaces the fixture of the same name: no test of this file leaves other tables."""
    return keyed_url


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    """Replaces the fixture of the same name: this one encrypts."""
    return open_store(KEY)


@pytest.fixture
def other_store(open_store: OpenStore) -> Store:
    """A store with the same key, as another replica has it."""
    return open_store(KEY)


def assert_sealed(sql: SQL) -> None:
    stored = columns(sql)
    assert stored
    for data in stored:
        assert data.startswith(MAGIC)
    assert MARK.encode() not in everything_stored(sql)
    assert sql.execute("SELECT count(value) FROM pgstate.entry").fetchone() == (0,)


# Both ways


@every_value
def test_the_same_rows_without_a_key_show_the_value(
    open_store: OpenStore, sql: SQL, name: str
) -> None:
    """So that the other tests would find plain text if there were any."""
    store = open_store()
    store.state(store.new_token())["key"] = VALUES[name]
    assert all(MARK.encode() in data for data in columns(sql))


def by_set(state: State, value: Any) -> None:
    state["key"] = value


def by_update(state: State, value: Any) -> None:
    state.update({"key": value, "beside": MARK, "large beside": VALUES["large bytes"]})


def by_modify(state: State, value: Any) -> None:
    state.modify("key", lambda held: value, default=None)


def by_amend(state: State, value: Any) -> None:
    session = state._session
    session.amend({"key": session.encode("key", value)}, ["gone"])


@every_value
@pytest.mark.parametrize("is_first", [True, False], ids=["first write", "later write"])
@pytest.mark.parametrize("write", [by_set, by_update, by_modify, by_amend])
def test_what_a_verb_writes_is_sealed_and_another_replica_reads_it(
    store: Store,
    other_store: Store,
    token: str,
    sql: SQL,
    write: Callable[[State, Any], None],
    is_first: bool,
    name: str,
) -> None:
    state = store.state(token)
    if not is_first:
        state["gone"] = MARK
    write(state, VALUES[name])
    assert_sealed(sql)
    assert state["key"] == VALUES[name]
    assert other_store.state(token)["key"] == VALUES[name]
    assert other_store.state(token, cache=False)["key"] == VALUES[name]


@every_value
def test_a_later_run_reads_what_another_replica_has_written(
    store: Store, other_store: Store, token: str, sql: SQL, name: str
) -> None:
    state, other = store.state(token), other_store.state(token)
    state["key"] = 1
    other.refresh()
    state["key"] = VALUES[name]
    other.refresh()
    assert other["key"] == VALUES[name]
    other.modify("key", lambda value: [value, value])
    state.refresh()
    assert state["key"] == [VALUES[name]] * 2
    assert_sealed(sql)


@every_value
def test_a_new_ttl_leaves_the_value_sealed_and_readable(
    store: Store, other_store: Store, token: str, sql: SQL, name: str
) -> None:
    state = store.state(token)
    for ttl in (60, 70, None, 80):
        state.set("key", VALUES[name], ttl=ttl)
        assert_sealed(sql)
        assert other_store.state(token)["key"] == VALUES[name]
    state.modify("key", lambda value: value)  # renews the ttl alone
    assert_sealed(sql)
    assert other_store.state(token)["key"] == VALUES[name]


@every_value
def test_a_state_takes_over_sealed_values(
    store: Store, other_store: Store, token: str, sql: SQL, name: str
) -> None:
    anonymous, mine = store.new_token(), store.state(token)
    store.state(anonymous)["key"] = VALUES[name]
    assert mine.take_over(store.state(anonymous)) == ["key"]
    assert_sealed(sql)
    assert mine["key"] == VALUES[name]
    assert other_store.state(token)["key"] == VALUES[name]
    assert other_store.state(anonymous).get("key") is None


@every_value
def test_a_copy_of_a_session_has_its_sealed_values(
    store: Store, other_store: Store, token: str, sql: SQL, name: str
) -> None:
    state = store.state(token)
    state["key"] = VALUES[name]
    copied = store._tables.signer.mint()
    store._tables.moves.copy(SessionRef(state.id), copied)
    assert_sealed(sql)
    assert other_store.state(copied.text)["key"] == VALUES[name]


def test_another_process_reads_all_of_it(store: Store, url: str, token: str) -> None:
    store.state(token).update(VALUES)
    program = (
        "import hashlib, sys\n"
        "from streamlit_pgstate import connect\n"
        "values = dict(connect(sys.argv[1]).state(sys.argv[2]))\n"
        "print(hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest())"
    )
    found = subprocess.run(
        [sys.executable, "-c", program, url, token],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PGSTATE_ENCRYPTION_KEY": f"{KEY},{OTHER_KEY}"},
    ).stdout
    assert found.strip() == hashlib.sha256(repr(sorted(VALUES.items())).encode()).hexdigest()


def test_operators_see_sizes_and_kinds_but_no_text(store: Store, token: str) -> None:
    state = store.state(token)
    state["key"] = VALUES["small JSON"]
    [row] = store.rows(state.id)
    assert (row["key"], row["kind"], row["value"]) == ("key", "json", None)
    assert store.totals().bytes == row["size"] == state._session.read("key").size  # type: ignore[union-attr]


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=settings().max_examples // 10)
@given(data=st.data())
def test_any_value_comes_back(family: str, data: st.DataObject, shared_encrypted: State) -> None:
    value = data.draw(FAMILIES[family])
    shared_encrypted["value"] = value
    assert fingerprint(shared_encrypted["value"]) == fingerprint(value)


@settings(max_examples=settings().max_examples // 10)
@given(value=large_values())
def test_any_large_value_comes_back(value: object, shared_encrypted: State) -> None:
    shared_encrypted["value"] = value
    assert fingerprint(shared_encrypted["value"]) == fingerprint(value)


@pytest.fixture(scope="module")
def shared_encrypted(database: Callable[[], str]) -> Iterator[State]:
    """A state whose tables have a key, and that keeps nothing between two calls."""
    store = connect(database(), encryption_key=KEY)
    yield store.state(store.new_token(), cache=False)
    store.close()


# Values are compared as they were before they were sealed


def test_the_same_value_is_sealed_differently_in_each_place(store: Store, sql: SQL) -> None:
    """Two keys, and two sessions, with equal values: no reader of the rows sees that."""
    for _ in range(2):
        state = store.state(store.new_token())
        state.update({"a": MARK, "b": MARK})
        state["large"] = VALUES["large bytes"]
    rows = sql.execute("SELECT body FROM pgstate.entry").fetchall()
    assert len({row[0] for row in rows}) == 6
    digests = sql.execute("SELECT DISTINCT digest FROM pgstate.body").fetchall()
    assert len(digests) == 2


@every_value
def test_the_same_value_again_writes_nothing(
    store: Store, other_store: Store, token: str, sql: SQL, round_trips: Counter, name: str
) -> None:
    value = VALUES[name]
    store.state(token)["key"] = value
    other = other_store.state(token)
    version, stored = other._session.version, columns(sql)
    with round_trips() as trips:
        other["key"] = value
        other.update({"key": value})
        by_amend(other, value)
    assert len(trips) == 3, "each looks whether it is there"
    if name in LARGE:
        other["key"]  # the body is read, and kept
    with round_trips() as trips:
        other.modify("key", lambda held: held)
    assert len(trips) == 1
    assert store.state(token)._session.version == version
    assert columns(sql) == stored


@every_large_value
def test_a_new_ttl_of_a_large_value_sends_none_of_it(
    store: Store, token: str, sql: SQL, round_trips: Counter, name: str
) -> None:
    state = store.state(token)
    state.set("key", VALUES[name], ttl=60)
    stored = columns(sql)
    with round_trips() as trips:
        state.set("key", VALUES[name], ttl=70)
    assert len(trips) == 1
    assert columns(sql) == stored


@every_large_value
def test_equal_large_values_of_a_session_are_stored_once(
    store: Store, other_store: Store, token: str, sql: SQL, name: str
) -> None:
    value = VALUES[name]
    size = store.state(token)._session.encode("one", value).size
    store.state(token)["one"] = value
    chunks = len(columns(sql))
    assert chunks == -(-size // CHUNK)
    other_store.state(token)["two"] = value
    assert len(columns(sql)) == chunks
    state = store.state(token)
    del state["one"]
    assert len(columns(sql)) == chunks
    assert state["two"] == value
    del state["two"]
    assert columns(sql) == []


def test_equal_large_values_in_one_update_are_stored_once(
    store: Store, token: str, sql: SQL
) -> None:
    value = VALUES["large bytes"]
    state = store.state(token)
    state.update({"one": value, "two": value})
    assert len(columns(sql)) == 1
    assert state["one"] == state["two"] == value


# Values from before there was a key


@every_value
def test_a_value_from_before_is_read_and_is_sealed_when_another_is_set(
    open_store: OpenStore, token: str, sql: SQL, name: str
) -> None:
    open_store().state(token)["key"] = VALUES[name]
    state = open_store(KEY).state(token)
    assert state["key"] == VALUES[name]
    state["key"] = [VALUES[name]]
    assert_sealed(sql)
    assert open_store(KEY).state(token)["key"] == [VALUES[name]]


@pytest.mark.parametrize("name", ["small JSON", "small bytes"])
def test_the_same_small_value_again_stays_as_it_is(
    open_store: OpenStore, token: str, sql: SQL, round_trips: Counter, name: str
) -> None:
    open_store().state(token)["key"] = VALUES[name]
    stored = columns(sql)
    state = open_store(KEY).state(token)
    with round_trips() as trips:
        state["key"] = VALUES[name]
    assert len(trips) == 1, "it looks whether the value is still there"
    assert columns(sql) == stored


@every_large_value
def test_a_large_value_from_before_is_sealed_when_it_is_set_again(
    open_store: OpenStore, token: str, sql: SQL, name: str
) -> None:
    open_store().state(token)["key"] = VALUES[name]
    state = open_store(KEY).state(token)
    state["key"] = VALUES[name]
    assert_sealed(sql)
    assert open_store(KEY).state(token)["key"] == VALUES[name]


def test_bytes_of_a_visitor_that_look_sealed_are_bytes(
    open_store: OpenStore, token: str, sql: SQL
) -> None:
    """Whoever uploads them makes no other value unreadable, neither without a key nor with one."""
    forged = {
        "short": MAGIC,
        "longer": MAGIC + noise(100),
        "large": MAGIC + noise(SMALL),
        "chunks": (MAGIC + noise(CHUNK - len(MAGIC))) * 2,
    }
    plain = open_store()
    plain.state(token).update(forged)
    assert dict(plain.state(token)) == forged
    assert dict(open_store(KEY).state(token)) == forged
    sealed = open_store(KEY).state(open_store(KEY).new_token())
    sealed.update(forged)
    assert dict(open_store(KEY).state_of(sealed.id)) == forged


# Which keys open what


@every_value
def test_all_keys_of_the_ring_open_and_the_first_one_seals(
    open_store: OpenStore, store: Store, token: str, name: str
) -> None:
    store.state(token)["key"] = VALUES[name]
    both = open_store(OTHER_KEY, KEY).state(token)
    assert both["key"] == VALUES[name]
    both["new"] = [VALUES[name]]
    other = open_store(OTHER_KEY).state(token)
    assert other["new"] == [VALUES[name]]
    assert store.state(token).keys() == ["key", "new"]


FAULTS: dict[str, tuple[tuple[str, ...], str]] = {
    "another key": ((OTHER_KEY,), "with a key that is not in `encryption_key`"),
    "no key": ((), "this process has no encryption key"),
}


@every_value
@pytest.mark.parametrize("process", FAULTS)
def test_a_process_without_the_key_reads_no_value_and_says_why(
    open_store: OpenStore, store: Store, token: str, process: str, name: str
) -> None:
    store.state(token)["key"] = VALUES[name]
    keys, reason = FAULTS[process]
    state = open_store(*keys).state(token)
    for read in (state.get, state.pop, lambda key: state.modify(key, lambda value: value)):
        with pytest.raises(DecodeError, match=rf"'key' .*{reason}") as caught:
            read("key")  # type: ignore[operator]  # functions of three types
        assert KEY not in str(caught.value)
    assert state.keys() == ["key"]
    assert "key" in state
    assert store.state(token)["key"] == VALUES[name], "it is still there"


@every_value
def test_a_process_without_a_key_stores_nothing_where_all_is_to_be_encrypted(
    open_store: OpenStore, store: Store, token: str, sql: SQL, name: str
) -> None:
    state = store.state(token)
    state["key"] = 1
    stored = columns(sql)
    keyless = open_store().state(token)
    for write in (by_set, by_update, by_amend):
        with pytest.raises(ConfigError, match=r"no encryption key\. Set `encryption_key`"):
            write(keyless, VALUES[name])
    with pytest.raises(ConfigError):
        keyless.modify("another", lambda _: VALUES[name])
    with pytest.raises(ConfigError):
        open_store().state(open_store().new_token())["key"] = VALUES[name]
    assert columns(sql) == stored
    assert keyless.delete("key")
    assert open_store().gc().total == 0


@pytest.mark.parametrize("how", ["a first value is encrypted", "rekey"])
def test_a_process_without_a_key_that_runs_already_hears_of_it_within_a_minute(
    how: str,
    open_store: OpenStore,
    token: str,
    sql: SQL,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keyless = open_store()
    state = keyless.state(token)
    keyed = open_store(KEY)
    if how == "rekey":
        state["plain"] = 1
    keyed.state(keyed.new_token())["key"] = 1
    if how == "rekey":
        keyed._tables.rekey()
    stored = columns(sql)
    monkeypatch.setattr(sealing, "ASKS_AGAIN_AFTER", 0.0)
    for write in (by_set, by_update, by_amend):
        with pytest.raises(ConfigError, match=r"no encryption key\. Set `encryption_key`"):
            write(state, "secret")
    with pytest.raises(ConfigError):
        state.modify("another", lambda _: b"x" * 5 * 2**20)
    assert columns(sql) == stored


@every_value
def test_a_process_without_a_key_moves_and_copies_no_sealed_value_to_where_it_cannot_be_opened(
    open_store: OpenStore, token: str, name: str
) -> None:
    keyless = open_store()
    state = keyless.state(token)
    state["plain"] = 1
    open_store(KEY).state(token)["sealed"] = VALUES[name]
    copied = keyless._tables.signer.mint()
    keyless._tables.moves.copy(SessionRef(state.id), copied)
    assert keyless.state(copied.text).keys() == ["plain"]
    assert keyless.state(keyless.new_token()).take_over(state) == ["plain"]
    assert open_store(KEY).state(token)["sealed"] == VALUES[name]


def test_a_job_opens_values_with_the_key_of_its_own_settings(
    store: Store, token: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apps, "_tables", {})  # other tests have these tables without a key
    state = store.state(token)
    state.update(VALUES)
    pickled = pickle.dumps(state)
    raw = base64.urlsafe_b64decode(KEY)
    assert KEY.encode() not in pickled
    assert raw not in pickled
    monkeypatch.setenv("PGSTATE_URL", url)
    keyless = pickle.loads(pickled)
    with pytest.raises(DecodeError, match="this process has no encryption key"):
        keyless["small JSON"]
    monkeypatch.setenv("PGSTATE_ENCRYPTION_KEY", KEY)
    assert dict(pickle.loads(pickled)) == VALUES
    for job in (keyless, pickle.loads(pickled)):
        job._session.tables.close()  # of no store of this test


# A page


PAGE = """
import streamlit as st
import streamlit_pgstate as pgstate

pgstate.persist("name", size="10")
st.text_input("Name", key="name")
st.text_input("Size", key="size")
st.write(pgstate.get("city", "no city"))
if st.button("Move"):
    pgstate.set("city", "Rome")
"""


def visit(url: str, store: Store, token: str, *keys: str) -> AppTest:
    app = AppTest.from_string(PAGE)
    app.secrets["connections"] = {"pgstate": {"url": url, "encryption_key": list(keys)}}
    pgstate.testing.visit(app, store, token)
    return app.run()


def test_a_page_comes_back_from_sealed_rows(store: Store, token: str, url: str, sql: SQL) -> None:
    page = visit(url, store, token, KEY)
    page.text_input(key="name").input(MARK)
    page.button[0].click()
    assert not page.run().exception
    assert_sealed(sql)
    again = visit(url, store, token, OTHER_KEY, KEY)
    assert again.text_input(key="name").value == MARK
    assert again.markdown[0].value == "Rome"


def test_a_widget_whose_value_cannot_be_opened_hinders_no_other_and_is_not_overwritten(
    store: Store, token: str, url: str, sql: SQL
) -> None:
    state = store.state(token)
    state.update({"name": MARK, "size": "20", "city": "Rome"})
    sql.execute("UPDATE pgstate.entry SET key = 'lost' WHERE key = 'size'")
    sql.execute("UPDATE pgstate.entry SET key = 'size' WHERE key = 'name'")
    sql.execute("UPDATE pgstate.entry SET key = 'name' WHERE key = 'lost'")
    [stored] = sql.execute("SELECT body FROM pgstate.entry WHERE key = 'size'").fetchall()
    page = visit(url, store, token, KEY)
    assert not page.exception
    assert (page.text_input(key="name").value, page.text_input(key="size").value) == ("", "10")
    assert page.markdown[0].value == "Rome"
    assert sql.execute("SELECT body FROM pgstate.entry WHERE key = 'size'").fetchall() == [stored]
    page.text_input(key="size").input("30").run()
    assert store.state(token)["size"] == "30"
