"""The scripts that tell how their visitor came."""

from __future__ import annotations

import streamlit as st
from cases import case, logged, note

import streamlit_pgstate as pgstate


def _came() -> tuple[str | None, str | None]:
    session = pgstate.session()
    return session.arrival, session.came_by


def _note_in_callback() -> None:
    st.session_state["in_callback"] = _came()


@case
def arrivals() -> None:
    in_callback = st.session_state.pop("in_callback", None)
    note(came=_came(), in_callback=in_callback)
    if st.button("write"):
        pgstate.set("word", "written")
    if st.button("rotate"):
        pgstate.rotate()
    if st.button("forget"):
        pgstate.forget()
    st.button("run")
    st.button("call back", on_click=_note_in_callback)
    note(came_at_end=_came(), word=pgstate.get("word"))


@case
def arrivals_in_a_fragment() -> None:
    pgstate.set("word", "written")

    @st.fragment
    def part() -> None:
        with logged(fragment=True):
            st.button("run the fragment")
            note(came=_came())

    part()


@case
def arrivals_that_write() -> None:
    """As most apps: the first run stores something."""
    pgstate.modify("visits", lambda n: n + 1, default=0)
    note(came=_came(), visits=pgstate.get("visits"))
    if st.button("forget"):
        pgstate.forget()
    st.button("run")


@case
def arrivals_of_all_scopes() -> None:
    note(app=pgstate.scope("app").session().arrival, browser=_came())
    if st.button("write in the browser"):
        pgstate.set("word", "written")
    own = pgstate.scope("tab")
    if st.button("write in the tab"):
        own["word"] = "written"
    info = own.session()
    note(tab=(info.arrival, info.came_by))
    if not st.user.get("is_logged_in"):
        return
    user = pgstate.scope("user")
    if st.button("write as user"):
        user["word"] = "written"
    if st.button("forget user"):
        user.forget()
    info = user.session()
    note(user=(info.arrival, info.came_by), user_id=str(user.id))
