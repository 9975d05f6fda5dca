"""The scripts of live pages that several visitors, tabs and devices have open at once."""

from __future__ import annotations

import threading
import time

import streamlit as st
from cases import case, note

import streamlit_pgstate as pgstate
from streamlit_pgstate.component import KEY


def _count_together() -> None:
    pgstate.scope("app").modify("clicks", lambda n: n + 1, default=0)


def _write_word() -> None:
    pgstate.set("word", st.query_params["tab"])


@case
def live_crowd() -> None:
    """Writes above `mount` and below, in each run: keys that all write, and one of its own."""
    tab = st.query_params["tab"]
    pgstate.modify("above", lambda n: n + 1, default=0)
    pgstate.mount(live=True)
    pgstate.set(f"from {tab}", time.time())
    pgstate.modify("below", lambda n: n + 1, default=0)
    shared = pgstate.scope("app")
    shared.set(f"from {tab}", time.time())
    note(id=str(pgstate.scope().id), word=pgstate.get("word"), clicks=shared.get("clicks"))
    st.button("write", on_click=_write_word)
    st.button("count", on_click=_count_together)
    st.button("count by the state", on_click=shared.modify, args=("clicks", lambda n: n + 1))


@case
def live_circle() -> None:
    """Reads in each run what the others write in each run."""
    pgstate.mount(live=True)
    pgstate.set(f"from {st.query_params['tab']}", time.time())
    note(found=dict(pgstate.scope()))


@case
def live_fields() -> None:
    pgstate.mount(live=True)
    pgstate.persist("text", "area", "number", "chosen")
    note(
        text=st.text_input("text", key="text"),
        area=st.text_area("area", key="area"),
        number=st.number_input("number", step=1, key="number"),
        job=pgstate.get("job"),
    )
    st.chat_input("chat", key="chat")
    pgstate.data_editor([{"name": "ada"}, {"name": "bob"}], key="table")


@case
def live_dialog() -> None:
    """The dialog reads what the page reads. It can open at the end of a run of over a second."""
    pgstate.mount(live=True)
    job = pgstate.get("job")
    note(job=job)
    st.text(f"job: {job}")

    @st.dialog("Comment")
    def comment() -> None:
        pgstate.get("job")
        st.text(f"words: {st.text_input('words', key='words')}")
        if st.button("save"):
            st.rerun()

    with st.popover("more"):
        st.text_input("aside", key="aside")
    if st.button("comment"):
        comment()
    if st.button("comment late"):
        other = threading.Thread(target=pgstate.scope().set, args=("job", "done meanwhile"))
        other.start()
        other.join()
        time.sleep(1.5)  # so that the page asks meanwhile: it does so once a second
        comment()
    if st.button("work"):
        pgstate.set("job", "done")


@case
def live_below_a_fragment() -> None:
    """The first verb of the fragment's own runs is in the fragment, above the live page's."""
    note(job=pgstate.get("job"))

    @st.fragment
    def part() -> None:
        if st.button("write"):
            pgstate.modify("clicks", lambda n: n + 1, default=0)
        if st.button("rotate"):
            pgstate.rotate()

    part()
    pgstate.mount(live=True)


@case
def other_table() -> None:
    """The same table, edited elsewhere."""
    table = pgstate.data_editor([{"name": "ada"}, {"name": "bob"}], key="table")
    note(names=[row["name"] for row in table])


@case
def plain_component_values() -> None:
    pgstate.mount(live=True)
    st.button("again")
    kinds = {type(value).__name__ for key, value in st.session_state.items() if KEY in str(key)}
    note(kinds=sorted(kinds))
