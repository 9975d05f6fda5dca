"""Surroundings: callbacks by which a session asks its process.

They say who waits, what is recorded, and which error to raise. `page.surroundings` has those of a
Streamlit process. The defaults here are those of a process without pages.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from streamlit_pgstate.errors import PgStateError, shown
from streamlit_pgstate.state.accesses import Accesses
from streamlit_pgstate.state.handover import Handover
from streamlit_pgstate.state.progress import Audience

_MethodT = TypeVar("_MethodT", bound=Callable[..., Any])


def _nothing(session: object = None) -> None:
    """Without a page there is nothing to do."""


def _nobody() -> Audience | None:
    return None


def _no_run() -> Accesses | None:
    return None


def _as_it_is(error: PgStateError) -> PgStateError:
    return error


def _not_pickled(handover: Handover, cache: bool) -> Any:
    raise TypeError("This state is not pickled: its store was not made by pgstate.connect().")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Callbacks of sessions.

    Attributes:
        before_undo: saves what the page has changed and the session has not, before `undo` and
            `redo` of that session.
        after_undo: has the page show what they have changed.
        find_audience: who waits for the work of the calling thread; None for nobody.
        find_accesses: where to record what the calling thread reads and writes; None where nobody
            follows it.
        raised: the error that a verb raises in place of the one given.
        reopen: makes a state of a handover, in the process that has unpickled it. Pickles name
            it, so it must be a function of a module.
    """

    before_undo: Callable[[object], None] = _nothing
    after_undo: Callable[[], None] = _nothing
    find_audience: Callable[[], Audience | None] = _nobody
    find_accesses: Callable[[], Accesses | None] = _no_run
    raised: Callable[[PgStateError], PgStateError] = _as_it_is
    reopen: Callable[[Handover, bool], Any] = _not_pickled


def method_verb(method: _MethodT) -> _MethodT:
    """Decorate a verb that is a method: it raises errors as `errors.shown` gives them.

    The method's class must have an attribute `_surroundings`, whose `raised` is applied to each
    error. Verbs that are functions, such as `pgstate.set`, have the decorator `page.outage.verb`.
    An error of `pgstate.set` passes both, first this one.
    """

    @functools.wraps(method)
    def called(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except PgStateError as error:
            raised = shown(error, method.__name__, self._surroundings.raised)
        raise raised

    return cast(_MethodT, called)
