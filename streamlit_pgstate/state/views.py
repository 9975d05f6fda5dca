"""Views: the results of `keys()`, `items()` and `values()`, and a walk over all keys of a state.

Others may change the state at any moment. An iteration shows what was there when it began.
"""

from __future__ import annotations

import threading
from collections.abc import (
    Callable,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    Sequence,
    ValuesView,
)
from typing import Any, Generic, TypeVar

_Row = TypeVar("_Row")

Pairs = Callable[[], Iterator[tuple[str, Any]]]


class Keys(KeysView[str]):
    """Names of keys, sorted, as of one moment.

    Equal to a set of the same names, as the keys of a `dict` are. Also equal to a list of them in
    this order, because `keys()` returned a list before.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = dict.fromkeys(names)
        super().__init__(self._names)

    def __eq__(self, other: object) -> bool:
        return list(self) == other if isinstance(other, list) else super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]  # as for every view, and where there is an __eq__

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._names)

    def __repr__(self) -> str:
        return f"Keys({list(self._names)})"


class Items(ItemsView[str, Any]):
    """Keys with their values. Each iteration reads the values one by one."""

    def __init__(self, mapping: Mapping[str, Any], pairs: Pairs) -> None:
        super().__init__(mapping)
        self._pairs = pairs

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return self._pairs()


class Values(ValuesView[Any]):
    """Values. Each iteration reads them one by one."""

    def __init__(self, mapping: Mapping[str, Any], pairs: Pairs) -> None:
        super().__init__(mapping)
        self._pairs = pairs

    def __iter__(self) -> Iterator[Any]:
        return (value for _, value in self._pairs())

    def __contains__(self, wanted: object) -> bool:
        return any(value is wanted or value == wanted for value in self)


class Walk(Generic[_Row]):
    """The look-up of all keys in their order, as `dict(state)` does it, per thread.

    `dict(state)` calls `keys()` and then `[]` for each key. If another tab has deleted a key in
    between, `[]` returns the value that `keys()` saw, so that `dict` does not fail. That holds for
    small values. The body of a large value is deleted with its key, so `[]` raises a KeyError.
    """

    def __init__(self) -> None:
        self._thread: _Ahead[_Row] = _Ahead()
        self._was_begun = False
        """Whether any thread ever began a walk. While none has, a look-up takes 0.2 µs less."""

    def begin(self, rows: Sequence[tuple[str, _Row]]) -> None:
        self._was_begun = True
        self._thread.rows = list(reversed(rows))

    def end(self) -> None:
        if self._was_begun:
            self._thread.rows = []

    def step(self, key: str) -> _Row | None:
        """The entry that was there when the walk began, if `key` is the next one in it."""
        if not self._was_begun:
            return None
        rows = self._thread.rows
        if rows and rows[-1][0] == key:
            return rows.pop()[1]
        self._thread.rows = []
        return None


class _Ahead(threading.local, Generic[_Row]):
    def __init__(self) -> None:
        self.rows: list[tuple[str, _Row]] = []
        """The rows that this thread has not looked up yet, the next one last."""
