"""An outage of the database, as a page meets it: one calm sentence, and tries until it is over.

Stands between the verbs, which fail, and the page, which says so once in a run and has its script
run again by itself. What it says is for visitors; the log has the reason.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from streamlit_pgstate import engine, errors
from streamlit_pgstate.component import KEY, bridge, page, runs, script
from streamlit_pgstate.component.runs import RunListener
from streamlit_pgstate.errors import ConfigError, PgStateError, StoreUnavailable

SENTENCE: Final = (
    "The database is not available right now. "
    "What was saved is safe, and this page goes on by itself."
)

_LONG: Final = 1.0
"""Seconds for a statement after which the rest of its run waits no more: a server that refuses
does so within 0.01 s, a frozen one takes the whole `timeout`."""


class DatabaseAway(StoreUnavailable, script.StopException):
    """What a verb raises in a script: nobody has to catch it, as it ends the run like `st.stop`."""

    def __reduce__(self) -> tuple[Callable[..., StoreUnavailable], tuple[Any, ...]]:
        """For another process, where no script runs."""
        return StoreUnavailable, self.args


def stand_in() -> None:
    """Have this module decide what verbs raise in scripts, and how long a run waits."""
    errors.raise_as(in_script)
    engine.ask_before(refuse_second_wait)


def in_script(error: PgStateError) -> PgStateError:
    """What a verb raises in place of `error`: in a script the page says so, and tries again."""
    if not isinstance(error, StoreUnavailable) or not script.is_script():
        return error
    if error.waited > _LONG:
        _given_up.append((script.run(), error))
    _tell()
    if isinstance(error, DatabaseAway):
        return error
    away = DatabaseAway(*error.args)
    away.waited = error.waited
    away.__cause__ = error
    return away


def refuse_second_wait() -> None:
    """Before a statement: a run that has waited for long does not wait again.

    Raises:
        StoreUnavailable: as the statement before.
    """
    if not _given_up or not script.is_script():
        return
    present = script.run()
    for run, error in _given_up:
        if run is present:
            raise StoreUnavailable(*error.args)


_given_up: deque[tuple[object, StoreUnavailable]] = deque(maxlen=256)
"""Runs that have waited for long, and what their statement raised."""


def _tell() -> None:
    try:
        run = runs.listener(_Run) or runs.listen(_Run(script.run()))
    except ConfigError:  # this version of Streamlit shows no end of a run
        run = _Run(script.run())
    run.tell()


@dataclass(slots=True, eq=False)
class _Run(RunListener):
    """One run that has failed. A whole one says so at its end, when it is in no form any more."""

    comes_last = True  # `persist` saves at the end, which may fail, too

    mark: object
    is_told: bool = False

    def tell(self) -> None:
        """A run of a fragment says so where the fragment is: the page around it stays."""
        if self.is_told or not script.is_fragment_run():
            return
        if script.fragment() and not script.is_callback() and not script.is_cached_function():
            self.is_told = True
            with page.fragment_place():
                _draw()

    def at_end(self, *, is_followed: bool) -> None:
        _forget(self.mark)
        if is_followed or self.is_told:
            return
        if script.is_fragment_run():  # its callback has failed, which can draw nothing
            runs.listen_to_next(_Run(None))
            script.rerun_page()
            return
        with page.still_place():
            _draw()


def _draw() -> None:
    with st.container(key=f"{KEY}_outage"):
        st.info(SENTENCE, icon=":material/sync:")
        bridge.mount_retry(place=script.fragment())


def _forget(run: object) -> None:
    for found in [found for found in _given_up if found[0] is run]:
        _given_up.remove(found)
