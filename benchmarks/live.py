"""What one live rerun costs, over a real WebSocket, without us and with us.

Each case is a Streamlit server of its own; all are asked in turn. One rerun: a visitor changes one
of the text inputs, and the last message of the run arrives. Bound: twenty persisted widgets take at
most 0.6 of the time of the same app without us. Run: python benchmarks/live.py, with PGSTATE_URL
for a server of yours; else on one of its own, which is durable.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
from collections.abc import Mapping

from _live_server import LiveServer
from _websocket_client import Tab
from harness import QUICK_ROUNDS, Bound, Result, is_quick, report
from server import server as postgresql

ROUNDS = QUICK_ROUNDS if is_quick() else 9
RUNS = 20
"""In each round of each case."""
PERSISTED = "persisted"
BOUND = Bound("a live rerun with 20 persisted widgets / the same app without us", PERSISTED, 0.6)
WITHOUT_GC = ("--runner.postScriptGC=false",)


def servers(url: str) -> Mapping[str, Mapping[str, LiveServer]]:
    """By table, and in it by case. The first case of a table is its base."""
    off = {"PGSTATE_GC_FREEZE": "false"}
    return {
        "A live rerun with 20 widgets": {
            "without us": LiveServer(),
            PERSISTED: LiveServer(url=url),
            "persisted, gc_freeze off": LiveServer(url=url, environment=off),
            "without us, postScriptGC off": LiveServer(options=WITHOUT_GC),
            "persisted, postScriptGC off": LiveServer(url=url, options=WITHOUT_GC),
        },
        "A live rerun without widgets": {
            "without us": LiveServer(widgets=0),
            "persist()": LiveServer(widgets=0, url=url),
        },
        "A live rerun with 200 widgets": {
            "without us": LiveServer(widgets=200),
            "persisted": LiveServer(widgets=200, url=url),
        },
    }


async def measured(title: str, servers: Mapping[str, LiveServer]) -> tuple[Result, Result]:
    """Medians of the rounds' medians; and CPU seconds of the server for one rerun."""
    medians: dict[str, list[float]] = {name: [] for name in servers}
    cpu: dict[str, list[float]] = {name: [] for name in servers}
    async with contextlib.AsyncExitStack() as stack:
        tabs = {
            name: await stack.enter_async_context(Tab(server.port))
            for name, server in servers.items()
        }
        for tab in tabs.values():
            await tab.run()
        for number in range(ROUNDS + 1):
            for name in list(servers) if number % 2 else reversed(servers):
                before = servers[name].cpu_seconds()
                took = [await _rerun(tabs[name], f"{number} {run}") for run in range(RUNS)]
                if number:  # the first round warms up
                    medians[name].append(statistics.median(took))
                    cpu[name].append((servers[name].cpu_seconds() - before) / RUNS)
        errors = [error for tab in tabs.values() for error in tab.errors]
        assert not errors, errors
    return (
        Result(
            title,
            {name: statistics.median(of) for name, of in medians.items()},
            bounds=[BOUND] if PERSISTED in servers and len(servers) > 2 else [],
        ),
        Result(f"{title}: CPU", {name: statistics.median(of) for name, of in cpu.items()}),
    )


async def _rerun(tab: Tab, text: str) -> float:
    return await tab.run({"widget 0": text} if tab.labels else None)


def main(url: str) -> bool:
    results = []
    for title, cases in servers(url).items():
        with contextlib.ExitStack() as stack:
            for server in cases.values():
                stack.enter_context(server)
            results += asyncio.run(measured(title, cases))
    return report("live", results)


if __name__ == "__main__":
    with postgresql() as url:
        sys.exit(0 if main(url) else 1)
