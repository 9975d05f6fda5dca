"""The script that runs on this thread: its tab, its run, and the part of it that runs."""

from __future__ import annotations

import contextlib
import dataclasses
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
except ImportError:  # st.stop raises it in 1.51 to 1.67; without it our error is drawn as any other

    class StopException(BaseException):  # type: ignore[no-redef]
        """Stands in for Streamlit's exception that ends a run without a message."""


_APPTEST_SESSION = "test session id"
_CONTEXT: Final[Any] = sys.modules[get_script_run_ctx.__module__]
_ThreadState: Final[Any] = getattr(_CONTEXT, "ThreadState", None)
_in_cached_function: Final[ContextVar[bool] | None] = getattr(_CONTEXT, "in_cached_function", None)

KEPT_RUNS: Final = 4
"""How many runs of one tab are distinguished: the present one, and runs that it has overtaken."""


def is_script() -> bool:
    """Whether Streamlit runs a script on this thread."""
    return get_script_run_ctx(suppress_warning=True) is not None


def path() -> Path:
    """The path of the app's main script."""
    context = get_script_run_ctx(suppress_warning=True)
    return _as_path(context.main_script_path) if context is not None else Path()


_as_path = lru_cache(Path)
"""Returns the same `Path` each time. To make and hash a new one takes 3 µs at each verb."""


def is_apptest() -> bool:
    """Whether an AppTest runs the script. Then there is no browser, and nothing is mounted.

    Private part: the id that AppTest gives its sessions, seen in 1.51 to 1.67. Without it the
    component is mounted, which AppTest supports in 1.67 but not in 1.51.
    """
    context = get_script_run_ctx(suppress_warning=True)
    return getattr(context, "session_id", "") == _APPTEST_SESSION


def tab() -> object:
    """An object that lives as long as this tab's session, over all its runs.

    It outlives `st.session_state.clear()`.

    Private part: `ScriptRunContext.pages_manager`, one for each tab, seen in 1.51 to 1.67. Without
    it, and in an AppTest, which has one for each run, this is an object in `st.session_state`.
    """
    context = get_script_run_ctx(suppress_warning=True)
    manager = getattr(context, "pages_manager", None)
    if manager is None or is_apptest():
        return st.session_state.setdefault(f"{KEY}_tab", _Tab())
    return manager


class _Tab:
    """Stands for a tab if there is no `pages_manager` that does."""


def run() -> object:
    """An object that identifies this run, of the whole script or of a fragment, with its callbacks.

    Private parts of `ScriptRunContext`, made anew at the start of each run. The first that exists
    is used:

    - `parallel_coordinator`, in 1.67.
    - `widget_ids_this_run`, in 1.51.
    - `cursors`, in 1.51 to 1.67. A fragment replaces it, so a fragment's callbacks would look like
      another run.

    Without any of them each verb counts as a run of its own. That costs a round trip for each verb,
    and another instance of the component.
    """
    context = get_script_run_ctx(suppress_warning=True)
    coordinator = getattr(context, "parallel_coordinator", None)
    if coordinator is not None:
        # Not the coordinator itself: it references the tab, which we must not keep alive.
        mark: object = vars(coordinator).setdefault(f"_{KEY}_run", object())
        return mark
    for name in ("widget_ids_this_run", "cursors"):
        mark = getattr(context, name, None)
        if mark is not None:  # not `if mark`: an empty one identifies a run too
            return mark
    return object()


def fragment() -> str:
    """The id of the fragment that this thread is in; "" for none.

    Private parts: `ScriptRunContext.current_fragment_id` up to 1.57, `ThreadState.fragment_id` from
    1.58 on. Without them the result is "", and the component belongs to the page.
    """
    context = get_script_run_ctx(suppress_warning=True)
    known = getattr(context, "current_fragment_id", None)
    if known is None:
        with contextlib.suppress(AttributeError, RuntimeError):
            known = _ThreadState.get().fragment_id
    return known or ""


