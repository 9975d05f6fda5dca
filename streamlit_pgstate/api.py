"""The verbs that a script calls, each for the visitor whose run it is."""

from __future__ import annotations

import builtins
from collections.abc import Callable, KeysView
from datetime import timedelta
from typing import Any, Literal, Never, TypeVar, Unpack, overload

from streamlit_pgstate.page import apps, scopes
from streamlit_pgstate.page import tab as _tab
from streamlit_pgstate.page.app import App
from streamlit_pgstate.page.outage import verb
from streamlit_pgstate.page.scopes import UserState
from streamlit_pgstate.page.surroundings import SURROUNDINGS
from streamlit_pgstate.postgres.health import Health
from streamlit_pgstate.settings import Address, AppKeywords, StoreKeywords
from streamlit_pgstate.state.mapping import State, Updates
from streamlit_pgstate.state.revision import Revision
from streamlit_pgstate.state.session_info import SessionInfo
from streamlit_pgstate.state.store import Store

__all__ = [
    "App",
    "clear",
    "configure",
    "connect",
    "delete",
    "forget",
    "get",
    "health",
    "history",
    "inspector",
    "keys",
    "modify",
    "mount",
    "persist",
    "redo",
    "restore",
    "rotate",
    "scope",
    "session",
    "set",
    "undo",
    "update",
]

_T = TypeVar("_T")
_R = TypeVar("_R")

# `| Any` because the stored value may have another type than the default. The overloads with
# `Never` match empty containers: mypy would infer `list[Never]`, to which nothing can be appended.


@overload
def get(key: str, default: None = None, *, version: int | None = None) -> Any: ...
@overload
def get(key: str, default: list[Never], *, version: int | None = None) -> list[Any]: ...
@overload
def get(key: str, default: dict[Never, Never], *, version: int | None = None) -> dict[Any, Any]: ...
@overload
def get(
    key: str, default: builtins.set[Never], *, version: int | None = None
) -> builtins.set[Any]: ...
@overload
def get(key: str, default: _T, *, version: int | None = None) -> _T | Any: ...
@verb
def get(key: str, default: Any = None, *, version: int | None = None) -> Any:
    """Return the value under `key`, or `default` if there is none.

    The value is the caller's own object: changing it changes nothing that is stored.

    Args:
        key: text of 1 to 255 characters.
        default: returned as it is, if nothing is stored under `key`. Nothing is stored under what
            is not text.
        version: of the value, as `history` names it; None for the present one. `default` is
            returned, too, if that version is no longer in the history.

    Raises:
        InvalidKey: `key` is text that cannot be a key.
        DecodeError: this version of the package cannot read the stored value. It stays stored.
        NoSessionError: the call is not in the run of a Streamlit script.
        StoreUnavailable: PostgreSQL cannot be reached.

    Example:
        >>> size = pgstate.get("size", 10)  # doctest: +SKIP
    """
    return _tab.current().browser.call(lambda state: state.get(key, default, version=version))


@verb
def set(key: str, value: Any, *, ttl: float | timedelta | None = None) -> None:
    """Store `value` under `key`. It is committed when this returns.

    If the same value is stored already, nothing is written.

    Args:
        key: text of 1 to 255 characters.
        value: a plain Python value, bytes, an array, a DataFrame, a file, or a container of these.
            docs/values.md lists all types.
        ttl: the lifetime, as seconds or a timedelta; None for no limit. Each `set` starts it
            again, also with the same value.

    Raises:
        InvalidKey: `key` cannot be a key.
        UnsupportedType: the value holds something that cannot be kept exactly. The message says
            where.
        LimitExceeded: the value is larger than `max_value_bytes`, or the session would exceed
            `max_session_bytes` or `max_keys`.
        ConfigError: `ttl` is not a positive number of seconds.
        NoSessionError: the call is not in the run of a Streamlit script.
        StoreUnavailable: PostgreSQL cannot be reached or does not answer. The message says whether
            nothing was stored, or nobody knows.

    Example:
        >>> pgstate.set("size", 10)  # doctest: +SKIP
        >>> pgstate.set("code", "4711", ttl=600)  # for ten minutes  # doctest: +SKIP
    """
    _tab.current().browser.call(lambda state: state.set(key, value, ttl=ttl))


