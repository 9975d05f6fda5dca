"""Every command without a server, without tables, and without a database at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from streamlit_pgstate.postgres import embedded

from .conftest import Pgstate

PASSWORD = "s3cr3t-of-the-owner"
ID = "6c3f1f5e"
COMMANDS = [
    ["status"],
    ["sessions"],
    ["show", ID],
    ["copy", ID],
    ["export", ID, "--to", "out"],
    ["import", "exported", "--session", ID],
    ["forget", ID, "--yes"],
    ["gc"],
    ["rekey"],
    ["doctor"],
]
ids = [command[0] for command in COMMANDS]


@pytest.fixture(autouse=True)
def exported(pgstate: Pgstate, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small export to import, and a key for `rekey`."""
    Path("exported/values").mkdir(parents=True)
    Path("exported/values/1.json").write_text("1")
    Path("exported/manifest.json").write_text(
        """{"format": "streamlit-pgstate export", "version": 1, "session": {}, "values": [{
            "key": "a", "kind": "json", "size": 1, "changed_at": "", "form": "json",
            "file": "values/1.json",
            "sha256": "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"}]}"""
    )
    monkeypatch.setenv("PGSTATE_ENCRYPTION_KEY", "A" * 43)


@pytest.mark.parametrize("command", COMMANDS, ids=ids)
def test_a_dead_server_is_one_line_and_exit_code_3(pgstate: Pgstate, command: list[str]) -> None:
    result = pgstate(*command, "--url", f"postgresql://me:{PASSWORD}@127.0.0.1:1/app")
    assert result.exit_code == 3, result.output
    assert result.output.startswith("Error: The database cannot be reached")
    assert result.output.count("\n") == 1
    assert PASSWORD not in result.output
    assert not Path("out").exists()


@pytest.mark.parametrize("command", COMMANDS, ids=ids)
def test_without_tables_it_says_what_to_run(
    pgstate: Pgstate, new_database: Callable[..., str], command: list[str]
) -> None:
    result = pgstate(*command, "--url", new_database())
    assert result.exit_code == 1, result.output
    assert "pgstate migrate" in result.output
    assert not Path("out").exists()


@pytest.mark.parametrize("command", COMMANDS, ids=ids)
def test_without_a_database_it_names_the_ways_to_give_one(
    pgstate: Pgstate, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setattr(embedded, "installed", lambda: False)
    monkeypatch.delenv("PGSTATE_URL")
    result = pgstate(*command)
    assert result.exit_code == 2, result.output
    assert "--url" in result.stderr
    assert result.stderr.count("\n") == 1
