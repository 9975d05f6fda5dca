"""The cookie of `pgstate.App`, as the browser holds it, and the route that sets it."""

from __future__ import annotations

from visitor import Tab

ROUTE = "/_pgstate/cookie"


def cookie_of(tab: Tab) -> dict[str, object]:
    found = tab.page.context.cookies(tab.server.address)
    [cookie] = [it for it in found if it["name"] == tab.server.cookie_name]
    return {**cookie}
