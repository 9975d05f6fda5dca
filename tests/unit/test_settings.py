"""Settings: where each may come from, which source wins, and what a bad one is told."""

from __future__ import annotations

import base64
import traceback
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any, Unpack, get_args, get_type_hints

import pytest
from sqlalchemy import engine
from sqlalchemy.engine import make_url

from streamlit_pgstate import ConfigError, configure, connect
from streamlit_pgstate.settings import (
    AppKeywords,
    Settings,
    StoreKeywords,
    comparable,
    connection_in,
)

KEY = "k" * 32
SECRET = bytes(range(32))
ENCRYPTION_KEY = base64.urlsafe_b64encode(SECRET).decode()
OTHER_ENCRYPTION_KEY = base64.urlsafe_b64encode(SECRET[::-1]).decode()
URL = "postgresql://ann:hunter2@db.example/app"
PARSED = make_url("postgresql+psycopg://ann:hunter2@db.example/app")

# For each setting: its default, what text makes of it, and that text.
SETTINGS: dict[str, tuple[Any, Any, str]] = {
    "url": (None, PARSED, URL),
    "app": ("app", "shop", "shop"),
    "schema": ("pgstate", "other", "other"),
    "session_ttl": (timedelta(days=30), timedelta(days=7), "7d"),
    "session_max_age": (timedelta(days=400), timedelta(hours=12), "12h"),
    "max_value_bytes": (256 * 2**20, 2**20, "1MiB"),
    "max_session_bytes": (2**30, 2**31, "2GiB"),
    "max_keys": (10_000, 50, "50"),
    "history": (0, 50, "50"),
    "encryption_key": ((), (SECRET,), ENCRYPTION_KEY),
    "signing_key": ((), (KEY,), KEY),
    "timeout": (timedelta(seconds=10), timedelta(seconds=2.5), "2.5s"),
    "pool_size": (20, 5, "5"),
    "cache_bytes": (256 * 2**20, 0, "0"),
    "gc_interval": (timedelta(hours=1), timedelta(0), "0"),
    "gc_batch": (1_000, 50, "50"),
    "gc_freeze": (True, False, "off"),
    "max_new_sessions": (600, 20, "20"),
    "auto_migrate": (True, False, "false"),
    "cookie": (True, False, "off"),
    "http_only": (None, True, "on"),
    "shape": (None, 2, "2"),
}
OF_PYTHON = {"upgrade"}
"""Settings that no text can stand for: keywords alone."""

