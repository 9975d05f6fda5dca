"""Whether ten million entries in a million sessions are as fast as ten thousand in a thousand.

    python benchmarks/scale.py build    fill the large database, once: five minutes or so
    python benchmarks/scale.py          measure it, and build it first if it is not there
    python benchmarks/scale.py drop     delete it

Both are schemas of one server, with `history=5`, `encryption_key` and all indexes. Each session has
ten values of 80 characters, and a history of each. The values of a session lie in ten pages, as
those of a hundred visitors who came at the same time. The large one stays in BENCH_SCALE_FOLDER
(/var/tmp/pgstate-scale), which takes 13 GB; the small one is built for each run. The server has
PostgreSQL's own settings, with a memory of 1 GB for pages (`shared_buffers`).
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import json
import multiprocessing
import os
import random
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import psycopg
from _frames import mixed_frame
from harness import Bound, Result, is_quick, measure, report
from server import started

from streamlit_pgstate import Store, codecs, connect
from streamlit_pgstate.postgres.encryption import Keyring

FOLDER = Path(os.environ.get("BENCH_SCALE_FOLDER", "/var/tmp/pgstate-scale"))
SESSIONS = int(os.environ.get("BENCH_SCALE_SESSIONS", "1000000"))
SMALL_SESSIONS = 1_000
KEYS = [f"widget {number}" for number in range(10)]
AT_ONCE = 100
"""Visitors who come at the same time: their values lie between each other's."""
KNOWN = 1_000
"""Sessions of which this file knows the tokens, spread over each table."""
AT_WORK = 100
"""Of these so many are at work: their pages lie in memory."""
KEY = b"a key of a benchmark, 32 bytes. "
BUFFERS = {"shared_buffers": "1GB"}
BUILDING = BUFFERS | {
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "8GB",
    "maintenance_work_mem": "1GB",
    "wal_level": "minimal",  # so COPY into a table that was emptied just before writes no log
    "max_wal_senders": 0,
    "autovacuum": "off",
}
TABLES = ("session", "entry", "revision")
HEX = r"\\x"
"""What bytes begin with in a COPY."""
MEASURED_SETS = 36_000
"""An hour of ten sets a second."""


@dataclass(frozen=True)
class Form:
    """What the rows of a session look like after ten sets, each in a run of its own."""

    session: dict[str, str]
    entry: dict[str, str]
    revision: dict[str, str]


def value_of(number: int) -> str:
    return f"{number:<80}"


def opened(url: str, schema: str) -> Store:
    return connect(
        url,
        schema=schema,
        history=5,
        encryption_key=base64.urlsafe_b64encode(KEY).decode(),
        max_new_sessions=10**9,
        session_max_age=400 * 86_400,
    )


# Building


def build(url: str, schema: str, sessions: int) -> None:
    """Make the schema anew, with `sessions` sessions."""
    with psycopg.connect(url, autocommit=True) as sql:
        sql.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    with contextlib.closing(opened(url, schema)) as store:
        store.migrate()
        form = _form_of(url, schema, store)
        tokens = [store.new_token() for _ in range(KNOWN)]
    with psycopg.connect(url, autocommit=True) as sql:
        # Small ones are filled with the indexes in place, as an app fills them.
        indexes = _drop_indexes(sql, schema) if sessions > SMALL_SESSIONS else []
        jobs = [
            multiprocessing.get_context("spawn").Process(
                target=_fill, args=(url, schema, table, sessions, tokens, form)
            )
            for table in TABLES
        ]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()
            assert job.exitcode == 0
        _step(f"{sessions:,} sessions copied")
        for statement in indexes:
            sql.execute(statement)
            _step(statement.partition(" USING")[0][:70])
        for table in TABLES:
            sql.execute(f"VACUUM (ANALYZE) {schema}.{table}")
        sql.execute("CHECKPOINT")
        _step("vacuumed")
    (FOLDER / f"{schema}.json").write_text(json.dumps(tokens))


_began = time.monotonic()


def _step(words: str) -> None:
    print(f"{time.monotonic() - _began:6.0f} s  {words}", flush=True)


def _form_of(url: str, schema: str, store: Store) -> Form:
    """Ask our own code what a session looks like that has been written to."""
    state = store.state(store.new_token())
    for number, key in enumerate(KEYS):
        state[key] = value_of(number)
    with psycopg.connect(url, autocommit=True) as sql:
        rows = [
            sql.execute(
                f"SELECT to_jsonb(t) FROM {schema}.{table} t ORDER BY version DESC LIMIT 1"
            ).fetchone()
            for table in TABLES
        ]
    assert all(rows)
    return Form(*({name: _copied(value) for name, value in row[0].items()} for row in rows if row))


