"""A call of one of Streamlit's own widgets, as the script has made it, to be made under our key.

Between the functions of this package, which have the same parameters, and Streamlit.
"""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitInvalidFormCallbackError

from streamlit_pgstate.errors import InvalidKey
from streamlit_pgstate.state import check_key


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

        So that nothing is lost where the script ends above the widget. In a form Streamlit
        allows no callbacks: there the script has to come by.
        """
        options = {**self.arguments, **arguments, "key": widget_key}
        if isinstance(self._on_change, str) and self._on_change != "rerun":
            return self._function(**options, on_change=self._on_change)

        def on_change() -> None:
            changed()
            self.call_back()

        try:
            return self._function(**options, on_change=on_change)
        except StreamlitInvalidFormCallbackError:
            if callable(self._on_change):
                raise
        self.is_in_form = True
        return self._function(**options)

    def call_back(self) -> None:
        """Tell the script that the value has changed, as Streamlit would."""
        if callable(self._on_change):
            self._on_change(*self._args, **self._kwargs)


def slot(key: str) -> str:
    """Where in `st.session_state` a tab keeps what it knows of the widget under `key`."""
    return f"pgstate.{key}"


def new_widget_key(key: str) -> str:
    """A key of Streamlit's for a widget that begins anew, whatever the browser still has."""
    return f"{key}-{secrets.token_hex(4)}"


def has_widget(key: str) -> bool:
    """Whether Streamlit knows the widget: it was drawn in the last run."""
    return key in st.session_state
