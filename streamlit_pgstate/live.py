"""Live pages: what others have changed that a page does not show yet, and when it runs again.

Two live pages never drive each other: what a page writes while it follows a change is an echo,
and it does not follow changes of those keys until its visitor does something.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st

from streamlit_pgstate.component import bridge, page, runs
from streamlit_pgstate.component.runs import RunListener
from streamlit_pgstate.state import State


@dataclass(frozen=True, slots=True)
class Tick:
    """What a page says once a second, while it can be seen."""

    number: int = 0
    typing: str | None = None
    """The class of the text field that is being typed in: `st-key-` and its key."""

    @classmethod
    def read(cls, said: object) -> Tick:
        """The tick in a component's state; it comes from the browser, so it may be anything."""
        if not isinstance(said, Mapping) or not isinstance(said.get("number"), int):
            return cls()
        typing = said.get("typing")
        return cls(said["number"], typing if isinstance(typing, str) else None)


class Live(RunListener):
    """One tab's page, as it follows the state. Listens for the end of each of its runs."""

    comes_last = True  # `persist` saves at the end, and that is no change by others

    def __init__(self, refresh: Callable[[], State]) -> None:
        """Begin to follow.

        Args:
            refresh: brings the state up to date, and gives it; it may be another one by then.
        """
        self._refresh = refresh
        self._state: State | None = None
        self._shown: dict[str, int] = {}
        """The versions of all entries that the page shows."""
        self._before: dict[str, int] = {}
        """Those at the beginning of the present run."""
        self._echoes: set[str] = set()
        self._is_following = False
        self._is_whole = True
        self.typing: str | None = None
        self.postponed: set[str] = set()
        """Keys whose change waits until nobody types in their field."""

    def enter_run(self, state: State, *, is_whole: bool) -> None:
        """At the beginning of a run; `is_whole`: not of a fragment alone."""
        self._state = state
        self._before = state.versions()
        self._is_whole = is_whole
        if not self._is_following:
            self._echoes.clear()
        runs.listen(self)

    def at_end(self, *, is_followed: bool) -> None:
        """What a run has shown is what there was at its beginning, and what it has written."""
        if self._state is None:
            return
        now = self._state.versions()
        changed = _differing(self._before, now)
        written = {key for key in changed if self._state.was_written_here(key)}
        if self._is_whole:
            self._shown = dict(self._before)
        for key in written:
            self._shown.pop(key, None)
            if key in now:
                self._shown[key] = now[key]
        if self._is_following:
            self._echoes |= written
        self._is_following = False
        if written:
            bridge.announce(channel=self.channel, version=self._state.version)

    @property
    def channel(self) -> str:
        """The name under which the tabs of this state tell each other; not a secret."""
        return f"pgstate.{self._state.id}" if self._state else ""

    def hear(self, tick: Tick) -> None:
        """One read; and a run of the whole page, if there is something that it does not show."""
        state = self._refresh()
        self.typing = tick.typing
        now = state.versions()
        is_another = self._state is not None and state.id != self._state.id
        changed = _differing(self._shown, now) - self._echoes
        self._shown = now
        has_waited = self.postponed and tick.typing not in self.postponed
        if changed or has_waited or is_another:
            self._is_following = True
            st.rerun()

    def postpones(self, key: str) -> bool:
        """Whether the field of `key` is being typed in, so that its change has to wait."""
        name = page.class_of(key)
        if name != self.typing or not self._is_following:
            self.postponed.discard(name)
            return False
        self.postponed.add(name)
        return True


def _differing(one: Mapping[str, int], other: Mapping[str, int]) -> set[str]:
    return {key for key, _ in one.items() ^ other.items()}
