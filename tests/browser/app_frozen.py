"""Holds much for its first visitor, and says what is left of it: `test_frozen_servers`."""

from __future__ import annotations

import gc
import json
import logging
import threading

import held_objects
import pandas as pd
import streamlit as st
from streamlit.runtime import get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

import streamlit_pgstate as pgstate

logging.basicConfig(level=logging.WARNING)
logging.getLogger("streamlit_pgstate.page.freeze").setLevel(logging.DEBUG)


class Own:
    """Of the script, and in a cycle with itself."""

    def __init__(self) -> None:
        self.me = self


def on_change() -> None:
    st.session_state.changed = True


def hold() -> None:
    """As an app does: in the session, in the script, in a cache and in a callback."""
    context, manager = get_script_run_ctx(), get_instance()._session_mgr
    assert context is not None
    own = st.session_state.setdefault("own", Own())
    held_objects.note(
        session=manager.get_session_info(context.session_id).session,
        thread=threading.current_thread(),
        own=own,
        frame=frame,
        callback=on_change,
    )


def close_other_sessions() -> None:
    """As Streamlit does two minutes after a tab was closed."""
    context, runtime = get_script_run_ctx(), get_instance()
    assert context is not None
    for known in runtime._session_mgr.list_sessions():
        if known.session.id != context.session_id:
            runtime.close_session(known.session.id)
    gc.collect()


if "look" in st.query_params:
    close_other_sessions()
else:
    pgstate.persist("name")
    st.text_input("name", key="name", on_change=on_change)
    frame = pd.DataFrame({"a": range(1000)})
    hold()
st.text(json.dumps({"frozen": gc.get_freeze_count(), "alive": held_objects.alive()}))
