"""The history of sessions: the last versions of each key, read and put back.

A write keeps what it stores, in its own statement: see `statements/kept_writes.py`. Here is what
comes before it where others have written without history, and after it where something is left to
be deleted; and the verbs about former versions.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from streamlit_pgstate.errors import PgStateError, StoreUnavailable
from streamlit_pgstate.postgres.access import Access
from streamlit_pgstate.postgres.cipher import UnopenedError
from streamlit_pgstate.postgres.rows import Change, EntryRow, RevisionRow, SessionRef
from streamlit_pgstate.postgres.sessions import unknown_session
from streamlit_pgstate.postgres.undoing import Kept, Sources, to_redo, to_undo
from streamlit_pgstate.postgres.writes import Record, Run, Undone

_LOG = logging.getLogger(__name__)

_BATCH: Final = 500
"""How many values one transaction copies: of 32 KiB each they are 16 MiB."""

TRIES: Final = 10
"""How often a write is sent, or a verb tried, before which others leave the history behind."""

_ALL: Final = 2**31
"""More versions than a key can have in the history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """What was put back."""

    keys: list[str] = field(default_factory=list)
    """The keys whose values have changed."""
    is_unseen: bool = False
    """Whether it was done, but no value has changed: the run had set and deleted its keys."""
    trimmed: list[str] = field(default_factory=list)
    """Keys whose version is no longer in the history, so that nothing was changed."""
    is_refused: bool = False
    """Whether the session is refused, so that nothing was changed."""
    is_incomplete: bool = False
    """Whether the history lacks versions, so that nothing was changed."""


@dataclass(frozen=True, slots=True)
class _Locked:
    """A session in whose row the version was raised, and what that row says of its history."""

    version: int
    is_complete: bool
    run: int | None
    undo: list[int]
    redo: list[int]


