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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from _numbers import shown
from machine import load, machine

RESULTS = Path(__file__).parent / "results"
QUICK_ROUNDS = 3
RATED = ("s", "x")
"""Units whose numbers are compared with the first of a table: seconds, and what is a ratio already.
Sizes and counts are not."""


@dataclass(frozen=True)
class Bound:
    """What a table promises.

    Args:
        what: a phrase for a reader, such as «one small `set` / a bare upsert of the same bytes».
        case: the name of a case of the table.
        at_most: the highest ratio to `base`; the highest value itself if `base` is "".
        base: the name of another case. None: the first one of the table.
    """

    what: str
    case: str
    at_most: float
    base: str | None = None


@dataclass(frozen=True)
class Result:
    """One table: seconds by case, the first case being the base of the ratios.

    Args:
        title: of the table.
        seconds: by case; or numbers of another `unit`.
        bounds: what the table promises.
        peers: the cases that are not ours. The plot has them in grey.
        floor: the case that nothing could be faster than. The plot has it as a line. None: the
            first case.
        unit: "s"; "x" for numbers that are ratios; or a word such as "bytes", which the tables show
            after each number.
        lowest: the lowest seconds by case. They tell more than medians on a machine that has
            other work to do.
    """

    title: str
    seconds: Mapping[str, float]
    bounds: Sequence[Bound] = ()
    peers: Sequence[str] = ()
    floor: str | None = None
    unit: str = "s"
    lowest: Mapping[str, float] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return next(iter(self.seconds))

    def ratio(self, case: str, base: str | None = None) -> float:
        return self.seconds[case] / self.seconds[base or self.base]

    def reached(self, bound: Bound) -> float:
        """Return what `bound` is compared with: a ratio, or the value itself."""
        return _reached(bound, self.seconds, self.base)

    def reached_at_best(self, bound: Bound) -> float | None:
        """As `reached`, of the lowest times: what a machine without other work would show."""
        return _reached(bound, self.lowest, self.base) if self.lowest else None

    def holds(self, bound: Bound) -> bool:
        return self.reached(bound) <= bound.at_most

    def __str__(self) -> str:
        has_ratios = self.unit in RATED
        rows = [
            f"| {case} | {shown(number, self.unit)} |"
            + (f" {self.ratio(case):.2f}x |" if has_ratios else "")
            for case, number in self.seconds.items()
        ]
        head = "| case | median | ratio |" if has_ratios else "| case | |"
        return "\n".join(
            [f"### {self.title}", head, "|---|---|---|" if has_ratios else "|---|---|", *rows]
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "unit": self.unit,
            "cases": dict(self.seconds),
            "lowest": dict(self.lowest),
            "peers": list(self.peers),
            "floor": self.floor,
            "bounds": [
                {
                    "what": bound.what,
                    "case": bound.case,
                    "base": self.base if bound.base is None else bound.base,
                    "at_most": bound.at_most,
                    "reached": self.reached(bound),
                    "at_best": self.reached_at_best(bound),
                }
                for bound in self.bounds
            ],
        }


def _reached(bound: Bound, numbers: Mapping[str, float], first: str) -> float:
    if bound.base == "":
        return numbers[bound.case]
    return numbers[bound.case] / numbers[bound.base or first]


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
