"""Growth: how large the tables were, which sessions are the largest, and which keys.

A cleanup notes it in passing, at a cost that does not grow with the tables: sizes of files,
estimates of the planner, a sample of the values, and some thousand sessions of a walk through all
of them, which the next cleanup goes on with.
"""

from __future__ import annotations

import heapq
import json
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from streamlit_pgstate.postgres.connection import Row
from streamlit_pgstate.postgres.engine import Database

LARGEST_KEPT: Final = 100
"""How many of the largest sessions are noted."""
_KEYS_KEPT: Final = 30
_SAMPLED_PAGES: Final = 400
"""Of 8 KiB: about 20,000 small values."""
_SESSIONS_AT_ONCE: Final = 2_000
_WALKS_FOR: Final = 0.5
"""Seconds: some 50,000 sessions on a slow server, and 200,000 on a fast one."""
_BEFORE_ALL: Final = uuid.UUID(int=0)


class Figures(NamedTuple):
    """How large the tables were at one time."""

    at: datetime
    """When the hour or the day began, or when it was measured."""
    measured_at: datetime
    sessions: int
    """Rows, ended ones included. An estimate, except in a small table."""
    entries: int
    """Rows of values, those of deleted keys included. An estimate, too."""
    revisions: int
    session_bytes: int
    """On disk, with indexes, as the other three."""
    entry_bytes: int
    body_bytes: int
    revision_bytes: int

    @property
    def bytes(self) -> int:
        """All tables together."""
        return self.session_bytes + self.entry_bytes + self.body_bytes + self.revision_bytes


class KeyShare(NamedTuple):
    """One key, and how much the values under it take in all sessions, by a sample."""

    key: str
    values: int
    bytes: int
    """Of these values in the sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Largest:
    """What takes the most room, as the cleanups so far have found it."""

    sessions: tuple[uuid.UUID, ...] = ()
    """The largest sessions of those that the walk has met."""
    keys: tuple[KeyShare, ...] = ()
    sampled: int = 0
    """How many values the sample has."""
    share: float = 1.0
    """Which share of the table the sample is; 1 if it is all of it."""
    measured_at: datetime | None = None
    """When the sample was taken; None before the first one."""
    walked_to: uuid.UUID = _BEFORE_ALL
    """Where the walk goes on."""
    has_met_all: datetime | None = None
    """When the walk has come to its end last; None before the first time."""

    def text(self) -> str:
        """Return it as it is stored."""
        return json.dumps(
            {
                "sessions": [str(id_) for id_ in self.sessions],
                "keys": self.keys,
                "sampled": self.sampled,
                "share": self.share,
                "measured_at": _written(self.measured_at),
                "walked_to": str(self.walked_to),
                "has_met_all": _written(self.has_met_all),
            }
        )


def read_largest(text: str) -> Largest:
    """Read what `Largest.text` has written. What is damaged is as if nothing were noted."""
    try:
        found = json.loads(text)
        return Largest(
            sessions=tuple(map(uuid.UUID, found["sessions"])),
            keys=tuple(KeyShare(*share) for share in found["keys"]),
            sampled=int(found["sampled"]),
            share=float(found["share"]),
            measured_at=_time(found["measured_at"]),
            walked_to=uuid.UUID(found["walked_to"]),
            has_met_all=_time(found["has_met_all"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return Largest()


def _written(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def largest_of(
    known: Mapping[uuid.UUID, int], met: Iterable[tuple[uuid.UUID, int]]
) -> dict[uuid.UUID, int]:
    """Return the largest of some sessions and of those that a walk has met, the largest first.

    Example:
        >>> a, b = uuid.UUID(int=1), uuid.UUID(int=2)
        >>> list(largest_of({a: 10}, [(b, 20)])) == [b, a]
        True
    """
    all_of_them = {**known, **{id_: size for id_, size in met if size > 0}}
    found = heapq.nlargest(LARGEST_KEPT, all_of_them.items(), key=lambda item: item[1])
    return dict(found)


class Growth:
    """Notes of how the tables of one schema grow.

    Args:
        database: where they are.
        sql: the statements, by name.
    """

    def __init__(self, database: Database, sql: Mapping[str, str]) -> None:
        self._database = database
        self._sql = sql

    def note(self, walks_for: float = _WALKS_FOR) -> None:
        """Note how large the tables are now, and what takes the most room.

        Args:
            walks_for: seconds to go on for with the walk through the sessions.

        Raises:
            PgStateError: the database cannot be reached, or refuses. The next cleanup tries again.
        """
        self._run("NOTE_GROWTH", self.now()._asdict())
        self._run("TRIM_GROWTH", {})
        known = self.largest()
        rows = self._run("SESSIONS_HELD", {"ids": list(known.sessions)})
        held: dict[uuid.UUID, int] = dict(map(tuple, rows))
        walked, held = self._walk(known, held, until=time.monotonic() + walks_for)
        rows = self._run("SAMPLE_KEYS", {"pages": _SAMPLED_PAGES, "limit": _KEYS_KEPT})
        noted = replace(
            walked,
            sessions=tuple(held),
            keys=tuple(KeyShare(*row[:3]) for row in rows),
            sampled=rows[0][3] if rows else 0,
            share=rows[0][4] if rows else 1.0,
            measured_at=datetime.now(UTC),
        )
        self._run("NOTE_LARGEST", {"text": noted.text()})

    def _walk(
        self, known: Largest, held: dict[uuid.UUID, int], *, until: float
    ) -> tuple[Largest, dict[uuid.UUID, int]]:
        """Go on with the walk through all sessions, until its end or for so long."""
        after = known.walked_to
        while True:
            rows = self._run("WALK_SESSIONS", {"after": after, "limit": _SESSIONS_AT_ONCE})
            held = largest_of(held, ((id_, size) for id_, size in rows))
            if len(rows) < _SESSIONS_AT_ONCE:
                now = datetime.now(UTC)
                return replace(known, walked_to=_BEFORE_ALL, has_met_all=now), held
            after = rows[-1][0]
            if time.monotonic() >= until:
                return replace(known, walked_to=after), held

    def largest(self) -> Largest:
        """Return what the cleanups so far have found."""
        rows = self._run("NOTED_LARGEST", {})
        return read_largest(rows[0][0]) if rows else Largest()

    def hours(self) -> list[Figures]:
        """Return the figures of the last 14 days, one for each hour with a cleanup."""
        return [Figures(*row) for row in self._run("GROWTH", {"name": "hour"})]

    def days(self) -> list[Figures]:
        """Return the figures of the last year, one for each day with a cleanup."""
        return [Figures(*row) for row in self._run("GROWTH", {"name": "day"})]

    def now(self) -> Figures:
        """Measure now. It takes as long for large tables as for small ones."""
        [(at, *figures)] = self._run("FIGURES", {})
        return Figures(at, at, *figures)

    def _run(self, name: str, parameters: Mapping[str, Any]) -> list[Row]:
        return self._database.query(self._sql[name], parameters)
