"""`pgstate rekey`: all values are sealed by the first key, and nobody notices but the operator."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from encrypted import KEY, MARK, OTHER_KEY, THIRD_KEY, everything_stored
from noise import noise

from streamlit_pgstate import DecodeError, State, Store
from streamlit_pgstate.cli import main
from streamlit_pgstate.postgres.chunks import CHUNK, IN_ONE_STATEMENT
from streamlit_pgstate.postgres.entries import Entries
from streamlit_pgstate.postgres.rekeying import Rekeyed, Rekeying
from streamlit_pgstate.postgres.rows import SMALL

SQL = psycopg.Connection[Any]
OpenStore = Callable[..., Store]

VALUES: dict[str, Any] = {
    "json": {"note": MARK},
    "bytes": MARK.encode(),
    "large": MARK.encode() + noise(SMALL, "large"),
    "the same": MARK.encode() + noise(SMALL, "large"),
    "text": [MARK, noise(SMALL, "text").hex()],
    "chunks": MARK.encode() + noise(IN_ONE_STATEMENT + CHUNK // 2, "chunks"),
}


@pytest.fixture
def url(keyed_url: str, reads_rows: None) -> str:
    """Replaces the fixture of the same name: no test of this file leaves other tables."""
    return keyed_url


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder to stand in, and nothing of this user's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def rekey(url: str, *options: str, keys: str = f"{KEY},{OTHER_KEY}") -> Result:
    environment = {"PGSTATE_URL": url, "PGSTATE_ENCRYPTION_KEY": keys}
    result = CliRunner().invoke(main, ["rekey", *options], env=environment)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    for key in (KEY, OTHER_KEY, THIRD_KEY):
        assert key not in result.output
    return result


def filled(store: Store, sessions: int = 3) -> list[State]:
    states = [store.state(store.new_token()) for _ in range(sessions)]
    for state in states:
        state.update(VALUES)
    return states


BEFORE: dict[str, tuple[str, ...]] = {"from another key": (OTHER_KEY,), "from none": ()}
every_beginning = pytest.mark.parametrize("before", BEFORE)


@every_beginning
def test_all_values_are_sealed_by_the_first_key_and_the_other_can_go(
    open_store: OpenStore, url: str, sql: SQL, before: str
) -> None:
    states = filled(open_store(*BEFORE[before]))
    said = rekey(url)
    assert (said.exit_code, said.output.splitlines()[-1]) == (
        0,
        "Encrypted 18 values; 0 values had been encrypted with the first key before. "
        "The other keys can be removed from encryption_key now.",
    )
    alone = open_store(KEY)
    for state in states:
        assert dict(alone.state_of(state.id)) == VALUES
    assert MARK.encode() not in everything_stored(sql)
    bodies = sql.execute("SELECT count(DISTINCT digest), count(*) FROM pgstate.body").fetchone()
    assert bodies == (9, 3 * (1 + 1 + 5)), "the former ones are gone"
    assert alone._tables.count_cleanup().bodies == 0


def test_a_second_time_there_is_nothing_to_do(open_store: OpenStore, url: str, sql: SQL) -> None:
    filled(open_store(OTHER_KEY))
    rekey(url)
    stored = everything_stored(sql)
    said = rekey(url)
    assert said.exit_code == 0
    assert said.output.startswith("Encrypted 0 values; 18 values had been encrypted with the first")
    assert everything_stored(sql) == stored


def test_a_dry_run_counts_and_changes_nothing(open_store: OpenStore, url: str, sql: SQL) -> None:
    filled(open_store(OTHER_KEY), 2)
    filled(open_store(KEY, OTHER_KEY), 1)
    stored = everything_stored(sql)
    said = rekey(url, "--dry-run")
    assert (said.exit_code, said.output) == (
        0,
        "Would encrypt 12 values of 2 sessions; 6 values had been encrypted with the first key "
        "before.\n",
    )
    assert everything_stored(sql) == stored


def test_a_dry_run_over_plain_values_notes_nothing(
    open_store: OpenStore, url: str, sql: SQL
) -> None:
    filled(open_store(), 1)
    stored = everything_stored(sql)
    assert rekey(url, "--dry-run").output.startswith("Would encrypt 6 values of 1 session;")
    assert everything_stored(sql) == stored


def test_without_a_key_it_says_what_to_set(url: str) -> None:
    said = rekey(url, keys="")
    assert said.exit_code == 2
    assert "PGSTATE_ENCRYPTION_KEY" in said.output
    assert "secrets.token_bytes(32)" in said.output


def test_the_keys_may_stand_in_the_secrets(open_store: OpenStore, url: str, tmp_path: Path) -> None:
    filled(open_store(OTHER_KEY), 1)
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text(
        f'[connections.pgstate]\nurl = "{url}"\nencryption_key = ["{KEY}", "{OTHER_KEY}"]\n'
    )
    assert CliRunner().invoke(main, ["rekey"]).output.startswith("Encrypted 6 values")


def test_more_entries_than_fit_into_one_statement_and_more_sessions(
    open_store: OpenStore, url: str
) -> None:
    before = open_store(OTHER_KEY)
    many = before.state(before.new_token())
    many.update({f"k{number}": number for number in range(450)})
    others = [before.state(before.new_token()) for _ in range(105)]
    for other in others:
        other["k"] = 1
    assert rekey(url).output.startswith("Encrypted 555 values")
    alone = open_store(KEY)
    assert dict(alone.state_of(many.id)) == {f"k{number}": number for number in range(450)}
    assert all(alone.state_of(other.id)["k"] == 1 for other in others)


def test_values_of_expired_keys_and_of_deleted_sessions_are_sealed_too(
    open_store: OpenStore, url: str, sql: SQL
) -> None:
    before = open_store()
    expired, deleted = filled(before, 2)
    sql.execute(
        "UPDATE pgstate.entry SET expires_at = now() - interval '1 hour' WHERE session_id = %s",
        [expired.id],
    )
    sql.execute("DELETE FROM pgstate.session WHERE id = %s", [deleted.id])
    sql.execute(
        "INSERT INTO pgstate.body (session_id, digest, part, data) VALUES (%s, 'd', 0, %s)",
        [deleted.id, MARK.encode()],
    )
    assert rekey(url).exit_code == 0
    assert MARK.encode() not in everything_stored(sql)


# What cannot be opened


def test_what_no_key_opens_is_left_and_the_rest_is_sealed(
    open_store: OpenStore, url: str, sql: SQL
) -> None:
    [of_third] = filled(open_store(THIRD_KEY), 1)
    [of_other] = filled(open_store(OTHER_KEY), 1)
    said = rekey(url)
    assert said.exit_code == 1
    assert "Encrypted 6 values" in said.output
    assert said.output.splitlines()[-1].endswith("6 values could not be decrypted. Keep all keys.")
    assert f"'bytes' of session {of_third.id} is encrypted with a key that is not in" in said.output
    assert "… and 1 value more." in said.output
    assert "can be removed" not in said.output
    assert dict(open_store(THIRD_KEY).state_of(of_third.id)) == VALUES
    assert dict(open_store(KEY).state_of(of_other.id)) == VALUES
    assert rekey(url, keys=f"{KEY},{THIRD_KEY}").exit_code == 0
    assert dict(open_store(KEY).state_of(of_third.id)) == VALUES


def test_a_value_that_was_written_without_the_key_is_sealed_only_where_it_is_trusted(
    open_store: OpenStore, url: str, sql: SQL
) -> None:
    began_before = open_store()
    began_before.new_token()
    [state] = filled(open_store(KEY), 1)
    began_before.state_of(state.id)["by a job without the key"] = MARK
    assert rekey(url).exit_code == 1
    with pytest.raises(DecodeError, match="--trust-plain"):
        open_store(KEY).state_of(state.id)["by a job without the key"]
    assert rekey(url, "--trust-plain").exit_code == 0
    assert open_store(KEY).state_of(state.id)["by a job without the key"] == MARK
    assert MARK.encode() not in everything_stored(sql)


# While apps run


@every_beginning
def test_an_open_page_reads_and_writes_on_with_what_it_knew(
    open_store: OpenStore, url: str, in_a_run: Callable[[Callable[[], object]], None], before: str
) -> None:
    replica = open_store(KEY, *BEFORE[before])
    [state] = filled(open_store(*BEFORE[before]), 1)
    pages = [replica.state_of(state.id, cache=cache) for cache in (True, False)]
    for page in pages:
        assert page["json"] == VALUES["json"]
    rekey(url)
    for page in pages:
        assert dict(page) == VALUES, "in the midst of a run"
        in_a_run(lambda page=page: page.refresh())  # type: ignore[misc]  # bound at once
        assert dict(page) == VALUES, "in the next run"
        assert page.modify("large", lambda value: value[::-1]) == VALUES["large"][::-1]
        page["large"] = VALUES["large"]
        page.update(VALUES)
        assert page.delete("chunks")
        page["chunks"] = VALUES["chunks"]
    assert dict(open_store(KEY).state_of(state.id)) == VALUES


def test_a_large_body_that_was_sent_ahead_meanwhile_is_sent_again(
    open_store: OpenStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a replica that still seals with the key before: its write comes after the rekeying."""
    replica = open_store(OTHER_KEY, KEY)
    [state] = filled(replica, 1)
    page = replica.state_of(state.id)
    write = Entries.write

    def write_after_rekey(entries: Any, *arguments: Any, **keywords: Any) -> Any:
        monkeypatch.undo()
        rekey(url)
        return write(entries, *arguments, **keywords)

    monkeypatch.setattr(Entries, "write", write_after_rekey)
    new = noise(IN_ONE_STATEMENT + 1, "new")
    page["chunks"] = new
    monkeypatch.undo()
    assert replica.state_of(state.id)["chunks"] == new
    assert rekey(url).output.startswith("Encrypted 1 value;")
    assert dict(open_store(KEY).state_of(state.id)) == {**VALUES, "chunks": new}


