"""The component in the page, and the private parts of Streamlit that this package leans on.

Each private part has its own function here, which says in which versions it was seen (1.51
and 1.67, the oldest and the newest tried) and what happens when it is gone.
"""

from __future__ import annotations

import contextlib
import contextvars
import copy
import functools
import logging
import re
import secrets
import sys
import threading
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar
from urllib.parse import SplitResult, quote, unquote, urlsplit

import streamlit as st
from streamlit.errors import StreamlitAPIException
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

from streamlit_pgstate.errors import ConfigError

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator
    from streamlit.runtime.scriptrunner import ScriptRunContext

NAME = "streamlit-pgstate.bridge"
KEY = "streamlit_pgstate"
TOKEN_LENGTH = 128

_LOG = logging.getLogger(__name__)

_HOOKS: Final = "_streamlit_pgstate_hooks"
_CALLERS: Final = 10
"""Callers among which the function of a widget is: it is the fifth, as of 1.67."""

_UNSETTABLE_VALUES: Final = {
    *("trigger_value", "string_trigger_value", "json_trigger_value", "chat_input_value"),
    *("file_uploader_state_value",),
}
_IDENTITY: Final[Any] = object.__eq__

_FLASHING: Final = {"TextInput", "TextArea", "NumberInput"}
"""Messages of widgets that the browser draws with their default first, for a frame or two."""

_UNSETTABLE: Final = re.compile("DataEditor|Plotly|Vega|Pydeck|PyDeck|ECharts|Echarts")

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
    scope: str = "browser"

    def __repr__(self) -> str:
        return f"<Question about {self.have}>"

    def as_data(self) -> dict[str, Any]:
        return {
            "app": app_label(self.app),
            "scope": self.scope,
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
    copied: bool
    """Whether another tab has that token, and this one is to have a copy of its state."""

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
            answer.get("copied") is True,
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


def mount_live(hear: Callable[[object], None], *, channel: str, version: int) -> None:
    """Put the live component into the page, in a fragment of its own, which runs when it asks.

    Args:
        hear: what the page has said, in that fragment; may rerun the page.
        channel: the name under which tabs tell each other.
        version: of the state that the page shows.
    """
    if is_apptest():
        return

    @st.fragment
    def follow() -> None:
        said = st.session_state.get(f"{KEY}_live", {})
        tick = said.get("tick") if isinstance(said, Mapping) else None
        heard = tick.get("number") if isinstance(tick, Mapping) else 0
        data = {"role": "live", "channel": channel, "version": version, "heard": heard}
        _component()(key=f"{KEY}_live", data=data, on_tick_change=_ignore)
        if is_fragment_run():
            hear(tick)

    with _still_place():
        follow()


def announce(*, channel: str, version: int) -> None:
    """Have the page tell the other tabs of this browser that the state has changed."""
    if not is_apptest():
        with _still_place():
            data = {"role": "news", "channel": channel, "version": version}
            _component()(key=f"{KEY}_news", data=data)


def class_of(key: str) -> str:
    """The class that the widget with this key has in the page, as Streamlit documents it."""
    return "st-key-" + re.sub("[^a-zA-Z0-9_-]", "-", key.strip())


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
        self._bar.progress(fraction, text=plain_markdown(text))


def progress_bar() -> ProgressBar | None:
    """For the visitor whose script runs on this thread; None where there is none to see it."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None or is_apptest() or is_cached_function() or draws_over_the_page():
        return None
    return ProgressBar(context)


def plain_markdown(text: str) -> str:
    """Text that holds a key as it is, whatever the key looks like to Markdown."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~:$])", r"\\\1", text)


def earlier_state(key: str) -> object:
    """What the component said before this run mounts it; None where that is not known."""
    return st.session_state.get(key)


