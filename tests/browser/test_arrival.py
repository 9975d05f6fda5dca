"""How the visitor came, as the script is told: in each run of a page the same, and in the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from everything import in_everything
from logins import let_log_in, log_in, log_out
from served import Server, running
from test_blocked import NO_COOKIES, NO_STORAGE
from test_tab_scope import comes_to, duplicated
from visitor import Tab, Visitor, settled

from streamlit_pgstate import Store, connect

NEW = ["new", None]
BY_COOKIE = ["returning", "cookie"]
BY_STORAGE = ["returning", "localStorage"]


def came(tab: Tab, runs: int = 1) -> list[str | None]:
    """What the page says in its first run, at least, of so many."""
    seen = tab.settled(runs).seen
    found: list[str | None] = seen["came"]
    return found


def clicked(tab: Tab, name: str) -> list[str | None]:
    tab.click(name)
    return came(tab)


def expire(rows: psycopg.Connection, token_of: Store, token: str) -> None:
    session = token_of.state(token).id
    rows.execute(
        "UPDATE pgstate.session SET expires_at = now() - interval '1 s' WHERE id = %s", (session,)
    )


@pytest.mark.parametrize("served", ["plain", *in_everything("http only")], indirect=True)
def test_a_new_visitor_returns_with_the_next_page_and_not_with_a_click(
    served: Server, visitor: Visitor
) -> None:
    tab = visitor.open(served, "arrivals")
    assert came(tab) == NEW
    for click in ("write", "run", "rotate", "run"):
        assert clicked(tab, click) == NEW, click
    tab.click("call back")
    seen = tab.settled(1).seen
    assert seen["in_callback"] == seen["came"] == seen["came_at_end"] == NEW
    tab.reload()
    assert came(tab) == BY_COOKIE
    for click in ("rotate", "run"):
        assert clicked(tab, click) == BY_COOKIE, click
    assert came(visitor.open(served, "arrivals")) == BY_COOKIE


@pytest.mark.parametrize("served", ["plain", *in_everything("http only")], indirect=True)
@pytest.mark.long
def test_a_fragment_is_told_the_same(served: Server, visitor: Visitor) -> None:
    tab = visitor.open(served, "arrivals_in_a_fragment")
    assert came(tab, 2) == NEW
    assert clicked(tab, "run the fragment") == NEW
    tab.reload()
    assert came(tab, 2) == BY_COOKIE
    assert clicked(tab, "run the fragment") == BY_COOKIE


@pytest.mark.parametrize("served", ["plain", *in_everything("http only")], indirect=True)
@pytest.mark.long
def test_who_has_stored_nothing_is_new_with_each_page(served: Server, visitor: Visitor) -> None:
    tab = visitor.open(served, "arrivals")
    assert came(tab) == NEW
    tab.token()
    tab.reload()
    assert came(tab) == NEW


def test_a_state_that_was_forgotten_here_is_forgotten_until_the_next_page(
    served: Server, visitor: Visitor
) -> None:
    tab = visitor.open(served, "arrivals")
    came(tab)
    clicked(tab, "write")
    tab.reload()
    assert came(tab) == BY_COOKIE
    tab.click("forget")
    assert tab.settled(1).seen["came_at_end"] == ["forgotten", "cookie"]
    assert clicked(tab, "run") == ["forgotten", "cookie"]
    assert clicked(tab, "write") == ["forgotten", "cookie"]
    tab.reload()
    assert came(tab) == BY_COOKIE, "what was written since is there"


@pytest.mark.page_copies
def test_a_state_that_another_tab_forgets_is_forgotten_here_too(
    app: Server, visitor: Visitor
) -> None:
    """The script of the other tab stores something anew at once. (An app of `pgstate.App` loads
    the page anew, and that is a page of its own.)"""
    first = visitor.open(app, "arrivals_that_write")
    came(first)
    first.token()
    second = visitor.open(app, "arrivals_that_write")
    assert came(second) == BY_COOKIE
    first.click("forget")
    first.settled(1)
    first.click("run")
    assert came(first) == ["forgotten", None]
    second.click("run")
    assert second.settled().seen["came"] == ["forgotten", "cookie"]


@pytest.mark.parametrize("served", ["plain", *in_everything("http only")], indirect=True)
@pytest.mark.parametrize("ending", ["expired", "forgotten"])
def test_a_state_that_has_ended_before_the_visitor_came_back(
    ending: str,
    served: Server,
    visitor: Visitor,
    store_of_served: Store,
    rows_of_served: psycopg.Connection,
) -> None:
    tab = visitor.open(served, "arrivals")
    came(tab)
    clicked(tab, "write")
    if ending == "expired":
        expire(rows_of_served, store_of_served, tab.token())
    else:
        store_of_served.state(tab.token()).forget()
    tab.open()
    assert came(tab) == [ending, "cookie"]
    assert clicked(tab, "write") == [ending, "cookie"]
    tab.token()
    tab.open()
    assert came(tab) == BY_COOKIE


@pytest.mark.parametrize("served", ["plain", *in_everything("http only")], indirect=True)
@pytest.mark.long
def test_a_state_that_expires_under_the_open_page(
    served: Server,
    visitor: Visitor,
    store_of_served: Store,
    rows_of_served: psycopg.Connection,
) -> None:
    tab = visitor.open(served, "arrivals")
    came(tab)
    clicked(tab, "write")
    expire(rows_of_served, store_of_served, tab.token())
    tab.click("run")
    assert tab.settled().seen["came"][0] == "expired"


@pytest.mark.parametrize("served", ["plain", *in_everything("http only")], indirect=True)
@pytest.mark.long
def test_a_forged_token_makes_nobody_an_acquaintance(served: Server, visitor: Visitor) -> None:
    tab = visitor.open(served, "arrivals")
    came(tab)
    head, _, end = tab.token().rpartition(".")
    tab.set_copies(f"{head}.{'A' * len(end)}")
    tab.open()
    assert came(tab) == NEW


@pytest.mark.page_copies
def test_where_local_storage_alone_has_the_token_the_second_run_knows(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "arrivals")
    came(tab)
    clicked(tab, "write")
    tab.token()
    tab.set_cookie(None)
    tab.open()
    assert came(tab, 2) == BY_STORAGE
    assert clicked(tab, "run") == BY_STORAGE
    tab.open()
    assert came(tab) == BY_COOKIE


@pytest.mark.page_copies
@pytest.mark.long
def test_where_the_copies_differ_local_storage_decides(
    app: Server, visitor: Visitor, store_of_app: Store
) -> None:
    kept, other = store_of_app.new_token(), store_of_app.new_token()
    for token in (kept, other):
        store_of_app.state(token)["word"] = "written"
    tab = visitor.open(app, "arrivals")
    came(tab)
    tab.token()
    tab.set_local(kept)
    tab.set_cookie(other)
    tab.open()
    assert came(tab, 2) == BY_STORAGE


@pytest.mark.page_copies
def test_an_expired_token_in_local_storage_is_told_by_the_second_run(
    app: Server, visitor: Visitor, store_of_app: Store, rows: psycopg.Connection
) -> None:
    tab = visitor.open(app, "arrivals")
    came(tab)
    clicked(tab, "write")
    expire(rows, store_of_app, tab.token())
    tab.set_cookie(None)
    tab.open()
    tab.settled()
    assert clicked(tab, "run") == ["expired", "localStorage"]


def test_a_token_that_pgstate_app_takes_over_came_by_local_storage(
    http_only_app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(http_only_app, "arrivals")
    came(tab)
    store = connect(http_only_app.url)
    token = store.new_token()
    store.state(token)["word"] = "from before"
    store.close()
    tab.set_local(token)
    tab.open()
    assert came(tab, 2) == BY_STORAGE
    tab.token()
    tab.open()
    assert came(tab) == BY_COOKIE


@pytest.mark.long
def test_who_keeps_nothing_is_new_with_each_page(app: Server, visitor: Visitor) -> None:
    for script in (NO_STORAGE, NO_COOKIES):
        visitor.run_first(script)
    tab = visitor.open(app, "arrivals")
    assert came(tab, 2) == NEW
    assert clicked(tab, "write") == NEW
    tab.reload()
    assert came(tab, 2) == NEW


@pytest.fixture(scope="module")
def app_with_login(
    database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("arrivals"), database())
    let_log_in(server)
    with running(server):
        yield server


def test_the_states_beside_the_browsers(
    app_with_login: Server, new_visitor: Callable[..., Visitor]
) -> None:
    phone, laptop = new_visitor(), new_visitor()
    for visitor in (phone, laptop):
        log_in(visitor, app_with_login, "who comes by two devices")
    tab = phone.open(app_with_login, "arrivals_of_all_scopes")
    seen = tab.settled(1).seen
    assert (seen["app"], seen["tab"], seen["user"]) == (None, NEW, NEW)
    for click in ("write as user", "write in the tab"):
        tab.click(click)
        seen = tab.settled(1).seen
        assert (seen["tab"], seen["user"]) == (NEW, NEW)
    tab.reload()
    seen = tab.settled(1).seen
    assert (seen["app"], seen["tab"][0], seen["user"]) == (
        None,
        "returning",
        ["returning", "login"],
    )
    other = laptop.open(app_with_login, "arrivals_of_all_scopes")
    seen = other.settled(1).seen
    assert (seen["tab"], seen["user"]) == (NEW, ["returning", "login"])
    tab.click("forget user")
    assert tab.settled(1).seen["user"] == ["forgotten", "login"]
    other.click("write in the tab")
    assert other.settled(1).seen["user"] == ["forgotten", "login"]
    for page in (tab, other):
        page.reload()
    assert [run.seen["user"] for run in settled([tab, other], 1)] == [NEW, NEW]


@pytest.mark.long
def test_a_login_and_a_logout_change_nothing_of_it(
    app_with_login: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app_with_login, "arrivals_of_all_scopes")
    assert tab.settled(1).seen["browser"] == NEW
    tab.click("write in the browser")
    assert tab.settled(1).seen["browser"] == NEW
    tab.token()
    log_in(visitor, app_with_login, "who has come before")
    for change in (None, log_out):
        if change is not None:
            change(visitor)
        tab.reload()
        assert tab.settled(1).seen["browser"] == BY_COOKIE
        tab.token()


@pytest.mark.long
def test_a_duplicated_tab_returns_to_a_copy(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "arrivals_of_all_scopes")
    tab.settled(1)
    tab.click("write in the tab")
    assert tab.settled(1).seen["tab"] == NEW
    other = duplicated(tab, visitor, "arrivals_of_all_scopes")
    seen = comes_to(other, lambda seen: bool(seen["tab"] == ["returning", "sessionStorage"]))
    assert seen["tab"] == ["returning", "sessionStorage"]


def test_a_user_whose_state_has_expired(app_with_login: Server, visitor: Visitor) -> None:
    log_in(visitor, app_with_login, "who comes too late")
    tab = visitor.open(app_with_login, "arrivals_of_all_scopes")
    tab.settled(1)
    tab.click("write as user")
    user = tab.settled(1).seen["user_id"]
    with psycopg.connect(app_with_login.url, autocommit=True) as rows:
        rows.execute(
            "UPDATE pgstate.session SET expires_at = now() - interval '1 s' WHERE id = %s", (user,)
        )
    tab.reload()
    assert tab.settled(1).seen["user"] == ["expired", "login"]
    tab.reload()
    assert tab.settled(1).seen["user"] == NEW
