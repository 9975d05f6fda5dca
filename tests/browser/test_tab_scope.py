"""scope("tab"): it survives F5, no other tab has it, and a duplicated tab goes on with a copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from everything import in_everything
from served import TOKEN, Server, running
from visitor import QUIET_FOR, Tab, Visitor, settled

pytestmark = pytest.mark.xdist_group("tab_scope")  # they share a server


@pytest.fixture(scope="module")
def app(database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(Server(tmp_path_factory.mktemp("tabs"), database())) as server:
        yield server


def kept(tab: Tab) -> list[str]:
    """What is in the tab's sessionStorage of ours."""
    texts: list[str] = tab.frame.evaluate(
        "Object.entries(sessionStorage).filter(([name]) => name.startsWith('pgstate.'))"
        ".map(([, text]) => text)"
    )
    return texts


def hints(visitor: Visitor) -> list[Any]:
    return [c for c in visitor.context.cookies() if c["name"].startswith("pgstate-tab.")]


SLEEPS = """
const post = BroadcastChannel.prototype.postMessage
BroadcastChannel.prototype.postMessage = function (what) {
    if (!window.isAsleep) post.call(this, what)
}
"""
"""A tab says nothing to others for as long as it is asleep."""


def opened(visitor: Visitor, app: Server, case: str = "tab_scope") -> Tab:
    tab = visitor.open(app, case)
    tab.settled(1)
    return tab


def written(tab: Tab) -> str:
    """Has the tab's state hold the tab's own name."""
    tab.click("write")
    tab.settled(1)
    return tab.name


