"""A session as this deploy of the app knows it: values of an older shape are upgraded when found.

Stands between `written_session`, which stores them, and `revised_session`. The function `upgrade`
runs without a lock in the database. What it makes of the values is stored in one statement, if
nobody has written meanwhile. Otherwise it runs again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from streamlit_pgstate import codecs
from streamlit_pgstate.errors import PgStateError, ShapeError, StoreUnavailable, UnknownToken
from streamlit_pgstate.postgres.limits import SessionFull
from streamlit_pgstate.postgres.rows import Write
from streamlit_pgstate.postgres.shapes import Fit, fit
from streamlit_pgstate.settings import Upgrade
from streamlit_pgstate.state.progress import Work
from streamlit_pgstate.state.stored_values import StoredValues
from streamlit_pgstate.state.written_session import (
    MAX_ATTEMPTS,
    WrittenSession,
    outrun,
    too_large,
)

_LOG = logging.getLogger(__name__)

_DOING: Final = "Upgrading the stored values"
_told: set[tuple[str, int, str]] = set()
"""Which failures are in the log: the function, the stored shape, and the kind of error."""


class UpgradedSession(WrittenSession):
    """One session in the shape of this app. Its constructor is that of `CachedSession`."""

    def after_fork(self) -> None:
        super().after_fork()
        self._is_upgrading = False

    def load(self) -> None:
        super().load()
        self._upgrade_if_older()

    def _refresh_locked(self) -> None:
        super()._refresh_locked()
        self._upgrade_if_older()

    def _upgrade_if_older(self) -> None:
        """Upgrade what an older deploy has stored.

        Raises:
            ShapeError: there is no function for it, or it has failed. Nothing has changed.
        """
        known = self.settings.shape
        if known is None or self._is_upgrading or fit(self.shape, known) is not Fit.OLDER:
            return
        with self.lock:
            self._is_upgrading = self._is_unread = True
            try:
                self._upgrade_to(known)
                self._is_unread = False  # else each read tries again, and raises
            finally:
                self._is_upgrading = False

    def _upgrade_to(self, known: int) -> None:
        for _ in range(MAX_ATTEMPTS):
            if fit(self.shape, known) is not Fit.OLDER or self._try_to_upgrade(known):
                return
            self.load()  # others have written meanwhile, or have upgraded it
        raise outrun(
            f"The stored values could not be upgraded to shape {known}: others wrote to this "
            f"session {MAX_ATTEMPTS} times meanwhile."
        )

    def _try_to_upgrade(self, known: int) -> bool:
        """Upgrade the values as of the last read. Return whether nobody has written since."""
        version, stored = self._cache.version, self.shape
        with self.work(_DOING) as work:
            writes = self._upgraded(known, work)
            if self._cache.version != version:  # a large value was not there any more
                return False
            self._send_ahead(writes, work)
            snapshot = self._cache.snapshot([write.key for write in writes])
            if snapshot.version != version:
                return False
            try:
                with self._doubting([write.key for write in writes]):
                    new = self.tables.entries.upgrade(self._ref, writes, snapshot, old_shape=stored)
            except SessionFull as full:
                self.discard_sent()
                excess = too_large(self.settings, writes, full)
                raise self._failed(excess, known, None) from None
        if new is None:
            return False
        self._remember(writes, new, snapshot)
        self._cache.reach(new)
        self.shape = known
        _LOG.debug("Session %s was upgraded from shape %d to %d", self.id, stored, known)
        return True

    def _upgraded(self, known: int, work: Work) -> list[Write]:
        """What the function makes of the values.

        Raises:
            ShapeError: there is none, or it has failed.
        """
        rows = {row.key: row for row in self._cache.live_rows()}
        if not rows:
            return []

        def read(key: str) -> Any:
            return codecs.decode(self.payload(key, rows[key], work), key=key)

        version, values = self._cache.version, StoredValues(rows, read)
        upgrade = self.settings.upgrade
        if upgrade is None:
            raise self._without_function(known)
        try:
            _call(upgrade, values, self.shape)
            return self._changes(values)
        except (StoreUnavailable, UnknownToken):
            raise  # they are not about the function
        except Exception as error:  # noqa: BLE001 - the app's function may raise any
            if self._cache.version != version:  # what it has read is out of date: it runs again
                return []
            raise self._failed(error, known, values.last) from None

    def _changes(self, values: StoredValues) -> list[Write]:
        writes = []
        for key, value in values.used.items():
            entry = self._cache.live(key)
            ttl = entry.ttl if entry else None
            write = self.write_of(key, self.encode(key, value), ttl=ttl)
            if not self._cache.holds(write):
                writes.append(write)
        return [*writes, *(Write(key, None) for key in values.deleted)]

    # What is told

    def _without_function(self, known: int) -> ShapeError:
        return self._error(
            f"This state was stored by an older deploy of the app: it has shape {self.shape}, and "
            f"the app has shape {known}. There is no function to upgrade it. Nothing was changed. "
            f"Set it: pgstate.configure(shape={known}, upgrade=function).",
            known,
        )

    def _failed(self, error: Exception, known: int, key: str | None) -> ShapeError:
        """The error if the function has failed. The log has its traceback, once."""
        upgrade = self.settings.upgrade
        name = upgrade.name if upgrade is not None else "upgrade"
        failure = (name, self.shape, type(error).__name__)
        if failure not in _told:
            _told.add(failure)
            _LOG.error(
                "%s() could not upgrade session %s from shape %d to %d. Its values stay as they "
                "are. Further sessions for which it fails like this are not logged.",
                *(name, self.id, self.shape, known),
                exc_info=error,
            )
        at = "" if key is None else f" The key that it used last is {key!r}."
        said = str(error) if isinstance(error, PgStateError) else type(error).__name__
        return self._error(
            f"{name}() could not upgrade the stored values from shape {self.shape} to {known}: "
            f"{said.removesuffix('.')}.{at} Nothing was changed. The log has the traceback. Mend "
            "the function and reload the page.",
            known,
        )

    def _error(self, message: str, known: int) -> ShapeError:
        error = ShapeError(message)
        error.stored, error.known = self.shape, known
        return error


def _call(upgrade: Upgrade, values: StoredValues, stored: int) -> None:
    returned: object = upgrade.function(values, stored)
    if returned is None:
        return
    if not isinstance(returned, Mapping):
        raise TypeError(
            f"{upgrade.name}() must change the values that it gets, or return a mapping of all "
            f"new values, not {type(returned).__name__}."
        )
    values.replace(returned)
