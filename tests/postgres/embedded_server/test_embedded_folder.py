"""The folder of the embedded PostgreSQL: where it may lie, who reaches it, and what is refused."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import psycopg
import pytest

from embedded_server.homes import Client, Home, ended, failure, psutil, reaches, server
from streamlit_pgstate.errors import ConfigError, StoreUnavailable

pytestmark = pytest.mark.faults


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
