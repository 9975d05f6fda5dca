"""A real Streamlit server, a real Chromium, and the log of script runs between them."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from browsers import CHROMIUM, CHROMIUM_ARGS, HEADLESS, PATIENCE, new_profile
from failures import FAILED
from playwright.sync_api import Browser, BrowserContext, Error, Playwright, expect, sync_playwright
from profiles import Profiles
from served import Server, running
from visitor import Visitor

from streamlit_pgstate import Store, connect

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=HEADLESS, args=CHROMIUM_ARGS)


@pytest.fixture(scope="session")
def whole_chromium(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)


@pytest.fixture(scope="session")
def profiles(chromium: Browser) -> Iterator[Profiles]:
    profiles = Profiles(chromium)
    yield profiles
    profiles.close()


@pytest.fixture(scope="session")
def whole_profiles(whole_chromium: Browser) -> Iterator[Profiles]:
    profiles = Profiles(whole_chromium)
    yield profiles
    profiles.close()


@pytest.fixture
def new_visitor(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Visitor]]:
    """Make a browser profile; keyword arguments are Playwright's for a context."""
    visitors: list[Visitor] = []
    kind = "whole_" if request.node.get_closest_marker("whole_chromium") else ""
    chromium: Browser = request.getfixturevalue(f"{kind}chromium")
    profiles: Profiles = request.getfixturevalue(f"{kind}profiles")

    def make(context: BrowserContext | None = None, **options: Any) -> Visitor:
        if context is None and not options:
            visitors.append(profiles.take())
            return visitors[-1]
        name = f"visitor-{uuid.uuid4().hex[:8]}"
        context = context or new_profile(chromium, user_agent=name, **options)
        visitors.append(Visitor(context, name, is_altered=True))
        return visitors[-1]

    yield make
    has_failed = request.node.stash.get(FAILED, False)
    pages = [page for visitor in visitors for page in visitor.context.pages]
    if has_failed:
        for number, page in enumerate(pages):
            with contextlib.suppress(Error):
                path = tmp_path / f"failed-{number}.png"
                page.screenshot(path=path)
                print(f"screenshot: {path}")
    errors = [error for visitor in visitors for tab in visitor.tabs for error in tab.errors]
    for visitor in visitors:
        if has_failed:
            visitor.spoil()
        profiles.give_back(visitor)
    assert not [error for error in errors if _is_ours(error)]


def _is_ours(error: str) -> bool:
    """By its message, or by our file in its stack; the stack of any error of React's has
    components."""
    message, *_ = error.splitlines() or [""]
    return "pgstate" in error.lower() or "component" in message.lower()


@pytest.fixture
def visitor(new_visitor: Callable[..., Visitor]) -> Visitor:
    return new_visitor()


@pytest.fixture
def visitor_with_devices(new_visitor: Callable[..., Visitor]) -> Visitor:
    """A visitor whose browser has a camera and a microphone, and lets the page use them."""
    return new_visitor(permissions=["camera", "microphone"])


@pytest.fixture(scope="session")
def app(database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that all tests share who do not need their own."""
    with running(Server(tmp_path_factory.mktemp("app"), database())) as server:
        yield server


@pytest.fixture(scope="session")
def http_only_app(
    database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """As `app`, under `pgstate.App`."""
    with running(Server(tmp_path_factory.mktemp("app"), database(), is_app=True)) as server:
        yield server


@pytest.fixture(params=["plain", "http only"])
def served(request: pytest.FixtureRequest) -> Server:
    """Each of both, for the table of tokens."""
    server: Server = request.getfixturevalue("app" if request.param == "plain" else "http_only_app")
    return server


@pytest.fixture
def rows_of_served(served: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(served.url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def store_of_served(served: Server) -> Iterator[Store]:
    store = connect(served.url)
    yield store
    store.close()


@pytest.fixture
def new_app(database: Callable[[], str], tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start a server of the test's own, with a database of its own."""
    with contextlib.ExitStack() as stack:

        def make(**options: Any) -> Server:
            folder = tmp_path / f"app-{uuid.uuid4().hex[:8]}"
            options = {"url": None, **options}
            options["url"] = options["url"] or database()
            return stack.enter_context(running(Server(folder, **options)))

        yield make


@pytest.fixture(scope="session")
def rows(app: Server) -> Iterator[psycopg.Connection]:
    """A connection to the database of the shared server."""
    with psycopg.connect(app.url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def store_of_app(app: Server) -> Iterator[Store]:
    """A store over the database of the shared server."""
    store = connect(app.url)
    yield store
    store.close()
