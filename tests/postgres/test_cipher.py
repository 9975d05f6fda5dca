"""The cipher: with one that encrypts, every value comes back and no row shows any of it."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from noise import noise

from streamlit_pgstate import State, Store
from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.postgres.cipher import PLAIN, Cipher
from streamlit_pgstate.postgres.rows import SMALL, SessionRef
from streamlit_pgstate.postgres.tables import CHUNK, IN_ONE_STATEMENT, Tables
from streamlit_pgstate.settings import Settings
from streamlit_pgstate.state.surroundings import Surroundings

SQL = psycopg.Connection[Any]
Counter = Callable[[], contextlib.AbstractContextManager[list[str]]]

KEY = bytes(range(32))
NONCE_BYTES = 12
MARK = "a word of the visitor's"
"""Stands in every value, at least once in each chunk of a large one."""


class AesGcm:
    """Encrypts with AES-256-GCM, each time with a new random nonce."""

    keeps_text = False

    def __init__(self, key: bytes = KEY) -> None:
        self._key = key
        self._aead = AESGCM(key)

    def seal(self, data: bytes | memoryview) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, data, None)

    def open(self, data: bytes) -> bytes:
        return self._aead.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], None)

    def digest(self, payload: Payload) -> bytes:
        mac = hmac.new(self._key, payload.kind.encode() + b"\0", hashlib.sha256)
        mac.update(payload.body)
        return mac.digest()

    def confirms(self, payload: Payload, digest: bytes) -> bool:
        return digest in (self.digest(payload), payload.digest)


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
every_value = pytest.mark.parametrize("name", VALUES)
every_large_value = pytest.mark.parametrize("name", LARGE)


@pytest.fixture
def url(emptied_url: str) -> str:
    """Replaces the fixture of the same name: no test of this file leaves other tables."""
    return emptied_url


@pytest.fixture
def open_store(url: str) -> Iterator[Callable[[Cipher], Store]]:
    """Makes a store whose tables have a cipher of the test's."""
    stores = []

    def make(cipher: Cipher) -> Store:
        tables = Tables(Settings.read({"url": url}, environment={}), cipher=cipher)
        stores.append(Store(tables, surroundings=Surroundings()))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def store(open_store: Callable[[Cipher], Store]) -> Store:
    """Replaces the fixture of the same name: this one encrypts."""
    return open_store(AesGcm())


@pytest.fixture
def other_store(open_store: Callable[[Cipher], Store]) -> Store:
    """A store with the same key, as another replica has it."""
    return open_store(AesGcm())


def columns(sql: SQL) -> list[bytes]:
    """All bytes of values that stand in the tables, sorted: an update moves a row."""
    rows = sql.execute(
        """SELECT convert_to(value::text, 'UTF8') FROM pgstate.entry WHERE value IS NOT NULL
        UNION ALL SELECT body FROM pgstate.entry WHERE body IS NOT NULL
        UNION ALL SELECT data FROM pgstate.body
        UNION ALL SELECT convert_to(value::text, 'UTF8') FROM pgstate.revision
            WHERE value IS NOT NULL
        UNION ALL SELECT body FROM pgstate.revision WHERE body IS NOT NULL"""
    ).fetchall()
    return sorted(row[0] for row in rows)


def assert_sealed(sql: SQL) -> None:
    stored = columns(sql)
    assert stored
    for data in stored:
        assert MARK.encode() not in data
        AesGcm().open(data)
    assert sql.execute("SELECT count(value) FROM pgstate.entry").fetchone() == (0,)


# Both ways


@every_value
def test_the_same_rows_without_a_cipher_show_the_value(
    open_store: Callable[[Cipher], Store], sql: SQL, name: str
) -> None:
    """So that the other tests would find plain text if there were any."""
    store = open_store(PLAIN)
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
    store._tables.copy(SessionRef(state.id), copied)
    assert_sealed(sql)
    assert other_store.state(copied.text)["key"] == VALUES[name]


def test_another_process_reads_all_of_it(store: Store, url: str, token: str) -> None:
    store.state(token).update(VALUES)
    program = (
        "import sys; sys.path[:0] = sys.argv[1:3]\n"
        "from test_cipher import *\n"
        "settings = Settings.read({'url': sys.argv[3]}, environment={})\n"
        "store = Store(Tables(settings, cipher=AesGcm()), surroundings=Surroundings())\n"
        "assert dict(store.state(sys.argv[4])) == VALUES\n"
        "store.close()"
    )
    here = Path(__file__).parent
    arguments = [str(here), str(here.parent), url, token]
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, timeout=60)


def test_operators_see_sizes_and_kinds_but_no_text(store: Store, token: str) -> None:
    state = store.state(token)
    state["key"] = VALUES["small JSON"]
    [row] = store.rows(state.id)
    assert (row["key"], row["kind"], row["value"]) == ("key", "json", None)
    assert store.totals().bytes == row["size"] == state._session.read("key").size  # type: ignore[union-attr]


@every_value
def test_another_key_opens_nothing(
    open_store: Callable[[Cipher], Store], store: Store, token: str, name: str
) -> None:
    store.state(token)["key"] = VALUES[name]
    with pytest.raises(InvalidTag):
        open_store(AesGcm(bytes(32))).state(token)["key"]


# Values are compared as they were before they were sealed


def test_the_test_cipher_seals_the_same_body_differently_each_time() -> None:
    assert AesGcm().seal(b"x") != AesGcm().seal(b"x")


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
    stored = columns(sql)
    assert len(stored) == -(-size // CHUNK)
    other_store.state(token)["two"] = value
    assert columns(sql) == stored
    state = store.state(token)
    del state["one"]
    assert columns(sql) == stored
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


# Rows from before there was a cipher


def test_small_json_from_before_is_read_and_is_sealed_by_the_next_write(
    open_store: Callable[[Cipher], Store], store: Store, token: str, sql: SQL, round_trips: Counter
) -> None:
    value = VALUES["small JSON"]
    open_store(PLAIN).state(token)["key"] = value
    state = store.state(token)
    assert state["key"] == value
    with round_trips() as trips:
        state["key"] = value
    assert len(trips) == 1  # it looks: the value is the same, so the row stays as it is
    state["key"] = {**value, "more": 1}
    assert_sealed(sql)
    assert store.state(token)["key"] == {**value, "more": 1}


@pytest.mark.parametrize("name", [name for name in VALUES if name != "small JSON"])
def test_bytes_from_before_go_to_the_cipher_which_has_to_know_them(
    open_store: Callable[[Cipher], Store], store: Store, token: str, name: str
) -> None:
    open_store(PLAIN).state(token)["key"] = VALUES[name]
    with pytest.raises(InvalidTag):
        store.state(token)["key"]


@every_large_value
def test_a_large_value_from_before_is_sealed_when_it_is_set_again(
    open_store: Callable[[Cipher], Store], store: Store, token: str, sql: SQL, name: str
) -> None:
    open_store(PLAIN).state(token)["key"] = VALUES[name]
    state = store.state(token)
    state["key"] = VALUES[name]
    assert_sealed(sql)
    assert store.state(token)["key"] == VALUES[name]
