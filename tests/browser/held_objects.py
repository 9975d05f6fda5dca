"""What `app_frozen` held in each run, without keeping it alive."""

from __future__ import annotations

import weakref

_seen: list[tuple[str, weakref.ref[object]]] = []


def note(**held: object) -> None:
    _seen.extend((name, weakref.ref(thing)) for name, thing in held.items())


def alive() -> list[str]:
    return [name for name, seen in _seen if seen() is not None]
