"""The statements that a distributed engine takes in another form, each by the name of that one.

All others run on a distributed engine as they stand. The rows of one session are on one server,
which each statement about a session reaches by its id.
"""

# ruff: noqa: S608 - statements are joined from constants; only a checked schema name is inserted

from __future__ import annotations

from typing import Final

from streamlit_pgstate.postgres.statements import browsing, entries, growth
from streamlit_pgstate.postgres.statements.parts import entry, write

# A statement with an INSERT beside another one is sent to the server in parts. These write over
# values that the caller knows, as most writes do, so they have none, and are sent as they stand.
# Where there is no such value, an error is raised that has PUT or PUT_MANY sent, and PUT_IF does
# nothing.
_OVER: Final = f"""done AS (
    UPDATE {{schema}}.entry AS e SET version = locked.version, kind = new.kind, size = new.size,
        changed_at = now(), expires_at = {entry.EXPIRY.replace("{ttl}", "new.ttl")}, ttl = new.ttl,
        value = new.text::json, body = new.body, digest = new.digest,
        old_size = CASE WHEN e.kind IS NOT NULL THEN e.size END, old_version = e.version
    FROM locked, {{new}} AS new(key, kind, size, text, body, digest, ttl)
    WHERE e.session_id = %(id)s AND e.key = new.key{{only_if}}
    RETURNING e.kind, e.size, e.old_size, e.version
)"""


def _over(new: str, only_if: str = "") -> str:
    return _OVER.replace("{new}", new).replace("{only_if}", only_if)


PUT_AS_KNOWN: Final = f"""WITH {write.locked(write.COUNTED_AS_KNOWN, write.FITS_AS_KNOWN)},
{_over(entry.ONE)}
SELECT {write.was_as_known("done", "locked")} FROM locked LEFT JOIN done ON true"""
_IF_EXPECTED: Final = """
        AND e.version = %(expected)s::bigint
        AND e.kind IS NOT NULL AND (e.expires_at IS NULL OR e.expires_at > now())"""
PUT_IF: Final = f"""WITH {write.locked_first()},
{_over(entry.ONE, _IF_EXPECTED)}, {write.GROWN_BY_ONE} {write.RECORDED_LAST}"""
PUT_OVER: Final = f"""WITH {write.locked_first()}, {_over(entry.MANY)},
grown AS (
    SELECT count(*) AS written, count(kind) - count(old_size) AS keys,
        coalesce(sum(size) - coalesce(sum(old_size), 0), 0)::bigint AS bytes FROM done
) {write.RECORDED}, {write.COUNTED}
FROM grown WHERE id = %(id)s AND EXISTS (SELECT FROM locked) RETURNING CASE
    WHEN grown.written < cardinality(%(key)b::text[]) THEN {write.unlike_known("session.version")}
    ELSE {write.fits(write.IN_TIME)} END"""


# The statement goes to one server only if it names the rows of each table by the session's id.
REFRESH: Final = entries.refresh("e.session_id = %(id)s AND s.version > %(since)s")


# The planner's statistics are those of the shards. `%%1$s` becomes the name of each.
def _rows(table: str) -> str:
    of_shard = growth.rows_of("%%1$s", growth.whose("'%%1$s'::regclass"))
    return f"""(SELECT coalesce(sum(result::bigint), 0)::bigint
        FROM run_command_on_shards('{{schema}}.{table}', $${of_shard}$$) WHERE success)"""


FIGURES: Final = growth.figures(_rows)

# A query that is correlated with a function is refused. So each span is joined, and all that
# expires in it is counted, on all servers at once.
_AHEAD: Final = """
SELECT coalesce(due.number_of, 0) FROM {spans} LEFT JOIN (
    SELECT span.number, count(*) AS number_of FROM {{schema}}.{table}, {spans}
    WHERE expires_at > now() + make_interval(secs => span.begins)
        AND expires_at <= now() + make_interval(secs => span.ends) AND {condition}
    GROUP BY span.number
) AS due ON due.number = span.number
WHERE %(limit)s::bigint IS NOT NULL
ORDER BY span.number"""
# The planner's estimate is that of one shard. To count takes an index, on all servers at once. The
# answer has the form of EXPLAIN.
_COUNTED: Final = """
SELECT json_build_array(json_build_object('Plan', json_build_object('Plan Rows', count(*))))
FROM {{schema}}.{table}
WHERE expires_at > now() + make_interval(secs => %(begins)s::float8)
    AND expires_at <= now() + make_interval(secs => %(ends)s::float8) AND {condition}"""
SESSIONS_AHEAD: Final = _AHEAD.format(spans=browsing.SPANS, **browsing.OF_SESSIONS)
VALUES_AHEAD: Final = _AHEAD.format(spans=browsing.SPANS, **browsing.OF_VALUES)
SESSIONS_AHEAD_ESTIMATED: Final = _COUNTED.format(**browsing.OF_SESSIONS)
VALUES_AHEAD_ESTIMATED: Final = _COUNTED.format(**browsing.OF_VALUES)
