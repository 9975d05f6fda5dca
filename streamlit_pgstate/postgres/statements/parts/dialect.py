"""Parts that are written in one way for PostgreSQL, and in another where tables are distributed.

A distributed engine refuses volatile functions in a statement that writes: the coordinator would
evaluate them, and not the node that has the rows. There `distribution` makes functions that stand
for them. They take a column of the row that is written, and are declared immutable, so they are
evaluated where the row is (decision 39).
"""

from __future__ import annotations

import re
from typing import Final

OF_ROW: Final = "session.version"

_PART: Final = re.compile(r"\{(clock|patience|server|size|size_alone):([a-z.]*)\}")

_PLAIN: Final = {
    "clock": "clock_timestamp()",
    "patience": "(SELECT set_config('lock_timeout', %(wait)s, true)) IS NOT NULL",
    "server": "(date_part('epoch', pg_postmaster_start_time()) * 1000000)::bigint",
    "size": "pg_total_relation_size",
    "size_alone": "pg_relation_size",
}
# Names of functions without the schema, as `{schema}` is replaced last.
_DISTRIBUTED: Final = {
    "clock": "{schema}.clock_at({row})",
    "patience": "{schema}.wait_at_most({row}, %(wait)s::text)",
    "server": "{schema}.server_at({row})",
}
_WITHOUT_ROW: Final = {
    "patience": "true",
    "size": "citus_total_relation_size",
    "size_alone": "citus_relation_size",
}
"""Nobody waits for the lock of a row that is not there. Only who makes the same row at once does:
then the client's limit ends the wait."""


def clock(row: str = OF_ROW) -> str:
    """The time now, not when the transaction began, by the node that has the row.

    Args:
        row: a column of that row.
    """
    return f"{{clock:{row}}}"


def patience(row: str = OF_ROW) -> str:
    """A condition that is true. It limits how long this statement waits for locks.

    Args:
        row: as in `clock`. Empty where no row is there yet.
    """
    return f"{{patience:{row}}}"


def server(row: str = OF_ROW) -> str:
    """When the server that has the row was started, in microseconds since 1970."""
    return f"{{server:{row}}}"


def size_of(table: str, *, with_indexes: bool = True) -> str:
    """The bytes that a table takes on all servers.

    Args:
        table: an expression for its name.
        with_indexes: whether its indexes and its large values count.
    """
    name = "size" if with_indexes else "size_alone"
    return f"{{{name}:}}(({table})::regclass)"


def completed(sql: str, *, is_distributed: bool) -> str:
    """Return a statement in which all of these parts are written for one kind of engine."""

    def written(found: re.Match[str]) -> str:
        name, row = found[1], found[2]
        if not is_distributed:
            return _PLAIN[name]
        return (_DISTRIBUTED if row else _WITHOUT_ROW)[name].replace("{row}", row)

    return _PART.sub(written, sql)


def refused(message: str, of: str, to: str) -> str:
    """An expression that raises an error when it is evaluated, and so undoes the statement.

    Plain SQL cannot raise an error. So a text that is no number is cast to one, and the error's
    message quotes that text. The planner evaluates what is constant, so the text ends with a
    column. All parts of it are immutable: so it may stand where a distributed engine takes nothing
    else.

    Args:
        message: SQL of type text.
        of: a column that the text ends with.
        to: the type that the expression has.
    """
    return f"({message} || {of}::text)::{to}"


def later(moment: str, interval: str) -> str:
    """A moment so much later, or earlier if `interval` is negative.

    `timestamptz + interval` is stable, as days and months depend on the time zone. A distributed
    engine refuses it beside a column, and in CASE. These intervals are of seconds, which are the
    same in UTC, where the same sum is immutable.
    """
    return f"({moment} AT TIME ZONE 'UTC' + {interval}) AT TIME ZONE 'UTC'"
