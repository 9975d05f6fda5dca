"""What persist() saves, and when: at the end of each run, in one statement."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import streamlit_pgstate as pgstate
from persist.persist_scripts import SIZE, ran
from streamlit_pgstate import State, codecs
from streamlit_pgstate.page.outage import SENTENCE
from streamlit_pgstate.postgres.entries import Entries

Script = str | Callable[[], None]
Counter = Callable[[], AbstractContextManager[list[str]]]


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


def test_what_a_script_appends_to_a_deque_is_saved(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    script = """
        from collections import Counter, defaultdict, deque
        pgstate.persist("log", "groups")
        log = st.session_state.setdefault("log", deque(maxlen=2))
        log.append(len(log))
        groups = st.session_state.setdefault("groups", defaultdict(Counter))
        groups["runs"]["all"] += 1
        st.text(f"{log} {groups}")
    """
    ran(ran(tab(script)))
    assert dict(state) == {"log": deque([0, 1]), "groups": {"runs": {"all": 2}}}
    other = ran(tab(script))
    assert other.text[0].value.startswith("deque([1, 2], maxlen=2) defaultdict(<class")


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


def test_a_run_in_which_nothing_changed_encodes_no_value_and_a_page_load_each_once(
    tab: Callable[[Script], AppTest], state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = """
        names = [f"w{number}" for number in range(16)]
        pgstate.persist(*names, "many", "level", "day", "own")
        for name in names:
            st.text_input(name, key=name)
        st.multiselect("Many", ["a", "b", "c"], key="many")
        st.slider("Level", 0.0, 1.0, key="level")
        st.date_input("Day", key="day")
        st.session_state.setdefault("own", ["a", 1, None])
    """
    app = ran(tab(script))
    for number in range(16):
        app.text_input(key=f"w{number}").set_value(f"text {number}")
    app.multiselect(key="many").set_value(["a", "c"])
    app.slider(key="level").set_value(0.25)
    ran(app)
    counted: list[str] = []

    def counting(name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **kwargs: (counted.append(name), plain(*args, **kwargs))[1]

    for name in ("encode", "decode"):
        monkeypatch.setattr(codecs, name, counting(name, getattr(codecs, name)))
    ran(app)
    assert counted == []
    other = tab(script)
    ran(other)
    assert (counted.count("encode"), counted.count("decode")) == (20, 19)
    counted.clear()
    ran(other)
    assert counted == []
    other.text_input(key="w0").set_value("changed")
    ran(other)
    assert counted == ["encode"]
    assert state["w0"] == "changed"