def _copied(value: Any) -> str:
    """A value of a row as the text that COPY takes."""
    if value is None:
        return r"\N"
    if isinstance(value, list):
        return "{" + ",".join(map(str, value)) + "}"
    return str(value).replace("\\", "\\\\")


def _drop_indexes(sql: psycopg.Connection[Any], schema: str) -> list[str]:
    """Drop them, and return the statements that make them again."""
    statements = []
    for table in TABLES:
        found = sql.execute(
            "SELECT c.relname, pg_get_indexdef(i.indexrelid), i.indisprimary FROM pg_index i"
            " JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = %s::regclass",
            (f"{schema}.{table}",),
        ).fetchall()
        for name, made_by, is_primary in found:
            if is_primary:
                columns = made_by.partition("btree (")[2].partition(")")[0]
                sql.execute(f"ALTER TABLE {schema}.{table} DROP CONSTRAINT {name}")
                statements.append(f"ALTER TABLE {schema}.{table} ADD PRIMARY KEY ({columns})")
            else:
                sql.execute(f"DROP INDEX {schema}.{name}")
                statements.append(made_by)
    return statements


def _fill(url: str, schema: str, table: str, sessions: int, tokens: list[str], form: Form) -> None:
    """Copy the rows of one table. The ids are the same in the process of each table."""
    chance = random.Random(sessions)
    ids = Ids(chance, sessions, tokens)
    columns = asdict(form)[table]
    names = ", ".join(f'"{name}"' for name in columns)
    lines = {"session": _session_lines, "entry": _entry_lines, "revision": _entry_lines}[table]
    with psycopg.connect(url) as sql:
        sql.execute(f"TRUNCATE {schema}.{table}")
        with sql.cursor().copy(f"COPY {schema}.{table} ({names}) FROM STDIN (FREEZE)") as copy:
            for group in ids.groups():
                copy.write("".join(lines(columns, group, ids)))


