"""A page whose server or database was away: what its visitor changes is not lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from everything import in_everything
from playwright.sync_api import expect
from served import Server, running
from sqlalchemy.engine import make_url
from table_editor import TableEditor
from visitor import Tab, Visitor

DROP = """(() => {
    const Plain = window.WebSocket
    window.sockets = []
    window.WebSocket = class extends Plain {
        constructor(...rest) { super(...rest); window.sockets.push(this) }
    }
})()"""


pytestmark = pytest.mark.xdist_group("reconnect")  # they share a server


@pytest.fixture(scope="module")
def restarted(
    database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server that tests kill and start again."""
    with running(Server(tmp_path_factory.mktemp("restarted"), database())) as server:
        yield server


@pytest.fixture
def restartable(restarted: Server) -> Iterator[Server]:
    if restarted.process is None:
        restarted.start()
    yield restarted
    if restarted.environment:  # the next test is to find it as it was
        restarted.environment.clear()
        restarted.kill()


def save(tab: Tab, text: str, field: str = "name") -> None:
    """Write it, in one run."""
    write(tab, text, field)
    tab.settled(1)


def write(tab: Tab, text: str, field: str = "name") -> None:
    tab.page.get_by_label(field).fill(text)
    tab.page.get_by_label(field).press("Enter")


def break_for_a_moment(tab: Tab) -> None:
    """The page loses its server, which still knows it."""
    sockets = tab.page.evaluate("window.sockets.length")
    tab.page.evaluate("window.sockets.forEach(socket => socket.close())")
    tab.page.wait_for_function(
        "before => window.sockets.length > before && window.sockets.at(-1).readyState === 1",
        arg=sockets,
    )


def select(tab: Tab, row: int) -> None:
    """A click on the mark before a row; the head is a row, too."""
    canvas = tab.page.locator("canvas").first
    expect(canvas).to_be_visible()
    box = canvas.bounding_box()
    assert box is not None
    tab.page.mouse.click(box["x"] + 10, box["y"] + 35 * (row + 1) + 17)


def test_what_is_changed_first_after_a_restart_is_kept(
    restartable: Server, visitor: Visitor
) -> None:
    tab = visitor.open(restartable, "own_name")
    tab.settled(1)
    save(tab, "before")
    tab.restart_server()
    assert tab.settled(1).seen["name"] == "before"
    write(tab, "after")
    assert tab.settled(1).seen["name"] == "after"
    tab.reload()
    assert tab.settled(1).seen["name"] == "after"


def test_a_tab_that_missed_a_change_does_not_write_over_it_after_a_restart(
    restartable: Server, visitor: Visitor
) -> None:
    first, second = visitor.open(restartable, "own_name"), visitor.tab(restartable, "own_name")
    first.settled(1)
    save(first, "first")
    second.open().settled(1)
    save(second, "second")
    first.restart_server()
    assert first.settled(1).seen["name"] == "second"


@pytest.mark.long  # chosen before and after it is tested, too
def test_what_is_chosen_while_a_restarted_server_is_busy_with_its_first_run_is_kept(
    restartable: Server, visitor: Visitor
) -> None:
    tab = visitor.open(restartable, "heavy")
    tab.settled(1)
    save(tab, "before")
    tab.restart_server()
    write(tab, "after")
    write(tab, "never stored before", "size")
    chosen = {"name": "after", "size": "never stored before", "agreed": False}
    assert tab.settled().seen == chosen
    tab.reload()
    assert tab.settled(1).seen == chosen


CLICK_AT_ONCE = """(() => {
    const isConnected = () => document.querySelector(
        "[data-testid=stApp][data-test-connection-state=CONNECTED]") !== null
    let was = true
    const observer = new MutationObserver(() => {
        const is = isConnected()
        if (is && !was) document.querySelector("input[type=checkbox]").click()
        was = is
    })
    window.clickAtOnce = () => observer.observe(document, {subtree: true, attributes: true})
})()"""


