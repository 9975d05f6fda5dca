"""State: what a session holds, as a mapping of Python values. The class that users work with.

Decodes values and checks keys; `written_session` encodes, and knows what is stored. What `get`
returns is the caller's own object.
"""

from __future__ import annotations

import builtins
import io
import uuid
from collections.abc import (
    Callable,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    MutableMapping,
    ValuesView,
)
from datetime import timedelta
from typing import Any, Final, Never, Protocol, Self, TypeAlias, TypeVar, cast, overload

from streamlit_pgstate import codecs
from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.errors import ConfigError
from streamlit_pgstate.postgres.faults import NothingStored
from streamlit_pgstate.postgres.rows import EntryRow
from streamlit_pgstate.state.key import check_key, named
from streamlit_pgstate.state.revision import Revision, check_version
from streamlit_pgstate.state.session import Session
from streamlit_pgstate.state.session_info import SessionInfo
from streamlit_pgstate.state.surroundings import Surroundings, method_verb
from streamlit_pgstate.state.views import Items, Keys, Values
from streamlit_pgstate.state.written_session import MAX_ATTEMPTS, outrun

_RAISE: Final = object()

_KEPT_DECODED: Final = 1024
"""Bytes of the largest body whose value is kept decoded, too."""

_UNCHANGEABLE: Final = frozenset({type(None), bool, int, float, str})
"""Exact types whose values nobody can change in place."""
_NOTHING_STORED: Final = NothingStored()


class HasKeys(Protocol):
    """A mapping, as far as `update` needs one."""

    def keys(self) -> Iterable[str]: ...

    def __getitem__(self, key: str, /) -> Any: ...


Updates: TypeAlias = HasKeys | Iterable[tuple[str, Any]]
"""What `update` takes, as that of `dict` does."""

_R = TypeVar("_R")
_T = TypeVar("_T")


