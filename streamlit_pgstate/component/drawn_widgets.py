"""The widgets that a page shows, and whether they still hold what the visitor has put into them.

This matters for widgets that only the browser can fill, such as uploads. The page drops a widget
and its content at the end of a run that has not drawn it. If that run ended early, Streamlit's
server keeps the value. When the widget is drawn again, it begins empty, and the page sends the
empty value as if the visitor had removed the content.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from streamlit.runtime.scriptrunner import get_script_run_ctx

from streamlit_pgstate.component import KEY, ends, script
from streamlit_pgstate.component.ends import End

_DRAWN: Final = f"_{KEY}_drawn"


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Where a widget was last drawn."""

    run: object
    fragment: str


def note(key: str) -> None:
    """Note that the present run draws the widget with this key."""
    ends.listen(_note_end)
    _drawn(script.tab())[key] = _Drawn(script.run(), script.fragment())


def still_holds(key: str) -> bool:
    """Whether the page still has the content of the widget with this key.

    Two conditions must hold: no run has given the page a reason to drop the widget, and the page
    has sent the widget's value with the visitor's latest action, as it does for all its widgets.

    - The second alone is not enough: an action right after an early end is sent before the page
      has received that end.
    - The first alone is not enough: an end by the button «Stop» looks like an end by the visitor's
      next click.
    """
    return key in _drawn(script.tab()) and _is_sent(key)


def _is_sent(key: str) -> bool:
    """Whether the page has sent a value for the widget with this key.

    Private part: `_state` of the script's `session_state`, seen in 1.51 to 1.67. Without it: True.
    """
    context: Any = get_script_run_ctx(suppress_warning=True)
    try:
        state = context.session_state._state
        return state._key_id_mapper.get_id_from_key(key, None) in state._new_widget_state
    except AttributeError:
        return True


def _drawn(tab: object) -> dict[str, _Drawn]:
    """The widgets that a tab's page shows, by key."""
    drawn: dict[str, _Drawn] = vars(tab).setdefault(_DRAWN, {})
    return drawn


def _note_end(end: End) -> None:
    """Remove the widgets that the page now drops: this run could have drawn them and has not."""
    if end.is_followed:
        return
    drawn, run = _drawn(script.tab()), script.run()
    for key, last in list(drawn.items()):
        if last.run is not run and script.covers(last.fragment):
            drawn.pop(key, None)
