"""The component in the page: what it is asked, what it answers, and how it is mounted."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from streamlit_pgstate.component import KEY
from streamlit_pgstate.component.cookies import app_label
from streamlit_pgstate.component.page import still_place
from streamlit_pgstate.component.script import is_apptest, is_fragment_run

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

NAME = "streamlit-pgstate.bridge"

TOKEN_LENGTH = 128


@dataclass(frozen=True, slots=True)
class Question:
    """What the page is asked; see `frontend/src/agreement.ts`, which answers."""

    app: str
    have: str
    """Fingerprint of the token that Python works with."""
    offer: str | None
    """That token itself, where the browser is to keep it."""
    replaces: str | None
    """Fingerprint of a refused or rotated token, which the offer may replace."""
    ask: bool
    """Whether Python waits for an answer in any case."""
    max_age: float
    cookie: bool
    veil: bytes
    """What the answer's token is XORed with: `st.session_state` shows a component's state."""
    scope: str = "browser"

    def __repr__(self) -> str:
        return f"<Question about {self.have}>"

    def as_data(self) -> dict[str, Any]:
        return {
            "app": app_label(self.app),
            "scope": self.scope,
            "have": self.have,
            "offer": self.offer,
            "replaces": self.replaces,
            "ask": self.ask,
            "maxAge": self.max_age,
            "cookie": self.cookie,
            "veil": self.veil.hex(),
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser said of its token."""

    to: str
    """Fingerprint of the token that it was asked about."""
    token: str | None
    blocked: bool
    kept: bool
    copied: bool
    """Whether another tab has that token, and this one is to have a copy of its state."""

    def __repr__(self) -> str:
        return f"<Answer about {self.to}>"

    @classmethod
    def read(cls, state: object, veil: bytes) -> Answer | None:
        """The answer in a component's state; None where there is none or it makes no sense.

        It comes from the browser, so it may be anything.
        """
        answer = state.get("answer") if isinstance(state, Mapping) else None
        if not isinstance(answer, Mapping) or not isinstance(answer.get("to"), str):
            return None
        return cls(
            answer["to"],
            _unveiled(answer.get("token"), veil),
            answer.get("blocked") is True,
            answer.get("kept") is True,
            answer.get("copied") is True,
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """Which state a page showed, and how far it was."""

    have: str
    """Fingerprint of the state's token."""
    version: int
    teller: str
    """The server's session that has told the page so: a restarted server has another."""
    at: int = 0
    """When the page said so, by its own clock: each time is another."""

    @classmethod
    def read(cls, state: object) -> Shown | None:
        """What the page said when it found its server again; it comes from the browser."""
        said = state.get("reconnect") if isinstance(state, Mapping) else None
        if not isinstance(said, Mapping):
            return None
        names = ("have", "version", "teller", "at")
        have, version, teller, at = (said.get(name) for name in names)
        if not (isinstance(have, str) and isinstance(teller, str)):
            return None
        if type(version) is not int or type(at) is not int:
            return None
        return cls(have, version, teller, at)


def new_veil() -> bytes:
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
    """Register the component: lazily, as it needs a running Streamlit, and once a process."""
    return st.components.v2.component(NAME, js="index-*.js")


def key(*, place: str, number: int) -> str:
    """The key of an instance of the component.

    Args:
        place: the fragment it is mounted in, "" for the page: each keeps its own.
        number: 0 for the first of a run; one key may be mounted once a run.
    """
    return "-".join(part for part in (KEY, place, str(number or "")) if part)


def mount(question: Question, *, key: str) -> object:
    """Put the component into the page, where it moves nothing; what it said in earlier runs."""
    if is_apptest():
        return None
    with still_place():
        return _component()(
            key=key,
            data=question.as_data(),
            on_answer_change=_ignore,
            width="content",
            height="content",
        )


def mount_live(hear: Callable[[object], None], *, channel: str, version: int) -> None:
    """Put the live component into the page, in a fragment of its own, which runs when it asks.

    Args:
        hear: what the page has said, in that fragment; may rerun the page.
        channel: the name under which tabs tell each other.
        version: of the state that the page shows.
    """
    if is_apptest():
        return

    @st.fragment
    def follow() -> None:
        said = st.session_state.get(f"{KEY}_live", {})
        tick = said.get("tick") if isinstance(said, Mapping) else None
        heard = tick.get("number") if isinstance(tick, Mapping) else 0
        data = {"role": "live", "channel": channel, "version": version, "heard": heard}
        _component()(key=f"{KEY}_live", data=data, on_tick_change=_ignore)
        if is_fragment_run():
            hear(tick)

    with still_place():
        follow()


def announce(*, channel: str, version: int) -> None:
    """Have the page tell the other tabs of this browser that the state has changed."""
    if not is_apptest():
        with still_place():
            data = {"role": "news", "channel": channel, "version": version}
            _component()(key=f"{KEY}_news", data=data)


def mount_reconnect() -> Shown | None:
    """Have the page run by itself, at once, when it has found its server again.

    The run costs nothing but itself where the server still knows the page.

    Returns:
        What the page showed when it did so last.
    """
    if is_apptest():
        return None
    with still_place():
        data = {"role": "reconnect"}
        said = _component()(key=f"{KEY}_reconnect", data=data, on_reconnect_change=_ignore)
    return Shown.read(said)


def mount_retry(hear: Callable[[], None], *, place: str) -> None:
    """Have the page run again by itself, after a while, as this run has failed.

    Args:
        hear: called at the beginning of that run.
        place: the fragment it is mounted in, which alone runs then; "" for the page.
    """
    if not is_apptest():
        data = {"role": "retry", "run": secrets.token_hex(4)}  # another run, another try
        name = "-".join(part for part in (f"{KEY}_retry", place) if part)
        _component()(key=name, data=data, on_retry_change=hear)


def reserve_place() -> DeltaGenerator | None:
    """A place in the page, where it moves nothing, for what is mounted when the run is over."""
    if is_apptest():
        return None
    with still_place():
        return st.empty()


def tell_shown(place: DeltaGenerator, shown: Shown) -> None:
    """Tell the page what it shows, so that it can say so when it has found its server again."""
    with place:
        data = {"have": shown.have, "version": shown.version, "teller": shown.teller}
        _component()(key=f"{KEY}_shown", data={"role": "shown", **data})


def earlier_state(key: str) -> object:
    """What the component said before this run mounts it; None where that is not known."""
    return st.session_state.get(key)


def _ignore() -> None:
    """A state of the component needs a callback to be one."""
