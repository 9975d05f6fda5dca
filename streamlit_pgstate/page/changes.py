"""Changes of the state of a tab: each is one line in the log, at level INFO, and counted.

A line names a session by the first digits of its id, which finds it: `pgstate.session().id` has
them all. It holds no token, no key and no value.
"""

from __future__ import annotations

import logging
import uuid
from enum import Enum
from typing import Final

from streamlit_pgstate.errors import Ending, Refusal, UnknownToken
from streamlit_pgstate.postgres import counters

_LOG: Final = logging.getLogger(__name__)

_DIGITS: Final = 8
"""Of an id. Among a million sessions, one in four thousand shares them with another one."""


class Change(Enum):
    """What has become of the session of a tab. docs/monitoring.md has a table of them."""

    BEGUN = "begun"
    """A page began an empty session under a new token: its browser has brought none. If it then
    reports one, «adopted» follows."""
    RETURNED = "returned"
    """The token that came with the page opened its session."""
    ADOPTED = "adopted"
    """The tab went over to the session of a token that its browser has reported."""
    TAKEN_OVER = "taken over"
    """Under `pgstate.App` a session of localStorage got a token in the cookie; or keys went over to
    the user's state by `adopt()`."""
    COPIED = "copied"
    """A duplicated tab got a copy of the other tab's own state."""
    ROTATED = "rotated"
    """The session got another token, by `rotate()`, at a logout, or under another signing key."""
    REPLACED = "replaced"
    """The token was replaced at a login."""
    FORGOTTEN = "forgotten"
    """The session was deleted by `forget()`, here or elsewhere, and its tab began an empty one."""
    EXPIRED = "expired"
    """The session has expired, and its tab began an empty one."""
    REFUSED = "refused"
    """A token opened nothing: it has another signature or a wrong time, it was replaced elsewhere,
    this database does not have its session, or it is no token."""


def of_refusal(
    refusal: Refusal, session_id: uuid.UUID | None, ended: Ending | None
) -> tuple[Change, str]:
    """What a refusal means for the tab, and why.

    Args:
        refusal: why the token or the session was refused.
        session_id: the session, if the database has refused it; None if the token alone was enough.
        ended: how the session has ended; None if it was refused for another reason.
    """
    match ended:
        case "forgotten":
            return Change.FORGOTTEN, "in another tab, or by an operator"
        case "expired":
            return Change.EXPIRED, "nobody has come for as long as session_ttl, or session_max_age"
    match refusal:
        case Refusal.FINAL if session_id is None:
            return Change.REFUSED, "it is no token of this app"
        case Refusal.FINAL:
            return Change.FORGOTTEN, "in another tab, or by an operator"
        case Refusal.KEY:
            return Change.REFUSED, "it is signed by another key, or for another app"
        case Refusal.TIME:
            return Change.REFUSED, "it is too old, or from the future, by this server's clock"
        case Refusal.LOGIN:
            return Change.REPLACED, "somebody has logged in with it in another tab"
    return Change.REFUSED, "its token was replaced, or this database does not have it"


def note(
    change: Change,
    session_id: uuid.UUID | None,
    scope: str,
    why: str,
    *,
    to: uuid.UUID | None = None,
) -> None:
    """Log and count a change.

    Args:
        change: what has happened.
        session_id: the session that it has happened to; None if it is not known.
        scope: whose state it is.
        why: the reason, as a part of a sentence.
        to: the session that the tab goes on with, if that is another one.
    """
    counters.count(("session", change.value))
    if not _LOG.isEnabledFor(logging.INFO):
        return
    goes_on = "" if to is None else f" The tab goes on with session {short(to)}."
    who = "A session" if session_id is None else f"Session {short(session_id)}"
    _LOG.info("%s (%s) %s: %s.%s", who, scope, change.value, why, goes_on)


def note_refusal(error: UnknownToken, scope: str) -> None:
    """Log and count that a token or a session was refused."""
    change, why = of_refusal(error.refusal, error.session_id, error.ended)
    note(change, error.session_id, scope, why)


def short(session_id: uuid.UUID) -> str:
    """The first digits of a session's id."""
    return session_id.hex[:_DIGITS]
