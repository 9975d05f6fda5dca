"""A journal: what one process notes, a line before and a line after each of its calls.

Times are of `time.monotonic`, which on Linux is one clock for all processes. Nothing is flushed to
the disk: processes are killed, and the machine is not.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BEGINS, ENDS, READS, BREAKS, NOTES = "begins", "ends", "reads", "breaks", "notes"
"""What a line is: a call begins; it ends; a read that is over; a promise that is seen to be broken;
anything else."""


class Journal:
    """The journal of this process. Safe for threads: each line is one write to its end."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(self, line: str, **facts: Any) -> None:
        text = json.dumps({"line": line, "at": time.monotonic(), **facts})
        os.write(self._file, text.encode() + b"\n")


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a journal; a last one that was not finished is left out."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line)
