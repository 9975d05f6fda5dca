"""A page that finds its server again: its script runs at once, and what it showed is known.

To a restarted server all values that a page sends look alike: what it has shown all along, and
what its visitor has just chosen. The page itself knows which version of the state it showed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamlit_pgstate.component import bridge, runs, script
from streamlit_pgstate.component.bridge import Shown
from streamlit_pgstate.component.runs import RunListener

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator


class Reconnect:
    """One tab's page, over all its runs: each ends with telling it what it shows.

    Args:
        shows: what the page shows at the end of a run, its state's fingerprint and version; None
            where nobody knows.
    """

    def __init__(self, shows: Callable[[], tuple[str, int] | None]) -> None:
        self.said: Shown | None = None
        """What the page showed before this server knew it, where it has said so: up to the end of
        the first run over that very state that no other takes the place of."""
        self._shows = shows
        self._teller = secrets.token_hex(4)
        self._heard: Shown | None = None
        self._place: DeltaGenerator | None = None

    def enter_run(self) -> None:
        """At a verb in a run."""
        if script.is_callback():
            return
        run = runs.listener(_Run) or runs.listen(_Run(self))
        if not (run.is_mounted or script.fragment() or script.is_fragment_run()):
            run.mount()

    def mount(self) -> None:
        said = bridge.mount_reconnect()
        self._place = bridge.reserve_place()
        if said is None or said == self._heard:
            return
        self._heard = said
        if said.teller != self._teller:  # else it was away for a moment, and is known
            self.said = said

    def tell(self) -> None:
        shows = self._shows()
        if self._place is not None and shows is not None:
            bridge.tell_shown(self._place, Shown(*shows, self._teller))

    def settle(self) -> None:
        """From now on the page shows what this server has told it."""
        shows = self._shows()
        if self.said is not None and shows is not None and shows[0] == self.said.have:
            self.said = None


@dataclass(slots=True, eq=False)
class _Run(RunListener):
    """One run: of a tab they may overlap."""

    comes_last = True  # `persist` saves at the end, which the page has shown before

    page: Reconnect
    is_mounted: bool = False

    def mount(self) -> None:
        self.is_mounted = True
        self.page.mount()

    def at_end(self, *, is_followed: bool) -> None:
        """Where only a fragment has called a verb, the component is mounted outside of it."""
        is_whole = not script.is_fragment_run()
        if is_whole and not self.is_mounted:
            self.mount()
        self.page.tell()
        if is_whole and not is_followed:
            self.page.settle()
