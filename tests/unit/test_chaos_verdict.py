"""The verdict of the chaos run finds each kind of broken promise, and accuses nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from chaos import stored
from chaos.cluster import TakeOver
from chaos.gaps import Answer, Gap, excused, gaps
from chaos.history import IDLE, KILLED, REFUSED, UNKNOWN, Append, Change, History, Read
from chaos.verdict import (
    EXPIRED,
    HALF,
    LATE,
    LOST,
    LOST_MODIFY,
    NOWHERE,
    STRANDED,
    UNTRUE,
    broken,
)

PLACE: dict[str, Any] = {"session": "s", "key": "k"}


def put(name: str, begin: float, end: float, outcome: str = "acknowledged", **more: Any) -> Change:
    return Change(**PLACE, name=name, begin=begin, end=end, outcome=outcome, **more)


def gone(name: str, begin: float, end: float, outcome: str = "acknowledged", **more: Any) -> Change:
    return put(name, begin, end, outcome, is_deletion=True, **more)


def add(
    name: str, begin: float, end: float, place: int, outcome: str = "acknowledged", base: str = "v"
) -> Append:
    return Append(**PLACE, name=name, begin=begin, end=end, outcome=outcome, base=base, place=place)


def read(begin: float, end: float, base: str | None, count: int = 0, last: str | None = None):
    return Read(**PLACE, begin=begin, end=end, base=base, count=count, last=last)


FIRST, SECOND = put("1", 0, 1), put("2", 2, 3)
CASES: dict[str, tuple[list[str], list[Change | Append | Read]]] = {
    # What was acknowledged is there
    "the last value": ([], [FIRST, SECOND, read(4, 5, "2")]),
    "the value before": ([LOST], [FIRST, SECOND, read(4, 5, "1")]),
    "the value before, read meanwhile": ([], [FIRST, SECOND, read(2.5, 5, "1")]),
    "nothing, before anything": ([], [FIRST, read(-2, -1, None)]),
    "nothing, after a value": ([LOST], [FIRST, read(2, 3, None)]),
    "nothing, after it was deleted": ([], [FIRST, gone("2", 2, 3), read(4, 5, None)]),
    "a value, after it was deleted": ([LOST], [FIRST, gone("2", 2, 3), read(4, 5, "1")]),
    "a value over a later deletion": (
        [LOST],
        [FIRST, gone("2", 2, 3), put("3", 4, 5), read(6, 7, None)],
    ),
    # What is of unknown outcome may be there, as long as nothing newer is acknowledged
    "an unknown one, there": ([], [FIRST, put("2", 2, 3, UNKNOWN), read(4, 5, "2")]),
    "an unknown one, not there": ([], [FIRST, put("2", 2, 3, UNKNOWN), read(4, 5, "1")]),
    "an unknown deletion, there": ([], [FIRST, gone("2", 2, 3, UNKNOWN), read(4, 5, None)]),
    "an unknown one, stored late": (
        [LOST],
        [FIRST, put("2", 2, 3, UNKNOWN), put("3", 4, 5), read(6, 7, "2")],
    ),
    "an unknown deletion, made late": (
        [LOST],
        [FIRST, gone("2", 2, 3, UNKNOWN), put("3", 4, 5), read(6, 7, None)],
    ),
    "that of a killed process, in time": (
        [],
        [FIRST, put("2", 2, 7, KILLED), put("3", 4, 5), read(6, 7, "2")],
    ),
    "a refused one, there": ([LATE], [FIRST, put("2", 2, 3, REFUSED), read(4, 5, "2")]),
    "a value that was set again": (
        [LOST],
        [FIRST, put("2", 2, 3, UNKNOWN), put("2", 4, 5), read(6, 7, "1")],
    ),
    "a value that was set again in vain": (
        [],
        [FIRST, put("2", 2, 3, UNKNOWN), put("2", 4, 5, REFUSED), read(6, 7, "2")],
    ),
    # Two at once
    "either of two at once": ([], [put("1", 0, 4), put("2", 1, 3), read(5, 6, "1")]),
    "the other of two at once": ([], [put("1", 0, 4), put("2", 1, 3), read(5, 6, "2")]),
    # What nobody has written
    "from nowhere": ([NOWHERE], [FIRST, read(2, 3, "9")]),
    "before it was written": ([NOWHERE], [FIRST, read(-2, -1, "1")]),
    # What expires
    "expired": ([], [put("1", 0, 1, ttl=2), read(3, 4, None)]),
    "gone before it expires": ([LOST], [put("1", 0, 1, ttl=5), read(2, 3, None)]),
    "there after it has expired": ([EXPIRED], [put("1", 0, 1, ttl=2), read(4, 5, "1")]),
    "expired, under a newer value": (
        [LOST],
        [put("1", 0, 1, ttl=2), put("2", 2, 3), read(5, 6, None)],
    ),
    # What modify has appended
    "appended": ([], [put("v", 0, 1), add("a", 2, 3, 1), read(4, 5, "v", 1, "a")]),
    "not appended": ([LOST_MODIFY], [put("v", 0, 1), add("a", 2, 3, 1), read(4, 5, "v")]),
    "not appended yet": ([], [put("v", 0, 1), add("a", 2, 3, 1), read(2.5, 5, "v")]),
    "appended in one place": (
        [LOST_MODIFY],
        [put("v", 0, 1), add("a", 2, 3, 1), add("b", 2, 3, 1)],
    ),
    "another in its place": (
        [LOST_MODIFY],
        [
            put("v", 0, 1),
            add("a", 2, 3, 1),
            add("b", 4, 5, 0, UNKNOWN),
            read(6, 7, "v", 1, "b"),
        ],
    ),
    "another in its place, before it": (
        [],
        [
            put("v", 0, 1),
            add("b", 2, 3, 0, UNKNOWN),
            read(4, 5, "v", 1, "b"),
            add("a", 6, 7, 1),
            read(8, 9, "v", 1, "a"),
        ],
    ),
    "an unknown one, appended": (
        [],
        [put("v", 0, 1), add("a", 2, 3, 0, UNKNOWN), read(4, 5, "v", 1, "a")],
    ),
    "an idle one, appended": (
        [LATE],
        [put("v", 0, 1), add("a", 2, 3, 0, IDLE), read(4, 5, "v", 1, "a")],
    ),
    "a retry that undoes": (
        [LOST_MODIFY],
        [put("v", 0, 3), add("a", 1, 2, 1), read(4, 5, "v", 0)],
    ),
    "the base of an acknowledged one": (
        [LOST],
        [FIRST, put("v", 2, 9, KILLED), add("a", 3, 4, 1), read(10, 11, "1")],
    ),
    # What delete has found
    "found one": ([], [FIRST, gone("2", 2, 3, has_found=True)]),
    "found none": ([UNTRUE], [FIRST, gone("2", 2, 3, has_found=False)]),
    "found one twice": (
        [UNTRUE],
        [FIRST, gone("2", 2, 3, has_found=True), gone("3", 4, 5, has_found=True)],
    ),
    "found perhaps one": (
        [],
        [FIRST, gone("2", 2, 3, UNKNOWN), gone("3", 4, 5, has_found=True)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_verdict_of_a_history(name: str) -> None:
    expected, events = CASES[name]
    assert [promise for promise, _ in broken(of(events))] == expected


def of(events: list[Change | Append | Read]) -> History:
    history = History()
    for event in events:
        match event:
            case Change():
                history.changes.append(event)
            case Append():
                history.appends.append(event)
            case Read():
                history.reads.append(event)
    return history


ANSWERS = [Answer(float(at), 100 * at) for at in range(10)]


def test_a_gap_begins_where_the_standby_surely_had_all() -> None:
    """Every second the log grows by 100. Standbys took over with up to 350, and with all."""
    taken = [TakeOver(6.5, 350), TakeOver(9.5, 950)]
    assert gaps(ANSWERS, taken) == [Gap(3.0, 6.5), Gap(9.0, 9.5)]


def test_a_standby_that_has_none_of_what_was_asked_may_lack_all_since_the_last_one() -> None:
    taken = [TakeOver(4.5, 420), TakeOver(6.5, 440)]
    assert gaps(ANSWERS, taken) == [Gap(4.0, 4.5), Gap(4.5, 6.5)]


GAP = [Gap(2.5, 4.5)]
"""The change `SECOND` ends in it."""


@pytest.mark.parametrize(
    ("expected", "events"),
    [
        ([], [FIRST, SECOND, read(5, 6, "1")]),
        ([], [FIRST, SECOND, read(5, 6, "2")]),
        ([LOST], [FIRST, SECOND, read(5, 6, None)]),
        ([LOST], [FIRST, SECOND, put("3", 5, 6), read(7, 8, "2")]),
        ([LOST], [FIRST, put("2", 2, 2.4), read(5, 6, "1")]),
        ([LOST], [FIRST, put("2", 4, 5), read(6, 7, "1")]),
        ([NOWHERE], [FIRST, SECOND, read(5, 6, "9")]),
        ([], [put("v", 0, 1), add("a", 2, 3, 1), add("b", 5, 6, 1), read(7, 8, "v", 1, "b")]),
        ([LOST_MODIFY], [put("v", 0, 1), add("a", 1, 2, 1), add("b", 5, 6, 1)]),
    ],
)
def test_what_was_acknowledged_in_a_gap_may_be_undone_and_nothing_else(
    expected: list[str], events: list[Change | Append | Read]
) -> None:
    history = of(events)
    excused(history, GAP)
    assert [promise for promise, _ in broken(history)] == expected


def test_a_token_that_was_rotated_in_a_gap_may_open_nothing() -> None:
    call = {"verb": "rotate", "begin": 2, "end": 3, "outcome": "acknowledged"}
    told = [(STRANDED, "none of 2 tokens opens the session of a1"), (HALF, "a1")]
    for session, rest in (("a1", told[1:]), ("a2", told)):
        history = History(others=[{**call, "session": session}], broken=list(told))
        excused(history, GAP)
        assert history.broken == rest


def test_a_value_that_was_written_is_whole() -> None:
    value = stored.appended(stored.made("s", "k", "1", size=100), "a")
    assert stored.seen(value, "s", "k") == stored.Seen("1", ("a",), 100)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"base": "2"}, stored.Spoilt),
        ({"fill": b"other"}, stored.Spoilt),
        ({"appended": ["b"]}, stored.Spoilt),
    ],
)
def test_a_value_of_two_halves_is_found(change: dict[str, Any], error: type[Exception]) -> None:
    value = stored.appended(stored.made("s", "k", "1", size=100), "a")
    with pytest.raises(error):
        stored.seen({**value, **change}, "s", "k")


def test_a_value_of_another_session_is_found() -> None:
    value = stored.made("s", "k", "1")
    for session, key in (("t", "k"), ("s", "l")):
        with pytest.raises(stored.Mixed):
            stored.seen(value, session, key)


def test_a_name_that_was_appended_twice_is_found() -> None:
    value = stored.appended(stored.appended(stored.made("s", "k", "1"), "a"), "a")
    with pytest.raises(stored.Doubled):
        stored.seen(value, "s", "k")
