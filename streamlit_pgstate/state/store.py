"""The store: sessions by their tokens, without Streamlit. `connect` makes one."""

from __future__ import annotations

import uuid
from typing import Any, NoReturn

from streamlit_pgstate.errors import UnknownToken
from streamlit_pgstate.postgres.cleanup import Cleaned
from streamlit_pgstate.postgres.health import Health
from streamlit_pgstate.postgres.migrate import Layout
from streamlit_pgstate.postgres.rows import SessionRef, Totals
from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.settings import Settings
from streamlit_pgstate.state.mapping import State
from streamlit_pgstate.state.session import Session
from streamlit_pgstate.state.surroundings import Surroundings, method_verb


class Store:
    """State without Streamlit: for tests, jobs and tools; `connect` makes one.

    Opens no connection by itself. The first verb does, and then checks the layout of the
    tables, once. Safe for threads.

    Example:
        >>> store = connect("postgresql://localhost/app")  # doctest: +SKIP
        >>> state = store.state(store.new_token())  # doctest: +SKIP
        >>> state["answer"] = 42  # doctest: +SKIP
    """

    def __init__(self, tables: Tables, *, surroundings: Surroundings) -> None:
        self._tables = tables
        self._surroundings = surroundings

    def __repr__(self) -> str:
        return f"<Store {self._tables.place}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "A store is not pickled: it holds the password. Pickle a State, or call connect() "
            "where you need one."
        )

    @property
    def settings(self) -> Settings:
        """The settings that it was made with."""
        return self._tables.settings

    @method_verb
    def migrate(self) -> None:
        """Create the tables, or bring older ones to the layout of this version.

        Raises:
            MigrationRequired: they are newer than this version of the package.
            ConfigError: the user of the URL may not create them.
        """
        self._tables.migrate()

    @method_verb
    def layout(self) -> Layout:
        """Which layout the tables have; changes nothing."""
        return self._tables.layout()

    @method_verb
    def health(self) -> Health:
        """Whether the database can be reached, and has the layout that this version needs.

        It answers within some two seconds, changes nothing, and asks the database once a second at
        most. It raises no error for what it finds.

        Example:
            >>> pgstate.connect(url).health().status  # doctest: +SKIP
            'behind'
        """
        return self._tables.health()

    @method_verb
    def totals(self) -> Totals:
        """How much all apps of this schema hold, for operators. Changes and migrates nothing."""
        return self._tables.totals()

    @method_verb
    def gc(self) -> Cleaned:
        """Delete what nobody can reach any more, of all apps of this schema; returns how much.

        That is: values of expired sessions and expired keys, and, two days later, the rows of
        ended sessions and of deleted keys; parts of large values that were never
        finished. An app does so by itself every `gc_interval`.

        Example:
            >>> print(pgstate.connect(url).gc())  # doctest: +SKIP
            2 expired sessions, 0 rows of ended sessions, 5 expired values, 0 names of deleted
            keys, 0 chunks of large values
        """
        return self._tables.clean_up()

    @method_verb
    def new_token(self) -> str:
        """A token for a new, empty session. Nothing is stored until its first write."""
        return self._tables.signer.mint().text

    @method_verb
    def state(self, token: str, *, cache: bool = True) -> State:
        """The state that a token opens.

        Args:
            token: from `new_token`, or a browser's.
            cache: False lets each call ask the database. Otherwise what this state has read, and
                what it has written, answers calls until `refresh`.

        Raises:
            UnknownToken: it is not a token of this app, or no longer valid.
        """
        return self._opened(SessionRef.of(self._tables.signer.check(token)), cache=cache)

    @method_verb
    def state_of(self, session_id: uuid.UUID | str, *, cache: bool = True) -> State:
        """The state of a session by its id, whatever its app: for jobs and operators.

        Its `scope` is "browser", whatever the session's row says; `session().scope` reads the row.
        So `forget()` of the app's state is not refused here.

        Raises:
            UnknownToken: there is no such session, or it was forgotten or has expired.
        """
        try:
            ref = SessionRef(uuid.UUID(str(session_id)))
        except ValueError as error:
            raise UnknownToken(
                "This is not a session's id: it looks like State.id, a UUID."
            ) from error
        return self._opened(ref, cache=cache)

    def _opened(self, ref: SessionRef, *, cache: bool) -> State:
        session = Session(self._tables, ref, surroundings=self._surroundings, cache=cache)
        session.load()
        return State(session)

    @method_verb
    def rows(self, session_id: uuid.UUID) -> list[dict[str, Any]]:
        """The entries of a session as they stand in PostgreSQL, for people to look at.

        `value` is the text of small plain values, and None for others.
        """
        return self._tables.entries.rows(session_id)

    def close(self) -> None:
        """Close idle connections; a later verb opens new ones."""
        self._tables.close()
