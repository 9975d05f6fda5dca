"""The table of cases: what a page shows, which changes make it run again, and when."""

from __future__ import annotations

import functools
import math

import pytest

from streamlit_pgstate.page.following import (
    SLOW,
    Decision,
    Pace,
    Shown,
    by_page,
    caught_up,
    decide,
    left,
    with_fragment,
    with_writes,
)
from streamlit_pgstate.state.accesses import StateAccesses


def reads(
    read: dict[str, int] | None = None,
    *,
    modified: dict[str, int] | None = None,
    written: dict[str, int] | None = None,
    names: set[str] | None = None,
) -> StateAccesses:
    known = None if names is None else frozenset(names)
    return StateAccesses(read or {}, modified or {}, written or {}, known)


ALL = {"a": 1, "b": 2}
"""What is stored when the page runs."""

WHAT_A_RUN_READS = {
    "nothing": (reads(), {"a": 3}, set()),
    "a key that is as it was": (reads({"a": 1}), ALL, set()),
    "a key that has changed": (reads({"a": 1}), {"a": 3, "b": 2}, {"a"}),
    "a key, and another has changed": (reads({"a": 1}), {"a": 1, "b": 3}, set()),
    "a key that is gone": (reads({"a": 1}), {"b": 2}, {"a"}),
    "a key that was not there, and is": (reads({"c": 0}), {**ALL, "c": 3}, {"c"}),
    "a key that was not there, and is not": (reads({"c": 0}), ALL, set()),
    "all names, and a value has changed": (reads(names={"a", "b"}), {"a": 3, "b": 2}, set()),
    "all names, and one has come": (reads(names={"a", "b"}), {**ALL, "c": 3}, {"c"}),
    "all names, and one is gone": (reads(names={"a", "b"}), {"a": 1}, {"b"}),
    "the names of an empty state": (reads(names=set()), {"a": 1}, {"a"}),
    "a key, and writes it": (reads({"a": 1}, written={"a": 3}), {"a": 3}, set()),
    "a key, writes it, and so does another": (reads({"a": 1}, written={"a": 3}), {"a": 4}, {"a"}),
    "a key, and deletes it": (reads({"a": 1}, written={"a": 0}), {}, set()),
    "a key, deletes it, and another sets it": (reads({"a": 1}, written={"a": 0}), {"a": 4}, {"a"}),
    "what another has written over its own": (reads({"a": 4}, written={"a": 3}), {"a": 4}, set()),
    "a key that it only writes": (reads(written={"a": 3}), {"a": 4}, set()),
    "all names, and adds one": (reads(names={"a"}, written={"c": 3}), {"a": 1, "c": 3}, set()),
    "all names, and removes one": (reads(names={"a", "b"}, written={"b": 0}), {"a": 1}, set()),
    "a key, by modify": (reads(modified={"a": 1}, written={"a": 3}), {"a": 4}, {"a"}),
    "a key, by modify that changes nothing": (reads(modified={"a": 1}), {"a": 3}, {"a"}),
}


@pytest.mark.parametrize(
    ("noted", "now", "differing"), WHAT_A_RUN_READS.values(), ids=WHAT_A_RUN_READS
)
def test_a_page_shows_what_its_run_has_read(
    noted: StateAccesses, now: dict[str, int], differing: set[str]
) -> None:
    assert Shown.by(noted, is_following=False).differing(now) == differing


def test_what_a_run_that_follows_changes_by_modify_it_does_not_follow() -> None:
    counted = reads(modified={"runs": 1}, written={"runs": 2})
    assert Shown.by(counted, is_following=False).differing({"runs": 3}) == {"runs"}
    assert Shown.by(counted, is_following=True).differing({"runs": 3}) == set()
    shown = reads({"runs": 2}, modified={"runs": 1}, written={"runs": 2})
    assert Shown.by(shown, is_following=True).differing({"runs": 3}) == {"runs"}


def test_a_page_shows_what_its_last_run_has_read_and_its_fragments_since() -> None:
    page = by_page({"app": reads({"a": 1}), "tab": reads()}, is_following=False)
    assert page.keys() == {"app"}, "a state that is not read is not looked at"
    page = with_fragment(page, {"app": reads({"a": 2, "b": 2}), "tab": reads(names=set())})
    assert page["app"].differing({"a": 2, "b": 2}) == {"a"}, "the page around it shows the former"
    assert page["app"].differing({"a": 1, "b": 3}) == {"b"}
    assert page["tab"].differing({"c": 1}) == {"c"}
    page = with_fragment(page, {"app": reads(written={"a": 3, "b": 0}), "tab": reads()})
    assert page["app"].differing({"a": 3}) == set()
    page = by_page({"app": reads({"b": 0})}, is_following=False)
    assert page["app"].differing({"a": 4}) == set()


