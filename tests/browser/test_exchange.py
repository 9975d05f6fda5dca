"""A tab that goes over to another state: its page begins anew, keeping nothing of the former."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from everything import in_everything
from playwright.sync_api import WebSocketRoute, expect
from served import Server, running
from test_tab_scope import duplicated
from visitor import Tab, Visitor

pytestmark = pytest.mark.xdist_group("exchange")  # they share a server

Exchange = Callable[[Tab, Visitor, psycopg.Connection], Tab]


@pytest.fixture(scope="module")
def without_cookie(
    database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("without-cookie")
    settings = {"PGSTATE_COOKIE": "false"}
    with running(Server(folder, database(), environment=settings)) as server:
        yield server


def loses_its_cookie(tab: Tab, visitor: Visitor, rows: psycopg.Connection) -> Tab:
    tab.set_cookie(None)
    tab.reload()
    return tab


def expires(tab: Tab, visitor: Visitor, rows: psycopg.Connection) -> Tab:
    rows.execute(
        "UPDATE pgstate.session SET expires_at = now() - interval '1 s' WHERE id = %s",
        (tab.runs()[-1].seen["id"],),
    )
    tab.click("run")
    return tab


def is_forgotten_elsewhere(tab: Tab, visitor: Visitor, rows: psycopg.Connection) -> Tab:
    other = visitor.open(tab.server, "above_the_first_verb")
    other.settled(1)
    other.click("forget")
    return tab


def assert_nothing_broke(tab: Tab) -> None:
    """What stands above the first verb is there below it, in each run."""
    assert [run.seen["error"] for run in tab.runs() if "error" in run.seen] == []
    whole = [run.seen for run in tab.runs() if "runs" in run.seen]
    assert all(seen["log"] == list(range(seen["runs"])) for seen in whole)


@pytest.mark.parametrize(
    ("exchange", "word"),
    [
        pytest.param(loses_its_cookie, "written", marks=pytest.mark.page_copies),
        *[(expires, None), *in_everything((is_forgotten_elsewhere, None))],
    ],
)
def test_what_stands_above_the_first_verb_is_there_below_it(
    exchange: Exchange,
    word: str | None,
    app: Server,
    visitor: Visitor,
    rows: psycopg.Connection,
) -> None:
    tab = visitor.open(app, "above_the_first_verb")
    tab.settled(1)
    tab.page.get_by_label("above").fill("typed")
    tab.click("write")
    tab.settled()
    tab = exchange(tab, visitor, rows)
    seen = tab.settled().seen
    assert_nothing_broke(tab)
    # What the page has shown of the former state is neither shown nor sent any more.
    assert (seen["word"], seen["above"], seen["runs"]) == (word, "", 1)
    expect(tab.page.get_by_label("above")).to_have_value("")
    tab.click("run")
    assert tab.settled(1).seen["runs"] == 2


@pytest.mark.page_copies
def test_without_a_cookie_no_f5_empties_what_stands_above_the_first_verb(
    without_cookie: Server, visitor: Visitor
) -> None:
    tab = visitor.open(without_cookie, "above_the_first_verb")
    tab.settled(2)
    tab.click("write")
    tab.settled(1)
    for _ in range(2):
        tab.reload()
        seen = tab.settled(2).seen
        assert (seen["word"], seen["durable"], seen["runs"]) == ("written", True, 1)
    assert_nothing_broke(tab)


def test_a_duplicated_tab_keeps_what_stands_above_its_first_verb(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "above_the_tabs_first_verb")
    tab.settled(1)
    tab.click("write")
    word = tab.settled(1).seen["word"]
    other = duplicated(tab, visitor, "above_the_tabs_first_verb")
    seen = other.settled().seen
    assert_nothing_broke(other)
    assert (seen["word"], seen["runs"], seen["durable"]) == (word, 1, None)
    tab.reload()
    assert tab.settled().seen["durable"] is True


def test_a_click_in_the_run_that_finds_its_session_gone_is_dropped(
    app: Server, visitor: Visitor, rows: psycopg.Connection
) -> None:
    tab = visitor.open(app, "in_a_callback_above_the_first_verb")
    tab.settled(1)
    tab.click("count")
    seen = tab.settled(1).seen
    assert seen["count"] == 1
    rows.execute(
        "UPDATE pgstate.session SET expires_at = now() - interval '1 s' WHERE id = %s",
        (seen["id"],),
    )
    tab.click("count")
    seen = tab.settled().seen
    assert (seen["count"], seen["runs"]) == (None, 1)
    tab.click("count")
    assert tab.settled(1).seen["count"] == 1
    assert_nothing_broke(tab)


@pytest.mark.page_copies
def test_a_verb_in_a_callback_hears_the_browser_first(app: Server, visitor: Visitor) -> None:
    """Both come with one message, and Streamlit calls the button's callback before ours."""
    tab = visitor.open(app, "in_a_callback_above_the_first_verb")
    tab.settled(1)
    tab.click("count")
    assert tab.settled(1).seen["count"] == 1
    tab.set_cookie(None)
    visitor.spoil()

    def hold_back_the_answer(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        socket.on_message(lambda it: None if b"answer" in it and not clicked else server.send(it))

    clicked: list[bool] = []
    tab.page.route_web_socket("**/_stcore/stream", hold_back_the_answer)
    tab.reload()
    assert tab.settled(1).seen["count"] is None  # of a candidate
    clicked.append(True)
    tab.click("count")
    seen = tab.settled(1).seen
    assert (seen["count"], seen["durable"], seen["runs"]) == (2, True, 1)
    assert_nothing_broke(tab)


@pytest.mark.long
def test_what_was_forgotten_in_the_middle_of_a_run_leaves_the_page(
    app: Server, visitor: Visitor, rows: psycopg.Connection
) -> None:
    tab = visitor.open(app, "forgotten_in_the_middle_of_a_run")
    tab.settled(1)
    tab.page.get_by_label("name").fill("Ada")
    tab.page.get_by_label("name").press("Enter")
    forgotten = tab.settled(1).seen["id"]
    other = visitor.open(app, "above_the_first_verb")
    other.settled(1)
    tab.click("write after a while")
    tab.page.wait_for_selector("text=now forget")
    other.click("forget")
    seen = tab.settled().seen
    assert (seen["name"], seen["word"]) == ("", None)
    assert seen["id"] != forgotten
    assert not any("reached" in run.seen for run in tab.runs())
    expect(tab.page.get_by_label("name")).to_have_value("")
    left = "SELECT FROM pgstate.entry WHERE session_id = %s"
    assert rows.execute(left, (forgotten,)).fetchall() == []


@pytest.mark.page_copies
@pytest.mark.long
def test_a_widgets_own_value_from_the_state_is_shown_when_the_cookie_was_lost(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "value_from_the_state")
    tab.settled(1)
    tab.page.get_by_label("Text").fill("mine")
    tab.page.get_by_label("Text").press("Enter")
    tab.settled(1)
    tab.set_cookie(None)
    tab.reload()
    assert tab.settled(2).seen["text"] == "mine"
    expect(tab.page.get_by_label("Text")).to_have_value("mine")
    tab.click("other")
    assert tab.settled(1).seen["text"] == "mine"
    expect(tab.page.get_by_label("Text")).to_have_value("mine")


@pytest.mark.page_copies
@pytest.mark.parametrize("cookie", ["cleared", *in_everything("none can come")])
def test_f5_never_overwrites_what_is_persisted_where_the_tab_has_a_state_too(
    cookie: str, app: Server, without_cookie: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app if cookie == "cleared" else without_cookie, "persisted_beside_a_tab")
    tab.settled()
    tab.page.get_by_label("name").fill("Ada")
    tab.page.get_by_label("name").press("Enter")
    tab.settled(1)
    tab.page.get_by_label("letter").click()
    tab.page.get_by_role("option", name="b").click()
    tab.settled(1)
    for _ in range(3):
        if cookie == "cleared":
            tab.page.context.clear_cookies()
        tab.reload()
        seen = tab.settled().seen
        assert (seen["name"], seen["letter"]) == ("Ada", "b")
        expect(tab.page.get_by_label("name")).to_have_value("Ada")
        tab.click("other")
        seen = tab.settled(1).seen
        assert (seen["name"], seen["letter"]) == ("Ada", "b")


@pytest.mark.page_copies
def test_waiting_below_another_verb_ends_when_the_browser_has_answered(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "waits_below_a_verb")
    assert tab.settled(2).seen["durable"] is True
    tab.reload()
    assert tab.settled(1).seen["durable"] is True


@pytest.mark.parametrize("is_known", [True, *in_everything(False)])
def test_forget_leaves_nothing_of_the_tab_to_the_next_person_there(
    is_known: bool, app: Server, visitor: Visitor, rows: psycopg.Connection
) -> None:
    """`is_known`: whether the script has asked for the tab's state before, in this session."""
    tab = visitor.open(app, "forgets_both")
    tab.settled(1)
    tab.click("write")
    tab.settled(1)
    stored = "SELECT count(*) FROM pgstate.entry WHERE key = 'word' AND value::text LIKE '%%tab%%'"
    assert rows.execute(stored).fetchone() == (1,)
    if not is_known:
        tab.page.context.clear_cookies(name="pgstate-tab")
        tab.reload()
        tab.settled(1)
    tab.click("forget")
    tab.settled()
    assert rows.execute(stored).fetchone() == (0,)
    tab.reload()
    tab.settled(1)
    tab.click("look")
    assert tab.settled().seen["tab"] == {}


def test_fragments_that_run_in_parallel_need_no_verb_before_them(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "in_parallel_fragments")
    tab.settled()
    assert [run.seen["error"] for run in tab.runs() if "error" in run.seen] == []
    for number in range(10):
        expect(tab.page.get_by_label(f"number {number}")).to_have_value(str(number))
    tab.token()


@pytest.fixture(scope="module")
def with_welcome(
    database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("welcome")
    with running(Server(folder, database(), script="app_welcome.py")) as server:
        yield server


@pytest.mark.page_copies
def test_a_visitor_whose_cookie_is_lost_is_not_taken_for_a_new_one(
    with_welcome: Server, visitor: Visitor
) -> None:
    tab = visitor.open(with_welcome)
    tab.settled()
    assert tab.page.url.endswith("/welcome")
    tab.click("begin")
    tab.settled()
    for path, page in (("/?word=asked", "main"), ("/settings", "settings")):
        tab.set_cookie(None)
        tab.page.goto(with_welcome.address + path)
        seen = tab.settled().seen
        assert seen["page"] == page
        assert tab.page.url.removeprefix(with_welcome.address).split("?")[0] == path.split("?")[0]
        assert seen.get("query") in (None, "asked")
