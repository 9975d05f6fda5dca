"""The table «moment | round trips» of the design, counted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from noise import noise

from streamlit_pgstate import State, Store, UnknownToken, connect
from streamlit_pgstate.postgres.chunks import CHUNK, IN_ONE_STATEMENT
from streamlit_pgstate.postgres.rows import SMALL
from streamlit_pgstate.state import written_session
from streamlit_pgstate.state.kept_values import OF_PROCESS

Counter = Callable[[], contextlib.AbstractContextManager[list[str]]]
Expect = Callable[[int], contextlib.AbstractContextManager[None]]
InARun = Callable[[Callable[[], object]], None]

LARGE = noise(SMALL + 1, "x")


@pytest.fixture
def url(emptied_url: str) -> str:
    """Replaces the fixture of the same name: no test of this file leaves other tables."""
    return emptied_url


@pytest.fixture
def state(store: Store, token: str) -> State:
    """A state with a row, small values and a large one."""
    state = store.state(token)
    state.update({f"k{number}": number for number in range(20)})
    state["large"] = LARGE
    return state


@pytest.fixture
def other(state: State, store: Store, token: str) -> State:
    """The same session in another tab."""
    return store.state(token)


@pytest.fixture
def takes(round_trips: Counter) -> Expect:
    @contextlib.contextmanager
    def expect(number: int) -> Iterator[None]:
        with round_trips() as trips:
            yield
        assert len(trips) == number, trips

    return expect


def test_the_fixture_counts_what_is_sent(store: Store, takes: Expect) -> None:
    store.new_token()
    with takes(3):
        for _ in range(3):
            store._tables._access.run("IDENTITY", {})


def test_making_a_store_is_none_and_so_is_a_second_token(url: str, takes: Expect) -> None:
    with takes(0):
        store = connect(url)
    store.new_token()
    with takes(0):
        store.new_token()
    store.close()


def test_a_page_load_of_a_new_visitor_is_one(store: Store, token: str, takes: Expect) -> None:
    with takes(1):
        state = store.state(token)
        assert state.get("a") is None
        assert state.keys() == []


def test_a_page_load_with_all_small_values_is_one(
    state: State, store: Store, token: str, takes: Expect
) -> None:
    with takes(1):
        loaded = store.state(token)
        assert [loaded[f"k{number}"] for number in range(20)] == list(range(20))
        assert len(loaded) == 21
        assert "large" in loaded


def test_a_page_load_that_moves_the_expiry_is_two(
    state: State,
    store: Store,
    token: str,
    sql: psycopg.Connection[Any],
    takes: Expect,
) -> None:
    sql.execute("UPDATE pgstate.session SET seen_at = now() - interval '2 hours'")
    with takes(2):
        store.state(token)
    with takes(1):
        store.state(token)
    moved = sql.execute("SELECT now() - seen_at < interval '1 minute' FROM pgstate.session")
    assert moved.fetchone() == (True,)


def test_a_refused_token_is_one_and_a_forged_one_none(
    state: State, store: Store, token: str, takes: Expect
) -> None:
    state.forget()
    with takes(1), pytest.raises(UnknownToken):
        store.state(token)
    with takes(0), pytest.raises(UnknownToken):
        store.state("A" + token[1:] if token[0] != "A" else "B" + token[1:])


def test_a_later_run_without_news_is_one(state: State, takes: Expect) -> None:
    with takes(1):
        state.refresh()


def test_a_later_run_with_news_is_one_and_brings_them(
    state: State, other: State, takes: Expect
) -> None:
    other.update({"k0": "new", "k1": "newer"})
    del other["k2"]
    with takes(1):
        state.refresh()
        assert (state["k0"], state["k1"], state.get("k2")) == ("new", "newer", None)


def test_a_get_of_what_was_loaded_is_none(other: State, takes: Expect) -> None:
    with takes(0):
        assert other["k3"] == 3
        assert other.get("nothing") is None
        assert "k4" in other
        other.keys()


def test_a_get_of_a_large_value_is_one_and_then_none(other: State, takes: Expect) -> None:
    OF_PROCESS.clear()
    with takes(1):
        assert other["large"] == LARGE
    with takes(0):
        assert other["large"] == LARGE
    other.refresh()
    with takes(0):
        assert other["large"] == LARGE


def test_a_get_of_ten_mebibytes_is_one(state: State, other: State, takes: Expect) -> None:
    state["huge"] = noise(10 * CHUNK)
    other.refresh()
    OF_PROCESS.clear()
    with takes(1):
        assert len(other["huge"]) == 10 * CHUNK


def test_a_get_of_a_large_value_that_this_state_wrote_is_none(state: State, takes: Expect) -> None:
    with takes(0):
        assert state["large"] == LARGE


@pytest.mark.parametrize("value", [1, "x" * SMALL, LARGE, b"x" * IN_ONE_STATEMENT], ids=range(4))
def test_the_first_write_of_a_session_is_one(
    store: Store, token: str, takes: Expect, value: object
) -> None:
    state = store.state(token)
    with takes(1):
        state["k"] = value
    assert store.state(token)["k"] == value


def test_the_first_update_and_the_first_modify_of_a_session_are_one(
    store: Store, takes: Expect
) -> None:
    one, two = (store.state(store.new_token()) for _ in range(2))
    with takes(1):
        one.update({f"k{number}": number for number in range(100)})
    with takes(1):
        two.modify("n", lambda n: n + 1, default=0)


@pytest.mark.parametrize(
    "value", [1, "x" * 1000, noise(SMALL + 1, "y"), b"x" * IN_ONE_STATEMENT], ids=range(4)
)
@pytest.mark.parametrize("key", ["new", "k0", "large"])
def test_a_set_is_one(state: State, takes: Expect, key: str, value: object) -> None:
    with takes(1):
        state.set(key, value)
    with takes(1):
        state.refresh()


def test_a_set_of_what_is_there_is_none_in_a_run_that_has_read_it(
    state: State, in_a_run: InARun, takes: Expect
) -> None:
    @in_a_run
    def run() -> None:
        with takes(1):
            state.refresh()
        with takes(0):
            for key, value in (("k0", 0), ("large", LARGE)):
                state.set(key, value)
            state.update({"k0": 0, "k1": 1, "large": LARGE})
            amend(state, {"k0": 0}, ["nothing"])
        with takes(1):
            state.modify("k0", lambda held: held)

    @in_a_run
    def another_run() -> None:
        with takes(1):
            state.set("k0", 0)


def test_a_set_of_what_is_there_is_one_in_a_job(state: State, takes: Expect) -> None:
    for key, value in (("k0", 0), ("large", LARGE)):
        with takes(1):
            state.set(key, value)
        with takes(1):
            state.modify(key, lambda held: held)
    with takes(1):
        state.update({"k0": 0, "k1": 1, "large": LARGE})


def test_a_new_expiry_is_one_however_large_the_value(
    state: State, other: State, takes: Expect, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine a write may take longer, and then another round trip reads its true expiry.
    monkeypatch.setattr(written_session, "_EXACT_WITHIN", 60)
    huge = noise(5 * CHUNK)  # to send it takes four
    for key, value in (("k0", 0), ("large", LARGE), ("huge", huge)):
        state.set(key, value, ttl=60)
        with takes(1):
            state.set(key, value, ttl=60)
        with takes(1):
            state.set(key, value, ttl=70)
        with takes(1):
            state.modify(key, lambda held: held)
        with takes(1):
            state.set(key, value)
        with takes(1):
            state.set(key, value, ttl=60)
    other.refresh()
    state.set("huge", huge, ttl=60)
    with takes(3):  # another was faster: it is seen that only the expiry is another one
        other.set("huge", huge, ttl=60)


def test_an_update_of_many_is_one(state: State, takes: Expect) -> None:
    with takes(1):
        state.update({f"k{number}": "new" for number in range(100)})
    with takes(1):
        state.update({"k0": 1, "large": LARGE + b"y", "larger": LARGE + b"z", "new": None})


def amend(state: State, values: dict[str, Any], deleted: list[str]) -> None:
    state._session.amend(
        {key: state._session.encode(key, value) for key, value in values.items()}, deleted
    )


def test_an_amendment_is_one(state: State, takes: Expect) -> None:
    with takes(1):
        amend(state, {"k0": "new", "new": LARGE + b"y"}, ["k1", "large"])
    with takes(1):
        amend(state, {}, ["k2", "k3"])
    with takes(1):
        amend(state, {"k0": "new"}, ["k1", "large", "nothing"])


def test_a_modify_is_one_and_two_more_for_each_faster_writer(
    state: State, other: State, takes: Expect
) -> None:
    with takes(1):
        state.modify("k0", lambda n: n + 1)
    with takes(1):
        state.modify("large", lambda held: held + b"y")
    with takes(3):
        other.modify("k0", lambda n: n + 1)
    assert other["k0"] == 2


def test_a_delete_is_one_also_of_what_is_not_there(state: State, takes: Expect) -> None:
    for key in ("k0", "large", "nothing"):
        with takes(1):
            state.delete(key)


def test_a_clear_is_two_and_one_of_a_state_that_is_empty(
    state: State, store: Store, takes: Expect
) -> None:
    with takes(2):
        state.clear()
    empty = store.state(store.new_token())
    with takes(1):
        empty.clear()


def test_a_write_after_others_have_written_is_still_one(
    state: State, other: State, takes: Expect
) -> None:
    for number in range(5):
        other["theirs"] = number
    with takes(1):
        state["mine"] = 1
    with takes(1):
        state.refresh()
    assert state["theirs"] == 4


def test_five_mebibytes_are_a_few(state: State, takes: Expect) -> None:
    with takes(4):  # 4 MiB, 1 MiB, what others wrote meanwhile, and the write
        state["huge"] = noise(5 * CHUNK)


def test_a_state_without_a_cache_asks_each_time(
    state: State, store: Store, token: str, takes: Expect
) -> None:
    with takes(1):
        uncached = store.state(token, cache=False)
    with takes(1):
        uncached.get("k0")
    with takes(2):
        uncached.set("k0", "new")
    with takes(2):
        uncached.get("large")
