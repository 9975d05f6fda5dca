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
from streamlit_pgstate.component.handshake import Answer, Question
from streamlit_pgstate.component.page import fragment_place, still_place
from streamlit_pgstate.component.script import is_apptest, is_fragment_run
from streamlit_pgstate.postgres.token import fingerprint, has_shape

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

NAME = "streamlit-pgstate.bridge"

TOKEN_LENGTH = 128


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and all that the page needs to answer it: see `frontend/src/agreement.ts`."""

    question: Question
    app: str
    scope: str
    offer: str | None
    """The token, where the browser is to keep it."""
    max_age: float
    cookie: bool
    veil: bytes
    """What the answer's token is XORed with: `st.session_state` shows a component's state."""

    def __repr__(self) -> str:
        return f"<Asked about {self.question.have}>"

    def as_data(self) -> dict[str, Any]:
        return {
            "app": app_label(self.app),
            "scope": self.scope,
            "have": self.question.have,
            "offer": self.offer,
            "replaces": self.question.replaces,
            "ask": self.question.ask,
            "forgets": self.question.forgets,
            "maxAge": self.max_age,
            "cookie": self.cookie,
            "veil": self.veil.hex(),
        }


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, and the token that it speaks of."""

    answer: Answer
    token: str | None

    def __repr__(self) -> str:
        return f"<Said about {self.answer.to}>"

    @classmethod
    def read(cls, state: object, veil: bytes) -> Said | None:
        """What a component's state holds; None where that is nothing or makes no sense.

        It comes from the browser, so it may be anything.
        """
        answer = state.get("answer") if isinstance(state, Mapping) else None
        if not isinstance(answer, Mapping) or not isinstance(answer.get("to"), str):
            return None
        veiled = answer.get("token")
        token = None if veiled is None else _unveiled(veiled, veil)
        if veiled is not None and (token is None or not has_shape(token)):
            return None  # also what was veiled for a question before the server was restarted
        heard = Answer(
            to=answer["to"],
            token=None if token is None else fingerprint(token),
            blocked=answer.get("blocked") is True,
            kept=answer.get("kept") is True,
            copied=answer.get("copied") is True,
            shown=answer.get("shown") is True,
        )
        return cls(heard, token)


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


def mount(asked: Asked, *, key: str, hear: Callable[[], object], has_slot: bool) -> None:
    """Put the component into the page, where it moves nothing.

    Args:
        asked: what it is asked.
        key: its key in `st.session_state`, where `said` finds what it says.
        hear: called when it has said something, before the first line of the run that this starts.
        has_slot: whether the last run of the whole page has mounted it too. A run of a fragment
            that mounts it for the first time would put it in the place of what the page has
            mounted after that fragment: then it stands in the fragment's own container.
    """
    if is_apptest():
        return
    with still_place() if has_slot else fragment_place():
        _component()(
            key=key,
            data=asked.as_data(),
            on_answer_change=hear,
            width="content",
            height="content",
        )


def mount_live(hear: Callable[[object], None], *, channels: Callable[[], dict[str, int]]) -> None:
    """Put the live component into the page, in a fragment of its own, which runs when it asks.

    Args:
        hear: what the page has said, in that fragment; may rerun the page.
        channels: the names under which tabs tell each other of changes of a state, and the version
            of each state from which on that is news.
    """
    if is_apptest():
        return

    @st.fragment
    def follow() -> None:
        said = st.session_state.get(f"{KEY}_live", {})
        tick = said.get("tick") if isinstance(said, Mapping) else None
        heard = tick.get("number") if isinstance(tick, Mapping) else 0
        data = {"role": "live", "channels": channels(), "heard": heard}
        _component()(key=f"{KEY}_live", data=data, on_tick_change=_ignore)
        if is_fragment_run():
            hear(tick)

    with still_place():
        follow()


def announce(place: DeltaGenerator, *, channels: Mapping[str, int]) -> None:
    """Have the page tell the other tabs of this browser which states have changed.

    Args:
        place: where this is mounted, when the run is over: see `reserve_place`.
        channels: the name under which tabs tell each other of each, and its version.
    """
    with place:
        data = {"role": "news", "channels": dict(channels)}
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


def said(key: str, veil: bytes) -> Said | None:
    """What the component has said last under `key`; None where that is nothing."""
    return Said.read(st.session_state.get(key), veil)


def _ignore() -> None:
    """A state of the component needs a callback to be one."""
