"""A further page of the app with a folder `pages` that keeps widgets."""

from __future__ import annotations

from cases import logged
from persist_cases import person_again

import streamlit_pgstate as pgstate

with logged():
    pgstate.persist("name")
    person_again()
