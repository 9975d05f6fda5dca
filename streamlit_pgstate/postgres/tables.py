"""The tables: methods over rows. Each runs one of the `statements`, or a few.

Stands between `writes` and `engine`, which have the connections, and a session, which has the
cache. The `cipher` of a session seals and opens its values here.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import math
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.errors import (
    ConfigError,
    MigrationRequired,
    PgStateError,
    Refusal,
    UnknownToken,
)
from streamlit_pgstate.postgres import chunks, migrate, statements
from streamlit_pgstate.postgres.admission import Admission
from streamlit_pgstate.postgres.chunks import IN_ONE_STATEMENT
from streamlit_pgstate.postgres.cipher import (
    PLAIN,
    Cipher,
    FindCipher,
    Large,
    LargeBody,
    UnopenedError,
)
from streamlit_pgstate.postgres.cleanup import SENT_BEFORE, Cleaned, Cleanup, Turns
from streamlit_pgstate.postgres.engine import Database, Steps, no_objection
from streamlit_pgstate.postgres.homes import Move, Unmoved, home_among
from streamlit_pgstate.postgres.limits import NotAsKnown, SessionFull
from streamlit_pgstate.postgres.migrate import Layout
from streamlit_pgstate.postgres.permit import NO_PERMIT, PlainPermit
from streamlit_pgstate.postgres.rekeying import Rekeyed, Rekeying
from streamlit_pgstate.postgres.resealing import Home, Resealing
from streamlit_pgstate.postgres.rows import (
    Changes,
    EntryRow,
    Identity,
    Moved,
    Rotation,
    SessionRef,
    SessionTimes,
    Snapshot,
    Totals,
    Write,
)
from streamlit_pgstate.postgres.ticket import TicketSealer
from streamlit_pgstate.postgres.token import Token, TokenSigner
from streamlit_pgstate.postgres.writes import OutOfTime, Record, Run, Undone, Writer
from streamlit_pgstate.settings import KEY_ADVICE, Settings

if TYPE_CHECKING:  # it needs the package cryptography
    from streamlit_pgstate.postgres.encryption import Keyring

_LOG = logging.getLogger(__name__)

ROTATION_GRACE: Final = timedelta(minutes=2)
"""How long the former token works once a browser has presented the new one: another tab may be
using it just then."""

PENDING_FOR: Final = timedelta(hours=24)
"""How long a new token waits for a browser until another rotation may replace it. Within that time
whoever has the former token cannot replace what the visitor's browser has stored."""

MAX_COPIES: Final = 100
"""How many copies of a tab's state there may be at once."""

_NO_LIMIT: Final = 2**62

_TRIES_TO_MOVE: Final = 3
"""How often a session is looked for that other replicas move meanwhile."""

_LEFT_AFTER_A_MOVE: Final = 0.2
"""The share of `timeout` that is left when a move to another id is given up. The session is then
loaded where it is: a client that gives up at the end of `timeout` takes the database for away."""

_ERASE: Final = ("ERASE_ENTRIES", "ERASE_BODIES", "ERASE_REVISIONS")
"""The statements that delete all that a session holds."""

_AFTER_A_FAILED_SLIDE: Final = 60.0
"""Seconds without another try to move a sliding expiry, after one has failed."""

_EXPIRY_MOVES_EVERY: Final = timedelta(hours=1)
"""The sliding expiry moves at most once in this time, or in a tenth of `session_ttl` if that is
shorter. Otherwise each read would write a row."""

OnProgress: TypeAlias = Callable[[int, int], object]
"""Called with the number of bytes transferred so far, and the number of all bytes."""


