"""Scripts with `persist`, and every widget of Streamlit's that has a state one can set."""

from __future__ import annotations

import datetime as dt
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import streamlit as st
from cases import case, logged, note

import streamlit_pgstate as pgstate

DAY = dt.date(2024, 3, 4)
LETTERS = ["alpha", "beta", "gamma"]

WIDGETS: dict[str, Callable[[], Any]] = {
    "text_input": lambda: st.text_input("text", "default", key="text_input"),
    "text_area": lambda: st.text_area("area", "default", key="text_area"),
    "number_input": lambda: st.number_input("number", 0, 100, 50, key="number_input"),
    "number_input_float": lambda: st.number_input("float", key="number_input_float"),
    "slider": lambda: st.slider("slider", 0, 100, 50, key="slider"),
    "slider_range": lambda: st.slider("range", 0, 100, (30, 70), key="slider_range"),
    "slider_date": lambda: st.slider(
        "dates", DAY, DAY + dt.timedelta(20), DAY + dt.timedelta(10), key="slider_date"
    ),
    "select_slider": lambda: st.select_slider("letter", LETTERS, key="select_slider"),
    "selectbox": lambda: st.selectbox("one of", LETTERS, key="selectbox"),
    "multiselect": lambda: st.multiselect("some of", LETTERS, ["alpha"], key="multiselect"),
    "radio": lambda: st.radio("radio", LETTERS, key="radio"),
    "checkbox": lambda: st.checkbox("check", key="checkbox"),
    "toggle": lambda: st.toggle("toggle", key="toggle"),
    "pills": lambda: st.pills("pills", LETTERS, selection_mode="multi", key="pills"),
    "segmented_control": lambda: st.segmented_control("segment", LETTERS, key="segmented_control"),
    "feedback": lambda: st.feedback("stars", key="feedback"),
    "date_input": lambda: st.date_input("date", DAY, key="date_input"),
    "time_input": lambda: st.time_input("time", dt.time(8), key="time_input"),
    "color_picker": lambda: st.color_picker("color", "#ff0000", key="color_picker"),
    "dataframe": lambda: st.dataframe(
        {"a": [1, 2, 3]}, on_select="rerun", selection_mode="single-row", key="dataframe"
    ),
}
NEWER: dict[str, Callable[[], Any]] = {
    "datetime_input": lambda: st.datetime_input(
        "moment", dt.datetime(2024, 3, 4, 8), key="datetime_input"
    ),
    "pagination": lambda: st.pagination(5, key="pagination"),
    "tabs": lambda: st.tabs(LETTERS, on_change="rerun", key="tabs"),
    "expander": lambda: st.expander("expander", on_change="rerun", key="expander"),
    "popover": lambda: st.popover("popover", on_change="rerun", key="popover"),
}
WIDGETS |= {name: draw for name, draw in NEWER.items() if hasattr(st, "pagination")}


@case
def every_widget() -> None:
    page = st.sidebar.radio("Page", ["Widgets", "Other"], key="page")
    pgstate.persist(*WIDGETS)
    if page == "Widgets":
        for draw in WIDGETS.values():
            draw()
    note(values={name: repr(st.session_state[name]) for name in WIDGETS if page == "Widgets"})


@case
def every_widget_in_a_form() -> None:
    pgstate.persist("text_input", "slider", "checkbox")
    with st.form("form"):
        for name in ("text_input", "slider", "checkbox"):
            WIDGETS[name]()
        st.form_submit_button("send")
    note(values={name: st.session_state[name] for name in ("text_input", "slider", "checkbox")})


@case
def chat() -> None:
    pgstate.persist(messages=[])
    for message in st.session_state.messages:
        st.chat_message("user").write(message)
    if said := st.chat_input("Say"):
        st.session_state.messages.append(said)
        st.chat_message("user").write(said)
        if said == "then rerun":
            st.rerun()
        if said == "then stop":
            st.stop()
        if said == "then raise":
            raise ZeroDivisionError
    note(messages=list(st.session_state.messages))


