"""A page view at a server with wrong settings costs no visitor their state."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from crossroads import Crossroads, Replica
from everything import in_everything
from served import running
from visitor import Tab, Visitor

DAY = 86_400

Replicas = Callable[..., Replica]


@pytest.fixture(scope="module")
def replicas(
    database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replicas]:
    """Start a replica, or return it: `url` and settings as variables; all at one address.

    Without any of these it is the right one.
    """
    folder, right = tmp_path_factory.mktemp("replicas"), database()
    crossroads, known = Crossroads(), dict[str, Replica]()
    with contextlib.ExitStack() as stack:
        stack.callback(crossroads.close)

        def at(name: str, *, url: str = right, **environment: str) -> Replica:
            if name not in known:
                replica = Replica(folder, url, environment=environment, crossroads=crossroads)
                known[name] = stack.enter_context(running(replica))
            return known[name]

        yield at


@pytest.fixture
def right(replicas: Replicas) -> Replica:
    return replicas("right")


def go_to(replica: Replica, tab: Tab) -> None:
    """Load the page anew, from this replica."""
    assert replica.crossroads is not None
    tab.page.goto("about:blank")
    replica.crossroads.target = replica
    tab.server = replica
    tab.open()


def opened(replica: Replica, visitor: Visitor, case: str = "visits") -> Tab:
    assert replica.crossroads is not None
    replica.crossroads.target = replica
    return visitor.open(replica, case)


def of_another_schema(replicas: Replicas, database: Callable[[], str]) -> Replica:
    return replicas("schema", PGSTATE_SCHEMA="other")


def of_another_database(replicas: Replicas, database: Callable[[], str]) -> Replica:
    """One that was not copied from the right one: it has an identity of its own."""
    url = database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA pgstate CASCADE")
    return replicas("database", url=url)


def of_another_key(replicas: Replicas, database: Callable[[], str]) -> Replica:
    return replicas("key", PGSTATE_SIGNING_KEY=secrets.token_urlsafe(32))


def a_day_behind(replicas: Replicas, database: Callable[[], str]) -> Replica:
    return replicas("behind", CLOCK_IS_OFF_BY=str(-25 * 3600))


def a_year_ahead(replicas: Replicas, database: Callable[[], str]) -> Replica:
    return replicas("ahead", CLOCK_IS_OFF_BY=str(401 * DAY))


SEPARATE = [of_another_database, *in_everything(of_another_schema)]
"""Their names in the browser differ, so that they do not even see the token."""
REFUSING = [of_another_key, *in_everything(a_day_behind, a_year_ahead)]


@pytest.mark.parametrize("wrong", SEPARATE)
def test_another_schema_or_database_does_not_see_the_token(
    wrong: Callable[..., Replica],
    replicas: Replicas,
    right: Replica,
    visitor: Visitor,
    database: Callable[[], str],
) -> None:
    other = wrong(replicas, database)
    tab = opened(right, visitor)
    tab.settled(1)
    tab.click("write")
    first = tab.settled(1)
    token = tab.token()
    go_to(other, tab)
    there = tab.settled(1)
    assert (there.seen["visits"], there.seen["word"]) == (1, None)
    for visits in (3, 4):
        go_to(right, tab)
        run = tab.settled(1)
        assert (run.seen["visits"], run.seen["word"]) == (visits, "written")
        assert run.seen["id"] == first.seen["id"] != there.seen["id"]
        assert tab.token() == token
    go_to(other, tab)
    assert tab.settled(1).seen["visits"] == 2


@pytest.mark.parametrize("wrong", REFUSING)
def test_a_token_that_a_server_refuses_is_set_aside_there_and_found_again(
    wrong: Callable[..., Replica],
    replicas: Replicas,
    right: Replica,
    visitor: Visitor,
    database: Callable[[], str],
) -> None:
    other = wrong(replicas, database)
    tab = opened(right, visitor)
    tab.settled(1)
    tab.click("write")
    first = tab.settled(1)
    token = tab.token()
    go_to(other, tab)
    there = tab.settled(1)  # the first visit there
    assert (there.seen["visits"], there.seen["word"]) == (1, None)
    tab.reload()
    assert tab.settled(1).seen["visits"] == 2
    for _ in range(2):
        go_to(right, tab)
        run = tab.settled(2)
        assert run.seen["word"] == "written"
        assert run.seen["id"] == first.seen["id"] != there.seen["id"]
        assert tab.token() == token
        tab.reload()
        assert tab.settled(1).seen["word"] == "written"
        go_to(other, tab)
        assert tab.settled(2).seen["id"] == there.seen["id"]
        tab.reload()
        assert tab.settled(1).seen["id"] == there.seen["id"]


@pytest.mark.long
def test_a_copy_of_the_database_does_not_cost_a_token_that_it_does_not_know(
    replicas: Replicas, right: Replica, visitor: Visitor, database: Callable[[], str]
) -> None:
    """A copy takes a young token without a row for a new visitor's. An older one it refuses."""
    copy = replicas("copy", url=database())
    tab = opened(a_day_behind(replicas, database), visitor)
    tab.settled(1)
    tab.click("write")
    first = tab.settled(1)
    token = tab.token()
    go_to(copy, tab)
    there = tab.settled(1)
    assert (there.seen["visits"], there.seen["word"]) == (1, None)
    tab.reload()
    assert tab.settled(1).seen["visits"] == 2
    for _ in range(2):
        go_to(right, tab)
        run = tab.settled(2)
        assert (run.seen["word"], run.seen["id"]) == ("written", first.seen["id"])
        assert tab.token() == token
        tab.reload()
        assert tab.settled(1).seen["word"] == "written"
        go_to(copy, tab)
        assert tab.settled(2).seen["id"] == there.seen["id"]


