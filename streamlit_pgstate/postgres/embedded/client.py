"""A process that uses the server: it counts as long as it lives, and starts what does not run."""

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
from streamlit_pgstate.postgres.embedded.folder import PATIENCE, not_usable, prepare, tail, too_slow
from streamlit_pgstate.postgres.embedded.locks import close, lock, open_lock
from streamlit_pgstate.postgres.embedded.supervisor import Job
from streamlit_pgstate.postgres.embedded.user import server_user

if TYPE_CHECKING:
    from collections.abc import Iterator

_guard = threading.Lock()  # one start at a time in this process
_clients: dict[Path, int] = {}  # the shared lock by directory, open for the life of the process


class _Locks(NamedTuple):
    """What a start is done under; both are handed to the supervisor."""

    starting: int
    server: int


def join(data: Path) -> str:
    """Become a client of the server of ``data``, make sure that it runs, and give its URL."""
    until = time.monotonic() + PATIENCE
    if not _guard.acquire(timeout=PATIENCE):
        raise too_slow(data, "another thread of this process is still starting the server")
    try:
        prepare(data)
        if sys.platform == "win32":
            from streamlit_pgstate.postgres.embedded import wheel

            return wheel.serve(data)
        return _join(data, until)
    finally:
        _guard.release()


def _join(data: Path, until: float) -> str:
    try:
        _count(data, until)
        with _locks(data, until) as held:
            return _ensure(data, held, until)
    except StoreUnavailable:  # an OSError by its base
        raise
    except OSError as error:
        raise not_usable(data, error) from error


def _count(data: Path, until: float) -> None:
    """Hold the shared lock that makes this process a client, for the rest of its life."""
    path = data / "clients.lock"
    held = _clients.get(data)
    if held is not None and _is_open_on(held, path):
        return
    descriptor = open_lock(path)
    if not lock(descriptor, until - time.monotonic(), shared=True):
        close(descriptor)
        raise too_slow(data, "the one that ran before is still stopping")
    _clients[data] = descriptor
    if held is not None:
        close(held)


def _is_open_on(descriptor: int, path: Path) -> bool:
    """Whether the file is still the one at ``path``: somebody may have deleted the directory."""
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


def _ensure(data: Path, held: _Locks, until: float) -> str:
    """Start the server unless it answers; an event ends each wait, time is only its bound."""
    while time.monotonic() < until:
        if lock(held.server, 0):
            return _launch(data, held, until)
        url = url_at(cluster.socket_directory(data / "data"))
        if answers(url, until):
            return url
        # It stops, or its supervisor is about to see that it was killed, or it recovers by
        # itself from a killed backend: the first two free the lock, the third answers again.
        if lock(held.server, min(0.1, until - time.monotonic())):
            return _launch(data, held, until)
    raise too_slow(data, "it runs, but does not answer")


def _launch(data: Path, held: _Locks, until: float) -> str:
    """Start a supervisor, with the locks, and wait until it says that the server is ready."""
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
    job = Job(data, programs, name, name if sockets == pgdata else str(sockets), *held, user)
    said = _supervisor(job, until)
    if said != "ready":
        reason = said or "its supervisor ended"
        raise StoreUnavailable(
            f"The embedded PostgreSQL in {data} did not start: {reason}. {tail(data)}"
        )
    url = url_at(sockets)
    if not answers(url, until):
        raise too_slow(data, "it started, but does not answer")
    return url


def _supervisor(job: Job, until: float) -> str:
    # -I and -S: the folder of the file is not on the path, where names like the standard
    # library's could hide it, and no site-packages are looked through.
    command = [sys.executable, "-I", "-S", supervisor.__file__, *job.arguments()]
    try:
        process = subprocess.Popen(  # noqa: S603 - our own file, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=cluster.environment(),
            pass_fds=(job.starting, job.server),
            start_new_session=True,  # Ctrl-C in the terminal does not reach it
        )
    except OSError as error:
        raise StoreUnavailable(
            f"No process could be started for the embedded PostgreSQL: {error.strerror} "
            f"({error.filename}). Free some memory or processes, or set `url`."
        ) from error
    try:
        said, _ = process.communicate(timeout=max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        # It goes on, with the locks: a recovery that takes longer is not begun anew each time.
        raise too_slow(job.data, "it is still starting, and goes on with that") from None
    finally:
        if process.stdout is not None:
            process.stdout.close()
    return said.decode(errors="replace")


def _forget() -> None:
    """In a forked child: it is no client, and no thread of it is starting a server."""
    global _guard
    _clients.clear()
    _guard = threading.Lock()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_forget)