BAD: list[tuple[str, Any, str]] = [
    ("url", "postgresql://u:hunter2\0@db/app", "a NUL"),
    ("url", "postgresql://u:hunter2%00@db/app", "a NUL"),
    ("url", "postgresql://u:hunter2\ud800@db/app", "no UTF-8"),
    ("url", "postgresql://u@db/app?password=hunter2\udcff", "no UTF-8"),
    ("url", 5, "must be text such as postgresql://"),
    ("url", "hunter2", "not a database URL"),
    ("url", "postgresql://ann:hunter2@db:port/app", "percent-encoded"),
    ("url", "postgresql://ann:hunter2@a:1,b:2/app", "percent-encoded"),
    ("url", "postgresql://ann:hunt@er2@db/app", "%40"),
    ("url", "postgresql://ann:hunt@er/2@db/app", "%40"),
    ("url", "mysql://ann:hunter2@db/app", "needs PostgreSQL"),
    ("url", "sqlite:///hunter2.db", "needs PostgreSQL"),
    ("url", "postgresql://ann:hunter2@db", "names no database"),
    ("app", "", "1 to 255 printable"),
    ("app", "a\nb", "1 to 255 printable"),
    ("app", "a" * 256, "1 to 255 printable"),
    ("app", 5, "1 to 255 printable"),
    ("schema", 'x"; DROP SCHEMA y; --', "letters, digits"),
    ("schema", "pg_mine", "not starting with"),
    ("schema", "1st", "not starting with"),
    ("schema", "s" * 64, "at most 63"),
    ("gc_interval", -1, "duration over 0"),
    ("gc_batch", 0, "whole number over 0"),
    ("session_ttl", 0, "duration over 0"),
    ("session_ttl", "-1d", "duration over 0"),
    ("session_ttl", "30 days", "duration over 0"),
    ("session_ttl", float("nan"), "duration over 0"),
    ("session_ttl", float("inf"), "duration over 0"),
    ("session_ttl", 10**400, "duration over 0"),
    ("session_max_age", True, "duration over 0"),
    ("timeout", None.__class__, "duration over 0"),
    ("pool_size", 0, "from 1 to 10,000"),
    ("pool_size", 10_001, "from 1 to 10,000"),
    ("pool_size", True, "from 1 to 10,000"),
    ("pool_size", "many", "from 1 to 10,000"),
    ("max_value_bytes", 0, "number over 0"),
    ("cache_bytes", -1, "0 for no cache"),
    ("cache_bytes", False, "0 for no cache"),
    ("cache_bytes", "1MB", "'256MiB'"),
    ("max_value_bytes", "1MB", "'256MiB'"),
    ("max_value_bytes", "9" * 5000, "'256MiB'"),
    ("max_session_bytes", 1.5, "number over 0"),
    ("max_session_bytes", True, "number over 0"),
    ("max_keys", "0", "whole number over 0"),
    ("max_keys", "9" * 5000, "whole number over 0"),
    ("max_keys", "²", "whole number over 0"),
    ("max_keys", 2**31, "whole number over 0"),
    ("signing_key", "k" * 31, "secrets.token_urlsafe"),
    ("signing_key", 5, "at least 32 characters"),
    ("signing_key", [], "at least 32 characters"),
    ("signing_key", [KEY, "k" * 31], "Key 2 of 2 is too short"),
    ("signing_key", [KEY, 5], "Key 2 of 2 is too short"),
    ("signing_key", f"{KEY},", "Key 2 of 2 is too short"),
    ("signing_key", f"{'k' * 20},{'k' * 20}", "must stand in a list"),
    ("signing_key", KEY.encode(), "at least 32 characters"),
    ("shape", 0, "whole number over 0"),
    ("shape", "two", "whole number over 0"),
    ("shape", 1.5, "whole number over 0"),
    ("upgrade", "app.upgrade", "must be a function of the stored values"),
    ("upgrade", 2, "must be a function of the stored values"),
    ("auto_migrate", "maybe", "true or false"),
    ("auto_migrate", 1, "true or false"),
    ("cookie", "", "true or false"),
    ("gc_freeze", "never", "true or false"),
    ("history", -1, "from 0 for no history"),
    ("history", True, "whole number of versions"),
    ("history", "some", "whole number of versions"),
    ("history", 10_001, "to 10,000"),
    ("encryption_key", KEY, "32 bytes in urlsafe base64"),
    ("encryption_key", ENCRYPTION_KEY[:-2], "secrets.token_bytes(32)"),
    ("encryption_key", f"{ENCRYPTION_KEY}A", "44 characters"),
    ("encryption_key", f"é{ENCRYPTION_KEY[1:]}", "32 bytes"),
    ("encryption_key", f"+{ENCRYPTION_KEY[1:]}", "urlsafe"),
    ("encryption_key", f"{ENCRYPTION_KEY},", "Key 2 of 2 is not one"),
    ("encryption_key", f",{ENCRYPTION_KEY}", "Key 1 of 2 is not one"),
    ("encryption_key", [ENCRYPTION_KEY, KEY], "Key 2 of 2 is not one"),
    ("encryption_key", [], "32 bytes"),
    ("encryption_key", SECRET, "32 bytes"),
    ("encryption_key", [SECRET], "32 bytes"),
    ("encryption_key", 5, "32 bytes"),
    ("sessionttl", 5, "is not a setting. Did you mean 'session_ttl'? There are: url, app"),
    ("urls", 5, "is not a setting. Did you mean 'url'?"),
    ("retries", 5, "is not a setting. There are: url, app"),
]


# What each type of a keyword looks like, for the settings that take it.
SAMPLES: dict[Any, tuple[Any, ...]] = {
    str: (URL, "shop", "7d", "1MiB", "50", KEY, ENCRYPTION_KEY, "true"),
    Sequence[str]: ([ENCRYPTION_KEY],),
    engine.URL: (PARSED,),
    timedelta: (timedelta(days=7),),
    float: (0.5,),
    int: (90,),
    bool: (True,),
    type(None): (None,),
}