def test_of_a_run_that_another_takes_the_place_of_only_the_writes_count() -> None:
    page = by_page({"app": reads({"a": 1})}, is_following=False)
    page = with_writes(page, {"app": reads({"b": 1}, written={"a": 2})})
    assert page["app"].differing({"a": 2, "b": 5}) == set()


def test_each_change_makes_a_page_run_once_whatever_that_run_reads() -> None:
    page = by_page({"app": reads({"a": 1}, names={"a"})}, is_following=False)
    now = {"a": 2, "b": 2}
    assert page["app"].differing(now) == {"a", "b"}
    assert caught_up(page, {"app": now}, states={"app"})["app"].differing(now) == set()


def test_a_page_that_shows_a_state_that_the_tab_has_left_runs_once_even_if_it_is_driven() -> None:
    page = by_page({"ended": reads({"a": 1}), "app": reads({"a": 1})}, is_following=False)
    assert left(page, {"ended", "app", "tab"}) == set()
    assert left(page, {"begun", "app"}) == {"ended"}
    now = decide(False, has_left=True, pace=DRIVEN, at=NOW, typing=None, postponed=frozenset())
    assert now == Decision(runs=True)
    assert left(caught_up(page, {}, states={"begun", "app"}), {"begun", "app"}) == set()


NOW = 100.0
QUICK, DRIVEN = Pace(), Pace(2, NOW - 1)

WHEN = {
    "nothing has changed": (False, QUICK, None, set(), Decision()),
    "something has": (True, QUICK, None, set(), Decision(runs=True)),
    "something has, while somebody types": (True, QUICK, "x", set(), Decision(runs=True)),
    "a field is still typed in": (False, QUICK, "x", {"x"}, Decision()),
    "nobody types in it any more": (False, QUICK, None, {"x"}, Decision(runs=True)),
    "another one is typed in": (False, QUICK, "y", {"x"}, Decision(runs=True)),
    "the page is driven": (True, DRIVEN, None, set(), Decision(waits=True)),
    "the page is driven, and nothing has changed": (False, DRIVEN, None, set(), Decision()),
    "it was driven, and has waited": (True, Pace(9, NOW - SLOW), None, set(), Decision(runs=True)),
    "it has followed and written once": (True, Pace(1, NOW), None, set(), Decision(runs=True)),
}


@pytest.mark.parametrize("pace", [QUICK, DRIVEN])
@pytest.mark.parametrize("postponed", [set(), {"x"}])
@pytest.mark.parametrize("changed", [False, True])
def test_a_page_with_an_open_dialog_does_not_run_unless_the_tab_has_left_its_state(
    changed: bool, postponed: set[str], pace: Pace
) -> None:
    ask = functools.partial(
        decide, pace=pace, at=NOW, typing=None, has_dialog=True, postponed=frozenset(postponed)
    )
    assert ask(changed) == Decision(), "it waits for the visitor: nobody is warned of that"
    assert ask(changed, has_left=True) == Decision(runs=True)


@pytest.mark.parametrize(
    ("changed", "pace", "typing", "postponed", "decision"), WHEN.values(), ids=WHEN
)
def test_when_a_page_runs_again(
    changed: bool, pace: Pace, typing: str | None, postponed: set[str], decision: Decision
) -> None:
    found = decide(changed, pace=pace, at=NOW, typing=typing, postponed=frozenset(postponed))
    assert found == decision


PACES = {
    "the first that follows and writes": (QUICK, True, True, 1),
    "one more in a row": (Pace(1, NOW - 1), True, True, 2),
    "one more, slowed down": (Pace(2, NOW - SLOW - 2), True, True, 3),
    "one more, after a while": (Pace(2, NOW - 60), True, True, 1),
    "one that writes nothing": (Pace(2, NOW - 1), True, False, 0),
    "one that the visitor has asked for": (Pace(2, NOW - 1), False, True, 0),
}


@pytest.mark.parametrize(("pace", "is_following", "wrote", "driven"), PACES.values(), ids=PACES)
def test_which_runs_slow_a_page_down(
    pace: Pace, is_following: bool, wrote: bool, driven: int
) -> None:
    after = pace.after(is_following=is_following, wrote=wrote, at=NOW)
    assert after.driven == driven
    assert after.next_run == (NOW + SLOW if driven >= 2 else -math.inf)


def test_pages_that_drive_each_other_run_once_in_five_seconds() -> None:
    runs, pace = [], Pace()
    for second in range(60):
        if decide(True, pace=pace, at=float(second), typing=None, postponed=frozenset()).runs:
            runs.append(second)
            pace = pace.after(is_following=True, wrote=True, at=float(second))
    assert runs[2:] == list(range(6, 60, 5))
