"""Cases run in turn, A B C then C B A, so that a drift of the machine meets them all alike.

The figure of a case is the median of the medians of its rounds; what counts is its ratio to
the base, in the same process at the same time.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Result:
    """One table: seconds by case, the first case being the base of the ratios."""

    title: str
    seconds: Mapping[str, float]

    def ratio(self, case: str) -> float:
        return self.seconds[case] / next(iter(self.seconds.values()))

    def __str__(self) -> str:
        rows = [
            f"| {case} | {_shown(seconds)} | {self.ratio(case):.2f}x |"
            for case, seconds in self.seconds.items()
        ]
        return "\n".join([f"### {self.title}", "| case | median | ratio |", "|---|---|---|", *rows])


def measure(
    title: str, cases: Mapping[str, Callable[[], object]], *, rounds: int = 9, repeats: int = 150
) -> Result:
    """Run the cases in turn.

    Args:
        title: of the table.
        cases: by name; the first is the base.
        rounds: how often it is each case's turn, after one round to warm up.
        repeats: calls in a turn.
    """
    medians: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        order = list(cases) if number % 2 else list(reversed(cases))
        for name in order:
            median = _median_of(cases[name], repeats)
            if number:
                medians[name].append(median)
    return Result(title, {name: statistics.median(found) for name, found in medians.items()})


def _median_of(case: Callable[[], object], repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        case()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def report(name: str, results: list[Result]) -> None:
    """Print the tables, and keep them with a plot under ``results/``."""
    text = "\n\n".join(map(str, results))
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text + "\n")
    _plot(results, RESULTS / f"{name}.png")


def _plot(results: list[Result], picture: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(len(results), squeeze=False, figsize=(8, 2.2 * len(results)))
    for axis, result in zip(axes[:, 0], results, strict=True):
        names = list(result.seconds)[::-1]
        bars = axis.barh(names, [result.ratio(name) for name in names])
        axis.bar_label(bars, fmt="%.2fx", padding=3)
        axis.set_title(result.title, loc="left", fontsize=10)
        axis.margins(x=0.12)
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(picture, dpi=120)


def _shown(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"
