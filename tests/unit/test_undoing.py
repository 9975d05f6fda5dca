"""Which version of each key comes back: every case of the decision, without a database."""

from __future__ import annotations

import pytest

from streamlit_pgstate.postgres.undoing import Kept, Sources, to_redo, to_undo

FIRST = Kept("k", 1, 1, has_replaced=False)
SECOND = Kept("k", 2, 2)
UNDONE = Kept("k", 3, 1, undone=2)
GONE = "gone"
"""In place of a version: it is no longer in the history."""

TO_UNDO: dict[str, tuple[list[Kept], int, int | str | None]] = {
    "the value of the run before": ([FIRST, SECOND], 2, 1),
    "there was none": ([FIRST], 1, None),
    "several writes of one run": ([FIRST, SECOND, Kept("k", 3, 2)], 2, 1),
    "it was trimmed": ([SECOND], 2, GONE),
    "a run before one that was undone": ([FIRST, SECOND, UNDONE], 1, None),
    "undone, and another run since": ([FIRST, SECOND, UNDONE, Kept("k", 4, 4)], 4, 3),
    "undone, made again, and undone again": (
        [SECOND, UNDONE, Kept("k", 4, 2), Kept("k", 5, 1, undone=2), Kept("k", 6, 2)],
        2,
        5,
    ),
    "a deletion before": ([Kept("k", 1, 1), Kept("k", 2, 2, has_replaced=False)], 2, 1),
    "deleted and set in one run, and the deletion is trimmed": (
        [Kept("k", 6, 5, has_replaced=False, replaced=5), Kept("k", 7, 5)],
        5,
        GONE,
    ),
    "the same, and no more is there": (
        [Kept("k", 6, 5, has_replaced=False, replaced=5)],
        5,
        GONE,
    ),
    "a deletion before, which is trimmed": (
        [Kept("k", 6, 5, has_replaced=False, replaced=4), *(Kept("k", n, 5) for n in (7, 8))],
        5,
        None,
    ),
    "there was none, and the history is full": (
        [Kept("k", 6, 5, has_replaced=False), *(Kept("k", n, 5) for n in (7, 8, 9))],
        5,
        None,
    ),
    "set in a run that had set others before": ([Kept("k", 6, 5, has_replaced=False)], 5, None),
    "what was before an undone run is trimmed": ([Kept("k", 9, 1, undone=4)], 1, GONE),
}

TO_REDO: dict[str, tuple[list[Kept], int, int | str | None]] = {
    "the result of the run": ([FIRST, SECOND, UNDONE], 2, 2),
    "the last of its writes": ([FIRST, SECOND, Kept("k", 3, 2), Kept("k", 4, 1, undone=2)], 2, 3),
    "what undo has brought back of it": (
        [Kept("k", 8, 2, undone=3), Kept("k", 9, 1, undone=2)],
        2,
        8,
    ),
    "it was trimmed": ([UNDONE], 2, GONE),
}

LEFT: dict[str, tuple[list[Kept], int]] = {
    "another run has changed it since": ([FIRST, SECOND], 1),
    "nobody knows who has changed it since": ([FIRST, Kept("k", 2, None)], 1),
    "it was undone already": ([FIRST, SECOND, UNDONE], 2),
}


def expected(found: int | str | None) -> Sources:
    return Sources(trimmed=["k"]) if found == GONE else Sources({"k": found})  # type: ignore[dict-item]  # the text is ruled out


@pytest.mark.parametrize("case", TO_UNDO)
def test_undo_brings_back(case: str) -> None:
    kept, run, found = TO_UNDO[case]
    assert to_undo(kept, run) == expected(found)


@pytest.mark.parametrize("case", TO_REDO)
def test_redo_brings_back(case: str) -> None:
    kept, run, found = TO_REDO[case]
    assert to_redo(kept, run) == expected(found)


@pytest.mark.parametrize("case", LEFT)
def test_a_key_stays_if(case: str) -> None:
    assert to_undo(*LEFT[case]) == Sources()


def test_each_key_is_decided_by_itself() -> None:
    kept = [Kept("a", 1, 1), Kept("a", 3, 3), Kept("b", 2, 2), Kept("c", 3, 3)]
    assert to_undo(kept, 3) == Sources({"a": 1}, ["c"])


def test_redo_leaves_what_has_changed_since_it_was_undone() -> None:
    assert to_redo([FIRST, SECOND, UNDONE, Kept("k", 4, 4)], 2) == Sources()
