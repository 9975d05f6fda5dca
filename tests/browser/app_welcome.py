"""An app that sends who is new to a page of welcome."""

from __future__ import annotations

import streamlit as st
from cases import logged, note, note_session

import streamlit_pgstate as pgstate


def main() -> None:
    if not pgstate.get("onboarded"):
        st.switch_page(WELCOME)
    note(page="main", word=pgstate.get("word"), query=st.query_params.get("word"))
    st.text_input("word", key="typed")
    st.button("run")
    note_session()


def welcome() -> None:
    note(page="welcome")
    if st.button("begin"):
        pgstate.set("onboarded", True)
        st.switch_page(MAIN)


def settings() -> None:
    if not pgstate.get("onboarded"):
        st.switch_page(WELCOME)
    note(page="settings")


MAIN = st.Page(main, title="Main", default=True)
SETTINGS = st.Page(settings, title="Settings", url_path="settings")
WELCOME = st.Page(welcome, title="Welcome", url_path="welcome")

with logged():
    st.navigation([MAIN, SETTINGS, WELCOME]).run()
