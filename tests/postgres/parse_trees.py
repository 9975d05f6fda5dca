"""Parse trees of statements, as PostgreSQL has read them, and what their functions are like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import psycopg

SQL = psycopg.Connection[Any]

_TOKEN: Final = re.compile(r"[{}()]|(?:\\.|[^\s{}()\\])+")

_TYPE_FIELDS: Final = {
    "VAR": "vartype",
    "CONST": "consttype",
    "PARAM": "paramtype",
    "FUNCEXPR": "funcresulttype",
    "OPEXPR": "opresulttype",
    "CASEEXPR": "casetype",
    "CASE": "casetype",
    "COALESCE": "coalescetype",
    "COALESCEEXPR": "coalescetype",
    "RELABELTYPE": "resulttype",
    "COERCEVIAIO": "resulttype",
    "SUBSCRIPTINGREF": "refrestype",
}


@dataclass
class Node:
    """A node of a parse tree: its name, and its fields with what is in them."""

    name: str
    fields: dict[str, list[Any]] = field(default_factory=dict)

    def number(self, name: str) -> int:
        return int(self.fields[name][0])

    def within(self, *names: str) -> Iterator[Node]:
        """All nodes in these fields, or in all of them, at any depth."""
        for name in names or tuple(self.fields):
            yield from _nodes(self.fields.get(name, []))

    @property
    def type(self) -> int | None:
        name = _TYPE_FIELDS.get(self.name)
        return self.number(name) if name in self.fields else None


def _nodes(items: list[Any]) -> Iterator[Node]:
    for item in items:
        if isinstance(item, Node):
            yield item
            yield from item.within()
        elif isinstance(item, list):
            yield from _nodes(item)


def parsed(text: str) -> list[Any]:
    """Read the text that PostgreSQL has for a tree."""
    tokens = iter(_TOKEN.findall(text))

    def items(end: str) -> list[Any]:
        found: list[Any] = []
        for token in tokens:
            if token == end:
                return found
            found.append(node() if token == "{" else items(")") if token == "(" else token)
        return found

    def node() -> Node:
        made, name = Node(next(tokens)), ""
        for item in items("}"):
            if isinstance(item, str) and item.startswith(":"):
                name = item[1:]
                made.fields[name] = []
            else:
                made.fields[name].append(item)
        return made

    return items("")


@dataclass
class Catalogue:
    """What the database knows of its functions."""

    sql: SQL

    @cached_property
    def _volatile(self) -> dict[int, str]:
        return dict(self.sql.execute("SELECT oid::bigint, provolatile::text FROM pg_proc"))

    @cached_property
    def _inputs(self) -> dict[int, int]:
        return dict(self.sql.execute("SELECT oid::bigint, typinput::oid::bigint FROM pg_type"))

    @cached_property
    def _outputs(self) -> dict[int, int]:
        return dict(self.sql.execute("SELECT oid::bigint, typoutput::oid::bigint FROM pg_type"))

    @cached_property
    def _operators(self) -> dict[int, int]:
        return dict(self.sql.execute("SELECT oid::bigint, oprcode::oid::bigint FROM pg_operator"))

    def volatility(self, node: Node) -> str:
        """`i`, `s` or `v`: the volatility of what this node itself calls."""
        if node.name == "SQLVALUEFUNCTION":
            return "s"
        if node.name == "FUNCEXPR":
            return self._volatile[node.number("funcid")]
        if "opno" in node.fields:
            return self._volatile[self._operators[node.number("opno")]]
        if node.name == "COERCEVIAIO":
            calls = [self._inputs[node.number("resulttype")]]
            argument = next(node.within("arg"))
            if argument.type is not None:
                calls.append(self._outputs[argument.type])
            return max(self._volatile[call] for call in calls)
        return "i"

    def tree(self, statement: str, types: list[str]) -> list[Any]:
        """Return the parse tree of a statement whose parameters are $1, $2, …"""
        with self.sql.transaction(force_rollback=True):
            self.sql.execute(
                f"CREATE FUNCTION pg_temp.tested({', '.join(types)}) RETURNS void "  # type: ignore[arg-type]
                f"LANGUAGE sql BEGIN ATOMIC {statement}; END"
            )
            row = self.sql.execute(
                "SELECT prosqlbody::text FROM pg_proc WHERE proname = 'tested'"
            ).fetchone()
        assert row is not None
        return parsed(row[0])
