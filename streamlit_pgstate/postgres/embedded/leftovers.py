"""What a killed server leaves behind: processes without a supervisor, and stale lock files."""

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
    """Stop a server that has lost its supervisor, and remove the lock files of one that was killed.

    Called with server.lock held. PostgreSQL itself takes a stale ``postmaster.pid`` for a running
    server if the process id in it belongs to any process of the user. After the restart of a
    container it usually does.
    """
    lock_files = [pgdata / "postmaster.pid", socket_directory(pgdata) / f".s.PGSQL.{PORT}.lock"]
    if not any(lock_file.exists() for lock_file in lock_files):
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
            f"An earlier PostgreSQL is still running on {pgdata} and does not stop (process ids: "
            f"{pids}). Try again in a minute, or end these processes."
        )
    for lock_file in lock_files:
        if _is_stale(lock_file, pgdata):
            lock_file.unlink(missing_ok=True)


def _processes_in(pgdata: Path) -> list[psutil.Process]:
    """Return all processes of a server on this directory, which is their working directory."""
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
    """Whether the process has ended, but has not been waited for, as in some containers."""
    import psutil

    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _is_stale(lock_file: Path, pgdata: Path) -> bool:
    """Whether the process whose id is in the lock file has ended, or is another program."""
    import psutil

    try:
        process = psutil.Process(abs(int(lock_file.read_text().splitlines()[0])))
        if _is_zombie(process) or process.name() != "postgres":
            return True
        return Path(process.cwd()) != pgdata
    except (OSError, psutil.Error):
        return False  # the process is gone, which PostgreSQL notices itself, or cannot be read
    except (ValueError, IndexError):
        return True  # the file was cut off by a crash of the machine
