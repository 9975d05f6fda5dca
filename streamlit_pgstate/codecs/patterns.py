"""Compiled patterns of `re` as text and flags, compiled again when they are read.

To compile a pattern takes about 2 µs a character. But where case is ignored, each range of
characters in it, such as ``[!-\\uffff]``, takes up to 6 ms: each character is looked up. A short
body could ask for hours, so the ranges of all patterns in one value are counted. A pattern that
occurs twice counts once, and is compiled once.
"""

from __future__ import annotations

import re
import threading
from typing import Any

from .form import Form, expect
from .payload import DamagedError, RefusedError

__all__ = ["FORMS", "account", "begin"]

_MAX_RANGES = 200  # 1.2 s at the most

_IN_TEXT = re.compile(r"\(\?[aLmsux]*i")  # of a part of the pattern, or of all
_IN_BYTES = re.compile(rb"\(\?[aLmsux]*i")


class _Account(threading.local):
    """The patterns that ignore case in the value that this thread is writing or reading."""

    def __init__(self) -> None:
        self.ranges = 0
        self.known: dict[tuple[Any, Any], re.Pattern[Any] | None] = {}


account = _Account()


def begin() -> None:
    """Start to count for another value."""
    account.ranges, account.known = 0, {}


def _take(pattern: re.Pattern[Any]) -> tuple[Any, ...]:
    text, flags = pattern.pattern, pattern.flags
    if type(text) not in (str, bytes):
        raise RefusedError(
            "a re.Pattern over text of another class. Compile str(…) or bytes(…) of its text"
        )
    if flags & re.DEBUG:
        raise RefusedError(
            "a re.Pattern with the flag re.DEBUG, which prints when it is made again. "
            "Compile it without this flag"
        )
    if _ignores_case(text, flags) and _are_too_many(text, flags):
        raise RefusedError(
            f"with over {_MAX_RANGES} ranges of characters in patterns that ignore case, which "
            "take too long to compile again. Keep the text of the patterns instead"
        )
    return text, flags


def _make(text: Any, flags: Any) -> re.Pattern[Any]:
    if expect(flags, int) & re.DEBUG:
        raise DamagedError("a pattern that prints when it is compiled")
    if not _ignores_case(expect(text, str, bytes), flags):
        return re.compile(text, flags)
    if _are_too_many(text, flags):
        raise DamagedError("patterns that take too long to compile")
    made = account.known[text, flags]
    if made is None:
        made = account.known[text, flags] = re.compile(text, flags)
    return made


def _ignores_case(text: Any, flags: int) -> bool:
    inline = _IN_TEXT if type(text) is str else _IN_BYTES
    return bool(flags & re.IGNORECASE or inline.search(text))


def _are_too_many(text: Any, flags: int) -> bool:
    if (text, flags) not in account.known:
        account.known[text, flags] = None
        account.ranges += text.count("-" if type(text) is str else b"-")
    return account.ranges > _MAX_RANGES


FORMS: dict[type, Form] = {re.Pattern: Form("$pattern", _take, _make, 1, is_leaf=True)}
"""By class: its form."""
