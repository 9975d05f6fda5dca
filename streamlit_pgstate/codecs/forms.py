"""Find the form of a class: how its values are written as a simpler value under a marker.

A `Form` takes a value apart into its *content*, which is a simpler value that can be kept, and
*notes*, which JSON has (text, numbers, None). `plain` writes them as ``{"$marker": content}``, or
as ``{"$marker": [content, note, …]}``. So a form knows nothing of JSON text, depth or parts, and
what a container holds is written and refused exactly as in a list or a dict.

A registered class goes before: users have registered such classes before they were kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import containers, dtype_values, small_values, streamlit_values
from .form import Form

__all__ = ["READERS", "find", "inner"]

_FORMS: dict[type, Form] = {**containers.FORMS, **small_values.FORMS}


def find(cls: type) -> Form | None:
    """Find the form that writes values of exactly this class, else None."""
    return _FORMS.get(cls) or dtype_values.find(cls) or streamlit_values.find(cls)


def inner(value: object) -> object:
    """Return what a value of such a class holds, as one simpler value; None if it holds nothing."""
    form = find(type(value))
    return None if form is None or form.is_leaf else form.take_apart(value)[0]


def _reader(form: Form) -> Callable[[Any], Any]:
    if not form.notes:
        return form.put_together

    def read(found: Any) -> Any:
        if type(found) is not list or len(found) != 1 + form.notes:
            raise TypeError
        return form.put_together(*found)

    return read


READERS: dict[str, Callable[[Any], Any]] = {
    form.marker: _reader(form)
    for form in (*_FORMS.values(), *dtype_values.FORMS, *streamlit_values.FORMS)
}
"""By marker: a function of its content. May raise any exception if the content is damaged."""
