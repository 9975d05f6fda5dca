"""A table of a benchmark, and what it promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from _numbers import shown

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
