"""The tables: verbs over rows, each of which runs one of the `statements` or a few.

Stands between `engine`, which has the connections, and a session, which has the cache. Bodies pass
through the `cipher` here, both ways.
"""

from __future__ import annotations

import io
import itertools
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, TypeAlias

from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.errors import MigrationRequired, UnknownToken
from streamlit_pgstate.postgres import migrate, statements
from streamlit_pgstate.postgres.cipher import PLAIN, Cipher
from streamlit_pgstate.postgres.engine import Database, no_objection
from streamlit_pgstate.postgres.migrate import Layout
from streamlit_pgstate.postgres.rows import (
    Basis,
    Changes,
    EntryRow,
    SessionRef,
    SessionTimes,
    Totals,
    Write,
)
from streamlit_pgstate.postgres.token import Token, TokenSigner
from streamlit_pgstate.settings import Settings

CHUNK: Final = 2**20
"""Bytes of a large value per row: 256 KiB to 1 MiB were fastest both ways (80 MB: 0.5 s to
write and 0.25 s to read; as one value 1.9 s and 0.44 s)."""

IN_ONE_STATEMENT: Final = 4 * CHUNK
"""Bytes of new bodies that still travel inside the write itself, in its one round trip."""

ROTATION_GRACE: Final = timedelta(minutes=2)
"""How long the token before the last rotate still works: another tab may be on its way."""

_SLIDES_EVERY: Final = timedelta(hours=1)
"""How long the expiry stays where it is, at most: a tenth of a shorter session_ttl."""

OnProgress: TypeAlias = Callable[[int, int], object]
"""Called with the bytes that have travelled, and all that there are to travel."""


