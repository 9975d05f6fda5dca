"""The arrival: how the visitor of a page came, and what told so. Pure: no I/O.

`page_sessions` says how the page was opened, `replies` what the browser has reported since, and
`held_session` that the state has ended. docs/arrival.md shows what follows from it as a table, and
`tests/unit/test_arrivals.py` has the cases.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from streamlit_pgstate.errors import Ending
from streamlit_pgstate.state.session_info import Arrival, CameBy


def keeper(scope: Literal["browser", "tab"]) -> CameBy:
    """Where the browser keeps the token that it reports."""
    return "localStorage" if scope == "browser" else "sessionStorage"


@dataclass(frozen=True, slots=True)
class Arrived:
    """How the visitor of a page came. No run of the page changes it, only the events below do."""

    arrival: Arrival = "new"
    came_by: CameBy | None = None
    """What has brought the state, or the token that is refused; None for a new visitor."""
    has_ended: bool = False
    """Whether a state of this page has ended while the page was open. Nobody comes back to what
    the page goes on with."""

    @classmethod
    def opened(cls, came_by: CameBy, *, is_stored: bool) -> Arrived:
        """The page is opened with a token that is accepted.

        Args:
            came_by: what has brought the token.
            is_stored: whether anything was ever stored in its session. If not, the token may have
                come with this very page, or be somebody else's.
        """
        return cls("returning", came_by) if is_stored else NEW

    @classmethod
    def logged_in(cls, *, is_stored: bool, ended: Ending | None) -> Arrived:
        """The page asks for the state of the user who is logged in.

        Args:
            is_stored: whether anything was stored in it since it was last forgotten.
            ended: how it has ended before this page has begun it anew; None if it had not.
        """
        if ended is not None:
            return cls(ended, "login", has_ended=True)
        return cls.opened("login", is_stored=is_stored)

    @classmethod
    def refused(cls, came_by: CameBy, ended: Ending | None) -> Arrived:
        """The page is opened with a token that is refused.

        Args:
            came_by: what has brought the token.
            ended: how its session has ended; None if it is refused for another reason.
        """
        return NEW if ended is None else cls(ended, came_by)

    def reported(self, came_by: CameBy, *, is_stored: bool, ended: Ending | None = None) -> Arrived:
        """The browser has reported a token that is accepted. The page goes over to its session.

        Args:
            came_by: where the browser keeps the token.
            is_stored: as in `opened`.
            ended: how the former session of the page has ended; None if it has not, or is unknown.
        """
        if ended is not None:
            return self.ended(ended)
        if self.has_ended or (not is_stored and self.arrival != "returning"):
            return self
        return self.opened(came_by, is_stored=is_stored)

    def reported_refused(self, came_by: CameBy, ended: Ending | None) -> Arrived:
        """The browser has reported a token that is refused. The page keeps its session."""
        return self.refused(came_by, ended) if self == NEW else self

    def begun(self) -> Arrived:
        """The browser keeps no token any more. The page goes on with an empty session."""
        return self if self.has_ended else NEW

    def ended(self, ended: Ending | None) -> Arrived:
        """The session has ended under the open page.

        Args:
            ended: as in `refused`. If it is None, the browser mostly has another token of the same
                session, which it reports next.
        """
        if ended is None:
            return self
        return replace(self, arrival=ended, has_ended=True)


NEW: Final = Arrived()
"""Nothing is known of the visitor."""