@case
def clearable() -> None:
    """A chat and a draft, which no widget holds, and what clears them."""
    if st.button("empty"):
        st.session_state.clear()
        st.rerun()
    pgstate.persist("draft", messages=[])
    st.button("clear", on_click=_clear)
    st.button("nothing")
    if st.button("say"):
        st.session_state.messages.append("hello")
        st.session_state.draft = "half a sentence"
    if st.button("compute"):
        st.write("computing")
        time.sleep(2)  # computes; the next click overtakes it
        st.write("done")
    note(messages=list(st.session_state.messages), draft=st.session_state.get("draft"))


def _clear() -> None:
    del st.session_state["messages"]
    del st.session_state["draft"]


CHOICES: dict[str, Callable[[list[str]], Any]] = {
    "selectbox": lambda options: st.selectbox("one of", options, key="selectbox"),
    "radio": lambda options: st.radio("radio", options, key="radio"),
    "multiselect": lambda options: st.multiselect("some of", options, key="multiselect"),
    "pills": lambda options: st.pills("pills", options, selection_mode="multi", key="pills"),
    "segmented_control": lambda options: st.segmented_control(
        "segment", options, key="segmented_control"
    ),
    "select_slider": lambda options: st.select_slider(
        "letter", options or ["none so far"], key="select_slider"
    ),
}


@case
def coming_options() -> None:
    """What may be chosen comes from a query, after the first run."""
    pgstate.persist(*CHOICES)
    options = st.session_state.get("options", [])
    for draw in CHOICES.values():
        draw(options)
    st.button("nothing")
    for name, found in {"all": LETTERS, "fewer": LETTERS[:2]}.items():
        if st.button(name):
            st.session_state.options = found
            st.rerun()
    note(**{name: st.session_state[name] for name in CHOICES})


@case
def persisting_dialog() -> None:
    @st.dialog("Settings")
    def settings() -> None:
        with logged(fragment=True):
            pgstate.persist("name")
            st.text_input("name", key="name")
            if st.button("close"):
                st.rerun()

    if st.button("settings"):
        settings()
    note(name=pgstate.get("name"))


@case
def persisting_fragment() -> None:
    @st.fragment
    def part() -> None:
        with logged(fragment=True):
            pgstate.persist("inside")
            note(inside=st.text_input("inside", key="inside"))

    part()


def person() -> None:
    """A page of an app whose pages all persist the name."""
    pgstate.persist("age")
    name = st.text_input("name", key="name")
    note(name=name, age=st.slider("age", 0, 100, 50, key="age"))


def person_again() -> None:
    note(name=st.text_input("name again", "default", key="name"))


def person_from_a_list() -> None:
    note(name=st.selectbox("one of", ["Ada", "Grace"], key="name"))


@case
def own_name() -> None:
    pgstate.persist("name")
    note(name=st.text_input("name", key="name"))


@st.cache_resource
def model() -> None:
    """Takes a restarted server a while, with which the page is connected already."""
    time.sleep(4)


@case
def heavy() -> None:
    model()
    pgstate.persist("name", "agreed", size="given")
    seen = {"name": st.text_input("name", key="name"), "size": st.text_input("size", key="size")}
    note(**seen, agreed=st.checkbox("agreed", key="agreed"))


@case
def heavy_beside_a_tabs_state() -> None:
    note(step=pgstate.scope("tab").setdefault("step", 0))
    model()
    pgstate.persist("name")
    note(name=st.text_input("name", key="name"), plain=st.text_input("plain"))


@case
def heavy_and_counting() -> None:
    """Writes in each run, before anything else."""
    model()
    pgstate.modify("visits", lambda n: n + 1, default=0)
    pgstate.persist(size="given")
    note(size=st.text_input("size", key="size"))


@case
def heavy_below_a_widget() -> None:
    pgstate.persist("name", size="given")
    name = st.text_input("name", key="name")
    st.caption(f"served by {os.getpid()}")
    model()
    st.write("loaded")  # where an overtaken run ends
    note(name=name, size=st.text_input("size", key="size"))


@case
def heavy_pages() -> None:
    model()
    key = {"One": "name", "Other": "size"}[st.radio("Page", ["One", "Other"])]
    pgstate.persist(key)
    note(**{key: st.text_input(key, key=key)})


@case
def heavy_and_narrow() -> None:
    model()
    pgstate.persist(number=5)
    note(number=st.number_input("number", 0, int(os.environ.get("MOST", "100")), key="number"))