class State(MutableMapping[str, Any]):
    """All verbs over one session, as methods and as a mapping. `Store.state` makes one.

    Safe for threads, and forked children. What `get` returns is the caller's own: changing it
    changes nothing stored. Pickled, it holds the session's id and neither URL nor token: where
    it is unpickled it connects, at the first verb, with the settings that it finds there.

    Example:
        >>> state["size"] = 10  # doctest: +SKIP
        >>> state.modify("visits", lambda n: n + 1, default=0)  # doctest: +SKIP
        1
    """

    def __init__(self, session: Session) -> None:
        self._session = session  # the session itself; `session()` returns facts about it

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """For a worker: the session, whose row is there from now on, so that it may write."""
        return self._session.surroundings.reopen, self._session.hand_over()

    @property
    def _surroundings(self) -> Surroundings:
        return self._session.surroundings

    @property
    def id(self) -> uuid.UUID:
        """The session's id.

        Not a secret: only a process that can reach the database opens the state by it.
        """
        return self._session.id

    @property
    def scope(self) -> str:
        """Whose state it is: "browser", "tab", "user" or "app"."""
        return self._session.scope

    @property
    def version(self) -> int:
        """The session's version as of the last read or write; 0 where the session has no row.

        Each write raises it, even a `delete` of a missing key, which changes nothing. A state that
        was just unpickled has 0 until its first verb.
        """
        return self._session.version

    def __repr__(self) -> str:
        return f"<State of session {self.id}>"

    # Reading

    # Typed as `pgstate.get`. Mapping's own has no overload for an empty list.
    @overload
    def get(self, key: str, default: None = None, *, version: int | None = None) -> Any: ...
    @overload
    def get(self, key: str, default: list[Never], *, version: int | None = None) -> list[Any]: ...
    @overload
    def get(
        self, key: str, default: dict[Never, Never], *, version: int | None = None
    ) -> dict[Any, Any]: ...
    @overload
    def get(
        self, key: str, default: builtins.set[Never], *, version: int | None = None
    ) -> builtins.set[Any]: ...
    @overload
    def get(self, key: str, default: _T, *, version: int | None = None) -> _T | Any: ...
    @method_verb
    def get(self, key: Any, default: Any = None, *, version: int | None = None) -> Any:
        """The value under `key`, the caller's own; `default` where there is none.

        As for a `dict`, there is none under a key that is not text.

        Args:
            key: text of 1 to 255 characters.
            default: returned as it is, if there is no value.
            version: of the value, as `history` names it; None for the present one.

        Raises:
            InvalidKey: `key` is text that cannot be a key.
            DecodeError: the row cannot be read by this version; it is left as it is.
        """
        if not isinstance(key, str):
            return default
        if version is None and type(key) is str and (known := self._session.at_hand(key)):
            return known[1]
        key = check_key(key)
        if version is not None:
            return self._value_of(key, check_version(version), default)
        entry = self._session.read(key)
        if entry is None:
            # This thread has seen that the key is gone, so in a walk `[]` must not find it any
            # more.
            self._session.end_walk()
            return default
        try:
            return self._value(key, entry)
        except KeyError:
            return default

    def _value_of(self, key: str, version: int, default: Any) -> Any:
        entry = self._session.entry_of(key, version)
        if entry is None:
            return default
        with self._session.work(f"Reading {key!r}") as work:
            payload = self._session.payload_of(key, entry, work)
        return default if payload is None else codecs.decode(payload, key=key)

    @method_verb
    def __getitem__(self, key: str) -> Any:
        if type(key) is str and (known := self._session.at_hand(key)):
            return known[1]
        key = check_key(key)
        entry = self._session.look_up(key)
        if entry is None:
            raise KeyError(key)
        return self._value(key, entry)

    def _value(self, key: str, entry: EntryRow) -> Any:
        """The value of an entry; of a newer one, where a large value was replaced meanwhile.

        Raises:
            KeyError: a large value was deleted meanwhile.
        """
        if entry.body is not None:
            return self._small_value(key, entry, entry.body)
        with self._session.work(f"Reading {key!r}") as work:
            return self._session.value(key, entry, work)

    def _small_value(self, key: str, entry: EntryRow, body: bytes) -> Any:
        """The value of an entry that holds its body. A text takes 1 µs to decode, 0.1 µs to find.

        A page reads the same small values in each run, and most of them cannot be changed.
        """
        known = self._session.decoded.get(key)
        if known is not None and known[0] is entry:
            return known[1]
        value = codecs.decode(Payload(entry.kind or "", body), key=key)
        if len(body) <= _KEPT_DECODED and type(value) in _UNCHANGEABLE:
            self._session.decoded[key] = entry, value
        return value

    @method_verb
    def __contains__(self, key: object) -> bool:
        is_there = isinstance(key, str) and self._session.read(str.__str__(key)) is not None
        if not is_there:
            self._session.end_walk()  # as in `get`
        return is_there

    def keys(self) -> KeysView[str]:
        """The names of all keys that hold a value now, sorted.

        Later changes do not show in it.
        """
        rows = self._rows()
        self._session.begin_walk(rows)
        return cast("KeysView[str]", Keys(row.key for row in rows))

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self))

    def __len__(self) -> int:
        return len(self._rows())

    def items(self) -> ItemsView[str, Any]:
        """All keys with their values, sorted. Each iteration shows those of its beginning.

        It reads one value after the other. A large one that was deleted meanwhile is left out.
        """
        return Items(self, self._pairs)

    def values(self) -> ValuesView[Any]:
        """The values of all keys; as `items`."""
        return Values(self, self._pairs)

    def _pairs(self) -> Iterator[tuple[str, Any]]:
        for row in self._rows():
            self._session.read(row.key)  # records that the run has read it
            try:
                value = self._value(row.key, row)
            except KeyError:
                continue
            yield row.key, value

    @method_verb
    def _rows(self) -> list[EntryRow]:
        return self._session.rows()

    @method_verb
    def session(self) -> SessionInfo:
        """What is known of the session, as of now: two round trips."""
        session = self._session
        times, rows = session.times()
        return SessionInfo(
            id=self.id,
            app=times.app if times else session.settings.app,
            scope=times.scope if times else self.scope,
            created_at=times.created_at if times else None,
            seen_at=times.seen_at if times else None,
            expires_at=times.expires_at if times else None,
            keys=len(rows),
            bytes=sum(row.size for row in rows),
            durable=session.durable,
            arrival=session.arrival,
            came_by=session.came_by,
        )

    # Writing

    @method_verb
    def set(self, key: str, value: Any, *, ttl: float | timedelta | None = None) -> None:
        """Store `value` under `key`. It is committed when this returns.

        If the same value is stored already, nothing is written. In a script, what its run has read
        counts as stored. Elsewhere the database is asked.

        Args:
            key: text of 1 to 255 characters.
            value: a plain Python value, bytes, an array, a DataFrame, a file, or a container of
                these. docs/values.md lists all types.
            ttl: the lifetime, as seconds or a timedelta; None for no limit. Each `set` starts it
                again, also with the same value.

        Raises:
            InvalidKey: `key` cannot be a key.
            UnsupportedType: the value holds something that cannot be kept exactly. The message
                says where.
            LimitExceeded: the value is larger than `max_value_bytes`, or the session would exceed
                `max_session_bytes` or `max_keys`. The former value stays.
            ConfigError: `ttl` is not a positive number of seconds.
            StoreUnavailable: PostgreSQL cannot be reached or does not answer. The message says
                whether nothing was stored, or nobody knows.
        """
        self._store({key: value}, ttl=ttl)

    @method_verb
    def __setitem__(self, key: str, value: Any) -> None:
        self._store({key: value})

    @method_verb
    def update(self, values: Updates = (), /, **more: Any) -> None:
        """Store all values in one transaction: all of them, or none.

        The values have no lifetime. For a `ttl` use `set`. Raises as `set`.

        Args:
            values: a mapping, or pairs of a key and its value.
            **more: further keys and values.

        Example:
            >>> state.update({"size": 10}, page="Matrix")  # doctest: +SKIP
        """
        self._store(dict(values, **more))

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self) | dict(other) if isinstance(other, Mapping) else NotImplemented

    def __ror__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return dict(other) | dict(self) if isinstance(other, Mapping) else NotImplemented

    def __ior__(self, values: Updates) -> Self:
        self.update(values)
        return self

    def _store(self, given: dict[str, Any], *, ttl: float | timedelta | None = None) -> None:
        session, seconds = self._session, _ttl_seconds(ttl)
        values = {check_key(key): value for key, value in given.items()}
        with _NOTHING_STORED, session.work(lambda: f"Saving {named(list(values))}") as work:
            payloads = {key: session.encode(key, value) for key, value in values.items()}
            session.store(payloads, ttl=seconds, work=work)

    @overload
    def modify(self, key: str, fn: Callable[[Any], _R], default: None = None) -> _R: ...
    @overload
    def modify(self, key: str, fn: Callable[[list[Any]], _R], default: list[Never]) -> _R: ...
    @overload
    def modify(
        self, key: str, fn: Callable[[dict[Any, Any]], _R], default: dict[Never, Never]
    ) -> _R: ...
    @overload
    def modify(
        self, key: str, fn: Callable[[builtins.set[Any]], _R], default: builtins.set[Never]
    ) -> _R: ...
    @overload
    def modify(self, key: str, fn: Callable[[_T], _R], default: _T) -> _R: ...
    @method_verb
    def modify(self, key: str, fn: Callable[[Any], Any], default: Any = None) -> Any:
        """Replace the value by `fn(value)`, atomically; returns the new value.

        A ttl stays, and is counted anew.

        Args:
            key: as in `set`.
            fn: gets the value, or `default` where there is none; runs again when another has
                written this key meanwhile, so it should do nothing but compute.
            default: as in `get`.

        Raises:
            StoreUnavailable: the database is not available, or others were faster each time. The
                message says so where nobody knows whether this change was stored.
        """
        session = self._session
        session.end_walk()
        key = check_key(key)
        with _NOTHING_STORED:
            for _ in range(MAX_ATTEMPTS):
                entry = session.begin_modify(key)
                try:
                    old = default if entry is None else self._value(key, entry)
                except KeyError:  # another tab has just deleted it
                    entry, old = None, default
                value = _changed(key, fn, old, is_new=entry is None)
                del old  # a large one need not lie beside the new one while that is saved
                with session.work(f"Saving {key!r}") as work:
                    new = session.encode(key, value)
                    if session.replace(key, new, entry, work):
                        return codecs.decode(new, key=key)
            raise outrun(
                f"{key!r} was changed by others {MAX_ATTEMPTS} times while modify() tried. "
                "Spread the writers over several keys."
            )

    @method_verb
    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the value under `key`. If there is none, store `default` and return it.

        If several call it at once, one stores its value, and all others get that value.

        What it returns is the caller's own, as with `get`. To append to a list use `modify`.

        Args:
            key: as in `set`.
            default: a value that cannot be changed in place, such as a number, text or a tuple.

        Raises:
            ConfigError: `default` can be changed in place, such as a list. What is then appended to
                the result would not be stored.
            InvalidKey, UnsupportedType, LimitExceeded, StoreUnavailable: as `set`.
        """
        session = self._session
        key = check_key(key)
        _refuse_to_be_changed(key, default)
        with _NOTHING_STORED:
            for _ in range(MAX_ATTEMPTS):
                entry = session.read(key)
                if entry is not None:
                    try:
                        return self._value(key, entry)
                    except KeyError:  # another tab has just deleted it
                        continue
                with session.work(f"Saving {key!r}") as work:
                    new = session.encode(key, default)
                    if session.replace(key, new, None, work, operation="set"):
                        return codecs.decode(new, key=key)
            raise outrun(
                f"{key!r} was set and deleted by others {MAX_ATTEMPTS} times while setdefault() "
                "tried."
            )

    @method_verb
    def delete(self, key: str) -> bool:
        """Delete `key`. Return whether it was there.

        Raises:
            StoreUnavailable: as `set`.
        """
        with _NOTHING_STORED:
            return self._session.delete([check_key(key)]) > 0

    @method_verb
    def __delitem__(self, key: str) -> None:
        if not self.delete(key):
            raise KeyError(key)

    def pop(self, key: str, default: Any = _RAISE) -> Any:
        """Delete `key` and return its value.

        If several call it at once, one gets the value and the others get `default`.

        It reads the value, then deletes the key, in two statements. If another tab sets a value in
        between, that value is deleted, and the earlier one is returned.

        Raises:
            KeyError: there is none, and no `default`.
        """
        try:
            value = self[key]
            del self[key]
        except KeyError:
            if default is _RAISE:
                raise
            return default
        return value

    def popitem(self) -> tuple[str, Any]:
        """Delete the first of the keys. Return it with its value.

        Raises:
            KeyError: there is none.
        """
        for key in self.keys():
            try:
                return key, self.pop(key)
            except KeyError:  # another has just deleted it
                continue
        raise KeyError("popitem(): no key holds a value")

    @method_verb
    def clear(self) -> int:  # type: ignore[override]  # returns a number
        """Delete all keys. Return how many there were."""
        with _NOTHING_STORED:
            return self._session.delete_all()

    # Former versions

    @method_verb
    def history(self, key: str, limit: int = 100) -> list[Revision]:
        """The last versions of `key`, newest first: the present one, and those before it.

        A deletion is a version, too. Without the setting `history` there is the present one alone.

        Args:
            key: as in `set`.
            limit: how many at most.

        Raises:
            InvalidKey: `key` cannot be a key.
            ConfigError: `limit` is no whole number over 0.

        Example:
            >>> [revision.version for revision in state.history("matrix")]  # doctest: +SKIP
            [17, 12, 3]
        """
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise ConfigError(f"history({key!r}): `limit` must be a whole number over 0.")
        found = self._session.history(check_key(key), limit=min(limit, 2**31))
        return [Revision(*row) for row in found]

    @method_verb
    def restore(self, key: str, version: int) -> None:
        """Make an older version of `key` the present one: a change of its own, as a new version.

        Its ttl goes on, if it has one. A large value is not sent again.

        Args:
            key: as in `set`.
            version: as `history` names it.

        Raises:
            VersionGone: there is no such version, or it has no value. The message names those that
                there are.
            LimitExceeded: the session would exceed `max_session_bytes` or `max_keys`.
            InvalidKey, StoreUnavailable: as `set`.

        Example:
            >>> state.restore("matrix", state.history("matrix")[1].version)  # doctest: +SKIP
        """
        self._session.restore(check_key(key), check_version(version))

    @method_verb
    def undo(self) -> list[str]:
        """Take back what the last run of a script has changed, in whichever tab, as a whole.

        Outside of scripts each call is a run of its own. Keys that were changed since without a
        history stay as they are. In a script the page runs again afterwards, and shows the result.

        Returns:
            The keys that have changed, sorted; empty if there is nothing to undo.

        Raises:
            ConfigError: the setting `history` is 0.
            VersionGone: what a key held before is no longer in the history. Nothing was changed.
            LimitExceeded: the session would exceed `max_session_bytes` or `max_keys`.
            StoreUnavailable: as `set`.
        """
        return self._put_back(Session.undo)

    @method_verb
    def redo(self) -> list[str]:
        """Make the changes again that `undo` has taken back last. A new change ends this.

        Returns:
            The keys that have changed, sorted; empty if there is nothing to redo.

        Raises:
            ConfigError, VersionGone, LimitExceeded, StoreUnavailable: as `undo`.
        """
        return self._put_back(Session.redo)

    def _put_back(self, verb: Callable[[Session], list[str]]) -> list[str]:
        self._surroundings.before_undo(self._session)
        keys = verb(self._session)
        if keys:
            self._surroundings.after_undo()
        return keys

    # The session

    @method_verb
    def refresh(self) -> None:
        """Read what others have changed since the last refresh: one round trip.

        Raises:
            UnknownToken: the session was forgotten or has expired, since this state was opened.
        """
        self._session.refresh()

    @method_verb
    def rotate(self) -> str | None:
        """Give the state a new token and return it.

        Both tokens open the state until the new one is used for the first time, by a browser or by
        `Store.state`. After that the old one works for two more minutes. Until then a second call
        returns the same token.

        Returns:
            The new token. None if another tab or process has just rotated the token: nothing has
            changed, and the browser gets that one.

        A state that was never written has another `id` afterwards: its new token is for a new,
        empty session.

        Raises:
            UnknownToken: this state was opened by its id, without a token.
            ConfigError: it is the state of a user or of the app, which has no token, or of a tab.
        """
        token = self._session.rotate()
        return token.text if token is not None else None

    @method_verb
    def forget(self) -> None:
        """Delete all values and the token; nothing can bring them back.

        A user's state has no token: this object goes on, empty, and so does each new run, on all
        devices. All else that has opened it before, such as a job, gets UnknownToken from now on.

        Raises:
            ConfigError: the state is the app's.
        """
        self._session = self._session.forget()

    @method_verb
    def take_over(self, other: State, *keys: str) -> list[str]:
        """Move to this state the keys of `other` that it lacks.

        Args:
            other: a state of the same store.
            *keys: which of them; all keys if none is named.

        Returns:
            Their names, sorted.

        Raises:
            LimitExceeded: this state would grow over a limit; nothing was moved.
            UnknownToken: `other` was forgotten or has expired.
        """
        return self._session.take_over(other._session, keys)


def _changed(key: str, fn: Callable[[Any], Any], old: Any, *, is_new: bool) -> Any:
    """The value that `modify` stores. Its error says so if the function got no value."""
    try:
        return fn(old)
    except TypeError as error:
        if is_new and old is None:
            error.add_note(
                f"Nothing is stored under {key!r} yet, so the function got None. Give it a value "
                f"to start from: modify({key!r}, …, default=0), for example."
            )
        raise


def _refuse_to_be_changed(key: str, default: Any) -> None:
    """Refuse a value that can be changed in place.

    `state.setdefault("notes", []).append(1)` changes the list that a `dict` holds. Here it would
    change a list of the caller's alone, and the change would be lost without a word.
    """
    if _is_fixed(default):
        return
    raise ConfigError(
        f"setdefault() does not take a {type(default).__name__}, as changes of what it returns are "
        f"not stored. To change the value use modify({key!r}, function, default=…), where the "
        "function returns the new one. To read it use get()."
    )


def _is_fixed(value: Any) -> bool:
    """Whether a value cannot be changed in place: it has a hash, and that follows from its content.

    An object of attributes, or a file, has one that follows from where it is in memory.
    """
    try:
        hash(value)
    except TypeError:
        return False
    own_hash: object = type(value).__hash__
    is_by_identity = own_hash is object.__hash__
    return not (is_by_identity and (hasattr(value, "__dict__") or isinstance(value, io.IOBase)))


def _ttl_seconds(ttl: float | timedelta | None) -> float | None:
    if ttl is None:
        return None
    seconds = ttl.total_seconds() if isinstance(ttl, timedelta) else ttl
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise ConfigError(f"ttl must be seconds or a timedelta, not {type(ttl).__name__}.")
    if not 0 < seconds < 10**10:
        raise ConfigError(
            "ttl must be over 0 seconds (and under 300 years): use delete() to remove a key."
        )
    return float(seconds)
