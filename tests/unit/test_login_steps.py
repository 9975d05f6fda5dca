"""What a page does about the browser's token when it begins: the table of cases."""

from __future__ import annotations

from itertools import product

import pytest

from streamlit_pgstate.page.login import Step, step

ANN, ANN_BY_A_FORMER_KEY, BOB = b"ann", b"ann, by a former key", b"bob"
IN = (ANN, ANN_BY_A_FORMER_KEY)

CASES = [
    # noted, logins, is_replaced, is_beginning
    ("nobody before and now", None, (), False, True, Step.NOTHING),
    ("the same login", ANN, IN, False, True, Step.NOTHING),
    ("the same login, noted by a former key", ANN_BY_A_FORMER_KEY, IN, False, True, Step.NOTHING),
    ("a login", None, IN, False, True, Step.REPLACE),
    ("the login of another", BOB, IN, False, True, Step.REPLACE),
    ("a login in a page that has had another session", None, IN, False, False, Step.REPLACE),
    ("a login whose answer was lost", ANN, IN, True, True, Step.CATCH_UP),
    ("another's, whose answer was lost", BOB, IN, True, True, Step.REPLACE),
    ("a logout", ANN, (), False, True, Step.ROTATE),
    ("a page of before the login", ANN, (), False, False, Step.NOTHING),
]


@pytest.mark.parametrize(("why", "noted", "logins", "is_replaced", "is_beginning", "then"), CASES)
def test_what_follows_from_a_login(
    why: str,
    noted: bytes | None,
    logins: tuple[bytes, ...],
    is_replaced: bool,
    is_beginning: bool,
    then: Step,
) -> None:
    found = step(
        noted=noted,
        logins=logins,
        is_replaced=is_replaced,
        is_beginning=is_beginning,
        is_candidate=False,
    )
    assert found is then, why


def test_a_token_that_was_minted_for_this_page_is_never_replaced() -> None:
    for noted, logins, is_replaced, is_beginning in product(
        (None, ANN, BOB), ((), IN), (True, False), (True, False)
    ):
        found = step(
            noted=noted,
            logins=logins,
            is_replaced=is_replaced,
            is_beginning=is_beginning,
            is_candidate=True,
        )
        assert found is Step.NOTHING