MEANWHILE: dict[str, Callable[[State], object]] = {
    "forgotten": lambda state: state.forget(),
    "cleared": lambda state: state.clear(),
    "replaced": lambda state: state.update(dict.fromkeys(VALUES, 1)),
    "deleted and set again": lambda state: (state.delete("chunks"), state.update(VALUES)),
}


@pytest.mark.parametrize("meanwhile", MEANWHILE)
def test_what_changes_after_its_bodies_were_sealed_leaves_none_of_them(
    open_store: OpenStore, url: str, sql: SQL, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    replica = open_store(KEY, OTHER_KEY)
    token = replica.new_token()
    open_store(OTHER_KEY).state(token).update(VALUES)
    begin = Rekeying._rekey_entries

    def begin_late(*arguments: Any) -> int:
        monkeypatch.undo()
        MEANWHILE[meanwhile](replica.state(token))
        return begin(*arguments)

    monkeypatch.setattr(Rekeying, "_rekey_entries", begin_late)
    assert replica._tables.rekey().left == 0
    assert (
        sql.execute(
            """SELECT FROM pgstate.body b WHERE NOT EXISTS (
            SELECT FROM pgstate.entry e WHERE e.digest = b.digest)"""
        ).fetchall()
        == []
    )
    if meanwhile != "forgotten":
        expected = {"cleared": {}, "replaced": dict.fromkeys(VALUES, 1)}.get(meanwhile, VALUES)
        assert dict(open_store(KEY).state(token)) == expected


def test_writers_beside_it_lose_nothing(open_store: OpenStore, url: str, sql: SQL) -> None:
    states = filled(open_store(OTHER_KEY), 2)
    ends, began, counts = threading.Event(), threading.Barrier(4), dict[int, int]()

    def count_up(number: int) -> None:
        state = open_store(KEY, OTHER_KEY).state_of(states[number % 2].id)
        began.wait()
        while not ends.is_set():
            large = state.modify("n", lambda n: n + 1, default=0) % 2
            state["large"] = VALUES["large"] if large else VALUES["chunks"]
            state.modify("series", lambda old: [*old[:4000], number], default=[0] * 9000)
            counts[number] = counts.get(number, 0) + 1

    threads = [threading.Thread(target=count_up, args=[number]) for number in range(3)]
    for thread in threads:
        thread.start()
    began.wait()
    said = [rekey(url, keys=f"{first},{other}") for first, other in [(KEY, OTHER_KEY)] * 3]
    ends.set()
    for thread in threads:
        thread.join()
    assert [result.exit_code for result in said] == [0, 0, 0]
    assert rekey(url).exit_code == 0
    alone = open_store(KEY)
    found = [dict(alone.state_of(state.id)) for state in states]
    assert found[0]["n"] == counts[0] + counts[2]
    assert found[1]["n"] == counts[1]
    for values in found:
        assert values["large"] in (VALUES["large"], VALUES["chunks"])
        assert values["the same"] == VALUES["the same"]


class Stopped(Exception):
    pass


def test_an_interrupted_one_is_taken_up_again(open_store: OpenStore, url: str, sql: SQL) -> None:
    states = filled(open_store(OTHER_KEY), 4)
    both = open_store(KEY, OTHER_KEY)

    def stop(done: Rekeyed) -> None:
        if done.sessions == 2:
            raise Stopped

    with pytest.raises(Stopped):
        both._tables.rekey(on_progress=stop)
    assert rekey(url, "--dry-run").output.startswith("Would encrypt 12 values of 2 sessions; 12 ")
    for state in states:
        assert dict(both.state_of(state.id)) == VALUES
    assert rekey(url).output.startswith("Encrypted 12 values; 12 values had been")
    for state in states:
        assert dict(open_store(KEY).state_of(state.id)) == VALUES


def test_one_that_is_killed_leaves_every_value_whole(
    open_store: OpenStore, url: str, sql: SQL
) -> None:
    states = filled(open_store(OTHER_KEY), 4)
    program = [sys.executable, "-m", "streamlit_pgstate.cli", "rekey"]
    environment = {"PGSTATE_URL": url, "PGSTATE_ENCRYPTION_KEY": f"{KEY},{OTHER_KEY}"}
    with (
        psycopg.connect(url) as holder,
        subprocess.Popen(program, env={**os.environ, **environment}) as process,
    ):
        # It waits in the midst of its transaction: for a row that somebody else holds.
        last = max(state.id for state in states)
        holder.execute(
            "SELECT FROM pgstate.entry WHERE session_id = %s AND key = 'text' FOR UPDATE", [last]
        )
        wait_for_a_lock(sql)
        process.send_signal(signal.SIGKILL)
    both = open_store(KEY, OTHER_KEY)
    for state in states:
        assert dict(both.state_of(state.id)) == VALUES
    assert rekey(url).exit_code == 0
    for state in states:
        assert dict(open_store(KEY).state_of(state.id)) == VALUES
    assert MARK.encode() not in everything_stored(sql)


def wait_for_a_lock(sql: SQL) -> None:
    waiting = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND wait_event_type = 'Lock'"""
    while sql.execute(waiting).fetchone() == (0,):
        with contextlib.suppress(psycopg.Error):
            sql.execute("SELECT pg_stat_clear_snapshot()")
