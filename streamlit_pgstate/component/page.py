"""Containers in the page where nothing moves, and what is drawn over the page."""

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
    """Draw in the container of toasts, which is outside the page's layout: nothing moves.

    This replaces the containers that the script is in. Inside a form the component's answer would
    wait for the submit button.

    Private parts, both seen in 1.51 to 1.67:

    - `st._event`, the container of toasts. Without it the component is at the end of the page, and
      moves what comes after it by 16 px.
    - `context_dg_stack`. Without it the component is inside the script's containers.
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
    # The page itself comes first: Streamlit takes a stack of one for no container at all.
    token = context_dg_stack.set((context_dg_stack.get()[0], place))
    try:
        yield
    finally:
        context_dg_stack.reset(token)


def still_places() -> int:
    """How many elements the present run has drawn in `still_place` so far.

    Private part: the cursor of `st._event`, seen in 1.51 to 1.67. Without it: 0.
    """
    cursor = getattr(getattr(st, "_event", None), "_cursor", None)
    return getattr(cursor, "index", 0)


def keep_still_places(count: int) -> None:
    """Have as many elements in `still_place` as the last run of the whole page had: empty ones.

    A run of a fragment may be on its way while the whole page runs. It draws in the place that the
    fragment had. If the page has fewer elements by then, Streamlit's page raises «Bad delta path
    index» and stays white: seen in 1.67.
    """
    if is_apptest():
        return
    with still_place():
        for _ in range(count - still_places()):
            st.empty()


@contextlib.contextmanager
def fragment_place() -> Iterator[None]:
    """Draw directly in the fragment's own container, not in a form or column inside it.

    In a run of a fragment, a mount in `still_place` would replace what the page has mounted there
    after the fragment.

    Private parts: `context_dg_stack` and `_cursor`, seen in 1.51 to 1.67, and the fragment's path:
    see `script.fragment_path`. Without them this draws where the script is.
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
    """Shows the visitor of this run the progress of a long operation, from another thread.

    The bar is in the container of toasts: see `still_place`. Streamlit hides that container; a CSS
    rule in `frontend/src/style.ts` shows it over the page, so that nothing moves. Without
    `st._event` the bar is at the end of the page, and moves what comes after it while it shows.
    """

    def __init__(self, context: ScriptRunContext) -> None:
        self._script = context
        self._context = contextvars.copy_context()
        self._bar: DeltaGenerator | None = None

    def show(self, text: str, fraction: float) -> None:
        """Draw or update the bar. `fraction` is from 0 to 1."""
        self._context.run(self._show, text, fraction)

    def hide(self) -> None:
        """Remove the bar, if it was drawn."""
        if self._bar is not None:
            self._context.run(self._bar.empty)

    def _show(self, text: str, fraction: float) -> None:
        if self._bar is None:
            add_script_run_ctx(threading.current_thread(), self._script)
            with still_place(), st.container(key=f"{KEY}_progress"):
                self._bar = st.empty()
        self._bar.progress(fraction, text=plain_markdown(text))


def progress_bar() -> ProgressBar | None:
    """A bar for the visitor whose script runs on this thread; None if nobody would see it."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None or is_apptest() or is_cached_function() or draws_over_the_page():
        return None
    return ProgressBar(context)


def show_error(message: str) -> None:
    """Show a message over the page, until the visitor closes it."""
    st.toast(plain_markdown(message), icon=":material/error:", duration="infinite")


def plain_markdown(text: str) -> str:
    """Escape what Markdown would format, so that keys in the text stay as they are."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~:$])", r"\\\1", text)


def class_of(key: str) -> str:
    """The CSS class of the widget with this key, as Streamlit documents it."""
    return "st-key-" + re.sub("[^a-zA-Z0-9_-]", "-", key.strip())
