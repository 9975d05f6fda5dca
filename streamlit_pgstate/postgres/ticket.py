"""The ticket: which token an HttpOnly cookie is to hold, sealed so that the page cannot read it.

A script runs on a WebSocket, which can set no cookie. So the page carries a ticket from the script
to a route of the app, and the route sets the cookie. Scripts in the page can read the ticket, and
send it from elsewhere. Therefore the token in it is encrypted, and the ticket names the cookies
that it may replace: nobody who lacks one of them gets the token. It also names the sessions that
the visitor has forgotten. Another tab may have given the browser a newer token of such a session,
and no token of it opens anything any more.

A ticket is used up as soon as the browser has the token: its former cookie is gone then, and the
ticket replaces nothing else. `ticket_sealer` seals and opens tickets.
"""

from __future__ import annotations

import hashlib
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Final

TICKET_LIFE: Final = 3600.0
"""Seconds for which a ticket is good. A page presents it within a second, and tries again if the
network fails."""

LONGEST: Final = 2048
"""Characters of the longest ticket: a token, and marks of eight cookies and of eight sessions, take
800."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the route does with the browser's cookie."""

    token: str = field(repr=False)
    """The token that the cookie is to hold."""
    after: tuple[str, ...]
    """The marks of the cookies that it may replace: see `mark_of`."""
    sets_aside: bool = False
    """Whether the browser keeps the token that is replaced, under a second name."""
    ended: tuple[str, ...] = ()
    """The marks of sessions that were forgotten, whose tokens it may replace: `mark_of_session`."""
    clears: bool = False
    """Whether the browser throws away the tokens that it keeps under the second name."""


def mark_of(cookie: str) -> str:
    """Return 22 characters by which a ticket names a cookie. They do not show its value."""
    digest = hashlib.sha256(cookie.encode(errors="surrogatepass")).digest()
    return urlsafe_b64encode(digest)[:22].decode()


def mark_of_session(session_id: uuid.UUID) -> str:
    """Return 22 characters by which a ticket names a session."""
    return mark_of(f"session {session_id}")
