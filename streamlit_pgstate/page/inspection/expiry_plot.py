"""A plot of what expires soon: sessions, and values with a ttl."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import altair as alt
import pandas as pd
import streamlit as st

from streamlit_pgstate.component.page import plain_markdown
from streamlit_pgstate.page.inspection.amounts import time
from streamlit_pgstate.postgres.browsing import COUNTED, Due, Span
from streamlit_pgstate.postgres.tables import Tables

_HOUR: Final = 3_600
_DAY: Final = 24 * _HOUR

SPANS: Final = {
    "within 1 hour": Span(0, _HOUR),
    "1 to 6 hours": Span(_HOUR, 6 * _HOUR),
    "6 to 24 hours": Span(6 * _HOUR, _DAY),
    "1 to 3 days": Span(_DAY, 3 * _DAY),
    "3 to 7 days": Span(3 * _DAY, 7 * _DAY),
    "7 to 30 days": Span(7 * _DAY, 30 * _DAY),
}


def draw(tables: Tables) -> None:
    """Draw how much expires in the next hours and days, and what waits for a cleanup."""
    spans = list(SPANS.values())
    sessions, values = tables.browsing.sessions_ahead(spans), tables.browsing.values_ahead(spans)
    _plot("Sessions that expire, if nobody visits them", sessions)
    _plot("Values whose ttl ends", values)
    if any(due.is_estimate for due in (*sessions, *values)):
        st.caption(f"Bars of more than {COUNTED:,} are estimates of the planner.")
    _overdue(tables)


def _plot(title: str, dues: Sequence[Due]) -> None:
    st.subheader(title)
    frame = pd.DataFrame(
        [{"when": name, "number": due.number} for name, due in zip(SPANS, dues, strict=True)]
    )
    chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("number:Q", title=None, axis=alt.Axis(tickMinStep=1, format=",d")),
            y=alt.Y("when:N", sort=list(SPANS), title=None),
            tooltip=["when:N", alt.Tooltip("number:Q", format=",")],
        )
    )
    st.altair_chart(chart.properties(height=alt.Step(28)))


def _overdue(tables: Tables) -> None:
    found = tables.inspection.overdue()
    if found.since is None:
        st.success("Nothing waits for a cleanup.")
        return
    passed = datetime.now(UTC) - found.since
    st.info(
        f"{found.sessions:,} expired sessions, and what has expired since "
        f"{plain_markdown(time(found.since))} ({passed.days} days), wait for a cleanup. The last "
        f"one of an app began: {plain_markdown(time(found.cleaned_at))}."
    )
