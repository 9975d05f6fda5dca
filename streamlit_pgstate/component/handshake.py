"""The handshake: how the server and one browser agree on one token. Pure: no I/O.

This module decides for the server; `frontend/src/agreement.ts` decides for the browser. Both run
the conversations in `tests/handshake.json`. `page.replies` carries out what is decided here, and
`bridge` carries the messages: its docstring defines the words that both sides use.

The server asks a `Question` in each run. The browser gives an `Answer` only if there is something
to report. Each answer names the token that the question was about. An answer about another token
than the present one is ignored, so the two sides cannot go in circles.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from streamlit_pgstate.errors import Refusal

_KEPT_REFUSALS: Final = 16
"""How many refused tokens a tab remembers. A token that it remembers is not checked again."""


class Standing(Enum):
    """What the server knows about the token that it works with."""

    CANDIDATE = "candidate"
    """The server has minted it and uses it at once. The browser may have another one."""
    KNOWN = "known"
    """The browser has brought it, or has confirmed that it keeps it."""
    SUCCESSOR = "successor"
    """The server has minted it to replace a known one: by `rotate()`, or for a copied tab."""


class Action(Enum):
    """What the server does about an answer."""

    IGNORE = "ignore"
    """The answer belongs to an earlier question: do nothing."""
    CONFIRM = "confirm"
    """The browser keeps the token in question: go on."""
    GO_WITHOUT = "go without"
    """The browser refuses to keep any token: go on. The state lasts as long as the page."""
    SETTLE = "settle"
    """The browser has no token but that of its HttpOnly cookie: take over none from now on."""
    BEGIN = "begin"
    """The browser has no token any more: mint a candidate, with an empty state."""
    CHECK = "check"
    """The browser has another token: check it. If it is good, go on with the state that it opens.
    If it is bad, have ours replace it."""
    REFUSE = "refuse"
    """The browser has a token that was refused before, or it has another tab's token while this
    tab forgets its own: have ours replace it, without a check."""
    COPY = "copy"
    """Another tab uses the token: check it, and go on with a copy of the state that it opens. A tab
    needs one copy at most, as no other tab has the token of the copy."""
    FORGET = "forget"
    """The browser has another token, and its visitor wants to be forgotten: check the token, delete
    the state that it opens, and have ours replace it."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the server asks the browser."""

    have: str
    """Fingerprint of the token that the server works with."""
    offers: bool
    """Whether the server sends that token, for a browser that has none to keep it."""
    replaces: str | None
    """Fingerprint of a token that the browser must no longer use: it was refused, rotated away,
    has ended, or is another tab's. The offered token replaces it."""
    ask: bool
    """Whether the server waits for an answer in any case."""
    forgets: bool = False
    """Whether the server will delete the state of any other token that the browser reports."""
    because: Refusal = Refusal.FINAL
    """Why `replaces` opens nothing. The browser sets a token aside that may be good elsewhere."""
    clears: bool = False
    """Whether the browser must also throw away the tokens that lie aside: the visitor wants to be
    forgotten."""
    takes_over: bool = False
    """Whether the browser answers in any case, with the token in localStorage if there is one: see
    `Handshake.takes_over`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser answers."""

    to: str
    """Fingerprint of the token in the question."""
    token: str | None
    """Fingerprint of the token that the browser keeps; None if it keeps none."""
    blocked: bool = False
    """Whether the browser refuses to keep any token."""
    kept: bool = False
    """Whether this page has ever stored the token in question. Then other tabs of the browser may
    use it."""
    copied: bool = False
    """Whether another tab uses the token, so that this tab needs a copy of its state."""
    shown: bool = False
    """Whether the page shows the state of the token already: page and server had agreed on it
    before the server was restarted. Then the page need not begin anew."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """How far the server and the browser of one tab have agreed."""

    have: str
    """Fingerprint of the token that the server works with."""
    standing: Standing
    replaces: str | None = None
    """As in `Question`."""
    durable: bool | None = None
    """True once this browser has kept any token of this tab. False if it keeps none, or has not
    answered in time. None until that is known."""
    waits: bool = False
    """Whether the script waits for the browser's answer."""
    is_late: bool = False
    """Whether the script has gone on without an answer. The answer may still come."""
    forgets: bool = False
    """Whether to delete the state of any other token that the browser reports."""
    may_copy: bool = True
    """Whether the tab may still have a state copied. The browser's own state is never copied."""
    takes_others: bool = True
    """Whether the server goes on with another token that the browser reports. With an HttpOnly
    cookie it does so on a first visit alone: a script in the page could report any token."""
    takes_over: bool = False
    """Whether this is such a first visit, and the browser has not answered yet. Its first answer
    decides."""
    because: Refusal = Refusal.FINAL
    """As in `Question`."""
    clears: bool = False
    """As in `Question`."""
    refused: tuple[tuple[str, Refusal], ...] = ()
    """Fingerprints of tokens that were refused, and why."""

    # The beginning

    @classmethod
    def of_known(cls, have: str, *, may_copy: bool = True) -> Handshake:
        """The page has brought a good token."""
        return cls(have, Standing.KNOWN, durable=True, may_copy=may_copy)

    @classmethod
    def of_first_visit(cls, have: str) -> Handshake:
        """The page has brought a token that the server gave the browser with the page itself.

        The browser keeps it. It may have had another one, from before `pgstate.App`.
        """
        return cls(have, Standing.CANDIDATE, durable=True, may_copy=False, takes_over=True)

    @classmethod
    def of_candidate(
        cls,
        have: str,
        *,
        refused: str | None = None,
        because: Refusal = Refusal.FINAL,
        may_copy: bool = True,
    ) -> Handshake:
        """The page has brought no token, or one that was `refused`."""
        return cls(have, Standing.CANDIDATE, replaces=refused, because=because, may_copy=may_copy)

    # The question, and the action for an answer

    @property
    def question(self) -> Question:
        """What to ask the browser in this run."""
        is_new = self.standing is not Standing.KNOWN
        return Question(
            have=self.have,
            offers=is_new or self.replaces is not None,
            replaces=self.replaces,
            ask=self.waits and (self.durable is None or self.is_late),
            forgets=self.forgets,
            because=self.because,
            clears=self.clears,
            takes_over=self.takes_over,
        )

    def action_for(self, answer: Answer) -> Action:
        """What to do about an answer."""
        if answer.to != self.have:
            return Action.IGNORE
        if answer.token is None:
            if answer.blocked:
                return Action.GO_WITHOUT
            if self.takes_over:
                return Action.SETTLE
            return Action.BEGIN if self.takes_others else Action.IGNORE
        if answer.token != self.have and not self.takes_others:
            return Action.IGNORE
        if answer.token in dict(self.refused):
            return Action.REFUSE
        # Before the comparison with ours, which another tab may use too. This tab must not forget
        # what another tab uses.
        if answer.copied and self.forgets:
            return Action.REFUSE
        if answer.copied and self.may_copy:
            return Action.COPY
        if answer.token == self.have:
            return Action.CONFIRM
        return Action.FORGET if self.forgets else Action.CHECK

    def drops_its_state(self, answer: Answer) -> bool:
        """Whether to delete the state of our token on leaving it: no other tab can have it."""
        return self.standing is Standing.CANDIDATE and not answer.kept

    # What has happened since: each method returns the handshake after that event

    def confirmed(self) -> Handshake:
        """The browser keeps the token."""
        return replace(self._replacing(None), standing=Standing.KNOWN, durable=True, is_late=False)

    def going_without(self) -> Handshake:
        """The browser keeps no token."""
        return replace(self, durable=False, is_late=False)

    def going_on(self) -> Handshake:
        """The browser has not answered in time. Until it does, it counts as keeping no token."""
        return replace(self, durable=False, is_late=True)

    def begun(self, have: str) -> Handshake:
        """A candidate was minted, because the browser's storage is empty."""
        return replace(self.ended(have)._replacing(None), durable=None, is_late=False)

    def adopted(self, have: str) -> Handshake:
        """The browser's token was found good. The server works with it."""
        return replace(self.confirmed(), have=have, forgets=False)

    def with_cookie_alone(self) -> Handshake:
        """The token is in an HttpOnly cookie, and the browser reports no other one."""
        return replace(self, takes_others=False, takes_over=False, may_copy=False)

    def taken_over(self, have: str) -> Handshake:
        """As `adopted`, and the browser must move the token into its HttpOnly cookie."""
        moved = replace(self.adopted(have), standing=Standing.SUCCESSOR, replaces=self.have)
        return moved.with_cookie_alone()

    def brought_back(self, replaces: str, because: Refusal) -> Handshake:
        """The token lay aside, and this server accepts it. It replaces its stand-in."""
        return replace(self._replacing(replaces, because), standing=Standing.SUCCESSOR)

    def refusing(self, token: str, because: Refusal) -> Handshake:
        """The browser must give up this token. Ours replaces it."""
        others = (one for one in self.refused if one[0] != token)
        refused = (*others, (token, because))[-_KEPT_REFUSALS:]
        return replace(self._replacing(token, because), refused=refused)

    def refusing_again(self, token: str) -> Handshake:
        """As `refusing`, of a token that was refused before, or that is another tab's."""
        return self.refusing(token, dict(self.refused).get(token, Refusal.FINAL))

    def succeeded(self, have: str) -> Handshake:
        """`rotate()` has given the session a new token."""
        is_candidate = self.standing is Standing.CANDIDATE
        standing = Standing.CANDIDATE if is_candidate else Standing.SUCCESSOR
        return replace(self._replacing(self.have), have=have, standing=standing)

    def copied(self, have: str, source: str) -> Handshake:
        """The state of the token `source` was copied. The copy has a token of its own."""
        replacing = self._replacing(source)
        return replace(replacing, have=have, standing=Standing.SUCCESSOR, may_copy=False)

    def ended(self, have: str, because: Refusal = Refusal.FINAL) -> Handshake:
        """The session is gone from the database. A candidate replaces its token."""
        replacing = self._replacing(self.have, because)
        return replace(replacing, have=have, standing=Standing.CANDIDATE)

    def left_behind(self, have: str) -> Handshake:
        """The token was replaced at a login, of which the browser hears in a moment.

        A candidate stands in. It replaces nothing: what the browser has is a token of the same
        session, or will be. Then the candidate is dropped, so nothing in it is durable.
        """
        left = replace(self._replacing(None), have=have, standing=Standing.CANDIDATE)
        return replace(left, durable=None, is_late=False)

    def forgotten(self, have: str) -> Handshake:
        """The visitor has forgotten the session. A candidate replaces all tokens."""
        return replace(self.ended(have), clears=True)

    def _replacing(self, token: str | None, because: Refusal = Refusal.FINAL) -> Handshake:
        return replace(self, replaces=token, because=because, clears=False)

    def waiting(self) -> Handshake:
        """The script waits for the browser's answer."""
        return replace(self, waits=True)

    def forgetting(self) -> Handshake:
        """The visitor wants to be forgotten, whichever token the browser has."""
        return replace(self, forgets=True)
