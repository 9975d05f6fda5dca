"""Homes: under which of its ids a session of a tokenless scope is, where signing keys have changed.

Decides which id is used, and remembers which sessions this process does not try to move for now.
Nothing here does I/O but the log.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final

_LOG = logging.getLogger(__name__)

_LEFT_FOR: Final = 3600.0
"""Seconds for which a session that could not be moved is used where it is, without another try. A
try copies all of its values."""

_REMEMBERED: Final = 10_000
"""How many of these sessions a process remembers: about 2 MB."""


class Move(Enum):
    """What has become of a session that was to be moved to another id."""

    DONE = "done"
    BY_ANOTHER = "by another"
    """Another replica was faster, or it was forgotten meanwhile: nothing was changed here."""
    UNOPENED = "unopened"
    """It holds a value that this process cannot decrypt, so nothing was changed."""
    TOO_SLOW = "too slow"
    """It would have taken longer than `timeout`, so nothing was changed."""


_CURES: Final = {
    Move.UNOPENED: "it holds a value that this process cannot decrypt. Give this process all keys "
    "in `encryption_key`. If the value is damaged, set or delete its key",
    Move.TOO_SLOW: "that takes longer than `timeout`. Set a higher `timeout` until all states "
    "have moved",
}


def home_among(
    ids: Sequence[uuid.UUID], is_usable: Mapping[uuid.UUID, bool]
) -> tuple[uuid.UUID, bool]:
    """Decide under which of its ids a session is used, and whether it is to be moved to the first.

    Args:
        ids: which it may have, in the order of the signing keys.
        is_usable: the ids that have a row, and whether it may be used. A session that has been
            moved leaves a row that may not.
    """
    first, *others = ids
    other = next((id_ for id_ in others if is_usable.get(id_)), None)
    if is_usable.get(first) or other is None:
        return first, False
    return other, first not in is_usable


class Unmoved:
    """The sessions that this process could not move, and uses where they are. Safe for threads."""

    def __init__(self) -> None:
        self._until: dict[uuid.UUID, float] = {}

    def holds(self, session_id: uuid.UUID) -> bool:
        """Whether the session is not to be moved for now."""
        return time.monotonic() < self._until.get(session_id, 0.0)

    def add(self, session_id: uuid.UUID, because: Move) -> None:
        """Note that the session could not be moved, and log what to do; once for each session."""
        is_new = session_id not in self._until
        if len(self._until) >= _REMEMBERED:
            self._until.clear()
        self._until[session_id] = time.monotonic() + _LEFT_FOR
        if is_new:
            _LOG.warning(
                "Session %s, a user's state, stays under its id by a former signing key, as it "
                "could not be moved to the first key: %s. Until then keep the former key in "
                "`signing_key`. The state is used where it is; the next try is in an hour. This is "
                "logged once for each state.",
                session_id,
                _CURES[because],
            )
