"""An app with a login, whose visitors do something before it and after it."""

from __future__ import annotations

import streamlit as st
from cases import logged, note

import streamlit_pgstate as pgstate


def leave() -> None:
    pgstate.forget()
    st.logout()


with logged():
    if not st.user.is_logged_in:
        if st.button("write as anybody"):
            pgstate.set("cart", "milk")
        note(anybody=dict(pgstate.scope()))
        st.button("Log in", on_click=st.login)
        st.stop()
    user = pgstate.scope("user")
    user.adopt()
    if st.button("write"):
        user["theme"] = "dark"
    if st.button("write elsewhere"):
        user["job"] = "done"
    pgstate.mount(live=True)
    st.button("Log out", on_click=leave)
    note(user=dict(user), id=str(user.id))
