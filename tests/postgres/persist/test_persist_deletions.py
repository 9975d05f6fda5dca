"""What is deleted of what persist() binds stays deleted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

import streamlit_pgstate as pgstate
from persist.persist_scripts import ran
from streamlit_pgstate import State, Store
from streamlit_pgstate.postgres.entries import Entries

Script = str | Callable[[], None]


def test_a_key_that_was_deleted_elsewhere_goes_back_to_its_default(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    app = ran(
        tab("""
            pgstate.persist("own", "count", given="10")
            st.text_input("Own", "the widget's", key="own")
            st.text_input("Given", key="given")
            st.session_state.setdefault("count", 0)
        """)
    )
    app.text_input(key="own").set_value("typed")
    app.text_input(key="given").set_value("typed").run()
    state.clear()
    app.run()
    assert app.text_input(key="own").value == "the widget's"
    assert app.text_input(key="given").value == "10"
    assert dict(state) == {"count": 0}


def test_a_key_that_the_script_removes_is_removed(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    app = ran(
        tab("""
            pgstate.persist("messages")
            if st.button("Clear", key="clear"):
                del st.session_state["messages"]
            else:
                st.session_state.setdefault("messages", ["hello"])
        """)
    )
    assert dict(state) == {"messages": ["hello"]}
    app.button(key="clear").click().run()
    assert dict(state) == {}


def test_after_forget_nothing_of_the_page_comes_back(
    tab: Callable[[Script], AppTest], state: State, store: Store
) -> None:
    script = """
        pgstate.persist("size")
        st.text_input("Size", key="size")
        if st.button("Forget", key="forget"):
            pgstate.forget()
        st.session_state["now"] = [pgstate.keys()]
    """
    app = ran(tab(script))
    app.text_input(key="size").set_value("secret").run()
    app.button(key="forget").click().run()
    ran(app)
    assert app.session_state["now"] == [[]]
    with pytest.raises(pgstate.UnknownToken):
        dict(state)


def test_a_widget_whose_key_a_callback_deletes_goes_back_to_its_default(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    def script() -> None:

        import streamlit as st

        import streamlit_pgstate as pgstate

        def reset() -> None:
            del st.session_state["own"]
            del st.session_state["given"]

        pgstate.persist("own", given="10")
        st.text_input("Own", "the widget's", key="own")
        st.text_input("Given", key="given")
        st.button("Reset", key="reset", on_click=reset)

    app = ran(tab(script))
    app.text_input(key="own").set_value("typed")
    app.text_input(key="given").set_value("typed").run()
    assert set(state) == {"own", "given"}
    app.button(key="reset").click().run()
    assert app.text_input(key="own").value == "the widget's"
    assert app.text_input(key="given").value == "10"
    assert dict(state) == {}
    assert ran(app).text_input(key="own").value == "the widget's"


CLEAR = """
def clear():
    del st.session_state["plain"]
    del st.session_state["messages"]
"""

CLEARED: dict[str, str] = {
    "in a callback": """
pgstate.persist("plain", messages=[])
st.button("Clear", key="clear", on_click=clear)
""",
    "above persist": """
if st.button("Clear", key="clear"):
    clear()
pgstate.persist("plain", messages=[])
""",
    "above persist, and the run begins anew": """
if st.button("Clear", key="clear"):
    clear()
    st.rerun()
pgstate.persist("plain", messages=[])
""",
    "below persist": """
pgstate.persist("plain", messages=[])
if st.button("Clear", key="clear"):
    clear()
""",
    "between two persists": """
pgstate.persist("plain", messages=[])
if st.button("Clear", key="clear"):
    clear()
pgstate.persist("plain", messages=[])
""",
    "in a fragment": """
pgstate.persist("plain", messages=[])
@st.fragment
def part():
    if st.button("Clear", key="clear"):
        clear()
part()
""",
    "in a fragment that persists": """
@st.fragment
def part():
    pgstate.persist("plain", messages=[])
    st.button("Clear", key="clear", on_click=clear)
part()
""",
    "on another page": """
if st.radio("Page", ["A", "B"], key="page") == "A":
    pgstate.persist("plain", messages=[])
