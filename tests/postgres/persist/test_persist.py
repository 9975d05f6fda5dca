"""persist() in scripts run by AppTest, over a real database: what comes back, and which value wins.

What the visitor sees of it, in a browser: `tests/browser/test_persisted_widgets.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

import streamlit_pgstate as pgstate
from persist.persist_scripts import SIZE, ran
from streamlit_pgstate import State, Store

Script = str | Callable[[], None]


def test_what_a_visitor_typed_is_there_in_the_next_tab(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    ran(tab(SIZE)).text_input(key="size").set_value("12").run()
    assert dict(state) == {"size": "12"}
    assert ran(tab(SIZE)).text_input(key="size").value == "12"


def test_a_widget_with_a_value_of_its_own_is_restored_without_a_warning(
    tab: Callable[[Script], AppTest], state: State, caplog: pytest.LogCaptureFixture
) -> None:
    state["size"] = "12"
    script = 'pgstate.persist("size"); st.text_input("Size", value="5", key="size")'
    with caplog.at_level(logging.WARNING):
        app = ran(tab(script))
    assert app.text_input(key="size").value == "12"
    assert not [record for record in caplog.records if "default value" in record.getMessage()]


TOGGLED = """
    pgstate.persist("size", show=True)
    if st.checkbox("Show", key="show"):
        st.text_input("Size", key="size")
"""


def test_a_widget_that_is_not_drawn_keeps_its_last_value(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    state["size"] = "first"  # restored into session_state, and then typed over
    app = ran(tab(TOGGLED))
    app.text_input(key="size").set_value("last").run()
    app.checkbox(key="show").uncheck().run()
    app.run()
    assert state["size"] == "last"
    app.checkbox(key="show").check().run()
    assert app.text_input(key="size").value == "last"
    assert state["size"] == "last"


def test_what_changed_elsewhere_is_taken_over_and_what_changed_here_wins(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    script = """
        pgstate.persist("one", "two")
        st.text_input("One", key="one")
        st.text_input("Two", key="two")
    """
    here = ran(tab(script))
    there = ran(tab(script))
    there.text_input(key="one").set_value("there").run()
    there.text_input(key="two").set_value("there").run()
    here.text_input(key="two").set_value("here").run()
    assert here.text_input(key="one").value == "there"
    assert here.text_input(key="two").value == "here"
    there.run()
    assert there.text_input(key="two").value == "here"
    assert dict(state) == {"one": "there", "two": "here"}


@pytest.mark.parametrize("is_deleted_before", [False, True])
def test_the_first_value_of_a_key_is_not_lost_to_one_that_came_just_before(
    is_deleted_before: bool, tab: Callable[[Script], AppTest], state: State
) -> None:
    script = """
        def set_to(value):
            st.session_state.result = value
        def remove():
            del st.session_state["result"]
        st.button("Choose", key="choose", on_click=set_to, args=("mine",))
        st.button("Remove", key="remove", on_click=remove)
        pgstate.persist("result")
    """
    app = ran(tab(script))
    if is_deleted_before:
        app.button(key="choose").click().run()
        app.button(key="remove").click().run()
        assert dict(state) == {}
    state["result"] = "theirs"
    app.button(key="choose").click().run()
    assert dict(state) == {"result": "mine"}


def test_no_tab_writes_back_what_it_has_not_changed(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    here = ran(tab(SIZE))
    here.text_input(key="size").set_value("old").run()
    state["size"] = "new"
    here.run()
    assert here.text_input(key="size").value == "new"
    assert state["size"] == "new"


def test_a_callback_may_set_it(tab: Callable[[Script], AppTest], state: State) -> None:
    def script() -> None:

        import streamlit as st

        import streamlit_pgstate as pgstate

        def reset() -> None:
            st.session_state.size = "reset"

        pgstate.persist("size")
        st.text_input("Size", key="size")
        st.button("Reset", key="reset", on_click=reset)

    app = ran(tab(script))
    app.text_input(key="size").set_value("typed").run()
    app.button(key="reset").click().run()
    assert app.text_input(key="size").value == "reset"
    assert state["size"] == "reset"


def test_below_the_widget_it_says_so_in_the_first_run(tab: Callable[[Script], AppTest]) -> None:
    app = tab('st.text_input("Size", key="size"); pgstate.persist("size")').run()
    assert "must stand above the widget" in app.exception[0].message


def test_below_the_widget_it_says_so(tab: Callable[[Script], AppTest], state: State) -> None:
    state["size"] = "12"
    app = tab('st.text_input("Size", key="size"); pgstate.persist("size")').run()
    app.run()
    assert "must stand above the widget" in app.exception[0].message


def test_keys_are_checked(tab: Callable[[Script], AppTest]) -> None:
    assert "255 characters" in tab('pgstate.persist("")').run().exception[0].message


def test_values_of_any_kind_that_can_be_kept(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    def script() -> None:
        import pandas as pd
        import streamlit as st

        import streamlit_pgstate as pgstate

        pgstate.persist("frame")
        if "frame" not in st.session_state:
            st.session_state.frame = pd.DataFrame({"a": [1, 2]}, index=["x", "y"])
        st.session_state.frame.loc["x", "a"] += 1

    ran(tab(script))
    app = ran(tab(script))
    assert state["frame"].equals(app.session_state["frame"])
    assert state["frame"].loc["x", "a"] == 3


def test_of_two_visitors_each_has_their_own(
    tab: Callable[[Script], AppTest], store: Store, state: State
) -> None:
    ran(tab(SIZE)).text_input(key="size").set_value("mine").run()
    other = tab(SIZE)
    theirs = pgstate.testing.visit(other, store)
    ran(other)
    assert other.text_input(key="size").value == ""
    other.text_input(key="size").set_value("theirs").run()
    assert (state["size"], store.state(theirs)["size"]) == ("mine", "theirs")


def test_no_older_value_comes_back_from_a_page_that_does_not_persist(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    state["size"] = "first"
    app = ran(
        tab("""
            if st.radio("Page", ["A", "C"], key="page") == "A":
                pgstate.persist("size")
                if st.checkbox("Show", key="show"):
                    st.text_input("Size", key="size")
        """)
    )
    app.checkbox(key="show").check().run()
    app.text_input(key="size").set_value("last").run()
    app.radio(key="page").set_value("C").run()
    app.radio(key="page").set_value("A").run()
    app.checkbox(key="show").check().run()
    assert app.text_input(key="size").value == "last"
    assert state["size"] == "last"


def test_what_another_tab_has_filled_is_not_passed_and_what_it_has_emptied_is_used(
    tab: Callable[[Script], AppTest], state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSTATE_MAX_SESSION_BYTES", "1000")
    app = ran(
        tab("""
            pgstate.persist("note", "size")
            st.session_state.get("during", lambda: None)()
            st.text_input("Note", key="note")
            st.text_input("Size", key="size")
        """)
    )
    app.session_state["during"] = lambda: state.set("other", b"x" * 950)
    app.text_input(key="size").set_value("10")
    app.text_input(key="note").set_value("n" * 100).run()
    assert "max_session_bytes allows 1,000" in app.toast[0].value.replace("\\", "")
    assert set(state) == {"other", "size"}
    app.session_state["during"] = lambda: state.delete("other")
    app.run()
    assert dict(state) == {"note": "n" * 100, "size": "10"}


def test_a_default_may_come_with_a_second_persist(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    app = ran(tab('pgstate.persist("x"); pgstate.persist(x=5); pgstate.persist("x")'))
    assert app.session_state["x"] == 5
    assert dict(state) == {}
