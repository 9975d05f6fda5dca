"""What a forked child must not inherit: sockets of its parent, and locks that a thread held.

A child starts with one thread. A lock that another thread of the parent held at that moment is
never released in the child. If two processes send over one socket, their messages mix.
"""

from __future__ import annotations

import os
import sys
import weakref
from typing import Protocol


class Forkable(Protocol):
    """An object that has to be reset in a forked child."""

    def after_fork(self) -> None:
        """Reset the object in the child, before its own code. Must not do I/O and not wait."""


_known: weakref.WeakValueDictionary[int, Forkable] = weakref.WeakValueDictionary()


def remember(thing: Forkable) -> None:
    """Call `thing.after_fork()` in each child that is forked as long as `thing` exists."""
    _known[id(thing)] = thing


def _after_fork() -> None:
    for thing in list(_known.values()):
        thing.after_fork()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_after_fork)
