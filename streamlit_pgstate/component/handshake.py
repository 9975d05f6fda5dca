"""The handshake: how the server and one browser come to agree on one token. Pure: no I/O.

The twin of `frontend/src/agreement.ts`, which decides for the browser. Both sides run the cases in
`tests/handshake.json`, which show whole conversations. `visit` carries out what is decided here.

The server asks a `Question` in each run. The browser gives an `Answer` only where it has something
to say. Each answer names the token that the server worked with when it asked: an answer about
another token than the present one is ignored, so nothing can go in circles.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

_KEPT_REFUSALS: Final = 16
"""How many refused tokens a tab remembers. A token that it remembers is not checked again."""


class Standing(Enum):
    """What the server knows of the token that it works with."""

    CANDIDATE = "candidate"
    """The server has minted it, and works with it at once; the browser may have another one."""
    KNOWN = "known"
    """The browser has brought it, or has said that it keeps it."""
    SUCCESSOR = "successor"
    """The server has minted it in place of a known one: by `rotate()`, or for a copied tab."""


class Action(Enum):
    """What the server does about an answer."""

    IGNORE = "ignore"
    """It belongs to an earlier question."""
    CONFIRM = "confirm"
    """The browser keeps the token in question: go on."""
    GO_WITHOUT = "go without"
    """The browser refuses to keep any token: go on; the state lasts as long as the page."""
    BEGIN = "begin"
    """The browser has no token any more: mint a candidate, with an empty state."""
    CHECK = "check"
    """The browser has another token: check it. Go on with the state that a good one opens, and have
    ours replace a bad one."""
    REFUSE = "refuse"
    """The browser has a token that was refused before, or another tab's while this tab forgets its
    own: have ours replace it, unchecked."""
    COPY = "copy"
    """Another tab uses the token: check it, and go on with a copy of the state that it opens."""
    FORGET = "forget"
    """The browser has another token, and its visitor wants to be forgotten: check it, delete the
    state that it opens, and have ours replace it."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the browser is asked."""

    have: str
    """Fingerprint of the token that the server works with."""
    offers: bool
    """Whether the browser gets that token itself, to keep it where it has none."""
    replaces: str | None
    """Fingerprint of a token that the browser is not to have any more: refused, rotated away,
    ended, or another tab's. The offer takes its place."""
    ask: bool
    """Whether the server waits for an answer in any case."""
    forgets: bool = False
    """Whether any other token that the browser reports will be forgotten."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser says."""

    to: str
    """Fingerprint of the token in the question."""
    token: str | None
    """Fingerprint of the token that the browser keeps; None where it keeps none."""
    blocked: bool = False
    """Whether the browser refuses to keep any token."""
    kept: bool = False
    """Whether this page has ever stored the token in question, now or earlier: then other tabs of
    the browser may use it."""
    copied: bool = False
    """Whether another tab uses the token, so that this one wants a copy of its state."""
    shown: bool = False
    """Whether the page shows the state of the token: it has agreed on it with this server before
    that was restarted. Then it need not begin anew."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """How far one tab's server and browser have come."""

    have: str
    """Fingerprint of the token that the server works with."""
    standing: Standing
    replaces: str | None = None
    """As in `Question`."""
    durable: bool | None = None
    """True once this browser has kept any token of this tab; False where it keeps none, or has
    not answered in time; None until that is known."""
    waits: bool = False
    """Whether the script waits for the browser's answer."""
    is_late: bool = False
    """Whether the script has gone on without an answer, which may still come."""
    forgets: bool = False
    """Whether the state of any other token that the browser has is to be forgotten."""
    refused: tuple[str, ...] = ()
    """Fingerprints of tokens that were refused."""

    # How it begins

    @classmethod
    def of_known(cls, have: str) -> Handshake:
        """The page has brought a good token."""
        return cls(have, Standing.KNOWN, durable=True)

    @classmethod
    def of_candidate(cls, have: str, *, refused: str | None = None) -> Handshake:
        """The page has brought none, or one that was `refused`."""
        return cls(have, Standing.CANDIDATE, replaces=refused)

    # What the server asks, and does about the answer

    @property
    def question(self) -> Question:
        is_new = self.standing is not Standing.KNOWN
        return Question(
            have=self.have,
            offers=is_new or self.replaces is not None,
            replaces=self.replaces,
            ask=self.waits and (self.durable is None or self.is_late),
            forgets=self.forgets,
        )

    def hear(self, answer: Answer) -> Action:
        """What is to be done about an answer."""
        if answer.to != self.have:
            return Action.IGNORE
        if answer.token is None:
            return Action.GO_WITHOUT if answer.blocked else Action.BEGIN
        if answer.token in self.refused:
            return Action.REFUSE
        if answer.copied:  # perhaps ours; and what another tab uses is not this tab's to forget
            return Action.REFUSE if self.forgets else Action.COPY
        if answer.token == self.have:
            return Action.CONFIRM
        return Action.FORGET if self.forgets else Action.CHECK

    def drops_its_state(self, answer: Answer) -> bool:
        """Whether no other tab can have our token. Then its state is deleted when we leave it."""
        return self.standing is Standing.CANDIDATE and not answer.kept

    # What has happened since: each gives the handshake as it is from then on

    def confirmed(self) -> Handshake:
        """The browser keeps the token."""
        known = replace(self, standing=Standing.KNOWN, replaces=None)
        return replace(known, durable=True, is_late=False)

    def going_without(self) -> Handshake:
        """The browser keeps no token."""
        return replace(self, durable=False, is_late=False)

    def going_on(self) -> Handshake:
        """The browser has not answered in time: as if it kept none, until it answers."""
        return replace(self, durable=False, is_late=True)

    def begun(self, have: str) -> Handshake:
        """A candidate was minted, as the browser's storage is empty."""
        return replace(self.ended(have), replaces=None, durable=None, is_late=False)

    def adopted(self, have: str) -> Handshake:
        """The browser's token was found good: the server works with it."""
        return replace(self.confirmed(), have=have, forgets=False)

    def refusing(self, token: str) -> Handshake:
        """The browser is to give up this token, and gets ours in its place."""
        others = (one for one in self.refused if one != token)
        return replace(self, replaces=token, refused=(*others, token)[-_KEPT_REFUSALS:])

    def succeeded(self, have: str) -> Handshake:
        """The session has a new token, by `rotate()`."""
        is_candidate = self.standing is Standing.CANDIDATE
        standing = Standing.CANDIDATE if is_candidate else Standing.SUCCESSOR
        return replace(self, have=have, standing=standing, replaces=self.have)

    def copied(self, have: str, source: str) -> Handshake:
        """The state of the token `source` was copied, and the copy has a token of its own."""
        return replace(self, have=have, standing=Standing.SUCCESSOR, replaces=source)

    def ended(self, have: str) -> Handshake:
        """The session was forgotten or has expired; a candidate takes the place of its token."""
        return replace(self, have=have, standing=Standing.CANDIDATE, replaces=self.have)

    def waiting(self) -> Handshake:
        """The script waits for the browser's answer."""
        return replace(self, waits=True)

    def forgetting(self) -> Handshake:
        """The visitor wants to be forgotten, whichever token the browser has."""
        return replace(self, forgets=True)
