"""The HttpOnly cookie of `pgstate.App`: its name, and the headers that hold it.

Pure: no I/O. Scripts in the page can neither read the cookie nor overwrite it. The server sets it,
and so the server must know what the browser calls the app: see `Place`.

A script can write a cookie of the same name where there is none. Over https the name has a prefix,
with which browsers take cookies from the server alone. And the list of refused tokens is signed
with the token in use, which no script knows: see `aside_text`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias
from urllib.parse import quote, unquote, urlsplit

from itsdangerous import BadSignature, Signer

from streamlit_pgstate.postgres.token import has_shape

PLACE_HEADER: Final = "x-streamlit-pgstate-place"
"""The header in which the middleware tells a script where the browser has its page. The middleware
removes what a client sends under this name."""

_SERVER_ONLY: Final = "__Host-Http-"
"""Chromium takes a cookie of such a name only over https, from the host's own server, with
`HttpOnly` and for all paths; tried with 156. For a browser that does not know it, the name begins
with `__Host-`, which lets scripts of the host write it."""
_DEFAULT_PORTS: Final = {True: 443, False: 80}
_SEPARATOR: Final = "!"  # in no token, and a cookie may hold it

MOST_ASIDE: Final = 4
"""How many refused tokens a browser keeps under the second name."""

Headers: TypeAlias = Iterable[tuple[bytes, bytes]]
"""The headers of a request, as ASGI gives them."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the browser has the app. All of it is a part of the cookie's name.

    Cookies ignore ports, and under https also paths. Two apps on one host must not share a token.
    """

    is_secure: bool
    """Whether the browser uses https; perhaps to a proxy, so that the server itself does not."""
    port: int
    base: str
    """The path under which the app is served, "" for the root."""

    @classmethod
    def of_request(cls, headers: Headers, *, scheme: str, base: str) -> Place:
        """The place that a request names.

        The first value of `X-Forwarded-Proto` and `X-Forwarded-Host` counts before the request's
        own. Whoever can send these headers changes the name and the attributes of the own cookie,
        and of no other.

        Args:
            headers: of the request.
            scheme: of the connection to this server.
            base: the path under which this server serves the app.
        """
        known = {name.lower(): value.decode("latin-1") for name, value in headers}
        origin = known.get(b"origin", "")
        said = _first(known.get(b"x-forwarded-proto", "")) or scheme
        is_secure = said in {"https", "wss"} or origin.startswith("https://")
        port = port_of(host_of(headers)) or _DEFAULT_PORTS[is_secure]
        return cls(is_secure, port, base)

    @classmethod
    def of_header(cls, text: str) -> Place | None:
        """The place in `PLACE_HEADER`."""
        scheme, _, rest = text.partition(" ")
        port, _, base = rest.partition(" ")
        return cls(scheme == "https", int(port), unquote(base)) if port.isdecimal() else None

    def as_header(self) -> bytes:
        """The place as the value of `PLACE_HEADER`."""
        scheme = "https" if self.is_secure else "http"
        return f"{scheme} {self.port} {quote(self.base, safe='')}".encode()

    def with_https(self) -> Place:
        """The same place for a browser that uses https where the server does not know it."""
        return replace(self, is_secure=True, port=443 if self.port == 80 else self.port)

    def cookie_name(self, label: str) -> str:
        """The name of the token's cookie.

        Args:
            label: of the app and its database: `cookies.label`.
        """
        return self._name("pgstate-app", label)

    def aside_name(self, label: str) -> str:
        """The name of the cookie with refused tokens that another server may accept."""
        return self._name("pgstate-app-aside", label)

    def _name(self, kind: str, label: str) -> str:
        prefix = _SERVER_ONLY if self.is_secure else ""
        return f"{prefix}{kind}.{label}.{self.port}.{quote(self.base, safe='')}"

    def set_cookie(self, name: str, value: str, *, seconds: float) -> str:
        """The value of a header `Set-Cookie`. An empty `value` deletes the cookie."""
        # `__Host-` allows no other path. One with a semicolon would add attributes.
        path = "/" if self.is_secure or ";" in self.base else quote(self.base) or "/"
        secure = "; Secure" if self.is_secure else ""
        age = round(seconds) if value else 0
        return f"{name}={value}; Max-Age={age}; Path={path}; HttpOnly; SameSite=Lax{secure}"


@dataclass(frozen=True, slots=True)
class Kept:
    """What the browser keeps for this app, unchecked."""

    tokens: tuple[str, ...] = field(repr=False)
    """The values of the token's cookie. There is one at most, unless another host of the domain has
    set a cookie of our name over http. Nobody can tell which one is ours then."""
    aside: tuple[str, ...] = field(repr=False)
    """Refused tokens under the second name, newest first. Only such as were set aside together with
    the token: a script in the page may have planted others."""

    @classmethod
    def at(cls, place: Place, label: str, cookies: Iterable[str]) -> Kept:
        """What the headers `Cookie` of a request hold for this place."""
        headers = list(cookies)
        tokens = _values(headers, place.cookie_name(label))
        lists = _values(headers, place.aside_name(label))
        is_signed = len(lists) == 1 and len(tokens) == 1 and has_shape(tokens[0])
        return cls(tuple(tokens), _aside_in(lists[0], tokens[0]) if is_signed else ())

    @property
    def token(self) -> str | None:
        """The token. None if there is none, or if several cookies have its name."""
        return self.tokens[0] if len(self.tokens) == 1 else None


def aside_text(tokens: Sequence[str], *, beside: str) -> str:
    """The value of the cookie that holds refused tokens, newest first; "" for none.

    It is signed with the token in use. All servers get that one with the list, whatever their
    signing keys are. A script in the page does not know it, so it can plant no list. Whoever
    replaces the token signs the list anew.

    Args:
        tokens: the refused tokens.
        beside: the token in use.
    """
    kept = list(dict.fromkeys(tokens))[:MOST_ASIDE]
    return _signer(beside).sign(_SEPARATOR.join(kept)).decode("ascii") if kept else ""


def _aside_in(text: str, beside: str) -> tuple[str, ...]:
    try:
        kept = _signer(beside).unsign(text.encode("latin-1")).decode("ascii")
    except (BadSignature, UnicodeError):
        return ()
    return tuple(it for it in kept.split(_SEPARATOR) if has_shape(it))[:MOST_ASIDE]


def _signer(token: str) -> Signer:
    """Its key is a token: 32 bytes of it are random."""
    key = token.encode("latin-1")
    salt = "streamlit-pgstate.aside"
    return Signer(key, salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)


def host_of(headers: Headers) -> str:
    """The host and the port that the browser has asked for."""
    known = {name.lower(): value.decode("latin-1") for name, value in headers}
    return _first(known.get(b"x-forwarded-host", "")) or known.get(b"host", "")


def port_of(host: str) -> int | None:
    """The port in a host such as `example.com:8501`; None for none, and for nonsense."""
    try:
        return urlsplit(f"//{host}").port
    except ValueError:
        return None


def is_of_host(origin: str, headers: Headers) -> bool:
    """Whether a page of the app's own host has sent a request, by its header `Origin`."""
    parts = origin.partition("://")
    hosts = {
        value.decode("latin-1").partition(",")[0].strip()
        for name, value in headers
        if name.lower() in {b"host", b"x-forwarded-host"}
    }
    default = {"https": ":443", "http": ":80"}.get(parts[0])
    if default is None or not parts[2]:
        return False
    return parts[2].removesuffix(default).lower() in {
        host.removesuffix(default).lower() for host in hosts
    }


def cookies_in(headers: Headers) -> list[str]:
    """The headers `Cookie` of a request."""
    return [value.decode("latin-1") for name, value in headers if name.lower() == b"cookie"]


def _values(headers: Iterable[str], name: str) -> list[str]:
    """The distinct values of all cookies of one name."""
    pairs = (pair.strip().partition("=") for header in headers for pair in header.split(";"))
    return list(dict.fromkeys(value for found, _, value in pairs if found == name))


def _first(values: str) -> str:
    """The first value of a header to which each proxy adds its own."""
    return values.partition(",")[0].strip().lower()
