"""What one run of a script has read of each state, and what it has written.

The states note it here, and live pages follow it. A thread that belongs to no run, such as a job
that has a state of the page, notes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field

_noted: ContextVar[Reads | None] = ContextVar("pgstate_reads", default=None)


@dataclass(slots=True, eq=False)
class StateReads:
    """Of one state, by key: the version of its entry, 0 where there was none."""

    read: dict[str, int] = field(default_factory=dict)
    """As the run found each key first: what it drew then stays on the page."""
    modified: dict[str, int] = field(default_factory=dict)
    """The same, of keys that `modify` was called with."""
    written: dict[str, int] = field(default_factory=dict)
    """As the run left each key that it wrote or deleted."""
    names: frozenset[str] | None = None
    """All keys, as the run found them first; None where it did not ask for them."""
    version: int = 0
    """Of the state, by the last of the run's writes."""

    def write(self, entries: Mapping[str, int], version: int) -> None:
        self.written.update(entries)
        self.version = max(self.version, version)


class Reads:
    """Of one run, by the identity of each state.

    Args:
        run: what stands for the run, if there is one.
    """

    def __init__(self, run: object = None) -> None:
        self.run = run
        self._of: dict[object, StateReads] = {}

    def of(self, state: object) -> StateReads:
        """What was read of one state; made at its first read."""
        found = self._of.get(state)
        return found if found is not None else self._of.setdefault(state, StateReads())

    @property
    def wrote(self) -> bool:
        """Whether the run has written anything, to any state."""
        return any(reads.written for reads in list(self._of.values()))


def hold(reads: Reads) -> None:
    """Note on this thread, and what has a copy of its context, in `reads` from now on."""
    _noted.set(reads)


def held() -> Reads | None:
    """Where this thread notes what it reads; None where it belongs to no run."""
    return _noted.get()
