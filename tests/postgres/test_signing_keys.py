"""Signing keys can be changed: the first signs, all are read, and nobody loses anything."""

from __future__ import annotations

import base64
import contextlib
import logging
import pickle
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from noise import noise

from streamlit_pgstate import LimitExceeded, State, Store, UnknownToken, connect
from streamlit_pgstate.postgres.rows import SMALL, SessionRef

SQL = psycopg.Connection[Any]
OLD, NEW, NEWEST = ("old" * 11, "new" * 11, "newest" * 6)
LARGE = noise(3 * SMALL)


@pytest.fixture
def url(emptied_url: str) -> str:
    return emptied_url


@pytest.fixture
def with_keys(url: str) -> Iterator[Callable[..., Store]]:
    """A replica with these signing keys."""
    stores: list[Store] = []

    def make(*keys: str, **settings: Any) -> Store:
        stores.append(connect(url, signing_key=list(keys) or None, **settings))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def user(store: Store, subject: str = "1") -> State:
    """The state of a user, as a page opens it."""
    first, *former = store._tables.signer.sessions_of_user("https://idp.example", subject)
    ref = SessionRef(first, scope="user")
    return store._opened(store._tables.moves.home_of(ref, former) if former else ref, cache=True)


def test_a_token_under_any_of_the_keys_opens_its_state(with_keys: Callable[..., Store]) -> None:
    token = with_keys(OLD).new_token()
    with_keys(OLD).state(token)["k"] = 1
    assert with_keys(NEW, OLD).state(token)["k"] == 1
    assert with_keys(NEWEST, NEW, OLD).state(token)["k"] == 1
    with pytest.raises(UnknownToken):
        with_keys(NEW).state(token)


def test_the_first_key_signs(with_keys: Callable[..., Store]) -> None:
    token = with_keys(NEW, OLD).new_token()
    with_keys(NEW).state(token)
    with pytest.raises(UnknownToken):
        with_keys(OLD).state(token)


def test_the_key_in_the_database_is_read_if_it_is_named(
    with_keys: Callable[..., Store], sql: SQL
) -> None:
    """So that a key which has leaked with a dump does not go on to be read."""
    token = with_keys().new_token()
    row = sql.execute("SELECT value FROM pgstate.setting WHERE name = 'signing_key'").fetchone()
    assert row is not None
    with_keys().state(token)["k"] = 1
    mine = user(with_keys())
    mine["theme"] = "dark"
    assert with_keys(NEW, row[0]).state(token)["k"] == 1
    assert dict(user(with_keys(NEW, row[0]))) == {"theme": "dark"}
    with pytest.raises(UnknownToken):
        with_keys(NEW).state(token)


def test_a_token_is_the_same_under_the_first_key_so_that_the_others_can_go(
    with_keys: Callable[..., Store],
) -> None:
    old = with_keys(OLD)
    token = old.new_token()
    old.state(token)["k"] = 1
    signer = with_keys(NEW, OLD)._tables.signer
    checked = signer.check(token)
    assert checked.is_by_former_key
    signed = signer.signed_anew(checked)
    assert signed == signer.check(signed.text)
    assert not signed.is_by_former_key
    assert (signed.session_id, signed.issued_at) == (checked.session_id, checked.issued_at)
    assert with_keys(NEW).state(signed.text)["k"] == 1


def test_a_mark_tells_which_keys_are_read_and_not_their_order(
    with_keys: Callable[..., Store],
) -> None:
    """Browsers note by it where a token was refused, and do not try it there again."""
    marks = [
        with_keys(*keys)._tables.signer.key_mark
        for keys in ((OLD,), (NEW,), (OLD, NEW), (NEW, OLD), (NEWEST, NEW, OLD))
    ]
    assert marks[2] == marks[3]
    assert len(set(marks)) == 4


# A user's state, whose id comes from a key


def test_a_users_state_is_found_after_the_key_was_changed_and_then_needs_the_new_one_alone(
    with_keys: Callable[..., Store], sql: SQL
) -> None:
    held = {"theme": "dark", "large": LARGE}
    before = user(with_keys(OLD))
    before.update(held)
    before.set("short", 1, ttl=3600)
    made = before.session().created_at
    state = user(with_keys(NEW, OLD))
    assert dict(state) == held | {"short": 1}
    assert state.session().created_at == made
    assert (
        3500
        < one(
            sql,
            "SELECT extract(epoch FROM expires_at - now()) FROM pgstate.entry"
            " WHERE key = 'short' AND kind IS NOT NULL",
        )
        <= 3600
    )
    assert dict(user(with_keys(NEW))) == held | {"short": 1}
    assert one(sql, "SELECT count(DISTINCT session_id) FROM pgstate.body") == 1


def one(sql: SQL, statement: str) -> Any:
    row = sql.execute(statement).fetchone()
    assert row is not None
    return row[0]


def test_it_is_found_over_several_changes(with_keys: Callable[..., Store]) -> None:
    user(with_keys(OLD))["theme"] = "dark"
    assert dict(user(with_keys(NEWEST, NEW, OLD))) == {"theme": "dark"}
    assert dict(user(with_keys(NEWEST))) == {"theme": "dark"}


