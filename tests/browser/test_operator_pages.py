"""What an operator sees of a real server with real visitors: health, metrics and the log."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import httpx
import psycopg
import pytest
from logins import let_log_in, log_in
from prometheus_client.parser import text_string_to_metric_families
from served import TOKEN, Server, running
from visitor import Visitor

from streamlit_pgstate import connect

pytestmark = pytest.mark.xdist_group("operator_pages")  # they share servers

HEALTH, METRICS = "/_pgstate/health", "/_pgstate/metrics"
LINE = re.compile(r"streamlit_pgstate\.page\.changes:(.*)")


@pytest.fixture(scope="module")
def watched_app(
    database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server under `pgstate.App` that shows its metrics, and logs changes."""
    environment = {"LOGS_STATE": "1", "SHOWS_METRICS": "1"}
    folder = tmp_path_factory.mktemp("watched")
    with running(
        Server(folder, database(), is_app=True, base="/shop", environment=environment)
    ) as server:
        yield server


@pytest.fixture(scope="module")
def watched_page(
    database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server that logs changes, and whose secrets know a provider of logins."""
    folder = tmp_path_factory.mktemp("watched")
    server = Server(folder, database(), is_app=False, environment={"LOGS_STATE": "1"})
    let_log_in(server)
    with running(server):
        yield server


def told(server: Server) -> list[str]:
    """The lines about the state of tabs, so far."""
    return LINE.findall(server.log)


def numbers(server: Server) -> dict[tuple[str, ...], float]:
    """The metrics by name and the values of the labels."""
    answer = httpx.get(f"{server.address}{METRICS}")
    assert answer.status_code == 200
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_the_shared_app_is_healthy_and_shows_no_metrics(http_only_app: Server) -> None:
    answer = httpx.get(f"{http_only_app.address}{HEALTH}")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert "set-cookie" not in answer.headers
    assert httpx.get(f"{http_only_app.address}{METRICS}").status_code == 404


def test_metrics_and_log_tell_a_visit(watched_app: Server, visitor: Visitor) -> None:
    server = watched_app
    before, lines = numbers(server), len(told(server))
    tab = visitor.open(server)
    tab.settled(1)
    tab.reload()
    first = tab.settled(1).seen["id"][:8]
    tab.click("forget")
    second = tab.settled(1).seen["id"][:8]
    begun, returned, *_, forgotten = told(server)[lines:]
    assert begun.startswith(f"Session {first} (browser) begun: ")
    assert returned == f"Session {first} (browser) returned: its token came with the page."
    assert forgotten == (
        f"Session {first} (browser) forgotten: by its visitor. The tab goes on with session "
        f"{second}."
    )
    after = numbers(server)
    more = {name: number - before.get(name, 0) for name, number in after.items()}
    assert more["pgstate_runs_total", "browser"] == 3
    assert more["pgstate_session_changes_total", "returned"] == 1
    assert more["pgstate_verb_seconds_count", "modify"] == 3
    assert more["pgstate_verb_seconds_count", "forget"] == 1
    assert more["pgstate_database_seconds_count",] > 5
    assert after["pgstate_connections", "in_use"] == 0
    assert not TOKEN.search(server.log)


@pytest.mark.long
def test_the_log_tells_that_a_token_in_local_storage_was_taken_over(
    watched_app: Server, visitor: Visitor
) -> None:
    store = connect(watched_app.url)
    former = store.new_token()
    state = store.state(former)
    state["word"] = "from before"
    store.close()
    tab = visitor.open(watched_app, "reads")
    candidate = tab.settled(1).seen["id"][:8]
    lines = len(told(watched_app))
    tab.set_local(former)
    tab.reload()
    tab.settled(2)
    assert told(watched_app)[lines:][-1] == (
        f"Session {str(state.id)[:8]} (browser) taken over: the cookie got a token of its own in "
        f"place of the one in localStorage, in place of session {candidate}."
    )


def test_the_health_of_a_running_app_follows_its_tables(new_app: Callable[..., Server]) -> None:
    server = new_app(is_app=True)
    health = f"{server.address}{HEALTH}"
    assert httpx.get(health).json()["status"] == "ok"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("UPDATE pgstate.alembic_version SET version_num = '9999'")
    deadline = time.monotonic() + 10
    answer = httpx.get(health)
    while answer.status_code == 200 and time.monotonic() < deadline:
        time.sleep(0.05)  # an answer is given again for a second
        answer = httpx.get(health)
    assert (answer.status_code, answer.json()["status"]) == (503, "ahead")


@pytest.mark.page_copies
def test_the_log_tells_why_a_page_went_over_to_another_session(
    watched_page: Server, visitor: Visitor
) -> None:
    lines = len(told(watched_page))
    tab = visitor.open(watched_page)
    first = tab.settled(1).seen["id"][:8]
    tab.set_cookie(None)
    tab.reload()
    tab.settled(2)
    before, begun, adopted = told(watched_page)[lines:]
    candidate = begun.removeprefix("Session ")[:8]
    for line, session in ((before, first), (begun, candidate)):
        assert line == f"Session {session} (browser) begun: no good token came with the page."
    assert adopted == (
        f"Session {first} (browser) adopted: the browser keeps its token, in place of session "
        f"{candidate}, which the first run has written and which is deleted."
    )


@pytest.mark.long
def test_the_log_tells_a_login_and_what_the_user_has_taken_over(
    watched_page: Server, visitor: Visitor
) -> None:
    tab = visitor.open(watched_page, "user_scope")
    tab.settled(1)
    tab.click("write as anybody")
    anonymous = tab.settled(1).seen["id"][:8]
    lines = len(told(watched_page))
    log_in(visitor, watched_page, "who is watched")
    tab.reload()
    tab.settled(1)
    tab.click("adopt")
    user = tab.settled(1).seen["user_id"][:8]
    assert told(watched_page)[lines:] == [
        f"Session {anonymous} (browser) returned: its token came with the page.",
        f"Session {anonymous} (browser) replaced: somebody has logged in.",
        f"Session {user} (user) taken over: 2 keys of session {anonymous}.",
    ]
    assert "who is watched" not in watched_page.log


@pytest.mark.long
def test_the_log_tells_that_a_token_under_another_key_was_refused(
    watched_page: Server, visitor: Visitor
) -> None:
    store = connect(watched_page.url, signing_key="k" * 48)
    foreign = store.new_token()
    store.close()
    tab = visitor.open(watched_page)
    tab.settled(1)
    lines = len(told(watched_page))
    tab.set_copies(foreign)
    tab.reload()
    last = tab.settled().seen["id"][:8]
    refused, begun, *_ = told(watched_page)[lines:]
    why = "it is signed by another key, or for another app"
    assert refused == f"A session (browser) refused: {why}."
    assert begun == f"Session {last} (browser) begun: no good token came with the page."
    assert foreign not in watched_page.log
