"""What tests of faults expect of an error: that it is ours, has the cure, and names no secret."""

from __future__ import annotations

import contextlib
import re
import time
import traceback
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from postgres_server import PASSWORD

from streamlit_pgstate import (
    PgStateError,
)

SQL = psycopg.Connection[Any]


@contextlib.contextmanager
def told(kind: type[PgStateError], *cures: str, secrets: tuple[str, ...] = ()) -> Iterator[None]:
    """The error is ours, with the cure; it shows no secret anywhere, and no place to visitors."""
    with pytest.raises(PgStateError) as caught:
        yield
    error = caught.value
    assert type(error) is kind, error
    for cure in cures:
        assert cure in error.in_full
    shown = "".join(traceback.format_exception(error)) + repr(error) + error.in_full
    for secret in (PASSWORD, *secrets):
        assert secret not in shown
    _, place, *_ = re.split(r"Database: (.+), schema '", error.detail)
    chain = "".join(line for each in chained(error) for line in each.format_exception_only())
    for name in (place, "connection to server", "FATAL"):
        assert name not in chain


def chained(error: BaseException) -> Iterator[traceback.TracebackException]:
    """An error and what Streamlit draws with it: its causes."""
    each: traceback.TracebackException | None = traceback.TracebackException.from_exception(error)
    while each is not None:
        yield each
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds
