"""What the visitor has chosen with a run that has not saved it is there with the next that can."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable

import psycopg
import pytest
from gate import Gate
from streamlit.testing.v1 import AppTest

import streamlit_pgstate as pgstate
from streamlit_pgstate import State, Store, StoreUnavailable
from streamlit_pgstate.page.outage import SENTENCE
from streamlit_pgstate.postgres.bodies import Bodies

FULL = """
    CREATE FUNCTION pgstate.full() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN RAISE 'full' USING errcode = '53100'; END $$;
    CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON pgstate.entry
        FOR EACH ROW EXECUTE FUNCTION pgstate.full();
"""
ROOM = "DROP TRIGGER full_disk ON pgstate.entry; DROP FUNCTION pgstate.full()"

Opened = Callable[[str], AppTest]


@pytest.fixture
def url(emptied_url: str) -> str:
    return emptied_url


@pytest.fixture
def opened(gate: Gate, store: Store, token: str, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """A page whose field "name" says "before", as is stored; it reaches the database by the gate.

    Its script may ask how it is to fail: `how` is "" in the first runs.
    """
    monkeypatch.setenv("PGSTATE_URL", gate.url)
    monkeypatch.setenv("PGSTATE_TIMEOUT", "1")

    def make(script: str) -> AppTest:
        lines = (
            "import streamlit as st, streamlit_pgstate as pgstate\n"
            'how = st.session_state.get("how", "")\n'
        )
        app = AppTest.from_string(lines + textwrap.dedent(script), default_timeout=30)
        pgstate.testing.visit(app, store, token)
        run_until_reached(app)
        app.text_input(key="name").set_value("before")
        run_until_reached(app)
        assert not app.exception, app.exception
        assert store.state(token)["name"] == "before"
        return app

    return make


@pytest.fixture
def state(store: Store, token: str) -> State:
    return store.state(token, cache=False)


def type_while_away(app: AppTest) -> None:
    app.text_input(key="name").set_value("typed").run()
    assert [info.value for info in app.info] == [SENTENCE]
    app.run()  # as the page does by itself, and it is away still


def run_until_reached(app: AppTest) -> None:
    """Run, and run again as the page does by itself. A busy machine may take longer than 1 s."""
    for _ in range(10):
        if not app.run().info:
            return
    raise AssertionError([info.value for info in app.info])


def is_back_with_it(app: AppTest, state: State) -> None:
    app.run()
    assert not app.info
    assert app.text_input(key="name").value == "typed"
    assert state["name"] == "typed"


BEGINS = {
    "a verb": "pgstate.get('n')",
    "the app's scope": "pgstate.scope('app')",
    "the tab's scope": "pgstate.scope('tab')",
    "a verb of a callback": "",
    "a scope of a callback": "",
}


@pytest.mark.parametrize("first", BEGINS)
def test_wherever_the_outage_is_met_first(
    first: str, opened: Opened, gate: Gate, state: State
) -> None:
    in_callback = "pgstate.set('seen', 1)" if "verb" in first else "pgstate.scope('app')['n'] = 1"
    app = opened(f"""
        def changed():
            {in_callback if "callback" in first else "pass"}
        {BEGINS[first]}
        pgstate.persist("name")
        st.text_input("Name", key="name", on_change=changed)
    """)
    gate.shut()
    type_while_away(app)
    gate.open()
    is_back_with_it(app, state)


@pytest.mark.parametrize("where", ["above its widget", "in a callback", "at the end alone"])
def test_where_the_database_reads_and_does_not_write(
    where: str, opened: Opened, state: State, sql: psycopg.Connection
) -> None:
    app = opened(f"""
        def changed():
            if {where == "in a callback"}:
                pgstate.set("seen", st.session_state.name)
        pgstate.persist("name")
        if {where == "above its widget"}:
            pgstate.modify("runs", lambda n: n + 1, default=0)
        if how != "hide":
            st.text_input("Name", key="name", on_change=changed)
    """)
    sql.execute(FULL)
    if where == "at the end alone":  # of a run that comes to its last line
        app.session_state["how"] = "hide"
    type_while_away(app)
    sql.execute(ROOM)
    app.session_state["how"] = ""
    is_back_with_it(app, state)


def test_where_the_value_of_another_key_cannot_be_read(
    opened: Opened, state: State, reads_rows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    state["large"] = os.urandom(200_000)
    app = opened("""
        if how:
            pgstate.persist("large")
        pgstate.persist("name")
        st.text_input("Name", key="name")
    """)
    app.session_state["how"] = "large"
    with monkeypatch.context() as patch:

        def away(*_: object, **__: object) -> None:
            raise StoreUnavailable("db:5432/app cannot be reached.")

        patch.setattr(Bodies, "read_to_decode", away)
        type_while_away(app)
    is_back_with_it(app, state)


ENDS = {"an error": "1 / 0", "st.stop": "st.stop()", "st.rerun": "st.rerun()"}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("where", ["in a callback", "above persist", "below persist"])
def test_where_the_run_ends_early(where: str, end: str, opened: Opened, state: State) -> None:
    app = opened(f"""
        def end():
            if st.session_state.get("once"):
                del st.session_state["once"]
                {ENDS[end]}
        if {where == "above persist"}:
            end()
        pgstate.persist("name")
        if {where == "below persist"}:
            end()
        st.text_input("Name", key="name", on_change=end if {where == "in a callback"} else None)
    """)
    app.session_state["once"] = True
    app.text_input(key="name").set_value("typed").run()
    is_back_with_it(app, state)


def test_in_a_fragment_that_raises_above_it(opened: Opened, state: State) -> None:
    app = opened("""
        @st.fragment
        def part():
            if st.session_state.get("once"):
                del st.session_state["once"]
                1 / 0
            pgstate.persist("name")
            st.text_input("Name", key="name")
        part()
    """)
    app.session_state["once"] = True
    app.text_input(key="name").set_value("typed").run()
    is_back_with_it(app, state)


def test_what_was_chosen_later_counts_and_what_was_held_does_not(
    opened: Opened, gate: Gate, state: State
) -> None:
    app = opened("""
        pgstate.persist("name")
        st.text_input("Name", key="name")
    """)
    gate.shut()
    type_while_away(app)
    gate.open()
    is_back_with_it(app, state)
    app.text_input(key="name").set_value("later").run()
    app.run()
    assert app.text_input(key="name").value == state["name"] == "later"


def test_what_is_held_is_not_saved_into_the_state_after_a_forget(
    opened: Opened, gate: Gate, state: State
) -> None:
    app = opened("""
        if how == "forget":
            pgstate.forget()
        pgstate.persist("name")
        st.text_input("Name", key="name")
    """)
    gate.shut()
    type_while_away(app)
    gate.open()
    app.session_state["how"] = "forget"
    app.run()
    assert not app.info
    assert app.text_input(key="name").value == ""


def test_what_a_script_sets_where_it_does_not_persist_is_its_own(
    opened: Opened, state: State
) -> None:
    app = opened("""
        if how:
            st.session_state.name = "of another page"
        else:
            pgstate.persist("name")
            st.text_input("Name", key="name")
    """)
    app.session_state["how"] = "other"
    app.run()
    app.session_state["how"] = ""
    app.run()
    assert app.text_input(key="name").value == state["name"] == "before"
