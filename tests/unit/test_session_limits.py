"""When a session would hold too much, and what is said of it."""

from __future__ import annotations

import pytest

from streamlit_pgstate import LimitExceeded
from streamlit_pgstate.postgres import limits
from streamlit_pgstate.postgres.limits import Limit, OverLimit, ReplacesAnother, SessionFull
from streamlit_pgstate.postgres.statements.parts import write
from streamlit_pgstate.settings import Settings

SETTINGS = Settings.read({"url": "postgresql://h/d", "max_keys": 1000, "max_session_bytes": 20_000})

CASES = {
    "nothing more": ((1000, 20_000, 0, 0), None),
    "up to both limits": ((1000, 20_000, 1, 1), None),
    "a key too many": ((1001, 5, 1, 5), "1,001 keys, and max_keys allows 1,000."),
    "a byte too many": ((1, 20_001, 0, 1), "20,001 bytes, and max_session_bytes allows"),
    "both: the keys are named": ((1001, 20_001, 1, 1), "1,001 keys"),
    "over a limit that was lowered, and no more than before": ((2000, 30_000, 0, 0), None),
    "over it, and less than before": ((1999, 29_000, -1, -1000), None),
    "over it, fewer keys and more bytes": ((1999, 30_001, -1, 1), "30,001 bytes"),
    "over it, more keys and fewer bytes": ((2001, 29_000, 1, -1000), "2,001 keys"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_too_much_is_named_with_its_number_and_the_limit(name: str) -> None:
    (keys, size, more_keys, more_bytes), expected = CASES[name]
    said = limits.excess(
        SETTINGS, keys=keys, bytes=size, more_keys=more_keys, more_bytes=more_bytes
    )
    if expected is None:
        assert said is None
    else:
        assert said is not None
        assert said.startswith(f"this session would hold {expected}")
        assert "raise the setting" in said


@pytest.mark.parametrize(
    ("message", "limit", "held"),
    [
        (f'invalid value for parameter "lock_timeout": "{write.OVER_KEYS}11"', Limit.KEYS, 11),
        (f"ungültiger Wert: «{write.OVER_BYTES}1073741825»", Limit.BYTES, 1073741825),
    ],
)
def test_a_refusal_is_read_in_any_language_of_the_server(
    message: str, limit: Limit, held: int
) -> None:
    refusal = limits.read_refusal(message)
    assert isinstance(refusal, OverLimit)
    told = limits.told(refusal)
    assert isinstance(told, SessionFull)
    assert isinstance(told, LimitExceeded)
    assert (told.limit, told.held) == (limit, held)


def test_what_is_about_something_else_is_no_refusal() -> None:
    assert limits.read_refusal(f'invalid value: "{write.TOO_LATE}"') is None
    assert limits.read_refusal('invalid value for parameter "work_mem": "max_keys"') is None
    assert isinstance(limits.read_refusal(f'"{write.NOT_AS_KNOWN}"'), ReplacesAnother)
