"""persist() in scripts run by AppTest, over a real database: what is saved, restored, refused.

What the visitor sees of it, in a browser: `tests/browser/test_persisted_widgets.py`.
"""

from __future__ import annotations

import datetime as dt
import logging
import textwrap
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import streamlit_pgstate as pgstate
from streamlit_pgstate import State, Store
from streamlit_pgstate.page.outage import SENTENCE
from streamlit_pgstate.postgres.entries import Entries

Script = str | Callable[[], None]
Counter = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture
def url(emptied_url: str) -> str:
    """Replaces the fixture of the same name: no test of this file leaves other tables."""
    return emptied_url


@pytest.fixture
def state(store: Store, token: str) -> State:
    """The visitor's state, as PostgreSQL has it at each moment."""
    return store.state(token, cache=False)


@pytest.fixture
def tab(
    url: str, store: Store, token: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Script], AppTest]:
    """Open another tab of the same visitor's."""
    monkeypatch.setenv("PGSTATE_URL", url)

    def make(script: Script) -> AppTest:
        lines = "import datetime as dt, streamlit as st, streamlit_pgstate as pgstate\n"
        app = (
            AppTest.from_string(lines + textwrap.dedent(script), default_timeout=30)
            if isinstance(script, str)
            else AppTest.from_function(script, default_timeout=30)
        )
        pgstate.testing.visit(app, store, token)
        return app

    return make


