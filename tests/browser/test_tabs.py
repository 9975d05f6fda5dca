"""Several tabs of one browser: one token, one state, and nothing comes back from the dead."""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg
import pytest
from everything import in_everything
from held_component import HeldComponent
from served import Server
from visitor import Tab, Visitor, settled

from streamlit_pgstate import Store, UnknownToken

NUMBERS = [4, *in_everything(2)]


def open_at_once(*tabs: Tab) -> None:
    at = time.time() * 1000 + 150
    for tab in tabs:
        tab.page.evaluate(
            "([url, at]) => { setTimeout(() => { location.href = url }, at - Date.now()) }",
            [tab.address, at],
        )
    for tab in tabs:
        tab.page.wait_for_url(tab.address, wait_until="commit")


def two_tabs(visitor: Visitor, app: Server, case: str = "visits") -> tuple[Tab, Tab]:
    first = visitor.open(app, case)
    first.settled(1)
    second = visitor.open(app, case)
    second.settled(1)
    return first, second


def hold_components(*tabs: Tab) -> Callable[[], None]:
    """Let no page load the component before all of them ask for it."""
    held = [HeldComponent(tab) for tab in tabs]

    def release() -> None:
        while not all(component.is_asked_for for component in held):
            tabs[0].page.wait_for_timeout(20)
        for component in held:
            component.release()

    return release


def last_ids(tabs: list[Tab]) -> set[str]:
    return {tab.runs()[-1].seen["id"] for tab in tabs}


@pytest.mark.parametrize("number", NUMBERS)
def test_tabs_opened_at_once_on_a_first_visit_end_on_one_token(
    number: int, app: Server, visitor: Visitor, store_of_app: Store
) -> None:
    tabs = [visitor.tab(app, "tab_writes") for _ in range(number)]
    open_at_once(*tabs)
    settled(tabs)
    assert len({tab.token() for tab in tabs}) == 1
    assert len(last_ids(tabs)) == 1
    # Of more than two that store at the same moment, a third may see one token before the last.
    most = 2 if number == 2 else 3
    assert all(len(tab.runs()) <= most for tab in tabs), [len(tab.runs()) for tab in tabs]
    state = store_of_app.state(tabs[0].token())
    assert state.keys() == sorted(f"from {tab.name}" for tab in tabs)


@pytest.mark.parametrize("number", NUMBERS)
def test_tabs_whose_components_start_in_the_same_moment_end_on_one_token(
    number: int, app: Server, visitor: Visitor, store_of_app: Store
) -> None:
    """Each has run its script under a candidate of its own before any could store one."""
    tabs = [visitor.tab(app, "tab_writes") for _ in range(number)]
    release = hold_components(*tabs)
    open_at_once(*tabs)
    release()
    settled(tabs)
    assert len({tab.token() for tab in tabs}) == 1
    assert len(last_ids(tabs)) == 1
    # Of more than two that store at the same moment, a third may see one token before the last.
    most = 2 if number == 2 else 3
    assert all(len(tab.runs()) <= most for tab in tabs), [len(tab.runs()) for tab in tabs]
    state = store_of_app.state(tabs[0].token())
    assert state.keys() == sorted(f"from {tab.name}" for tab in tabs)


@pytest.mark.page_copies
def test_rotate_costs_a_second_tab_one_run_and_nothing_else(app: Server, visitor: Visitor) -> None:
    first, second = two_tabs(visitor, app, "reads")
    first.click("write")
    first.settled(1)
    token = first.token()
    first.click("rotate")
    before = first.settled(1).seen["id"]
    after = second.settled(1)
    assert first.token() == second.token() != token
    assert after.seen["id"] == before
    assert after.seen["word"] == "written"
    for tab in (first, second):
        tab.reload()
        assert tab.settled(1).seen["word"] == "written"


