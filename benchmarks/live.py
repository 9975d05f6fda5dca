"""What one live rerun costs, over a real WebSocket, without us and with us.

Each case is a Streamlit server of its own; all are asked in turn. One rerun: a visitor changes one
of the text inputs, and the last message of the run arrives. Bound: twenty persisted widgets take at
most 0.6 of the time of the same app without us. Run: python benchmarks/live.py, with PGSTATE_URL
for a server of yours; else on the embedded PostgreSQL, which is durable.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from _live_server import LiveServer
from _websocket_client import Tab
from harness import Result, report

from streamlit_pgstate.postgres import embedded

ROUNDS = 9
RUNS = 20
"""In each round of each case."""
BOUND = 0.6
WITHOUT_GC = ("--runner.postScriptGC=false",)


def servers(url: str) -> Mapping[str, LiveServer]:
    return {
        "20 widgets, without us": LiveServer(),
        "20 persisted widgets": LiveServer(url=url),
        "20 persisted, gc_freeze off": LiveServer(
            url=url, environment={"PGSTATE_GC_FREEZE": "false"}
        ),
        "20 widgets, without us, no GC": LiveServer(options=WITHOUT_GC),
        "20 persisted, no GC": LiveServer(url=url, options=WITHOUT_GC),
        "no widgets, without us": LiveServer(widgets=0),
        "no widgets, persist()": LiveServer(widgets=0, url=url),
        "200 widgets, without us": LiveServer(widgets=200),
        "200 persisted widgets": LiveServer(widgets=200, url=url),
    }


async def measured(servers: Mapping[str, LiveServer]) -> tuple[Result, Result]:
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
        Result("A live rerun", {name: statistics.median(of) for name, of in medians.items()}),
        Result(
            "CPU of the server for it", {name: statistics.median(of) for name, of in cpu.items()}
        ),
    )


async def _rerun(tab: Tab, text: str) -> float:
    return await tab.run({"widget 0": text} if tab.labels else None)


def main(url: str) -> bool:
    with contextlib.ExitStack() as stack:
        started = {name: stack.enter_context(server) for name, server in servers(url).items()}
        results = asyncio.run(measured(started))
    report("live", list(results))
    return results[0].ratio("20 persisted widgets") <= BOUND


if __name__ == "__main__":
    given = os.environ.get("PGSTATE_URL")
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(0 if main(given or embedded.start(Path(folder) / ".pgstate")) else 1)
