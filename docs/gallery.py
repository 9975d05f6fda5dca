"""A gallery: every widget, a chat, a wizard, a table and an upload, all of them durable.

Run it with `streamlit run docs/gallery.py`, change things, press F5.
"""

from __future__ import annotations

import datetime as dt

import pandas as pd
import streamlit as st

import streamlit_pgstate as pgstate

FRUIT = ["apple", "banana", "cherry"]
STEPS = ["Who", "What", "Done"]


def widgets() -> None:
    st.title("Widgets")
    pgstate.persist("text", "area", "number", "slider", "range", "letter", "one", "some", "radio")
    pgstate.persist("check", "toggle", "pills", "segment", "stars", "date", "time", "colour")
    left, right = st.columns(2)
    with left:
        st.text_input("Text", key="text")
        st.text_area("Longer text", key="area")
        st.number_input("Number", key="number", step=1)
        st.slider("Slider", key="slider")
        st.slider("Range", 0, 100, (25, 75), key="range")
        st.select_slider("One of many", list("abcdefg"), key="letter")
        st.selectbox("Choose one", FRUIT, index=None, key="one")
        st.multiselect("Choose some", FRUIT, key="some")
    with right:
        st.radio("Radio", FRUIT, key="radio", horizontal=True)
        st.checkbox("Checkbox", key="check")
        st.toggle("Toggle", key="toggle")
        st.pills("Pills", FRUIT, selection_mode="multi", key="pills")
        st.segmented_control("Segments", FRUIT, key="segment")
        st.feedback("stars", key="stars")
        st.date_input("Date", dt.date(2026, 1, 1), key="date")
        st.time_input("Time", dt.time(9), key="time")
        st.color_picker("Colour", "#336699", key="colour")


def chat() -> None:
    st.title("A chat whose messages survive")
    pgstate.persist(messages=[])
    for message in st.session_state.messages:
        st.chat_message(message["role"]).write(message["text"])
    if text := st.chat_input("Say something"):
        answer = f"You said {len(text)} letters."
        st.session_state.messages.append({"role": "user", "text": text})
        st.session_state.messages.append({"role": "assistant", "text": answer})
        st.rerun()


def wizard() -> None:
    st.title("A wizard of three steps")
    pgstate.persist("who", "what", step=0)
    step = st.session_state.step
    st.progress(step / (len(STEPS) - 1), text=STEPS[step])
    if step == 0:
        st.text_input("Who are you?", key="who")
    if step == 1:
        st.selectbox("What do you want?", FRUIT, index=None, key="what")
    if step == 2:
        st.success(f"{st.session_state.who or 'Somebody'} gets: {st.session_state.what}")
    back, forth = st.columns(2)
    back.button("Back", on_click=go, args=(-1,), disabled=step == 0)
    forth.button("Next", on_click=go, args=(1,), disabled=step == len(STEPS) - 1)


def go(by: int) -> None:
    st.session_state.step += by


def table() -> None:
    st.title("A table to edit")
    people = pd.DataFrame({"name": ["Ada", "Grace"], "born": [1815, 1906]})
    edited = pgstate.data_editor(people, key="people", num_rows="dynamic")
    st.bar_chart(edited.dropna(), x="name", y="born")


def upload() -> None:
    st.title("A file that stays")
    file = pgstate.file_uploader("Any file", key="file")
    if file is not None:
        st.write(f"{file.name}: {file.size:,} bytes of {file.type}")


def together() -> None:
    st.title("Two tabs, one state")
    pgstate.mount(live=True)
    pgstate.persist("shared", "tick")
    st.write("Open this page in a second window and type here.")
    st.text_input("Shared", key="shared")
    st.checkbox("Ticked", key="tick")


def main() -> None:
    st.set_page_config(page_title="streamlit-pgstate", page_icon="🐘")
    pages = [widgets, chat, wizard, table, upload, together]
    st.navigation([st.Page(page, title=page.__name__.capitalize()) for page in pages]).run()


main()
