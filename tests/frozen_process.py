"""A process that freezes its libraries, and looks what is collected after that: `test_freeze`."""

from __future__ import annotations

import gc
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any

from streamlit_pgstate.component import heap


class Thing:
    """Is in a cycle, as a session is."""

    held: Any = None

    def __init__(self) -> None:
        self.me = self


def closure(thing: Thing) -> Callable[[], Thing]:
    return lambda: thing


def class_of_a_call(thing: Thing) -> type:
    class Local:
        def method(self) -> Thing:
            return thing

    return Local


HOLDERS: dict[str, Callable[[Thing], Any]] = {
    "itself": lambda thing: thing,
    "a list": lambda thing: [thing],
    "a dict in a dict": lambda thing: {1: {2: thing}},
    "a closure": closure,
    "a class that a call has made": class_of_a_call,
    "a method": lambda thing: types.MethodType(repr, thing),
    "a method of a dict": lambda thing: {1: thing}.get,
    "an iterator": lambda thing: iter([thing]),
    "a thread": lambda thing: threading.Thread(target=print, args=[thing]),
}


def freeze_and_drop() -> tuple[dict[str, weakref.ref[Thing]], weakref.ref[Thing]]:
    """Freeze with roots that lead to all but one thing, and drop all of them."""
    roots, other = [], Thing()
    for hold in HOLDERS.values():
        thing = Thing()
        thing.held = hold(thing)
        roots.append(thing)
    frozen = heap.freeze(lambda: list(roots), modules={"__main__"})
    assert frozen.objects > 5_000, frozen
    assert len(roots) < frozen.kept < 2_000, frozen
    seen = dict(zip(HOLDERS, map(weakref.ref, roots), strict=True))
    return seen, weakref.ref(other)


def look_what_is_collected() -> None:
    of_roots, of_no_root = freeze_and_drop()
    gc.collect()
    assert not [name for name, thing in of_roots.items() if thing() is not None]
    assert of_no_root() is not None, "Python collects what is frozen, so nothing must be put back"
    gc.unfreeze()
    gc.collect()
    assert of_no_root() is None


def freeze_anew() -> None:
    """What was frozen with a first look, and is garbage now, is collected by a second one."""
    thing = Thing()
    seen = weakref.ref(thing)
    heap.freeze(list, modules={"__main__"})
    del thing
    heap.freeze(list, modules={"__main__"})
    assert seen() is not None
    heap.freeze(list, modules={"__main__"}, is_anew=True)
    assert seen() is None
    gc.unfreeze()


def have_too_many_objects() -> None:
    things = [Thing() for _ in range(200)]
    before = gc.get_freeze_count()  # Python 3.12 has some at its start
    heap.MOST = 100  # type: ignore[misc]  # to make fewer
    try:
        heap.freeze(lambda: [things], modules=())
    except heap.TooManyObjects:
        assert gc.get_freeze_count() == before
        return
    raise AssertionError("More than the most were put back.")


if __name__ == "__main__":
    look_what_is_collected()
    freeze_anew()
    have_too_many_objects()
    assert heap.can_freeze()
    gc.disable()
    assert not heap.can_freeze()
