"""A real PostgreSQL for every test: one server a run, one migrated template, a clone a test.

``PGSTATE_TEST_URL`` points to another server (its database must allow CREATE DATABASE); else
the embedded PostgreSQL 18 serves, in a folder of its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import memory
import psycopg
import pytest
from failures import FAILED
from hypothesis import HealthCheck, settings
from sqlalchemy.engine import URL, make_url

from streamlit_pgstate import State, Store, connect

for _name in [name for name in os.environ if name.startswith("PGSTATE_")]:
    if _name != "PGSTATE_TEST_URL":
        del os.environ[_name]

# Containers often forbid compiled files. Then each worker rewrites all tests anew, for 4 s of CPU,
# and each process that a test starts compiles the package, for 0.2 s.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

_MAIN = sys.modules["__main__"]

# Property tests try the same examples at every run, so that a red one is about the change at hand,
# as far as the same modules are loaded: Hypothesis also tries constants that it finds in these.
# 40 in `make test`, 100 in `make everything`, which sets HYPOTHESIS_PROFILE=everything.
# HYPOTHESIS_PROFILE=thorough looks for others, and for longer.
for _profile, _examples in {"quick": 40, "everything": 100}.items():
    settings.register_profile(
        _profile, max_examples=_examples, deadline=None, derandomize=True, database=None
    )
settings.register_profile(
    "thorough",
    max_examples=3000,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

_numbers = itertools.count()

# A shell that runs `make test` in the background leaves Ctrl-C ignored, in all its children.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> list[str]:
    left_out = [name for name in ("polars", "scipy", "PIL", "pydantic") if not find_spec(name)]
    return [
        f"PostgreSQL: {os.environ.get('PGSTATE_TEST_URL') or 'embedded'}",
        *([f"Not installed, so values of these are left out: {left_out}"] if left_out else []),
    ]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is imported and collected stays: to look for garbage in it takes 1.5 s of 6 s of CPU.

    Each worker collects all tests. What is frozen is not looked at during the tests, either.
    """
    gc.disable()
    collected = yield
    gc.freeze()
    gc.enable()
    return collected


@pytest.fixture(autouse=True)
def _own_main_module() -> None:
    """Streamlit leaves the script of an AppTest as `__main__`, which spawned processes run."""
    sys.modules["__main__"] = _MAIN


@pytest.fixture(scope="session")
def server() -> Iterator[URL]:
    """A URL of a real server, of a database that others can be created from."""
    given = os.environ.get("PGSTATE_TEST_URL")
    if given:
        yield make_url(given).set(drivername="postgresql")
        return
    folder = Path(tempfile.mkdtemp(prefix="pgstate-tests-", dir=memory.folder()))
    data = folder / ".pgstate"
    with _process_that_keeps_running(data) as keeper:
        with psycopg.connect(keeper, autocommit=True) as connection:
            # 0.9 s becomes 0.05 s for each database that a test makes; tests of durability
            # have servers of their own.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield make_url(keeper)
    with (data / "server.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the server has stopped
    shutil.rmtree(folder)


@contextlib.contextmanager
def _process_that_keeps_running(data: Path) -> Iterator[str]:
    """The server stops with its last client, and a test may kill any but this one."""
    program = (
        "import sys; from pathlib import Path; from streamlit_pgstate.postgres import embedded;"
        "print(embedded.start(Path(sys.argv[1])), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as keeper:
        assert keeper.stdout is not None
        yield keeper.stdout.readline().strip()


@pytest.fixture(scope="session")
def admin(server: URL) -> Iterator[psycopg.Connection]:
    with psycopg.connect(text(server), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def template(server: URL, admin: psycopg.Connection) -> str:
    """A database with our tables, to be cloned: 30 ms beside 300 ms for a migration."""
    name = f"pgstate_template_{os.getpid()}"
    admin.execute(f'DROP DATABASE IF EXISTS "{name}"')
    admin.execute(f'CREATE DATABASE "{name}"')
    store = connect(text(server.set(database=name)))
    store.migrate()
    store.close()
    return name


def clone(admin: psycopg.Connection, name: str, template: str) -> None:
    """Make a database. Copies of files take 27 ms of CPU, and an entry of the log for each page 68.

    Before it copies files PostgreSQL waits until all is written: that is cheap without fsync only.
    PostgreSQL 14 copies files always.
    """
    copies = not os.environ.get("PGSTATE_TEST_URL")
    strategy = " STRATEGY file_copy" if copies else ""
    admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"{strategy}')


@pytest.fixture
def new_database(server: URL, admin: psycopg.Connection) -> Iterator[Callable[..., str]]:
    """Make a database, empty or a clone of `template`, and return its URL."""
    names: list[str] = []

    def make(template: str | None = None) -> str:
        name = f"pgstate_test_{os.getpid()}_{next(_numbers)}"
        clone(admin, name, template or "template1")
        names.append(name)
        return text(server.set(database=name))

    yield make
    for name in names:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def url(new_database: Callable[..., str], template: str) -> str:
    """The URL of a database of the test's own, with our tables in it."""
    return new_database(template)


@pytest.fixture
def empty_url(new_database: Callable[..., str]) -> str:
    """The URL of an empty database of the test's own."""
    return new_database()


@pytest.fixture
def reads_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each `get` of a large value reads its rows, as another process would: none is in memory."""
    monkeypatch.setenv("PGSTATE_CACHE_BYTES", "0")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = connect(url)
    yield store
    store.close()


@pytest.fixture
def token(store: Store) -> str:
    return store.new_token()


@pytest.fixture
def state(store: Store, token: str) -> State:
    """A new visitor's."""
    return store.state(token)


@pytest.fixture
def sql(url: str) -> Iterator[psycopg.Connection]:
    """A connection beside the store's, to look at the rows as they stand."""
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def round_trips(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[], contextlib.AbstractContextManager[list[str]]]:
    """Count how often psycopg sends something and waits for the answer, on any connection."""

    @contextlib.contextmanager
    def counted() -> Iterator[list[str]]:
        trips: list[str] = []
        wait = psycopg.Connection.wait

        def counting(self, gen, *args, **kwargs):  # type: ignore[no-untyped-def]
            name = getattr(gen, "__qualname__", repr(gen))
            if not name.endswith("._stream_fetchone_gen"):  # sends nothing: a further row
                trips.append(name)
            return wait(self, gen, *args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(psycopg.Connection, "wait", counting)
            yield trips

    return counted


def text(url: URL) -> str:
    return url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def database(admin: psycopg.Connection, template: str, server: URL) -> Iterator[Callable[[], str]]:
    """Make a database with our tables that lives as long as the test session."""
    names: list[str] = []

    def make() -> str:
        name = f"pgstate_pages_{os.getpid()}_{len(names)}"
        clone(admin, name, template)
        names.append(name)
        return server.set(database=name).render_as_string(hide_password=False)

    yield make
    for name in names:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.failed and report.when == "call":  # type: ignore[attr-defined]  # a TestReport
        item.stash[FAILED] = True
    return report