@verb
def update(values: Updates = (), /, **more: Any) -> None:
    """Store all values in one transaction: all of them, or none.

    The values have no lifetime. For a `ttl` use `set`.

    Args:
        values: a mapping of keys and values, as for `set`, or pairs of them.
        **more: further keys and values.

    Raises:
        InvalidKey: one of the keys cannot be a key.
        UnsupportedType: one of the values cannot be kept exactly.
        LimitExceeded: a value is too large, or the session would be.
        NoSessionError: the call is not in the run of a Streamlit script.
        StoreUnavailable: PostgreSQL cannot be reached or does not answer. The values may not have
            been stored.

    Example:
        >>> pgstate.update({"size": 10}, page="Matrix")  # doctest: +SKIP
    """
    _tab.current().browser.call(lambda state: state.update(values, **more))


@overload
def modify(key: str, fn: Callable[[Any], _R], default: None = None) -> _R: ...
@overload
def modify(key: str, fn: Callable[[list[Any]], _R], default: list[Never]) -> _R: ...
@overload
def modify(key: str, fn: Callable[[dict[Any, Any]], _R], default: dict[Never, Never]) -> _R: ...
@overload
def modify(key: str, fn: Callable[[builtins.set[Any]], _R], default: builtins.set[Never]) -> _R: ...
@overload
def modify(key: str, fn: Callable[[_T], _R], default: _T) -> _R: ...
@verb
def modify(key: str, fn: Callable[[Any], Any], default: Any = None) -> Any:
    """Replace the value under `key` by `fn(value)`, atomically, and return the new value.

    No change by another tab in between is lost. If the value has a `ttl`, it keeps it, and the
    lifetime starts again.

    Args:
        key: text of 1 to 255 characters.
        fn: gets the value, or `default` if there is none, and returns the new value. It runs again
            if another has changed this key meanwhile, so it should have no side effects.
        default: what `fn` gets if nothing is stored under `key`.

    Raises:
        InvalidKey: `key` cannot be a key.
        UnsupportedType: the new value cannot be kept exactly.
        LimitExceeded: the new value is too large, or the session would be.
        DecodeError: this version of the package cannot read the stored value. It stays stored.
        NoSessionError: the call is not in the run of a Streamlit script.
        StoreUnavailable: PostgreSQL cannot be reached or does not answer, or others were faster 100
            times. The message says whether nothing was stored, or nobody knows.

    Example:
        >>> visits = pgstate.modify("visits", lambda n: n + 1, default=0)  # doctest: +SKIP
    """
    return _tab.current().browser.call(lambda state: state.modify(key, fn, default))


@verb
def persist(*keys: str, **defaults: Any) -> None:
    """Make keys of `st.session_state` durable, whether they belong to widgets or not.

    Call it above the widgets. The call puts the stored values into `st.session_state`. What the
    visitor and the script change there is saved at the end of the run, even if the run ends early.
    In a fragment, call it inside of the fragment.

    Args:
        *keys: keys of `st.session_state`, such as the `key=` of widgets.
        **defaults: further keys, each with the value that it has while nothing is stored.

    Raises:
        InvalidKey: a name cannot be a key.
        ConfigError: the widget of a key was drawn already, or its value cannot be set.
        NoSessionError: the call is not in the run of a Streamlit script.
        StoreUnavailable: PostgreSQL cannot be reached.

    Example:
        >>> pgstate.persist("page", size="10")  # doctest: +SKIP
        >>> page = st.selectbox("Page", ["Hello", "Matrix"], key="page")  # doctest: +SKIP
        >>> size = st.text_input("Size", key="size")  # doctest: +SKIP
    """
    _tab.current().persist(keys, defaults)


@verb
def delete(key: str) -> bool:
    """Delete `key` and its value.

    Args:
        key: text of 1 to 255 characters.

    Returns:
        Whether there was a value.

    Raises:
        InvalidKey: `key` cannot be a key.
        NoSessionError: the call is not in the run of a Streamlit script.
        StoreUnavailable: as `set`.

    Example:
        >>> if st.button("Reset"):  # doctest: +SKIP
        ...     pgstate.delete("matrix")
    """
    return _tab.current().browser.call(lambda state: state.delete(key))


