"""Somebody who can write rows, and has no key: no value of theirs passes for one of ours."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from encrypted import KEY, MARK, OTHER_KEY
from noise import noise

from streamlit_pgstate import DecodeError, State, Store, connect
from streamlit_pgstate.postgres import permit
from streamlit_pgstate.postgres.chunks import CHUNK
from streamlit_pgstate.postgres.cipher import MAGIC
from streamlit_pgstate.postgres.rows import SMALL
from streamlit_pgstate.state.kept_values import OF_PROCESS

pytestmark = pytest.mark.changes_entries

SQL = psycopg.Connection[Any]
Reopen = Callable[..., State]

VALUES: dict[str, Any] = {
    "json": {"note": MARK},
    "bytes": MARK.encode(),
    "large": noise(SMALL + 1, "large"),
    "chunks": noise(3 * CHUNK, "chunks"),
}
OTHERS: dict[str, Any] = {
    "json": {"note": MARK.upper()},
    "bytes": MARK.upper().encode(),
    "large": noise(SMALL + 1, "another large"),
    "chunks": noise(3 * CHUNK, "other chunks"),
}
"""What the other key, and the other session, hold: of the same kinds and sizes."""


@dataclass(frozen=True, kw_only=True)
class Harm:
    """Statements that change the rows of `key`, where `key` holds a value of these kinds."""

    to: tuple[str, ...]
    sql: str


EVERY, SMALL_ONES, LARGE_ONES = tuple(VALUES), ("json", "bytes"), ("large", "chunks")
HARMS = {
    "the row of another key": Harm(
        to=EVERY,
        sql="""UPDATE pgstate.entry e SET body = o.body, digest = o.digest FROM pgstate.entry o
        WHERE e.session_id = %(id)s AND e.key = 'key' AND o.session_id = %(id)s
            AND o.key = 'other'""",
    ),
    "the name of another key": Harm(
        to=EVERY,
        sql="""DELETE FROM pgstate.entry WHERE session_id = %(id)s AND key = 'key';
        UPDATE pgstate.entry SET key = 'key' WHERE session_id = %(id)s AND key = 'other'""",
    ),
    "the row of another session": Harm(
        to=EVERY,
        sql="""INSERT INTO pgstate.body SELECT %(id)s, digest, part, data FROM pgstate.body
            WHERE session_id = %(other)s;
        UPDATE pgstate.entry e SET body = o.body, digest = o.digest FROM pgstate.entry o
        WHERE e.session_id = %(id)s AND e.key = 'key' AND o.session_id = %(other)s
            AND o.key = 'key'""",
    ),
    "the body of another session": Harm(
        to=LARGE_ONES,
        sql="""UPDATE pgstate.body b SET data = o.data FROM pgstate.body o, pgstate.entry e
        WHERE e.session_id = %(id)s AND e.key = 'key' AND b.session_id = %(id)s
            AND b.digest = e.digest AND o.session_id = %(other)s AND o.part = b.part""",
    ),
    "the body of another key": Harm(
        to=LARGE_ONES,
        sql="""UPDATE pgstate.body b SET data = n.data
        FROM pgstate.body n, pgstate.entry e, pgstate.entry o
        WHERE e.session_id = %(id)s AND e.key = 'key' AND o.session_id = %(id)s
            AND o.key = 'other' AND b.session_id = %(id)s AND b.digest = e.digest
            AND n.session_id = %(id)s AND n.digest = o.digest AND n.part = b.part""",
    ),
    "another kind": Harm(
        to=EVERY,
        sql="""UPDATE pgstate.entry SET kind = CASE kind WHEN 'bytes' THEN 'json' ELSE 'bytes' END
        WHERE session_id = %(id)s AND key = 'key'""",
    ),
    "another size": Harm(
        to=LARGE_ONES,
        sql="UPDATE pgstate.entry SET size = size - 1 WHERE session_id = %(id)s AND key = 'key'",
    ),
    "a flipped bit": Harm(
        to=SMALL_ONES,
        sql="""UPDATE pgstate.entry SET body = set_byte(body, 30, get_byte(body, 30) # 1)
        WHERE session_id = %(id)s AND key = 'key'""",
    ),
    "a flipped bit of a chunk": Harm(
        to=LARGE_ONES,
        sql="""UPDATE pgstate.body b SET data = set_byte(data, 30, get_byte(data, 30) # 1)
        FROM pgstate.entry e WHERE e.session_id = %(id)s AND e.key = 'key'
            AND b.session_id = %(id)s AND b.digest = e.digest""",
    ),
    "a flipped bit of the key's id": Harm(
        to=SMALL_ONES,
        sql="""UPDATE pgstate.entry SET body = set_byte(body, 6, get_byte(body, 6) # 1)
        WHERE session_id = %(id)s AND key = 'key'""",
    ),
    "a flipped bit of the format": Harm(
        to=SMALL_ONES,
        sql="""UPDATE pgstate.entry SET body = set_byte(body, 4, get_byte(body, 4) # 1)
        WHERE session_id = %(id)s AND key = 'key'""",
    ),
    "a short row": Harm(
        to=SMALL_ONES,
        sql="""UPDATE pgstate.entry SET body = substr(body, 1, 20)
        WHERE session_id = %(id)s AND key = 'key'""",
    ),
    "an empty row": Harm(
        to=EVERY,
        sql="UPDATE pgstate.entry SET body = '' WHERE session_id = %(id)s AND key = 'key'",
    ),
    "nothing": Harm(
        to=EVERY,
        sql="UPDATE pgstate.entry SET body = NULL WHERE session_id = %(id)s AND key = 'key'",
    ),
    "a short chunk": Harm(
        to=LARGE_ONES,
        sql="""UPDATE pgstate.body b SET data = substr(data, 1, 25)
        FROM pgstate.entry e WHERE e.session_id = %(id)s AND e.key = 'key'
            AND b.session_id = %(id)s AND b.digest = e.digest""",
    ),
    "chunks in another order": Harm(
        to=("chunks",),
        sql="""UPDATE pgstate.body SET part = 2 - part + 10 WHERE session_id = %(id)s;
        UPDATE pgstate.body SET part = part - 10 WHERE session_id = %(id)s""",
    ),
    "no last chunk": Harm(
        to=("chunks",), sql="DELETE FROM pgstate.body WHERE session_id = %(id)s AND part = 2"
    ),
    "no first chunk": Harm(
        to=("chunks",), sql="DELETE FROM pgstate.body WHERE session_id = %(id)s AND part = 0"
    ),
    "plain text": Harm(
        to=EVERY,
        sql="""UPDATE pgstate.entry SET kind = 'json', size = 6, value = '"mine"', body = NULL,
            digest = NULL WHERE session_id = %(id)s AND key = 'key'""",
    ),
    "plain text beside it": Harm(
        to=EVERY,
        sql="""UPDATE pgstate.entry SET kind = 'json', size = 6, value = '"mine"'
        WHERE session_id = %(id)s AND key = 'key'""",
    ),
    "plain bytes": Harm(
        to=EVERY,
        sql="""UPDATE pgstate.entry SET kind = 'bytes', size = 4, body = 'mine', digest = NULL
        WHERE session_id = %(id)s AND key = 'key'""",
    ),
    "a plain body": Harm(
        to=LARGE_ONES,
        sql="""INSERT INTO pgstate.body VALUES (%(id)s, %(plain_digest)s, 0, %(plain)s);
        UPDATE pgstate.entry SET kind = 'bytes', size = %(plain_size)s, body = NULL,
            digest = %(plain_digest)s WHERE session_id = %(id)s AND key = 'key'""",
    ),
    "a plain body for the sealed one": Harm(
        to=LARGE_ONES,
        sql="""UPDATE pgstate.body b SET data = 'mine' FROM pgstate.entry e
        WHERE e.session_id = %(id)s AND e.key = 'key' AND b.session_id = %(id)s
            AND b.digest = e.digest""",
    ),
}
CASES = [
    pytest.param(harm, name, marks=[] if name in tried else [pytest.mark.long])
    for harm, described in HARMS.items()
    # The small values are sealed in one way, and the large ones in another.
    for tried in [{"json", "large"} & {*described.to} or {"chunks"}]
    for name in described.to
]
"""Each harm to a small value and to a large one; `make everything` has the others."""
PLAIN = noise(SMALL + 1, "of somebody else")


@pytest.fixture
def url(keyed_url: str) -> str:
    """Replaces the fixture of the same name: no test of this file leaves other tables."""
    return keyed_url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Replaces the fixture of the same name: this one encrypts."""
    store = connect(url, encryption_key=KEY)
    yield store
    store.close()


def harm(sql: SQL, statements: str, state: State, other: State | None = None) -> None:
    parameters = {
        "id": state.id,
        "other": other.id if other else None,
        "plain": PLAIN,
        "plain_size": len(PLAIN),
        "plain_digest": hashlib.sha256(b"bytes\0" + PLAIN).digest(),
    }
    for statement in statements.split(";"):
        sql.execute(statement, parameters)  # type: ignore[arg-type]  # not a literal
    OF_PROCESS.clear()  # whoever reads next is another process


@pytest.mark.parametrize(("kind_of_harm", "name"), CASES)
def test_a_changed_or_moved_row_is_refused_and_hinders_no_other_key(
    store: Store, token: str, sql: SQL, kind_of_harm: str, name: str
) -> None:
    state, other = store.state(token), store.state(store.new_token())
    state.update({"key": VALUES[name], "other": OTHERS[name], "beside": MARK})
    other["key"] = OTHERS[name]
    harm(sql, HARMS[kind_of_harm].sql, state, other)

    reader = store.state(token)
    with pytest.raises(DecodeError, match=r"'key' .*(is damaged|is not encrypted|is encrypted)"):
        reader["key"]
    with pytest.raises(DecodeError, match="'key'"):
        reader.modify("key", lambda value: value)
    assert reader["beside"] == MARK
    assert set(reader.keys()) >= {"key", "beside"}
    reader["key"] = VALUES[name]
    assert reader["key"] == VALUES[name]
    assert store.state(token)["key"] == VALUES[name]


@pytest.mark.parametrize("name", VALUES)
def test_what_cannot_be_opened_can_be_deleted_and_cleared(
    store: Store, token: str, sql: SQL, name: str
) -> None:
    state = store.state(token)
    state.update({"key": VALUES[name], "beside": MARK})
    for remove in (lambda: store.state(token).delete("key"), lambda: store.state(token).clear()):
        harm(sql, HARMS["another kind"].sql, state)
        assert remove()
        assert "key" not in store.state(token)
        store.state(token)["key"] = VALUES[name]


@pytest.mark.parametrize("name", VALUES)
def test_what_cannot_be_opened_stays_where_it_is_when_the_rest_is_moved_or_copied(
    store: Store, token: str, sql: SQL, name: str
) -> None:
    from streamlit_pgstate.postgres.rows import SessionRef

    state = store.state(token)
    state.update({"key": VALUES[name], "beside": MARK})
    harm(sql, HARMS["another kind"].sql, state)
    copied = store._tables.signer.mint()
    store._tables.moves.copy(SessionRef(state.id), copied)
    assert dict(store.state(copied.text)) == {"beside": MARK}
    other = store.state(store.new_token())
    assert other.take_over(store.state(token)) == ["beside"]
    assert store.state(token).keys() == ["key"]


def test_an_older_row_of_the_same_key_is_not_noticed(store: Store, token: str, sql: SQL) -> None:
    """What docs/security.md does not promise."""
    state = store.state(token)
    state["key"] = "old"
    [row] = sql.execute("SELECT body, size FROM pgstate.entry").fetchall()
    state["key"] = "new"
    sql.execute("UPDATE pgstate.entry SET body = %s, size = %s", row)
    assert store.state(token)["key"] == "old"


# Plain values are read under a permit

PLAIN_TEXT = HARMS["plain text"].sql


@pytest.fixture
def mixed(url: str) -> Iterator[tuple[Store, State]]:
    """A store with a key on tables that have had plain values, and a visitor's state of before."""
    plain = connect(url)
    state = plain.state(plain.new_token())
    state.update({"key": 1, "large": VALUES["large"]})
    plain.close()
    store = connect(url, encryption_key=KEY)
    yield store, store.state_of(state.id)
    store.close()


@pytest.fixture
def reopened(open_store: Callable[..., Store]) -> Reopen:
    """The state as a process reads it that starts now."""
    return lambda state, *keys: open_store(*(keys or (KEY,))).state_of(state.id)


def test_plain_values_from_before_are_read_by_every_process_with_the_key(
    mixed: tuple[Store, State], reopened: Reopen
) -> None:
    store, state = mixed
    assert dict(state) == {"key": 1, "large": VALUES["large"]}
    store.state(store.new_token())["sealed"] = 1
    assert reopened(state)["key"] == 1
    assert reopened(state, OTHER_KEY, KEY)["key"] == 1


NO_PERMITS: dict[str, tuple[str, str]] = {
    "the permit is deleted": (KEY, "DELETE FROM pgstate.setting WHERE name = 'plain_values'"),
    "the permit is made up": (
        KEY,
        "UPDATE pgstate.setting SET value = repeat('0', 64) WHERE name = 'plain_values'",
    ),
    "the permit is no text of ours": (
        KEY,
        "UPDATE pgstate.setting SET value = 'ü' WHERE name = 'plain_values'",
    ),
    "the permit is of another key": (OTHER_KEY, "SELECT 1"),
}


@pytest.mark.parametrize("reason", NO_PERMITS)
def test_without_a_permit_that_the_key_has_signed_no_plain_value_is_read(
    mixed: tuple[Store, State], reopened: Reopen, sql: SQL, reason: str
) -> None:
    store, state = mixed
    store.state(store.new_token())["sealed"] = 1
    key, statement = NO_PERMITS[reason]
    sql.execute(statement)  # type: ignore[arg-type]  # not a literal
    with pytest.raises(DecodeError, match="is not encrypted, and this database is to hold"):
        reopened(state, key)["key"]


def test_tables_that_had_no_plain_values_give_no_permit(
    store: Store, token: str, reopened: Reopen, sql: SQL
) -> None:
    state = store.state(token)
    state["key"] = 1
    harm(sql, PLAIN_TEXT, state)
    for _ in range(2):
        with pytest.raises(DecodeError, match="is not encrypted"):
            reopened(state)["key"]


def test_to_delete_the_note_makes_sealed_tables_no_plain_ones(
    store: Store, token: str, reopened: Reopen, sql: SQL
) -> None:
    state = store.state(token)
    state.update({"key": 1, "beside": 2})
    harm(sql, PLAIN_TEXT, state)
    sql.execute("DELETE FROM pgstate.setting WHERE name = 'plain_values'")
    with pytest.raises(DecodeError, match="is not encrypted"):
        reopened(state)["key"]


def test_after_rekey_no_plain_value_is_read_any_more(
    mixed: tuple[Store, State], reopened: Reopen, sql: SQL
) -> None:
    store, state = mixed
    store._tables.rekey()
    assert dict(reopened(state)) == {"key": 1, "large": VALUES["large"]}
    harm(sql, PLAIN_TEXT, state)
    with pytest.raises(DecodeError, match="is not encrypted"):
        reopened(state)["key"]


def test_a_running_process_hears_of_that_within_a_minute(
    mixed: tuple[Store, State], url: str, sql: SQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, state = mixed
    other = connect(url, encryption_key=KEY)
    other._tables.rekey()
    other.close()
    harm(sql, PLAIN_TEXT, state)
    monkeypatch.setattr(permit, "ASKS_AGAIN_AFTER", 0.0)
    with pytest.raises(DecodeError, match="is not encrypted"):
        store.state_of(state.id)["key"]


def test_a_visitor_who_uploads_what_looks_sealed_hinders_no_permit(
    url: str, reopened: Reopen
) -> None:
    """Else the first process with a key would take these tables for sealed ones."""
    plain = connect(url)
    state = plain.state(plain.new_token())
    state.update({"key": 1, "upload": MAGIC + noise(100), "large": MAGIC + noise(SMALL)})
    plain.close()
    assert reopened(state)["key"] == 1


def test_a_page_load_is_one_round_trip_and_a_process_asks_for_the_permit_once(
    store: Store, token: str, round_trips: Any
) -> None:
    with round_trips() as trips:
        store.state(token)
    assert len(trips) == 1
    store.state(token).update({f"k{number}": number for number in range(20)})
    with round_trips() as trips:
        state = store.state(token)
        assert [state[f"k{number}"] for number in range(20)] == list(range(20))
    assert len(trips) == 1
