"""The cluster: a primary and its standby, each behind a gate, and what takes over when one is lost.

A synchronous standby has each commit before it is acknowledged. While there is none, writes wait,
as PostgreSQL never takes the standby out of its list by itself. An asynchronous one may lack the
last commits when it takes over.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from gate import Gate
from postgres_server import Server
from sqlalchemy.engine import make_url

WITHIN = 90.0
"""Seconds for a server to recover, or a standby to catch up, on a busy machine."""
_OPTIONS = {
    "max_connections": 40,
    "wal_keep_size": "1GB",
    "wal_retrieve_retry_interval": "200ms",
    "wal_receiver_status_interval": "1s",
    "wal_sender_timeout": "5s",
    "wal_receiver_timeout": "5s",
    "full_page_writes": "off",  # the machine does not fail
}


_HISTORY = """
SELECT pg_read_file('pg_wal/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) || '.history')"""


@dataclass(frozen=True, slots=True)
class TakeOver:
    """A standby has taken over.

    Attributes:
        at: when it had, by `time.monotonic`.
        position: in the log of the primary: up to there it had it.
    """

    at: float
    position: int


def position(text: str) -> int:
    """A position in the log, which PostgreSQL shows as two hexadecimal numbers."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


class Cluster:
    """Two servers, of which one is the primary.

    Args:
        folder: for their files.
        is_synchronous: whether a commit waits for the standby.
    """

    def __init__(self, folder: Path, *, is_synchronous: bool) -> None:
        self.is_synchronous = is_synchronous
        self.primary = Server(_made(folder / "a") / "data", **_OPTIONS)
        self.standby = Server(_made(folder / "b") / "data", **_OPTIONS)
        self.gates: dict[Server, Gate] = {}
        self.take_overs: list[TakeOver] = []
        """In their order."""

    def create(self) -> None:
        self.primary.create()
        self.standby.user = self.primary.user
        with self.primary.sql() as sql:
            if self.is_synchronous:  # read with the configuration, below
                sql.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.standby.copy(self.primary)
        self.standby.start()
        with self.primary.sql() as sql:
            sql.execute("SELECT pg_reload_conf()")
        self.await_standby()
        self.gates = {each: Gate(each.url) for each in (self.primary, self.standby)}

    @property
    def gate(self) -> Gate:
        """Of the primary."""
        return self.gates[self.primary]

    @property
    def url(self) -> str:
        """Of the database, wherever its primary is."""
        hosts = "&".join(
            f"host=127.0.0.1:{make_url(gate.url).port}" for gate in self.gates.values()
        )
        return f"postgresql://postgres@/postgres?{hosts}&target_session_attrs=read-write"

    @contextlib.contextmanager
    def sql(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection to the primary, past its gate; it waits until the primary lets it in."""
        self.primary.await_answer()
        with self.primary.sql() as sql:
            yield sql

    def await_standby(self) -> None:
        """Wait until the standby has caught up, so that it may take over."""
        expected = "sync" if self.is_synchronous else "async"

        def has_caught_up() -> bool:
            with self.sql() as sql:
                return sql.execute(
                    "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'"
                ).fetchall() == [(expected,)]

        _wait(has_caught_up, "the standby has not caught up")

    def fail_over(self) -> None:
        """The primary is lost; the standby takes its place, and gets a standby of its own."""
        self.primary.kill()
        self.promote()

    def fail_over_behind(self, seconds: float) -> None:
        """The standby is away for a while, and then the primary is lost: all that it had committed
        alone is gone. To a synchronous standby's clients it has acknowledged nothing of that."""
        self.standby.kill()
        time.sleep(seconds)  # the fault itself: how long the standby is away
        self.primary.kill()
        self.standby.start()
        self.promote()

    def promote(self) -> None:
        """The standby takes the place of the primary, and gets a standby of its own."""

        def is_primary() -> bool:  # a query on a standby may be cancelled, as it replays
            with self.standby.sql() as sql:
                row = sql.execute(
                    "SELECT CASE WHEN pg_is_in_recovery() THEN pg_promote(false) END"
                ).fetchone()
            return row == (None,)

        _wait(is_primary, "the standby was not promoted")
        self.primary, self.standby = self.standby, self.primary
        with self.primary.sql() as sql:
            (history,) = sql.execute(_HISTORY).fetchone() or ("",)
        _, switched_at, *_ = history.strip().splitlines()[-1].split()
        self.take_overs.append(TakeOver(time.monotonic(), position(switched_at)))
        self.standby.copy(self.primary)
        self.standby.start()
        self.await_standby()

    def restart_primary(self) -> None:
        """The primary is killed with all of its processes, and comes back."""
        self.primary.kill()
        self.primary.start()
        self.await_standby()

    def close(self) -> None:
        for gate in self.gates.values():
            gate.shut()
        for server in (self.primary, self.standby):
            if server.process is not None:
                server.kill()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _wait(condition: Callable[[], bool], otherwise: str) -> None:
    until = time.monotonic() + WITHIN
    while True:
        with contextlib.suppress(psycopg.Error):
            if condition():
                return
        assert time.monotonic() < until, otherwise
        time.sleep(0.05)  # a server that is being promoted tells nobody
