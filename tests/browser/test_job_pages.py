"""The app of docs/jobs.md: long work that goes on while the visitor reloads, and is away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from browsers import new_profile
from playwright.sync_api import Browser, BrowserContext, Page, expect
from served import Server, running

DOCUMENT = Path(__file__).parents[2] / "docs" / "jobs.md"
BLOCKS = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
RESULT = "The result is 210."


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = new_profile(chromium)
    yield context
    context.close()


def served(folder: Path, url: str, **files: str) -> Server:
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return Server(folder, url, script=str(folder / "app.py"))


@pytest.fixture
def app(database: Callable[[], str], tmp_path: Path) -> Iterator[Server]:
    # Which job wrote the result, and how often one was begun.
    counted = BLOCKS[0].replace(
        "    total = 0\n", "    total = 0\n    state.modify('begun', lambda n: n + 1, default=0)\n"
    )
    assert counted != BLOCKS[0]
    with running(served(tmp_path / "jobs", database(), app=counted)) as server:
        yield server


def begun(server: Server) -> list[str]:
    with psycopg.connect(server.url) as connection:
        found = connection.execute("SELECT value::text FROM pgstate.entry WHERE key = 'begun'")
        return [row[0] for row in found]


def opened(context: BrowserContext, server: Server) -> Page:
    page = context.new_page()
    page.goto(server.address)
    return page


def steps(page: Page) -> int:
    """How far the bar is, once it is there."""
    bar = page.get_by_test_id("stProgress")
    expect(bar).to_contain_text("Step", timeout=45_000)
    found = re.search(r"Step (\d+) of 20", bar.inner_text())
    assert found is not None
    return int(found[1])


def sees(page: Page, text: str) -> None:
    expect(page.get_by_text(text, exact=True)).to_be_visible(timeout=30_000)


def start(page: Page) -> None:
    page.get_by_role("button", name="Start").click()


@pytest.mark.long
def test_the_bar_of_a_long_computation_goes_on_after_f5(
    app: Server, context: BrowserContext
) -> None:
    page = opened(context, app)
    start(page)
    expect(page.get_by_text(re.compile(r"Step [3-9] of 20"))).to_be_visible(timeout=45_000)
    page.reload()
    assert steps(page) >= 3
    expect(page.get_by_role("button", name="Start")).to_have_count(0)
    sees(page, RESULT)
    page.reload()
    sees(page, RESULT)
    assert begun(app) == ["1"]


@pytest.mark.long
def test_what_was_begun_is_finished_while_the_visitor_is_away(
    app: Server, context: BrowserContext
) -> None:
    page = opened(context, app)
    start(page)
    steps(page)
    page.close()
    with psycopg.connect(app.url, autocommit=True) as connection:
        elsewhere = context.new_page()  # of another site: only waits
        for _ in range(300):
            rows = connection.execute("SELECT FROM pgstate.entry WHERE key = 'result'").fetchall()
            if rows:
                break
            elsewhere.wait_for_timeout(100)
    sees(opened(context, app), RESULT)
    assert begun(app) == ["1"]


def test_two_tabs_that_start_at_once_start_one_job_and_both_follow_it(
    app: Server, context: BrowserContext
) -> None:
    one, other = opened(context, app), opened(context, app)
    for page in (one, other):
        expect(page.get_by_role("button", name="Start")).to_be_visible(timeout=45_000)
    for page in (one, other):
        page.evaluate("document.querySelector('[data-testid=stButton] button').click()")
    for page in (one, other):
        steps(page)
    for page in (one, other):
        sees(page, RESULT)
    assert begun(app) == ["1"]


@pytest.mark.long
def test_a_cancelled_job_stops_and_may_be_started_again(
    app: Server, context: BrowserContext
) -> None:
    page = opened(context, app)
    start(page)
    steps(page)
    page.get_by_role("button", name="Cancel").click()
    start(page)
    sees(page, RESULT)
    assert begun(app) == ["2"]


def test_a_job_whose_server_died_can_be_started_again_once_its_sign_of_life_is_old(
    app: Server, context: BrowserContext
) -> None:
    page = opened(context, app)
    start(page)
    steps(page)
    app.kill()
    app.start()
    assert steps(page) >= 0
    with psycopg.connect(app.url, autocommit=True) as connection:  # 30 s later
        connection.execute(
            "UPDATE pgstate.entry SET expires_at = now() - interval '1 s' WHERE key = 'job'"
        )
    page.reload()
    start(page)
    sees(page, RESULT)
    assert begun(app) == ["2"]


@pytest.mark.long  # test_jobs has a pool of processes
def test_a_pool_of_processes_writes_while_the_page_shows_it(
    database: Callable[[], str], tmp_path: Path, context: BrowserContext
) -> None:
    _, work, app = BLOCKS
    app = app.replace("10**8", "10**6")
    with running(served(tmp_path / "pool", database(), app=app, work=work)) as server:
        page = opened(context, server)
        start(page)
        for _ in range(60):
            if page.get_by_text(str(sum(range(10**6)))).count():
                break
            page.wait_for_timeout(500)
            page.reload()
            expect(page.get_by_role("button", name="Start")).to_be_visible(timeout=45_000)
        sees(page, str(sum(range(10**6))))
