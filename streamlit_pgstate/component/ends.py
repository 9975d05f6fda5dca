"""The ends of all runs of this process, also of those that never come to this package.

A run of which a verb or a widget is told has listeners of its own, which hear of its end before:
see `runs`. Those of this module are for what a run has not done.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from streamlit_pgstate.component import KEY, runs

_LOG = logging.getLogger(__name__)

_WATCHED: Final = f"_{KEY}_watched"


@dataclass(frozen=True, slots=True)
class End:
    """How a run has ended."""

    is_followed: bool
    """Whether another takes its place: see `RunListener.at_end`. `st.stop` looks like it, too."""
    is_early: bool
    """Whether it has not come to its last line, but to `st.stop` or an error, perhaps in a
    callback. An error in a run of a fragment is not told from its last line."""


EndListener: TypeAlias = Callable[[End], None]

_listeners: list[EndListener] = []


def listen(listener: EndListener) -> None:
    """Call `listener` at the end of each run from the present one on, once however often asked.

    It is called on the run's thread. Streamlit has dropped nothing by then of what the run has not
    drawn.
    """
    if listener not in _listeners:
        _listeners.append(listener)
    _watch()


def _watch() -> None:
    """`ScriptRunner._on_script_finished`, which gets the run's context, its event, and whether it
    stopped prematurely, the only one that is a `bool`: seen in 1.51 to 1.67. AppTest's runner has
    one of its own, so it is that of the present run's. Without it nobody is told, and `persist`
    refuses to work at all."""
    kind: Any = runs.runner_kind()
    finish = getattr(kind, "_on_script_finished", None)
    if finish is None or hasattr(finish, _WATCHED):
        return

    @functools.wraps(finish)
    def tell_and_finish(runner: Any, *args: Any, **kwargs: Any) -> Any:
        _tell(_end_of(runner, [*args, *kwargs.values()]))
        return finish(runner, *args, **kwargs)

    setattr(tell_and_finish, _WATCHED, True)
    kind._on_script_finished = tell_and_finish


def _end_of(runner: Any, told: Iterable[Any]) -> End:
    told = list(told)
    return End(
        is_followed=runs.is_followed(runner, told),
        is_early=any(part is True for part in told),
    )


def _tell(end: End) -> None:
    for listener in _listeners:
        try:
            listener(end)
        except Exception:  # noqa: BLE001 - else it would end the thread of this visitor's script
            _LOG.exception("The end of a script run could not be handled.")
