"""Whether this thread is importing a module: Python runs its code once, for all visitors.

Private parts: the functions of Python's `importlib._bootstrap` that run a module, seen in 3.11 to
3.13: `_load_unlocked` for an import, `_exec` for a reload. Without them no import is noticed. Code
that runs anew for each visitor does not go through these functions: Streamlit's script and pages,
`exec`, `runpy`, and a loader's `exec_module`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from types import CodeType
from typing import Any, Final

_BOOTSTRAP: Final[Any] = getattr(importlib, "_bootstrap", None)


def _code_of(name: str) -> CodeType | None:
    return getattr(getattr(_BOOTSTRAP, name, None), "__code__", None)


_RUNS_A_MODULE: Final = {_code_of("_load_unlocked"), _code_of("_exec")} - {None}

_locks: Final[Mapping[str, object]] = getattr(_BOOTSTRAP, "_module_locks", {"": None})
"""A lock for each module that any thread is importing. It is empty nearly always, which takes
0.04 µs to see. If it is not, or Python lacks it, the call stack is searched: 5 µs for 25 calls."""


def importing() -> str | None:
    """The name of the module whose import calls this; None if no import does."""
    if not _locks:
        return None
    frame, name = sys._getframe(1), "?"
    while frame.f_back is not None:
        if frame.f_code.co_name == "<module>":
            name = frame.f_globals.get("__name__", name)
        if frame.f_code in _RUNS_A_MODULE:
            return name
        frame = frame.f_back
    return None
