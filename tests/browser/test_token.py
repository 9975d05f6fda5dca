"""The table of docs/how-it-works.md, row by row: how many runs each event costs, and its token."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import psycopg
import pytest
from everything import in_everything
from served import TOKEN, Server
from visitor import Tab, Visitor

from streamlit_pgstate import Store, connect

BadToken = Callable[[Tab, Store, psycopg.Connection], str]


def forged(tab: Tab, store: Store, rows: psycopg.Connection) -> str:
    head, issued, _ = tab.token().split(".")
    return f"{head}.{issued}.{secrets.token_urlsafe(32)}"


def cut(tab: Tab, store: Store, rows: psycopg.Connection) -> str:
    return tab.token()[:-7]


def huge(tab: Tab, store: Store, rows: psycopg.Connection) -> str:
    return tab.token() + "x" * 3000


def of_another_app(tab: Tab, store: Store, rows: psycopg.Connection) -> str:
    with_other_name = connect(tab.server.url, app="other")
    token = with_other_name.new_token()
    with_other_name.close()
    return token


def of_another_key(tab: Tab, store: Store, rows: psycopg.Connection) -> str:
    with_other_key = connect(tab.server.url, signing_key=secrets.token_urlsafe(32))
    token = with_other_key.new_token()
    with_other_key.close()
    return token


def revoked(tab: Tab, store: Store, rows: psycopg.Connection) -> str:
    state = store.state(token := store.new_token())
    state["word"] = "of the revoked"
    state.forget()
    return token


def revoked_before_its_first_write(tab: Tab, store: Store, rows: psycopg.Connection) -> str:
    store.state(token := store.new_token()).forget()
    return token


def expired(tab: Tab, store: Store, rows: psycopg.Connection) -> str:
    state = store.state(token := store.new_token())
    state["word"] = "of the expired"
    rows.execute(
        "UPDATE pgstate.session SET expires_at = now() - interval '1 s' WHERE id = %s", (state.id,)
    )
    return token


IN_BOTH_COPIES = [
    *(forged, revoked_before_its_first_write),
    *in_everything(revoked, cut, huge, of_another_app, of_another_key, expired),
]
IN_ONE_COPY = [
    *((forged, "cookie"), (huge, "local"), (revoked, "local")),
    *in_everything(
        (revoked, "cookie"), (forged, "local"), (cut, "cookie"), (of_another_app, "cookie")
    ),
    *in_everything((of_another_key, "local"), (expired, "cookie")),
    *in_everything((revoked_before_its_first_write, "local")),
]
"""What is refused before any SQL and what by it in either copy, the others in one of them."""


def test_a_first_visit_takes_one_run(served: Server, visitor: Visitor) -> None:
    tab = visitor.open(served)
    run = tab.settled(1)
    assert run.seen["visits"] == 1
    tab.token()


def test_a_first_visit_that_only_reads_leaves_no_row(
    served: Server, visitor: Visitor, rows_of_served: psycopg.Connection
) -> None:
    tab = visitor.open(served, "reads")
    run = tab.settled(1)
    tab.token()
    assert not rows_of_served.execute(
        "SELECT FROM pgstate.session WHERE id = %s", (run.seen["id"],)
    ).fetchall()


def test_f5_takes_one_run(served: Server, visitor: Visitor) -> None:
    tab = visitor.open(served)
    tab.settled(1)
    token = tab.token()
    for visits in (2, 3):
        tab.reload()
        run = tab.settled(1)
        assert run.seen["visits"] == visits
        assert run.seen["durable"] is True
        assert tab.token() == token


def test_a_new_tab_takes_one_run_and_sees_the_same(served: Server, visitor: Visitor) -> None:
    first = visitor.open(served)
    first.settled(1)
    second = visitor.open(served)
    assert second.settled(1).seen["visits"] == 2
    assert first.token() == second.token()
    first.settled(0)


def test_a_click_takes_one_run(served: Server, visitor: Visitor) -> None:
    tab = visitor.open(served)
    tab.settled(1)
    for visits in (2, 3, 4):
        tab.click("run")
        assert tab.settled(1).seen["visits"] == visits


def test_a_closed_browser_comes_back_in_one_run(
    served: Server, new_visitor: Callable[..., Visitor]
) -> None:
    before = new_visitor()
    before.open(served).settled(1)
    kept = before.context.storage_state()
    before.context.close()
    after = new_visitor(storage_state=kept)
    assert after.open(served).settled(1).seen["visits"] == 2


def test_a_second_profile_sees_nothing_of_the_first(
    served: Server, new_visitor: Callable[..., Visitor]
) -> None:
    first, second = (new_visitor().open(served) for _ in range(2))
    assert first.settled(1).seen["visits"] == 1
    assert second.settled(1).seen["visits"] == 1
    assert first.token() != second.token()


def test_a_lost_cookie_takes_a_second_run_and_the_candidate_goes(
    app: Server, visitor: Visitor, rows: psycopg.Connection
) -> None:
    tab = visitor.open(app)
    first = tab.settled(1)
    token = tab.token()
    tab.set_cookie(None)
    tab.reload()
    last = tab.settled(2)
    # None where the answer has overtaken that run, before it could say under which id it writes.
    candidate = tab.runs()[-2].seen.get("id")
    assert last.seen["visits"] == 2
    assert last.seen["id"] == first.seen["id"] != candidate
    assert tab.token() == token
    assert not rows.execute(
        "SELECT key FROM pgstate.entry WHERE session_id = %s", (candidate,)
    ).fetchall()
    tab.reload()
    assert tab.settled(1).seen["visits"] == 3


def test_a_lost_local_storage_takes_one_run(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app)
    tab.settled(1)
    token = tab.token()
    tab.set_local(None)
    tab.reload()
    assert tab.settled(1).seen["visits"] == 2
    assert tab.token() == token


def test_a_lost_token_is_a_first_visit(served: Server, visitor: Visitor) -> None:
    tab = visitor.open(served)
    tab.settled(1)
    token = tab.token()
    tab.set_copies(None)
    tab.reload()
    assert tab.settled(1).seen["visits"] == 1
    assert tab.token() != token


@pytest.mark.parametrize("bad", IN_BOTH_COPIES)
def test_a_refused_token_in_all_copies_is_replaced_in_one_run(
    bad: BadToken,
    served: Server,
    visitor: Visitor,
    store_of_served: Store,
    rows_of_served: psycopg.Connection,
) -> None:
    tab = visitor.open(served)
    tab.settled(1)
    text = bad(tab, store_of_served, rows_of_served)
    tab.set_copies(text)
    tab.reload()
    assert tab.settled(1).seen["visits"] == 1
    assert tab.token() != text
    tab.reload()
    assert tab.settled(1).seen["visits"] == 2


@pytest.mark.parametrize(("bad", "copy"), IN_ONE_COPY)
def test_a_refused_token_in_one_copy_takes_two_runs_at_most_and_loses_nothing(
    copy: str,
    bad: BadToken,
    app: Server,
    visitor: Visitor,
    store_of_app: Store,
    rows: psycopg.Connection,
) -> None:
    tab = visitor.open(app)
    tab.settled(1)
    token = tab.token()
    text = bad(tab, store_of_app, rows)
    (tab.set_local if copy == "local" else tab.set_cookie)(text)
    tab.reload()
    last = tab.settled()
    assert len(tab.runs()) <= 1 + 2
    assert tab.token() == token
    # A good cookie opens the state in the first run already, so that both runs count.
    assert last.seen["visits"] == (len(tab.runs()) if copy == "local" else 2)
    tab.reload()
    assert tab.settled(1).seen["visits"] == last.seen["visits"] + 1


def test_a_session_that_expires_under_an_open_tab_is_replaced_by_a_run_that_starts_anew(
    served: Server, visitor: Visitor, rows_of_served: psycopg.Connection
) -> None:
    first = visitor.open(served)
    first.settled(1)
    second = visitor.open(served)
    run = second.settled(1)
    token = first.token()
    rows_of_served.execute(
        "UPDATE pgstate.session SET expires_at = now() - interval '1 s' WHERE id = %s",
        (run.seen["id"],),
    )
    first.click("run")
    ours, theirs = first.settled(2), second.settled(1)
    # On a busy machine the second tab may have followed before the first one has counted.
    assert {ours.seen["visits"], theirs.seen["visits"]} == {1, 2}
    assert first.token() != token
    assert first.token() == second.token()


def test_wait_shows_no_run_before_the_browser_has_answered(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "waits")
    second = tab.settled(2)
    first, _ = tab.runs()
    assert first.seen == {}
    assert (second.seen["visits"], second.seen["durable"]) == (1, True)
    tab.reload()
    assert tab.settled(1).seen["visits"] == 2
    tab.set_cookie(None)
    tab.reload()
    assert tab.settled(2).seen["visits"] == 3


def test_the_cookie_is_strict_and_lasts_400_days_at_most(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app)
    tab.settled(1)
    (cookie,) = [c for c in visitor.context.cookies() if TOKEN.fullmatch(c["value"])]
    assert (cookie["sameSite"], cookie["path"], cookie["httpOnly"]) == ("Strict", "/", False)
    lasts = cookie["expires"] - tab.page.evaluate("Date.now() / 1000")
    assert 399 <= lasts / 86400 <= 400.1


def test_without_the_setting_cookie_each_first_run_waits_for_the_browser(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app(environment={"PGSTATE_COOKIE": "false"})
    tab = visitor.open(server)
    assert tab.settled(2).seen["durable"] is True
    assert tab.cookie() is None
    for visits in (2, 3):
        tab.reload()
        assert tab.settled(2).seen["visits"] == visits
        assert tab.runs()[-2].seen == {}  # nothing was shown of a candidate
    assert tab.cookie() is None
