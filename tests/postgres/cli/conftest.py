"""The command line in this process, in a folder of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from click.testing import CliRunner, Result

from streamlit_pgstate.cli import main

Pgstate: TypeAlias = Callable[..., Result]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, and nothing of this user's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def url(emptied_url: str) -> str:
    """A database with our tables, which are empty."""
    return emptied_url


@pytest.fixture
def pgstate(url: str, monkeypatch: pytest.MonkeyPatch) -> Pgstate:
    """Runs a command on the test's database."""
    monkeypatch.setenv("PGSTATE_URL", url)

    def run(*arguments: str, **options: str) -> Result:
        found = {"input": options.pop("input", None)}
        result = CliRunner().invoke(main, arguments, env=options, **found)  # type: ignore[arg-type]
        assert result.exception is None or isinstance(result.exception, SystemExit), (
            result.exception
        )
        return result

    return run
