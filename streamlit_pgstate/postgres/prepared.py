"""A cursor for statements that one connection runs again and again.

psycopg makes a cursor for each statement, splits its text, chooses how to adapt each parameter, and
looks up the prepared statement by its text. This cursor keeps all of that. Of the 62 µs of client
CPU that one page refresh took in psycopg, 23 are left (one core, TCP on one machine).

`connection` says which statements it gets.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from functools import cache
from typing import Any, Final, NamedTuple, Self, TypeAlias

import psycopg
from psycopg import errors, pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.generators import execute

Row: TypeAlias = tuple[Any, ...]
_Key: TypeAlias = tuple[str, tuple[int, ...]]
_Results: TypeAlias = list[pq.abc.PGresult]

_PLACEHOLDER: Final = re.compile(r"%(?:\((?P<name>\w+)\)(?P<format>[sbt])|%)")

_MOST: Final = 100
"""Prepared statements of one connection, as in psycopg itself. Parameters of other types make
another one."""

_ROWS: Final = pq.ExecStatus.TUPLES_OK
_NO_ROWS: Final = pq.ExecStatus.COMMAND_OK
_BINARY: Final = pq.Format.BINARY


_STALE: Final = (errors.InvalidSqlStatementName, errors.FeatureNotSupported)
"""The server lacks the prepared statement, after a DEALLOCATE ALL, which psycopg sends after each
rollback; or the columns of a table have changed, so that the plan is void. Either way the statement
has done nothing, and is prepared anew."""


class _Form(NamedTuple):
    """A statement as the server takes it."""

    text: bytes
    """With ``$1`` for the first parameter."""
    names: tuple[str, ...]
    """The parameters by their numbers."""
    formats: list[PyFormat]


@cache
def _form_of(statement: str) -> _Form:
    formats: dict[str, PyFormat] = {}

    def numbered(found: re.Match[str]) -> str:
        if (name := found["name"]) is None:
            return "%"
        formats.setdefault(name, PyFormat(found["format"]))
        return f"${list(formats).index(name) + 1}"

    text = _PLACEHOLDER.sub(numbered, statement).encode()
    return _Form(text, tuple(formats), list(formats.values()))


class PreparedCursor(psycopg.Cursor[Row]):
    """A cursor of psycopg; and one that prepares each of its statements, if `prepares` is set.

    `execute` is where tools that trace statements look on, so both go through it.
    """

    prepares: bool = False

    def __init__(self, connection: psycopg.Connection[Any], **kwargs: Any) -> None:
        super().__init__(connection, **kwargs)
        self._adapter = Transformer(connection)
        self._names: dict[_Key, bytes] = {}
        """The prepared statements, by text and types of the parameters; the oldest one first."""
        self._number = 0
        self._rows: list[Row] = []

    def execute(
        self,
        query: Any,
        params: Any = None,
        *,
        prepare: bool | None = None,
        binary: bool | None = None,
    ) -> Self:
        """Run a statement."""
        if not self.prepares:
            return super().execute(query, params, prepare=prepare, binary=binary)
        with self._conn.lock:
            self._rows = self._rows_of(query, params)
        return self

    def take(self) -> list[Row]:
        """Return what the last statement has brought, if `prepares` is set. Keeps nothing of it."""
        rows, self._rows = self._rows, []
        return rows

    def _rows_of(self, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        form, adapter = _form_of(statement), self._adapter
        values = adapter.dump_sequence([parameters[name] for name in form.names], form.formats)
        key = (statement, adapter.types or ())
        name = self._names.get(key)
        steps = self._prepare(key, form.text, values) if name is None else self._send(name, values)
        results = self._conn.wait(steps)
        if not results:
            raise psycopg.InternalError("got no result from the statement")  # as psycopg does
        result = results[0]
        status = result.status
        if status == _ROWS:
            adapter.set_pgresult(result)
            rows = adapter.load_rows(0, result.ntuples, tuple)
            adapter.set_pgresult(None)
            return rows
        if status == _NO_ROWS:
            return []
        error = errors.error_from_result(result)
        if name is not None and isinstance(error, _STALE):
            self._names.clear()
            return self._rows_of(statement, parameters)
        raise error

    def _send(self, name: bytes, values: Any) -> Generator[Any, Any, _Results]:
        """Run a prepared statement.

        A generator of Python's own around psycopg's, which is compiled: `TimedConnection.wait` asks
        it for its state.
        """
        self._pgconn.send_query_prepared(name, values, self._adapter.formats, _BINARY)
        results: _Results = yield from execute(self._pgconn)
        return results

    def _prepare(self, key: _Key, text: bytes, values: Any) -> Generator[Any, Any, _Results]:
        """Prepare a statement and run it. Its types are those of the parameters at hand."""
        server = self._pgconn
        if len(self._names) >= _MOST:
            server.send_query(b"DEALLOCATE " + self._names.pop(next(iter(self._names))))
            yield from execute(server)
        self._number += 1
        name = b"pgstate_%d" % self._number
        server.send_prepare(name, text, param_types=key[1])
        results: _Results = yield from execute(server)
        if results[0].status != _NO_ROWS:
            return results
        self._names[key] = name
        return (yield from self._send(name, values))