class Tables:
    """The tables of one schema in one database.

    Opens no connection until the first method that needs one. That one checks the layout of the
    tables, once. Safe for threads.

    Args:
        settings: where the database is, the limits, and the keys.
        before_statement: as in `Database`.

    Raises:
        ConfigError: as `Database`, or there is an `encryption_key` and not the package for it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        before_statement: Callable[[Database], None] = no_objection,
    ) -> None:
        self._settings = settings
        self._database = Database(settings, before_statement=before_statement)
        self._cleanup = Cleanup(
            database=self._database, sql=statements.of(settings.schema), batch=settings.gc_batch
        )
        self._admission = Admission(settings.max_new_sessions)
        self._unmoved = Unmoved()
        self._cleans_up = False
        self._checked = False
        self._shared: tuple[TokenSigner, Identity] | None = None
        self._needs_app: bool | None = None
        self._sql = statements.of(settings.schema)
        self._writer = Writer(self._database, self._sql)
        self._cipher_of: FindCipher = lambda _: PLAIN
        self._keyring = self._permit = None
        self._lacks_key = False
        """Whether all values here are to be encrypted, and this process has no encryption key."""
        if settings.encryption_key:
            self._keyring = _keyring(settings.encryption_key)
            self._permit = PlainPermit(self._database, self._sql, self._keyring)
            self._cipher_of = self._keyring.ciphers(may_be_plain=self._permit.is_given)
        self._expiry_moves_every = min(_EXPIRY_MOVES_EVERY, settings.session_ttl / 10)
        self._slides_after = -math.inf
        self._constants = {
            "app": settings.app,
            "grace": ROTATION_GRACE.total_seconds(),
            "pending_for": PENDING_FOR.total_seconds(),
            "session_ttl": settings.session_ttl.total_seconds(),
            "session_max_age": settings.session_max_age.total_seconds(),
            "expiry_moves_every": self._expiry_moves_every.total_seconds(),
            "max_keys": settings.max_keys,
            "max_bytes": settings.max_session_bytes,
        }

    def __repr__(self) -> str:
        return f"<Tables of {self.place}>"

    @property
    def place(self) -> str:
        """Host, port, database and schema, for messages; never the password."""
        return f"{self._database.place}, schema {self._settings.schema!r}"

    @property
    def settings(self) -> Settings:
        return self._settings

    @property
    def expiry_moves_every(self) -> float:
        """Seconds after which a read moves a session's sliding expiry."""
        return self._expiry_moves_every.total_seconds()

    @property
    def breaks(self) -> int:
        """How often a connection was thrown away so far: see `Database.breaks`."""
        return self._database.breaks

    def migrate(self) -> None:
        """Create the tables, or bring older ones to the layout of this version.

        Raises:
            MigrationRequired: they are newer than this version of the package.
            ConfigError: the user of the URL may not create them.
        """
        migrate.upgrade(self._database, self._settings)

    def layout(self) -> Layout:
        """Return which layout the tables have. Changes nothing."""
        return migrate.layout(self._database, self._settings)

    def totals(self) -> Totals:
        """Return how much all apps of this schema hold, for operators. Migrates nothing."""
        return Totals(*self._database.query(self._sql["TOTALS"], {})[0])

    def clean_up(self, on_progress: Callable[[Cleaned], object] = lambda _: None) -> Cleaned:
        """Delete what nobody can reach any more, of all apps of this schema: see `Cleanup`."""
        self._check_layout_once()
        return self._cleanup.run(on_progress)

    def count_cleanup(self) -> Cleaned:
        """Return what `clean_up` would delete. Changes nothing."""
        self._check_layout_once()
        return self._cleanup.count()

    def clean_up_by_itself(self) -> None:
        """Clean up now and then, from now on, in a thread of this process."""
        if self._settings.gc_interval and not self._cleans_up:
            self._cleans_up = True
            database, settings = self._database, self._settings

            def has_our_layout() -> bool:
                present = migrate.layout(database, settings)
                return present.is_current and not present.is_damaged

            turns = Turns(self._cleanup, interval=settings.gc_interval, may_begin=has_our_layout)
            turns.begin(self)

    def rekey(
        self,
        *,
        trusts_plain: bool = False,
        on_progress: Callable[[Rekeyed], object] = lambda _: None,
    ) -> Rekeyed:
        """Seal everything anew that the first key of `encryption_key` has not sealed.

        Args:
            trusts_plain: whether values are sealed, too, that are not sealed and should be.
            on_progress: called with what was done so far, after each session.

        Raises:
            ConfigError: there is no `encryption_key`.
        """
        rekeying = self._rekeying(trusts_plain=trusts_plain)
        self._prepare_sealing()
        return rekeying.run(on_progress)

    def count_rekey(self) -> Rekeyed:
        """Return what `rekey` would seal. Changes nothing."""
        return self._rekeying(trusts_plain=False).count()

    def _rekeying(self, *, trusts_plain: bool) -> Rekeying:
        if self._keyring is None or self._permit is None:
            raise ConfigError(
                "No encryption_key is set. Set PGSTATE_ENCRYPTION_KEY, or `encryption_key` under "
                "[connections.pgstate] in .streamlit/secrets.toml, to the new key and the keys so "
                f"far. {KEY_ADVICE}"
            )
        self._check_layout_once()
        may_be_plain = (lambda: True) if trusts_plain else self._permit.is_given
        return Rekeying(
            database=self._database,
            sql=self._sql,
            timeout=self._database.timeout,
            prefix=self._keyring.prefix,
            cipher_of=self._keyring.ciphers(may_be_plain=may_be_plain),
            permit=self._permit,
        )

    def sweep(self, ref: SessionRef) -> None:
        """Delete all bodies of the session that no entry refers to, and add one to its version.

        A write deletes only the bodies that it replaces, and only if nobody has written since its
        caller's last read.
        """
        parameters = {"id": ref.id, "sent_before": SENT_BEFORE.total_seconds()}
        with self._database.transaction() as connection:
            connection.execute(self._sql["LOCK_FOR_SWEEP"], parameters)
            connection.execute(self._sql["SWEEP"], parameters)

    def recount(self, ref: SessionRef) -> int:
        """Delete what has expired in the session, and count anew what it holds.

        Called before a write is refused that comes over a limit: values whose ttl is over count
        until they are deleted, and somebody may have deleted rows by hand.

        Returns:
            The session's version, to which this adds one; 0 if it has no row.
        """
        parameters = {"id": ref.id}

        def recount(run: Run) -> int:
            run("LOCK_FOR_SWEEP", parameters)
            rows = run("RECOUNT", parameters)
            return int(rows[0][0]) if rows else 0

        self._check_layout_once()
        return self._writer.repeat(recount)

    def discard_sent(self, ref: SessionRef, writes: Iterable[Write]) -> None:
        """Delete the bodies of `send_ahead` whose write was refused. Adds one to the version."""
        parameters = {"id": ref.id, "digest": list(_bodies(writes))}

        def discard(run: Run) -> None:
            for step in ("LOCK_FOR_SWEEP", "DISCARD_SENT"):
                run(step, parameters)

        self._writer.repeat(discard)

    def close(self) -> None:
        """Close idle connections. A later method opens new ones."""
        self._database.close()

    @property
    def signer(self) -> TokenSigner:
        """The signer of this app's tokens. Reads the key from the database once."""
        return self._read_once()[0]

    @property
    def identity(self) -> Identity:
        """Which database this is. Read once, together with the signing key."""
        return self._read_once()[1]

    @property
    def ticket_sealer(self) -> TicketSealer:
        """The sealer of this app's tickets. Its key comes with the signing key."""
        signer, identity = self._read_once()
        return TicketSealer(*signer.ticket_keys, place=f"{identity.name} {self._settings.app}")

    def _read_once(self) -> tuple[TokenSigner, Identity]:
        if self._shared is None:
            [(stored_key, name, copy)] = self._run("IDENTITY", {})
            keys = self._settings.signing_key or ((stored_key,) if stored_key else ())
            if not keys:
                raise self._is_missing(
                    "The signing key is missing in the table `setting`. Restore that row from a "
                    "backup, or set `signing_key`: with another key all tokens are void."
                )
            if name is None:
                raise self._is_missing(
                    "The row `identity` is missing in the table `setting`. Restore it from a "
                    "backup: with another identity no browser finds its token."
                )
            app, max_age = self._settings.app, self._settings.session_max_age
            mark = hashlib.sha256(f"{name}.{copy}".encode()).hexdigest()[:8]
            signer = TokenSigner(*keys, app=app, max_age=max_age)
            self._shared = signer, Identity(name, mark)
        return self._shared

    def needs_app(self) -> bool:
        """Whether this app must be served by `pgstate.App`: by its settings, or as it ever was.

        The database is asked once. So servers that run when `pgstate.App` first serves the app go
        on without it.
        """
        if self._settings.http_only is not None:
            return self._settings.http_only
        if self._needs_app is None:
            self._needs_app = bool(self._run("HTTP_ONLY", self._http_only))
        return self._needs_app

    def note_http_only(self) -> None:
        """Note, once, that `pgstate.App` serves this app: see `needs_app`."""
        if self._needs_app:
            return
        self._needs_app = True
        try:
            self._run("NOTE_HTTP_ONLY", self._http_only, repeatable=False)
        except PgStateError as error:  # a standby, or a role that may not write there
            _LOG.warning(
                "It could not be noted that pgstate.App serves this app, so a server that is "
                "started without pgstate.App would not refuse. Set http_only = true for it. %s",
                error.in_full,
            )

    @property
    def _http_only(self) -> dict[str, str]:
        return {"name": f"http_only {self._settings.app}"}

    def _is_missing(self, message: str) -> PgStateError:
        return self._database.place.error(MigrationRequired, message)

    def load(self, ref: SessionRef) -> Changes:
        """Read the session and all of its entries, including small bodies.

        Raises:
            UnknownToken: the session was forgotten, has expired, or its token was replaced; or it
                has no row and the token is too old to create one.
        """
        return self.refresh(ref, since=-1)

    def refresh(self, ref: SessionRef, *, since: int) -> Changes:
        """Read the session and the entries that have changed after version `since`.

        One round trip. Another one follows at most hourly, to move the sliding expiry, and where a
        browser presents a rotated token for the first time.

        Args:
            ref: the session.
            since: the version up to which the caller knows everything.

        Raises:
            UnknownToken: as `load`.
        """
        parameters = self._session_parameters(ref)
        rows = self._run("READ", {**parameters, "since": since})
        if not rows:
            # The caller has loaded a row before. Only a cleanup deletes it, two days after the
            # session ended.
            if not ref.may_create or (ref.has_tokenless_scope and ref.epoch):
                raise _unknown(ref)
            return Changes(0, [])
        _, version, condition, epoch, _, login, *_ = rows[0]
        if condition == "forgotten":
            raise _unknown(ref, Refusal.FINAL)
        if condition == "replaced at a login":
            raise _unknown(ref, Refusal.LOGIN)
        if condition == "refused":
            raise _unknown(ref)
        if "pending" in condition and ref.is_presented:
            self._note("PRESENT", parameters)
        may_slide = "stale" in condition and time.monotonic() >= self._slides_after
        if may_slide and not self._note("SLIDE", parameters):
            self._slides_after = time.monotonic() + _AFTER_A_FAILED_SLIDE
        cipher = self._cipher_of(ref.id)
        entries = [_entry(cipher, row) for row in rows[1:]]
        return Changes(version, entries, epoch, login, "replaced" in condition)

    def _note(self, name: str, parameters: Mapping[str, Any]) -> bool:
        """Note in the session's row that it was read. If that fails, what was read is good."""
        try:
            self._run(name, parameters, repeatable=False)
        except PgStateError as error:
            _LOG.debug("%s failed: %s", name, error)
            return False
        return True

    def times(self, ref: SessionRef) -> SessionTimes | None:
        """Return when the session was created and seen and will expire; None if it has no row."""
        rows = self._run("SESSION", {"id": ref.id})
        return SessionTimes(*rows[0]) if rows else None

    def rows(self, session_id: uuid.UUID) -> list[dict[str, Any]]:
        """Return the entries of a session as PostgreSQL stores them, for people to look at.

        `value` is the text of small plain values, and None for all others.
        """
        names = ("key", "version", "kind", "size", "changed_at", "expires_at", "value")
        rows = self._run("ROWS", {"id": session_id})
        return [dict(zip(names, row, strict=True)) for row in rows]

    def read_body(self, ref: SessionRef, large: Large, *, on_progress: OnProgress) -> bytes:
        """Read the bytes of a large value.

        Args:
            ref: the session.
            large: the value. The setting ``timeout`` applies to each MiB of it.
            on_progress: called with the number of bytes read so far, and that of all bytes.

        Raises:
            UnopenedError: rows are missing or changed; perhaps another writer has just replaced
                the value.
        """
        self._check_layout_once()
        cipher = self._cipher_of(ref.id)

        def joined(rows: Iterator[tuple[bytes]]) -> LargeBody:
            body = LargeBody(cipher, large)
            for (data,) in rows:
                on_progress(body.add(data), large.size)
            return body

        parameters = {"id": ref.id, "digest": large.digest}
        return self._database.stream(self._sql["READ_BODY"], parameters, joined).whole()

    def write(
        self,
        ref: SessionRef,
        writes: Sequence[Write],
        snapshot: Snapshot,
        *,
        expected: int | None = None,
        mends: bool = False,
    ) -> int | None:
        """Store and delete entries, all or none, in one statement. Committed when this returns.

        Bodies that are too large for one statement must be stored already: see `send_ahead`.

        Args:
            ref: the session.
            writes: what to write; each key once.
            snapshot: what the caller's cache holds. If it is out of date, nothing is written where
                the session's row is to be created or bodies were sent ahead. Other writes are
                written all the same, and leave replaced bodies behind as garbage.
            expected: the version that the entry of the only write must have, 0 for no entry.
                None: any version.
            mends: whether to write bodies again that are there already, because they are damaged,
                or an earlier write failed.

        Returns:
            The session's new version. None if nothing was written: the session is refused, the
            snapshot is out of date, or the entry has another version. A `refresh` tells which.

        Raises:
            SessionFull: the session would grow over a limit; nothing was written.
        """
        writes = sorted(writes, key=lambda write: write.key)  # always this order: no deadlocks
        self._prepare_sealing(writes)
        name, parameters = self._statement(ref, writes, snapshot, expected=expected)
        if name is None:
            return None
        if name == "CREATE_AND_PUT":
            self._admit(ref)
        parameters |= {**self._session_parameters(ref), "expected": expected, "mends": mends}
        is_ahead = name == "PUT_AHEAD"
        size = 0 if is_ahead else sum(write.payload.size for write in writes if write.payload)
        try:
            rows = self._run_write(name, parameters, reached=snapshot.reached, size=size)
        except NotAsKnown:
            rows = self._run_write("PUT", parameters, reached=snapshot.reached, size=size)
        except SessionFull as full:
            full.is_first_write = name == "CREATE_AND_PUT"
            raise
        return int(rows[0][0]) if rows else None

    def renew(self, ref: SessionRef, write: Write, *, expected: int) -> int | None:
        """Let the ttl of a large value count from now, if its entry holds the value already.

        Args:
            ref: the session.
            write: the value that the entry holds, with its new ttl.
            expected: the version of the entry.

        Returns:
            The session's new version. None if nothing was written, as `write`.
        """
        parameters = {**self._session_parameters(ref), **self._one(ref, write)}
        parameters["expected"] = expected
        rows = self._run_write("RENEW", parameters, reached=expected)
        return int(rows[0][0]) if rows else None

    def _statement(
        self, ref: SessionRef, writes: Sequence[Write], snapshot: Snapshot, *, expected: int | None
    ) -> tuple[str | None, dict[str, Any]]:
        """Return the name of the cheapest statement that does it, and its parameters."""
        bodies = _bodies(writes)
        is_plain = not bodies and not snapshot.digests
        if snapshot.version and is_plain and len(writes) == 1:
            parameters = self._one(ref, writes[0])
            if expected is not None:
                return "PUT_IF", parameters
            if not snapshot.is_latest:
                return "PUT", parameters
            parameters["old_size"] = snapshot.sizes.get(writes[0].key)
            return "PUT_AS_KNOWN", parameters
        parameters = self._many(ref, writes)
        if snapshot.version and is_plain and expected is None:
            return "PUT_MANY", parameters
        parameters |= {
            "known": snapshot.version,
            "old_digest": [digest for digest in snapshot.digests if digest not in bodies],
        }
        if _are_too_large(bodies):
            parameters |= _ahead_parameters(bodies)
            bodies = {}
        parameters |= chunks.columns(self._cipher_of(ref.id), chunks.chunks_of(bodies))
        if not snapshot.version:
            return "CREATE_AND_PUT" if ref.may_create else None, parameters
        if "ahead_digest" in parameters:
            return "PUT_AHEAD", parameters
        return "PUT_LARGE" if expected is None else "PUT_LARGE_IF", parameters

    def sends_ahead(self, writes: Sequence[Write]) -> bool:
        """Whether the bodies of a `write` are too large for one statement: see `send_ahead`."""
        return _are_too_large(_bodies(writes))

    def send_ahead(
        self,
        ref: SessionRef,
        writes: Sequence[Write],
        *,
        on_progress: OnProgress,
        mends: bool = False,
    ) -> bool:
        """Store the bodies of a `write` if they are too large for one statement.

        No lock is held meanwhile. Rows that a crash leaves behind are garbage: no entry refers to
        them.

        Args:
            ref: the session.
            writes: as `write` will get them.
            on_progress: called with the number of bytes sent so far, and the number of all bytes.
            mends: as in `write`.

        Returns:
            Whether the bodies are too large for one statement. True also if the session is refused:
            then nothing was stored, and `write` will store nothing.
        """
        bodies = _bodies(writes)
        if not _are_too_large(bodies):
            return False
        self._prepare_sealing(writes)
        parameters = {
            **self._session_parameters(ref),
            "may_create": ref.may_create,
            "mends": mends,
        }
        cipher = self._cipher_of(ref.id)
        sent, total = 0, _total(bodies)
        for batch in chunks.in_batches(chunks.chunks_of(bodies)):
            self._run("SEND_BODIES", {**parameters, **chunks.columns(cipher, batch)})
            sent += sum(len(chunk.data) for chunk in batch)
            on_progress(sent, total)
        return True

    def create_session(self, ref: SessionRef) -> None:
        """Create the session's row if it has none, so that somebody without its token can write.

        Raises:
            UnknownToken: the session's token is too old to create a row.
        """
        if not ref.may_create:
            raise _unknown(ref)
        self._admit(ref)
        parameters = self._session_parameters(ref)
        self._run_write("CREATE_SESSION", parameters, reached=0)

    def delete(self, ref: SessionRef, keys: Sequence[str], snapshot: Snapshot) -> tuple[int, int]:
        """Delete entries, all in one statement. Committed when this returns.

        Returns:
            The session's new version, and how many of `keys` held a value. (0, 0) if the session
            has no row yet.

        Raises:
            UnknownToken: as `load`; nothing was deleted.
        """
        parameters = {
            **self._session_parameters(ref),
            "key": sorted(keys),
            "known": snapshot.version,
            "old_digest": list(snapshot.digests),
        }
        rows = self._run_write("DELETE", parameters, reached=snapshot.reached)
        if rows:
            version, deleted = rows[0]
            return version, deleted
        if snapshot.version or not ref.may_create:
            raise _unknown(ref)
        return 0, 0

    def rotate(self, ref: SessionRef, token: Token) -> Rotation:
        """Give the session the new token `token`, beside the present one.

        Both open the session until a browser presents the new one. From then on the other one works
        for another `ROTATION_GRACE`.

        Returns:
            What has become of it. Asked again with the same token, the answer is the same.

        Raises:
            UnknownToken: as `load`.
        """
        parameters = {**self._session_parameters(ref), "new_hash": token.secret_hash}
        if self._run("ROTATE", parameters):
            return Rotation.DONE
        return Rotation.BY_ANOTHER if self.load(ref).version else Rotation.NO_ROW

    def present(self, ref: SessionRef) -> None:
        """Note that a browser keeps the new token. If that fails, the next load does so."""
        self._note("PRESENT", self._session_parameters(ref))

    def rotate_at_logout(self, ref: SessionRef, token: Token) -> bool:
        """As `rotate`, and note that nobody is logged in; False if the token was not rotated."""
        parameters = self._session_parameters(ref)
        if self._run("ROTATE_AT_LOGOUT", {**parameters, "new_hash": token.secret_hash}):
            return True
        self._run("NOTE_LOGOUT", parameters)
        return False

    def replace_at_login(self, ref: SessionRef, token: Token, *, has_row: bool) -> bool:
        """Give the session another token at once, as somebody has logged in.

        Args:
            ref: the session; the first of its `logins` and of its `users` are noted.
            token: the new token.
            has_row: whether the session is known to have a row. Otherwise it gets one.

        Returns:
            False if nothing was changed: others have changed the token, or made the row, meanwhile.

        Raises:
            LimitExceeded: too many sessions are created.
        """
        if not has_row:
            self._admit(ref)
        login = {"new_hash": token.secret_hash, "login": ref.logins[0], "user": ref.users[0]}
        parameters = {**self._session_parameters(ref), **login}
        return bool(self._run("REPLACE_AT_LOGIN" if has_row else "CREATE_AT_LOGIN", parameters))

    def forget(self, ref: SessionRef) -> None:
        """Delete everything that the session holds. No token and no open tab can restore it.

        Raises:
            UnknownToken: the token was replaced by rotate(), or it is a user's session that was
                forgotten or moved before; nothing was deleted.
        """
        self._check_layout_once()
        parameters = self._session_parameters(ref)
        tries = 0

        def revoke(run: Run) -> bool:
            nonlocal tries
            tries += 1  # after the first one it may be ourselves who have forgotten it
            if not run("REVOKE", {**parameters, "again": tries > 1}):
                return False
            for step in _ERASE:
                run(step, parameters)
            return True

        if not self._writer.repeat(revoke):
            raise _unknown(ref)

    def empty(self, ref: SessionRef, *, had_row: bool = False, only_if_dead: bool = False) -> None:
        """Delete everything that a session of a tokenless scope holds, and begin another epoch.

        A session without a row gets one, so that a first write that was under way is refused.

        Args:
            ref: the session.
            had_row: whether the caller has seen a row of it. If that is gone, the session was
                forgotten or moved days ago.
            only_if_dead: do nothing unless the session was forgotten or has expired.

        Raises:
            UnknownToken: it has moved to its id by another signing key, or an operator has
                forgotten it, since `ref` was loaded. Nothing was deleted.
        """
        self._check_layout_once()
        parameters = {**self._session_parameters(ref), "always": not only_if_dead}

        def empty(run: Run) -> bool:
            locked = run("LOCK_TO_EMPTY", parameters)
            for (version,) in locked:
                run("EMPTY_ENTRIES", {**parameters, "version": version})
                run("ERASE_BODIES", parameters)
                run("ERASE_REVISIONS", parameters)
            return bool(locked)

        def has_emptied() -> bool:
            return self._writer.transact(empty, session_id=ref.id, recall=lambda _: True)

        if has_emptied() or only_if_dead:
            return
        if not had_row:
            self.create_session(ref)
            if has_emptied():
                return
        raise _unknown(ref)

    def copy(self, source: SessionRef, token: Token) -> None:
        """Copy everything that `source` holds into the new session of `token`, as of one moment.

        The copy gets no row if `source` has none or is refused, or if there are `MAX_COPIES` of it
        already, or if these would hold more together than one session may hold.
        """
        self._admit(source)
        parameters: dict[str, Any] = {
            **self._session_parameters(source),
            "to": token.session_id,
            "new_hash": token.secret_hash,
            "max_copies": MAX_COPIES,
        }
        if self._keyring is None:
            self._run("COPY", parameters)
            return
        self._prepare_sealing()
        with self._database.connection() as connection, connection.transaction():
            run = Steps(connection, self._sql, timeout=self._database.timeout).run
            connection.execute(statements.ONE_SNAPSHOT)
            if run("COPY_SESSION", parameters):
                sealed = self._sealed_anew(run, {**parameters, "key": None})
                run("COPY_SEALED", {**parameters, **sealed})

    def _sealed_anew(self, run: Run, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Seal entries of the session `id` for the session `to`, and store their bodies there.

        Values that cannot be opened are left out.
        """
        resealing = Resealing(
            run,
            source=Home(parameters["id"], self._cipher_of(parameters["id"])),
            target=Home(parameters["to"], self._cipher_of(parameters["to"])),
        )
        return resealing.entries(run("SEALED_OF", parameters))._asdict()

    def move(self, source: SessionRef, target: SessionRef, keys: Sequence[str]) -> list[str]:
        """Move entries to another session, all in one transaction.

        Returns:
            The keys that were moved. Keys that `target` holds already, or `source` no longer holds,
            are left out.

        Raises:
            UnknownToken: one of the sessions is refused; nothing was moved.
            SessionFull: `target` would grow over a limit; nothing was moved.
        """
        self.create_session(target)
        self._prepare_sealing()
        of_source, of_target = self._session_parameters(source), self._session_parameters(target)
        both = ((source, of_source), (target, of_target))
        moving = {**self._constants, "id": source.id, "to": target.id, "key": sorted(keys)}

        def move(run: Run) -> Moved | Undone[Moved]:
            versions = {}
            for ref, parameters in sorted(both, key=lambda one: one[0].id):  # no deadlocks
                rows = run("LOCK_SESSION", parameters)
                if not rows:
                    return Undone(Moved(refused=ref))
                versions[ref.id] = rows[0][0]
            moved = self._move_entries(run, moving, version=versions[target.id])
            run("DROP_MOVED_BODIES", {**moving, "key": moved})
            run("DROP_MOVED_ENTRIES", {**moving, "key": moved, "version": versions[source.id]})
            return Moved(keys=moved)

        def recall(record: Record) -> Moved:
            parameters = {**moving, "version": record.version, "slot": record.slot}
            return Moved(keys=sorted(row[0] for row in self._run("MOVED", parameters)))

        moved = self._writer.transact(move, session_id=target.id, recall=recall)
        if moved.refused is not None:
            raise _unknown(moved.refused)
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
            rows = {row[0]: row[1:] for row in self._run("HOMES", {"ids": ids})}
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
        self._prepare_sealing()
        parameters = {**self._session_parameters(source), "to": target.id}
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
            for step in _ERASE:
                run(step, parameters)
            return Move.DONE

        return self._writer.transact(
            rehome,
            session_id=source.id,
            recall=lambda _: Move.DONE,
            reserve=self._database.timeout * _LEFT_AFTER_A_MOVE,
        )

    def _move_entries(self, run: Run, moving: Mapping[str, Any], *, version: int) -> list[str]:
        """Copy entries and their bodies from the session `id` to `to`; return their keys."""
        into = {**moving, "version": version}
        if self._keyring is None:
            run("MOVE_BODIES", moving)
            rows = run("MOVE_ENTRIES", into)
        else:
            rows = run("MOVE_SEALED", {**into, **self._sealed_anew(run, moving)})
        return sorted(row[0] for row in rows)

    def _run_write(
        self, name: str, parameters: dict[str, Any], *, reached: int, size: int = 0
    ) -> list[tuple[Any, ...]]:
        self._check_layout_once()
        creates = name in _CREATING
        return self._writer.run(name, parameters, reached=reached, creates=creates, size=size)

    def _admit(self, ref: SessionRef) -> None:
        """Count a session that is about to be created, unless its scope makes one for each user."""
        if not ref.has_tokenless_scope:
            self._admission.admit()

    def _prepare_sealing(self, writes: Iterable[Write] = ()) -> None:
        """Prepare to seal values: see `PlainPermit.settle`.

        Raises:
            ConfigError: the values of `writes` are to be encrypted, and this process has no key.
        """
        self._check_layout_once()
        if self._permit is not None:
            self._permit.settle()
        keys = [write.key for write in writes if write.payload] if self._lacks_key else []
        if keys:
            raise ConfigError(
                f"{keys[0]!r} was not stored: all values in this database are to be encrypted, and "
                "this process has no encryption key. Set `encryption_key` as the other processes "
                "of the app have it."
            )

    def _session_parameters(self, ref: SessionRef) -> dict[str, Any]:
        return {
            **self._constants,
            "id": ref.id,
            "hash": ref.token_hash,
            "scope": ref.scope,
            "epoch": ref.epoch,
            "logins": list(ref.logins),
            "users": list(ref.users),
            "login": ref.login,
        }

    def _run(
        self,
        name: str,
        parameters: Mapping[str, Any],
        *,
        repeatable: bool = True,
    ) -> list[tuple[Any, ...]]:
        self._check_layout_once()
        return self._database.query(self._sql[name], parameters, repeatable=repeatable)

    def _check_layout_once(self) -> None:
        """Check the layout before the first statement.

        Takes no lock: several threads may check at once, so that none waits for another's timeout.
        A migration has locks of its own.
        """
        if not self._checked:
            migrate.require_current(self._database, self._settings)
            if self._permit is None:
                found = self._database.query(self._sql["SEALED_ONLY"], {"permit": NO_PERMIT})
                self._lacks_key = bool(found)
            self._checked = True

    # Rows, as statements take and return them

    def digest(self, ref: SessionRef, payload: Payload) -> bytes:
        """Return the name of a large body in its session: see `Cipher.digest`."""
        return self._cipher_of(ref.id).digest(payload)

    def _one(self, ref: SessionRef, write: Write) -> dict[str, Any]:
        return dict(zip(_COLUMNS, _values(self._cipher_of(ref.id), write), strict=True))

    def _many(self, ref: SessionRef, writes: Iterable[Write]) -> dict[str, Any]:
        cipher = self._cipher_of(ref.id)
        columns = zip(*(_values(cipher, write) for write in writes), strict=True)
        return {name: list(column) for name, column in zip(_COLUMNS, columns, strict=True)}


def _keyring(keys: Sequence[bytes]) -> Keyring:
    try:
        from streamlit_pgstate.postgres.encryption import Keyring
    except ImportError as error:
        raise ConfigError(
            "`encryption_key` needs the package cryptography. "
            'Run: pip install "streamlit-pgstate[encryption]"'
        ) from error
    return Keyring(keys)


_CREATING: Final = {"CREATE_AND_PUT", "CREATE_SESSION"}
"""Statements that create the session's row."""

_COLUMNS: Final = ("key", "kind", "size", "text", "body", "digest", "ttl")


def _values(cipher: Cipher, write: Write) -> tuple[Any, ...]:
    """Return one entry as `_COLUMNS`."""
    key, payload = write.key, write.payload
    if payload is None:  # the row becomes a tombstone, as after DELETE
        return key, None, 0, None, None, None, None
    text, body = cipher.seal(key, payload, write.digest)
    return key, payload.kind, payload.size, text, body, write.digest, write.ttl


def _entry(cipher: Cipher, row: tuple[Any, ...]) -> EntryRow:
    """Return a row of READ, opened. What cannot be opened has a fault, and hinders no other."""
    key, version, kind, size, text, body, digest, ttl, seconds_left = row
    if kind is None:
        return EntryRow(key, version, None, size, None, None, None, None)
    try:
        body = cipher.open(key, kind, size, text, body, digest)
    except UnopenedError as found:
        return EntryRow(key, version, kind, size, None, digest, ttl, seconds_left, str(found))
    return EntryRow(key, version, kind, size, body, digest, ttl, seconds_left)


def _bodies(writes: Iterable[Write]) -> dict[bytes, Payload]:
    """Return the large values by digest: equal values once."""
    found = {write.digest: write.payload for write in writes if write.digest and write.payload}
    return dict(sorted(found.items()))  # always this order: no deadlocks


def _total(bodies: Mapping[bytes, Payload]) -> int:
    return sum(payload.size for payload in bodies.values())


def _are_too_large(bodies: Mapping[bytes, Payload]) -> bool:
    """Whether the bodies have to be sent ahead of the write."""
    return _total(bodies) > IN_ONE_STATEMENT


def _ahead_parameters(bodies: Mapping[bytes, Payload]) -> dict[str, Any]:
    """Return what a write checks of bodies that were sent ahead: how many chunks each has."""
    parts = [chunks.number_of(payload) for payload in bodies.values()]
    return {"ahead_digest": list(bodies), "ahead_parts": parts}


def _unknown(ref: SessionRef, refusal: Refusal = Refusal.DATABASE) -> UnknownToken:
    if ref.has_tokenless_scope:
        message = (
            f"This state of scope {ref.scope!r} was forgotten or has expired. "
            f"pgstate.scope({ref.scope!r}) returns the present one, which is empty. In an app, "
            "reload the page. A job should stop."
        )
    elif ref.token_hash is None:
        message = (
            f"Session {ref.id} was forgotten, has expired, or is stored in another database or "
            "schema than this process uses. Compare its settings `url` and `schema` with the app's."
        )
    else:
        message = (
            "This session was forgotten, has expired, or its token was replaced by rotate(). In an "
            "app, reload the page. Elsewhere, make a new token with Store.new_token()."
        )
    error = UnknownToken(message)
    error.session_id, error.refusal = ref.id, refusal
    return error
