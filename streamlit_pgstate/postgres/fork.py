"""What a forked child must not take over: sockets of its parent, and locks that a thread held.

A child begins with one thread. A lock that another thread of the parent held at that moment is
never released in it, and what two processes send over one socket is nobody's protocol.
"""

from __future__ import annotations

import os
import sys
import weakref
from typing import Protocol


class Forkable(Protocol):
    """Something that has to begin anew in a forked child."""

    def after_fork(self) -> None:
        """Called in the child, before any of its code; asks nobody and waits for nothing."""


_known: weakref.WeakValueDictionary[int, Forkable] = weakref.WeakValueDictionary()


def remember(thing: Forkable) -> None:
    """Have `thing.after_fork()` called in every child that is forked while it lives."""
    _known[id(thing)] = thing


def _after_fork() -> None:
    for thing in list(_known.values()):
        thing.after_fork()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_after_fork)
