"""What Python's garbage collector looks at: libraries are taken out of it, the rest stays in.

`gc.freeze` takes out every object that is there. A cycle among them is never collected. So
`freeze` puts back what belongs to the app and its visitors.

`PyObject_GC_UnTrack` and `PyObject_GC_Track` of Python's C API put one object back. A mistake there
ends the process, so nothing is frozen by a version of CPython on which this was not tried, by
another interpreter, or by one without a global lock.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, Final

_LAST_TRIED: Final = (3, 13)

MOST: Final = 500_000
"""How many objects of the app and its visitors are put back at most. A visitor with twenty
persisted widgets has some 1,500. To find and to put back 100,000 takes 0.3 s."""

_LONGEST_WAIT: Final = 0.2
"""Seconds that another thread waits before it gets its turn. For one visitor the walk takes 0.05 s.
A longer time would also let a thread that computes keep all others waiting for as long."""

_OF_CODE: Final = (ModuleType, type, FunctionType, BuiltinFunctionType)


@dataclass(frozen=True, slots=True)
class Frozen:
    """What `freeze` has done."""

    objects: int
    """That the collector does not look at any more."""
    kept: int
    """Of the app and its visitors, which it goes on to look at."""


class TooManyObjects(Exception):
    """The app and its visitors have more than `MOST` objects. Nothing was frozen."""


def can_freeze() -> bool:
    """Whether `freeze` works here, and the app has not taken the collector into its own hands."""
    has_lock = getattr(sys, "_is_gil_enabled", lambda: True)()
    is_known = sys.implementation.name == "cpython" and sys.version_info[:2] <= _LAST_TRIED
    return is_known and has_lock and gc.isenabled() and _can_track()


def freeze(
    roots: Callable[[], Iterable[object]], *, modules: Collection[str], is_anew: bool = False
) -> Frozen:
    """Have the collector no longer look at what is there now, except for what `roots` lead to.

    Args:
        roots: returns objects that lead to all that belongs to the app and its visitors. It is
            called when other threads wait.
        modules: names of the app's own modules. Functions and classes of other modules belong to
            libraries.
        is_anew: whether what was frozen before is looked at once more.

    Raises:
        TooManyObjects: `roots` lead to more than `MOST`.
    """
    before = 0 if is_anew else gc.get_freeze_count()  # the host may have frozen something
    with _undisturbed():
        if is_anew:
            gc.unfreeze()
        gc.collect()  # what is garbage now would stay for ever
        kept = _reachable(roots(), modules)
        gc.freeze()
        _track_anew(kept)
    return Frozen(gc.get_freeze_count() - before, len(kept))


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let other threads wait, as they do during each collection.

    What they drop meanwhile, or make, would be out of the reach of the roots, and would stay.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(_LONGEST_WAIT)
    try:
        time.sleep(0)  # those that wait for less now take their turn
        yield
    finally:
        sys.setswitchinterval(before)


def data_of(module: ModuleType) -> list[object]:
    """What a module holds beside its code: caches, registers and settings, for example."""
    return [
        value
        for name, value in vars(module).copy().items()
        if not name.startswith("__") and not isinstance(value, _OF_CODE)
    ]


def _reachable(roots: Iterable[object], modules: Collection[str]) -> list[object]:
    """All tracked objects that `roots` lead to without a way through the code of libraries."""
    found: dict[int, object] = {}
    waiting = [root for root in roots if gc.is_tracked(root)]
    while waiting:
        thing = waiting.pop()
        if id(thing) in found:
            continue
        found[id(thing)] = thing
        if len(found) > MOST:
            raise TooManyObjects
        waiting += [
            other
            for other in gc.get_referents(thing)
            if id(other) not in found and gc.is_tracked(other) and not _is_library(other, modules)
        ]
    return list(found.values())


def _is_library(thing: Any, modules: Collection[str]) -> bool:
    """Whether this is code of a library, which leads to all other code.

    Functions and classes that a call has made are not: Streamlit makes some in each run, and they
    hold the session.

    Only `type` is asked: `isinstance` asks the object, too, and a proxy would answer with an error,
    or begin to load what it stands for.
    """
    kind = type(thing)
    if kind is FunctionType:
        is_made = thing.__closure__ is not None or "<locals>" in thing.__qualname__
        return not is_made and thing.__globals__.get("__name__") not in modules
    if issubclass(kind, type):
        return "<locals>" not in thing.__qualname__ and thing.__module__ not in modules
    if kind is BuiltinFunctionType:  # or a method of a dict, for example, which holds it
        return thing.__self__ is None or issubclass(type(thing.__self__), ModuleType)
    if kind is dict and "__builtins__" in thing:  # the namespace of a module
        return thing.get("__name__") not in modules
    return issubclass(kind, _OF_CODE)


def _track_anew(things: Collection[object]) -> None:
    """Put objects back among those that the collector looks at.

    No other thread and no collection may come between the two calls for an object: a dict that gets
    a value then is tracked by that, and to track an object twice ends the process. So both calls
    are made from C, where Python does not switch threads, and without the collector, which may run
    finalizers. C gets addresses: of objects `ctypes` would ask the `__class__`, and an error of one
    proxy would leave all that come after it frozen.
    """
    untrack, track = _tracking()
    addresses = list(map(id, things))
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        deque(zip(map(untrack, addresses), map(track, addresses), strict=True), maxlen=0)
    finally:
        if was_enabled:
            gc.enable()


def _tracking() -> tuple[Callable[[int], Any], Callable[[int], Any]]:
    import ctypes  # not everybody's Python has it

    # `pythonapi` keeps the global lock during a call.
    function = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)
    return (
        function(("PyObject_GC_UnTrack", ctypes.pythonapi)),
        function(("PyObject_GC_Track", ctypes.pythonapi)),
    )


def _can_track() -> bool:
    try:
        _tracking()
    except (ImportError, AttributeError):
        return False
    return True
