"""StoredKeys: what the state stores under the durable keys of one tab.

Between the runs, which find out what has changed, and the session, which stores it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from streamlit_pgstate import codecs
from streamlit_pgstate.component import page, session_state
from streamlit_pgstate.errors import LimitExceeded, PgStateError, StoreUnavailable, UnknownToken
from streamlit_pgstate.persistence.fingerprint import fingerprint_of
from streamlit_pgstate.persistence.key import NOTHING, PersistedKey
from streamlit_pgstate.state.mapping import State
from streamlit_pgstate.state.session import Session

_LOG = logging.getLogger(__name__)


class StoredKeys:
    """The durable keys of one tab in one session: reads and saves their values.

    Args:
        session: where the values are stored.
        keys: what the tab knows of its keys.
    """

    def __init__(self, session: Session, keys: dict[str, PersistedKey]) -> None:
        self.session = session
        self.keys = keys
        """All keys that were ever persisted in this tab."""
        self.lock = threading.RLock()
        """Guards what runs share, because runs of a tab may overlap: a run that was overtaken ends
        while the next one begins."""
        self.page_showed: int | None = None
        """The version that the page showed when it found its server again. None if the page has
        not said so, and after the first run that follows."""
        self.page_lacked: Callable[[str], bool] = never
        """Whether nothing was stored under a key in the version that the page showed."""
        self.is_closed = False
        self._state = State(session)
        self._logged: dict[str, set[object]] = {}
        """What the log has said of each key since its last save, so as to say it only once."""

    def close(self) -> None:
        """Save nothing any more, because what the page shows belongs to another state."""
        with self.lock:
            self.is_closed = True

    def value_of(self, key: str) -> Any:
        """Return the value stored under a key; NOTHING if none is stored.

        Raises:
            DecodeError: this version of the package cannot read the value.
        """
        return self._state.get(key, NOTHING)

    def encode(self, key: str) -> codecs.Payload | None:
        """Encode what `st.session_state` holds under a key; None if it holds nothing.

        Raises:
            UnsupportedType: the value cannot be stored exactly.
            LimitExceeded: the value is too large.
        """
        if not session_state.has(key):
            return None
        limit = self.session.settings.max_value_bytes
        return self.keys[key].encode(session_state.get(key), limit=limit)

    def has_shown(self, key: str) -> bool:
        """Whether the page showed the stored value before this server knew the page.

        If so, another value that the page sends is its visitor's choice.
        """
        if self.page_showed is None:
            return False
        stored = self.session.entry_version(key)
        return stored <= self.page_showed if stored else self.page_lacked(key)

    def save(self, changes: Mapping[str, codecs.Payload], deleted: Sequence[str]) -> None:
        """Store what one run has changed, in one statement; send none if nothing has changed.

        Args:
            changes: the encoded values.
            deleted: the keys to delete.
        """
        if self.is_closed or not (changes or deleted):
            return
        try:
            self.session.amend(changes, deleted)
        except UnknownToken:
            _LOG.debug("The session was forgotten during a run. The run's changes are dropped.")
            for key, payload in changes.items():
                self.keys[key].fingerprint = fingerprint_of(payload)
            return
        except LimitExceeded as error:
            self._save_each(changes, deleted, error)
            return
        except PgStateError as error:
            if isinstance(error, StoreUnavailable) and error.is_outage:
                return  # the page reports the outage, and runs again, which saves the changes
            self.report_unsaved(self.keys[next(iter([*changes, *deleted]))], error)
            return
        for key, payload in changes.items():
            self.keys[key].fingerprint = fingerprint_of(payload)
            self.keys[key].is_unfit = False
        for key in (*changes, *deleted):
            self.keys[key].is_deleted = False
            self._logged.pop(key, None)
            self.keys[key].version = self.session.entry_version(key)

    def _save_each(
        self,
        changes: Mapping[str, codecs.Payload],
        deleted: Sequence[str],
        error: LimitExceeded,
    ) -> None:
        """Save the changes one by one, so that the one over the limit does not stop the others."""
        self.save({}, deleted)
        if len(changes) == 1:
            self.report_unsaved(self.keys[next(iter(changes))], error)
            return
        for key, payload in changes.items():
            self.save({key: payload}, [])

    def save_early(self, choices: Mapping[str, codecs.Payload]) -> None:
        """Store the visitor's choices in the middle of a run; its end tries again if this fails."""
        if self.is_closed or not choices:
            return
        try:
            self.session.amend(choices, ())
        except PgStateError as error:
            _LOG.debug("Not saved in the middle of a run: %s", error)
            return
        for key, payload in choices.items():
            self.keys[key].fingerprint = fingerprint_of(payload)
            self.keys[key].is_unfit = self.keys[key].is_deleted = False
            self.keys[key].version = self.session.entry_version(key)

    def report_unsaved(self, persisted: PersistedKey, error: PgStateError) -> None:
        """Report a value that could not be saved, in the log and on the page.

        The run is over, so nothing can be raised. Each further run tries again.
        """
        if self._is_first_time(persisted, str(error)):
            _LOG.error("persist() could not save: %s", error)
        page.show_error(f"Not saved: {error}")

    def warn_unfit(self, persisted: PersistedKey, why: str) -> None:
        """Log that the page does not show the stored value, once for each of its versions."""
        if not (persisted.version and self._is_first_time(persisted, persisted.version)):
            return
        _LOG.warning(
            "%r: %s. The stored value is kept. It is shown as soon as it fits, unless the visitor "
            "chooses another value first.",
            persisted.key,
            why,
        )

    def warn_unfit_default(self, persisted: PersistedKey) -> None:
        """Log that the default given to `persist` does not fit the widget."""
        if self._is_first_time(persisted, "default"):
            _LOG.warning(
                "%r: the default given to persist() does not fit the widget.", persisted.key
            )

    def _is_first_time(self, persisted: PersistedKey, what: object) -> bool:
        """Whether the log has not said this of the key since the key was last saved."""
        logged = self._logged.setdefault(persisted.key, set())
        if what in logged:
            return False
        logged.add(what)
        return True


def never(key: str) -> bool:
    """Answer False for each key."""
    return False
