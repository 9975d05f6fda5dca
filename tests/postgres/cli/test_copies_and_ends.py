"""`copy` and `forget`: an operator looks into a visitor's trouble, and deletes what is theirs."""

from __future__ import annotations

import os
import stat
import uuid
from pathlib import Path

import psycopg
import pytest

from streamlit_pgstate import Store, UnknownToken

from .conftest import Pgstate


def copy_of(output: str) -> str:
    line = next(line for line in output.splitlines() if line.startswith("The copy is session "))
    return line.split()[-1].rstrip(".")


def test_a_copy_is_another_session_and_the_visitor_notices_nothing(
    pgstate: Pgstate, store: Store
) -> None:
    state = store.state(store.new_token())
    state.update({"cart": ["bread"], "large": b"x" * 100_000})
    result = pgstate("copy", str(state.id)[:8])
    assert result.exit_code == 0, result.output
    copy = store.state_of(copy_of(result.output))
    assert dict(copy) == {"cart": ["bread"], "large": b"x" * 100_000}
    copy["cart"] = []
    state.refresh()
    assert state["cart"] == ["bread"]


def test_a_token_is_written_into_a_file_of_the_operator_alone_and_never_printed(
    pgstate: Pgstate, store: Store
) -> None:
    state = store.state(store.new_token())
    state["a"] = 1
    result = pgstate("copy", str(state.id), "--token-to", "token")
    assert result.exit_code == 0, result.output
    token = Path("token").read_text().strip()
    assert stat.S_IMODE(Path("token").stat().st_mode) == 0o600
    assert token not in result.output
    copy = store.state(token)
    assert str(copy.id) == copy_of(result.output)
    assert copy["a"] == 1
    again = pgstate("copy", str(state.id), "--token-to", "token")
    assert again.exit_code == 2
    assert Path("token").read_text().strip() == token


def test_too_many_copies_and_ended_sessions_are_refused(
    pgstate: Pgstate, store: Store, sql: psycopg.Connection
) -> None:
    state = store.state(store.new_token())
    state["a"] = "x" * 1000
    refused = pgstate("copy", str(state.id), "--token-to", "token", PGSTATE_MAX_SESSION_BYTES="500")
    assert refused.exit_code == 1
    assert "max_session_bytes" in refused.stderr
    assert not Path("token").exists()
    sql.execute("UPDATE pgstate.session SET expires_at = now()")
    ended = pgstate("copy", str(state.id))
    assert ended.exit_code == 2
    assert "is expired" in ended.stderr


def test_forget_asks_and_then_deletes_for_ever(
    pgstate: Pgstate, store: Store, sql: psycopg.Connection
) -> None:
    token = store.new_token()
    state = store.state(token)
    state.update({"a": 1, "large": os.urandom(100_000)})
    for answer, code, said in (
        ("n\n", 1, "Nothing was deleted.\n"),
        ("", 130, "Interrupted. Nothing was changed.\n"),
    ):
        kept = pgstate("forget", str(state.id), input=answer)
        assert kept.exit_code == code
        assert kept.stderr.endswith(said)
    assert store.state(token)["a"] == 1
    done = pgstate("forget", str(state.id)[:8], input="y\n")
    assert done.exit_code == 0, done.output
    assert f"Deleted 2 values (97.7 KiB) of session {state.id}." in done.output
    with pytest.raises(UnknownToken):
        store.state(token)
    for table in ("entry", "body", "revision"):
        assert sql.execute(f"SELECT count(*) FROM pgstate.{table}").fetchone() == (0,)
    again = pgstate("forget", str(state.id), "--yes")
    assert again.exit_code == 0
    assert again.output.startswith("Nothing to do")


def test_forget_without_a_person_takes_yes(pgstate: Pgstate, store: Store) -> None:
    state = store.state(store.new_token())
    state["a"] = 1
    assert pgstate("forget", str(state.id), "--yes").exit_code == 0
    assert pgstate("forget", "00001111", "--yes").exit_code == 1


@pytest.mark.parametrize(
    "command",
    [
        ("forget", "abcd", "--yes"),
        ("restore", "abcd", "a", "1"),
        ("import", "out", "--session", "abcd"),
    ],
)
def test_an_id_that_could_be_of_an_ended_session_changes_none(
    pgstate: Pgstate, store: Store, sql: psycopg.Connection, command: tuple[str, ...]
) -> None:
    """Whoever types the digits of an ended session must not change the one in use."""
    state = store.state(store.new_token())
    state["a"] = 1
    assert pgstate("export", str(state.id), "--to", "out").exit_code == 0
    for last, revoked in ((1, "now()"), (2, "NULL")):
        sql.execute(
            "INSERT INTO pgstate.session (id, app, version, created_at, seen_at, expires_at, "
            f"revoked_at) VALUES (%s, 'app', 1, now(), now(), now() + '1 day', {revoked})",
            (uuid.UUID(f"abcd0000-0000-0000-0000-00000000000{last}"),),
        )
    before = sql.execute("SELECT * FROM pgstate.session ORDER BY id").fetchall()
    refused = pgstate(*command)
    assert refused.exit_code == 2, refused.output
    assert "Give more digits" in refused.stderr
    assert sql.execute("SELECT * FROM pgstate.session ORDER BY id").fetchall() == before


def test_what_ended_says_how_and_exits_as_the_help_says(pgstate: Pgstate, store: Store) -> None:
    state = store.state(store.new_token())
    state["a"] = 1
    assert pgstate("forget", str(state.id), "--yes").exit_code == 0
    again = pgstate("forget", str(state.id), "--yes")
    assert again.output == f"Nothing to do: session {state.id} was forgotten already.\n"
    for command in (("copy", str(state.id)), ("restore", str(state.id), "a", "1")):
        refused = pgstate(*command)
        assert refused.exit_code == 2
        said = " ".join(pgstate(command[0], "--help").output.split())
        assert "it has ended" in said.partition(" 2 ")[2].partition(" 3 ")[0]
