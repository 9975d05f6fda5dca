"""A real Streamlit server in a process of its own, and the log of its script runs."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import psycopg
from nursery import Forked, nursery
from run_log import Run, RunLog

HERE = Path(__file__).parent
TOKEN = re.compile(r"[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}", re.ASCII)

READY_WITHIN = 60.0

ALL_UNDER_APP = bool(os.environ.get("ALL_UNDER_APP"))
"""Whether all browser tests run under `pgstate.App`: `make everything` runs them so, too."""


@dataclass
class Server:
    """A Streamlit server on a port of its own."""

    folder: Path
    url: str
    """Of its database."""
    script: str = "app.py"
    host: str = "localhost"
    base: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    certificate: Path | None = None
    """A file with a certificate and its key, for https."""
    is_app: bool = ALL_UNDER_APP
    """Whether the script runs under `pgstate.App`, and so with an HttpOnly cookie."""
    port: int = 0
    process: Forked | None = None

    def __post_init__(self) -> None:
        self._runs = RunLog(self.folder / "runs.log")

    @property
    def address(self) -> str:
        scheme = "https" if self.certificate else "http"
        return f"{scheme}://{self.host}:{self.public_port}{self.base}"

    @property
    def token_name(self) -> str:
        """Under which the browser keeps the token in localStorage."""
        app = quote(self.environment.get("PGSTATE_APP", "app"), safe="")
        schema = self.environment.get("PGSTATE_SCHEMA", "pgstate")
        base = quote(self.base, safe="")
        return f"pgstate.{app}.{identity_in(self.url, schema)}.{self.public_port}.{base}"

    @property
    def cookie_name(self) -> str:
        if self.is_app:
            name = self.token_name.replace("pgstate", "pgstate-app", 1)
            return f"__Host-Http-{name}" if self.certificate else name
        return f"__Host-{self.token_name}" if self.certificate else self.token_name

    @property
    def public_port(self) -> int:
        """The port in the browser."""
        return self.port

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text()

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        known = {name: text for name, text in os.environ.items() if "PGSTATE_" not in name}
        arguments = [
            *("run", str(HERE / ("asgi.py" if self.is_app else self.script))),
            *("--server.headless", "true", "--browser.gatherUsageStats", "false"),
            *("--server.fileWatcherType", "none", "--server.port", str(self.port)),
            # A whole collection at each run's end takes as long as a small script.
            *("--runner.postScriptGC", "false"),
            *(["--server.baseUrlPath", self.base.strip("/")] if self.base else []),
            *self._https(),
            *self.options,
        ]
        environment = {
            **known,
            "PGSTATE_URL": self.url,
            "PAGE_SCRIPT": self.script,
            "RUNS_LOG": str(self.folder / "runs.log"),
            "PYTHONPATH": str(HERE),
            # Streamlit's greeting asks a server on the internet for this machine's address. The
            # lowest version of it that is tested has no such option, so it is a variable here.
            "STREAMLIT_LOGGER_HIDE_WELCOME_MESSAGE": "true",
            **self.environment,
        }
        self.process = nursery().start(arguments, self.folder, environment)
        self._await_health()

    def _https(self) -> list[str]:
        if self.certificate is None:
            return []
        path = str(self.certificate)
        return ["--server.sslCertFile", path, "--server.sslKeyFile", path]

    def _await_health(self) -> None:
        anybody = ssl._create_unverified_context()
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            assert self.process is not None
            assert self.process.poll() is None, self.log
            health = f"{self.address}/_stcore/health"
            with contextlib.suppress(OSError), urlopen(health, context=anybody):
                return
            time.sleep(0.05)
        raise AssertionError(f"the server did not come up:\n{self.log}")

    def kill(self) -> None:
        """As a crash: no chance to say good-bye."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def runs(self, visitor: str) -> list[Run]:
        """The script runs of a visitor so far, in the order of their starts."""
        return self._runs.of(visitor)


@functools.cache
def identity_in(url: str, schema: str = "pgstate") -> str:
    """The identity of a database, which is a part of the names in the browser."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            f"SELECT value FROM \"{schema}\".setting WHERE name = 'identity'"
        ).fetchone()
    assert row is not None
    return str(row[0])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    """A server from start to end; whatever happened, its log holds no token."""
    server.start()
    try:
        yield server
    finally:
        server.kill()
    assert not TOKEN.search(server.log)
