"""The view: what one operator has opened in the inspector, kept while the tab is open."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any, Final

import streamlit as st

from streamlit_pgstate.postgres.browsing import KeyLine, KeyOrder
from streamlit_pgstate.postgres.inspection import Order, SessionPage

PREFIX: Final = "pgstate_inspector_"
"""All keys of `st.session_state` that the inspector has begin with it."""


@dataclass(slots=True)
class View:
    """What is open."""

    session: uuid.UUID | None = None
    key: str | None = None
    order: Order = Order.EXPIRY
    pages: list[str | None] = field(default_factory=lambda: [None])
    """Where the pages of sessions begin, up to the one that is shown."""
    largest: SessionPage | None = None
    """The largest sessions exactly, once they were asked for."""
    key_order: KeyOrder = KeyOrder.NAME
    key_pages: list[KeyLine | None] = field(default_factory=lambda: [None])
    reads_large: bool = False
    """Whether a large value is to be read."""
    said: str = ""
    """What was done, to be said once in the next run."""

    def open(self, session: uuid.UUID | None) -> None:
        """Open a session, or the list of all for None."""
        self.session, self.key, self.key_pages, self.reads_large = session, None, [None], False

    def open_key(self, key: str | None) -> None:
        """Open a key of the session."""
        self.key, self.reads_large = key, False

    def sort(self, order: Order) -> None:
        """List the sessions in another order, from the first page on."""
        if order is not self.order:
            self.order, self.pages, self.largest = order, [None], None

    def sort_keys(self, order: KeyOrder) -> None:
        """List the keys in another order, from the first page on."""
        if order is not self.key_order:
            self.key_order, self.key_pages = order, [None]


def view() -> View:
    """Return the view of this tab."""
    name = f"{PREFIX}view"
    if not isinstance(found := st.session_state.get(name), View):
        found = st.session_state[name] = View()
    return found


def pages(kept: list[Any], following: Any, name: str) -> None:
    """Draw the buttons that lead to the page before and to the next one.

    Args:
        kept: where the pages begin, up to the one that is shown. The buttons change it.
        following: where the next page begins; None if there is none.
        name: of the list, for the keys of the buttons.
    """
    if len(kept) == 1 and following is None:
        return
    with st.container(horizontal=True):
        st.button(
            "Previous",
            key=f"{PREFIX}{name}_previous",
            on_click=kept.pop,
            disabled=len(kept) == 1,
        )
        st.button(
            "Next",
            key=f"{PREFIX}{name}_next",
            on_click=kept.append,
            args=(following,),
            disabled=following is None,
        )
        st.caption(f"Page {len(kept)}")
