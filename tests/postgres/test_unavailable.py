"""An outage in scripts that AppTest runs, in threads and without Streamlit."""

from __future__ import annotations

import inspect
import logging
import pickle
from collections.abc import Callable

import psycopg
import pytest
import streamlit as st
from gate import Gate
from streamlit.testing.v1 import AppTest

from streamlit_pgstate import StoreUnavailable, connect
from streamlit_pgstate.page.outage import FIRST_SENTENCES, SENTENCE, DatabaseAway
from streamlit_pgstate.postgres.faults import PERHAPS_STORED
from streamlit_pgstate.postgres.outage_log import is_new_outage

pytestmark = pytest.mark.faults

Opened = Callable[[Callable[[], None]], AppTest]


@pytest.fixture
def opened(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """An AppTest of a function whose app reaches the database through the gate."""
    monkeypatch.setenv("PGSTATE_URL", gate.url)
    monkeypatch.setenv("PGSTATE_TIMEOUT", "1")
    return lambda script: AppTest.from_function(script, default_timeout=30)


def said(app: AppTest) -> list[str]:
    assert not app.exception, app.exception
    return [info.value for info in app.info]


def test_it_says_so_once_and_ends_the_run_which_succeeds_when_it_is_back(
    opened: Opened, gate: Gate
) -> None:
    def script() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        st.write("above")
        pgstate.modify("runs", lambda n: n + 1, default=0)
        st.write("below")

    app = opened(script)
    assert said(app.run()) == []
    gate.shut()
    assert said(app.run()) == [SENTENCE]
    assert [text.value for text in app.markdown] == ["above"]
    gate.open()
    assert said(app.run()) == []
    assert [text.value for text in app.markdown] == ["above", "below"]


def test_a_process_that_has_never_reached_its_database_says_where_the_reason_is(
    opened: Opened, gate: Gate
) -> None:
    """Perhaps the URL was mistyped, and it is its author who looks at the page."""

    def script() -> None:
        import streamlit_pgstate as pgstate

        pgstate.get("name")

    app = opened(script)
    gate.shut()
    for _ in range(2):
        (sentences,) = said(app.run())
        assert sentences == f"{SENTENCE} The reason is in the server's log."
    gate.open()
    assert said(app.run()) == []
    gate.shut()
    assert said(app.run()) == [SENTENCE]


def test_while_it_is_away_verbs_of_each_kind_can_be_caught_and_say_so_once(
    opened: Opened, gate: Gate
) -> None:
    def script() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        verbs = {
            "get": lambda: pgstate.get("a"),
            "set": lambda: pgstate.set("a", 1),
            "persist": lambda: pgstate.persist("name"),
            "mount": lambda: pgstate.mount(live=True),
            "uploader": lambda: pgstate.file_uploader("File", key="file"),
            "app": lambda: pgstate.scope("app").set("a", st.session_state.setdefault("n", 0)),
            "tab": lambda: pgstate.scope("tab"),
        }
        for name, verb in verbs.items():
            try:
                verb()
            except pgstate.StoreUnavailable as error:
                st.write(f"{name}: {isinstance(error, Exception)} {error.__class__.__name__}")

    app = opened(script)
    gate.shut()
    assert said(app.run()) == [FIRST_SENTENCES]
    names = ["get", "set", "persist", "mount", "uploader", "app", "tab"]
    assert [text.value for text in app.markdown] == [f"{n}: True DatabaseAway" for n in names]


def test_a_script_that_catches_it_and_stops_comes_back_by_itself_all_the_same(
    opened: Opened, gate: Gate
) -> None:
    def script() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        try:
            pgstate.get("a")
        except pgstate.StoreUnavailable:
            st.warning("later")
            st.stop()

    app = opened(script)
    gate.shut()
    assert said(app.run()) == [FIRST_SENTENCES]


def test_a_callback_ends_its_run_too(opened: Opened, gate: Gate) -> None:
    def script() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        shared = pgstate.scope("app")
        st.button("write", on_click=shared.update, args=[{"a": 1}])

    app = opened(script)
    said(app.run())
    gate.shut()
    assert said(app.button[0].click().run()) == [SENTENCE]
    assert not app.button
    gate.open()
    assert said(app.run()) == []
    assert app.button


def test_in_a_thread_the_error_is_the_plain_one_and_the_page_says_nothing(
    opened: Opened, gate: Gate
) -> None:
    def script() -> None:
        from concurrent.futures import ThreadPoolExecutor

        import streamlit as st

        if "shared" not in st.session_state:
            import streamlit_pgstate as pgstate

            st.session_state.shared = pgstate.scope("app")
            st.stop()
        with ThreadPoolExecutor(1) as threads:
            error = threads.submit(st.session_state.shared.set, "a", 1).exception()
        st.write(type(error).__name__)

    app = opened(script)
    app.run()
    gate.shut()
    assert said(app.run()) == []
    assert [text.value for text in app.markdown] == ["StoreUnavailable"]


def test_without_streamlit_the_error_is_the_plain_one(gate: Gate) -> None:
    store = connect(gate.url, timeout=1)
    state = store.state(store.new_token())
    gate.shut()
    with pytest.raises(StoreUnavailable) as caught:
        state["a"] = 1
    assert type(caught.value) is StoreUnavailable
    with pytest.raises(StoreUnavailable) as caught:
        store.state(store.new_token()).get("a")
    assert " right? Database: " in caught.value.in_full
    store.close()


def test_another_process_gets_the_plain_error(gate: Gate) -> None:
    store = connect(gate.url, timeout=1)
    gate.shut()
    with pytest.raises(StoreUnavailable) as caught:
        store.new_token()
    store.close()
    away = DatabaseAway(*caught.value.args)
    away.detail = caught.value.detail
    for error in (caught.value, away):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is StoreUnavailable
        assert again.in_full == caught.value.in_full
        assert again.cause is None


def test_what_is_no_outage_stays_an_error_with_its_message(
    opened: Opened, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script() -> None:
        import streamlit_pgstate as pgstate

        pgstate.get("a")

    monkeypatch.setenv("PGSTATE_SCHEMA", "elsewhere")
    monkeypatch.setenv("PGSTATE_AUTO_MIGRATE", "false")
    app = opened(script).run()
    assert "pgstate migrate" in app.exception[0].message
    assert not app.info


def test_a_run_waits_for_a_frozen_server_once_and_may_try_a_refusing_one_again(
    opened: Opened, gate: Gate
) -> None:
    def script() -> None:
        import time

        import streamlit as st

        import streamlit_pgstate as pgstate

        began = time.monotonic()
        for name in ("browser", "app", "tab", "app"):
            try:
                pgstate.scope(name)
            except pgstate.StoreUnavailable as error:
                st.write(str(error))
        st.session_state.took = time.monotonic() - began

    app = opened(script)
    with gate.frozen():
        assert said(app.run()) == [FIRST_SENTENCES]
    assert len(app.markdown) == 4
    assert app.session_state.took < 4  # a new connection has 2 s at least
    assert said(app.run()) == []


def test_a_run_waits_once_for_the_states_of_user_and_app_also_where_the_timeout_is_short(
    opened: Opened, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has locked their rows, and the server itself answers."""

    def script() -> None:
        import contextlib
        import time

        import streamlit as st
        from streamlit.runtime.scriptrunner import get_script_run_ctx

        import streamlit_pgstate as pgstate

        get_script_run_ctx().user_info.update(is_logged_in=True, iss="issuer", sub="ann")
        if "user" not in st.session_state:
            st.session_state.app, st.session_state.user = map(pgstate.scope, ("app", "user"))
            st.session_state.app["n"] = st.session_state.user["n"] = 0
            st.stop()
        began = time.monotonic()
        for verb in (
            lambda: pgstate.scope("user").set("n", time.time()),
            lambda: pgstate.scope("app").set("n", time.time()),
            lambda: pgstate.scope("user").adopt("n"),
            lambda: st.session_state.app.refresh(),
            lambda: st.session_state.user.modify("n", lambda n: n + 1),
            lambda: st.session_state.app.delete("n"),
        ):
            with contextlib.suppress(pgstate.StoreUnavailable):
                verb()
                st.write("it did not fail")
        st.session_state.took = time.monotonic() - began

    monkeypatch.setenv("PGSTATE_URL", url)
    monkeypatch.setenv("PGSTATE_TIMEOUT", "0.8")
    app = opened(script)
    assert said(app.run()) == []
    with psycopg.connect(url) as other:
        other.execute("LOCK pgstate.session IN EXCLUSIVE MODE")
        assert said(app.run()) == [SENTENCE]
    assert not app.markdown
    assert app.session_state.took < 1.5


def test_what_a_run_that_has_waited_does_not_send_is_not_stored_and_it_says_so(
    opened: Opened, gate: Gate
) -> None:
    def script() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        pgstate.set("first", 0)
        for verb in (
            lambda: pgstate.set("first", 1),  # its answer is lost
            lambda: pgstate.set("second", 1),
            lambda: pgstate.modify("third", lambda n: n + 1, default=0),
            lambda: pgstate.delete("first"),
            lambda: pgstate.scope("app").refresh(),
        ):
            with st.session_state.lost():
                try:
                    verb()
                except pgstate.StoreUnavailable as error:
                    st.write(str(error))

    app = opened(script)
    app.session_state["lost"] = gate.muted
    said(app.run())
    first, *others, read = [text.value for text in app.markdown]
    assert PERHAPS_STORED in first
    for message in others:
        assert "Nothing was stored." in message
        assert PERHAPS_STORED not in message
    assert len(others) == 3
    assert "stored" not in read


def test_another_database_is_asked_all_the_same_and_what_persist_has_bound_is_saved(
    opened: Opened, gate: Gate, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script() -> None:
        import os

        import streamlit as st

        import streamlit_pgstate as pgstate

        if "theirs" not in st.session_state:
            theirs = pgstate.connect(os.environ["FROZEN"], timeout=1)
            st.session_state.theirs = theirs.state(theirs.new_token())
        pgstate.persist("name")
        try:
            st.session_state.theirs["seen"] = st.session_state.get("name")
        except pgstate.StoreUnavailable:
            pgstate.set("seen", "by ours")
        st.write(pgstate.get("seen"))
        st.session_state.ours = pgstate.scope()
        st.text_input("Name", key="name")

    monkeypatch.setenv("FROZEN", gate.url)
    app = opened(script)
    monkeypatch.setenv("PGSTATE_URL", url)
    said(app.run())
    with gate.frozen():
        app.text_input(key="name").set_value("typed").run()
    assert [text.value for text in app.markdown] == ["by ours"]
    assert app.session_state.ours["name"] == "typed"


def test_what_a_run_changes_is_saved_at_its_end_though_it_has_waited(
    opened: Opened, gate: Gate, url: str
) -> None:
    def script() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        pgstate.persist("name")
        if st.session_state.get("name"):
            with st.session_state.get("lock")():
                try:
                    pgstate.scope("app")["n"] = 1
                except pgstate.StoreUnavailable:
                    st.write("waited")
        st.text_input("Name", key="name")
        st.session_state.stored = pgstate.scope()

    app = opened(script)
    app.session_state["lock"] = gate.frozen
    said(app.run())
    said(app.text_input(key="name").set_value("typed").run())
    assert [text.value for text in app.markdown] == ["waited"]
    assert app.session_state.stored["name"] == "typed"


def test_what_others_have_outrun_is_an_error_with_its_message_and_no_outage(
    opened: Opened,
) -> None:
    def script() -> None:
        import streamlit_pgstate as pgstate

        def change(n: int) -> int:
            pgstate.scope().set("n", n + 1)
            return n

        pgstate.modify("n", change, default=0)

    app = opened(script).run()
    assert "was changed by others 100 times" in app.exception[0].message
    assert not app.info


@pytest.mark.parametrize(
    ("since_last", "has_answered", "is_answer", "is_new"),
    [
        (None, False, False, True),  # the first of the process
        (2, False, False, False),  # it has not answered since
        (3600, False, False, False),
        (2, True, False, True),  # it was back meanwhile
        (None, True, True, True),
        (2, True, True, False),  # it answers reads, and its disk is full still
        (61, True, True, True),
        (61, False, True, False),
    ],
)
def test_when_the_log_takes_a_failure_for_a_new_outage(
    since_last: float | None, has_answered: bool, is_answer: bool, is_new: bool
) -> None:
    assert is_new is is_new_outage(
        since_last=since_last, has_answered=has_answered, is_answer=is_answer
    )


def test_the_log_says_it_once_an_outage(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    store = connect(gate.url, timeout=1)
    state = store.state(store.new_token(), cache=False)
    caplog.set_level(logging.WARNING)
    for outages in (1, 2):
        gate.shut()
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                state.keys()
        assert len(caplog.records) == outages
        gate.open()
        assert state.keys() == []
    store.close()


@pytest.mark.skipif(
    "parallel" not in inspect.signature(st.fragment).parameters, reason="no parallel fragments"
)
def test_parallel_fragments_that_fail_say_so_once(opened: Opened, gate: Gate) -> None:
    def script() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        @st.fragment(parallel=True)
        def part(name: str) -> None:
            st.write(pgstate.get(name, "nothing"))

        for name in "abc":
            part(name)

    app = opened(script)
    gate.shut()
    assert said(app.run()) == [FIRST_SENTENCES]
    gate.open()
    assert said(app.run()) == []
    assert [text.value for text in app.markdown] == ["nothing"] * 3
