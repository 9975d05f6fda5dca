"""For tests: a visitor for Streamlit's AppTest, who can come back.

Example:
    >>> app = AppTest.from_file("app.py")  # doctest: +SKIP
    >>> token = pgstate.testing.visit(app, store)  # doctest: +SKIP
    >>> app.run()  # doctest: +SKIP
    >>> again = AppTest.from_file("app.py")  # the same visitor after F5  # doctest: +SKIP
    >>> pgstate.testing.visit(again, store, token)  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlit_pgstate.component.transport import TESTING_KEY
from streamlit_pgstate.state.store import Store

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

__all__ = ["visit"]


def visit(app: AppTest, store: Store, token: str | None = None) -> str:
    """Give an AppTest the token that a browser would bring, before its first `run()`.

    Args:
        app: the AppTest; without this it is a new visitor.
        store: over the same database, schema and app name as the app's own.
        token: of an earlier visit; None for a new visitor's.

    Returns:
        The token, for `store.state(token)` or the next visit.
    """
    token = token or store.new_token()
    app.session_state[TESTING_KEY] = token
    return token
