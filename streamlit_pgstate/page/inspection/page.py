"""The page of the inspector: admits its reader or not, and draws what is open."""

from __future__ import annotations

import uuid
from typing import Final

import streamlit as st

from streamlit_pgstate.component import script
from streamlit_pgstate.component.page import plain_markdown
from streamlit_pgstate.errors import ConfigError, NoSessionError, PgStateError
from streamlit_pgstate.page import apps
from streamlit_pgstate.page.inspection import (
    admission,
    expiry_plot,
    growth_plots,
    session_list,
    session_page,
)
from streamlit_pgstate.page.inspection.admission import Allow
from streamlit_pgstate.page.inspection.reader import tables_for
from streamlit_pgstate.page.inspection.view import PREFIX, View, view
from streamlit_pgstate.postgres.tables import Tables

_PARTS: Final = ("Sessions", "Growth", "Expiry")


def draw_for_visitor(allow: Allow | None, *, allow_changes: bool) -> None:
    """Draw the inspector of the running app, if its visitor may see it. Else the run ends.

    Args:
        allow: says of `st.user` whether they may.
        allow_changes: whether values can be restored, and sessions forgotten.

    Raises:
        NoSessionError: the call is not in the run of a Streamlit script.
        ConfigError: `allow` is no function.
    """
    if not script.is_script():
        raise NoSessionError(
            "inspector() draws a page, so it is called in the script of an app. To look at the "
            "database without the app, run: pgstate inspect"
        )
    if allow is not None and not callable(allow):
        raise ConfigError(
            "allow must be a function that takes st.user and returns True or False, such as: "
            'lambda user: user.get("email") in {"me@example.com"}'
        )
    if not admission.admits(allow, st.user):
        st.error(admission.SENTENCE)
        st.stop()
    draw(tables_for(apps.tables_of_this_app().settings), may_change=allow_changes is True)


def draw(tables: Tables, *, may_change: bool) -> None:
    """Draw the inspector for somebody who may see it.

    Args:
        tables: from `tables_for`.
        may_change: whether values can be restored, and sessions forgotten.
    """
    st.title("Inspector")
    st.caption(plain_markdown(tables.place) + (" · changes are allowed" if may_change else ""))
    shown = view()
    if shown.said:
        st.success(plain_markdown(shown.said))
        shown.said = ""
    try:
        _search(tables, shown)
        if shown.session is not None:
            session_page.draw(tables, shown, may_change=may_change)
        else:
            _parts(tables, shown)
    except PgStateError as error:
        st.error(plain_markdown(error.in_full))


def _search(tables: Tables, shown: View) -> None:
    with st.form(f"{PREFIX}search", clear_on_submit=True, border=False):
        field, button = st.columns([5, 1], vertical_alignment="bottom")
        text = field.text_input(
            "Open a session",
            placeholder="Its id or the first digits, such as 6c3f1f5e",
            help="What pgstate.session().id shows in the visitor's page.",
            key=f"{PREFIX}text",
        )
        is_sent = button.form_submit_button("Open", key=f"{PREFIX}open", width="stretch")
    if is_sent and text.strip():
        try:
            found: uuid.UUID = tables.inspection.find(text).id
        except PgStateError as error:
            st.error(plain_markdown(str(error)))
        else:
            shown.open(found)


def _parts(tables: Tables, shown: View) -> None:
    part = st.segmented_control(
        "Part",
        _PARTS,
        default=_PARTS[0],
        key=f"{PREFIX}part",
        label_visibility="collapsed",
    )
    if part == "Growth":
        growth_plots.draw(tables)
    elif part == "Expiry":
        expiry_plot.draw(tables)
    else:
        session_list.draw(tables, shown)
