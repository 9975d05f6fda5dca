"""Masters of values: what can be copied exactly is kept once, and each caller gets a copy.

To copy a value is faster than to decode it: a mixed frame of 100,000 x 10 takes 0.2 ms, where
decoding takes 10 ms. A value has a master only where a copy is certain to be exact, and to share
nothing that a caller can change. Any other value is decoded anew each time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .fixed_values import fixed_size
from .master import Master

__all__ = ["Master", "master_of"]

_MOST_PARTS = 1_000
"""A container of more parts has no master: to copy them takes about as long as to decode them."""

_MOST_DEEP = 20
"""A value of more levels has no master: each takes two calls to copy, and the caller may be deep in
its stack already. `decode` needs fewer."""

_PART_BYTES = 100
"""What a part of a container takes beside its own memory, at most."""


def master_of(value: object) -> Master | None:
    """Make the master of a value that `decode` has returned. It shares nothing with the value.

    Returns:
        None if a copy might differ from the value, or share something that a caller can change.

    Example:
        >>> master = master_of({"sizes": [1, 2]})
        >>> master.copy()["sizes"].append(3)
        >>> master.copy()
        {'sizes': [1, 2]}
    """
    return _Parts().master_of(value)


class _Parts:
    """Makes the masters of one value and of its parts, as long as these are not too many."""

    def __init__(self) -> None:
        self._count = 0
        self._depth = 0

    def master_of(self, value: Any) -> Master | None:
        self._count += 1
        if self._count > _MOST_PARTS:
            return None
        of_fixed = fixed_size([value])  # with all that a tuple holds
        if of_fixed is not None:
            return Master(lambda: value, of_fixed)
        if self._depth == _MOST_DEEP:
            return None
        self._depth += 1
        try:
            return self._of_changeable(value)
        finally:
            self._depth -= 1

    def _of_changeable(self, value: Any) -> Master | None:
        cls = type(value)
        if cls in _SEQUENCES:
            return self._sequence(cls, value)
        if cls is dict:
            return self._dict(value)
        root = cls.__module__.partition(".")[0]
        if root == "numpy":
            return _array(value)
        if root == "pandas":
            from . import pandas_masters  # pandas is imported already: there is a value of it

            return pandas_masters.master_of(value, self.master_of)
        return None

    def _sequence(self, cls: Any, items: Iterable[Any]) -> Master | None:
        masters = self._all(items)
        if masters is None:
            return None
        copies = [master.copy for master in masters]
        return Master(lambda: cls([copy() for copy in copies]), _size(masters))

    def _dict(self, items: dict[Any, Any]) -> Master | None:
        of_keys = fixed_size(list(items))
        masters = self._all(items.values()) if of_keys is not None else None
        if of_keys is None or masters is None:
            return None
        copies = [(key, master.copy) for key, master in zip(items, masters, strict=True)]
        return Master(lambda: {key: copy() for key, copy in copies}, _size(masters) + of_keys)

    def _all(self, items: Iterable[Any]) -> list[Master] | None:
        found = []
        for item in items:
            master = self.master_of(item)
            if master is None:
                return None
            found.append(master)
        return found


_SEQUENCES = frozenset({list, tuple, set, frozenset})


def _size(masters: list[Master]) -> int:
    return sum(master.size + _PART_BYTES for master in masters) + _PART_BYTES


def _array(array: Any) -> Master | None:
    import numpy as np  # imported already: there is a value of it

    if type(array) is not np.ndarray or array.dtype.kind == "T" or not array.nbytes:
        return None  # a copy of an array of "S0" is one of "S1"
    if array.dtype.names is not None:
        return None  # all copies would have the same dtype, and `array.dtype.names = …` changes it
    size = array.nbytes
    if array.dtype.hasobject:
        of_cells = fixed_size(array.reshape(-1).tolist()) if array.dtype.kind == "O" else None
        if of_cells is None:
            return None
        size += of_cells
    held = array.copy("K")  # keeps C and F order
    return Master(lambda: held.copy("K"), size)
