"""What an operator sees of a real server with real visitors: health, metrics and the log."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from served import TOKEN, Server
from visitor import Visitor

HEALTH, METRICS = "/_pgstate/health", "/_pgstate/metrics"
LINE = re.compile(r"streamlit_pgstate\.page\.changes:(.*)")


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


@pytest.mark.parametrize("base", ["/shop"])
def test_metrics_and_log_tell_a_visit(
    base: str, new_app: Callable[..., Server], visitor: Visitor
) -> None:
    environment = {"LOGS_STATE": "1", "SHOWS_METRICS": "1"}
    server = new_app(is_app=True, base=base, environment=environment)
    assert ("pgstate_runs_total", "browser") not in numbers(server)
    tab = visitor.open(server)
    tab.settled(1)
    tab.reload()
    first = tab.settled(1).seen["id"][:8]
    tab.click("forget")
    second = tab.settled(1).seen["id"][:8]
    begun, returned, *_, forgotten = told(server)
    assert begun.startswith(f"Session {first} (browser) begun: ")
    assert returned == f"Session {first} (browser) returned: its token came with the page."
    assert forgotten == (
        f"Session {first} (browser) forgotten: by its visitor. The tab goes on with session "
        f"{second}."
    )
    found = numbers(server)
    assert found["pgstate_runs_total", "browser"] == 3
    assert found["pgstate_session_changes_total", "returned"] == 1
    assert found["pgstate_verb_seconds_count", "modify"] == 3
    assert found["pgstate_verb_seconds_count", "forget"] == 1
    assert found["pgstate_connections", "in_use"] == 0
    assert found["pgstate_database_seconds_count",] > 5
    assert not TOKEN.search(server.log)


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
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app(is_app=False, environment={"LOGS_STATE": "1"})
    tab = visitor.open(server)
    first = tab.settled(1).seen["id"][:8]
    tab.set_cookie(None)
    tab.reload()
    tab.settled(2)
    before, begun, adopted = told(server)
    assert before == f"Session {first} (browser) begun: no good token came with the page."
    candidate = begun.removeprefix("Session ")[:8]
    assert begun == f"Session {candidate} (browser) begun: no good token came with the page."
    assert adopted == (
        f"Session {first} (browser) adopted: the browser keeps its token, in place of session "
        f"{candidate}, which the first run has written and which is deleted."
    )
