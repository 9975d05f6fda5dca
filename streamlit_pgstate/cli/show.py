"""The command `show`: what a session holds, and one of its values."""

from __future__ import annotations

import json as jsons
from typing import TYPE_CHECKING, Any

import click

from streamlit_pgstate.cli.group import ACTION_NEEDED
from streamlit_pgstate.cli.options import as_json_option, on_database, session_argument
from streamlit_pgstate.cli.preview import preview
from streamlit_pgstate.cli.printing import (
    as_json,
    count,
    fact,
    safe,
    safe_lines,
    size,
    table,
    time,
)
from streamlit_pgstate.cli.sessions import fields_of
from streamlit_pgstate.cli.target import Where, find_existing, tables_of
from streamlit_pgstate.cli.terminal import work

if TYPE_CHECKING:
    from streamlit_pgstate.codecs import Payload
    from streamlit_pgstate.postgres.inspection import Inspection, KeyRow, SessionRow

_HEAD = ("KEY", "KIND", "SIZE", "CHANGED", "EXPIRES")


@click.command()
@on_database
@session_argument
@click.argument("key", required=False)
@as_json_option
def show(where: Where, session: str, key: str | None, json: bool) -> None:
    """Show what a session holds; with KEY, show that value.

    SESSION is an id, or its first digits if no other id begins with them. A visitor finds it in the
    app, where the app shows pgstate.session().id.

    A table is shown by its first rows, an image or a file by its size, and plain values as JSON.
    To see all of a value, use pgstate export. It changes nothing, and the visitor does not notice.

    \b
    Exit codes:
      0  done
      1  there is no such session or key, or the value cannot be read
      2  an option or a setting is wrong or missing, or several ids begin so
      3  the database cannot be reached, or does not answer

    \b
    Examples:
      pgstate show 6c3f1f5e
      pgstate show 6c3f1f5e cart
      pgstate show 6c3f1f5e cart --json
    """
    with tables_of(find_existing(where).settings) as tables:
        inspection = tables.inspection
        row = inspection.find(session)
        if key is not None:
            _show_value(inspection, row, key, json=json)
        elif json:
            keys = [_fields_of(found) for found in inspection.keys(row.id)]
            as_json(fields_of(row) | {"values": keys})
        else:
            _show_keys(inspection, row)


def _show_keys(inspection: Inspection, row: SessionRow) -> None:
    fact("Session", f"{row.id}{f' ({row.ended})' if row.ended else ''}")
    fact("App", f"{safe(row.app)}, scope {row.scope}")
    fact("Created", time(row.created_at))
    fact("Seen", time(row.seen_at))
    fact("Expires", time(row.expires_at))
    keys = list(inspection.keys(row.id))
    fact("Holds", f"{count(len(keys), 'key')}, {size(sum(one.size for one in keys))}")
    if keys:
        click.echo()
        lines = [
            (one.key, one.kind, size(one.size), time(one.changed_at), time(one.expires_at))
            for one in keys
        ]
        table(_HEAD, lines, right=("SIZE",))


def _show_value(inspection: Inspection, session: SessionRow, key: str, *, json: bool) -> None:
    from streamlit_pgstate import codecs

    row = inspection.key(session.id, key)
    with work(f"Reading {safe(key)!r}") as reading:
        found = inspection.read(row, on_progress=reading.reach) if row else None
    if found is None:
        click.echo(
            f"Error: Session {session.id} holds no {key!r}. To see its keys, run: pgstate show "
            f"{session.id}",
            err=True,
        )
        raise SystemExit(ACTION_NEEDED)
    row, payload = found
    payload = codecs.unpacked(payload, key=key)
    if json:
        as_json(_fields_of(row) | _value_of(payload, key))
        return
    fact("Key", safe(row.key))
    fact("Kind", row.kind)
    fact("Size", size(row.size))
    fact("Changed", time(row.changed_at))
    if row.expires_at:
        fact("Expires", time(row.expires_at))
    click.echo()
    click.echo(safe_lines(preview(payload, key=key)))


def _fields_of(row: KeyRow) -> dict[str, Any]:
    names = ("key", "kind", "size", "version", "changed_at", "expires_at", "ttl")
    return {name: getattr(row, name) for name in names}


def _value_of(payload: Payload, key: str) -> dict[str, Any]:
    """A plain value as it is stored; of any other one what `preview` says."""
    if payload.kind == "json":
        return {"value": jsons.loads(payload.body)}
    return {"preview": preview(payload, key=key)}
