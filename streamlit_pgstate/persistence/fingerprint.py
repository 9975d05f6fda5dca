"""The fingerprint of a value, which tells values apart and is cheap to keep and to compare.

Between the values of `st.session_state` and `merge`, which has to know whether one was changed.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from streamlit_pgstate import codecs
from streamlit_pgstate.errors import PgStateError

_MAX_BODY: Final = 1024
"""Bytes: the fingerprint of a body up to this size is the body itself, else the body's hash."""

Fingerprint: TypeAlias = tuple[str, bytes]
"""The kind of a value, and its encoded body or the hash of the body."""


def fingerprint(key: str, value: Any) -> Fingerprint:
    """Return the fingerprint of a value.

    Raises:
        UnsupportedType: the value cannot be stored.
    """
    return fingerprint_of(codecs.encode(value, key=key))


def fingerprint_of(payload: codecs.Payload) -> Fingerprint:
    """Return the fingerprint of a value that is encoded already."""
    return payload.kind, payload.body if payload.size <= _MAX_BODY else payload.digest


def fingerprint_if_storable(key: str, value: Any) -> Fingerprint | None:
    """Return the fingerprint of a value; None if the value cannot be stored.

    The end of the run reports a value that cannot be stored.
    """
    try:
        return fingerprint(key, value)
    except PgStateError:
        return None
