"""Write JSON text in UTF-8 that PostgreSQL accepts and that takes little memory to write and read.

A *tree* is what Python's JSON encoder takes: dicts, lists, texts and numbers. A long container is
written in *slices*, so that the tree and the text of all of it are never in memory at once: for a
list of 1e6 small dicts they took eight times the stored size.
"""

from __future__ import annotations

import codecs
import io
import json
import re
import threading
from collections.abc import Iterable
from typing import Any

from .limits import check_size

__all__ = [
    "LONG_TEXT",
    "discard_slices",
    "dump_str",
    "dump_text",
    "in_order",
    "in_slices",
    "is_joined",
    "load_str",
    "slices",
]

# Stands in a text for a container that was written in slices, until `_put` inserts its text. It
# cannot be mistaken: no value is written as this marker, and a quote inside a JSON string has a
# backslash before it.
_SLICED = re.compile(rb'\{"\$sliced": (\d+)\}')

LONG_TEXT = 64 << 10
"""Texts of this many characters or more have their characters beyond Latin-1 written as escapes,
unless these are frequent. When the text is read, a single emoji would make Python hold all of it at
4 bytes a character."""
_FREQUENT = 16  # frequent: more than one character in 16
_ESCAPED = "streamlit_pgstate.escaped"

# A high and a low surrogate, as two characters. json.loads joins their escapes into one character.
_SURROGATE_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")

# check_circular=False: `limits.check_depth` has refused circular structures already.
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False)


class _Slices(threading.local):
    def __init__(self) -> None:
        self.texts: list[io.BytesIO] = []  # not yet inserted into the text around them


_slices = _Slices()


def slices() -> int:
    """Return how many sliced texts are not yet inserted, which is the number of the next one."""
    return len(_slices.texts)


def discard_slices(start: int) -> None:
    """Drop the sliced texts from number `start` on, because their value was refused."""
    del _slices.texts[start:]


def dump_text(tree: object, start: int) -> bytes:
    """Write a tree as text, and insert the sliced texts that belong to it.

    Args:
        tree: what to write.
        start: what `slices()` returned before the tree was made. The sliced texts from this
            number on belong to the tree.
    """
    text = _utf8(_JSON.encode(tree))
    texts = _slices.texts
    if len(texts) == start:
        return text
    text = _put(text, texts)
    del texts[start:]
    return text


def in_slices(brackets: bytes, parts: Iterable[object]) -> object:
    """Write a long container slice by slice; returns the marker that stands for it in a tree.

    Args:
        brackets: ``b"[]"`` or ``b"{}"``.
        parts: the slices as trees, all lists or all dicts.

    Raises:
        TooLargeError: the slices together are over the limit.
    """
    start = len(_slices.texts)
    whole = io.BytesIO()
    for part in parts:
        text = dump_text(part, start)
        whole.write(b", " if whole.tell() else brackets[:1])
        whole.write(memoryview(text)[1:-1])
        check_size(whole.tell())
    whole.write(brackets[1:])
    _slices.texts.append(whole)
    return {"$sliced": start}


def in_order(trees: list[object], start: int) -> list[object]:
    """Sort trees by their texts. `start` is as in `dump_text`; no sliced text is removed."""
    texts = _slices.texts
    if len(texts) == start:
        return sorted(trees, key=_JSON.encode)
    return sorted(trees, key=lambda tree: _put(_utf8(_JSON.encode(tree)), texts))


def _put(text: bytes, sliced: list[io.BytesIO]) -> bytes:
    if alone := _SLICED.fullmatch(text):
        return sliced[int(alone[1])].getvalue()  # no copy
    pieces = _SLICED.split(text)  # text and number of a slice in turn
    pieces[1::2] = [sliced[int(number)].getvalue() for number in pieces[1::2]]
    return b"".join(pieces)


def _utf8(text: str) -> bytes:
    if text.isascii():
        return text.encode()
    if len(text) >= LONG_TEXT:
        text = _narrowed(text)
    try:
        return text.encode()
    except UnicodeEncodeError:  # lone surrogates are written as escapes, which JSON allows
        return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def _narrowed(text: str) -> str:
    wide = len(text) - len(text.encode("latin-1", "ignore"))
    if not wide or wide * _FREQUENT > len(text):
        return text
    return text.encode("latin-1", _ESCAPED).decode("latin-1")


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


codecs.register_error(_ESCAPED, _escaped)


def is_joined(text: str) -> bool:
    """Whether the text has a surrogate pair as two characters, which reading would join to one."""
    return not text.isascii() and _SURROGATE_PAIR.search(text) is not None


def dump_str(text: str, depth: int = 0) -> object:
    """Return the tree of a text: itself, or ``{"$str": […]}`` if reading would join characters."""
    if text.isascii() or not _SURROGATE_PAIR.search(text):
        return text
    # Cut after every high surrogate, so that no piece has a pair.
    return {"$str": [piece for piece in re.split("(?<=[\ud800-\udbff])", text) if piece]}


def load_str(content: Any) -> str:
    """Read the content of a ``$str`` marker."""
    if type(content) is not list:
        raise TypeError
    return "".join(content)
