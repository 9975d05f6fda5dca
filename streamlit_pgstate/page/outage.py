"""An outage of the database, as a visitor sees it: one calm sentence until the database is back.

A verb that fails is noted here. At the end of its run the page shows `SENTENCE`, and a component
starts the script again after a while. The sentence is for visitors; the log has the reason.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, ParamSpec, TypeVar

import streamlit as st

from streamlit_pgstate.component import KEY, bridge, page, runs, script
from streamlit_pgstate.component.runs import RunListener
from streamlit_pgstate.errors import (
    ConfigError,
    PgStateError,
    StoreUnavailable,
    kind_of,
    shown,
)
from streamlit_pgstate.page import live
from streamlit_pgstate.postgres import counters
from streamlit_pgstate.postgres.engine import Database
from streamlit_pgstate.postgres.faults import unsaid

_P = ParamSpec("_P")
_R = TypeVar("_R")
_E = TypeVar("_E", bound=StoreUnavailable)

_LOG: Final = logging.getLogger(__name__)

SENTENCE: Final = (
    "The database is not available right now. What is saved is safe, and this page goes on by "
    "itself. What you click or send meanwhile may have to be repeated."
)

FIRST_SENTENCES: Final = f"{SENTENCE} The reason is in the server's log."
"""For a process that has never reached its database: perhaps somebody has just set a wrong URL."""

_LONG: Final = 1.0
"""Seconds of waiting for one statement after which the same run sends no more statements. A server
that refuses answers within 0.01 s; a frozen one uses up the whole `timeout`. Half of `timeout` is
enough, where that is shorter."""


class DatabaseAway(StoreUnavailable, script.StopException):
    """What a verb raises in a script. If nobody catches it, it ends the run like `st.stop`."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle it as its base class: no script runs in another process."""
        return StoreUnavailable, *super().__reduce__()[1:]


def verb(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Decorate a verb that is a function: it raises errors as `errors.shown` gives them.

    The methods of `State` and `Store` have another decorator, `state.surroundings.method_verb`.
    Both count and time the verb, and those that it calls are a part of it.
    """
    name = function.__name__
    counted_as = ("verb", name)

    @functools.wraps(function)
    def called(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        mine = counters.begin_verb()
        try:
            return function(*args, **kwargs)
        except PgStateError as error:
            if mine is not None:
                counters.count(("verb error", name, kind_of(error)))
            raised = shown(error, name, in_script)
        finally:
            if mine is not None:
                mine.end_verb(counted_as)
        raise raised

    return called


def in_script(error: PgStateError) -> PgStateError:
    """The error that a verb raises in place of `error`. In a script, the page shows an outage."""
    if not (isinstance(error, StoreUnavailable) and error.is_outage and script.is_script()):
        return error
    _note(error)
    if isinstance(error, DatabaseAway):
        return error
    away = _again(DatabaseAway, error)
    away.waited, away.ask_again = error.waited, error.ask_again
    away.database, away.is_silence = error.database, error.is_silence
    away.was_reached = error.was_reached
    return away


def _again(kind: type[_E], error: StoreUnavailable) -> _E:
    """A copy of an error, of another class."""
    again = kind(*error.args)
    again.detail, again.cause, again.is_logged = error.detail, error.cause, error.is_logged
    return again


def _note(error: StoreUnavailable) -> None:
    if _is_frozen(error):
        _given_up.append((script.run(), error))
    try:
        run = runs.listener(_FailedRun) or runs.listen(_FailedRun(script.run()))
    except ConfigError:  # this version of Streamlit shows no end of a run
        run = _FailedRun(script.run())
    run.note(error)


def _is_frozen(error: StoreUnavailable) -> bool:
    """Whether a further statement of the run would only wait again, for as long."""
    limit = error.database.timeout if isinstance(error.database, Database) else math.inf
    return error.is_silence and error.waited > min(_LONG, limit / 2)


def refuse_second_wait(database: Database) -> None:
    """Called before each statement: a run that has waited long for this database fails at once.

    The statement that saves the visitor's changes, at the end of the run, is sent all the same.

    Raises:
        StoreUnavailable: the error of the statement that the run has waited for.
    """
    if not _given_up or not script.is_script() or runs.is_ending():
        return
    present = script.run()
    for run, error in list(_given_up):
        if run is present and error.database is database:
            again = _again(StoreUnavailable, error)
            again.args = (unsaid(str(error)),)  # this statement is not sent at all
            raise again


_given_up: deque[tuple[object, StoreUnavailable]] = deque(maxlen=256)
"""Runs that have waited for more than `_LONG`, with the error that they got."""


@dataclass(slots=True, eq=False)
class _FailedRun(RunListener):
    """A run in which a verb has failed.

    A run of the whole page shows the sentence at its end, where no form of the script is open.
    """

    comes_last = True  # after `persist` has saved, which may fail, too

    run: object
    ask_again: Callable[[], None] | None = None
    was_reached: bool = True
    is_announced: bool = False

    def note(self, error: StoreUnavailable) -> None:
        """Note a failure. A run of a fragment shows the sentence in the fragment's own place."""
        self.ask_again = error.ask_again or self.ask_again
        self.was_reached = self.was_reached and error.was_reached
        if self.is_announced or not script.is_fragment_run():
            return
        if script.fragment() and not script.is_callback() and not script.is_cached_function():
            self.is_announced = True
            with page.fragment_place():
                self._draw()

    def at_end(self, *, is_followed: bool) -> None:
        _forget(self.run)
        if self.is_announced:
            return
        if script.is_fragment_run():  # a callback has failed, which can draw nothing
            if not is_followed:
                runs.listen_to_next(_FailedRun(None, self.ask_again, self.was_reached))
                script.rerun_page()
            return
        # Also if another run follows: after `st.stop` it looks so, and what an overtaken run draws
        # is never shown.
        page_of_tab = live.pages.get(id(script.tab()))
        page.keep_still_places(page_of_tab.still_places if page_of_tab is not None else 0)
        with page.still_place():
            self._draw()

    def _draw(self) -> None:
        with st.container(key=f"{KEY}_outage"):
            st.info(SENTENCE if self.was_reached else FIRST_SENTENCES, icon=":material/sync:")
            bridge.mount_retry(lambda: _begin_try(self.ask_again), place=script.fragment())


def _begin_try(ask_again: Callable[[], None] | None) -> None:
    """Ask the database at the start of a run that the page has begun by itself.

    Perhaps a click has failed, which this run does not repeat. Without this question the sentence
    would disappear while the database is still away.
    """
    try:
        if ask_again is not None:
            ask_again()
    except StoreUnavailable as error:
        _note(error)
    except PgStateError as error:  # a verb of this run raises it
        _LOG.debug("The database is there and refuses: %s", error.in_full)


def _forget(run: object) -> None:
    for found in list(_given_up):
        if found[0] is run:
            with contextlib.suppress(ValueError):  # other runs have taken its place
                _given_up.remove(found)
