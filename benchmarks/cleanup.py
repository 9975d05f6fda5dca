"""How long writers wait while `pgstate gc` deletes a tenth of a million entries.

Bound: no writer waits for longer than 200 ms, and nothing live is gone. Run: python
benchmarks/cleanup.py, with PGSTATE_URL for an empty database of yours; else on a durable PostgreSQL
of its own, over TCP.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from harness import RESULTS
from server import server

from streamlit_pgstate import Store, connect

SESSIONS = 20_000
ENTRIES_OF_EACH = 50
WRITERS = 4
BOUND = 0.2
"""Seconds that a write may take."""
BEFORE = 15.0
"""Seconds of writing without a cleanup, to compare with."""

# A sixteenth of the sessions has expired, and so have two of the fifty entries of all others.
FILL = f"""
INSERT INTO pgstate.session (id, app, scope, version, token_hash, created_at, seen_at, expires_at,
    keys, bytes)
SELECT gen_random_uuid(), 'app', 'browser', 1, sha256(n::text::bytea), now(), now(),
    now() + CASE WHEN n % 16 = 0 THEN interval '-1 day' ELSE interval '30 days' END,
    {ENTRIES_OF_EACH}, {ENTRIES_OF_EACH} * 82
FROM generate_series(1, {SESSIONS}) AS n;
INSERT INTO pgstate.entry (session_id, key, version, kind, size, changed_at, expires_at, ttl, value)
SELECT s.id, 'key ' || n, 1, 'json', 82, now(),
    CASE WHEN n % 20 = 0 THEN now() - interval '1 hour' END, CASE WHEN n % 20 = 0 THEN 60 END,
    to_json(repeat('v', 80))
FROM pgstate.session s, generate_series(1, {ENTRIES_OF_EACH}) AS n;
ANALYZE pgstate.session; ANALYZE pgstate.entry;
"""
LIVE = """
SELECT count(*) FROM pgstate.entry e JOIN pgstate.session s ON s.id = e.session_id
WHERE s.expires_at > now() AND e.kind IS NOT NULL AND e.expires_at IS NULL"""
DEAD = """
SELECT count(*) FROM pgstate.entry e JOIN pgstate.session s ON s.id = e.session_id
WHERE s.expires_at <= now() OR e.expires_at <= now()"""


@dataclass(frozen=True)
class Waits:
    """How long the writes of one phase took, in seconds."""

    title: str
    seconds: list[float]
    lasted: float

    def __str__(self) -> str:
        percentiles = statistics.quantiles(self.seconds, n=1000)
        shown = [percentiles[499], percentiles[989], percentiles[998], max(self.seconds)]
        cells = " | ".join(f"{1000 * seconds:.1f} ms" for seconds in shown)
        return f"| {self.title} | {len(self.seconds) / self.lasted:,.0f} | {cells} |"


def written_during(
    title: str, sessions: list[str], store: Store, work: Callable[[], object]
) -> Waits:
    """Write to random sessions from several threads until `work` returns."""
    ends, found = threading.Event(), list[float]()

    def write(seed: int) -> None:
        chance, mine = random.Random(seed), list[float]()
        while not ends.is_set():
            state = store.state_of(chance.choice(sessions))
            state.keys()  # the load is no write
            began = time.perf_counter()
            state.set(f"key {chance.randrange(1, ENTRIES_OF_EACH + 1)}", chance.random())
            mine.append(time.perf_counter() - began)
        found.extend(mine)

    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(WRITERS)]
    began = time.perf_counter()
    for writer in writers:
        writer.start()
    try:
        work()
    finally:
        ends.set()
        for writer in writers:
            writer.join()
    return Waits(title, found, time.perf_counter() - began)


def main(url: str) -> bool:
    store = connect(url)
    store.migrate()
    with psycopg.connect(url, autocommit=True) as sql:
        sql.execute(FILL)
        live, dead = (count(sql, statement) for statement in (LIVE, DEAD))
        sessions = [
            str(row[0])
            for row in sql.execute("SELECT id FROM pgstate.session WHERE expires_at > now()")
        ]
        # The time is what is measured: so long the writers write alone.
        without = written_during("without", sessions, store, lambda: time.sleep(BEFORE))
        command = [sys.executable, "-m", "streamlit_pgstate.cli", "gc", "--url", url]
        during = written_during(
            "beside `pgstate gc`", sessions, store, lambda: subprocess.run(command, check=True)
        )
        left, still = count(sql, DEAD), count(sql, LIVE)
    rate = dead / during.lasted
    holds = max(during.seconds) <= BOUND and still >= live and not left
    text = "\n".join(
        [
            f"### {SESSIONS * ENTRIES_OF_EACH:,} entries, {dead:,} of them dead, {WRITERS} writers",
            "| cleaning up | writes a second | median | 99 % | 99.9 % | longest |",
            "|---|---|---|---|---|---|",
            str(without),
            str(during),
            "",
            f"Cleaned up in {during.lasted:.1f} s, {rate:,.0f} entries a second. Left: {left:,}. "
            f"Live before {live:,}, after {still:,}. "
            f"{'All bounds hold' if holds else 'A BOUND DOES NOT HOLD'}.",
        ]
    )
    print(text)
    (RESULTS / "cleanup.md").write_text(text + "\n")
    return holds


def count(sql: psycopg.Connection[tuple[int]], statement: str) -> int:
    row = sql.execute(statement).fetchone()  # type: ignore[call-overload]  # not a literal
    return int(row[0])


if __name__ == "__main__":
    with server() as url:
        sys.exit(0 if main(url) else 1)
