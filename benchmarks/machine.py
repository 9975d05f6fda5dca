"""What was measured on: the processor, the memory and the versions, without the machine's name."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("psycopg", "SQLAlchemy", "streamlit", "pandas", "pyarrow", "numpy")


def machine() -> dict[str, Any]:
    """The facts that a reader needs to compare the numbers with their own."""
    return {
        "measured": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(_bytes_of_memory() / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "postgresql": os.environ.get("BENCH_POSTGRESQL", ""),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def load() -> float:
    """The load average of the last minute: how many processes wanted a core, ours included."""
    return round(os.getloadavg()[0], 1)


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        for line in facts.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _bytes_of_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
