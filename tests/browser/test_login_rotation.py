"""At a login the browser's token is replaced by itself, once, and nobody loses their state."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from held_component import HeldComponent
from logins import let_log_in, log_in, log_out
from served import Server, running
from visitor import Tab, Visitor, settled

from streamlit_pgstate import Store, UnknownToken, connect

pytestmark = pytest.mark.xdist_group("login_rotation")  # they share a server

NO_STORAGE = "Object.defineProperty(window, 'localStorage', { get() { throw new Error() } })"
NO_COOKIES = (
    "Object.defineProperty(Document.prototype, 'cookie', { get: () => '', set() {} });"
    "Object.defineProperty(Navigator.prototype, 'cookieEnabled', { get: () => false })"
)


@pytest.fixture(scope="module")
def app(database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("logins"), database())
    let_log_in(server)
    with running(server):
        yield server


@pytest.fixture(scope="module")
def without_cookie(
    database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    environment = {"PGSTATE_COOKIE": "false"}
    folder = tmp_path_factory.mktemp("no_cookie")
    server = Server(folder, database(), environment=environment)
    let_log_in(server)
    with running(server):
        yield server


@pytest.fixture(scope="module")
def store(app: Server) -> Iterator[Store]:
    store = connect(app.url)
    yield store
    store.close()


def opens(store: Store, token: str) -> bool:
    try:
        store.state(token)
    except UnknownToken:
        return False
    return True


def written(visitor: Visitor, app: Server, case: str = "reads") -> Tab:
    """A tab of a visitor who is not logged in, and has written something."""
    tab = visitor.open(app, case)
    tab.settled()
    tab.click("write")
    tab.settled(1)
    return tab


def plant(token: str, victim: Visitor, app: Server) -> Tab:
    tab = victim.open(app, "reads")
    tab.settled(1)
    tab.token()
    tab.set_copies(token)
    tab.reload()
    tab.settled(1)
    return tab


def stays(tab: Tab, first: dict[str, Any], *, runs: int) -> None:
    """The state is the one of `first`, with what was written, however often the page is loaded."""
    for _ in range(2):
        tab.reload()
        run = tab.settled(runs)
        assert (run.seen["id"], run.seen["word"]) == (first["id"], "written")


def test_a_planted_token_is_dead_at_once_after_the_login(
    app: Server, new_visitor: Callable[..., Visitor], store: Store
) -> None:
    planters = written(new_visitor(), app)
    planted = planters.token()
    victim = new_visitor()
    tab = plant(planted, victim, app)
    before = tab.runs()[-1].seen
    assert before["word"] == "written"
    log_in(victim, app, "the victim")
    tab.reload()
    run = tab.settled(1)
    assert (run.seen["id"], run.seen["word"]) == (before["id"], "written"), "it is the browser's"
    assert tab.token() != planted
    assert not opens(store, planted)
    planters.click("run")
    assert planters.settled().seen["id"] != before["id"]
    planters.reload()
    assert planters.settled().seen["id"] != before["id"]
    tab.click("clear")
    tab.settled(1)
    kept = tab.token()
    for _ in range(2):
        tab.reload()
        assert tab.settled(1).seen["id"] == before["id"]
        assert tab.token() == kept, "once"


@pytest.mark.long
def test_a_planted_token_that_its_planter_has_rotated_brings_them_nothing(
    app: Server, new_visitor: Callable[..., Visitor], store: Store
) -> None:
    """The visitor brings the token of before the rotation, in its grace of two minutes."""
    planters = written(new_visitor(), app)
    planted = planters.token()
    victim = new_visitor()
    tab = plant(planted, victim, app)
    theirs = tab.runs()[-1].seen["id"]
    planters.click("rotate")
    planters.settled(1)
    present = planters.token()
    assert opens(store, present), "and so it is in use from now on"
    assert opens(store, planted), "in its grace"
    log_in(victim, app, "the victim of a rotated token")
    tab.reload()
    run = tab.settled()
    assert (run.seen["id"] != theirs, run.seen["word"]) == (True, None)
    kept = tab.token()
    assert kept not in (planted, present)
    tab.click("write")
    mine = tab.settled(1).seen
    assert mine["word"] == "written"
    assert store.state(present).id == uuid.UUID(theirs)
    for _ in range(2):
        tab.reload()
        run = tab.settled(1)
        assert (run.seen["id"], run.seen["word"]) == (mine["id"], "written")


@pytest.mark.long
def test_a_planted_token_under_which_nothing_was_written_is_dead_too(
    app: Server, new_visitor: Callable[..., Visitor], store: Store
) -> None:
    planters = new_visitor().open(app, "reads")
    planters.settled(1)
    planted = planters.token()
    victim = new_visitor()
    tab = plant(planted, victim, app)
    log_in(victim, app, "who has not written yet")
    tab.reload()
    tab.settled(1)
    assert tab.token() != planted
    tab.click("write")
    assert tab.settled(1).seen["word"] == "written"
    assert not opens(store, planted)
    planters.click("run")
    assert planters.settled().seen["word"] is None
    tab.reload()
    assert tab.settled(1).seen["word"] == "written"


@pytest.mark.long  # a limit beside the rule
def test_a_planted_token_gives_way_where_no_session_may_be_created(
    database: Callable[[], str], tmp_path: Path, new_visitor: Callable[..., Visitor]
) -> None:
    """Anybody can use up `max_new_sessions`, so the planter can."""
    narrow = Server(tmp_path, database(), environment={"PGSTATE_MAX_NEW_SESSIONS": "1"})
    let_log_in(narrow)
    with running(narrow):
        planters = new_visitor().open(narrow, "reads")
        planters.settled(1)
        planted = planters.token()
        victim = new_visitor()
        tab = plant(planted, victim, narrow)
        written(new_visitor(), narrow)
        log_in(victim, narrow, "whose login may create no session")
        tab.reload()
        first = tab.settled().seen
        assert first["id"] != planters.runs()[-1].seen["id"]
        kept = tab.token()
        assert kept != planted
        tab.reload()
        tab.settled()
        assert tab.token() != planted


def test_an_old_tab_goes_on_with_the_token_that_the_login_has_brought(
    app: Server, visitor: Visitor
) -> None:
    old = written(visitor, app)
    first = old.runs()[-1].seen
    before = old.token()
    log_in(visitor, app, "who logs in in another tab")
    new = visitor.open(app, "reads")
    assert new.settled(1).seen["id"] == first["id"]
    assert old.settled(1).seen["id"] == first["id"]
    token = new.token()
    assert token == old.token() != before
    for tab in (old, new, old):
        tab.click("run")
        assert tab.settled(1).seen["id"] == first["id"]
    settled([old, new], 0)
    for tab in (old, new):
        tab.reload()
        assert tab.settled(1).seen["id"] == first["id"]
    assert new.token() == token, "it is replaced once"


@pytest.mark.long
def test_an_old_tab_that_runs_before_the_browser_has_the_new_token_destroys_nothing(
    app: Server, visitor: Visitor
) -> None:
    old = written(visitor, app)
    first = old.runs()[-1].seen
    log_in(visitor, app, "whose component is slow")
    new = visitor.tab(app, "reads")
    component = HeldComponent(new)
    component.open()
    old.click("run")
    between = old.settled().seen
    if app.is_app:  # the page was loaded anew, and so it knows of the login
        assert between["id"] == first["id"]
    else:
        assert between["id"] != first["id"]
        assert between["durable"] is False
    component.release()
    assert old.settled(0 if app.is_app else None).seen["id"] == first["id"]
    assert new.settled().seen["id"] == first["id"]
    assert old.token() == new.token()
    for tab in (old, new):
        tab.reload()
        run = tab.settled(1)
        assert (run.seen["id"], run.seen["word"]) == (first["id"], "written")


def test_a_page_that_knows_nothing_of_the_login_leaves_the_token_where_it_is(
    app: Server, visitor: Visitor
) -> None:
    """It was asked for before the login, and the browser has not got the new token yet."""
    old = written(visitor, app)
    first, before = old.runs()[-1].seen, old.token()
    old.page.close()
    log_in(visitor, app, "who has a slow page open beside")
    new = visitor.tab(app, "reads")
    component = HeldComponent(new)
    component.open()
    log_out(visitor)
    slow = visitor.open(app, "reads")
    run = slow.settled()
    assert (run.seen["word"], run.seen["id"] != first["id"]) == (None, True)
    assert slow.cookie() == before
    component.release()
    while new.cookie() == before:
        new.page.wait_for_timeout(20)
    for tab in (slow, new):
        tab.reload()
        run = tab.settled()
        assert (run.seen["id"], run.seen["word"]) == (first["id"], "written")


@pytest.mark.page_copies
@pytest.mark.long
def test_an_old_tab_says_of_nothing_that_it_is_kept_before_it_has_the_new_token(
    app: Server, visitor: Visitor
) -> None:
    """Its writes go to a state that is dropped as soon as the browser has the new token."""
    old = visitor.open(app, "visits")
    old.settled(1)
    old.reload()
    first = old.settled(1).seen
    assert first["durable"] is True
    log_in(visitor, app, "whose old tab writes in each run")
    new = visitor.tab(app, "reads")
    component = HeldComponent(new)
    component.open()
    before = len(old.runs())
    for _ in range(2):
        old.click("run")
        old.settled()
    between = [run.seen for run in old.runs()[before:] if run.seen and "visits" in run.seen]
    assert between
    assert {(seen["id"] == first["id"], seen["durable"]) for seen in between} == {(False, False)}
    component.release()
    run = old.settled()
    assert (run.seen["id"], run.seen["visits"]) == (first["id"], first["visits"] + 1)
    assert run.seen["durable"] is True


@pytest.mark.long
def test_a_login_that_the_browser_has_not_heard_of_costs_it_nothing(
    app: Server, visitor: Visitor
) -> None:
    """The tab was closed before the component ran: the token is still the former one."""
    tab = written(visitor, app)
    first, before = tab.runs()[-1].seen, tab.token()
    log_in(visitor, app, "who closes the tab at once")
    lost = visitor.tab(app, "reads")
    lost.is_altered = True
    lost.page.route("**/streamlit-pgstate.bridge/*.js", lambda route: route.abort())
    tab.page.close()
    lost.open()
    while not (lost.runs() and lost.runs()[-1].is_over):
        lost.page.wait_for_timeout(20)
    assert lost.cookie() == before
    lost.page.unroute("**/streamlit-pgstate.bridge/*.js")
    lost.page.close()
    lost.errors.clear()  # the page may have said already that the script did not come
    again = visitor.open(app, "reads")
    run = again.settled(1)
    assert (run.seen["id"], run.seen["word"]) == (first["id"], "written")
    assert again.token() != before
    again.reload()
    assert again.settled(1).seen["id"] == first["id"]


@pytest.mark.long  # test_login_tokens has it without a browser
def test_a_logout_and_the_login_of_another_give_another_token_to_the_same_state(
    app: Server, visitor: Visitor, store: Store
) -> None:
    tab = written(visitor, app)
    first, tokens = tab.runs()[-1].seen, [tab.token()]
    for act in (
        lambda: log_in(visitor, app, "ann"),
        lambda: log_out(visitor),
        lambda: log_in(visitor, app, "bob"),
        lambda: (log_out(visitor), log_in(visitor, app, "ann")),
    ):
        act()
        for _ in range(2):
            tab.reload()
            run = tab.settled(1)
            assert (run.seen["id"], run.seen["word"]) == (first["id"], "written")
        tokens.append(tab.token())
    assert len(set(tokens)) == 5
    assert [opens(store, token) for token in tokens[-2:]] == [False, True]


@pytest.mark.long
def test_an_app_that_rotates_in_each_run_by_itself_loses_nothing_at_a_login(
    app: Server, visitor: Visitor
) -> None:
    """Also the run that finds the login: an app may rotate there, as it had to once."""
    tab = visitor.open(app, "rotates_each_run")
    first = tab.settled(1).seen
    before = tab.token()
    log_in(visitor, app, "whose app rotates, too")
    for _ in range(3):
        tab.reload()
        run = tab.settled()
        assert (run.seen["id"], run.seen["word"]) == (first["id"], "written")
    assert tab.token() != before
    log_out(visitor)
    for _ in range(2):
        tab.reload()
        assert tab.settled().seen["id"] == first["id"]


@pytest.mark.long  # test_login_tokens has it without a browser
def test_the_next_login_of_the_same_user_is_noticed_where_the_logged_out_page_called_no_verb(
    app: Server, visitor: Visitor, store: Store
) -> None:
    tab = written(visitor, app)
    first = tab.runs()[-1].seen
    tokens = []
    for issued_at in (1_700_000_000, 1_700_000_900):
        log_in(visitor, app, "who uses a shared machine", iat=issued_at)
        for _ in range(2):
            tab.reload()
            run = tab.settled(1)
            assert (run.seen["id"], run.seen["word"]) == (first["id"], "written")
            tokens.append(tab.token())
        log_out(visitor)
    assert [tokens[0] == tokens[1], tokens[1] == tokens[2], tokens[2] == tokens[3]] == [
        *(True, False, True)
    ]
    assert not opens(store, tokens[1]), "who has copied it meanwhile reads nothing"


def test_a_browser_without_a_token_gets_one_and_keeps_it(app: Server, visitor: Visitor) -> None:
    log_in(visitor, app, "who is logged in from the beginning")
    tab = visitor.open(app, "reads")
    tab.settled(1)
    tab.click("write")
    first = tab.settled(1).seen
    token = tab.token()
    for _ in range(2):
        tab.reload()
        assert tab.settled(1).seen["id"] == first["id"]
    assert tab.token() == token


def test_rotate_before_the_first_write_keeps_the_token(app: Server, visitor: Visitor) -> None:
    log_in(visitor, app, "who rotates before anything is stored")
    tab = visitor.open(app, "reads")
    tab.settled(1)
    tab.click("rotate")
    tab.settled()
    token = tab.token()
    tab.click("write")
    first = tab.settled(1).seen
    stays(tab, first, runs=1)
    assert tab.token() == token, "nobody can have planted it"


def test_a_login_costs_one_statement_and_a_later_page_none(app: Server, visitor: Visitor) -> None:
    def logins() -> list[object]:
        with psycopg.connect(app.url) as sql:
            return sql.execute(
                "SELECT xmin, login_hash IS NOT NULL FROM pgstate.session WHERE id = %s",
                (first["id"],),
            ).fetchall()

    tab = written(visitor, app)
    first = tab.runs()[-1].seen
    before = logins()
    log_in(visitor, app, "who comes back")
    tab.reload()
    tab.settled(1)
    after = logins()
    assert before != after
    for _ in range(2):
        tab.reload()
        tab.settled(1)
        tab.click("run")
        tab.settled(1)
    assert logins() == after, "nothing has written to the row"


@pytest.mark.page_copies
def test_without_a_cookie_it_is_replaced_once_too(without_cookie: Server, visitor: Visitor) -> None:
    tab = written(visitor, without_cookie)
    first, before = tab.runs()[-1].seen, tab.local()
    log_in(visitor, without_cookie, "who has no cookie of ours")
    tab.reload()
    assert tab.settled(2).seen["id"] == first["id"]
    after = tab.local()
    assert after != before
    stays(tab, first, runs=2)
    assert tab.local() == after


@pytest.mark.page_copies
@pytest.mark.long
def test_without_a_cookie_a_token_that_was_minted_for_the_page_stays(
    without_cookie: Server, visitor: Visitor
) -> None:
    def rows() -> object:
        with psycopg.connect(without_cookie.url) as sql:
            return sql.execute("SELECT count(*) FROM pgstate.session").fetchone()

    before = rows()
    log_in(visitor, without_cookie, "who has never been here")
    tab = visitor.open(without_cookie, "reads")
    tab.settled(2)
    token = tab.local()
    tab.click("run")
    tab.settled(1)
    assert tab.local() == token
    assert rows() == before, "a page view creates none"
    tab.click("write")
    first = tab.settled(1).seen
    stays(tab, first, runs=2)
    assert tab.local() == token


@pytest.mark.page_copies
@pytest.mark.long
def test_where_nothing_can_be_kept_a_page_of_a_logged_in_visitor_works(
    app: Server, visitor: Visitor
) -> None:
    visitor.run_first(f"{NO_STORAGE};{NO_COOKIES}")
    log_in(visitor, app, "who blocks everything")
    tab = visitor.open(app, "reads")
    tab.settled(2)
    tab.click("write")
    run = tab.settled(1)
    assert (run.seen["word"], run.seen["durable"]) == ("written", False)
    tab.click("run")
    assert tab.settled(1).seen["word"] == "written"
