"""Plots of growth: how large the tables were, and which keys take the most room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import altair as alt
import pandas as pd
import streamlit as st

from streamlit_pgstate.component.page import plain_markdown
from streamlit_pgstate.page.inspection.amounts import local, size, time
from streamlit_pgstate.page.inspection.view import PREFIX
from streamlit_pgstate.postgres.growth import Figures, Growth, Largest
from streamlit_pgstate.postgres.tables import Tables

_PARTS: Final = {
    "entry_bytes": "small values",
    "body_bytes": "large values",
    "revision_bytes": "history",
    "session_bytes": "sessions",
}
_SPANS: Final = ("Two weeks", "A year")
_HEIGHT: Final = 280
_SHOWN: Final = 15


def draw(tables: Tables) -> None:
    """Draw the sizes now, their growth, and the largest keys."""
    growth = tables.browsing.growth
    _now(tables, growth.now())
    _over_time(growth)
    _largest_keys(growth.largest())


def _now(tables: Tables, now: Figures) -> None:
    with st.container(horizontal=True):
        st.metric("On disk", size(now.bytes), width="content")
        st.metric("Sessions", f"{now.sessions:,}", width="content")
        st.metric("Values", f"{now.entries:,}", width="content")
        st.metric("Former versions", f"{now.revisions:,}", width="content")
    st.caption(
        "Sizes are exact and include indexes. The numbers of rows are the planner's estimates, "
        "and include what has ended or was deleted and is not cleaned up yet."
    )
    if st.button("Count exactly", key=f"{PREFIX}count", help="Reads the table of sessions once."):
        found = tables.inspection.overview()
        st.info(
            f"{found.sessions:,} sessions in use hold {found.values:,} values with "
            f"{size(found.bytes)}. The oldest was made {plain_markdown(time(found.oldest))}."
        )


def _over_time(growth: Growth) -> None:
    st.subheader("Growth")
    chosen = st.segmented_control("Span", _SPANS, default=_SPANS[0], key=f"{PREFIX}span")
    figures = growth.hours() if chosen != _SPANS[1] else growth.days()
    if not figures:
        st.info("No cleanup has noted sizes yet. Run: pgstate gc")
        return
    chart = (
        alt.Chart(_by_part(figures))
        .mark_area()
        .encode(
            x=alt.X("at:T", title=None),
            y=alt.Y("MiB:Q", stack=True),
            color=alt.Color("part:N", title=None, legend=alt.Legend(orient="bottom", columns=2)),
            tooltip=["at:T", "part:N", "MiB:Q"],
        )
    )
    st.altair_chart(chart.properties(height=_HEIGHT))
    st.caption(f"Sizes on disk, with indexes, as of {time(figures[-1].measured_at)}.")


def _by_part(figures: Sequence[Figures]) -> pd.DataFrame:
    """Return one row for each part of each time. One time alone would make no area."""
    rows = [*figures, figures[-1]._replace(at=figures[-1].measured_at)]
    return pd.DataFrame(
        [
            {"at": local(row.at), "part": name, "MiB": round(getattr(row, part) / 2**20, 2)}
            for row in rows
            for part, name in _PARTS.items()
        ]
    )


def _largest_keys(noted: Largest) -> None:
    st.subheader("Largest keys")
    if noted.measured_at is None or not noted.keys:
        st.info("No cleanup has looked for the largest keys yet. Run: pgstate gc")
        return
    factor = 1 / noted.share
    frame = pd.DataFrame(
        [
            {"key": share.key, "MiB": share.bytes * factor / 2**20, "values": share.values * factor}
            for share in noted.keys[:_SHOWN]
        ]
    )
    chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("MiB:Q"),
            y=alt.Y("key:N", sort="-x", title=None),
            tooltip=[
                "key:N",
                alt.Tooltip("MiB:Q", format=",.2f"),
                alt.Tooltip("values:Q", format=",.0f"),
            ],
        )
    )
    st.altair_chart(chart.properties(height=alt.Step(28)))
    source = "" if noted.share == 1 else f", estimated from a sample of {noted.sampled:,} values"
    st.caption(
        "How much the values under a key take in all sessions, as encoded"
        f"{source}, as of {time(noted.measured_at)}."
    )
