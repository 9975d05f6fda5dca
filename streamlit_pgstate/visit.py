"""The visitor: which token this browser tab has, and the state that it opens.

Sits between the verbs of `api` and the layers below: the component, which talks to the
browser, and the state, which talks to the database. One `Visit` per tab, over all its runs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import threading
import tomllib
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import streamlit as st

from streamlit_pgstate import fork, handover, outage, progress
from streamlit_pgstate.bindings import Bindings
from streamlit_pgstate.component import bridge, cookies, page, runs, script, session_state
from streamlit_pgstate.component.bridge import Answer, Question
from streamlit_pgstate.errors import ConfigError, NoSessionError, PgStateError, UnknownToken
from streamlit_pgstate.live import Live, Tick
from streamlit_pgstate.reconnect import Reconnect
from streamlit_pgstate.settings import Settings
from streamlit_pgstate.state import SessionInfo, State
from streamlit_pgstate.store import SessionRef, Store
from streamlit_pgstate.token import Token

_LOG = logging.getLogger(__name__)

_KEPT_RUNS = 4
"""Runs of one tab that are told apart: the present one, and those that it has overtaken."""

_KEPT_REFUSALS = 16
"""Tokens that are not asked about again: whatever a browser sends, a tab keeps no more."""

TESTING_KEY = "streamlit_pgstate_testing_token"
"""Where `testing` leaves a token for AppTest, which has neither cookies nor a browser."""

_T = TypeVar("_T")

_lock = threading.RLock()
_configured: dict[Path | None, dict[str, Any]] = {}
_stores: dict[Settings, Store] = {}
_store_of_app: dict[Path, Store] = {}
_visits: dict[int, Visit] = {}

progress.show_to(page.progress_bar)
outage.stand_in()


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


def store() -> Store:
    """The store of the running app, made once a process."""
    app = script.path()
    with _lock:
        if app not in _store_of_app:
            settings = _read_settings(_configured_for(app), _home(app))
            if settings not in _stores:
                _stores[settings] = Store(settings)
            _store_of_app[app] = _stores[settings]
        return _store_of_app[app]


def _store_of_job(job: handover.Handover) -> Store:
    """The store for a state that came from the app in `job.home`, perhaps to another process."""
    if script.is_script():
        return store()
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


def current(*, asks: bool = False) -> Visit:
    """The visit of the tab whose script runs now, refreshed once a run, mounted once a run.

    Args:
        asks: whether the browser is to confirm in any case that it keeps the token.

    Raises:
        NoSessionError: no script of Streamlit's runs here.
        PgStateError: the database cannot be reached or refuses.
    """
    visit = present()
    visit.enter_run(asks=asks)
    return visit


def present() -> Visit:
    """The visit of the tab whose script runs now, as it is: nothing is asked or mounted.

    Raises:
        NoSessionError: no script of Streamlit's runs here.
    """
    if not script.is_script():
        raise NoSessionError(
            "There is no visitor here: no Streamlit script runs on this thread. In a thread or "
            "a job use the state that pgstate.scope() returned in the script; in tools and "
            "tests use pgstate.connect(url).state(token)."
        )
    if script.is_cached_function():
        raise NoSessionError(
            "This runs under st.cache_data or st.cache_resource, which would give one visitor's "
            "value to all others. Call the verb outside, and hand the value to the cached "
            "function."
        )
    return _visit_of(script.tab(), store())


def _visit_of(tab: object, store: Store) -> Visit:
    with _lock:
        visit = _visits.get(id(tab))
        if visit is None:
            weakref.finalize(tab, _leave, id(tab))
        if visit is None or visit.store is not store:
            visit = _visits[id(tab)] = Visit(store)
        return visit


def _leave(tab: int) -> None:
    visit = _visits.pop(tab, None)
    if visit is not None:
        visit.leave()


@dataclasses.dataclass(eq=False, slots=True)
class _Run:
    """One run of the script. Runs of a tab may overlap: after a quick click Streamlit starts the
    next one while the former goes on to its next `st.` command."""

    mark: object
    mounted: list[str] = dataclasses.field(default_factory=list)
    """Keys of the component's instances."""
    failure: PgStateError | None = None
    is_live: bool = False


