"""What a user would pick instead: small values, a page load and a frame, each beside its floor.

Eight other ways to keep the state of a visitor, each as its documentation shows it. Those that are
not installed are left out, and named. Run: python benchmarks/peers.py, with PGSTATE_URL for a
server of yours; else on a durable PostgreSQL of its own, over TCP.
"""

from __future__ import annotations

import itertools
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import psycopg
from _arrow import arrow_bytes
from _frames import mixed_frame
from _peers import NAMES, Peer, peers, text_of
from harness import Result, measure, report
from server import FOLDER, server

from streamlit_pgstate import connect

OURS = "streamlit-pgstate"
OURS_AT_FIRST = f"{OURS}, first read of a process"


class Pgstate:
    """Ours. A `get` asks the database first whether anything has changed, as each run does."""

    def __init__(self, url: str) -> None:
        self._store = connect(url)
        self._store.migrate()
        self._at_first = connect(url, cache_bytes=0)
        self._token = self._store.new_token()
        self._state = self._store.state(self._token)
        self._state.update(dict.fromkeys(NAMES, text_of(0)))

    def set_small(self, number: int) -> None:
        self._state.set(NAMES[0], text_of(number))

    def get_small(self) -> object:
        self._state.refresh()
        return self._state[NAMES[0]]

    def load(self) -> list[Any]:
        state = self._store.state(self._token)
        return [state[name] for name in NAMES]

    def set_frame(self, frame: Any) -> None:
        self._state["frame"] = frame

    def get_frame(self) -> Any:
        return self._store.state(self._token)["frame"]

    def get_frame_at_first(self) -> Any:
        return self._at_first.state(self._token)["frame"]


class Floor:
    """psycopg alone, on one open connection: the least that a PostgreSQL can do."""

    def __init__(self, url: str) -> None:
        self._sql = psycopg.connect(url, autocommit=True)
        self._sql.execute("DROP TABLE IF EXISTS floor_small, floor_large")
        self._sql.execute("CREATE TABLE floor_small (key text PRIMARY KEY, value json)")
        self._sql.execute("CREATE TABLE floor_large (key text PRIMARY KEY, value bytea)")
        self._sql.execute("ALTER TABLE floor_large ALTER value SET STORAGE external")
        for name in NAMES:
            self._put(name, 0)

    def _put(self, name: str, number: int) -> None:
        self._sql.execute(
            "INSERT INTO floor_small VALUES (%s, %s)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (name, json.dumps(text_of(number))),
        )

    def set_small(self, number: int) -> None:
        self._put(NAMES[0], number)

    def get_small(self) -> object:
        return self._sql.execute(
            "SELECT value FROM floor_small WHERE key = %s", (NAMES[0],)
        ).fetchone()

    def load(self) -> list[Any]:
        return self._sql.execute("SELECT key, value FROM floor_small").fetchall()

    def set_frame(self, frame: Any) -> None:
        self._sql.execute(
            "INSERT INTO floor_large VALUES ('frame', %b)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (arrow_bytes(frame),),
        )

    def get_frame(self) -> Any:
        cursor = self._sql.cursor(binary=True)
        return cursor.execute("SELECT value FROM floor_large").fetchone()


def main(url: str, folder: Path) -> bool:
    with peers(url, folder) as (found, missing):
        ours = Pgstate(url)
        every: dict[str, Peer] = {"bare psycopg": Floor(url), OURS: ours, **found}
        frame = mixed_frame(np.random.default_rng(1))
        numbers = itertools.count()

        def set_frame(peer: Peer) -> None:
            frame.iloc[0, 0] = next(numbers)
            peer.set_frame(frame)

        results = [
            _compared(
                "How long it takes to set a small value, durably",
                every,
                lambda peer: peer.set_small(next(numbers)),
                rounds=7,
                repeats=20,
            ),
            _compared(
                "How long it takes to read a small value as it is now",
                every,
                lambda peer: peer.get_small(),
                rounds=7,
                repeats=40,
            ),
            _compared(
                "How long it takes to load twenty values for a page",
                every,
                lambda peer: peer.load(),
                rounds=7,
                repeats=20,
            ),
            _compared(
                "How long it takes to set a frame of 100,000 x 10, durably",
                every,
                set_frame,
                rounds=5,
                repeats=1,
            ),
            _compared(
                "How long it takes to read a frame of 100,000 x 10",
                every,
                lambda peer: peer.get_frame(),
                rounds=5,
                repeats=1,
                more={OURS_AT_FIRST: ours.get_frame_at_first},
            ),
        ]
        holds = report("peers", results)
        if missing:
            print(f"Left out, as not installed: {', '.join(missing)}")
        return holds


def _compared(
    title: str,
    every: dict[str, Peer],
    does: Callable[[Peer], object],
    *,
    rounds: int,
    repeats: int,
    more: Mapping[str, Callable[[], object]] = MappingProxyType({}),
) -> Result:
    others = [name for name in every if name not in ("bare psycopg", OURS)]
    cases = {name: lambda peer=peer: does(peer) for name, peer in every.items()}
    return measure(title, {**cases, **more}, rounds=rounds, repeats=repeats, peers=others)


if __name__ == "__main__":
    held = Path(tempfile.mkdtemp(prefix="pgstate-peers-", dir=FOLDER))
    try:
        with server() as url:
            sys.exit(0 if main(url, held) else 1)
    finally:
        shutil.rmtree(held, ignore_errors=True)
