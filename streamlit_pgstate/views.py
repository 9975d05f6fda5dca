"""Views: what `items()` and `values()` of a state give, and a look-up of all its keys in turn.

Below the state, which others may change at any moment: an iteration shows what was there when
it began.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, ItemsView, Iterator, Mapping, Sequence, ValuesView
from typing import Any, Generic, TypeVar

_Row = TypeVar("_Row")

Pairs = Callable[[], Iterator[tuple[str, Any]]]


class Items(ItemsView[str, Any]):
    """Keys with their values, of which each iteration reads one after the other."""

    def __init__(self, mapping: Mapping[str, Any], pairs: Pairs) -> None:
        super().__init__(mapping)
        self._pairs = pairs

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return self._pairs()


class Values(ValuesView[Any]):
    """Values, of which each iteration reads one after the other."""

    def __init__(self, mapping: Mapping[str, Any], pairs: Pairs) -> None:
        super().__init__(mapping)
        self._pairs = pairs

    def __iter__(self) -> Iterator[Any]:
        return (value for _, value in self._pairs())

    def __contains__(self, wanted: object) -> bool:
        return any(value is wanted or value == wanted for value in self)


class Walk(threading.local, Generic[_Row]):
    """A thread that was told all keys, and looks them up in the same order, as `dict(state)` does.

    It asks for `keys()`, then for each of them by `[]`, and takes no KeyError for an answer.
    """

    def __init__(self) -> None:
        self._ahead: list[tuple[str, _Row]] = []
        """What was told and not yet looked up, the next one last."""

    def begin(self, rows: Sequence[tuple[str, _Row]]) -> None:
        self._ahead = list(reversed(rows))

    def end(self) -> None:
        self._ahead = []

    def step(self, key: str) -> _Row | None:
        """What was there when the walk began, if `key` is its next."""
        if self._ahead and self._ahead[-1][0] == key:
            return self._ahead.pop()[1]
        self._ahead = []
        return None
