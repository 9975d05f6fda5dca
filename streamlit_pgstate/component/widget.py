"""A widget that the script draws: whether it can be set, and which values it can show."""

from __future__ import annotations

import contextlib
import copy
import re
import sys
from types import FrameType
from typing import Any, Final

from streamlit_pgstate.component.session_state import plain

_CALLERS: Final = 16
"""How many callers to search for the function of a widget. It is the tenth at most, as of 1.67."""

_UNSETTABLE_VALUES: Final = {
    *("trigger_value", "string_trigger_value", "json_trigger_value", "chat_input_value"),
    *("file_uploader_state_value",),
}

_UNSETTABLE: Final = re.compile("DataEditor|Plotly|Vega|Pydeck|PyDeck|ECharts|Echarts")

_IDENTITY: Final[Any] = object.__eq__


class UnfitError(Exception):
    """A value that a widget cannot show."""


class Widget:
    """A widget that the script draws.

    Private part: `WidgetMetadata` with `serializer`, `deserializer` and `value_type`, seen in 1.51
    to 1.67. Without it `persist` fails when the widget is drawn.
    """

    __slots__ = ("_found", "key", "metadata")

    def __init__(self, key: str, metadata: Any) -> None:
        self.key = key
        self.metadata = metadata
        self._found: list[Any] = []

    @property
    def _message(self) -> Any:
        """The message that the widget's function is about to send; None if not found."""
        if not self._found:
            self._found.append(_message_of(self.metadata.id))
        return self._found[0]

    @property
    def id(self) -> str:
        """Streamlit's id of the widget. It changes when the widget's parameters change."""
        return str(self.metadata.id)

    @property
    def is_settable(self) -> bool:
        """Whether Streamlit allows it to be set: False for buttons, uploads, editors, charts."""
        serde = type(getattr(self.metadata.deserializer, "__self__", None)).__name__
        return self.metadata.value_type not in _UNSETTABLE_VALUES and not _UNSETTABLE.search(serde)

    def initial(self) -> Any:
        """The value of the widget before the visitor has changed it."""
        return copy.deepcopy(self.metadata.deserializer(None))

    def default(self) -> Any:
        """The initial value in the form in which it is stored."""
        return plain(self.initial())

    def fitted(self, value: Any) -> Any:
        """`value` as the widget would return it: 7.0 for 7 if it has floats; its own equal option.

        For a value that does not fit, Streamlit itself uses the default or raises an error,
        depending on the widget. This always raises.

        Raises:
            UnfitError: the value is of another type, out of range, or not one of the options.
        """
        default = self.metadata.deserializer(None)
        if isinstance(default, dict) and type(value) is dict:
            return type(default)(value)  # a selection is a dictionary class with attributes
        if self.metadata.value_type == "bool_value":
            if not isinstance(value, bool):
                raise UnfitError
            return value
        try:
            wire = _sent(self.metadata.value_type, self.metadata.serializer(value))
            back = self.metadata.deserializer(wire)
            is_same = _is_same(back, value) or _has_its_label(value, back)
        except Exception as error:  # whatever a widget raises here, the value does not fit
            raise UnfitError from error
        if not is_same or not _can_show(self._message, wire):
            raise UnfitError
        return back

    def begin_with(self, value: Any) -> None:
        """Have the browser draw `value` in the first frame.

        Otherwise it draws the default first, for a frame or two: all widgets in 1.51, text fields
        in 1.67.

        This does nothing in a form, because one with `clear_on_submit` goes back to the first
        value. It does nothing for a widget that is bound to a query parameter either, because
        Streamlit leaves a default out of the address.
        """
        message = self._message
        if any(getattr(message, name, "") for name in ("form_id", "query_param_key")):
            return
        if hasattr(message, "default"):
            with contextlib.suppress(TypeError, ValueError):
                _set_default(message, self.metadata.serializer(value))


def _is_same(back: Any, value: Any) -> bool:
    """Whether both are equal, or both are NaN."""
    return bool(back == value) or (bool(back != back) and bool(value != value))


def _has_its_label(value: Any, back: Any) -> bool:
    """Whether `back` is an option that the widget has found by the label of `value`.

    That is so for options of a class without an `==` of its own: equality cannot tell.
    """
    return type(value) is type(back) and type(value).__eq__ is _IDENTITY


def _sent(kind: str, wire: Any) -> Any:
    """The value after a round trip through the browser's message type `kind`.

    Raises:
        Exception: the message type does not accept the value; which error depends on it.
    """
    if wire is None:
        return None
    from streamlit.proto.WidgetStates_pb2 import WidgetState

    message = WidgetState()
    array = getattr(getattr(message, kind), "data", None)
    if array is None:
        setattr(message, kind, wire)
        return getattr(message, kind)
    array.extend(wire)
    return list(array)


def _message_of(element_id: str) -> Any:
    """The message that the function of the widget being drawn will send; None if not found.

    Private part: a local variable of one of the callers, seen in 1.51 to 1.67. Without it only the
    widget's own `deserializer` checks whether a value fits. That of a slider does so since about
    1.58.
    """
    frame: FrameType | None = sys._getframe(1)
    for _ in range(_CALLERS):
        if frame is None:
            break
        for local in frame.f_locals.values():
            if hasattr(local, "DESCRIPTOR") and getattr(local, "id", None) == element_id:
                return local
        frame = frame.f_back
    return None


def _set_default(message: Any, wire: Any) -> None:
    """Make `wire` the default in `message`.

    As of 1.67 options are sent by label, but the default gives their numbers.
    """
    parts = wire if isinstance(wire, list | tuple) else [wire]
    field = message.DESCRIPTOR.fields_by_name["default"]
    if field.cpp_type != field.CPPTYPE_STRING:
        labels = list(getattr(message, "options", ()))
        parts = [labels.index(part) if isinstance(part, str) else part for part in parts]
    made = type(message)()
    if hasattr(made.default, "extend"):
        made.default.extend(parts)
    elif parts[0] is not None:
        made.default = parts[0]
    message.ClearField("default")
    message.MergeFrom(made)


def _can_show(message: Any, wire: Any) -> bool:
    """Whether `wire` is in the range of `message`, among its options, and not too long."""
    if message is None:
        return True
    fields = {field.name: getattr(message, field.name) for field in message.DESCRIPTOR.fields}
    parts = wire if isinstance(wire, list) else [wire]
    texts = [part for part in parts if isinstance(part, str)]
    if 0 < fields.get("max_selections", 0) < len(parts):
        return False
    options = list(fields.get("options", ()))
    has_labels = "options" in fields and all(isinstance(option, str) for option in options)
    # Not for pills: their options are no text here.
    if texts and has_labels and not fields.get("accept_new_options"):
        return set(texts) <= set(options)
    if texts and fields.get("max_chars"):
        return all(len(text) <= fields["max_chars"] for text in texts)
    bounds = (
        fields.get("min") if fields.get("has_min", True) else None,
        fields.get("max") if fields.get("has_max", True) else None,
    )
    return all(_is_between(part, *bounds) for part in parts if part is not None)


def _is_between(part: Any, low: Any, high: Any) -> bool:
    """Whether `part` is within the bounds. Dates are compared as text; "" is no bound."""
    is_low = type(low) is type(part) and low != "" and part < low
    is_high = type(high) is type(part) and high != "" and part > high
    return not is_low and not is_high
