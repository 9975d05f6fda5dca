"""Moves: entries that go from one session to another, copies, and sessions that get another id.

All in one transaction each. Sealed values open in their own session only, so they are sealed anew.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from streamlit_pgstate.postgres.access import Access
from streamlit_pgstate.postgres.connection import Steps
from streamlit_pgstate.postgres.homes import Move, Unmoved, home_among
from streamlit_pgstate.postgres.resealing import Home, Resealing
from streamlit_pgstate.postgres.rows import Moved, SessionRef
from streamlit_pgstate.postgres.sessions import ERASE, Sessions, unknown_session
from streamlit_pgstate.postgres.statements.moves import ONE_SNAPSHOT
from streamlit_pgstate.postgres.token import Token
from streamlit_pgstate.postgres.writes import OutOfTime, Record, Run, Undone

MAX_COPIES: Final = 100
"""How many copies of a tab's state there may be at once."""

_NO_LIMIT: Final = 2**62

_TRIES_TO_MOVE: Final = 3
"""How often a session is looked for that other replicas move meanwhile."""

_LEFT_AFTER_A_MOVE: Final = 0.2
"""The share of `timeout` that is left when a move to another id is given up. The session is then
loaded where it is: a client that gives up at the end of `timeout` takes the database for away."""


class Moves:
    """Moves and copies within one schema.

    Args:
        access: to its tables.
        sessions: makes the session that entries move to.
    """

    def __init__(self, access: Access, sessions: Sessions) -> None:
        self._access = access
        self._sessions = sessions
        self._unmoved = Unmoved()

    def copy(self, source: SessionRef, token: Token) -> None:
        """Copy everything that `source` holds into the new session of `token`, as of one moment.

        The copy gets no row if `source` has none or is refused, or if there are `MAX_COPIES` of it
        already, or if these would hold more together than one session may hold.
        """
        self._access.admit(source)
        parameters: dict[str, Any] = {
            **self._access.parameters.of(source),
            "to": token.session_id,
            "new_hash": token.secret_hash,
            "max_copies": MAX_COPIES,
        }
        has_keys, is_distributed = self._access.sealing.has_keys, self._access.sql.is_distributed
        if not has_keys and not is_distributed:
            self._access.run("COPY", parameters)
            return
        self._access.prepare()
        with self._access.database.connection() as connection, connection.transaction():
            run = Steps(connection, self._access.sql, timeout=self._access.timeout).run
            if is_distributed:
                run("LOCK_TO_COPY", parameters)
            else:
                connection.execute(ONE_SNAPSHOT)
            if not has_keys:
                run("COPY", parameters)
            elif run("COPY_SESSION", parameters):
                sealed = self._sealed_anew(run, {**parameters, "key": None})
                run("COPY_SEALED", {**parameters, **sealed})

    def move(self, source: SessionRef, target: SessionRef, keys: Sequence[str]) -> list[str]:
        """Move entries to another session, all in one transaction.

        Returns:
            The keys that were moved. Keys that `target` holds already, or `source` no longer holds,
            are left out.

        Raises:
            UnknownToken: one of the sessions is refused; nothing was moved.
            SessionFull: `target` would grow over a limit; nothing was moved.
        """
        self._access.prepare()
        self._sessions.create(target)
        both = [(ref, self._access.parameters.of(ref)) for ref in (source, target)]
        moving = {
            **self._access.parameters.constants,
            "id": source.id,
            "to": target.id,
            "key": sorted(keys),
        }

        def move(run: Run) -> Moved | Undone[Moved]:
            versions = {}
            for ref, parameters in sorted(both, key=lambda one: one[0].id):  # no deadlocks
                rows = run("LOCK_SESSION", parameters)
                if not rows:
                    return Undone(Moved(refused=ref))
                versions[ref.id] = rows[0][0]
            # Only the bodies of what moves are copied. No entry would refer to others.
            free = {**moving, "key": sorted(row[0] for row in run("FREE_KEYS", moving))}
            run("DROP_EXPIRED_BODIES", free)
            moved = self._move_entries(run, free, version=versions[target.id])
            former = run("DROP_MOVED_REVISIONS", {**moving, "key": moved})
            run("DROP_MOVED_BODIES", {**moving, "key": moved})
            run("DROP_MOVED_ENTRIES", {**moving, "key": moved, "version": versions[source.id]})
            if former:
                digests = [digest for (digest,) in former if digest is not None]
                run("DISCARD_SENT", {"id": source.id, "digest": digests})
                run("COUNT_HISTORY", moving)
            return Moved(keys=moved)

        def recall(record: Record) -> Moved:
            parameters = {**moving, "version": record.version, "slot": record.slot}
            return Moved(keys=sorted(row[0] for row in self._access.run("MOVED", parameters)))

        moved = self._access.writer.transact(move, session_id=target.id, recall=recall)
        if moved.refused is not None:
            raise unknown_session(moved.refused)
        return moved.keys

    def home_of(self, ref: SessionRef, former: Sequence[uuid.UUID]) -> SessionRef:
        """Return where the session of a tokenless scope is, whose id may be by a former key.

        It is moved to the id `ref.id`, in one transaction. If the row under `ref.id` is revoked,
        another replica, whose first key is another one, has moved the session away from there.
        Then it stays where it is. It also stays there if it cannot be moved.

        Args:
            ref: the session under the id by the first key.
            former: its ids by the other keys.

        Returns:
            The session. Its `epoch` is that of the row that was found: if the session is moved
            before it is loaded, the load is refused, and does not revive it.
        """
        ids = [ref.id, *former]
        for _ in range(_TRIES_TO_MOVE):
            rows = {row[0]: row[1:] for row in self._access.run("HOMES", {"ids": ids})}
            found, is_to_be_moved = home_among(ids, {id_: row[0] for id_, row in rows.items()})
            is_usable, epoch = rows.get(found, (False, None))
            home = dataclasses.replace(ref, id=found, epoch=epoch if is_usable else None)
            if not is_to_be_moved or self._unmoved.holds(found):
                return home
            move = self._rehome(home, ref)
            if move is Move.DONE:
                return ref
            if move is not Move.BY_ANOTHER:
                self._unmoved.add(found, move)
                return home
        return home

    def _rehome(self, source: SessionRef, target: SessionRef) -> Move:
        """Move a session of a tokenless scope to another id.

        Whoever has opened it under the former id is refused from now on, and nothing that it held
        stays there.
        """
        self._access.prepare()
        parameters = {**self._access.parameters.of(source), "to": target.id}
        # It holds what it has held, also where a limit was lowered since.
        parameters |= dict.fromkeys(("max_keys", "max_bytes"), _NO_LIMIT)

        def rehome(run: Run) -> Move | Undone[Move]:
            try:
                return move(run)
            except OutOfTime:
                return Undone(Move.TOO_SLOW)

        def move(run: Run) -> Move | Undone[Move]:
            if not run("LEAVE_HOME", parameters) or not run("NEW_HOME", parameters):
                return Undone(Move.BY_ANOTHER)
            keys = sorted(row[0] for row in run("HELD_KEYS", parameters))
            moved = self._move_entries(run, {**parameters, "key": keys}, version=1)
            if moved != keys:
                # What this process cannot open must not be left where nobody looks for it.
                return Undone(Move.UNOPENED)
            for step in ERASE:
                run(step, parameters)
            return Move.DONE

        return self._access.writer.transact(
            rehome,
            session_id=source.id,
            recall=lambda _: Move.DONE,
            reserve=self._access.timeout * _LEFT_AFTER_A_MOVE,
        )

    def _move_entries(self, run: Run, moving: Mapping[str, Any], *, version: int) -> list[str]:
        """Copy entries and their bodies from the session `id` to `to`; return their keys."""
        into = {**moving, "version": version}
        if not self._access.sealing.has_keys:
            run("MOVE_BODIES", moving)
            rows = run("MOVE_ENTRIES", into)
        else:
            rows = run("MOVE_SEALED", {**into, **self._sealed_anew(run, moving)})
        return sorted(row[0] for row in rows)

    def _sealed_anew(self, run: Run, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Seal entries of the session `id` for the session `to`, and store their bodies there.

        Values that cannot be opened are left out.
        """
        resealing = Resealing(
            run,
            source=Home(parameters["id"], self._access.sealing.cipher_of(parameters["id"])),
            target=Home(parameters["to"], self._access.sealing.cipher_of(parameters["to"])),
        )
        return resealing.entries(run("SEALED_OF", parameters))._asdict()