@case
def heavy_selection() -> None:
    model()
    pgstate.persist("dataframe")
    note(rows=WIDGETS["dataframe"]()["selection"]["rows"])


@case
def bound_to_the_address() -> None:
    pgstate.persist("size")
    note(size=st.text_input("size", key="size", bind="query-params"))


def _more(number: int) -> int:
    return number + 1


@case
def live() -> None:
    pgstate.mount(live=True)
    pgstate.persist("name", "check")
    note(name=st.text_input("name", key="name"), check=st.checkbox("check", key="check"))
    clicked = st.button(
        "click", key="click", on_click=lambda: pgstate.modify("clicks", _more, default=0)
    )
    note(clicked=clicked, clicks=pgstate.get("clicks", 0))
    note(job=pgstate.get("job"))


@case
def live_and_writing() -> None:
    pgstate.mount(live=True)
    note(runs=pgstate.modify("runs", lambda n: n + 1, default=0))
    st.button("again")


@case
def live_and_long() -> None:
    pgstate.mount(live=True)
    if st.button("compute"):
        for step in range(40):
            time.sleep(0.1)
            st.write(step)
        note(computed=True)


@case
def slow_above_the_widget() -> None:
    pgstate.persist("name")
    st.button("other")
    time.sleep(1.5)  # computes; nothing of Streamlit's here that would end an overtaken run
    note(name=st.text_input("name", key="name"))


@case
def persisting_page_and_fragment() -> None:
    pgstate.persist("name", "inside")
    st.text_input("name", key="name")

    @st.fragment
    def part() -> None:
        with logged(fragment=True):
            pgstate.persist("name", "inside")
            st.text_input("inside", key="inside")

    part()
    note(name=st.session_state.name, inside=st.session_state.inside)


@case
def forgettable() -> None:
    pgstate.persist("name", given="default")
    st.text_input("name", key="name")
    st.text_input("given", key="given")
    st.button("nothing")
    if st.button("forget"):
        pgstate.forget()
    note(name=st.session_state.name, given=st.session_state.given, keys=pgstate.keys())


@case
def live_twice() -> None:
    pgstate.mount(live=True)
    pgstate.mount(live=True)
    note(job=pgstate.get("job"))


@case
def live_with_a_thread() -> None:
    """The thread's last write comes after the script has read, and before its run is over."""
    pgstate.mount(live=True)
    state = pgstate.scope()
    if st.button("start"):
        pgstate.set("job", "begun")
    note(job=pgstate.get("job"))
    if state.get("job") == "begun":
        thread = threading.Thread(target=lambda: state.set("job", "done"))
        thread.start()
        thread.join()


@case
def live_fragment() -> None:
    pgstate.mount(live=True)

    @st.fragment
    def part() -> None:
        with logged(fragment=True):
            pgstate.persist("inside")
            note(inside=st.text_input("inside", key="inside"))

    part()


@case
def live_in_a_fragment() -> None:
    @st.fragment
    def part() -> None:
        with logged(fragment=True):
            pgstate.mount(live=True)
            st.button("again")

    part()
    note(job=pgstate.get("job"))


@case
def live_page_and_another() -> None:
    if st.sidebar.radio("Page", ["Live", "Other"]) == "Live":
        pgstate.mount(live=True)
    pgstate.persist("name")
    note(name=st.text_input("name", key="name"))
    st.button("nothing")


LET_GO = threading.Event()


@case
def long_run() -> None:
    pgstate.persist("name", found="nothing")
    name = st.text_input("name", key="name")
    if name == "long" and not LET_GO.is_set():
        LET_GO.wait(60)
        st.session_state.found = "something"
    note(name=name, found=st.session_state.found)


@case
def long_live_run() -> None:
    pgstate.mount(live=True)
    long_run()


@case
def let_go() -> None:
    pgstate.mount()
    LET_GO.set()


@case
def early_ends() -> None:
    """Runs that end early, in a callback or above `persist`, when this is typed."""

    def end(at: str) -> None:
        if st.session_state.get("name") == at and st.session_state.get("ended") != at:
            st.session_state.ended = at
            raise RuntimeError(at)

    end("above")
    pgstate.persist("name")
    note(name=st.text_input("name", key="name", on_change=end, args=["callback"]))
