"""Run the benchmarks, one after the other, each in a process of its own.

    python -m benchmarks                    all of them
    python -m benchmarks peers page_load    these
    python -m benchmarks --quick            all, few rounds each: to see that they work
    python -m benchmarks --list             their names, and what each asks

They run on a PostgreSQL of their own: durable, over TCP, in a folder on disk (see server.py), or on
the one that PGSTATE_URL names. At the end docs/performance.md is written anew from the results.
"""

from __future__ import annotations

import argparse
import ast
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
PARTS = {"harness", "machine", "plot", "server"}
"""Files that measure nothing."""
BY_NAME_ONLY = {"scale", "inspector"}
"""These fill a database of ten million entries, for minutes."""
PAGE = HERE.parent / "docs" / "performance.py"


def main() -> int:
    names = [file.stem for file in sorted(HERE.glob("[!_]*.py")) if file.stem not in PARTS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("names", nargs="*", metavar="name", help="of a benchmark")
    parser.add_argument("--quick", action="store_true", help="three rounds of each case")
    parser.add_argument("--list", action="store_true", help="show the names and end")
    given = parser.parse_args()
    if unknown := set(given.names) - set(names):
        parser.error(f"there is no {', '.join(sorted(unknown))}: {', '.join(names)}")
    if given.list:
        for name in names:
            by_name = " (by name only)" if name in BY_NAME_ONLY else ""
            print(f"{name:14} {_question(name)}{by_name}")
        return 0
    return _run(given.names or [name for name in names if name not in BY_NAME_ONLY], given.quick)


def _run(names: list[str], is_quick: bool) -> int:
    environment = os.environ | ({"BENCH_QUICK": "1"} if is_quick else {})
    failed = []
    for name in names:
        print(f"\n## {name}\n", flush=True)
        began = time.monotonic()
        done = subprocess.run([sys.executable, str(HERE / f"{name}.py")], env=environment)
        print(f"\n({time.monotonic() - began:.0f} s)", flush=True)
        if done.returncode:
            failed.append(name)
    if PAGE.exists() and not is_quick:
        subprocess.run([sys.executable, str(PAGE)], check=True)
    if failed:
        print(f"Failed, or with a bound that does not hold: {', '.join(failed)}")
    return bool(failed)


def _question(name: str) -> str:
    tree = ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main())
