"""The command `doctor`: tries whether everything works, and says what does not."""

from __future__ import annotations

import contextlib
import dataclasses
import statistics
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from streamlit_pgstate.cli.finding import Finding
from streamlit_pgstate.cli.group import ACTION_NEEDED
from streamlit_pgstate.cli.options import as_json_option, on_database
from streamlit_pgstate.cli.outside import seen_from_outside
from streamlit_pgstate.cli.printing import as_json, safe
from streamlit_pgstate.cli.target import Where, database_of, find_existing, tables_of
from streamlit_pgstate.errors import PgStateError

if TYPE_CHECKING:
    from streamlit_pgstate.postgres.engine import Database
    from streamlit_pgstate.postgres.inspection import ServerNow
    from streamlit_pgstate.settings import Settings

_TRIES = 5
_REMOVED_WITHIN = timedelta(seconds=2)
_CLOCK_MAY_DIFFER = 5.0
"""Seconds. Tokens allow for a day, but logs and expiries are easier to read with right clocks."""


@click.command()
@on_database
@click.option(
    "--app-url", metavar="URL", help="Ask this running page, too, about https and cookie."
)
@as_json_option
def doctor(where: Where, app_url: str | None, json: bool) -> None:
    """Try whether everything works: connect, and set, get and delete a value.

    It says how long each takes, whether a pooler is in between, how many connections there may be,
    and which privileges are missing. It works in a session of its own, which it removes. Run it
    with the URL and on the machine of the app.

    With --app-url it asks the running app as a browser does: whether it is served by https, whether
    the WebSocket can be reached, and what the cookie of pgstate.App is like. It says what cannot be
    seen from outside.

    \b
    Exit codes:
      0  everything works
      1  something does not; its line says what to do
      2  an option or a setting is wrong or missing, or the server refuses the user
      3  the database cannot be reached, or does not answer

    \b
    Examples:
      pgstate doctor
      pgstate doctor --app-url https://example.com/dashboard/
    """
    settings = find_existing(where).settings
    findings = [*_of_the_server(settings), *_of_the_verbs(settings)]
    if app_url is not None:
        findings += seen_from_outside(app_url)
    if json:
        as_json([dataclasses.asdict(finding) for finding in findings])
    else:
        for finding in findings:
            _print(finding)
    if any(finding.is_bad for finding in findings):
        raise SystemExit(ACTION_NEEDED)


def _print(finding: Finding) -> None:
    mark = {True: "FAILS", False: "ok", None: "-"}[finding.is_bad]
    click.echo(f"{mark:<6} {finding.what}: {safe(finding.said)}")
    if finding.advice:
        click.echo(f"       {finding.advice}")


def _of_the_server(settings: Settings) -> list[Finding]:
    from streamlit_pgstate.postgres import grants

    with database_of(settings) as database:
        server = _server(database, settings.pool_size)
        lacking = grants.missing(database, settings.schema)
        return [*server, _of_the_privileges(lacking), _of_the_layout(database, settings)]


def _of_the_privileges(lacking: list[tuple[str, str]]) -> Finding:
    if not lacking:
        return Finding("privileges", "all that an app needs")
    from streamlit_pgstate.postgres import grants

    return Finding(
        "privileges",
        f"missing: {grants.in_words(lacking)}",
        is_bad=True,
        advice="As the owner of the tables, run: pgstate migrate --app-role ROLE",
    )


def _of_the_layout(database: Database, settings: Settings) -> Finding:
    from streamlit_pgstate.postgres import migrate

    as_found = dataclasses.replace(settings, auto_migrate=False)
    try:
        layout = migrate.require_current(database, as_found)
    except PgStateError as error:
        return Finding("layout", error.in_full, is_bad=True)
    return Finding("layout", f"{layout.found}, as needed")


def _server(database: Database, pool_size: int) -> list[Finding]:
    from streamlit_pgstate.postgres.inspection import ask_server

    asked = ask_server(database)
    pooler = "none in between" if not asked.is_pooled else "in between: a pooler, as pgbouncer is"
    writes = Finding("server", f"PostgreSQL {asked.version}")
    if asked.is_read_only:
        writes = Finding(
            "server",
            f"PostgreSQL {asked.version} only reads",
            is_bad=True,
            advice="It is a standby, or default_transaction_read_only is on. Name the primary, or "
            "all hosts with target_session_attrs=read-write.",
        )
    clocks = Finding("clocks", f"differ by {abs(asked.clock_differs):.1f} s")
    if abs(asked.clock_differs) > _CLOCK_MAY_DIFFER:
        clocks = dataclasses.replace(
            clocks, is_bad=True, advice="Set the clocks of both machines, such as by NTP."
        )
    connections = of_connections(asked, pool_size)
    return [writes, Finding("pooler", pooler), connections, clocks]


def of_connections(asked: ServerNow, pool_size: int) -> Finding:
    """Whether the server lets a process of the app open all of its connections."""
    said = (
        f"{asked.connections:,} of {asked.may_connect:,} in use; a process of the app opens at "
        f"most {pool_size:,}"
    )
    if asked.is_pooled or pool_size <= asked.may_connect:
        return Finding("connections", said)
    return Finding(
        "connections",
        said,
        is_bad=True,
        advice=f"Set pool_size to less than {asked.may_connect:,}, divided by the number of "
        "processes; or raise max_connections of the server, or the CONNECTION LIMIT of the role or "
        "the database.",
    )


def _of_the_verbs(settings: Settings) -> list[Finding]:
    """Set, get and delete a value, each some times, in a session of its own."""
    from streamlit_pgstate.postgres.rows import SessionRef
    from streamlit_pgstate.state.mapping import State
    from streamlit_pgstate.state.session import Session
    from streamlit_pgstate.state.surroundings import Surroundings

    with tables_of(settings) as tables:
        try:
            ref = SessionRef.of(tables.signer.mint())
        except PgStateError as error:
            return [Finding("signing key", error.in_full, is_bad=True)]
        state = State(Session(tables, ref, surroundings=Surroundings(), cache=False))
        try:
            return [
                _timed("set", lambda turn: state.set("doctor", turn)),
                _timed("get", lambda _: state.get("doctor")),
                _timed("delete", lambda _: state.delete("doctor")),
                _timed("remove", lambda _: tables.inspection.remove(ref.id), tries=1),
            ]
        except KeyboardInterrupt:
            _remove_quickly(settings, ref.id)
            raise


def _remove_quickly(settings: Settings, session_id: uuid.UUID) -> None:
    """Remove the session after Ctrl-C. If that fails, the session expires by itself."""
    quick = dataclasses.replace(settings, timeout=_REMOVED_WITHIN)
    with tables_of(quick) as tables, contextlib.suppress(PgStateError):
        tables.inspection.remove(session_id)


def _timed(what: str, do: Callable[[int], object], *, tries: int = _TRIES) -> Finding:
    took = []
    try:
        for turn in range(tries):
            began = time.perf_counter()
            do(turn)
            took.append(time.perf_counter() - began)
    except PgStateError as error:
        return Finding(what, error.in_full, is_bad=True)
    return Finding(what, f"works, in {statistics.median(took) * 1000:.1f} ms")
