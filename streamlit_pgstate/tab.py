"""The tab: a state of its own, whose token lies in the tab's sessionStorage.

A visit like the browser's, with these differences: F5 is told by a cookie of a few seconds, which
the page writes when it goes; and a duplicated tab, which has the other's token, gets a copy.
"""

from __future__ import annotations

import weakref
from typing import ClassVar

from streamlit_pgstate.component import bridge, cookies, script, session_state
from streamlit_pgstate.component.bridge import Answer
from streamlit_pgstate.errors import UnknownToken
from streamlit_pgstate.live import Live
from streamlit_pgstate.state import State
from streamlit_pgstate.store import SessionRef
from streamlit_pgstate.visit import TESTING_KEY, Visit


class TabVisit(Visit):
    """The token and state that only this tab has.

    Args:
        browser: the tab's visit to the state that all tabs share.
    """

    scope: ClassVar[str] = "tab"

    def __init__(self, browser: Visit) -> None:
        super().__init__(browser.store)
        self._browser = weakref.ref(browser)  # which leads to this one

    @property
    def live(self) -> Live:
        browser = self._browser()
        return browser.live if browser is not None else self._live

    def _open(self) -> None:
        """The token of the one tab that was reloaded just now, or a candidate."""
        texts = cookies.reloaded_tokens(self.store.settings.app)
        if len(texts) != 1:  # of several nobody can say which is this one
            self._use_candidate()
            return
        try:
            self._adopt(self.store.signer.check(texts[0]))
        except UnknownToken:
            self._replaces = texts[0][-43:][:16]
            self._use_candidate()

    def _place(self) -> str:
        return "-".join(part for part in ("tab", script.fragment()) if part)

    def _clear_session_state(self) -> None:
        browser = self._browser()
        bound = browser.bound_keys if browser is not None else ()
        session_state.clear(keep={TESTING_KEY, *bound})

    def _hear(self, component_state: object) -> None:
        answer = Answer.read(component_state, self._veil)
        if answer is None or not answer.copied or answer.token is None:
            super()._hear(component_state)
        elif self._token is not None and answer.to == self._token.fingerprint:
            self._copy(answer.token)

    def _copy(self, text: str) -> None:
        """Go on with a copy of what another tab has, which goes on with its own."""
        before, was_candidate = self._state, self._is_candidate
        token = self.store.signer.mint()
        try:
            source = self.store.signer.check(text)
        except UnknownToken:
            self._refuse(text)
            return
        self.store.copy(SessionRef.of(source, self.scope), token)
        self._go_on_with(State(self.store, SessionRef.of(token, self.scope)))
        self._token, self._offers = token, True
        self._is_candidate = False
        self._replaces = source.fingerprint
        self._veil = bridge.new_veil()
        self._rerun_due = script.is_fragment_run()
        self._clear_session_state()
        if before is not None and was_candidate:
            self._drop(before, kept=False)
        self._ask_again()
