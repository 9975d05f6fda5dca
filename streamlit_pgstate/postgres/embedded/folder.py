"""The directory ``.pgstate``, and what is said when it cannot be used."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from streamlit_pgstate.errors import ConfigError, StoreUnavailable
from streamlit_pgstate.postgres.embedded.user import is_root

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 60.0  # seconds for one start(); initdb takes about 1, a recovery of 256 MB WAL some 5


def prepare(data: Path) -> None:
    try:
        # As root the server is another user, who has to get through to `data/`, which is 0700.
        data.mkdir(mode=0o711 if is_root() else 0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError), (data / ".gitignore").open("x") as file:
            file.write("*\n")
    except OSError as error:
        raise not_usable(data, error) from error


def not_usable(data: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"The embedded PostgreSQL cannot keep its data in {data}: {error.strerror} "
        f"({error.filename}). Make the directory writable for this user (it may belong to "
        "another one, who ran the app before), move the app, or set `url`."
    )


def too_slow(data: Path, what: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"The embedded PostgreSQL in {data} was not there after {PATIENCE:.0f} s: {what}. "
        f"Try again, or see the log. {tail(data)}"
    )


def tail(data: Path) -> str:
    """The end of the log, for a message."""
    log = data / "postgres.log"
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4000))
            lines = file.read().decode(errors="replace").splitlines()[-8:]
    except OSError:
        return f"There is nothing in {log}."
    return "\n  ".join([f"The end of {log}:", *lines])
