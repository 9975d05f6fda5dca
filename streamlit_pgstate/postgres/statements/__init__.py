"""The SQL statements: each by its name, in files by what they are about.

All SQL about our tables stands in this folder. A statement that is used in one file only has its
parts there, and `parts` has those that several files share. Each statement on a hot path names one
session and finds its rows by primary key. Each write locks the row of its session first, so
versions are in the order of commits.
"""

from __future__ import annotations

from streamlit_pgstate.postgres.statements import (
    bodies,
    browsing,
    cleanup,
    database,
    distributed,
    entries,
    growth,
    history,
    inspection,
    kept_writes,
    moves,
    sealing,
    session_tokens,
    sessions,
)
from streamlit_pgstate.postgres.statements.parts import dialect

_FILES = (
    *(sessions, session_tokens, entries, kept_writes, bodies, history, moves, sealing, cleanup),
    *(database, inspection, browsing, growth),
)


def of(schema: str, *, is_distributed: bool = False) -> dict[str, str]:
    """Return every statement about tables by its name, for the tables in `schema`.

    Args:
        schema: a checked name.
        is_distributed: whether the tables are distributed over several servers.

    Example:
        >>> of("pgstate")["ERASE_BODIES"]
        'DELETE FROM "pgstate".body WHERE session_id = %(id)s'
    """
    files = (*_FILES, distributed) if is_distributed else _FILES
    return {
        name: dialect.completed(sql, is_distributed=is_distributed).replace(
            "{schema}", f'"{schema}"'
        )
        for file in files
        for name, sql in vars(file).items()
        if name.isupper()
        and not name.startswith("_")
        and isinstance(sql, str)
        and "{schema}" in sql
    }


class Statements(dict[str, str]):
    """The statements by their names, as the engine takes them that has the tables.

    They are those of PostgreSQL until the tables are known to be distributed. A process asks that
    with its first statement, when it checks the layout.

    Args:
        schema: a checked name.
    """

    def __init__(self, schema: str) -> None:
        super().__init__(of(schema))
        self._schema = schema
        self.is_distributed = False
        """Whether the tables are distributed over several servers."""

    def note_engine(self, *, is_distributed: bool) -> None:
        """Take the form of the statements that this engine takes."""
        if is_distributed != self.is_distributed:
            self.is_distributed = is_distributed
            self.update(of(self._schema, is_distributed=is_distributed))
