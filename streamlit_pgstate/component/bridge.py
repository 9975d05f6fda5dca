"""The component in the page: how it is mounted, and the messages between it and the server.

The words for these messages, here and in `frontend/src/`:

question
    What the server asks about the token in each run, by fingerprint: see `handshake`.
answer
    What the browser answers to a question: see `handshake`.
token request
    The message that carries a question to the page, with the token if the server offers it.
cookie request
    In place of a token request under `pgstate.App`: it carries a ticket, and no token.
ticket
    Which token the HttpOnly cookie is to hold, sealed: see `postgres.ticket`. The page presents it
    to a route of the app: see `page.cookie_keeper`.
token reply
    The message that carries an answer to the server, with the token that the browser keeps.
token aside
    A token that a server has refused and that another one may accept. The page keeps it under a
    second name, and tries it again: see `frontend/src/aside.ts`.
mark
    A few digits that tell signing keys, or databases, apart.
veil
    Random bytes with which the token in a reply is XORed.
tick
    What a live page sends once a second.
change
    A new version of a state, which one tab announces to the other tabs of its browser.
channel
    The name under which the tabs of one browser announce the changes of one state.
shown state
    Which state a page shows, and its version. The server sends it to the page at the end of each
    run. The page reports it back when it finds its server again.
server session
    The id under which one server serves one page. A restarted server has another.
"""

from __future__ import annotations

import dataclasses
import functools
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

import streamlit as st

from streamlit_pgstate.component import KEY, session_state, shared_message
from streamlit_pgstate.component.handshake import Answer, Question
from streamlit_pgstate.component.page import fragment_place, still_place
from streamlit_pgstate.component.script import is_apptest, is_fragment_run
from streamlit_pgstate.postgres.token import fingerprint, has_shape

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

NAME = "streamlit-pgstate.bridge"

TOKEN_LENGTH = 128
"""Characters of the longest token."""

_LARGEST = 2**63 - 1
"""The largest version that PostgreSQL can count to."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Which tokens a server may accept, as far as the page can foresee it.

    The page does not try a token again that was refused with the same key or by the same database.
    """

    key: str
    """Mark of the signing key."""
    database: str
    """Mark of the database."""
    earliest: int
    """Seconds since 1970: the timestamp of the oldest token that is good by the server's clock."""
    latest: int
    """The same of the newest token."""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A question, and all that the page needs to answer it: see `frontend/src/agreement.ts`."""

    question: Question
    label: str
    """Of the app and its database: `cookies.label`."""
    scope: str
    offer: str | None
    """The token, if the browser may keep it."""
    max_age: float
    """Seconds for which the browser keeps the cookie."""
    cookie: bool
    """Whether the browser may write a cookie."""
    accepts: Acceptance
    veil: bytes
    """`st.session_state` shows a component's state: the veil keeps the token out of it."""

    def __repr__(self) -> str:
        return f"<TokenRequest about {self.question.have}>"

    def as_data(self) -> dict[str, Any]:
        """The request as the component's `data`."""
        return {
            "app": self.label,
            "scope": self.scope,
            "have": self.question.have,
            "offer": self.offer,
            "replaces": self.question.replaces,
            "ask": self.question.ask,
            "forgets": self.question.forgets,
            "because": self.question.because.value,
            "clears": self.question.clears,
            "accepts": dataclasses.asdict(self.accepts),
            "maxAge": self.max_age,
            "cookie": self.cookie,
            "veil": self.veil.hex(),
        }


@dataclass(frozen=True, slots=True)
class CookieRequest:
    """A question under `pgstate.App`: see `frontend/src/cookie.ts`."""

    question: Question
    label: str
    """Of the app and its database: `cookies.label`."""
    ticket: str | None
    """For the route, if the browser's cookie must change."""
    announces: bool
    """Whether other tabs of the browser must look whether their token is still the browser's."""
    accepts: Acceptance
    veil: bytes
    """As in `TokenRequest`, for a token from localStorage."""

    def as_data(self) -> dict[str, Any]:
        """The request as the component's `data`."""
        return {
            "role": "cookie",
            "app": self.label,
            "have": self.question.have,
            "replaces": self.question.replaces,
            "ask": self.question.ask,
            "because": self.question.because.value,
            "clears": self.question.clears,
            "ticket": self.ticket,
            "takesOver": self.question.takes_over,
            "announces": self.announces,
            "accepts": dataclasses.asdict(self.accepts),
            "veil": self.veil.hex(),
        }


