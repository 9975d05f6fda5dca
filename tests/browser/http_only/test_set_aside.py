"""A token that the server refuses is set aside, and found again."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from served import Server
from visitor import Visitor

from http_only.cookies import cookie_of
from streamlit_pgstate import connect


@pytest.mark.long  # one in the cookie is tested, too
def test_a_refused_token_in_local_storage_is_set_aside(app: Server, visitor: Visitor) -> None:
    other = connect(app.url, signing_key="another" * 10)
    foreign = other.new_token()
    other.close()
    tab = visitor.open(app, "reads")
    tab.settled(1)
    tab.set_local(foreign)
    tab.reload()
    tab.settled(2)
    tab.token()
    kept = tab.page.evaluate("JSON.stringify({...localStorage})")
    assert "pgstate-aside" in kept
    assert foreign in kept
    tab.reload()
    tab.settled(1)


def test_a_token_under_another_key_is_set_aside_and_found_again(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app(is_app=True)
    tab = visitor.open(server)
    ids = {None: tab.settled(1).seen["id"]}
    key = "another" * 10
    for visits, present in [(1, key), (2, None), (2, key), (3, None)]:
        server.kill()
        server.environment = {"PGSTATE_SIGNING_KEY": present} if present else {}
        tab.page.goto("about:blank")
        server.start()
        tab.open()
        run = tab.settled(1)
        assert run.seen["visits"] == visits
        assert run.seen["id"] == ids.setdefault(present, run.seen["id"])
    assert len(set(ids.values())) == 2
    assert cookie_of(tab)["httpOnly"] is True


def test_a_token_that_the_database_refuses_is_set_aside_and_found_again(
    app: Server, visitor: Visitor
) -> None:
    """Such as one whose session is in another copy of the database."""
    tab = visitor.open(app, "reads")
    tab.settled(1)
    tab.click("write")
    kept, token = tab.settled(1).seen["id"], tab.token()
    expires(app, kept, "now() - interval '1 s'")
    tab.reload()
    other = tab.settled(1)
    assert (other.seen["word"], other.seen["id"] == kept) == (None, False)
    stand_in = tab.token()
    expires(app, kept, "now() + interval '1 day'")
    tab.reload()
    again = tab.settled(1)
    assert (again.seen["word"], again.seen["id"]) == ("written", kept)
    assert tab.token() == token != stand_in
    tab.reload()
    assert tab.settled(1).seen["id"] == kept


def test_a_token_that_a_script_in_the_page_plants_under_the_second_name_opens_nothing(
    app: Server, new_visitor: Callable[..., Visitor]
) -> None:
    """As its owner's browser keeps it there, too."""
    planters = new_visitor()
    owner = planters.open(app, "reads")
    owner.settled(1)
    owner.click("write")
    theirs = owner.settled(1).seen["id"]
    token = owner.token()
    expires(app, theirs, "now() - interval '1 s'")
    owner.reload()
    owner.settled(1)
    owner.token()
    second = app.cookie_name.replace("pgstate-app", "pgstate-app-aside")
    [kept] = [it for it in planters.context.cookies(app.address) if it["name"] == second]
    expires(app, theirs, "now() + interval '1 day'")
    tab = new_visitor().open(app, "reads")
    mine = tab.settled(1).seen["id"]
    for planted in (token, kept["value"]):
        assert token in planted
        tab.page.evaluate(f"document.cookie = '{second}={planted}; path=/'")
        tab.reload()
        run = tab.settled(1)
        assert (run.seen["word"], run.seen["id"]) == (None, mine)
    tab.click("forget")
    tab.settled(1)
    tab.page.evaluate(f"document.cookie = '{second}={token}; path=/'")
    tab.reload()
    run = tab.settled(1)
    assert (run.seen["word"], run.seen["id"] not in (mine, theirs)) == (None, True)


def expires(app: Server, session: str, at: str) -> None:
    with psycopg.connect(app.url, autocommit=True) as rows:
        rows.execute(f"UPDATE pgstate.session SET expires_at = {at} WHERE id = %s", (session,))
