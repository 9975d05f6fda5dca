"""The middleware of `pgstate.App`: it sets the HttpOnly cookie, and nobody else can.

A browser without a token gets one with the page itself, so that the first run knows the visitor. A
script that gives the visitor another token, by `rotate()` or `forget()`, seals it in a ticket; the
page presents the ticket to the route of this module. No page and no cookie waits for the database,
except once for the signing key and the identity. So an outage delays no page. When the browser
keeps a new token, the database is told so after the answer.

`of_page` and `of_route` decide; both are pure.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from streamlit_pgstate.component import server
from streamlit_pgstate.component.cookies import label
from streamlit_pgstate.component.http_cookie import (
    PLACE_HEADER,
    Kept,
    Place,
    aside_text,
    cookies_in,
    is_of_host,
)
from streamlit_pgstate.errors import PgStateError, Refusal, UnknownToken
from streamlit_pgstate.postgres.rows import SessionRef
from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.postgres.ticket import LONGEST, Ticket, mark_of, mark_of_session
from streamlit_pgstate.postgres.token import TokenSigner, fingerprint

if TYPE_CHECKING:  # it imports the package cryptography
    from streamlit_pgstate.postgres.ticket_sealer import TicketSealer

_LOG = logging.getLogger(__name__)

ROUTE: Final = "/_pgstate/cookie"
"""Where a page presents its tickets, below the app's base path."""

VERB_HEADER: Final = b"x-pgstate"
"""The header that says what the page wants. A page of another site cannot send it: the browser
would ask this server first, which does not allow it."""

_KEYS_WITHIN: Final = 5.0
"""Seconds that a page waits for the signing key, once in the life of a server. The embedded
PostgreSQL starts in two. After that the page is sent without a cookie, and gets one later."""

_NO_PAGE: Final = ("/_stcore/", "/_pgstate/", "/static/", "/app/static/", "/media/", "/component/")
"""Below these Streamlit serves files and messages, not the page."""

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Asgi: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Keys:
    """What this module needs of the database."""

    label: str
    signer: TokenSigner
    sealer: TicketSealer
    seconds: float
    """How long a browser keeps the cookie."""
    note_kept: Callable[[str], None] = field(default=lambda _: None, repr=False)
    """Notes in the database that the browser keeps a token, which ends the one before it."""


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of the browser's cookies. None: the cookie stays as it is."""

    token: str | None = field(default=None, repr=False)
    aside: tuple[str, ...] | None = field(default=None, repr=False)
    """With another token the list is not None, unless it was empty: it is signed anew."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of the route."""

    status: int
    """200: this answer sets the cookie, and the page asks once more whether it is kept. 204: the
    cookie is as the page wants it. 400: the request makes no sense. 403: it comes from elsewhere.
    409: the browser has another token than the page."""
    change: Change = Change()


def of_page(kept: Kept, signer: TokenSigner) -> Change:
    """What becomes of the cookies with the page.

    A good token stays. One that fails by its signature or its time is set aside: it may be good at
    another server. If one that lies aside is good here, it comes back.
    """
    if len(kept.tokens) > 1:
        return Change()  # another host has set one of them: see `Kept.tokens`
    refusal = Refusal.FINAL
    if kept.token is not None:
        found = _refusal(kept.token, signer)
        if found is None:
            return Change()
        refusal = found
    good = next((text for text in kept.aside if _refusal(text, signer) is None), None)
    others = tuple(text for text in kept.aside if text != good)
    if kept.token is not None and refusal is not Refusal.FINAL:
        others = (kept.token, *others)
    token = signer.mint().text if good is None else good
    return Change(token, others if others or kept.aside else None)


def of_route(verb: str, body: str, kept: Kept, keys: Keys, *, now: float) -> Reply:
    """What the route answers to a page of this app.

    Args:
        verb: "renew": the page's WebSocket has brought no token. "check": whether the cookie holds
            the token with the fingerprint in the body. "present": the body is a ticket.
        body: of the request.
        kept: what the browser keeps.
        keys: of this app.
        now: seconds since 1970.
    """
    match verb:
        case "renew":
            change = of_page(kept, keys.signer)
            return Reply(204 if change.token is None else 200, change)
        case "check":
            token = kept.token
            is_same = token is not None and fingerprint(token) == body
            return Reply(204 if is_same and _refusal(token, keys.signer) is None else 409)
        case "present":
            ticket = keys.sealer.open(body, now=now)
            return Reply(400) if ticket is None else _of_ticket(ticket, kept, keys.signer)
    return Reply(400)


