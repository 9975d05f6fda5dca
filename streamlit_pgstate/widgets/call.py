"""A call of one of Streamlit's own widgets, as the script has made it, to be made under our key.

Between the functions of this package, which have the same parameters, and Streamlit.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from streamlit.errors import StreamlitInvalidFormCallbackError

from streamlit_pgstate.component import callback, drawn_widgets
from streamlit_pgstate.errors import InvalidKey
from streamlit_pgstate.state.key import check_key


class Call:
    """Streamlit's function, the arguments for it, and what the script wants to be called back.

    Raises:
        InvalidKey: there is no key, or it cannot be one.
        TypeError: this version of Streamlit has no such parameter.
    """

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
    ) -> None:
        self._function = function
        self.arguments: dict[str, Any] = (
            inspect.signature(function).bind(*args, **options).arguments
        )
        key = self.arguments.pop("key", None)
        if key is None:
            name = function.__name__
            raise InvalidKey(
                f"pgstate.{name}() needs a key, under which its value is kept: "
                f'pgstate.{name}(…, key="name").'
            )
        self.key = check_key(str(key) if isinstance(key, int) else key)
        self._on_change = self.arguments.pop("on_change", None)
        self._args = self.arguments.pop("args", None) or ()
        self._kwargs = self.arguments.pop("kwargs", None) or {}
        self.is_in_form = False

    def draw(self, widget_key: str, changed: Callable[[], None], **arguments: Any) -> Any:
        """Draw the widget; `changed` is called when the visitor has, before the script's own.

        So that nothing is lost where the script ends above the widget.
        """
        options = {**self.arguments, **arguments, "key": widget_key}
        drawn = self._draw(options, changed)
        drawn_widgets.note(widget_key)
        return drawn

    def _draw(self, options: dict[str, Any], changed: Callable[[], None]) -> Any:
        def on_change() -> None:
            changed()
            self.call_back()

        if isinstance(self._on_change, str) and self._on_change != "rerun":
            drawn = self._function(**options, on_change=self._on_change)
            callback.attach(options["key"], changed)
            return drawn
        try:
            return self._function(**options, on_change=on_change)
        except StreamlitInvalidFormCallbackError:
            if callable(self._on_change):
                raise
        self.is_in_form = True
        drawn = self._function(**options)
        callback.attach(options["key"], changed)
        return drawn

    def call_back(self) -> None:
        """Tell the script that the value has changed, as Streamlit would."""
        if callable(self._on_change):
            self._on_change(*self._args, **self._kwargs)
