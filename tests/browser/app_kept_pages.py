"""A multipage app that keeps widgets: one that is on all pages, and one of a page's own."""

from __future__ import annotations

import streamlit as st
from cases import logged
from persist_cases import person, person_again, person_from_a_list

import streamlit_pgstate as pgstate

with logged():
    page = st.navigation(
        [
            st.Page(person, title="First", default=True),
            st.Page(person_again, title="Second", url_path="second"),
            st.Page(person_from_a_list, title="List", url_path="list"),
        ]
    )
    pgstate.persist("name")
    page.run()
