"""Run all benchmarks, one after the other: python -m benchmarks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

for file in sorted(HERE.glob("[!_]*.py")):
    if file.name != "harness.py":
        print(f"\n## {file.stem}\n", flush=True)
        subprocess.run([sys.executable, str(file)], check=True)
