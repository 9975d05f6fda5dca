"""Cases run in turn, A B C then C B A, so that a drift of the machine meets them all alike.

The figure of a case is the median of the medians of its rounds; what counts is its ratio to
the base, in the same process at the same time. `report` keeps the tables as Markdown to read, as
JSON for docs/performance.py, and as a plot.

With BENCH_QUICK=1 each case has its turn three times only: to see that all works.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from _result import Bound, Result
from machine import load, machine

__all__ = ["QUICK_ROUNDS", "RESULTS", "Bound", "Result", "is_quick", "measure", "report"]

RESULTS = Path(__file__).parent / "results"
QUICK_ROUNDS = 3


def measure(
    title: str,
    cases: Mapping[str, Callable[[], object]],
    *,
    rounds: int = 9,
    repeats: int = 150,
    bounds: Sequence[Bound] = (),
    peers: Sequence[str] = (),
    floor: str | None = None,
) -> Result:
    """Run the cases in turn.

    Args:
        title: of the table.
        cases: by name; the first is the base.
        rounds: how often it is each case's turn, after one round to warm up.
        repeats: calls in a turn.
        bounds, peers, floor: as of the `Result`.
    """
    rounds = min(rounds, QUICK_ROUNDS) if is_quick() else rounds
    medians: dict[str, list[float]] = {name: [] for name in cases}
    lowest = dict.fromkeys(cases, float("inf"))
    for number in range(rounds + 1):
        order = list(cases) if number % 2 else list(reversed(cases))
        for name in order:
            seconds = _seconds_of(cases[name], repeats)
            if number:
                medians[name].append(statistics.median(seconds))
                lowest[name] = min(lowest[name], *seconds)
    return Result(
        title,
        {name: statistics.median(found) for name, found in medians.items()},
        bounds=bounds,
        peers=peers,
        floor=floor,
        lowest=lowest,
    )


def is_quick() -> bool:
    return bool(os.environ.get("BENCH_QUICK"))


def _seconds_of(case: Callable[[], object], repeats: int) -> list[float]:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        case()
        seconds.append(time.perf_counter() - start)
    return seconds


def report(name: str, results: Sequence[Result]) -> bool:
    """Print the tables, and keep them under ``results/`` as Markdown, as JSON and as a plot.

    Returns:
        Whether all bounds hold.
    """
    text = "\n\n".join(map(str, results))
    print(text)
    pairs = [(result, bound) for result in results for bound in result.bounds]
    for result, bound in pairs:
        verdict = "held" if result.holds(bound) else "NOT HELD"
        at_best = result.reached_at_best(bound)
        lowest = f" ({at_best:.3g} by the lowest times)" if at_best else ""
        reached = f"{result.reached(bound):.3g}{lowest}"
        print(f"{verdict}: {bound.what}: {reached}, bound {bound.at_most:g}")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text + "\n", encoding="utf-8")
    kept = {
        "name": name,
        "machine": machine(),
        "load": load(),
        "quick": is_quick(),
        "results": [result.as_json() for result in results],
    }
    lines = json.dumps(kept, indent=1, ensure_ascii=False)
    (RESULTS / f"{name}.json").write_text(lines + "\n", encoding="utf-8")
    from plot import plot  # matplotlib takes a second, and a caller has measured before

    plot(results, RESULTS / f"{name}.png", _question(name))
    return all(result.holds(bound) for result, bound in pairs)


def _question(name: str) -> str:
    """The first sentence of the benchmark's docstring, which is what its picture is about."""
    words = sys.modules["__main__"].__doc__ or name
    return words.partition("\n\n")[0].replace("\n", " ").rstrip(".")
