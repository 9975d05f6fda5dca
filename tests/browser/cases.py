"""The scripts that the browser tests visit, and the log of their runs.

Each run appends two lines to the file `RUNS_LOG`: when it starts, and when it ends, with what
it saw. So a test counts runs exactly, and knows what the visitor was shown in each.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
import psycopg
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

import streamlit_pgstate as pgstate

CASES: dict[str, Callable[[], None]] = {}

REAL_TIME = time.time
"""As it was before the script sets this process's clock."""

_sent: dict[str, dict[str, str]] = {}
"""What the pages have sent so far, by Streamlit's session and by widget."""

_notes = threading.local()


@contextlib.contextmanager
def logged(*, fragment: bool = False) -> Iterator[None]:
    """Around a script, or a fragment: its start, its end, and what it noted."""
    line = {
        "run": uuid.uuid4().hex,
        "visitor": st.context.headers.get("User-Agent"),
        "tab": st.query_params.get("tab"),
        "fragment": fragment,
        "process": os.getpid(),
        **_cause(),
    }
    outer, _notes.seen = getattr(_notes, "seen", None), {}
    record("start", line)
    try:
        yield
    except Exception as error:
        note(error=f"{type(error).__name__}: {error}")
        raise
    except BaseException as signal:
        line["followed"] = type(signal).__name__ == "RerunException"
        raise
    finally:  # nothing of Streamlit's here: after a stop it would stop again
        record("end", {**line, "seen": _notes.seen})
        _notes.seen = outer


def _cause() -> dict[str, Any]:
    """Why this run may have begun: the session, and what the page sent that is new in it."""
    context = get_script_run_ctx()
    session = getattr(context, "session_id", "")
    sent = {name: repr(state) for name, state in _sent_by(context).items()}
    before = _sent.get(session, {})
    _sent[session] = before | sent
    changed = {name[-40:]: text[:80] for name, text in sent.items() if before.get(name) != text}
    return {"session": session[:8], "changed": dict(list(changed.items())[:20])}


def _sent_by(context: Any) -> Mapping[str, object]:
    """A private part of Streamlit's, seen in 1.51 to 1.67: it helps to read a failed test."""
    try:
        return dict(context.session_state._state._new_widget_state.states)
    except AttributeError:
        return {}


def record(event: str, line: dict[str, Any]) -> None:
    """Append one line; a write this short to a file opened for appending mixes with no other."""
    with open(os.environ["RUNS_LOG"], "a") as log:
        log.write(json.dumps({"event": event, **line}) + "\n")


def note(**facts: Any) -> None:
    _notes.seen.update(facts)


def case(script: Callable[[], None]) -> Callable[[], None]:
    CASES[script.__name__] = script
    return script


def note_session() -> None:
    session = pgstate.session()
    note(id=str(session.id), durable=session.durable, keys=pgstate.keys())


def wait_until_forgotten(session: uuid.UUID) -> None:
    with psycopg.connect(os.environ["PGSTATE_URL"], autocommit=True) as connection:
        for _ in range(500):
            found = connection.execute(
                "SELECT FROM pgstate.session WHERE id = %s AND revoked_at IS NOT NULL", (session,)
            )
            if found.fetchone() is not None:
                return
            time.sleep(0.02)
    raise TimeoutError


@case
def visits() -> None:
    """Counts its runs in the database: so each run writes."""
    st.title("Visits")
    note(visits=pgstate.modify("visits", lambda n: n + 1, default=0))
    note_session()  # the browser's answer may end this run at the next widget
    for verb in (pgstate.rotate, pgstate.forget, pgstate.clear):
        if st.button(verb.__name__):
            verb()
    if st.button("write"):
        pgstate.set("word", "written")
    st.button("run")
    note(word=pgstate.get("word"))
    note_session()