def clear_session_state(*, keep: Container[str]) -> None:
    """Empty `st.session_state`, but for the keys of `keep` and what is ours.

    It was filled from another state: what `setdefault` has put there would hide the values that
    the present one has.
    """
    for key in list(st.session_state):
        if str(key) not in keep and not str(key).startswith(KEY):
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

    Three parts of `ScriptRunContext` that are made anew at the start of each: in 1.67
    `parallel_coordinator`, in 1.51 `widget_ids_this_run`, and in all `cursors`, which a fragment
    replaces, so that its callbacks would be another run. Without any of them each verb is taken
    for a run of its own, which costs a round trip, and mounts by number.
    """
    context = get_script_run_ctx(suppress_warning=True)
    coordinator = getattr(context, "parallel_coordinator", None)
    if coordinator is not None:  # it leads to the tab, which nobody may hold longer than Streamlit
        mark: object = vars(coordinator).setdefault(f"_{KEY}_run", object())
        return mark
    for name in ("widget_ids_this_run", "cursors"):
        mark = getattr(context, name, None)
        if mark is not None:  # an empty one stands for a run too
            return mark
    return object()


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


def draws_over_the_page() -> bool:
    """Whether this is a callback in a run of a fragment: what it draws, replaces what is there.

    Seen in 1.51 to 1.67, where the page then breaks: so nothing is drawn, but by the fragment.
    """
    return is_callback() and is_fragment_run()


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
    found = _cookies("pgstate", app)
    bases = [base for base in found if _leads_to(base, _address().path)]
    return found[max(bases, key=len)] if bases else None


def reloaded_tokens(app: str) -> list[str]:
    """The tokens of tabs that were reloaded, or closed, a moment ago, unchecked.

    As `cookie_token`; the name ends with the token's fingerprint.
    """
    found = {
        tuple(name.rsplit(".", 1)): value for name, value in _cookies("pgstate-tab", app).items()
    }
    bases = {base for base, *_ in found if _leads_to(base, _address().path)}
    ours = max(bases, key=len, default=None)
    return [value for (base, *_), value in found.items() if base == ours]


def _address() -> SplitResult:
    return urlsplit(st.context.url or st.context.headers.get("Origin", ""))


def _cookies(kind: str, app: str) -> dict[str, str]:
    """The cookies of an app at this page's port, by the rest of their names."""
    address = _address()
    try:
        port = address.port or _DEFAULT_PORTS.get(address.scheme)
    except ValueError:
        return {}
    prefix = f"{kind}.{app_label(app)}.{port}."
    return {
        unquote(name.removeprefix(prefix)): value
        for name, value in st.context.cookies.to_dict().items()
        if name.startswith(prefix)
    }


def _leads_to(base: str, path: str) -> bool:
    """Whether an app under `base` may be what the browser shows at `path`.

    `base` ends with the server's own base path; a proxy may have put something before it.
    """
    served_at = str(st.get_option("server.baseUrlPath") or "").strip("/")
    if served_at and not base.endswith(f"/{served_at}"):
        return False
    return base == "" or (base.startswith("/") and f"{path}/".startswith(f"{base}/"))


class RunListener:
    """Who wants to know what happens in one run of the script: nothing, if nothing is said."""

    comes_last: ClassVar[bool] = False
    """Whether the end of the run is told after all others have done what they do there."""

    def before_widget(self, widget: Widget) -> None:
        """Its value may still be set: Streamlit looks it up next."""

    def after_widget(self, widget: Widget) -> None:
        """It has its value for this run, unless the widget itself corrects it."""

    def on_correction(self, key: str, value: Any) -> None:
        """The widget could not show its value, and has another one now."""

    def has_set(self, key: str) -> bool:
        """Whether `st.session_state[key]` is the listener's doing, not the script's."""
        return False

    def at_end(self) -> None:
        """The run is over: its last line, `st.stop`, `st.rerun` or an error."""


_Listener = TypeVar("_Listener", bound=RunListener)


def listen(listener: _Listener) -> _Listener:
    """Tell `listener` of the present run, up to its end; returns it.

    Raises:
        ConfigError: this version of Streamlit shows neither its runs nor its widgets.
    """
    _hooks().listeners.append(listener)
    return listener


def listener(kind: type[_Listener]) -> _Listener | None:
    """The listener of this kind that the present run has; None where it has none yet."""
    return next((found for found in _hooks().listeners if isinstance(found, kind)), None)


def _hooks() -> _Hooks:
    """The hooks of the thread that runs the script.

    `ScriptRunContext._enqueue`, a method of the thread's `ScriptRunner`, and that one's
    `_on_script_finished`, called after each run, whatever ended it; `register_widget`,
    `is_new_state_value` and `reset_state_value` of the context's `session_state`, and in its
    `_state` `_key_id_mapper` and `_new_widget_state`: seen in 1.51 to 1.67.
    """
    context = get_script_run_ctx(suppress_warning=True)
    runner = getattr(getattr(context, "_enqueue", None), "__self__", None)
    hooks: _Hooks | None = getattr(runner, _HOOKS, None)
    if hooks is None:
        try:
            hooks = _Hooks(runner, context.session_state)  # type: ignore[union-attr]
        except AttributeError as error:
            raise ConfigError(
                f"persist() cannot see widgets and the end of a run in Streamlit {st.__version__}. "
                "Use pgstate.get and pgstate.set, or another version of Streamlit or of this "
                "package."
            ) from error
        setattr(runner, _HOOKS, hooks)
    return hooks


