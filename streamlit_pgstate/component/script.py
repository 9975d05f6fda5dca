"""The script that runs on this thread: of which tab, in which run, and which part of it."""

from __future__ import annotations

import contextlib
import sys
import time
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import streamlit as st
from streamlit.runtime.scriptrunner import RerunData, RerunException, get_script_run_ctx
from streamlit.runtime.state import SessionState

from streamlit_pgstate.component import KEY

if TYPE_CHECKING:
    from streamlit.runtime.scriptrunner import ScriptRunContext

try:
    from streamlit.runtime.scriptrunner import StopException as StopException
except ImportError:  # st.stop raises it, seen in 1.51 to 1.67; without it an error is drawn as any

    class StopException(BaseException):  # type: ignore[no-redef]
        """Ends a run quietly."""


_APPTEST_SESSION = "test session id"
_CONTEXT: Final[Any] = sys.modules[get_script_run_ctx.__module__]
_ThreadState: Final[Any] = getattr(_CONTEXT, "ThreadState", None)
_in_cached_function: Final[ContextVar[bool] | None] = getattr(_CONTEXT, "in_cached_function", None)

KEPT_RUNS: Final = 4
"""Runs of one tab that are told apart: the present one, and those that it has overtaken."""


def is_script() -> bool:
    """Whether a script of Streamlit's runs on this thread."""
    return get_script_run_ctx(suppress_warning=True) is not None


def path() -> Path:
    """The app's main script."""
    context = get_script_run_ctx(suppress_warning=True)
    return _as_path(context.main_script_path) if context is not None else Path()


_as_path = lru_cache(Path)
"""The same object each time: making a path, and hashing it, takes 3 µs at each verb."""


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
        with contextlib.suppress(AttributeError, RuntimeError):
            known = _ThreadState.get().fragment_id
    return known or ""


def fragment_path() -> tuple[int, ...]:
    """Where in the page the fragment is that this thread is in; empty where that is not known.

    `ScriptRunContext.current_fragment_delta_path` up to 1.57, `ThreadState` from 1.58 on.
    """
    context = get_script_run_ctx(suppress_warning=True)
    known = getattr(context, "current_fragment_delta_path", None)
    if known is None:
        with contextlib.suppress(AttributeError, RuntimeError):
            known = _ThreadState.get().delta_path
    return tuple(known or ())


def is_fragment_run() -> bool:
    """Whether only a fragment runs, not the whole script.

    `ScriptRunContext.fragment_ids_this_run`, seen in 1.51 to 1.67.
    """
    context = get_script_run_ctx(suppress_warning=True)
    return bool(getattr(context, "fragment_ids_this_run", None))


def covers(fragment: str) -> bool:
    """Whether the page drops at the end of this run what it has not drawn in a fragment.

    Args:
        fragment: its id; "" for what is in none.

    A fragment that runs drops what it no longer comes to, and so fragments inside it: these are
    then gone from `ScriptRunContext.fragment_storage` too, as of 1.67. In 1.51 they are kept
    there, and are not told from those that stand elsewhere.
    """
    if not is_fragment_run():
        return True
    context = get_script_run_ctx(suppress_warning=True)
    if fragment in getattr(context, "fragment_ids_this_run", ()):
        return True
    storage = getattr(context, "fragment_storage", None)
    return bool(fragment) and storage is not None and not storage.contains(fragment)


def is_callback() -> bool:
    """Whether a widget's callback runs, before the script.

    `ScriptRunContext._has_script_started`, seen in 1.51 to 1.67; without it: no.
    """
    context = get_script_run_ctx(suppress_warning=True)
    return not getattr(context, "_has_script_started", True)


def is_parallel_fragment() -> bool:
    """Whether this thread runs a fragment beside the script, which may draw in its own place only.

    `ThreadState.is_parallel_worker`, from 1.58 on; before there were no such fragments.
    """
    with contextlib.suppress(AttributeError, RuntimeError):
        return bool(_ThreadState.get().is_parallel_worker)
    return False


def draws_over_the_page() -> bool:
    """Whether this is a callback in a run of a fragment: what it draws, replaces what is there.

    Seen in 1.51 to 1.67, where the page then breaks: so nothing is drawn, but by the fragment.
    """
    return is_callback() and is_fragment_run()