def read(keywords: Any = None, secrets: Any = None, environment: Any = None) -> Settings:
    return Settings.read(keywords or {}, secrets=secrets, environment=environment or {})


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_nobody_gives_has_its_default(name: str) -> None:
    assert getattr(read(), name) == SETTINGS[name][0]


@pytest.mark.parametrize("source", ["keywords", "secrets", "environment"])
@pytest.mark.parametrize("name", SETTINGS)
def test_each_setting_can_come_from_each_source(name: str, source: str) -> None:
    _, expected, text = SETTINGS[name]
    variable = f"PGSTATE_{name.upper()}" if source == "environment" else name
    assert getattr(read(**{source: {variable: text}}), name) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("session_ttl", 90, timedelta(seconds=90)),
        ("session_ttl", 0.5, timedelta(seconds=0.5)),
        ("session_ttl", timedelta(days=2), timedelta(days=2)),
        ("session_ttl", "15m", timedelta(minutes=15)),
        ("session_ttl", " 90 ", timedelta(seconds=90)),
        ("max_value_bytes", 7, 7),
        ("max_value_bytes", "7", 7),
        ("max_value_bytes", "3 kib", 3072),
        ("max_keys", 7, 7),
        ("auto_migrate", "YES", True),
        ("auto_migrate", "0", False),
        ("url", make_url(URL), PARSED),
        ("signing_key", [KEY, "o" * 32], (KEY, "o" * 32)),
        ("signing_key", f"{KEY}, {'o' * 32}", (KEY, "o" * 32)),
        ("signing_key", [KEY, KEY], (KEY,)),
        ("signing_key", f"{KEY}\n", (KEY,)),
        ("signing_key", ["o" * 32, f"{KEY}\n"], ("o" * 32, f"{KEY}\n")),
        ("signing_key", ["with a comma, " + KEY], ("with a comma, " + KEY,)),
        ("encryption_key", ENCRYPTION_KEY.rstrip("="), (SECRET,)),
        ("encryption_key", [ENCRYPTION_KEY, OTHER_ENCRYPTION_KEY], (SECRET, SECRET[::-1])),
        ("encryption_key", f"{ENCRYPTION_KEY}, {OTHER_ENCRYPTION_KEY}", (SECRET, SECRET[::-1])),
        ("encryption_key", (ENCRYPTION_KEY, ENCRYPTION_KEY), (SECRET,)),
    ],
)
def test_a_setting_can_be_written_in_the_ways_that_people_write_it(
    name: str, value: Any, expected: Any
) -> None:
    assert getattr(read({name: value}), name) == expected


def test_the_type_checker_knows_the_settings_that_there_are_and_no_others() -> None:
    keywords, beside_url = get_type_hints(AppKeywords), get_type_hints(StoreKeywords)
    names = set(SETTINGS) | OF_PYTHON
    assert set(keywords) == names == {f.name for f in fields(Settings)} - {"home"}
    assert set(beside_url) == names - {"url"}
    assert get_type_hints(configure)["settings"] == Unpack[AppKeywords]
    assert get_type_hints(connect)["settings"] == Unpack[StoreKeywords]


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_takes_values_of_the_types_that_it_shows_and_no_others(name: str) -> None:
    shown = set(get_args(get_type_hints(AppKeywords)[name]))
    accepted = {kind for kind, samples in SAMPLES.items() if any(map(fits(name), samples))}
    # To a type checker an int is a float, and a bool an int, which `read` refuses as a number.
    assert accepted - {int} == shown - {int}
    assert int in accepted or int not in shown


def fits(name: str) -> Callable[[Any], bool]:
    def is_read(value: Any) -> bool:
        try:
            read({name: value})
        except ConfigError:
            return False
        return True

    return is_read


