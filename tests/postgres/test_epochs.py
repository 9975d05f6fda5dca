"""A state that is known by its id: forgotten is final, for all that has loaded it before."""

from __future__ import annotations

import functools
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from noise import noise
from streamlit.testing.v1 import AppTest

from streamlit_pgstate import State, Store, UnknownToken, connect
from streamlit_pgstate.postgres.rows import SMALL, SessionRef
from streamlit_pgstate.postgres.token import session_of_app

SQL = psycopg.Connection[Any]
SCOPES = ["app", "user"]


@pytest.fixture
def url(emptied_url: str) -> str:
    return emptied_url


@pytest.fixture
def open_state(store: Store) -> Callable[..., State]:
    """The state of a user or the app, as a run, a replica or another device opens it."""

    def opened(scope: str = "user", at: Store = store, **options: Any) -> State:
        signer = at._tables.signer
        of_user = signer.session_of_user("https://idp.example", "1")
        session_id = of_user if scope == "user" else session_of_app(at.settings.app)
        return at._opened(SessionRef(session_id, scope=scope), **{"cache": True, **options})

    return opened


def forget(store: Store, scope: str) -> None:
    """As the user, on another device; the app's state can only an operator forget."""
    if scope == "user":
        user = store._tables.signer.session_of_user("https://idp.example", "1")
        store._opened(SessionRef(user, scope="user"), cache=True).forget()
    else:
        store.state_of(session_of_app(store.settings.app)).forget()


WRITES: dict[str, Callable[[State], Any]] = {
    "set": lambda state: state.set("late", 1),
    "set of the same": lambda state: state.set("word", "secret"),
    "set with a ttl": lambda state: state.set("late", 1, ttl=60),
    "large": lambda state: state.set("late", noise(2 * SMALL)),
    "larger": lambda state: state.set("late", noise(5 * 2**20)),
    "renewed": lambda state: state.set("large", noise(3 * SMALL), ttl=60),
    "update": lambda state: state.update({"late": 1, "later": 2}),
    "modify": lambda state: state.modify("word", str.upper),
    "first modify": lambda state: state.modify("late", lambda n: n + 1, default=0),
    "setdefault": lambda state: state.setdefault("late", 1),
    "delete": lambda state: state.delete("word"),
    "clear": lambda state: state.clear(),
    "refresh": lambda state: state.refresh(),
}


def assert_only(state: State, held: dict[str, Any]) -> None:
    assert dict(state) == held


@pytest.mark.parametrize("way", WRITES)
@pytest.mark.parametrize("scope", SCOPES)
def test_a_run_that_has_begun_before_brings_nothing_back(
    scope: str, way: str, store: Store, open_state: Callable[..., State], sql: SQL
) -> None:
    state = open_state(scope)
    state.update({"word": "secret", "large": noise(3 * SMALL)})
    state.refresh()
    forget(store, scope)
    if scope == "user":
        open_state(scope)["word"] = "new"  # a new life, which has the same key
    before = dict(open_state(scope))
    for _ in range(2):  # and to try again does not help
        with pytest.raises(UnknownToken, match="forgotten"):
            WRITES[way](state)
    assert_only(open_state(scope), before)
    left = sql.execute(
        "SELECT FROM pgstate.entry WHERE kind IS NOT NULL AND key <> 'word'"
    ).fetchall()
    assert not left


@pytest.mark.parametrize("write", [lambda s: s.set("late", 1), lambda s: s.modify("late", str)])
def test_the_error_says_that_nothing_was_stored_if_something_was_to_be(
    write: Callable[[State], object], store: Store, open_state: Callable[..., State]
) -> None:
    state = open_state("user")
    state["word"] = "secret"
    forget(store, "user")
    with pytest.raises(UnknownToken, match=r"was forgotten or has expired\.") as at_write:
        write(state)
    assert str(at_write.value).endswith("Nothing was stored.")
    with pytest.raises(UnknownToken, match=r"was forgotten or has expired\.") as at_read:
        state.refresh()
    assert "stored" not in str(at_read.value)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("began", ["before the first write", "with an empty state"])
