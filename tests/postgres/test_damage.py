"""What somebody or something has done to the rows behind the package's back."""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from noise import noise

from streamlit_pgstate import DecodeError, MigrationRequired, State, Store, connect
from streamlit_pgstate.state.kept_values import OF_PROCESS

SQL = psycopg.Connection[Any]

LARGE = noise(3 * 2**20, "1")
DAMAGES = {
    "a row is missing": "DELETE FROM pgstate.body WHERE part = 1",
    "a byte is flipped": "UPDATE pgstate.body SET data = set_byte(data, 7, get_byte(data, 7) # 1)"
    " WHERE part = 2",
    "rows stand in another order": "UPDATE pgstate.body SET part = 1000 - part;"
    "UPDATE pgstate.body SET part = part - (SELECT min(part) FROM pgstate.body)",
}


@pytest.fixture
def url(emptied_url: str) -> str:
    """Replaces the fixture of the same name: no test of this file leaves other tables."""
    return emptied_url


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_value_is_refused_and_mended_by_setting_it_again(
    damage: str, state: State, store: Store, token: str, sql: SQL
) -> None:
    state["k"] = LARGE
    for statement in DAMAGES[damage].split(";"):
        sql.execute(statement)  # type: ignore[arg-type]  # not a literal
    OF_PROCESS.clear()  # the reader is another process
    reader = store.state(token)
    with pytest.raises(DecodeError, match=r"'k' .* is damaged.*set the value again"):
        reader.get("k")
    reader["k"] = LARGE
    assert reader["k"] == LARGE
    assert store.state(token)["k"] == LARGE


@pytest.mark.parametrize("size", [3, 9], ids=["in the same statement", "sent ahead"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_the_same_content_under_another_key_is_whole_though_nobody_has_met_the_damage(
    damage: str, size: int, state: State, store: Store, token: str, sql: SQL
) -> None:
    content = noise(size * 2**20, "1")
    state["k"] = content
    for statement in DAMAGES[damage].split(";"):
        sql.execute(statement)  # type: ignore[arg-type]  # not a literal
    store.state(token)["another"] = content
    reader = store.state(token)
    assert reader["another"] == content
    assert reader["k"] == content


def test_the_same_content_under_another_key_takes_no_room(state: State, sql: SQL) -> None:
    def stored() -> int:
        (size,) = sql.execute("SELECT pg_total_relation_size('pgstate.body')").fetchone() or (0,)
        return int(size)

    state["k"] = LARGE
    before = stored()
    state.update({f"another {number}": LARGE for number in range(3)})
    assert stored() - before < 2**17
    assert all(state[key] == LARGE for key in state)


def test_a_value_that_a_damaged_one_is_replaced_by_is_read(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    state["k"] = LARGE
    sql.execute("DELETE FROM pgstate.body WHERE part = 1")
    OF_PROCESS.clear()  # the reader is another process
    reader = store.state(token)
    with pytest.raises(DecodeError):
        reader.get("k")
    reader["k"] = LARGE[::-1]
    assert store.state(token)["k"] == LARGE[::-1]


AFTERWARDS: dict[str, Callable[[State, Store, str], State]] = {
    "an open tab writes": lambda state, store, token: state,
    "a new page writes": lambda state, store, token: store.state(token),
    "a job writes": lambda state, store, token: pickle.loads(pickle.dumps(store.state(token))),
}


@pytest.mark.parametrize("afterwards", AFTERWARDS)
def test_what_was_in_a_session_whose_row_was_deleted_does_not_come_back(
    afterwards: str,
    state: State,
    store: Store,
    token: str,
    sql: SQL,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGSTATE_URL", url)
    state.update({"secret": 1, "large": LARGE, "new": "old"})
    sql.execute("DELETE FROM pgstate.session")
    writer = AFTERWARDS[afterwards](state, store, token)
    writer["new"] = 2
    assert dict(store.state(token)) == {"new": 2}
    assert writer.keys() == ["new"]
    writer._session.tables.close()  # a job's tables are no store of this test


def test_an_emptied_table_of_versions_says_what_to_do(
    new_database: Callable[..., str], template: str
) -> None:
    own = new_database(template)
    with psycopg.connect(own) as sql:
        sql.execute("DELETE FROM pgstate.alembic_version")
    store = connect(own)
    for verb in (store.new_token, store.layout, store.migrate):
        with pytest.raises(MigrationRequired, match="alembic_version is empty") as caught:
            verb()
        assert "INSERT INTO" in caught.value.in_full
    store.close()


def test_two_states_that_take_over_from_each_other_do_not_wait_for_each_other(
    store: Store,
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    one, two = (store.state(store.new_token()) for _ in range(2))
    for number in range(20):
        one[f"one {number}"] = two[f"two {number}"] = number

    def take(state: State, other: State) -> None:
        for number in range(20):
            key = f"{'two' if state is one else 'one'} {number}"
            state._session.take_over(other._session, [key])

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(take, one, two), threads.submit(take, two, one)]:
            done.result(30)
    assert {key.split()[0] for key in one} == {"two"}
    assert {key.split()[0] for key in two} == {"one"}


def test_a_refused_forget_keeps_its_connection(store: Store, token: str, sql: SQL) -> None:
    from streamlit_pgstate import UnknownToken

    state, other = store.state(token), store.state(token)
    state["k"] = 1
    other.refresh()
    new = store.state(state.rotate() or "")
    new["k"] = 2
    sql.execute("UPDATE pgstate.session SET rotated_at = rotated_at - interval '1 hour'")
    before = store._tables.breaks
    with pytest.raises(UnknownToken):
        other.forget()
    another = store.state(store.new_token())
    another["l"] = 1
    with pytest.raises(UnknownToken):
        another._session.take_over(other._session, [])
    assert store._tables.breaks == before
    assert uuid.UUID(str(new.id)) == state.id
