"""Which widgets the page still shows as it did, of those that the browser alone can fill.

A page drops a widget, and what is in it, at the end of a run that has not drawn it. Where that
run ended early, Streamlit's server goes on holding the value. So when the widget is drawn again,
the page begins it empty, and then sends that as if the visitor had emptied it.
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
    """Where a widget was drawn last."""

    run: object
    fragment: str


def draw(key: str) -> None:
    """Note that the present run draws the widget with this key."""
    ends.listen(_note_end)
    _drawn(script.tab())[key] = _Drawn(script.run(), script.fragment())


def still_holds(key: str) -> bool:
    """Whether the page still has what the widget with this key was filled with.

    The page must have had no reason to drop it, and must have sent the value with what the visitor
    did last, as it does with all that it has. One of the two is not enough: what the visitor does
    right after an early end is sent before the page hears of that end; and an end by the button
    «Stop» looks like one by the visitor's next click.
    """
    return key in _drawn(script.tab()) and _is_sent(key)


def _is_sent(key: str) -> bool:
    """`_state` of the script's `session_state`, seen in 1.51 to 1.67; without it: yes."""
    context: Any = get_script_run_ctx(suppress_warning=True)
    try:
        state = context.session_state._state
        return state._key_id_mapper.get_id_from_key(key, None) in state._new_widget_state
    except AttributeError:
        return True


def _drawn(tab: object) -> dict[str, _Drawn]:
    """The widgets that the page of a tab shows, by key."""
    drawn: dict[str, _Drawn] = vars(tab).setdefault(_DRAWN, {})
    return drawn


def _note_end(end: End) -> None:
    """The page drops what this run could have drawn and has not."""
    if end.is_followed:
        return
    drawn, run = _drawn(script.tab()), script.run()
    for key, last in list(drawn.items()):
        if last.run is not run and script.covers(last.fragment):
            drawn.pop(key, None)
