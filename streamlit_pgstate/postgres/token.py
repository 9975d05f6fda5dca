"""The token: what the browser keeps and what the database may know of it.

A token is the session's id and a secret of 32 random bytes, base64url-encoded together, with
a timestamp, under an itsdangerous signature salted with the app's name::

    <64 characters of id and secret>.<timestamp>.<43 characters of signature>

The database holds only SHA-256 of the secret. Nothing here does I/O.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import time
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NoReturn

from itsdangerous import BadSignature, Signer, TimestampSigner
from itsdangerous.encoding import base64_decode, base64_encode

from streamlit_pgstate.errors import UnknownToken

_SECRET_BYTES = 32
_SHAPE = re.compile(r"[A-Za-z0-9_-]{64}\.[A-Za-z0-9_-]{4,8}\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
# The last character holds but four bits: with all 64 a token could be spelt in four ways.
_OUTLINE = re.compile(r"[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}", re.ASCII)
_APPS = uuid.UUID("6c3f1f5e-7a0b-4d52-9d0e-3c0b8a1f4e77")
"""The namespace of the ids of apps."""

_CLOCK_SKEW = 86_400
"""Seconds by which a token may seem to come from the future: replicas' clocks differ."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token whose shape, signature and age have been checked."""

    text: str = field(repr=False)
    session_id: uuid.UUID = field(repr=False)
    secret_hash: bytes = field(repr=False)
    issued_at: float
    """Seconds since 1970, from the token's own timestamp."""

    @property
    def fingerprint(self) -> str:
        """As `fingerprint`, of this one."""
        return fingerprint(self.text)

    @property
    def age(self) -> timedelta:
        return timedelta(seconds=max(0.0, time.time() - self.issued_at))

    def __str__(self) -> str:
        return "<token>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A token is not pickled: it would lie open in a queue or on a disk.")


def has_shape(text: str) -> bool:
    """Whether `text` is one that the browser takes for a token: see `frontend/src/copies.ts`."""
    return _OUTLINE.fullmatch(text) is not None


def fingerprint(text: str) -> str:
    """The part of a token's signature by which Python and the browser compare tokens.

    It is safe to show: it follows from nothing but the whole token and leads to none.
    """
    return text[-43:][:16]


class TokenSigner:
    """Mints and checks the tokens of one app.

    Args:
        key: the signing key, from the database or the setting ``signing_key``.
        app: the app's name; a token of another app does not verify.
        max_age: older tokens are refused (``session_max_age``).

    Example:
        >>> signer = TokenSigner("k" * 32, app="app", max_age=timedelta(days=400))
        >>> signer.check(signer.mint().text).age < timedelta(seconds=5)
        True
    """

    def __init__(self, key: str, *, app: str, max_age: timedelta) -> None:
        self._max_age = max_age
        # Derived once, not for each token: a quarter of the time of a check.
        derived = _derived(key, f"streamlit-pgstate.token.{app}")
        self._signer = TimestampSigner(derived, key_derivation="none", digest_method=hashlib.sha256)
        self._user_key = _derived(key, f"streamlit-pgstate.user.{app}")

    def mint(self, session_id: uuid.UUID | None = None) -> Token:
        """A new token: for a new session, or another one for `session_id`."""
        session_id = session_id or uuid.uuid4()
        secret = secrets.token_bytes(_SECRET_BYTES)
        signed = self._signer.sign(base64_encode(session_id.bytes + secret))
        return Token(signed.decode("ascii"), session_id, _hash(secret), time.time())

    def session_of_user(self, issuer: str, subject: str) -> uuid.UUID:
        """The id of the session of somebody who is logged in: the same on every device.

        Keyed, so that an id does not tell whose it is, to nobody who can list all users either.
        """
        name = json.dumps([issuer, subject]).encode()
        digest = hmac.digest(self._user_key, name, "sha256")
        return uuid.UUID(bytes=digest[:16])

    def check(self, text: object) -> Token:
        """Check shape, signature and age of what a browser or a caller brought.

        Raises:
            UnknownToken: it is not a token of this app, or it is too old.
        """
        if not isinstance(text, str) or len(text) > 128 or not _SHAPE.fullmatch(text):
            raise UnknownToken("This is not a token. Make one with Store.new_token().")
        body, issued = self._unsigned(text)
        age = time.time() - issued
        if body is None or age > self._max_age.total_seconds():
            raise UnknownToken(
                "This token was not issued by this app with its present signing key, or it is "
                f"older than session_max_age ({self._max_age}). Make a new one."
            )
        if age < -_CLOCK_SKEW:
            raise UnknownToken(
                "This token comes from the future. Check the clocks of the servers, then make "
                "a new one."
            )
        raw = base64_decode(body)
        return Token(text, uuid.UUID(bytes=raw[:16]), _hash(raw[16:]), issued)

    def _unsigned(self, text: str) -> tuple[bytes | None, float]:
        """Body and time of a token; (None, 0) where the signature is not ours.

        Returned, not raised: itsdangerous' error holds the payload, and would stay as the
        context of ours. Nor is its `max_age` used: that allows for no difference of clocks.
        """
        try:
            body, issued = self._signer.unsign(text, return_timestamp=True)
        except BadSignature:
            return None, 0.0
        return body, issued.timestamp()


def session_of_app(app: str) -> uuid.UUID:
    """The id of the session that all visitors of an app share."""
    return uuid.uuid5(_APPS, app)


def _derived(key: str, salt: str) -> bytes:
    signer = Signer(key, salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)
    return signer.derive_key()


def _hash(secret: bytes) -> bytes:
    # Plain SHA-256 is enough: 256 random bits need neither salt nor stretching.
    return hashlib.sha256(secret).digest()
