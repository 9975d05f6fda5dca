"""A session with the former versions of its keys: read, and put back.

Stands between `upgraded_session` and `session`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.errors import ConfigError, DecodeError, UnknownToken, VersionGone
from streamlit_pgstate.postgres.cipher import UnopenedError
from streamlit_pgstate.postgres.faults import NothingStored
from streamlit_pgstate.postgres.history import PutBack
from streamlit_pgstate.postgres.rows import Change, EntryRow, RevisionRow
from streamlit_pgstate.state.key import named
from streamlit_pgstate.state.progress import Work
from streamlit_pgstate.state.revision import bigint
from streamlit_pgstate.state.upgraded_session import UpgradedSession
from streamlit_pgstate.state.written_session import WithinLimits

_SHOWN: Final = 20
"""How many versions the error of `restore` names."""


class RevisedSession(UpgradedSession):
    """One session and its history. Its constructor is that of `CachedSession`."""

    def history(self, key: str, *, limit: int) -> list[RevisionRow]:
        """Return the versions of a key, the present one first; empty if it never had a value.

        Raises:
            UnknownToken: the session was forgotten or has expired.
        """
        with self.lock:
            self.load_if_unread()
            found = self.tables.history.read(self._ref, key, limit=limit)
            if not found:
                self.refresh()  # raises if the session is refused
            return found

    def entry_of(self, key: str, version: int) -> EntryRow | None:
        """One version of a key; None if there is no such version, or it has no value.

        Raises:
            UnknownToken: the session was forgotten or has expired.
        """
        with self.lock:
            self.load_if_unread()
            present = self._noted(key)
            if present is not None and present.version == version:
                return present
            found = self.tables.history.entry(self._ref, key, bigint(version))
            if found is None:
                self.refresh()  # as in `history`
            return found

    def payload_of(self, key: str, entry: EntryRow, work: Work) -> Payload | None:
        """The encoded value of a former version; None if it has gone from the history meanwhile.

        Raises:
            DecodeError: rows of it are missing or changed, or cannot be decrypted.
        """
        with self.lock:
            try:
                return self._read_payload(entry, work)
            except UnopenedError as fault:
                if self.tables.history.entry(self._ref, key, entry.version) is None:
                    return None
                raise DecodeError(
                    f"{key!r}, version {entry.version} (kind {entry.kind!r}) {fault}"
                ) from None

    def restore(self, key: str, version: int) -> None:
        """Make a former version of a key the present one, as a new version.

        Raises:
            VersionGone: there is no such version, or it has no value.
            LimitExceeded: the session would grow over a limit; nothing was changed.
            UnknownToken: the session was forgotten or has expired.
        """
        with self.lock:
            self.load_if_unread()
            change = self.change("restore") or Change.alone("restore")
            done = self._put_back(
                [key],
                f"version {version} of {key!r}",
                lambda: self.tables.history.restore(self._ref, key, bigint(version), change),
            )
            if done.trimmed:
                raise VersionGone(self._said(key, version))

    def undo(self) -> list[str]:
        """Take back the last run that has changed something; return the keys that have changed.

        Raises:
            ConfigError: no history is kept.
            VersionGone: what a key held before is no longer in the history; nothing was changed.
            LimitExceeded, UnknownToken: as `restore`.
        """
        return self._move("undo", lambda: self.tables.history.undo(self._ref))

    def redo(self) -> list[str]:
        """Make the run again that was undone last; return the keys that have changed.

        Raises:
            ConfigError, VersionGone, LimitExceeded, UnknownToken: as `undo`.
        """
        return self._move("redo", lambda: self.tables.history.redo(self._ref))

    def _move(self, verb: str, send: Callable[[], PutBack]) -> list[str]:
        versions = self.settings.history
        if not versions:
            raise ConfigError(
                f"{verb}() needs a history. Set `history` to the number of versions of each key "
                "that are to be kept, such as 20."
            )
        with self.lock:
            self.load_if_unread()
            done = self._put_back([], f"what {verb}() brings back", send)
            if done.trimmed:
                raise VersionGone(
                    f"{verb}() has changed nothing: what {named(done.trimmed)} held is no longer "
                    f"in the history. It has the last {versions} versions of each key, and at most "
                    "`max_session_bytes`. Raise the setting `history`, to go further back from "
                    "then on."
                )
            return done.keys

    def _put_back(self, keys: list[str], what: str, send: Callable[[], PutBack]) -> PutBack:
        """Change the session on the server, and read what has changed there."""
        self._walk.end()
        if not self.is_stored:
            self.refresh()
        if not self.is_stored:  # it never held anything
            return PutBack(trimmed=keys)
        with NothingStored(), self._doubting(keys or list(self._cache.entries)):
            try:
                done = WithinLimits(self, [], what=what).run(send)
            except UnknownToken:
                self.refresh()  # raises ShapeError if a newer deploy has stored it
                raise
        if done.keys:
            self._refresh_locked()
            for key in done.keys:
                is_gone = self._cache.live(key) is None
                self._note_written([key], self._cache.version, deleted=is_gone)
        return done

    def _said(self, key: str, version: int) -> str:
        """The message of an error about a version that is not there."""
        rows = self.history(key, limit=10_000)
        found = [str(row.version) for row in rows if row.kind is not None]
        if not found:
            return (
                f"{key!r} has no version with a value that could be restored. Nothing was changed."
            )
        more = f" and {len(found) - _SHOWN} older ones" if len(found) > _SHOWN else ""
        return (
            f"{key!r} has no version {version} with a value. Nothing was changed. There are: "
            f"{', '.join(found[:_SHOWN])}{more}."
        )
