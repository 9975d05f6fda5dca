"""Admission: who may see the inspector. It is closed unless the developer says who may."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final, TypeAlias

_LOG = logging.getLogger(__name__)

Allow: TypeAlias = Callable[[Any], bool]
"""Is called with `st.user`, and says whether this user may see the inspector."""

SENTENCE: Final = "This page is for the operators of this app, and it is closed to you."
"""What a visitor sees. The log says what a developer has to do."""

ADVICE: Final = (
    "The inspector is closed, because inspector() does not say who may see it. Name them, such as: "
    'pgstate.inspector(allow=lambda user: user.get("email") in {"me@example.com"}). To look at the '
    "database from this machine alone, run: pgstate inspect"
)


def admits(allow: Allow | None, user: Any) -> bool:
    """Whether a user may see the inspector. Whatever is not a clear yes is a no, which is logged.

    Args:
        allow: as `inspector` was given it.
        user: `st.user`.
    """
    if allow is None:
        _LOG.warning(ADVICE)
        return False
    try:
        answer: object = allow(user)
    except Exception as error:  # noqa: BLE001 - such as no `email`, because nobody is logged in
        _LOG.warning("The inspector is closed to a visitor, because `allow` has failed: %r", error)
        return False
    if not isinstance(answer, bool):
        # `lambda user: user.email` would let in whoever has an e-mail address.
        _LOG.error(
            "The inspector is closed, because `allow` has returned %s. It must return True or "
            "False.",
            type(answer).__name__,
        )
        return False
    if not answer:
        _LOG.info("The inspector is closed to a visitor: `allow` has returned False.")
    return answer
