"""Which changes make a live page run again, and when. Decisions without any I/O.

`live` carries them out. `tests/unit/test_following.py` has the table of their cases.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from streamlit_pgstate.state.accesses import StateAccesses

SLOW: Final = 5.0
"""Seconds between two runs of a page that other pages drive, and that drives them."""

QUICK_RUNS: Final = 2
"""Runs in a row that a change elsewhere starts and that write something, until the page counts as
driven by others. The first may react to a message, and the second to the answer."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows of one session."""

    versions: Mapping[str, int] = field(default_factory=dict)
    """The version of each key that it has read; 0 for a key without a value."""
    names: frozenset[str] | None = None
    """All keys, if it has asked for them."""

    def __bool__(self) -> bool:
        return bool(self.versions) or self.names is not None

    @classmethod
    def by(cls, accesses: StateAccesses, *, is_following: bool) -> Shown:
        """What the page shows after a run of the whole page.

        Args:
            accesses: what the run has read and written.
            is_following: whether a change elsewhere has started the run. Keys that such a run
                changes by `modify` are not followed: two pages that count their runs under one
                key would count for ever.
        """
        modified = {} if is_following else accesses.modified.copy()
        return cls({**modified, **accesses.read}, accesses.names).after(accesses)

    def joined(self, accesses: StateAccesses) -> Shown:
        """What the page shows after a run of a fragment. The rest of the page stays as it was."""
        versions = {**accesses.modified, **accesses.read, **self.versions}
        names = accesses.names if self.names is None else self.names
        return Shown(versions, names).after(accesses)

    def after(self, accesses: StateAccesses) -> Shown:
        """The same after the page's own writes, which are no changes by others."""
        written = accesses.written.copy()
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
        """The keys whose version differs in `now`, the versions of all entries."""
        found = {key for key, version in self.versions.items() if now.get(key, 0) != version}
        return found if self.names is None else found | (self.names ^ now.keys())

    def caught_up(self, now: Mapping[str, int]) -> Shown:
        """The same as if the page showed the versions in `now`."""
        names = None if self.names is None else frozenset(now)
        return Shown({key: now.get(key, 0) for key in self.versions}, names)


Noted: TypeAlias = Mapping[object, StateAccesses]
"""What a run has read and written, by session."""

Page: TypeAlias = Mapping[object, Shown]
"""What a page shows, by session."""


def by_page(noted: Noted, *, is_following: bool) -> dict[object, Shown]:
    """What a page shows after a run of the whole page, for each session that the run has read."""
    found = {
        state: Shown.by(accesses, is_following=is_following) for state, accesses in noted.items()
    }
    return {state: shown for state, shown in found.items() if shown}


def with_fragment(page: Page, noted: Noted) -> dict[object, Shown]:
    """What it shows after a run of a fragment, which adds to the page."""
    found = {state: page.get(state, Shown()).joined(accesses) for state, accesses in noted.items()}
    return {**page, **{state: shown for state, shown in found.items() if shown}}


def with_writes(page: Page, noted: Noted) -> dict[object, Shown]:
    """What it shows after a run that was overtaken: only its writes count."""
    return {
        state: shown.after(noted[state]) if state in noted else shown
        for state, shown in page.items()
    }


def left(page: Page, states: Container[object]) -> set[object]:
    """The sessions that it shows and that are not in `states`, the present ones of the tab."""
    return {state for state in page if state not in states}


def caught_up(
    page: Page, now: Mapping[object, Mapping[str, int]], *, states: Container[object]
) -> dict[object, Shown]:
    """What the page shows, as if it showed the present versions.

    With this a change makes a page run once, whatever that run reads.

    Args:
        page: what it shows.
        now: the versions of all entries, for each session that was refreshed.
        states: the present sessions of the tab.
    """
    return {
        state: shown.caught_up(now[state]) if state in now else shown
        for state, shown in page.items()
        if state in states
    }


@dataclass(frozen=True, slots=True)
class Pace:
    """How often changes elsewhere may start a run of the page."""

    driven: int = 0
    """Runs of the whole page in a row that a change elsewhere started and that wrote something."""
    last: float = -math.inf
    """When the last of these runs ended."""

    def after(self, *, is_following: bool, wrote: bool, at: float) -> Pace:
        """After one more run of the whole page."""
        if not (is_following and wrote):
            return Pace()
        is_in_a_row = at - self.last < 2 * SLOW
        return Pace(self.driven + 1 if is_in_a_row else 1, at)

    @property
    def next_run(self) -> float:
        """When the next such run may start."""
        return self.last + SLOW if self.driven >= QUICK_RUNS else -math.inf


@dataclass(frozen=True, slots=True)
class Decision:
    """What a live page is to do."""

    runs: bool = False
    waits: bool = False
    """Whether a run is due, but has to wait."""


def decide(
    changed: bool,
    *,
    has_left: bool = False,
    pace: Pace,
    at: float,
    typing: str | None,
    has_dialog: bool = False,
    postponed: frozenset[str],
) -> Decision:
    """Whether a live page is to run again now.

    Args:
        changed: whether something that the page shows has changed.
        has_left: whether it shows a session that the tab no longer uses, such as one that has
            ended. This happens once, so pages cannot drive each other by it.
        pace: how often it may run.
        at: the present time, in seconds.
        typing: the text field that is being typed in.
        has_dialog: whether a dialog is open. A run of the whole page closes it, with the text that
            the visitor is typing in it. So the page follows after it is closed.
        postponed: the fields whose change waits until nobody types in them.
    """
    if has_left:
        return Decision(runs=True)
    has_waited = bool(postponed) and typing not in postponed
    if has_dialog or not (changed or has_waited):
        return Decision()
    if at < pace.next_run:
        return Decision(waits=True)
    return Decision(runs=True)
