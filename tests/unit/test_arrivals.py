"""How the visitor of a page came: the table of cases, and of docs/arrival.md."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from streamlit_pgstate.page.arrival import NEW, Arrived, keeper

COOKIE, LOCAL, LOGIN = "cookie", "localStorage", "login"

NOTHING_CAME = NEW
RETURNING = Arrived.opened(COOKIE, is_stored=True)
EMPTY = Arrived.opened(COOKIE, is_stored=False)
EXPIRED = Arrived.refused(COOKIE, "expired")
FORGOTTEN = Arrived.refused(COOKIE, "forgotten")
FORGED = Arrived.refused(COOKIE, None)

OPENED = [
    ("no token came", NOTHING_CAME, ("new", None)),
    ("the token of a state in which something was stored", RETURNING, ("returning", COOKIE)),
    ("a token under which nothing was ever stored", EMPTY, ("new", None)),
    ("the token of an expired state", EXPIRED, ("expired", COOKIE)),
    ("the token of a forgotten state", FORGOTTEN, ("forgotten", COOKIE)),
    ("a token that is forged, cut, replaced, or of another key or database", FORGED, ("new", None)),
    ("a user's state", Arrived.logged_in(is_stored=True, ended=None), ("returning", LOGIN)),
    ("a new user's state", Arrived.logged_in(is_stored=False, ended=None), ("new", None)),
    (
        "a user's state that has expired",
        Arrived.logged_in(is_stored=False, ended="expired"),
        ("expired", LOGIN),
    ),
]


@pytest.mark.parametrize(("why", "arrived", "then"), OPENED)
def test_how_a_page_is_opened(why: str, arrived: Arrived, then: tuple[str, str | None]) -> None:
    assert (arrived.arrival, arrived.came_by) == then, why


def stored(arrived: Arrived) -> Arrived:
    """The browser reports the token of another state, in which something is stored."""
    return arrived.reported("localStorage", is_stored=True)


def empty(arrived: Arrived) -> Arrived:
    """The browser reports a token under which nothing is stored."""
    return arrived.reported("localStorage", is_stored=False)


def in_place_of_a_forgotten(arrived: Arrived) -> Arrived:
    """Another tab has forgotten the state, and the browser reports the token of the next one."""
    return arrived.reported("localStorage", is_stored=True, ended="forgotten")


def an_expired(arrived: Arrived) -> Arrived:
    return arrived.reported_refused("localStorage", "expired")


def a_forged(arrived: Arrived) -> Arrived:
    return arrived.reported_refused("localStorage", None)


def forgets(arrived: Arrived) -> Arrived:
    return arrived.ended("forgotten")


def expires(arrived: Arrived) -> Arrived:
    return arrived.ended("expired")


def is_replaced(arrived: Arrived) -> Arrived:
    """By a login or a rotation in another tab: the browser reports the other token."""
    return arrived.ended(None)


def is_lost(arrived: Arrived) -> Arrived:
    """The browser keeps no token any more."""
    return arrived.begun()


Event = Callable[[Arrived], Arrived]
SINCE: list[tuple[Arrived, list[Event], tuple[str, str | None]]] = [
    (NEW, [stored], ("returning", LOCAL)),
    (NEW, [empty], ("new", None)),
    (NEW, [an_expired], ("expired", LOCAL)),
    (NEW, [a_forged], ("new", None)),
    (NEW, [forgets], ("forgotten", None)),
    (NEW, [forgets, stored], ("forgotten", None)),
    (NEW, [is_lost], ("new", None)),
    (EXPIRED, [stored], ("returning", LOCAL)),
    (EXPIRED, [empty], ("expired", COOKIE)),
    (EXPIRED, [an_expired], ("expired", COOKIE)),
    (EXPIRED, [forgets], ("forgotten", COOKIE)),
    (FORGOTTEN, [stored], ("returning", LOCAL)),
    (FORGOTTEN, [a_forged], ("forgotten", COOKIE)),
    (RETURNING, [stored], ("returning", LOCAL)),
    (RETURNING, [empty], ("new", None)),
    (RETURNING, [an_expired], ("returning", COOKIE)),
    (RETURNING, [in_place_of_a_forgotten], ("forgotten", COOKIE)),
    (RETURNING, [forgets], ("forgotten", COOKIE)),
    (RETURNING, [expires], ("expired", COOKIE)),
    (RETURNING, [expires, stored], ("expired", COOKIE)),
    (RETURNING, [expires, is_lost], ("expired", COOKIE)),
    (RETURNING, [expires, forgets], ("forgotten", COOKIE)),
    (RETURNING, [is_replaced], ("returning", COOKIE)),
    (RETURNING, [is_replaced, stored], ("returning", LOCAL)),
    (RETURNING, [is_lost], ("new", None)),
]


@pytest.mark.parametrize(
    ("arrived", "events", "then"),
    SINCE,
    ids=[f"{a.arrival}-{'-'.join(e.__name__ for e in events)}" for a, events, _ in SINCE],
)
def test_what_the_page_says_after_the_browsers_reports(
    arrived: Arrived, events: list[Event], then: tuple[str, str | None]
) -> None:
    for event in events:
        arrived = event(arrived)
    assert (arrived.arrival, arrived.came_by) == then


def test_a_tab_keeps_its_own_token_in_session_storage() -> None:
    assert keeper("browser") == "localStorage"
    assert keeper("tab") == "sessionStorage"
