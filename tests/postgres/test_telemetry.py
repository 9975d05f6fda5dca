"""OpenTelemetry: its instrumentations see what docs/monitoring.md says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from noise import noise
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import streamlit_pgstate as pgstate
from streamlit_pgstate.postgres.rows import SMALL

PAGE = Path(__file__).parents[2] / "docs" / "monitoring.md"


@dataclass
class Recorded:
    """What both instrumentations have recorded."""

    exporter: InMemorySpanExporter

    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    def statements(self) -> list[str]:
        return [statement(span) for span in self.spans()]

    def clear(self) -> None:
        self.exporter.clear()


@pytest.fixture
def as_before() -> Iterator[None]:
    """Takes both instrumentations out again.

    That of psycopg leaves a bound method behind: a subclass would then connect as psycopg's class.
    """
    classes = (psycopg.Connection, psycopg.AsyncConnection)
    before = [vars(kind)["connect"] for kind in classes]
    yield
    PsycopgInstrumentor().uninstrument()
    SQLAlchemyInstrumentor().uninstrument()
    for kind, connect in zip(classes, before, strict=True):
        kind.connect = connect  # type: ignore[method-assign]


@pytest.fixture
def recorded(as_before: None) -> Recorded:
    exporter, tracing = InMemorySpanExporter(), TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    PsycopgInstrumentor().instrument(tracer_provider=tracing)
    SQLAlchemyInstrumentor().instrument(tracer_provider=tracing, skip_dep_check=True)
    return Recorded(exporter)


def statement(span: ReadableSpan) -> str:
    attributes = span.attributes or {}
    return str(attributes.get("db.statement") or attributes.get("db.query.text") or "")


def recorded_by(span: ReadableSpan) -> str:
    assert span.instrumentation_scope is not None
    return span.instrumentation_scope.name.rsplit(".", 1)[-1]


def test_each_statement_of_a_verb_is_a_span_without_values(
    emptied_url: str, recorded: Recorded
) -> None:
    store = pgstate.connect(emptied_url)
    state = store.state(store.new_token())
    recorded.clear()
    state["the-key"] = "the-value"
    state.refresh()
    store.close()
    write, read = recorded.statements()
    assert "INSERT INTO" in write
    assert "FROM" in read
    for span in recorded.spans():
        assert recorded_by(span) == "psycopg"
        assert "the-key" not in span.to_json()
        assert "the-value" not in span.to_json()


def test_a_statement_that_runs_often_is_a_span_each_time(
    emptied_url: str, recorded: Recorded
) -> None:
    store = pgstate.connect(emptied_url)
    state = store.state(store.new_token())
    state["k"] = 1
    recorded.clear()
    for _ in range(10):
        state.refresh()
    names = store._tables._database.query("SELECT name FROM pg_prepared_statements", {})
    assert ("pgstate_1",) in names  # it was prepared by then
    found = recorded.statements()[:-1]
    assert len(found) == 10
    assert len(set(found)) == 1
    assert "FROM" in found[0]
    store.close()


def test_a_body_that_is_streamed_is_not_seen(emptied_url: str, recorded: Recorded) -> None:
    store = pgstate.connect(emptied_url)
    token = store.new_token()
    store.state(token)["large"] = noise(SMALL + 1)
    other = store.state(token)
    recorded.clear()
    assert len(other["large"]) == SMALL + 1
    assert recorded.statements() == []
    store.close()


def test_a_statement_that_fails_is_a_span_that_says_so(
    emptied_url: str, recorded: Recorded
) -> None:
    store = pgstate.connect(emptied_url)
    store.new_token()
    recorded.clear()
    with pytest.raises(pgstate.PgStateError):
        store._tables._database.query("SELECT * FROM pgstate.nothing", {})
    [span] = recorded.spans()
    assert not span.status.is_ok
    store.close()


def test_sqlalchemys_sees_migrations_and_nothing_else(empty_url: str, recorded: Recorded) -> None:
    store = pgstate.connect(empty_url)
    store.migrate()
    of_migration = [statement(it) for it in recorded.spans() if recorded_by(it) == "sqlalchemy"]
    assert any("CREATE TABLE" in text for text in of_migration)
    recorded.clear()
    store.state(store.new_token())["k"] = 1
    assert {recorded_by(span) for span in recorded.spans()} == {"psycopg"}
    store.close()


def test_a_span_of_the_apps_own_holds_those_of_its_verbs(
    emptied_url: str, recorded: Recorded
) -> None:
    store = pgstate.connect(emptied_url)
    state = store.state(store.new_token())
    recorded.clear()
    tracing = TracerProvider()
    with tracing.get_tracer("shop").start_as_current_span("save the basket") as ours:
        state["basket"] = [1, 2]
    [span] = recorded.spans()
    assert span.parent is not None
    assert span.parent.span_id == ours.get_span_context().span_id
    store.close()


@pytest.mark.usefixtures("as_before")
def test_the_lines_in_the_docs_are_those_of_the_libraries(emptied_url: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    [lines] = re.findall(r"```python\n(from opentelemetry\.instr.*?)```", text, re.DOTALL)
    exec(lines, {})
    assert PsycopgInstrumentor().is_instrumented_by_opentelemetry
    assert SQLAlchemyInstrumentor().is_instrumented_by_opentelemetry
    store = pgstate.connect(emptied_url)
    assert store.state(store.new_token()).keys() == []
    store.close()
