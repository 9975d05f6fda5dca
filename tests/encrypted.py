"""Keys for the setting `encryption_key`, and all that the tables hold of values."""

from __future__ import annotations

import base64
from typing import Any

import psycopg

SQL = psycopg.Connection[Any]

KEY, OTHER_KEY, THIRD_KEY = (
    base64.urlsafe_b64encode(bytes(range(start, start + 32))).decode() for start in (0, 1, 2)
)
MARK = "a word of the visitor's"
"""Stands in every value, at least once in each chunk of a large one."""


def columns(sql: SQL) -> list[bytes]:
    """All bytes of values that stand in the tables, in an order that does not depend on these."""
    rows = sql.execute(
        """SELECT convert_to(value::text, 'UTF8') FROM pgstate.entry WHERE value IS NOT NULL
        UNION ALL SELECT body FROM pgstate.entry WHERE body IS NOT NULL AND digest IS NULL
        UNION ALL SELECT data FROM pgstate.body"""
    ).fetchall()
    return sorted(row[0] for row in rows)


def everything_stored(sql: SQL) -> bytes:
    """Every column of every table of ours that can hold bytes or text, in one."""
    found = sql.execute(
        """SELECT table_name, column_name, data_type FROM information_schema.columns
        WHERE table_schema = 'pgstate' AND data_type IN ('bytea', 'text', 'json', 'ARRAY')"""
    ).fetchall()
    assert {table for table, _, _ in found} >= {"session", "entry", "body", "revision", "setting"}
    parts = []
    for table, column, kind in found:
        shown = column if kind == "bytea" else f"convert_to({column}::text, 'UTF8')"
        rows = sql.execute(f"SELECT {shown} FROM pgstate.{table} WHERE {column} IS NOT NULL")
        parts += [row[0] for row in rows.fetchall()]
    return b"\0".join(parts)
