"""What the visitor has changed with a run that takes long, and does not wait for its end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from served import Server
from visitor import Tab, Visitor

from streamlit_pgstate import connect


def write(tab: Tab, text: str) -> None:
    tab.page.get_by_label("name").fill(text)
    tab.page.get_by_label("name").press("Enter")


def await_stored(server: Server, tab: Tab, text: str) -> None:
    store = connect(server.url)
    state = store.state(tab.token(), cache=False)
    for _ in range(500):
        if state.get("name") == text:
            break
        tab.page.wait_for_timeout(20)
    assert state.get("name") == text
    store.close()


def test_f5_in_the_midst_of_a_long_run_brings_what_was_chosen_last(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app()
    tab = visitor.open(server, "long_run")
    tab.settled(1)
    write(tab, "long")
    await_stored(server, tab, "long")
    again = visitor.open(server, "own_name")
    assert again.settled(1).seen["name"] == "long"
    write(again, "newer")
    again.settled(1)
    visitor.open(server, "let_go").settled(1)
    run = tab.settled(1)
    assert (run.seen["name"], run.seen["found"]) == ("long", "something")
    again.reload()
    assert again.settled(1).seen["name"] == "newer", "the older run has ended after it was chosen"
    tab.reload()
    run = tab.settled(1)
    assert (run.seen["name"], run.seen["found"]) == ("newer", "something")


@pytest.mark.long
def test_a_live_page_does_not_follow_what_its_own_long_run_has_saved(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app()
    tab = visitor.open(server, "long_live_run")
    tab.settled(1)
    write(tab, "long")
    await_stored(server, tab, "long")
    other = visitor.open(server, "let_go")
    other.settled(1)
    tab.page.bring_to_front()
    tab.settled(1)
    assert tab.runs_within(3) == 0
