"""Large values: they come back whole, and leave no rows behind."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from noise import noise

from state.state_rows import again, count, one, stored_bytes
from streamlit_pgstate import DecodeError, State, Store
from streamlit_pgstate.postgres.chunks import CHUNK, IN_ONE_STATEMENT
from streamlit_pgstate.postgres.rows import SMALL

SQL = psycopg.Connection[Any]
MIB = 2**20


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        (SMALL, 0),
        (SMALL + 1, 1),
        (CHUNK, 1),
        (CHUNK + 1, 2),
        (IN_ONE_STATEMENT, 4),
        (IN_ONE_STATEMENT + 1, 5),
        (20 * MIB, 20),
    ],
)
def test_a_value_comes_back_whatever_its_size(
    state: State, store: Store, token: str, sql: SQL, size: int, parts: int
) -> None:
    value = noise(size)
    state["first"] = value  # together with the session's row
    assert count(sql, "body") == parts
    state["second"] = b"2" + value[1:]
    assert count(sql, "body") == 2 * parts
    assert one(sql, "SELECT max(size) FROM pgstate.entry") == size
    fresh = again(state, store, token)
    assert fresh["first"] == state["first"] == value
    assert fresh["second"] == state["second"] == b"2" + value[1:]
    assert fresh.modify("first", lambda held: held[::-1]) == value[::-1]
    assert again(state, store, token)["first"] == value[::-1]
    assert count(sql, "body") == 2 * parts
    fresh["first"] = 1
    del fresh["second"]
    assert count(sql, "body") == 0


@pytest.mark.parametrize("size", [100_000, 5 * MIB])
def test_a_replaced_body_leaves_no_rows_behind(state: State, sql: SQL, size: int) -> None:
    for number in range(4):
        state["k"] = noise(size, str(number))
        assert stored_bytes(sql) == size
    state["k"] = b"small"
    assert count(sql, "body") == 0


def test_a_large_value_that_took_the_place_of_a_small_one_comes_back(
    state: State, store: Store, token: str
) -> None:
    for value in (1, noise(100_000, "x"), b"y", "z" * 100_000, None):
        state["k"] = value
        assert state["k"] == value
        assert again(state, store, token)["k"] == value


@pytest.mark.parametrize("size", [100_000, 5 * MIB])
def test_the_same_content_under_two_keys_is_stored_once(
    state: State, store: Store, token: str, sql: SQL, size: int
) -> None:
    value = noise(size, "x")
    state["a"] = value
    state["b"] = value
    state.update({"c": value, "d": value})
    assert stored_bytes(sql) == size
    del state["a"]
    state["b"] = 1
    state.update({"c": 1})
    assert stored_bytes(sql) == size
    assert again(state, store, token)["d"] == value
    state.clear()
    assert count(sql, "body") == 0


def test_two_sessions_with_the_same_content_do_not_share_it(store: Store, sql: SQL) -> None:
    one_, two = (store.state(store.new_token()) for _ in range(2))
    one_["k"] = two["k"] = noise(100_000, "x")
    del one_["k"]
    one_.forget()
    assert two["k"] == noise(100_000, "x")
    assert store.state_of(two.id)["k"] == noise(100_000, "x")


def test_a_large_value_that_another_tab_replaced_is_read_as_it_is_now(
    state: State, store: Store, token: str
) -> None:
    state["k"] = noise(100_000, "1")
    stale = again(state, store, token)
    state["k"] = noise(100_000, "2")
    assert stale["k"] == noise(100_000, "2")
    state["k"] = 3
    fresh = again(state, store, token)
    state["k"] = noise(100_000, "4")
    assert fresh["k"] == 3  # as of its last refresh


def test_a_large_value_that_another_tab_deleted_is_gone(
    state: State, store: Store, token: str
) -> None:
    state["k"] = noise(100_000, "1")
    stale = again(state, store, token)
    del state["k"]
    assert stale.get("k", "gone") == "gone"


def test_a_body_with_rows_missing_is_refused_and_not_cut(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    state["k"] = noise(3 * MIB, "1")
    sql.execute("DELETE FROM pgstate.body WHERE part = 1")
    with pytest.raises(DecodeError, match=r"'k' .* is damaged"):
        again(state, store, token).get("k")


def test_a_writer_with_an_old_cache_does_not_remove_a_body_that_is_in_use(
    state: State, store: Store, token: str
) -> None:
    body = noise(100_000, "1")
    state["a"] = body
    stale = again(state, store, token)
    state["b"] = body
    stale["a"] = 0
    assert again(state, store, token)["b"] == body


def test_a_value_of_five_mebibytes_is_written_although_others_write_meanwhile(
    state: State, store: Store, token: str
) -> None:
    state["n"] = 0
    stale = again(state, store, token)
    state["n"] = 1
    stale["large"] = noise(5 * MIB, "x")
    assert again(state, store, token)["large"] == noise(5 * MIB, "x")


def test_a_large_value_is_sent_once_though_another_tab_writes_meanwhile(
    state: State, store: Store, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = again(state, store, token)
    sent: list[str] = []
    access = store._tables._access
    run, put = access.run, access.writer.run

    def noted(name: str, *args: Any, **kwargs: Any) -> Any:
        sent.append(name)
        return run(name, *args, **kwargs)

    def interrupted(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "PUT_AHEAD" and sent.count(name) < 3:
            other["n"] = len(sent)
        sent.append(name)
        return put(name, *args, **kwargs)

    state["n"] = 0
    with monkeypatch.context() as patch:
        patch.setattr(access, "run", noted)
        patch.setattr(access.writer, "run", interrupted)
        state["huge"] = noise(9 * MIB)
    assert sent.count("SEND_BODIES") == 3  # 4 + 4 + 1 MiB, once
    assert sent.count("PUT_AHEAD") == 4
    assert again(state, store, token)["huge"] == noise(9 * MIB)