def fragment_path() -> tuple[int, ...]:
    """The place in the page of the fragment that this thread is in; empty if it is not known.

    Private parts: `ScriptRunContext.current_fragment_delta_path` up to 1.57,
    `ThreadState.delta_path` from 1.58 on. Without them the result is empty.
    """
    context = get_script_run_ctx(suppress_warning=True)
    known = getattr(context, "current_fragment_delta_path", None)
    if known is None:
        with contextlib.suppress(AttributeError, RuntimeError):
            known = _ThreadState.get().delta_path
    return tuple(known or ())


def is_fragment_run() -> bool:
    """Whether only a fragment runs, not the whole script.

    Private part: `ScriptRunContext.fragment_ids_this_run`, seen in 1.51 to 1.67. Without it: False.
    """
    context = get_script_run_ctx(suppress_warning=True)
    return bool(getattr(context, "fragment_ids_this_run", None))


def covers(fragment: str) -> bool:
    """Whether the page drops, at the end of this run, what the run has not drawn in `fragment`.

    A run of a fragment drops what it has not drawn inside that fragment, including other fragments
    there. In 1.67 Streamlit then removes these from `ScriptRunContext.fragment_storage`, and that
    shows it. In 1.51 Streamlit keeps them there, and they look like fragments elsewhere in the
    page: the result for them is False.

    Args:
        fragment: the id of a fragment; "" for what is in none.
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

    Private part: `ScriptRunContext._has_script_started`, seen in 1.51 to 1.67. Without it: False.
    """
    context = get_script_run_ctx(suppress_warning=True)
    return not getattr(context, "_has_script_started", True)


def is_parallel_fragment() -> bool:
    """Whether this thread runs a fragment in parallel to the script.

    Such a fragment may draw only in its own container.

    Private part: `ThreadState.is_parallel_worker`, from 1.58 on. Earlier versions have no such
    fragments.
    """
    with contextlib.suppress(AttributeError, RuntimeError):
        return bool(_ThreadState.get().is_parallel_worker)
    return False


def has_opened_dialog() -> bool:
    """Whether this run has opened an `st.dialog`.

    Private part: `ScriptRunContext.has_dialog_opened`, seen in 1.51 to 1.67. Without it: False.
    """
    context = get_script_run_ctx(suppress_warning=True)
    return bool(getattr(context, "has_dialog_opened", False))


def draws_over_the_page() -> bool:
    """Whether this is a callback in a run of a fragment.

    What such a callback draws replaces elements of the page, and the page breaks: seen in 1.51 to
    1.67. Therefore this package draws nothing in it, only in the fragment itself.
    """
    return is_callback() and is_fragment_run()


def rerun_page() -> None:
    """Have the whole page run after the present run, which is ending.

    `st.rerun` is not used: it would draw an empty element over what is there.

    Private part: `ScriptRunContext.script_requests`, seen in 1.51 to 1.67. Without it nothing runs.
    """
    context = get_script_run_ctx(suppress_warning=True)
    requests = getattr(context, "script_requests", None)
    if context is not None and requests is not None:
        requests.request_rerun(_run_of(context, None))


def _run_of(context: ScriptRunContext, at: Address | None) -> RerunData:
    """What Streamlit needs to run the whole page, or another page: seen in 1.51 to 1.67."""
    here = address()
    is_here = at is None or at.page == here.page
    return RerunData(
        query_string=here.query if is_here or at is None else at.query,
        page_script_hash=here.page if is_here or at is None else at.asked_page,
        page_name="" if is_here or at is None else at.asked_name,
        cached_message_hashes=context.cached_message_hashes,
        context_info=context.context_info,
    )


