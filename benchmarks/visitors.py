"""200 visitors at one server process, ten runs a second in sum: without us and with us.

Each visitor has a tab that is open all the time, over a real WebSocket, and types into one of
twenty text inputs now and then. All tabs are opened at once, as after a restart of the server.
Bounds: no error, a p95 not above that of the same app without us, and at most `CONNECTIONS`
connections. Run: python benchmarks/visitors.py, with PGSTATE_URL for a server of yours; else on one
of its own. VISITORS, RATE and SECONDS in the environment make it another load.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import statistics
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import psycopg
from _live_server import LiveServer
from _websocket_client import Tab
from harness import Bound, Result, is_quick, report
from server import server as postgresql

from streamlit_pgstate.settings import Settings

VISITORS = int(os.environ.get("VISITORS", 200))
RATE = float(os.environ.get("RATE", 10))
"""Runs that all visitors together start a second."""
SECONDS = float(os.environ.get("SECONDS", 10 if is_quick() else 60))
WITH_US = "with us"
CONNECTIONS = Settings().pool_size
"""How many one process may open."""


@dataclass
class Seen:
    """What the visitors of one server have seen."""

    took: list[float] = field(default_factory=list)
    """Seconds of each run."""
    first: list[float] = field(default_factory=list)
    """Seconds of each tab's first run, all of which begin at once."""
    errors: list[str] = field(default_factory=list)
    connections: int = 0
    """The most that were open at a time."""
    before: int = 0
    memory: int = 0
    """Resident bytes of the server, before the visitors come and at their end."""
    cpu: float = 0.0
    """CPU seconds of the server for one run."""

    def percentile(self, percent: int) -> float:
        return statistics.quantiles(self.took, n=100)[percent - 1]


async def visit(server: LiveServer, url: str) -> Seen:
    seen = Seen(before=server.memory())
    async with contextlib.AsyncExitStack() as stack:
        tabs = [await stack.enter_async_context(Tab(server.port)) for _ in range(VISITORS)]
        seen.first = await asyncio.gather(*[tab.run() for tab in tabs])
        watch = asyncio.create_task(_watch(url, seen))
        before = server.cpu_seconds()
        seen.took = await _type(tabs)
        seen.cpu = (server.cpu_seconds() - before) / len(seen.took)
        seen.memory = server.memory()
        watch.cancel()
        seen.errors = [error for tab in tabs for error in tab.errors]
    return seen


async def _type(tabs: list[Tab]) -> list[float]:
    """Start runs at random moments. A visitor whose last run goes on starts none."""
    chance, idle = random.Random(13), list(tabs)
    took: list[float] = []

    async def one(tab: Tab, number: int) -> None:
        took.append(await tab.run({f"widget {number % 20}": f"text {number}"}))
        idle.append(tab)

    async with asyncio.TaskGroup() as group:
        async for number in _moments(chance):
            if idle:
                tab = idle.pop(chance.randrange(len(idle)))
                group.create_task(one(tab, number))
    return took


async def _moments(chance: random.Random) -> AsyncIterator[int]:
    """Some moments of `SECONDS`, as of people who know nothing of each other."""
    loop = asyncio.get_running_loop()
    at = loop.time()
    end, number = at + SECONDS, 0
    while at < end:
        at += chance.expovariate(RATE)
        await asyncio.sleep(max(0, at - loop.time()))
        yield number
        number += 1


async def _watch(url: str, seen: Seen) -> None:
    """Count the connections to the database, other than this one."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as sql:
        while True:
            cursor = await sql.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            row = await cursor.fetchone()
            seen.connections = max(seen.connections, row[0] if row else 0)
            await asyncio.sleep(0.2)


def servers(url: str) -> dict[str, LiveServer]:
    return {
        "without us": LiveServer(),
        WITH_US: LiveServer(url=url),
        "with us, gc_freeze off": LiveServer(url=url, environment={"PGSTATE_GC_FREEZE": "false"}),
    }


def tables(found: dict[str, Seen]) -> list[Result]:
    load = f"{VISITORS} visitors, {RATE:g} runs a second"
    runs = [
        Result(
            f"{load}: {percent} % of the runs take at most",
            {name: seen.percentile(percent) for name, seen in found.items()},
            bounds=[Bound(f"p95 of a run of {load}, with us / without us", WITH_US, 1.0)]
            if percent == 95
            else [],
        )
        for percent in (50, 95, 99)
    ]
    return [
        *runs,
        Result(
            f"{load}: the last of the first runs, which begin at once",
            {name: max(seen.first) for name, seen in found.items()},
        ),
        Result(f"{load}: CPU time of a run", {name: seen.cpu for name, seen in found.items()}),
        Result(
            f"{load}: errors",
            {name: len(seen.errors) for name, seen in found.items()},
            unit="errors",
            bounds=[Bound(f"errors of {load}", WITH_US, 0, base="")],
        ),
        Result(
            f"{load}: connections",
            {name: seen.connections for name, seen in found.items()},
            unit="connections",
            bounds=[Bound(f"connections of {load}: `pool_size`", WITH_US, CONNECTIONS, base="")],
        ),
        Result(
            f"{load}: resident memory that came with them",
            {name: (seen.memory - seen.before) / 2**20 for name, seen in found.items()},
            unit="MiB",
        ),
    ]


def main(url: str) -> bool:
    found = {}
    for name, server in servers(url).items():
        with server:  # one at a time: two servers would share the cores
            found[name] = asyncio.run(visit(server, url))
    return report("visitors", tables(found))


if __name__ == "__main__":
    with postgresql() as url:
        sys.exit(0 if main(url) else 1)
