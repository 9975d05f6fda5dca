"""A widget that the script draws: whether it can be set, and which values fit it."""

from __future__ import annotations

import contextlib
import copy
import re
import sys
from types import FrameType
from typing import Any, Final

from streamlit_pgstate.component.session_state import plain

_CALLERS: Final = 16
"""Callers among which the function of a widget is: it is the tenth at most, as of 1.67."""

_UNSETTABLE_VALUES: Final = {
    *("trigger_value", "string_trigger_value", "json_trigger_value", "chat_input_value"),
    *("file_uploader_state_value",),
}

_UNSETTABLE: Final = re.compile("DataEditor|Plotly|Vega|Pydeck|PyDeck|ECharts|Echarts")

_IDENTITY: Final[Any] = object.__eq__


class UnfitError(Exception):
    """A value that a widget cannot show."""


class Widget:
    """A widget that the script draws, and what it says of values for it.

    `WidgetMetadata` with `serializer`, `deserializer` and `value_type`, seen in 1.51 to 1.67.
    """

    __slots__ = ("_found", "key", "metadata")

    def __init__(self, key: str, metadata: Any) -> None:
        self.key = key
        self.metadata = metadata
        self._found: list[Any] = []

    @property
    def _message(self) -> Any:
        """What its function is about to send; None if not found. Looked for once."""
        if not self._found:
            self._found.append(_message_of(self.metadata.id))
        return self._found[0]

    @property
    def id(self) -> str:
        """What it is by Streamlit's reckoning: another one where its parameters have changed."""
        return str(self.metadata.id)

    @property
    def is_settable(self) -> bool:
        """Whether Streamlit lets anybody set it: no button, upload, editor or chart."""
        serde = type(getattr(self.metadata.deserializer, "__self__", None)).__name__
        return self.metadata.value_type not in _UNSETTABLE_VALUES and not _UNSETTABLE.search(serde)

    def initial(self) -> Any:
        """The value that it has before anybody has touched it."""
        return copy.deepcopy(self.metadata.deserializer(None))

    def default(self) -> Any:
        """The same, as it can be stored."""
        return plain(self.initial())

    def fitted(self, value: Any) -> Any:
        """`value` as the widget has it: 7.0 for 7 where it has floats, an option for its equal.

        Streamlit itself goes back to the default for some misfits, and raises for others.

        Raises:
            UnfitError: it is of another type, out of range, or not one of the options.
        """
        default = self.metadata.deserializer(None)
        if isinstance(default, dict) and type(value) is dict:
            return type(default)(value)  # a selection is a dictionary with attributes
        if self.metadata.value_type == "bool_value":
            if not isinstance(value, bool):
                raise UnfitError
            return value
        try:
            wire = _sent(self.metadata.value_type, self.metadata.serializer(value))
            back = self.metadata.deserializer(wire)
            is_same = _is_same(back, value) or _is_told_by_its_label(value, back)
        except Exception as error:  # whatever a widget raises here: it is not its value
            raise UnfitError from error
        if not is_same or not _can_show(self._message, wire):
            raise UnfitError
        return back

    def begin_with(self, value: Any) -> None:
        """Have the browser draw `value` from the first frame on.

        Else it draws the default first, for a frame or two: in 1.51 of all widgets, in 1.67 of
        text fields. Not in a form: one with `clear_on_submit` goes back to what it began with.
        Nor where the widget is bound to the address, which leaves a default out.
        """
        message = self._message
        if any(getattr(message, name, "") for name in ("form_id", "query_param_key")):
            return
        if hasattr(message, "default"):
            with contextlib.suppress(TypeError, ValueError):
                _set_default(message, self.metadata.serializer(value))


def _is_same(back: Any, value: Any) -> bool:
    """Equal, or not a number either."""
    return bool(back == value) or (bool(back != back) and bool(value != value))


def _is_told_by_its_label(value: Any, back: Any) -> bool:
    """An option without an `==` of its own: the widget has found the one of the same label."""
    return type(value) is type(back) and type(value).__eq__ is _IDENTITY


def _sent(kind: str, wire: Any) -> Any:
    """What the message to the browser makes of it; raises what it raises for another type."""
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
    """What the function of the widget that is being drawn is about to send; None if not found.

    A local variable of one of the callers, seen in 1.51 to 1.67. Without it the widget's own
    `deserializer` has to know what fits, which that of a slider does since 1.58 or so.
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
    """Options are sent by label, as of 1.67, and are the default by number."""
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
    """Whether what is sent is within the range of `message`, one of its options, not too long."""
    if message is None:
        return True
    fields = {field.name: getattr(message, field.name) for field in message.DESCRIPTOR.fields}
    parts = wire if isinstance(wire, list) else [wire]
    texts = [part for part in parts if isinstance(part, str)]
    if 0 < fields.get("max_selections", 0) < len(parts):
        return False
    options = list(fields.get("options", ()))
    has_labels = "options" in fields and all(isinstance(option, str) for option in options)
    if texts and has_labels and not fields.get("accept_new_options"):  # pills have no labels here
        return set(texts) <= set(options)
    if texts and fields.get("max_chars"):
        return all(len(text) <= fields["max_chars"] for text in texts)
    bounds = (
        fields.get("min") if fields.get("has_min", True) else None,
        fields.get("max") if fields.get("has_max", True) else None,
    )
    return all(_is_between(part, *bounds) for part in parts if part is not None)


def _is_between(part: Any, low: Any, high: Any) -> bool:
    """A number between numbers, a date between dates, as text; "" is no bound."""
    is_low = type(low) is type(part) and low != "" and part < low
    is_high = type(high) is type(part) and high != "" and part > high
    return not is_low and not is_high
