"""The surroundings of sessions in a Streamlit process: the pages that their values are read in."""

from __future__ import annotations

from typing import Final

from streamlit_pgstate.component import page, script
from streamlit_pgstate.page import apps, live, outage
from streamlit_pgstate.state import reads
from streamlit_pgstate.state.handover import Arrival, Handover
from streamlit_pgstate.state.mapping import State
from streamlit_pgstate.state.reads import Reads
from streamlit_pgstate.state.session import Session
from streamlit_pgstate.state.surroundings import Surroundings


def present_reads() -> Reads | None:
    """What the run that this thread belongs to has read so far; None where nobody follows it."""
    held = reads.held()
    if held is None and not live.pages:
        return None  # a job's process serves no page: there a `get` is not slowed down
    if not script.is_script() or (held is not None and held.run is script.run()):
        return held
    page_of_tab = live.pages.get(id(script.tab()))
    return page_of_tab.enter_run() if page_of_tab is not None else None


def reopen(handover: Handover, cache: bool) -> State:
    """A state that was unpickled; it connects at its first verb. Pickles name this function."""
    arrival = Arrival(handover, apps.tables_of_job)
    return State(Session(arrival, handover.ref, surroundings=SURROUNDINGS, cache=cache))


SURROUNDINGS: Final = Surroundings(
    find_audience=page.progress_bar,
    present_reads=present_reads,
    raised=outage.in_script,
    reopen=reopen,
)
