"""A page that finds its server again: its script runs at once, and what it showed is known.

To a restarted server all values that a page sends look alike: what it has shown all along, and
what its visitor has just chosen. The page itself knows which version of the state it showed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from streamlit_pgstate.component import bridge, runs, script
from streamlit_pgstate.component.bridge import Shown
from streamlit_pgstate.component.runs import RunListener

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator


class Reconnect(RunListener):
    """One tab's page, over all its runs: each ends with telling it what it shows."""

    comes_last = True  # `persist` saves at the end, which the page has shown before

    def __init__(self, shows: Callable[[], Shown | None]) -> None:
        """Begin to listen.

        Args:
            shows: what the page shows at the end of a run; None where nobody knows.
        """
        self._shows = shows
        self._place: DeltaGenerator | None = None
        self._is_mounted = False
        self._heard: Shown | None = None
        self.said: Shown | None = None
        """What the page showed when it found its server again, which led to the present run."""

    def enter_run(self) -> None:
        """At a verb in a run."""
        if script.is_callback():
            return
        if runs.listener(Reconnect) is None:
            runs.listen(self)
            self._is_mounted = False
        if not (self._is_mounted or script.fragment() or script.is_fragment_run()):
            self._mount()

    def at_end(self, *, is_followed: bool) -> None:
        """Where only a fragment has called a verb, the component is mounted outside of it."""
        if not self._is_mounted and not script.is_fragment_run():
            self._mount()
        shown = self._shows()
        if self._place is not None and shown is not None:
            bridge.tell_shown(self._place, shown)
        self.said = None

    def _mount(self) -> None:
        self._is_mounted = True
        said = bridge.mount_reconnect()
        self._place = bridge.reserve_place()
        if said != self._heard:
            self.said = self._heard = said
