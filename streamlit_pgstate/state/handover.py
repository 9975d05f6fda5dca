"""What of a state travels to another process, and how it finds the database there.

A pickled state holds no URL and no token: a queue or a disk may hold it. Whoever unpickles it
connects with the settings of the process at hand, at the first verb.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from streamlit_pgstate.errors import ConfigError
from streamlit_pgstate.postgres.store import SessionRef, Store


@dataclass(frozen=True, slots=True)
class Handover:
    """All that is pickled of a state."""

    session_id: uuid.UUID
    scope: str
    home: Path
    """The folder of the app: there lies `.pgstate/`, where no URL is given."""
    is_embedded: bool
    """Whether the app's database is the one in `home`."""

    @classmethod
    def of(cls, ref: SessionRef, store: Store) -> Handover:
        settings = store.settings
        return cls(ref.id, ref.scope, settings.home, settings.url is None)

    @property
    def ref(self) -> SessionRef:
        return SessionRef(self.session_id, scope=self.scope)

    def connect(self) -> Store:
        """The store of this process; made once for the same settings.

        Raises:
            ConfigError: no URL is to be found here, and the app has one.
        """
        store = _find_store(self)
        if store.settings.url is None and not self.is_embedded:
            raise ConfigError(
                "This process finds no `url` of the database that the app keeps its state in. "
                "Set PGSTATE_URL for it, start it in the folder that holds "
                ".streamlit/secrets.toml, or call pgstate.configure(url=…) at the top of the "
                "module that the job is in."
            )
        return store


def _import_and_find(handover: Handover) -> Store:
    """A worker may have imported no more than the pickle asks for."""
    import_module("streamlit_pgstate.page.stores")  # it calls `connect_with`
    return _find_store(handover)


_find_store: Callable[[Handover], Store] = _import_and_find


def connect_with(find_store: Callable[[Handover], Store]) -> None:
    """Say how the settings of this process are found."""
    global _find_store  # one process, one way
    _find_store = find_store
