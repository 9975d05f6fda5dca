"""The questions of a visit to its browser: which instances of the component ask them.

A run asks by mounting an instance. A second question in one run needs an instance of its own.
"""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable

from streamlit_pgstate.component import bridge, script
from streamlit_pgstate.component.bridge import Acceptance, CookieRequest, TokenReply, TokenRequest
from streamlit_pgstate.component.cookies import label
from streamlit_pgstate.component.handshake import Question
from streamlit_pgstate.component.transport import Transport
from streamlit_pgstate.page.page_cookie import PageCookie
from streamlit_pgstate.page.visit_run import VisitRun
from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.postgres.token import Token


class Questions:
    """The questions of one visit.

    Args:
        tables: where sessions are stored.
        transport: how the token comes with the page.
        cookie: makes the tickets, if the transport needs them.
    """

    def __init__(self, tables: Tables, transport: Transport, cookie: PageCookie) -> None:
        self._tables = tables
        self._transport = transport
        self._cookie = cookie
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

    def ask(
        self,
        run: VisitRun,
        question: Question,
        token: Token,
        *,
        confirms: bool,
        on_answer: Callable[[str], None],
    ) -> None:
        """Mount an instance that asks a question, unless one outside of this fragment asks it.

        Args:
            run: the present run.
            question: what to ask.
            token: the token that the question is about.
            confirms: whether the answer is to run a fragment of its own, and not the script.
            on_answer: called with the key of the instance when it has answered.
        """
        if script.is_fragment_run() and question in self._on_page.values():
            return
        key = bridge.key(place=self._place(), number=len(run.keys))
        run.keys.append(key)
        run.question = question
        if not script.is_fragment_run():
            self._on_page[key] = None if script.fragment() else question
        answered = functools.partial(on_answer, key)
        if confirms:
            if not self._transport.is_http_only:  # whose questions on a first visit are answered
                question = dataclasses.replace(question, ask=True)
            request = self._request(question, token)
            bridge.mount_in_fragment(request, key=key, on_answer=answered)
            return
        request = self._request(question, token)
        bridge.mount(request, key=key, on_answer=answered, has_slot=key in self._on_page)

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
