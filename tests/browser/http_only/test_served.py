"""How the app is served: below a path, by uvicorn, by replicas, again, and without the App."""

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
from everything import in_everything
from replicas import Replicas, balanced
from served import HERE, READY_WITHIN, Server, free_port
from visitor import Visitor

from http_only.cookies import ROUTE, cookie_of


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
@pytest.mark.long
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
