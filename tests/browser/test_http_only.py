"""`pgstate.App`: the token is in an HttpOnly cookie, and no script in the page can read it.

The table of tokens runs in both modes: see `test_token.py`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psycopg
import pytest
from crossroads import Replica
from everything import in_everything
from held_component import HeldComponent
from playwright.sync_api import Route, WebSocket
from replicas import Replicas, balanced
from served import HERE, READY_WITHIN, Server, free_port, running
from slow_answers import SlowAnswers
from visitor import Tab, Visitor, settled

from streamlit_pgstate import Store, connect

ROUTE = "/_pgstate/cookie"


@pytest.fixture(scope="session")
def app(http_only_app: Server) -> Server:
    return http_only_app


@pytest.fixture
def store(app: Server) -> Iterator[Store]:
    store = connect(app.url)
    yield store
    store.close()


def cookie_of(tab: Tab) -> dict[str, object]:
    found = tab.page.context.cookies(tab.server.address)
    [cookie] = [it for it in found if it["name"] == tab.server.cookie_name]
    return {**cookie}


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


@pytest.fixture
def slow_app(database: Callable[[], str], tmp_path: Path) -> Iterator[tuple[Replica, SlowAnswers]]:
    """A server whose page is slow for the second of two tabs."""
    answers = SlowAnswers("&slow=1")
    with contextlib.ExitStack() as stack:
        stack.callback(answers.close)
        stack.callback(answers.may_go.set)
        replica = Replica(tmp_path, database(), crossroads=answers, is_app=True)
        yield stack.enter_context(running(replica)), answers


def opening(tab: Tab, answers: SlowAnswers) -> Tab:
    """The tab has asked for its page, the server has answered, and nothing has arrived."""
    tab.address += "&slow=1"
    tab.page.evaluate("address => { setTimeout(() => location.href = address) }", tab.address)
    assert answers.has_answer.wait(READY_WITHIN)
    return tab


def test_two_tabs_that_open_at_once_on_a_first_visit_end_on_one_token(
    slow_app: tuple[Replica, SlowAnswers], visitor: Visitor
) -> None:
    server, answers = slow_app
    first, second = visitor.tab(server), visitor.tab(server)
    opening(second, answers)  # without a cookie
    first.open()
    first.settled(1)
    answers.may_go.set()
    settled([second])
    first.settled(1)
    assert len(second.runs()) == 1
    assert first.runs()[-1].seen["id"] == second.runs()[-1].seen["id"]
    assert first.token() == second.token()


def test_no_slow_answer_to_a_rotation_brings_a_token_back_that_another_tab_has_forgotten(
    slow_app: tuple[Replica, SlowAnswers], visitor: Visitor
) -> None:
    """And the tab that waits for it is slow to hear of the other one."""
    server, answers = slow_app
    first = visitor.open(server, "reads")
    first.settled(1)
    first.click("write")
    first.settled(1)
    second = visitor.open(server, "reads")
    forgotten = second.settled(1).seen["id"]
    checks: list[Route] = []
    answered: list[int] = []

    def hold_check(route: Route) -> None:
        if route.request.headers["x-pgstate"] == "check":
            checks.append(route)
        else:
            route.continue_()

    first.is_altered = True
    first.page.route(f"**{ROUTE}", hold_check)
    second.page.on("response", lambda answer: answered.append(answer.status))
    answers.hold(f"POST {ROUTE}")
    first.click("rotate")
    while not answers.has_answer.is_set():
        first.page.wait_for_timeout(20)
    answers.hold("&slow=1")
    second.click("forget")
    second.settled(1)
    second.click("write")
    written = second.settled(1).seen
    assert (written["word"], written["id"] != forgotten) == ("written", True)
    with first.page.expect_request_finished(lambda it: it.url.endswith(ROUTE)):
        answers.may_go.set()
    while 204 not in answered:  # which only the route answers: the cookie is as it should be
        second.page.wait_for_timeout(20)
    for check in checks:
        check.continue_()
    first.page.unroute(f"**{ROUTE}")
    second.token()
    second.reload()
    run = second.settled(1)
    assert (run.seen["word"], run.seen["id"]) == ("written", written["id"])


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


def test_a_slow_page_brings_no_token_back_that_was_forgotten(
    slow_app: tuple[Replica, SlowAnswers], visitor: Visitor
) -> None:
    server, answers = slow_app
    first = visitor.open(server)
    forgotten = first.settled(1)
    second = opening(visitor.tab(server), answers)
    first.click("forget")
    first.settled(1)
    after = first.token()
    answers.may_go.set()
    assert second.settled().seen["id"] != forgotten.seen["id"]
    assert second.token() == first.token() == after


def test_a_token_in_local_storage_is_taken_over_once(
    app: Server, visitor: Visitor, store: Store
) -> None:
    former = store.new_token()
    store.state(former).update({"visits": 41, "word": "from before"})
    tab = visitor.open(app, "reads")
    tab.settled(1)
    tab.set_local(former)
    tab.reload()
    run = tab.settled(2)
    assert run.seen["word"] == "from before"
    token = tab.token()  # and nothing is in localStorage any more
    assert token != former
    tab.reload()
    assert tab.settled(1).seen["word"] == "from before"
    assert tab.token() == token


@pytest.mark.parametrize("state_of_it", ["empty", "with a rotation that waits"])
def test_nobody_can_have_a_visitor_work_under_a_token_that_somebody_else_has(
    state_of_it: str, app: Server, new_visitor: Callable[..., Visitor], store: Store
) -> None:
    """A script in the page plants it in localStorage, where nothing is stored yet."""
    planted = store.new_token()
    if state_of_it == "with a rotation that waits":
        store.state(planted)["word"] = "planted"
        store.state(planted).rotate()
    victim = new_visitor().open(app, "reads")
    victim.settled(1)
    victim.set_local(planted)
    victim.reload()
    victim.settled()
    victim.click("write")
    victim.settled(1)
    assert victim.token() != planted
    victim.reload()
    assert victim.settled(1).seen["word"] == "written"
    assert store.state(planted).get("word") != "written"


def test_a_first_visit_that_rotates_takes_one_run(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "rotates_each_run")
    first = tab.settled(1)
    tab.reload()
    assert tab.settled(1).seen["id"] == first.seen["id"]


def test_a_token_is_taken_over_though_the_first_run_switches_to_a_page_without_verbs(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app(is_app=True, script="app_welcome.py")
    with contextlib.closing(connect(server.url)) as store:
        former = store.new_token()
        store.state(former).update({"word": "from before", "onboarded": True})
    tab = visitor.open(server)
    tab.settled()
    tab.set_local(former)
    tab.open()
    while (tab.runs()[-1].seen or {}).get("word") != "from before":  # the test's limit ends it
        tab.page.wait_for_timeout(40)
    assert tab.settled().seen["page"] == "main"
    tab.open()
    assert tab.settled(1).seen["word"] == "from before"


def test_a_token_in_local_storage_is_not_taken_over_where_there_is_a_state(
    app: Server, visitor: Visitor, store: Store
) -> None:
    """A script in the page could plant it there."""
    planted = store.new_token()
    store.state(planted)["visits"] = 100
    tab = visitor.open(app)
    tab.settled(1)
    tab.set_local(planted)
    for visits in (2, 3):
        tab.reload()
        assert tab.settled(1).seen["visits"] == visits


def test_a_token_that_comes_into_local_storage_later_is_not_taken_over(
    app: Server, visitor: Visitor, store: Store
) -> None:
    """A script in the page could put it there."""
    planted = store.new_token()
    store.state(planted)["word"] = "planted"
    tab = visitor.open(app, "reads")
    first = tab.settled(1).seen["id"]
    tab.set_local(planted)
    tab.click("rotate")  # the component has something to do, and looks
    tab.settled(1)
    tab.click("run")
    run = tab.settled(1)
    assert run.seen["word"] is None
    tab.click("write")
    tab.settled(1)
    tab.click("rotate")
    tab.settled(1)
    tab.click("run")
    assert tab.settled(1).seen["word"] == "written"
    tab.set_local(None)
    assert tab.token()
    assert (tab.runs()[0].seen or {})["id"] == first


def test_what_the_visitor_does_before_the_page_has_answered_is_not_given_up_for_local_storage(
    app: Server, visitor: Visitor, store: Store
) -> None:
    former = store.new_token()
    store.state(former)["word"] = "from before"
    tab = visitor.open(app, "reads")
    tab.settled(1)
    tab.set_local(former)
    component = HeldComponent(tab)
    component.reload()
    tab.click("write")
    while (tab.runs()[-1].seen or {}).get("word") != "written":
        tab.page.wait_for_timeout(20)
    written = tab.runs()[-1].seen["id"]
    component.release()
    run = tab.settled(2)
    assert (run.seen["word"], run.seen["id"]) == ("written", written)
    tab.reload()
    run = tab.settled(1)
    assert (run.seen["word"], run.seen["id"]) == ("written", written)


def test_what_the_first_run_of_a_page_stores_by_itself_gives_way_to_local_storage(
    app: Server, visitor: Visitor, store: Store
) -> None:
    former = store.new_token()
    store.state(former)["visits"] = 41
    tab = visitor.open(app, "reads")
    tab.settled(1)
    tab.set_local(former)
    again = visitor.open(app, "visits")
    assert again.settled(2).seen["visits"] == 42


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


def test_under_a_base_path_the_cookie_has_that_path(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app(is_app=True, base="/my/app")
    tab = visitor.open(server)
    tab.settled(1)
    tab.click("rotate")
    tab.settled(1)
    token = tab.token()
    cookie = cookie_of(tab)
    assert cookie["path"] == "/my/app"
    tab.reload()
    assert tab.settled(1).seen["visits"] == 3
    assert tab.token() == token


def test_after_a_restart_an_open_page_goes_on_with_its_token(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    tab = visitor.open(new_app(is_app=True), "own_name")
    tab.settled(1)
    tab.page.get_by_label("name").fill("typed")
    tab.page.get_by_label("name").press("Enter")
    tab.settled(1)
    token = tab.token()
    tab.restart_server()
    assert tab.settled(1).seen["name"] == "typed"
    assert tab.token() == token
    tab.reload()
    assert tab.settled(1).seen["name"] == "typed"


@pytest.mark.faults
@pytest.mark.xdist_group("replicas")
def test_either_replica_opens_the_ticket_of_the_other(
    database: Callable[[], str], tmp_path: Path, visitor: Visitor
) -> None:
    with balanced(Replicas(tmp_path, database(), is_app=True)) as replicas:
        tab = visitor.open(replicas)  # type: ignore[arg-type]  # as a server, as far as it needs
        first = tab.settled(1)
        for _ in range(2):  # haproxy takes turns
            before = tab.token()
            tab.click("rotate")
            tab.settled(1)
            assert tab.token() != before
            tab.reload()
            assert tab.settled(1).seen["id"] == first.seen["id"]
            tab.reload()
            tab.settled(1)


@contextlib.contextmanager
def uvicorn(module: str, url: str, folder: Path) -> Iterator[int]:
    """`uvicorn MODULE:app`; yields its port."""
    port = free_port()
    known = {key: text for key, text in os.environ.items() if "PGSTATE_" not in key}
    path = os.pathsep.join([str(HERE), known.get("PYTHONPATH", "")])
    settings = {"PGSTATE_URL": url, "RUNS_LOG": str(folder / "runs.log"), "PYTHONPATH": path}
    command = [sys.executable, "-m", "uvicorn", f"{module}:app", "--port", str(port)]
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=folder, env={**known, **settings}, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + READY_WITHIN
        base = "" if module == "served_by_uvicorn" else "/shop"
        while not _is_healthy(f"http://localhost:{port}{base}/_stcore/health"):
            assert process.poll() is None, (folder / "server.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)  # uvicorn tells nobody that it listens
        yield port
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _is_healthy(address: str) -> bool:
    try:
        with urlopen(address) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.mark.parametrize(
    ("module", "base"),
    [
        ("served_below_a_path", "/shop"),
        *in_everything(("served_with_lifespan", "/shop"), ("served_by_uvicorn", "")),
    ],
)
def test_uvicorn_serves_it_also_mounted_in_fastapi_with_and_without_a_lifespan(
    module: str, base: str, database: Callable[[], str], tmp_path: Path, visitor: Visitor
) -> None:
    url = database()
    with uvicorn(module, url, tmp_path) as port:
        server = Server(tmp_path, url, is_app=True, base=base, port=port)
        tab = visitor.open(server)
        first = tab.settled(1)
        tab.click("rotate")
        tab.settled(1)
        cookie = cookie_of(tab)
        assert cookie["path"] == (base or "/")
        tab.reload()
        run = tab.settled(1)
        assert (run.seen["visits"], run.seen["id"]) == (3, first.seen["id"])


def test_health_and_the_files_of_the_page_set_no_cookie(app: Server) -> None:
    for path in ("/_stcore/health", "/_stcore/host-config", "/favicon.png"):
        with urlopen(f"{app.address}{path}") as answer:
            assert "pgstate" not in str(answer.headers)
    with urlopen(Request(app.address, headers={"Accept": "text/html"})) as answer:
        assert "pgstate-app" in str(answer.headers)
    with pytest.raises(HTTPError, match="405"):
        urlopen(f"{app.address}{ROUTE}")


def test_a_script_that_was_made_for_the_app_refuses_to_run_without_it(
    new_app: Callable[..., Server], new_visitor: Callable[..., Visitor]
) -> None:
    served = new_app(is_app=True)
    tab = new_visitor().open(served)
    tab.settled(1)
    token = tab.token()
    served.kill()
    alone = new_app(url=served.url)
    other = new_visitor().open(alone)
    other.page.get_by_text("This app is made for pgstate.App").first.wait_for()
    other.page.get_by_text("uvicorn serve:app").first.wait_for()
    assert other.local() is None
    assert token not in other.page.content()
    alone.kill()
    on_purpose = new_app(url=served.url, environment={"PGSTATE_HTTP_ONLY": "false"})
    last = new_visitor().open(on_purpose)
    assert last.settled(1).seen["visits"] == 1


def test_with_the_setting_it_refuses_before_the_app_has_ever_served_it(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    tab = visitor.open(new_app(environment={"PGSTATE_HTTP_ONLY": "true"}))
    tab.page.get_by_text("This app is made for pgstate.App").first.wait_for()


def test_settings_in_the_script_come_too_late(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    tab = visitor.open(new_app(script="app_configures.py", is_app=True))
    tab.page.get_by_text("configure() stands in the module with the App").first.wait_for()


def test_streamlit_run_on_a_module_with_the_app_says_what_to_type(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    tab = visitor.open(new_app(script="served_by_uvicorn.py", is_app=False))
    tab.page.get_by_text("uvicorn MODULE:app").first.wait_for()


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


def test_a_page_that_came_without_a_cookie_gets_one_before_it_writes_anything(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app(is_app=True)
    tab = visitor.open(server, "own_name")
    tab.settled(1)
    tab.kill_server()
    tab.set_cookie(None)
    server.start()  # and so the page comes back with nothing
    deadline = time.monotonic() + READY_WITHIN
    while tab.cookie() is None:
        tab.page.wait_for_timeout(50)
        assert time.monotonic() < deadline
    tab.settled()
    tab.page.get_by_label("name").fill("typed")
    tab.page.get_by_label("name").press("Enter")
    tab.settled()
    token = tab.token()
    tab.reload()
    assert tab.settled(1).seen["name"] == "typed"
    assert tab.token() == token
    with psycopg.connect(server.url) as rows:
        sessions = rows.execute("SELECT count(*) FROM pgstate.session").fetchone()
    assert sessions == (1,)
