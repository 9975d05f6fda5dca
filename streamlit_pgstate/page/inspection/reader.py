"""The reader: tables with connections of the inspector's own, whose statements soon give up."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from functools import cache
from typing import Final

from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.settings import Settings

_PATIENCE: Final = timedelta(seconds=5)
"""For one statement. Only what an operator asks for by a button may take longer."""

_CONNECTIONS: Final = 2
"""How many operators may wait for a slow statement at one moment, and not for each other."""


@cache
def tables_for(settings: Settings) -> Tables:
    """The tables of an app, for the inspector: made once for the same settings.

    They are never migrated or cleaned up here. The visitors' pages have other connections, so
    they neither wait for the inspector nor take a slow statement of it for an outage.
    """
    patience = min(_PATIENCE, settings.timeout)
    own = dataclasses.replace(
        settings, auto_migrate=False, timeout=patience, pool_size=_CONNECTIONS
    )
    return Tables(own)
