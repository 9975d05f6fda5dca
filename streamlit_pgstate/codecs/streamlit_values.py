"""What Streamlit's widgets return, each as a `Form`: selections of charts, messages of a chat.

Streamlit is never imported here. If there is such a value, or a script that reads one, Streamlit
is loaded, and the class is looked up under the name that a row holds, in `_HOMES` alone. Which of
these classes there are, and in which module, depends on the version of Streamlit: until 1.55 or
so, all selections were an `AttributeDictionary`.
"""

from __future__ import annotations

import sys
from typing import Any

from .form import Form, expect
from .payload import RefusedError, UnreadableError
from .refusals import class_name

__all__ = ["FORMS", "find"]

_DICTIONARY = "AttributeDictionary"
_READ_ONLY = "ReadOnlyAttributeDictionary"
_CHAT = "ChatInputValue"

# Whether a message shows its files and its audio, in versions that say so. Before, it showed all
# fields that it had.
_FLAGS = {"_include_files": "files", "_include_audio": "audio"}

# name of a class: the modules in which versions of Streamlit from 1.51 on have it
_HOMES = {
    _DICTIONARY: ("streamlit.util",),
    _READ_ONLY: ("streamlit.util",),
    "ButtonColumnClickState": ("streamlit.elements.lib.column_config_utils",),
    "ComponentResult": (
        "streamlit.components.v2.bidi_component.state",
        "streamlit.components.v2.bidi_component",
    ),
    "DataEditorState": ("streamlit.elements.widgets.data_editor",),
    "DataframeSelectionState": ("streamlit.elements.arrow",),
    "DataframeState": ("streamlit.elements.arrow",),
    "EChartsSelectionState": ("streamlit.elements.echarts_chart",),
    "EChartsState": ("streamlit.elements.echarts_chart",),
    "PlotlySelectionState": ("streamlit.elements.plotly_chart",),
    "PlotlyState": ("streamlit.elements.plotly_chart",),
    "PydeckSelectionState": ("streamlit.elements.deck_gl_json_chart",),
    "PydeckState": ("streamlit.elements.deck_gl_json_chart",),
    "StreamlitTheme": ("streamlit.runtime.context",),
    "VegaLiteState": ("streamlit.elements.vega_charts",),
    _CHAT: ("streamlit.elements.widgets.chat",),
}


def find(cls: type) -> Form | None:
    """Find the form of a class of Streamlit, else None."""
    if not str(cls.__module__).startswith("streamlit.") or _class(cls.__name__) is not cls:
        return None
    if cls.__name__ == _CHAT:
        return _CHAT_FORM
    # In Streamlit before 1.55 or so, some of these names are of a TypedDict, which no value has.
    return _DICTIONARY_FORM if issubclass(cls, dict) else None


def _class(name: str) -> Any:
    for home in _HOMES.get(name, ()):
        cls = getattr(sys.modules.get(home), name, None)
        if isinstance(cls, type):
            return cls
    return None


def _take_dictionary(value: Any) -> tuple[Any, ...]:
    if object.__getattribute__(value, "__dict__"):
        raise RefusedError(
            f"a {class_name(type(value))} with attributes that are not items. "
            "Keep dict(…) of it instead"
        )
    # As it lies there: its own methods wrap what they return.
    return dict.copy(value), type(value).__name__


def _make_dictionary(content: Any, name: Any) -> Any:
    if expect(name, str) not in _HOMES or name == _CHAT:
        raise ValueError
    cls = _dictionary(name)
    made = cls.__new__(cls)
    dict.update(made, expect(content, dict))
    return made


def _dictionary(name: str) -> Any:
    """Return the class; in a Streamlit that has none of this name, what it returns instead."""
    base = _class(_DICTIONARY)
    for each in (name, _READ_ONLY, _DICTIONARY):
        cls = _class(each)
        if base and cls and issubclass(cls, base):
            return cls
    raise UnreadableError(f"and holds a {name} of Streamlit. import streamlit before reading it")


def _take_chat(value: Any) -> tuple[Any, ...]:
    content = dict(vars(value))
    if content.keys() != _fields(type(value)):
        raise RefusedError(
            "a ChatInputValue from which an item was deleted, or with attributes of its own. "
            "Keep value.to_dict() instead"
        )
    return (content,)


def _make_chat(content: Any) -> Any:
    cls = _class(_CHAT)
    if cls is None:
        raise UnreadableError(
            "and holds a ChatInputValue of Streamlit. import streamlit before reading it"
        )
    fields = _fields(cls)
    known = {name: content[name] for name in fields & expect(content, dict).keys()}
    if any(item for name, item in content.items() if name not in fields and name not in _FLAGS):
        raise UnreadableError(
            "and holds a ChatInputValue of another version of Streamlit. Read it with that one"
        )
    for flag, name in _FLAGS.items():
        if flag in fields and flag not in content:
            known[flag] = name in content
    return cls(**known)


def _fields(cls: Any) -> set[str]:
    return set(cls.__dataclass_fields__)


_DICTIONARY_FORM = Form("$streamlit", _take_dictionary, _make_dictionary, 1)
_CHAT_FORM = Form("$chatinput", _take_chat, _make_chat)

FORMS = (_DICTIONARY_FORM, _CHAT_FORM)
"""All forms, for reading."""
