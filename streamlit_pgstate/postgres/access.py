"""Access to the tables of one schema: to run statements on them, once their layout is checked.

Stands between `writes` and `engine`, which have the connections, and the files that know what the
statements are for: `entries`, `bodies`, `sessions`, `session_tokens` and `moves`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from streamlit_pgstate.errors import PgStateError
from streamlit_pgstate.postgres import migrate
from streamlit_pgstate.postgres.admission import Admission
from streamlit_pgstate.postgres.engine import Database
from streamlit_pgstate.postgres.parameters import Parameters
from streamlit_pgstate.postgres.rows import SessionRef
from streamlit_pgstate.postgres.sealing import Sealing
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
        self, database: Database, sql: Mapping[str, str], settings: Settings, sealing: Sealing
    ) -> None:
        self._database = database
        self._settings = settings
        self._sealing = sealing
        self._writer = Writer(database, sql)
        self._admission = Admission(settings.max_new_sessions)
        self._is_checked = False
        self.sql = sql
        self.parameters = Parameters(settings)
        self.timeout = database.timeout
        """Seconds for one statement."""

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
        if not self._is_checked:
            migrate.require_current(self._database, self._settings)
            self._sealing.look_for_keys()
            self._is_checked = True

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
