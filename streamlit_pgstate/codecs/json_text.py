"""JSON text as rows have it: UTF-8 that PostgreSQL takes and that is read with little memory.

A long container is written in slices, so that there never are JSON's tree and text of all of it
at once: a list of 1e6 small dicts took eight times what is stored.
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

# A marker that stands in a text for what was written in slices, until it is put there. No value
# of the caller's is written as this, and in JSON's texts a quote has a backslash before it.
_SLICED = re.compile(rb'\{"\$sliced": (\d+)\}')

LONG_TEXT = 64 << 10
"""Characters from which on those beyond Latin-1 are escapes, unless they are frequent: one emoji
makes Python hold a whole text at 4 bytes for each character, when it is read."""
_FREQUENT = 16  # one in so many
_ESCAPED = "streamlit_pgstate.escaped"

# json.loads joins these two code points into one when it meets them as escapes.
_SURROGATE_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")

# Somebody checks the depth, so the encoder need not look for circles again.
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False)


class _Slices(threading.local):
    def __init__(self) -> None:
        self.texts: list[io.BytesIO] = []  # that are not yet where they belong


_slices = _Slices()


def slices() -> int:
    """How many texts wait for their place: what is written next begins behind them."""
    return len(_slices.texts)


def discard_slices(start: int) -> None:
    """Forget those from `start` on, of a value that is not written after all."""
    del _slices.texts[start:]


def dump_text(tree: object, start: int) -> bytes:
    """The text of a tree of dicts, lists and what else JSON has.

    Args:
        tree: what to write.
        start: `slices()` from before the tree was made; those behind are where they belong now.
    """
    text = _utf8(_JSON.encode(tree))
    texts = _slices.texts
    if len(texts) == start:
        return text
    text = _put(text, texts)
    del texts[start:]
    return text


def in_slices(brackets: bytes, parts: Iterable[object]) -> object:
    """Write the parts of one container as one text; returns what stands for it in a tree.

    Args:
        brackets: the container's.
        parts: trees of lists, or of dicts, one after the other.

    Raises:
        TooLargeError: together they are over the limit.
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
    """Sorted by their texts; `start` as in `dump_text`, but the slices stay."""
    texts = _slices.texts
    if len(texts) == start:
        return sorted(trees, key=_JSON.encode)
    return sorted(trees, key=lambda tree: _put(_utf8(_JSON.encode(tree)), texts))


def _put(text: bytes, sliced: list[io.BytesIO]) -> bytes:
    if alone := _SLICED.fullmatch(text):
        return sliced[int(alone[1])].getvalue()  # no copy
    pieces = _SLICED.split(text)  # every other one is a number
    pieces[1::2] = [sliced[int(number)].getvalue() for number in pieces[1::2]]
    return b"".join(pieces)


def _utf8(text: str) -> bytes:
    if text.isascii():
        return text.encode()
    if len(text) >= LONG_TEXT:
        text = _narrowed(text)
    try:
        return text.encode()
    except UnicodeEncodeError:  # lone surrogates: as escapes, which is where json keeps them
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
    """Whether reading would make one character of two: halves of a surrogate pair."""
    return not text.isascii() and _SURROGATE_PAIR.search(text) is not None


def dump_str(text: str, depth: int = 0) -> object:
    """The tree of a text: itself, or ``{"$str": […]}`` of pieces that are not joined."""
    if text.isascii() or not _SURROGATE_PAIR.search(text):
        return text
    # A cut after every high surrogate leaves no pair in any piece.
    return {"$str": [piece for piece in re.split("(?<=[\ud800-\udbff])", text) if piece]}


def load_str(content: Any) -> str:
    """Read what ``$str`` holds."""
    if type(content) is not list:
        raise TypeError
    return "".join(content)