def test_a_first_write_of_before_brings_nothing_either(
    scope: str, began: str, store: Store, open_state: Callable[..., State], sql: SQL
) -> None:
    state = open_state(scope)
    if scope == "app" or began == "with an empty state":
        other = open_state(scope)
        other["word"] = "secret"
    forget(store, scope)
    with pytest.raises(UnknownToken):
        state["late"] = 1
    assert_only(open_state(scope), {})


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("began", ["before the first write", "before forget"])
def test_a_job_in_a_queue_brings_nothing_back(
    scope: str,
    began: str,
    url: str,
    store: Store,
    open_state: Callable[..., State],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGSTATE_URL", url)
    state = open_state(scope)
    if began == "before forget":
        state["word"] = "secret"
        state.refresh()
    in_queue, at_work = pickle.dumps(state), pickle.loads(pickle.dumps(state))
    at_work["progress"] = 1
    forget(store, scope)
    for job in (at_work, pickle.loads(in_queue)):
        with pytest.raises(UnknownToken):
            job["result"] = "secret"
        with pytest.raises(UnknownToken):
            job.refresh()
    assert_only(open_state(scope), {})
    job = pickle.loads(pickle.dumps(open_state(scope)))
    job["result"] = "of the new one"
    assert_only(open_state(scope), {"result": "of the new one"})


@pytest.mark.parametrize("scope", SCOPES)
def test_a_replica_with_a_warm_cache_brings_nothing_back(
    scope: str, url: str, store: Store, open_state: Callable[..., State]
) -> None:
    with_store = connect(url)
    replica = open_state(scope, with_store)
    replica["word"] = "secret"
    uncached = open_state(scope, with_store, cache=False)
    forget(store, scope)
    assert replica["word"] == "secret", "it has read that before"
    for state in (replica, uncached):
        with pytest.raises(UnknownToken):
            state["late"] = 1
    with_store.close()
    assert_only(open_state(scope), {})


@pytest.mark.parametrize("scope", SCOPES)
def test_a_state_that_was_opened_by_its_id_brings_nothing_back(
    scope: str, store: Store, open_state: Callable[..., State]
) -> None:
    open_state(scope)["word"] = "secret"
    job = store.state_of(open_state(scope).id)
    forget(store, scope)
    assert_only(open_state(scope), {})  # it has begun anew
    with pytest.raises(UnknownToken):
        job["late"] = 1
    assert_only(open_state(scope), {})


def test_a_browsers_state_that_a_job_has_by_its_id_ends_with_it(
    store: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSTATE_URL", url)
    page = store.state(store.new_token())
    page["word"] = "secret"
    jobs = [store.state_of(page.id), pickle.loads(pickle.dumps(page))]
    page.forget()
    for job in jobs:
        with pytest.raises(UnknownToken):
            job["late"] = 1


def test_a_thread_of_a_former_run_does_not_go_on_with_who_forgets(
    open_state: Callable[..., State],
) -> None:
    mine = open_state()
    mine["word"] = "secret"
    of_thread = State(mine._session)  # each run has a state of its own over one session
    mine.forget()
    mine["word"] = "new"
    with pytest.raises(UnknownToken):
        of_thread["late"] = 1
    assert_only(open_state(), {"word": "new"})


def test_what_was_moved_to_a_forgotten_user_stays_where_it_was(
    store: Store, open_state: Callable[..., State]
) -> None:
    user, anonymous = open_state(), store.state(store.new_token())
    anonymous["cart"] = ["milk"]
    forget(store, "user")
    with pytest.raises(UnknownToken) as raised:
        user.take_over(anonymous)
    assert raised.value.session_id == user.id
    assert store.state_of(anonymous.id)["cart"] == ["milk"]
    assert_only(open_state(), {})


@pytest.mark.parametrize("scope", SCOPES)
def test_what_has_expired_is_as_good_as_forgotten(
    scope: str, open_state: Callable[..., State], sql: SQL
) -> None:
    state = open_state(scope)
    state["word"] = "secret"
    sql.execute("UPDATE pgstate.session SET expires_at = now() - interval '1 s'")
    for _ in range(2):
        with pytest.raises(UnknownToken):
            state["late"] = 1
        assert_only(open_state(scope), {})


@pytest.mark.parametrize("scope", SCOPES)
def test_a_row_that_was_cleaned_up_and_made_again_is_another_one(
    scope: str, store: Store, open_state: Callable[..., State], sql: SQL
) -> None:
    open_state(scope)["word"] = "secret"
    old = open_state(scope)
    store.state_of(old.id).forget()
    sql.execute("DELETE FROM pgstate.session")  # as gc does two days later
    with pytest.raises(UnknownToken):
        old.refresh()
    open_state(scope)["word"] = "new"
    with pytest.raises(UnknownToken):
        old["late"] = 1
    assert_only(open_state(scope), {"word": "new"})


def test_whoever_is_first_forget_is_final(store: Store, sql: SQL) -> None:
    """First writes, later writes and forget at once, of states that were all opened before."""
    for number in range(10):
        user = store._tables.signer.session_of_user("https://idp.example", f"racer {number}")
        ref = SessionRef(user, scope="user")
        states = [store._opened(ref, cache=True) for _ in range(6)]
        start = threading.Barrier(len(states))

        def act(state: State, *, forgets: bool, start: threading.Barrier = start) -> None:
            start.wait(30)
            if forgets:
                state.forget()
                return
            for n in range(20):
                try:
                    state[f"late {n % 3}"] = noise(2 * SMALL) if n % 2 else n
                except UnknownToken:
                    return

        with ThreadPoolExecutor(len(states)) as pool:
            work = [
                pool.submit(act, state, forgets=state is states[0]) for state in reversed(states)
            ]
            for each in work:
                each.result()
        assert_only(store._opened(ref, cache=True), {})
        for table, condition in (("entry", "kind IS NOT NULL"), ("body", "true")):
            left = sql.execute(
                f"SELECT FROM pgstate.{table} WHERE session_id = %s AND {condition}", (user,)
            )
            assert not left.fetchall(), table


def test_in_an_app_a_new_run_begins_with_a_new_empty_state(
    url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSTATE_URL", url)

    def script() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        shared = pgstate.scope("app")
        if st.button("write"):
            shared["word"] = "new"
        st.text(str(dict(shared)))

    app = functools.partial(AppTest.from_function, script, default_timeout=30)
    tab = app().run()
    tab.button[0].click().run()
    assert tab.text[0].value == "{'word': 'new'}"
    forget(store, "app")
    tab.run()
    assert not tab.exception
    assert tab.text[0].value == "{}"
    tab.button[0].click().run()
    assert not tab.exception
    assert app().run().text[0].value == "{'word': 'new'}"


def test_a_write_in_the_middle_of_a_run_says_that_the_state_was_forgotten(
    url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSTATE_URL", url)

    def script() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        shared = pgstate.scope("app")
        shared["runs"] = shared.get("runs", 0) + 1
        if st.checkbox("forget"):
            store = pgstate.connect(st.secrets["connections"]["pgstate"]["url"])
            store.state_of(shared.id).forget()
            store.close()
            shared["late"] = 1

    tab = AppTest.from_function(script, default_timeout=30)
    tab.secrets["connections"] = {"pgstate": {"url": url}}
    tab.run()
    tab.checkbox[0].check().run()
    assert "forgotten" in tab.exception[0].message
    tab.checkbox[0].uncheck().run()
    assert not tab.exception
    assert dict(store.state_of(session_of_app(store.settings.app))) == {"runs": 1}
