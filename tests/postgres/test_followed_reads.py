"""Live pages in scripts run by AppTest, over a real database: what they follow, and what it costs.

What the visitor sees of it, in a browser: `tests/browser/test_live.py`.
"""

from __future__ import annotations

import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from gate import Gate
from noise import noise
from streamlit.testing.v1 import AppTest

import streamlit_pgstate as pgstate
from streamlit_pgstate import State, Store, StoreUnavailable, UnknownToken
from streamlit_pgstate.component.bridge import Tick
from streamlit_pgstate.page.following import Pace
from streamlit_pgstate.page.live import Live
from streamlit_pgstate.page.tab import Tab
from streamlit_pgstate.postgres.rows import SMALL, SessionRef
from streamlit_pgstate.postgres.token import session_of_app

SQL = psycopg.Connection[Any]
Counter = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture
def url(emptied_url: str) -> str:
    """Replaces the fixture of the same name: no test of this file leaves other tables."""
    return emptied_url


@pytest.fixture
def state(store: Store, token: str) -> State:
    """The visitor's state, as another device has it."""
    state = store.state(token, cache=False)
    state.update({"a": 1, "b": 2})
    return state


@pytest.fixture
def shared(store: Store) -> State:
    """The app's state, as another visitor has it."""
    ref = SessionRef(session_of_app(store.settings.app), scope="app")
    return store._opened(ref, cache=False)


@dataclass
class Page:
    """A live page that nobody sees: a test asks in its place."""

    app: AppTest
    seconds: float = 0.0

    @property
    def live(self) -> Live:
        live = self.app.session_state["live"]
        assert isinstance(live, Live)
        return live

    def is_due(self, tick: Tick | None = None) -> bool:
        """Whether it would run again by itself, a second later."""
        self.seconds += 1
        return self.live.look(tick or Tick(), at=self.seconds)

    def run(self) -> Page:
        self.app.run()
        assert not self.app.exception, self.app.exception
        return self


@pytest.fixture
def page(
    url: str, store: Store, token: str, state: State, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Page]:
    """Open a page whose script has these lines below `mount`, and those above it."""
    monkeypatch.setenv("PGSTATE_URL", url)

    def make(below: str, *, above: str = "") -> Page:
        lines = [
            "import streamlit as st, streamlit_pgstate as pgstate",
            "from streamlit_pgstate.component.bridge import Tick",
            "from streamlit_pgstate.page import tab",
            textwrap.dedent(above),
            "pgstate.mount(live=True)",
            "st.session_state['live'] = tab.present().live",
            textwrap.dedent(below),
        ]
        app = AppTest.from_string("\n".join(lines), default_timeout=30)
        pgstate.testing.visit(app, store, token)
        return Page(app).run()

    return make


READS_A = {
    "get": "pgstate.get('a')",
    "index": "pgstate.scope()['a']",
    "in": "'a' in pgstate.scope()",
    "setdefault": "pgstate.scope().setdefault('a', 5)",
    "items": "list(pgstate.scope().items())",
    "dict": "dict(pgstate.scope())",
    "values": "list(pgstate.scope().values())",
    "equality": "pgstate.scope() == {}",
    "modify that changes nothing": "pgstate.modify('a', lambda n: n)",
    "modify": "pgstate.modify('a', lambda n: n + 1)",
    "persist": "pgstate.persist('a'); st.number_input('a', key='a')",
    "persist without a widget": "pgstate.persist('a')",
    "data_editor": "pgstate.data_editor([{'x': 1}], key='a')",
    "in a fragment": "st.fragment(lambda: pgstate.get('a'))()",
}


@pytest.mark.parametrize("line", READS_A.values(), ids=READS_A)
@pytest.mark.parametrize("place", ["above", "below"])
def test_a_page_follows_a_key_that_it_has_read(
    line: str, place: str, page: Callable[..., Page], state: State
) -> None:
    live = page(line) if place == "below" else page("", above=line)
    assert not live.is_due()
    state["a"] = 7
    assert live.is_due()
    assert not live.is_due(), "each change makes it run once, whatever becomes of that run"


READS_NO_VALUE = {
    "keys": "pgstate.keys()",
    "iteration": "list(pgstate.scope())",
    "len": "len(pgstate.scope())",
    "truth": "bool(pgstate.scope())",
}