def rerun_page() -> None:
    """Have the whole page run once the present run, which is ending, is over.

    `st.rerun` would draw an empty element, over what is there. `ScriptRunContext.script_requests`,
    seen in 1.51 to 1.67; without it nothing runs.
    """
    context = get_script_run_ctx(suppress_warning=True)
    requests = getattr(context, "script_requests", None)
    if context is not None and requests is not None:
        requests.request_rerun(_run_of(context, None))


def _run_of(context: ScriptRunContext, at: Address | None) -> RerunData:
    """What Streamlit needs for a run of the whole page, or of another one: in 1.51 to 1.67."""
    here = address()
    is_here = at is None or at.page == here.page
    return RerunData(
        query_string=here.query if is_here or at is None else at.query,
        page_script_hash=here.page if is_here or at is None else at.asked_page,
        page_name="" if is_here or at is None else at.asked_name,
        cached_message_hashes=context.cached_message_hashes,
        context_info=context.context_info,
    )


def is_cached_function() -> bool:
    """Whether a function under `st.cache_data` or `st.cache_resource` runs: all share its result.

    `in_cached_function`, seen in 1.51 to 1.67; without it: no.
    """
    return _in_cached_function is not None and _in_cached_function.get()


@dataclass(frozen=True, slots=True)
class Address:
    """The page and the query with which a run began, as the browser asked for them."""

    page: str
    """The page that ran, when this was taken."""
    asked_page: str
    asked_name: str
    query: str


def address() -> Address:
    """Where the present run is.

    `ScriptRunContext.page_script_hash` and `query_string`, and `intended_page_script_hash` and
    `intended_page_name` of its `pages_manager`: seen in 1.51 to 1.67.
    """
    context = get_script_run_ctx(suppress_warning=True)
    page = getattr(context, "page_script_hash", "")
    manager = getattr(context, "pages_manager", None)
    asked = getattr(manager, "intended_page_script_hash", page)
    name = getattr(manager, "intended_page_name", "")
    return Address(page, asked or "", name or "", getattr(context, "query_string", ""))


def start_anew(at: Address | None = None) -> NoReturn:
    """End this run, and begin a new one of the whole page; what was clicked is dropped.

    A run that was overtaken by the visitor's next click just ends.

    Args:
        at: the page to begin with; None for the present one.
    """
    end_if_overtaken()
    context = get_script_run_ctx(suppress_warning=True)
    assert context is not None  # noqa: S101 - only scripts come here
    data = _run_of(context, at)
    if is_callback() and not _CALLBACKS_MAY_RERUN:
        context.script_requests.request_rerun(data)  # type: ignore[union-attr]
        context.in_fragment_callback = False  # type: ignore[attr-defined] # as it would not be again
        raise StopException
    raise RerunException(data)


_CALLBACKS_MAY_RERUN = hasattr(SessionState, "_run_callback_and_record_rerun")
"""Whether `st.rerun` in a callback is honoured: in 1.67. In 1.51 it does nothing but warn, and a
request that is put there is met as soon as the callback has ended."""

_LOOKS_EVERY: Final = 0.02
"""Seconds between two looks: an answer of the browser's takes 0.1."""


def pause(seconds: float) -> None:
    """Wait; whatever the browser sends meanwhile ends this run.

    Streamlit shows nothing that could be awaited: it ends a run when that asks for something.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        end_if_overtaken()
        time.sleep(_LOOKS_EVERY)


def end_if_overtaken() -> None:
    """End a run that the next one has taken the place of, before it changes anything.

    `st.session_state` looks first whether the run is to end, in 1.51 to 1.67.
    """
    _ = f"{KEY}_" in st.session_state


def is_first_run() -> bool:
    """Whether no run of this tab's session has ended so far: nobody has clicked anything.

    By what Streamlit notes at the end of each run under an internal key, seen in 1.51 to 1.67;
    without it: no.
    """
    context = get_script_run_ctx(suppress_warning=True)
    with contextlib.suppress(ImportError):
        from streamlit.runtime.state import SCRIPT_RUN_WITHOUT_ERRORS_KEY

        return context is not None and SCRIPT_RUN_WITHOUT_ERRORS_KEY not in context.session_state
    return False
