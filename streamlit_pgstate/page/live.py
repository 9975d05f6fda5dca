"""Live pages: a page runs again when something that it has read was changed elsewhere.

Sessions record what a run reads and writes (`state.accesses`). `following` decides whether a
change makes the page run. This module connects both to the page.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import streamlit as st

from streamlit_pgstate.component import bridge, page, runs, script
from streamlit_pgstate.component.bridge import Tick
from streamlit_pgstate.component.runs import RunListener
from streamlit_pgstate.errors import PgStateError
from streamlit_pgstate.page.following import (
    SLOW,
    Pace,
    Shown,
    by_page,
    caught_up,
    decide,
    left,
    with_fragment,
    with_writes,
)
from streamlit_pgstate.state import accesses
from streamlit_pgstate.state.accesses import Accesses, StateAccesses
from streamlit_pgstate.state.session import Session

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

_LOG = logging.getLogger(__name__)

pages: Final[dict[int, Live]] = {}
"""The page of each tab, by the `id` of what stands for the tab."""

_warned: Final[set[Path]] = set()
"""Apps for which the log has a warning that their pages drive each other."""


@dataclass(frozen=True, slots=True)
class _Source:
    """A session that the page may read."""

    session: Session
    refresh: Callable[[], Session]


class Live:
    """The page of one tab, live or not, and the sessions that it reads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        """Needed as runs of a tab may overlap. Code under it takes no other lock."""
        self._runs: deque[_LiveRun] = deque(maxlen=script.KEPT_RUNS)
        self._sources: dict[str, _Source] = {}
        """By scope."""
        self._shown: dict[object, Shown] = {}
        """What the page shows of each session."""
        self._shown_by = 0
        """The number of the run of the whole page that has drawn `_shown`."""
        self._pace = Pace()
        self._is_on = False
        """Whether any run of the tab has called `mount(live=True)`."""
        self._place: DeltaGenerator | None = None
        """Where the page gets the changes to announce; None if its last run was not live."""
        self._follows_next = False
        """Whether the next run of the whole page was started by a change elsewhere."""
        self.save: Callable[[object], None] = _save_nothing
        """Saves what a run has persisted so far, if that is saved in the session given."""
        self.still_places = 0
        """How many elements the last whole run that came to its end has drawn in `still_place`."""
        self._started = 0
        self._typing: str | None = None
        self._postponed: set[str] = set()
        """Text fields whose change waits until nobody types in them."""
        self._has_new_dialog = False
        """Whether a run that called a verb has opened a dialog since the last tick. The browser may
        have sent the next tick before it showed the dialog."""

    def follow(self, session: Session, refresh: Callable[[], Session] | None = None) -> None:
        """Follow `session`, in place of another one of its scope.

        Args:
            session: what the page may read.
            refresh: refreshes it, and returns it, or another session if it has ended.
        """

        def refreshed() -> Session:
            session.refresh_without_lock()
            return session

        known = self._sources.get(session.scope)
        if known is None or known.session is not session:
            self._sources[session.scope] = _Source(session, refresh or refreshed)

    # A run

    def enter_run(self) -> Accesses:
        """What the present run has read and written so far. Each thread of a run may call this."""
        run = self._present_run()
        if self._is_on:
            run.listen()
        accesses.record_in(run.accesses)
        return run.accesses

    def mount(self) -> None:
        """Make the page live: it runs again when something that it reads changes elsewhere."""
        self.enter_run()
        run = self._present_run()
        if run.is_mounted:
            return
        self._is_on = run.is_mounted = True
        run.listen()
        bridge.mount_live(self._on_tick, channels=self._channels)
        self._place = bridge.reserve_place()

    def postpones(self, key: str) -> bool:
        """Whether somebody types in the field of `key`, so that a change of it has to wait."""
        name = page.class_of(key)
        is_typed_in = name == self._typing and self._present_run().is_following
        with self._lock:
            if is_typed_in:
                self._postponed.add(name)
            else:
                self._postponed.discard(name)
        return is_typed_in

    def _present_run(self) -> _LiveRun:
        mark = script.run()
        with self._lock:
            run = next((run for run in self._runs if run.accesses.run is mark), None)
            if run is None:
                run = self._begin(mark, is_whole=not script.is_fragment_run())
            return run

    def _begin(self, mark: object, *, is_whole: bool) -> _LiveRun:
        self._started += 1
        is_following = is_whole and self._follows_next
        if is_whole:
            self._follows_next, self._place = False, None
        run = _LiveRun(self, Accesses(mark), self._started, is_whole, is_following)
        self._runs.append(run)
        return run

    def end(self, run: _LiveRun, *, is_followed: bool) -> None:
        """Take over what a run has read: the page shows it from now on."""
        sources = list(self._sources.values())
        noted: dict[object, StateAccesses] = {
            source.session: run.accesses.of(source.session) for source in sources
        }
        with self._lock:
            self._has_new_dialog |= script.has_opened_dialog()
            if not run.is_whole:
                self._shown = with_fragment(self._shown, noted)
            elif is_followed or run.number < self._shown_by:  # another run takes its place
                self._shown = with_writes(self._shown, noted)
                self._follows_next |= is_followed and run.is_following
            else:
                self._shown = by_page(noted, is_following=run.is_following)
                self._shown_by = run.number
                self._pace = self._pace.after(
                    is_following=run.is_following, wrote=run.accesses.wrote, at=time.monotonic()
                )
        news = {
            _channel(source.session): max(source.session.version, found.version)
            for source, found in zip(sources, noted.values(), strict=True)
            if found.written
        }
        if news and self._place is not None:
            bridge.announce(self._place, channels=news)

    # A tick

    def _channels(self) -> dict[str, int]:
        """The channels on which tabs announce changes, and the version of each in this page."""
        return {_channel(it.session): it.session.version for it in self._sources.values()}

    def _on_tick(self, tick: Tick) -> None:
        try:
            is_due = self.look(tick, at=time.monotonic())
        except PgStateError as error:  # the page's next run shows the error
            _LOG.debug("A live page could not be refreshed: %s", error)
            return
        if is_due:
            st.rerun()

    def look(self, tick: Tick, *, at: float) -> bool:
        """Whether the page is to run again. Refreshes each session that the page has read."""
        changed: set[str] = set()
        now: dict[object, Mapping[str, int]] = {}
        shown = self._shown
        for source in list(self._sources.values()):
            session = source.session
            if session in shown and source.refresh() is session:
                now[session] = session.value_versions()
                changed |= shown[session].differing(now[session])
        states = {source.session for source in list(self._sources.values())}
        with self._lock:
            self._typing = tick.typing
            has_dialog = tick.has_dialog or self._has_new_dialog
            self._has_new_dialog = False
            decision = decide(
                bool(changed),
                has_left=bool(left(self._shown, states)),
                pace=self._pace,
                at=at,
                typing=tick.typing,
                has_dialog=has_dialog,
                postponed=frozenset(self._postponed),
            )
            if decision.runs:
                self._follows_next = True
                self._postponed.clear()
                self._shown = caught_up(self._shown, now, states=states)
        if decision.waits:
            _warn(changed)
        return decision.runs


