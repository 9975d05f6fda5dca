"""State for Streamlit apps that survives F5, a closed tab, a restarted server and a second replica.

    import streamlit_pgstate as pgstate

    visits = pgstate.modify("visits", lambda n: n + 1, default=0)
"""

from __future__ import annotations

from streamlit_pgstate import testing
from streamlit_pgstate.api import (
    clear,
    configure,
    connect,
    delete,
    forget,
    get,
    keys,
    modify,
    mount,
    rotate,
    scope,
    session,
    set,
    update,
)
from streamlit_pgstate.errors import (
    ConfigError,
    DecodeError,
    InvalidKey,
    LimitExceeded,
    MigrationRequired,
    NoSessionError,
    PgStateError,
    StoreUnavailable,
    UnknownToken,
    UnsupportedType,
)
from streamlit_pgstate.state import SessionInfo, State
from streamlit_pgstate.store import Store

__version__ = "0.1.0"

__all__ = [
    "ConfigError",
    "DecodeError",
    "InvalidKey",
    "LimitExceeded",
    "MigrationRequired",
    "NoSessionError",
    "PgStateError",
    "SessionInfo",
    "State",
    "Store",
    "StoreUnavailable",
    "UnknownToken",
    "UnsupportedType",
    "clear",
    "configure",
    "connect",
    "delete",
    "forget",
    "get",
    "keys",
    "modify",
    "mount",
    "rotate",
    "scope",
    "session",
    "set",
    "testing",
    "update",
]