def test_what_was_opened_under_the_former_id_writes_nothing_that_nobody_would_find(
    with_keys: Callable[..., Store],
) -> None:
    open_page = user(with_keys(OLD, NEW))
    open_page["theme"] = "dark"
    user(with_keys(NEW, OLD))
    with pytest.raises(UnknownToken):
        open_page["late"] = 1
    assert dict(user(with_keys(NEW, OLD))) == {"theme": "dark"}


def test_replicas_with_the_keys_in_another_order_use_one_state(
    with_keys: Callable[..., Store],
) -> None:
    """While an app is deployed: first the new key goes to the end everywhere, then to the front."""
    first, then = with_keys(OLD, NEW), with_keys(NEW, OLD)
    user(first)["n"] = 1
    for n in range(1, 4):
        assert user(then)["n"] == n
        user(then)["n"] = n + 1
        assert user(first)["n"] == n + 1, "it has not been moved back"
        assert user(first).id == user(then).id


def test_a_new_user_begins_under_the_first_key(with_keys: Callable[..., Store]) -> None:
    store = with_keys(NEW, OLD)
    user(store)["theme"] = "dark"
    assert dict(user(with_keys(NEW))) == {"theme": "dark"}


def test_what_was_forgotten_under_either_key_stays_forgotten(
    with_keys: Callable[..., Store],
) -> None:
    old, both = with_keys(OLD), with_keys(NEW, OLD)
    user(old)["theme"] = "dark"
    user(old).forget()
    assert dict(user(both)) == {}
    user(both)["theme"] = "light"
    old.state_of(user(both).id).forget()
    assert dict(user(both)) == {}


def test_many_replicas_that_find_it_at_once_move_it_once(
    with_keys: Callable[..., Store],
) -> None:
    stores = [with_keys(NEW, OLD) for _ in range(4)]
    old = with_keys(OLD)
    for number in range(10):
        user(old, str(number)).update({"theme": "dark", "large": LARGE})
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(lambda store: dict(user(store, str(number))), stores))  # noqa: B023
        assert found == [{"theme": "dark", "large": LARGE}] * 4


def test_an_encrypted_state_is_encrypted_for_its_new_id(with_keys: Callable[..., Store]) -> None:
    key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    user(with_keys(OLD, encryption_key=key)).update({"theme": "dark", "large": LARGE})
    state = user(with_keys(NEW, OLD, encryption_key=key))
    assert dict(state) == {"theme": "dark", "large": LARGE}
    assert dict(user(with_keys(NEW, encryption_key=key))) == {"theme": "dark", "large": LARGE}


def test_what_cannot_be_decrypted_stays_where_it_is(with_keys: Callable[..., Store]) -> None:
    """A replica without the key must not move half of a state, and leave the other half."""
    key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    user(with_keys(OLD, encryption_key=key)).update({"theme": "dark", "large": LARGE})
    assert len(user(with_keys(NEW, OLD))) == 2
    state = user(with_keys(NEW, OLD, encryption_key=key))
    assert dict(state) == {"theme": "dark", "large": LARGE}


def test_one_key_costs_nothing_and_several_one_round_trip_for_each_page(
    with_keys: Callable[..., Store], round_trips: Callable[[], Any]
) -> None:
    one_key, both = with_keys(NEW), with_keys(NEW, OLD)
    user(one_key)["theme"] = "dark"
    user(both)
    counts = []
    for store in (one_key, both):
        with round_trips() as trips:
            user(store)
        counts.append(len(trips))
    assert counts == [1, 2]


def test_a_users_state_moves_to_another_key_also_where_a_limit_was_lowered_since(
    with_keys: Callable[..., Store],
) -> None:
    user(with_keys(OLD)).update({"a": b"x" * 100, "b": LARGE})
    narrow = with_keys(NEW, OLD, max_keys=1, max_session_bytes=10)
    assert dict(user(narrow)) == {"a": b"x" * 100, "b": LARGE}
    with pytest.raises(LimitExceeded, match="3 keys"):
        user(narrow)["c"] = b""


def random_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


@pytest.mark.parametrize("encryption_key", [None, random_key()], ids=["plain", "encrypted"])
def test_nothing_of_a_state_stays_under_the_id_that_it_has_moved_from(
    with_keys: Callable[..., Store], sql: SQL, encryption_key: str | None
) -> None:
    former = user(with_keys(OLD, encryption_key=encryption_key))
    former.update({"small": "secret", "blob": b"secret", "large": LARGE})
    former.set("over", "secret", ttl=0.001)
    state = user(with_keys(NEW, OLD, encryption_key=encryption_key))
    assert state["large"] == LARGE
    counts = "keys, bytes, (SELECT count(*) FROM pgstate.entry WHERE session_id = id)"
    for table in ("body", "revision"):
        counts += f", (SELECT count(*) FROM pgstate.{table} WHERE session_id = id)"
    found = sql.execute(f"SELECT {counts} FROM pgstate.session WHERE id = %s", (former.id,))
    assert found.fetchall() == [(0, 0, 0, 0, 0)]
    state.forget()
    assert one(sql, "SELECT count(*) FROM pgstate.entry WHERE kind IS NOT NULL") == 0
    assert one(sql, "SELECT count(*) FROM pgstate.body") == 0


