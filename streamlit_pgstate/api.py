"""The verbs, as a script calls them: each works on the state of the visitor at hand."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Literal, Never, TypeVar, Unpack, overload

from streamlit_pgstate.page import apps, scopes
from streamlit_pgstate.page import tab as _tab
from streamlit_pgstate.page.host import HOST
from streamlit_pgstate.page.outage import verb
from streamlit_pgstate.page.scopes import UserState
from streamlit_pgstate.settings import Address, AppKeywords, StoreKeywords
from streamlit_pgstate.state.mapping import SessionInfo, State
from streamlit_pgstate.state.store import Store

__all__ = [
    "clear",
    "configure",
    "connect",
    "delete",
    "forget",
    "get",
    "keys",
    "modify",
    "mount",
    "persist",
    "rotate",
    "scope",
    "session",
    "set",
    "update",
]

_T = TypeVar("_T")
_R = TypeVar("_R")

# What is stored may be of another type than the default, hence `| Any`. An empty list is one of
# `Never` to mypy, to which nothing could be appended.


@overload
def get(key: str, default: None = None) -> Any: ...
@overload
def get(key: str, default: list[Never]) -> list[Any]: ...
@overload
def get(key: str, default: dict[Never, Never]) -> dict[Any, Any]: ...
@overload
def get(key: str, default: builtins.set[Never]) -> builtins.set[Any]: ...
@overload
def get(key: str, default: _T) -> _T | Any: ...
@verb
def get(key: str, default: Any = None) -> Any:
    """The value under `key`, or `default`; changing it changes nothing stored.

    Example:
        >>> size = pgstate.get("size", 10)  # doctest: +SKIP
    """
    return _tab.current().browser.call(lambda state: state.get(key, default))


@verb
def set(key: str, value: Any, *, ttl: float | timedelta | None = None) -> None:
    """Store `value`; it is committed when this returns. What is there already is not written.

    Args:
        key: 1 to 255 characters.
        value: a plain Python value, bytes, or a pandas DataFrame, nested as you like.
        ttl: seconds, or a timedelta, until it is gone, counted anew by each `set`, of the same
            value too; None for never.

    Raises:
        InvalidKey: `key` cannot be a key.
        UnsupportedType: the value holds what cannot be kept exactly; says where.
        LimitExceeded: it is too large, or the session would be.
        StoreUnavailable: PostgreSQL cannot be reached; nothing was stored.

    Example:
        >>> pgstate.set("size", 10)  # doctest: +SKIP
    """
    _tab.current().browser.call(lambda state: state.set(key, value, ttl=ttl))


@verb
def update(mapping: Mapping[str, Any], /) -> None:
    """Store all values of `mapping` in one transaction, or none of them; without a ttl.

    Raises as `set`.
    """
    _tab.current().browser.call(lambda state: state.update(mapping))


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
    """Replace the value by `fn(value)` and return it; nobody's change in between is lost.

    `fn` gets `default` where there is no value; it may run again when another tab was faster. A
    ttl stays, and is counted anew.

    Example:
        >>> visits = pgstate.modify("visits", lambda n: n + 1, default=0)  # doctest: +SKIP
    """
    return _tab.current().browser.call(lambda state: state.modify(key, fn, default))


@verb
def persist(*keys: str, **defaults: Any) -> None:
    """Make keys of `st.session_state` durable, widgets or not. Call it above the widgets.

    What is stored goes into `st.session_state` here; what the visitor and the script change in it
    is saved when the run ends, whatever ends it. In a fragment, call it inside.

    Args:
        *keys: as in `st.session_state` and the `key=` of widgets.
        **defaults: keys too, with the value to begin with where nothing is stored.

    Raises:
        InvalidKey: a name cannot be a key.
        ConfigError: the widget of a key was drawn already, or is one that nobody can set.

    Example:
        >>> pgstate.persist("page", size="10")  # doctest: +SKIP
        >>> size = st.text_input("Size", key="size")  # doctest: +SKIP
    """
    _tab.current().persist(keys, defaults)


@verb
def delete(key: str) -> bool:
    """Delete `key`; whether there was one."""
    return _tab.current().browser.call(lambda state: state.delete(key))


@verb
def clear() -> int:
    """Delete all keys of this visitor; how many went. The token stays: see `forget`."""
    return _tab.current().browser.call(State.clear)


@verb
def keys() -> list[str]:
    """The names of all keys that hold a value, sorted."""
    return _tab.current().browser.call(State.keys)


@overload
def scope(name: Literal["user"]) -> UserState: ...
@overload
def scope(name: Literal["browser", "tab", "app"] = ...) -> State: ...
@verb
def scope(name: str = "browser") -> State:
    """The state itself: a mapping with all the verbs, which threads and other processes may use.

    Args:
        name: "browser", shared by all tabs of this browser, as for all verbs of the module;
            "tab", of this tab alone, which F5 does not end;
            "user", of who `st.login` says it is, on every device; "app", shared by all visitors.

    Raises:
        NoSessionError: "user", and nobody is logged in.
        ConfigError: "user", and the app has no login; or there is no such scope.

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
    """What is known of the visitor's session: its id, times, number of keys and bytes."""
    return _tab.current().browser.call(State.session)


@verb
def rotate() -> None:
    """Give this browser a new token for the same state, after a login for instance.

    The old one works for two more minutes, for tabs that are on their way.
    """
    _tab.current().browser.rotate()


@verb
def forget() -> None:
    """Delete the visitor's state and token; no open tab can bring them back."""
    _tab.current().forget()


@verb
def mount(*, wait: bool = False, live: bool = False) -> None:
    """Add the component to the page; every other verb does it by itself.

    Args:
        wait: hold the script up until the browser has answered, 5 s at most. On a first visit,
            and where the cookie was lost, a run may be replayed with another state; with `wait`
            none is.
        live: run the page again when what it has read changes elsewhere, in any scope: at once
            where another live page of this browser has changed it, else within two seconds. It
            costs one read a second for each scope read, while the page can be seen.
    """
    tab = _tab.current(waits=wait)
    if wait:
        tab.browser.wait_for_browser()
    if live:
        tab.follow()


@verb
def configure(**settings: Unpack[AppKeywords]) -> None:
    """Set the settings of this app, before its first verb.

    Args:
        **settings: `url`, `app`, `schema`, `session_ttl`, `session_max_age`,
            `max_value_bytes`, `max_session_bytes`, `max_keys`, `signing_key`, `timeout`,
            `auto_migrate`, `cookie`. What is not given comes from ``[connections.pgstate]`` in
            ``secrets.toml``, then from the environment (``PGSTATE_URL``, …).

    Raises:
        ConfigError: a name is unknown or a value does not fit.
    """
    apps.configure(settings)


@verb
def connect(url: Address | None = None, **settings: Unpack[StoreKeywords]) -> Store:
    """A store for use without Streamlit; opens no connection by itself.

    Args:
        url: ``postgresql://user:password@host:5432/database``.
        **settings: as in `configure`.

    Example:
        >>> store = pgstate.connect("postgresql://localhost/app")  # doctest: +SKIP
        >>> state = store.state(store.new_token())  # doctest: +SKIP
    """
    return Store(apps.connect({"url": url, **settings}), host=HOST)
