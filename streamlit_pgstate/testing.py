"""For tests with Streamlit's AppTest: `visit` makes an AppTest a visitor who can come back.

Example:
    >>> app = AppTest.from_file("app.py")  # doctest: +SKIP
    >>> token = pgstate.testing.visit(app, store)  # doctest: +SKIP
    >>> app.run()  # doctest: +SKIP
    >>> again = AppTest.from_file("app.py")  # the same visitor after F5  # doctest: +SKIP
    >>> pgstate.testing.visit(again, store, token)  # doctest: +SKIP
    >>> again.run()  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlit_pgstate.component.transport import TESTING_KEY
from streamlit_pgstate.state.store import Store

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

__all__ = ["visit"]


def visit(app: AppTest, store: Store, token: str | None = None) -> str:
    """Give an AppTest the token that a browser would send. Call it before the first `run()`.

    Without this call each AppTest is a new visitor.

    Args:
        app: the AppTest.
        store: a store with the same database, schema and app name as the app under test.
        token: the token of an earlier visit; None for a new visitor.

    Returns:
        The token, for the next visit or for `store.state(token)`.

    Raises:
        ConfigError: the settings of the store give no database.
        StoreUnavailable: PostgreSQL cannot be reached.

    Example:
        >>> token = pgstate.testing.visit(app, store)  # doctest: +SKIP
        >>> app.run()  # doctest: +SKIP
        >>> store.state(token)["note"]  # doctest: +SKIP
    """
    token = token or store.new_token()
    app.session_state[TESTING_KEY] = token
    return token
