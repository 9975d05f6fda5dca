"""States that are nobody's browser's: the user's and the app's, on a real PostgreSQL."""

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

import streamlit_pgstate as pgstate
from streamlit_pgstate import ConfigError, LimitExceeded, State, Store, UnknownToken, connect
from streamlit_pgstate.postgres.rows import SMALL, SessionRef
from streamlit_pgstate.postgres.token import session_of_app

SQL = psycopg.Connection[Any]
TOKENLESS_SCOPES = ["app", "user"]


@pytest.fixture
def url(emptied_url: str) -> str:
    return emptied_url


def ref_of(store: Store, scope: str, subject: str = "248289761001") -> SessionRef:
    if scope == "app":
        return SessionRef(session_of_app(store.settings.app), scope=scope)
    return SessionRef(
        store._tables.signer.session_of_user("https://idp.example", subject), scope=scope
    )


def opened(store: Store, scope: str) -> State:
    return store._opened(ref_of(store, scope), cache=True)


def one(sql: SQL, statement: str, *parameters: Any) -> Any:
    row = sql.execute(statement, parameters).fetchone()
    assert row is not None
    return row[0]


def rows(sql: SQL, table: str) -> int:
    live = " WHERE kind IS NOT NULL" if table == "entry" else ""
    return int(one(sql, f"SELECT count(*) FROM pgstate.{table}{live}"))


def expire(sql: SQL, state: State) -> None:
    sql.execute(
        "UPDATE pgstate.session SET expires_at = now() - interval '1 s' WHERE id = %s", (state.id,)
    )


# One session, without a token


@pytest.mark.parametrize("scope", TOKENLESS_SCOPES)
def test_all_who_open_it_have_the_same_state(store: Store, url: str, scope: str, sql: SQL) -> None:
    elsewhere = connect(url)
    one_of_them, other = opened(store, scope), opened(elsewhere, scope)
    assert rows(sql, "session") == 0
    one_of_them["word"] = "here"
    other.refresh()
    assert other["word"] == "here"
    assert one(sql, "SELECT scope FROM pgstate.session") == scope
    assert one(sql, "SELECT token_hash FROM pgstate.session") is None
    assert other.session().scope == other.scope == scope
    elsewhere.close()


@pytest.mark.parametrize("scope", TOKENLESS_SCOPES)
def test_the_first_writes_of_many_make_one_row_and_lose_nothing(
    store: Store, scope: str, sql: SQL
) -> None:
    states = [opened(store, scope) for _ in range(8)]
    start = threading.Barrier(8)

    def count(state: State) -> None:
        start.wait(30)
        for _ in range(10):
            state.modify("n", lambda n: n + 1, default=0)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, states))
    assert opened(store, scope)["n"] == 80
    assert rows(sql, "session") == 1


def test_apps_and_users_do_not_meet(store: Store, url: str) -> None:
    other_app = connect(url, app="other")
    other_key = connect(url, signing_key="k" * 40)
    ids = {
        ref_of(store, "app").id,
        ref_of(other_app, "app").id,
        ref_of(store, "user").id,
        ref_of(store, "user", "another").id,
        ref_of(other_app, "user").id,
        ref_of(other_key, "user").id,
        store._tables.signer.session_of_user("https://idp.example2", "48289761001"),
        store._tables.signer.session_of_user("https://idp.example24", "8289761001"),
    }
    assert len(ids) == 8
    assert ref_of(connect(url), "user").id == ref_of(store, "user").id


@pytest.mark.parametrize("scope", TOKENLESS_SCOPES)
def test_it_has_no_token_to_rotate(store: Store, scope: str) -> None:
    with pytest.raises(ConfigError, match=f"scope '{scope}' has no token to rotate"):
        opened(store, scope).rotate()


