"""How much CPU each small call takes: in the process of the app, and in that of the server.

page_load.py measures how long the same calls take. That needs a machine with nothing else to do;
CPU time says the same of one that is busy, and which of the two sides has it. A run of a script has
a record of what it has read, so the case of a run makes one, too.

Run: python benchmarks/hot_paths.py, with PGSTATE_URL for a server of yours; else on a durable
PostgreSQL of its own, over TCP. The CPU of a server is read from /proc, so it is shown on Linux, of
a server beside us.
"""

from __future__ import annotations

import itertools
import statistics
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import psycopg
from harness import Result, report
from server import server

from streamlit_pgstate import connect
from streamlit_pgstate.state import accesses
from streamlit_pgstate.state.accesses import Accesses

VALUE = "v" * 80
NAMES = [f"widget {number}" for number in range(20)]
UPSERT = (
    "INSERT INTO bare_upsert VALUES (%s, %s, %s)"
    " ON CONFLICT (id, key) DO UPDATE SET value = excluded.value"
)
ROUNDS, REPEATS = 25, 60


def main(url: str) -> None:
    store = connect(url)
    store.migrate()
    token = store.new_token()
    state, other = store.state(token), store.state(store.new_token())
    state.update(dict.fromkeys(NAMES, VALUE))
    other.set("number", 0)
    bare = psycopg.connect(url, autocommit=True)
    bare.execute("DROP TABLE IF EXISTS bare_upsert")
    bare.execute("CREATE TABLE bare_upsert (id uuid, key text, value json, PRIMARY KEY (id, key))")
    row, numbers = uuid.uuid4(), itertools.count()
    [(ours,)] = store._tables._database.query("SELECT pg_backend_pid()", {})

    def load() -> list[object]:
        loaded = store.state(token)
        return [loaded.get(name) for name in NAMES]

    def job() -> list[object]:
        state.refresh()
        return [state.get(name) for name in NAMES]

    def run() -> list[object]:
        accesses.record_in(Accesses())
        return job()

    cases: dict[str, Callable[[], object]] = {
        "one bare SELECT 1": lambda: bare.execute("SELECT 1").fetchone(),
        "refresh": state.refresh,
        "refresh and twenty gets in a job": job,
        "refresh and twenty gets in a run": run,
        "a page load of twenty values": load,
        "one bare upsert": lambda: bare.execute(
            UPSERT, (row, NAMES[0], f'"{VALUE}{next(numbers):08d}"')
        ),
        "set": lambda: state.set(NAMES[0], f"{VALUE}{next(numbers):08d}"),
        "modify": lambda: other.modify("number", lambda number: number + 1),
    }
    app, server = measured(cases, [bare.info.backend_pid, ours])
    results = [Result("CPU time of the app", app)]
    if server:
        results.append(Result("CPU time of the server", server))
    bare.execute("DROP TABLE bare_upsert")
    report("hot_paths", results)


def measured(
    cases: dict[str, Callable[[], object]], backends: list[int]
) -> tuple[dict[str, float], dict[str, float]]:
    """Run the cases in turn. Return the CPU seconds of one call, of the app and of the server.

    The lower quartile of the rounds: whoever else runs on the machine can only add to a call.
    """
    app: dict[str, list[float]] = {name: [] for name in cases}
    server: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(ROUNDS + 1):
        for name, case in cases.items():
            accesses.record_in(None)  # type: ignore[arg-type]  # as in a thread without a run
            theirs, ours = cpu_of(backends), time.process_time()
            for _ in range(REPEATS):
                case()
            if number:  # the first round prepares the statements
                app[name].append((time.process_time() - ours) / REPEATS)
                server[name].append((cpu_of(backends) - theirs) / REPEATS)
    return lower_quartile(app), lower_quartile(server) if cpu_of(backends) else {}


def cpu_of(processes: list[int]) -> float:
    """The CPU seconds that these processes have used; 0 where that cannot be read."""
    files = [Path(f"/proc/{process}/schedstat") for process in processes]
    if not all(file.exists() for file in files):
        return 0.0
    return sum(int(file.read_text().split()[0]) for file in files) / 1e9


def lower_quartile(found: dict[str, list[float]]) -> dict[str, float]:
    return {name: statistics.quantiles(seconds, n=4)[0] for name, seconds in found.items()}


if __name__ == "__main__":
    with server() as url:
        main(url)