def _of_ticket(ticket: Ticket, kept: Kept, signer: TokenSigner) -> Reply:
    cleared: tuple[str, ...] | None = () if ticket.clears else None
    if kept.token == ticket.token:
        return Reply(204, Change(aside=cleared))
    if kept.token is None or not _may_replace(kept.token, ticket, signer):
        return Reply(409, Change(aside=cleared))
    if cleared is not None:
        return Reply(200, Change(ticket.token, cleared))
    others = tuple(text for text in kept.aside if text != ticket.token)
    if ticket.sets_aside:
        others = (kept.token, *others)
    return Reply(200, Change(ticket.token, others if others or kept.aside else None))


def _may_replace(text: str, ticket: Ticket, signer: TokenSigner) -> bool:
    """Whether a ticket replaces the token that the browser has.

    After `forget()` that may be any token of the forgotten session, such as one that another tab
    has got by `rotate()`. None of them opens anything, so nothing newer is replaced.
    """
    if mark_of(text) in ticket.after:
        return True
    try:
        return mark_of_session(signer.check(text).session_id) in ticket.ended
    except UnknownToken:
        return False


def _refusal(text: str | None, signer: TokenSigner) -> Refusal | None:
    """Why this server does not accept a token; None if it does, as far as its signature goes."""
    try:
        signer.check(text)
    except UnknownToken as error:
        return error.refusal
    return None