@pytest.mark.parametrize("scope", TOKENLESS_SCOPES)
def test_a_token_that_names_its_session_opens_nothing(store: Store, scope: str) -> None:
    """Nobody can make one, but a signing key may leak."""
    state = opened(store, scope)
    state["word"] = "the users'"
    with pytest.raises(UnknownToken):
        store.state(store._tables.signer.mint(state.id).text)


def test_the_apps_state_is_emptied_and_not_forgotten(store: Store) -> None:
    state = opened(store, "app")
    state["word"] = "here"
    with pytest.raises(ConfigError, match=r"belongs to all visitors.*clear\(\)"):
        state.forget()
    assert opened(store, "app")["word"] == "here"
    assert state.clear() == 1


def test_a_user_who_is_forgotten_leaves_no_value_and_begins_anew_on_all_devices(
    store: Store, sql: SQL
) -> None:
    phone, laptop = opened(store, "user"), opened(store, "user")
    phone.update({"small": "secret", "large": noise(2 * SMALL)})
    laptop.refresh()
    phone.forget()
    assert rows(sql, "body") == 0
    assert rows(sql, "entry") == 0
    assert not sql.execute("SELECT FROM pgstate.entry e WHERE e::text LIKE '%secret%'").fetchall()
    with pytest.raises(UnknownToken):
        laptop.refresh()
    laptop = opened(store, "user")
    assert laptop.keys() == []
    laptop["word"] = "new"
    phone.refresh()
    assert dict(phone) == {"word": "new"}


@pytest.mark.parametrize("scope", TOKENLESS_SCOPES)
@pytest.mark.parametrize("way", ["refresh", "load", "write"])
def test_one_that_has_expired_begins_anew_and_nothing_of_it_comes_back(
    store: Store, scope: str, way: str, sql: SQL
) -> None:
    state = opened(store, scope)
    state.update({"small": 1, "large": noise(2 * SMALL)})
    expire(sql, state)
    if way == "refresh":
        with pytest.raises(UnknownToken):
            state.refresh()
    elif way == "write":
        with pytest.raises(UnknownToken):
            state["word"] = "new"
    state = opened(store, scope)
    assert state.keys() == []
    assert rows(sql, "body") == 0
    state["again"] = 1
    assert dict(opened(store, scope)) == {"again": 1}


@pytest.mark.parametrize("scope", TOKENLESS_SCOPES)
def test_one_that_an_operator_has_revoked_begins_anew(store: Store, scope: str, sql: SQL) -> None:
    state, other = opened(store, scope), opened(store, scope)
    state["word"] = "here"
    other.refresh()
    store.state_of(state.id).forget()
    with pytest.raises(UnknownToken):
        other.refresh()
    other = opened(store, scope)
    assert other.keys() == []
    other["word"] = "new"
    assert opened(store, scope)["word"] == "new"


@pytest.mark.parametrize("scope", TOKENLESS_SCOPES)
def test_it_lives_for_session_max_age_after_the_last_visit(
    store: Store, scope: str, sql: SQL
) -> None:
    state = opened(store, scope)
    lasts = "SELECT round(extract(epoch FROM expires_at - now()) / 86400) FROM pgstate.session"
    state["word"] = "here"
    assert one(sql, lasts) == 400
    for look in (state.refresh, lambda: store.state_of(state.id)):
        sql.execute(
            "UPDATE pgstate.session SET seen_at = now() - interval '2 h',"
            " expires_at = now() + interval '5 d'"
        )
        look()
        assert one(sql, lasts) == 400


@pytest.mark.parametrize("scope", TOKENLESS_SCOPES)
def test_it_travels_to_a_job(
    store: Store, url: str, scope: str, monkeypatch: pytest.MonkeyPatch, sql: SQL
) -> None:
    monkeypatch.setenv("PGSTATE_URL", url)
    state = opened(store, scope)
    job = pickle.loads(pickle.dumps(state))
    assert rows(sql, "session") == 1
    job["result"] = 42
    state.refresh()
    assert state["result"] == 42
    assert job.scope == scope
    with pytest.raises(ConfigError):
        job.rotate()
    expire(sql, state)
    with pytest.raises(UnknownToken):
        job["result"] = 43
    assert dict(opened(store, scope)) == {}


