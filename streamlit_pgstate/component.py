"""The component in the page, and the private parts of Streamlit that this package leans on.

Each private part has its own function here, which says in which versions it was seen (1.51
and 1.67, the oldest and the newest tried) and what happens when it is gone.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import re
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

import streamlit as st
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator
    from streamlit.runtime.scriptrunner import ScriptRunContext

NAME = "streamlit-pgstate.bridge"
KEY = "streamlit_pgstate"
TOKEN_LENGTH = 128

_APPTEST_SESSION = "test session id"
_LONGEST_APP = 64
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Question:
    """What the page is asked; see `frontend/src/agreement.ts`, which answers."""

    app: str
    have: str
    """Fingerprint of the token that Python works with."""
    offer: str | None
    """That token itself, where the browser is to keep it."""
    replaces: str | None
    """Fingerprint of a refused or rotated token, which the offer may replace."""
    ask: bool
    """Whether Python waits for an answer in any case."""
    max_age: float
    cookie: bool
    veil: bytes
    """What the answer's token is XORed with: `st.session_state` shows a component's state."""

    def __repr__(self) -> str:
        return f"<Question about {self.have}>"

    def as_data(self) -> dict[str, Any]:
        return {
            "app": app_label(self.app),
            "have": self.have,
            "offer": self.offer,
            "replaces": self.replaces,
            "ask": self.ask,
            "maxAge": self.max_age,
            "cookie": self.cookie,
            "veil": self.veil.hex(),
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser said of its token."""

    to: str
    """Fingerprint of the token that it was asked about."""
    token: str | None
    blocked: bool
    kept: bool

    def __repr__(self) -> str:
        return f"<Answer about {self.to}>"

    @classmethod
    def read(cls, state: object, veil: bytes) -> Answer | None:
        """The answer in a component's state; None where there is none or it makes no sense.

        It comes from the browser, so it may be anything.
        """
        answer = state.get("answer") if isinstance(state, Mapping) else None
        if not isinstance(answer, Mapping) or not isinstance(answer.get("to"), str):
            return None
        return cls(
            answer["to"],
            _unveiled(answer.get("token"), veil),
            answer.get("blocked") is True,
            answer.get("kept") is True,
        )


def new_veil() -> bytes:
    return secrets.token_bytes(TOKEN_LENGTH)


def _unveiled(token: object, veil: bytes) -> str | None:
    if not isinstance(token, str) or len(token) > 2 * TOKEN_LENGTH:
        return None
    try:
        masked = bytes.fromhex(token)
    except ValueError:
        return None
    return bytes(a ^ b for a, b in zip(masked, veil, strict=False)).decode("latin-1")


@functools.cache
def _component() -> Any:
    """Register the component: lazily, as it needs a running Streamlit, and once a process."""
    return st.components.v2.component(NAME, js="index-*.js")


def key(*, place: str, number: int) -> str:
    """The key of an instance of the component.

    Args:
        place: the fragment it is mounted in, "" for the page: each keeps its own.
        number: 0 for the first of a run; one key may be mounted once a run.
    """
    return "-".join(part for part in (KEY, place, str(number or "")) if part)


def mount(question: Question, *, key: str) -> object:
    """Put the component into the page, where it moves nothing; what it said in earlier runs."""
    if is_apptest():
        return None
    with _still_place():
        return _component()(
            key=key,
            data=question.as_data(),
            on_answer_change=_ignore,
            width="content",
            height="content",
        )


def _ignore() -> None:
    """A state of the component needs a callback to be one."""


@contextlib.contextmanager
def _still_place() -> Iterator[None]:
    """Where toasts live, out of the page's flow: a mount there moves nothing.

    `st._event`, seen in 1.51 to 1.67. Without it the component stands at the end of the page,
    and moves what comes after it by 16 px.

    In place of the containers that the script is in, not inside them: in a form an answer would
    wait for its submit button. `context_dg_stack`, seen in 1.51 to 1.67; without it, inside.
    """
    place = getattr(st, "_event", None) or getattr(st, "_main", None)
    try:
        from streamlit.delta_generator_singletons import context_dg_stack
    except ImportError:
        with place or contextlib.nullcontext():
            yield
        return
    if place is None:
        yield
        return
    # The page itself first: a stack of one is taken for no container at all.
    token = context_dg_stack.set((context_dg_stack.get()[0], place))
    try:
        yield
    finally:
        context_dg_stack.reset(token)


class ProgressBar:
    """Shows the visitor of this run how far a long piece of work is, from another thread.

    It stands in the container of toasts, which is not drawn itself: a rule of style in
    `frontend/src/style.ts` lays it over the page, so that nothing moves. `st._event` as above;
    without it the bar stands where the script is, and moves what comes after it while it shows.
    """

    def __init__(self, script: ScriptRunContext) -> None:
        self._script = script
        self._context = contextvars.copy_context()
        self._bar: DeltaGenerator | None = None

    def show(self, text: str, fraction: float) -> None:
        self._context.run(self._show, text, fraction)

    def hide(self) -> None:
        if self._bar is not None:
            self._context.run(self._bar.empty)

    def _show(self, text: str, fraction: float) -> None:
        if self._bar is None:
            add_script_run_ctx(threading.current_thread(), self._script)
            with _still_place(), st.container(key=f"{KEY}_progress"):
                self._bar = st.empty()
        self._bar.progress(fraction, text=_plain_markdown(text))


