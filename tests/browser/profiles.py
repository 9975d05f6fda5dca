"""Browser profiles that tests use one after the other: a warm cache halves a page load's work."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterable

from playwright.sync_api import Browser, BrowserContext, Error
from visitor import Visitor

KEPT = 2
"""Emptied profiles that wait: more than most tests need at once."""


class Profiles:
    """Of one browser. Each has a name, which its visitor's script runs are known by."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._emptied: list[tuple[BrowserContext, str]] = []

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
            _empty(visitor.context, {tab.origin for tab in visitor.tabs})
            self._emptied.append((visitor.context, visitor.name))

    def close(self) -> None:
        for context, _ in self._emptied:
            context.close()


def _runs_without_a_tab(visitor: Visitor) -> bool:
    """They would be taken for the next visitor's."""
    return any(run.tab is None for tab in visitor.tabs for run in tab.server.runs(visitor.name))


def _empty(context: BrowserContext, origins: Iterable[str]) -> None:
    for page in context.pages:
        page.close()
    context.clear_cookies()
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    for origin in origins:
        devtools.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
    page.close()
