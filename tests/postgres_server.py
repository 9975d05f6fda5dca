"""A PostgreSQL of a test's own, which the test may kill, freeze and copy.

It runs the programs of the embedded one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from streamlit_pgstate.postgres.embedded.binaries import binaries, runnable
from streamlit_pgstate.postgres.embedded.supervisor import as_user
from streamlit_pgstate.postgres.embedded.user import server_user

psutil = pytest.importorskip("psutil")  # comes with the extra `embedded`, as the servers do

SQL = psycopg.Connection[Any]
PASSWORD = "hunter2-is-the-password"
READY_WITHIN = 60.0


class Server:
    """One server: over TCP with a password, over its socket without.

    Args:
        data: the folder of its files and its socket. Its parent must be there.
        **options: settings of PostgreSQL, beside those that each of these servers has.
    """

    def __init__(self, data: Path, **options: object) -> None:
        self.data = data
        self.user = server_user(data, 30)
        self.wheel = binaries(data)
        self.programs = self.wheel
        if self.user is not None:
            self.programs = runnable(self.wheel, self.user, 60)
            os.chown(data.parent, self.user.uid, self.user.gid)
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._options = options

    def create(self) -> None:
        """Make it, empty, and start it."""
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"]
        subprocess.run(
            [self.programs / "initdb", *options, self.data],
            check=True,
            capture_output=True,
            cwd=self.data.parent,
            **as_user(self.user),
        )
        (self.data / "pg_hba.conf").write_text(
            "local all all trust\nlocal replication all trust\n"
            "host all all 127.0.0.1/32 scram-sha-256\n"
        )
        self.start()
        with self.sql() as sql:
            sql.execute(f"ALTER USER postgres PASSWORD '{PASSWORD}'")

    def copy(self, primary: Server) -> None:
        """Become a standby of `primary`, with a copy of what it holds. Not started yet."""
        if self.data.exists():
            shutil.rmtree(self.data)
        source = f"host={primary.data} port={primary.port} user=postgres"
        options = ["-D", self.data, "-R", "-X", "stream", "-c", "fast", "--no-sync"]
        subprocess.run(
            # A program of the wheel: a copy for another user has only what a server needs.
            [self.wheel / "pg_basebackup", "-d", source, *options],
            check=True,
            capture_output=True,
            cwd=self.data.parent,
        )
        if self.user is not None:
            for path in (self.data, *self.data.rglob("*")):
                os.chown(path, self.user.uid, self.user.gid, follow_symlinks=False)

    @property
    def url(self) -> str:
        return f"postgresql://postgres@:{self.port}/postgres?host={self.data}"

    @property
    def tcp_url(self) -> str:
        return f"postgresql://postgres:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    def sql(self) -> SQL:
        return psycopg.connect(self.url, autocommit=True)

    def start(self) -> None:
        if self.process is not None and self.process.poll() is None:
            return
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "fsync": "off"}
        options |= {"unix_socket_directories": self.data, "max_connections": 60}
        options |= self._options
        arguments = [part for item in options.items() for part in ("-c", "{}={}".format(*item))]
        self.process = subprocess.Popen(
            [self.programs / "postgres", "-D", self.data, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.data.parent,
            **as_user(self.user),
        )
        self.await_answer()

    def await_answer(self) -> None:
        """Wait until it lets clients in."""
        until = time.monotonic() + READY_WITHIN
        while True:
            try:
                self.sql().close()
            except psycopg.OperationalError:
                assert self.process is not None
                assert self.process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """As a crash: no client is told, nothing is flushed."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGSTOP)  # it starts no more of them
            children = self.processes()[1:]
            self.process.kill()
            self.process.wait(30)
            for process in children:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            assert not psutil.wait_procs(children, 30)[1]

    def processes(self) -> list[Any]:
        assert self.process is not None
        main = psutil.Process(self.process.pid)
        return [main, *main.children(recursive=True)]

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """As a machine that swaps, or a network that drops every packet."""
        processes = self.processes()
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                process.send_signal(signal.SIGCONT)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def locked(own: Server) -> Iterator[SQL]:
    """The entries are locked by somebody else."""
    with own.sql() as sql, sql.transaction():
        sql.execute("LOCK pgstate.entry")
        yield sql


def waiting(sql: SQL) -> int:
    """The backend that waits for the lock, once there is one."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        sql.execute("SELECT pg_stat_clear_snapshot()")
        row = sql.execute(
            "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        ).fetchone()
        if row:
            return int(row[0])
    raise AssertionError("nobody waits")
