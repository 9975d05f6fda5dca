"""The export: writes a session into a folder, all of it or nothing."""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from streamlit_pgstate import codecs
from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.errors import ConfigError, DecodeError
from streamlit_pgstate.postgres.bodies import OnProgress
from streamlit_pgstate.postgres.inspection import Inspection, KeyRow, SessionRow
from streamlit_pgstate.state.archive import manifest
from streamlit_pgstate.state.archive.file_names import file_name
from streamlit_pgstate.state.archive.forms import readable
from streamlit_pgstate.state.archive.manifest import ExportedValue, Manifest

VALUES, BODIES = "values", "bodies"


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    values: int
    bytes: int
    faults: tuple[str, ...] = ()
    """What could not be read, and why. It is not in the folder."""


def export(
    inspection: Inspection,
    session: SessionRow,
    folder: Path,
    *,
    on_progress: OnProgress = lambda _, __: None,
) -> Exported:
    """Write all values of a session into a folder, which must be empty or new.

    It is written beside its place and then renamed. So if it fails or is interrupted, nothing is
    left. Each value is as of the moment when it was read.

    Args:
        inspection: reads the session.
        session: which one.
        folder: where to. Only this user may read it.
        on_progress: called with the number of bytes read so far, and of all.

    Raises:
        ConfigError: the folder is not empty, or cannot be written.
    """
    _check_is_free(folder)
    with _written_beside(folder) as draft:
        writing = _Writing(draft)
        for row in inspection.keys(session.id):
            try:
                found = inspection.read(row)
                if found is not None:
                    writing.add(*found)
            except DecodeError as fault:
                writing.faults.append(str(fault))
            on_progress(writing.total, max(session.bytes, writing.total))
        writing.finish(session)
    return Exported(len(writing.values), writing.total, tuple(writing.faults))


@dataclass(slots=True)
class _Writing:
    folder: Path
    values: list[ExportedValue] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    total: int = 0
    """Bytes as stored."""

    def add(self, row: KeyRow, stored: Payload) -> None:
        payload = codecs.unpacked(stored, key=row.key)
        shown = readable(payload, key=row.key)
        number = len(self.values) + 1
        file = body = None
        if shown is not None:
            file = self._write(VALUES, file_name(number, row.key, shown.suffix), shown.content)
        if shown is None or not shown.is_exact:
            body = self._write(BODIES, file_name(number, row.key, ".body"), stored.body)
        content = stored.body if shown is None or body else shown.content
        self.total += stored.size
        self.values.append(
            ExportedValue(
                key=row.key,
                kind=stored.kind if body else payload.kind,
                size=stored.size,
                changed_at=row.changed_at.isoformat(),
                expires_at=row.expires_at.isoformat() if row.expires_at else None,
                ttl=row.ttl,
                form=shown.form if shown else None,
                file=file,
                body=body,
                sha256=sha256(content).hexdigest(),
                name=shown.name if shown else None,
                type=shown.type if shown else None,
            )
        )

    def _write(self, kind: str, name: str, content: bytes) -> str:
        (self.folder / kind).mkdir(exist_ok=True)
        (self.folder / kind / name).write_bytes(content)
        return f"{kind}/{name}"

    def finish(self, session: SessionRow) -> None:
        facts = {
            "id": str(session.id),
            "app": session.app,
            "scope": session.scope,
            "shape": session.shape,
            "created_at": session.created_at.isoformat(),
            "seen_at": session.seen_at.isoformat(),
            "expires_at": session.expires_at.isoformat(),
        }
        made = Manifest(
            session=facts,
            exported_at=dt.datetime.now(dt.UTC).isoformat(),
            made_by=f"streamlit-pgstate {version('streamlit-pgstate')}",
            values=tuple(self.values),
            faults=tuple(self.faults),
        )
        (self.folder / manifest.NAME).write_text(made.text(), encoding="utf-8")


def _check_is_free(folder: Path) -> None:
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise ConfigError(
                f"The folder {folder} is not empty. Name a new one, or an empty one, as --to."
            )
        if folder.exists() and not folder.is_dir():
            raise ConfigError(f"{folder} is a file. Name a new folder as --to.")
    except OSError as error:
        raise _unwritable(folder, error) from error


@contextlib.contextmanager
def _written_beside(folder: Path) -> Iterator[Path]:
    """A new folder beside `folder`, which takes its place at the end of the block."""
    folder = folder.absolute()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        yield draft
        if folder.is_dir():
            folder.rmdir()  # Windows does not rename onto an empty folder
        draft.rename(folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _unwritable(folder: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"The folder {folder} cannot be written ({error.strerror or type(error).__name__}). "
        "Nothing is left of this export. Name another folder as --to, or make room there."
    )
