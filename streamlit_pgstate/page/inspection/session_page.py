"""One session: what is known of it, its keys, and the value and the history of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import streamlit as st

from streamlit_pgstate.component.page import plain_markdown
from streamlit_pgstate.errors import DecodeError, UnknownToken
from streamlit_pgstate.page.inspection import value, versions
from streamlit_pgstate.page.inspection.amounts import cell, count, size, time
from streamlit_pgstate.page.inspection.view import PREFIX, View, pages
from streamlit_pgstate.postgres.browsing import KeyLine, KeyOrder
from streamlit_pgstate.postgres.inspection import SessionRow
from streamlit_pgstate.postgres.rows import SessionRef
from streamlit_pgstate.postgres.tables import Tables

_ORDERS: Final = {"By name": KeyOrder.NAME, "By size": KeyOrder.SIZE}


def draw(tables: Tables, view: View, *, may_change: bool) -> None:
    """Draw the session that is open."""
    st.button(
        "All sessions",
        key=f"{PREFIX}back",
        icon=":material/arrow_back:",
        on_click=view.open,
        args=(None,),
    )
    try:
        row = tables.inspection.find(str(view.session))
    except UnknownToken:
        st.info("This session is gone: it was forgotten or has expired some days ago.")
        return
    _facts(row)
    if may_change and row.revoked_at is None:
        _forgetting(tables, view, row)
    _keys(tables, view, row)
    if view.key is not None:
        _key(tables, view, row, view.key, may_change=may_change and row.ended is None)


def _facts(row: SessionRow) -> None:
    st.subheader(f"Session {str(row.id)[:8]}")
    st.code(str(row.id), language=None)
    with st.container(horizontal=True):
        st.metric("Keys", f"{row.keys:,}", width="content")
        st.metric("Size", size(row.bytes), width="content")
    st.text(f"App {row.app}, scope {row.scope}")
    times = {"Created": row.created_at, "Seen": row.seen_at, "Expires": row.expires_at}
    st.caption(" · ".join(f"{name} {plain_markdown(time(at))}" for name, at in times.items()))
    if row.copy_of is not None:
        st.caption(f"A copy of the state of another tab, {str(row.copy_of)[:8]}.")
    if row.ended:
        st.warning(f"This session has ended: it was forgotten or has expired ({row.ended}).")


def _keys(tables: Tables, view: View, row: SessionRow) -> None:
    chosen = st.segmented_control(
        "Keys", list(_ORDERS), default="By name", key=f"{PREFIX}key_order"
    )
    view.sort_keys(_ORDERS.get(chosen or "", KeyOrder.NAME))
    page = tables.browsing.keys(row.id, view.key_order, after=view.key_pages[-1])
    if not page.keys:
        st.info("This session holds no values.")
        return
    name = f"{PREFIX}keys_{row.id}_{view.key_order.value}_{len(view.key_pages)}"
    st.dataframe(
        [_line(line) for line in page.keys],
        key=name,
        hide_index=True,
        on_select=partial(_open, page.keys, view, name),
        selection_mode="single-row",
        column_config={"Size": st.column_config.NumberColumn(format="bytes")},
    )
    st.caption("Select a row to see its value and its history.")
    pages(view.key_pages, page.next, "keys")


def _open(lines: Sequence[KeyLine], view: View, name: str) -> None:
    selected = st.session_state[name].selection.rows
    view.open_key(lines[selected[0]].key if selected else None)


def _line(line: KeyLine) -> dict[str, Any]:
    return {
        "Key": line.key,
        "Kind": line.kind,
        "Size": line.size,
        "Changed": cell(line.changed_at),
        "Expires": cell(line.expires_at),
    }


def _key(tables: Tables, view: View, row: SessionRow, key: str, *, may_change: bool) -> None:
    st.subheader(plain_markdown(key))
    present, history = st.tabs(["Value", "History"])
    with present:
        _value(tables, view, row, key)
    with history:
        versions.draw(tables, view, row.id, key, may_change=may_change)


def _value(tables: Tables, view: View, row: SessionRow, key: str) -> None:
    found = tables.inspection.key(row.id, key)
    if found is None:
        st.info("This key holds no value: it was deleted, or its ttl is over.")
        return
    st.caption(f"{found.kind} · {size(found.size)} · changed {time(found.changed_at)}")
    if found.size > value.READ_UNASKED and not view.reads_large:
        if st.button(f"Read it ({size(found.size)})", key=f"{PREFIX}read"):
            view.reads_large = True
            st.rerun()
        return
    try:
        read = tables.inspection.read(found)
        if read is not None:
            value.draw(read[1], key=key)
    except DecodeError as fault:
        st.error(plain_markdown(str(fault)))


def _forgetting(tables: Tables, view: View, row: SessionRow) -> None:
    short = str(row.id)[:8]
    with st.popover("Forget this session", icon=":material/delete_forever:"):
        st.write(
            f"This deletes {count(row.keys, 'value')} ({size(row.bytes)}) for ever, and the "
            "visitor's token is refused from then on."
        )
        typed = st.text_input(f"Type {short} to confirm", key=f"{PREFIX}confirm_{short}")
        if st.button("Forget it", key=f"{PREFIX}forget", type="primary", disabled=typed != short):
            tables.sessions.forget(SessionRef(row.id))
            view.said = f"Session {short} was forgotten."
            view.open(None)
            st.rerun()
