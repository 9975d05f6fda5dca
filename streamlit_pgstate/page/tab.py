"""A browser tab: the states that it works with, and what its page shows of them.

Stands between the verbs and the visits, which have the tokens. There is one `Tab` for each tab that
Streamlit serves, over all of its runs.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streamlit_pgstate.component import (
    ends,
    identity,
    imports,
    page,
    runs,
    script,
    session_state,
    transport,
)
from streamlit_pgstate.component.ends import End
from streamlit_pgstate.component.runs import RunListener
from streamlit_pgstate.component.transport import Transport
from streamlit_pgstate.errors import NoSessionError
from streamlit_pgstate.page import apps, freeze, live
from streamlit_pgstate.page.live import Live
from streamlit_pgstate.page.reconnect import Reconnect
from streamlit_pgstate.page.visit import Visit
from streamlit_pgstate.persistence.keys import PersistedKeys
from streamlit_pgstate.postgres.tables import Tables

_lock = threading.Lock()
_tabs: dict[int, Tab] = {}


def current(*, waits: bool = False) -> Tab:
    """The tab whose script runs now. The first call of a run refreshes its state.

    Args:
        waits: whether the script waits for the browser's answer.

    Raises:
        NoSessionError: no script of Streamlit's runs here.
        PgStateError: the database cannot be reached or refuses.
    """
    tab = present()
    tab.enter_run(waits=waits)
    return tab


def present() -> Tab:
    """The tab whose script runs now, without a refresh and without mounting the component.

    Raises:
        NoSessionError: no script of Streamlit's runs here.
    """
    if not script.is_script():
        raise NoSessionError(
            "There is no visitor here: no Streamlit script runs on this thread. Start an app by "
            "`streamlit run app.py`, not by `python app.py`. In a thread or "
            "a job use the state that pgstate.scope() returned in the script; in tools and "
            "tests use pgstate.connect(url).state(token)."
        )
    if script.is_cached_function():
        raise NoSessionError(
            "This runs under st.cache_data or st.cache_resource, which would give one visitor's "
            "value to all others. Call it outside, and hand the value to the cached "
            "function."
        )
    if (module := imports.importing()) is not None:
        raise NoSessionError(
            f"This runs while the module {module!r} is imported. That happens once, so one "
            "visitor's value would be that of all others. Make the call in a function of the "
            "module, and call the function in the script."
        )
    return _tab_of(script.tab(), apps.tables_of_this_app())


def _tab_of(known_by: object, tables: Tables) -> Tab:
    tab = _tabs.get(id(known_by))
    if tab is not None and tab.tables is tables:  # without the lock: each verb comes here
        return tab
    with _lock:
        tab = _tabs.get(id(known_by))
        if tab is None:
            weakref.finalize(known_by, _leave, id(known_by))
            ends.listen(_keep_at_end)
        if tab is None or tab.tables is not tables:
            if not script.is_apptest():
                tables.clean_up_by_itself()
                if tables.settings.gc_freeze:
                    freeze.freeze_at_end()
            tab = _tabs[id(known_by)] = Tab(tables)
            live.pages[id(known_by)] = tab.live
        return tab


def _keep_at_end(end: End) -> None:
    tab = _tabs.get(id(script.tab())) if _tabs else None
    if tab is not None:
        tab.keep_unsaved(is_early=end.is_early)
        tab.keep_still_places(is_early=end.is_early)


def _leave(number: int) -> None:
    live.pages.pop(number, None)
    tab = _tabs.pop(number, None)
    if tab is not None:
        tab.leave()


class Tab:
    """One browser tab: its visit to the browser's state, the one to its own state, and its page."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.live = Live()
        """The page, with all sessions that it reads."""
        self.live.save = self.save_so_far
        self.browser = self._visit(transport.of_browser())
        """The visit to the state that all tabs of the browser share."""
        self._own: Visit | None = None
        self._lock = threading.RLock()
        self._persisted: PersistedKeys | None = None
        self._reconnect = Reconnect(self._shown)

    @property
    def own(self) -> Visit:
        """The visit to the state that only this tab has."""
        with self._lock:
            if self._own is None:
                self._own = self._visit(transport.TAB)
            return self._own

    def _visit(self, way: Transport) -> Visit:
        return Visit(
            self.tables,
            way,
            show=self.live.follow,
            leave_page=self._leave_page,
            rejoin_page=self._rejoin_page,
        )

    def leave(self) -> None:
        """The tab was closed."""
        self.browser.leave()
        if self._own is not None:
            self._own.leave()

    def enter_run(self, *, waits: bool = False) -> None:
        """Prepare for a verb: see `Visit.enter_run`."""
        self.browser.enter_run(waits=waits)

    def forget(self) -> None:
        """Delete the browser's state and this tab's own, and their tokens."""
        self.own.forget_unseen()
        self.browser.forget()

    def _leave_page(self) -> None:
        """The page shows another session. Nothing of it is to be read or saved."""
        if script.is_parallel_fragment():  # beside the script, which reads `st.session_state` now
            runs.listen(_LeaveAtEnd(self))
            return
        self.begin_page()

    def _rejoin_page(self) -> None:
        """The page shows the session that this restarted server has just found.

        The widgets keep their values. What the script has put into `st.session_state` besides
        belongs to a candidate, and goes.
        """
        with self._lock:
            keys = self._persisted.keys if self._persisted is not None else frozenset()
            if self._persisted is not None and self._persisted.session is not self.browser.session:
                self._persisted.close()
                self._persisted = None  # `persist` asks the page what it showed
        session_state.clear(keep={transport.TESTING_KEY, *keys, *session_state.of_widgets()})

    def begin_page(self) -> None:
        """Empty `st.session_state`, and give all widgets of the page a new identity."""
        session_state.clear(keep={transport.TESTING_KEY})
        identity.renew()
        with self._lock:
            if self._persisted is not None:
                self._persisted.close()
            self._persisted = None

    # Durable keys of `st.session_state`

    def persist(self, keys: Sequence[str], defaults: Mapping[str, Any]) -> None:
        """Make keys of `st.session_state` durable until the end of this run."""
        self.browser.call(lambda _: self._bind(keys, defaults))

    def _bind(self, keys: Sequence[str], defaults: Mapping[str, Any]) -> None:
        with self._lock:
            self._reconnect.enter_run()
            session = self.browser.session
            if self._persisted is None:
                self._persisted = PersistedKeys(session)
            elif self._persisted.session is not session:
                self._persisted = self._persisted.move_to(session)
            self._persisted.postpones = self.live.postpones
            self._note_what_the_page_showed(self._persisted)
            self._persisted.bind(keys, defaults)

    def save_so_far(self, session: object) -> None:
        """Save what this run has persisted so far, if `session` is where it is saved."""
        persisted = self._persisted
        if persisted is not None and persisted.session is session:
            persisted.save_so_far()

    def keep_unsaved(self, *, is_early: bool) -> None:
        """Keep each choice of the visitor that the run which ends now has not saved.

        Called at the end of each run.

        Args:
            is_early: whether the run has ended before its last line.
        """
        persisted = self._persisted
        if persisted is not None:
            persisted.keep_unsaved(is_early=is_early)

    def keep_still_places(self, *, is_early: bool) -> None:
        """Keep the places of what this page has mounted, for runs of fragments on their way.

        Args:
            is_early: whether the run has ended before its last line.
        """
        if script.is_fragment_run():
            return
        if is_early:
            page.keep_still_places(self.live.still_places)
        else:
            self.live.still_places = page.still_places()

    def _note_what_the_page_showed(self, persisted: PersistedKeys) -> None:
        report, token = self._reconnect.reported, self.browser.token
        if report is None or token is None or report.have != token.fingerprint:
            persisted.note_page(None)
            return
        # Not the present version: this run may have written already, and others may have deleted.
        version, found = self.browser.found
        is_current = report.version == version
        persisted.note_page(report.version, lambda key: is_current and key not in found)

    def notice_reconnect(self) -> None:
        """Have the page run as soon as it has found its server again."""
        with self._lock:
            self._reconnect.enter_run()

    def _shown(self) -> tuple[str, int] | None:
        """What the page shows at the end of a run: the fingerprint of its token, and a version."""
        with self._lock:
            token = self.browser.token
            if token is None or self._persisted is None:
                return None
            if self._persisted.session is not self.browser.session:  # another one by now
                return None
            return token.fingerprint, self._persisted.version_shown

    def follow(self) -> None:
        """Make the page live: see `Live.mount`."""
        if not script.is_callback():
            self.live.mount()


@dataclass(slots=True, eq=False)
class _LeaveAtEnd(RunListener):
    """Begins the page anew at the end of a run, before the next run starts."""

    tab: Tab

    def at_end(self, *, is_followed: bool) -> None:
        self.tab.begin_page()
