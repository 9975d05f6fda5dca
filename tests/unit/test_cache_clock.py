"""How far the server's clock is ahead of ours, after each reading of it."""

from __future__ import annotations

import pytest

from streamlit_pgstate.postgres.rows import ClockReading
from streamlit_pgstate.state.ahead import Ahead

# The server's clock is read as 1000. Ours says 10 before, and 10 or more afterwards.
QUICK = Ahead.of(ClockReading(1000, asked=10, received=10.25))
SLOW = Ahead.of(ClockReading(1000, asked=10, received=15))

CASES = {
    "what was known lies within the reading": (Ahead(989.8, 989.9), QUICK, Ahead(989.8, 989.9)),
    "a slow answer makes nothing worse": (QUICK, SLOW, QUICK),
    "a quick one after a slow one makes it better": (SLOW, QUICK, QUICK),
    "two readings overlap": (Ahead(989, 989.8), QUICK, Ahead(989.75, 989.8)),
    "the server's clock was set on, or ours stood still": (Ahead(899, 900), QUICK, None),
    "the server's clock was set back": (Ahead(5000, 5001), QUICK, None),
}


def test_one_reading_has_bounds_as_far_apart_as_its_answer_took() -> None:
    assert Ahead(989.75, 990) == QUICK
    assert Ahead(985, 990) == SLOW


@pytest.mark.parametrize("case", CASES)
def test_how_far_it_is_ahead(case: str) -> None:
    known, reading, expected = CASES[case]
    assert known.within(reading) == reading.within(known) == expected
