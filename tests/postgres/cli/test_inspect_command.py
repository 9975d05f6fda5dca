"""What `pgstate inspect` refuses before it serves anything."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Pgstate = Callable[..., Result]


def test_a_port_of_another_program_is_told(pgstate: Pgstate) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = pgstate("inspect", "--no-browser", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 2
    assert "cannot be used" in result.stderr
    assert "Give another one as --port, or none." in result.stderr


def test_tables_that_are_missing_are_told_with_what_to_run(
    pgstate: Pgstate, empty_url: str
) -> None:
    result = pgstate("inspect", "--no-browser", "--url", empty_url)
    assert result.exit_code == 1
    assert "pgstate migrate" in result.stderr


def test_a_database_that_is_away_is_told(
    pgstate: Pgstate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"postgresql://me:secret@/app?host={tmp_path}"
    result = pgstate("inspect", "--no-browser", "--url", url)
    assert result.exit_code == 3
    assert "secret" not in result.output + result.stderr
