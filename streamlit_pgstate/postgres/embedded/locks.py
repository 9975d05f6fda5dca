"""File locks by ``flock``: the kernel releases a lock when its holder ends, however it ends.

A lock belongs to the open file, not to the process, so it can be passed to another process. A
forked child does not share the locks: its copies of the files are closed.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from pathlib import Path

_table = threading.Lock()  # guards _descriptors; held during a fork
_descriptors: set[int] = set()  # every lock file that this process has open


def open_lock(path: Path) -> int:
    """Open the file, and create it if it does not exist. Locks nothing yet."""
    with _table:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        _descriptors.add(descriptor)
    return descriptor


def open_folder(path: Path) -> int:
    """Open a directory, which can be locked like a file. Locks nothing yet."""
    with _table:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        _descriptors.add(descriptor)
    return descriptor


def close(descriptor: int) -> None:
    with _table:
        _descriptors.discard(descriptor)
        os.close(descriptor)


def lock(descriptor: int, seconds: float, *, shared: bool = False) -> bool:
    """Take the lock within ``seconds``. ``flock`` has no timeout, so another thread waits for it.

    Returns:
        Whether the lock is held now.
    """
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        return True
    if seconds <= 0:
        return False
    with _table:
        copy = os.dup(descriptor)  # the same lock; the thread closes it, even after the timeout
        _descriptors.add(copy)
    got = threading.Event()

    def wait() -> None:
        fcntl.flock(copy, how)
        close(copy)
        got.set()

    threading.Thread(target=wait, name="pgstate-lock", daemon=True).start()
    return got.wait(seconds)


def _forget() -> None:
    """In a forked child, close the parent's lock files, so that the locks end with the parent."""
    for descriptor in _descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _descriptors.clear()
    _table.release()


if sys.platform != "win32":
    os.register_at_fork(
        before=_table.acquire, after_in_parent=_table.release, after_in_child=_forget
    )
