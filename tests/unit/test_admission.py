"""How many sessions a process may create a minute."""

from __future__ import annotations

import pytest

from streamlit_pgstate import LimitExceeded
from streamlit_pgstate.postgres.admission import Admission


def admitted(admission: Admission, tries: int, now: float) -> int:
    found = 0
    for _ in range(tries):
        try:
            admission.admit(now)
        except LimitExceeded:
            break
        found += 1
    return found


def test_a_burst_of_the_limit_is_admitted_and_then_the_limit_a_minute() -> None:
    admission = Admission(60)
    assert admitted(admission, 100, now=1000) == 60
    assert admitted(admission, 100, now=1000.5) == 0
    assert admitted(admission, 100, now=1010) == 10
    assert admitted(admission, 100, now=1070) == 60
    assert admitted(admission, 100, now=9999) == 60


def test_a_refusal_costs_nothing_and_says_when_the_next_one_is_admitted() -> None:
    admission = Admission(1)
    admission.admit(1000)
    for now in (1015, 1045):
        with pytest.raises(LimitExceeded, match="max_new_sessions") as refused:
            admission.admit(now)
        assert f"{1060 - now:.1f} s" in str(refused.value)
    admission.admit(1060.1)
