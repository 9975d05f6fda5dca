"""What a user would pick instead, each as its own documentation shows it, on the same machine.

All are durable when a write returns, but diskcache, which does not wait for the disk. Those that
speak to PostgreSQL use the same server over TCP. What `pickle.loads` reads here this process has
written itself: pickle from anybody else may run any code.
"""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
from sqlalchemy import PickleType, String, create_engine, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

NAMES = [f"widget {number}" for number in range(20)]
VALUE = "v" * 80


class Peer(Protocol):
    """A store of one visitor, with twenty values and a frame."""

    def set_small(self, number: int) -> object:
        """Store another text in the first value."""

    def get_small(self) -> object:
        """Read the first value as the store holds it now."""

    def load(self) -> list[Any]:
        """Read all twenty values, as for a page load."""

    def set_frame(self, frame: pd.DataFrame) -> object:
        """Store the frame in the place of the one before."""

    def get_frame(self) -> pd.DataFrame:
        """Read the frame as the store holds it now."""


def text_of(number: int) -> str:
    return f"{VALUE}{number}"


class Frames:
    """`DataFrame.to_sql` and `read_sql`: a table of the session's own, replaced at each write."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        for name in NAMES:
            self._put(name, 0)

    def _put(self, name: str, number: int) -> None:
        frame = pd.DataFrame({"value": [text_of(number)]})
        frame.to_sql(f"peer {name}", self._engine, if_exists="replace", index=False)

    def _read(self, name: str) -> object:
        return pd.read_sql(f'SELECT * FROM "peer {name}"', self._engine)["value"].iloc[0]

    def set_small(self, number: int) -> None:
        self._put(NAMES[0], number)

    def get_small(self) -> object:
        return self._read(NAMES[0])

    def load(self) -> list[Any]:
        return [self._read(name) for name in NAMES]

    def set_frame(self, frame: pd.DataFrame) -> None:
        frame.to_sql("peer_frame", self._engine, if_exists="replace", index=False)

    def get_frame(self) -> pd.DataFrame:
        return pd.read_sql("SELECT * FROM peer_frame", self._engine)


class StreamlitConnection:
    """`st.connection("sql")`: a table of keys and values as JSON; a frame by `to_sql`.

    It reads as `query` does inside, without the cache around it, which takes longer. A `query` of
    1.67 also gives its connection back only when Streamlit collects garbage, at a run's end.
    """

    def __init__(self, url: str) -> None:
        import streamlit as st
        from streamlit.logger import set_log_level

        set_log_level("ERROR")  # outside of an app it warns
        sqlalchemy_url = url.replace("postgresql:", "postgresql+psycopg:")
        self._connection = st.connection("peer", type="sql", url=sqlalchemy_url)
        with self._connection.session as session:
            session.execute(text("DROP TABLE IF EXISTS peer_connection"))
            session.execute(
                text("CREATE TABLE peer_connection (key text PRIMARY KEY, value json NOT NULL)")
            )
            session.commit()
        for name in NAMES:
            self._put(name, 0)

    def _put(self, name: str, number: int) -> None:
        with self._connection.session as session:
            session.execute(
                text(
                    "INSERT INTO peer_connection VALUES (:key, :value)"
                    " ON CONFLICT (key) DO UPDATE SET value = excluded.value"
                ),
                {"key": name, "value": json.dumps(text_of(number))},
            )
            session.commit()

    def set_small(self, number: int) -> None:
        self._put(NAMES[0], number)

    def _query(self, statement: str, **parameters: object) -> pd.DataFrame:
        with self._connection.connect() as connection:
            return pd.read_sql(text(statement), connection, params=parameters)

    def get_small(self) -> object:
        found = self._query("SELECT value FROM peer_connection WHERE key = :key", key=NAMES[0])
        return found["value"].iloc[0]

    def load(self) -> list[Any]:
        return list(self._query("SELECT value FROM peer_connection")["value"])

    def set_frame(self, frame: pd.DataFrame) -> None:
        engine = self._connection.engine
        frame.to_sql("peer_connection_frame", engine, if_exists="replace", index=False)

    def get_frame(self) -> pd.DataFrame:
        return self._query("SELECT * FROM peer_connection_frame")


class _Base(DeclarativeBase):
    pass


class _Kept(_Base):
    __tablename__ = "peer_orm"
    key: Mapped[str] = mapped_column(String, primary_key=True)
    value: Mapped[Any] = mapped_column(PickleType(protocol=5))


class Orm:
    """pickle in bytea, through SQLAlchemy's ORM."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        _Base.metadata.drop_all(self._engine)
        _Base.metadata.create_all(self._engine)
        for name in NAMES:
            self._put(name, text_of(0))

    def _put(self, name: str, value: object) -> None:
        with Session(self._engine) as session:
            session.merge(_Kept(key=name, value=value))
            session.commit()

    def _read(self, name: str) -> Any:
        with Session(self._engine) as session:
            return session.get_one(_Kept, name).value

    def set_small(self, number: int) -> None:
        self._put(NAMES[0], text_of(number))

    def get_small(self) -> object:
        return self._read(NAMES[0])

    def load(self) -> list[Any]:
        with Session(self._engine) as session:
            rows = session.query(_Kept).where(_Kept.key.in_(NAMES))
            return [row.value for row in rows]

    def set_frame(self, frame: pd.DataFrame) -> None:
        self._put("frame", frame)

    def get_frame(self) -> pd.DataFrame:
        return self._read("frame")


