"""The list of sessions, in pages. Each row opens its session."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import streamlit as st

from streamlit_pgstate.page.inspection.amounts import cell, time
from streamlit_pgstate.page.inspection.view import PREFIX, View, pages
from streamlit_pgstate.postgres.growth import Largest
from streamlit_pgstate.postgres.inspection import Order, SessionRow
from streamlit_pgstate.postgres.tables import Tables

_ORDERS: Final = {
    "Seen last": Order.EXPIRY,
    "Newest": Order.NEWEST,
    "Oldest": Order.AGE,
    "Largest": Order.BYTES,
}
_AT_ONCE: Final = 25
_TABLE: Final = f"{PREFIX}sessions"


def draw(tables: Tables, view: View) -> None:
    """Draw the list."""
    chosen = st.segmented_control("Order", list(_ORDERS), default="Seen last", key=f"{PREFIX}order")
    view.sort(_ORDERS.get(chosen or "", Order.EXPIRY))
    if view.order is Order.BYTES:
        _draw_largest(tables, view)
        return
    page = tables.inspection.sessions(view.order, after=view.pages[-1], limit=_AT_ONCE)
    _table(page.sessions, view)
    pages(view.pages, page.next, "sessions")


def _draw_largest(tables: Tables, view: View) -> None:
    if view.largest is not None:
        _table(view.largest.sessions, view)
        st.caption("The largest of all sessions, as of when you have asked.")
        return
    noted = tables.browsing.growth.largest()
    _table(tables.inspection.sessions_of(noted.sessions)[:_AT_ONCE], view)
    st.caption(as_of(noted))
    if st.button("Look through all sessions now", key=f"{PREFIX}exact", help=_SLOW):
        view.largest = tables.inspection.sessions(Order.BYTES, limit=4 * _AT_ONCE)
        st.rerun()


_SLOW: Final = "Reads the table of sessions once: about a second for a million of them."


def as_of(noted: Largest) -> str:
    """Say how complete a note of the largest sessions is, and of when it is.

    Example:
        >>> as_of(Largest())
        'No cleanup has looked for the largest sessions yet. Run: pgstate gc'
    """
    if noted.measured_at is None:
        return "No cleanup has looked for the largest sessions yet. Run: pgstate gc"
    if noted.has_met_all is None:
        return (
            "The largest sessions that cleanups have met so far, as of "
            f"{time(noted.measured_at)}. They have not met all sessions yet."
        )
    return (
        f"As of {time(noted.measured_at)}. Cleanups have met all sessions at "
        f"{time(noted.has_met_all)}; sessions that have grown since may be missing."
    )


def _table(rows: Sequence[SessionRow], view: View) -> None:
    if not rows:
        st.info("There are no sessions.")
        return
    st.dataframe(
        [_line(row) for row in rows],
        key=f"{_TABLE}_{view.order.value}_{len(view.pages)}",
        hide_index=True,
        on_select=partial(_open, rows, view),
        selection_mode="single-row",
        column_config={"Size": st.column_config.NumberColumn(format="bytes")},
    )
    st.caption("Select a row to open its session.")


def _open(rows: Sequence[SessionRow], view: View) -> None:
    name = f"{_TABLE}_{view.order.value}_{len(view.pages)}"
    selected = st.session_state[name].selection.rows
    view.open(rows[selected[0]].id if selected else None)


def _line(row: SessionRow) -> dict[str, Any]:
    return {
        "Session": str(row.id)[:8],
        "App": row.app,
        "Scope": row.scope,
        "Keys": row.keys,
        "Size": row.bytes,
        "Seen": cell(row.seen_at),
        "Created": cell(row.created_at),
        "Expires": cell(row.expires_at),
    }