class Ids:
    """The ids of all sessions, by groups of visitors who come at the same time."""

    def __init__(self, chance: random.Random, sessions: int, tokens: list[str]) -> None:
        self._chance, self._sessions = chance, sessions
        opened = [base64.urlsafe_b64decode(token.partition(".")[0]) for token in tokens]
        every = max(1, sessions // len(tokens))
        self.secrets = {uuid.UUID(bytes=found[:16]): found[16:] for found in opened}
        self._known = dict(zip(range(0, sessions, every), self.secrets, strict=False))
        self.cipher = Keyring([KEY]).ciphers(may_be_plain=lambda: False)
        self.noise = chance.randbytes(1 << 20).hex()

    def groups(self) -> Iterator[list[uuid.UUID]]:
        for first in range(0, self._sessions, AT_ONCE):
            last = min(first + AT_ONCE, self._sessions)
            yield [self._known.get(number) or self._any() for number in range(first, last)]

    def _any(self) -> uuid.UUID:
        return uuid.UUID(int=self._chance.getrandbits(128), version=4)


def _session_lines(columns: dict[str, str], group: list[uuid.UUID], ids: Ids) -> Iterator[str]:
    chance = random.Random(group[0].int)
    now = time.time()
    for session_id in group:
        seen = now - chance.random() * 29 * 86_400
        secret = ids.secrets.get(session_id)
        digest = hashlib.sha256(secret).hexdigest() if secret else chance.randbytes(32).hex()
        own = {
            "id": str(session_id),
            "token_hash": HEX + digest,
            "created_at": _timestamp(seen - 86_400),
            "seen_at": _timestamp(now if secret else seen),
            "expires_at": _timestamp((now if secret else seen) + 30 * 86_400),
        }
        yield "\t".join((columns | own).values()) + "\n"


def _entry_lines(columns: dict[str, str], group: list[uuid.UUID], ids: Ids) -> Iterator[str]:
    changed = _timestamp(time.time() - 86_400)
    prefix, length = columns["body"][3:29], len(columns["body"]) - 29
    starts = itertools.cycle(range(0, len(ids.noise) - length, 42))
    for number, key in enumerate(KEYS):
        own = {"key": key, "version": str(number + 1), "changed_at": changed}
        of_session = {"session_id": "{0}", "body": HEX + "{1}"}
        line = "\t".join((columns | own | of_session).values()) + "\n"
        for session_id in group:
            if session_id in ids.secrets:
                payload = codecs.encode(value_of(number), key=key)
                body = ids.cipher(session_id).seal(key, payload, None)[1].hex()
            else:
                start = next(starts)
                body = prefix + ids.noise[start : start + length]
            yield line.format(session_id, body)


def _timestamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S+00", time.gmtime(seconds))


# Measuring


def _id_of(token: str) -> uuid.UUID:
    return uuid.UUID(bytes=base64.urlsafe_b64decode(token.partition(".")[0])[:16])


class Visitors:
    """The known visitors of one schema: those at work, and all."""

    def __init__(self, url: str, schema: str) -> None:
        self.store, self.schema = opened(url, schema), schema
        self._url = url
        self._sql = psycopg.connect(url, autocommit=True)
        known = json.loads((FOLDER / f"{schema}.json").read_text())
        there = f"SELECT id FROM {schema}.session WHERE id = ANY (%s) AND expires_at > now()"
        rows = self._sql.execute(there, ([_id_of(token) for token in known],))
        live = {row[0] for row in rows}
        tokens = [token for token in known if _id_of(token) in live]
        chance = random.Random(1)
        chance.shuffle(tokens)
        self._working = itertools.cycle(tokens[:AT_WORK])
        # So many that no measurement comes to one of them again.
        self._away = itertools.cycle(tokens[AT_WORK::2])
        self._ids = itertools.cycle(_id_of(token) for token in tokens[AT_WORK + 1 :: 2])
        # A database of ten thousand entries has no others that could expire.
        kept = tokens if schema == "large" else tokens[:AT_WORK]
        self._kept = [_id_of(token) for token in kept]
        self._states = [self.store.state(token) for token in tokens[:AT_WORK]]
        self._in_turn = itertools.cycle(self._states)
        self._jobs = itertools.cycle(
            [self.store.state(token, cache=False) for token in tokens[:AT_WORK]]
        )
        self._chance, self._numbers = chance, itertools.count()

    def load(self, token: str | None = None) -> list[object]:
        state = self.store.state(token or next(self._working))
        return [state[key] for key in KEYS]

    def load_away(self) -> list[object]:
        return self.load(next(self._away))

    def select_away(self) -> list[object]:
        """The least that a page load could be: its rows by the primary key."""
        return self._sql.execute(
            f"SELECT key, version, kind, size, body FROM {self.schema}.entry WHERE session_id = %s",
            (next(self._ids),),
            binary=True,
        ).fetchall()

    def run_unchanged(self) -> list[object]:
        state = next(self._in_turn)
        state.refresh()
        return [state[key] for key in KEYS]

    def get(self) -> object:
        return next(self._jobs)[KEYS[0]]

    def set(self) -> None:
        next(self._in_turn)[self._chance.choice(KEYS)] = value_of(next(self._numbers))

    def first_set(self) -> None:
        self.store.state(self.store.new_token())[KEYS[0]] = value_of(next(self._numbers))

    def expire(self, sql: psycopg.Connection[Any]) -> None:
        """A hundred sessions end that are not at work, wherever they lie."""
        sql.execute(
            f"""UPDATE {self.schema}.session SET expires_at = now() - interval '3 days'
            WHERE id IN (
                SELECT id FROM {self.schema}.session
                WHERE id <> ALL (%s) AND revoked_at IS NULL AND expires_at > now() + %s
                LIMIT 100)""",
            (self._kept, timedelta(days=self._chance.uniform(0, 25))),
        )

    def clean_up(self) -> float:
        """Return after how many seconds the expired sessions were deleted."""
        began, deleted_after = time.perf_counter(), list[float]()
        cleaned = self.store._tables.clean_up(
            lambda _: deleted_after.append(time.perf_counter() - began)
        )
        assert cleaned.sessions >= 100
        return deleted_after[0]


def measure_all(url: str) -> list[Result]:
    small, large = Visitors(url, "small"), Visitors(url, "large")

    def both(
        title: str, does: str, *, bound: str = "", rounds: int = 81, repeats: int = 9
    ) -> Result:
        cases = {"10 thousand entries": getattr(small, does), LARGE: getattr(large, does)}
        bounds = [Bound(f"{bound} at 10 million entries / at ten thousand", LARGE, 1.2)]
        return measure(title, cases, rounds=rounds, repeats=repeats, bounds=bounds if bound else ())

    with psycopg.connect(url, autocommit=True) as sql:
        sql.execute("CHECKPOINT")
        return [
            both("A page load of a visitor at work", "load", bound="page load"),
            both("A page load of a visitor who was away", "load_away", rounds=41),
            both("Their rows by a bare SELECT", "select_away", rounds=41),
            both("An unchanged run", "run_unchanged", bound="unchanged run"),
            both("A get by a job, without a cache", "get"),
            both("A set of a visitor at work, durable", "set", bound="hot `set`"),
            both(
                "The first set of a visitor, durable", "first_set", bound="first `set` of a visitor"
            ),
            cleaned(small, large, sql),
            busy(url, large, sql),
            *sizes(sql),
            *written(url, sql),
            *updated(large, sql),
            *vacuumed(sql),
        ]


LARGE = "10 million entries"


def cleaned(small: Visitors, large: Visitors, sql: psycopg.Connection[Any]) -> Result:
    """Cleanups in turn, each of which has a hundred expired sessions to delete."""
    seconds: dict[str, list[float]] = {"10 thousand entries": [], LARGE: []}
    for number in range(3 if is_quick() else 7):
        for name, visitors in zip(seconds, (small, large), strict=True):
            visitors.expire(sql)
            took = visitors.clean_up()
            if number:
                seconds[name].append(took)
    return Result(
        "A deletion of 100 expired sessions",
        {name: float(np.median(found)) for name, found in seconds.items()},
        lowest={name: min(found) for name, found in seconds.items()},
    )


def busy(url: str, large: Visitors, sql: psycopg.Connection[Any]) -> Result:
    """CPU time of the server for each call: what a capacity plan counts with."""
    sql.execute("DROP SCHEMA IF EXISTS plain CASCADE")
    plain = connect(url, schema="plain")
    plain.migrate()
    state, numbers = plain.state(plain.new_token()), itertools.count()

    def set_without_history() -> None:
        state[KEYS[0]] = value_of(next(numbers))

    calls = {
        "page load": large.load,
        "unchanged run": large.run_unchanged,
        "set, without history and encryption": set_without_history,
        "set": large.set,
        "first set of a visitor": large.first_set,
    }
    times = 300 if is_quick() else 2000
    found = {}
    for name, call in calls.items():
        before = _seconds_of_server(sql)
        for _ in range(times):
            call()
        found[name] = (_seconds_of_server(sql) - before) / times * 1e6
    return Result("CPU time of the server, history and encryption on", found, unit="µs")


def _seconds_of_server(sql: psycopg.Connection[Any]) -> float:
    """CPU time of all processes of this machine's server, in seconds."""
    row = sql.execute("SELECT pg_read_file('postmaster.pid')").fetchone()
    assert row
    main = psutil.Process(int(row[0].split()[0]))
    times = [process.cpu_times() for process in (main, *main.children())]
    return sum(each.user + each.system for each in times)


def sizes(sql: psycopg.Connection[Any]) -> list[Result]:
    """Bytes on disk of a session, and of an entry."""
    found: dict[str, float] = {}
    for table, words in zip(TABLES, ("a session", "an entry", "a version of it"), strict=True):
        row = sql.execute(
            "SELECT pg_relation_size(%(t)s) / greatest(reltuples, 1), pg_indexes_size(%(t)s)"
            " / greatest(reltuples, 1) FROM pg_class WHERE oid = %(t)s::regclass",
            {"t": f"large.{table}"},
        ).fetchone()
        assert row
        found[f"{words}: its row"], found[f"{words}: in indexes"] = map(float, row)
    return [Result("Bytes on disk, values of 80 characters, encrypted", found, unit="bytes")]


def written(url: str, sql: psycopg.Connection[Any]) -> list[Result]:
    """Bytes of the write-ahead log of a set."""

    def wal_of(work: Callable[[], object], times: int) -> float:
        """The median of some turns: autovacuum writes, too."""
        turns = []
        for _ in range(9):
            before = _lsn(sql)
            for _ in range(times):
                work()
            turns.append((_lsn(sql) - before) / times)
        return float(np.median(turns))

    def after_a_checkpoint(work: Callable[[], object]) -> float:
        sql.execute("CHECKPOINT")
        before = _lsn(sql)
        work()
        return float(_lsn(sql) - before)

    frame = mixed_frame(np.random.default_rng(1))
    numbers = itertools.count()
    found: dict[str, float] = {}
    with psycopg.connect(url, autocommit=True) as own:
        own.execute("DROP SCHEMA IF EXISTS plain CASCADE")
    ways = {"": connect(url, schema="plain"), ", history and encryption": opened(url, "small")}
    for words, store in ways.items():
        store.migrate()
        state = store.state(store.new_token())

        def small(state: Any = state) -> None:
            state[KEYS[0]] = value_of(next(numbers))

        def large(state: Any = state) -> None:
            frame.iloc[0, 0] = next(numbers)
            state["frame"] = frame

        for _ in range(20):
            small()
        found[f"a small set{words}"] = wal_of(small, 40)
        found[f"the first after a checkpoint{words}"] = after_a_checkpoint(small)
        large()
        found[f"a set of a changed frame{words}"] = wal_of(large, 1)
        found[f"the frame as encoded{words}"] = float(codecs.encode(frame, key="frame").size)
        store.close()
    with psycopg.connect(url, autocommit=True) as own:
        own.execute("DROP SCHEMA plain CASCADE")
    is_of_frame = {name: "frame" in name for name in found}
    return [
        Result(
            "Bytes of the write-ahead log of a small set",
            {name: number for name, number in found.items() if not is_of_frame[name]},
            unit="bytes",
        ),
        Result(
            "Bytes of the write-ahead log of a frame of 100,000 x 10",
            {name: number for name, number in found.items() if is_of_frame[name]},
            unit="bytes",
        ),
    ]


def _lsn(sql: psycopg.Connection[Any]) -> int:
    """How many bytes the write-ahead log has had."""
    row = sql.execute(
        "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
    ).fetchone()
    assert row
    return int(row[0])


def updated(large: Visitors, sql: psycopg.Connection[Any]) -> list[Result]:
    """An hour's worth of sets: the share of HOT updates, and what only a VACUUM can remove."""
    sets = 2_000 if is_quick() else MEASURED_SETS
    before = _changes(sql)
    for _ in range(sets):
        large.set()
    time.sleep(2)  # a backend reports its counts once a second
    after = _changes(sql)
    made = {
        table: [new - old for new, old in zip(after[table], before[table], strict=True)]
        for table in TABLES
    }
    shares = {
        f"updates of {table}": 100.0 * made[table][1] / max(1, made[table][0])
        for table in ("session", "entry")
    }
    left = {
        f"{table}: {words}": float(number)
        for table in TABLES
        for words, number in (
            ("rows that only a VACUUM removes", made[table][0] - made[table][1] + made[table][2]),
            ("rows at which autovacuum begins", 50 + 0.2 * after[table][3]),
        )
    }
    return [
        Result(f"Share of HOT updates in {sets:,} sets, history on", shares, unit="%"),
        Result(f"What {sets:,} sets leave to autovacuum", left, unit="rows"),
    ]


def _changes(sql: psycopg.Connection[Any]) -> dict[str, list[int]]:
    """By table: updates, HOT updates, deletions, live rows."""
    sql.execute("SELECT pg_stat_clear_snapshot()")
    rows = sql.execute(
        "SELECT relname, n_tup_upd, n_tup_hot_upd, n_tup_del, n_live_tup"
        " FROM pg_stat_user_tables WHERE schemaname = 'large'"
    )
    return {table: numbers for table, *numbers in rows}


def vacuumed(sql: psycopg.Connection[Any]) -> list[Result]:
    seconds = {}
    for table in TABLES:
        began = time.perf_counter()
        sql.execute(f"VACUUM large.{table}")
        seconds[f"VACUUM of {table}"] = time.perf_counter() - began
    return [Result("A VACUUM of the large tables after that", seconds, unit="seconds")]


def main(command: str) -> bool:
    if command == "drop":
        shutil.rmtree(FOLDER, ignore_errors=True)
        return True
    data = FOLDER / "data"
    if command == "build" or not (FOLDER / "large.json").exists():
        shutil.rmtree(FOLDER, ignore_errors=True)
        with started(data, **BUILDING) as url:
            build(url, "large", SESSIONS)
        os.sync()
    if command == "build":
        return True
    with started(data, **BUFFERS) as url:
        build(url, "small", SMALL_SESSIONS)
        return report("scale", measure_all(url))


if __name__ == "__main__":
    commands = ("build", "run", "drop")
    chosen = sys.argv[1] if len(sys.argv) > 1 else "run"
    if chosen not in commands:
        sys.exit(f"{chosen}? {', '.join(commands)}")
    sys.exit(0 if main(chosen) else 1)
