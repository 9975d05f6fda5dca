"""Health: whether the database can be reached, and has the layout that this version needs.

For load balancers and monitoring. It changes nothing, needs no token, and answers within some two
seconds, whatever the database does.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal, TypeAlias

from streamlit_pgstate.errors import (
    ConfigError,
    MigrationRequired,
    PgStateError,
    StoreUnavailable,
)
from streamlit_pgstate.postgres import fork, grants, migrate
from streamlit_pgstate.postgres.engine import Database
from streamlit_pgstate.postgres.migrate import Layout
from streamlit_pgstate.postgres.outage_log import OutageLog
from streamlit_pgstate.settings import Settings

_WITHIN: Final = timedelta(seconds=2)
"""The `timeout` of a check, unless that of the app is shorter. libpq has none that is shorter for a
connection. Whoever asks for the health often gives up after some seconds."""

_LASTS: Final = 1.0
"""Seconds for which an answer is given again. So nobody burdens the database by asking often."""

Status: TypeAlias = Literal[
    "ok", "empty", "behind", "ahead", "damaged", "unreachable", "refused", "misconfigured"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether the database can be reached, and has the layout that this version needs."""

    status: Status
    """What was found:

    - "ok": the tables have the layout that this version needs.
    - "empty": there are no tables yet. With `auto_migrate` the first visit makes them.
    - "behind": the tables are older than this version needs: run ``pgstate migrate``.
    - "ahead": the tables are newer than this version: upgrade streamlit-pgstate.
    - "damaged": tables are missing.
    - "unreachable": the database cannot be reached, or does not answer.
    - "refused": it refuses the user or the password, the user lacks a right that an app needs, or
      it only reads, as a standby does.
    - "misconfigured": a setting is wrong or missing.
    """
    is_healthy: bool
    """Whether visitors can be served: "ok", and "empty" with `auto_migrate`."""
    reason: str
    """One sentence for people, with what to do. It names no host, user, database or schema."""
    layout: str | None = None
    """The layout of the tables; None if there are none, or if it is not known."""
    needed: str = migrate.HEAD
    """The layout that this version needs."""
    seconds: float = 0.0
    """How long the check took."""


def of_layout(found: Layout, *, auto_migrate: bool) -> Health:
    """What a layout means."""
    status, reason = _read(found, auto_migrate=auto_migrate)
    return Health(
        status=status,
        is_healthy=status == "ok" or (status == "empty" and auto_migrate),
        reason=reason,
        layout=found.found,
        needed=found.needed,
    )


def _read(found: Layout, *, auto_migrate: bool) -> tuple[Status, str]:
    if found.found is None:
        advice = "The first visit makes them." if auto_migrate else "Run: pgstate migrate"
        return "empty", f"The database has no tables yet. {advice}"
    if found.is_damaged:
        return "damaged", "Tables are missing. Restore the whole schema from a backup."
    if found.is_current:
        return "ok", "The tables have the layout that this version needs."
    if found.is_newer:
        return "ahead", (
            f"The tables have layout {found.found}. A newer version of streamlit-pgstate has made "
            f"it, and this one needs {found.needed}. Run: pip install --upgrade streamlit-pgstate"
        )
    return "behind", (
        f"The tables have the older layout {found.found}. This version of streamlit-pgstate needs "
        f"{found.needed}. Run: pgstate migrate"
    )


def _of_rights(health: Health, *, only_reads: bool, lacking: list[tuple[str, str]]) -> Health:
    """What it means that nothing can be written, or that privileges are missing."""
    if not health.is_healthy or not (only_reads or lacking):
        return health
    if only_reads:
        reason = (
            "The database only reads: it is a standby, or default_transaction_read_only is on. "
            "Name the primary, or all hosts with target_session_attrs=read-write."
        )
    else:
        reason = (
            f"The user in `url` lacks privileges: {grants.in_words(lacking)}. As the owner of the "
            "tables, run: pgstate migrate --app-role ROLE"
        )
    return dataclasses.replace(health, status="refused", is_healthy=False, reason=reason)


def of_error(error: PgStateError) -> Health:
    """What an error means that the check has met."""
    status: Status = "unreachable"
    if isinstance(error, ConfigError):
        status = "refused" if error.cause is not None else "misconfigured"
    elif isinstance(error, MigrationRequired):
        status = "damaged"
    return Health(status=status, is_healthy=False, reason=str(error))


class HealthCheck:
    """Checks the health of one database, at most once a second, on a connection of its own.

    That one does not wait for those of the app, which may all be in use.

    Args:
        settings: where the database is.
        outage_log: that of the app, so that an outage is logged and counted once.
    """

    def __init__(self, settings: Settings, outage_log: OutageLog) -> None:
        within = min(settings.timeout, _WITHIN)
        self._settings = dataclasses.replace(settings, timeout=within, pool_size=1)
        self._outage_log = outage_log
        self._database: Database | None = None
        self.after_fork()
        fork.remember(self)

    def after_fork(self) -> None:
        self._lock = threading.Lock()
        self._latest: tuple[float, Health] | None = None

    def run(self) -> Health:
        """The health as of now, or of the last second. Raises nothing of this package."""
        with self._lock:  # those who ask meanwhile get the same answer
            latest, now = self._latest, time.monotonic()
            if latest is not None and now - latest[0] < _LASTS:
                return latest[1]
            found = dataclasses.replace(self._found(), seconds=time.monotonic() - now)
            self._latest = time.monotonic(), found
            return found

    def close(self) -> None:
        """Close the connection. The next check opens another one."""
        if self._database is not None:
            self._database.close()

    def _found(self) -> Health:
        settings = self._settings
        if settings.url is None and not _is_there(settings.home / ".pgstate"):
            return of_layout(Layout(None, migrate.HEAD), auto_migrate=settings.auto_migrate)
        try:
            if self._database is None:
                self._database = Database(settings, outage_log=self._outage_log)
            found = migrate.layout(self._database, settings)
            only_reads, lacking = grants.now(self._database, settings.schema)
        except (StoreUnavailable, ConfigError, MigrationRequired) as error:
            return of_error(error)
        health = of_layout(found, auto_migrate=settings.auto_migrate)
        return _of_rights(health, only_reads=only_reads, lacking=lacking)


def _is_there(data: Path) -> bool:
    """Whether there is an embedded database: to ask it would make one, and take seconds."""
    try:
        return (data / "data" / "PG_VERSION").exists()
    except PermissionError:  # root has made it, and its user owns the folder
        return True
