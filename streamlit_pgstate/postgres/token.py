"""The token: what the browser stores, and the hash of it that the database stores.

A token is the session's id and a secret of 32 random bytes, base64url-encoded together, then a
timestamp, then an itsdangerous signature whose salt has the app's name::

    <64 characters of id and secret>.<timestamp>.<43 characters of signature>

The database stores only the SHA-256 of the secret. Nothing here does I/O.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import re
import secrets
import time
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, NoReturn

from itsdangerous import BadSignature, Signer, TimestampSigner
from itsdangerous.encoding import base64_decode, base64_encode

from streamlit_pgstate.errors import Ending, Refusal, UnknownToken

_SECRET_BYTES = 32
_SHAPE = re.compile(r"[A-Za-z0-9_-]{64}\.[A-Za-z0-9_-]{4,8}\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
# The last character of the signature holds only four bits. Were all 64 characters allowed there,
# each token could be written in four ways.
_OUTLINE = re.compile(r"[\w-]{64}\.[\w-]{4,8}\.[\w-]{43}", re.ASCII)
_APPS = uuid.UUID("6c3f1f5e-7a0b-4d52-9d0e-3c0b8a1f4e77")
"""The UUID namespace of the ids of apps' sessions."""

_CLOCK_SKEW = 86_400
"""Seconds by which a token's timestamp may lie in the future, because replicas' clocks differ."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token whose shape, signature and age have been checked."""

    text: str = field(repr=False)
    session_id: uuid.UUID = field(repr=False)
    secret_hash: bytes = field(repr=False)
    issued_at: float
    """Seconds since 1970, from the token's timestamp."""
    is_by_former_key: bool = False
    """Whether another key than the first one has signed it."""

    @property
    def fingerprint(self) -> str:
        """See the function `fingerprint`."""
        return fingerprint(self.text)

    @property
    def age(self) -> timedelta:
        """How long ago it was made; 0 for a timestamp in the future."""
        return timedelta(seconds=max(0.0, time.time() - self.issued_at))

    def __str__(self) -> str:
        return "<token>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "A token cannot be pickled: whoever reads the queue or the disk could use it."
        )


def has_shape(text: str) -> bool:
    """Whether the browser takes `text` for a token, as `frontend/src/copies.ts` decides."""
    return _OUTLINE.fullmatch(text) is not None


def fingerprint(text: str) -> str:
    """Return the 16 characters of the signature by which Python and the browser compare tokens.

    They are safe to show: they cannot be computed without the signing key, and the rest of the
    token cannot be computed from them.
    """
    return text[-43:][:16]


