"""A PostgreSQL of the tests' own, which they may kill and freeze."""

from __future__ import annotations

import contextlib
import os
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


class Server:
    """A PostgreSQL of one test file: over TCP with a password, over its socket without."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.user = server_user(self.data, 30)
        self.programs = binaries(self.data)
        if self.user is not None:
            self.programs = runnable(self.programs, self.user, 60)
            os.chown(folder, self.user.uid, self.user.gid)
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"]
        subprocess.run(
            [self.programs / "initdb", *options, self.data],
            check=True,
            capture_output=True,
            cwd=folder,
            **as_user(self.user),
        )
        (self.data / "pg_hba.conf").write_text(
            "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        )
        self.start()
        with self.sql() as sql:
            sql.execute(f"ALTER USER postgres PASSWORD '{PASSWORD}'")

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
        arguments = [part for item in options.items() for part in ("-c", "{}={}".format(*item))]
        self.process = subprocess.Popen(
            [self.programs / "postgres", "-D", self.data, *arguments],
            stderr=subprocess.DEVNULL,
            cwd=self.data.parent,
            **as_user(self.user),
        )
        until = time.monotonic() + 30
        while True:
            try:
                self.sql().close()
            except psycopg.OperationalError:
                assert self.process.poll() is None
                assert time.monotonic() < until
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