@pytest.mark.parametrize("line", READS_NO_VALUE.values(), ids=READS_NO_VALUE)
def test_a_page_that_reads_names_follows_which_there_are(
    line: str, page: Callable[..., Page], state: State
) -> None:
    live = page(line)
    state["a"] = 7
    assert not live.is_due()
    state["c"] = 3
    assert live.is_due()
    live.run()
    del state["c"]
    assert live.is_due()


READS_NOTHING = {
    "nothing": "",
    "another key": "pgstate.get('b')",
    "set": "pgstate.set('a', 5)",
    "update": "pgstate.update({'a': 5})",
    "the session": "pgstate.session().durable",
    "delete of another": "pgstate.delete('nothing')",
}


@pytest.mark.parametrize("line", READS_NOTHING.values(), ids=READS_NOTHING)
def test_a_page_does_not_follow_what_it_has_not_read(
    line: str, page: Callable[..., Page], state: State
) -> None:
    live = page(line)
    state.update({"a": 7, "c": 3})
    assert not live.is_due()


def test_a_key_that_was_not_there_and_one_that_is_no_more(
    page: Callable[..., Page], state: State
) -> None:
    live = page("pgstate.get('c'); pgstate.get('a')")
    state["c"] = None
    assert live.is_due()
    live.run()
    del state["a"]
    assert live.is_due()
    live.run()
    ttl, took = 0.05, 1.0
    while took >= ttl:  # on a busy machine it may expire before the run has read it
        ttl, begun = 2 * ttl, time.monotonic()
        state.set("a", ttl, ttl=ttl)
        assert live.is_due()
        live.run()
        took = time.monotonic() - begun
    while not live.is_due():  # it has expired, which nobody writes
        pass


def test_a_large_value(page: Callable[..., Page], state: State) -> None:
    state["a"] = noise(SMALL + 1)
    live = page("len(pgstate.get('a'))")
    state["a"] = noise(SMALL + 2)
    assert live.is_due()


def test_what_a_page_no_longer_reads_it_no_longer_follows(
    page: Callable[..., Page], state: State
) -> None:
    live = page("pgstate.get(st.session_state.setdefault('key', 'a'))")
    live.app.session_state["key"] = "b"
    live.run()
    state["a"] = 7
    assert not live.is_due()
    state["b"] = 7
    assert live.is_due()


def test_a_page_does_not_follow_a_new_expiry_of_the_same_value(
    page: Callable[..., Page], state: State, sql: SQL
) -> None:
    state.set("a", 1, ttl=60)
    live = page("pgstate.get('a')")
    state.set("a", 1, ttl=60)
    assert not live.is_due()
    break_connections(sql)
    assert not live.is_due(), "all is read anew"
    state.set("a", 1, ttl=60)
    break_connections(sql)
    assert not live.is_due()
    state.set("a", 2, ttl=60)
    break_connections(sql)
    assert live.is_due()


def break_connections(sql: SQL) -> None:
    """So that the page reads its state anew, all of it."""
    sql.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


WRITES = {
    "set": "pgstate.set('a', 7)",
    "delete": "pgstate.delete('a')",
    "clear": "pgstate.clear()",
    "modify": "pgstate.modify('a', lambda n: n + 1)",
    "pop": "pgstate.scope().pop('a')",
    "persist": "pgstate.persist('a'); st.session_state['a'] = 7",
}


