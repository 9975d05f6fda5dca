"""The stores of this process: the settings of each app, and the store that they lead to.

Settings come from `configure`, from Streamlit's secrets and from the environment. Sits between the
verbs that need a store and `store`, which speaks to the database.
"""

from __future__ import annotations

import contextlib
import threading
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from streamlit_pgstate.component import page, script
from streamlit_pgstate.errors import ConfigError
from streamlit_pgstate.postgres import fork
from streamlit_pgstate.postgres.store import Store
from streamlit_pgstate.settings import Settings
from streamlit_pgstate.state import handover, progress

_lock = threading.RLock()
_configured: dict[Path | None, dict[str, Any]] = {}
_stores: dict[Settings, Store] = {}
_store_of_app: dict[Path, _Found] = {}

progress.show_to(page.progress_bar)


@dataclass(frozen=True, slots=True)
class _Found:
    """The store of an app."""

    store: Store
    run: object
    """Of the AppTest that read its settings; None outside of one."""


class _AfterFork:
    """A forked child finds no lock of this module held by a thread that it does not have."""

    def after_fork(self) -> None:
        global _lock
        _lock = threading.RLock()


_after_fork = _AfterFork()
fork.remember(_after_fork)


def configure(settings: Mapping[str, Any]) -> None:
    """Set the settings of the running app; the same again costs nothing."""
    app = script.path() if script.is_script() else None
    with _lock:
        if _configured.get(app) == settings:
            return
        Settings.read(settings)  # refuse what is wrong here, where it was written
        _configured[app] = dict(settings)
        _store_of_app.clear()


def connect(settings: Mapping[str, Any]) -> Store:
    """A store with the settings given; then, in a script, with those of its app."""
    given = {name: value for name, value in settings.items() if value is not None}
    if not script.is_script():
        return Store(_read_settings(given, None))
    app = script.path()
    return Store(_read_settings({**_configured_for(app), **given}, _home(app)))


def of_this_app() -> Store:
    """The store of the running app, made once a process; its settings are read once.

    In an AppTest they are read once a run: the next test may give the same script others.
    """
    app = script.path()
    run = script.run() if script.is_apptest() else None
    with _lock:
        found = _store_of_app.get(app)
        if found is None or found.run is not run:
            settings = _read_settings(_configured_for(app), _home(app))
            if settings not in _stores:
                _stores[settings] = Store(settings)
            found = _store_of_app[app] = _Found(_stores[settings], run)
        return found.store


def _store_of_job(job: handover.Handover) -> Store:
    """The store for a state that came from the app in `job.home`, perhaps to another process."""
    if script.is_script():
        return of_this_app()
    with _lock:
        apps = {app.parent.resolve(): given for app, given in _configured.items() if app}
        settings = _read_settings(apps.get(job.home) or _configured.get(None, {}), job.home)
        if settings not in _stores:
            _stores[settings] = Store(settings)
        return _stores[settings]


handover.connect_with(_store_of_job)


def _read_settings(keywords: Mapping[str, Any], home: Path | None) -> Settings:
    return Settings.read(keywords, secrets=_secrets(), home=home)


def _configured_for(app: Path) -> dict[str, Any]:
    return _configured.get(app) or _configured.get(None) or {}


def _home(app: Path) -> Path:
    """Where `.pgstate/` lies: beside the app; an AppTest's script may lie anywhere."""
    return Path.cwd() if script.is_apptest() else app.parent


def _secrets() -> Mapping[str, Any]:
    """`[connections.pgstate]` of Streamlit's secrets; nothing where there are none."""
    if not st.secrets.load_if_toml_exists():  # nor where the file is broken: that it says, too
        _refuse_broken_secrets()
        return {}
    connections = st.secrets.get("connections", {})
    found = connections.get("pgstate", {}) if isinstance(connections, Mapping) else None
    if not isinstance(found, Mapping):
        raise ConfigError(
            "[connections.pgstate] in .streamlit/secrets.toml must be a table, with "
            '`url = "postgresql://…"` in it.'
        )
    return dict(found)


def _refuse_broken_secrets() -> None:
    for path in st.get_option("secrets.files"):
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            text = Path(path).read_text(encoding="utf-8")
            try:
                tomllib.loads(text)
            except tomllib.TOMLDecodeError:
                # `from None`: the parser's message may quote what it could not read.
                raise ConfigError(
                    f"{path} is not valid TOML, so that [connections.pgstate] could not be read. "
                    "Mend the file; nothing was connected."
                ) from None
