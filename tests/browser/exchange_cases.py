"""Scripts whose tab goes over to another state while its page is open or loads."""

from __future__ import annotations

import inspect

import streamlit as st
from cases import case, logged, note, note_session, wait_until_forgotten

import streamlit_pgstate as pgstate


def _above() -> None:
    """As in every Streamlit app: what is there before the first verb."""
    st.session_state.setdefault("log", [])
    st.session_state.setdefault("step", 0)
    st.text_input("above", key="above")


def _below() -> None:
    """It relies on what stands above the first verb."""
    st.session_state["log"].append(st.session_state["step"])
    st.session_state["step"] += 1
    note(
        log=list(st.session_state["log"]),
        above=st.session_state["above"],
        runs=len(st.session_state["log"]),
    )


@case
def above_the_first_verb() -> None:
    _above()
    word = pgstate.get("word")
    if st.button("write"):
        pgstate.set("word", "written")
    st.button("run")
    if st.button("forget"):
        pgstate.forget()
    note(word=word)
    _below()
    note_session()


@case
def above_the_tabs_first_verb() -> None:
    _above()
    tab = pgstate.scope("tab")
    if st.button("write"):
        tab["word"] = st.query_params["tab"]
    note(word=tab.get("word"), durable=tab.session().durable)
    _below()


def _count() -> None:
    pgstate.modify("count", lambda n: n + 1, default=0)


@case
def in_a_callback_above_the_first_verb() -> None:
    """The callback's verb is the first of its run."""
    _above()
    st.button("count", on_click=_count)
    note(count=pgstate.get("count"))
    _below()
    note_session()


@case
def value_from_the_state() -> None:
    """A widget whose `value=` comes from the state: Streamlit knows it by its key."""
    text = st.text_input("Text", value=pgstate.get("text", "DEFAULT"), key="t")
    choice = st.selectbox(
        "One of", ["a", "b"], index=["a", "b"].index(pgstate.get("choice", "a")), key="c"
    )
    pgstate.update({"text": text, "choice": choice})
    st.button("other")
    note(text=text, choice=choice)
    note_session()


@case
def persisted_beside_a_tab() -> None:
    """The browser's state in `persist`, and a state of the tab's own."""
    pgstate.persist("name", "letter")
    pgstate.scope("tab").setdefault("opened", True)
    st.text_input("name", key="name")
    st.selectbox("letter", ["a", "b"], key="letter")
    st.button("other")
    note(name=st.session_state["name"], letter=st.session_state["letter"])


@case
def waits_below_a_verb() -> None:
    pgstate.set("word", "written")
    pgstate.mount(wait=True)
    note_session()


@case
def forgets_both() -> None:
    """A page that reads the tab's state only at a click."""
    pgstate.set("word", "the browser's")
    if st.button("forget"):
        pgstate.forget()
    if st.button("write"):
        pgstate.scope("tab")["word"] = "the tab's"
    if st.button("look"):
        note(tab=dict(pgstate.scope("tab")))
    note_session()


@case
def in_parallel_fragments() -> None:
    """Fragments that run beside the script; the first verb is in one of them."""
    options = {"parallel": True} if "parallel" in inspect.signature(st.fragment).parameters else {}
    for number in range(10):

        @st.fragment(**options)
        def part(number: int = number) -> None:
            with logged(fragment=True):
                pgstate.get("word")
                st.number_input(f"number {number}", value=number, key=f"n{number}")

        part()
    st.button("run")


@case
def forgotten_in_the_middle_of_a_run() -> None:
    pgstate.persist("name")
    st.text_input("name", key="name")
    note_session()
    if st.button("write after a while"):
        st.write("now forget")
        wait_until_forgotten(pgstate.scope().id)
        pgstate.set("word", "written")
        note(reached=True)
    note(name=st.session_state["name"], word=pgstate.get("word"))