class _Hooks:
    """Stand before methods of one script thread, and tell the listeners of its present run."""

    def __init__(self, runner: Any, session_state: Any) -> None:
        self.listeners: list[RunListener] = []
        self._finish = runner._on_script_finished
        self._register = session_state.register_widget
        self._is_new = session_state.is_new_state_value
        self._reset = session_state.reset_state_value
        self._state = session_state._state
        self.has_value("")  # fails here, and not later, where a part is missing
        self.widget_of("")
        runner._on_script_finished = self.finish
        # Past its own __setattr__, which would make them keys of the state.
        object.__setattr__(session_state, "register_widget", self.register)
        object.__setattr__(session_state, "is_new_state_value", self.is_new)
        object.__setattr__(session_state, "reset_state_value", self.reset)

    def finish(self, *args: Any, **kwargs: Any) -> Any:
        listeners, self.listeners = self.listeners, []
        for listener in sorted(listeners, key=lambda listener: listener.comes_last):
            try:
                listener.at_end()
            except Exception:  # noqa: BLE001 - it would end the script's thread, and so the visitor's page
                _LOG.exception("The end of a script run could not be handled.")
        return self._finish(*args, **kwargs)

    def register(self, metadata: Any, user_key: str | None) -> Any:
        if user_key is None or not self.listeners:
            return self._register(metadata, user_key)
        widget = Widget(user_key, metadata)
        for listener in self.listeners:
            listener.before_widget(widget)
        result = self._register(metadata, user_key)
        for listener in self.listeners:
            listener.after_widget(widget)
        return result

    def is_new(self, user_key: str) -> bool:
        """What a listener has set counts as the widget's own, not as set by the script.

        So Streamlit does not warn of two values where the widget has a default too.
        """
        if any(listener.has_set(user_key) for listener in self.listeners):
            return False
        is_new: bool = self._is_new(user_key)
        return is_new

    def set(self, user_key: str, value: Any) -> None:
        self._reset(user_key, value)

    def widget_of(self, user_key: str) -> str | None:
        """The id of the widget that was last drawn under a key; None once the key was deleted."""
        found: str | None = self._state._key_id_mapper.get_id_from_key(user_key, None)
        return found

    def has_value(self, widget_id: str) -> bool:
        """Whether the browser has sent a value of the widget, as it does for all that it shows.

        What else Streamlit holds for a widget may be from long ago, set under its key.
        """
        return widget_id in self._state._new_widget_state

    def reset(self, user_key: str, value: Any) -> None:
        self._reset(user_key, value)
        for listener in self.listeners:
            listener.on_correction(user_key, value)


class UnfitError(Exception):
    """A value that a widget cannot show."""


class Widget:
    """A widget that the script draws, and what it says of values for it.

    `WidgetMetadata` with `serializer`, `deserializer` and `value_type`, seen in 1.51 to 1.67.
    """

    __slots__ = ("_metadata", "key")

    def __init__(self, key: str, metadata: Any) -> None:
        self.key = key
        self._metadata = metadata

    @property
    def id(self) -> str:
        """What it is by Streamlit's reckoning: another one where its parameters have changed."""
        return str(self._metadata.id)

    @property
    def is_settable(self) -> bool:
        """Whether Streamlit lets anybody set it: no button, upload, editor or chart."""
        serde = type(getattr(self._metadata.deserializer, "__self__", None)).__name__
        return self._metadata.value_type not in _UNSETTABLE_VALUES and not _UNSETTABLE.search(serde)

    def initial(self) -> Any:
        """The value that it has before anybody has touched it."""
        return copy.deepcopy(self._metadata.deserializer(None))

    def default(self) -> Any:
        """The same, as it can be stored."""
        return _plain(self.initial())

    def fitted(self, value: Any) -> Any:
        """`value` as the widget has it: 7.0 for 7 where it has floats, an option for its equal.

        Streamlit itself goes back to the default for some misfits, and raises for others.

        Raises:
            UnfitError: it is of another type, out of range, or not one of the options.
        """
        default = self._metadata.deserializer(None)
        if isinstance(default, dict) and type(value) is dict:
            return type(default)(value)  # a selection is a dictionary with attributes
        if self._metadata.value_type == "bool_value":
            if not isinstance(value, bool):
                raise UnfitError
            return value
        try:
            wire = _sent(self._metadata.value_type, self._metadata.serializer(value))
            back = self._metadata.deserializer(wire)
            is_same = _is_same(back, value) or _is_told_by_its_label(value, back)
        except Exception as error:  # whatever a widget raises here: it is not its value
            raise UnfitError from error
        if not is_same or not _can_show(_message_of(self._metadata.id), wire):
            raise UnfitError
        return back

    def begin_with(self, value: Any) -> None:
        """Have the browser draw `value` from the first frame on, where it would not by itself.

        Not in a form: one with `clear_on_submit` goes back to what it began with.
        """
        message = _message_of(self._metadata.id)
        if message is None or message.form_id or message.DESCRIPTOR.name not in _FLASHING:
            return
        with contextlib.suppress(TypeError):
            message.default = value


