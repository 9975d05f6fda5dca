"""Cleaning up: deletes the rows that no token and no key leads to any more.

Works in batches with a commit each, and skips what a writer holds. Only where a session has bodies
to delete, it waits for the writers of that session. None keeps a writer waiting for longer than it
takes to delete its rows. Any number of processes may clean up at once; `Turns` lets
one of all replicas do it.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass
from datetime import timedelta
from typing import Any, Final, TypeAlias

import psycopg

from streamlit_pgstate.errors import PgStateError, StoreUnavailable
from streamlit_pgstate.postgres import counters
from streamlit_pgstate.postgres.engine import Database
from streamlit_pgstate.postgres.growth import Growth
from streamlit_pgstate.postgres.statements import Statements

_LOG = logging.getLogger(__name__)

TOMBSTONES_KEPT_FOR: Final = timedelta(hours=48)
"""How long a tombstone stays: the row of a deleted key, or of an ended session. A token without a
row is valid for 24 h, and a cache is loaded anew after 20 h: so both learn of the end."""

SENT_BEFORE: Final = timedelta(hours=1)
"""Bodies that nothing refers to are deleted when they were sent so long ago. Until then a write may
be about to refer to them."""

_FIRST_TURN_AFTER: Final = 60.0
"""Seconds after the first page of a process: a restarted server has other things to do."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was deleted, or what there is to delete."""

    sessions: int = 0
    """Expired sessions whose values were deleted."""
    rows: int = 0
    """Tombstones of sessions that ended two days ago."""
    values: int = 0
    """Values whose ttl is over."""
    names: int = 0
    """Tombstones of keys that were deleted two days ago."""
    bodies: int = 0
    """Chunks of large values that no key refers to."""

    @property
    def total(self) -> int:
        """All of it added up."""
        return sum(astuple(self))

    def __str__(self) -> str:
        return (
            f"{self.sessions:,} expired sessions, {self.rows:,} rows of ended sessions, "
            f"{self.values:,} expired values, {self.names:,} names of deleted keys, "
            f"{self.bodies:,} chunks of large values"
        )


