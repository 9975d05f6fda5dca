"""The verbs inside Streamlit scripts, run by AppTest: no browser, but a real database."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

import streamlit_pgstate as pgstate
from streamlit_pgstate import Store
from streamlit_pgstate.page import apps, tab


@pytest.fixture
def app(url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], AppTest]:
    """An AppTest of a function whose app uses the test's own database."""
    monkeypatch.setenv("PGSTATE_URL", url)

    def make(script: Callable[[], None]) -> AppTest:
        return AppTest.from_function(script, default_timeout=30)

    return make


def note() -> None:
    import streamlit as st

    import streamlit_pgstate as pgstate

    st.session_state.setdefault("note", pgstate.get("note", ""))
    pgstate.set("note", st.text_area("Note", key="note"))


def test_a_visitor_with_a_token_comes_back(
    app: Callable[[Callable[[], None]], AppTest], store: Store
) -> None:
    first = app(note)
    token = pgstate.testing.visit(first, store)
    first.run().text_area("note").set_value("milk").run()

    again = app(note)
    pgstate.testing.visit(again, store, token)

    assert again.run().text_area("note").value == "milk"
    assert store.state(token)["note"] == "milk"


def test_an_apptest_without_a_token_is_a_new_visitor_who_stays_the_same(
    app: Callable[[Callable[[], None]], AppTest],
) -> None:
    def count() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        st.metric("runs", pgstate.modify("runs", lambda n: n + 1, default=0))

    one, other = app(count), app(count)

    assert [one.run().metric[0].value for _ in range(3)] == ["1", "2", "3"]
    assert other.run().metric[0].value == "1"


def test_a_page_view_that_stores_nothing_leaves_no_row(
    app: Callable[[Callable[[], None]], AppTest], sql: psycopg.Connection
) -> None:
    def look() -> None:
        import streamlit_pgstate as pgstate

        assert pgstate.get("nothing") is None
        assert pgstate.keys() == []
        assert pgstate.session().created_at is None

    assert not app(look).run().exception
    assert sql.execute("SELECT count(*) FROM pgstate.session").fetchone() == (0,)


def test_a_run_costs_one_round_trip_and_a_write_one_more(
    app: Callable[[Callable[[], None]], AppTest], store: Store, round_trips: Callable
) -> None:
    def script() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        for name in ("a", "b", "c"):
            pgstate.get(name)
        pgstate.set("a", st.session_state.get("value", 1))

    visitor = app(script)
    pgstate.testing.visit(visitor, store)
    visitor.run()
    with round_trips() as nothing_changed:
        visitor.run()
    visitor.session_state["value"] = 2
    with round_trips() as one_write:
        visitor.run()

    assert not visitor.exception
    assert len(nothing_changed) == 1
    assert len(one_write) == 2


def test_what_is_set_is_stored_before_st_stop_and_st_rerun_and_an_exception(
    app: Callable[[Callable[[], None]], AppTest], store: Store
) -> None:
    def script() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        if pgstate.modify("runs", lambda n: n + 1, default=0) == 1:
            pgstate.set("before rerun", True)
            st.rerun()
        pgstate.set("before the error", True)
        raise RuntimeError("the app's own")

    visitor = app(script)
    token = pgstate.testing.visit(visitor, store)
    visitor.run()

    assert visitor.exception[0].message == "the app's own"
    assert store.state(token).keys() == ["before rerun", "before the error", "runs"]


def test_clearing_the_session_state_changes_nothing_stored(
    app: Callable[[Callable[[], None]], AppTest],
) -> None:
    def script() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        runs = pgstate.modify("runs", lambda n: n + 1, default=0)
        for key in list(st.session_state):
            if key != "streamlit_pgstate_tab":
                del st.session_state[key]
        pgstate.set("after", runs)
        st.markdown(str(pgstate.get("after")))

    visitor = app(script)

    assert visitor.run().markdown[-1].value == "1"
    assert visitor.run().markdown[-1].value == "2"


def test_a_thread_uses_the_state_that_the_script_hands_to_it(
    app: Callable[[Callable[[], None]], AppTest], store: Store
) -> None:
    def script() -> None:
        import threading

        import streamlit_pgstate as pgstate

        state = pgstate.scope()
        worker = threading.Thread(target=state.set, args=("from the thread", 1))
        worker.start()
        worker.join()
        assert pgstate.get("from the thread") == 1

    visitor = app(script)
    token = pgstate.testing.visit(visitor, store)

    assert not visitor.run().exception
    assert store.state(token)["from the thread"] == 1