@verb
def clear() -> int:
    """Delete all keys of this visitor. The token stays valid; `forget` ends it, too.

    Returns:
        The number of deleted keys.

    Raises:
        NoSessionError: the call is not in the run of a Streamlit script.
        StoreUnavailable: PostgreSQL cannot be reached.

    Example:
        >>> st.button("Delete my data", on_click=pgstate.clear)  # doctest: +SKIP
    """
    return _tab.current().browser.call(State.clear)


@verb
def keys() -> KeysView[str]:
    """Return the names of all keys that hold a value now, sorted. Later changes do not show in it.

    Raises:
        NoSessionError: the call is not in the run of a Streamlit script.
        StoreUnavailable: PostgreSQL cannot be reached.

    Example:
        >>> {key: pgstate.get(key) for key in pgstate.keys()}  # doctest: +SKIP
    """
    return _tab.current().browser.call(State.keys)


@verb
def history(key: str, limit: int = 100) -> list[Revision]:
    """Return the last versions of `key`, newest first: the present one, and those before it.

    A deletion is a version, too. How many there are is the setting `history`. Without it there is
    the present one alone.

    Args:
        key: text of 1 to 255 characters.
        limit: how many at most.

    Raises:
        InvalidKey: `key` cannot be a key.
        ConfigError: `limit` is no whole number over 0.
        NoSessionError: the call is not in the run of a Streamlit script.
        StoreUnavailable: PostgreSQL cannot be reached.

    Example:
        >>> for revision in pgstate.history("matrix"):  # doctest: +SKIP
        ...     st.write(revision.changed_at, pgstate.get("matrix", version=revision.version))
    """
    return _tab.current().browser.call(lambda state: state.history(key, limit))


@verb
def restore(key: str, version: int) -> None:
    """Make an older version of `key` the present one: a change of its own, as a new version.

    If the value has a `ttl`, that goes on. A large value is not sent again.

    Args:
        key: text of 1 to 255 characters.
        version: as `history` names it.

    Raises:
        VersionGone: there is no such version, or it has no value. The message names those that
            there are.
        LimitExceeded: the session would be too large.
        InvalidKey: `key` cannot be a key.
        NoSessionError: the call is not in the run of a Streamlit script.
        StoreUnavailable: as `set`.

    Example:
        >>> before = pgstate.history("matrix")[1]  # doctest: +SKIP
        >>> pgstate.restore("matrix", before.version)  # doctest: +SKIP
    """
    _tab.current().browser.call(lambda state: state.restore(key, version))


@verb
def undo() -> list[str]:
    """Take back what the last run has changed that changed something, as a whole.

    It does not matter which tab's run it was. Calling it again takes back the run before that one.
    What this run has changed in `persist`ed widgets is saved first, so it is what is taken back.
    The page then runs again, and shows the result. In a callback a run follows anyhow.

    Keys that were changed since by a process without a history stay as they are.

    Returns:
        The keys that have changed, sorted; empty if there is nothing to undo. Outside of callbacks
        it returns only in this case.

    Raises:
        ConfigError: the setting `history` is 0.
        VersionGone: what a key held before is no longer in the history. Nothing was changed.
        LimitExceeded: the session would be too large.
        NoSessionError: the call is not in the run of a Streamlit script.
        StoreUnavailable: as `set`.

    Example:
        >>> st.button("Undo", on_click=pgstate.undo)  # doctest: +SKIP
    """
    return _tab.current().browser.call(State.undo)


@verb
def redo() -> list[str]:
    """Make the changes again that `undo` has taken back last. A new change ends this.

    Returns:
        As `undo`.

    Raises:
        ConfigError, VersionGone, LimitExceeded, NoSessionError, StoreUnavailable: as `undo`.

    Example:
        >>> st.button("Redo", on_click=pgstate.redo)  # doctest: +SKIP
    """
    return _tab.current().browser.call(State.redo)