def comes_to(tab: Tab, is_right: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What the tab shows in the end: the other tabs are heard before its second run."""
    tab.settled()
    for _ in range(100):
        if is_right(last_seen(tab)):
            break
        tab.page.wait_for_timeout(100)
    tab.stays_quiet(QUIET_FOR)
    return last_seen(tab)


def last_seen(tab: Tab) -> dict[str, Any]:
    """What the last run saw that has ended, and was not ended by the next one at once."""
    return next(run.seen for run in reversed(tab.runs()) if run.is_over and run.seen)


def duplicated(tab: Tab, visitor: Visitor, case: str = "tab_scope") -> Tab:
    """As by the browser's menu: a page of the same address, with a copy of sessionStorage."""
    other = Tab.__new__(Tab)
    with visitor.context.expect_page() as caught:
        tab.page.evaluate("address => void window.open(address)", tab.address)
    name = tab.name
    other.__init__(caught.value, tab.server, visitor.name, case, "/")  # type: ignore[misc]
    other.name = name
    other.address = tab.address
    other._counted = len(other.runs())
    visitor.tabs.append(other)
    return other


def test_a_first_visit_takes_one_run(app: Server, visitor: Visitor) -> None:
    tab = opened(visitor, app)
    [token] = kept(tab)
    assert TOKEN.fullmatch(token)
    assert tab.runs()[-1].seen["scope"] == "tab"


def test_f5_takes_one_run_and_keeps_the_state(app: Server, visitor: Visitor) -> None:
    tab = opened(visitor, app)
    word, [token] = written(tab), kept(tab)
    for _ in range(3):
        tab.reload()
        assert tab.settled(1).seen["word"] == word
        assert kept(tab) == [token]
        assert hints(visitor) == []


@pytest.mark.page_copies
@pytest.mark.long
def test_f5_takes_two_runs_where_the_cookie_cannot_be_written(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app(environment={"PGSTATE_COOKIE": "false"})
    tab = visitor.open(server, "tab_scope")
    tab.settled(2)
    word = written(tab)
    before = tab.runs()[-1].seen
    tab.reload()
    after = tab.settled(2).seen
    assert (after["word"], after["tab_id"]) == (word, before["tab_id"])
    assert after["mine"] == before["mine"] + 1  # the first run waited for the browser
    assert hints(visitor) == []


def test_two_tabs_differ_from_each_other_and_from_the_browsers(
    app: Server, visitor: Visitor
) -> None:
    tabs = [opened(visitor, app, "tab_scope_beside_the_browsers") for _ in range(2)]
    for tab in tabs:
        written(tab)
    for tab in tabs:
        tab.reload()
        seen = tab.settled(1).seen
        assert (seen["shown"], seen["word"]) == (tab.name, "the browser's")
        tab.page.wait_for_timeout(5_500)  # that two reload at once has its own test
    assert len({tab.runs()[-1].seen["id"] for tab in tabs}) == 1
    assert len({kept(tab)[0] for tab in tabs}) == 2


@pytest.mark.long
def test_tabs_that_reload_at_once_keep_their_own(app: Server, visitor: Visitor) -> None:
    tabs = [opened(visitor, app) for _ in range(3)]
    words = [written(tab) for tab in tabs]
    ids = [tab.runs()[-1].seen["tab_id"] for tab in tabs]
    for tab in tabs:
        tab.page.evaluate("setTimeout(() => location.reload(), 50)")
    for tab, word, tab_id in zip(tabs, words, ids, strict=True):
        last = comes_to(tab, lambda seen, wanted=tab_id: seen["tab_id"] == wanted)
        assert last["word"] == word
        assert len(tab.runs()) <= 2 + 2


@pytest.mark.long
def test_a_tab_that_was_duplicated_while_the_older_one_slept_has_its_copy_in_the_end(
    app: Server, visitor: Visitor
) -> None:
    visitor.run_first(SLEEPS)
    first = opened(visitor, app)
    word, tab_id = written(first), first.runs()[-1].seen["tab_id"]
    first.page.evaluate("window.isAsleep = true")
    second = duplicated(first, visitor)
    assert comes_to(second, lambda seen: seen["word"] == word)["tab_id"] == tab_id
    first.page.evaluate("window.isAsleep = false")
    first.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    last = comes_to(second, lambda seen: seen["tab_id"] != tab_id)
    assert last["word"] == word
    assert last["tab_id"] != tab_id
    assert kept(first) != kept(second)


def test_a_tab_that_is_opened_when_another_was_just_closed_ends_with_a_state_of_its_own(
    app: Server, visitor: Visitor
) -> None:
    first = opened(visitor, app)
    written(first)
    first_id = first.runs()[-1].seen["tab_id"]
    first.page.close(run_before_unload=True)
    second = visitor.open(app, "tab_scope")
    last = comes_to(second, lambda seen: seen["tab_id"] != first_id)
    assert last["tab_id"] != first_id
    assert last["word"] is None
    assert len(second.runs()) <= 2


def test_a_duplicated_tab_gets_a_copy_and_both_go_their_own_way(
    app: Server, visitor: Visitor
) -> None:
    first = opened(visitor, app)
    word, [token] = written(first), kept(first)
    runs = len(first.runs())
    first_id = first.runs()[-1].seen["tab_id"]
    second = duplicated(first, visitor)
    last = comes_to(second, lambda seen: seen["word"] == word)
    assert len(first.runs()) - runs <= 2
    assert last["word"] == word
    assert last["tab_id"] != first_id
    assert kept(first) == [token]
    assert kept(second) != [token]
    mine = last["mine"]
    first.click("run")
    second.click("run")
    first.page.wait_for_timeout(1_000)
    second.reload()
    second.page.wait_for_timeout(1_500)
    first.reload()
    first.page.wait_for_timeout(1_500)
    by_id: dict[str, list[int]] = {}
    for run in first.runs():
        by_id.setdefault(run.seen["tab_id"], []).append(run.seen["mine"])
    assert by_id[last["tab_id"]][-1] == mine + 2
    assert by_id[first_id] == [1, 2, 3, 4]
    assert kept(first) == [token]


def test_a_duplicate_of_an_empty_tab_has_a_token_of_its_own(app: Server, visitor: Visitor) -> None:
    first = opened(visitor, app, "tab_scope_beside_the_browsers")
    second = duplicated(first, visitor)
    second.settled()
    second.page.wait_for_function(
        "token => !Object.values(sessionStorage).includes(token)", arg=kept(first)[0]
    )
    assert len(kept(second)) == 1


@pytest.mark.long  # test_scope_pages has five
def test_five_visitors_at_once_have_their_own(
    app: Server, new_visitor: Callable[..., Visitor]
) -> None:
    tabs = [new_visitor().open(app, "tab_scope") for _ in range(5)]
    settled(tabs, 1)
    words = [written(tab) for tab in tabs]
    for tab in tabs:
        tab.reload()
    runs = settled(tabs, 1)
    assert [run.seen["word"] for run in runs] == words
    assert len({run.seen["tab_id"] for run in runs}) == len(tabs)


@pytest.mark.long  # test_places has verbs in fragments
def test_in_a_fragment_it_survives_f5_too(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "tab_scope_in_a_fragment")
    tab.settled(2)  # the page's, and the fragment's in it
    tab.click("write")
    tab.settled()
    tab.reload()
    tab.settled()
    assert [run.seen["word"] for run in tab.runs() if run.is_fragment][-1] == tab.name


def test_a_forgotten_tab_begins_anew(app: Server, visitor: Visitor) -> None:
    tab = opened(visitor, app)
    written(tab)
    [token], before = kept(tab), tab.runs()[-1].seen["tab_id"]
    tab.click("forget")
    tab.settled(1)
    tab.click("run")
    seen = tab.settled(2).seen  # the first finds that it was forgotten, and starts anew
    assert seen["tab_id"] != before
    assert (seen["word"], seen["mine"]) == (None, 1)
    assert kept(tab) != [token]


@pytest.mark.parametrize("bad", ["refused", *in_everything("nonsense")])
def test_a_token_that_is_refused_is_replaced(bad: str, app: Server, visitor: Visitor) -> None:
    tab = opened(visitor, app)
    written(tab)
    if bad == "refused":
        with psycopg.connect(app.url, autocommit=True) as connection:
            connection.execute(
                "UPDATE pgstate.session SET expires_at = now() - interval '1 s' WHERE id = %s",
                (tab.runs()[-1].seen["tab_id"],),
            )
    else:
        tab.frame.evaluate(
            "Object.keys(sessionStorage).filter(name => name.startsWith('pgstate.'))"
            ".forEach(name => sessionStorage.setItem(name, 'nonsense'))"
        )
    tab.reload()
    runs = len(tab.runs())
    assert tab.settled().seen["word"] is None
    assert len(tab.runs()) - runs <= 2
    tab.reload()
    assert tab.settled(1).seen["mine"] == 2


@pytest.mark.long
def test_the_token_is_in_no_address_and_in_no_state_that_the_page_shows(
    app: Server, visitor: Visitor
) -> None:
    tab = opened(visitor, app)
    written(tab)
    tab.reload()
    tab.settled(1)
    assert not TOKEN.search(tab.page.url)
    [token] = kept(tab)
    assert token not in str(tab.page.evaluate("Object.values(localStorage)"))
