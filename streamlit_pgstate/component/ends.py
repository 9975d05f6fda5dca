"""The ends of all runs in this process, including runs that call nothing of this package.

Listeners of one run, which `runs` calls, are called before those of this module. The listeners here
act on what a run has not done: a widget that it has not drawn, for example.
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
    """Whether another run takes its place: see `RunListener.at_end`. Also True after `st.stop`,
    which looks the same."""
    is_early: bool
    """Whether the run ended before its last line: at `st.stop` or at an error, in the script or in
    a callback. False for an error in a run of a fragment, which looks like its last line."""


EndListener: TypeAlias = Callable[[End], None]

_listeners: list[EndListener] = []


def listen(listener: EndListener) -> None:
    """Call `listener` at the end of each run, beginning with the present one.

    A listener is called once a run, however often it was given. It is called on the run's thread,
    before Streamlit drops the widgets that the run has not drawn.
    """
    if listener not in _listeners:
        _listeners.append(listener)
    _watch()


def _watch() -> None:
    """Wrap `_on_script_finished` of the class that runs the present script, once.

    Private part: `ScriptRunner._on_script_finished`, seen in 1.51 to 1.67. Its arguments are the
    run's context, its event, and whether it stopped prematurely, which is the only `bool`. AppTest
    has a runner class of its own. Without this part no listener is called, and `persist` raises an
    error.
    """
    kind: Any = runs.runner_kind()
    finish = getattr(kind, "_on_script_finished", None)
    if finish is None or hasattr(finish, _WATCHED):
        return

    @functools.wraps(finish)
    def notify_and_finish(runner: Any, *args: Any, **kwargs: Any) -> Any:
        _notify(_end_of(runner, [*args, *kwargs.values()]))
        return finish(runner, *args, **kwargs)

    setattr(notify_and_finish, _WATCHED, True)
    kind._on_script_finished = notify_and_finish


def _end_of(runner: Any, arguments: Iterable[Any]) -> End:
    arguments = list(arguments)
    return End(
        is_followed=runs.is_followed(runner, arguments),
        is_early=any(argument is True for argument in arguments),
    )


def _notify(end: End) -> None:
    for listener in _listeners:
        try:
            listener(end)
        except Exception:  # noqa: BLE001 - it would end the thread of this visitor's script
            _LOG.exception("The end of a script run could not be handled.")