class TokenSigner:
    """Makes and checks the tokens of one app.

    Args:
        *keys: the signing keys, from the database or the setting ``signing_key``. The first one
            signs, and all of them are read.
        app: the app's name; tokens of another app are refused.
        max_age: the setting ``session_max_age``; older tokens are refused.

    Example:
        >>> signer = TokenSigner("k" * 32, app="app", max_age=timedelta(days=400))
        >>> signer.check(signer.mint().text).age < timedelta(seconds=5)
        True
    """

    def __init__(self, *keys: str, app: str, max_age: timedelta) -> None:
        self._max_age = max_age
        # Derived once: to derive it for each token would take a quarter of the time of a check.
        self._signers = [_signer(_derived(key, f"streamlit-pgstate.token.{app}")) for key in keys]
        self._user_keys = [_derived(key, f"streamlit-pgstate.user.{app}") for key in keys]
        self._login_keys = [_derived(key, f"streamlit-pgstate.login.{app}") for key in keys]
        marks = [_derived(key, f"streamlit-pgstate.mark.{app}").hex() for key in keys]
        self.key_mark: Final = _mark_of(marks)
        """Tells the keys that are read from others, in whatever order they are. It is safe to
        show: no key can be computed from it."""
        self.ticket_keys: Final = tuple(
            _derived(key, f"streamlit-pgstate.ticket.{app}") for key in keys
        )
        """The keys of tickets: see `ticket`."""

    def mint(self, session_id: uuid.UUID | None = None) -> Token:
        """Make a token: another one of the session `session_id`, or the first of a new session."""
        session_id = session_id or uuid.uuid4()
        secret = secrets.token_bytes(_SECRET_BYTES)
        signed = self._signers[0].sign(base64_encode(session_id.bytes + secret))
        return Token(signed.decode("ascii"), session_id, _hash(secret), time.time())

    def signed_anew(self, token: Token) -> Token:
        """Return the same token under the first key: with the same secret and timestamp.

        So whoever does this gets the same one, and the database need not hear of it.
        """
        body, issued, _ = token.text.split(".")
        return dataclasses.replace(token, text=self._signed(body, issued), is_by_former_key=False)

    def _signed(self, body: str, issued: str) -> str:
        signature = self._signers[0].get_signature(f"{body}.{issued}").decode("ascii")
        return f"{body}.{issued}.{signature}"

    def login_hashes(
        self, session_id: uuid.UUID, issuer: str, subject: str, issued_at: str = ""
    ) -> tuple[bytes, ...]:
        """Return what a session's row notes of a login, by the first key and by the others.

        Without a key nobody can tell from it who it is, nor that two sessions are of one user.

        Args:
            session_id: of the session.
            issuer: of the login.
            subject: of the login.
            issued_at: when the user has logged in; "" if that is not known.
        """
        name = session_id.bytes + json.dumps([issuer, subject, issued_at]).encode()
        return tuple(hmac.digest(key, b"login" + name, "sha256") for key in self._login_keys)

    def user_hashes(self, session_id: uuid.UUID, issuer: str, subject: str) -> tuple[bytes, ...]:
        """As `login_hashes`, of all logins of the user."""
        name = session_id.bytes + json.dumps([issuer, subject]).encode()
        return tuple(hmac.digest(key, b"user" + name, "sha256") for key in self._login_keys)

    def successors(
        self, token: Token, issuer: str, subject: str, issued_at: str = ""
    ) -> list[Token]:
        """Return the token that replaces `token` at a login: by the first key, and by the others.

        It is computed from the token's secret, the login and the key. So all tabs and replicas get
        the same one, and it is not lost with an answer. Whoever has the token, but not that login,
        cannot get it. The database holds no secret, so nobody can compute it from there.
        """
        secret = base64_decode(token.text.split(".")[0])[16:]
        login = json.dumps([issuer, subject, issued_at]).encode()
        made = []
        for key in self._login_keys:
            new = hmac.digest(key, b"successor" + secret + login, "sha256")
            body = base64_encode(token.session_id.bytes + new).decode("ascii")
            text = self._signed(body, token.text.split(".")[1])
            made.append(Token(text, token.session_id, _hash(new), token.issued_at))
        return made

    def session_of_user(self, issuer: str, subject: str) -> uuid.UUID:
        """Return the id of a logged-in user's session: the same on every device.

        The hash is keyed with the signing key. Without the key nobody can tell whose session an id
        is, not even with a list of all users.
        """
        return self.sessions_of_user(issuer, subject)[0]

    def sessions_of_user(self, issuer: str, subject: str) -> list[uuid.UUID]:
        """Return the ids that a user's session may have: by the first key, and by the others."""
        name = json.dumps([issuer, subject]).encode()
        digests = [hmac.digest(key, name, "sha256") for key in self._user_keys]
        return [uuid.UUID(bytes=digest[:16]) for digest in digests]

    def check(self, text: object) -> Token:
        """Check the shape, the signature and the age of a token from a browser or a caller.

        Raises:
            UnknownToken: `text` is not a token of this app, or it is too old. Its `refusal` says
                whether another key or clock might accept it.
        """
        if not isinstance(text, str) or len(text) > 128 or not _SHAPE.fullmatch(text):
            raise UnknownToken("This is not a token. Make one with Store.new_token().")
        body, issued, number = self._unsigned(text)
        earliest, latest = self.accepts(time.time())
        if body is None or issued < earliest:
            raise _refused(
                "This token was not issued by this app with one of its signing keys, or it is "
                f"older than session_max_age ({self._max_age}). Make a new one with "
                "Store.new_token().",
                Refusal.KEY if body is None else Refusal.TIME,
                ended=None if body is None else "expired",
            )
        if issued > latest:
            raise _refused(
                "The timestamp of this token is more than a day in the future. Check the clocks of "
                "the servers, then make a new token with Store.new_token().",
                Refusal.TIME,
            )
        raw = base64_decode(body)
        return Token(text, uuid.UUID(bytes=raw[:16]), _hash(raw[16:]), issued, number > 0)

    def accepts(self, now: float) -> tuple[float, float]:
        """Return the earliest and the latest timestamp of a token that is good at the time `now`.

        All three are seconds since 1970.
        """
        return now - self._max_age.total_seconds(), now + _CLOCK_SKEW

    def _unsigned(self, text: str) -> tuple[bytes | None, float, int]:
        """Return the body and the time of a token, and the number of the key that has signed it.

        The body is None if the signature is not ours.

        It does not raise: itsdangerous' error holds the payload, and would stay as the context of
        our error. The `max_age` of itsdangerous is not used: it allows no difference of clocks.
        """
        for number, signer in enumerate(self._signers):
            try:
                body, issued = signer.unsign(text, return_timestamp=True)
            except BadSignature:
                continue
            return body, issued.timestamp(), number
        return None, 0.0, 0


def session_of_app(app: str) -> uuid.UUID:
    """Return the id of the session that all visitors of an app share."""
    return uuid.uuid5(_APPS, app)


def _refused(message: str, refusal: Refusal, *, ended: Ending | None = None) -> UnknownToken:
    error = UnknownToken(message)
    error.refusal, error.ended = refusal, ended
    return error


def _signer(derived: bytes) -> TimestampSigner:
    return TimestampSigner(derived, key_derivation="none", digest_method=hashlib.sha256)


def _mark_of(marks: list[str]) -> str:
    if len(marks) > 1:
        return hashlib.sha256(" ".join(sorted(marks)).encode()).hexdigest()[:8]
    return marks[0][:8]


def _derived(key: str, salt: str) -> bytes:
    signer = Signer(key, salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)
    return signer.derive_key()


def _hash(secret: bytes) -> bytes:
    # Plain SHA-256 is enough: a secret of 256 random bits needs neither a salt nor key stretching.
    return hashlib.sha256(secret).digest()
