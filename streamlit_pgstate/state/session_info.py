"""Facts about a session, as `session()` returns them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

Arrival: TypeAlias = Literal["new", "returning", "expired", "forgotten"]
"""How a visitor came to a page: see docs/arrival.md."""

CameBy: TypeAlias = Literal["cookie", "localStorage", "sessionStorage", "login"]
"""What has brought the visitor's state to a page."""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What is known of a session; times are None until its first write makes a row.

    `durable`: True once the browser is known to keep the token, False where it can't, None
    until it has answered, and outside Streamlit.

    `arrival`: how the visitor came to this page. It is the same in all runs of the page.

    - "new": nothing is stored for this visitor, or nothing that they can come back to.
    - "returning": an earlier page, or another tab or device, has stored something.
    - "expired": they came back too late. The state that they had was deleted.
    - "forgotten": the state that they had was deleted by `forget()`.
    - None: outside Streamlit, and for the state of the app.

    `came_by`: what has brought the state, or the token that has expired or was forgotten:
    "cookie", "localStorage", "sessionStorage" for the state of a tab, or "login" for that of a
    user. None for a new visitor, and where `arrival` is None.
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
    arrival: Arrival | None = None
    came_by: CameBy | None = None
