"""Facts about a session, as `session()` returns them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What is known of a session; times are None until its first write makes a row.

    `durable`: True once the browser is known to keep the token, False where it can't, None
    until it has answered, and outside Streamlit.
    """

    id: uuid.UUID
    app: str
    scope: str
    created_at: datetime | None
    seen_at: datetime | None
    expires_at: datetime | None
    keys: int
    bytes: int
    durable: bool | None = None