st.button("Clear", key="clear", on_click=clear)
""",
}


@pytest.mark.parametrize("where", CLEARED)
def test_what_the_script_or_a_callback_deletes_does_not_come_back(
    where: str, tab: Callable[[Script], AppTest], state: State
) -> None:
    state.update({"plain": "hello", "messages": ["hello"]})
    app = ran(tab(CLEAR + CLEARED[where]))
    assert app.session_state["messages"] == ["hello"]
    for radio in app.radio:
        radio.set_value("B").run()
    app.button(key="clear").click().run()
    for radio in app.radio:
        radio.set_value("A").run()
    ran(app)
    assert dict(state) == {}
    for opened in (app, ran(tab(CLEAR + CLEARED[where]))):
        assert opened.session_state["messages"] == []
        assert "plain" not in opened.session_state


def test_what_is_deleted_and_set_anew_is_saved(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    state.update({"plain": "hello", "messages": ["hello"]})
    app = ran(tab(CLEAR + CLEARED["above persist"]))
    app.button(key="clear").click().run()
    app.session_state["plain"] = "anew"
    ran(app)
    assert dict(state) == {"plain": "anew"}


CHAT = """
def clear():
    del st.session_state["messages"]

pgstate.persist(messages=[])
st.button("Clear", key="clear", on_click=clear)
if st.button("Say", key="say"):
    st.session_state.messages.append("said")
"""


def test_of_a_key_that_was_deleted_here_and_changed_elsewhere_the_deletion_wins(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    state["messages"] = ["hello"]
    here, there = ran(tab(CHAT)), ran(tab(CHAT))
    there.button(key="say").click().run()
    assert state["messages"] == ["hello", "said"]
    here.button(key="clear").click().run()
    assert dict(state) == {}
    assert ran(there).session_state["messages"] == []
    there.button(key="say").click().run()
    assert ran(here).session_state["messages"] == ["said"]


def test_a_deletion_that_could_not_be_saved_is_tried_again(
    tab: Callable[[Script], AppTest], state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    state["messages"] = ["hello"]
    app = ran(tab(CHAT))
    with monkeypatch.context() as patch:

        def away(*_: object, **__: object) -> None:
            raise pgstate.StoreUnavailable("db:5432/app cannot be reached.")

        patch.setattr(Entries, "write", away)
        app.button(key="clear").click().run()
    assert ran(app).session_state["messages"] == []
    assert dict(state) == {}


def test_a_widget_whose_key_is_deleted_above_it_in_the_same_run_goes_back_to_its_default(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    state.update({"own": "typed", "given": "typed"})
    app = ran(
        tab("""
            pgstate.persist("own", given="10")
            if st.button("Reset", key="reset"):
                del st.session_state["own"]
                del st.session_state["given"]
            st.text_input("Own", "the widget's", key="own")
            st.text_input("Given", key="given")
        """)
    )
    app.button(key="reset").click().run()
    for _ in range(2):
        assert app.text_input(key="own").value == "the widget's"
        assert app.text_input(key="given").value == "10"
        assert dict(state) == {}
        ran(app)


def test_what_is_persisted_after_forget_in_one_run_is_saved_at_its_end(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    app = ran(
        tab("""
            pgstate.persist("size", "step")
            st.text_input("Size", key="size")
            if st.button("Forget", key="forget"):
                pgstate.forget()
                pgstate.persist("size", "step")
                st.session_state.step = 2
            if st.button("Again", key="again"):
                pgstate.forget()
                pgstate.persist("step")
                pgstate.forget()
                pgstate.persist("step")
                st.session_state.step = 3
            st.session_state["now"] = [dict(pgstate.scope())]
        """)
    )
    app.text_input(key="size").set_value("before").run()
    app.text_input(key="size").set_value("secret")
    app.button(key="forget").click().run()
    ran(app)
    assert app.session_state["now"] == [{"step": 2}], "and nothing of before"
    app.text_input(key="size").set_value("after").run()
    ran(app)
    assert app.session_state["now"] == [{"step": 2, "size": "after"}]
    app.button(key="again").click().run()
    ran(app)
    assert app.session_state["now"] == [{"step": 3}]
