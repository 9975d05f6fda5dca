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

_FILES = (
    *(sessions, session_tokens, entries, kept_writes, bodies, history, moves, sealing, cleanup),
    *(database, inspection, browsing, growth),
)


def of(schema: str) -> dict[str, str]:
    """Return every statement about tables by its name, for the tables in `schema`.

    Example:
        >>> of("pgstate")["ERASE_BODIES"]
        'DELETE FROM "pgstate".body WHERE session_id = %(id)s'
    """
    return {
        name: sql.replace("{schema}", f'"{schema}"')
        for file in _FILES
        for name, sql in vars(file).items()
        if name.isupper()
        and not name.startswith("_")
        and isinstance(sql, str)
        and "{schema}" in sql
    }