@pytest.mark.long
def test_the_state_of_a_tab_is_found_again_too(
    replicas: Replicas, right: Replica, visitor: Visitor, database: Callable[[], str]
) -> None:
    other = of_another_key(replicas, database)
    tab = opened(right, visitor, "tab_scope")
    tab.settled(1)
    tab.click("write")
    assert tab.settled(1).seen["word"] == tab.name
    go_to(other, tab)
    assert tab.settled().seen["word"] is None
    go_to(right, tab)
    assert tab.settled().seen["word"] == tab.name
    tab.reload()
    assert tab.settled(1).seen["word"] == tab.name


@pytest.mark.long  # the table has one page at a time
def test_two_open_pages_at_servers_that_refuse_each_others_tokens_come_to_rest(
    replicas: Replicas, right: Replica, visitor: Visitor, database: Callable[[], str]
) -> None:
    other = of_another_key(replicas, database)
    here = opened(right, visitor)
    first = here.settled(1)
    there = opened(other, visitor)
    second = there.settled(1)
    here.settled(0)
    assert writes_within(here, 1) == 0
    for tab, run in ((here, first), (there, second)) * 2:
        tab.click("run")
        assert tab.settled().seen["id"] == run.seen["id"]
    assert writes_within(here, 1) == 0
    for tab, replica, run in ((here, right, first), (there, other, second)):
        go_to(replica, tab)
        assert tab.settled().seen["id"] == run.seen["id"]


def writes_within(tab: Tab, seconds: float) -> int:
    """How often another page changes localStorage in so many seconds."""
    count: int = tab.page.evaluate(
        """async seconds => {
            let events = 0
            const count = () => { events++ }
            addEventListener("storage", count)
            await new Promise(done => setTimeout(done, seconds * 1000))
            removeEventListener("storage", count)
            return events
        }""",
        seconds,
    )
    return count


