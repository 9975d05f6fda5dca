"""The runs of a tab's script, as a visit sees them.

Runs of a tab may overlap. After a quick click Streamlit starts the next run while the former one
continues up to its next `st.` command.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from streamlit_pgstate.component import script
from streamlit_pgstate.component.handshake import Question
from streamlit_pgstate.component.script import Address
from streamlit_pgstate.errors import PgStateError


@dataclass(eq=False, slots=True)
class VisitRun:
    """One run of the script."""

    run: object
    """The object that stands for the run: `script.run()`."""
    is_begun: bool = False
    """Whether a verb has refreshed the session for this run."""
    failure: PgStateError | None = None
    """The error of that refresh. Later verbs of the run raise it again, without another wait."""
    is_stale: bool = False
    """Whether the run began with a session that the tab no longer uses."""
    keys: list[str] = field(default_factory=list)
    """The keys of the component's instances that the run has mounted."""
    question: Question | None = None
    """The question that the last of these instances asks."""
    asks_at_end: bool = False


class VisitRuns:
    """The last runs of one tab."""

    def __init__(self) -> None:
        self.back_to: Address | None = None
        """Where a stale run begins anew; None for the present page."""
        self.began_at: Address | None = None
        """The page on which a candidate was first used. None once that run has ended: after it
        only the visitor switches pages, not the script."""
        self._opened_in: object = None
        """The run in which the candidate was first used."""
        self._known: deque[VisitRun] = deque(maxlen=script.KEPT_RUNS)

    def present(self) -> VisitRun:
        """The run that calls this."""
        present = script.run()
        known = next((known for known in self._known if known.run is present), None)
        if known is None:
            known = VisitRun(present)
            self._known.append(known)
        return known

    def mark_stale(self) -> None:
        """The tab uses another session from now on."""
        for run in self._known:
            run.is_stale = True

    def mark_others_stale(self) -> None:
        """As `mark_stale`, and the present run goes on with the new session."""
        self.mark_stale()
        self.present().is_stale = False

    def note_candidate(self) -> None:
        """The tab first uses a candidate, in the present run."""
        self.began_at, self._opened_in = script.address(), script.run()

    def note_end(self) -> None:
        """The present run has ended, and none follows at once."""
        if script.run() is self._opened_in:
            self.began_at = None

    def mounted(self) -> list[str]:
        """The keys of all instances of the component that these runs have mounted."""
        return list(dict.fromkeys(key for known in self._known for key in known.keys))