def test_the_tab_that_rotates_confirms_by_itself_and_without_a_run(
    app: Server, visitor: Visitor, rows: psycopg.Connection, store_of_app: Store
) -> None:
    """Nobody loads a page: else whoever has the former token could go on for as long."""
    tab = visitor.open(app, "reads")
    tab.settled(1)
    tab.click("write")
    tab.settled(1)
    for number in range(2):
        before = tab.token()
        tab.click("rotate")
        session = tab.settled(1).seen["id"]
        waits = "SELECT FROM pgstate.session WHERE id = %s AND pending_hash IS NOT NULL"
        while rows.execute(waits, (session,)).fetchone():
            tab.page.wait_for_timeout(20)
        settled([tab], 0)
        rows.execute(
            "UPDATE pgstate.session SET rotated_at = rotated_at - interval '3 min' WHERE id = %s",
            (session,),
        )
        with pytest.raises(UnknownToken):
            store_of_app.state(before)
        assert store_of_app.state(tab.token())["word"] == "written"
        if number:
            tab.reload()
        else:
            tab.click("run")
        run = tab.settled(1)
        assert (run.seen["id"], run.seen["word"]) == (session, "written")


@pytest.mark.long
def test_the_token_before_a_rotation_opens_nothing_after_the_grace(
    app: Server, visitor: Visitor, rows: psycopg.Connection
) -> None:
    tab = visitor.open(app)
    token = (tab.settled(1), tab.token())[1]
    tab.click("rotate")
    tab.settled(1)
    tab.reload()  # so the browser presents the new one
    run = tab.settled(1)
    rows.execute(
        "UPDATE pgstate.session SET rotated_at = rotated_at - interval '3 min' WHERE id = %s",
        (run.seen["id"],),
    )
    tab.set_local(token)
    tab.set_cookie(token)
    tab.reload()
    assert tab.settled(1).seen["visits"] == 1
    assert tab.token() != token


@pytest.mark.long  # a second tab costs one run: tested above
def test_a_rotation_is_followed_by_a_click_and_a_look_without_further_runs(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app)
    tab.settled(1)
    tab.click("rotate")
    tab.settled(1)
    look_away_and_back(tab)
    tab.settled(0)
    tab.click("rotate")
    tab.settled(1)
    tab.click("run")
    assert tab.settled(1).seen["visits"] == 4


def look_away_and_back(tab: Tab) -> None:
    """What a page hears when its tab is shown again."""
    tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    tab.page.evaluate("window.dispatchEvent(new Event('pageshow'))")


def test_looking_away_and_back_costs_nothing(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app)
    tab.settled(1)
    look_away_and_back(tab)
    tab.settled(0)


def test_a_rotation_before_the_first_answer_is_kept(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "rotates_each_run")
    tab.settled(1)
    token = tab.token()
    for _ in range(2):
        tab.click("run")
        assert tab.settled(1).seen["word"] == "written"
    for _ in range(2):
        tab.reload()
        assert tab.settled(1).seen["word"] == "written"
    assert tab.token() != token


@pytest.mark.page_copies
@pytest.mark.long
def test_two_tabs_that_rotate_in_each_run_come_to_rest(app: Server, visitor: Visitor) -> None:
    """Each follows the other, and so rotates again: the worst that an app can do."""
    first = visitor.open(app, "rotates_each_run")
    first.settled(1)
    second = visitor.open(app, "reads")
    second.settled()
    first.settled(0)
    first.click("run")
    first.settled(1)
    assert second.settled(1).seen["word"] == "written"
    assert first.token() == second.token()


def test_forget_is_followed_by_the_second_tab(
    app: Server, visitor: Visitor, rows: psycopg.Connection
) -> None:
    first, second = two_tabs(visitor, app, "reads")
    first.click("write")
    forgotten = first.settled(1).seen["id"]
    first.click("forget")
    run = first.settled(1)
    assert run.seen["word"] is None
    assert run.seen["id"] != forgotten
    after = second.settled(1)
    assert after.seen["word"] is None
    assert after.seen["id"] == run.seen["id"]
    assert first.token() == second.token()
    second.click("write")
    assert second.settled(1).seen["word"] == "written"
    assert not rows.execute(
        "SELECT FROM pgstate.entry WHERE session_id = %s", (forgotten,)
    ).fetchall()
    for tab in (first, second):
        tab.reload()
        assert tab.settled(1).seen["word"] == "written"


