"""What the browser tests run: `?case=` names the script of `cases.py` that this visit gets."""

from __future__ import annotations

import os
import time

import exchange_cases  # noqa: F401 - adds its cases
import live_cases  # noqa: F401 - adds its cases
import outage_cases  # noqa: F401 - adds its cases
import persist_cases  # noqa: F401 - adds its cases
import scope_cases  # noqa: F401 - adds its cases
import stream_cases  # noqa: F401 - adds its case
import streamlit as st
import undo_cases  # noqa: F401 - adds its cases
import widget_cases  # noqa: F401 - adds its cases
from cases import CASES, REAL_TIME, logged

if "CLOCK_IS_OFF_BY" in os.environ and time.time is REAL_TIME:
    time.time = lambda: REAL_TIME() + float(os.environ["CLOCK_IS_OFF_BY"])

if "WITHOUT_EVENT_CONTAINER" in os.environ and hasattr(st, "_event"):
    del st._event  # as a later Streamlit may

with logged():
    CASES[st.query_params.get("case", "visits")]()
