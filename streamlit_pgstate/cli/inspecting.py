"""The command `inspect`: shows what is stored in a browser, without the app."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import click

from streamlit_pgstate.cli.group import cleaned_up_by_signals, if_interrupted
from streamlit_pgstate.cli.options import on_database
from streamlit_pgstate.cli.target import Target, Where, find_existing, tables_of
from streamlit_pgstate.errors import ConfigError

_SERVER = "streamlit_pgstate.page.inspection.server"
_SCRIPT = Path(__file__).parents[1] / "page" / "inspection" / "alone.py"
_HOST = "127.0.0.1"
_READY_WITHIN = 60.0
_ASKS_EVERY = 0.1
_ENDS_WITHIN = 10.0
_DIRECTLY = build_opener(ProxyHandler({}))
"""Opens URLs of this machine, which a proxy cannot reach."""

_REDIRECT = """<!doctype html>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url={link}">
<title>pgstate inspect</title>
<a href="{link}">Open the inspector</a>
"""


@click.command()
@on_database
@click.option(
    "--port", type=click.IntRange(1, 65535), metavar="N", help="The port. [default: a free one]"
)
@click.option("--allow-changes", is_flag=True, help="Values can be restored, sessions forgotten.")
@click.option("--no-browser", is_flag=True, help="Print the link, and open nothing.")
def inspect(where: Where, port: int | None, allow_changes: bool, no_browser: bool) -> None:
    """Show what is stored in the browser: sessions, keys, values, history and growth.

    It serves a page on this machine alone, for whoever has the link that it prints, until you press
    Ctrl-C. It changes nothing, unless --allow-changes is given. On a large database it reads
    single pages by indexes.

    Of a server without a browser, forward the port: ssh -L 8600:127.0.0.1:8600 server, then
    pgstate inspect --port 8600 --no-browser there, and open the link here.

    \b
    Exit codes:
      0  ended by Ctrl-C
      1  the tables are missing, or older or newer than this version needs; or the page has failed
      2  an option or a setting is wrong or missing, or the server refuses the user
      3  the database cannot be reached, or does not answer

    \b
    Examples:
      pgstate inspect
      pgstate inspect --url postgresql://operator@db.example.com/app --port 8600
      pgstate inspect --allow-changes
    """
    if_interrupted("The inspector has ended.")
    target = find_existing(where)
    with cleaned_up_by_signals(), tables_of(target.settings) as tables:
        tables.inspection.overdue()  # raises what is wrong with the database before a server starts
        key, port = secrets.token_urlsafe(16), _free_port(port or 0)
        with _serving(port, _handed_over(target, key, may_change=allow_changes)) as server:
            _wait_until_ready(server, port)
            link = f"http://{_HOST}:{port}/?key={key}"
            click.echo(f"The inspector of {tables.place}:\n\n  {link}\n\nCtrl-C ends it.")
            with contextlib.nullcontext() if no_browser else _opened(link):
                _wait_for_ctrl_c(server)
    click.echo("\nThe inspector has ended.")


def _wait_for_ctrl_c(server: subprocess.Popen[bytes]) -> None:
    try:
        server.wait()
    except KeyboardInterrupt:
        return
    raise ConfigError("The page has ended by itself. What it printed says why.")


@contextlib.contextmanager
def _opened(link: str) -> Iterator[None]:
    """Open a link in the browser, by a file that is removed at the end of the block.

    The arguments of a browser can be seen by other users of the machine, and the link holds the
    key. Only this user can read the file.
    """
    with tempfile.TemporaryDirectory(prefix="pgstate-") as folder:
        path = Path(folder) / "inspect.html"
        path.touch(mode=0o600)
        path.write_text(_REDIRECT.format(link=link), encoding="utf-8")
        webbrowser.open(path.as_uri())
        yield


def _handed_over(target: Target, key: str, *, may_change: bool) -> str:
    """What `inspection.alone` needs. Other users of the machine cannot read it."""
    from streamlit_pgstate.postgres import embedded

    settings = target.settings
    if settings.url is None:
        url = embedded.start(settings.home / ".pgstate")
    else:
        url = settings.url.render_as_string(hide_password=False)
    return json.dumps(
        {
            "key": key,
            "settings": {"url": url, "schema": settings.schema},
            "home": str(settings.home),
            "may_change": may_change,
        }
    )


@contextlib.contextmanager
def _serving(port: int, handed_over: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server of the page, which has ended at the end of the block."""
    options = {
        "server.address": _HOST,
        "server.port": str(port),
        "server.baseUrlPath": "",
        "server.sslCertFile": "",
        "server.sslKeyFile": "",
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
    }
    server = subprocess.Popen(  # noqa: S603 - our own script, by this Python
        [
            *(sys.executable, "-m", _SERVER, "run", str(_SCRIPT)),
            *(f"--{name}={value}" for name, value in options.items()),
        ],
        # Streamlit 1.51 does not know this option. As a variable it is no error there.
        env=os.environ
        | {"PGSTATE_INSPECT": handed_over, "STREAMLIT_LOGGER_HIDE_WELCOME_MESSAGE": "true"},
    )
    try:
        yield server
    finally:
        server.terminate()
        try:
            server.wait(_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _free_port(port: int) -> int:
    """Return this port, or any free one for 0.

    Raises:
        ConfigError: another program has it.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise ConfigError(
                f"Port {port} of this machine cannot be used ({error.strerror}). Give another one "
                "as --port, or none."
            ) from None
        free: int = probe.getsockname()[1]
        return free


def _wait_until_ready(server: subprocess.Popen[bytes], port: int) -> None:
    """Wait until the page is served.

    Raises:
        ConfigError: it is not.
    """
    until = time.monotonic() + _READY_WITHIN
    while server.poll() is None and time.monotonic() < until:
        with (
            contextlib.suppress(URLError, OSError),
            _DIRECTLY.open(f"http://{_HOST}:{port}/_stcore/health", timeout=1),
        ):
            return
        time.sleep(_ASKS_EVERY)  # a server tells nobody that it answers from now on
    raise ConfigError(
        f"The page could not be served on port {port} of this machine. What it printed says why."
    )
