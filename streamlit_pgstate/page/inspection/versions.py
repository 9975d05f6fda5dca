"""The history of one key: its versions, what has changed between two of them, and a way back."""

from __future__ import annotations

import uuid
from typing import Any

import streamlit as st

from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.component.page import plain_markdown
from streamlit_pgstate.errors import DecodeError, PgStateError
from streamlit_pgstate.page.inspection import value
from streamlit_pgstate.page.inspection.amounts import cell, size, time
from streamlit_pgstate.page.inspection.difference import difference
from streamlit_pgstate.page.inspection.text_form import lines_of
from streamlit_pgstate.page.inspection.view import PREFIX, View
from streamlit_pgstate.postgres.rows import RevisionRow
from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.state.store import Store
from streamlit_pgstate.state.surroundings import Surroundings


def draw(tables: Tables, view: View, session_id: uuid.UUID, key: str, *, may_change: bool) -> None:
    """Draw the versions of a key.

    Args:
        tables: where they are.
        view: what is open.
        session_id: of the session.
        key: which one.
        may_change: whether a version can be restored here.
    """
    found = tables.browsing.revisions(session_id, key)
    if len(found) < 2:
        st.info("There are no former versions. The setting history keeps them, from then on.")
        return
    st.dataframe(
        [_line(row) for row in found],
        hide_index=True,
        column_config={"Size": st.column_config.NumberColumn(format="bytes")},
    )
    former = {row.version: row for row in found[1:]}
    version = st.selectbox(
        "Compare with the present version",
        list(former),
        format_func=lambda number: _named(former[number]),
        key=f"{PREFIX}version_{session_id}_{key}",
    )
    _compare(tables, session_id, key, former[version], found[0])
    if may_change and former[version].kind is not None:
        _restoring(tables, view, session_id, key, former[version])


def _line(row: RevisionRow) -> dict[str, Any]:
    return {
        "Version": row.version,
        "Changed": cell(row.changed_at),
        "Operation": row.operation,
        "Kind": row.kind,
        "Size": row.size,
    }


def _named(row: RevisionRow) -> str:
    return f"{row.version} · {time(row.changed_at)} · {row.operation} · {size(row.size)}"


def _compare(
    tables: Tables, session_id: uuid.UUID, key: str, former: RevisionRow, present: RevisionRow
) -> None:
    if max(former.size, present.size) > value.READ_UNASKED:
        st.info("These versions are too large to be compared here.")
        return
    try:
        before, after = (
            tables.browsing.revision(session_id, key, row.version) for row in (former, present)
        )
        _difference(before, after, key)
    except DecodeError as fault:
        st.error(plain_markdown(str(fault)))


def _difference(before: Payload | None, after: Payload | None, key: str) -> None:
    if before is None:
        st.info("That version has no value: the key was deleted, or its ttl was over.")
        return
    if after is not None and before.digest == after.digest:
        st.info("That version has the same value as the present one.")
        return
    old = lines_of(before, key=key)
    new = [] if after is None else lines_of(after, key=key)
    changed = difference(old, new) if old is not None and new is not None else []
    if changed:
        st.code("\n".join(changed), language="diff", wrap_lines=True)
        return
    st.caption("The value of that version:")
    value.draw(before, key=key)


def _restoring(
    tables: Tables, view: View, session_id: uuid.UUID, key: str, row: RevisionRow
) -> None:
    with st.popover("Restore this version", icon=":material/history:"):
        st.write(
            f"This makes version {row.version} the present one again, as a new version. The "
            "visitor sees it with the next click."
        )
        if not st.button("Restore it", key=f"{PREFIX}restore", type="primary"):
            return
    state = Store(tables, surroundings=Surroundings()).state_of(session_id, cache=False)
    try:
        state.restore(key, row.version)
    except PgStateError as error:
        st.error(plain_markdown(str(error)))
        return
    view.said = f"Version {row.version} of {key!r} was restored."
    st.rerun()