def test_an_upgrade_is_the_same_one_in_each_run_of_a_script_while_its_code_is() -> None:
    script = "def upgrade(values, from_shape):\n    values['n'] = {}\n"

    def run(number: int) -> Any:
        names: dict[str, Any] = {}
        exec(script.format(number), names)
        return names["upgrade"]

    first, again, edited = run(1), run(1), run(2)
    assert read({"shape": 2, "upgrade": first}) == read({"shape": 2, "upgrade": again})
    assert read({"shape": 2, "upgrade": first}) != read({"shape": 2, "upgrade": edited})
    assert hash(read({"upgrade": first})) == hash(read({"upgrade": again}))
    assert comparable({"upgrade": first}) == comparable({"upgrade": again})
    assert comparable({"app": "shop"}) == {"app": "shop"}


def test_a_keyword_wins_over_secrets_and_those_over_the_environment() -> None:
    secrets, environment = {"app": "secret"}, {"PGSTATE_APP": "env", "PGSTATE_SCHEMA": "env"}
    assert read({"app": "word"}, secrets, environment).app == "word"
    assert read({"app": None}, secrets, environment).app == "secret"
    both = read({}, secrets, environment)
    assert (both.app, both.schema) == ("secret", "env")


def test_a_source_that_loses_is_not_even_checked() -> None:
    assert read({"max_keys": 5}, {"max_keys": "many"}, {"PGSTATE_MAX_KEYS": "more"}).max_keys == 5


def test_an_empty_variable_of_the_environment_counts_as_not_set() -> None:
    assert read(environment={"PGSTATE_APP": "", "PGSTATE_HISTORY": ""}).app == "app"


def test_the_environment_is_read_from_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSTATE_APP", "from the process")
    assert Settings.read({}).app == "from the process"


def test_other_tools_may_use_the_prefix_in_the_environment() -> None:
    assert read(environment={"PGSTATE_TEST_URL": "postgresql://x/y", "PGSTATE_FOO": "1"}) == read()


@pytest.mark.parametrize("name", ["PORT", "SERVICE_HOST", "SERVICE_PORT", "PORT_5432_TCP_ADDR"])
def test_what_kubernetes_makes_of_a_service_of_our_name_is_left_alone(name: str) -> None:
    assert read(environment={f"PGSTATE_{name}": "10.0.0.11"}) == read()


@pytest.mark.parametrize(
    ("variable", "setting"), [("ULR", "URL"), ("DB_URL", "URL"), ("SESION_TTL", "SESSION_TTL")]
)
def test_a_misspelt_variable_is_refused_with_the_right_name(variable: str, setting: str) -> None:
    message = complaint(environment={f"PGSTATE_{variable}": "x"})
    assert message == (
        f"PGSTATE_{variable} is not a setting. Did you mean PGSTATE_{setting}? "
        "Rename the variable, or remove it."
    )


def test_the_table_connection_without_its_s_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"Write \[connections\.pgstate\], with an s"):
        connection_in({"connection": {"pgstate": {"url": "postgresql://db/app"}}})


def test_a_host_from_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example")
    assert "db.example/app" in repr(connect("postgresql:///app"))


def test_home_is_an_absolute_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read().home == tmp_path.resolve()
    assert Settings.read({}, environment={}, home=Path("apps")).home == tmp_path.resolve() / "apps"


def numbered(bad: list[tuple[str, Any, str]]) -> list[str]:
    """Names of tests without the values: one has 5,000 digits."""
    return [f"{name}-{number}" for number, (name, _, _) in enumerate(bad)]


IN_ENVIRONMENT = [bad for bad in BAD if isinstance(bad[1], str) and bad[1]]


