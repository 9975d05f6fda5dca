"""The tables of one schema in one database: opened, migrated, looked after, and told apart.

What is done with their rows is in `entries`, `bodies`, `history`, `sessions`, `session_tokens`,
`moves`, `inspection` and `browsing`, each of which is a part of `Tables`.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from streamlit_pgstate.errors import MigrationRequired, PgStateError
from streamlit_pgstate.postgres import migrate
from streamlit_pgstate.postgres.access import Access
from streamlit_pgstate.postgres.bodies import Bodies
from streamlit_pgstate.postgres.browsing import Browsing
from streamlit_pgstate.postgres.cleanup import Cleaned, Cleanup, Turns
from streamlit_pgstate.postgres.engine import Database, no_objection
from streamlit_pgstate.postgres.entries import Entries
from streamlit_pgstate.postgres.health import Health, HealthCheck
from streamlit_pgstate.postgres.history import History
from streamlit_pgstate.postgres.inspection import Inspection
from streamlit_pgstate.postgres.migrate import Layout
from streamlit_pgstate.postgres.moves import Moves
from streamlit_pgstate.postgres.rekeying import Rekeyed
from streamlit_pgstate.postgres.rows import Identity, Totals
from streamlit_pgstate.postgres.sealing import Sealing
from streamlit_pgstate.postgres.session_tokens import SessionTokens
from streamlit_pgstate.postgres.sessions import Sessions
from streamlit_pgstate.postgres.statements import Statements
from streamlit_pgstate.postgres.token import TokenSigner
from streamlit_pgstate.settings import Settings

if TYPE_CHECKING:  # it imports the package cryptography, which not every app needs
    from streamlit_pgstate.postgres.ticket_sealer import TicketSealer

_LOG = logging.getLogger(__name__)


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
        sql = Statements(settings.schema)
        database = Database(settings, before_statement=before_statement)
        self._settings = settings
        self._database = database
        self._sql = sql
        self._cleanup = Cleanup(database=database, sql=sql, batch=settings.gc_batch)
        self._cleans_up = False
        self._shared: tuple[TokenSigner, Identity] | None = None
        self._shared_after = 0
        """`Database.remakes` before these were read."""
        self._needs_app: bool | None = None
        self._health = HealthCheck(settings, database.outage_log)
        self._sealing = Sealing(database, sql, settings.encryption_key)
        self._access = access = Access(database, sql, settings, self._sealing)
        self.sessions = Sessions(access)
        self.bodies = Bodies(access)
        self.history = History(access, most=settings.history)
        self.entries = Entries(access, self.history)
        self.session_tokens = SessionTokens(access, self.entries)
        self.moves = Moves(access, self.sessions)
        self.inspection = Inspection(access, self.bodies)
        self.browsing = Browsing(access, self.bodies, self.history)

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
        return self._access.parameters.moves_every

    @property
    def breaks(self) -> int:
        """See `Database.breaks`. A cache that was read before the last one is read anew."""
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
        layout = migrate.layout(self._database, self._settings)
        self._sql.note_engine(is_distributed=layout.is_distributed)
        return layout

    def totals(self) -> Totals:
        """Return how much all apps of this schema hold, for operators. Migrates nothing."""
        self.layout()
        return Totals(*self._database.query(self._sql["TOTALS"], {})[0])

    def health(self) -> Health:
        """Return whether the database can be reached, and has our layout. Changes nothing."""
        return self._health.run()

    def close(self) -> None:
        """Close idle connections. A later method opens new ones."""
        self._database.close()
        self._health.close()

    def clean_up(self, on_progress: Callable[[Cleaned], object] = lambda _: None) -> Cleaned:
        """Delete what nobody can reach any more, of all apps of this schema: see `Cleanup`."""
        self._access.check_layout()
        return self._cleanup.run(on_progress)

    def count_cleanup(self) -> Cleaned:
        """Return what `clean_up` would delete. Changes nothing."""
        self._access.check_layout()
        return self._cleanup.count()

    def clean_up_by_itself(self) -> None:
        """Clean up now and then, from now on, in a thread of this process."""
        if self._settings.gc_interval and not self._cleans_up:
            self._cleans_up = True
            database, settings, sql = self._database, self._settings, self._sql

            def has_our_layout() -> bool:
                present = migrate.layout(database, settings)
                sql.note_engine(is_distributed=present.is_distributed)
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
        rekeying = self._sealing.rekeying(trusts_plain=trusts_plain)
        self._access.prepare()
        return rekeying.run(on_progress)

    def count_rekey(self) -> Rekeyed:
        """Return what `rekey` would seal. Changes nothing."""
        rekeying = self._sealing.rekeying(trusts_plain=False)
        self._access.check_layout()
        return rekeying.count()

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
        from streamlit_pgstate.postgres.ticket_sealer import TicketSealer

        signer, identity = self._read_once()
        return TicketSealer(*signer.ticket_keys, place=f"{identity.name} {self._settings.app}")

    def _read_once(self) -> tuple[TokenSigner, Identity]:
        remakes = self._database.remakes
        if self._shared is None or self._shared_after != remakes:
            [(stored_key, name, copy)] = self._access.run("IDENTITY", {})
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
            self._shared, self._shared_after = (signer, Identity(name, mark)), remakes
        return self._shared

    def _is_missing(self, message: str) -> PgStateError:
        return self._database.place.error(MigrationRequired, message)

    def needs_app(self) -> bool:
        """Whether this app must be served by `pgstate.App`: by its settings, or as it ever was.

        The database is asked once. So servers that run when `pgstate.App` first serves the app go
        on without it.
        """
        if self._settings.http_only is not None:
            return self._settings.http_only
        if self._needs_app is None:
            self._needs_app = bool(self._access.run("HTTP_ONLY", self._http_only))
        return self._needs_app

    def note_http_only(self) -> None:
        """Note, once, that `pgstate.App` serves this app: see `needs_app`."""
        if self._needs_app:
            return
        self._needs_app = True
        try:
            self._access.run("NOTE_HTTP_ONLY", self._http_only, repeatable=False)
        except PgStateError as error:  # a standby, or a role that may not write there
            _LOG.warning(
                "It could not be noted that pgstate.App serves this app, so a server that is "
                "started without pgstate.App would not refuse. Set http_only = true for it. %s",
                error.in_full,
            )

    @property
    def _http_only(self) -> dict[str, str]:
        return {"name": f"http_only {self._settings.app}"}
