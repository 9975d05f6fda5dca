"""What `app_frozen` held in its first run, without keeping it alive."""

from __future__ import annotations

import weakref

_seen: dict[str, weakref.ref[object]] = {}


def note(**held: object) -> None:
    if not _seen:
        _seen.update({name: weakref.ref(thing) for name, thing in held.items()})


def alive() -> list[str]:
    return [name for name, seen in _seen.items() if seen() is not None]
