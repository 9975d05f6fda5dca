"""What this package adds to the start of an app that has imported Streamlit and pandas.

`import streamlit_pgstate` alone imports next to nothing: each verb is imported when it is named
first. So the second case is what the first run of an app waits for. Each time in a new process.
Run: python benchmarks/imports.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

from harness import QUICK_ROUNDS, Bound, Result, is_quick, report

PROGRAM = """
import time
began = time.perf_counter()
import pandas, streamlit
others = time.perf_counter()
import streamlit_pgstate
package = time.perf_counter()
from streamlit_pgstate import get, persist, set
print(others - began, package - others, time.perf_counter() - package)
"""
THEIRS = "import streamlit and pandas"
PACKAGE = "import streamlit_pgstate"
VERBS = "the verbs get, persist and set, with SQLAlchemy and psycopg"


def main() -> bool:
    found: dict[str, list[float]] = {THEIRS: [], PACKAGE: [], VERBS: []}
    for number in range(1 + (QUICK_ROUNDS if is_quick() else 15)):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            check=True,
            capture_output=True,
            text=True,
            env={key: word for key, word in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"},
        )
        if number:  # the first one may have to compile
            for seconds, took in zip(found.values(), done.stdout.split(), strict=True):
                seconds.append(float(took))
    result = Result(
        "What an app waits for before its first line",
        {name: statistics.median(seconds) for name, seconds in found.items()},
        bounds=[
            Bound(
                "`import streamlit_pgstate` where Streamlit and pandas are imported",
                PACKAGE,
                0.1,
                base="",
            )
        ],
        peers=[THEIRS],
        lowest={name: min(seconds) for name, seconds in found.items()},
    )
    return report("imports", [result])


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
