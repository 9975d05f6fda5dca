"""The text for Prometheus, read by the parser of its own client library."""

from __future__ import annotations

import dataclasses
import math
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

import streamlit_pgstate as pgstate
from streamlit_pgstate.postgres import counters
from streamlit_pgstate.postgres.counters import BOUNDS, Durations
from streamlit_pgstate.postgres.engine import Connections
from streamlit_pgstate.state import prometheus
from streamlit_pgstate.state.metrics import CacheUse, Metrics

PAGE = Path(__file__).parents[2] / "docs" / "monitoring.md"
MOMENT = datetime(2026, 11, 29, 12, tzinfo=UTC)

TOOK = Durations((3, 0, 1, *(0,) * (len(BOUNDS) - 3), 2), 21.5)
FOUND = Metrics(
    started_at=MOMENT,
    verbs={"get": TOOK, "set": Durations()},
    errors={("set", "StoreUnavailable"): 2, ("get", "InvalidKey"): 1},
    database=TOOK,
    database_errors={"StoreUnavailable": 4},
    outages=1,
    connections=Connections(in_use=3, idle=2, waiting=1, limit=20),
    connections_opened=6,
    connection_waits=TOOK,
    entries_cache=CacheUse(10, 1),
    bodies_cache=CacheUse(5, 2),
    values_cache=CacheUse(4, 3),
    cache_bytes=2**28,
    sessions={"begun": 7, "taken over": 1},
    runs={"browser": 12, "tab": 3},
    bytes_read=2**40,
    bytes_written=17,
    cleanups=1,
    cleanup_rows=99,
    cleaned_up_at=MOMENT,
)


def read(text: str) -> dict[str, list[Sample]]:
    """The samples by the name of their family, as the library reads them."""
    return {family.name: family.samples for family in text_string_to_metric_families(text)}


def value(samples: list[Sample], name: str, **labels: str) -> float:
    [found] = [it.value for it in samples if it.name == name and it.labels == labels]
    return float(found)


def test_each_family_has_its_type_its_help_and_its_samples() -> None:
    families = list(text_string_to_metric_families(prometheus.text_of(FOUND)))
    assert [(family.name, family.type, family.documentation) for family in families] == [
        (family.name.removesuffix("_total"), family.kind, family.help)
        for family in prometheus.FAMILIES
    ]
    assert all(family.samples for family in families)


def test_a_histogram_counts_up_to_all_that_there_was() -> None:
    samples = read(prometheus.text_of(FOUND))["pgstate_verb_seconds"]
    of_get = [it for it in samples if it.labels["verb"] == "get"]
    buckets = [(float(it.labels["le"]), it.value) for it in of_get if it.name.endswith("_bucket")]
    assert [bound for bound, _ in buckets] == [*BOUNDS, math.inf]
    assert [count for _, count in buckets] == [3, 3, *(4,) * (len(BOUNDS) - 2), 6]
    assert value(samples, "pgstate_verb_seconds_count", verb="get") == 6
    assert value(samples, "pgstate_verb_seconds_sum", verb="get") == 21.5


def test_numbers_come_whole_and_with_their_labels() -> None:
    found = read(prometheus.text_of(FOUND))
    assert value(found["pgstate_read_bytes"], "pgstate_read_bytes_total") == 2**40
    errors = found["pgstate_verb_errors"]
    labels = {"verb": "set", "error": "StoreUnavailable"}
    assert value(errors, "pgstate_verb_errors_total", **labels) == 2
    changes = found["pgstate_session_changes"]
    assert value(changes, "pgstate_session_changes_total", change="taken over") == 1
    assert value(found["pgstate_connections"], "pgstate_connections", state="waiting") == 1
    moment = value(found["pgstate_start_time_seconds"], "pgstate_start_time_seconds")
    assert moment == MOMENT.timestamp()


def test_a_family_without_numbers_is_left_out() -> None:
    empty = dataclasses.replace(FOUND, errors={}, cleaned_up_at=None)
    found = read(prometheus.text_of(empty))
    assert "pgstate_verb_errors" not in found
    assert "pgstate_cleanup_timestamp_seconds" not in found


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a\nb", 'é"\\\n'])
def test_a_label_comes_back_as_it_was(text: str) -> None:
    found = read(prometheus.text_of(dataclasses.replace(FOUND, runs={text: 1})))
    assert [it.labels["scope"] for it in found["pgstate_runs"]] == [text]


def test_the_text_of_this_process_can_be_read() -> None:
    counters.time_of(("verb", "get"), 0.001)
    text = pgstate.metrics_text()
    assert text.endswith("\n")
    assert value(
        read(text)["pgstate_verb_seconds"], "pgstate_verb_seconds_count", verb="get"
    ) == float(pgstate.metrics().verbs["get"].count)
    info = read(text)["pgstate_build_info"][0]
    assert info.labels["layout"] == pgstate.health().needed
    assert info.value == 1


def test_no_label_can_have_a_key_an_id_or_a_token() -> None:
    labels = {label for family in prometheus.FAMILIES for label in family.labels}
    assert labels <= {
        *("verb", "error", "state", "cache", "change", "scope", "version", "layout"),
    }


def test_the_alerts_in_the_docs_are_about_metrics_and_labels_that_there_are() -> None:
    rules = next(
        block
        for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
        if block.startswith("groups:")
    )
    known = {name for family in prometheus.FAMILIES for name in _names(family)}
    assert set(re.findall(r"\bpgstate_\w+", rules)) <= known
    labels = {label for family in prometheus.FAMILIES for label in family.labels}
    assert set(re.findall(r"[{,](\w+)[=!]", rules)) <= labels


def _names(family: prometheus.Family) -> list[str]:
    parts = ("_bucket", "_sum", "_count") if family.kind == "histogram" else ("",)
    return [family.name + part for part in parts]
