"""Rekeying: seals everything anew that the first key of the ring has not sealed.

It goes from session to session, with one transaction for each, so it may be stopped at any time and
begun again. Writers of a session wait while its transaction runs. Bodies of large values are sealed
before it, so that it takes no longer than to update the entries.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from streamlit_pgstate.postgres.cipher import FindCipher
from streamlit_pgstate.postgres.connection import Steps
from streamlit_pgstate.postgres.engine import Database
from streamlit_pgstate.postgres.permit import PlainPermit
from streamlit_pgstate.postgres.resealing import Home, Resealing

_SESSIONS: Final = 100
"""How many sessions one statement finds."""

_ENTRIES: Final = 200
"""How many entries one statement seals: of 32 KiB each they take 6 MiB."""

_PASSES: Final = 3
"""How often it looks for values that are not sealed by the first key: others may have written some
meanwhile."""

_PATIENCE: Final = 3600.0
"""Seconds for a statement that reads all entries, to count them or to find what is left."""

_FAULTS: Final = 5
"""How many of the values that could not be opened are named."""

_FIRST: Final = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """What was sealed, or what there is to seal."""

    values: int = 0
    """Values that were sealed by the first key."""
    before: int = 0
    """Values that the first key had sealed already."""
    left: int = 0
    """Values that could not be opened. They are as they were."""
    sessions: int = 0
    """Sessions that held the values."""
    faults: tuple[str, ...] = ()
    """Why values could not be opened: of the first few that were found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rekeying:
    """Rekeys one schema.

    Args:
        database: where it is.
        sql: the statements, by name.
        timeout: seconds, for one statement.
        prefix: what the bytes begin with that the first key has sealed.
        cipher_of: the ciphers that open everything, and seal by the first key.
        permit: it is taken away when no plain value is left.
    """

    database: Database
    sql: Mapping[str, str]
    timeout: float
    prefix: bytes
    cipher_of: FindCipher
    permit: PlainPermit

    def count(self) -> Rekeyed:
        """Return what there is to seal. Changes nothing. Reads the table of entries once."""
        with self.database.connection() as connection:
            steps = Steps(connection, self.sql, timeout=_PATIENCE)
            other, ours, sessions = steps.run("REKEY_COUNTS", self._parameters)[0]
        return Rekeyed(other, ours, 0, sessions)

    def run(self, on_progress: Callable[[Rekeyed], object]) -> Rekeyed:
        """Seal it, and return how much that was.

        Raises:
            PgStateError: the database cannot be reached or refuses. Sessions that were sealed
                before stay so; call it again.
        """
        done = replace(self.count(), values=0, sessions=0)
        for _ in range(_PASSES):
            before, done = done, replace(done, left=0, faults=())
            for session_id in self._sessions():
                values, faults = self._rekey(session_id)
                done = replace(
                    done,
                    values=done.values + values,
                    left=done.left + len(faults),
                    sessions=done.sessions + bool(values),
                    faults=(*done.faults, *faults)[:_FAULTS],
                )
                on_progress(done)
            if done.values == before.values:
                break
        self.permit.withdraw()
        return done

    @property
    def _parameters(self) -> dict[str, Any]:
        return {"prefix": self.prefix}

    def _sessions(self) -> Iterator[uuid.UUID]:
        """Find the sessions that hold something of another key, in the order of their ids."""
        after = _FIRST
        while True:
            parameters = {**self._parameters, "after": after, "batch": _SESSIONS}
            with self.database.connection() as connection:
                steps = Steps(connection, self.sql, timeout=_PATIENCE)
                rows = steps.run("REKEY_SESSIONS", parameters)
            if not rows:
                return
            for (after,) in rows:
                yield after

    def _rekey(self, session_id: uuid.UUID) -> tuple[int, list[str]]:
        """Rekey one session; how many values were sealed, and why others could not be opened."""
        home = Home(session_id, self.cipher_of(session_id))
        parameters = {**self._parameters, "id": session_id, "batch": _ENTRIES}
        with self.database.connection() as connection:
            steps = Steps(connection, self.sql, timeout=self.timeout)
            resealing = Resealing(steps.run, source=home, target=home)
            resealing.send_ahead(steps.run("REKEY_LARGE", parameters))
            with connection.transaction():
                values = self._rekey_entries(steps, resealing, parameters)
        return values, resealing.faults

    def _rekey_entries(
        self, steps: Steps, resealing: Resealing, parameters: Mapping[str, Any]
    ) -> int:
        locked = steps.run("LOCK_FOR_REKEY", parameters)
        version = locked[0][0] if locked else None  # its row was deleted by hand
        resealing.forget_incomplete()
        values, after = 0, ""
        while rows := steps.run("REKEY_NEXT", {**parameters, "after": after}):
            sealed = resealing.entries(rows)
            steps.run("REKEY", {**parameters, **sealed._asdict(), "version": version})
            steps.run("FOLLOW_REKEYED", {**parameters, **sealed._asdict(), "version": version})
            values += len(sealed.key)
            after = rows[-1][0]
        values += self._rekey_revisions(steps, resealing, parameters)
        steps.run("REKEY_SWEEP", {**parameters, "digest": resealing.digests})
        return values

    def _rekey_revisions(
        self, steps: Steps, resealing: Resealing, parameters: Mapping[str, Any]
    ) -> int:
        values, after = 0, ("", 0)
        while rows := steps.run(
            "REKEY_NEXT_REVISIONS",
            {**parameters, "after": after[0], "after_version": after[1]},
        ):
            sealed = resealing.entries(rows)
            steps.run("REKEY_REVISIONS", {**parameters, **sealed._asdict()})
            values += len(sealed.key)
            after = rows[-1][:2]
        return values
