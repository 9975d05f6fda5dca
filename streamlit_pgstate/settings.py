"""Settings: reads them from keywords, ``secrets.toml`` and the environment, and checks them.

Everything that connects depends on it. It does not import Streamlit. From SQLAlchemy it takes only
the parser of URLs, and opens no engine.
"""

from __future__ import annotations

import base64
import difflib
import os
import re
import tomllib
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from types import CodeType
from typing import Any, TypeAlias, TypedDict

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from streamlit_pgstate.errors import ConfigError

ENVIRONMENT_PREFIX = "PGSTATE_"
THREE_WAYS = (
    "Give one as pgstate.configure(url=…), as `url` under [connections.pgstate] in "
    ".streamlit/secrets.toml, or as the environment variable PGSTATE_URL; or install the "
    'embedded PostgreSQL: pip install "streamlit-pgstate[embedded]"'
)
URL_FORM = "postgresql://user:password@host:5432/database"

_DRIVERS = {"postgres", "postgresql", "postgresql+psycopg"}
_MISSPELT = 0.65
"""How near a variable's name must be to a setting's, as `difflib` counts. ULR and DB_URL are 0.67
of URL. What Kubernetes makes of a service with the name `pgstate`, as PORT, is below."""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)?", re.ASCII)
_DURATION_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_TOO_MANY_SECONDS = 10**10
_SIZE = re.compile(r"(\d{1,18})\s*(b|kib|mib|gib)?", re.ASCII | re.IGNORECASE)
_SIZE_UNITS = {"b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_MOST_VERSIONS = 10_000
_MOST_CONNECTIONS = 10_000
_COUNT = re.compile(r"\d{1,18}", re.ASCII)
_SCHEMA = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)
_MINIMUM_SIGNING_KEY = 32
_ENCRYPTION_KEY = re.compile(r"[A-Za-z0-9_-]{43}=?", re.ASCII)
KEY_ADVICE = (
    'Make one with: python -c "import base64, secrets; '
    'print(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())"'
)
"""How to make an `encryption_key`."""

Address: TypeAlias = str | URL
"""A database: as text, or as SQLAlchemy's URL."""

Duration: TypeAlias = timedelta | float | str
"""A timedelta, seconds, or text such as ``"30d"``."""

Size: TypeAlias = int | str
"""Bytes, or text such as ``"256MiB"``."""


UpgradeFunction: TypeAlias = Callable[[MutableMapping[str, Any], int], Mapping[str, Any] | None]
"""Gets the stored values and the shape that they have. Changes them, or returns the new ones."""


class StoreKeywords(TypedDict, total=False):
    """The keywords of `connect`, beside `url`, for type checkers; None counts as not given."""

    app: str | None
    schema: str | None
    session_ttl: Duration | None
    session_max_age: Duration | None
    max_value_bytes: Size | None
    max_session_bytes: Size | None
    max_keys: int | str | None
    history: int | str | None
    max_new_sessions: int | str | None
    encryption_key: str | Sequence[str] | None
    signing_key: str | Sequence[str] | None
    timeout: Duration | None
    pool_size: int | str | None
    cache_bytes: Size | None
    gc_interval: Duration | None
    gc_batch: int | str | None
    gc_freeze: bool | str | None
    auto_migrate: bool | str | None
    cookie: bool | str | None
    http_only: bool | str | None
    shape: int | str | None
    upgrade: UpgradeFunction | None


class AppKeywords(StoreKeywords, total=False):
    """The keywords of `configure`: every setting. A test holds them to what `Settings` reads."""

    url: Address | None


