"""Undoing: which former version of each key comes back when a run is undone, or made again.

Decisions without any I/O. `tests/unit/test_undoing.py` has the table of their cases.

A run is known by the first version that it has written. Each version of a key names the run whose
result it is: also one that `undo` has brought back, which names the run that first made it. So the
versions tell what there was before any run, however often it was undone and made again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Kept(NamedTuple):
    """One version of a key in the history."""

    key: str
    version: int
    run: int | None
    """The run whose result it is; None if nobody knows."""
    undone: int | None = None
    """The run that was taken back from it, so that redo can follow; None if there is none."""
    has_replaced: bool = True
    """Whether there was a value before it."""
    replaced: int | None = None
    """The version before it; None if it is the first one of the key."""


@dataclass(slots=True)
class Sources:
    """Where the values come from."""

    versions: dict[str, int | None] = field(default_factory=dict)
    """The version that each key gets back; None for no value."""
    trimmed: list[str] = field(default_factory=list)
    """Keys whose version to come back is no longer in the history."""


class _Missing(Exception):
    """The version that is to come back is no longer in the history."""


def to_undo(kept: Iterable[Kept], run: int) -> Sources:
    """What each key gets that still has the result of `run`.

    Args:
        kept: all versions of the keys, in order.
        run: which run is undone.
    """

    def before(versions: Sequence[Kept]) -> int | None:
        found = [it.version for it in versions if it.version < run or it.undone == run]
        if found:
            return found[-1]
        first = next((it for it in versions if it.run == run and it.undone is None), None)
        if first is None or first.has_replaced:
            raise _Missing
        if first.replaced is not None and run <= first.replaced < first.version:
            raise _Missing  # that one was of the same run
        return None

    return _sources(kept, lambda last: last.run == run, before)


def to_redo(kept: Iterable[Kept], run: int) -> Sources:
    """What each key gets in which nothing has changed since `run` was undone: its result.

    Args:
        kept: all versions of the keys, in order.
        run: which run is made again.
    """

    def after(versions: Sequence[Kept]) -> int:
        found = [it.version for it in versions if it.run == run]
        if not found:
            raise _Missing
        return found[-1]

    return _sources(kept, lambda last: last.undone == run, after)


def _sources(
    kept: Iterable[Kept],
    is_due: Callable[[Kept], bool],
    find: Callable[[Sequence[Kept]], int | None],
) -> Sources:
    sources = Sources()
    for key, group in itertools.groupby(kept, key=lambda it: it.key):
        versions = list(group)
        if not is_due(versions[-1]):
            continue
        try:
            sources.versions[key] = find(versions)
        except _Missing:
            sources.trimmed.append(key)
    return sources