@pytest.mark.parametrize("in_thread", [False, True])
def test_outside_a_script_the_verbs_say_what_to_use_instead(in_thread: bool) -> None:
    errors: list[Exception] = []

    def call() -> None:
        try:
            pgstate.get("size")
        except pgstate.NoSessionError as error:
            errors.append(error)

    if in_thread:
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
    else:
        call()

    assert "pgstate.scope()" in str(errors[0])
    assert "connect(url).state(token)" in str(errors[0])


def test_an_error_shows_the_message_and_the_scripts_own_line_only(
    app: Callable[[Callable[[], None]], AppTest],
) -> None:
    def script() -> None:
        import streamlit_pgstate as pgstate

        pgstate.set("cart", {"items": [1, 2, lambda: 3]})

    def script_with_a_scope() -> None:
        import streamlit_pgstate as pgstate

        pgstate.scope("app")["cart"] = {"items": [1, 2, lambda: 3]}

    for each in (script, script_with_a_scope):
        shown = app(each).run().exception[0]
        assert "'cart' → 'items' → [2] is a function" in shown.message
        assert len([line for line in shown.stack_trace if line.strip().startswith("File")]) <= 3


def test_a_cached_function_gets_no_visitors_value(
    app: Callable[[Callable[[], None]], AppTest],
) -> None:
    def script() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        pgstate.set("name", "Ada")
        st.cache_data(lambda: pgstate.get("name"))()

    assert "give one visitor's value to all" in app(script).run().exception[0].message


def test_a_strangers_refused_token_does_not_cost_the_visitor_the_session(
    app: Callable[[Callable[[], None]], AppTest], store: Store
) -> None:
    def script() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        store = pgstate.connect()
        job = store.state(store.new_token())
        job["k"] = 1
        job.forget()
        st.markdown(str(pgstate.session().id))
        pgstate.modify("k", lambda _: job.get("k") or job.set("k", 2))

    visitor = app(script)
    token = pgstate.testing.visit(visitor, store)
    visitor.run()

    assert "was forgotten" in visitor.exception[0].message
    assert visitor.markdown[0].value == str(store.state(token).id)


def test_a_token_that_a_test_gives_and_the_app_refuses_is_told(
    app: Callable[[Callable[[], None]], AppTest], store: Store
) -> None:
    visitor = app(note)
    token = store.new_token()
    forged = token[:-43] + ("A" if token[-43] != "A" else "B") + token[-42:]
    pgstate.testing.visit(visitor, store, forged)

    assert "not issued by this app" in visitor.run().exception[0].message


