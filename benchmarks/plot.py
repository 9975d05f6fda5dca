"""Draws the tables: bars by length, ours in one colour, peers in grey, the floor as a line.

Tables with peers have a chart each, by time. Tables of few cases share one chart, by their ratios
to the first case of each, with a mark where a bound is. Sizes and counts are not drawn.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from _numbers import shown
from _result import RATED, Result
from matplotlib import patheffects, pyplot

matplotlib.use("Agg")

OURS, PEERS, LINE, SMALL_PRINT = "#d6453d", "#b8bcc4", "#222222", "#555555"
FEW = 3
"""Cases of a table that shares a chart."""
LOG_FROM = 12.0
"""From this ratio of the longest to the shortest bar on the axis is logarithmic."""
WIDTH, HEIGHT_OF_BAR, HEIGHT_OF_LINE, HEIGHT_AROUND = 8.8, 0.17, 0.16, 1.15
"""Inches."""
LONGEST_LINE = 46
"""Letters in a line beside a bar."""
HALO = (patheffects.withStroke(linewidth=3, foreground="white"),)
"""Around letters that stand on a line."""


@dataclass(frozen=True)
class Bar:
    name: str
    length: float
    words: str
    colour: str = OURS
    bound: float | None = None


@dataclass(frozen=True)
class Chart:
    """Bars, and a line that nothing should be far from."""

    title: str
    bars: Sequence[Bar]
    line: float
    words: str
    unit: str
    axis: str


def plot(results: Sequence[Result], picture: Path, title: str) -> None:
    """Draw the charts below each other. Nothing is drawn of results without times."""
    drawn = [result for result in results if result.unit in RATED and len(result.seconds) > 1]
    if not drawn:
        picture.unlink(missing_ok=True)
        return
    charts = _charts(drawn, title)
    heights = [HEIGHT_AROUND + _height_of_bar(chart) * len(chart.bars) for chart in charts]
    figure, axes = pyplot.subplots(
        len(charts),
        squeeze=False,
        figsize=(WIDTH, sum(heights)),
        height_ratios=heights,
        layout="constrained",
    )
    figure.get_layout_engine().set(h_pad=0.12)
    for axis, chart in zip(axes[:, 0], charts, strict=True):
        _draw(axis, chart)
    if len(charts) == 1:  # its title may be longer than its axis
        axes[0, 0].set_title("", loc="left")
        words = textwrap.fill(_plain(charts[0].title), 96)
        figure.suptitle(words, x=0.01, ha="left", fontsize=11, weight="bold")
    figure.savefig(picture, dpi=110)
    pyplot.close(figure)


def _height_of_bar(chart: Chart) -> float:
    return HEIGHT_OF_BAR + HEIGHT_OF_LINE * max(bar.name.count("\n") + 1 for bar in chart.bars)


def _label(words: str) -> str:
    return textwrap.fill(words.replace("`", ""), LONGEST_LINE)


def _charts(results: Sequence[Result], title: str) -> list[Chart]:
    if len(results) > 1 and all(
        len(result.seconds) <= FEW and not result.peers for result in results
    ):
        return [_chart_of_ratios(results, title)]
    return [_chart_of_times(result) for result in results]


def _chart_of_ratios(results: Sequence[Result], title: str) -> Chart:
    bases = {result.base for result in results}
    known = _common_part([result.title for result in results])
    bars = [
        Bar(
            _label(
                result.title[len(known) :]
                if len(result.seconds) == 2
                else f"{result.title[len(known) :]}: {case}"
            ),
            result.ratio(case),
            f"{_times(result.ratio(case))}{'' if len(bases) == 1 else f' {result.base}'}"
            f" = {shown(number, result.unit)}",
            bound=next(
                (b.at_most for b in result.bounds if b.case == case and b.base is None), None
            ),
        )
        for result in results
        for case, number in list(result.seconds.items())[1:]
    ]
    words = next(iter(bases)) if len(bases) == 1 else "as fast as what it is compared with"
    return Chart(title, bars[::-1], 1.0, words, "×", "ratio: shorter is better, | is the bound")


def _common_part(titles: Sequence[str]) -> str:
    """What all titles begin with, up to a colon: it is in the title of the chart already."""
    first = titles[0].partition(": ")[0] + ": "
    return first if all(title.startswith(first) for title in titles) else ""


def _plain(words: str) -> str:
    """Without the marks of code, which are for the page."""
    return words.replace("`", "")


def _bound_of(result: Result, case: str) -> float | None:
    """What is promised of the ratio of a case to the first one of the table."""
    found = (bound for bound in result.bounds if bound.case == case and bound.base is None)
    return next((bound.at_most for bound in found), None)


def _chart_of_times(result: Result) -> Chart:
    floor = result.floor or result.base
    names = sorted(set(result.seconds) - {floor}, key=lambda name: -result.seconds[name])
    bars = [
        Bar(
            _label(name),
            result.seconds[name],
            f"{shown(result.seconds[name], result.unit)}, {_times(result.ratio(name, floor))}",
            PEERS if name in result.peers else OURS,
        )
        for name in names
    ]
    line = result.seconds[floor]
    words = f"{floor}: {shown(line, result.unit)}"
    kind = "time" if result.unit == "s" else "ratio"
    return Chart(
        result.title,
        bars,
        line,
        words,
        result.unit,
        f"{kind}, and how many times the dashed line: shorter is better",
    )


def _draw(axis: Any, chart: Chart) -> None:
    numbers = [bar.length for bar in chart.bars]
    places = range(len(numbers))
    colours = [bar.colour for bar in chart.bars]
    drawn = axis.barh(places, numbers, color=colours, height=0.72)
    axis.set_yticks(places, [bar.name for bar in chart.bars])
    axis.set_ylim(-0.6, len(numbers) - 0.4)
    for place, bar in zip(places, chart.bars, strict=True):
        if bar.bound is not None:
            axis.plot([bar.bound] * 2, [place - 0.42, place + 0.42], color=LINE, linewidth=2)
    axis.axvline(chart.line, color=LINE, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1.5)
    axis.bar_label(
        drawn,
        [bar.words for bar in chart.bars],
        padding=5,
        fontsize=9,
        path_effects=HALO,
        zorder=4,
    )
    axis.annotate(
        chart.words,
        (chart.line, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(3, 3),
        textcoords="offset points",
        fontsize=8.5,
        color=LINE,
    )
    _scale(axis, chart, [*numbers, chart.line])
    axis.set_title(chart.title, loc="left", fontsize=11, weight="bold", pad=18)
    axis.tick_params(axis="y", length=0, labelsize=9.5)
    axis.tick_params(axis="x", labelsize=8, colors=SMALL_PRINT)
    axis.spines[["top", "right", "left"]].set_visible(False)


def _scale(axis: Any, chart: Chart, numbers: Sequence[float]) -> None:
    is_log = max(numbers) > LOG_FROM * min(numbers)
    if is_log:
        room = 1.0 if chart.unit == "×" else 0.55  # for the words behind the longest bar
        axis.set_xscale("log")
        axis.set_xlim(min(numbers) / 1.6, max(numbers) * (max(numbers) / min(numbers)) ** room)
    else:
        axis.set_xlim(0, max(numbers) * 1.5)
    axis.xaxis.set_major_formatter(lambda number, _: _tick(number, chart.unit))
    axis.xaxis.set_minor_formatter(lambda *_: "")
    axis.set_xlabel(
        f"{chart.axis}{' (logarithmic axis)' if is_log else ''}",
        fontsize=8.5,
        color=SMALL_PRINT,
        loc="left",
    )


def _times(ratio: float) -> str:
    return f"{ratio:.2g} ×" if ratio < 10 else f"{ratio:,.0f} ×"


def _tick(number: float, unit: str) -> str:
    if unit != "s" or number == 0:
        return f"{number:,.4g}"
    for factor, name in ((1.0, "s"), (1e3, "ms")):
        if number * factor >= 0.999:
            return f"{number * factor:.4g} {name}"
    return f"{number * 1e6:.4g} µs"