@pytest.mark.parametrize("opener", ["page", "job", "operator"])
def test_what_was_opened_under_the_former_id_does_not_claim_to_have_forgotten(
    with_keys: Callable[..., Store], opener: str
) -> None:
    """It would begin another epoch under the former id, beside the state that has moved."""
    first = with_keys(OLD, NEW)
    user(first)["theme"] = "dark"
    opened = user(first)
    if opener == "job":
        opened = pickle.loads(pickle.dumps(opened))
        opened._session._source = first._tables
    elif opener == "operator":
        opened = first.state_of(opened.id)
    user(with_keys(NEW, OLD))
    with pytest.raises(UnknownToken):
        opened.forget()
    assert dict(user(first)) == {"theme": "dark"}
    user(first).forget()
    assert dict(user(with_keys(NEW, OLD))) == dict(user(first)) == {}


def test_who_forgets_after_the_former_row_is_gone_gets_an_error_too(
    with_keys: Callable[..., Store], sql: SQL
) -> None:
    opened = user(with_keys(OLD))
    opened["theme"] = "dark"
    user(with_keys(NEW, OLD))
    sql.execute("DELETE FROM pgstate.session WHERE id = %s", (opened.id,))
    with pytest.raises(UnknownToken):
        opened.forget()
    assert one(sql, "SELECT count(*) FROM pgstate.session") == 1


def test_a_page_that_finds_a_state_just_before_it_moves_begins_no_second_one(
    with_keys: Callable[..., Store],
) -> None:
    first = with_keys(OLD, NEW)
    user(first)["theme"] = "dark"
    id_, *former = first._tables.signer.sessions_of_user("https://idp.example", "1")
    found = first._tables.moves.home_of(SessionRef(id_, scope="user"), former)
    user(with_keys(NEW, OLD))
    with pytest.raises(UnknownToken):
        first._opened(found, cache=True)
    assert dict(user(first)) == {"theme": "dark"}


def test_a_state_that_cannot_be_decrypted_is_copied_once_and_not_by_each_page(
    with_keys: Callable[..., Store],
    round_trips: Callable[[], Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    user(with_keys(OLD, encryption_key=random_key()))["theme"] = "dark"
    store = with_keys(NEW, OLD, encryption_key=random_key())
    store.state(store.new_token())
    with caplog.at_level(logging.WARNING), round_trips() as first:
        state = user(store)
    with round_trips() as second:
        user(store)
    assert (len(first) < 20, len(second)) == (True, 2)
    [said] = [record.getMessage() for record in caplog.records]
    assert str(state.id) in said
    assert "encryption_key" in said


@pytest.fixture
def slow_entries(sql: SQL) -> Iterator[None]:
    """To write an entry of a key that begins with "slow" takes 0.4 s."""
    sql.execute(
        """CREATE FUNCTION pgstate.slowly() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(0.4); RETURN NEW; END $$"""
    )
    sql.execute(
        """CREATE TRIGGER slowly BEFORE INSERT ON pgstate.entry FOR EACH ROW
        WHEN (NEW.key LIKE 'slow%') EXECUTE FUNCTION pgstate.slowly()"""
    )
    yield
    sql.execute("DROP FUNCTION pgstate.slowly CASCADE")


def test_a_state_that_takes_longer_than_the_timeout_to_move_is_used_where_it_is(
    with_keys: Callable[..., Store],
    sql: SQL,
    slow_entries: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    held = {f"slow {n}": n for n in range(5)}
    former = user(with_keys(OLD))
    former.update(held)
    hasty = with_keys(NEW, OLD, timeout="1.5s")
    with caplog.at_level(logging.WARNING):
        state = user(hasty)
    assert (dict(state), state.id) == (held, former.id)
    [said] = [record.getMessage() for record in caplog.records]
    assert str(state.id) in said
    assert "higher `timeout`" in said
    state["more"] = 1
    assert user(hasty)["more"] == 1
    assert one(sql, "SELECT count(*) FROM pgstate.session") == 1
    patient = user(with_keys(NEW, OLD))
    assert (dict(patient), patient.id == former.id) == (held | {"more": 1}, False)
    assert user(hasty)["more"] == 1


def test_a_state_that_others_hold_locked_is_used_where_it_is(
    with_keys: Callable[..., Store], url: str
) -> None:
    former = user(with_keys(OLD))
    former["theme"] = "dark"
    hasty = with_keys(NEW, OLD, timeout="1.5s")
    with psycopg.connect(url) as other, contextlib.closing(other):
        other.execute("SELECT FROM pgstate.session FOR UPDATE")
        assert user(hasty)["theme"] == "dark"
    assert user(with_keys(NEW, OLD))["theme"] == "dark"
