"""The counters of sessions, beside what their entries hold."""

from __future__ import annotations

from typing import Any

import psycopg

_WRONG = """
SELECT s.id, s.keys, s.bytes, s.history_bytes, held.keys, held.bytes, history.bytes
FROM pgstate.session s, LATERAL (
    SELECT count(*) AS keys, coalesce(sum(size), 0)::bigint AS bytes
    FROM pgstate.entry e WHERE e.session_id = s.id AND e.kind IS NOT NULL
) AS held, LATERAL (
    SELECT coalesce(sum(size), 0)::bigint AS bytes
    FROM pgstate.revision r WHERE r.session_id = s.id
) AS history
WHERE (s.keys, s.bytes, s.history_bytes) <> (held.keys, held.bytes, history.bytes)"""


def wrong_counters(sql: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    """Sessions that count something else than they hold: what they count, and what is right."""
    return sql.execute(_WRONG).fetchall()