def progress_bar() -> ProgressBar | None:
    """For the visitor whose script runs on this thread; None where there is none to see it."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None or is_apptest() or is_cached_function():
        return None
    return ProgressBar(context)


def _plain_markdown(text: str) -> str:
    """Text that holds a key as it is, whatever the key looks like to Markdown."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~:$])", r"\\\1", text)


def earlier_state(key: str) -> object:
    """What the component said before this run mounts it; None where that is not known."""
    return st.session_state.get(key)


def clear_session_state(*, keep: str) -> None:
    """Empty `st.session_state`, but for `keep` and what is ours.

    It was filled from another state: what `setdefault` has put there would hide the values that
    the present one has.
    """
    for key in list(st.session_state):
        if key != keep and not str(key).startswith(KEY):
            del st.session_state[key]


def is_script() -> bool:
    """Whether a script of Streamlit's runs on this thread."""
    return get_script_run_ctx(suppress_warning=True) is not None


def script_path() -> Path:
    """The app's main script."""
    context = get_script_run_ctx(suppress_warning=True)
    return Path(context.main_script_path) if context is not None else Path()


def is_apptest() -> bool:
    """Whether an AppTest runs the script: there is no browser, so nothing is mounted.

    By the id that AppTest gives its sessions, seen in 1.51 to 1.67. Without it the component is
    mounted, which AppTest carries since some version after 1.51 and before 1.67.
    """
    context = get_script_run_ctx(suppress_warning=True)
    return getattr(context, "session_id", "") == _APPTEST_SESSION


def tab() -> object:
    """An object that lives as long as this tab's session, however often its script runs.

    It outlives `st.session_state.clear()`. `ScriptRunContext.pages_manager`, one for each tab,
    seen in 1.51 to 1.67; in an AppTest, where it is one for each run, and without it, an object
    in `st.session_state` has to do.
    """
    context = get_script_run_ctx(suppress_warning=True)
    manager = getattr(context, "pages_manager", None)
    if manager is None or is_apptest():
        return st.session_state.setdefault(f"{KEY}_tab", _Tab())
    return manager


class _Tab:
    """Stands for a tab where Streamlit shows nothing that does."""


def run() -> object:
    """An object that is another one in each run: full or of a fragment, callbacks included.

    `ScriptRunContext.cursors`, made anew at the start of each, seen in 1.51 to 1.67; without
    it each verb is taken for a run of its own, which costs a round trip, and mounts by number.
    """
    context = get_script_run_ctx(suppress_warning=True)
    cursors = getattr(context, "cursors", None)
    return object() if cursors is None else cursors  # an empty dict stands for a run too


def fragment() -> str:
    """The id of the fragment that this thread is in; "" for none.

    `ScriptRunContext.current_fragment_id` up to 1.57, `ThreadState` from 1.58 on; without
    either the component belongs to the page.
    """
    context = get_script_run_ctx(suppress_warning=True)
    known = getattr(context, "current_fragment_id", None)
    if known is None:
        with contextlib.suppress(ImportError, AttributeError, RuntimeError):
            from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState

            known = ThreadState.get().fragment_id
    return known or ""


def is_fragment_run() -> bool:
    """Whether only a fragment runs, not the whole script.

    `ScriptRunContext.fragment_ids_this_run`, seen in 1.51 to 1.67.
    """
    context = get_script_run_ctx(suppress_warning=True)
    return bool(getattr(context, "fragment_ids_this_run", None))


def is_callback() -> bool:
    """Whether a widget's callback runs, before the script: there `st.rerun` does nothing.

    `ScriptRunContext._has_script_started`, seen in 1.51 to 1.67; without it: no.
    """
    context = get_script_run_ctx(suppress_warning=True)
    return not getattr(context, "_has_script_started", True)


def is_cached_function() -> bool:
    """Whether a function under `st.cache_data` or `st.cache_resource` runs: all share its result.

    `in_cached_function`, seen in 1.51 to 1.67; without it: no.
    """
    with contextlib.suppress(ImportError):
        from streamlit.runtime.scriptrunner_utils.script_run_context import in_cached_function

        return in_cached_function.get()
    return False


def app_label(app: str) -> str:
    """The app's name as it may stand in a cookie's name."""
    label = quote(app, safe="")
    if len(label) <= _LONGEST_APP:
        return label
    import hashlib

    return hashlib.sha256(app.encode()).hexdigest()[:32]


def cookie_token(app: str) -> str | None:
    """The token that the browser's cookie brought, unchecked; None where there is none.

    The name holds the browser's port and base path, as the component wrote it: of the cookies
    whose base path leads to this page, the longest is ours.
    """
    address = urlsplit(st.context.url or st.context.headers.get("Origin", ""))
    try:
        port = address.port or _DEFAULT_PORTS.get(address.scheme)
    except ValueError:
        return None
    prefix = f"pgstate.{app_label(app)}.{port}."
    found = {
        unquote(name.removeprefix(prefix)): value
        for name, value in st.context.cookies.to_dict().items()
        if name.startswith(prefix)
    }
    bases = [base for base in found if _leads_to(base, address.path)]
    return found[max(bases, key=len)] if bases else None


def _leads_to(base: str, path: str) -> bool:
    """Whether an app under `base` may be what the browser shows at `path`.

    `base` ends with the server's own base path; a proxy may have put something before it.
    """
    served_at = str(st.get_option("server.baseUrlPath") or "").strip("/")
    if served_at and not base.endswith(f"/{served_at}"):
        return False
    return base == "" or (base.startswith("/") and f"{path}/".startswith(f"{base}/"))