@pytest.mark.long
def test_what_is_chosen_before_the_page_can_say_that_it_has_found_its_server_is_kept(
    restartable: Server, visitor: Visitor
) -> None:
    visitor.run_first(CLICK_AT_ONCE)
    tab = visitor.open(restartable, "heavy")
    tab.settled(1)
    save(tab, "before")
    tab.page.evaluate("window.clickAtOnce()")
    tab.restart_server()
    chosen = {"name": "before", "size": "given", "agreed": True}
    assert tab.settled().seen == chosen
    expect(tab.page.get_by_label("agreed")).to_be_checked()
    tab.reload()
    assert tab.settled(1).seen == chosen


@pytest.mark.long
def test_what_is_chosen_after_a_restart_does_not_write_over_what_the_page_had_missed(
    restartable: Server, visitor: Visitor
) -> None:
    first, second = visitor.open(restartable, "heavy"), visitor.tab(restartable, "heavy")
    first.settled(1)
    save(first, "first")
    second.open().settled(1)
    save(second, "second")
    second.page.close()
    first.restart_server()
    first.page.get_by_text("agreed").click()
    chosen = {"name": "second", "size": "given", "agreed": True}
    assert first.settled().seen == chosen
    first.reload()
    assert first.settled(1).seen == chosen


@pytest.mark.long  # a choice beside other writes
def test_what_is_chosen_for_the_first_time_is_kept_where_each_run_writes_something_else(
    restartable: Server, visitor: Visitor
) -> None:
    tab = visitor.open(restartable, "heavy_and_counting")
    tab.settled(1)
    tab.restart_server()
    write(tab, "after", "size")
    assert tab.settled().seen["size"] == "after"


@pytest.mark.long  # a busy first run that is overtaken
def test_what_is_chosen_is_kept_where_the_first_run_is_overtaken_after_it_has_drawn_a_widget(
    restartable: Server, visitor: Visitor
) -> None:
    tab = visitor.open(restartable, "heavy_below_a_widget")
    tab.settled(1)
    save(tab, "before")
    served_by = tab.page.get_by_text("served by")
    before = served_by.inner_text()
    restartable.kill()
    restartable.start()
    expect(served_by).not_to_have_text(before, timeout=30_000)
    write(tab, "never stored before", "size")
    chosen = {"name": "before", "size": "never stored before"}
    assert tab.settled().seen == chosen
    tab.reload()
    assert tab.settled(1).seen == chosen


@pytest.mark.long
def test_what_is_chosen_is_kept_where_another_tab_has_changed_what_another_page_shows(
    restartable: Server, visitor: Visitor
) -> None:
    first, second = (
        visitor.open(restartable, "heavy_pages"),
        visitor.tab(restartable, "heavy_pages"),
    )
    first.settled(1)
    save(first, "first")
    first.page.get_by_text("Other", exact=True).click()
    first.settled(1)
    second.open().settled(1)
    save(second, "second")
    second.page.close()
    save(first, "before", "size")
    first.restart_server()
    write(first, "after", "size")
    assert first.settled().seen["size"] == "after"


@pytest.mark.long  # nothing is written over is tried above
def test_what_is_chosen_is_not_shown_where_the_new_server_no_longer_allows_it(
    restartable: Server, visitor: Visitor
) -> None:
    tab = visitor.open(restartable, "heavy_and_narrow")
    tab.settled(1)
    write(tab, "10", "number")
    assert tab.settled(1).seen["number"] == 10
    restartable.environment["MOST"] = "50"
    tab.restart_server()
    write(tab, "90", "number")
    assert tab.settled().seen["number"] == 10
    assert "fits" not in restartable.log


@pytest.mark.long
def test_a_new_server_that_no_longer_allows_what_the_page_shows_does_not_write_over_it(
    restartable: Server, visitor: Visitor
) -> None:
    tab = visitor.open(restartable, "heavy_and_narrow")
    tab.settled(1)
    write(tab, "90", "number")
    assert tab.settled(1).seen["number"] == 90
    restartable.environment["MOST"] = "50"
    tab.restart_server()
    assert tab.settled().seen["number"] == 5
    del restartable.environment["MOST"]
    tab.restart_server()
    assert tab.settled().seen["number"] == 90


