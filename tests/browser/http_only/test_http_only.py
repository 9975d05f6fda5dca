"""`pgstate.App`: the token is in an HttpOnly cookie, and no script in the page can read it.

The table of tokens runs in both modes: see `test_token.py`.
"""

from __future__ import annotations

import psycopg
import pytest
from playwright.sync_api import WebSocket
from served import Server
from visitor import Visitor

from http_only.cookies import cookie_of
from streamlit_pgstate import Store


def test_no_script_in_the_page_can_read_the_token(app: Server, visitor: Visitor) -> None:
    tab = visitor.tab(app, "shows_session_state")
    sent: list[str | bytes] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framesent", lambda text: sent.append(text))
        socket.on("framereceived", lambda text: sent.append(text))

    tab.page.on("websocket", listen)
    tab.open()
    tab.settled(1)
    seen = [tab.token()]
    for name in ("rotate", "forget"):
        tab.click(name)
        tab.settled(1)
        seen.append(tab.token())
    assert len(set(seen)) == 3
    kept = tab.page.evaluate(
        "[document.cookie, JSON.stringify({...localStorage}), JSON.stringify({...sessionStorage})]"
    )
    told = [text.encode() if isinstance(text, str) else text for text in (*sent, *kept)]
    shown = tab.page.content().encode()
    for token in seen:
        secret = token.split(".")[0].encode()
        assert not any(secret in text for text in (*told, shown))
    cookie = cookie_of(tab)
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/")


def test_rotate_and_forget_reach_the_cookie(app: Server, visitor: Visitor, store: Store) -> None:
    tab = visitor.open(app)
    first = tab.settled(1)
    before = tab.token()
    tab.click("rotate")
    tab.settled(1)
    rotated = tab.token()
    assert rotated != before
    tab.reload()
    assert tab.settled(1).seen["id"] == first.seen["id"]
    tab.click("forget")
    tab.settled(1)
    assert tab.token() not in (before, rotated)
    tab.reload()
    assert tab.settled(1).seen["visits"] == 1
    cookie = cookie_of(tab)
    assert cookie["httpOnly"] is True


def test_after_forget_in_one_tab_the_other_goes_over_to_the_same_token(
    app: Server, visitor: Visitor
) -> None:
    first = visitor.open(app, "reads")
    first.settled(1)
    second = visitor.open(app, "reads")
    second.click("write")
    second.settled(2)
    first.click("forget")
    first.settled(1)
    assert second.settled().seen["word"] is None
    second.click("write")
    written = second.settled(1)
    first.reload()
    run = first.settled(1)
    assert (run.seen["word"], run.seen["id"]) == ("written", written.seen["id"])


def test_a_second_tab_goes_on_when_the_first_has_rotated(
    app: Server, visitor: Visitor, store: Store
) -> None:
    first = visitor.open(app)
    first.settled(1)
    second = visitor.open(app)
    run = second.settled(1)
    first.click("rotate")
    first.settled(1)
    second.click("run")
    assert second.settled(1).seen["id"] == run.seen["id"]
    first.reload()  # and so the new token is presented
    first.settled(1)
    end_of_grace(app)
    second.click("run")  # this one is dropped: the page is loaded anew, with the new token
    assert second.settled(2).seen["id"] == run.seen["id"]
    second.click("run")
    assert second.settled(1).seen["durable"] is True


@pytest.mark.long
def test_what_a_tab_writes_after_forget_stays_where_another_tab_has_rotated_before(
    app: Server, visitor: Visitor
) -> None:
    first = visitor.open(app, "reads")
    first.settled(1)
    first.click("write")
    forgotten = first.settled(1).seen["id"]
    second = visitor.open(app, "reads")
    second.settled(1)
    second.click("rotate")
    second.settled(1)
    second.token()
    second.page.close()
    first.click("forget")
    first.settled(1)
    first.click("write")
    written = first.settled(1)
    assert (written.seen["word"], written.seen["id"] != forgotten) == ("written", True)
    first.token()
    first.reload()
    run = first.settled(1)
    assert (run.seen["word"], run.seen["id"]) == ("written", written.seen["id"])


def end_of_grace(app: Server) -> None:
    with psycopg.connect(app.url, autocommit=True) as rows:
        rows.execute("UPDATE pgstate.session SET rotated_at = rotated_at - interval '3 min'")


def test_rotate_and_forget_in_one_run_leave_the_last_token_in_the_cookie(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "rotates_and_forgets")
    ids = {tab.settled(1).seen["id"]}
    for _ in range(3):
        tab.click("both")
        tab.settled(1)
        tab.token()
        tab.click("write")
        written = tab.settled(1).seen
        assert written["word"] == "written"
        assert written["id"] not in ids
        ids.add(written["id"])
        tab.reload()
        run = tab.settled(1)
        assert (run.seen["word"], run.seen["id"]) == ("written", written["id"])
