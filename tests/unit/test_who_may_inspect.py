"""Who may see the inspector: whatever is not a clear yes is a no."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from streamlit_pgstate.page.inspection.admission import admits

ADA = {"email": "ada@example.com", "is_logged_in": True}
NOBODY = {"is_logged_in": False}


def fails(user: Any) -> bool:
    raise RuntimeError("the directory of users is away")


def email_of(user: Any) -> Any:
    """What a developer may take for a yes."""
    return user.get("email")


@pytest.mark.parametrize(
    ("allow", "user", "expected"),
    [
        (None, ADA, False),
        (lambda user: True, NOBODY, True),
        (lambda user: False, ADA, False),
        (lambda user: user.get("email") == "ada@example.com", ADA, True),
        (lambda user: user.get("email") == "ada@example.com", NOBODY, False),
        (lambda user: user["email"] == "ada@example.com", NOBODY, False),
        (email_of, ADA, False),
        (lambda user: 1, ADA, False),
        (lambda user: None, ADA, False),
        (fails, ADA, False),
    ],
    ids=[
        *("nobody is named", "all", "none", "by e-mail", "another", "an error where nobody is"),
        *("text is no yes", "1 is no yes", "None is no yes", "an error"),
    ],
)
def test_a_user_is_admitted(allow: Any, user: dict[str, Any], expected: bool) -> None:
    assert admits(allow, user) is expected


def test_the_log_says_how_to_open_it(caplog: pytest.LogCaptureFixture) -> None:
    assert not admits(None, ADA)
    assert "pgstate.inspector(allow=lambda user:" in caplog.text


def test_the_log_says_that_a_yes_must_be_true(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        assert not admits(email_of, ADA)
    assert "has returned str. It must return True or False" in caplog.text
    assert "ada@example.com" not in caplog.text


def test_the_log_says_that_the_function_has_failed(caplog: pytest.LogCaptureFixture) -> None:
    assert not admits(fails, ADA)
    assert "`allow` has failed: RuntimeError" in caplog.text
