"""Access to the tables of one schema: to run statements on them, once their layout is checked.

Stands between `writes` and `engine`, which have the connections, and the files that know what the
statements are for: `entries`, `bodies`, `sessions`, `session_tokens` and `moves`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from streamlit_pgstate.errors import ConfigError, PgStateError
from streamlit_pgstate.postgres import migrate
from streamlit_pgstate.postgres.admission import Admission
from streamlit_pgstate.postgres.engine import Database
from streamlit_pgstate.postgres.parameters import Parameters
from streamlit_pgstate.postgres.rows import SessionRef, Write
from streamlit_pgstate.postgres.sealing import Sealing
from streamlit_pgstate.postgres.statements import Statements
from streamlit_pgstate.postgres.writes import Writer
from streamlit_pgstate.settings import Settings

_LOG = logging.getLogger(__name__)


class Access:
    """Access to the tables of one schema. Checks their layout before the first statement.

    Args:
        database: where they are.
        sql: the statements, by name.
        settings: with the limits.
        sealing: how values are sealed there.
    """

    def __init__(
        self, database: Database, sql: Statements, settings: Settings, sealing: Sealing
    ) -> None:
        self._database = database
        self._settings = settings
        self._sealing = sealing
        self._writer = Writer(database, sql)
        self._admission = Admission(settings.max_new_sessions)
        self._checked: int | None = None
        """`Database.remakes` before the last check of the layout."""
        self._is_of_others = False
        """Whether rows that this process stores would not be those of the app: see `prepare`."""
        self.sql = sql
        self.parameters = Parameters(settings)
        self.timeout = database.timeout
        """Seconds for one statement."""
        self.session_ttl = settings.session_ttl

    @property
    def database(self) -> Database:
        """The database, with tables of our layout."""
        self.check_layout()
        return self._database

    @property
    def writer(self) -> Writer:
        """What sends writes, with tables of our layout."""
        self.check_layout()
        return self._writer

    @property
    def sealing(self) -> Sealing:
        """How values are sealed, with tables of our layout."""
        self.check_layout()
        return self._sealing

    def check_layout(self) -> None:
        """Check the layout before the first statement, once.

        Takes no lock: several threads may check at once, so that none waits for another's timeout.
        A migration has locks of its own.
        """
        if self._checked == (remakes := self._database.remakes):
            return
        is_first = self._checked is None
        require = migrate.require_current if is_first else migrate.require_still_current
        layout = require(self._database, self._settings)
        self._is_of_others = layout.has_inactive_policies
        self.sql.note_engine(is_distributed=layout.is_distributed)
        self._sealing.look_for_keys()
        self._checked = remakes

    def prepare(self, writes: Iterable[Write] | None = None) -> None:
        """Prepare to store values.

        Args:
            writes: what is to be stored; None for values that are stored already.

        Raises:
            ConfigError: the values must not be stored by this process, because it lacks a key, or
                because the rows would belong to another user of the database than those of the app.
        """
        self.check_layout()
        if self._is_of_others and (writes is None or any(write.payload for write in writes)):
            raise ConfigError(
                "Nothing was stored: the tables have policies, which do not hold for the user in "
                "`url`, as it owns them or is a superuser. The app would not see what it stores. "
                "Use the URL with the role of the app."
            )
        self._sealing.prepare(writes or ())

    def run(
        self,
        name: str,
        parameters: Mapping[str, Any],
        *,
        repeatable: bool = True,
    ) -> list[tuple[Any, ...]]:
        """Run a statement by its name: see `Database.query`."""
        return self.database.query(self.sql[name], parameters, repeatable=repeatable)

    def note(self, name: str, parameters: Mapping[str, Any]) -> bool:
        """Note in the session's row that it was read. If that fails, what was read is good."""
        try:
            self.run(name, parameters, repeatable=False)
        except PgStateError as error:
            _LOG.debug("%s failed: %s", name, error)
            return False
        return True

    def admit(self, ref: SessionRef) -> None:
        """Count a session that is about to be created, unless its scope makes one for each user.

        Raises:
            LimitExceeded: too many sessions are created.
        """
        if not ref.has_tokenless_scope:
            self._admission.admit()

    def check_admission(self, ref: SessionRef) -> None:
        """As `admit`, without counting the session.

        Raises:
            LimitExceeded: too many sessions are created.
        """
        if not ref.has_tokenless_scope:
            self._admission.check()