@pytest.mark.parametrize(
    ("secrets", "said"),
    [
        ('[connections.pgstate]\nurl = "postgresql://me:s3cr3t', "is not valid TOML"),
        ('[connections]\npgstate = "postgresql://me:s3cr3t@h/d"', "is not a table"),
    ],
)
def test_secrets_that_cannot_be_read_are_told_and_nothing_is_stored_elsewhere(
    secrets: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ".streamlit"
    folder.mkdir()
    (folder / "secrets.toml").write_text(secrets)
    program = (
        "import streamlit_pgstate as p\n"
        "try: p.connect().new_token()\n"
        "except p.ConfigError as error: print(error)"
    )
    monkeypatch.delenv("PGSTATE_URL", raising=False)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert said in done.stdout
    assert "s3cr3t" not in done.stdout + done.stderr
    assert not (tmp_path / ".pgstate").exists()


def test_connect_in_a_script_has_the_settings_of_its_app(
    app: Callable[[Callable[[], None]], AppTest],
) -> None:
    def script() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        pgstate.configure(app="shop", session_ttl="7d")
        found = pgstate.connect(app="other").settings
        st.markdown(f"{found.app} {found.session_ttl.days}")

    assert app(script).run().markdown[0].value == "other 7"


def test_settings_of_the_app_are_checked_where_they_are_written(
    app: Callable[[Callable[[], None]], AppTest],
) -> None:
    def script() -> None:
        import streamlit_pgstate as pgstate

        pgstate.configure(session_tll="7d")

    assert "'session_tll' is not a setting" in app(script).run().exception[0].message


def test_settings_that_come_after_another_call_are_refused_in_each_run(
    app: Callable[[Callable[[], None]], AppTest],
) -> None:
    def script() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        pgstate.get("k")
        try:
            pgstate.configure(max_keys=7)
        except pgstate.ConfigError as error:
            st.markdown(str(error))
        pgstate.set("k", 1)

    page = app(script)
    for _ in range(2):
        assert "to the top, above all of them" in page.run().markdown[0].value
        assert not page.exception


def test_two_apps_in_one_process_keep_to_their_own_settings(
    url: str, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGSTATE_URL", raising=False)

    def script(url: str) -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        pgstate.configure(url=url)
        st.markdown(str(pgstate.modify("runs", lambda n: n + 1, default=0)))

    one = AppTest.from_function(script, args=(url,), default_timeout=30)
    other = AppTest.from_function(script, args=(empty_url,), default_timeout=30)

    assert [app.run().markdown[0].value for app in (one, other, one, other)] == ["1", "1", "2", "2"]


def test_what_was_forgotten_is_not_stored_again_by_a_widget_that_still_shows_it(
    app: Callable[..., AppTest], sql: psycopg.Connection
) -> None:
    def script() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate
        from streamlit_pgstate.widgets import editor, edits

        def edit(row: int, text: str) -> None:
            """As by a cell, which AppTest cannot edit by hand."""
            table = editor.Editor.find("table")
            if table is not None:
                table.edits = table.edits.then(edits.Edits({row: {"n": text}}), table.origins)
                table.store()

        if "seen" not in st.session_state:
            st.session_state.seen = True
            names = ("one", "two", "three")
            files = [pgstate.StoredFile(b"secret", name=name, type="text/plain") for name in names]
            pgstate.set("files", files)
        pgstate.file_uploader("files", key="files", accept_multiple_files=True)
        pgstate.data_editor([{"n": "ada"}, {"n": "bob"}], key="table")
        st.button("edit", key="edit", on_click=edit, args=(0, "secret"))
        st.button("edit again", key="edit again", on_click=edit, args=(1, "later"))
        if st.button("forget", key="forget"):
            pgstate.forget()

    page = app(script).run()
    page.button(key="forget").click().run()
    remove = next(button for button in page.button if "remove" in (button.key or ""))
    remove.click().run()
    stored = "SELECT key, value::text FROM pgstate.entry WHERE kind IS NOT NULL"
    assert sql.execute(stored).fetchall() == []
    page.button(key="edit").click().run()
    page.button(key="forget").click().run()
    page.button(key="edit again").click().run()
    assert "secret" not in str(sql.execute(stored).fetchall())
    assert not page.exception


def test_a_member_of_strenum_is_the_key_of_a_widget_and_of_its_value(
    app: Callable[[Callable[[], None]], AppTest], store: Store
) -> None:
    def script() -> None:
        import enum

        import streamlit as st

        import streamlit_pgstate as pgstate

        class Key(enum.StrEnum):
            SIZE = "size"

        pgstate.persist(Key.SIZE)
        st.text_input("Size", key=Key.SIZE)
        pgstate.set(Key.SIZE + " doubled", pgstate.get(Key.SIZE, "") * 2)

    first = app(script)
    token = pgstate.testing.visit(first, store)
    first.run().text_input("size").set_value("10").run()
    again = app(script)
    pgstate.testing.visit(again, store, token)
    assert again.run().text_input("size").value == "10"
    assert dict(store.state(token)) == {"size": "10", "size doubled": "1010"}


def test_persist_refuses_a_key_for_which_streamlit_calls_the_widget_otherwise(
    app: Callable[[Callable[[], None]], AppTest],
) -> None:
    def script() -> None:
        import enum

        import streamlit as st

        import streamlit_pgstate as pgstate

        class Key(str, enum.Enum):  # noqa: UP042 - the very habit that is tried
            SIZE = "size"

        pgstate.persist(Key.SIZE)
        st.text_input("Size", key=Key.SIZE)

    (error,) = app(script).run().exception
    assert "calls the widget of this Key 'Key.SIZE', and not 'size'" in error.message
    assert "Pass the text 'size' to persist() and to the widget" in error.message


class CountedLock:
    """A lock that counts how often it was taken."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.taken = 0

    def __enter__(self) -> None:
        self.taken += 1
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()


def test_the_verbs_of_a_run_do_not_each_take_a_lock_of_all_visitors(
    app: Callable[[Callable[[], None]], AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read() -> None:
        import streamlit_pgstate as pgstate

        for number in range(20):
            pgstate.get(f"k{number}")

    page = app(read)
    page.run()
    locks = CountedLock(), CountedLock()
    monkeypatch.setattr(apps, "_lock", locks[0])
    monkeypatch.setattr(tab, "_lock", locks[1])
    page.run()
    assert not page.exception
    assert [lock.taken for lock in locks] == [1, 0]  # once, as each AppTest reads its settings
