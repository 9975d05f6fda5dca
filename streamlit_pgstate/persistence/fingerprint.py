"""The fingerprint of a value, which tells values apart and is cheap to keep and to compare.

Between the values of `st.session_state` and `merge`, which has to know whether one was changed.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from streamlit_pgstate import codecs

_MAX_BODY: Final = 1024
"""Bytes: the fingerprint of a body up to this size is the body itself, else the body's hash."""

Fingerprint: TypeAlias = tuple[str, bytes]
"""The kind of a value, and its encoded body or the hash of the body."""


def fingerprint_of(payload: codecs.Payload) -> Fingerprint:
    """Return the fingerprint of a value that is encoded already."""
    return payload.kind, payload.body if payload.size <= _MAX_BODY else payload.digest
