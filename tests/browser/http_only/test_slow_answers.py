"""A page or an answer that is slow brings no former token back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from crossroads import Replica
from playwright.sync_api import Route
from served import READY_WITHIN, running
from slow_answers import SlowAnswers
from visitor import Tab, Visitor, settled

from http_only.cookies import ROUTE


@pytest.fixture
def slow_app(database: Callable[[], str], tmp_path: Path) -> Iterator[tuple[Replica, SlowAnswers]]:
    """A server whose page is slow for the second of two tabs."""
    answers = SlowAnswers("&slow=1")
    with contextlib.ExitStack() as stack:
        stack.callback(answers.close)
        stack.callback(answers.may_go.set)
        replica = Replica(tmp_path, database(), crossroads=answers, is_app=True)
        yield stack.enter_context(running(replica)), answers


def opening(tab: Tab, answers: SlowAnswers) -> Tab:
    """The tab has asked for its page, the server has answered, and nothing has arrived."""
    tab.address += "&slow=1"
    tab.page.evaluate("address => { setTimeout(() => location.href = address) }", tab.address)
    assert answers.has_answer.wait(READY_WITHIN)
    return tab


def test_two_tabs_that_open_at_once_on_a_first_visit_end_on_one_token(
    slow_app: tuple[Replica, SlowAnswers], visitor: Visitor
) -> None:
    server, answers = slow_app
    first, second = visitor.tab(server), visitor.tab(server)
    opening(second, answers)  # without a cookie
    first.open()
    first.settled(1)
    answers.may_go.set()
    settled([second])
    first.settled(1)
    assert len(second.runs()) == 1
    assert first.runs()[-1].seen["id"] == second.runs()[-1].seen["id"]
    assert first.token() == second.token()


@pytest.mark.long
def test_no_slow_answer_to_a_rotation_brings_a_token_back_that_another_tab_has_forgotten(
    slow_app: tuple[Replica, SlowAnswers], visitor: Visitor
) -> None:
    """And the tab that waits for it is slow to hear of the other one."""
    server, answers = slow_app
    first = visitor.open(server, "reads")
    first.settled(1)
    first.click("write")
    first.settled(1)
    second = visitor.open(server, "reads")
    forgotten = second.settled(1).seen["id"]
    checks: list[Route] = []
    answered: list[int] = []

    def hold_check(route: Route) -> None:
        if route.request.headers["x-pgstate"] == "check":
            checks.append(route)
        else:
            route.continue_()

    first.is_altered = True
    first.page.route(f"**{ROUTE}", hold_check)
    second.page.on("response", lambda answer: answered.append(answer.status))
    answers.hold(f"POST {ROUTE}")
    first.click("rotate")
    while not answers.has_answer.is_set():
        first.page.wait_for_timeout(20)
    answers.hold("&slow=1")
    second.click("forget")
    second.settled(1)
    second.click("write")
    written = second.settled(1).seen
    assert (written["word"], written["id"] != forgotten) == ("written", True)
    with first.page.expect_request_finished(lambda it: it.url.endswith(ROUTE)):
        answers.may_go.set()
    while 204 not in answered:  # which only the route answers: the cookie is as it should be
        second.page.wait_for_timeout(20)
    for check in checks:
        check.continue_()
    first.page.unroute(f"**{ROUTE}")
    second.token()
    second.reload()
    run = second.settled(1)
    assert (run.seen["word"], run.seen["id"]) == ("written", written["id"])


@pytest.mark.long
def test_a_slow_page_brings_no_token_back_that_was_forgotten(
    slow_app: tuple[Replica, SlowAnswers], visitor: Visitor
) -> None:
    server, answers = slow_app
    first = visitor.open(server)
    forgotten = first.settled(1)
    second = opening(visitor.tab(server), answers)
    first.click("forget")
    first.settled(1)
    after = first.token()
    answers.may_go.set()
    assert second.settled().seen["id"] != forgotten.seen["id"]
    assert second.token() == first.token() == after
