"""A multipage app: two pages with verbs, one without."""

from __future__ import annotations

import streamlit as st
from cases import logged, nothing, visits


def again() -> None:
    visits()


with logged():
    st.navigation(
        [
            st.Page(visits, title="First", default=True),
            st.Page(again, title="Second", url_path="second"),
            st.Page(nothing, title="Nothing", url_path="nothing"),
        ]
    ).run()
