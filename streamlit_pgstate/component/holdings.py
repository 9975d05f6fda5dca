"""What this server's process holds for its app and for the app's visitors."""

from __future__ import annotations

import inspect
import sys
import sysconfig
import threading
from pathlib import PurePath
from types import FrameType, ModuleType
from typing import Any, Final

import streamlit as st
from streamlit import runtime

from streamlit_pgstate.component import heap

_PACKAGE: Final = __name__.partition(".")[0]
_STREAMLIT: Final = st.__name__
_SCRIPT_THREAD: Final = "ScriptRunner.scriptThread"
_SITES: Final = {"site-packages", "dist-packages"}
_OURS: Final = 4
"""References to a copy of a frame's locals in `_drop_copy`, if nobody but the frame has it: of the
frame, of `_of_threads`, its own, and that of the call that counts them."""
_LIBRARIES: Final = tuple(
    sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")
)


def active_sessions() -> int | None:
    """How many sessions are connected to this server; None where Streamlit does not say.

    Private parts: `Runtime._session_mgr` and its `num_active_sessions`, seen in 1.51 to 1.67.
    """
    manager = getattr(_runtime(), "_session_mgr", None)
    count = getattr(manager, "num_active_sessions", None)
    return count() if count is not None else None


def is_alone() -> bool:
    """Whether no other script runs in this process.

    Private part: the name of the threads that run scripts, seen in 1.51 to 1.67. With another name
    this is always True.
    """
    here = threading.current_thread()
    return not any(
        thread.name == _SCRIPT_THREAD and thread is not here for thread in threading.enumerate()
    )


def modules_of_app() -> dict[str, ModuleType]:
    """The modules that are neither Python's nor a library's nor this package's, by name."""
    return {name: module for name, module in _modules().items() if _is_of_app(name, module)}


def roots(modules: dict[str, ModuleType]) -> list[object]:
    """Objects that lead to all that the app and its visitors have.

    These are the app's own modules, what threads work with, Streamlit's runtime with all sessions,
    and what its modules and those of this package hold, such as caches.

    Args:
        modules: of the app.
    """
    found: list[object] = [_runtime(), *_of_threads()]
    found += map(_namespace, modules.values())
    for name, module in _modules().items():
        if f"{name}.".startswith((f"{_PACKAGE}.", f"{runtime.__name__}.")):
            found += heap.data_of(module)
    return found


def _modules() -> dict[str, ModuleType]:
    # A copy: other threads import meanwhile. A library may put any object there, a proxy as well,
    # which `isinstance` would ask.
    return {
        name: module
        for name, module in sys.modules.copy().items()
        if issubclass(type(module), ModuleType)
    }


def _namespace(module: ModuleType) -> dict[str, Any]:
    """Its names, without `vars`, which loads a module of `importlib.util.LazyLoader`."""
    names: dict[str, Any] = object.__getattribute__(module, "__dict__")
    return names


def _is_of_app(name: str, module: ModuleType) -> bool:
    if name == "__main__":
        return True
    file = _namespace(module).get("__file__")
    if not isinstance(file, str) or name.partition(".")[0] in (_PACKAGE, _STREAMLIT):
        return False
    return not file.startswith(_LIBRARIES) and not _SITES & set(PurePath(file).parts)


def _of_threads() -> list[object]:
    """What threads work with now: their attributes, the run's context among them, and all locals.

    Threads that run a script have its namespace. `sys.modules` has that of the last one alone.
    """
    found: list[object] = list(threading.enumerate())
    frames: dict[int, FrameType | None] = {**sys._current_frames()}
    own = threading.get_ident()
    # Not this function, nor a name for its frame: it has the list, which would hold itself.
    frames[own] = sys._getframe().f_back
    for frame in frames.values():
        while frame is not None:
            values = frame.f_locals
            found += values.values()
            if isinstance(values, dict):  # before Python 3.13, and it stays with the frame
                _drop_copy(frame, values)
                found.append(values)
            if frame.f_globals.get("__name__") == "__main__":
                found.append(frame.f_globals)
            frame = frame.f_back
    return found


def _drop_copy(frame: FrameType, values: dict[str, object]) -> None:
    """Empty the copy of a function's locals that Python has made for us, and keeps with the frame.

    A thread that is in that function for hours would else keep what it works with now for as long.
    Not where somebody else has the copy, or may have: a debugger's function, for example, from
    which Python takes the locals back.
    """
    is_function = bool(frame.f_code.co_flags & inspect.CO_OPTIMIZED)
    is_traced = frame.f_trace or threading.gettrace() or threading.getprofile()
    if is_function and not is_traced and sys.getrefcount(values) <= _OURS:
        values.clear()


def _runtime() -> Any:
    """Streamlit's runtime; None where no server runs, as in an AppTest.

    Private parts: `streamlit.runtime.exists` and `get_instance`, seen in 1.51 to 1.67.
    """
    exists, instance = getattr(runtime, "exists", None), getattr(runtime, "get_instance", None)
    return instance() if exists is not None and instance is not None and exists() else None
