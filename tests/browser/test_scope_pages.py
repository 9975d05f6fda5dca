"""Scopes in a real browser: who is logged in, and what all visitors share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from everything import in_everything
from logins import ISSUER, bring, let_log_in, log_in, log_out, signed
from served import Server, running
from visitor import Tab, Visitor, settled

pytestmark = pytest.mark.xdist_group("scope_pages")  # they share a server


@pytest.fixture(scope="module")
def app(database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose secrets know a provider of logins."""
    server = Server(tmp_path_factory.mktemp("scopes"), database())
    let_log_in(server)
    with running(server):
        yield server


def user_of(tab: Tab, click: str | None = None) -> dict[str, Any]:
    """What the page shows of the user's state, after a click or a load."""
    if click:
        tab.click(click)
    else:
        tab.reload()
    return tab.settled(1).seen


def test_a_user_has_the_same_state_on_every_device_and_no_other_user_has(
    app: Server, new_visitor: Callable[..., Visitor]
) -> None:
    phone, laptop, stranger = (new_visitor() for _ in range(3))
    log_in(phone, app, "the same on every device")
    log_in(laptop, app, "the same on every device")
    log_in(stranger, app, "another, with the same e-mail")
    tabs = [visitor.open(app, "user_scope") for visitor in (phone, laptop, stranger)]
    settled(tabs, 1)
    assert user_of(tabs[0], "write as user")["user"] == {"theme": "dark"}
    seen = [user_of(tab) for tab in tabs]
    assert [each["user"] for each in seen] == [{"theme": "dark"}, {"theme": "dark"}, {}]
    assert seen[0]["user_id"] == seen[1]["user_id"] != seen[2]["user_id"]
    assert {each["scope"] for each in seen} == {"user"}
    assert len({each["id"] for each in seen}) == 3
    assert len({each["email"] for each in seen}) == 1


def test_nobody_is_told_from_an_id_who_it_is(app: Server, visitor: Visitor) -> None:
    log_in(visitor, app, "somebody@example.com")
    tab = visitor.open(app, "user_scope")
    tab.settled(1)
    user_of(tab, "write as user")
    with psycopg.connect(app.url) as connection:
        dump = str(connection.execute("SELECT s::text FROM pgstate.session s").fetchall())
    assert "somebody" not in dump
    assert "accounts.example" not in dump


def test_at_login_the_anonymous_state_is_taken_over_and_nobody_finds_it_afterwards(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "user_scope")
    assert "Nobody is logged in" in tab.settled(1).seen["error"]
    tab.click("write as anybody")
    tab.settled(1)
    log_in(visitor, app, "who fills a cart first")
    tab.reload()
    assert tab.settled(1).seen["user"] == {}
    seen = user_of(tab, "adopt")
    assert seen["adopted"] == ["cart", "theme"]
    assert seen["user"] == {"cart": "milk", "theme": "light"}
    assert user_of(tab, "adopt")["adopted"] == []
    assert user_of(tab)["anonymous"] == {}
    log_out(visitor)
    tab.reload()
    assert tab.settled(1).seen["anonymous"] == {}


def test_what_the_user_has_already_is_kept(app: Server, visitor: Visitor) -> None:
    log_in(visitor, app, "who has a theme")
    tab = visitor.open(app, "user_scope")
    tab.settled(1)
    for click in ("write as user", "write as anybody"):
        user_of(tab, click)
    seen = user_of(tab, "adopt")
    assert seen["adopted"] == ["cart"]
    assert seen["user"] == {"cart": "milk", "theme": "dark"}
    assert user_of(tab)["anonymous"] == {"theme": "light"}


@pytest.mark.long
def test_on_a_shared_machine_the_next_one_finds_nothing_after_forget_and_logout(
    app: Server, visitor: Visitor
) -> None:
    log_in(visitor, app, "who leaves")
    tab = visitor.open(app, "user_scope")
    tab.settled(1)
    user_of(tab, "write as user")
    before = user_of(tab, "write as anybody")["id"]
    tab.click("forget")
    tab.settled(1)
    log_out(visitor)
    log_in(visitor, app, "who comes next")
    seen = user_of(tab)
    assert (seen["anonymous"], seen["user"]) == ({}, {})
    assert seen["id"] != before


def test_a_user_who_is_forgotten_is_so_on_the_other_device_too(
    app: Server, new_visitor: Callable[..., Visitor]
) -> None:
    tabs = []
    for visitor in (new_visitor(), new_visitor()):
        log_in(visitor, app, "who is to be forgotten")
        tabs.append(visitor.open(app, "user_scope"))
        tabs[-1].settled(1)
    user_of(tabs[0], "write as user")
    assert user_of(tabs[1])["user"] == {"theme": "dark"}
    assert user_of(tabs[0], "forget user")["user"] == {}
    assert user_of(tabs[1], "adopt")["user"] == {}
    assert user_of(tabs[1], "write as user")["user"] == {"theme": "dark"}


@pytest.mark.parametrize("lacking", ["sub", *in_everything("iss")])
def test_a_login_that_does_not_say_who_it_is_is_told(
    app: Server, visitor: Visitor, lacking: str
) -> None:
    log_in(visitor, app, "somebody", **{lacking: ""})
    error = visitor.open(app, "user_scope").settled(1).seen["error"]
    assert "no issuer and subject" in error


def test_a_forged_login_is_none(app: Server, visitor: Visitor) -> None:
    said = json.dumps({"origin": app.address, "is_logged_in": True, "iss": ISSUER, "sub": "x"})
    bring(visitor, app, signed(said, "another secret"))
    assert "Nobody is logged in" in visitor.open(app, "user_scope").settled(1).seen["error"]


@pytest.mark.long
def test_five_visitors_at_once_share_the_apps_state_and_nothing_else(
    app: Server, new_visitor: Callable[..., Visitor]
) -> None:
    tabs = [new_visitor().open(app, "app_scope") for _ in range(5)]
    settled(tabs, 1)
    for button in ("count", "write mine"):
        for tab in tabs:  # none waits for the one before
            tab.frame.evaluate(
                "name => [...document.querySelectorAll('[data-testid=stButton] button')]"
                ".find(button => button.innerText === name).click()",
                button,
            )
        settled(tabs, 1)
    for tab in tabs:
        seen = user_of(tab)
        assert (seen["clicks"], seen["mine"], seen["scope"]) == (len(tabs), tab.name, "app")
