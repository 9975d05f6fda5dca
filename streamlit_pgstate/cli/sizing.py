"""Sizing: how much one PostgreSQL has to hold and to do for an app, and what comes next.

The constants were measured by ``benchmarks/scale.py``; docs/scaling.md explains them. They are for
small values that were set once or more, with PostgreSQL's own settings.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Final

SESSION_BYTES: Final = 700
"""On disk, of the row of a session and of its place in all indexes, with room for updates."""
ENTRY_BYTES: Final = 240
"""Likewise of an entry, without its value."""
VERSION_BYTES: Final = 210
"""Likewise of a version in the history, without its value."""
PAGE_BYTES: Final = 8192

RUN_SECONDS: Final = 0.0002
"""CPU time of the server for a run in which nothing has changed. A page load takes a half more."""
SET_SECONDS: Final = 0.0005
"""Likewise for a small `set`."""
SET_WITH_HISTORY_SECONDS: Final = 0.0007
"""Likewise where the setting `history` is on."""

WAL_BYTES: Final = 600
"""In the write-ahead log for a small `set`, without its value. The first change of a page after a
checkpoint writes the whole page: 3 KB for a session's first `set`, 25 KB with history. Thirty sets
share that, where a visitor has one in ten seconds and PostgreSQL a checkpoint in five minutes."""
WAL_BYTES_WITH_HISTORY: Final = 2500
"""Likewise where the setting `history` is on."""

BUSY_AT_MOST: Final = 0.6
"""Which part of the cores, and of Streamlit's one core, a peak should take at most."""
MAX_CONNECTIONS: Final = 100
"""PostgreSQL's default."""
BIGGEST_CORES: Final = 64
"""Beyond this a single server is hard to get, and several are what comes next."""
ROWS_FOR_PARTITIONS: Final = 1_000_000_000
"""So many rows in one table make a VACUUM of it a matter of hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What an app's visitors do.

    Args:
        visitors_a_day: new visitors a day, each of whom stores something.
        kept_days: how long the state of one lives on after the last visit: `session_ttl`.
        keys: small values of a visitor.
        value_bytes: the size of one of them.
        large_bytes: the sum of a visitor's large values, such as frames.
        history: the setting `history`.
        at_once: visitors at work at the busiest time.
        runs_a_minute: of the script, for each of them.
        sets_a_run: values that a run changes, on average.
        script_ms: milliseconds that a run of the script computes.
        pool_size: the setting `pool_size`.
    """

    visitors_a_day: int
    kept_days: float = 30
    keys: int = 20
    value_bytes: int = 100
    large_bytes: int = 0
    history: int = 0
    at_once: int = 50
    runs_a_minute: float = 6
    sets_a_run: float = 1
    script_ms: float = 60
    pool_size: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A PostgreSQL: its cores, and its memory in bytes."""

    cores: int = 4
    memory_bytes: int = 16 * 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the load asks for."""

    sessions: int
    entries: int
    largest_table: int
    """Rows: of the values, or of their versions."""
    disk_bytes: int
    busy_bytes: int
    """Of the pages that visitors at work use: they should lie in memory."""
    runs_a_second: float
    writes_a_second: float
    wal_bytes_a_second: float
    server_cores: float
    """Cores of the server that are busy at the peak."""
    processes: int
    """Of Streamlit."""
    connections: int
    """Which these processes open at most."""


def plan_for(load: Load) -> Plan:
    """Return what a load asks for at its peak, and how much it stores in the end.

    Example:
        >>> plan_for(Load(visitors_a_day=1000)).sessions
        30000
    """
    sessions = math.ceil(load.visitors_a_day * load.kept_days)
    entries = sessions * load.keys
    of_each = (ENTRY_BYTES + load.value_bytes) + load.history * (VERSION_BYTES + load.value_bytes)
    small_bytes = SESSION_BYTES + load.keys * of_each
    runs = load.at_once * load.runs_a_minute / 60
    writes = runs * load.sets_a_run
    set_seconds = SET_WITH_HISTORY_SECONDS if load.history else SET_SECONDS
    wal_bytes = WAL_BYTES_WITH_HISTORY if load.history else WAL_BYTES
    copies = 2 if load.history else 1
    # At its worst each value lies in a page of its own, and so does each index.
    pages = 4 + load.keys * copies
    processes = max(1, math.ceil(runs * load.script_ms / 1000 / BUSY_AT_MOST))
    return Plan(
        sessions=sessions,
        entries=entries,
        largest_table=entries * max(1, load.history),
        disk_bytes=sessions * (small_bytes + load.large_bytes * (1 + load.history)),
        busy_bytes=load.at_once * pages * PAGE_BYTES,
        runs_a_second=runs,
        writes_a_second=writes,
        wal_bytes_a_second=writes * (wal_bytes + load.value_bytes * copies),
        server_cores=runs * RUN_SECONDS + writes * set_seconds,
        processes=processes,
        connections=processes * (load.pool_size + 1),  # the health has one of its own
    )


def carried(server: Server, load: Load | None = None) -> int:
    """Return how many visitors at work a server carries, each as those of `load` are.

    Example:
        >>> carried(Server(cores=8)) == 2 * carried(Server(cores=4))
        True
    """
    one = plan_for(dataclasses.replace(load or Load(visitors_a_day=1), at_once=1))
    return int(server.cores * BUSY_AT_MOST / one.server_cores)


def next_steps(plan: Plan, server: Server) -> list[str]:
    """Return what the load needs beside one process of Streamlit and this server; empty: nothing.

    Example:
        >>> next_steps(plan_for(Load(visitors_a_day=100)), Server())
        []
    """
    steps = []
    if plan.processes > 1:
        steps.append(
            f"{plan.processes} processes of Streamlit behind a proxy: a script keeps one core busy."
        )
    if plan.connections > MAX_CONNECTIONS * 0.9:
        steps.append(
            f"pgbouncer, or max_connections = {plan.connections + 20}: these processes open up to "
            f"{plan.connections} connections, and PostgreSQL allows {MAX_CONNECTIONS} by default."
        )
    cores = math.ceil(plan.server_cores / BUSY_AT_MOST)
    if server.cores < cores <= BIGGEST_CORES:
        steps.append(f"A PostgreSQL with {cores} cores: {plan.server_cores:.1f} would be busy.")
    if plan.busy_bytes > server.memory_bytes / 2:
        steps.append(
            "More memory for PostgreSQL: the pages of the visitors at work do not fit into half of "
            "it, so page loads wait for the disk."
        )
    if plan.largest_table > ROWS_FOR_PARTITIONS and cores <= BIGGEST_CORES:
        steps.append("Partitions by a hash of the session, so that VACUUM works on smaller tables.")
    if cores > BIGGEST_CORES:
        steps.append(
            f"Several servers, by Citus: {plan.server_cores:.0f} cores would be busy. All rows of "
            "one session lie on one of them."
        )
    return steps
