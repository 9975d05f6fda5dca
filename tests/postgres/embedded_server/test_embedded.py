"""The embedded PostgreSQL begins with its first process, ends with its last, and keeps its data."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from embedded_server.homes import (
    CLIENT,
    ROOT,
    Home,
    ended,
    postmaster,
    psutil,
    server,
    wait_for_log,
)

pytestmark = pytest.mark.faults


def test_data_are_kept_between_runs(empty: Home) -> None:
    first = empty.client()
    first.do("create table note (text text)")
    first.do("insert into note values ('Grüße 🌍')")
    processes = server(empty.data)
    assert first.end() == 0
    assert ended(processes)
    second = empty.client()
    assert second.do("select text from note") == "[('Grüße 🌍',)]"
    assert second.url == first.url


def test_two_processes_share_one_server(home: Home) -> None:
    one, two = home.client(), home.client()
    assert one.url == two.url
    question = "select pg_postmaster_start_time()::text"
    assert one.do(question) == two.do(question)


def test_the_end_of_the_last_one_stops_it_and_leaves_nothing(home: Home) -> None:
    one, two = home.client(), home.client()
    assert one.url == two.url
    processes = server(home.data)
    assert one.end() == 0
    assert two.do("select 1") == "[(1,)]"
    assert two.end() == 0
    assert ended(processes)
    assert not (home.data / "data" / "postmaster.pid").exists()
    assert "database system is shut down" in (home.data / "postgres.log").read_text()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_ends_the_only_client_stops_it(home: Home, number: int) -> None:
    client = home.client()
    assert client.url
    processes = server(home.data)
    client.kill(number)
    assert ended(processes)
    assert "database system is shut down" in (home.data / "postgres.log").read_text()


def test_an_exception_that_ends_the_only_client_stops_it(home: Home) -> None:
    client = home.client()
    assert client.url
    processes = server(home.data)
    _, errors = client.process.communicate("raise\n", timeout=30)
    assert "on purpose" in errors
    assert ended(processes)


def test_kill_9_of_one_of_two_leaves_the_other_served(home: Home) -> None:
    starter, other = home.client(), None
    assert starter.url
    other = home.client()
    other.do("create table note (text text)")
    main = postmaster(home.data)
    starter.kill()
    assert other.do("insert into note values ('a') returning text") == "[('a',)]"
    assert main.is_running()


def test_the_data_survive_kill_9_of_the_postmaster_under_a_living_process(home: Home) -> None:
    client = home.client()
    client.do("create table note (text text)")
    client.do("insert into note values ('kept')")
    for _ in range(2):
        processes = server(home.data)
        postmaster(home.data).kill()
        assert client.do("start") == client.url
        assert client.do("select text from note") == "[('kept',)]"
        assert ended(processes)  # the supervisor, too


def test_the_data_survive_kill_9_of_everything(home: Home) -> None:
    client = home.client()
    client.do("create table note (text text)")
    client.do("insert into note values ('kept')")
    processes = server(home.data)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):  # the server goes with its supervisor
            process.kill()
    client.kill()
    assert ended(processes)
    assert home.client().do("select text from note") == "[('kept',)]"


def test_a_stale_pid_file_that_names_a_living_process_does_not_stop_a_start(home: Home) -> None:
    client = home.client()
    client.do("create table note (text text)")
    mark, socket = (home.data / "data" / name for name in ("postmaster.pid", ".s.PGSQL.5432.lock"))
    left = mark.read_text(), socket.read_text()
    processes = server(home.data)
    client.kill()
    assert ended(processes)
    # What a killed container leaves: the number now belongs to something else of the server's
    # user. A sleeper of that user stands for it.
    owner = (home.data / "data").stat()
    sleeper = subprocess.Popen(
        ["sleep", "600"], user=owner.st_uid if os.geteuid() == 0 else None, cwd="/"
    )
    try:
        for file, text in zip((mark, socket), left, strict=True):
            _, rest = text.split("\n", 1)
            file.write_text(f"{sleeper.pid}\n{rest}")
            os.chown(file, owner.st_uid, owner.st_gid)
        assert home.client().do("select count(*) from note") == "[(0,)]"
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


def test_kill_9_of_the_supervisor_is_repaired_by_the_next_start(home: Home) -> None:
    client = home.client()
    client.do("create table note (text text)")
    before = server(home.data)
    before[0].kill()
    assert ended(before[:1])
    assert client.do("start") == client.url
    assert client.do("select count(*) from note") == "[(0,)]"
    assert ended(before)
    after = server(home.data)
    client.kill()
    assert ended(after)


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_kill_9_of_the_supervisor_stops_the_server(home: Home) -> None:
    assert home.client().url
    processes = server(home.data)
    processes[0].kill()
    assert ended(processes)


def test_a_killed_backend_is_waited_for(home: Home) -> None:
    client = home.client()
    pid = int(client.do("select pg_backend_pid()").strip("[(,)]"))
    with psycopg.connect(client.url) as connection:
        main = postmaster(home.data)
        psutil.Process(connection.info.backend_pid).kill()
        wait_for_log(home.data, "was terminated by signal 9")
        assert client.do("start") == client.url
        assert client.do("select 1") == "[(1,)]"
        assert postmaster(home.data) == main
    assert pid


def test_ten_processes_at_once_on_an_empty_directory_all_connect_and_write(empty: Home) -> None:
    clients = [empty.client() for _ in range(10)]
    with ThreadPoolExecutor(10) as pool:
        urls = set(pool.map(lambda client: client.url, clients))
        assert len(urls) == 1
        clients[0].do("create table note (n int)")
        done = list(pool.map(lambda n: clients[n].do(f"insert into note values ({n})"), range(10)))
    assert done == ["done"] * 10
    assert clients[3].do("select count(*) from note") == "[(10,)]"
    supervisors = [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(empty.data) in (process.info["cmdline"] or []) and "-I" in process.info["cmdline"]
    ]
    assert len(supervisors) == 1


def test_many_threads_of_one_process_get_one_server(empty: Home) -> None:
    code = CLIENT.replace(
        "url = embedded.start(Path(sys.argv[1]))\nprint",
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(16) as pool:\n"
        "    [url] = set(pool.map(embedded.start, [Path(sys.argv[1])] * 16))\nprint",
        1,
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(empty.data), str(ROOT / "streamlit_pgstate")],
        input="select 1\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.endswith("[(1,)]\n"), done.stderr


def test_a_process_that_starts_while_the_last_one_leaves_gets_a_server(home: Home) -> None:
    last = home.client()
    last.do("create table note (n int)")
    for n in range(4):
        # Two that come, one before the end and one after it, in turn with the end by kill -9.
        early = home.client()
        last.kill()
        late = home.client()
        early.do(f"insert into note values ({n})")
        assert late.do("select count(*) from note") == f"[({n + 1},)]"
        early.end()
        last = late


def test_a_process_that_starts_while_the_server_stops_waits_for_it(home: Home) -> None:
    client = home.client()
    client.do("create table note (n int)")
    processes = server(home.data)
    supervisor = processes[0]
    supervisor.suspend()  # the moment between the end of the last client and that of the server
    client.kill()
    late = home.client()
    threading.Timer(0.5, supervisor.resume).start()
    assert late.do("select count(*) from note") == "[(0,)]"


def test_ctrl_c_in_one_terminal_leaves_the_client_of_another_served(home: Home) -> None:
    starter = home.client()
    assert starter.url
    other = home.client()
    other.do("create table note (n int)")
    os.killpg(starter.process.pid, signal.SIGINT)
    assert starter.process.wait(30) != 0
    assert other.do("select count(*) from note") == "[(0,)]"


def test_a_forked_child_does_not_keep_the_server(home: Home) -> None:
    client = home.client()
    child = psutil.Process(int(client.do("fork")))
    try:
        processes = server(home.data)
        client.kill()
        assert ended(processes)
        assert child.is_running()
    finally:
        child.kill()
