"""Seals and opens tickets: AES-256-GCM, with keys that come from the signing keys.

Only `pgstate.App` needs it, so it is imported there and not before: the package cryptography takes
some time to import. Nothing here does I/O, so each replica can open each ticket.

Sealed bytes are: a random nonce, then the ciphertext with its tag. With random nonces one key of
AES-GCM is good for 2^32 messages. A key seals a ticket for each `rotate()`, `forget()` and login of
the visitors of one app.
"""

from __future__ import annotations

import json
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from itsdangerous import BadData
from itsdangerous.encoding import base64_decode, base64_encode

from streamlit_pgstate.postgres.ticket import LONGEST, TICKET_LIFE, Ticket

_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32


class TicketSealer:
    """Seals and opens tickets.

    Args:
        *keys: 32 bytes or more each, derived from the signing keys and the app's name. The first
            one seals, and all of them open.
        place: the database and the app. A ticket for another place cannot be opened.
    """

    def __init__(self, *keys: bytes, place: str) -> None:
        self._ciphers = [AESGCM(_derived(key, place)) for key in keys]

    def seal(self, ticket: Ticket, *, now: float) -> str:
        """Return the text of a ticket that is made at the time `now`, in seconds since 1970."""
        marks = [ticket.after, ticket.ended]
        parts = [ticket.token, *marks, ticket.sets_aside, ticket.clears, int(now)]
        plain = json.dumps(parts, separators=(",", ":")).encode()
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._ciphers[0].encrypt(nonce, plain, None)
        return base64_encode(sealed).decode("ascii")

    def open(self, text: str, *, now: float) -> Ticket | None:
        """Return the ticket in a text from a browser. None if it is not ours, or too old."""
        plain = self._opened(_decoded(text))
        if plain is None:
            return None
        token, after, ended, sets_aside, clears, made_at = json.loads(plain)
        if abs(now - made_at) > TICKET_LIFE:  # either way: the clocks of replicas differ
            return None
        return Ticket(token, tuple(after), sets_aside, tuple(ended), clears)

    def _opened(self, raw: bytes) -> bytes | None:
        nonce, sealed = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
        if len(nonce) < _NONCE_BYTES:
            return None
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, sealed, None)
            except InvalidTag:  # another of our keys, or nobody's
                continue
        return None


def _derived(key: bytes, place: str) -> bytes:
    """Return the key of one place.

    HKDF's first step, Extract, is for keys that are not uniform. These come from an HMAC.
    """
    return HKDFExpand(SHA256(), _KEY_BYTES, f"streamlit-pgstate ticket {place}".encode()).derive(
        key
    )


def _decoded(text: str) -> bytes:
    if len(text) > LONGEST or not text.isascii():
        return b""
    try:
        raw: bytes = base64_decode(text)
    except BadData:
        return b""
    return raw
