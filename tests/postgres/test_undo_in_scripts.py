"""`undo` inside Streamlit scripts, run by AppTest: what is saved first, and in which scope."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

import streamlit_pgstate as pgstate
from streamlit_pgstate import State, Store, connect


@pytest.fixture
def url(emptied_url: str) -> str:
    """Replaces the fixture of the same name: no test of this file leaves other tables."""
    return emptied_url


@pytest.fixture
def tab(
    url: str, store: Store, token: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[], None]], AppTest]:
    monkeypatch.setenv("PGSTATE_URL", url)
    monkeypatch.setenv("PGSTATE_HISTORY", "10")

    def make(script: Callable[[], None]) -> AppTest:
        app = AppTest.from_function(script, default_timeout=30)
        pgstate.testing.visit(app, store, token)
        return app.run()

    return make


@pytest.fixture
def state(store: Store, token: str) -> State:
    """The visitor's state, as PostgreSQL has it at each moment."""
    return store.state(token, cache=False)


def persisted() -> None:
    import streamlit as st

    import streamlit_pgstate as pgstate

    pgstate.persist("hidden", size="10", hidden=0)
    st.text_input("Size", key="size")
    if st.button("hide"):
        st.session_state.hidden += 1
        pgstate.undo()
    st.button("undo", on_click=pgstate.undo)
    if st.button("undo here"):
        pgstate.undo()
        st.write("nothing to undo")
    st.write("run to its end")


@pytest.mark.parametrize("button", [1, 2], ids=["in a callback", "in the script"])
def test_undo_shows_the_widget_as_it_was(
    button: int, tab: Callable[[Callable[[], None]], AppTest], state: State
) -> None:
    app = tab(persisted)
    for size in ("11", "12"):
        app.text_input[0].set_value(size).run()
    shown = []
    for _ in range(3):
        app.button[button].click().run()
        assert not app.exception
        assert app.markdown[-1].value == "run to its end"
        shown.append((app.text_input[0].value, state.get("size")))
    assert shown == [("11", "11"), ("10", None), ("10", None)]
    assert (app.markdown[0].value == "nothing to undo") == (button == 2)


@pytest.mark.parametrize("button", [1, 2], ids=["in a callback", "in the script"])
def test_what_comes_with_the_click_is_saved_and_undone(
    button: int, tab: Callable[[Callable[[], None]], AppTest], state: State
) -> None:
    app = tab(persisted)
    app.text_input[0].set_value("11").run()
    app.text_input[0].set_value("12")
    app.button[button].click().run()
    assert app.text_input[0].value == state["size"] == "11"
    assert [it.operation for it in state.history("size")] == ["undo", "persist", "persist"]


def test_what_the_script_has_set_above_is_what_is_undone(
    tab: Callable[[Callable[[], None]], AppTest], state: State
) -> None:
    app = tab(persisted)
    app.button[0].click().run()
    assert app.session_state["hidden"] == 0
    assert [it.operation for it in state.history("hidden")] == ["undo", "persist"]


def test_each_scope_is_undone_by_itself(
    tab: Callable[[Callable[[], None]], AppTest], state: State
) -> None:
    def script() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        app = pgstate.scope("app")
        if st.button("set"):
            pgstate.set("k", "mine")
            app["k"] = "all visitors'"
        if st.button("undo"):
            app.undo()
        st.write(pgstate.get("k"), app.get("k"))

    app = tab(script)
    app.button[0].click().run()
    assert app.markdown[0].value == "mine all visitors'"
    app.button[1].click().run()
    assert app.markdown[0].value == "mine `None`"
    assert state["k"] == "mine"


def test_a_run_of_a_script_is_undone_as_a_whole_from_a_job(
    tab: Callable[[Callable[[], None]], AppTest], url: str, token: str
) -> None:
    def script() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        pgstate.persist(text="a")
        st.text_input("text", key="text")
        if st.session_state.text != "a":
            pgstate.set("one", 1)
            pgstate.modify("two", lambda n: n + 1, default=0)

    tab(script).text_input[0].set_value("b").run()
    job = connect(url, history=10)
    state = job.state(token)
    assert dict(state) == {"one": 1, "text": "b", "two": 1}
    assert state.undo() == ["one", "text", "two"]
    assert dict(state) == {}
    job.close()
