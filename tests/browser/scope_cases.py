"""The scripts that the tests of scopes visit."""

from __future__ import annotations

import streamlit as st
from cases import case, logged, note, note_session

import streamlit_pgstate as pgstate


@case
def user_scope() -> None:
    """Anonymous until somebody is logged in; then the user's own."""
    if st.button("write as anybody"):
        pgstate.update({"cart": "milk", "theme": "light"})
    note_session()
    note(anonymous=dict(pgstate.scope()))
    if st.button("forget"):
        pgstate.forget()
    user = pgstate.scope("user")
    if st.button("adopt"):
        note(adopted=user.adopt())
    if st.button("write as user"):
        user["theme"] = "dark"
    if st.button("forget user"):
        user.forget()
    info = user.session()
    note(user=dict(user), user_id=str(user.id), scope=info.scope, email=st.user.get("email"))


@case
def app_scope() -> None:
    shared = pgstate.scope("app")
    if st.button("count"):
        shared.modify("clicks", lambda n: n + 1, default=0)
    if st.button("write mine"):
        pgstate.set("mine", st.query_params["tab"])
    note(clicks=shared.get("clicks"), mine=pgstate.get("mine"), scope=shared.session().scope)


@case
def tab_scope() -> None:
    tab = pgstate.scope("tab")
    note(tab_id=str(tab.id), mine=tab.modify("runs", lambda n: n + 1, default=0))
    if st.button("write"):
        tab["word"] = st.query_params["tab"]
    st.button("run")
    if st.button("forget"):
        tab.forget()
        st.stop()
    note(word=tab.get("word"), scope=tab.session().scope)


@case
def tab_scope_beside_the_browsers() -> None:
    pgstate.set("word", "the browser's")
    st.session_state.setdefault("shown", pgstate.scope("tab").get("word", "none"))
    if st.button("write"):
        pgstate.scope("tab")["word"] = st.query_params["tab"]
    note(shown=st.session_state["shown"], word=pgstate.get("word"))
    note_session()


@case
def tab_scope_in_a_fragment() -> None:
    @st.fragment
    def part() -> None:
        with logged(fragment=True):
            tab = pgstate.scope("tab")
            if st.button("write"):
                tab["word"] = st.query_params["tab"]
            note(word=tab.get("word"))

    part()
