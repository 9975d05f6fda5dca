"""Cookies that somebody else has set under our names, for a longer path or base path.

Another site of the same domain can do so, and a page over plain http that pretends to be one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from everything import named
from served import Server, running
from visitor import Tab, Visitor

from streamlit_pgstate import Store, connect


@pytest.fixture(scope="module")
def pages(
    database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("tossed")
    with running(Server(folder, database(), script="app_pages.py")) as server:
        yield server


@pytest.fixture(scope="module")
def store(pages: Server) -> Iterator[Store]:
    store = connect(pages.url)
    yield store
    store.close()


def toss(tab: Tab, store: Store, *, path: str = "/", base: str = "") -> str:
    """Set a cookie with a good token of somebody else, who has counted 100 visits."""
    token = store.new_token()
    store.state(token)["visits"] = 100
    cookie: Any = {"name": tab.server.cookie_name + base, "value": token, "sameSite": "Strict"}
    tab.page.context.add_cookies([{**cookie, "domain": "localhost", "path": path}])
    return token


TOSSED = {
    "for a longer path": {"path": "/_stcore"},
    "for the path of the WebSocket": {"path": "/_stcore/stream"},
    "of a longer base path": {"base": "%2Fsecond"},
}


@pytest.mark.parametrize("tossed", named(TOSSED, "for a longer path"))
def test_a_tossed_cookie_brings_no_visitor_into_another_session(
    tossed: dict[str, str], pages: Server, visitor: Visitor, store: Store
) -> None:
    tab = visitor.open(pages, path="/second")
    first = tab.settled(1)
    token = tab.token()
    theirs = toss(tab, store, **tossed)
    for visits in (2, 3):
        tab.reload()
        run = tab.settled(2)  # the browser reports what localStorage holds
        assert (run.seen["visits"], run.seen["id"]) == (visits, first.seen["id"])
        assert {run.seen.get("visits") for run in tab.runs()}.isdisjoint({101, 102})
        assert tab.token() == token
    assert store.state(theirs)["visits"] == 100


@pytest.mark.long
def test_a_tossed_cookie_of_the_same_token_costs_nothing(
    pages: Server, visitor: Visitor, store: Store
) -> None:
    tab = visitor.open(pages)
    tab.settled(1)
    cookie: Any = {"name": tab.server.cookie_name, "value": tab.token(), "domain": "localhost"}
    tab.page.context.add_cookies([{**cookie, "path": "/_stcore", "sameSite": "Strict"}])
    tab.reload()
    assert tab.settled(1).seen["visits"] == 2
