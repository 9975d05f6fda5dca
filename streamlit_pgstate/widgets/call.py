"""The script's call of a widget, to be passed to Streamlit's own function under another key.

The functions of this package have the parameters of Streamlit's functions. This module stands
between the two.
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
    """Streamlit's function, the arguments for it, and the script's own callback.

    Raises:
        InvalidKey: `key` is missing, or cannot be a key.
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
                f"pgstate.{name}() needs a key, under which it stores its value: "
                f'pgstate.{name}(…, key="name").'
            )
        self.key = check_key(str(key) if isinstance(key, int) else key)
        self._on_change = self.arguments.pop("on_change", None)
        self._args = self.arguments.pop("args", None) or ()
        self._kwargs = self.arguments.pop("kwargs", None) or {}
        self.is_in_form = False
        """Whether Streamlit has refused a callback, as it does in forms. Known after `draw`."""

    def draw(self, widget_key: str, store: Callable[[], None], **arguments: Any) -> Any:
        """Draw Streamlit's widget and return its value.

        Args:
            widget_key: the key of Streamlit's widget.
            store: called when the visitor has changed the widget, before the script's own
                callback. So a change is stored even if the script ends above the widget.
            **arguments: replace those of the script.
        """
        options = {**self.arguments, **arguments, "key": widget_key}
        drawn = self._draw(options, store)
        drawn_widgets.note(widget_key)
        return drawn

    def _draw(self, options: dict[str, Any], store: Callable[[], None]) -> Any:
        def on_change() -> None:
            store()
            self.call_back()

        if isinstance(self._on_change, str) and self._on_change != "rerun":
            drawn = self._function(**options, on_change=self._on_change)
            callback.attach(options["key"], store)
            return drawn
        try:
            return self._function(**options, on_change=on_change)
        except StreamlitInvalidFormCallbackError:
            if callable(self._on_change):
                raise
        self.is_in_form = True
        drawn = self._function(**options)
        callback.attach(options["key"], store)
        return drawn

    def call_back(self) -> None:
        """Call the script's own callback, as Streamlit would after a change."""
        if callable(self._on_change):
            self._on_change(*self._args, **self._kwargs)
