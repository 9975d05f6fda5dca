"""The handover: what of a state travels to another process.

A pickled state holds no URL and no token: a queue or a disk may hold it. The process that
unpickles it connects with its own settings, at the first verb.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from streamlit_pgstate.errors import ConfigError
from streamlit_pgstate.postgres.rows import SessionRef
from streamlit_pgstate.postgres.tables import Tables


@dataclass(frozen=True, slots=True)
class Handover:
    """All that is pickled of a state."""

    session_id: uuid.UUID
    scope: str
    home: Path
    """The folder of the app: there lies `.pgstate/`, where no URL is given."""
    is_embedded: bool
    """Whether the app's database is the one in `home`."""
    epoch: int | None
    """The epoch that the state has loaded: a job brings nothing back that is forgotten while
    it waits in a queue."""

    @classmethod
    def of(cls, ref: SessionRef, tables: Tables) -> Handover:
        settings = tables.settings
        return cls(ref.id, ref.scope, settings.home, settings.url is None, ref.epoch)

    @property
    def ref(self) -> SessionRef:
        return SessionRef(self.session_id, scope=self.scope, epoch=self.epoch)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A handover in the process that has unpickled it."""

    handover: Handover
    find_tables: Callable[[Handover], Tables]
    """Finds the tables that the settings of this process lead to."""

    def connect(self) -> Tables:
        """The tables, for the first verb.

        Raises:
            ConfigError: no URL is to be found here, and the app has one.
        """
        tables = self.find_tables(self.handover)
        if tables.settings.url is None and not self.handover.is_embedded:
            raise ConfigError(
                "This process finds no `url` of the database that the app keeps its state in. "
                "Set PGSTATE_URL for it, start it in the folder that holds "
                ".streamlit/secrets.toml, or call pgstate.configure(url=…) at the top of the "
                "module that the job is in."
            )
        return tables