def test_forget_throws_away_what_lies_aside(
    replicas: Replicas, right: Replica, visitor: Visitor, database: Callable[[], str]
) -> None:
    other = of_another_key(replicas, database)
    tab = opened(right, visitor)
    tab.settled(1)
    token = tab.token()
    go_to(other, tab)
    tab.settled(1)
    assert token in aside(tab)
    tab.click("forget")
    tab.settled(1)
    tab.token()
    assert aside(tab) == ""
    go_to(right, tab)
    assert tab.settled(1).seen["visits"] == 1


def aside(tab: Tab) -> str:
    """What lies aside, as one text."""
    found: Any = tab.page.evaluate(
        "Object.entries(localStorage).filter(([name]) => name.startsWith('pgstate-aside.'))"
    )
    return " ".join(text for _, text in found)


def test_a_signing_key_is_changed_and_no_visitor_notices(
    replicas: Replicas, visitor: Visitor
) -> None:
    old, new = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    tab = opened(replicas("old key", PGSTATE_SIGNING_KEY=old), visitor)
    tab.settled(1)
    tab.click("write")
    first = tab.settled(1).seen
    token = tab.token()
    second = visitor.open(replicas("old key"))
    second.settled(1)
    go_to(replicas("both keys", PGSTATE_SIGNING_KEY=f"{new},{old}"), tab)
    assert tab.settled(1).seen["id"] == first["id"]
    assert tab.token() != token
    tab.reload()
    assert tab.settled(1).seen["id"] == first["id"]
    go_to(replicas("new key", PGSTATE_SIGNING_KEY=new), tab)
    run = tab.settled(1)
    assert (run.seen["id"], run.seen["word"]) == (first["id"], "written")


@pytest.mark.long  # above is one with a cookie
def test_a_signing_key_is_changed_and_no_visitor_without_a_cookie_notices(
    replicas: Replicas, visitor: Visitor
) -> None:
    """The browser reports its token, and it is signed anew as one that a cookie brings."""
    old, new = secrets.token_urlsafe(32), secrets.token_urlsafe(32)

    def without_cookie(name: str, keys: str) -> Replica:
        return replicas(f"{name}, no cookie", PGSTATE_SIGNING_KEY=keys, PGSTATE_COOKIE="false")

    tab = opened(without_cookie("old key", old), visitor)
    tab.settled()
    tab.click("write")
    first, token = tab.settled(1).seen, tab.local()
    go_to(without_cookie("both keys", f"{new},{old}"), tab)
    assert tab.settled(2).seen["id"] == first["id"]
    signed = awaits_another_token(tab, token)
    tab.reload()
    assert tab.settled(2).seen["id"] == first["id"]
    assert tab.local() == signed
    go_to(without_cookie("new key", new), tab)
    run = tab.settled(2)
    assert (run.seen["id"], run.seen["word"]) == (first["id"], "written")


def awaits_another_token(tab: Tab, token: str | None) -> str:
    """Wait until localStorage holds another token than this one."""
    tab.page.wait_for_function(
        "([key, token]) => ![null, token].includes(localStorage.getItem(key))",
        arg=[tab._key, token],
    )
    found = tab.local()
    assert found is not None
    return found


@pytest.mark.long
def test_two_tabs_that_overtake_each_other_leave_both_copies_the_same(
    replicas: Replicas, visitor: Visitor
) -> None:
    """Each writes localStorage, then the cookie. A slow one may write its cookie as the last."""
    old, new = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    tab = opened(replicas("former key", PGSTATE_SIGNING_KEY=old), visitor)
    tab.settled(1)
    former = tab.token()
    second = visitor.open(replicas("former key"))
    second.settled(1)
    go_to(replicas("two keys", PGSTATE_SIGNING_KEY=f"{new},{old}"), tab)
    tab.settled()
    second.settled()  # its server refuses the token under the new key
    tab.set_cookie(former)
    # What the other tab hears if the first one has overtaken it.
    second.page.evaluate("dispatchEvent(new StorageEvent('storage'))")
    assert tab.token() != former
