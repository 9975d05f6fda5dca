"""A client: a process that uses the server, starts it if need be, and keeps it running."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from streamlit_pgstate.errors import StoreUnavailable
from streamlit_pgstate.postgres.embedded import cluster, leftovers, supervisor
from streamlit_pgstate.postgres.embedded.binaries import binaries, runnable
from streamlit_pgstate.postgres.embedded.database import answers, url_at
from streamlit_pgstate.postgres.embedded.folder import (
    START_TIMEOUT,
    not_usable,
    prepare,
    tail,
    too_slow,
)
from streamlit_pgstate.postgres.embedded.locks import close, lock, open_lock
from streamlit_pgstate.postgres.embedded.supervisor import Launch
from streamlit_pgstate.postgres.embedded.user import server_user

if TYPE_CHECKING:
    from collections.abc import Iterator

_starting = threading.Lock()  # one start at a time in this process
_clients: dict[Path, int] = {}  # the shared lock of each directory, open until the process ends


class _Locks(NamedTuple):
    """The locks that are held during a start. Both are passed to the supervisor."""

    starting: int
    server: int


def join(data: Path) -> str:
    """Become a client of the server of ``data``, start it unless it runs, and return its URL."""
    until = time.monotonic() + START_TIMEOUT
    if not _starting.acquire(timeout=START_TIMEOUT):
        raise too_slow(data, "another thread of this process is still starting the server")
    try:
        prepare(data)
        if sys.platform == "win32":
            from streamlit_pgstate.postgres.embedded import wheel

            return wheel.serve(data)
        return _join(data, until)
    finally:
        _starting.release()


def _join(data: Path, until: float) -> str:
    try:
        _become_client(data, until)
        with _locks(data, until) as held:
            return _start_unless_running(data, held, until)
    except StoreUnavailable:  # a subclass of OSError
        raise
    except OSError as error:
        raise not_usable(data, error) from error


def _become_client(data: Path, until: float) -> None:
    """Take the shared lock that makes this process a client, and hold it until the process ends."""
    path = data / "clients.lock"
    held = _clients.get(data)
    if held is not None and _is_open_on(held, path):
        return
    descriptor = open_lock(path)
    if not lock(descriptor, until - time.monotonic(), shared=True):
        close(descriptor)
        raise too_slow(data, "the former server is still stopping")
    _clients[data] = descriptor
    if held is not None:
        close(held)


def _is_open_on(descriptor: int, path: Path) -> bool:
    """Whether the open file is still the one at ``path``: the directory may have been deleted."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def _locks(data: Path, until: float) -> Iterator[_Locks]:
    starting = open_lock(data / "start.lock")
    try:
        if not lock(starting, until - time.monotonic()):
            raise too_slow(data, "another process is still starting it")
        server = open_lock(data / "server.lock")
        try:
            yield _Locks(starting, server)
        finally:
            close(server)
    finally:
        close(starting)


def _start_unless_running(data: Path, held: _Locks, until: float) -> str:
    """Start the server unless it answers. Each wait ends by an event, at the latest at `until`."""
    while time.monotonic() < until:
        if lock(held.server, 0):
            return _launch(data, held, until)
        url = url_at(cluster.socket_directory(data / "data"))
        if answers(url, until):
            return url
        # The server is stopping, or its supervisor is about to notice that it was killed, or it
        # recovers from a killed backend. The first two free the lock; the third answers again.
        if lock(held.server, min(0.1, until - time.monotonic())):
            return _launch(data, held, until)
    raise too_slow(data, "it is running, but does not answer")


def _launch(data: Path, held: _Locks, until: float) -> str:
    """Start a supervisor, pass it the locks, and wait until it reports that the server is ready."""
    pgdata = data / "data"
    programs = binaries(pgdata)
    user = server_user(pgdata, until - time.monotonic())
    if user is not None:
        programs = runnable(programs, user, until - time.monotonic())
    if not (pgdata / "PG_VERSION").exists():
        cluster.make(pgdata, programs, user)
    leftovers.clear(pgdata)
    sockets = cluster.make_socket_directory(pgdata, user)
    name = cluster.name_for(user, pgdata)
    launch = Launch(data, programs, name, name if sockets == pgdata else str(sockets), *held, user)
    report = _supervisor(launch, until)
    if report != "ready":
        reason = report or "its supervisor ended"
        raise StoreUnavailable(
            f"The embedded PostgreSQL in {data} did not start: {reason}. {tail(data)}"
        )
    url = url_at(sockets)
    if not answers(url, until):
        raise too_slow(data, "it started, but does not answer")
    return url


def _supervisor(launch: Launch, until: float) -> str:
    # -I keeps the folder of the file off the path: a file in it could hide a module of the standard
    # library. -S skips the search of site-packages.
    command = [sys.executable, "-I", "-S", supervisor.__file__, *launch.arguments()]
    try:
        process = subprocess.Popen(  # noqa: S603 - our own file, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=cluster.environment(),
            pass_fds=(launch.starting, launch.server),
            start_new_session=True,  # so that Ctrl-C in the terminal does not reach it
        )
    except OSError as error:
        raise StoreUnavailable(
            "The operating system could not start a process for the embedded PostgreSQL: "
            f"{error.strerror} ({error.filename}). End other processes to free memory, or set "
            "`url`."
        ) from error
    try:
        report, _ = process.communicate(timeout=max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        # The supervisor goes on and keeps the locks, so that a long recovery is not started again
        # by each call.
        raise too_slow(launch.data, "it is still starting, and continues to do so") from None
    finally:
        if process.stdout is not None:
            process.stdout.close()
    return report.decode(errors="replace")


def _forget() -> None:
    """Reset this module in a forked child, which is no client and is not starting a server."""
    global _starting
    _clients.clear()
    _starting = threading.Lock()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_forget)
