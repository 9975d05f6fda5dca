"""Two real Streamlit servers over one database, behind a real haproxy."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from programs import program
from run_log import Run, RunLog
from served import ALL_UNDER_APP, READY_WITHIN, Server, free_port, identity_in, running

_DOCUMENT = Path(__file__).parents[2] / "docs" / "deployment.md"
_DOCUMENTED = re.search(r"```haproxy\n(.*?)```", _DOCUMENT.read_text(), re.DOTALL)
_STICKY = "    cookie replica insert indirect nocache httponly secure\n"


@dataclass
class Replicas:
    """Two servers, as one `served.Server` to a visitor: at the port of haproxy.

    Args:
        folder: for their logs.
        url: of their database.
        is_sticky: whether a cookie of haproxy's leads a browser to one of them.
    """

    folder: Path
    url: str
    is_sticky: bool = False
    host: str = "localhost"
    base: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    is_app: bool = ALL_UNDER_APP
    port: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / "runs.log"
        self._runs = RunLog(log)
        self.servers = [
            Server(
                self.folder / name,
                self.url,
                environment={"RUNS_LOG": str(log)},
                is_app=self.is_app,
            )
            for name in ("one", "two")
        ]

    @property
    def address(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def token_name(self) -> str:
        """Under which the browser keeps the token in localStorage, and in the cookie."""
        return f"pgstate.app.{identity_in(self.url, 'pgstate')}.{self.port}.{self.base}"

    @property
    def cookie_name(self) -> str:
        name = self.token_name
        return name.replace("pgstate", "pgstate-app", 1) if self.is_app else name

    @property
    def log(self) -> str:
        return "".join(server.log for server in self.servers)

    def runs(self, visitor: str) -> list[Run]:
        """The script runs of a visitor so far, at either server."""
        return self._runs.of(visitor)

    def start_all(self) -> None:
        """Start those again that were killed, and wait until haproxy sends pages to both."""
        for server in self.servers:
            if server.process is None:
                server.start()
        deadline = time.monotonic() + READY_WITHIN
        while len(self._served_by(10)) < len(self.servers):
            assert time.monotonic() < deadline

    def _served_by(self, requests: int) -> set[str]:
        """Which servers answer so many requests."""
        answers = [urlopen(f"{self.address}/_stcore/health") for _ in range(requests)]
        return {answer.headers["X-Replica"] for answer in answers}

    def serving(self, run: Run) -> Server:
        """The server that a script ran on."""
        return next(
            server
            for server in self.servers
            if server.process is not None and server.process.pid == run.process
        )

    def configuration(self) -> str:
        """What docs/deployment.md recommends, for these servers, and without https."""
        assert _DOCUMENTED is not None
        one, two = self.servers
        changes = {
            "bind :443 ssl crt /etc/ssl/example.com.pem": f"bind 127.0.0.1:{self.port}",
            "    http-request set-header X-Forwarded-Proto https\n": "",
            _STICKY: _STICKY.replace(" secure", "") if self.is_sticky else "",
            "10.0.0.1:8501": f"127.0.0.1:{one.port}",
            "10.0.0.2:8501": f"127.0.0.1:{two.port}",
        }
        text = _DOCUMENTED[1] + "    http-response set-header X-Replica %s\n"
        for documented, ours in changes.items():
            assert documented in text
            text = text.replace(documented, ours)
        return text


@contextlib.contextmanager
def balanced(replicas: Replicas) -> Iterator[Replicas]:
    """Both servers and haproxy, from start to end."""
    with contextlib.ExitStack() as stack:
        for server in replicas.servers:
            stack.enter_context(running(server))
        replicas.port = free_port()
        path = replicas.folder / "haproxy.cfg"
        path.write_text(replicas.configuration())
        with (replicas.folder / "haproxy.log").open("ab") as log:
            process = subprocess.Popen(
                [program("haproxy"), "-db", "-f", str(path)], stdout=log, stderr=log
            )
        try:
            _await_health(replicas, process)
            yield replicas
        finally:
            process.terminate()
            process.wait(30)


def _await_health(replicas: Replicas, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while True:
        assert process.poll() is None, (replicas.folder / "haproxy.log").read_text()
        with contextlib.suppress(OSError), urlopen(f"{replicas.address}/_stcore/health"):
            return
        assert time.monotonic() < deadline, os.fspath(replicas.folder)
        time.sleep(0.05)  # haproxy tells nobody that it listens
