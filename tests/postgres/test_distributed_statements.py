"""No statement has what Citus refuses, by PostgreSQL's own parse trees and its catalogue.

The rules are those of Citus 13.2, on which every statement was tried by hand. No test runs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from parse_trees import Catalogue, Node
from test_plans import OF_ONE, SEVERAL, TYPES

from streamlit_pgstate.postgres import distribution, statements

SQL = psycopg.Connection[Any]

UPDATE, INSERT, DELETE = 2, 3, 4

OF_CITUS = {"TOTALS", "SIZES", "FIGURES", "SAMPLE_KEYS"}
"""They call functions that Citus has, and write nothing."""

ON_ONE_SERVER = {
    *("GC_END", "GC_REMOVE", "GC_EXPIRED", "GC_EXPIRED_ROWLESS", "GC_EXPIRED_LARGE"),
    *("GC_NAMES", "GC_NAMES_WITH_HISTORY"),
}
"""Steps of a cleanup that has others where tables are distributed."""

MORE_TYPES = {
    "sent_before": "float8",
    "kept_for": "float8",
    "interval": "float8",
    "pages": "float8",
    "prefix": "bytea",
    "after_version": "bigint",
    "of_version": "bigint[]",
    "permit": "text",
    **dict.fromkeys(("sessions", "entries", "revisions"), "bigint"),
    **{f"{name}_bytes": "bigint" for name in ("session", "entry", "body", "revision")},
}
OTHER_TYPES = {
    ("REKEY_NEXT", "after"): "text",
    ("REKEY_NEXT_REVISIONS", "after"): "text",
    ("REKEY_COUNTS", "prefix"): "bytea",
    ("COUNT_PARTS", "digest"): "bytea",
    ("READ_BODY", "digest"): "bytea",
    ("NOTE_GROWTH", "at"): "timestamptz",
    **{
        (f"{table}_AHEAD_ESTIMATED", name): "float8"
        for table in ("SESSIONS", "VALUES")
        for name in ("begins", "ends")
    },
}

DISTRIBUTED = statements.of("pgstate", is_distributed=True)
WRITES = sorted(
    name
    for name, sql in DISTRIBUTED.items()
    if re.search(r"\b(INSERT|UPDATE|DELETE)\b", sql) and name not in OF_CITUS | ON_ONE_SERVER
)


@pytest.fixture(scope="module")
def catalogue(shared_url: str) -> Iterator[Catalogue]:
    """Of a database that has the functions of distributed tables until it is given back."""
    with psycopg.connect(shared_url) as sql:
        for statement in distribution.functions("pgstate"):
            sql.execute(statement)  # type: ignore[arg-type]  # not a literal
        yield Catalogue(sql)
        sql.rollback()


def numbered(name: str, schema: str = "pgstate") -> tuple[str, list[str]]:
    """The statement with $1 for its first parameter, and the types of all."""
    statement = DISTRIBUTED[name].replace('"pgstate"', f'"{schema}"')
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)[sb]", statement)))
    types = []
    for number, parameter in enumerate(names, start=1):
        statement = re.sub(rf"%\({parameter}\)[sb]", f"${number}", statement)
        known = OTHER_TYPES.get((name, parameter))
        several = "[]" if parameter in SEVERAL and name not in OF_ONE else ""
        types.append(known or (TYPES | MORE_TYPES)[parameter] + several)
    return statement.replace("%%", "%"), types


def refusals(catalogue: Catalogue, tree: list[Any]) -> list[str]:
    """What Citus would say."""
    queries = [node for top in tree for node in _all(top) if node.name == "QUERY"]
    if not any(query.number("commandType") in {UPDATE, INSERT, DELETE} for query in queries):
        return []
    found = [refusal for query in queries for refusal in _refusals_of(catalogue, query)]
    if any(catalogue.volatility(node) == "v" for top in tree for node in _all(top)):
        found.append("functions must not be VOLATILE")
    return found


def _all(item: Any) -> Iterator[Node]:
    if isinstance(item, Node):
        yield item
        yield from item.within()
    elif isinstance(item, list):
        for each in item:
            yield from _all(each)


def _refusals_of(catalogue: Catalogue, query: Node) -> Iterator[str]:
    command = query.number("commandType")

    def is_mutable(node: Node) -> bool:
        return catalogue.volatility(node) != "i"

    if any(map(is_mutable, query.within("returningList"))):
        yield "non-IMMUTABLE functions are not allowed in the RETURNING clause"
    if any(map(is_mutable, query.within("onConflict"))):
        yield "functions used in ON CONFLICT must be marked IMMUTABLE"
    if command not in {UPDATE, DELETE}:
        return
    for node in query.within("targetList", "jointree"):
        if node.name in {"CASE", "CASEEXPR", "COALESCE", "COALESCEEXPR"}:
            if any(map(is_mutable, node.within())):
                yield "non-IMMUTABLE functions are not allowed in CASE or COALESCE statements"
        elif is_mutable(node) and any(inner.name == "VAR" for inner in node.within()):
            yield "STABLE functions used in UPDATE queries cannot be called with column references"
    for target in query.within("targetList"):
        if target.name == "TARGETENTRY" and command == UPDATE:
            [expression] = target.fields["expr"]
            if expression.name == "SUBSCRIPTINGREF":
                yield "a slice as the whole of what a column is set to ends the server"


@pytest.mark.parametrize("name", WRITES)
def test_a_write_has_nothing_that_a_distributed_engine_refuses(
    catalogue: Catalogue, name: str
) -> None:
    assert refusals(catalogue, catalogue.tree(*numbered(name))) == []


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("UPDATE pgstate.session SET version = random()", "VOLATILE"),
        (
            "UPDATE pgstate.session SET seen_at = CASE WHEN version = 1 THEN now() END",
            "CASE or COALESCE",
        ),
        (
            "UPDATE pgstate.session SET expires_at = created_at + interval '1 day'",
            "column references",
        ),
        ("DELETE FROM pgstate.entry RETURNING now()", "RETURNING"),
        (
            "INSERT INTO pgstate.setting AS s VALUES ('a', 'b') ON CONFLICT (name) "
            "DO UPDATE SET value = now()::text",
            "ON CONFLICT",
        ),
        ("UPDATE pgstate.session SET writes = writes[:3]", "slice"),
        (
            "UPDATE pgstate.session SET seen_at = CASE WHEN epoch = 1 THEN app::timestamptz END",
            "CASE or COALESCE",
        ),
    ],
)
def test_what_is_refused_is_found(catalogue: Catalogue, statement: str, refusal: str) -> None:
    found = refusals(catalogue, catalogue.tree(statement, []))
    assert any(refusal in text for text in found), found


def test_what_is_refused_only_in_writes_may_be_read(catalogue: Catalogue) -> None:
    statement = "SELECT CASE WHEN version = 1 THEN clock_timestamp() END FROM pgstate.session"
    assert refusals(catalogue, catalogue.tree(statement, [])) == []


def test_no_statement_needs_what_the_engine_lacks() -> None:
    """LISTEN, advisory locks, sequences and triggers are in none of them, on any engine."""
    lacking = r"\b(LISTEN|NOTIFY|pg_notify|pg_advisory\w*|nextval|LOCK TABLE|ctid)\b"
    for text in (*statements.of("pgstate").values(), *DISTRIBUTED.values()):
        assert not re.search(lacking, text, re.IGNORECASE)
