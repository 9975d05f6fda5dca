"""The scripts of pages whose database goes away and comes back."""

from __future__ import annotations

import threading
import time
from typing import Any

import streamlit as st
from cases import case, logged, note

import streamlit_pgstate as pgstate

GO_ON = threading.Event()


def _save(key: str) -> None:
    pgstate.set(key, "saved")


@st.dialog("Dialog")
def _dialog() -> None:
    with logged(fragment=True):
        st.write("in the dialog")
        if st.button("save in the dialog"):
            pgstate.set("from the dialog", "saved")


@st.fragment
def _part(name: str, *, reads: bool) -> None:
    with logged(fragment=True):
        st.write(f"part {name}")
        with st.expander(f"more of {name}"):
            st.write("closed")
        with st.form(f"form of {name}"):
            clicked = st.form_submit_button(f"save in {name}")
            if clicked:
                pgstate.set(name, "saved")
        st.button(f"call back in {name}", on_click=_save, args=[name])
        if reads:
            note(stored=pgstate.get(name))
        st.write(f"end of {name}")


@case
def outage() -> None:
    """Its verbs stand below some of its widgets, which stay on the page."""
    st.button("nothing")
    if st.toggle("catches"):
        failures = [_failure(scope) for scope in ("browser", "app")]
        st.write(f"caught {sum(map(bool, failures))}")
    st.button("call back", on_click=_save, args=["called"])
    if st.button("open"):
        _dialog()
    _part("one", reads=False)
    _part("two", reads=True)
    _part("three", reads=True)
    note(stored=dict(pgstate.scope()))
    st.write("the end")


def _failure(scope: Any) -> str:
    try:
        pgstate.scope(scope).set("word", time.time())
    except pgstate.StoreUnavailable as error:
        return str(error)
    return ""


@case
def outage_at_the_top() -> None:
    pgstate.persist("name", "count")
    st.title("Title")
    note(name=st.text_input("name", key="name"), count=st.number_input("count", key="count"))


@case
def outage_of_a_live_page() -> None:
    pgstate.mount(live=True)
    pgstate.persist("name")
    note(name=st.text_input("name", key="name"), job=pgstate.get("job"))


@case
def outage_of_a_live_page_with_a_state_of_its_tab() -> None:
    """Its component that follows others has the third place among those that nobody sees."""
    draft = pgstate.scope("tab")
    draft["step"] = draft.get("step", 0) + 1
    if st.toggle("stops"):
        time.sleep(2)  # the page asks once a second
        note(stopped=True)
        st.stop()
    pgstate.mount(live=True)
    pgstate.persist("name")
    note(name=st.text_input("name", key="name"))
    st.button("click")
    st.write("the end")


@case
def outage_of_a_waiting_page() -> None:
    pgstate.mount(wait=True)
    note(durable=pgstate.session().durable)


@case
def outage_in_the_midst() -> None:
    """The run waits until it is told to go on; the database goes away meanwhile."""
    pgstate.persist("name", found="nothing")
    name = st.text_input("name", key="name")
    if name == "long" and not GO_ON.is_set():
        st.write("it waits")
        GO_ON.wait(60)
        st.session_state.found = "something"
    note(name=name, found=st.session_state.found)
    st.write("the end")


@case
def outage_go_on() -> None:
    GO_ON.set()


@case
def outage_between_verbs_and_widgets() -> None:
    pgstate.persist("name")
    if "fails" in st.session_state:
        pgstate.set("word", time.time())
    st.button("write", key="fails")
    note(name=st.text_input("name", key="name"))


@case
def outage_of_callbacks_only() -> None:
    """No verb but that of a callback in a fragment."""
    st.write("the page")

    @st.fragment
    def part() -> None:
        st.button("call back", on_click=_save, args=["called"])

    part()
