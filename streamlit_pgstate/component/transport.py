"""The transports: how a token comes with a page, before the component can answer.

All transports are defined here. The one that Streamlit plans would be another one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import streamlit as st

from streamlit_pgstate.component import cookies, http_cookie, script, server

TESTING_KEY: Final = "streamlit_pgstate_testing_token"
"""The key under which `testing` puts a token for AppTest, which has no cookies and no browser."""


@dataclass(frozen=True, slots=True)
class Transport:
    """How the token of one scope comes with the page, and where the component keeps it."""

    scope: Literal["browser", "tab"]
    read: Callable[[str], str | None]
    """Returns the token that came with the page, unchecked; None if none came. Its argument is the
    `cookies.label` of the app and its database."""
    is_strict: bool = False
    """Whether a refused token is an error. If not, the browser is asked for another one."""
    is_http_only: bool = False
    """Whether the token is in a cookie that the page can neither read nor set. Then the page is
    given tickets, not tokens."""
    read_aside: Callable[[str], Sequence[str]] = lambda label: ()
    """Returns the refused tokens that came with the page beside that one, unchecked."""

    @property
    def place(self) -> str:
        """A prefix for the component's keys, so that each scope has a component of its own."""
        return "" if self.scope == "browser" else self.scope

    @property
    def may_copy(self) -> bool:
        """Whether another tab may use the token, so that this tab needs a copy of its state."""
        return self.scope == "tab"


BROWSER: Final = Transport("browser", cookies.cookie_token)
"""A cookie and localStorage. If they differ, localStorage decides."""


def _in_http_cookie(label: str) -> http_cookie.Kept:
    place = http_cookie.Place.of_header(st.context.headers.get(http_cookie.PLACE_HEADER) or "")
    if place is None:
        return http_cookie.Kept((), ())
    return http_cookie.Kept.at(place, label, st.context.headers.get_all("Cookie"))


HTTP_ONLY: Final = Transport(
    "browser",
    lambda label: _in_http_cookie(label).token,
    is_http_only=True,
    read_aside=lambda label: _in_http_cookie(label).aside,
)
"""An HttpOnly cookie, under `pgstate.App`. Its middleware sets it: see `page.cookie_keeper`."""

TAB: Final = Transport("tab", cookies.reloaded_token)
"""A cookie that lives for five seconds from F5 on, and sessionStorage. If they differ,
sessionStorage decides."""

_APPTEST: Final = Transport("browser", lambda label: st.session_state[TESTING_KEY], is_strict=True)


def of_browser() -> Transport:
    """The transport of the browser's token for the page whose script runs now."""
    if TESTING_KEY in st.session_state:
        return _APPTEST
    return HTTP_ONLY if server.is_app() and not script.is_apptest() else BROWSER
