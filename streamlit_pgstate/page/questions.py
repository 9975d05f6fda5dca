"""The questions of a visit to its browser: when a run asks them, and by which instances.

`handshake` says what the question is. A run asks it by mounting an instance of the component. A
second question in one run needs an instance of its own. `replies` has what follows from the answer.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import time
from collections.abc import Callable
from typing import Final

from streamlit_pgstate.component import bridge, runs, script
from streamlit_pgstate.component.bridge import Acceptance, CookieRequest, TokenReply, TokenRequest
from streamlit_pgstate.component.cookies import label
from streamlit_pgstate.component.handshake import Question
from streamlit_pgstate.component.runs import RunListener
from streamlit_pgstate.component.transport import Transport
from streamlit_pgstate.errors import ConfigError
from streamlit_pgstate.page.held_session import HeldSession
from streamlit_pgstate.page.page_cookie import PageCookie
from streamlit_pgstate.page.visit_run import VisitRun, VisitRuns
from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.postgres.token import Token

_ANSWERS_WITHIN: Final = 5.0
"""Seconds that a first run waits for the browser if no cookie can come. It answers within 0.1."""


class Questions:
    """The questions of one visit. Whoever asks or waits here holds the lock of the visit.

    Args:
        tables: where sessions are stored.
        transport: how the token comes with the page.
        held: the token that the questions are about, and what was agreed about it so far.
        runs: the runs of the tab.
        cookie: makes the tickets, if the transport needs them.
        on_answer: called with the key of an instance when it has answered.
        on_end: called at the end of a run that is to ask then, and told whether another run follows
            at once.
    """

    def __init__(
        self,
        tables: Tables,
        transport: Transport,
        *,
        held: HeldSession,
        runs: VisitRuns,
        cookie: PageCookie,
        on_answer: Callable[[str], None],
        on_end: Callable[[bool], None],
    ) -> None:
        self._tables = tables
        self._transport = transport
        self._held = held
        self._runs = runs
        self._cookie = cookie
        self._on_answer = on_answer
        self._on_end = on_end
        self._veil = bridge.new_veil()
        self._on_page: dict[str, Question | None] = {}
        """The component's instances that the last run of the whole page has mounted, by key. The
        value is the question of an instance outside of all fragments, and None for others."""

    def begin_run(self) -> None:
        """A run begins. A run of the whole page mounts all instances anew."""
        if not script.is_fragment_run():
            self._on_page = {}

    def renew_veil(self) -> None:
        """Ask about another token from now on: answers about the former one cannot be read."""
        self._veil = bridge.new_veil()

    def reply(self, key: str) -> TokenReply | None:
        """The latest reply of the component under `key`; None if there is none."""
        return bridge.read_reply(key, self._veil)

    # When to ask

    def ask(self, run: VisitRun) -> None:
        """Ask the browser, unless this run has. A second question needs an instance of its own.

        Args:
            run: the present run.
        """
        question = self._held.agreed.question
        if question.takes_over and not _is_in_place_of_its_own():
            # The answer would run the fragment, or the script, once more.
            question = dataclasses.replace(question, takes_over=False)
            self.ask_at_end()
        if question == run.question or script.draws_over_the_page():
            return
        if script.is_parallel_fragment():  # it may draw only in its own place
            self.ask_at_end()
            return
        assert self._held.token is not None  # noqa: S101 - the session is open
        self._mount(run, question, self._held.token)

    def ask_at_end(self) -> None:
        """Ask at the end of the run, for verbs that could not ask.

        If another run takes the place of this one, ask at the end of that one.
        """
        run = self._runs.present()
        if not run.asks_at_end:
            run.asks_at_end = True
            with contextlib.suppress(ConfigError):  # this Streamlit shows no end of a run
                runs.listen(_AskAtEnd(self._on_end))

    def end_run(self, *, is_followed: bool) -> None:
        """Ask unless this run has asked; ask again in the next run if that follows at once.

        A run that `st.stop` has ended looks like one that was overtaken. Nobody receives the
        answer to a question of an overtaken run.
        """
        if is_followed:
            runs.listen_to_next(_AskAtEnd(self._on_end))
        else:
            self._runs.note_end()
        if not script.is_fragment_run():
            self.ask(self._runs.present())

    # The wait for the answer

    def await_answer(self) -> None:
        """Wait for the browser. Its answer ends this run and starts the next one.

        A question of a fragment is not waited for, as its answer does not end a run.
        """
        is_known = self._held.agreed.durable is not None
        if is_known or script.is_callback() or script.fragment() or script.is_apptest():
            return
        script.pause(_ANSWERS_WITHIN)
        self._held.settle(self._held.agreed.going_on())

    def await_first_answer(self) -> None:
        """Wait in the first run if no cookie can come: else each F5 would show a candidate first.

        A later run does not wait, as that would lose the click that started it.
        """
        if script.is_first_run():
            self.await_answer()

    # The instances that ask

    def _mount(self, run: VisitRun, question: Question, token: Token) -> None:
        """Mount an instance that asks a question, unless one outside of this fragment asks it."""
        if script.is_fragment_run() and question in self._on_page.values():
            return
        key = bridge.key(place=self._place(), number=len(run.keys))
        run.keys.append(key)
        run.question = question
        if not script.is_fragment_run():
            self._on_page[key] = None if script.fragment() else question
        answered = functools.partial(self._on_answer, key)
        if self._is_to_confirm():
            if not self._transport.is_http_only:  # whose questions on a first visit are answered
                question = dataclasses.replace(question, ask=True)
            request = self._request(question, token)
            bridge.mount_in_fragment(request, key=key, on_answer=answered)
            return
        request = self._request(question, token)
        bridge.mount(request, key=key, on_answer=answered, has_slot=key in self._on_page)

    def _is_to_confirm(self) -> bool:
        """Whether to ask the browser if it keeps the new token of a rotation.

        Until it does, the former token goes on to work. The answer is one of a fragment, so it
        starts no run of the script: an app that rotates in each run comes to rest. So is the answer
        of a first visit under `pgstate.App`, whether there is a token in localStorage. There the
        route tells the page whether the browser keeps a new token.
        """
        if not _is_in_place_of_its_own():
            return False
        agreed = self._held.agreed
        if self._transport.is_http_only:
            return agreed.takes_over
        waits = agreed.waits and agreed.durable is None  # for an answer that does
        return self._held.session.awaits_browser and not waits

    def _place(self) -> str:
        return "-".join(part for part in (self._transport.place, script.fragment()) if part)

    @property
    def _label(self) -> str:
        """Names the app and its database to the browser."""
        return label(self._tables.settings.app, self._tables.identity.name)

    def _request(self, question: Question, token: Token) -> TokenRequest | CookieRequest:
        if self._transport.is_http_only:
            return CookieRequest(
                question,
                label=self._label,
                ticket=self._cookie.ticket_for(question, token),
                announces=self._cookie.has_moved,
                accepts=self._accepts,
                veil=self._veil,
            )
        settings = self._tables.settings
        return TokenRequest(
            question,
            label=self._label,
            scope=self._transport.scope,
            offer=token.text if question.offers else None,
            max_age=settings.session_max_age.total_seconds(),
            cookie=settings.cookie,
            accepts=self._accepts,
            veil=self._veil,
        )

    @functools.cached_property
    def _accepts(self) -> Acceptance:
        """Computed once: new data of a component would draw it anew in each run."""
        signer, identity = self._tables.signer, self._tables.identity
        earliest, latest = signer.accepts(time.time())
        return Acceptance(signer.key_mark, identity.mark, int(earliest), int(latest))


@dataclasses.dataclass(slots=True, eq=False)
class _AskAtEnd(RunListener):
    """Asks the question of a visit at the end of a run."""

    on_end: Callable[[bool], None]

    def at_end(self, *, is_followed: bool) -> None:
        self.on_end(is_followed)


def _is_in_place_of_its_own() -> bool:
    """Whether the script is outside of the fragments and the callbacks of the app."""
    return not (script.fragment() or script.is_callback() or script.is_fragment_run())
