"""Metrics: what this process has done since it started, as plain numbers.

`postgres.counters` counts. `prometheus` writes the same numbers as text for a monitoring system.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from streamlit_pgstate.postgres import counters, engine
from streamlit_pgstate.postgres.counters import Counted, Durations
from streamlit_pgstate.postgres.engine import Connections
from streamlit_pgstate.state.kept_values import OF_PROCESS

_T = TypeVar("_T")

__all__ = ["CacheUse", "Connections", "Durations", "Metrics", "metrics"]


@dataclass(frozen=True, slots=True)
class CacheUse:
    """How often a cache had what was asked for."""

    hits: int = 0
    misses: int = 0
    """Each of them is a round trip to the database, if nothing else is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """What this process has done since it started: numbers only, no key, no token, no id.

    The numbers of other replicas are in their own processes.
    """

    started_at: datetime
    verbs: Mapping[str, Durations]
    """Calls by verb, such as "set", and how long they took. `state["k"]` counts as "get". A verb
    that another one has called is a part of that one."""
    errors: Mapping[tuple[str, str], int]
    """Calls that have raised an error of this package, by verb and by class of the error."""
    database: Durations
    """Statements that have succeeded, and how long they took: with the wait for a connection, and
    with further tries. A transaction counts once."""
    database_errors: Mapping[str, int]
    """Statements that have failed, by class of the error."""
    outages: int
    """How often the database became unavailable."""
    connections: Connections
    """The connections to all databases of this process, as of now."""
    connections_opened: int
    """How many were opened. If the number grows all the time, something ends them."""
    connection_waits: Durations
    """How often all were in use when a statement needed one, and how long it waited."""
    entries_cache: CacheUse
    """How often a session's entries were in memory when they were read: by key, or all names."""
    bodies_cache: CacheUse
    """The same for large values, which all sessions of the process share."""
    values_cache: CacheUse
    """How often a large value was there decoded, so that a copy of it was enough. No miss of these
    is a round trip."""
    cache_bytes: int
    """How much memory the large values take that this process keeps. The setting ``cache_bytes`` is
    the most."""
    sessions: Mapping[str, int]
    """Changes of the state of a tab, by kind, such as "begun" and "forgotten"."""
    runs: Mapping[str, int]
    """Script runs that have called a verb, by scope: "browser" or "tab"."""
    bytes_read: int
    """Bytes of values that came from the database, as they are encoded."""
    bytes_written: int
    """Bytes of values that were sent to the database, as they are encoded."""
    cleanups: int
    """Cleanups that this process has finished. All replicas share one in each `gc_interval`."""
    cleanup_rows: int
    """Rows that they have deleted."""
    cleaned_up_at: datetime | None
    """When this process finished a cleanup last; None if it never did."""


def metrics() -> Metrics:
    """Return what this process has done since it started, as plain numbers.

    It asks no database. For a monitoring system `metrics_text` returns the same numbers as text.
    docs/monitoring.md says what to watch.

    Example:
        >>> pgstate.metrics().verbs["set"].count  # doctest: +SKIP
        42
        >>> pgstate.metrics().connections.waiting  # doctest: +SKIP
        0
    """
    counted = counters.read()
    cleaned_up_at = counters.latest("cleanup")
    number = counted.numbers.get
    return Metrics(
        started_at=_moment(counters.started_at()),
        verbs=_of_kind(counted.durations, "verb"),
        errors=_errors(counted),
        database=counted.durations.get("database", Durations()),
        database_errors=_of_kind(counted.numbers, "database error"),
        outages=number("outage", 0),
        connections=engine.connections(),
        connections_opened=number("connection opened", 0),
        connection_waits=counted.durations.get("connection wait", Durations()),
        entries_cache=_cache(counted, "entries"),
        bodies_cache=_cache(counted, "bodies"),
        values_cache=_cache(counted, "values"),
        cache_bytes=OF_PROCESS.size,
        sessions=_of_kind(counted.numbers, "session"),
        runs=_of_kind(counted.numbers, "run"),
        bytes_read=number("bytes read", 0),
        bytes_written=number("bytes written", 0),
        cleanups=number("cleanup", 0),
        cleanup_rows=number("cleanup rows", 0),
        cleaned_up_at=None if cleaned_up_at is None else _moment(cleaned_up_at),
    )


def _of_kind(found: Mapping[counters.Name, _T], kind: str) -> dict[str, _T]:
    """What is counted under this word, by what tells its kinds apart."""
    return {
        name[1]: found[name]
        for name in sorted(name for name in found if isinstance(name, tuple) and name[0] == kind)
    }


def _errors(counted: Counted) -> dict[tuple[str, str], int]:
    return {
        (name[1], name[2]): counted.numbers[name]
        for name in sorted(name for name in counted.numbers if name[0] == "verb error")
        if isinstance(name, tuple)
    }


def _cache(counted: Counted, which: str) -> CacheUse:
    hits = counted.numbers.get(("cache hit", which), 0)
    return CacheUse(hits, counted.numbers.get(("cache miss", which), 0))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