# Taking over


@pytest.fixture
def anonymous(store: Store) -> State:
    return store.state(store.new_token())


@pytest.fixture
def user(store: Store) -> State:
    return opened(store, "user")


def test_what_the_user_lacks_is_moved_and_what_both_have_stays(
    store: Store, anonymous: State, user: State
) -> None:
    anonymous.update({"cart": [1, 2], "theme": "light"})
    user["theme"] = "dark"
    assert user.take_over(anonymous) == ["cart"]
    assert dict(user) == dict(opened(store, "user")) == {"cart": [1, 2], "theme": "dark"}
    assert dict(anonymous) == dict(store.state_of(anonymous.id)) == {"theme": "light"}


def test_only_the_keys_that_are_named_are_moved(anonymous: State, user: State) -> None:
    anonymous.update({"cart": [1, 2], "page": 3})
    assert user.take_over(anonymous, "cart", "missing") == ["cart"]
    assert (user.keys(), anonymous.keys()) == (["cart"], ["page"])


def test_taking_over_twice_is_taking_over_once_and_costs_nothing(
    anonymous: State, user: State, round_trips: Callable[[], Any]
) -> None:
    anonymous.update({"cart": [1, 2], "theme": "light"})
    user["theme"] = "dark"
    user.take_over(anonymous)
    with round_trips() as trips:
        assert user.take_over(anonymous) == []
    assert not trips


def test_large_values_stay_on_the_server_and_leave_nothing_behind(
    store: Store, anonymous: State, user: State, sql: SQL
) -> None:
    large, shared = noise(3 * 2**20), noise(2 * SMALL)
    anonymous.update({"large": large, "one": shared, "kept": shared})
    user["kept"] = "the user's"
    with sql.transaction():
        assert user.take_over(anonymous) == ["large", "one"]
    fresh = opened(store, "user")
    assert fresh["large"] == large
    assert fresh["one"] == shared
    assert store.state_of(anonymous.id)["kept"] == shared
    held = "SELECT count(DISTINCT digest) FROM pgstate.body WHERE session_id = %s"
    assert (one(sql, held, user.id), one(sql, held, anonymous.id)) == (2, 1)


def test_a_ttl_goes_on_and_what_has_expired_is_not_taken(
    store: Store, anonymous: State, user: State, sql: SQL
) -> None:
    anonymous.set("short", 1, ttl=3600)
    anonymous.set("gone", 1, ttl=3600)
    user.set("short", "expired", ttl=3600)
    sql.execute(
        "UPDATE pgstate.entry SET expires_at = now() WHERE key = 'gone' OR session_id = %s",
        (user.id,),
    )
    fresh = opened(store, "user")
    assert fresh.take_over(store.state_of(anonymous.id)) == ["short"]
    left = "SELECT extract(epoch FROM expires_at - now()) FROM pgstate.entry WHERE session_id = %s"
    assert 3500 < one(sql, left, user.id) <= 3600


def test_other_tabs_and_devices_hear_of_it(store: Store, anonymous: State, user: State) -> None:
    anonymous["cart"] = [1, 2]
    tab, phone = store.state_of(anonymous.id), opened(store, "user")
    user.take_over(anonymous)
    for state in (tab, phone):
        state.refresh()
    assert tab.keys() == []
    assert phone["cart"] == [1, 2]