@case
def reads() -> None:
    """Writes at a click only."""
    pgstate.mount()
    for verb in (pgstate.rotate, pgstate.forget, pgstate.clear):
        if st.button(verb.__name__):
            verb()
    if st.button("write"):
        pgstate.set("word", "written")
    st.button("run")
    note(word=pgstate.get("word"))
    note_session()


@case
def rotates_and_forgets() -> None:
    """In one run, so that the page gets two tickets at once."""
    if st.button("both"):
        pgstate.rotate()
        pgstate.forget()
    if st.button("write"):
        pgstate.set("word", "written")
    note(word=pgstate.get("word"))
    note_session()


@case
def picture() -> None:
    st.image(np.zeros((8, 8, 3), np.uint8))


@case
def forgotten_in_the_middle() -> None:
    note_session()
    if st.button("write after a while"):
        st.write("now forget")
        wait_until_forgotten(pgstate.scope().id)
        pgstate.set("word", "written")
    st.button("run")


@case
def overlaps() -> None:
    """A click starts the next run at once; this one goes on to its next call of Streamlit's."""
    st.button("run")
    pgstate.mount()
    st.write("sleeping")
    time.sleep(0.8)
    pgstate.modify("visits", lambda n: n + 1, default=0)
    time.sleep(0.8)
    note(visits=pgstate.get("visits"))
    note_session()
    st.write("awake")


@case
def waits() -> None:
    """Nothing of it is replayed: it runs on only when the browser has answered."""
    st.write("before")
    pgstate.mount(wait=True)
    note(visits=pgstate.modify("visits", lambda n: n + 1, default=0))
    note_session()


@case
def nothing() -> None:
    """Calls no verb."""
    st.write("nothing here")
    st.button("run")


@case
def tab_writes() -> None:
    """Each tab writes a key of its own in each run."""
    pgstate.set(f"from {st.query_params['tab']}", True)
    st.button("run")
    note_session()


@case
def in_fragment() -> None:
    st.write("outside")
    st.button("run")

    @st.fragment
    def part() -> None:
        with logged(fragment=True):
            if st.button("write"):
                pgstate.set("word", "written")
            if st.button("forget"):
                pgstate.forget()
            note(word=pgstate.get("word"))
            note_session()

    part()


@case
def around_fragment() -> None:
    """Verbs in the page and in a fragment of it."""
    note(outside=pgstate.get("word"))
    st.button("run")

    @st.fragment
    def part() -> None:
        with logged(fragment=True):
            if st.button("write"):
                pgstate.set("word", "written")
            if st.button("rotate"):
                pgstate.rotate()
            if st.button("forget"):
                pgstate.forget()
            note(word=pgstate.get("word"))
            note_session()

    part()
    note_session()


@case
def in_polling_fragment() -> None:
    @st.fragment(run_every=0.3)
    def part() -> None:
        with logged(fragment=True):
            note(polls=pgstate.modify("polls", lambda n: n + 1, default=0))
            note_session()

    part()


@case
def in_callback() -> None:
    def write() -> None:
        pgstate.set("word", "written")

    def forget() -> None:
        pgstate.forget()

    st.button("write", on_click=write)
    st.button("forget", on_click=forget)
    if st.checkbox("look"):
        note(word=pgstate.get("word"))
        note_session()


@case
def in_callback_and_mounted() -> None:
    pgstate.mount()
    in_callback()


@case
def in_form() -> None:
    with st.form("form"):
        word = st.text_input("word", key="typed")
        if st.form_submit_button("send"):
            pgstate.set("word", word)
        note(word=pgstate.get("word"))
        note_session()


@case
def in_dialog() -> None:
    @st.dialog("Dialog")
    def dialog() -> None:
        with logged(fragment=True):
            if st.button("write"):
                pgstate.set("word", "written")
            note(word=pgstate.get("word"))
            note_session()

    if st.button("open"):
        dialog()


@case
def in_sidebar() -> None:
    with st.sidebar:
        note(visits=pgstate.modify("visits", lambda n: n + 1, default=0))
        note_session()