class CookieKeeper:
    """The middleware.

    Args:
        app: what it stands before.
        find_tables: returns the tables of the app. Called in a thread.
        base: returns the setting `server.baseUrlPath`, with a slash before it, or "".
        is_page: whether Streamlit, and no route of the user's own, answers a request.
    """

    def __init__(
        self,
        app: Asgi,
        *,
        find_tables: Callable[[], Tables],
        base: Callable[[], str],
        is_page: Callable[[Scope], bool],
    ) -> None:
        self._app = app
        self._find_tables = find_tables
        self._base = base
        self._is_page = is_page
        self._finding: asyncio.Task[Keys] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an ASGI request."""
        if scope["type"] == "websocket":
            await self._app(self._with_place(scope), receive, send)
        elif scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._path(scope) == ROUTE:
            await self._answer(scope, receive, send)
        elif self._asks_for_page(scope):
            await self._app(scope, receive, await self._with_cookie(scope, send))
        else:
            await self._app(scope, receive, send)

    def _path(self, scope: Scope) -> str | None:
        """The path below the app's base; None for a path that is not below it."""
        return server.path_in(scope, self._base_in(scope))

    def _base_in(self, scope: Scope) -> str:
        return server.base_in(scope, self._base())

    def _place(self, scope: Scope) -> Place:
        scheme, base = str(scope.get("scheme", "http")), self._base_in(scope)
        return Place.of_request(scope["headers"], scheme=scheme, base=base)

    def _with_place(self, scope: Scope) -> Scope:
        name = PLACE_HEADER.encode()
        others = [pair for pair in scope["headers"] if pair[0].lower() != name]
        return {**scope, "headers": [*others, (name, self._place(scope).as_header())]}

    def _asks_for_page(self, scope: Scope) -> bool:
        path = self._path(scope)
        return (
            scope["method"] == "GET"
            and path is not None
            and not path.startswith(_NO_PAGE)
            and any("text/html" in text for text in _values(scope, b"accept"))
            and self._is_page(scope)
        )

    # The page

    async def _with_cookie(self, scope: Scope, send: Send) -> Send:
        """A `send` that adds the cookie to the page, if the browser needs one."""
        keys = await self._keys()
        if keys is None:
            return send
        place, cookies = self._place(scope), cookies_in(scope["headers"])
        if not Kept.at(place, keys.label, cookies).tokens:
            secure = place.with_https()  # the proxy may not say so, and the browser shows it
            place = secure if Kept.at(secure, keys.label, cookies).tokens else place
        kept = Kept.at(place, keys.label, cookies)
        change = of_page(kept, keys.signer)
        if change == Change():
            return send

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(message):
                # Not `no-cache`: a cache must not keep one visitor's cookie for another.
                others = [it for it in message["headers"] if it[0].lower() != b"cache-control"]
                added = _set_cookies(change, kept, place, keys)
                message = {**message, "headers": [*others, *added, _NO_STORE]}
            await send(message)

        return with_cookie

    async def _keys(self) -> Keys | None:
        """The keys; None while the database cannot be reached."""
        if self._finding is None or (self._finding.done() and self._finding.exception()):
            self._finding = asyncio.create_task(asyncio.to_thread(self._find_keys))
        finding = self._finding
        try:
            keys = await asyncio.wait_for(asyncio.shield(finding), _KEYS_WITHIN)
        except (PgStateError, TimeoutError) as error:  # the script shows it in the page
            _LOG.debug("A page was sent without a cookie: %s", type(error).__name__)
            return None
        self._finding = None  # `configure` may change the settings
        return keys

    def _find_keys(self) -> Keys:
        tables = self._find_tables()
        place = label(tables.settings.app, tables.identity.name)
        seconds = tables.settings.session_max_age.total_seconds()

        def note_kept(text: str) -> None:
            with contextlib.suppress(
                UnknownToken
            ):  # a replica with other keys has sealed the ticket
                tables.session_tokens.present(SessionRef.of(tables.signer.check(text)))

        return Keys(place, tables.signer, tables.ticket_sealer, seconds, note_kept)

    # The route

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = scope["headers"]
        verb = next(iter(_values(scope, VERB_HEADER)), "")
        origins = _values(scope, b"origin")
        place = self._place(scope)
        if scope["method"] != "POST":
            reply = Reply(405)
        elif not verb or len(origins) != 1 or not is_of_host(origins[0], headers):
            reply = Reply(403)
        elif (body := await _body(receive)) is None:
            reply = Reply(413)
        elif (keys := await self._keys()) is None:
            reply = Reply(503)
        else:
            kept = Kept.at(place, keys.label, cookies_in(headers))
            reply = of_route(verb, body, kept, keys, now=time.time())
            added = _set_cookies(reply.change, kept, place, keys)
            await _send_reply(reply, added, send)
            if verb == "present" and reply.status == 204 and kept.token is not None:
                await asyncio.to_thread(keys.note_kept, kept.token)
            return
        await _send_reply(reply, [], send)


_NO_STORE: Final = (b"cache-control", b"no-store")


async def _send_reply(reply: Reply, added: Iterable[tuple[bytes, bytes]], send: Send) -> None:
    headers = [*added, _NO_STORE, (b"content-length", b"0")]
    if reply.status == 405:
        headers.append((b"allow", b"POST"))
    if reply.status == 204:
        headers = [pair for pair in headers if pair[0] != b"content-length"]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _body(receive: Receive) -> str | None:
    """The body of a request; None if it is longer than any ticket."""
    body: bytes = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LONGEST or message["type"] == "http.disconnect":
            return None
        if not message.get("more_body", False):
            return body.decode("latin-1")


def _is_page(message: Mapping[str, Any]) -> bool:
    """Whether a response is the page: HTML, or the word that the browser's copy of it is good."""
    kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
    is_html = any(kind.startswith(b"text/html") for kind in kinds)
    return message["status"] == 304 or (message["status"] == 200 and is_html)


def _set_cookies(change: Change, kept: Kept, place: Place, keys: Keys) -> list[tuple[bytes, bytes]]:
    found = []
    if change.token is not None:
        name = place.cookie_name(keys.label)
        found.append(place.set_cookie(name, change.token, seconds=keys.seconds))
    if change.aside is not None:
        name = place.aside_name(keys.label)
        text = aside_text(change.aside, beside=change.token or kept.token or "")
        found.append(place.set_cookie(name, text, seconds=keys.seconds))
    return [(b"set-cookie", text.encode("latin-1")) for text in found]


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for found, value in scope["headers"] if found.lower() == name]
