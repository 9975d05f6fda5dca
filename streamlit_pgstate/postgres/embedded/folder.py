"""The directory ``.pgstate``, and the errors for when it cannot be used."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from streamlit_pgstate.errors import ConfigError, StoreUnavailable
from streamlit_pgstate.postgres.embedded.user import is_root

if TYPE_CHECKING:
    from pathlib import Path

START_TIMEOUT = 60.0
"""Seconds for one start(). initdb takes about 1 s, a recovery of 256 MB of WAL about 5 s."""


def prepare(data: Path) -> None:
    """Create the directory, with a ``.gitignore`` that excludes all of it."""
    try:
        # 0711 for root: the server runs as another user, who has to enter `data/`, which is 0700.
        data.mkdir(mode=0o711 if is_root() else 0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError), (data / ".gitignore").open("x") as file:
            file.write("*\n")
    except OSError as error:
        raise not_usable(data, error) from error


def not_usable(data: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"The embedded PostgreSQL cannot keep its data in {data}: {error.strerror} "
        f"({error.filename}). Make the directory writable for this user (it may belong to "
        "another user who has run the app before), move the app, or set `url`."
    )


def too_slow(data: Path, what: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"The embedded PostgreSQL in {data} did not answer within {START_TIMEOUT:.0f} s: {what}. "
        f"Try again, or see the log. {tail(data)}"
    )


def tail(data: Path) -> str:
    """Return the last lines of the log, for a message."""
    log = data / "postgres.log"
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4000))
            lines = file.read().decode(errors="replace").splitlines()[-8:]
    except OSError:
        return f"There is no log at {log}."
    return "\n  ".join([f"The end of {log}:", *lines])
