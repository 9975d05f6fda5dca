"""Revision: one version of a key, as `history()` returns it, and the number that names it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from streamlit_pgstate.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of a key.

    Example:
        >>> for revision in state.history("matrix"):  # doctest: +SKIP
        ...     print(revision.version, revision.changed_at, revision.operation)
    """

    version: int
    """What `get(key, version=…)` and `restore(key, version)` take."""
    changed_at: datetime
    operation: str
    """What has made it: "set", "modify", "persist", "delete", "restore", "undo" or "redo"."""
    kind: str | None
    """How the value is stored, such as "json"; None if there is none: the key was deleted, or the
    ttl of the value is over."""
    size: int
    """Bytes as stored; 0 if there is no value."""


def check_version(version: object) -> int:
    """Return the number of a version.

    Raises:
        ConfigError: it is no whole number.
    """
    if isinstance(version, bool) or not isinstance(version, int):
        raise ConfigError(
            "A version must be a whole number, as history() names it, and not "
            f"{type(version).__name__}."
        )
    return version


def bigint(version: int) -> int:
    """The number as PostgreSQL can hold it; 0, which no key has, for one that it cannot hold."""
    return version if abs(version) < 2**63 else 0
