"""A process whose threads work while it freezes its libraries: `test_freeze`."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

from streamlit_pgstate.component import heap, holdings


class Thing:
    """Can be seen by a `weakref.ref`."""


class Lazy:
    """A proxy for what is not there yet."""

    @property
    def __class__(self) -> type:
        raise RuntimeError("there is nothing yet")

    @__class__.setter
    def __class__(self, _: type) -> None: ...


LAZY_MODULE = "a_library_that_is_loaded_when_it_is_used"


def dead_proxy() -> object:
    return weakref.proxy(Thing())


def load_lazily(folder: Path) -> None:
    (folder / f"{LAZY_MODULE}.py").write_text("raise ImportError('it needs another library')\n")
    sys.path.insert(0, str(folder))
    spec = importlib.util.find_spec(LAZY_MODULE)
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[LAZY_MODULE] = module
    spec.loader.exec_module(module)


class Worker:
    """A thread that works with one thing after the other in one function."""

    def __init__(self) -> None:
        self.seen: list[weakref.ref[Thing]] = []
        self._turn, self._done = threading.Semaphore(0), threading.Semaphore(0)
        threading.Thread(target=self._work, daemon=True).start()
        self.go_on()

    def go_on(self) -> None:
        self._turn.release()
        self._done.acquire()

    def _work(self) -> None:
        for thing in self._things():
            self.seen.append(weakref.ref(thing))
            self._done.release()

    def _things(self) -> Iterator[Thing]:
        while True:
            self._turn.acquire()
            yield Thing()


def freeze() -> heap.Frozen:
    modules = holdings.modules_of_app()
    return heap.freeze(lambda: holdings.roots(modules), modules=modules)


if __name__ == "__main__":
    worker = Worker()
    HELD = [dead_proxy(), Lazy()]
    with tempfile.TemporaryDirectory() as folder:
        load_lazily(Path(folder))
        assert freeze().objects > 5_000
    worker.go_on()
    worker.go_on()
    assert [thing() is not None for thing in worker.seen] == [False, False, True]
