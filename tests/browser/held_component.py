"""The component's script, held back on its way to one tab: as over a slow line."""

from __future__ import annotations

from playwright.sync_api import Route
from visitor import Tab

_SCRIPT = "**/streamlit-pgstate.bridge/*.js"


class HeldComponent:
    """Held back from the next page of a tab on, until `release`."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self._routes: list[Route] = []
        tab.is_altered = True
        tab.page.route(_SCRIPT, self._hold)

    @property
    def is_asked_for(self) -> bool:
        return bool(self._routes)

    def open(self) -> None:
        """Open the tab, and wait for its first run.

        Not for the event `load`: a slow page does not come to it while a script is held back.
        """
        page = self._tab.page
        page.goto(self._tab.address, wait_until="commit")
        while not (self._routes and self._tab.runs() and self._tab.runs()[-1].is_over):
            page.wait_for_timeout(20)

    def reload(self) -> None:
        """As `open`, for a tab that is open. Waits until its page asks for the script."""
        self._tab.page.reload(wait_until="commit")
        while not self._routes:
            self._tab.page.wait_for_timeout(20)

    def release(self) -> None:
        for route in self._routes:
            route.continue_()
        self._tab.page.unroute(_SCRIPT)

    def _hold(self, route: Route) -> None:
        self._routes.append(route)
