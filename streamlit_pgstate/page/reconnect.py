"""A page that finds its server again runs its script at once, and reports what it has shown.

A restarted server cannot tell what a page has shown all along from what its visitor has just
chosen. The page knows which version of the state it showed, and reports it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamlit_pgstate.component import bridge, runs, script
from streamlit_pgstate.component.bridge import ShownState
from streamlit_pgstate.component.runs import RunListener

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator


class Reconnect:
    """One tab's page. Each of its runs ends by sending the page which version it now shows.

    Args:
        shows: what the page shows at the end of a run: the fingerprint of its token, and the
            version of the state. None if that is not known.
    """

    def __init__(self, shows: Callable[[], tuple[str, int] | None]) -> None:
        self.reported: ShownState | None = None
        """What the page has shown before this server knew it. None if it reported nothing, and
        after the first run with that state that was not overtaken."""
        self._shows = shows
        self._server_session = secrets.token_hex(4)
        self._last_report: ShownState | None = None
        self._place: DeltaGenerator | None = None

    def enter_run(self) -> None:
        """Prepare for a verb: mount the component that notices a lost server."""
        if script.is_callback():
            return
        run = runs.listener(_ReconnectRun) or runs.listen(_ReconnectRun(self))
        if not (run.is_mounted or script.fragment() or script.is_fragment_run()):
            run.mount()

    def mount(self) -> None:
        report = bridge.mount_reconnect()
        self._place = bridge.reserve_place()
        if report is None or report == self._last_report:
            return
        self._last_report = report
        # The same session: the connection broke for a moment, and this server knows the page.
        if report.server_session != self._server_session:
            self.reported = report

    def send(self) -> None:
        shows = self._shows()
        if self._place is not None and shows is not None:
            bridge.send_shown_state(self._place, ShownState(*shows, self._server_session))

    def settle(self) -> None:
        """Forget the report: from now on the page shows what this server has sent."""
        shows = self._shows()
        if self.reported is not None and shows is not None and shows[0] == self.reported.have:
            self.reported = None


@dataclass(slots=True, eq=False)
class _ReconnectRun(RunListener):
    """One run of the tab. Runs may overlap."""

    comes_last = True  # after `persist` has saved what the page already shows

    page: Reconnect
    is_mounted: bool = False

    def mount(self) -> None:
        self.is_mounted = True
        self.page.mount()

    def at_end(self, *, is_followed: bool) -> None:
        """Mount the component outside of fragments if only a fragment has called a verb."""
        is_whole = not script.is_fragment_run()
        if is_whole and not self.is_mounted:
            self.mount()
        self.page.send()
        if is_whole and not is_followed:
            self.page.settle()
