"""Stored values: what the function `upgrade` gets. Each is read when it is first asked for.

Does no I/O itself, and knows nothing of a session: `upgraded_session` gives it a way to read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from streamlit_pgstate.state.key import check_key


class StoredValues(MutableMapping[str, Any]):
    """The values of one session, as a mapping that can be changed.

    A value that was read and then changed in place counts as changed.

    Args:
        keys: under which values are stored.
        read: returns the value of a key.
    """

    def __init__(self, keys: Iterable[str], read: Callable[[str], Any]) -> None:
        self._stored = frozenset(keys)
        self._read = read
        self._values: dict[str, Any] = {}
        self._deleted: set[str] = set()
        self.last: str | None = None
        """The key that was used last, for the message if the function fails."""

    def __getitem__(self, key: str) -> Any:
        self.last = key
        if key not in self:
            raise KeyError(key)
        if key not in self._values:
            self._values[key] = self._read(key)
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.last = key
        self._values[check_key(key)] = value
        self._deleted.discard(key)

    def __delitem__(self, key: str) -> None:
        self.last = key
        if key not in self:
            raise KeyError(key)
        self._values.pop(key, None)
        self._deleted.add(key)

    def __contains__(self, key: object) -> bool:
        return key in self._values or (key in self._stored and key not in self._deleted)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted((self._stored | self._values.keys()) - self._deleted))

    def __len__(self) -> int:
        return len((self._stored | self._values.keys()) - self._deleted)

    def __repr__(self) -> str:
        return f"<StoredValues {', '.join(map(repr, self))}>"

    def replace(self, values: Mapping[str, Any]) -> None:
        """Hold these values, and no others."""
        if values is self:
            return
        values = dict(values)
        self._deleted = set(self._stored - values.keys())
        self._values = {check_key(key): value for key, value in values.items()}

    @property
    def used(self) -> dict[str, Any]:
        """The values that were read or set, by key: each may have changed."""
        return dict(self._values)

    @property
    def deleted(self) -> list[str]:
        """The stored keys that are to be deleted, sorted."""
        return sorted(self._deleted & self._stored)
