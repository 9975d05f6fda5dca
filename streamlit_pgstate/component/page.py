"""What is laid over the page without moving anything on it, and how its parts are found."""

from __future__ import annotations

import contextlib
import contextvars
import re
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

from streamlit_pgstate.component import KEY, script
from streamlit_pgstate.component.script import draws_over_the_page, is_apptest, is_cached_function

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator
    from streamlit.runtime.scriptrunner import ScriptRunContext


@contextlib.contextmanager
def still_place() -> Iterator[None]:
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


@contextlib.contextmanager
def fragment_place() -> Iterator[None]:
    """The fragment's own container, whatever the script is in, inside of it: a form, perhaps.

    In a run of a fragment the still place is that of what the page has mounted after it.
    `context_dg_stack` and `_cursor`, seen in 1.51 to 1.67; the fragment's path, `delta_path` of
    `ThreadState` from 1.58 on, before `ScriptRunContext.current_fragment_delta_path`. Without them
    where the script is.
    """
    try:
        from streamlit.delta_generator_singletons import context_dg_stack

        stack, path = context_dg_stack.get(), script.fragment_path()
        place = next(it for it in stack if it._cursor and tuple(it._cursor.delta_path[:-1]) == path)
    except (ImportError, AttributeError, StopIteration):
        yield
        return
    token = context_dg_stack.set((stack[0], place))
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

    def __init__(self, context: ScriptRunContext) -> None:
        self._script = context
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
            with still_place(), st.container(key=f"{KEY}_progress"):
                self._bar = st.empty()
        self._bar.progress(fraction, text=plain_markdown(text))


def progress_bar() -> ProgressBar | None:
    """For the visitor whose script runs on this thread; None where there is none to see it."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None or is_apptest() or is_cached_function() or draws_over_the_page():
        return None
    return ProgressBar(context)


def show_error(message: str) -> None:
    """Lay a message over the page, after the run."""
    st.toast(plain_markdown(message), icon=":material/error:", duration="infinite")


def plain_markdown(text: str) -> str:
    """Text that holds a key as it is, whatever the key looks like to Markdown."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~:$])", r"\\\1", text)


def class_of(key: str) -> str:
    """The class that the widget with this key has in the page, as Streamlit documents it."""
    return "st-key-" + re.sub("[^a-zA-Z0-9_-]", "-", key.strip())