@dataclass(frozen=True, slots=True)
class Upgrade:
    """The function that brings stored values to the app's shape.

    A script defines it anew in each run. It counts as the same one while its code is the same.
    """

    function: UpgradeFunction = field(compare=False, repr=False)
    name: str
    code: CodeType | None
    """None for what is no plain function: that is told from others by its name."""

    @classmethod
    def of(cls, function: UpgradeFunction) -> Upgrade:
        name = getattr(function, "__qualname__", type(function).__name__)
        return cls(function, name, getattr(function, "__code__", None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, checked, with their defaults.

    Durations are `timedelta` here, and sizes are bytes. Keywords, secrets and the environment may
    also give a duration as seconds or as text such as ``"30d"``, and a size as text such as
    ``"256MiB"``.

    Example:
        >>> Settings.read({"url": "postgresql://localhost/app", "session_ttl": "7d"}).session_ttl
        datetime.timedelta(days=7)
    """

    url: URL | None = None
    app: str = "app"
    schema: str = "pgstate"
    session_ttl: timedelta = timedelta(days=30)
    session_max_age: timedelta = timedelta(days=400)
    max_value_bytes: int = 256 * 2**20
    max_session_bytes: int = 2**30
    max_keys: int = 10_000
    history: int = 0
    """How many versions of each key are kept, the present one included. 0: none but that."""
    max_new_sessions: int = 600
    encryption_key: tuple[bytes, ...] = field(default=(), repr=False)
    """32 bytes each; the first encrypts, and all decrypt. Empty: nothing is encrypted."""
    signing_key: tuple[str, ...] = field(default=(), repr=False)
    """The first signs, and all are read. Empty: the key in the database."""
    timeout: timedelta = timedelta(seconds=10)
    pool_size: int = 20
    """How many connections this process opens to the database at most."""
    cache_bytes: int = 256 * 2**20
    """How much memory the large values take at most that this process keeps. 0: it keeps none."""
    gc_interval: timedelta = timedelta(hours=1)
    gc_batch: int = 1_000
    gc_freeze: bool = True
    """Whether the first run takes libraries out of Python's garbage collector, for the process."""
    auto_migrate: bool = True
    cookie: bool = True
    http_only: bool | None = None
    """Whether the app must be served by `pgstate.App`. None: if it ever was, over this database."""
    shape: int | None = None
    """The shape of what this app stores. None: it minds no shape."""
    upgrade: Upgrade | None = field(default=None, repr=False)
    """Brings values of an older shape to this one."""
    home: Path = field(default=Path(), repr=False)
    """The app's folder, in which the embedded PostgreSQL has `.pgstate/`. Not a setting."""

    @classmethod
    def read(
        cls,
        keywords: Mapping[str, Any],
        *,
        secrets: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
        home: Path | None = None,
    ) -> Settings:
        """Read the settings. Each comes from the first source that has it.

        Args:
            keywords: the first source, the arguments of `configure` or `connect`.
            secrets: the second, ``[connections.pgstate]`` of Streamlit's ``secrets.toml``.
            environment: the last, variables named ``PGSTATE_<NAME>``; by default `os.environ`.
            home: the folder of the app, for the embedded PostgreSQL; by default the current one.

        Raises:
            ConfigError: a name is unknown or a value is not allowed. The message names the source.
        """
        found = _from_environment(os.environ if environment is None else environment)
        found |= {
            name: (f"[connections.pgstate] {name} in secrets.toml", value)
            for name, value in (secrets or {}).items()
        }
        found |= {name: (name, value) for name, value in keywords.items() if value is not None}
        checked = {name: _check(name, *entry) for name, entry in found.items()}
        return cls(**checked, home=(home or Path.cwd()).resolve())


def comparable(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords in a form that is equal in each run of a script that gives the same."""
    upgrade = keywords.get("upgrade")
    return {**keywords, "upgrade": Upgrade.of(upgrade)} if callable(upgrade) else dict(keywords)


def connection_in(secrets: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table ``[connections.pgstate]`` of Streamlit's secrets; empty if there is none.

    Raises:
        ConfigError: it is not a table.
    """
    connections = secrets.get("connections", {})
    misspelt = secrets.get("connection")
    if isinstance(misspelt, Mapping) and "pgstate" in misspelt:
        raise ConfigError(
            "[connection.pgstate] in .streamlit/secrets.toml is not read. Write "
            "[connections.pgstate], with an s."
        )
    table = connections.get("pgstate", {}) if isinstance(connections, Mapping) else None
    if not isinstance(table, Mapping):
        raise ConfigError(
            "[connections.pgstate] in .streamlit/secrets.toml is not a table. Write "
            '[connections.pgstate] on a line of its own, and url = "postgresql://…" below it.'
        )
    return dict(table)


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a file of secrets; empty if there is no such file.

    Raises:
        ConfigError: the file cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        return {}
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            f"{path} cannot be read ({type(error).__name__}). Make it readable for this user, "
            "as UTF-8."
        ) from error
    except tomllib.TOMLDecodeError as error:
        # Only the position: the error may quote a part of a password.
        _, _, position = str(error).rpartition("(")
        raise ConfigError(f"{path} is not valid TOML ({position.rstrip(')')}).") from None


def _from_environment(environment: Mapping[str, str]) -> dict[str, tuple[str, Any]]:
    """Read the names of settings; refuse a name that is nearly one.

    Others are left alone: other tools may use the same prefix for their variables.
    """
    found: dict[str, tuple[str, Any]] = {}
    names = tuple(_CHECKS)
    for variable, value in environment.items():
        name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
        if not value or not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        if name in names:
            found[name] = (variable, value)
        elif near := difflib.get_close_matches(name, names, n=1, cutoff=_MISSPELT):
            raise ConfigError(
                f"{variable} is not a setting. Did you mean "
                f"{ENVIRONMENT_PREFIX}{near[0].upper()}? Rename the variable, or remove it."
            )
    return found


def _check(name: str, source: str, value: object) -> Any:
    if name not in _CHECKS:
        near = difflib.get_close_matches(name, _CHECKS, n=1)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"{source!r} is not a setting.{guess} There are: {', '.join(_CHECKS)}.")
    return _CHECKS[name](source, value)


def _has_several_ats(url: str) -> bool:
    return url.partition("?")[0].count("@") > 1


def _url(source: str, value: object) -> URL:
    if not isinstance(value, str | URL):
        raise ConfigError(f"{source} must be text such as {URL_FORM}.")
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        # `from None`: the parser's own message may quote the URL, password and all.
        raise ConfigError(
            f"{source} is not a database URL. It looks like {URL_FORM}; special characters "
            "in the password must be percent-encoded (@ is %40, / is %2F). Several hosts, or a "
            "socket, are given after a question mark: postgresql://user:password@/database?"
            "host=one:5432&host=two:5432 or ?host=/run/postgresql."
        ) from None
    if not _can_be_sent(url):
        raise ConfigError(
            f"{source} holds a NUL, or bytes that are no UTF-8. PostgreSQL accepts neither, also "
            "in a password."
        )
    # A part of the password, which messages would show as the host or the database.
    if "@" in (url.host or "") or (isinstance(value, str) and _has_several_ats(value)):
        raise ConfigError(
            f"{source} has more than one @. In the password it must be written as %40."
        )
    if url.drivername not in _DRIVERS:
        raise ConfigError(
            f"{source} is for {url.drivername!r}; streamlit-pgstate needs PostgreSQL. "
            f"It looks like {URL_FORM}."
        )
    if not url.database:
        raise ConfigError(f"{source} names no database. It looks like {URL_FORM}.")
    return _with_user_in_front(url.set(drivername="postgresql+psycopg"))


def _can_be_sent(url: URL) -> bool:
    """Whether libpq can be given all parts of the URL. Its own error would quote them all."""
    parts = (url.username, url.password, url.host, url.database, *url.normalized_query.keys())
    values = [value for values in url.normalized_query.values() for value in values]
    text = "".join(part for part in (*parts, *values) if part)
    return "\0" not in text and text.encode(errors="ignore").decode() == text


def _with_user_in_front(url: URL) -> URL:
    """Move `?user=…&password=…` to the front, where SQLAlchemy's repr hides the password."""
    user, password = url.query.get("user"), url.query.get("password")
    return url.difference_update_query(["user", "password"]).set(
        username=user if isinstance(user, str) else url.username,
        password=password if isinstance(password, str) else url.password,
    )


def _text(source: str, value: object) -> str:
    if not isinstance(value, str) or not value or len(value) > 255 or not value.isprintable():
        raise ConfigError(f"{source} must be text of 1 to 255 printable characters.")
    return value


def _schema(source: str, value: object) -> str:
    if not isinstance(value, str) or not _SCHEMA.fullmatch(value) or value.startswith("pg_"):
        raise ConfigError(
            f"{source} must be a PostgreSQL schema name of letters, digits and _ (at most 63, "
            "not starting with a digit or pg_), such as 'pgstate'."
        )
    return value


def _signing_key(source: str, value: object) -> tuple[str, ...]:
    # The file or the variable that text comes from may end with a line break, which is no part of
    # the key. Each key of a list counts as it is written.
    parts = _listed(value)
    keys = [str(part).strip() for part in parts] if isinstance(value, str) else list(parts)
    found = [key for key in keys if isinstance(key, str) and len(key) >= _MINIMUM_SIGNING_KEY]
    if not found or len(found) < len(keys):
        which = next((n for n, key in enumerate(keys, start=1) if key not in found), 0)
        raise ConfigError(
            f"{source} must be text of at least {_MINIMUM_SIGNING_KEY} characters, or a list of "
            "such keys: the first signs, all are read. In text they are separated by commas, so a "
            "key that has a comma must stand in a list. "
            + (f"Key {which} of {len(keys)} is too short. " if len(keys) > 1 else "")
            + 'Make one with: python -c "import secrets; print(secrets.token_urlsafe(48))"'
        )
    return tuple(dict.fromkeys(found))


def _listed(value: object) -> Sequence[object]:
    """Several keys: a list, or text that separates them by commas. Empty if it is neither."""
    if isinstance(value, str):
        return value.split(",")
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return value
    return ()


def _encryption_key(source: str, value: object) -> tuple[bytes, ...]:
    texts = _listed(value)
    keys = [_key_in(text) for text in texts]
    found = [key for key in keys if key is not None]
    if not found or len(found) < len(keys):
        which = f"Key {keys.index(None) + 1} of {len(keys)} is not one. " if len(keys) > 1 else ""
        raise ConfigError(
            f"{source} must be a key of 32 bytes in urlsafe base64 (44 characters), or a list of "
            "such keys: the first encrypts, all decrypt. In the environment they are separated by "
            f"commas. {which}{KEY_ADVICE}"
        )
    return tuple(dict.fromkeys(found))


def _key_in(text: object) -> bytes | None:
    if not isinstance(text, str) or not _ENCRYPTION_KEY.fullmatch(text.strip()):
        return None
    return base64.urlsafe_b64decode(text.strip().rstrip("=") + "=")


def read_duration(source: str, value: Duration) -> timedelta:
    """Read a duration that is no setting, such as that of an option.

    Raises:
        ConfigError: it is none, or not above 0. The message names `source`.
    """
    return _duration(source, value)


def read_app(source: str, value: object) -> str:
    """Read the name of an app that is no setting, such as that in an export.

    Raises:
        ConfigError: it cannot be one. The message names `source`.
    """
    return _text(source, value)


def _duration(source: str, value: object) -> timedelta:
    seconds = _seconds(value)
    if seconds is None or not 0 < seconds < _TOO_MANY_SECONDS:
        raise ConfigError(
            f"{source} must be a duration over 0: seconds, a timedelta, or text such as "
            "'90s', '15m', '12h', '30d'."
        )
    return timedelta(seconds=seconds)


def _interval(source: str, value: object) -> timedelta:
    """As `_duration`, or 0 for never."""
    return timedelta(0) if _seconds(value) == 0 else _duration(source, value)


def _seconds(value: object) -> float | None:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(min(value, _TOO_MANY_SECONDS))  # float() of a huge int raises
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    return float(match[1]) * _DURATION_UNITS[match[2] or "s"] if match else None


def _size(source: str, value: object) -> int:
    size = value if isinstance(value, int) and not isinstance(value, bool) else None
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match:
        size = int(match[1]) * _SIZE_UNITS[(match[2] or "b").lower()]
    if size is None or not 0 < size < 2**62:
        raise ConfigError(f"{source} must be a number over 0, or text such as '256MiB'.")
    return size


def _size_or_none(source: str, value: object) -> int:
    """As `_size`, or 0 for none at all."""
    if value == 0 and not isinstance(value, bool):
        return 0
    if isinstance(value, str) and value.strip() == "0":
        return 0
    try:
        return _size(source, value)
    except ConfigError as error:
        raise ConfigError(f"{error} Or 0 for no cache.") from None


def _count(source: str, value: object) -> int:
    if isinstance(value, str) and _COUNT.fullmatch(value.strip()):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**31:
        raise ConfigError(f"{source} must be a whole number over 0.")
    return value


def _pool_size(source: str, value: object) -> int:
    """A number of connections: at least one, and no more than a typing error would give."""
    if isinstance(value, str) and _COUNT.fullmatch(value.strip()):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _MOST_CONNECTIONS:
        raise ConfigError(
            f"{source} must be a whole number of connections, from 1 to {_MOST_CONNECTIONS:,}."
        )
    return value


def _upgrade(source: str, value: object) -> Upgrade:
    if isinstance(value, Upgrade):
        return value
    if not callable(value):
        raise ConfigError(
            f"{source} must be a function of the stored values and of the shape that they have. "
            "Give it as pgstate.configure(shape=2, upgrade=function)."
        )
    return Upgrade.of(value)


def _versions(source: str, value: object) -> int:
    """A number of versions, or 0 for none."""
    if isinstance(value, str) and _COUNT.fullmatch(value.strip()):
        value = int(value)
    is_in_range = isinstance(value, int) and 0 <= value <= _MOST_VERSIONS
    if not isinstance(value, int) or isinstance(value, bool) or not is_in_range:
        raise ConfigError(
            f"{source} must be a whole number of versions, from 0 for no history to "
            f"{_MOST_VERSIONS:,}."
        )
    return value


def _flag(source: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = value.strip().lower() if isinstance(value, str) else ""
    if text in {"true", "1", "yes", "on"}:
        return True
    if text in {"false", "0", "no", "off"}:
        return False
    raise ConfigError(f"{source} must be true or false.")


_CHECKS: dict[str, Callable[[str, object], Any]] = {
    "url": _url,
    "app": _text,
    "schema": _schema,
    "session_ttl": _duration,
    "session_max_age": _duration,
    "max_value_bytes": _size,
    "max_session_bytes": _size,
    "max_keys": _count,
    "history": _versions,
    "max_new_sessions": _count,
    "encryption_key": _encryption_key,
    "signing_key": _signing_key,
    "timeout": _duration,
    "pool_size": _pool_size,
    "cache_bytes": _size_or_none,
    "gc_interval": _interval,
    "gc_batch": _count,
    "gc_freeze": _flag,
    "auto_migrate": _flag,
    "cookie": _flag,
    "http_only": _flag,
    "shape": _count,
    "upgrade": _upgrade,
}
assert set(_CHECKS) == {f.name for f in fields(Settings)} - {"home"}  # noqa: S101 - a typo here would hide a setting
