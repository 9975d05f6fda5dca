"""The command `pgstate`: what it says, its exit codes, and what it leaves alone."""

from __future__ import annotations

import contextlib
import fcntl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from noise import noise
from sqlalchemy.engine import make_url

from streamlit_pgstate import connect
from streamlit_pgstate.cli import main
from streamlit_pgstate.errors import MigrationRequired
from streamlit_pgstate.postgres import embedded, migrate
from streamlit_pgstate.postgres.faults import Place

PASSWORD = "s3cr3t-of-the-owner"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, and nothing of this user's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def pgstate(*arguments: str, **environment: str) -> Result:
    result = CliRunner().invoke(main, arguments, env=environment)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert PASSWORD not in result.output
    return result


def with_password(url: str) -> str:
    return make_url(url).set(password=PASSWORD).render_as_string(hide_password=False)


def secrets(folder: Path, text: str) -> None:
    (folder / ".streamlit").mkdir(parents=True)
    (folder / ".streamlit" / "secrets.toml").write_text(text)


def place(url: str) -> str:
    return str(Place(make_url(url), schema="pgstate", timeout=10))


def schemas(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'")
        return {name for (name,) in found} - {"information_schema", "public"}


def test_status_of_an_empty_database_says_what_to_do_and_changes_nothing(empty_url: str) -> None:
    result = pgstate("status", "--url", with_password(empty_url))
    assert result.exit_code == 1
    assert f"none found, {migrate.HEAD} needed" in result.output
    assert result.output.endswith("or run, with the same options: pgstate migrate\n")
    assert schemas(empty_url) == set()


def test_migrate_fills_an_empty_database_and_then_has_nothing_to_do(empty_url: str) -> None:
    first, second = (pgstate("migrate", "--url", empty_url) for _ in range(2))
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.output.startswith("Migrated schema 'pgstate' of ")
    assert first.output.endswith(f"from nothing to {migrate.HEAD}.\n")
    assert second.output.startswith("Nothing to do: schema 'pgstate' of ")


def test_status_says_where_how_much_and_that_all_is_well(url: str) -> None:
    store = connect(url)
    state = store.state(store.new_token())
    state.update({"a": 1, "b": noise(2**20)})
    del state["a"]
    forgotten = store.state(store.new_token())
    forgotten["c"] = 3
    forgotten.forget()
    store.close()
    result = pgstate("status", PGSTATE_URL=with_password(url))
    assert result.exit_code == 0
    said = dict(line.split(":", 1) for line in result.output.splitlines())
    assert make_url(url).database in said["Database"]
    assert said["Database"].endswith("(from PGSTATE_URL)")
    assert said["Server"].strip().startswith("PostgreSQL 1")
    assert said["Schema"].strip() == "pgstate"
    assert said["Stored"].strip().startswith("1 session, 1 value, 1.0 MiB (")
    assert said["To do"].strip() == "nothing"


def test_an_older_layout_is_told_by_status_and_cured_by_migrate(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE pgstate.alembic_version SET version_num = '0000'")
    monkeypatch.setattr(migrate, "known_revisions", lambda: {"0000", migrate.HEAD})
    result = pgstate("status", "--url", url)
    assert result.exit_code == 1
    assert f"0000 found, {migrate.HEAD} needed" in result.output
    assert "older than needed. Run, with the same options: pgstate migrate" in result.output

    def upgrade(connection: object, schema: str) -> None:
        connection.execute(  # type: ignore[attr-defined]
            migrate.text(f"UPDATE {schema}.alembic_version SET version_num = '{migrate.HEAD}'")
        )

    monkeypatch.setattr(migrate, "_run_alembic", upgrade)
    result = pgstate("migrate", "--url", url)
    assert result.output.endswith(f"from 0000 to {migrate.HEAD}.\n")
    assert pgstate("status", "--url", url).exit_code == 0


def test_a_dropped_table_is_told_by_status_and_no_migration_hides_it(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE pgstate.body, pgstate.revision")
    for command, code in (("status", 1), ("migrate", 1)):
        result = pgstate(command, "--url", url)
        assert result.exit_code == code, result.output
        said = " ".join(result.output.split())
        assert "missing" in said
        assert "body, revision. " in said
        assert 'DROP SCHEMA "pgstate" CASCADE' in said
    store = connect(url)
    with pytest.raises(MigrationRequired, match="body, revision"):
        store.new_token()
    store.close()


def test_a_newer_layout_is_told_by_status_and_refused_by_migrate(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE pgstate.alembic_version SET version_num = '9999'")
    result = pgstate("status", "--url", url)
    assert result.exit_code == 1
    assert "newer than this version" in result.output
    result = pgstate("migrate", "--url", url)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: The database has layout 9999, made by a newer version")
    assert f"Database: {place(url)}, schema 'pgstate', user " in result.stderr
    assert "pip install --upgrade streamlit-pgstate" in result.stderr
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT version_num FROM pgstate.alembic_version").fetchall()
    assert found == [("9999",)]


def test_counts_that_cannot_be_read_do_not_hide_the_rest(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE pgstate.session RENAME COLUMN bytes TO octets")
    result = pgstate("status", "--url", url)
    assert result.exit_code == 1
    assert "Stored:    not readable: " in result.output


def test_the_options_win_over_the_secrets_and_these_over_the_environment(
    folder: Path, new_database: Callable[..., str], empty_url: str
) -> None:
    secrets(folder, f'[connections.pgstate]\nurl = "{empty_url}"\nschema = "from_secrets"\n')
    elsewhere = new_database()
    pgstate("migrate", PGSTATE_URL=elsewhere, PGSTATE_SCHEMA="from_environment")
    assert schemas(empty_url) == {"from_secrets"}
    result = pgstate("migrate", "--url", elsewhere, "--schema", "from_options")
    assert "(from --url)" in result.output
    assert schemas(elsewhere) == {"from_options"}


def test_the_user_s_own_secrets_are_read_below_those_of_the_folder(
    folder: Path, empty_url: str
) -> None:
    secrets(folder / "home", f'[connections.pgstate]\nurl = "{empty_url}"\nschema = "of_home"\n')
    assert pgstate("migrate").exit_code == 0
    secrets(folder, f'[connections.pgstate]\nurl = "{empty_url}"\nschema = "of_folder"\n')
    assert pgstate("migrate").exit_code == 0
    assert schemas(empty_url) == {"of_home", "of_folder"}


def test_an_environment_alone_is_enough(empty_url: str) -> None:
    assert pgstate("migrate", PGSTATE_URL=empty_url, PGSTATE_SCHEMA="other").exit_code == 0
    assert schemas(empty_url) == {"other"}


@pytest.mark.parametrize(
    "text",
    [
        f'[connections.pgstate]\nurl = "{PASSWORD}',
        f'[connections]\npgstate = "{PASSWORD}"',
        f'[connections.pgstate]\nurl = "mysql://me:{PASSWORD}@host/app"',
        f'[connections.pgstate]\nurl = "postgresql://me:{PASSWORD}@host"',
        f'[connections.pgstate]\npassword = "{PASSWORD}"',
    ],
)
def test_wrong_secrets_are_one_line_without_what_they_hold(folder: Path, text: str) -> None:
    secrets(folder, text)
    for command in ("status", "migrate"):
        result = pgstate(command)
        assert result.exit_code == 2
        assert result.stderr.startswith("Error: ")
        assert result.stderr.count("\n") == 1
        assert "secrets.toml" in result.stderr


@pytest.mark.parametrize("command", ["status", "migrate"])
def test_a_database_out_of_reach_is_exit_code_3(command: str) -> None:
    result = pgstate(command, "--url", f"postgresql://me:{PASSWORD}@127.0.0.1:1/app")
    assert result.exit_code == 3
    assert result.stderr.startswith("Error: The database cannot be reached (Connection refused).")
    assert result.stderr.endswith(" Database: 127.0.0.1:1/app, schema 'pgstate', user 'me'.\n")


def test_an_error_is_one_line_of_the_real_command() -> None:
    url = f"postgresql://me:{PASSWORD}@127.0.0.1:1/app"
    command = [sys.executable, "-m", "streamlit_pgstate.cli", "status", "--url", url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["status", "migrate"])
def test_a_database_that_is_not_there_is_exit_code_2(command: str, empty_url: str) -> None:
    url = make_url(with_password(empty_url)).set(database="not_there")
    result = pgstate(command, "--url", url.render_as_string(hide_password=False))
    assert result.exit_code == 2
    assert 'CREATE DATABASE "not_there"' in result.stderr


def test_a_migration_in_the_way_is_exit_code_3(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "_LOCK_TIMEOUT", 1)
    with psycopg.connect(empty_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (migrate._LOCK_ID,))
        result = pgstate("migrate", "--url", empty_url)
    assert result.exit_code == 3
    assert result.stderr.startswith("Error: Another migration of ")


def test_without_any_database_the_error_names_the_ways_to_give_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(embedded, "installed", lambda: False)
    result = pgstate("status")
    assert result.exit_code == 2
    for way in ("--url", "PGSTATE_URL", "secrets.toml", "streamlit-pgstate[embedded]"):
        assert way in result.stderr


@pytest.mark.parametrize("arguments", [["nonsense"], ["status", "--urk", "x"], ["status", "x"]])
def test_a_slip_of_the_finger_is_exit_code_2(arguments: list[str]) -> None:
    assert pgstate(*arguments).exit_code == 2


def test_the_help_says_the_exit_codes_and_gives_examples() -> None:
    for arguments in (["--help"], ["status", "-h"], ["migrate", "-h"]):
        result = pgstate(*arguments)
        assert result.exit_code == 0
        assert "Exit codes:" in result.output
        assert "Example" in result.output
        assert max(map(len, result.output.splitlines())) <= 100
    assert pgstate("--version").output.startswith("pgstate, version ")


HELP = """
import sys
from streamlit_pgstate.cli import main
try:
    main(["--help"])
finally:
    heavy = {"streamlit", "pandas", "pyarrow", "sqlalchemy", "psycopg", "alembic"}
    assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""


def test_the_help_needs_no_heavy_import() -> None:
    subprocess.run([sys.executable, "-c", HELP], check=True, timeout=60)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the server's user can enter, too, where root runs the tests."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        lock = folder / ".pgstate" / "server.lock"
        with contextlib.suppress(FileNotFoundError), lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # the server has stopped


def test_the_embedded_database_works_too(open_folder: Path) -> None:
    def typed(*arguments: str) -> tuple[int, str]:
        """In a process of its own: the server stops with its last client."""
        done = subprocess.run(
            [sys.executable, "-m", "streamlit_pgstate.cli", *arguments],
            cwd=open_folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    code, said = typed("status")
    assert code == 1
    assert "none yet in" in said
    assert list(open_folder.iterdir()) == []
    code, said = typed("migrate", "--embedded")
    assert code == 0, said
    assert f"from nothing to {migrate.HEAD}" in said
    for arguments in (["status"], ["status", "--embedded"]):
        code, said = typed(*arguments)
        assert code == 0, said
        assert str(open_folder / ".pgstate") in said
    code, said = typed("migrate")
    assert code == 2, "an operator in the wrong folder would take this one for the right one"
    assert "pgstate migrate --embedded" in said


def test_without_configuration_migrate_makes_nothing_and_says_what_to_type(folder: Path) -> None:
    assert embedded.installed()
    result = pgstate("migrate")
    assert result.exit_code == 2
    assert f"No database is configured for the folder {folder}." in result.stderr
    for way in ("--url", "PGSTATE_URL", "secrets.toml", "run: pgstate migrate --embedded"):
        assert way in result.stderr
    assert list(folder.iterdir()) == []
    secrets(folder, '[connections.pgstate]\nschema = "app"\n')
    assert pgstate("migrate", PGSTATE_SCHEMA="app").exit_code == 2
    assert not (folder / ".pgstate").exists()


def test_without_configuration_status_says_so_and_that_an_embedded_one_is_to_be_named(
    folder: Path,
) -> None:
    result = pgstate("status")
    assert result.exit_code == 1
    assert "run this in the folder of the app, or name its database" in result.output
    assert "pgstate migrate --embedded" in result.output
    result = pgstate("status", "--embedded")
    assert result.exit_code == 1
    assert "start the app, which creates it" in result.output
    assert list(folder.iterdir()) == []


def test_embedded_wins_over_what_else_is_configured(
    folder: Path, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets(folder, f'[connections.pgstate]\nurl = "{empty_url}"\nschema = "of_secrets"\n')
    result = pgstate("status", "--embedded", PGSTATE_URL=empty_url)
    assert f"none yet in {folder / '.pgstate'}" in result.output
    for command in ("status", "migrate"):
        result = pgstate(command, "--embedded", "--url", empty_url)
        assert result.exit_code == 2
        assert "name two databases" in result.stderr
        with monkeypatch.context() as patch:
            patch.setattr(embedded, "installed", lambda: False)
            result = pgstate(command, "--embedded")
        assert result.exit_code == 2
        assert "streamlit-pgstate[embedded]" in result.stderr
    assert schemas(empty_url) == set()