@dataclass(frozen=True, slots=True)
class TokenReply:
    """An answer, and the token that the browser keeps."""

    answer: Answer
    token: str | None

    def __repr__(self) -> str:
        return f"<TokenReply to {self.answer.to}>"

    @classmethod
    def read(cls, state: object, veil: bytes) -> TokenReply | None:
        """Read the reply in a component's state. It comes from the browser: it may be anything.

        Args:
            state: the component's state.
            veil: the veil of the latest request.

        Returns:
            None if there is no reply, or one that makes no sense.
        """
        reply = state.get("answer") if isinstance(state, Mapping) else None
        if not isinstance(reply, Mapping) or not isinstance(reply.get("to"), str):
            return None
        veiled = reply.get("token")
        token = None if veiled is None else _unveiled(veiled, veil)
        if veiled is not None and (token is None or not has_shape(token)):
            return None  # also a reply to a request from before the server was restarted
        answer = Answer(
            to=reply["to"],
            token=None if token is None else fingerprint(token),
            blocked=reply.get("blocked") is True,
            kept=reply.get("kept") is True,
            copied=reply.get("copied") is True,
            shown=reply.get("shown") is True,
        )
        return cls(answer, token)


@dataclass(frozen=True, slots=True)
class ShownState:
    """Which state a page shows, and which version of it."""

    have: str
    """Fingerprint of the state's token."""
    version: int
    server_session: str
    """The server's session that has sent this to the page. A restarted server has another."""
    at: int = 0
    """When the page reported this, in milliseconds of its own clock. No two reports are equal."""

    @classmethod
    def read(cls, state: object) -> ShownState | None:
        """Read the report in a component's state. It comes from the browser: it may be anything.

        Returns:
            What the page showed when it last found its server again. None if there is no report,
            or one that makes no sense.
        """
        report = state.get("reconnect") if isinstance(state, Mapping) else None
        if not isinstance(report, Mapping):
            return None
        names = ("have", "version", "serverSession", "at")
        have, version, server_session, at = (report.get(name) for name in names)
        if not (isinstance(have, str) and isinstance(server_session, str)):
            return None
        if not (_is_count(version) and _is_count(at)):
            return None
        return cls(have, version, server_session, at)


@dataclass(frozen=True, slots=True)
class Tick:
    """The message that a live page sends once a second while it is visible."""

    number: int = 0
    typing: str | None = None
    """The CSS class of the text field that is being typed in: `st-key-` and its key."""
    has_dialog: bool = False
    """Whether a dialog is open in the page: `hasDialog` in `frontend/src/streamlit.ts`."""

    @classmethod
    def read(cls, state: object) -> Tick:
        """Read the tick in a component's state. It comes from the browser: it may be anything."""
        tick = state.get("tick") if isinstance(state, Mapping) else None
        if not isinstance(tick, Mapping) or not _is_count(tick.get("number")):
            return cls()
        typing = tick.get("typing")
        return cls(
            tick["number"],
            typing if isinstance(typing, str) else None,
            has_dialog=tick.get("dialog") is True,
        )


def _is_count(number: object) -> TypeGuard[int]:
    """Whether it is a number that the page could have counted. True is none."""
    return type(number) is int and 0 <= number <= _LARGEST


def new_veil() -> bytes:
    """A veil for the next request."""
    return secrets.token_bytes(TOKEN_LENGTH)


def _unveiled(token: object, veil: bytes) -> str | None:
    if not isinstance(token, str) or len(token) > 2 * TOKEN_LENGTH:
        return None
    try:
        masked = bytes.fromhex(token)
    except ValueError:
        return None
    return bytes(a ^ b for a, b in zip(masked, veil, strict=False)).decode("latin-1")


@functools.cache
def _component() -> Any:
    """Register the component once a process. Not at import: it needs a running Streamlit."""
    return st.components.v2.component(NAME, js="index-*.js")


def _mount(*, key: str, **options: Any) -> Any:
    """Mount an instance of the component."""
    result = _component()(key=key, **options)
    session_state.drop_presenter(key)
    return result


def key(*, place: str, number: int) -> str:
    """The key of an instance of the component.

    Args:
        place: the fragment that mounts it; "" for the page. Each has instances of its own.
        number: how many instances the run has mounted there before. Streamlit mounts a key only
            once a run.
    """
    return "-".join(part for part in (KEY, place, str(number or "")) if part)


