"""Several pages of one app, several apps on one host, and a server that goes away."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from everything import in_everything
from served import Server, identity_in, running
from visitor import Tab, Visitor

from streamlit_pgstate import connect


@pytest.fixture(scope="module", params=["app_pages.py", *in_everything("folder/First.py")])
def pages(
    request: pytest.FixtureRequest,
    database: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("pages")
    with running(Server(folder, database(), script=request.param)) as server:
        yield server


def follow(tab: Tab, page: str) -> None:
    tab.page.get_by_role("link", name=page, exact=True).click()


def test_the_pages_of_an_app_share_one_state(pages: Server, visitor: Visitor) -> None:
    tab = visitor.open(pages)
    assert tab.settled(1).seen["visits"] == 1
    token = tab.token()
    for visits in (2, 4, 6):
        follow(tab, "Second")
        assert tab.settled(1).seen["visits"] == visits
        follow(tab, "Nothing")
        tab.settled(1)
        follow(tab, "First")
        assert tab.settled(1).seen["visits"] == visits + 1
    tab.reload()
    assert tab.settled(1).seen["visits"] == 8
    assert tab.token() == token


@pytest.mark.parametrize("path", ["/Second", *in_everything("/Nothing")])
def test_a_first_visit_by_a_deep_link(path: str, pages: Server, visitor: Visitor) -> None:
    tab = visitor.open(pages, path=path if "First" in pages.script else path.lower())
    tab.settled(1)
    follow(tab, "First")
    before = 1 if path == "/Second" else 0
    assert tab.settled(1).seen["visits"] == before + 1
    tab.reload()
    assert tab.settled(1).seen["visits"] == before + 2
    tab.token()


@pytest.mark.long
def test_f5_on_a_deep_link(pages: Server, visitor: Visitor) -> None:
    tab = visitor.open(pages, path="/Second" if "First" in pages.script else "/second")
    tab.settled(1)
    for visits in (2, 3):
        tab.reload()
        assert tab.settled(1).seen["visits"] == visits
    tab.set_cookie(None)
    tab.reload()
    assert tab.settled(2).seen["visits"] == 4


def test_the_cookie_is_lost_on_a_page_without_verbs(pages: Server, visitor: Visitor) -> None:
    tab = visitor.open(pages)
    tab.settled(1)
    tab.set_cookie(None)
    tab.reload()
    assert tab.settled(2).seen["visits"] == 2
    tab.set_cookie(None)
    follow(tab, "Nothing")
    tab.settled(1)
    tab.reload()
    tab.settled(1)
    follow(tab, "Second")
    assert tab.settled(2).seen["visits"] == 3


def test_two_apps_on_one_host_never_meet(
    app: Server, new_app: Callable[..., Server], visitor: Visitor
) -> None:
    other = new_app()
    first, second = visitor.open(app), visitor.open(other)
    assert first.settled(1).seen["visits"] == 1
    assert second.settled(1).seen["visits"] == 1
    for visits in (2, 3):
        for tab in (first, second):
            tab.reload()
            assert tab.settled(1).seen["visits"] == visits
    assert first.token() != second.token()


@pytest.mark.long
def test_two_apps_on_one_host_and_one_database_have_a_token_each(
    app: Server, new_app: Callable[..., Server], visitor: Visitor
) -> None:
    other = new_app(url=app.url)
    first, second = visitor.open(app), visitor.open(other)
    assert first.settled(1).seen["visits"] == 1
    assert second.settled(1).seen["visits"] == 1
    assert first.token() != second.token()


@pytest.fixture(scope="module")
def under_path(
    database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with running(Server(tmp_path_factory.mktemp("foo"), database(), base="/foo")) as server:
        yield server


def test_under_a_base_path_the_cookie_has_that_path(under_path: Server, visitor: Visitor) -> None:
    tab = visitor.open(under_path)
    assert tab.settled(1).seen["visits"] == 1
    token = tab.token()
    assert {c["path"] for c in visitor.context.cookies() if c["value"] == token} == {"/foo"}
    tab.reload()
    assert tab.settled(1).seen["visits"] == 2
    tab.set_cookie(None)
    tab.reload()
    assert tab.settled(2).seen["visits"] == 3


@pytest.mark.parametrize("is_valid", [True, *in_everything(False)])
def test_an_app_at_the_root_lends_its_token_to_none_under_a_path(
    is_valid: bool, under_path: Server, visitor: Visitor
) -> None:
    """The browser sends the root's cookie there too; both may even share a database."""
    store = connect(under_path.url, signing_key=None if is_valid else "another" * 8)
    token = store.new_token()
    store.state(token)["visits"] = 100
    store.close()
    name = f"pgstate.app.{identity_in(under_path.url)}.{under_path.port}."
    visitor.context.add_cookies(
        [{"name": name, "value": token, "domain": "localhost", "path": "/", "sameSite": "Strict"}]
    )
    tab = visitor.open(under_path)
    assert tab.settled().seen["visits"] == 1
    assert [run.seen["visits"] for run in tab.runs()] == [1]
    assert tab.token() != token
    tab.reload()
    assert tab.settled(1).seen["visits"] == 2