@case
def in_column() -> None:
    for column in st.columns(2):
        with column:
            note(visits=pgstate.modify("visits", lambda n: n + 1, default=0))
    note_session()


@case
def stops() -> None:
    if st.button("write"):
        pgstate.set("word", "written")
        st.stop()
    note(word=pgstate.get("word"))
    note_session()


@case
def reruns() -> None:
    if st.button("write"):
        pgstate.set("word", "written")
        st.rerun()
    note(word=pgstate.get("word"))
    note_session()


@case
def reruns_at_once() -> None:
    """On a first visit, before the browser has seen anything of the run."""
    if pgstate.modify("visits", lambda n: n + 1, default=0) == 1:
        st.rerun()
    note_session()


@case
def raises() -> None:
    if st.button("write"):
        pgstate.set("word", "written")
        raise ValueError("the script is broken")
    note(word=pgstate.get("word"))
    note_session()


@st.cache_data
def _cached() -> Any:
    return pgstate.get("word")


@st.cache_data
def _cached_write() -> None:
    pgstate.set("word", "from the cache")


@case
def in_cache() -> None:
    """The verb of a cached function is the first of the run."""
    if st.button("write"):
        _cached_write()
    note(cached=_cached())


@case
def in_cache_later() -> None:
    note_session()
    note(cached=_cached())


@case
def clears_session_state() -> None:
    st.session_state.setdefault("typed", "")
    if st.button("clear"):
        st.session_state.clear()
        pgstate.set("word", "written")
    note(word=pgstate.get("word"), visits=pgstate.modify("visits", lambda n: n + 1, default=0))
    note_session()


@case
def shows_session_state() -> None:
    """What a curious script can see of the component."""
    note_session()
    st.write(st.session_state)
    st.json(dict(st.session_state.items()), expanded=True)
    note(state=json.dumps(dict(st.session_state.items()), default=str))
    if st.button("forget"):
        pgstate.forget()
    if st.button("rotate"):
        pgstate.rotate()


@case
def rotates_its_scope() -> None:
    pgstate.set("word", "kept")
    if st.button("rotate"):
        pgstate.scope().rotate()
    note_session()


@case
def rotates_each_run() -> None:
    pgstate.set("word", "written")
    pgstate.rotate()
    note(word=pgstate.get("word"))
    note_session()
    st.button("run")


@case
def forgets_each_run() -> None:
    pgstate.set("word", "written")
    pgstate.forget()
    note(word=pgstate.get("word"))
    note_session()
    st.button("run")


def _page() -> None:
    st.title("Title")
    st.write("some text")
    st.button("button")
    with st.sidebar:
        st.write("in the sidebar")
        st.slider("slider", 0, 10)
    for column in st.columns(2):
        column.metric("metric", 3)
    with st.container(border=True):
        st.text_input("text")
    st.tabs(["one", "two"])


@case
def page_alone() -> None:
    _page()


@case
def page_with_component() -> None:
    pgstate.set("word", "written")
    _page()


@case
def page_with_component_in_sidebar() -> None:
    with st.sidebar:
        pgstate.set("word", "written")
    _page()


@case
def page_with_component_at_end() -> None:
    _page()
    pgstate.set("word", "written")


@cache
def _large() -> bytes:
    """Bytes that do not shrink: many statements, so that there is a way to go."""
    return random.Random(0).randbytes(32 * 2**20)


@case
def large_value() -> None:
    _page()
    if st.button("save"):
        pgstate.set("large *value*", _large())
    if st.button("read"):
        note(same=pgstate.scope()["large *value*"] == _large())
    if st.button("refuse"):
        pgstate.set("large *value*", [_large(), open])

    @st.fragment
    def part() -> None:
        if st.button("save in part"):
            with logged(fragment=True):
                pgstate.set("large *value*", _large() + b"more")

    part()
