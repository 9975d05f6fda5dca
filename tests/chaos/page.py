"""A process with a page: a visitor who types, and who comes back by F5, in Streamlit's AppTest."""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from chaos import journal, verdict
from chaos.calls import WRONG_VALUES, Caller
from chaos.journal import Journal
from chaos.plan import Plan
from chaos.purse import Purse
from chaos.stored import seen
from chaos.threads import ended_by_sigterm, work
from streamlit_pgstate import Store, StoreUnavailable, connect, testing

WITHIN = 120
"""Seconds for a run of the script, on a busy machine."""
_PAUSE = 0.2
_F5 = 0.2
"""Of the runs, how many are page loads."""


def script() -> None:
    """What the visitor sees. What has been acknowledged is in `st.session_state`."""
    import streamlit as st

    import streamlit_pgstate as pgstate
    from chaos.stored import made

    pgstate.persist("typed")
    st.session_state["seen"] = pgstate.get("word")
    typed = st.text_input("typed", key="typed")
    if typed == st.session_state.get("asked"):  # not what F5 has brought back
        pgstate.set("word", made(st.session_state["visitor"], "word", typed))
        st.session_state["done"] = typed
    st.session_state["shown"] = typed
    st.session_state["ended"] = True


class Visitor:
    """One visitor, in one tab."""

    def __init__(self, plan: Plan, name: str, incarnation: int, store: Store, journal: Journal):
        self._name = name
        self._store = store
        self._journal = journal
        self._caller = Caller(journal, f"{name}.{incarnation}")
        self._random = random.Random(f"{plan.seed} {name} {incarnation}")
        self._purse = Purse(Path(plan.folder) / f"purse-{name}.json")

    def visit(self, stop: threading.Event) -> None:
        page = self._arrived(stop)
        while not stop.is_set():
            if self._random.random() < _F5:
                page = self._arrived(stop)
            elif page.text_input:
                self._type(page)
            else:  # a run that met an outage has drawn nothing, and the page runs again
                self._run(page)
            stop.wait(self._random.uniform(0, 2 * _PAUSE))

    def _arrived(self, stop: threading.Event) -> AppTest:
        """The page after F5: its first run has come to its end."""
        while True:
            page = AppTest.from_function(script, default_timeout=WITHIN)
            page.session_state["visitor"] = self._name
            tokens = self._purse.tokens()
            try:
                token = testing.visit(page, self._store, tokens[0] if tokens else None)
            except StoreUnavailable:
                stop.wait(0.1)
            else:
                self._purse.put(token)
                self._run(page)
            if stop.is_set() or "ended" in page.session_state:
                return page

    def _type(self, page: AppTest) -> None:
        name = self._caller.next_name()

        def run() -> None:
            page.session_state["asked"] = name
            page.text_input(key="typed").set_value(name)
            self._run(page)
            if _kept(page, "done") != name:
                raise StoreUnavailable("the run has not come to its end")

        facts = {"verb": "set", "session": self._name, "keys": ["word"], "base": name}
        self._caller.call(run, name=name, **facts)

    def _run(self, page: AppTest) -> None:
        """Run the script, and note what it has read."""
        if "ended" in page.session_state:
            del page.session_state["ended"]
        begin = time.monotonic()
        page.run()
        for error in page.exception:
            self._caller.note_strange(RuntimeError(f"{error.message} {error.stack_trace}"))
        if "ended" not in page.session_state:
            return
        if not str(_kept(page, "shown") or self._name).startswith(self._name):
            self._caller.note_broken(verdict.MIXED, f"{self._name} sees {_kept(page, 'shown')}")
        try:
            line = self._seen(page.session_state["seen"])
        except tuple(WRONG_VALUES) as error:
            self._caller.note_wrong_value(error)
        else:
            self._journal.write(journal.READS, session=self._name, begin=begin, seen=[line])

    def _seen(self, value: Any) -> list[object]:
        base = None if value is None else seen(value, self._name, "word").base
        return ["word", base, 0, None]


def _kept(page: AppTest, name: str) -> Any:
    # An AppTest's `session_state` has no `get`.
    return page.session_state[name] if name in page.session_state else None  # noqa: SIM401


def main(plan_path: str, incarnation: str, name: str) -> None:
    """Visit until SIGTERM."""
    plan = Plan.read(Path(plan_path))
    stop = ended_by_sigterm()
    os.environ |= {"PGSTATE_URL": plan.url, "PGSTATE_TIMEOUT": str(plan.timeout)}
    journal = Journal(Path(plan.folder) / f"{name}.{incarnation}.journal")
    visitor = Visitor(plan, name, int(incarnation), connect(), journal)
    work([lambda: visitor.visit(stop)], stop)


if __name__ == "__main__":
    main(*sys.argv[1:])
