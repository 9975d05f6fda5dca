"""Browser profiles that tests use one after the other, each with a tab.

A warm cache halves the work of a page load, and a tab that has shown the app before halves it once
more: 0.45 s of CPU, beside 0.95 in a new tab and 1.3 in a new profile.
"""

from __future__ import annotations

import contextlib
import uuid

from browsers import new_profile
from playwright.sync_api import Browser, BrowserContext, Error, Page, Route
from visitor import Visitor

KEPT = 2
"""Emptied profiles that wait: more than most tests need at once. Of each one tab, for of two that
were opened before, the browser takes one to be hidden, and draws nothing in it."""


class Profiles:
    """Of one browser. Each has a name, which its visitor's script runs are known by."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._emptied: list[tuple[BrowserContext, str, Page]] = []

    def take(self) -> Visitor:
        """A visitor who has never been anywhere."""
        if self._emptied:
            return Visitor(*self._emptied.pop())
        name = f"visitor-{uuid.uuid4().hex[:8]}"
        return Visitor(new_profile(self._browser, user_agent=name), name)

    def give_back(self, visitor: Visitor) -> None:
        """Empty the profile for the next one, if that can be done; else close it."""
        if visitor.is_altered or len(self._emptied) == KEPT or _runs_without_a_tab(visitor):
            visitor.context.close()
            return
        with contextlib.suppress(Error):  # it has closed its profile itself
            page = _empty(visitor)
            self._emptied.append((visitor.context, visitor.name, page))

    def close(self) -> None:
        for context, _, _ in self._emptied:
            context.close()


def _runs_without_a_tab(visitor: Visitor) -> bool:
    """They would be taken for the next visitor's."""
    return any(run.tab is None for tab in visitor.tabs for run in tab.server.runs(visitor.name))


def _empty(visitor: Visitor) -> Page:
    """Leave nothing of the visitor in the profile; the tab that the next one begins with."""
    for tab in visitor.tabs:
        tab.stop_listening()
    kept, *others = visitor.context.pages or [visitor.context.new_page()]
    for page in others:
        page.close()
    kept.mouse.move(0, 0)
    devtools = visitor.context.new_cdp_session(kept)
    for origin in {tab.origin for tab in visitor.tabs}:
        _empty_tab(kept, origin)
        devtools.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
    devtools.detach()
    visitor.context.clear_cookies()
    return kept


def _empty_tab(page: Page, origin: str) -> None:
    """What an origin keeps for this tab alone: only a page of that origin can clear it.

    Of the server, where it still runs: for an answer of our own Playwright drops what the tab has
    cached, and the next load takes 0.8 s of CPU, not 0.45.
    """
    try:
        page.goto(f"{origin}/_stcore/health")
    except Error:
        _go_to_a_page_of_our_own(page, origin)
    page.evaluate("() => { sessionStorage.clear(); window.name = ''; }")


def _go_to_a_page_of_our_own(page: Page, origin: str) -> None:
    def answer(route: Route) -> None:
        route.fulfill(body="", content_type="text/html")

    page.route(f"{origin}/**", answer)
    page.goto(f"{origin}/empty")
    page.unroute(f"{origin}/**", answer)