def ran(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, app.exception
    return app


SIZE = 'pgstate.persist("size"); st.text_input("Size", key="size")'


def test_what_a_visitor_typed_is_there_in_the_next_tab(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    ran(tab(SIZE)).text_input(key="size").set_value("12").run()
    assert dict(state) == {"size": "12"}
    assert ran(tab(SIZE)).text_input(key="size").value == "12"


def test_a_page_view_writes_nothing(tab: Callable[[Script], AppTest], state: State) -> None:
    app = ran(
        tab("""
            pgstate.persist("sel", "num", size="10")
            st.text_input("Size", key="size")
            st.selectbox("Which", ["a", "b"], key="sel")
            st.slider("How many", 0, 100, 5, key="num")
        """)
    )
    assert app.text_input(key="size").value == "10"
    assert app.slider(key="num").value == 5
    assert dict(state) == {}
    assert not state._session.is_stored


def test_a_run_in_which_nothing_changed_is_one_refresh_and_any_number_of_changes_one_more(
    tab: Callable[[Script], AppTest], state: State, round_trips: Counter
) -> None:
    names = [f"w{number}" for number in range(12)]
    app = ran(
        tab(f"""
            pgstate.persist(*{names})
            for name in {names}:
                st.text_input(name, key=name)
        """)
    )
    app.text_input(key="w0").set_value("first").run()
    with round_trips() as quiet:
        app.run()
    for name in names:
        app.text_input(key=name).set_value("changed")
    with round_trips() as busy:
        app.run()
    assert (len(quiet), len(busy)) == (1, 2)
    assert dict(state) == dict.fromkeys(names, "changed")


def test_what_a_run_changes_and_deletes_goes_in_one_statement(
    tab: Callable[[Script], AppTest], state: State, round_trips: Counter
) -> None:
    app = ran(
        tab("""
            pgstate.persist("size", "step", "messages")
            st.text_input("Size", key="size")
            if st.button("Next", key="next"):
                st.session_state.step = 2
                del st.session_state["messages"]
            else:
                st.session_state.setdefault("messages", ["hello"])
        """)
    )
    app.text_input(key="size").set_value("typed")
    app.button(key="next").click()
    with round_trips() as sent:
        app.run()
    assert len(sent) == 2
    assert dict(state) == {"size": "typed", "step": 2}


def test_where_a_change_is_too_large_what_the_run_deleted_is_deleted(
    tab: Callable[[Script], AppTest], state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSTATE_MAX_VALUE_BYTES", "1000")
    app = ran(
        tab("""
            pgstate.persist("size", "step", "messages")
            st.text_input("Size", key="size")
            if st.button("Next", key="next"):
                st.session_state.step = "x" * 2000
                del st.session_state["messages"]
            else:
                st.session_state.setdefault("messages", ["hello"])
        """)
    )
    app.text_input(key="size").set_value("typed")
    app.button(key="next").click().run()
    assert dict(state) == {"size": "typed"}


ENDS = """
    pgstate.persist(messages=[])
    how = st.session_state.get("how")
    if how:
        st.session_state.messages.append(how)
    if how == "stop":
        st.stop()
    if how == "rerun":
        st.session_state.how = None
        st.rerun()
    if how == "raise":
        raise ZeroDivisionError
"""


@pytest.mark.parametrize("how", ["normal", "stop", "rerun", "raise"])
def test_what_the_script_sets_is_saved_however_the_run_ends(
    how: str, tab: Callable[[Script], AppTest], state: State
) -> None:
    app = ran(tab(ENDS))
    app.session_state["how"] = how
    app.run()
    assert state["messages"] == [how]
    assert ran(tab(ENDS)).session_state["messages"] == [how]


def test_in_a_fragment_it_is_saved_at_the_end_of_the_fragment(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    script = """
        @st.fragment
        def part():
            pgstate.persist("inside", "count")
            st.text_input("Inside", key="inside")
            st.session_state.setdefault("count", 0)
            st.session_state.count += 1
        part()
    """
    ran(tab(script)).text_input(key="inside").set_value("kept").run()
    assert state["inside"] == "kept"
    assert state["count"] == 2


def test_a_computed_default_is_saved_and_the_widgets_own_is_not(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    ran(
        tab("""
            pgstate.persist("computed", "own")
            if "computed" not in st.session_state:
                st.session_state.computed = "by the script"
            st.text_input("Computed", key="computed")
            st.text_input("Own", "the widget's", key="own")
        """)
    )
    assert dict(state) == {"computed": "by the script"}


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


def test_what_cannot_be_kept_is_said_and_what_was_stored_stays(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    app = ran(
        tab("""
            pgstate.persist("size", thing=1)
            st.text_input("Size", key="size")
            if st.button("Bad", key="bad"):
                st.session_state.thing = [1, open]
            elif st.button("Good", key="good"):
                st.session_state.thing = 2
        """)
    )
    app.button(key="good").click().run()
    app.text_input(key="size").set_value("kept")
    app.button(key="bad").click().run()
    assert "'thing' → [1] is a" in app.toast[0].value.replace("\\", "")
    assert dict(state) == {"size": "kept", "thing": 2}


def test_while_the_database_is_away_nothing_is_lost_that_the_page_still_shows(
    tab: Callable[[Script], AppTest], state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ran(tab(SIZE))
    with monkeypatch.context() as patch:

        def away(*_: object, **__: object) -> None:
            raise pgstate.StoreUnavailable("db:5432/app cannot be reached.")

        patch.setattr(Entries, "write", away)
        app.text_input(key="size").set_value("typed").run()
    assert [info.value for info in app.info] == [SENTENCE]
    assert not app.toast
    app.run()
    assert not app.info
    assert state["size"] == "typed"


def test_below_the_widget_it_says_so_in_the_first_run(tab: Callable[[Script], AppTest]) -> None:
    app = tab('st.text_input("Size", key="size"); pgstate.persist("size")').run()
    assert "must stand above the widget" in app.exception[0].message


def test_below_the_widget_it_says_so(tab: Callable[[Script], AppTest], state: State) -> None:
    state["size"] = "12"
    app = tab('st.text_input("Size", key="size"); pgstate.persist("size")').run()
    app.run()
    assert "must stand above the widget" in app.exception[0].message


UNSETTABLE = {
    "button": 'st.button("Go", key="w")',
    "download_button": 'st.download_button("Go", "data", key="w")',
    "file_uploader": 'st.file_uploader("File", key="w")',
    "camera_input": 'st.camera_input("Photo", key="w")',
    "audio_input": 'st.audio_input("Sound", key="w")',
    "data_editor": 'st.data_editor({"a": [1]}, key="w")',
    "chat_input": 'st.chat_input(key="w")',
    "vega_lite_chart": """st.vega_lite_chart({"a": [1]}, {"mark": "bar", "encoding": {}, "params": [
        {"name": "p", "select": "point"}]}, key="w", on_select="rerun")""",
}


@pytest.mark.parametrize("widget", UNSETTABLE)
@pytest.mark.parametrize("stored", [[], ["a value from when it was another widget"]])
def test_a_widget_that_nobody_can_set_is_refused_with_the_way_out(
    widget: str, stored: list[str], tab: Callable[[Script], AppTest], state: State
) -> None:
    state.update(dict.fromkeys(["w"] if stored else [], "a value"))
    app = tab(f'pgstate.persist("w")\n{UNSETTABLE[widget]}').run()
    assert "cannot keep this widget" in app.exception[0].message
    assert dict(state) == dict.fromkeys(["w"] if stored else [], "a value")


DAY = dt.date(2020, 5, 5)

FITS: dict[str, tuple[str, list[Any]]] = {
    "text_input": ('st.text_input("w", key="w")', ["text", None]),
    "text_area": ('st.text_area("w", key="w")', ["two\nlines"]),
    "number of ints": ('st.number_input("w", 0, 10, key="w")', [7]),
    "number of floats": ('st.number_input("w", 0.0, 10.0, key="w")', [7.5]),
    "number or nothing": ('st.number_input("w", value=None, key="w")', [7.5, None]),
    "slider": ('st.slider("w", 0, 10, key="w")', [7, (1, 2)]),
    "slider range": ('st.slider("w", 0, 10, (1, 3), key="w")', [(2, 5)]),
    "slider of dates": ('st.slider("w", dt.date(2020, 1, 1), dt.date(2021, 1, 1), key="w")', [DAY]),
    "slider of times": ('st.slider("w", dt.time(8), dt.time(20), key="w")', [dt.time(9, 15)]),
    "select_slider": ('st.select_slider("w", ["a", "b", "c"], key="w")', ["b"]),
    "select_slider range": (
        'st.select_slider("w", ["a", "b", "c"], ("a", "b"), key="w")',
        [("b", "c")],
    ),
    "selectbox": ('st.selectbox("w", ["a", "b", "c"], key="w")', ["b"]),
    "selectbox of ints": ('st.selectbox("w", [1, 2, 3], key="w")', [2]),
    "selectbox or nothing": ('st.selectbox("w", ["a", "b"], index=None, key="w")', ["b", None]),
    "selectbox of any text": (
        'st.selectbox("w", ["a", "b"], accept_new_options=True, key="w")',
        ["b", "new"],
    ),
    "multiselect": ('st.multiselect("w", ["a", "b", "c"], key="w")', [["c", "b"], []]),
    "radio": ('st.radio("w", ["a", "b"], key="w")', ["b"]),
    "checkbox": ('st.checkbox("w", key="w")', [True, False]),
    "toggle": ('st.toggle("w", key="w")', [True]),
    "pills": ('st.pills("w", ["a", "b"], key="w")', ["b", None]),
    "several pills": ('st.pills("w", ["a", "b"], selection_mode="multi", key="w")', [["b"]]),
    "segmented_control": ('st.segmented_control("w", ["a", "b"], key="w")', ["b"]),
    "feedback": ('st.feedback("stars", key="w")', [3, 0]),
    "date_input": ('st.date_input("w", dt.date(2020, 1, 1), key="w")', [DAY]),
    "date range": (
        'st.date_input("w", (dt.date(2020, 1, 1), dt.date(2020, 1, 3)), key="w")',
        [(DAY, dt.date(2020, 5, 9))],
    ),
    "time_input": ('st.time_input("w", dt.time(8), key="w")', [dt.time(9, 30)]),
    "color_picker": ('st.color_picker("w", key="w")', ["#112233"]),
    "dataframe": (
        'st.dataframe({"a": [1, 2]}, key="w", on_select="rerun")',
        [{"selection": {"rows": [1], "columns": [], "cells": []}}],
    ),
}

MISFITS: dict[str, tuple[str, list[Any]]] = {
    "another type, text_input": ('st.text_input("w", key="w")', [5, b"x", [1]]),
    "too long": ('st.text_input("w", max_chars=3, key="w")', ["four"]),
    "another type, text_area": ('st.text_area("w", key="w")', [5]),
    "number out of range": ('st.number_input("w", 0, 10, key="w")', [99, -1, 2.5, "a"]),
    "number below the only bound": ('st.number_input("w", min_value=0, key="w")', [-1]),
    "slider out of range": ('st.slider("w", 0, 10, 3, key="w")', [99, -3, 2.5, "a", (1, 2)]),
    "slider range out of range": ('st.slider("w", 0, 10, (1, 3), key="w")', [(2, 50), 7]),
    "slider of dates": (
        'st.slider("w", dt.date(2020, 1, 1), dt.date(2021, 1, 1), dt.date(2020, 2, 2), key="w")',
        [dt.date(2030, 1, 1), 5],
    ),
    "slider of times": (
        'st.slider("w", dt.time(8), dt.time(20), dt.time(9), key="w")',
        [dt.time(23), "x"],
    ),
    "select_slider": ('st.select_slider("w", ["a", "b"], key="w")', ["z", 5]),
    "select_slider range": (
        'st.select_slider("w", ["a", "b"], ("a", "b"), key="w")',
        [("a", "z"), "b"],
    ),
    "selectbox": ('st.selectbox("w", ["a", "b"], key="w")', ["z", 5]),
    "selectbox of ints": ('st.selectbox("w", [1, 2], key="w")', [9, "2"]),
    "selectbox or nothing": ('st.selectbox("w", ["a"], index=None, key="w")', ["z"]),
    "multiselect": ('st.multiselect("w", ["a", "b"], key="w")', ["b", 5, ["z"]]),
    "too many": ('st.multiselect("w", list("abc"), max_selections=2, key="w")', [["a", "b", "c"]]),
    "radio": ('st.radio("w", ["a", "b"], key="w")', ["z", 5]),
    "checkbox": ('st.checkbox("w", key="w")', ["yes", 1, None]),
    "toggle": ('st.toggle("w", key="w")', ["yes"]),
    "pills": ('st.pills("w", ["a", "b"], key="w")', ["z", ["a"]]),
    "several pills": ('st.pills("w", ["a", "b"], selection_mode="multi", key="w")', [["z"]]),
    "segmented_control": ('st.segmented_control("w", ["a", "b"], key="w")', ["z"]),
    "feedback": ('st.feedback("stars", key="w")', [9, "x"]),
    "date_input": (
        """st.date_input("w", dt.date(2020, 1, 1), min_value=dt.date(2020, 1, 1),
            max_value=dt.date(2020, 12, 31), key="w")""",
        [dt.date(2030, 1, 1), "x", (DAY,)],
    ),
    "date range": (
        'st.date_input("w", (dt.date(2020, 1, 1), dt.date(2020, 1, 3)), key="w")',
        [DAY, "x"],
    ),
    "time_input": ('st.time_input("w", dt.time(8), key="w")', ["x", 5]),
    "color_picker": ('st.color_picker("w", key="w")', [5]),
    "dataframe": ('st.dataframe({"a": [1, 2]}, key="w", on_select="rerun")', ["x"]),
}

if hasattr(st, "datetime_input"):
    NOON = dt.datetime(2020, 5, 5, 12, 0)
    FITS["datetime_input"] = ('st.datetime_input("w", dt.datetime(2020, 1, 1), key="w")', [NOON])
    MISFITS["datetime_input"] = (FITS["datetime_input"][0], ["x", 5])
if hasattr(st, "pagination"):
    FITS["pagination"] = ('st.pagination(5, key="w")', [3])
    MISFITS["pagination"] = ('st.pagination(5, key="w")', [9, "x"])
    # So far these came together: layouts with a state of their own.
    FITS["tabs"] = ('st.tabs(["a", "b"], key="w", on_change="rerun")', ["b"])
    FITS["expander"] = ('st.expander("w", key="w", on_change="rerun")', [True])
    FITS["popover"] = ('st.popover("w", key="w", on_change="rerun")', [True])
    MISFITS["expander"] = (FITS["expander"][0], ["x"])
else:  # AppTest of 1.51 runs no second time where nothing is chosen in these
    for name in ("pills", "segmented_control", "feedback"):
        del MISFITS[name]

SEEN = '\nst.session_state["seen"] = [st.session_state["w"]]'


def each(table: dict[str, tuple[str, list[Any]]]) -> list[Any]:
    return [
        pytest.param(call, value, id=f"{name}: {value!r}")
        for name, (call, values) in table.items()
        for value in values
    ]


@pytest.mark.parametrize(("call", "value"), each(FITS))
def test_each_kind_of_widget_gets_its_value_back(
    call: str, value: Any, tab: Callable[[Script], AppTest], state: State
) -> None:
    state["w"] = value
    app = ran(tab(f'pgstate.persist("w")\n{call}{SEEN}'))
    seen = app.session_state["seen"][0]
    assert seen == value
    assert isinstance(seen, type(value))
    assert state["w"] == value


@pytest.mark.parametrize(("call", "value"), each(MISFITS))
def test_what_no_longer_fits_gives_way_to_the_default_and_stays_stored(
    call: str,
    value: Any,
    tab: Callable[[Script], AppTest],
    state: State,
    caplog: pytest.LogCaptureFixture,
) -> None:
    default = ran(tab(f'pgstate.persist("w")\n{call}{SEEN}')).session_state["seen"][0]
    assert dict(state) == {}
    state["w"] = value
    with caplog.at_level(logging.WARNING):
        app = ran(tab(f'pgstate.persist("w")\n{call}{SEEN}'))
        ran(app)
        ran(app)
    assert app.session_state["seen"] == [default]
    said = [record.getMessage() for record in caplog.records if "'w'" in record.getMessage()]
    assert len(said) == 1
    assert state["w"] == value
    assert type(state["w"]) is type(value)


def test_of_a_misfit_the_given_default_is_shown(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    state["w"] = 99
    app = ran(tab('pgstate.persist(w=7); st.slider("w", 0, 10, 3, key="w")'))
    assert app.slider(key="w").value == 7
    app.slider(key="w").set_value(8).run()
    assert state["w"] == 8


def test_an_option_that_goes_away_while_the_page_is_open_leaves_what_is_stored(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    app = ran(
        tab("""
            options = ["a", "b"] if st.session_state.get("fewer") else ["a", "b", "c"]
            pgstate.persist("w")
            st.multiselect("w", options, key="w")
        """)
    )
    app.multiselect(key="w").set_value(["c"]).run()
    app.session_state["fewer"] = True
    ran(app)
    assert state["w"] == ["c"]
    app.multiselect(key="w").set_value(["b"]).run()
    assert state["w"] == ["b"]


def test_a_row_that_cannot_be_read_gives_way_to_the_default_and_stays(
    tab: Callable[[Script], AppTest], state: State, sql: Any, caplog: pytest.LogCaptureFixture
) -> None:
    state["size"] = "12"
    sql.execute("UPDATE pgstate.entry SET kind = 'of-the-future'")
    with caplog.at_level(logging.WARNING):
        app = ran(tab('pgstate.persist(size="10"); st.text_input("Size", key="size")'))
    assert app.text_input(key="size").value == "10"
    assert "of-the-future" in caplog.text
    assert sql.execute("SELECT kind FROM pgstate.entry").fetchall() == [("of-the-future",)]


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


# What fresh eyes found


@pytest.mark.parametrize("stored", [{}, {"size": "stored"}])
def test_what_the_script_sets_between_persist_and_the_widget_is_saved(
    stored: dict[str, str], tab: Callable[[Script], AppTest], state: State
) -> None:
    state.update(stored)
    app = tab("""
        pgstate.persist(size="10")
        if "link" in st.session_state:
            st.session_state.size = st.session_state.pop("link")
        st.text_input("Size", key="size")
    """)
    app.session_state["link"] = "from a link"
    assert ran(app).text_input(key="size").value == "from a link"
    assert state["size"] == "from a link"


def test_what_was_typed_before_persist_was_ever_called_is_saved_then(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    app = ran(
        tab("""
            if st.checkbox("Remember me", key="remember"):
                pgstate.persist("size")
            st.text_input("Size", key="size")
        """)
    )
    app.text_input(key="size").set_value("typed").run()
    app.checkbox(key="remember").check().run()
    assert dict(state) == {"size": "typed"}


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


def test_another_widget_under_the_same_key_on_another_page_leaves_what_is_stored(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    app = ran(
        tab("""
            if st.radio("Page", ["A", "B"], key="page") == "A":
                pgstate.persist("x")
                st.text_input("Name", key="x")
            else:
                st.text_input("Another name", max_chars=50, key="x")
        """)
    )
    app.text_input(key="x").set_value("abc").run()
    app.radio(key="page").set_value("B").run()
    app.radio(key="page").set_value("A").run()
    assert app.text_input(key="x").value == "abc"
    assert state["x"] == "abc"


def test_visiting_a_page_whose_widget_does_not_fit_writes_nothing(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    app = ran(
        tab("""
            pgstate.persist("x")
            if st.radio("Page", ["A", "B"], key="page") == "A":
                st.text_input("Name", key="x")
            else:
                st.slider("Number", 0, 10, 3, key="x")
        """)
    )
    app.text_input(key="x").set_value("abc").run()
    app.radio(key="page").set_value("B").run()
    assert app.slider(key="x").value == 3
    app.radio(key="page").set_value("A").run()
    assert app.text_input(key="x").value == "abc"
    assert state["x"] == "abc"


@pytest.mark.parametrize(
    ("widget", "value"),
    [
        ('st.slider("w", 0, 100 + more, 5, key="w")', 90),
        ('st.number_input("w", 0, 100 + more, 5, key="w")', 90),
        ('st.selectbox("w", list(range(100 + more)), key="w")', 90),
        ('st.multiselect("w", list(range(100 + more)), key="w")', [90]),
        ('st.text_input(f"w {more}", "default", max_chars=50 + more, key="w")', "kept"),
    ],
)
def test_a_value_that_still_fits_stays_when_the_widget_changes(
    widget: str, value: Any, tab: Callable[[Script], AppTest], state: State
) -> None:
    state["w"] = value
    app = ran(
        tab(f"""
            more = st.session_state.get("more", 0)
            pgstate.persist("w")
            {widget}
            st.session_state["seen"] = [st.session_state["w"]]
        """)
    )
    app.session_state["more"] = 50
    assert ran(app).session_state["seen"] == [value]
    assert ran(app).session_state["seen"] == [value]
    assert state["w"] == value


def test_a_default_of_the_script_does_not_overwrite_a_row_that_cannot_be_read(
    tab: Callable[[Script], AppTest], state: State, sql: Any
) -> None:
    state["count"] = 41
    sql.execute("UPDATE pgstate.entry SET kind = 'of-the-future'")
    app = ran(
        tab("""
            pgstate.persist("count")
            st.session_state.setdefault("count", 0)
            if st.button("More", key="more"):
                st.session_state.count += 1
        """)
    )
    ran(app)
    assert sql.execute("SELECT kind FROM pgstate.entry").fetchall() == [("of-the-future",)]
    app.button(key="more").click().run()
    assert state["count"] == 1


def test_what_changes_while_it_is_being_saved_is_saved_by_the_next_run(
    tab: Callable[[Script], AppTest], state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ran(tab("pgstate.persist(messages=[])"))
    app.session_state["messages"].append("one")
    with monkeypatch.context() as patch:
        write = Entries.write

        def slow(*all: Any, **named: Any) -> Any:
            done = write(*all, **named)
            app.session_state["messages"].append("two")  # as the next run's callback does
            return done

        patch.setattr(Entries, "write", slow)
        app.run()
    app.run()
    assert state["messages"] == ["one", "two"]


def test_one_value_too_large_does_not_keep_the_others_from_being_saved(
    tab: Callable[[Script], AppTest], state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSTATE_MAX_VALUE_BYTES", "1000")
    app = ran(
        tab("""
            pgstate.persist("big", "size")
            st.session_state.big = "x" * 5000
            st.text_input("Size", key="size")
        """)
    )
    app.text_input(key="size").set_value("typed").run()
    assert "max_value_bytes" in app.toast[0].value.replace("\\", "")
    assert dict(state) == {"size": "typed"}


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


@pytest.mark.skipif(not hasattr(st, "pagination"), reason="the selectbox of 1.51 cannot find it")
def test_not_a_number_is_an_option_like_others(
    tab: Callable[[Script], AppTest], state: State, caplog: pytest.LogCaptureFixture
) -> None:
    state["w"] = float("nan")
    app = ran(
        tab("""
            options = [1.0, float("nan")]
            pgstate.persist("w")
            st.session_state["seen"] = [st.selectbox("w", options, key="w")]
        """)
    )
    assert app.session_state["seen"][0] != app.session_state["seen"][0]
    assert "no longer fits" not in caplog.text


def test_a_choice_that_another_one_rules_out_is_no_news_for_the_log_where_nothing_is_stored(
    tab: Callable[[Script], AppTest], state: State, caplog: pytest.LogCaptureFixture
) -> None:
    app = ran(
        tab("""
            pgstate.persist("country", "city")
            cities = {"DE": ["Bonn", "Ulm"], "FR": ["Lyon", "Nice"]}
            country = st.selectbox("Country", list(cities), key="country")
            st.selectbox("City", cities[country], key="city")
        """)
    )
    app.selectbox(key="country").select("FR").run()
    assert app.selectbox(key="city").value == "Lyon"
    assert dict(state) == {"country": "FR"}
    assert "fit" not in caplog.text


def test_a_default_for_persist_that_the_widget_cannot_show_is_said_once(
    tab: Callable[[Script], AppTest], caplog: pytest.LogCaptureFixture
) -> None:
    app = ran(tab('pgstate.persist(size=99); st.slider("Size", 0, 10, 5, key="size")'))
    assert ran(app).slider(key="size").value == 5
    said = [record.getMessage() for record in caplog.records if "fit" in record.getMessage()]
    assert said == ["'size': the default given to persist() does not fit the widget."]


# What is deleted stays deleted

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


def test_a_widget_that_nobody_can_set_deletes_nothing_however_often_it_is_refused(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    state["w"] = "of another page"
    app = tab('pgstate.persist("w"); st.button("Go", key="w")')
    for _ in range(3):
        assert "cannot keep this widget" in app.run().exception[0].message
    assert dict(state) == {"w": "of another page"}


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


# Options that come and go

ONE: dict[str, str] = {
    "selectbox": 'st.selectbox("w", options, key="selectbox")',
    "selectbox_or_nothing": 'st.selectbox("w", options, index=None, key="selectbox_or_nothing")',
    "radio": 'st.radio("w", options, key="radio")',
    "select_slider": 'st.select_slider("w", options or ["-"], key="select_slider")',
    "relabelled": 'st.selectbox(f"one of {len(options)}", options, key="relabelled")',
}
SEVERAL: dict[str, str] = {
    "multiselect": 'st.multiselect("w", options, key="multiselect")',
}
if hasattr(st, "pagination"):  # AppTest of 1.51 runs no second time where these are empty
    ONE |= {
        "pills": 'st.pills("w", options, key="pills")',
        "segment": 'st.segmented_control("w", options, key="segment")',
    }
    SEVERAL |= {
        "some_pills": 'st.pills("w", options, selection_mode="multi", key="some_pills")',
        "segments": 'st.segmented_control("w", options, selection_mode="multi", key="segments")',
    }
RANGE = {
    "range": 'st.select_slider("w", options or "ab", (options or "ab")[:2], key="range")',
}


class Choices:
    """A page with many widgets, all of the options that the test sets."""

    def __init__(self, app: AppTest, widgets: dict[str, str]) -> None:
        self.app = app
        self.widgets = widgets

    def seen(self, options: str | None = None) -> dict[str, Any]:
        """What they show, in a run with these options."""
        if options is not None:
            self.app.session_state["options"] = list(options)
        ran(self.app)
        return {name: self.app.session_state[name] for name in self.widgets}

    def choose(self, value: Any) -> None:
        """In all of them; it is sent with the next run."""
        kinds = ("selectbox", "radio", "multiselect", "select_slider", "button_group")
        for widget in (widget for kind in kinds for widget in self.app.get(kind)):
            if isinstance(value, tuple):
                widget.set_range(*value)
            else:
                widget.set_value(value)


@pytest.fixture
def choices(tab: Callable[[Script], AppTest]) -> Callable[..., Choices]:
    def make(widgets: dict[str, str], default: Any = None) -> Choices:
        defaults = {} if default is None else dict.fromkeys(widgets, default)
        lines = [
            'options = st.session_state.get("options", [])',
            f"pgstate.persist(*{list(widgets)}, **{defaults})",
            *widgets.values(),
        ]
        return Choices(tab("\n".join(lines)), widgets)

    return make


FORMS = [
    pytest.param(ONE, "c", "b", id="one"),
    pytest.param(SEVERAL, ["c"], ["b"], id="several"),
    pytest.param(RANGE, ("b", "c"), ("b", "b"), id="range"),
]


def none_shows(value: Any, seen: dict[str, Any]) -> bool:
    return value not in seen.values()


@pytest.mark.parametrize(("widgets", "value", "anew"), FORMS)
def test_a_choice_is_shown_as_soon_as_it_is_an_option_until_there_is_another_one(
    widgets: dict[str, str],
    value: Any,
    anew: Any,
    choices: Callable[..., Choices],
    state: State,
) -> None:
    all_of_it, all_anew = dict.fromkeys(widgets, value), dict.fromkeys(widgets, anew)
    state.update(all_of_it)
    w = choices(widgets)
    assert none_shows(value, w.seen())  # there are no options so far
    assert none_shows(value, w.seen())
    assert w.seen("abc") == all_of_it
    assert w.seen() == all_of_it
    assert none_shows(value, w.seen("ab"))
    assert w.seen("bca") == all_of_it
    assert dict(state) == all_of_it
    assert {type(found) for found in dict(state).values()} == {type(value)}
    assert none_shows(value, w.seen("ab"))
    w.choose(anew)
    assert w.seen() == all_anew
    assert dict(state) == all_anew
    assert w.seen("abc") == all_anew
    assert dict(state) == all_anew


@pytest.mark.parametrize(("widgets", "value", "anew"), FORMS)
def test_a_given_default_is_shown_once_it_is_an_option_and_is_not_stored(
    widgets: dict[str, str],
    value: Any,
    anew: Any,
    choices: Callable[..., Choices],
    state: State,
) -> None:
    w = choices(widgets, value)
    assert none_shows(value, w.seen())
    assert w.seen("abc") == dict.fromkeys(widgets, value)
    assert dict(state) == {}
    w.choose(anew)
    assert w.seen() == dict.fromkeys(widgets, anew)
    assert w.seen("bca") == dict.fromkeys(widgets, anew)
    assert dict(state) == dict.fromkeys(widgets, anew)


def test_the_part_of_a_choice_that_fits_is_shown_and_all_of_it_once_it_fits(
    choices: Callable[..., Choices], state: State
) -> None:
    state.update({key: ["a", "c", "d"] for key in SEVERAL})
    w = choices(SEVERAL)
    steps = {"ab": "a", "abc": "ac", "bca": "ac", "abcd": "acd", "acd": "acd", "ad": "ad"}
    for options, shown in steps.items():
        assert w.seen(options) == {key: list(shown) for key in SEVERAL}
    assert dict(state) == {key: ["a", "c", "d"] for key in SEVERAL}
    w.choose(["d"])
    assert w.seen() == {key: ["d"] for key in SEVERAL}
    assert w.seen("abcd") == {key: ["d"] for key in SEVERAL}
    assert dict(state) == {key: ["d"] for key in SEVERAL}


def test_a_choice_that_its_own_run_rules_out_in_part_is_kept_whole(
    choices: Callable[..., Choices], state: State
) -> None:
    state.update({key: ["a", "c"] for key in SEVERAL})
    w = choices(SEVERAL)
    w.seen("abc")
    w.choose(["a", "b", "c"])
    assert w.seen("ab") == {key: ["a", "b"] for key in SEVERAL}
    assert w.seen() == {key: ["a", "b"] for key in SEVERAL}
    assert dict(state) == {key: ["a", "b", "c"] for key in SEVERAL}
    assert w.seen("abc") == {key: ["a", "b", "c"] for key in SEVERAL}


def test_what_another_tab_has_chosen_meanwhile_is_shown_once_it_is_an_option(
    choices: Callable[..., Choices], state: State
) -> None:
    state["radio"] = "c"
    w = choices({"radio": ONE["radio"]})
    assert w.seen("ab") == {"radio": "a"}
    state["radio"] = "d"
    assert w.seen() == {"radio": "a"}
    assert w.seen("abc") == {"radio": "a"}
    assert w.seen("abcd") == {"radio": "d"}


def test_what_no_longer_fits_is_said_once_however_often_it_comes_and_goes(
    choices: Callable[..., Choices], state: State, caplog: pytest.LogCaptureFixture
) -> None:
    state["radio"] = "c"
    w = choices({"radio": ONE["radio"]})
    for options in ("ab", "abc", "ab", "abc", "a"):
        w.seen(options)
    assert caplog.text.count("no longer fits") == 1


def test_an_option_that_comes_back_does_not_win_over_what_the_script_sets(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    state["w"] = "c"
    app = tab("""
        options = st.session_state.get("options", ["a", "b"])
        pgstate.persist("w")
        if len(options) == 3:
            st.session_state.w = "b"
        st.selectbox("w", options, key="w")
    """)
    assert ran(app).selectbox(key="w").value == "a"
    app.session_state["options"] = ["a", "b", "c"]
    assert ran(app).selectbox(key="w").value == "b"
    assert state["w"] == "b"
