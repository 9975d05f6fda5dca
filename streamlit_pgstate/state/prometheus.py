"""Prometheus: the metrics of this process as text, in the exposition format 0.0.4.

`FAMILIES` names each metric once. docs/monitoring.md has a table of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import accumulate
from typing import Final, Literal, TypeAlias

from streamlit_pgstate.postgres.counters import BOUNDS, Durations
from streamlit_pgstate.postgres.migrate import HEAD
from streamlit_pgstate.state.metrics import Metrics, metrics

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Of an HTTP response with the text."""

Labels: TypeAlias = tuple[str, ...]
"""The values of a metric's labels, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A metric: a number, or numbers that labels tell apart.

    No label has a key, a token or an id: each of its values takes memory in this process and in
    the monitoring system.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    samples: Callable[[Metrics], Mapping[Labels, float | Durations]]
    """Returns the numbers by the values of their labels."""


def _keyed(numbers: Mapping[str, float]) -> dict[Labels, float]:
    return {(name,): number for name, number in numbers.items()}


@functools.cache
def _version() -> str:
    try:
        return version("streamlit-pgstate")
    except PackageNotFoundError:  # run from a folder of the source, without being installed
        return "unknown"


FAMILIES: Final = (
    Family(
        name="pgstate_verb_seconds",
        kind="histogram",
        help="Duration of calls, by verb. A verb that another one has called is a part of it.",
        labels=("verb",),
        samples=lambda found: {(verb,): took for verb, took in found.verbs.items()},
    ),
    Family(
        name="pgstate_verb_errors_total",
        kind="counter",
        help="Calls that have raised an error of this package, by verb and class of the error.",
        labels=("verb", "error"),
        samples=lambda found: {
            (verb, error): number for (verb, error), number in found.errors.items()
        },
    ),
    Family(
        name="pgstate_database_seconds",
        kind="histogram",
        help="Duration of statements that have succeeded, with the wait for a connection.",
        samples=lambda found: {(): found.database},
    ),
    Family(
        name="pgstate_database_errors_total",
        kind="counter",
        help="Statements that have failed, by class of the error.",
        labels=("error",),
        samples=lambda found: _keyed(found.database_errors),
    ),
    Family(
        name="pgstate_outages_total",
        kind="counter",
        help="How often the database became unavailable.",
        samples=lambda found: {(): found.outages},
    ),
    Family(
        name="pgstate_connections",
        kind="gauge",
        help="Connections in use and idle, and threads that wait for one.",
        labels=("state",),
        samples=lambda found: {
            ("in_use",): found.connections.in_use,
            ("idle",): found.connections.idle,
            ("waiting",): found.connections.waiting,
        },
    ),
    Family(
        name="pgstate_connections_limit",
        kind="gauge",
        help="How many connections this process may open: pool_size, for each database.",
        samples=lambda found: {(): found.connections.limit},
    ),
    Family(
        name="pgstate_connections_opened_total",
        kind="counter",
        help="Connections that were opened. If it grows all the time, something ends them.",
        samples=lambda found: {(): found.connections_opened},
    ),
    Family(
        name="pgstate_connection_wait_seconds",
        kind="histogram",
        help="How long statements waited because all connections were in use; not those that had "
        "one at once.",
        samples=lambda found: {(): found.connection_waits},
    ),
    Family(
        name="pgstate_cache_hits_total",
        kind="counter",
        help="How often the entries of a session, or a large value, were in memory: `bodies` in "
        "whatever form, `values` decoded.",
        labels=("cache",),
        samples=lambda found: {
            ("entries",): found.entries_cache.hits,
            ("bodies",): found.bodies_cache.hits,
            ("values",): found.values_cache.hits,
        },
    ),
    Family(
        name="pgstate_cache_misses_total",
        kind="counter",
        help="How often they had to be read from the database; for `values`, to be decoded.",
        labels=("cache",),
        samples=lambda found: {
            ("entries",): found.entries_cache.misses,
            ("bodies",): found.bodies_cache.misses,
            ("values",): found.values_cache.misses,
        },
    ),
    Family(
        name="pgstate_cache_bytes",
        kind="gauge",
        help="Memory that the large values take which this process keeps, `cache_bytes` at most.",
        samples=lambda found: {(): found.cache_bytes},
    ),
    Family(
        name="pgstate_session_changes_total",
        kind="counter",
        help="Changes of the state of a tab, by kind.",
        labels=("change",),
        samples=lambda found: _keyed(found.sessions),
    ),
    Family(
        name="pgstate_runs_total",
        kind="counter",
        help="Script runs that have called a verb, by scope of the state.",
        labels=("scope",),
        samples=lambda found: _keyed(found.runs),
    ),
    Family(
        name="pgstate_read_bytes_total",
        kind="counter",
        help="Bytes of values that came from the database, as they are encoded.",
        samples=lambda found: {(): found.bytes_read},
    ),
    Family(
        name="pgstate_written_bytes_total",
        kind="counter",
        help="Bytes of values that were sent to the database, as they are encoded.",
        samples=lambda found: {(): found.bytes_written},
    ),
    Family(
        name="pgstate_cleanups_total",
        kind="counter",
        help="Cleanups that this process has finished. All replicas share one in each gc_interval.",
        samples=lambda found: {(): found.cleanups},
    ),
    Family(
        name="pgstate_cleanup_rows_total",
        kind="counter",
        help="Rows that the cleanups of this process have deleted.",
        samples=lambda found: {(): found.cleanup_rows},
    ),
    Family(
        name="pgstate_cleanup_timestamp_seconds",
        kind="gauge",
        help="When this process finished a cleanup last. Missing if it never did.",
        samples=lambda found: (
            {} if found.cleaned_up_at is None else {(): found.cleaned_up_at.timestamp()}
        ),
    ),
    Family(
        name="pgstate_start_time_seconds",
        kind="gauge",
        help="When this process began to count.",
        samples=lambda found: {(): found.started_at.timestamp()},
    ),
    Family(
        name="pgstate_build_info",
        kind="gauge",
        help="Always 1. The version of streamlit-pgstate, and the layout that it needs.",
        labels=("version", "layout"),
        samples=lambda found: {(_version(), HEAD): 1},
    ),
)


def metrics_text() -> str:
    """Return the metrics of this process as text for Prometheus, in its format 0.0.4.

    `pgstate.App(…, metrics=True)` serves it at `/_pgstate/metrics`.

    Example:
        >>> print(pgstate.metrics_text())  # doctest: +SKIP
        # HELP pgstate_verb_seconds Duration of calls, by verb. …
        # TYPE pgstate_verb_seconds histogram
        pgstate_verb_seconds_bucket{verb="get",le="0.0005"} 41
    """
    return text_of(metrics())


def text_of(found: Metrics) -> str:
    """The text of metrics that were read before. A family without any number is left out."""
    return "".join(f"{line}\n" for family in FAMILIES for line in _lines(family, found))


def _lines(family: Family, found: Metrics) -> Iterator[str]:
    samples = family.samples(found)
    if not samples:
        return
    yield f"# HELP {family.name} {family.help}"
    yield f"# TYPE {family.name} {family.kind}"
    for values, sample in samples.items():
        labels = tuple(zip(family.labels, values, strict=True))
        if isinstance(sample, Durations):
            yield from _of_histogram(family.name, labels, sample)
        else:
            yield _line(family.name, labels, sample)


def _of_histogram(name: str, labels: tuple[tuple[str, str], ...], took: Durations) -> Iterator[str]:
    bounds = (*map(str, BOUNDS), "+Inf")
    for bound, count in zip(bounds, accumulate(took.counts), strict=True):
        yield _line(f"{name}_bucket", (*labels, ("le", bound)), count)
    yield _line(f"{name}_sum", labels, took.seconds)
    yield _line(f"{name}_count", labels, took.count)


def _line(name: str, labels: Iterable[tuple[str, str]], number: float) -> str:
    inside = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels)
    return f"{name}{{{inside}}} {number!r}" if inside else f"{name} {number!r}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