def complaint(**sources: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        read(**sources)
    traceback_text = "".join(traceback.format_exception(caught.value))
    for secret in ("hunter2", "er2@", KEY, ENCRYPTION_KEY[1:-2]):
        assert secret not in traceback_text
    return str(caught.value)


@pytest.mark.parametrize(("name", "value", "cure"), BAD, ids=numbered(BAD))
def test_a_bad_keyword_is_named_with_the_cure(name: str, value: Any, cure: str) -> None:
    message = complaint(keywords={name: value})
    assert message.lstrip("'").startswith(name)
    assert cure in message


@pytest.mark.parametrize(("name", "value", "cure"), BAD, ids=numbered(BAD))
def test_a_bad_line_of_the_secrets_is_named_with_the_cure(name: str, value: Any, cure: str) -> None:
    message = complaint(secrets={name: value})
    assert message.lstrip("'").startswith(f"[connections.pgstate] {name} in secrets.toml")
    assert cure in message


@pytest.mark.parametrize(("name", "value", "cure"), IN_ENVIRONMENT, ids=numbered(IN_ENVIRONMENT))
def test_a_bad_variable_is_named_with_the_cure(name: str, value: str, cure: str) -> None:
    message = complaint(environment={f"PGSTATE_{name.upper()}": value})
    assert message.startswith(f"PGSTATE_{name.upper()} ")
    assert cure in message


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:pass@db.example:5433/app",
        "postgres://ann:pass@db.example:5433/app",
        "postgresql+psycopg://ann:pass@db.example:5433/app",
    ],
)
def test_the_usual_names_of_postgresql_in_a_url_mean_the_same(url: str) -> None:
    parsed = read({"url": url}).url
    assert parsed == make_url("postgresql+psycopg://ann:pass@db.example:5433/app")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://ann:hunter2@db.example:5433/app", "db.example:5433/app"),
        ("postgresql://ann:hunter2@[::1]:5433/app", "::1:5433/app"),
        ("postgresql://ann:hunter2@/app?host=a:1&host=b:2", "a:1,b:2/app"),
        ("postgresql://ann:hunter2@/app?host=/run/postgresql", "/run/postgresql/app"),
        ("postgresql://ann:hunter2@/app", "the local socket/app"),
        ("postgresql:///app?user=ann&password=hunter2", "the local socket/app"),
        ("postgresql://ann:hunter2@%2Frun/app", "%2Frun/app"),
        ("postgresql:///app?service=reports", "service reports/app"),
    ],
)
def test_a_store_shows_where_it_is_and_never_the_password(url: str, place: str) -> None:
    store = connect(url)
    assert repr(store) == f"<Store {place}, schema 'pgstate'>"
    for text in (repr(store), repr(store.settings), str(store.settings), str(store.settings.url)):
        assert "hunter2" not in text


def test_a_percent_encoded_password_reaches_the_server_as_it_is() -> None:
    url = read({"url": "postgresql://ann%40x:p%40s%2Fs%3A@db/app"}).url
    assert url is not None
    assert (url.username, url.password, url.host) == ("ann@x", "p@s/s:", "db")


def test_user_and_password_in_the_query_mean_the_same_as_in_front() -> None:
    url = read({"url": "postgresql://db/app?user=ann&password=hunter2&sslmode=require"}).url
    assert url == make_url("postgresql+psycopg://ann:hunter2@db/app?sslmode=require")


def test_the_signing_key_is_in_no_repr() -> None:
    settings = read({"signing_key": KEY})
    assert settings.signing_key == (KEY,)
    assert KEY not in repr(settings) + str(settings)


def test_the_encryption_keys_are_in_no_repr() -> None:
    settings = read({"encryption_key": [ENCRYPTION_KEY, OTHER_ENCRYPTION_KEY]})
    store = connect(URL, encryption_key=[ENCRYPTION_KEY, OTHER_ENCRYPTION_KEY])
    shown = repr(settings) + str(settings) + repr(store) + repr(vars(store._tables))
    for secret in (ENCRYPTION_KEY, OTHER_ENCRYPTION_KEY, repr(SECRET), repr(SECRET[::-1])):
        assert secret[:-1] not in shown


def test_settings_cannot_be_changed_after_they_were_checked() -> None:
    with pytest.raises(AttributeError):
        read().max_keys = 5  # type: ignore[misc]


def test_no_url_and_no_embedded_postgresql_names_the_three_ways(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from streamlit_pgstate.postgres import embedded
    from streamlit_pgstate.postgres.tables import Tables

    monkeypatch.setattr(embedded, "installed", lambda: False)
    with pytest.raises(ConfigError) as caught:
        Tables(read())
    message = str(caught.value)
    for way in ("configure(url=", "secrets.toml", "PGSTATE_URL", "streamlit-pgstate[embedded]"):
        assert way in message
