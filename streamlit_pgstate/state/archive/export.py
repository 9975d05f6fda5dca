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
from streamlit_pgstate.errors import ConfigError, DecodeError, PgStateError
from streamlit_pgstate.postgres.bodies import OnProgress
from streamlit_pgstate.postgres.browsing import Browsing
from streamlit_pgstate.postgres.inspection import Inspection, KeyRow, SessionRow
from streamlit_pgstate.postgres.rows import RevisionRow
from streamlit_pgstate.state.archive import manifest
from streamlit_pgstate.state.archive.file_names import file_name
from streamlit_pgstate.state.archive.forms import Readable, readable
from streamlit_pgstate.state.archive.manifest import ExportedValue, FormerVersion, Manifest

VALUES, BODIES, FORMER = "values", "bodies", "former"

_ALL = 2**31
"""More versions of a key than any history keeps."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    values: int
    bytes: int
    former: int = 0
    """How many former versions, deletions included."""
    faults: tuple[str, ...] = ()
    """What could not be read, and why. It is not in the folder."""


def export(
    inspection: Inspection,
    session: SessionRow,
    folder: Path,
    *,
    history: Browsing | None,
    on_progress: OnProgress = lambda _, __: None,
) -> Exported:
    """Write all values of a session into a folder, which must be empty or new.

    It is written into a draft, which is then moved to its place. So if it fails or
    is interrupted, nothing is
    left. Each value is as of the moment when it was read.

    Args:
        inspection: reads the session.
        session: which one.
        folder: where to. Only this user may read it.
        history: reads the former versions; None to leave them out.
        on_progress: called with the number of bytes read so far, and of all.

    Raises:
        ConfigError: the folder is not empty, or cannot be written.
        DecodeError: no value could be read.
        StoreUnavailable: the database is not available.
    """
    _check_is_free(folder)
    with _drafted(folder) as draft:
        writing = _Writing(draft)
        for row in inspection.keys(session.id):
            try:
                found = inspection.read(row)
                if found is not None:
                    writing.add(*found)
            except DecodeError as fault:
                writing.faults.append(str(fault))
            on_progress(writing.total, max(session.bytes, writing.total))
        if history is not None:
            _add_former(writing, history, session)
        if writing.faults and not writing.values and not writing.former:
            raise DecodeError(
                f"Nothing was exported, as no value of session {session.id} could be read. The "
                f"first: {writing.faults[0]}"
            )
        writing.finish(session)
    return Exported(len(writing.values), writing.total, len(writing.former), tuple(writing.faults))


def _add_former(writing: _Writing, history: Browsing, session: SessionRow) -> None:
    for key in history.revised_keys(session.id):
        for row in history.revisions(session.id, key, limit=_ALL):
            if row.version == writing.versions.get(key):
                continue
            try:
                stored = history.revision(session.id, key, row.version) if row.kind else None
                writing.add_former(key, row, stored)
            except DecodeError as fault:
                writing.faults.append(str(fault))


@dataclass(frozen=True, slots=True)
class _Files:
    """As which files a value is written."""

    shown: Readable | None
    file: str | None
    body: str | None


@dataclass(slots=True)
class _Writing:
    folder: Path
    values: list[ExportedValue] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)
    """By key: the version that `values` has of it."""
    former: list[FormerVersion] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    total: int = 0
    """Bytes as stored."""

    def add(self, row: KeyRow, stored: Payload) -> None:
        payload = codecs.unpacked(stored, key=row.key)
        written = self._files(row.key, payload, stored, number=len(self.values) + 1)
        shown, body = written.shown, written.body
        content = stored.body if shown is None or body else shown.content
        self.total += stored.size
        self.versions[row.key] = row.version
        self.values.append(
            ExportedValue(
                key=row.key,
                kind=stored.kind if body else payload.kind,
                size=stored.size,
                changed_at=row.changed_at.isoformat(),
                expires_at=row.expires_at.isoformat() if row.expires_at else None,
                ttl=row.ttl,
                form=shown.form if shown else None,
                file=written.file,
                body=body,
                sha256=sha256(content).hexdigest(),
                name=shown.name if shown else None,
                type=shown.type if shown else None,
            )
        )

    def add_former(self, key: str, row: RevisionRow, stored: Payload | None) -> None:
        written = _Files(None, None, None)
        if stored is not None:
            payload = codecs.unpacked(stored, key=key)
            number = len(self.former) + 1
            written = self._files(key, payload, stored, number=number, within=f"{FORMER}/")
        shown = written.shown
        self.former.append(
            FormerVersion(
                key=key,
                version=row.version,
                operation=row.operation,
                changed_at=row.changed_at.isoformat(),
                kind=stored.kind if stored else None,
                size=row.size,
                form=shown.form if shown else None,
                file=written.file,
                body=written.body,
                name=shown.name if shown else None,
                type=shown.type if shown else None,
            )
        )

    def _files(
        self, key: str, payload: Payload, stored: Payload, *, number: int, within: str = ""
    ) -> _Files:
        shown = readable(payload, key=key)
        file = body = None
        if shown is not None:
            name = file_name(number, key, shown.suffix)
            file = self._write(f"{within}{VALUES}", name, shown.content)
        if shown is None or not shown.is_exact:
            name = file_name(number, key, ".body")
            body = self._write(f"{within}{BODIES}", name, stored.body)
        return _Files(shown, file, body)

    def _write(self, kind: str, name: str, content: bytes) -> str:
        (self.folder / kind).mkdir(parents=True, exist_ok=True)
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
            former=tuple(self.former),
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
def _drafted(folder: Path) -> Iterator[Path]:
    """A new folder, whose content is that of `folder` at the end of the block.

    It is made inside `folder` where that is there, which stays the same folder: somebody may stand
    in it. Else it is made beside it and then renamed.
    """
    folder = folder.absolute()
    made: list[Path] = []
    is_there, is_whole = folder.is_dir(), False
    try:
        _make_parents(folder, made)
        place = folder if is_there else folder.parent
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=place))
        try:
            yield draft
            if is_there:
                _move_up(draft)
            else:
                draft.rename(folder)
            is_whole = True
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except PgStateError:  # of the database, which may be an OSError, too
        raise
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        if not is_whole:
            _remove_empty(made)


def _make_parents(folder: Path, made: list[Path]) -> None:
    """Make the folders above `folder`, and note those that were not there, the lowest first."""
    missing = [parent for parent in folder.parents if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir(exist_ok=True)
        made.insert(0, parent)


def _remove_empty(made: list[Path]) -> None:
    with contextlib.suppress(OSError):  # others have written there meanwhile
        for parent in made:
            parent.rmdir()


def _move_up(draft: Path) -> None:
    """Move all that a folder holds into the one above: the manifest last, as it names the rest.

    Raises:
        OSError: a file could not be moved. Those that were are moved back.
    """
    folder = draft.parent
    parts = sorted(draft.iterdir(), key=lambda part: part.name == manifest.NAME)
    folder.chmod(0o700)
    moved: list[Path] = []
    try:
        for part in parts:
            moved.append(folder / part.name)
            part.rename(folder / part.name)
    except BaseException:
        for part in moved:
            with contextlib.suppress(OSError):
                part.rename(draft / part.name)
        raise


def _unwritable(folder: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"The folder {folder} cannot be written ({error.strerror or type(error).__name__}). "
        "Nothing is left of this export. Name another folder as --to, or make room there."
    )
