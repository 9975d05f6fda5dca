"""The browsers beside Chromium that are to be had here, a server for their tests, and what ran."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from engine import ENGINES, Engine
from failures import FAILED
from selenium.common.exceptions import WebDriverException
from served import Server, running
from window import Visitor

FOUND = [engine for engine in ENGINES if not engine.missing]
_VERSIONS: dict[str, list[str]] = {}


def pytest_configure() -> None:
    if not FOUND:
        raise pytest.UsageError("; ".join(map(_not_had, ENGINES)))


def _not_had(engine: Engine) -> str:
    return f"{engine.title} was not to be had: no {' and no '.join(engine.missing)}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("browsers")
    for engine in ENGINES:
        if engine.missing:
            terminalreporter.line(_not_had(engine), yellow=True)
            continue
        ended = {
            outcome: sum(f"[{engine.name}" in report.nodeid for report in reports)
            for outcome in ("passed", "failed", "error")
            if (reports := terminalreporter.stats.get(outcome, []))
        }
        said = ", ".join(f"{number} {outcome}" for outcome, number in ended.items() if number)
        title = " ".join([engine.title, *_VERSIONS.get(engine.name, [])])
        terminalreporter.line(f"{title}: {said or 'to be had, but no test of it ran'}")


@pytest.fixture(scope="session", params=FOUND, ids=lambda engine: engine.name)
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.param
    return found


@pytest.fixture(scope="session")
def browser(engine: Engine) -> Iterator[Visitor]:
    """The one that all tests of an engine share."""
    with engine.running() as driver:
        _VERSIONS[engine.name] = [driver.capabilities["browserVersion"]]
        yield Visitor(driver)


@pytest.fixture
def visitor(browser: Visitor, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """Somebody who has never been anywhere."""
    with _shown(browser, request):
        yield browser
    browser.leave()


@pytest.fixture
def visitor_without_cookies(engine: Engine, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """Somebody whose browser is set to keep no cookies, which no page can change."""
    with engine.running(keeps_cookies=False) as driver:
        visitor = Visitor(driver)
        with _shown(visitor, request):
            yield visitor


@contextlib.contextmanager
def _shown(visitor: Visitor, request: pytest.FixtureRequest) -> Iterator[None]:
    """Print what the page says when a test has failed; of a picture WebKit's driver may hang."""
    yield
    if request.node.stash.get(FAILED, False):
        with contextlib.suppress(WebDriverException):
            print(visitor.driver.execute_script("return document.body.innerText"))


@pytest.fixture(scope="session")
def app(database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that all tests share."""
    with running(Server(tmp_path_factory.mktemp("app"), database())) as server:
        yield server


@pytest.fixture(scope="session")
def app_without_cookie(
    database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The same app with the setting `cookie=False`."""
    folder = tmp_path_factory.mktemp("without-cookie")
    with running(Server(folder, database(), environment={"PGSTATE_COOKIE": "false"})) as server:
        yield server