@pytest.mark.long  # a widget of another kind
def test_rows_selected_while_a_restarted_server_is_busy_with_its_first_run_are_kept(
    restartable: Server, visitor: Visitor
) -> None:
    tab = visitor.open(restartable, "heavy_selection")
    tab.settled(1)
    select(tab, 2)
    assert tab.settled(1).seen["rows"] == [2]
    tab.restart_server()
    select(tab, 1)
    assert tab.settled().seen["rows"] == [1]


@pytest.mark.long
def test_a_short_break_after_a_restart_does_not_bring_back_what_the_page_had_missed(
    restartable: Server, visitor: Visitor
) -> None:
    visitor.run_first(DROP)
    first, second = visitor.open(restartable, "own_name"), visitor.tab(restartable, "own_name")
    first.settled(1)
    save(first, "first")
    second.open().settled(1)
    save(second, "second")
    second.page.close()
    first.restart_server()
    assert first.settled(1).seen["name"] == "second"
    break_for_a_moment(first)
    assert first.settled(1).seen["name"] == "second"


def test_a_page_that_persists_in_a_fragment_only_runs_when_it_has_found_its_server(
    restartable: Server, visitor: Visitor
) -> None:
    tab = visitor.open(restartable, "persisting_fragment")
    tab.settled(2)
    save(tab, "before", "inside")
    tab.restart_server()
    # Streamlit's page asks for a run when it has its server again. If that is before the component
    # has said which server it is, another run follows: two runs, each with one of the fragment.
    assert tab.settled().seen["inside"] == "before"
    write(tab, "after", "inside")
    assert tab.settled(1).seen["inside"] == "after"
    tab.reload()
    assert tab.settled(2).seen["inside"] == "after"


@pytest.mark.long
def test_a_table_that_is_edited_first_after_a_restart_keeps_the_edit(
    restartable: Server, visitor: Visitor
) -> None:
    tab = visitor.open(restartable, "table")
    tab.settled(1)
    tab.restart_server()
    tab.settled(1)
    TableEditor(tab).type(0, "name", "eve")
    assert tab.settled(1).seen["rows"][0][0] == "eve"


@pytest.mark.parametrize("cookie", ["true", *in_everything("false")])
def test_a_restarted_server_goes_on_with_the_page_whichever_token_it_has_to_ask_for(
    cookie: str, new_app: Callable[..., Server], visitor: Visitor
) -> None:
    """Of the tab's own token no cookie tells a page that was not reloaded."""
    server = new_app(environment={"PGSTATE_COOKIE": cookie})
    tab = visitor.open(server, "heavy_beside_a_tabs_state")
    tab.settled()
    save(tab, "before")
    save(tab, "kept", "plain")
    tab.restart_server()
    write(tab, "after")
    seen = tab.settled().seen
    assert (seen["name"], seen["plain"], seen["step"]) == ("after", "kept", 0)
    expect(tab.page.get_by_label("name")).to_have_value("after")
    tab.reload()
    assert tab.settled().seen["name"] == "after"


@pytest.mark.long
def test_what_is_half_typed_survives_a_short_break(app: Server, visitor: Visitor) -> None:
    visitor.run_first(DROP)
    tab = visitor.open(app, "own_name")
    tab.settled(1)
    save(tab, "sent")
    tab.page.get_by_label("name").fill("half")
    break_for_a_moment(tab)
    tab.settled(1)
    assert tab.page.get_by_label("name").input_value() == "half"


def test_what_was_changed_while_the_database_was_away_is_there_when_it_is_back(
    new_app: Callable[..., Server], visitor: Visitor, admin: psycopg.Connection
) -> None:
    server = new_app()
    tab = visitor.open(server, "own_name")
    tab.settled(1)
    save(tab, "before")
    name = make_url(server.url).database
    admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    admin.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", (name,)
    )
    write(tab, "typed")
    expect(tab.page.get_by_text("accepts no connections").first).to_be_visible()
    tab.settled(1)
    tab.page.keyboard.press("r")
    tab.settled(1)
    admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    tab.page.keyboard.press("r")
    assert tab.settled(1).seen["name"] == "typed"
    tab.reload()
    assert tab.settled(1).seen["name"] == "typed"
