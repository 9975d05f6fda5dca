"""Streamlit servers as forks of one process, which has imported what each of them would import.

A server takes 0.9 s of CPU for that, and a run of all tests starts over 100. What runs in the
fork is Streamlit's own command, with a folder, an environment and a log of its own; it imports the
app itself.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import multiprocessing.process
import os
import runpy
import signal
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path
from typing import Any

# A fork has none of its parent's threads; with these settings, the imports begin none.
WITHOUT_THREADS = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}

LIBRARIES = (
    *("streamlit.web.cli", "streamlit.web.server.app_discovery", "streamlit.components.v2"),
    *("streamlit.web.server.starlette.starlette_app", "streamlit.watcher.polling_path_watcher"),
    *("starlette.applications", "starlette.staticfiles", "starlette.middleware.sessions"),
    *("uvicorn.lifespan.on", "uvicorn.protocols.http.auto", "anyio._backends._asyncio"),
    *("uvicorn.protocols.websockets.websockets_sansio_impl", "encodings.idna"),
    *("pandas", "pyarrow.pandas_compat", "psycopg", "sqlalchemy.dialects.postgresql.psycopg"),
    *("itsdangerous", "importlib.metadata", "packaging.tags", "packaging.utils", "difflib"),
    # The package under test, whole: it imports most of itself only when it is used.
    *("streamlit_pgstate.api", "streamlit_pgstate.page.visit", "streamlit_pgstate.widgets"),
)


class Forked:
    """A process that the nursery started: as `subprocess.Popen`, as far as tests need it."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self._nursery = nursery
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self._await(os.WNOHANG)

    def wait(self) -> int | None:
        return self._await(0)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def _await(self, options: int) -> int | None:
        if self.returncode is None:
            self.returncode = self._nursery.ask(wait=[self.pid, options])
        return self.returncode


class Nursery:
    """Of one test process, from its first server to its end."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **WITHOUT_THREADS},
        )

    def start(self, arguments: list[str], folder: Path, environment: dict[str, str]) -> Forked:
        """Run `streamlit` with these arguments; what it prints is added to `server.log`."""
        return Forked(self, self.ask(start=[arguments, str(folder), environment]))

    def ask(self, **question: Any) -> Any:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        print(json.dumps(question), file=stdin, flush=True)
        return json.loads(stdout.readline())


@cache
def nursery() -> Nursery:
    return Nursery()


def main() -> None:
    """In the nursery: answer each line of its input, until the tests are over."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C: it ends with the tests
    path = sys.path[1:]
    _import_libraries()
    assert threading.active_count() == 1
    alive = set()
    for line in sys.stdin:
        match json.loads(line):
            case {"start": [arguments, folder, environment]}:
                if not (pid := os.fork()):
                    _become_streamlit(arguments, folder, environment, path)
                alive.add(pid)
                print(pid, flush=True)
            case {"wait": [pid, options]}:
                ended, status = os.waitpid(pid, options)
                alive.discard(ended)
                print(json.dumps(os.waitstatus_to_exitcode(status) if ended else None), flush=True)
    for pid in alive:
        os.kill(pid, signal.SIGKILL)


def _import_libraries() -> None:
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):  # another version of Streamlit has others
            importlib.import_module(name)
    # A server takes its libraries out of the garbage collector after its first run. That looks at
    # all objects once, which takes 0.1 s for what has been imported here.
    gc.collect()
    gc.freeze()


def _become_streamlit(
    arguments: list[str], folder: str, environment: dict[str, str], path: list[str]
) -> None:
    """As `python -m streamlit` would, and never return."""
    os.chdir(folder)
    with open("server.log", "ab") as log, open(os.devnull, "rb") as nothing:
        for file, number in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(file.fileno(), number)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = [folder, *environment["PYTHONPATH"].split(os.pathsep), *path]
    multiprocessing.process.ORIGINAL_DIR = folder  # where a spawned process begins
    sys.argv[1:] = arguments
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    main()
