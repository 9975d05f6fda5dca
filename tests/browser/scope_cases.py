"""The scripts that the tests of scopes visit."""

from __future__ import annotations

import streamlit as st
from cases import case, note, note_session

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