@pytest.mark.parametrize("line", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("place", ["above", "below", "in a callback"])
def test_what_a_page_writes_itself_is_no_change_by_others(
    line: str, place: str, page: Callable[..., Page]
) -> None:
    match place:
        case "above":
            live = page("dict(pgstate.scope())", above=line)
        case "below":
            live = page(f"dict(pgstate.scope())\n{line}")
        case _:
            calls = "; ".join(part for part in line.split("; ") if "persist" not in part)
            live = page(
                f"dict(pgstate.scope())\ndef act(): {calls}\nst.button('act', on_click=act)"
            )
            live.app.button[0].click().run()
    assert not live.is_due()


def test_a_job_with_a_state_of_the_page_reads_nothing_for_it_and_writes_as_others_do(
    page: Callable[..., Page], state: State
) -> None:
    live = page("st.session_state['handed'] = pgstate.scope(); pgstate.get('a')")
    handed = live.app.session_state["handed"]

    def job() -> None:
        handed.get("b")
        list(handed)

    def run(work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    run(job)
    state["b"] = 7
    assert not live.is_due()
    run(lambda: handed.set("a", 7))
    assert live.is_due()


def test_a_job_that_the_run_has_waited_for_reads_nothing_for_it(
    page: Callable[..., Page], state: State
) -> None:
    live = page("""
        import threading
        state = pgstate.scope()
        thread = threading.Thread(target=lambda: dict(state))
        thread.start()
        thread.join()
    """)
    state["a"] = 7
    assert not live.is_due()


def test_a_page_follows_the_app_and_the_tab_as_it_does_the_browser(
    page: Callable[..., Page], shared: State, store: Store
) -> None:
    shared["news"] = "old"
    live = page(
        "pgstate.scope('app').get('news')\n"
        "tab = st.session_state['tab'] = pgstate.scope('tab')\n"
        "tab['job'] = 'begun'\n"
        "tab.get('job')"
    )
    assert not live.is_due()
    shared["news"] = "new"
    assert live.is_due()
    live.run()
    assert not live.is_due()
    store.state_of(live.app.session_state["tab"].id)["job"] = "done"
    assert live.is_due()


def test_a_tick_is_one_read_of_each_scope_that_the_page_has_read(
    page: Callable[..., Page], shared: State, round_trips: Counter
) -> None:
    lines = {
        "": 0,
        "pgstate.set('mine', 1)": 0,
        "pgstate.scope('app')": 0,
        "pgstate.get('a'); pgstate.get('b')": 1,
        "pgstate.scope('app').get('news')": 1,
        "pgstate.get('a'); pgstate.keys(); pgstate.scope('app').get('news')": 2,
        "pgstate.get('a'); pgstate.scope('tab').get('b'); pgstate.scope('app').get('news')": 3,
    }
    for line, reads in lines.items():
        live = page(line)
        with round_trips() as trips:
            assert not live.is_due()
        assert len(trips) == reads, line


def test_pages_that_only_count_their_runs_do_not_drive_each_other(
    page: Callable[..., Page],
) -> None:
    for place in ("above", "below"):
        count = "pgstate.modify('runs', lambda n: n + 1, default=0)"
        pages = [page(count) if place == "below" else page("", above=count) for _ in range(2)]
        assert turns(pages, 10) <= 2


def test_pages_that_each_write_a_key_of_their_own_do_not_drive_each_other(
    page: Callable[..., Page],
) -> None:
    for place in ("above", "below"):
        lines = [f"import time; pgstate.set('from {tab}', time.time())" for tab in range(2)]
        pages = [page(line) if place == "below" else page("", above=line) for line in lines]
        assert turns(pages, 10) == 0


def test_pages_that_read_what_the_other_writes_are_slowed_down_and_one_warning_says_so(
    page: Callable[..., Page], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamlit_pgstate.page.live._warned", set())
    monkeypatch.setattr("streamlit_pgstate.page.live.time.monotonic", lambda: pages[0].seconds)
    pages: list[Page] = [Page(None)]  # type: ignore[arg-type]
    write = "import time; pgstate.set('from {}', time.time()); pgstate.get('from {}')"
    pages = [page(write.format(*pair)) for pair in ((0, 1), (1, 0))]
    turns(pages, 10)
    assert 4 <= turns(pages, 20) <= 8
    said = [record.message for record in caplog.records if "drive each other" in record.message]
    assert len(said) == 1
    assert "'from " in said[0]


def test_a_page_follows_once_its_dialog_is_closed(page: Callable[..., Page], state: State) -> None:
    live = page("pgstate.get('a')")
    state["a"] = 2
    for _ in range(3):
        assert not live.is_due(Tick(has_dialog=True))
    assert live.is_due()
    assert not live.run().is_due(), "it has followed"


@pytest.mark.parametrize("fragment", ["", "@st.fragment"])
def test_a_tick_that_was_sent_before_the_page_showed_its_dialog_does_not_close_it(
    page: Callable[..., Page], state: State, fragment: str
) -> None:
    live = page(f"""
        @st.dialog("Comment")
        def comment():
            st.text_input("words")

        {fragment or "@lambda part: part"}
        def part():
            pgstate.get("a")
            if st.button("open"):
                comment()

        part()
    """)
    assert not live.is_due()
    live.app.button[0].click()
    live.run()
    state["a"] = 2
    assert not live.is_due(), "the browser has perhaps sent this tick before"
    assert not live.is_due(Tick(has_dialog=True))
    assert live.is_due()


def test_a_page_that_others_drive_runs_at_once_when_its_session_has_ended(
    page: Callable[..., Page], state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = page("pgstate.get('a')")
    monkeypatch.setattr(Tab, "_leave_page", lambda tab: None)  # no script runs here
    live.live._pace = Pace(driven=5, last=live.seconds)
    state.forget()
    assert live.is_due()
    assert not live.is_due()


def test_a_page_still_runs_where_its_session_ends_and_the_read_after_that_fails(
    page: Callable[..., Page], state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = page(
        "pgstate.get('a'); st.session_state['app'] = pgstate.scope('app'); "
        "st.session_state['app'].get('x')"
    )
    monkeypatch.setattr(Tab, "_leave_page", lambda tab: None)  # no script runs here
    state.forget()
    shared = live.app.session_state["app"]

    def fail() -> None:
        raise StoreUnavailable("No answer.")

    with monkeypatch.context() as failing:
        failing.setattr(shared._session, "refresh_without_lock", fail)
        with pytest.raises(StoreUnavailable):
            live.is_due()
    assert live.is_due()
    assert not live.is_due()


def test_a_live_page_notices_that_the_apps_state_was_forgotten_and_goes_on_with_the_next(
    page: Callable[..., Page], store: Store
) -> None:
    live = page(
        "state = st.session_state['app'] = pgstate.scope('app'); "
        "st.session_state['word'] = state.get('word')"
    )
    before = live.app.session_state["app"]
    before["word"] = "secret"
    assert live.is_due()
    assert live.run().app.session_state["word"] == "secret"
    store.state_of(before.id).forget()
    assert live.is_due()
    assert live.run().app.session_state["word"] is None
    assert not live.is_due()
    with pytest.raises(UnknownToken):
        before["word"] = "secret"
    live.app.session_state["app"]["word"] = "new"
    assert live.is_due()
    assert live.run().app.session_state["word"] == "new"


@pytest.fixture
def gate(url: str, monkeypatch: pytest.MonkeyPatch, page: object) -> Iterator[Gate]:
    """The way of the test's pages to the database."""
    gate = Gate(url)
    monkeypatch.setenv("PGSTATE_URL", gate.url)
    monkeypatch.setenv("PGSTATE_TIMEOUT", "1")
    yield gate
    gate.shut()


def test_nobody_waits_for_a_page_that_asks_a_frozen_database_again(
    page: Callable[..., Page], gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = page(
        "pgstate.get('a'); st.session_state['handed'] = pgstate.scope()\n"
        "st.session_state['visit'] = tab.present().browser"
    )
    visit, handed = live.app.session_state["visit"], live.app.session_state["handed"]
    asks = threading.Event()

    def fail() -> None:
        with pytest.raises(StoreUnavailable):
            live.is_due()

    database = visit.tables._database
    monkeypatch.setattr(database, "_before_statement", lambda database: asks.set())
    with gate.frozen():
        tick = threading.Thread(target=fail)
        tick.start()
        assert asks.wait(10)
        with visit._lock:
            assert handed["a"] == 1
            assert tick.is_alive()
        tick.join()


def test_a_page_that_cannot_ask_leaves_it_at_that_until_it_asks_again(
    page: Callable[..., Page], gate: Gate
) -> None:
    live = page("""
        pgstate.get('a'); pgstate.scope('app').get('x'); pgstate.scope('tab').get('x')
        if 'gate' in st.session_state:
            st.session_state.gate.shut()
            st.session_state.live._on_tick(Tick())
    """)
    live.app.session_state["gate"] = gate
    live.run()
    assert not live.app.info, "nothing on the page has failed"
    gate.open()
    assert not live.is_due()


def turns(pages: list[Page], seconds: int) -> int:
    """How often the pages run in so many seconds, nobody touching anything."""
    runs = 0
    for _ in range(seconds):
        for page in pages:
            if page.is_due():
                page.run()
                runs += 1
    return runs
