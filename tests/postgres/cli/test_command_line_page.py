"""docs/command-line.md shows what the commands say, and docs/permissions.md what they grant."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

from streamlit_pgstate.cli import main
from streamlit_pgstate.postgres import grants

ROOT = Path(__file__).parents[3]
ASKS_NO_DATABASE = {"capacity"}


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_shows_what_the_commands_say(
    new_database: Callable[..., str], folder: Path
) -> None:
    writing = _module("command_line")
    page = writing.page(new_database())
    assert page == writing.PAGE.read_text("utf-8"), "write it anew: python docs/command_line.py"


def test_every_command_is_on_the_page() -> None:
    assert set(main.commands) == set(_module("command_line").ORDER)


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_has_examples_and_exit_codes_in_its_help(name: str) -> None:
    shown = CliRunner().invoke(main, [name, "--help"]).output
    for words in ("Example", "Exit codes:"):
        assert words in shown
    assert ("--url URL" in shown) is (name not in ASKS_NO_DATABASE)
    assert max(map(len, shown.splitlines())) <= 100


@pytest.mark.parametrize("name", ["status", "sessions", "show", "doctor"])
def test_json_is_an_option(name: str) -> None:
    assert any("--json" in one.opts for one in main.commands[name].params)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes(shell: str) -> None:
    def completed(**variables: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "streamlit_pgstate.cli"],
            env=os.environ | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout

    assert "pgstate" in completed(_PGSTATE_COMPLETE=f"{shell}_source")
    found = completed(_PGSTATE_COMPLETE="zsh_complete", COMP_WORDS="pgstate exp", COMP_CWORD="1")
    assert "export" in found.split()


def test_the_page_of_permissions_is_what_is_granted() -> None:
    page = (ROOT / "docs" / "permissions.md").read_text("utf-8")
    for table, privileges in grants.NEEDED.items():
        assert f"| table `{table}` | {', '.join(privileges)} | {grants.REASONS[table]} |" in page
    assert f"| schema `pgstate` | USAGE | {grants.REASONS['']} |" in page
    for statement in grants.statements("pgstate", "app"):
        assert f"{statement};\n" in page