class Tables:
    """The tables of one schema in one database.

    Opens no connection by itself. The first verb does, and then checks the layout of the
    tables, once. Safe for threads.

    Args:
        settings: where the database is, and the limits.
        cipher: how bodies stand in the tables.
        before_statement: as in `Database`.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        cipher: Cipher = PLAIN,
        before_statement: Callable[[Database], None] = no_objection,
    ) -> None:
        self._settings = settings
        self._cipher = cipher
        self._database = Database(settings, before_statement=before_statement)
        self._checked = False
        self._signer: TokenSigner | None = None
        self._sql = statements.of(settings.schema)

    def __repr__(self) -> str:
        return f"<Tables of {self.place}>"

    @property
    def place(self) -> str:
        """Host, port, database and schema, for people; never the password."""
        return f"{self._database.place}, schema {self._settings.schema!r}"

    @property
    def settings(self) -> Settings:
        return self._settings

    @property
    def breaks(self) -> int:
        """How often a connection was found broken so far; caches from before load anew."""
        return self._database.breaks

    def migrate(self) -> None:
        """Create the tables, or bring older ones to the layout of this version.

        Raises:
            MigrationRequired: they are newer than this version of the package.
            ConfigError: the user of the URL may not create them.
        """
        migrate.upgrade(self._database, self._settings)

    def layout(self) -> Layout:
        """Which layout the tables have; changes nothing."""
        return migrate.layout(self._database, self._settings)

    def totals(self) -> Totals:
        """How much all apps of this schema hold, for operators. Changes and migrates nothing."""
        return Totals(*self._database.query(self._sql["TOTALS"], {})[0])

    def close(self) -> None:
        """Close idle connections; a later verb opens new ones."""
        self._database.close()

    @property
    def signer(self) -> TokenSigner:
        """The signer of this app's tokens; reads the key from the database once."""
        if self._signer is None:
            self._ready()
            self._signer = TokenSigner(
                self._settings.signing_key or self._stored_signing_key(),
                app=self._settings.app,
                max_age=self._settings.session_max_age,
            )
        return self._signer

    def _stored_signing_key(self) -> str:
        rows = self._run("SIGNING_KEY", {})
        if not rows:
            raise self._database.place.error(
                MigrationRequired,
                "The signing key is missing in the table `setting`. Restore that row from a "
                "backup, or set `signing_key`: with another key all tokens are void.",
            )
        return str(rows[0][0])

    def load(self, ref: SessionRef) -> Changes:
        """The session and all of its entries, small bodies included.

        Raises:
            UnknownToken: the session is forgotten, expired, or its token was replaced; or it
                has no row and the token is too old to make one.
        """
        return self._changes("LOAD", ref, since=-1)

    def refresh(self, ref: SessionRef, *, since: int, slide: bool) -> Changes:
        """The session and those entries that changed after version `since`.

        Args:
            ref: the session.
            since: the version up to which the caller knows everything.
            slide: whether the sliding expiry is due, as the last read said. Raises as `load`.
        """
        return self._changes("LOAD" if slide else "REFRESH", ref, since=since)

    def _changes(self, statement: str, ref: SessionRef, *, since: int) -> Changes:
        rows = self._run(statement, {**self._validity(ref), "since": since})
        if not rows:
            if not ref.may_create:
                raise _unknown(ref)
            return Changes(0, False, [])
        _, version, condition, *_ = rows[0]
        if condition == "refused":
            raise _unknown(ref)
        return Changes(version, condition == "due", [self._entry(row) for row in rows[1:]])

    def times(self, ref: SessionRef) -> SessionTimes | None:
        """When the session was made, seen, and will expire; None where it has no row yet."""
        rows = self._run("SESSION", {"id": ref.id})
        return SessionTimes(*rows[0]) if rows else None

    def rows(self, session_id: uuid.UUID) -> list[dict[str, Any]]:
        """The entries of a session as they stand in PostgreSQL, for people to look at.

        `value` is the text of small plain values, and None for others.
        """
        names = ("key", "version", "kind", "size", "changed_at", "expires_at", "value")
        rows = self._run("ROWS", {"id": session_id})
        return [dict(zip(names, row, strict=True)) for row in rows]

    def read_body(
        self, ref: SessionRef, digest: bytes, *, size: int, on_progress: OnProgress
    ) -> bytes:
        """The bytes of a large value; too few where another writer has just replaced it.

        Args:
            ref: the session.
            digest: of the value.
            size: its bytes; the setting ``timeout`` is for each MiB of them.
            on_progress: called with the bytes that have come, and `size`.
        """

        def joined(rows: Iterator[tuple[bytes]]) -> bytes:
            body = io.BytesIO()  # grows in place, and gives its bytes away without a copy
            for (data,) in rows:
                body.write(self._cipher.open(data))
                on_progress(body.tell(), size)
            return body.getvalue()

        self._ready()
        parameters = {"id": ref.id, "digest": digest}
        return self._database.query_slowly(self._sql["READ_BODY"], parameters, joined)

    def write(
        self,
        ref: SessionRef,
        writes: Sequence[Write],
        basis: Basis,
        *,
        expected: int | None = None,
    ) -> int | None:
        """Store and delete: all of it or nothing, in one statement, committed when this returns.

        What is too large for one statement has to be there already: see `send_ahead`.

        Args:
            ref: the session.
            writes: with distinct keys.
            basis: what the caller knows; where it is out of date, this may do nothing.
            expected: the version that the (only) entry must have, 0 for none; None for any.

        Returns:
            The session's new version; None where nothing was done: the session is refused,
            or the basis is out of date, or the entry not as expected. A `refresh` tells which.
        """
        writes = sorted(writes, key=lambda write: write.key)  # one order: no deadlocks
        name, parameters = self._statement(ref, writes, basis, expected=expected)
        if name is None:
            return None
        parameters |= {**self._validity(ref), "expected": expected}
        rows = self._run(name, parameters, repeatable=expected is None)
        return int(rows[0][0]) if rows else None

    def renew(self, ref: SessionRef, write: Write, *, expected: int) -> int | None:
        """Have the expiry of a large value count from now, where its entry holds it already.

        Args:
            ref: the session.
            write: what the entry holds, with the ttl that it is to have.
            expected: the version of the entry.

        Returns:
            The session's new version; None where nothing was done, as `write`.
        """
        parameters = {**self._validity(ref), **self._one(write), "expected": expected}
        rows = self._run("RENEW", parameters)  # sent twice, it does nothing the second time
        return int(rows[0][0]) if rows else None

    def _statement(
        self, ref: SessionRef, writes: Sequence[Write], basis: Basis, *, expected: int | None
    ) -> tuple[str | None, dict[str, Any]]:
        """The name of the leanest statement that does it, and its parameters."""
        bodies = _bodies(writes)
        is_plain = not bodies and not basis.dropping
        if basis.version and is_plain and len(writes) == 1:
            return "PUT" if expected is None else "PUT_IF", self._one(writes[0])
        parameters = self._many(writes)
        if basis.version and is_plain and expected is None:
            return "PUT_MANY", parameters
        parameters |= {
            "known": basis.version,
            "app": self._settings.app,
            "dropping": [digest for digest in basis.dropping if digest not in bodies],
        }
        if _go_ahead(bodies):
            parameters |= _ahead(bodies)
            bodies = {}
        parameters |= self._columns_of_bodies(_chunks(bodies))
        if not basis.version:
            return "CREATE" if ref.may_create else None, parameters
        if "ahead_digest" in parameters:
            return "PUT_AHEAD", parameters
        return "PUT_LARGE" if expected is None else "PUT_LARGE_IF", parameters

    def send_ahead(
        self, ref: SessionRef, writes: Sequence[Write], *, on_progress: OnProgress
    ) -> bool:
        """Store the bodies of a `write` that is too large for one statement; whether it is.

        No lock is held meanwhile. Whatever a crash leaves behind is garbage that nothing
        points to. `on_progress` is called with the bytes that were sent, and all there are.
        """
        bodies = _bodies(writes)
        if not _go_ahead(bodies):
            return False
        parameters = {**self._validity(ref), "may_create": ref.may_create}
        chunks = _chunks(bodies)
        sent, total = 0, sum(map(len, bodies.values()))
        while batch := list(itertools.islice(chunks, IN_ONE_STATEMENT // CHUNK)):
            self._run("SEND_BODIES", {**parameters, **self._columns_of_bodies(batch)})
            sent += sum(len(data) for _, _, data in batch)
            on_progress(sent, total)
        return True

    def make(self, ref: SessionRef) -> None:
        """Make the session's row, where it has none: somebody without its token is to write.

        Raises:
            UnknownToken: its token is too old to make one.
        """
        if not ref.may_create:
            raise _unknown(ref)
        self._run("MAKE", {**self._validity(ref), "app": self._settings.app})

    def delete(self, ref: SessionRef, keys: Sequence[str], basis: Basis) -> tuple[int, int]:
        """Delete entries: all of them in one statement, committed when this returns.

        Returns:
            The session's new version, and how many of `keys` held a value. (0, 0) where the
            session has no row yet.

        Raises:
            UnknownToken: as `load`; nothing was deleted.
        """
        parameters = {
            **self._validity(ref),
            "key": sorted(keys),
            "known": basis.version,
            "dropping": list(basis.dropping),
        }
        rows = self._run("DELETE", parameters)
        if rows:
            return rows[0]
        if basis.version or not ref.may_create:
            raise _unknown(ref)
        return 0, 0

    def rotate(self, ref: SessionRef) -> Token | None:
        """Give the session a new token; None where it has no row, and so nothing to protect.

        The old one goes on working for `ROTATION_GRACE`. Raises as `load`.
        """
        token = self.signer.mint(ref.id)
        parameters = {**self._validity(ref), "new_hash": token.secret_hash}
        # Not repeatable: a second rotation would overwrite `previous_hash`.
        if self._run("ROTATE", parameters, repeatable=False):
            return token
        if self.load(ref).version:  # another tab has just made the row
            return self.rotate(ref)
        return None

    def forget(self, ref: SessionRef) -> None:
        """Delete all that the session holds; no token and no open tab can bring it back.

        Raises:
            UnknownToken: the token was replaced by rotate(); nothing was deleted.
        """
        self._ready()
        parameters = {**self._validity(ref), "app": self._settings.app}
        steps = ("ERASE_ENTRIES", "ERASE_BODIES", "ERASE_REVISIONS")
        with self._database.transaction() as connection:
            if not connection.execute(self._sql["REVOKE"], parameters).fetchone():
                raise _unknown(ref)
            for step in steps:
                connection.execute(self._sql[step], parameters)

    def empty(self, ref: SessionRef, *, only_if_dead: bool = False) -> None:
        """Delete all that a session holds which is known by its id; it can be used again.

        Args:
            ref: the session.
            only_if_dead: where it was forgotten or has expired; else do nothing.
        """
        self._run("EMPTY", {**self._validity(ref), "always": not only_if_dead})

    def copy(self, source: SessionRef, token: Token) -> None:
        """Give the session of `token` all that `source` holds; nothing where that is refused.

        A `source` without a row holds nothing, and then the copy has no row either.
        """
        parameters = {"to": token.session_id, "new_hash": token.secret_hash}
        self._run("COPY", {**self._validity(source), **parameters})

    def move(self, source: SessionRef, target: SessionRef, keys: Sequence[str]) -> list[str]:
        """Have entries go to another session, all of them in one transaction.

        Returns:
            The keys that went: not those that `target` has, or `source` has no longer.

        Raises:
            UnknownToken: one of the sessions is refused; nothing was moved.
        """
        self.make(target)
        of_source, of_target = self._validity(source), self._validity(target)
        with self._database.transaction() as connection:

            def run(name: str, parameters: Mapping[str, Any]) -> list[Any]:
                cursor = connection.execute(self._sql[name], parameters)
                return cursor.fetchall() if cursor.description else []

            versions = {}
            for ref, parameters in ((source, of_source), (target, of_target)):
                rows = run("COUNT_UP", parameters)
                if not rows:
                    raise _unknown(ref)
                versions[ref.id] = rows[0][0]
            moving = {"id": source.id, "to": target.id, "key": sorted(keys)}
            run("MOVE_BODIES", moving)
            rows = run("MOVE_ENTRIES", {**moving, "version": versions[target.id]})
            moving["key"] = moved = sorted(row[0] for row in rows)
            run("DROP_MOVED_BODIES", moving)
            run("DROP_MOVED_ENTRIES", {**moving, "version": versions[source.id]})
        return moved

    def _validity(self, ref: SessionRef) -> dict[str, Any]:
        return {
            "id": ref.id,
            "hash": ref.token_hash,
            "scope": ref.scope,
            "grace": ROTATION_GRACE.total_seconds(),
            "session_ttl": self._settings.session_ttl.total_seconds(),
            "session_max_age": self._settings.session_max_age.total_seconds(),
            "slide": min(_SLIDES_EVERY, self._settings.session_ttl / 10).total_seconds(),
        }

    def _run(
        self,
        name: str,
        parameters: Mapping[str, Any],
        *,
        repeatable: bool = True,
    ) -> list[tuple[Any, ...]]:
        self._ready()
        return self._database.query(self._sql[name], parameters, repeatable=repeatable)

    def _ready(self) -> None:
        """Check the layout before the first statement.

        Without a lock: threads that meet here check it side by side, and none waits for
        another's timeout; a migration has locks of its own.
        """
        if not self._checked:
            migrate.require_current(self._database, self._settings)
            self._checked = True

    # Rows, as statements take and give them

    def digest(self, payload: Payload) -> bytes:
        """The name of a large body in its session; see `Cipher.digest`."""
        return self._cipher.digest(payload)

    def _one(self, write: Write) -> dict[str, Any]:
        return dict(zip(_COLUMNS, self._values(write), strict=True))

    def _many(self, writes: Iterable[Write]) -> dict[str, Any]:
        columns = zip(*map(self._values, writes), strict=True)
        return {name: list(column) for name, column in zip(_COLUMNS, columns, strict=True)}

    def _values(self, write: Write) -> tuple[Any, ...]:
        """One entry as `_COLUMNS`: plain values as text, others as bytes, large ones by digest."""
        key, payload = write.key, write.payload
        if payload is None:  # it stays as an empty row, as after DELETE
            return key, None, 0, None, None, None, None
        if write.digest is not None:
            return key, payload.kind, payload.size, None, None, write.digest, write.ttl
        if payload.kind == "json" and self._cipher.keeps_text:
            return key, payload.kind, payload.size, payload.body.decode(), None, None, write.ttl
        body = self._cipher.seal(payload.body)
        return key, payload.kind, payload.size, None, body, None, write.ttl

    def _entry(self, row: tuple[Any, ...]) -> EntryRow:
        key, version, kind, size, text, body, digest, ttl, seconds_left = row
        if text is not None:
            body = text.encode()
        elif body is not None:
            body = self._cipher.open(body)
        return EntryRow(key, version, kind, size, body, digest, ttl, seconds_left)

    def _columns_of_bodies(self, chunks: Iterable[tuple[bytes, int, memoryview]]) -> dict[str, Any]:
        sealed = [(digest, part, self._cipher.seal(data)) for digest, part, data in chunks]
        columns = list(zip(*sealed, strict=True)) or [(), (), ()]
        names = ("body_digest", "body_part", "body_data")
        return {name: list(column) for name, column in zip(names, columns, strict=True)}


_COLUMNS: Final = ("key", "kind", "size", "text", "body", "digest", "ttl")


def _bodies(writes: Iterable[Write]) -> dict[bytes, bytes]:
    """The bodies of the large values by digest: the same content once."""
    return {write.digest: write.payload.body for write in writes if write.digest and write.payload}


def _go_ahead(bodies: Mapping[bytes, bytes]) -> bool:
    return sum(map(len, bodies.values())) > IN_ONE_STATEMENT


def _chunks(bodies: Mapping[bytes, bytes]) -> Iterator[tuple[bytes, int, memoryview]]:
    for digest, body in bodies.items():
        view = memoryview(body)
        for part, start in enumerate(range(0, len(body), CHUNK)):
            yield digest, part, view[start : start + CHUNK]


def _ahead(bodies: Mapping[bytes, bytes]) -> dict[str, Any]:
    parts = [-(-len(body) // CHUNK) for body in bodies.values()]
    return {"ahead_digest": list(bodies), "ahead_parts": parts}


def _unknown(ref: SessionRef) -> UnknownToken:
    error = UnknownToken(
        "This session was forgotten, has expired, or its token was replaced by rotate(). In an "
        "app, reload the page; elsewhere begin anew with Store.new_token()."
        if ref.token_hash is not None
        else f"Session {ref.id} was forgotten, has expired, or is in another database or schema "
        "than the settings of this process lead to. Compare `url` and `schema` with the app's."
    )
    error.session_id = ref.id
    return error