class FlaskSession:
    """Flask-Session on SQLAlchemy: a session is one row, read and written as a whole."""

    def __init__(self, url: str) -> None:
        from flask import Flask, session
        from flask_session import Session as ServerSide

        self._app = Flask("peer")
        self._app.config.update(
            SESSION_TYPE="sqlalchemy",
            SESSION_SQLALCHEMY_TABLE="peer_flask",
            SQLALCHEMY_DATABASE_URI=url.replace("postgresql:", "postgresql+psycopg:"),
        )
        ServerSide(self._app)
        with self._app.test_request_context():
            self._app.session_interface.client.create_all()
            session.update(dict.fromkeys(NAMES, text_of(0)))
            response = self._app.make_response("")
            self._app.session_interface.save_session(self._app, session, response)
            self._cookie = response.headers["Set-Cookie"].partition(";")[0]
        self._frame_cookie = self._cookie

    @contextlib.contextmanager
    def _request(self) -> Iterator[Any]:
        from flask import session

        with self._app.test_request_context(headers={"Cookie": self._cookie}):
            yield session

    def _save(self, session: Any) -> None:
        self._app.session_interface.save_session(
            self._app, session, self._app.response_class(status=200)
        )

    def set_small(self, number: int) -> None:
        with self._request() as session:
            session[NAMES[0]] = text_of(number)
            self._save(session)

    def get_small(self) -> object:
        with self._request() as session:
            return session[NAMES[0]]

    def load(self) -> list[Any]:
        with self._request() as session:
            return [session[name] for name in NAMES]

    def set_frame(self, frame: pd.DataFrame) -> None:
        with self._request() as session:
            session["frame"] = pickle.dumps(frame, 5)
            self._save(session)

    def get_frame(self) -> pd.DataFrame:
        with self._request() as session:
            return pickle.loads(session["frame"])


class DjangoSessions:
    """Django's database sessions: one row of JSON, read and written as a whole."""

    def __init__(self, url: str) -> None:
        import django
        from django.conf import settings
        from sqlalchemy.engine import make_url

        place = make_url(url)
        settings.configure(
            DATABASES={
                "default": {
                    "ENGINE": "django.db.backends.postgresql",
                    "NAME": place.database,
                    "USER": place.username,
                    "PASSWORD": place.password or "",
                    "HOST": place.host,
                    "PORT": place.port,
                    "CONN_MAX_AGE": None,
                }
            },
            INSTALLED_APPS=["django.contrib.sessions"],
            SECRET_KEY="a benchmark",
            USE_TZ=True,
        )
        django.setup()
        from django.contrib.sessions.backends.db import SessionStore
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        self._store = SessionStore
        session = SessionStore()
        session.update(dict.fromkeys(NAMES, text_of(0)))
        session.save()
        self._key = session.session_key
        framed = SessionStore()
        framed.save()
        self._frame_key = framed.session_key

    def set_small(self, number: int) -> None:
        session = self._store(self._key)
        session[NAMES[0]] = text_of(number)
        session.save()

    def get_small(self) -> object:
        return self._store(self._key)[NAMES[0]]

    def load(self) -> list[Any]:
        session = self._store(self._key)
        return [session[name] for name in NAMES]

    def set_frame(self, frame: pd.DataFrame) -> None:
        session = self._store(self._frame_key)
        session["frame"] = frame.to_json(orient="split")
        session.save()

    def get_frame(self) -> pd.DataFrame:
        return pd.read_json(io.StringIO(self._store(self._frame_key)["frame"]), orient="split")


