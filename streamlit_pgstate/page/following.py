"""Which changes make a live page run again, and when: decisions, without any I/O.

`live` carries them out. `tests/unit/test_following.py` is the table of their cases.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from streamlit_pgstate.state.reads import StateReads

SLOW: Final = 5.0
"""Seconds between two runs of a page that other pages drive, and that drives them."""

QUICK_RUNS: Final = 2
"""Runs in a row that may follow and write, before a page is taken for one that is driven: one may
be what the page makes of a message, and one the answer to that."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows of one state."""

    versions: Mapping[str, int] = field(default_factory=dict)
    """Of each key that it has read; 0 for a key under which there was nothing."""
    names: frozenset[str] | None = None
    """All keys, where it has asked for them."""

    def __bool__(self) -> bool:
        return bool(self.versions) or self.names is not None

    @classmethod
    def by(cls, reads: StateReads, *, is_following: bool) -> Shown:
        """By a run of the whole page.

        Args:
            reads: of the run.
            is_following: whether the page ran by itself, because others had changed something.
                What such a run changes by `modify` it does not follow: two pages that count
                their runs under one key would count for ever.
        """
        modified = {} if is_following else reads.modified.copy()
        return cls({**modified, **reads.read}, reads.names).after(reads)

    def joined(self, reads: StateReads) -> Shown:
        """And then by a run of a fragment: the page around it shows what it showed before."""
        versions = {**reads.modified, **reads.read, **self.versions}
        names = reads.names if self.names is None else self.names
        return Shown(versions, names).after(reads)

    def after(self, reads: StateReads) -> Shown:
        """After what the page itself has written: that is no change by others."""
        written = reads.written.copy()
        own = {
            key: max(version, written[key]) if written[key] else 0
            for key, version in self.versions.items()
            if key in written
        }
        names = self.names
        if names is not None:
            gone = {key for key, version in written.items() if not version}
            names = (names | written.keys()) - gone
        return Shown({**self.versions, **own}, names)

    def differing(self, now: Mapping[str, int]) -> set[str]:
        """The keys of which something else is there `now`, the versions of all entries."""
        found = {key for key, version in self.versions.items() if now.get(key, 0) != version}
        return found if self.names is None else found | (self.names ^ now.keys())

    def caught_up(self, now: Mapping[str, int]) -> Shown:
        """As if it showed what is there `now`."""
        names = None if self.names is None else frozenset(now)
        return Shown({key: now.get(key, 0) for key in self.versions}, names)


Noted: TypeAlias = Mapping[object, StateReads]
"""What a run has read, by the identity of each state."""

Page: TypeAlias = Mapping[object, Shown]
"""What a page shows, by the identity of each state."""


def by_page(noted: Noted, *, is_following: bool) -> dict[object, Shown]:
    """What a page shows after a run of the whole of it; of no state that it has not read."""
    found = {state: Shown.by(reads, is_following=is_following) for state, reads in noted.items()}
    return {state: shown for state, shown in found.items() if shown}


def with_fragment(page: Page, noted: Noted) -> dict[object, Shown]:
    """What it shows after a run of a fragment: that is added."""
    found = {state: page.get(state, Shown()).joined(reads) for state, reads in noted.items()}
    return {**page, **{state: shown for state, shown in found.items() if shown}}


def with_writes(page: Page, noted: Noted) -> dict[object, Shown]:
    """What it shows after a run that another takes the place of: nothing of it stays."""
    return {
        state: shown.after(noted[state]) if state in noted else shown
        for state, shown in page.items()
    }


def left(page: Page, states: Container[object]) -> set[object]:
    """Those that it shows and that are none of `states`, the tab's present ones."""
    return {state for state in page if state not in states}


def caught_up(
    page: Page, now: Mapping[object, Mapping[str, int]], *, states: Container[object]
) -> dict[object, Shown]:
    """As if it showed what is there `now`: so a change makes a page run once, whatever it reads.

    Args:
        page: what it shows.
        now: the versions of all entries of each state that was looked at.
        states: those that the tab has.
    """
    return {
        state: shown.caught_up(now[state]) if state in now else shown
        for state, shown in page.items()
        if state in states
    }


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a page may follow."""

    driven: int = 0
    """Runs of the whole page in a row that followed and wrote something themselves."""
    last: float = -math.inf
    """When the last of them was over."""

    def after(self, *, is_following: bool, wrote: bool, at: float) -> Pace:
        """After one more run of the whole page."""
        if not (is_following and wrote):
            return Pace()
        is_in_a_row = at - self.last < 2 * SLOW
        return Pace(self.driven + 1 if is_in_a_row else 1, at)

    @property
    def next_run(self) -> float:
        """When the page may follow again."""
        return self.last + SLOW if self.driven >= QUICK_RUNS else -math.inf


@dataclass(frozen=True, slots=True)
class Decision:
    """What a live page is to do."""

    runs: bool = False
    waits: bool = False
    """Whether there is something to follow, but not yet."""


def decide(
    changed: bool,
    *,
    has_left: bool = False,
    pace: Pace,
    at: float,
    typing: str | None,
    postponed: frozenset[str],
) -> Decision:
    """Whether a live page is to run again now.

    Args:
        changed: whether something that it shows is another by now.
        has_left: whether it shows a state that the tab has left, such as one whose session has
            ended: that happens once, so no two pages drive each other by it.
        pace: how fast it may follow.
        at: the time.
        typing: the text field that is being typed in.
        postponed: the fields whose change waits until nobody types in them.
    """
    if has_left:
        return Decision(runs=True)
    has_waited = bool(postponed) and typing not in postponed
    if not (changed or has_waited):
        return Decision()
    if at < pace.next_run:
        return Decision(waits=True)
    return Decision(runs=True)