@verb
def inspector(*, allow: Callable[[Any], bool] | None = None, allow_changes: bool = False) -> None:
    """Draw a page for operators: the sessions of this database, their keys, values and history.

    It is closed unless `allow` returns True: then the page shows a sentence, and the run ends. It
    shows what all visitors of all apps in the schema have stored, so name few people. It reads
    without a trace: no row changes, and no expiry moves. It shows no tokens and no keys of the
    encryption.

    Args:
        allow: is called with `st.user`, and returns True if they may see the page. Whatever else it
            returns, and an error in it, closes the page. Who somebody is, `st.login` has to find
            out.
        allow_changes: whether values can be restored to a former version, and sessions forgotten,
            each after a confirmation.

    Raises:
        NoSessionError: the call is not in the run of a Streamlit script.
        ConfigError: `allow` is no function.

    Example:
        >>> operators = {"ada@example.com"}
        >>> pgstate.inspector(allow=lambda user: user.get("email") in operators)  # doctest: +SKIP
    """
    from streamlit_pgstate.page.inspection import page  # only who looks needs it

    page.draw_for_visitor(allow, allow_changes=allow_changes)


@overload
def scope(name: Literal["user"]) -> UserState: ...
@overload
def scope(name: Literal["browser", "tab", "app"] = ...) -> State: ...
@verb
def scope(name: str = "browser") -> State:
    """Return the state of a scope: a mapping that has all verbs as methods.

    Threads may use it, and it may be pickled for other processes.

    Args:
        name: whose state it is:

            - "browser": all tabs of this browser share it. The verbs of this module work on it.
            - "tab": only this tab has it. It survives F5.
            - "user": the user whom `st.login` knows, on every device.
            - "app": all visitors share it.

    Raises:
        NoSessionError: the scope is "user" and nobody is logged in; or the call is not in the run
            of a Streamlit script.
        ConfigError: the scope is "user" and the app has no login; or there is no such scope.
        StoreUnavailable: PostgreSQL cannot be reached.

    Example:
        >>> pgstate.scope("app").modify("visitors", lambda n: n + 1, default=0)  # doctest: +SKIP
    """
    match name:
        case "browser":
            return scopes.browser()
        case "tab":
            return scopes.tab()
        case "user":
            return scopes.user()
        case "app":
            return scopes.app()
    return scopes.unknown(name)


@verb
def session() -> SessionInfo:
    """Return what is known of the visitor's session: two round trips.

    Returns:
        The id, app and scope; the times of creation, last visit and expiry, which are None until
        the first write; the number of keys and of bytes; `durable`, which is True if the browser
        keeps the token, False if it cannot, and None until it has answered; `arrival`, which is
        "new", "returning", "expired" or "forgotten" for the whole life of a page; and `came_by`,
        which is "cookie" or "localStorage", or None for a new visitor.

    Raises:
        NoSessionError: the call is not in the run of a Streamlit script.
        StoreUnavailable: PostgreSQL cannot be reached.

    Example:
        >>> if pgstate.session().durable is False:  # doctest: +SKIP
        ...     st.warning("Your browser does not keep anything for this page.")
        >>> if pgstate.session().arrival == "returning":  # doctest: +SKIP
        ...     st.toast("Welcome back.")
    """
    return _tab.current().browser.call(State.session)


@verb
def rotate() -> None:
    """Give this browser a new token for the same state. A login by st.login does so by itself.

    Both tokens open the state until the browser has said that it keeps the new one, mostly within
    a second. After that the former token stays valid for two more minutes, for requests
    that are already on their way. If two tabs rotate at once, one of them does, and both get its
    token. Only the current token can be rotated.

    Raises:
        NoSessionError: the call is not in the run of a Streamlit script.
        StoreUnavailable: PostgreSQL cannot be reached, or its answer was lost. The former token
            still works. Call it again.

    Example:
        >>> if st.button("Renew"):  # doctest: +SKIP
        ...     pgstate.rotate()
    """
    _tab.current().browser.rotate()


@verb
def forget() -> None:
    """Delete the state and the token of this browser, and the state of this tab.

    No open tab can bring them back. The visitor continues with an empty state under a new token.

    Raises:
        NoSessionError: the call is not in the run of a Streamlit script.
        StoreUnavailable: PostgreSQL cannot be reached; or the connection broke, so that it is
            unknown whether the state was deleted.

    Example:
        >>> st.button("Forget me", on_click=pgstate.forget)  # doctest: +SKIP
    """
    _tab.current().forget()