def test_a_tab_that_writes_in_each_run_brings_nothing_back_that_was_forgotten(
    app: Server, visitor: Visitor, rows: psycopg.Connection
) -> None:
    first = visitor.open(app, "tab_writes")
    first.settled(1)
    second = visitor.open(app)
    second.settled(1)
    second.click("forget")
    second.settled()
    first.settled()
    assert first.token() == second.token()
    assert len(last_ids([first, second])) == 1
    assert first.runs()[-1].seen["id"] != first.runs()[0].seen["id"]
    assert not rows.execute(
        "SELECT FROM pgstate.entry WHERE session_id = %s", (first.runs()[0].seen["id"],)
    ).fetchall()


@pytest.mark.page_copies
@pytest.mark.long
def test_a_tab_frozen_while_another_forgot_follows_when_it_writes(
    app: Server, visitor: Visitor, rows: psycopg.Connection
) -> None:
    """The storage event never came; its next write meets a forgotten session."""
    first = visitor.open(app, "reads")
    first.settled(1)
    second = deaf(visitor.tab(app, "reads")).open()
    second.settled(1)
    second.click("write")
    forgotten = second.settled(1).seen["id"]
    first.settled(0)
    first.click("forget")
    first.settled(1)
    second.settled(0)
    second.click("write")  # dropped: its run starts anew
    second.settled()
    assert len(second.runs()) <= 2 + 3
    assert first.token() == second.token()
    second.click("run")
    first.click("run")  # it may have run once more, for the token that the second has now
    seen = [tab.settled().seen for tab in (first, second)]
    assert len(first.runs()) <= 2 + 2
    assert seen[0]["id"] == seen[1]["id"] != forgotten
    assert not rows.execute(
        "SELECT FROM pgstate.entry WHERE session_id = %s", (forgotten,)
    ).fetchall()


def deaf(tab: Tab) -> Tab:
    """Keep storage events from this page, as when it is frozen."""
    tab.run_first("""
        const add = window.addEventListener.bind(window)
        window.addEventListener = (type, ...rest) => { if (type !== "storage") add(type, ...rest) }
    """)
    return tab


@pytest.mark.long
def test_a_tab_whose_session_is_forgotten_in_the_middle_of_its_run_follows(
    app: Server, visitor: Visitor, rows: psycopg.Connection
) -> None:
    """It has refreshed before and writes after: the write finds the session gone."""
    first = visitor.open(app, "forgotten_in_the_middle")
    first.settled(1)
    second = visitor.open(app, "reads")
    second.settled(1)
    first.click("write after a while")
    first.page.wait_for_selector("text=now forget")
    second.click("forget")
    new = second.settled().seen["id"]
    last = first.settled()
    assert first.token() == second.token()
    first.click("run")
    last = first.settled(1)
    second.click("run")
    assert second.settled(1).seen["id"] == last.seen["id"]
    assert last.seen["id"] in (new, second.runs()[-1].seen["id"])


@pytest.mark.page_copies
@pytest.mark.parametrize("copies", ["both", *in_everything("local", "cookie")])
def test_site_data_cleared_under_an_open_tab_starts_anew_or_goes_on(
    copies: str, app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app)
    tab.settled(1)
    token = tab.token()
    if copies in ("both", "local"):
        tab.set_local(None)
    if copies in ("both", "cookie"):
        tab.set_cookie(None)
    look_away_and_back(tab)
    if copies == "both":
        assert tab.settled(1).seen["visits"] == 1
        assert tab.token() != token
    else:
        tab.settled(0)
        assert tab.token() == token


@pytest.mark.page_copies
def test_site_data_cleared_under_two_open_tabs_ends_on_one_token(
    app: Server, visitor: Visitor
) -> None:
    first, second = two_tabs(visitor, app)
    token = first.token()
    first.set_cookie(None)
    first.page.evaluate("localStorage.clear()")  # which the second hears at once
    second.settled()
    look_away_and_back(first)
    first.settled()
    assert first.token() == second.token() != token
    assert len(last_ids([first, second])) == 1
    assert max(len(first.runs()), len(second.runs())) <= 1 + 2


@pytest.mark.long
def test_the_browser_keeps_the_token_that_a_scope_was_rotated_to(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "rotates_its_scope")
    before = tab.settled(1).seen["id"]
    token = tab.token()
    tab.click("rotate")
    tab.settled(1)
    assert tab.token() != token
    tab.reload()
    assert tab.settled(1).seen["id"] == before
