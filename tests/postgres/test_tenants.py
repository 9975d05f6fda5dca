"""Several apps in one database, without a wall between them and with those of docs/security.md."""

from __future__ import annotations

import base64
import contextlib
import re
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from click.testing import CliRunner
from gate import Gate
from pooler import pooled
from sqlalchemy.engine import make_url

from streamlit_pgstate import (
    ConfigError,
    MigrationRequired,
    PgStateError,
    State,
    Store,
    UnknownToken,
    cli,
    connect,
)
from streamlit_pgstate.postgres.cleanup import Cleaned, Turns
from streamlit_pgstate.postgres.rows import SessionRef
from streamlit_pgstate.postgres.token import session_of_app

PAGE = Path(__file__).parents[2] / "docs" / "security.md"
LARGE = secrets.token_bytes(100_000)  # as they are, too large for a row of `entry`
SECRET = "what one visitor of one app has entered"
DATA = ("session", "entry", "body", "revision")


def steps() -> list[str]:
    """The SQL of docs/security.md, from the role and the schema of an app to its policies."""
    _, _, section = PAGE.read_text("utf-8").partition("\n## Several apps in one database\n")
    return re.findall(r"```sql\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """An app with a role of its own.

    Attributes:
        name: of the app and of its role.
        url: for its role.
        store: its store.
    """

    name: str
    url: str
    store: Store

    @contextlib.contextmanager
    def sql(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            yield connection

    def visitor(self) -> State:
        """A visitor who has stored a small value and a large one."""
        state = self.store.state(self.store.new_token())
        state.update({"small": SECRET, "large": LARGE})
        return state


@contextlib.contextmanager
def role(admin: psycopg.Connection[Any], url: str, name: str) -> Iterator[str]:
    """The URL of a role that the step has made with the password of the page."""
    try:
        yield make_url(url).set(username=name, password="choose-a-long-one").render_as_string(False)
    finally:
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute(f'DROP OWNED BY "{name}" CASCADE')  # type: ignore[arg-type]
        admin.execute(f'DROP ROLE "{name}"')  # type: ignore[arg-type]


@contextlib.contextmanager
def tenant(
    admin: psycopg.Connection[Any], url: str, step: str, **settings: Any
) -> Iterator[Tenant]:
    """An app whose role a step of the page has made."""
    name = f"shop_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(re.sub(r"\bshop\b", name, step))  # type: ignore[arg-type]
    with role(admin, url, name) as own:
        settings = {"app": name, "signing_key": secrets.token_hex(32), **settings}
        with contextlib.closing(connect(own, **settings)) as store:
            yield Tenant(name=name, url=own, store=store)


# --- without a wall in the database -------------------------------------------------------


@contextlib.contextmanager
def two_apps(url: str, which: str) -> Iterator[tuple[Store, Store]]:
    other = {"app": "news"} if which == "one schema" else {"schema": "news"}
    with (
        contextlib.closing(connect(url)) as first,
        contextlib.closing(connect(url, **other)) as second,  # type: ignore[arg-type]
    ):
        yield first, second


@pytest.mark.parametrize("which", ["one schema", "two schemas"])
def test_apps_in_one_database_see_nothing_of_each_other(url: str, which: str) -> None:
    with two_apps(url, which) as stores:
        tokens = [store.new_token() for store in stores]
        for number, (store, token) in enumerate(zip(stores, tokens, strict=True)):
            store.state(token)["n"] = number
            common_state(store)["n"] = number
            users_state(store)["n"] = number
        for number, (store, token) in enumerate(zip(stores, tokens, strict=True)):
            for state in (store.state(token), common_state(store), users_state(store)):
                assert dict(state) == {"n": number}
            with pytest.raises(UnknownToken):
                store.state(tokens[1 - number])
        users_state(stores[0]).forget()
        assert dict(users_state(stores[1])) == {"n": 1}
        assert stores[0].gc() == stores[1].gc() == Cleaned()


def common_state(store: Store) -> State:
    ref = SessionRef(session_of_app(store.settings.app), scope="app")
    return store._opened(ref, cache=True)


def users_state(store: Store) -> State:
    ref = SessionRef(store._tables.signer.session_of_user("https://idp", "1"), scope="user")
    return store._opened(ref, cache=True)


# --- a schema and a role each -------------------------------------------------------------


def test_a_role_reaches_nothing_in_the_schema_of_another(
    empty_url: str, admin: psycopg.Connection[Any]
) -> None:
    step = steps()[0]
    with (
        tenant(admin, empty_url, step) as first,
        tenant(admin, empty_url, step) as second,
        contextlib.closing(connect(first.url, schema=first.name)) as own,
        contextlib.closing(connect(second.url, schema=second.name)) as other,
        contextlib.closing(connect(second.url, schema=first.name)) as intruder,
    ):
        own.state(own.new_token())["n"] = 1
        other.state(other.new_token())["n"] = 2
        with second.sql() as sql:
            for table in (*DATA, "setting", "alembic_version"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    sql.execute(f'SELECT * FROM "{first.name}"."{table}"')  # type: ignore[arg-type]
        for verb in (intruder.new_token, intruder.migrate, intruder.gc):
            with pytest.raises(PgStateError):
                verb()


# --- one schema, and policies -------------------------------------------------------------


@pytest.fixture
def walled(url: str) -> str:
    """A database in whose schema the policies are."""
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(steps()[1])  # type: ignore[arg-type]
    return url


@pytest.fixture
def tenants(walled: str, admin: psycopg.Connection[Any]) -> Iterator[tuple[Tenant, Tenant]]:
    with tenant(admin, walled, steps()[2]) as first, tenant(admin, walled, steps()[2]) as second:
        yield first, second


def stored(url: str, tenant: Tenant) -> list[Any]:
    """All rows of an app, as the owner of the tables sees them."""
    with psycopg.connect(url) as owner:
        return [
            owner.execute(
                f"SELECT * FROM pgstate.{table} WHERE tenant = %s ORDER BY 1, 2",  # type: ignore[arg-type]
                (tenant.name,),
            ).fetchall()
            for table in DATA
        ]


STATEMENTS = {
    "read": ["SELECT * FROM pgstate.{table}", "TABLE pgstate.{table}"],
    "count": ["SELECT 1 FROM pgstate.{table} HAVING count(*) > 0"],
    "change": ["UPDATE pgstate.{table} SET tenant = current_user RETURNING 1"],
    "delete": ["DELETE FROM pgstate.{table} RETURNING 1"],
    "lock": ["SELECT 1 FROM pgstate.{table} FOR UPDATE"],
}


@pytest.mark.parametrize("table", DATA)
def test_raw_sql_of_one_role_does_nothing_to_the_rows_of_another(
    walled: str, tenants: tuple[Tenant, Tenant], table: str
) -> None:
    owner, intruder = tenants
    owner.visitor()
    before = stored(walled, owner)
    with intruder.sql() as sql:
        for does, statements in STATEMENTS.items():
            for statement in statements:
                found = sql.execute(statement.format(table=table))  # type: ignore[arg-type]
                assert found.fetchall() == [], does
        with sql.cursor().copy(f"COPY pgstate.{table} TO STDOUT") as rows:  # type: ignore[arg-type]
            assert list(rows) == []
        for forbidden in (
            f"TRUNCATE pgstate.{table}",
            f"ALTER TABLE pgstate.{table} DISABLE ROW LEVEL SECURITY",
            f"DROP POLICY own ON pgstate.{table}",
            f'SET ROLE "{owner.name}"',
            f'SET SESSION AUTHORIZATION "{owner.name}"',
        ):
            with pytest.raises(psycopg.Error):
                sql.execute(forbidden)  # type: ignore[arg-type]
        sql.execute("SET row_security = off")  # raises instead of leaving rows out
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            sql.execute(f"SELECT * FROM pgstate.{table}")  # type: ignore[arg-type]
    assert stored(walled, owner) == before


def test_a_function_in_a_condition_sees_no_row_of_another_role(
    tenants: tuple[Tenant, Tenant],
) -> None:
    """It would be called for each row, if PostgreSQL asked it before the policy."""
    owner, intruder = tenants
    owner.visitor()
    with intruder.sql() as sql:
        sql.execute(
            """CREATE FUNCTION pg_temp.tell(x text) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS
            $$ BEGIN RAISE EXCEPTION 'seen %', x; END $$"""
        )
        seen = sql.execute("SELECT 1 FROM pgstate.entry WHERE pg_temp.tell(value::text)")
        assert seen.fetchall() == []


def test_no_role_can_store_a_row_as_another(walled: str, tenants: tuple[Tenant, Tenant]) -> None:
    owner, intruder = tenants
    state = owner.visitor()
    before = stored(walled, owner)
    theirs = intruder.visitor()
    refused = psycopg.errors.InsufficientPrivilege
    planted = """INSERT INTO pgstate.entry (session_id, key, version, kind, size, changed_at, value
        {more}) VALUES (%s, %s, 9, 'json', 3, now(), '"x"' {value})"""
    with intruder.sql() as sql:
        for table in DATA[:3]:
            with pytest.raises(refused):
                sql.execute(f"UPDATE pgstate.{table} SET tenant = %s", (owner.name,))  # type: ignore[arg-type]
        as_owner = planted.format(more=", tenant", value=", %s")
        with pytest.raises(refused):
            sql.execute(as_owner, (state.id, "planted", owner.name))  # type: ignore[arg-type]
        as_itself = planted.format(more="", value="")
        with pytest.raises(psycopg.errors.UniqueViolation):
            sql.execute(as_itself, (state.id, "small"))  # type: ignore[arg-type]
        over = f"{as_itself} ON CONFLICT (session_id, key) DO UPDATE SET value = excluded.value"
        with pytest.raises(refused):
            sql.execute(over, (state.id, "small"))  # type: ignore[arg-type]
        sql.execute(as_itself, (state.id, "beside"))  # type: ignore[arg-type]
    assert stored(walled, owner) == before
    state.refresh()
    assert set(state) == {"large", "small"}
    assert theirs["small"] == SECRET


def test_what_all_share_can_be_changed_by_none(tenants: tuple[Tenant, Tenant]) -> None:
    first, second = tenants
    for each in tenants:
        each.visitor()
        assert each.store._tables.clean_up() == Cleaned()
    with second.sql() as sql:
        names = {name for (name,) in sql.execute("SELECT name FROM pgstate.setting")}
        assert "signing_key" not in names
        assert f"largest {second.name}" in names
        assert f"largest {first.name}" not in names
        sql.execute(
            "UPDATE pgstate.setting SET value = 'mine' WHERE name <> ALL (%s)",
            ([f"cleaned_up_at {second.name}", f"largest {second.name}"],),
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            sql.execute("DELETE FROM pgstate.setting")
        for name in (f"cleaned_up_at {first.name}", f"largest {first.name}", "anything"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                sql.execute("INSERT INTO pgstate.setting VALUES (%s, '9e99')", (name,))
        assert not sql.execute("SELECT FROM pgstate.setting WHERE value = 'mine'").fetchall()


@pytest.fixture(params=["direct", "pooled"])
def apps(
    request: pytest.FixtureRequest, tenants: tuple[Tenant, Tenant]
) -> Iterator[tuple[Store, Store]]:
    """Both apps, connected at once or through pgbouncer in transaction mode."""
    with contextlib.ExitStack() as stack:
        found = []
        for each in tenants:
            url = each.url
            if request.param == "pooled":
                gate = Gate(url)  # pgbouncer takes no socket with a long name
                stack.callback(gate.shut)
                url = stack.enter_context(pooled(gate.url))
            settings = each.store.settings
            store = connect(url, app=settings.app, signing_key=settings.signing_key)
            found.append(stack.enter_context(contextlib.closing(store)))
        yield found[0], found[1]


def test_an_app_works_whole_behind_the_policies(apps: tuple[Store, Store]) -> None:
    for number, store in enumerate(apps):
        token = store.new_token()
        state = store.state(token)
        state.set("large", LARGE + bytes([number]))
        state.update({"a": 1, "b": [2]})
        assert state.modify("n", lambda n: n + 1, default=number) == number + 1
        state.set("large", LARGE + b"again")
        state.set("brief", 1, ttl=60)
        assert state.delete("b") is True
        assert state.clear() == 4
        state.set("kept", LARGE + b"kept")
        newer = state.rotate()
        assert newer is not None
        assert store.state(newer)["kept"] == LARGE + b"kept"
        assert store.state_of(state.id)["kept"] == LARGE + b"kept"
        copied = store._tables.signer.mint()
        store._tables.moves.copy(store.state(newer)._session._ref, copied)
        copy = store.state(copied.text)
        assert copy["kept"] == LARGE + b"kept"
        copy.forget()
        user = users_state(store)
        assert user.take_over(store.state(newer)) == ["kept"]
        assert dict(user) == {"kept": LARGE + b"kept"}
        common_state(store)["n"] = number
        assert store.totals().entries == 2
    assert [common_state(store)["n"] for store in apps] == [0, 1]
    users_state(apps[0]).forget()
    assert dict(users_state(apps[0])) == {}
    assert dict(users_state(apps[1])) == {"kept": LARGE + b"kept"}
    assert [store.gc() for store in apps] == [Cleaned(), Cleaned()]


def test_many_write_at_once_behind_the_policies(apps: tuple[Store, Store]) -> None:
    tokens = [store.new_token() for store in apps]

    def count(store: Store, token: str) -> None:
        state = store.state(token)
        for _ in range(10):
            state.modify("n", lambda n: n + 1, default=0)

    pairs = list(zip(apps, tokens, strict=True)) * 3
    threads = [threading.Thread(target=count, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [store.state(token)["n"] for store, token in pairs[:2]] == [30, 30]


def test_an_app_opens_no_session_of_another_and_cleans_up_its_own(
    walled: str, tenants: tuple[Tenant, Tenant]
) -> None:
    states = [each.visitor() for each in tenants]
    first, second = (each.store for each in tenants)
    with pytest.raises(UnknownToken):
        second.state_of(states[0].id)
    assert second.rows(states[0].id) == []
    assert second.totals().entries == 2
    with psycopg.connect(walled) as owner:
        owner.execute("UPDATE pgstate.session SET expires_at = now() - interval '3 days'")
    expired = Cleaned(sessions=1)
    assert [take(store) for store in (second, second)] == [expired, None]
    with psycopg.connect(walled) as owner:
        rest = owner.execute("SELECT count(*), min(tenant) FROM pgstate.entry").fetchone()
        assert rest == (2, tenants[0].name)
    assert take(first) == expired  # of its own: that the other app had one does not count
    with psycopg.connect(walled) as owner:
        owner.execute("UPDATE pgstate.session SET revoked_at = now() - interval '3 days'")
    assert second.gc() == Cleaned(rows=1)
    with psycopg.connect(walled) as owner:
        left = owner.execute("SELECT tenant FROM pgstate.session").fetchall()
        assert left == [(tenants[0].name,)]
    with contextlib.closing(connect(walled)) as owners:
        assert owners.gc() == Cleaned(rows=1)  # of all apps


def take(store: Store) -> Cleaned | None:
    turns = Turns(store._tables._cleanup, interval=timedelta(hours=1), may_begin=lambda: True)
    return turns.take()


def test_what_an_app_has_stored_before_there_were_policies_is_its_own(
    url: str, admin: psycopg.Connection[Any]
) -> None:
    key = secrets.token_hex(32)
    with contextlib.closing(connect(url, app="shop", signing_key=key)) as store:
        token = store.new_token()
        store.state(token).update({"small": SECRET, "large": LARGE})
    with contextlib.closing(connect(url, app="news")) as other:
        other.state(other.new_token())["small"] = SECRET
    once, of_app = steps()[1:3]
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(once)  # type: ignore[arg-type]
        name = f"shop_{secrets.token_hex(4)}"
        # the name of the role; that of the app stays
        owner.execute(re.sub(r"(?<!app = ')\bshop\b", name, of_app))  # type: ignore[arg-type]
    with (
        role(admin, url, name) as own,
        contextlib.closing(connect(own, app="shop", signing_key=key)) as store,
    ):
        state = store.state(token)
        assert dict(state) == {"small": SECRET, "large": LARGE}
        state["small"] = "new"
        assert store.totals().entries == 2


def test_all_apps_encrypt_behind_the_policies_or_none_does(
    walled: str, admin: psycopg.Connection[Any]
) -> None:
    keys = [base64.urlsafe_b64encode(secrets.token_bytes(32)).decode() for _ in range(2)]
    with (
        tenant(admin, walled, steps()[2], encryption_key=keys[0]) as first,
        tenant(admin, walled, steps()[2], encryption_key=keys[1]) as second,
        tenant(admin, walled, steps()[2]) as plain,
    ):
        with pytest.raises(ConfigError, match="policies of the tables refuse"):
            first.visitor()
        assert stored(walled, first) == [[], [], [], []]
        with psycopg.connect(walled) as owner:
            owner.execute(noted())  # type: ignore[arg-type]
        for each in (first, second):
            again = each.store.state_of(each.visitor().id)
            assert again["small"] == SECRET
            assert again["large"] == LARGE
            assert SECRET not in str(stored(walled, each))
        with pytest.raises(ConfigError, match="Set `encryption_key`"):
            plain.visitor()


def noted() -> str:
    """The line of the page that says that all values are encrypted."""
    found = re.search(r"`(INSERT INTO pgstate\.setting VALUES .*?)`", PAGE.read_text("utf-8"))
    assert found
    return found[1]


def test_only_the_owner_of_the_tables_migrates_them_and_the_policies_stay(
    walled: str, tenants: tuple[Tenant, Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tenants
    state = first.visitor()
    monkeypatch.setenv("PGSTATE_URL", walled)
    command.downgrade(Config(toml_file=PAGE.parents[1] / "pyproject.toml"), "0001")
    with contextlib.closing(connect(first.url, app=first.name)) as late:
        with pytest.raises(MigrationRequired, match="0001"):
            late.new_token()
        with pytest.raises(ConfigError, match="permission denied"):
            late.migrate()
    with contextlib.closing(connect(walled)) as owner:
        owner.migrate()
    assert first.store.state_of(state.id)["large"] == LARGE
    with second.sql() as sql:
        assert sql.execute("SELECT count(*) FROM pgstate.body").fetchone() == (0,)


def test_who_owns_the_tables_stores_nothing_that_the_app_would_not_see(
    walled: str, tenants: tuple[Tenant, Tenant]
) -> None:
    app = tenants[0]
    state, other = app.visitor(), app.visitor()
    other["more"] = 1
    with contextlib.closing(connect(walled, app=app.name)) as owners:
        theirs = owners.state_of(state.id)
        for write in (
            lambda: theirs.set("small", 2),
            lambda: theirs.set("larger", LARGE * 60),
            lambda: theirs.modify("n", lambda n: 1),
            lambda: theirs.take_over(owners.state_of(other.id)),
        ):
            with pytest.raises(ConfigError, match="Use the URL with the role of the app"):
                write()
        assert theirs["small"] == SECRET
        assert theirs.delete("small")
    state.refresh()
    assert dict(state) == {"large": LARGE}
    state["small"] = 1
    assert {row[-1] for row in stored(walled, app)[1]} == {app.name}


def test_values_are_encrypted_anew_with_the_url_of_the_app_and_not_with_that_of_the_owner(
    walled: str, admin: psycopg.Connection[Any]
) -> None:
    old, new = (base64.urlsafe_b64encode(secrets.token_bytes(32)).decode() for _ in range(2))
    with psycopg.connect(walled, autocommit=True) as owner:
        owner.execute("INSERT INTO pgstate.setting VALUES ('plain_values', 'none')")
    with tenant(admin, walled, steps()[2], encryption_key=old) as app:
        state = app.visitor()
        ring = {"PGSTATE_ENCRYPTION_KEY": f"{new},{old}"}
        refused = CliRunner().invoke(cli.main, ["rekey", "--url", walled], env=ring)
        assert refused.exit_code == 2
        assert "Use the URL with the role of the app" in refused.output
        assert dict(app.store.state_of(state.id)) == {"small": SECRET, "large": LARGE}
        done = CliRunner().invoke(cli.main, ["rekey", "--url", app.url], env=ring)
        assert done.exit_code == 0, done.output
        settings = {"app": app.name, "signing_key": app.store.settings.signing_key}
        with contextlib.closing(connect(app.url, encryption_key=new, **settings)) as store:
            assert dict(store.state_of(state.id)) == {"small": SECRET, "large": LARGE}


def test_a_row_of_another_role_under_the_same_key_is_named_as_such(
    walled: str, tenants: tuple[Tenant, Tenant]
) -> None:
    state = tenants[0].visitor()
    with psycopg.connect(walled) as owner:
        owner.execute(
            "INSERT INTO pgstate.entry (session_id, key, version, kind, size, changed_at, value)"
            " VALUES (%s, 'planted', 9, 'json', 3, now(), '\"x\"')",
            (state.id,),
        )
    with pytest.raises(ConfigError, match="belongs to another user of the database") as caught:
        state["planted"] = 1
    assert "GRANT" not in caught.value.in_full
