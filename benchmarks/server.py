"""The PostgreSQL that benchmarks run on: one of their own, durable, over TCP, on disk.

It has PostgreSQL's own defaults, with ``fsync`` on. Its programs are those of the wheel, or those
in the folder that BENCH_PG_BIN names, such as /usr/lib/postgresql/15/bin. With PGSTATE_URL nothing
is started: the benchmarks run on that database.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from streamlit_pgstate.postgres.embedded.binaries import binaries, runnable
from streamlit_pgstate.postgres.embedded.supervisor import as_user
from streamlit_pgstate.postgres.embedded.user import server_user

READY_WITHIN = 60.0
"""Seconds."""
FOLDER = Path(os.environ.get("BENCH_FOLDER", "/var/tmp"))
"""On disk: /tmp may be memory, where nothing costs what it costs on disk."""


@contextlib.contextmanager
def server(**options: object) -> Iterator[str]:
    """The URL of an empty database, on a server that ends with the block.

    Args:
        **options: settings of PostgreSQL.
    """
    given = os.environ.get("PGSTATE_URL")
    if given:
        _note_version(given)
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="pgstate-benchmarks-", dir=FOLDER))
    try:
        with started(folder / "data", **options) as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def started(data: Path, **options: object) -> Iterator[str]:
    """The URL of a server that keeps its files in `data`, which is made if it is not there."""
    data.parent.mkdir(parents=True, exist_ok=True)
    user = server_user(data, 30)
    chosen = os.environ.get("BENCH_PG_BIN")
    programs = Path(chosen) if chosen else binaries(data)
    if user is not None:
        programs = programs if chosen else runnable(programs, user, 60)
        if not data.exists():
            os.chown(data.parent, user.uid, user.gid)
    as_owner = {"cwd": data.parent, **as_user(user)}
    if not (data / "PG_VERSION").exists():
        words = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-D", str(data)]
        subprocess.run(
            [programs / "initdb", *words], check=True, stdout=subprocess.DEVNULL, **as_owner
        )
    port = _free_port()
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": ""}
    arguments = [part for item in (settings | options).items() for part in ("-c", _pair(*item))]
    with (data / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **as_owner,
        )
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    try:
        _await(url, process)
        _note_version(url)
        yield url
    finally:
        process.send_signal(signal.SIGINT)  # a fast shutdown: it writes a checkpoint
        process.wait(300)


def _pair(name: str, value: object) -> str:
    return f"{name}={value}"


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + READY_WITHIN
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.05)  # PostgreSQL tells nobody that it answers from now on
        else:
            return


def _note_version(url: str) -> None:
    """Have `machine` say which PostgreSQL it was."""
    with psycopg.connect(url) as sql:
        [words] = sql.execute("SHOW server_version").fetchone() or ("",)
        modes = [
            sql.execute("SELECT current_setting(%s)", (name,)).fetchone()
            for name in ("fsync", "synchronous_commit")
        ]
    durable = modes == [("on",), ("on",)]
    os.environ["BENCH_POSTGRESQL"] = f"{words}, {'durable' if durable else 'NOT DURABLE'}"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
