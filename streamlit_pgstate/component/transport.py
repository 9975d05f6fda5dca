"""The ways by which a token comes with a page, before the component is there to be asked.

Streamlit plans one of its own; an HttpOnly cookie would be another. Each stands here and nowhere
else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import streamlit as st

from streamlit_pgstate.component import cookies

TESTING_KEY: Final = "streamlit_pgstate_testing_token"
"""Where `testing` leaves a token for AppTest, which has neither cookies nor a browser."""


@dataclass(frozen=True, slots=True)
class Transport:
    """How one scope's token comes with the page, and where the component keeps it."""

    scope: Literal["browser", "tab"]
    read: Callable[[str], str | None]
    """The token that came with the page, unchecked, by the app's name; None where none came."""
    is_strict: bool = False
    """Whether a token that is refused is an error: nobody could be asked for another one."""

    @property
    def place(self) -> str:
        """What the component's keys begin with, so that each scope has a component of its own."""
        return "" if self.scope == "browser" else self.scope


BROWSER: Final = Transport("browser", cookies.cookie_token)
"""A cookie, and localStorage, which decides."""

TAB: Final = Transport("tab", cookies.reloaded_token)
"""A cookie that lives for five seconds from F5 on, and sessionStorage, which decides."""

_APPTEST: Final = Transport("browser", lambda app: st.session_state[TESTING_KEY], is_strict=True)


def of_browser() -> Transport:
    """The transport of the page whose script runs now."""
    return _APPTEST if TESTING_KEY in st.session_state else BROWSER
