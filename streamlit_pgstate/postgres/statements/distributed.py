"""The statements that a distributed engine takes in another form, each by the name of that one.

All others run on a distributed engine as they stand. The rows of one session are on one server,
which each statement about a session reaches by its id.
"""

# ruff: noqa: S608 - statements are joined from constants; only a checked schema name is inserted

from __future__ import annotations

from typing import Final

from streamlit_pgstate.postgres.statements import browsing, cleanup, growth
from streamlit_pgstate.postgres.statements.parts import entry, write

# Where an INSERT of a SELECT comes last, it may hold no parameters after its SELECT. Here it comes
# before.
PUT_AS_KNOWN: Final = f"""WITH {write.locked(write.COUNTED_AS_KNOWN, write.FITS_AS_KNOWN)},
done AS ({entry.written(entry.ONE, answer="old_size, version")})
SELECT {write.was_as_known("done")} FROM done"""

# What has ended is found on all servers first. It is compared once more where it is, as a visit may
# have come between. A row that a writer holds is waited for, because these servers take no SKIP
# LOCKED in a statement over all of them.
GC_END: Final = f"""WITH due AS MATERIALIZED (
    SELECT id FROM {{schema}}.session WHERE {cleanup.ENDED} LIMIT %(batch)s
)
UPDATE {{schema}}.session SET revoked_at = now(), version = version + 1, {write.HOLDS_NOTHING}
WHERE id IN (SELECT id FROM due) AND {cleanup.ENDED} RETURNING id"""
GC_REMOVE: Final = f"""WITH due AS MATERIALIZED (
    SELECT id FROM {{schema}}.session WHERE {cleanup.ENDED_LONG_AGO} LIMIT %(batch)s
)
DELETE FROM {{schema}}.session
WHERE id IN (SELECT id FROM due) AND {cleanup.ENDED_LONG_AGO} RETURNING id"""


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
