"""`pgstate inspect`: what it refuses before it serves anything, and how it opens the browser."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

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


_BROWSER = """#!/bin/sh
printf '%s\\n' "$1" > opened.new
stat -c '%a %n' "${1#file://}" > rights
cat "${1#file://}" > page
mv opened.new opened
"""


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_the_browser_gets_the_key_by_a_file_that_only_this_user_can_read(
    url: str, tmp_path: Path, number: signal.Signals
) -> None:
    """Also where a proxy is set, and where the app is served by https."""
    browser = tmp_path / "browser"
    browser.write_text(_BROWSER)
    browser.chmod(0o755)
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "config.toml").write_text(
        '[server]\nsslCertFile = "no.pem"\nsslKeyFile = "no.key"\n'
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit_pgstate.cli", "inspect"],
        cwd=tmp_path,
        env=os.environ
        | {"PGSTATE_URL": url, "BROWSER": str(browser), "http_proxy": "http://127.0.0.1:9"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = ""
        while "Ctrl-C ends it." not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        link = next(word for word in said.split() if "/?key=" in word)
        while not (tmp_path / "opened").exists():
            assert process.poll() is None
        opened = (tmp_path / "opened").read_text().strip()
        file = Path(url2pathname(urlsplit(opened).path))
        assert opened.startswith("file://")
        assert link.partition("key=")[2] not in opened
        assert link in (tmp_path / "page").read_text()
        assert (tmp_path / "rights").read_text().startswith("600 ")
        assert file.exists()
    finally:
        process.send_signal(number)
        rest, _ = process.communicate(timeout=30)
    # Ctrl-C is how it is ended. If it comes while the browser is still being opened, it interrupts.
    expected = {0, 130} if number == signal.SIGINT else {128 + number}
    assert process.returncode in expected, rest
    assert not file.parent.exists()