def mount(
    request: TokenRequest | CookieRequest,
    *,
    key: str,
    on_answer: Callable[[], object],
    has_slot: bool,
) -> None:
    """Put the component into the page, at a place where it moves nothing.

    Args:
        request: what the component is sent.
        key: its key in `st.session_state`, from which `read_reply` reads.
        on_answer: called when the component has answered, before the first line of the run that
            the answer starts.
        has_slot: whether the last run of the whole page has mounted this key too. If it has not,
            a run of a fragment must not mount it there: Streamlit would replace what the page has
            mounted after that fragment. Then it is mounted in the fragment's own container.
    """
    if is_apptest():
        return
    with still_place() if has_slot else fragment_place():
        _mount(
            key=key,
            data=request.as_data(),
            on_answer_change=on_answer,
            width="content",
            height="content",
        )


def mount_in_fragment(
    request: TokenRequest | CookieRequest, *, key: str, on_answer: Callable[[], object]
) -> None:
    """As `mount`, in a fragment of its own: the answer runs that fragment, and not the script."""
    if is_apptest():
        return

    @st.fragment
    def ask() -> None:
        shared_message.note_own_fragment()
        _mount(
            key=key,
            data=request.as_data(),
            on_answer_change=on_answer,
            width="content",
            height="content",
        )

    with still_place():
        ask()


def mount_reload() -> None:
    """Have the page load anew: its token has ended, and only a request brings another one."""
    with still_place():
        data = {"role": "reload", "run": secrets.token_hex(4)}
        _mount(key=f"{KEY}_reload", data=data)


def mount_live(on_tick: Callable[[Tick], None], *, channels: Callable[[], dict[str, int]]) -> None:
    """Put the live component into the page, in a fragment of its own. Each tick runs the fragment.

    Args:
        on_tick: called in that fragment with the latest tick. It may rerun the page.
        channels: returns, by channel, the version of the state that the page shows. The page
            ignores changes up to this version.
    """
    if is_apptest():
        return

    @st.fragment
    def follow() -> None:
        shared_message.note_own_fragment()
        tick = Tick.read(st.session_state.get(f"{KEY}_live"))
        data = {"role": "live", "channels": channels(), "received": tick.number}
        _mount(key=f"{KEY}_live", data=data, on_tick_change=_ignore)
        if is_fragment_run():
            on_tick(tick)

    with still_place():
        follow()


def announce(place: DeltaGenerator, *, channels: Mapping[str, int]) -> None:
    """Have the page announce changes to the other tabs of its browser.

    Args:
        place: where this is mounted when the run is over: see `reserve_place`.
        channels: the new version of each state that has changed, by channel.
    """
    with place:
        data = {"role": "changes", "channels": dict(channels)}
        _mount(key=f"{KEY}_changes", data=data)


def mount_reconnect() -> ShownState | None:
    """Have the page run its script as soon as it finds its server again.

    If the server still knows the page, this costs one run and has no other effect.

    Returns:
        What the page showed when it last found its server again; None if it never has.
    """
    if is_apptest():
        return None
    with still_place():
        data = {"role": "reconnect"}
        state = _mount(key=f"{KEY}_reconnect", data=data, on_reconnect_change=_ignore)
    return ShownState.read(state)


def mount_retry(on_retry: Callable[[], None], *, place: str) -> None:
    """Have the page run again by itself after a pause, because this run has failed.

    Args:
        on_retry: called at the beginning of that run.
        place: the fragment that mounts this, which then runs alone; "" for the page.
    """
    if not is_apptest():
        data = {"role": "retry", "run": secrets.token_hex(4)}  # new data: the page counts this run
        name = "-".join(part for part in (f"{KEY}_retry", place) if part)
        _mount(key=name, data=data, on_retry_change=on_retry)


def reserve_place() -> DeltaGenerator | None:
    """Reserve a place where nothing moves, for what is mounted when the run is over."""
    if is_apptest():
        return None
    with still_place():
        return st.empty()


def send_shown_state(place: DeltaGenerator, state: ShownState) -> None:
    """Send the page what it shows, for it to report when it finds its server again."""
    with place:
        data = {
            "role": "shown",
            "have": state.have,
            "version": state.version,
            "serverSession": state.server_session,
        }
        _mount(key=f"{KEY}_shown", data=data)


def read_reply(key: str, veil: bytes) -> TokenReply | None:
    """Read the latest reply of the component under `key`; None if there is none."""
    return TokenReply.read(st.session_state.get(key), veil)


def _ignore() -> None:
    """Do nothing. Streamlit keeps a value as a component's state only if it has a callback."""
