"""When libraries are taken out of the garbage collector, and what stays in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from streamlit_pgstate.component import heap, holdings
from streamlit_pgstate.component.ends import End
from streamlit_pgstate.page.freeze import PATIENCE, Choice, Ended, _Process, choose

CASES: dict[str, tuple[Ended, Choice]] = {
    "the first run, in the only session": (Ended(), Choice.FREEZE),
    "the visitor has left meanwhile": (Ended(sessions=0), Choice.FREEZE),
    "another session is connected": (Ended(sessions=2), Choice.WAIT),
    "others are connected, for long": (Ended(sessions=200, ends=PATIENCE + 1), Choice.FREEZE),
    "others are connected, for long, and one of them runs": (
        Ended(sessions=200, ends=PATIENCE + 1, is_alone=False),
        Choice.FREEZE_FOR_NOW,
    ),
    "others run, once frozen for now": (
        Ended(sessions=200, ends=PATIENCE + 2, is_alone=False, is_frozen_for_now=True),
        Choice.WAIT,
    ),
    "nobody runs, once frozen for now": (
        Ended(sessions=200, ends=PATIENCE + 3, is_frozen_for_now=True),
        Choice.FREEZE,
    ),
    "another run of the same tab has begun": (Ended(is_alone=False), Choice.WAIT),
    "the run was stopped": (Ended(is_whole=False), Choice.WAIT),
    "the second run came to its end": (Ended(ends=2), Choice.FREEZE),
    "each run is stopped": (Ended(is_whole=False, ends=PATIENCE + 1), Choice.FREEZE),
    "nobody can count the sessions": (Ended(sessions=None), Choice.NEVER),
    "the app collects garbage itself": (Ended(can_freeze=False), Choice.NEVER),
    "nor after long": (Ended(can_freeze=False, ends=PATIENCE + 1), Choice.NEVER),
}


@pytest.mark.parametrize("case", CASES)
def test_libraries_are_frozen_at_the_end_of(case: str) -> None:
    ended, choice = CASES[case]
    assert choose(ended) is choice


PROGRAM = Path(__file__).parent.parent / "frozen_process.py"


def test_what_belongs_to_visitors_is_collected_after_a_freeze() -> None:
    subprocess.run([sys.executable, str(PROGRAM)], check=True)


def test_a_freeze_asks_no_proxy_and_keeps_nothing_of_a_thread_at_work() -> None:
    subprocess.run([sys.executable, str(PROGRAM.with_name("held_process.py"))], check=True)


def test_a_freeze_that_fails_at_a_busy_time_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ReferenceError

    monkeypatch.setattr(heap, "freeze", fail)
    monkeypatch.setattr(holdings, "active_sessions", lambda: 200)
    monkeypatch.setattr(holdings, "is_alone", lambda: False)
    process = _Process()
    for _ in range(PATIENCE):
        process.at_end(End(is_followed=False, is_early=False))
    with pytest.raises(ReferenceError):
        process.at_end(End(is_followed=False, is_early=False))
    assert process.is_over
