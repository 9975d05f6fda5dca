"""What a server leaves that was killed: processes without a supervisor, and marks of dead ones."""

from __future__ import annotations

import contextlib
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from streamlit_pgstate.errors import StoreUnavailable
from streamlit_pgstate.postgres.embedded.cluster import socket_directory
from streamlit_pgstate.postgres.embedded.supervisor import PORT, SHUTDOWN

if TYPE_CHECKING:
    import psutil  # type: ignore[import-untyped,unused-ignore]


def clear(pgdata: Path) -> None:
    """See a server off that has lost its supervisor, and the mark of one that was killed.

    Called with server.lock held. PostgreSQL itself takes a stale ``postmaster.pid`` for a
    running server as soon as its number belongs to any process of the user, which after the
    restart of a container it usually does.
    """
    marks = [pgdata / "postmaster.pid", socket_directory(pgdata) / f".s.PGSQL.{PORT}.lock"]
    if not any(mark.exists() for mark in marks):
        return
    import psutil

    left = _processes_in(pgdata)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGINT)  # postmaster: fast shutdown; backend: cancel
    until = time.monotonic() + SHUTDOWN / 2
    while left and time.monotonic() < until:
        _, alive = psutil.wait_procs(left, timeout=0.1)
        left = [process for process in alive if not _is_zombie(process)]
    if left:
        pids = ", ".join(str(process.pid) for process in left)
        raise StoreUnavailable(
            f"An earlier server still works on {pgdata} and does not stop (process {pids}). "
            "Try again in a minute, or end these processes."
        )
    for mark in marks:
        if _is_stale(mark, pgdata):
            mark.unlink(missing_ok=True)


def _processes_in(pgdata: Path) -> list[psutil.Process]:
    """Every process of a server of this directory: they all make it their working directory."""
    import psutil

    found = []
    for process in psutil.process_iter(["name"]):
        if process.info["name"] != "postgres":
            continue
        with contextlib.suppress(psutil.Error, OSError):
            if Path(process.cwd()) == pgdata:
                found.append(process)
    return found


def _is_zombie(process: psutil.Process) -> bool:
    """Whether it has ended, in a container whose first process waits for nobody."""
    import psutil

    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _is_stale(mark: Path, pgdata: Path) -> bool:
    """Whether the process that it names is a dead one's number, or has become another one."""
    import psutil

    try:
        process = psutil.Process(abs(int(mark.read_text().splitlines()[0])))
        if _is_zombie(process) or process.name() != "postgres":
            return True
        return Path(process.cwd()) != pgdata
    except (OSError, psutil.Error):
        return False  # gone, which PostgreSQL sees for itself, or not ours to judge
    except (ValueError, IndexError):
        return True  # cut off by a crash of the machine
