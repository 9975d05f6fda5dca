"""Large values over a link that breaks, falls silent or is slow, and written by two at once."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from streamlit_pgstate import State, Store, StoreUnavailable, connect

SQL = psycopg.Connection[Any]
MIB = 1 << 20


def noise(size: int, seed: object) -> bytes:
    return random.Random(str(seed)).randbytes(size)


class Link:
    """A port that passes on to the server what it gets, and can do that badly.

    Attributes:
        speed: bytes a second, each way; None for as fast as it goes.
        breaks_after: bytes of one connection, either way, after which it is cut, once.
        silent_after: bytes of one connection, either way, after which nothing passes any more.
    """

    def __init__(self, sql: SQL) -> None:
        self.speed: int | None = None
        self.breaks_after: int | None = None
        self.silent_after: int | None = None
        self._host, self._server_port = sql.info.host, sql.info.port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        for end in (self._listener, *self._open):
            _close(end)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                server = self._connect()
                self._open += [client, server]
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _connect(self) -> socket.socket:
        if not self._host.startswith("/"):
            return socket.create_connection((self._host, self._server_port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{self._host}/.s.PGSQL.{self._server_port}")
        return server

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        passed, due = 0, time.monotonic()
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                passed += len(data)
                if self.breaks_after is not None and passed > self.breaks_after:
                    self.breaks_after = None
                    break
                if self.silent_after is not None and passed > self.silent_after:
                    continue
                if self.speed is not None:
                    due = max(due, time.monotonic()) + len(data) / self.speed
                    time.sleep(max(0.0, due - time.monotonic()))
                target.sendall(data)
        _close(source)
        _close(target)


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for it
    end.close()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Replaces the fixture of the same name: what is read comes from the database each time."""
    store = connect(url, cache_bytes=0)
    yield store
    store.close()


@pytest.fixture
def link(sql: SQL) -> Iterator[Link]:
    link = Link(sql)
    yield link
    link.close()


@pytest.fixture
def over(link: Link, url: str) -> Iterator[Callable[..., State]]:
    """Open a state over the link."""
    stores: list[Store] = []
    there = (
        make_url(url)
        .difference_update_query(["host", "port"])
        .set(host="127.0.0.1", port=link.port)
    )

    def make(session: State, **settings: Any) -> State:
        url = there.render_as_string(hide_password=False)
        stores.append(connect(url, **{"cache_bytes": 0, **settings}))
        return stores[-1].state_of(session.id)

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def state(store: Store) -> State:
    state = store.state(store.new_token())
    state["k"] = noise(6 * MIB, "old")
    return state


def breaking(sql: SQL, times: int) -> None:
    """The next connections that send the seventh MiB of a value are ended by the server."""
    sql.execute("CREATE SEQUENCE public.breaks")
    sql.execute(
        f"""CREATE FUNCTION public.break() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.part = 6 AND nextval('public.breaks') <= {times} THEN
                PERFORM pg_terminate_backend(pg_backend_pid());
            END IF;
            RETURN NEW;
        END $$"""
    )
    sql.execute(
        "CREATE TRIGGER break BEFORE INSERT ON pgstate.body"
        " FOR EACH ROW EXECUTE FUNCTION public.break()"
    )


def test_an_upload_whose_connection_breaks_in_the_middle_goes_on(
    state: State, store: Store, sql: SQL
) -> None:
    new = noise(10 * MIB, "new")
    breaking(sql, 1)
    state["k"] = new
    assert store.state_of(state.id)["k"] == new
    assert sql.execute("SELECT last_value FROM public.breaks").fetchone() == (2,)
    assert sql.execute("SELECT count(*) FROM pgstate.body").fetchone() == (10,)


def test_an_upload_that_breaks_twice_is_told_and_the_old_value_stays(
    state: State, store: Store, sql: SQL
) -> None:
    breaking(sql, 2)
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        state["k"] = noise(10 * MIB, "new")
    for each in (state, store.state_of(state.id)):
        assert each["k"] == noise(6 * MIB, "old")
    state["k"] = noise(10 * MIB, "new")
    assert store.state_of(state.id)["k"] == noise(10 * MIB, "new")


def test_a_download_whose_connection_breaks_in_the_middle_is_begun_anew(
    state: State, over: Callable[..., State], link: Link
) -> None:
    reader = over(state)
    link.breaks_after = 4 * MIB
    assert reader["k"] == noise(6 * MIB, "old")
    assert link.breaks_after is None


def test_over_a_slow_link_the_timeout_is_for_each_part_and_not_for_the_whole_value(
    state: State, over: Callable[..., State], link: Link
) -> None:
    # 4 MiB, which is what one statement sends, take 0.5 s.
    remote = over(state, timeout="2.5s")
    link.speed = 8 * MIB
    start = time.monotonic()
    remote["k"] = noise(24 * MIB, "new")
    assert time.monotonic() - start > 2.5
    reader = over(state, timeout="2.5s")
    start = time.monotonic()
    assert reader["k"] == noise(24 * MIB, "new")
    assert time.monotonic() - start > 2.5


def test_over_a_slow_link_a_page_load_of_many_small_values_takes_the_time_that_it_needs(
    store: Store, over: Callable[..., State], link: Link
) -> None:
    full = store.state(store.new_token())
    values = {f"key {number}": noise(30_000, number) for number in range(100)}
    full.update(values)
    link.speed = 2 * MIB  # the load takes 1.4 s
    remote = over(full, timeout="0.5s")
    assert dict(remote) == values
    remote.clear()
    assert dict(store.state_of(full.id)) == {}


@pytest.mark.parametrize("verb", ["get", "set"])
def test_a_link_that_falls_silent_in_the_middle_is_an_outage_after_the_timeout(
    state: State, store: Store, over: Callable[..., State], link: Link, verb: str
) -> None:
    remote = over(state, timeout="3s")
    link.silent_after = 5 * MIB
    start = time.monotonic()
    with pytest.raises(StoreUnavailable, match="did not answer within 3 s"):
        remote.get("k") if verb == "get" else remote.set("k", noise(10 * MIB, "new"))
    assert time.monotonic() - start < 20
    assert store.state_of(state.id)["k"] == noise(6 * MIB, "old")
    link.silent_after = None
    assert remote["k"] == noise(6 * MIB, "old")


SET_BY_TURNS = """
import random, sys
from streamlit_pgstate import connect

url, session, name = sys.argv[1:]
state = connect(url).state_of(session)
values = [random.Random(f"{name} {n}").randbytes(5 << 20) for n in range(2)]
print("ready", flush=True)
sys.stdin.readline()
for turn in range(6):
    state["k"] = values[turn % 2]
"""


def test_two_processes_that_set_one_large_key_leave_the_value_of_one_of_them(
    state: State, store: Store, url: str
) -> None:
    names = ("a", "b")
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", SET_BY_TURNS, url, str(state.id)]
    writers = [
        subprocess.Popen([*command, name], stdin=pipe, stdout=pipe, text=True, env=os.environ)
        for name in names
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    possible = {noise(6 * MIB, "old")}
    possible |= {noise(5 * MIB, f"{name} {n}") for name in names for n in range(2)}
    reader = store.state_of(state.id)
    while any(writer.poll() is None for writer in writers):
        reader.refresh()
        assert reader["k"] in possible
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert store.state_of(state.id)["k"] in {noise(5 * MIB, f"{name} 1") for name in names}
