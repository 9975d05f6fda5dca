"""The ticket: which token an HttpOnly cookie is to hold, sealed so that the page cannot read it.

A script runs on a WebSocket, which can set no cookie. So the page carries a ticket from the script
to a route of the app, and the route sets the cookie. Scripts in the page can read the ticket, and
send it from elsewhere. Therefore the token in it is encrypted, and the ticket names the cookies
that it may replace: nobody who lacks one of them gets the token.

A ticket is used up as soon as the browser has the token: its former cookie is gone then, and the
ticket replaces nothing else. Nothing here does I/O, so each replica can open each ticket.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Final

from itsdangerous import BadData
from itsdangerous.encoding import base64_decode, base64_encode

TICKET_LIFE: Final = 3600.0
"""Seconds for which a ticket is good. A page presents it within a second, and tries again if the
network fails."""

LONGEST: Final = 2048
"""Characters of the longest ticket: a token, and marks of eight cookies, take 700."""

_USES = ("stream", "tag")
_NONCE = 16
_BLOCK = 32


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the route does with the browser's cookie."""

    token: str = field(repr=False)
    """The token that the cookie is to hold."""
    after: tuple[str, ...]
    """The marks of the cookies that it may replace: see `mark_of`."""
    sets_aside: bool = False
    """Whether the browser keeps the token that is replaced, under a second name."""
    clears: bool = False
    """Whether the browser throws away the tokens that it keeps under the second name."""


def mark_of(cookie: str) -> str:
    """Return 22 characters by which a ticket names a cookie. They do not show its value."""
    digest = hashlib.sha256(cookie.encode(errors="surrogatepass")).digest()
    return urlsafe_b64encode(digest)[:22].decode()


class TicketSealer:
    """Seals and opens tickets.

    The text is encrypted with HMAC-SHA-256 as the pseudorandom function of a counter mode, and
    authenticated with HMAC-SHA-256 over the nonce and the ciphertext. Python has no cipher of its
    own, and the package `cryptography` is optional here.

    Args:
        *keys: 32 bytes or more each, derived from the signing keys and the app's name. The first
            one seals, and all of them open.
        place: the database and the app. A ticket for another place cannot be opened.
    """

    def __init__(self, *keys: bytes, place: str) -> None:
        self._keys = [_Keys.of(key, place) for key in keys]

    def seal(self, ticket: Ticket, *, now: float) -> str:
        """Return the text of a ticket that is made at the time `now`, in seconds since 1970."""
        parts = [ticket.token, ticket.after, ticket.sets_aside, ticket.clears, int(now)]
        plain = json.dumps(parts, separators=(",", ":")).encode()
        nonce = secrets.token_bytes(_NONCE)
        keys = self._keys[0]
        sealed = nonce + keys.xored(nonce, plain)
        return base64_encode(sealed + keys.tag(sealed)).decode("ascii")

    def open(self, text: str, *, now: float) -> Ticket | None:
        """Return the ticket in a text from a browser. None if it is not ours, or too old."""
        raw = _decoded(text)
        sealed, tag = raw[:-_BLOCK], raw[-_BLOCK:]
        keys = next((it for it in self._keys if hmac.compare_digest(tag, it.tag(sealed))), None)
        if keys is None or len(sealed) <= _NONCE:
            return None
        nonce, body = sealed[:_NONCE], sealed[_NONCE:]
        token, after, sets_aside, clears, made_at = json.loads(keys.xored(nonce, body))
        if abs(now - made_at) > TICKET_LIFE:  # either way: the clocks of replicas differ
            return None
        return Ticket(token, tuple(after), sets_aside, clears)


@dataclass(frozen=True, slots=True)
class _Keys:
    """The two keys that come from one signing key."""

    stream: bytes = field(repr=False)
    tags: bytes = field(repr=False)

    @classmethod
    def of(cls, key: bytes, place: str) -> _Keys:
        derived = (hmac.digest(key, f"{use} {place}".encode(), "sha256") for use in _USES)
        return cls(*derived)

    def xored(self, nonce: bytes, text: bytes) -> bytes:
        blocks = range(-(-len(text) // _BLOCK))
        stream = b"".join(
            hmac.digest(self.stream, nonce + number.to_bytes(8, "big"), "sha256")
            for number in blocks
        )
        return bytes(a ^ b for a, b in zip(text, stream, strict=False))

    def tag(self, sealed: bytes) -> bytes:
        return hmac.digest(self.tags, sealed, "sha256")


def _decoded(text: str) -> bytes:
    if len(text) > LONGEST or not text.isascii():
        return b""
    try:
        raw: bytes = base64_decode(text)
    except BadData:
        return b""
    return raw