def run_with(message: Any, *, fragments: list[str]) -> NoReturn:
    """End this run before it has begun, and run another part of the page in its place.

    Args:
        message: the values of all widgets, as the page has sent them.
        fragments: the ids of the fragments to run; empty for the whole page.
    """
    context = get_script_run_ctx(suppress_warning=True)
    assert context is not None  # noqa: S101 - only scripts come here
    data = _run_of(context, None)
    raise RerunException(
        dataclasses.replace(data, widget_states=message, fragment_id_queue=fragments)
    )


def is_cached_function() -> bool:
    """Whether a function under `st.cache_data` or `st.cache_resource` runs on this thread.

    All visitors share the result of such a function.

    Private part: `in_cached_function`, seen in 1.51 to 1.67. Without it: False.
    """
    return _in_cached_function is not None and _in_cached_function.get()


@dataclass(frozen=True, slots=True)
class Address:
    """The page and the query of a run, as the browser has asked for them."""

    page: str
    """The hash of the page that ran when this address was taken."""
    asked_page: str
    """The hash of the page that the browser asked for."""
    asked_name: str
    """The name of the page that the browser asked for."""
    query: str


def address() -> Address:
    """The address of the present run.

    Private parts, seen in 1.51 to 1.67: `ScriptRunContext.page_script_hash` and `query_string`, and
    `intended_page_script_hash` and `intended_page_name` of its `pages_manager`.
    """
    context = get_script_run_ctx(suppress_warning=True)
    page = getattr(context, "page_script_hash", "")
    manager = getattr(context, "pages_manager", None)
    asked = getattr(manager, "intended_page_script_hash", page)
    name = getattr(manager, "intended_page_name", "")
    return Address(page, asked or "", name or "", getattr(context, "query_string", ""))


def start_anew(at: Address | None = None) -> NoReturn:
    """End this run and begin a new one of the whole page. The click that began this run is dropped.

    If the visitor's next click has already requested another run, this run only ends.

    Args:
        at: the page to run; None for the present one.
    """
    end_if_overtaken()
    context = get_script_run_ctx(suppress_warning=True)
    assert context is not None  # noqa: S101 - only scripts come here
    data = _run_of(context, at)
    if is_callback() and not _CALLBACKS_MAY_RERUN:
        context.script_requests.request_rerun(data)  # type: ignore[union-attr]
        # Streamlit would reset it at the callback's end, which the exception skips.
        context.in_fragment_callback = False  # type: ignore[attr-defined]  # private
        raise StopException
    raise RerunException(data)


_CALLBACKS_MAY_RERUN = hasattr(SessionState, "_run_callback_and_record_rerun")
"""Whether `st.rerun` works in a callback. It does in 1.67. In 1.51 it only warns, but Streamlit
fulfils a request for a run as soon as the callback has ended."""

_POLL_INTERVAL: Final = 0.02
"""Seconds between two checks in `pause`. The browser takes 0.1 s to answer."""


def pause(seconds: float) -> None:
    """Wait for some seconds. Whatever the browser sends meanwhile ends this run.

    This polls: Streamlit has no event to wait for, and ends a run only when the run calls it.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        end_if_overtaken()
        time.sleep(_POLL_INTERVAL)  # Streamlit ends a run only where the run itself looks


def end_if_overtaken() -> None:
    """End this run if the next one has taken its place, before this one changes anything.

    Each access to `st.session_state` first checks whether the run has to end: seen in 1.51 to 1.67.
    """
    _ = f"{KEY}_" in st.session_state


def is_first_run() -> bool:
    """Whether no run of this tab's session has ended so far. Then the visitor has clicked nothing.

    Private part: the internal key that Streamlit sets at the end of each run, seen in 1.51 to 1.67.
    Without it: False.
    """
    context = get_script_run_ctx(suppress_warning=True)
    with contextlib.suppress(ImportError):
        from streamlit.runtime.state import SCRIPT_RUN_WITHOUT_ERRORS_KEY

        return context is not None and SCRIPT_RUN_WITHOUT_ERRORS_KEY not in context.session_state
    return False
