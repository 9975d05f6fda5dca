"""The setting `gc_freeze`: once a process, libraries are taken out of the garbage collector.

Streamlit collects all garbage after each run. That takes a time that grows with the number of
objects in the process, and most of them are code of libraries, which never becomes garbage.
[decision 34](docs/decisions/0034-libraries-are-frozen-once.md) has the measurements.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from streamlit_pgstate.component import ends, heap, holdings, script
from streamlit_pgstate.component.ends import End

_LOG = logging.getLogger(__name__)

PATIENCE: Final = 20
"""How many runs end before it no longer matters how they end and how many sessions there are: an
app may end each run by `st.stop`, and a busy server may never have one session alone."""


class Choice(Enum):
    """What is done at the end of a run."""

    FREEZE = auto()
    FREEZE_FOR_NOW = auto()
    """And anew when no other script runs: some of what others work with now may be frozen, too."""
    WAIT = auto()
    """For the end of another run."""
    NEVER = auto()
    """In this process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What is known when a run has ended."""

    is_whole: bool = True
    """Whether the script came to its last line. If not, it may not have imported all it needs."""
    sessions: int | None = 1
    """How many are connected to this process; None if Streamlit does not say."""
    is_alone: bool = True
    """Whether no other script runs at the moment."""
    is_frozen_for_now: bool = False
    ends: int = 1
    """How many runs have ended so far, this one included."""
    can_freeze: bool = True
    """Whether this Python can, and the app lets the collector run."""


def choose(ended: Ended) -> Choice:
    """Whether libraries are frozen now, at the end of another run, or never."""
    if not ended.can_freeze or ended.sessions is None:
        return Choice.NEVER
    is_late = ended.ends > PATIENCE
    if ended.is_alone and (is_late or (ended.is_whole and ended.sessions <= 1)):
        return Choice.FREEZE
    if is_late and not ended.is_frozen_for_now:
        return Choice.FREEZE_FOR_NOW
    return Choice.WAIT


class _Process:
    """Whether this process has frozen its libraries. A forked child goes on with its parent's."""

    def __init__(self) -> None:
        self.is_over = False
        self._ends = 0
        self._is_frozen_for_now = False
        self._lock = threading.Lock()
        """Never waited for: a child that was forked meanwhile does not freeze, and no more."""

    def at_end(self, end: End) -> None:
        """Called at the end of each run."""
        if self.is_over or script.is_apptest() or not self._lock.acquire(blocking=False):
            return
        try:
            self._act(end)
        finally:
            self._lock.release()

    def _act(self, end: End) -> None:
        self._ends += 1
        is_whole = not (end.is_followed or end.is_early or script.is_fragment_run())
        choice = choose(
            Ended(
                is_whole=is_whole,
                sessions=holdings.active_sessions(),
                is_alone=holdings.is_alone(),
                is_frozen_for_now=self._is_frozen_for_now,
                ends=self._ends,
                can_freeze=heap.can_freeze(),
            )
        )
        self.is_over = choice in (Choice.FREEZE, Choice.NEVER)
        if choice in (Choice.FREEZE, Choice.FREEZE_FOR_NOW):
            self._freeze()
        elif choice is Choice.NEVER:
            _LOG.debug("The libraries are not frozen: this process does not allow it.")

    def _freeze(self) -> None:
        try:
            _freeze(is_anew=self._is_frozen_for_now)
            self._is_frozen_for_now = True
        except heap.TooManyObjects:
            self.is_over = True
            _LOG.info(
                "The libraries are not frozen: the app and its visitors have more than %d objects.",
                heap.MOST,
            )
        except Exception:
            self.is_over = True  # it would fail at the end of each run
            raise


_process: Final = _Process()


def freeze_at_end() -> None:
    """Freeze the libraries at the end of this run, or of a later one, unless it was done."""
    if not _process.is_over:
        ends.listen(_process.at_end)


def _freeze(*, is_anew: bool) -> None:
    began = time.perf_counter()
    modules = holdings.modules_of_app()
    frozen = heap.freeze(lambda: holdings.roots(modules), modules=modules, is_anew=is_anew)
    _LOG.info(
        "Frozen in %.2f s: the garbage collector no longer looks at %d objects of libraries. It "
        "goes on to look at %d of the app and its visitors.",
        time.perf_counter() - began,
        frozen.objects,
        frozen.kept,
    )
