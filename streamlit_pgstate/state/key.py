"""The key of a value: which text can be one."""

from __future__ import annotations

from typing import Final

from streamlit_pgstate.errors import InvalidKey

MAX_LENGTH: Final = 255


def check_key(key: object) -> str:
    """Return the text of `key`, if it can be a key.

    A member of `class K(str, Enum)` is text, too: `str.__str__` returns that of its value, where
    `str` returns "K.MEMBER".

    Raises:
        InvalidKey: says what is wrong with it.
    """
    if not isinstance(key, str):
        raise InvalidKey(f"A key must be text, not {type(key).__name__}: use str(key).")
    key = str.__str__(key)
    if not 1 <= len(key) <= MAX_LENGTH:
        raise InvalidKey(f"A key must have 1 to {MAX_LENGTH} characters; this one has {len(key)}.")
    if "\0" in key:
        raise InvalidKey(f"The key {key!r} holds a NUL character, which PostgreSQL refuses.")
    if not key.isascii() and any("\ud800" <= letter <= "\udfff" for letter in key):
        raise InvalidKey(f"The key {key!a} holds half a surrogate pair: it is not text.")
    return key


def named(keys: list[str]) -> str:
    """The keys as a message names them: three of them at most."""
    return ", ".join(map(repr, keys[:3])) + (", …" if len(keys) > 3 else "")