Step: TypeAlias = tuple[str, Callable[[int], int]]
"""What it counts as in `Cleaned`, and what deletes a batch of so many rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleanup:
    """Cleans up one schema.

    Args:
        database: where it is.
        sql: the statements, by name.
        batch: how many rows one transaction deletes. Fewer after one has taken too long.
    """

    database: Database
    sql: Statements
    batch: int

    def count(self) -> Cleaned:
        """Return what there is to delete. Changes nothing. Reads each table once."""
        return Cleaned(*self.database.query(self.sql["GC_COUNTS"], self._parameters(1))[0])

    def run(self, on_progress: Callable[[Cleaned], object] = lambda _: None) -> Cleaned:
        """Delete it, and return how much that was.

        Raises:
            PgStateError: the database cannot be reached or refuses. What was deleted before stays
                so; call it again.
        """
        counts = dict.fromkeys(("sessions", "rows", "values", "names", "bodies"), 0)
        steps = self._steps_by_session() if self.sql.is_distributed else self._steps()
        failure: PgStateError | None = None
        for name, step in steps:
            try:
                for done in self._in_batches(step):
                    counts[name] += done
                    on_progress(Cleaned(**counts))
            except PgStateError as error:  # the other steps may succeed
                failure = failure or error
        cleaned = Cleaned(**counts)
        counters.count("cleanup rows", cleaned.total)
        if failure is not None:
            raise failure
        counters.count("cleanup")
        counters.note_latest("cleanup")
        self._note_growth()
        return cleaned

    def _steps(self) -> Iterable[Step]:
        return (
            ("sessions", self._end),
            ("rows", self._remove),
            ("values", lambda batch: self._delete("GC_EXPIRED", batch)),
            ("values", lambda batch: self._delete("GC_EXPIRED_ROWLESS", batch)),
            ("values", lambda batch: self._sweep_each("GC_EXPIRED_LARGE", "GC_EXPIRED_OF", batch)),
            ("values", self._empty_revisions),
            ("names", lambda batch: self._delete("GC_NAMES", batch)),
            ("names", lambda batch: self._delete("GC_NAMES_WITH_HISTORY", batch)),
            ("bodies", lambda batch: self._sweep_each("GC_ORPHANED", "SWEEP", batch)),
        )

    def _steps_by_session(self) -> Iterable[Step]:
        """A distributed engine locks the rows of one session at a time."""
        return (
            ("sessions", lambda batch: self._delete_each("GC_ENDED", "GC_END_OF", batch)),
            ("rows", lambda batch: self._delete_each("GC_ENDED_LONG_AGO", "GC_REMOVE_OF", batch)),
            ("values", lambda batch: self._sweep_each("GC_EXPIRED_ANY", "GC_EXPIRED_OF", batch)),
            ("values", self._empty_revisions),
            ("names", lambda batch: self._sweep_each("GC_OLD_NAMES", "GC_NAMES_OF", batch)),
            ("bodies", lambda batch: self._sweep_each("GC_ORPHANED", "SWEEP", batch)),
        )

    def _note_growth(self) -> None:
        """Note how large everything is, for the inspector. Without it the cleanup is done, too."""
        try:
            Growth(self.database, self.sql).note()
        except PgStateError as error:  # such as a role that may not write there
            _LOG.debug("How large the tables are was not noted: %s", error)

    def _in_batches(self, step: Callable[[int], int]) -> Any:
        batch = self.batch
        while True:
            try:
                done = step(batch)
            except StoreUnavailable as error:
                if batch == 1 or not isinstance(error.cause, psycopg.errors.QueryCanceled):
                    raise
                batch = max(1, batch // 4)
                _LOG.debug("A batch took too long: %s at a time from now on.", batch)
                continue
            if not done:
                return
            yield done

    def _parameters(self, batch: int) -> dict[str, Any]:
        return {
            "batch": batch,
            "kept_for": TOMBSTONES_KEPT_FOR.total_seconds(),
            "sent_before": SENT_BEFORE.total_seconds(),
        }

    def _end(self, batch: int) -> int:
        return self._delete_sessions("GC_END", self._parameters(batch))

    def _remove(self, batch: int) -> int:
        return self._delete_sessions("GC_REMOVE", self._parameters(batch))

    def _delete_each(self, find: str, delete: str, batch: int) -> int:
        """Delete each session that `find` names, and what it holds."""
        parameters = self._parameters(batch)
        return sum(
            self._delete_sessions(delete, {**parameters, "id": session_id})
            for (session_id,) in self.database.query(self.sql[find], parameters)
        )

    def _delete_sessions(self, name: str, parameters: Mapping[str, Any]) -> int:
        with self.database.transaction() as connection:
            rows = connection.execute(self.sql[name], parameters).fetchall()
            ids = {"ids": [row[0] for row in rows]}
            for step in ("GC_ERASE_ENTRIES", "GC_ERASE_BODIES", "GC_ERASE_REVISIONS"):
                connection.execute(self.sql[step], ids)
        return len(rows)

    def _empty_revisions(self, batch: int) -> int:
        return self._sweep_each("GC_EXPIRED_REVISIONS", "GC_EXPIRED_REVISIONS_OF", batch)

    def _delete(self, name: str, batch: int) -> int:
        return len(self.database.query(self.sql[name], self._parameters(batch)))

    def _sweep_each(self, find: str, delete: str, batch: int) -> int:
        """Delete rows of each session that `find` names, and then the bodies that they held."""
        deleted = 0
        for (session_id,) in self.database.query(self.sql[find], self._parameters(batch)):
            parameters = {**self._parameters(batch), "id": session_id}
            with self.database.transaction() as connection:
                if self.sql.is_distributed and connection.rows_of(self.sql["GC_HELD"], parameters):
                    continue
                connection.execute(self.sql["LOCK_FOR_SWEEP"], parameters)
                deleted += connection.execute(self.sql[delete], parameters).rowcount
                if delete != "SWEEP":
                    connection.execute(self.sql["SWEEP"], parameters)
        return deleted


class Turns:
    """Cleans up by itself, in a thread, as long as its owner exists.

    Args:
        cleanup: what is to be done.
        interval: the setting `gc_interval`. All replicas with one role share one turn in each.
        may_begin: whether the tables have the layout that this version knows.
    """

    def __init__(
        self, cleanup: Cleanup, *, interval: timedelta, may_begin: Callable[[], bool]
    ) -> None:
        self._cleanup = cleanup
        self._may_begin = may_begin
        self._interval = interval.total_seconds()
        self._ends = threading.Event()

    def begin(self, owner: object) -> None:
        """Start the thread. It ends with `owner`."""
        weakref.finalize(owner, self._ends.set)
        threading.Thread(target=self._go_on, name="pgstate-cleanup", daemon=True).start()

    def _go_on(self) -> None:
        pause = min(_FIRST_TURN_AFTER, self._interval)
        while not self._ends.wait(pause):
            self.take()
            pause = self._interval

    def take(self) -> Cleaned | None:
        """Clean up, if no process has within the interval. None if one has, or if that fails."""
        database, sql = self._cleanup.database, self._cleanup.sql
        try:
            if not self._may_begin():
                return None
            if not database.query(sql["GC_TURN"], {"interval": self._interval}):
                return None
            began = time.monotonic()
            cleaned = self._cleanup.run()
        except StoreUnavailable:  # logged already, once for each outage
            return None
        except Exception as error:  # noqa: BLE001 - the next turn may succeed
            _LOG.warning("Expired state was not deleted, and will be tried again: %s", error)
            return None
        if cleaned.total:
            _LOG.info("Cleaned up in %.1f s: %s.", time.monotonic() - began, cleaned)
        return cleaned
