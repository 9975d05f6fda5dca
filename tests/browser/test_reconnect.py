"""A page whose server or database was away: what its visitor changes is not lost."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from playwright.sync_api import expect
from served import Server
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


def restart(server: Server) -> None:
    server.kill()
    server.start()


def write(tab: Tab, text: str, field: str = "name") -> None:
    tab.page.get_by_label(field).fill(text)
    tab.page.get_by_label(field).press("Enter")


def test_what_is_changed_first_after_a_restart_is_kept(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app()
    tab = visitor.open(server, "own_name")
    tab.settled(1)
    write(tab, "before")
    tab.settled(1)
    restart(server)
    tab.reconnected()
    assert tab.settled(1).seen["name"] == "before"
    write(tab, "after")
    assert tab.settled(1).seen["name"] == "after"
    tab.reload()
    assert tab.settled(1).seen["name"] == "after"


def test_a_tab_that_missed_a_change_does_not_write_over_it_after_a_restart(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app()
    first, second = visitor.open(server, "own_name"), visitor.tab(server, "own_name")
    first.settled(1)
    write(first, "first")
    first.settled(1)
    second.open().settled(1)
    write(second, "second")
    second.settled(1)
    restart(server)
    first.reconnected()
    assert first.settled(1).seen["name"] == "second"


def test_what_is_chosen_while_a_restarted_server_is_busy_with_its_first_run_is_kept(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app()
    tab = visitor.open(server, "heavy")
    tab.settled(1)
    write(tab, "before")
    tab.settled(1)
    restart(server)
    tab.reconnected()
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


def test_what_is_chosen_before_the_page_can_say_that_it_has_found_its_server_is_kept(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app()
    visitor.run_first(CLICK_AT_ONCE)
    tab = visitor.open(server, "heavy")
    tab.settled(1)
    write(tab, "before")
    tab.settled(1)
    tab.page.evaluate("window.clickAtOnce()")
    restart(server)
    tab.reconnected()
    chosen = {"name": "before", "size": "given", "agreed": True}
    assert tab.settled().seen == chosen
    expect(tab.page.get_by_label("agreed")).to_be_checked()
    tab.reload()
    assert tab.settled(1).seen == chosen


def test_what_is_chosen_after_a_restart_does_not_write_over_what_the_page_had_missed(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app()
    first, second = visitor.open(server, "heavy"), visitor.tab(server, "heavy")
    first.settled(1)
    write(first, "first")
    first.settled(1)
    second.open().settled(1)
    write(second, "second")
    second.settled(1)
    second.page.close()
    restart(server)
    first.reconnected()
    first.page.get_by_text("agreed").click()
    chosen = {"name": "second", "size": "given", "agreed": True}
    assert first.settled().seen == chosen
    first.reload()
    assert first.settled(1).seen == chosen


def test_a_page_that_persists_in_a_fragment_only_runs_when_it_has_found_its_server(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app()
    tab = visitor.open(server, "persisting_fragment")
    tab.settled(2)
    write(tab, "before", "inside")
    tab.settled(1)
    restart(server)
    tab.reconnected()
    tab.settled(2)
    write(tab, "after", "inside")
    assert tab.settled(1).seen["inside"] == "after"
    tab.reload()
    assert tab.settled(2).seen["inside"] == "after"


def test_a_table_that_is_edited_first_after_a_restart_keeps_the_edit(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app()
    tab = visitor.open(server, "table")
    tab.settled(1)
    restart(server)
    tab.reconnected()
    tab.settled(1)
    TableEditor(tab).type(0, "name", "eve")
    assert tab.settled(1).seen["rows"][0][0] == "eve"


def test_what_is_half_typed_survives_a_short_break(app: Server, visitor: Visitor) -> None:
    visitor.run_first(DROP)
    tab = visitor.open(app, "own_name")
    tab.settled(1)
    write(tab, "sent")
    tab.settled(1)
    tab.page.get_by_label("name").fill("half")
    tab.page.evaluate("window.sockets.forEach(socket => socket.close())")
    tab.page.wait_for_function(
        "window.sockets.length > 1 && window.sockets.at(-1).readyState === 1"
    )
    tab.settled(1)
    assert tab.page.get_by_label("name").input_value() == "half"


def test_what_was_changed_while_the_database_was_away_is_there_when_it_is_back(
    new_app: Callable[..., Server], visitor: Visitor, admin: psycopg.Connection
) -> None:
    server = new_app()
    tab = visitor.open(server, "own_name")
    tab.settled(1)
    write(tab, "before")
    tab.settled(1)
    name = make_url(server.url).database
    admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    admin.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", (name,)
    )
    write(tab, "typed")
    expect(tab.page.get_by_text("accepting connections").first).to_be_visible()
    tab.settled(1)
    tab.page.keyboard.press("r")
    tab.settled(1)
    admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    tab.page.keyboard.press("r")
    assert tab.settled(1).seen["name"] == "typed"
    tab.reload()
    assert tab.settled(1).seen["name"] == "typed"
