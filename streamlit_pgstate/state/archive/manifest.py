"""The manifest of an export: which session it was, and which files hold which values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from streamlit_pgstate.errors import ConfigError

NAME: Final = "manifest.json"
FORMAT: Final = "streamlit-pgstate export"
VERSION: Final = 1

_TOO_LONG: Final = 10**10
"""Seconds: a ttl that `set` refuses, about 300 years."""

_PATH: Final = re.compile(r"(values|bodies)/[A-Za-z0-9_.-]{1,80}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedValue:
    """One value of an export, and the files that hold it. Times are text in ISO 8601."""

    key: str
    kind: str
    """How it was stored; docs/internals.md lists all kinds."""
    size: int
    """Bytes as stored."""
    changed_at: str
    expires_at: str | None
    ttl: float | None
    """Seconds, as `set` was given them; None for no limit."""
    form: str | None
    """As what `file` is written: json, file, bytes or parquet."""
    file: str | None
    """The file for people, below the folder."""
    body: str | None
    """The file that holds the stored bytes, where `file` is not exact."""
    sha256: str
    """Of the file that an import reads: `body`, or `file` where there is none."""
    name: str | None = None
    """The name of an uploaded file."""
    type: str | None = None
    """Its MIME type."""

    @property
    def source(self) -> str:
        """The file that an import reads."""
        return self.body or self.file or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerVersion:
    """One former version of a key, as the history has it. An import does not read it."""

    key: str
    version: int
    operation: str
    """What made it, such as set or delete."""
    changed_at: str
    kind: str | None
    """How it was stored; None where the key was deleted, or the value's ttl is over."""
    size: int
    """Bytes as stored."""
    form: str | None = None
    file: str | None = None
    body: str | None = None
    name: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an export holds."""

    session: Mapping[str, Any]
    """Its id, app, scope and times."""
    exported_at: str
    made_by: str
    """The version of this package."""
    values: tuple[ExportedValue, ...]
    faults: tuple[str, ...] = ()
    """What could not be exported, and why."""
    former: tuple[FormerVersion, ...] = ()
    """The history: former versions of these keys, and of keys that were deleted."""
    format: str = field(default=FORMAT, init=False)
    version: int = field(default=VERSION, init=False)

    def text(self) -> str:
        """Return it as JSON. Characters beyond ASCII are kept where UTF-8 can hold them."""
        found = asdict(self)
        ordered = {name: found.pop(name) for name in ("format", "version")} | found
        text = json.dumps(ordered, indent=2, ensure_ascii=False)
        try:
            text.encode()
        except UnicodeEncodeError:  # half a surrogate pair, in the name of an uploaded file
            text = json.dumps(ordered, indent=2)
        return f"{text}\n"


def read(text: str) -> Manifest:
    """Read a manifest. What it names is checked: it may come from anybody.

    Raises:
        ConfigError: it is not one, or a newer version of this package has written it.
    """
    try:
        found = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise _invalid("is not JSON") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise _invalid(f'has no "format": "{FORMAT}"')
    if found.get("version") is True or found.get("version") != VERSION:
        raise ConfigError(
            f"{NAME} has version {found.get('version')!r}; this version of streamlit-pgstate reads "
            f"version {VERSION}. Run: pip install --upgrade streamlit-pgstate"
        )
    session, values, faults = found.get("session"), found.get("values"), found.get("faults", [])
    if not isinstance(session, dict) or not isinstance(values, list):
        raise _invalid("lacks its session or its values")
    if not isinstance(faults, list) or not all(isinstance(fault, str) for fault in faults):
        raise _invalid('has "faults" that are no list of texts')
    read_values = tuple(_value(value) for value in values)
    keys = [value.key for value in read_values]
    if len(set(keys)) < len(keys):
        raise _invalid("names a key twice")
    return Manifest(
        session=session,
        exported_at=str(found.get("exported_at")),
        made_by=str(found.get("made_by")),
        values=read_values,
        faults=tuple(faults),
    )


_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    "key": str,
    "kind": str,
    "size": int,
    "changed_at": str,
    "expires_at": (str, type(None)),
    "ttl": (float, int, type(None)),
    "form": (str, type(None)),
    "file": (str, type(None)),
    "body": (str, type(None)),
    "sha256": str,
    "name": (str, type(None)),
    "type": (str, type(None)),
}


def _value(found: object) -> ExportedValue:
    if not isinstance(found, dict):
        raise _invalid("holds a value that is no object")
    known: dict[str, Any] = {one.name: found.get(one.name) for one in fields(ExportedValue)}
    for name, kinds in _TYPES.items():
        if not isinstance(known[name], kinds) or isinstance(known[name], bool):
            raise _invalid(f"has no valid {name!r} for the key {found.get('key')!r}")
    value = ExportedValue(**known)
    if value.ttl is not None and not 0 < value.ttl < _TOO_LONG:  # not of NaN either
        raise _invalid(f"has no valid 'ttl' for the key {value.key!r}")
    for path in (value.file, value.body):
        if path is not None and (not _PATH.fullmatch(path) or ".." in path):
            raise _invalid(f"names the file {path!r} for the key {value.key!r}")
    if not value.source:
        raise _invalid(f"names no file for the key {value.key!r}")
    return value


def _refuse(constant: str) -> object:
    """Refuse NaN and Infinity, which are no JSON."""
    raise ValueError(constant)


def _invalid(what: str) -> ConfigError:
    return ConfigError(f"{NAME} {what}. Take a folder that pgstate export has written.")
