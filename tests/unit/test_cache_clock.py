"""How far the server's clock is ahead of ours, after each reading of it."""

from __future__ import annotations

import pytest

from streamlit_pgstate.postgres.rows import ClockReading
from streamlit_pgstate.state.cache import ahead_after

# The server's clock is read as 1000. Ours says 10 before, and 10 or more afterwards.
QUICK = ClockReading(1000, asked=10, received=10.25)
SLOW = ClockReading(1000, asked=10, received=15)

CASES = {
    "the first reading lets values expire late rather than early": (None, QUICK, 989.75),
    "what was known lies within the reading": (989.9, QUICK, 989.9),
    "a slow answer makes nothing worse": (989.9, SLOW, 989.9),
    "a quick one after a slow one makes it better": (985, QUICK, 989.75),
    "the server's clock was set on, or ours stood still": (900, QUICK, 989.75),
    "the server's clock was set back": (5000, QUICK, 990),
}


@pytest.mark.parametrize("case", CASES)
def test_how_far_it_is_ahead(case: str) -> None:
    known, reading, expected = CASES[case]
    assert ahead_after(known, reading) == expected
