"""What one run of a script has read from each session, and what it has written.

Sessions record it here. Live pages compare it with later versions. A thread that belongs to no
run, such as a job that was given a state, records nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field

from streamlit_pgstate.postgres.rows import new_run

_of_thread: ContextVar[Accesses | None] = ContextVar("pgstate_accesses", default=None)


@dataclass(slots=True, eq=False)
class StateAccesses:
    """What a run has read from one session and written to it.

    Versions of values by key; 0 for no value.
    """

    read: dict[str, int] = field(default_factory=dict)
    """At the first read of each key: what the run drew then stays on the page."""
    modified: dict[str, int] = field(default_factory=dict)
    """At the first `modify` of each key."""
    written: dict[str, int] = field(default_factory=dict)
    """After the last write of each key that the run wrote or deleted."""
    names: frozenset[str] | None = None
    """All keys, when the run first asked for them; None if it never did."""
    version: int = 0
    """The session's version after the last write of the run."""
    is_verified: bool = False
    """Whether the run has asked the database what the session holds."""

    def write(self, entries: Mapping[str, int], version: int) -> None:
        self.written.update(entries)
        self.version = max(self.version, version)


class Accesses:
    """What one run has read and written, by session.

    Args:
        run: the object that stands for the run, if there is one.
    """

    def __init__(self, run: object = None) -> None:
        self.run = run
        self.number = new_run()
        """What the history of a session knows the run by."""
        self._of: dict[object, StateAccesses] = {}

    def of(self, session: object) -> StateAccesses:
        """What the run has read from one session and written to it; empty at first."""
        found = self._of.get(session)
        return found if found is not None else self._of.setdefault(session, StateAccesses())

    @property
    def wrote(self) -> bool:
        """Whether the run has written anything to any session."""
        return any(accesses.written for accesses in list(self._of.values()))


def record_in(accesses: Accesses) -> None:
    """From now on, record in `accesses` what this thread, and threads with its context, do."""
    _of_thread.set(accesses)


def of_thread() -> Accesses | None:
    """Where this thread records what it reads and writes; None if it belongs to no run."""
    return _of_thread.get()
