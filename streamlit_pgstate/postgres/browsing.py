"""Browsing: what the inspector reads beside the list of sessions. It changes nothing.

Each read is one page by an index, so it takes as long in a large database as in a small one.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Final, NamedTuple

from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.errors import DecodeError
from streamlit_pgstate.postgres.access import Access
from streamlit_pgstate.postgres.bodies import Bodies
from streamlit_pgstate.postgres.cipher import Large, UnopenedError
from streamlit_pgstate.postgres.connection import Row
from streamlit_pgstate.postgres.growth import Growth
from streamlit_pgstate.postgres.history import History
from streamlit_pgstate.postgres.rows import RevisionRow, SessionRef

COUNTED: Final = 500
"""How many rows that expire in one span of time are counted; of more the planner's estimate is
shown. If the index alone does not do, each is a page to be read from somewhere."""

_LARGEST_SIZE: Final = 2**63 - 1


class KeyOrder(Enum):
    """In which order the keys of a session are listed."""

    NAME = "name"
    SIZE = "size"
    """The largest come first."""


class KeyLine(NamedTuple):
    """One key of a session, without its value."""

    key: str
    version: int
    kind: str
    size: int
    """Bytes as encoded."""
    changed_at: datetime
    expires_at: datetime | None


class KeyPage(NamedTuple):
    """Some keys, and where the next page begins."""

    keys: tuple[KeyLine, ...]
    next: KeyLine | None
    """What `Browsing.keys` takes as `after`; None if there are no more."""


class Span(NamedTuple):
    """A span of time from now on, in seconds."""

    begins: float
    ends: float


class Due(NamedTuple):
    """How much expires in one span of time."""

    span: Span
    number: int
    is_estimate: bool
    """Whether the planner has estimated it, because it is more than `COUNTED`."""


class Browsing:
    """Reads of the tables of one schema, for the inspector.

    Args:
        access: to the tables.
        bodies: reads large values.
        history: reads former versions.
    """

    def __init__(self, access: Access, bodies: Bodies, history: History) -> None:
        self._access = access
        self._bodies = bodies
        self._history = history

    @property
    def growth(self) -> Growth:
        """How the tables have grown."""
        return Growth(self._access.database, self._access.sql)

    def keys(
        self,
        session_id: uuid.UUID,
        order: KeyOrder = KeyOrder.NAME,
        *,
        after: KeyLine | None = None,
        limit: int = 25,
    ) -> KeyPage:
        """Return one page of the keys of a session that hold a value.

        Args:
            session_id: which one.
            order: which come first.
            after: `KeyPage.next` of the page before.
            limit: how many at most.
        """
        by_name = order is KeyOrder.NAME
        parameters = {
            "id": session_id,
            "after_key": after.key if after else "",
            "limit": limit + 1,
            **({} if by_name else {"size": after.size if after else _LARGEST_SIZE}),
        }
        rows = self._access.run("KEYS_BY_NAME" if by_name else "KEYS_BY_SIZE", parameters)
        found = tuple(KeyLine(*row) for row in rows)
        return KeyPage(found[:limit], found[limit - 1] if len(found) > limit else None)

    def revised_keys(self, session_id: uuid.UUID) -> list[str]:
        """Return the keys of which there is a history, those without a value included."""
        return [key for (key,) in self._access.run("REVISED_KEYS", {"id": session_id})]

    def revisions(self, session_id: uuid.UUID, key: str, *, limit: int = 100) -> list[RevisionRow]:
        """Return the last versions of a key, the present one first."""
        return self._history.read(SessionRef(session_id), key, limit=limit)

    def revision(self, session_id: uuid.UUID, key: str, version: int) -> Payload | None:
        """Return the encoded value of one version of a key; None if there is none.

        Raises:
            DecodeError: rows of it are missing or changed, or it cannot be decrypted.
        """
        ref = SessionRef(session_id)
        row = self._history.entry(ref, key, version)
        if row is None or row.kind is None:
            return None
        if row.fault is not None:
            raise DecodeError(f"{key!r}, version {version} (kind {row.kind!r}) {row.fault}")
        if row.body is not None:
            return Payload(row.kind, row.body)
        large = Large(row.kind, row.size, row.digest or b"")
        try:
            body = self._bodies.read(ref, large, on_progress=lambda _, __: None)
            return Payload(row.kind, body)
        except UnopenedError as fault:
            raise DecodeError(f"{key!r}, version {version} (kind {row.kind!r}) {fault}") from None

    def sessions_ahead(self, spans: Sequence[Span]) -> list[Due]:
        """Return how many sessions expire in each of some spans of time."""
        return self._ahead("SESSIONS_AHEAD", spans)

    def values_ahead(self, spans: Sequence[Span]) -> list[Due]:
        """Return how many values with a ttl expire in each of some spans of time."""
        return self._ahead("VALUES_AHEAD", spans)

    def _ahead(self, name: str, spans: Sequence[Span]) -> list[Due]:
        parameters = {
            "begins": [span.begins for span in spans],
            "ends": [span.ends for span in spans],
            "limit": COUNTED + 1,
        }
        counts = [count for (count,) in self._access.run(name, parameters)]
        return [
            Due(span, count, is_estimate=False)
            if count <= COUNTED
            else Due(span, self._estimate(f"{name}_ESTIMATED", span), is_estimate=True)
            for span, count in zip(spans, counts, strict=True)
        ]

    def _estimate(self, name: str, span: Span) -> int:
        rows = self._access.run(name, span._asdict())
        return max(COUNTED, _estimated(rows))


def _estimated(rows: Sequence[Row]) -> int:
    [([plan],)] = rows
    return int(plan["Plan"]["Plan Rows"])
