"""A large value that is read again: `get` beside `pickle.loads`, and the memory of 100 tabs.

1. `get` of a mixed frame of 100,000 x 10 by a state that has read it before. Beside it what an app
   would do that keeps the pickled bytes, what pandas copies, and `get` without a cache.
   Once results are dropped at once, as most scripts do, and once they are kept, where each copy
   needs new memory.
2. By how much a process grows in which 100 tabs read a frame of 50 MB from ``scope("app")`` and
   drop it: one after the other, and eight at a time.

Bounds: `get` again at most 0.25 of `pickle.loads`; growth at most 250 MB. Run: python
benchmarks/cache.py, with PGSTATE_URL for a server of yours; else on a durable PostgreSQL of its
own, over TCP.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import psutil
from _frames import mixed_frame
from harness import RESULTS, Result, measure, report
from server import server

from streamlit_pgstate import State, Store, connect, metrics
from streamlit_pgstate.postgres.rows import SessionRef
from streamlit_pgstate.postgres.token import session_of_app
from streamlit_pgstate.state.session import Session
from streamlit_pgstate.state.surroundings import Surroundings

RANDOM = np.random.default_rng(1)
MB = 1_000_000
TABS = 100
AT_ONCE = 8
KEPT = 20


def with_objects(frame: pd.DataFrame) -> pd.DataFrame:
    """The same frame with its texts as pandas 2 has them."""
    return frame.astype({"city": object, "name": object})


# --- get again ------------------------------------------------------------------------------


def again(url: str, name: str, frame: pd.DataFrame) -> list[Result]:
    cached, uncached = connect(url), connect(url, cache_bytes=0)
    cached.migrate()
    token = cached.new_token()
    state, other = cached.state(token), uncached.state(token)
    state["frame"] = frame
    pickled, held = pickle.dumps(frame, 5), state["frame"]
    other.refresh()
    cases: dict[str, Callable[[], Any]] = {
        # Of what this process has written: pickle from anybody else may run any code.
        "pickle.loads": lambda: pickle.loads(pickled),
        "DataFrame.copy, not deep": held.copy,
        "get again": lambda: state["frame"],
    }
    dropped = measure(f"{name}, results dropped", cases, repeats=15)
    without = measure(
        f"{name}, without a cache",
        {"get again": cases["get again"], "cache_bytes=0": lambda: other["frame"]},
        repeats=5,
    )
    kept = measure(
        f"{name}, last {KEPT} results kept",
        {case: keeping(function) for case, function in cases.items()},
        repeats=15,
    )
    cached.close()
    uncached.close()
    return [dropped, kept, without]


def keeping(function: Callable[[], Any]) -> Callable[[], None]:
    results: deque[Any] = deque(maxlen=KEPT)
    return lambda: results.append(function())


# --- the memory of many tabs -------------------------------------------------------------------


def tab(store: Store) -> State:
    """The state of ``scope("app")``, as a page opens it."""
    ref = SessionRef(session_of_app(store.settings.app), scope="app")
    return State(Session(store._tables, ref, surroundings=Surroundings()))


def tabs(url: str, at_once: int) -> None:
    """Run in a process of its own: the tabs read the frame, three runs each, and drop it."""
    store = connect(url)
    store.health()
    process, ends, sizes = psutil.Process(), threading.Event(), [0]

    def watch() -> None:
        while not ends.wait(0.002):
            sizes.append(process.memory_info().rss)

    before = process.memory_info().rss
    watcher = threading.Thread(target=watch)
    watcher.start()
    states = [tab(store) for _ in range(TABS)]

    def run(state: State) -> None:
        state.refresh()
        assert len(state["frame"]) > 0

    for _ in range(3):
        with ThreadPoolExecutor(at_once) as threads:
            list(threads.map(run, states))
    ends.set()
    watcher.join()
    after, found = process.memory_info().rss, metrics()
    print(
        json.dumps(
            {
                "tabs at once": at_once,
                "grown by (MB)": round((after - before) / MB),
                "at its peak (MB)": round((max(sizes) - before) / MB),
                "read": found.bodies_cache.misses,
                "decoded": found.values_cache.misses,
                "kept (MB)": round(found.cache_bytes / MB),
            }
        )
    )


def memory(url: str) -> str:
    store = connect(url)
    store.migrate()
    rows = 50 * MB // 80
    frame = pd.DataFrame({f"column {n}": RANDOM.random(rows) for n in range(10)})
    tab(store)["frame"] = frame
    store.close()
    lines = []
    for at_once in (1, AT_ONCE):
        command = [sys.executable, __file__, "tabs", url, str(at_once)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        lines.append(json.loads(done.stdout))
    names = list(lines[0])
    table = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    table += [f"| {' | '.join(str(line[name]) for name in names)} |" for line in lines]
    title = f'### {TABS} tabs read a frame of 50 MB from scope("app"), three runs each'
    return "\n".join([title, *table])


def main(url: str) -> None:
    frame = mixed_frame(RANDOM)
    results = [
        *again(url, "A mixed frame", frame),
        *again(url, "Texts as objects", with_objects(frame)),
    ]
    report("cache", results)
    text = memory(url)
    print(f"\n{text}")
    with (RESULTS / "cache.md").open("a") as file:
        file.write(f"\n{text}\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["tabs"]:
        tabs(sys.argv[2], int(sys.argv[3]))
    else:
        with server() as url:
            main(url)
