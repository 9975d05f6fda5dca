"""Tickets: what a page carries to the route that sets the cookie."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlit_pgstate.postgres.ticket import LONGEST, TICKET_LIFE, Ticket, mark_of
from streamlit_pgstate.postgres.ticket_sealer import TicketSealer
from streamlit_pgstate.postgres.token import TokenSigner

NOW = 1_800_000_000.0
SIGNER = TokenSigner("k" * 32, app="app", max_age=timedelta(days=400))
SEALER = TicketSealer(*SIGNER.ticket_keys, place="identity app")
TICKET = Ticket(SIGNER.mint().text, (mark_of("former"),), sets_aside=True, clears=True)


@given(st.lists(st.text(max_size=30), max_size=8), st.booleans(), st.booleans())
def test_a_sealed_ticket_opens_as_it_was(cookies: list[str], aside: bool, clears: bool) -> None:
    marks = tuple(map(mark_of, cookies))
    ticket = Ticket(SIGNER.mint().text, marks, aside, marks[::-1], clears)
    text = SEALER.seal(ticket, now=NOW)
    assert SEALER.open(text, now=NOW) == ticket
    assert len(text) < LONGEST


def test_no_part_of_the_token_shows_in_a_ticket() -> None:
    text = SEALER.seal(TICKET, now=NOW)
    parts = TICKET.token.replace(".", "")
    assert not any(parts[start : start + 6] in text for start in range(len(parts) - 5))
    assert TICKET.token not in repr(TICKET)


def test_the_same_ticket_is_another_text_each_time() -> None:
    assert SEALER.seal(TICKET, now=NOW) != SEALER.seal(TICKET, now=NOW)


@pytest.mark.parametrize(
    ("key", "place"),
    [
        (TokenSigner("x" * 32, app="app", max_age=timedelta(1)).ticket_keys[0], "identity app"),
        (TokenSigner("k" * 32, app="other", max_age=timedelta(1)).ticket_keys[0], "identity app"),
        (SIGNER.ticket_keys[0], "another app"),
    ],
    ids=["another key", "another app", "another database"],
)
def test_a_ticket_of_another_place_opens_nothing(key: bytes, place: str) -> None:
    text = TicketSealer(key, place=place).seal(TICKET, now=NOW)
    assert SEALER.open(text, now=NOW) is None


def test_a_ticket_with_any_one_character_changed_opens_nothing() -> None:
    text = SEALER.seal(TICKET, now=NOW)
    for at, found in enumerate(text[:-1]):  # of the last one only some bits count
        changed = text[:at] + ("A" if found != "A" else "B") + text[at + 1 :]
        assert SEALER.open(changed, now=NOW) is None


@given(st.text(max_size=100) | st.just("A" * (LONGEST + 1)) | st.just("A" * 64))
def test_no_made_up_ticket_opens_anything(text: str) -> None:
    assert SEALER.open(text, now=NOW) is None


@pytest.mark.parametrize("seconds", [TICKET_LIFE + 2, -TICKET_LIFE - 2])
def test_a_ticket_is_good_for_an_hour(seconds: float) -> None:
    text = SEALER.seal(TICKET, now=NOW)
    assert SEALER.open(text, now=NOW + seconds * 0.99) == TICKET
    assert SEALER.open(text, now=NOW + seconds) is None


def test_another_replica_opens_it() -> None:
    again = TokenSigner("k" * 32, app="app", max_age=timedelta(days=400))
    other = TicketSealer(*again.ticket_keys, place="identity app")
    assert other.open(SEALER.seal(TICKET, now=NOW), now=NOW) == TICKET


def test_a_replica_with_a_newer_first_key_opens_it() -> None:
    newer = TokenSigner("n" * 32, "k" * 32, app="app", max_age=timedelta(days=400))
    other = TicketSealer(*newer.ticket_keys, place="identity app")
    assert other.open(SEALER.seal(TICKET, now=NOW), now=NOW) == TICKET
    assert SEALER.open(other.seal(TICKET, now=NOW), now=NOW) is None