def _is_same(back: Any, value: Any) -> bool:
    """Equal, or not a number either."""
    return bool(back == value) or (bool(back != back) and bool(value != value))


def _is_told_by_its_label(value: Any, back: Any) -> bool:
    """An option without an `==` of its own: the widget has found the one of the same label."""
    return type(value) is type(back) and type(value).__eq__ is _IDENTITY


def _sent(kind: str, wire: Any) -> Any:
    """What the message to the browser makes of it; raises what it raises for another type."""
    if wire is None:
        return None
    from streamlit.proto.WidgetStates_pb2 import WidgetState

    message = WidgetState()
    array = getattr(getattr(message, kind), "data", None)
    if array is None:
        setattr(message, kind, wire)
        return getattr(message, kind)
    array.extend(wire)
    return list(array)


def _message_of(element_id: str) -> Any:
    """What the function of the widget that is being drawn is about to send; None if not found.

    A local variable of one of the callers, seen in 1.51 to 1.67. Without it the widget's own
    `deserializer` has to know what fits, which that of a slider does since 1.58 or so.
    """
    frame: FrameType | None = sys._getframe(1)
    for _ in range(_CALLERS):
        if frame is None:
            break
        for local in frame.f_locals.values():
            if hasattr(local, "DESCRIPTOR") and getattr(local, "id", None) == element_id:
                return local
        frame = frame.f_back
    return None


def _can_show(message: Any, wire: Any) -> bool:
    """Whether what is sent is within the range of `message`, one of its options, not too long."""
    if message is None:
        return True
    fields = {field.name: getattr(message, field.name) for field in message.DESCRIPTOR.fields}
    parts = wire if isinstance(wire, list) else [wire]
    texts = [part for part in parts if isinstance(part, str)]
    labels = [label for label in fields.get("options", ()) if isinstance(label, str)]
    if texts and labels and not fields.get("accept_new_options"):
        return all(text in labels for text in texts)
    if texts and fields.get("max_chars"):
        return all(len(text) <= fields["max_chars"] for text in texts)
    bounds = (
        fields.get("min") if fields.get("has_min", True) else None,
        fields.get("max") if fields.get("has_max", True) else None,
    )
    return all(_is_between(part, *bounds) for part in parts if part is not None)


def _is_between(part: Any, low: Any, high: Any) -> bool:
    """A number between numbers, a date between dates, as text; "" is no bound."""
    is_low = type(low) is type(part) and low != "" and part < low
    is_high = type(high) is type(part) and high != "" and part > high
    return not is_low and not is_high


def has_value(key: str) -> bool:
    """Whether `st.session_state` has a value under `key`."""
    return key in st.session_state


def widget_of(key: str) -> str | None:
    """The id of the widget that was last drawn under `key`; None for none, or if it was deleted."""
    return _hooks().widget_of(key)


def has_widget_value(widget_id: str) -> bool:
    """Whether the browser shows the widget with this id, and has sent its value."""
    return _hooks().has_value(widget_id)


def is_set_in_this_run(key: str) -> bool:
    """Whether the script or a callback has set `st.session_state[key]`, rather than a widget."""
    return _hooks().is_new(key)


def put_value(key: str, value: Any) -> None:
    """Set `st.session_state[key]`, which a widget that is drawn later in this run will show.

    Raises:
        ConfigError: the widget was drawn already.
    """
    try:
        st.session_state[key] = value
    except StreamlitAPIException as error:
        raise ConfigError(
            f"persist({key!r}) must stand above the widget with this key: Streamlit lets nobody "
            "set a widget that was drawn."
        ) from error


def correct_value(key: str, value: Any) -> None:
    """Set `st.session_state[key]` of a widget that is being drawn."""
    _hooks().set(key, value)


def take_value(key: str) -> Any:
    """`st.session_state[key]`; a selection as the plain dictionary that it is."""
    value = st.session_state[key]
    return _plain(value) if isinstance(value, dict) and type(value) is not dict else value


def _plain(value: Any) -> Any:
    if type(value).__module__.startswith("streamlit") and isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return value


def drop_value(key: str) -> None:
    """Remove `key` from `st.session_state`."""
    st.session_state.pop(key, None)


def show_error(message: str) -> None:
    """Lay a message over the page, after the run."""
    st.toast(plain_markdown(message), icon=":material/error:", duration="infinite")