def test_two_tabs_that_take_over_at_once_move_each_key_once(store: Store, sql: SQL) -> None:
    for _ in range(10):
        anonymous = store.state(store.new_token())
        keys = {f"{anonymous.id} {n}": n for n in range(20)}
        anonymous.update(keys)
        start = threading.Barrier(4)

        def take(state: State, start: threading.Barrier = start) -> list[str]:
            user = opened(store, "user")
            start.wait(30)
            return user.take_over(state)

        tabs = [store.state_of(anonymous.id) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            taken = [key for keys in pool.map(take, tabs) for key in keys]
        assert sorted(taken) == sorted(keys)
        assert keys.items() <= dict(opened(store, "user")).items()


def test_a_forgotten_state_gives_nothing(store: Store, anonymous: State, user: State) -> None:
    anonymous["cart"] = [1, 2]
    store.state_of(anonymous.id).forget()
    with pytest.raises(UnknownToken):
        user.take_over(anonymous)
    assert opened(store, "user").keys() == []


def test_a_limit_of_the_user_is_kept_and_nothing_is_moved(url: str) -> None:
    store = connect(url, max_keys=3)
    anonymous, user = store.state(store.new_token()), opened(store, "user")
    anonymous.update({"a": 1, "b": 2})
    user.update({"c": 3, "d": 4})
    with pytest.raises(LimitExceeded, match=r"^With 'a', 'b' this session would hold 4 keys"):
        user.take_over(anonymous)
    assert sorted(anonymous) == ["a", "b"]
    assert sorted(opened(store, "user")) == ["c", "d"]
    store.close()


# A copy, for a duplicated tab


def test_a_copy_holds_the_same_and_goes_its_own_way(store: Store, sql: SQL) -> None:
    first = store._opened(SessionRef.of(store._tables.signer.mint(), "tab"), cache=True)
    large = noise(3 * SMALL)
    first.update({"small": [1, 2], "large": large, "deleted": 1})
    first.set("short", 1, ttl=3600)
    first.delete("deleted")
    token = store._tables.signer.mint()
    store._tables.moves.copy(first._session._ref, token)
    second = store._opened(SessionRef.of(token, "tab"), cache=True)
    assert dict(second) == dict(first) == {"small": [1, 2], "large": large, "short": 1}
    assert second.session().scope == "tab"
    first["small"], second["large"] = "the first's", "the second's"
    for state in (first, second):
        state.refresh()
    assert (first["large"], second["small"]) == (large, [1, 2])
    left = "SELECT extract(epoch FROM expires_at - now()) FROM pgstate.entry WHERE session_id = %s"
    assert 3500 < one(sql, f"{left} AND key = 'short'", second.id) <= 3600


@pytest.mark.parametrize("source", ["empty", "forgotten", "of another token"])
def test_what_is_not_there_or_not_ones_own_is_not_copied(
    store: Store, sql: SQL, source: str
) -> None:
    state = store._opened(SessionRef.of(store._tables.signer.mint(), "tab"), cache=True)
    ref = state._session._ref
    if source != "empty":
        state["word"] = "secret"
    if source == "forgotten":
        state.forget()
    if source == "of another token":
        ref = SessionRef.of(store._tables.signer.mint(state.id), "tab")
    token = store._tables.signer.mint()
    store._tables.moves.copy(ref, token)
    assert not sql.execute(
        "SELECT FROM pgstate.session WHERE id = %s", (token.session_id,)
    ).fetchall()
    fresh = store._opened(SessionRef.of(token, "tab"), cache=True)
    assert fresh.keys() == []


def copy_of(state: State, store: Store) -> State:
    """What a duplicated tab begins with: a copy, which is empty where there was none."""
    token = store._tables.signer.mint()
    store._tables.moves.copy(state._session._ref, token)
    return store._opened(SessionRef.of(token, "tab"), cache=True)


def test_a_tab_has_100_copies_at_most_with_the_copies_of_its_copies(store: Store) -> None:
    state = store._opened(SessionRef.of(store._tables.signer.mint(), "tab"), cache=True)
    state["word"] = "secret"
    chain = [state]
    for number in range(100):  # of the first one, and each of the one before
        chain.append(copy_of(chain[-1] if number % 2 else state, store))
    assert all(copy["word"] == "secret" for copy in chain)
    assert copy_of(state, store).keys() == []
    assert copy_of(chain[-1], store).keys() == []
    chain[-1].forget()
    assert copy_of(state, store)["word"] == "secret"


def test_all_copies_of_a_tab_hold_no_more_than_one_session_may_hold(emptied_url: str) -> None:
    store = connect(emptied_url, max_session_bytes=1000)
    state = store._opened(SessionRef.of(store._tables.signer.mint(), "tab"), cache=True)
    state["bytes"] = noise(400)
    first, second = copy_of(state, store), copy_of(state, store)
    assert first["bytes"] == second["bytes"] == state["bytes"]
    assert copy_of(state, store).keys() == []
    assert copy_of(first, store).keys() == []
    store.close()


def test_a_copy_is_as_old_as_what_it_is_a_copy_of(store: Store, sql: SQL) -> None:
    state = store._opened(SessionRef.of(store._tables.signer.mint(), "tab"), cache=True)
    state["word"] = "secret"
    made = "UPDATE pgstate.session SET created_at = now() - interval '399 days' WHERE id = %s"
    sql.execute(made, (state.id,))
    copy = copy_of(state, store)
    left = "SELECT extract(epoch FROM expires_at - now()) FROM pgstate.session WHERE id = %s"
    assert one(sql, left, copy.id) <= 86_400, "session_max_age is 400 days"


def test_the_token_of_a_tab_is_not_rotated(store: Store) -> None:
    with pytest.raises(ConfigError, match="not rotated"):
        store._opened(SessionRef.of(store._tables.signer.mint(), "tab"), cache=True).rotate()


# In a script


@pytest.fixture
def app(url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    monkeypatch.setenv("PGSTATE_URL", url)
    return functools.partial(AppTest.from_function, default_timeout=30)


def test_the_app_counts_all_of_its_visitors(app: Callable[..., AppTest]) -> None:
    def script() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        shared = pgstate.scope("app")
        st.metric("visitors", shared.modify("visitors", lambda n: n + 1, default=0))
        st.metric("mine", pgstate.modify("visitors", lambda n: n + 1, default=0))

    def numbers(visitor: AppTest) -> list[str]:
        return [metric.value for metric in visitor.run().metric]

    one_of_them, other = app(script), app(script)
    assert [numbers(one_of_them), numbers(other)] == [["1", "1"], ["2", "1"]]
    assert [numbers(one_of_them), numbers(other)] == [["3", "2"], ["4", "2"]]


def test_a_run_refreshes_the_apps_state_once_and_not_the_browsers(
    app: Callable[..., AppTest], round_trips: Callable[[], Any]
) -> None:
    def script() -> None:
        import streamlit_pgstate as pgstate

        for _ in range(3):
            pgstate.scope("app").get("word")

    visitor = app(script).run()
    with round_trips() as trips:
        assert not visitor.run().exception
    assert len(trips) == 1


@pytest.mark.parametrize("name", ["session", "", "App", None])
def test_an_unknown_scope_is_refused_with_those_that_there_are(
    app: Callable[..., AppTest], name: object
) -> None:
    def script(name: object) -> None:
        import streamlit_pgstate as pgstate

        pgstate.scope(name)

    visitor = AppTest.from_function(script, args=(name,), default_timeout=30).run()
    assert f"There is no scope {name!r}" in visitor.exception[0].message
    for there_is in ("'browser'", "'tab'", "'user'", "'app'"):
        assert there_is in visitor.exception[0].message


def test_a_user_in_an_app_without_a_login_is_told(app: Callable[..., AppTest]) -> None:
    def script() -> None:
        import streamlit_pgstate as pgstate

        pgstate.scope("user")

    message = app(script).run().exception[0].message
    assert "The scope 'user' needs st.login" in message
    assert "[auth]" in message


@pytest.mark.parametrize("name", ["tab", "user", "app"])
def test_outside_a_script_there_is_no_visitor(name: str) -> None:
    with pytest.raises(pgstate.NoSessionError):
        pgstate.scope(name)  # type: ignore[call-overload]
