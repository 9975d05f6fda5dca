"""The surroundings of sessions in a Streamlit process: the pages that their values are read in."""

from __future__ import annotations

from typing import Final

from streamlit_pgstate.component import page, script
from streamlit_pgstate.page import apps, live, outage
from streamlit_pgstate.state import accesses
from streamlit_pgstate.state.accesses import Accesses
from streamlit_pgstate.state.handover import Arrival, Handover
from streamlit_pgstate.state.mapping import State
from streamlit_pgstate.state.session import Session
from streamlit_pgstate.state.surroundings import Surroundings


def find_accesses() -> Accesses | None:
    """What the run of this thread has read and written so far; None where nobody follows it."""
    known = accesses.of_thread()
    if known is None and not live.pages:
        return None  # a job's process serves no page: there a `get` is not slowed down
    if not script.is_script() or (known is not None and known.run is script.run()):
        return known
    page_of_tab = live.pages.get(id(script.tab()))
    return page_of_tab.enter_run() if page_of_tab is not None else None


def save_page(session: object) -> None:
    """Save what the run of this thread has persisted so far, if that is saved in `session`."""
    page_of_tab = live.pages.get(id(script.tab())) if live.pages and script.is_script() else None
    if page_of_tab is not None:
        page_of_tab.save(session)


def run_page() -> None:
    """Have the page run again, unless a run of the whole page follows anyhow."""
    if not script.is_script() or (script.is_callback() and not script.is_fragment_run()):
        return
    script.start_anew()


def reopen(handover: Handover, cache: bool) -> State:
    """A state that was unpickled; it connects at its first verb. Pickles name this function."""
    arrival = Arrival(handover, apps.tables_of_job)
    return State(Session(arrival, handover.ref, surroundings=SURROUNDINGS, cache=cache))


SURROUNDINGS: Final = Surroundings(
    find_audience=page.progress_bar,
    find_accesses=find_accesses,
    raised=outage.in_script,
    reopen=reopen,
    before_undo=save_page,
    after_undo=run_page,
)
