"""Write the tables of docs/performance.md and docs/scaling.md from the results of the benchmarks.

    python docs/performance.py

The benchmarks keep what they have measured in ``benchmarks/results/*.json``. `python -m benchmarks`
calls this at its end, and a test holds both pages to these files. What one server carries is
computed as `pgstate capacity` does.
"""

from __future__ import annotations

import ast
import json
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from streamlit_pgstate.cli import sizing
from streamlit_pgstate.cli.printing import size

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"
PAGE = ROOT / "docs" / "performance.md"
SCALING = ROOT / "docs" / "scaling.md"
FIRST = ("page_load", "frames", "peers", "live", "visitors", "scale", "cache", "imports")
"""The order of the page. What is not listed follows by name."""

shown: Callable[..., str] = runpy.run_path(str(BENCHMARKS / "_numbers.py"))["shown"]
"""As the benchmarks show numbers. They are scripts, and no package."""

Kept = dict[str, Any]
"""One file of results, as `report` in benchmarks/harness.py writes it."""


def results(folder: Path = BENCHMARKS / "results") -> list[Kept]:
    """All results, in the order of the page."""
    kept = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    rank = {name: number for number, name in enumerate(FIRST)}
    return sorted(kept, key=lambda each: (rank.get(each["name"], len(rank)), each["name"]))


def machine(kept: list[Kept]) -> str:
    """The facts of the machine that most of the results have in common."""
    if not kept:
        return "Nothing has been measured yet."
    facts = max((each["machine"] for each in kept), key=lambda found: found["measured"])
    packages = ", ".join(
        f"{name} {version}" for name, version in facts["packages"].items() if version
    )
    rows = {
        "processor": f"{facts['processor']}, {facts['cores']} cores",
        "memory": f"{facts['memory_gib']} GiB",
        "system": facts["system"],
        "Python": facts["python"],
        "packages": packages,
    }
    return "\n".join(
        ["| | |", "|---|---|", *(f"| {name} | {fact} |" for name, fact in rows.items())]
    )


def bounds(kept: list[Kept]) -> str:
    """What is promised, and whether it holds: each bound of each benchmark."""
    lines = ["| what | measured | by the lowest times | bound | |", "|---|---|---|---|---|"]
    for each in kept:
        for result in each["results"]:
            lines += [_bound(bound, result["unit"]) for bound in result["bounds"]]
    return "\n".join(lines)


def _bound(bound: dict[str, Any], unit: str) -> str:
    def as_text(number: float | None) -> str:
        if number is None:
            return ""
        return shown(number, unit) if bound["base"] == "" else f"{number:.3g}"

    reached, at_best, at_most = (as_text(bound[name]) for name in ("reached", "at_best", "at_most"))
    verdict = "held" if bound["reached"] <= bound["at_most"] else "**not held**"
    return f"| {bound['what']} | {reached} | {at_best} | ≤ {at_most} | {verdict} |"


def sections(kept: list[Kept]) -> str:
    """Each benchmark with its picture and its tables."""
    return "\n\n".join("\n\n".join(_section(each)) for each in kept)


def _section(each: Kept) -> Iterator[str]:
    name = each["name"]
    yield f"### {_question(name)}"
    server = each["machine"]["postgresql"]
    where = f" on PostgreSQL {server}" if server else ""
    rounds = " A quick run: not to be compared." if each["quick"] else ""
    yield (
        f"`benchmarks/{name}.py`, measured on {each['machine']['measured']}{where}, "
        f"at a load of {each['load']}.{rounds}"
    )
    if (BENCHMARKS / "results" / f"{name}.png").exists():
        yield f"![{_question(name)}](../benchmarks/results/{name}.png)"
    yield "<details><summary>The numbers</summary>"
    for result in each["results"]:
        yield _table(result)
    yield "</details>"


def _table(result: dict[str, Any]) -> str:
    base = next(iter(result["cases"].values()))
    is_time = result["unit"] == "s"
    lines = [
        f"| {result['title']} | median | lowest | ratio |"
        if is_time
        else f"| {result['title']} | |",
        "|---|---|---|---|" if is_time else "|---|---|",
    ]
    for case, number in result["cases"].items():
        cells = [case, shown(number, result["unit"])]
        if is_time:
            lowest = result["lowest"].get(case)
            cells += [shown(lowest, "s") if lowest else "", f"{number / base:.3g}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _question(name: str) -> str:
    """The first sentence of the benchmark's docstring."""
    path = BENCHMARKS / f"{name}.py"
    if not path.exists():
        return name
    words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or name
    return words.partition("\n\n")[0].replace("\n", " ").rstrip(".")


def scale(kept: list[Kept]) -> str:
    """The tables of the benchmark of ten million entries."""
    found = [each for each in kept if each["name"] == "scale"]
    return "\n\n".join(_table(result) for each in found for result in each["results"])


def carried() -> str:
    """What a server carries by its cores, for visitors as `pgstate capacity` has them."""
    lines = [
        "| cores of PostgreSQL | runs a second | visitors at work | processes of Streamlit |",
        "|---|---|---|---|",
    ]
    for cores in (2, 4, 8, 16, 32):
        at_once = _rounded(sizing.carried(sizing.Server(cores=cores)))
        plan = sizing.plan_for(sizing.Load(visitors_a_day=1, at_once=at_once))
        lines.append(
            f"| {cores} | {plan.runs_a_second:,.0f} | {at_once:,} | {_rounded(plan.processes):,} |"
        )
    return "\n".join(lines)


def _rounded(number: int) -> int:
    """To two digits: more would claim too much."""
    return int(float(f"{number:.2g}"))


def stored() -> str:
    """How much the disk holds, by sessions and by what each has."""
    ways = {
        "20 values of 100 bytes": {},
        "the same, with `history=10`": {"history": 10},
        "the same, and 5 MiB of frames and files": {"large_bytes": 5 * 2**20},
    }
    counts = (10_000, 100_000, 1_000_000)
    lines = [
        f"| each session has | {' | '.join(f'{count:,} sessions' for count in counts)} |",
        "|---|---|---|---|",
    ]
    for words, more in ways.items():
        plans = (
            sizing.plan_for(sizing.Load(visitors_a_day=count, kept_days=1, **more))
            for count in counts
        )
        lines.append(f"| {words} | {' | '.join(size(plan.disk_bytes) for plan in plans)} |")
    return "\n".join(lines)


def page() -> str:
    """The whole page about performance, with the results of today."""
    kept = results()
    parts = {"machine": machine(kept), "bounds": bounds(kept), "results": sections(kept)}
    return _filled(PAGE, parts)


def scaling_page() -> str:
    """The whole page about scaling, likewise."""
    parts = {"carried": carried(), "stored": stored(), "scale": scale(results())}
    return _filled(SCALING, parts)


def _filled(path: Path, parts: dict[str, str]) -> str:
    text = path.read_text(encoding="utf-8")
    for name, part in parts.items():
        begin, end = f"<!-- {name}: written by docs/performance.py -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}\n{part}\n{end}{after}"
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    SCALING.write_text(scaling_page(), encoding="utf-8")
