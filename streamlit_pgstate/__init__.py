"""State for Streamlit apps that survives F5, a closed tab, a restarted server and a second replica.

import streamlit_pgstate as pgstate

visits = pgstate.modify("visits", lambda n: n + 1, default=0)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamlit_pgstate import testing
    from streamlit_pgstate.api import (
        App,
        clear,
        configure,
        connect,
        delete,
        forget,
        get,
        health,
        history,
        inspector,
        keys,
        modify,
        mount,
        persist,
        redo,
        restore,
        rotate,
        scope,
        session,
        set,
        undo,
        update,
    )
    from streamlit_pgstate.codecs import register
    from streamlit_pgstate.codecs.file import StoredFile
    from streamlit_pgstate.errors import (
        ConfigError,
        DecodeError,
        InvalidKey,
        LimitExceeded,
        MigrationRequired,
        NoSessionError,
        PgStateError,
        ShapeError,
        StoreUnavailable,
        UnknownToken,
        UnsupportedType,
        VersionGone,
    )
    from streamlit_pgstate.postgres.health import Health
    from streamlit_pgstate.state.mapping import State
    from streamlit_pgstate.state.metrics import Metrics, metrics
    from streamlit_pgstate.state.prometheus import metrics_text
    from streamlit_pgstate.state.revision import Revision
    from streamlit_pgstate.state.session_info import SessionInfo
    from streamlit_pgstate.state.store import Store
    from streamlit_pgstate.widgets import audio_input, camera_input, data_editor, file_uploader

__version__ = "0.1.0"

__all__ = [
    "App",
    "ConfigError",
    "DecodeError",
    "Health",
    "InvalidKey",
    "LimitExceeded",
    "Metrics",
    "MigrationRequired",
    "NoSessionError",
    "PgStateError",
    "Revision",
    "SessionInfo",
    "ShapeError",
    "State",
    "Store",
    "StoreUnavailable",
    "StoredFile",
    "UnknownToken",
    "UnsupportedType",
    "VersionGone",
    "audio_input",
    "camera_input",
    "clear",
    "configure",
    "connect",
    "data_editor",
    "delete",
    "file_uploader",
    "forget",
    "get",
    "health",
    "history",
    "inspector",
    "keys",
    "metrics",
    "metrics_text",
    "modify",
    "mount",
    "persist",
    "redo",
    "register",
    "restore",
    "rotate",
    "scope",
    "session",
    "set",
    "testing",
    "undo",
    "update",
]

_HOMES = {
    "api": (
        *("App", "clear", "configure", "connect", "delete", "forget", "get", "health", "history"),
        *("inspector", "keys", "modify", "mount", "persist", "redo", "restore", "rotate", "scope"),
        *("session", "set", "undo", "update"),
    ),
    "codecs": ("register",),
    "codecs.file": ("StoredFile",),
    "errors": (
        *("ConfigError", "DecodeError", "InvalidKey", "LimitExceeded", "MigrationRequired"),
        *("NoSessionError", "PgStateError", "ShapeError", "StoreUnavailable", "UnknownToken"),
        *("UnsupportedType", "VersionGone"),
    ),
    "postgres.health": ("Health",),
    "state.mapping": ("State",),
    "state.metrics": ("Metrics", "metrics"),
    "state.prometheus": ("metrics_text",),
    "state.revision": ("Revision",),
    "state.session_info": ("SessionInfo",),
    "state.store": ("Store",),
    "widgets": ("audio_input", "camera_input", "data_editor", "file_uploader"),
}


def __getattr__(name: str) -> Any:
    """Import what is asked for: `pgstate --help` needs neither Streamlit nor SQLAlchemy (1.5 s)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}.{_advice(name)}")
    if name == "testing":
        return import_module(f"{__name__}.testing")
    for home, names in _HOMES.items():
        if name in names:
            globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return globals()[name]


def _advice(name: str) -> str:
    from difflib import get_close_matches

    if name == "sidebar":
        return " Put the call into a block `with st.sidebar:`."
    near = get_close_matches(name, __all__, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def __dir__() -> list[str]:
    return __all__