class Visit:
    """One tab's token and state. Until the browser has kept it, a token is a candidate."""

    scope: ClassVar[str] = "browser"
    """Whose state it is; of the tab itself: see `tab`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.durable: bool | None = None
        self._lock = threading.RLock()
        self._runs: deque[_Run] = deque(maxlen=_KEPT_RUNS)
        self._token: Token | None = None
        self._state: State | None = None
        self._found: tuple[int, Set[str]] = (0, frozenset())
        """The state's version and its keys when this tab began with it."""
        self._bindings: Bindings | None = None
        self._live: Live | None = None
        self._reconnect = Reconnect(self._shown)
        self._is_candidate = False
        self._offers = False
        self._replaces: str | None = None
        self._refused: deque[str] = deque(maxlen=_KEPT_REFUSALS)
        self._asks = False
        self._veil = bridge.new_veil()
        self._rerun_due = False

    def leave(self) -> None:
        """The tab is gone: what it handed to a thread no longer follows its token."""
        if self._state is not None:
            self._state.release()

    def enter_run(self, *, asks: bool = False) -> None:
        """At the first verb of a run: hear the browser, see what changed, mount.

        Later verbs of the run find it done; or fail as the first did, without another wait.
        """
        with self._lock:
            self._asks |= asks
            run = self._present_run()
            if run is None:
                run = _Run(script.run())
                try:
                    self._start(run)
                except PgStateError as error:
                    run.failure = error
                    if self._bindings is not None:
                        self._bindings.hold()
            elif run.failure is None and not run.mounted:
                self._hear(self._mount(run))  # its callback could not
            if run.failure is not None:
                raise run.failure
            self._rerun_if_due()

    def _present_run(self) -> _Run | None:
        mark = script.run()
        return next((run for run in self._runs if run.mark is mark), None)

    def _start(self, run: _Run) -> None:
        keys = {key: None for earlier in self._runs for key in earlier.mounted}
        self._runs.append(run)
        before = self._state
        if before is None:
            self._open()
        for key in keys:
            self._hear(bridge.earlier_state(key))
        if self._state is before:
            self._refresh()
        self._hear(self._mount(run))
        if self._live is not None and script.is_fragment_run():
            self._enter_live_run()  # what it writes is no change by others

    def call(self, verb: Callable[[State], _T]) -> _T:
        """Run a verb on the state; start over where another tab has just forgotten it."""
        state = self.state
        try:
            return verb(state)
        except UnknownToken as error:
            if error.session_id != state.id:
                raise  # of another state, which the caller's own code has opened
            with self._lock:
                if self._state is state:  # and no other run of this tab has moved on already
                    self._start_over()
                if not script.is_callback():
                    self._rerun_due = True
                    self._rerun_if_due()
            return verb(self.state)

    def persist(self, keys: Sequence[str], defaults: Mapping[str, Any]) -> None:
        """Bind keys of `st.session_state` to the state, up to the end of this run."""
        with self._lock:
            self._reconnect.enter_run()
            if self._bindings is None:
                self._bindings = Bindings(self.state)
            elif self._bindings.state is not self.state:
                self._bindings = self._bindings.go_on_over(self.state)
            if self._live is not None:
                self._bindings.postpones = self._live.postpones
            self._hear_what_the_page_showed(self._bindings)
            self._bindings.bind(keys, defaults)

    def _hear_what_the_page_showed(self, bindings: Bindings) -> None:
        said = self._reconnect.said
        if said is None or self._token is None or said.have != self._token.fingerprint:
            bindings.page_showed = None
            return
        # Not the present version: this run may have written already, and others have deleted.
        version, found = self._found
        is_current = said.version == version
        bindings.page_showed = said.version
        bindings.page_lacked = lambda key: is_current and key not in found

    def follow(self) -> None:
        """Have the page run again whenever its state changes elsewhere."""
        run = self._present_run()
        if script.is_callback() or run is None or run.is_live:
            return
        run.is_live = True
        with self._lock:
            if self._live is None:
                self._live = Live(self._state_of_now)
            self._enter_live_run()
        bridge.mount_live(
            lambda said: self._hear_tick(Tick.read(said)),
            channel=self._live.channel,
            version=self.state.version,
        )

    def notice_reconnect(self) -> None:
        """Have the page run when it has found its server again, before its visitor changes it."""
        with self._lock:
            self._reconnect.enter_run()

    def _shown(self) -> tuple[str, int] | None:
        """What the page shows at the end of a run: the fingerprint and version of its state."""
        with self._lock:
            if self._token is None or self._bindings is None:
                return None
            if self._bindings.state is not self._state:  # another one by now
                return None
            return self._token.fingerprint, self._bindings.version_shown

    def _enter_live_run(self) -> None:
        if self._live is not None and runs.listener(Live) is None:
            self._live.enter_run(self.state, is_whole=not script.is_fragment_run())

    def _hear_tick(self, tick: Tick) -> None:
        if self._live is None:
            return
        try:
            self._live.hear(tick)
        except PgStateError as error:  # the page's next run says so, where it can be seen
            _LOG.debug("A live page could not be refreshed: %s", error)

    def _state_of_now(self) -> State:
        with self._lock:
            self._refresh()
            return self.state

    @property
    def bound_keys(self) -> Set[str]:
        """Keys of `st.session_state` that belong to the browser's state."""
        return self._bindings.keys if self._bindings is not None else frozenset()

    @property
    def state(self) -> State:
        if self._state is None:  # enter_run has failed or was never called
            raise NoSessionError("This tab has no state yet. Call a verb of pgstate first.")
        return self._state

    def session(self) -> SessionInfo:
        return dataclasses.replace(self.call(State.session), durable=self.durable)

    def rotate(self) -> None:
        """A new token for the same state; other tabs of this browser follow by themselves."""
        with self._lock:
            self.call(State.rotate)  # and so `_replace_token`

    def forget(self) -> None:
        """Delete state and token, and go on with an empty state under a new one."""
        with self._lock:
            self.state.forget()
            self._start_over()

    def wait_for_browser(self) -> None:
        """Stop the script until the browser has said whether it keeps the token."""
        if self.durable is None and not script.is_apptest():
            st.stop()

    # The token

    def _open(self) -> None:
        """The token of a test, of the cookie, or a candidate; and its state: one round trip."""
        if TESTING_KEY in st.session_state:
            self._adopt(self.store.signer.check(st.session_state[TESTING_KEY]))
            self.durable = True
            return
        text = self._cookie()
        if text is None:
            self._use_candidate()
            return
        try:
            self._adopt(self.store.signer.check(text))
            self.durable = True
        except UnknownToken:
            self._replaces = text[-43:][:16]
            self._use_candidate()

    def _cookie(self) -> str | None:
        return cookies.cookie_token(self.store.settings.app)

    def _adopt(self, token: Token) -> None:
        """Go on with a token that the browser brought. Raises UnknownToken, changing nothing."""
        ref = SessionRef.of(token, self.scope)
        if self._state is not None and self._state.id == ref.id:
            self._state.follow(ref)  # the same object: a thread may be at work with it
        else:
            self._go_on_with(State(self.store, ref))
        self._token = token
        self._is_candidate = self._offers = False
        self._replaces = None

    def _go_on_with(self, state: State) -> None:
        self._state, self._found = state, (state.version, state.versions().keys())
        state.on_rotate = self._replace_token

    def _use_candidate(self) -> None:
        token = self.store.signer.mint()
        self._go_on_with(State(self.store, SessionRef.of(token, self.scope)))
        self._token = token
        self._is_candidate = self._offers = True
        self._veil = bridge.new_veil()

    def _start_over(self) -> None:
        """An empty state under a new token, which takes the place of the present one."""
        self._replaces = self._token.fingerprint if self._token else None
        self._use_candidate()
        self._ask_again()

    def _replace_token(self, token: Token) -> None:
        """Have the browser keep another token for the present state."""
        if token.session_id != self.state.id:
            return  # a state that this tab has left, in a thread
        self._replaces = self._token.fingerprint if self._token else None
        self._token, self._offers = token, True
        self._veil = bridge.new_veil()
        self._ask_again()

    def _refresh(self) -> None:
        try:
            self.state.refresh()
        except UnknownToken:  # forgotten or rotated by another tab, or expired
            self._start_over()
            self._clear_session_state()

    def _clear_session_state(self) -> None:
        """What this tab holds is of another state: neither to be shown nor to be saved."""
        session_state.clear(keep={TESTING_KEY})
        if self._bindings is not None:
            self._bindings = self._bindings.begin_anew_over(self.state)

    # The browser

    def _mount(self, run: _Run) -> object:
        if script.draws_over_the_page():
            return None
        key = bridge.key(place=self._place(), number=len(run.mounted))
        run.mounted.append(key)
        return bridge.mount(self._question(), key=key)

    def _place(self) -> str:
        return script.fragment()

    def _ask_again(self) -> None:
        """The question has changed: once it was asked in this run, ask under another key."""
        run = self._present_run()
        if run is not None and run.mounted:
            self._mount(run)

    def _question(self) -> Question:
        assert self._token is not None  # noqa: S101 - _open has set it
        settings = self.store.settings
        return Question(
            app=settings.app,
            have=self._token.fingerprint,
            offer=self._token.text if self._offers else None,
            replaces=self._replaces,
            ask=self._asks and self.durable is None,
            max_age=settings.session_max_age.total_seconds(),
            cookie=settings.cookie,
            veil=self._veil,
            scope=self.scope,
        )

    def _hear(self, component_state: object) -> None:
        """Take over what the browser says it keeps; nothing it says is believed unchecked."""
        answer = Answer.read(component_state, self._veil)
        if answer is None or self._token is None or answer.to != self._token.fingerprint:
            return  # an answer to an earlier question
        if answer.token is None:
            self._hear_of_nothing(answer)
        elif answer.token == self._token.text:
            self.durable, self._is_candidate = True, False
        else:
            self._hear_of_another(answer, answer.token)

    def _hear_of_nothing(self, answer: Answer) -> None:
        if answer.blocked:
            self.durable = False
        else:  # the visitor has cleared the browser's storage
            self._use_candidate()
            self._clear_session_state()
            self.durable = None
            self._rerun_due = script.is_fragment_run()

    def _hear_of_another(self, answer: Answer, text: str) -> None:
        if text in self._refused:
            self._refuse(text)
            return
        before, was_candidate = self._state, self._is_candidate
        try:
            self._adopt(self.store.signer.check(text))
        except UnknownToken:
            self._refuse(text)
            return
        self.durable = True
        self._rerun_due = script.is_fragment_run()
        if before is None or before.id == self.state.id:
            return
        self._clear_session_state()
        if was_candidate:
            self._drop(before, kept=answer.kept)

    def _refuse(self, text: str) -> None:
        self._refused.append(text)
        self._replaces, self._offers = text[-43:][:16], True

    def _drop(self, candidate: State, *, kept: bool) -> None:
        """Delete what was written under a candidate, unless another tab may have it by now."""
        if not kept and candidate.is_stored:
            with contextlib.suppress(UnknownToken):
                candidate.forget()

    def _rerun_if_due(self) -> None:
        """A fragment heard of another token: the rest of the page shows the former state."""
        if self._rerun_due and not script.is_callback():
            self._rerun_due = False
            st.rerun()
