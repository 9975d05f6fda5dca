"""The user that the server runs as, because PostgreSQL refuses to run as root."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

from streamlit_pgstate.errors import ConfigError
from streamlit_pgstate.postgres.embedded import locks, wheel
from streamlit_pgstate.postgres.embedded.supervisor import User, as_user

_NAME = "pgserver"  # the wheel's name for that user


def is_root() -> bool:
    """Whether this process runs as root."""
    return sys.platform != "win32" and os.geteuid() == 0


def server_user(pgdata: Path, seconds: float) -> User | None:
    """Return the user to run the server as; None if this process does not run as root.

    It is the owner of the data, or ``pgserver`` for new data.
    """
    if not is_root():
        return None
    return _owner(pgdata) or _system_user(seconds)


def _owner(pgdata: Path) -> User | None:
    if not (pgdata / "PG_VERSION").exists():
        return None
    status = pgdata.stat()
    return User(status.st_uid, status.st_gid) if status.st_uid else None


def _system_user(seconds: float) -> User:
    etc = locks.open_folder(Path("/etc"))  # useradd fails when two run at once
    try:
        if not locks.lock(etc, seconds):
            raise TimeoutError("another process is still creating the system user")
        entry = wheel.load().utils.ensure_user_exists(_NAME)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigError(
            "PostgreSQL refuses to run as root, and the system user to run it could not be "
            f"created. Run the app as another user, create the user with `useradd {_NAME}`, "
            "or set `url`."
        ) from error
    finally:
        locks.close(etc)
    return User(entry.pw_uid, entry.pw_gid)


def reaches(user: User, path: Path) -> bool:
    """Whether the user can enter the directory or run the file, and enter all folders above it."""
    try:
        run = subprocess.run(  # noqa: S603 - constant words, no shell
            ["test", "-x", str(path)],  # noqa: S607 - its place differs, and root's PATH is trusted
            check=False,
            cwd="/",
            **as_user(user),
        )
    except OSError as error:
        # EINVAL: a rootless container has no other user in its namespace
        if error.errno not in (errno.EPERM, errno.EINVAL):
            raise
        raise ConfigError(
            "PostgreSQL refuses to run as root, and the container does not allow this process to "
            f"become another user (uid {user.uid}). Run the app as a user who is not root, or set "
            "`url`."
        ) from error
    return run.returncode == 0


def unreachable(user: User, path: Path) -> ConfigError:
    """Return the error for a path that the user cannot open. It names the folder in the way."""

    def closed(folder: Path) -> bool:
        status = folder.stat()
        bit = 0o100 if status.st_uid == user.uid else 0o010 if status.st_gid == user.gid else 1
        return not status.st_mode & bit

    folders = [folder for folder in reversed(path.parents) if closed(folder)]
    where = folders[0] if folders else path.parent
    # The wheel's own server would make each of these directories readable for everybody.
    return ConfigError(
        "PostgreSQL refuses to run as root, so it runs as another system user (uid "
        f"{user.uid}), who cannot open {path}: other users may not enter {where}. Run the app as "
        f"a user who is not root, or move it out of {where}, or let other users enter with "
        f"`chmod o+x {where}`, or set `url`."
    )
