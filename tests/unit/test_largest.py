"""What a walk through the sessions notes of the largest."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from streamlit_pgstate.page.inspection.session_list import as_of
from streamlit_pgstate.postgres.growth import (
    LARGEST_KEPT,
    KeyShare,
    Largest,
    largest_of,
    read_largest,
)

A, B, C = (uuid.UUID(int=number) for number in (1, 2, 3))
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("known", "met", "expected"),
    [
        ({}, [], []),
        ({A: 1}, [], [A]),
        ({A: 1}, [(B, 2)], [B, A]),
        ({A: 1}, [(A, 3), (B, 2)], [A, B]),
        ({A: 5}, [(A, 0)], [A]),
        ({}, [(C, 0)], []),
    ],
    ids=["none", "one", "a larger one", "one that has grown", "one that is empty now", "empty"],
)
def test_the_largest_are_kept(
    known: dict[uuid.UUID, int], met: list[tuple[uuid.UUID, int]], expected: list[uuid.UUID]
) -> None:
    assert list(largest_of(known, met)) == expected


def test_no_more_are_kept_than_are_shown() -> None:
    met = [(uuid.UUID(int=number), number) for number in range(1, 3 * LARGEST_KEPT)]
    kept = largest_of({}, met)
    assert list(kept.values()) == list(range(3 * LARGEST_KEPT - 1, 2 * LARGEST_KEPT - 1, -1))


def test_what_is_noted_is_read_again() -> None:
    noted = Largest(
        sessions=(A, B),
        keys=(KeyShare("cart", 3, 300),),
        sampled=3,
        share=0.25,
        measured_at=NOON,
        walked_to=C,
        has_met_all=NOON,
    )
    assert read_largest(noted.text()) == noted


@pytest.mark.parametrize("text", ["", "{}", "[]", "3", '{"sessions": [1]}', '{"sessions": "x"}'])
def test_a_damaged_note_is_as_good_as_none(text: str) -> None:
    assert read_largest(text) == Largest()


@pytest.mark.parametrize(
    ("noted", "expected"),
    [
        (Largest(), "Run: pgstate gc"),
        (Largest(measured_at=NOON), "have not met all sessions yet"),
        (Largest(measured_at=NOON, has_met_all=NOON), "have met all sessions at 2026-11-29 12:00"),
    ],
)
def test_the_page_says_as_of_when(noted: Largest, expected: str) -> None:
    assert expected in as_of(noted)
