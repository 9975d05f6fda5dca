"""An app whose runs end above its widgets, in the way that its visitor chooses."""

from __future__ import annotations

import itertools
import time

import pandas as pd
import streamlit as st
from cases import logged, note
from widget_cases import note_files

import streamlit_pgstate as pgstate


def end() -> None:
    """End this run as chosen."""
    match st.session_state["ending"]:
        case "stop":
            st.stop()
        case "raise":
            raise ValueError("the script is broken")
        case "rerun":
            st.rerun()
        case "switch":
            st.switch_page(PAGES[1])
        case "outage":  # the test closes the database before
            pgstate.get("anything")
        case "overtaken":
            for number in itertools.count():
                st.session_state["waited"] = number
                st.empty()  # ends the run once the visitor has clicked
                time.sleep(0.02)


def will_end() -> None:
    st.session_state["ends"] = True


def widgets() -> None:
    st.button("run")
    st.button("end", on_click=will_end)
    if st.session_state.pop("ends", False):
        end()
    table = pgstate.data_editor(
        pd.DataFrame({"name": ["ada", "bob", "cyd"]}), key="table", on_change=changed
    )
    many = pgstate.file_uploader("Files", key="many", accept_multiple_files=True, on_change=changed)
    one = pgstate.file_uploader("File", key="one", on_change=changed)
    photo = pgstate.camera_input("A photo", key="photo", on_change=changed)
    sound = pgstate.audio_input("A recording", key="sound", on_change=changed)
    note_files(many=many, one=one, photo=photo, sound=sound)
    note(names=list(table["name"]), id=str(pgstate.scope().id))


def changed() -> None:
    """The run of a change ends, too, where the visitor wants that."""
    if st.session_state.get("changes_end"):
        will_end()


def elsewhere() -> None:
    st.button("run")
    st.page_link(PAGES[0], label="back")


def choose(ending: str) -> None:
    st.session_state.update(ending=ending, changes_end=False)


def end_changes() -> None:
    st.session_state["changes_end"] = True


ENDINGS = ["stop", "raise", "rerun", "switch", "outage", "outage at the widget", "overtaken"]
PAGES = [
    st.Page(widgets, title="Widgets", default=True),
    st.Page(elsewhere, title="Elsewhere", url_path="elsewhere"),
]

with logged():
    page = st.navigation(PAGES)
    with st.sidebar:
        for ending in ENDINGS:
            st.button(f"by {ending}", on_click=choose, args=(ending,))
        st.button("end changes too", on_click=end_changes)
    page.run()
