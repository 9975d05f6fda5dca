"""An outage of the database, as a page meets it: one calm sentence, and tries until it is over.

Stands between the verbs, which fail, and the page, which says so once in a run and has its script
run again by itself. What it says is for visitors; the log has the reason.
"""

from __future__ import annotations

import contextlib
import functools
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, ParamSpec, TypeVar

import streamlit as st

from streamlit_pgstate.component import KEY, bridge, page, runs, script
from streamlit_pgstate.component.runs import RunListener
from streamlit_pgstate.errors import ConfigError, PgStateError, StoreUnavailable, shown
from streamlit_pgstate.postgres.engine import Database

_P = ParamSpec("_P")
_R = TypeVar("_R")
_E = TypeVar("_E", bound=StoreUnavailable)

_LOG: Final = logging.getLogger(__name__)

SENTENCE: Final = (
    "The database is not available right now. What is saved is safe, and this page goes on by "
    "itself; a click made meanwhile may have to be repeated."
)

_LONG: Final = 1.0
"""Seconds for a statement after which the rest of its run asks that database no more: a server
that refuses does so within 0.01 s, a frozen one takes the whole `timeout`."""


class DatabaseAway(StoreUnavailable, script.StopException):
    """What a verb raises in a script: nobody has to catch it, as it ends the run like `st.stop`."""

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process, where no script runs."""
        return StoreUnavailable, *super().__reduce__()[1:]


def verb(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Make a function a verb of the module: its errors are the caller's own, see `errors.shown`."""

    @functools.wraps(function)
    def called(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return function(*args, **kwargs)
        except PgStateError as error:
            raised = shown(error, function.__name__, in_script)
        raise raised

    return called


def in_script(error: PgStateError) -> PgStateError:
    """What a verb raises in place of `error`: in a script the page says so, and tries again."""
    if not (isinstance(error, StoreUnavailable) and error.is_outage and script.is_script()):
        return error
    _note(error)
    if isinstance(error, DatabaseAway):
        return error
    away = _again(DatabaseAway, error)
    away.waited, away.ask_again = error.waited, error.ask_again
    away.database, away.is_silence = error.database, error.is_silence
    return away


def _again(kind: type[_E], error: StoreUnavailable) -> _E:
    """An error that says the same."""
    again = kind(*error.args)
    again.detail, again.cause, again.is_logged = error.detail, error.cause, error.is_logged
    return again


def _note(error: StoreUnavailable) -> None:
    if error.is_silence and error.waited > _LONG:
        _given_up.append((script.run(), error))
    try:
        run = runs.listener(_Run) or runs.listen(_Run(script.run()))
    except ConfigError:  # this version of Streamlit shows no end of a run
        run = _Run(script.run())
    run.note(error)


def refuse_second_wait(database: Database) -> None:
    """Before a statement: a run that has waited for this database for long does not wait again.

    But to save what the visitor has changed, at its end.

    Raises:
        StoreUnavailable: as the statement before.
    """
    if not _given_up or not script.is_script() or runs.is_ending():
        return
    present = script.run()
    for run, error in list(_given_up):
        if run is present and error.database is database:
            raise _again(StoreUnavailable, error)


_given_up: deque[tuple[object, StoreUnavailable]] = deque(maxlen=256)
"""Runs that have waited for long, and what the statement raised that has told them nothing."""


@dataclass(slots=True, eq=False)
class _Run(RunListener):
    """One run that has failed. A whole one says so at its end, when it is in no form any more."""

    comes_last = True  # `persist` saves at the end, which may fail, too

    mark: object
    ask_again: Callable[[], None] | None = None
    is_told: bool = False

    def note(self, error: StoreUnavailable) -> None:
        """A run of a fragment says so where the fragment is: the page around it stays."""
        self.ask_again = error.ask_again or self.ask_again
        if self.is_told or not script.is_fragment_run():
            return
        if script.fragment() and not script.is_callback() and not script.is_cached_function():
            self.is_told = True
            with page.fragment_place():
                self._draw()

    def at_end(self, *, is_followed: bool) -> None:
        _forget(self.mark)
        if self.is_told:
            return
        if script.is_fragment_run():  # a callback has failed, which can draw nothing
            if not is_followed:
                runs.listen_to_next(_Run(None, self.ask_again))
                script.rerun_page()
            return
        # Also where another run follows: `st.stop` looks like that, and what an overtaken run draws
        # goes nowhere.
        with page.still_place():
            self._draw()

    def _draw(self) -> None:
        with st.container(key=f"{KEY}_outage"):
            st.info(SENTENCE, icon=":material/sync:")
            bridge.mount_retry(lambda: _begin_try(self.ask_again), place=script.fragment())


def _begin_try(ask_again: Callable[[], None] | None) -> None:
    """At the beginning of a run that the page has started: the sentence stays while it is true.

    What failed was perhaps a click, which that run does not have.
    """
    try:
        if ask_again is not None:
            ask_again()
    except StoreUnavailable as error:
        _note(error)
    except PgStateError as error:  # as a verb of this run says
        _LOG.debug("The database is there and refuses: %s", error.in_full)


def _forget(run: object) -> None:
    for found in list(_given_up):
        if found[0] is run:
            with contextlib.suppress(ValueError):  # other runs have taken its place
                _given_up.remove(found)
