"""The apps of this process: the settings of each, and the tables that they lead to.

Settings come from `configure`, from Streamlit's secrets and from the environment. A process may
serve one app, and run several AppTests.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from streamlit_pgstate.component import script, server
from streamlit_pgstate.errors import ConfigError
from streamlit_pgstate.page import outage
from streamlit_pgstate.postgres import fork, health
from streamlit_pgstate.postgres.health import Health
from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.settings import Settings, comparable, connection_in, read_toml
from streamlit_pgstate.state.handover import Handover

_lock = threading.RLock()
_configured: dict[Path | None, dict[str, Any]] = {}
_tables: dict[Settings, Tables] = {}
_of_app: dict[Path, _Found] = {}
_of_thread = threading.local()
"""Its `run` is the run that has last used the tables on this thread."""


@dataclass(frozen=True, slots=True)
class _Found:
    """The tables of an app."""

    tables: Tables
    run: object
    """Of the AppTest that read its settings; None outside of one."""


class _AfterFork:
    """Gives a forked child a lock that no thread of its parent holds."""

    def after_fork(self) -> None:
        global _lock
        _lock = threading.RLock()


_after_fork = _AfterFork()
fork.remember(_after_fork)


def configure(settings: Mapping[str, Any]) -> None:
    """Set the settings of the running app. To set the same again costs nothing."""
    app = script.path() if script.is_script() else None
    settings = comparable(settings)
    with _lock:
        if _configured.get(app) == settings:
            return
        Settings.read(settings)  # raise here, at the line that has the mistake
        if app is not None and server.is_app() and not script.is_apptest():
            _refuse_in_script(app, settings)
            return
        if app is not None and getattr(_of_thread, "run", None) is script.run():
            raise ConfigError(
                "configure() was called after another call of pgstate in this script, which has "
                "used other settings. Move configure() to the top, above all of them."
            )
        _configured[app] = dict(settings)
        _of_app.clear()


def _refuse_in_script(app: Path, settings: Mapping[str, Any]) -> None:
    """Under `pgstate.App` the cookie comes before the script, and so do the settings."""
    given = _configured.get(None, {})
    if {**given, **settings} != given:
        raise ConfigError(
            f"Under pgstate.App configure() stands in the module with the App, above the line "
            f"app = pgstate.App(…), and not in {app.name}: the cookie is set before the script "
            "runs. Move the call there."
        )


def connect(settings: Mapping[str, Any]) -> Tables:
    """The tables with the settings given; then, in a script, with those of its app."""
    given = {name: value for name, value in settings.items() if value is not None}
    if not script.is_script():
        return _new_tables(settings_of(given, None))
    app = script.path()
    return _new_tables(settings_of({**_configured_for(app), **given}, _home(app)))


def tables_of_this_app() -> Tables:
    """The tables of the running app, made once a process; its settings are read once.

    In an AppTest they are read once a run: the next test may give the same script others.
    """
    _of_thread.run = script.run()
    if server.is_app() and not script.is_apptest():
        return tables_of(script.path())
    return _find_tables(script.path(), script.run() if script.is_apptest() else None)


def tables_of(app: Path) -> Tables:
    """The tables of the app with this script, also before its first run.

    Raises:
        ConfigError: the app sets `cookie` or `http_only` to False, and a cookie is needed.
    """
    tables = _find_tables(app, None)
    settings = tables.settings
    if not settings.cookie or settings.http_only is False:
        name = "http_only" if settings.cookie else "cookie"
        raise ConfigError(
            f"pgstate.App keeps the token in an HttpOnly cookie, and the setting {name} is false. "
            f"Remove {name}, or start the script itself by `streamlit run`."
        )
    return tables


def _find_tables(app: Path, run: object) -> Tables:
    found = _of_app.get(app)
    if found is not None and found.run is run:  # without the lock: each verb comes here
        return found.tables
    with _lock:
        found = _of_app.get(app)
        if found is None or found.run is not run:
            settings = settings_of(_configured_for(app), _home(app))
            found = _of_app[app] = _Found(_tables_of(settings), run)
        return found.tables


def tables_of_process() -> Tables:
    """The tables of the running app. Outside of a script those of the one app of this process.

    Before its first run these are the tables of the settings that hold for all apps.
    """
    if script.is_script():
        return tables_of_this_app()
    with _lock:
        if len(_of_app) == 1:
            [found] = _of_app.values()
            return found.tables
        return _tables_of(settings_of(_configured.get(None, {}), None))


def health_of(find_tables: Callable[[], Tables]) -> Health:
    """The health of the database that an app uses, also where its settings lead to none."""
    try:
        return find_tables().health()
    except ConfigError as error:
        return health.of_error(error)


def tables_of_job(job: Handover) -> Tables:
    """The tables for a state that came from the app in `job.home`, perhaps to another process."""
    if script.is_script():
        return tables_of_this_app()
    with _lock:
        apps = {app.parent.resolve(): given for app, given in _configured.items() if app}
        settings = settings_of(apps.get(job.home) or _configured.get(None, {}), job.home)
        return _tables_of(settings)


def _tables_of(settings: Settings) -> Tables:
    """The same for the same settings, so that their connections are shared."""
    if settings not in _tables:
        _tables[settings] = _new_tables(settings)
    return _tables[settings]


def _new_tables(settings: Settings) -> Tables:
    return Tables(settings, before_statement=outage.refuse_second_wait)


def settings_of(keywords: Mapping[str, Any], home: Path | None) -> Settings:
    """Read settings: from keywords, from Streamlit's secrets and from the environment."""
    return Settings.read(keywords, secrets=_secrets(), home=home)


def _configured_for(app: Path) -> dict[str, Any]:
    return _configured.get(app) or _configured.get(None) or {}


def _home(app: Path) -> Path:
    """The folder of `.pgstate/`: that of the app, or the present one for an AppTest."""
    return Path.cwd() if script.is_apptest() else app.parent


def _secrets() -> dict[str, Any]:
    """`[connections.pgstate]` of Streamlit's secrets; nothing where there are none."""
    if not st.secrets.load_if_toml_exists():  # nor where a file is broken: `read_toml` says which
        for path in st.get_option("secrets.files"):
            read_toml(Path(path))
        return {}
    return connection_in(st.secrets)