@pytest.mark.parametrize("name", ["My app: ü; =", *in_everything("x" * 200, "a.b", "%41")])
@pytest.mark.long
def test_an_apps_name_may_be_any_text(
    name: str, new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app(environment={"PGSTATE_APP": name})
    tab = visitor.open(server)
    assert tab.settled(1).seen["visits"] == 1
    assert [c["name"] for c in visitor.context.cookies() if c["name"].startswith("pgstate.")]
    tab.reload()
    assert tab.settled(1).seen["visits"] == 2


@pytest.mark.long  # test_reconnect has restarts
def test_a_killed_server_is_back_and_f5_takes_one_run(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app()
    tab = visitor.open(server)
    tab.settled(1)
    tab.click("write")
    tab.settled(1)
    server.kill()
    server.start()
    tab.reload()
    last = tab.settled()
    assert last.seen["word"] == "written"
    # The page may reconnect by itself before it is reloaded: a run of its own.
    assert last.seen["visits"] == len(tab.runs()) <= 2 + 2


@pytest.mark.long  # test_reconnect has more of it
def test_a_page_that_reconnects_to_a_new_server_goes_on(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app()
    tab = visitor.open(server)
    tab.settled(1)
    tab.click("write")
    first = tab.settled(1)
    token = tab.token()
    tab.restart_server()
    tab.click("run")
    run = tab.settled(1)
    assert (run.seen["visits"], run.seen["word"]) == (3, "written")
    assert run.seen["id"] == first.seen["id"]
    assert tab.token() == token


@pytest.mark.long
def test_a_page_that_reconnects_without_a_cookie_goes_on_in_two_runs(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app()
    tab = visitor.open(server)
    first = tab.settled(1)
    token = tab.token()
    tab.kill_server()
    tab.set_cookie(None)
    server.start()
    tab.reconnected()
    tab.click("run")
    run = tab.settled(2)
    assert run.seen["visits"] == 2
    assert run.seen["id"] == first.seen["id"]
    assert tab.token() == token


@pytest.mark.long
def test_a_dropped_connection_goes_on_where_it_was(app: Server, visitor: Visitor) -> None:
    drop = """(() => {
        const Plain = window.WebSocket
        window.sockets = []
        window.WebSocket = class extends Plain {
            constructor(...rest) { super(...rest); window.sockets.push(this) }
        }
    })()"""
    visitor.run_first(drop)
    tab = visitor.open(app)
    tab.settled(1)
    token = tab.token()
    tab.page.evaluate("window.sockets.forEach(socket => socket.close())")
    tab.page.wait_for_function(
        "window.sockets.length > 1 && window.sockets.at(-1).readyState === 1"
    )
    tab.settled(0)
    tab.click("run")
    assert tab.settled(1).seen["visits"] == 2
    assert tab.token() == token
