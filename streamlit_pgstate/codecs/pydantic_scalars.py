"""Markers for pydantic's secrets and addresses, such as ``{"$pydantic": ["SecretStr", "…"]}``.

What a secret hides is written as it is. Rows are as secret as their database, and encrypted if
``encryption_key`` is set.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from .payload import DamagedError, RefusedError, UnreadableError

__all__ = ["dump", "is_kept", "load"]

_SECRETS = frozenset({"SecretStr", "SecretBytes", "Secret"})

_URLS = frozenset(
    {
        *("AnyUrl", "AnyHttpUrl", "HttpUrl", "AnyWebsocketUrl", "WebsocketUrl", "FileUrl"),
        *("FtpUrl", "PostgresDsn", "CockroachDsn", "AmqpDsn", "RedisDsn", "MongoDsn", "KafkaDsn"),
        *("NatsDsn", "MySQLDsn", "MariaDBDsn", "ClickHouseDsn", "SnowflakeDsn"),
    }
)

_CORE_URLS = frozenset({"Url", "MultiHostUrl"})  # what fields hold before pydantic 2.10


def dump(value: Any, tree: Callable[[object], Any]) -> dict[str, Any] | None:
    """Return the marker of a value; None if its class has none.

    Args:
        value: the value.
        tree: turns a plain value into a tree for the JSON encoder: `plain.tree`.

    Raises:
        RefusedError: pydantic does not make the same value again.
    """
    cls = type(value)
    name = cls.__name__
    if _class(name) is not cls:
        return None
    content = _content(name, value)
    if not _is_same(_made(name, cls, content), value):
        raise RefusedError(
            f"a {name} that pydantic does not make again from its text. Keep `str(value)` instead"
        )
    return {"$pydantic": [name, tree(content)]}


def is_kept(cls: type) -> bool:
    """Whether such a class cannot be registered: any can, as it could before it was kept."""
    return False


def load(content: Any) -> Any:
    """Read the content of a marker that `dump` made.

    Raises:
        UnreadableError: pydantic is not installed, or too old.
        DamagedError: the content is damaged. pydantic may raise other errors.
    """
    name, made_of = content
    if name not in _HOMES:
        raise DamagedError("a class of pydantic that this version does not know")
    cls = _class(name)
    if not isinstance(cls, type):
        raise UnreadableError(
            f"and holds a {name}, which needs pydantic 2.10 or newer. "
            "Run pip install -U pydantic, and read it again"
        )
    return _made(name, cls, made_of)


_HOMES = {
    **dict.fromkeys((*_SECRETS, *_URLS, "NameEmail", "ByteSize"), "pydantic"),
    **dict.fromkeys(_CORE_URLS, "pydantic_core"),
}


def _class(name: str) -> object:
    try:
        return getattr(import_module(_HOMES[name]), name, None) if name in _HOMES else None
    except ImportError:
        return None


def _content(name: str, value: Any) -> object:
    if name in _SECRETS:
        return value.get_secret_value()
    if name == "ByteSize":
        return int(value)
    return [value.name, value.email] if name == "NameEmail" else str(value)


def _made(name: str, cls: Any, content: Any) -> Any:
    if name == "NameEmail":
        return cls(*content)
    if name not in _SECRETS and type(content) not in (str, int):
        raise DamagedError("a value of pydantic of another form")
    return cls(content)


def _is_same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    return bool(one == other) and str(one) == str(other)
