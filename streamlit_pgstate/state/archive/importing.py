"""The import: reads a folder that `export` has written, and stores its values."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from streamlit_pgstate import codecs, settings
from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.codecs.file import StoredFile
from streamlit_pgstate.errors import ConfigError, LimitExceeded
from streamlit_pgstate.state.archive import forms, manifest
from streamlit_pgstate.state.archive.manifest import ExportedValue, Manifest
from streamlit_pgstate.state.key import check_key

_LARGEST_MANIFEST = 64 * 2**20
"""Bytes. 10,000 keys of 255 characters take 10 MB."""


@dataclass(frozen=True, slots=True)
class Import:
    """What a folder holds, ready to be stored by `WrittenSession.bring`."""

    app: str | None
    """The app that the session was of."""
    shape: int
    """The shape of its values."""
    entries: dict[str, tuple[Payload, float | None]]
    """By key: the encoded value, and its ttl in seconds."""
    faults: tuple[str, ...]
    """What the export could not hold."""

    @property
    def bytes(self) -> int:
        """The sizes of all values added up."""
        return sum(payload.size for payload, _ in self.entries.values())


def read(folder: Path, *, max_value_bytes: int) -> Import:
    """Read a folder that `export` has written. All of it is read before anything is stored.

    Args:
        folder: which one.
        max_value_bytes: the setting; a larger value is refused.

    Raises:
        ConfigError: it is no export, its manifest holds what cannot be stored, or a file
            of it is missing or was changed.
        InvalidKey: its manifest names what cannot be a key.
        LimitExceeded: a value is too large.
    """
    found = _manifest(folder)
    app = found.session.get("app")
    if app is not None:
        app = settings.read_app(f'"app" in {folder / manifest.NAME}', app)
    entries = {
        check_key(value.key): (_payload(folder, value, max_value_bytes), value.ttl)
        for value in found.values
    }
    shape = found.session.get("shape", 1)
    if not isinstance(shape, int) or isinstance(shape, bool) or not 0 < shape < 2**31:
        raise ConfigError(f"{folder / manifest.NAME} has no valid shape. Export the session again.")
    return Import(app, shape, entries, found.faults)


def _manifest(folder: Path) -> Manifest:
    path = folder / manifest.NAME
    try:
        if path.stat().st_size > _LARGEST_MANIFEST:
            raise ConfigError(f"{path} is too large for a manifest.")
        return manifest.read(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            f"{path} cannot be read ({_reason(error)}). Name a folder that pgstate export has "
            "written."
        ) from error


def _payload(folder: Path, value: ExportedValue, max_value_bytes: int) -> Payload:
    path = folder / value.source
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path}, which holds {value.key!r}, cannot be read ({_reason(error)}). "
            "Nothing was stored. Export the session again."
        ) from error
    if sha256(content).hexdigest() != value.sha256:
        raise ConfigError(
            f"{path}, which holds {value.key!r}, was changed since the export. Nothing was stored. "
            "Export the session again."
        )
    payload = _restored(value, content)
    if payload.size > max_value_bytes:
        raise LimitExceeded(
            f"{value.key!r} takes {payload.size:,} bytes, over max_value_bytes "
            f"({max_value_bytes:,}). Nothing was stored. Raise the setting."
        )
    return payload


def _restored(value: ExportedValue, content: bytes) -> Payload:
    if value.body is not None:
        if not codecs.is_known(value.kind):
            raise ConfigError(
                f"manifest.json has the unknown kind {value.kind!r} for the key {value.key!r}. "
                "Take a folder that pgstate export has written, or upgrade streamlit-pgstate."
            )
        return Payload(value.kind, content)
    if value.form == forms.FILE:
        file = StoredFile(content, name=value.name or "", type=value.type or "")
        return codecs.encode(file, key=value.key)
    if value.form == forms.BYTES:
        return codecs.encode(content, key=value.key)
    if value.form != forms.JSON:
        raise ConfigError(
            f"manifest.json has the unknown form {value.form!r} for the key {value.key!r}. "
            "Take a folder that pgstate export has written."
        )
    return _json(value, content)


def _json(value: ExportedValue, content: bytes) -> Payload:
    try:
        stored = forms.stored_json(content)
    except (ValueError, RecursionError):
        raise ConfigError(f"{value.source} is not JSON. Nothing was stored.") from None
    return codecs.packed(Payload("json", stored))


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