class Redis:
    """pickle in Redis, which appends each write to a file and syncs it before it answers."""

    def __init__(self, folder: Path) -> None:
        import redis

        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        words = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
        program = shutil.which("redis-server")
        if program is None:
            raise ImportError("the program redis-server")
        self.process = subprocess.Popen(
            [program, *words, "--appendonly", "yes", "--appendfsync", "always"],
            stdout=subprocess.DEVNULL,
        )
        self._client = redis.Redis(port=port)
        until = time.monotonic() + 10
        while True:
            try:
                self._client.ping()
                break
            except redis.exceptions.ConnectionError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)  # Redis tells nobody that it answers from now on
        for name in NAMES:
            self._client.set(name, pickle.dumps(text_of(0), 5))

    def set_small(self, number: int) -> None:
        self._client.set(NAMES[0], pickle.dumps(text_of(number), 5))

    def get_small(self) -> object:
        return pickle.loads(self._client.get(NAMES[0]))

    def load(self) -> list[Any]:
        return [pickle.loads(found) for found in self._client.mget(NAMES)]

    def set_frame(self, frame: pd.DataFrame) -> None:
        self._client.set("frame", pickle.dumps(frame, 5))

    def get_frame(self) -> pd.DataFrame:
        return pickle.loads(self._client.get("frame"))

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)


class DiskCache:
    """diskcache: SQLite and files on this machine. It does not wait for the disk."""

    def __init__(self, folder: Path) -> None:
        import diskcache

        self._cache = diskcache.Cache(str(folder / "diskcache"))
        for name in NAMES:
            self._cache.set(name, text_of(0))

    def set_small(self, number: int) -> None:
        self._cache.set(NAMES[0], text_of(number))

    def get_small(self) -> object:
        return self._cache.get(NAMES[0])

    def load(self) -> list[Any]:
        return [self._cache.get(name) for name in NAMES]

    def set_frame(self, frame: pd.DataFrame) -> None:
        self._cache.set("frame", frame)

    def get_frame(self) -> pd.DataFrame:
        return self._cache.get("frame")


class Sqlite:
    """pickle in SQLite on this machine, with full sync."""

    def __init__(self, folder: Path) -> None:
        self._sql = sqlite3.connect(folder / "peer.sqlite", isolation_level=None)
        self._sql.execute("PRAGMA journal_mode = WAL")
        self._sql.execute("PRAGMA synchronous = FULL")
        self._sql.execute("CREATE TABLE kept (key TEXT PRIMARY KEY, value BLOB)")
        for name in NAMES:
            self._put(name, text_of(0))

    def _put(self, name: str, value: object) -> None:
        self._sql.execute(
            "INSERT INTO kept VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (name, pickle.dumps(value, 5)),
        )

    def _read(self, name: str) -> Any:
        row = self._sql.execute("SELECT value FROM kept WHERE key = ?", (name,)).fetchone()
        return pickle.loads(row[0])

    def set_small(self, number: int) -> None:
        self._put(NAMES[0], text_of(number))

    def get_small(self) -> object:
        return self._read(NAMES[0])

    def load(self) -> list[Any]:
        rows = self._sql.execute("SELECT value FROM kept WHERE key <> 'frame'")
        return [pickle.loads(row[0]) for row in rows]

    def set_frame(self, frame: pd.DataFrame) -> None:
        self._put("frame", frame)

    def get_frame(self) -> pd.DataFrame:
        return self._read("frame")


@contextlib.contextmanager
def peers(url: str, folder: Path) -> Iterator[tuple[dict[str, Peer], list[str]]]:
    """All that are installed, by name; and what was left out, each with what it lacks."""
    ways: dict[str, Callable[[], Any]] = {
        "DataFrame.to_sql / read_sql": lambda: Frames(url),
        'st.connection("sql")': lambda: StreamlitConnection(url),
        "pickle by SQLAlchemy's ORM": lambda: Orm(url),
        "Flask-Session, SQLAlchemy": lambda: FlaskSession(url),
        "Django database sessions": lambda: DjangoSessions(url),
        "Redis, pickle, always synced": lambda: Redis(folder),
        "SQLite on this machine, full sync": lambda: Sqlite(folder),
        "diskcache on this machine, not synced": lambda: DiskCache(folder),
    }
    found: dict[str, Peer] = {}
    missing = []
    try:
        for name, make in ways.items():
            try:
                found[name] = make()
            except ImportError as error:
                missing.append(f"{name} ({error.name or error})")
        yield found, missing
    finally:
        for peer in found.values():
            if isinstance(peer, Redis):
                peer.close()
