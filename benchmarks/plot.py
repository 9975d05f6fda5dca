"""Draws the tables: bars by length, ours in one colour, peers in grey, the floor as a line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import harness
import matplotlib
from matplotlib import pyplot

if TYPE_CHECKING:
    from harness import Result

matplotlib.use("Agg")

OURS, PEERS, FLOOR, BOUND = "#d6453d", "#b8bcc4", "#222222", "#d6453d"
LOG_FROM = 12.0
"""From this ratio of the longest to the shortest bar on the axis is logarithmic."""
HEIGHT_OF_BAR, HEIGHT_OF_TABLE, WIDTH = 0.34, 1.35, 8.6
"""Inches."""


def plot(results: Sequence[Result], picture: Path) -> None:
    """Draw one chart for each table, below each other."""
    heights = [HEIGHT_OF_TABLE + HEIGHT_OF_BAR * len(result.seconds) for result in results]
    figure, axes = pyplot.subplots(
        len(results),
        squeeze=False,
        figsize=(WIDTH, sum(heights)),
        height_ratios=heights,
        layout="constrained",
    )
    for axis, result in zip(axes[:, 0], results, strict=True):
        _draw(axis, result)
    figure.savefig(picture, dpi=110)
    pyplot.close(figure)


def _draw(axis: Any, result: Result) -> None:
    floor = result.floor or result.base
    names = [name for name in result.seconds if name != floor or len(result.seconds) == 1]
    names.sort(key=lambda name: -result.seconds[name])
    numbers = [result.seconds[name] for name in names]
    colours = [PEERS if name in result.peers else OURS for name in names]
    bars = axis.barh(names, numbers, color=colours, height=0.72)
    labels = [
        f"{harness.shown(number, result.unit)}   {result.ratio(name, floor):.3g}×"
        for name, number in zip(names, numbers, strict=True)
    ]
    axis.bar_label(bars, labels, padding=4, fontsize=9)
    line = result.seconds[floor]
    axis.axvline(line, color=FLOOR, linewidth=1.2, linestyle=(0, (4, 3)))
    axis.annotate(
        f"{floor}: {harness.shown(line, result.unit)}",
        (line, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(3, 3),
        textcoords="offset points",
        fontsize=8.5,
        color=FLOOR,
    )
    is_log = max(*numbers, line) > LOG_FROM * min(*numbers, line)
    if is_log:
        axis.set_xscale("log")
        axis.set_xlim(min(*numbers, line) / 1.6, max(*numbers, line) * 6)
    else:
        axis.set_xlim(0, max(*numbers, line) * 1.32)
    words = "bytes" if result.unit == "bytes" else "time" if result.unit == "s" else result.unit
    axis.set_xlabel(
        f"{words}{', each step to the right ten times more' if is_log else ''}: shorter is better",
        fontsize=8.5,
        color="#555555",
        loc="left",
    )
    axis.set_title(result.title, loc="left", fontsize=11, weight="bold", pad=18)
    axis.tick_params(axis="y", length=0, labelsize=9.5)
    axis.tick_params(axis="x", labelsize=8, colors="#555555")
    axis.xaxis.set_major_formatter(lambda number, _: _tick(number, result.unit))
    axis.xaxis.set_minor_formatter(lambda *_: "")
    axis.spines[["top", "right", "left"]].set_visible(False)


def _tick(number: float, unit: str) -> str:
    if unit != "s" or number == 0:
        return f"{number:,.4g}"
    for factor, name in ((1.0, "s"), (1e3, "ms")):
        if number * factor >= 0.999:
            return f"{number * factor:.4g} {name}"
    return f"{number * 1e6:.4g} µs"
