"""The values that are written: each names its session and key, and holds its own checksum."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class Spoilt(Exception):
    """A value that nobody has written as it is: its parts do not belong together."""


class Mixed(Exception):
    """A value of another session or another key."""


class Doubled(Exception):
    """A value to which one `modify` has appended twice."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a read has seen of a value.

    Attributes:
        base: the name of the change that has set it.
        appended: the names of those who have appended to it since, in their order.
        size: bytes that fill it.
    """

    base: str
    appended: tuple[str, ...] = ()
    size: int = 0


def made(session: str, key: str, base: str, *, size: int = 0) -> dict[str, Any]:
    """A new value of about `size` bytes."""
    fill = random.Random(base).randbytes(size)
    return _sealed({"session": session, "key": key, "base": base, "appended": [], "fill": fill})


def appended(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The value with one more name at its end."""
    return _sealed({**value, "appended": [*value["appended"], name]})


def seen(value: Any, session: str, key: str) -> Seen:
    """What a value says, after all that can be checked of it alone.

    Raises:
        Spoilt: it is not whole.
        Mixed: it belongs elsewhere.
        Doubled: a name stands in it twice.
    """
    if not isinstance(value, dict) or value.get("sum") != _sum(value):
        raise Spoilt(f"{key} of {session} is not whole")
    if (value["session"], value["key"]) != (session, key):
        raise Mixed(f"{key} of {session} is {value['key']} of {value['session']}")
    names = value["appended"]
    if len(set(names)) < len(names):
        raise Doubled(f"{key} of {session}: {sorted(n for n in names if names.count(n) > 1)}")
    return Seen(value["base"], tuple(names), len(value["fill"]))


def _sealed(value: dict[str, Any]) -> dict[str, Any]:
    return {**value, "sum": _sum(value)}


def _sum(value: Mapping[str, Any]) -> str:
    names = ("session", "key", "base", "appended")
    text = repr([value.get(name) for name in names]).encode()
    fill = value.get("fill")
    return hashlib.sha256(text + (fill if isinstance(fill, bytes) else b"?")).hexdigest()