@verb
def health() -> Health:
    """Return whether the database can be reached, and has the layout that this version needs.

    It answers within some two seconds, changes nothing, needs no visitor, and asks the database
    once a second at most. It raises no error for what it finds.

    Returns:
        `status` says what was found, such as "ok", "behind" or "unreachable"; `is_healthy` whether
        visitors can be served; and `reason` what to do.

    Example:
        >>> pgstate.health().status  # doctest: +SKIP
        'ok'
    """
    return apps.health_of(apps.tables_of_process)


@verb
def mount(*, wait: bool = False, live: bool = False) -> None:
    """Add the component to the page. Every other verb does so by itself.

    Args:
        wait: pause the script until the browser has said which token it keeps, for 5 s at most.
            Without it, a run
            on a first visit, or after the cookie was lost, may be repeated with another state, and
            what it has written is dropped.
        live: run the script again when something that the page has read is changed elsewhere, in
            any scope. The run comes at once if another live page of this browser has made the
            change, and within two seconds otherwise. This costs one read a second for each scope
            that the page has read, while the page is visible.

    Raises:
        NoSessionError: the call is not in the run of a Streamlit script.
        StoreUnavailable: PostgreSQL cannot be reached.

    Example:
        >>> pgstate.mount(live=True)  # doctest: +SKIP
    """
    tab = _tab.current(waits=wait)
    if wait:
        tab.browser.wait_for_browser()
    if live:
        tab.follow()


@verb
def configure(**settings: Unpack[AppKeywords]) -> None:
    """Set the settings of this app. Call it before the app's first verb.

    A setting that is not given comes from ``[connections.pgstate]`` in ``secrets.toml``, then from
    the environment (``PGSTATE_URL``, …), then from its default. docs/settings.md describes all.

    Args:
        **settings: `url`, `app` and `schema`: where the state is stored.

            `session_ttl`, `session_max_age` and `timeout`: a timedelta, seconds, or text such as
            ``"30d"``.

            `max_value_bytes` and `max_session_bytes`: bytes, or text such as ``"256MiB"``.

            `cache_bytes`: how much memory the large values take at most that this process keeps,
            as bytes or text; 0 for none.

            `max_keys`: the number of keys of one session.

            `history`: how many versions of each key are kept, the present one included; 0 for no
            history.

            `pool_size`: how many connections this process opens to the database at most.

            `max_new_sessions`: how many sessions one process may create a minute.

            `signing_key`: at least 32 characters; or several, of which the first signs.

            `encryption_key`: 32 bytes in urlsafe base64; or several, of which the first encrypts.

            `gc_interval`: how often an app deletes what is no longer needed, as a duration; 0 for
            never.

            `gc_batch`: how many rows one transaction of that deletes.

            `gc_freeze`: whether the first run takes the libraries that are loaded out of Python's
            garbage collector, once a process: docs/garbage-collection.md.

            `auto_migrate`, `cookie` and `http_only`: booleans.

            `shape`: the number of the shape that this deploy gives to what it stores, from 1 on.

            `upgrade`: a function that gets the stored values, as a mapping, and the shape that they
            have. It changes them to this shape, or returns a mapping of all new values.

    Raises:
        ConfigError: there is no such setting, or a value is not allowed.

    Example:
        >>> pgstate.configure(app="shop", session_ttl="7d")  # doctest: +SKIP
    """
    apps.configure(settings)


@verb
def connect(url: Address | None = None, **settings: Unpack[StoreKeywords]) -> Store:
    """Return a store, for use without Streamlit. It opens no connection before its first verb.

    Args:
        url: ``postgresql://user:password@host:5432/database``. If it is None, it comes from
            ``secrets.toml`` or the environment.
        **settings: as for `configure`.

    Raises:
        ConfigError: there is no such setting, or a value is not allowed; or there is no `url`, and
            the embedded PostgreSQL is not installed.

    Example:
        >>> store = pgstate.connect("postgresql://localhost/app")  # doctest: +SKIP
        >>> state = store.state(store.new_token())  # doctest: +SKIP
        >>> state["size"] = 10  # doctest: +SKIP
    """
    return Store(apps.connect({"url": url, **settings}), surroundings=SURROUNDINGS)
