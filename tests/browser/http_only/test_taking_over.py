"""A token in localStorage is taken over once, and nobody can plant one there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from held_component import HeldComponent
from served import Server
from visitor import Visitor

from streamlit_pgstate import Store, connect


def test_a_token_in_local_storage_is_taken_over_once(
    app: Server, visitor: Visitor, store: Store
) -> None:
    former = store.new_token()
    store.state(former).update({"visits": 41, "word": "from before"})
    tab = visitor.open(app, "reads")
    tab.settled(1)
    tab.set_local(former)
    tab.reload()
    run = tab.settled(2)
    assert run.seen["word"] == "from before"
    token = tab.token()  # and nothing is in localStorage any more
    assert token != former
    tab.reload()
    assert tab.settled(1).seen["word"] == "from before"
    assert tab.token() == token


@pytest.mark.parametrize("state_of_it", ["empty", "with a rotation that waits"])
def test_nobody_can_have_a_visitor_work_under_a_token_that_somebody_else_has(
    state_of_it: str, app: Server, new_visitor: Callable[..., Visitor], store: Store
) -> None:
    """A script in the page plants it in localStorage, where nothing is stored yet."""
    planted = store.new_token()
    if state_of_it == "with a rotation that waits":
        store.state(planted)["word"] = "planted"
        store.state(planted).rotate()
    victim = new_visitor().open(app, "reads")
    victim.settled(1)
    victim.set_local(planted)
    victim.reload()
    victim.settled()
    victim.click("write")
    victim.settled(1)
    assert victim.token() != planted
    victim.reload()
    assert victim.settled(1).seen["word"] == "written"
    assert store.state(planted).get("word") != "written"


def test_a_first_visit_that_rotates_takes_one_run(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "rotates_each_run")
    first = tab.settled(1)
    tab.reload()
    assert tab.settled(1).seen["id"] == first.seen["id"]


def test_a_token_is_taken_over_though_the_first_run_switches_to_a_page_without_verbs(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app(is_app=True, script="app_welcome.py")
    with contextlib.closing(connect(server.url)) as store:
        former = store.new_token()
        store.state(former).update({"word": "from before", "onboarded": True})
    tab = visitor.open(server)
    tab.settled()
    tab.set_local(former)
    tab.open()
    while (tab.runs()[-1].seen or {}).get("word") != "from before":  # the test's limit ends it
        tab.page.wait_for_timeout(40)
    assert tab.settled().seen["page"] == "main"
    tab.open()
    assert tab.settled(1).seen["word"] == "from before"


def test_a_token_in_local_storage_is_not_taken_over_where_there_is_a_state(
    app: Server, visitor: Visitor, store: Store
) -> None:
    """A script in the page could plant it there."""
    planted = store.new_token()
    store.state(planted)["visits"] = 100
    tab = visitor.open(app)
    tab.settled(1)
    tab.set_local(planted)
    for visits in (2, 3):
        tab.reload()
        assert tab.settled(1).seen["visits"] == visits


def test_a_token_that_comes_into_local_storage_later_is_not_taken_over(
    app: Server, visitor: Visitor, store: Store
) -> None:
    """A script in the page could put it there."""
    planted = store.new_token()
    store.state(planted)["word"] = "planted"
    tab = visitor.open(app, "reads")
    first = tab.settled(1).seen["id"]
    tab.set_local(planted)
    tab.click("rotate")  # the component has something to do, and looks
    tab.settled(1)
    tab.click("run")
    run = tab.settled(1)
    assert run.seen["word"] is None
    tab.click("write")
    tab.settled(1)
    tab.click("rotate")
    tab.settled(1)
    tab.click("run")
    assert tab.settled(1).seen["word"] == "written"
    tab.set_local(None)
    assert tab.token()
    assert (tab.runs()[0].seen or {})["id"] == first


def test_what_the_visitor_does_before_the_page_has_answered_is_not_given_up_for_local_storage(
    app: Server, visitor: Visitor, store: Store
) -> None:
    former = store.new_token()
    store.state(former)["word"] = "from before"
    tab = visitor.open(app, "reads")
    tab.settled(1)
    tab.set_local(former)
    component = HeldComponent(tab)
    component.reload()
    tab.click("write")
    while (tab.runs()[-1].seen or {}).get("word") != "written":
        tab.page.wait_for_timeout(20)
    written = tab.runs()[-1].seen["id"]
    component.release()
    run = tab.settled(2)
    assert (run.seen["word"], run.seen["id"]) == ("written", written)
    tab.reload()
    run = tab.settled(1)
    assert (run.seen["word"], run.seen["id"]) == ("written", written)


def test_what_the_first_run_of_a_page_stores_by_itself_gives_way_to_local_storage(
    app: Server, visitor: Visitor, store: Store
) -> None:
    former = store.new_token()
    store.state(former)["visits"] = 41
    tab = visitor.open(app, "reads")
    tab.settled(1)
    tab.set_local(former)
    again = visitor.open(app, "visits")
    assert again.settled(2).seen["visits"] == 42