class History:
    """The history of the sessions of one schema.

    Args:
        access: to their tables.
        most: the setting `history`.
    """

    def __init__(self, access: Access, *, most: int) -> None:
        self._access = access
        self.most = most

    # Around a write

    def parameters(self, change: Change) -> dict[str, Any]:
        """Return what the statements that write with history need besides."""
        return {**change._asdict(), "older": self.most - 1}

    def complete(self, ref: SessionRef) -> None:
        """Store the versions that others have written without history. What is whole stays."""
        parameters = {"id": ref.id, "batch": _BATCH}

        def fill(run: Run) -> bool:
            for (history_at,) in run("LOCK_HISTORY", parameters):
                if history_at is None:
                    run("BEGIN_HISTORY", parameters)
                if len(run("FILL_HISTORY", parameters)) == _BATCH:
                    return False
                run("NOTE_HISTORY", parameters)
            return True

        while not self._access.writer.repeat(fill):
            pass

    def tidy(self, ref: SessionRef, digests: Sequence[bytes], *, is_too_large: bool) -> None:
        """Delete what a write has left. If it fails, the next such write or a cleanup does it.

        Args:
            ref: the session.
            digests: of large values that the write has taken out of the history.
            is_too_large: whether the history holds more than `max_session_bytes`.
        """
        parameters = {**self._access.parameters.of(ref), "digest": sorted(digests)}

        def tidy(run: Run) -> None:
            run("LOCK_FOR_SWEEP", parameters)
            gone = run("SHORTEN", parameters) if is_too_large else []
            found = {digest for (digest,) in gone if digest is not None}
            run("DISCARD_SENT", {**parameters, "digest": sorted(found.union(digests))})
            if is_too_large:
                run("COUNT_HISTORY", parameters)

        try:
            self._access.writer.repeat(tidy)
        except PgStateError as error:
            _LOG.debug("Former versions were left to the next write or cleanup: %s", error)

    # Reading

    def read(self, ref: SessionRef, key: str, *, limit: int) -> list[RevisionRow]:
        """Return the last versions of a key, the present one first. Empty if `ref` is refused."""
        shown = min(limit, self.most or limit)
        parameters = {**self._access.parameters.of(ref), "key": key, "limit": shown}
        return [RevisionRow(*row) for row in self._access.run("REVISIONS", parameters)]

    def entry(self, ref: SessionRef, key: str, version: int) -> EntryRow | None:
        """Return one version of a key as an entry. None if there is no such version, or no value.

        None also if `ref` is refused.
        """
        parameters = {**self._access.parameters.of(ref), "key": key, "version": version}
        for kind, size, text, body, digest in self._access.run("REVISION", parameters):
            cipher = self._access.sealing.cipher_of(ref.id)
            try:
                body = cipher.open(key, kind, size, text, body, digest)
            except UnopenedError as found:
                return EntryRow(key, version, kind, size, None, digest, None, None, str(found))
            return EntryRow(key, version, kind, size, body, digest, None, None)
        return None

    # Putting back

    def restore(self, ref: SessionRef, key: str, version: int, change: Change) -> PutBack:
        """Make a former version of a key the present one. Its bytes are not sent.

        Raises:
            UnknownToken: the session is refused.
            SessionFull: the session would grow over a limit; nothing was changed.
        """
        parameters = {**self._access.parameters.of(ref), "key": key, "version": version}

        def restore(run: Run, locked: _Locked) -> PutBack | Undone[PutBack]:
            if not run("REVISION", parameters):
                return Undone(PutBack(trimmed=[key]))
            if not locked.is_complete:
                run("FILL_KEY", parameters)
            goes_on = locked.run == change.run and bool(locked.undo)
            undo = locked.undo if goes_on else [locked.version, *locked.undo]
            done = _put_back(
                run,
                {
                    **parameters,
                    **change._asdict(),
                    "run": undo[0],
                    "undone": None,
                    "version": locked.version,
                    "older": self.most - 1 if self.most else _ALL,
                },
                {key: version},
            )
            if done.trimmed:
                return Undone(done)
            self._note_runs(run, ref, locked, change.run, undo=undo, redo=[])
            return PutBack(keys=[key])

        return self._in_transaction(ref, restore)

    def undo(self, ref: SessionRef) -> PutBack:
        """Take back the last run that has changed something, in all keys that still show it.

        Raises:
            UnknownToken: the session is refused.
            SessionFull: the session would grow over a limit; nothing was changed.
        """

        def undo(run: Run, locked: _Locked) -> PutBack | Undone[PutBack]:
            def of(number: int) -> Sources:
                return to_undo(self._kept(run, ref, number), number)

            at, sources = _first_with_effect(locked.undo, of)
            if sources.trimmed or not sources.versions:
                return Undone(PutBack(trimmed=sources.trimmed))
            number = locked.undo[at]
            done = self._put_back_run(run, ref, locked, sources, operation="undo", undone=number)
            if done.trimmed:
                return Undone(done)
            redo = [number, *locked.redo]
            self._note_runs(run, ref, locked, None, undo=locked.undo[at + 1 :], redo=redo)
            return done

        return self._until_seen(ref, undo)

    def redo(self, ref: SessionRef) -> PutBack:
        """Make the run again that `undo` has taken back last, in all keys unchanged since.

        Raises:
            UnknownToken: the session is refused.
            SessionFull: the session would grow over a limit; nothing was changed.
        """

        def redo(run: Run, locked: _Locked) -> PutBack | Undone[PutBack]:
            def of(number: int) -> Sources:
                return to_redo(self._kept(run, ref, number), number)

            at, sources = _first_with_effect(locked.redo, of)
            if sources.trimmed or not sources.versions:
                return Undone(PutBack(trimmed=sources.trimmed))
            done = self._put_back_run(run, ref, locked, sources, operation="redo", undone=None)
            if done.trimmed:
                return Undone(done)
            undo = [locked.redo[at], *locked.undo]
            self._note_runs(run, ref, locked, None, undo=undo, redo=locked.redo[at + 1 :])
            return done

        return self._until_seen(ref, redo)

    def _until_seen(
        self, ref: SessionRef, work: Callable[[Run, _Locked], PutBack | Undone[PutBack]]
    ) -> PutBack:
        """Go on from a run whose undo, or redo, shows nothing. Each run is a transaction."""
        while True:
            done = self._in_transaction(ref, work)
            if not done.is_unseen:
                return done

    def _in_transaction(
        self, ref: SessionRef, work: Callable[[Run, _Locked], PutBack | Undone[PutBack]]
    ) -> PutBack:
        """Do work under the lock of the session, when its history is whole."""
        parameters = self._access.parameters.of(ref)

        def locked(run: Run) -> PutBack | Undone[PutBack]:
            for version, history_at, last_run, undo, redo in run("LOCK_TO_PUT_BACK", parameters):
                is_complete = history_at == version - 1
                if self.most and not is_complete:
                    return Undone(PutBack(is_incomplete=True))
                return work(run, _Locked(version, is_complete, last_run, undo, redo))
            return Undone(PutBack(is_refused=True))

        def recall(record: Record) -> PutBack:
            rows = self._access.run("KEYS_PUT_BACK", {"id": ref.id, "version": record.version})
            return PutBack(keys=sorted(key for (key,) in rows), is_unseen=not rows)

        self._access.prepare()
        for _ in range(TRIES):
            done = self._access.writer.transact(locked, session_id=ref.id, recall=recall)
            if done.is_refused:
                raise unknown_session(ref)
            if not done.is_incomplete:
                return done
            self.complete(ref)
        raise outrun_by_others()

    def _kept(self, run: Run, ref: SessionRef, number: int) -> list[Kept]:
        return [Kept(*row) for row in run("OF_RUN", {"id": ref.id, "run": number})]

    def _put_back_run(
        self,
        run: Run,
        ref: SessionRef,
        locked: _Locked,
        sources: Sources,
        *,
        operation: str,
        undone: int | None,
    ) -> PutBack:
        parameters = {
            **self._access.parameters.of(ref),
            "operation": operation,
            "run": None,
            "undone": undone,
            "version": locked.version,
            # Twice as many as usual: undo adds versions, and must not push out what it goes to.
            "older": 2 * self.most - 1,
        }
        return _put_back(run, parameters, sources.versions)

    def _note_runs(
        self,
        run: Run,
        ref: SessionRef,
        locked: _Locked,
        last_run: int | None,
        *,
        undo: list[int],
        redo: list[int],
    ) -> None:
        parameters = {"id": ref.id, "run": last_run, "undo": undo, "redo": redo}
        run("NOTE_RUNS", {**parameters, "is_complete": locked.is_complete})


def _put_back(
    run: Run, parameters: Mapping[str, Any], versions: Mapping[str, int | None]
) -> PutBack:
    """Put versions back. If the version of a key is not there, nothing may stay."""
    columns = {"key": list(versions), "source": list(versions.values())}
    [(digests, changed, missing)] = run("PUT_BACK", {**parameters, **columns})
    if digests and not missing:
        run("DISCARD_SENT", {**parameters, "digest": digests})
    return PutBack(keys=changed, trimmed=missing, is_unseen=not changed)


def _first_with_effect(
    runs: Sequence[int], sources_of: Callable[[int], Sources]
) -> tuple[int, Sources]:
    """The first run whose keys are not all changed since; its place, and what they get."""
    for at, number in enumerate(runs):
        sources = sources_of(number)
        if sources.versions or sources.trimmed:
            return at, sources
    return len(runs), Sources()


def outrun_by_others() -> StoreUnavailable:
    """The error of a write that others without history have outrun each time."""
    error = StoreUnavailable(
        f"Processes without the setting `history` have written to this session {TRIES} times "
        "while a write with a history tried. Nothing was stored. Give all processes of the app "
        "the same setting."
    )
    error.is_outage = False
    return error
