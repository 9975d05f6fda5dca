"""Browser profiles that tests use one after the other, each with a tab.

A warm cache halves the work of a page load, and a tab that has shown the app before halves it once
more: 0.6 s of CPU, beside 1.4 in a new tab and 1.8 in a new profile.
"""

from __future__ import annotations

import contextlib
import uuid

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
        return Visitor(self._browser.new_context(user_agent=name), name)

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
    visitor.context.clear_cookies()
    devtools = visitor.context.new_cdp_session(kept)
    for origin in {tab.origin for tab in visitor.tabs}:
        _empty_tab(kept, origin)
        devtools.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
    devtools.detach()
    kept.goto("about:blank")
    return kept


def _empty_tab(page: Page, origin: str) -> None:
    """What an origin keeps for this tab alone: only a page of that origin can clear it."""

    def answer(route: Route) -> None:
        route.fulfill(body="", content_type="text/html")

    page.route(f"{origin}/**", answer)  # no server: it may be gone
    page.goto(f"{origin}/empty")
    page.evaluate("() => { sessionStorage.clear(); window.name = ''; }")
    page.unroute(f"{origin}/**", answer)