@dataclass(slots=True, eq=False)
class _LiveRun(RunListener):
    """One run of the script, full or of a fragment, callbacks included."""

    comes_last = True  # after `persist` has saved, which is no change by others

    page: Live
    accesses: Accesses
    number: int
    is_whole: bool
    is_following: bool
    """Whether a change elsewhere has started it."""
    is_mounted: bool = False
    is_listening: bool = False

    def listen(self) -> None:
        if not self.is_listening:
            self.is_listening = True
            runs.listen(self)

    def at_end(self, *, is_followed: bool) -> None:
        self.page.end(self, is_followed=is_followed)


def _save_nothing(session: object) -> None:
    """The tab has not said how."""


def _channel(session: Session) -> str:
    """The name on which tabs announce changes. Not a secret: an id opens no session.

    The session of an app has the same id in each database.
    """
    return f"pgstate.{session.tables.identity.name}.{session.id}"


def _warn(changed: set[str]) -> None:
    """Warn once for each app, as each of its pages would repeat the warning."""
    app = script.path()
    if app in _warned:
        return
    _warned.add(app)
    _LOG.warning(
        "Live pages drive each other: each writes, in runs that nobody has asked for, what another "
        "reads, such as %s. Each is slowed down to one run in %g seconds. Write only when "
        "something has changed, or read these keys outside of pages with mount(live=True).",
        ", ".join(map(repr, sorted(changed)[:3])) or "a key",
        SLOW,
    )
