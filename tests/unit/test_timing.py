"""How long a wrong token is looked at tells nothing about a right one.

The signature is compared by `hmac.compare_digest`, whatever its first wrong character. The database
is asked for the SHA-256 of the secret, so nobody can choose the bytes that it compares.
"""

from __future__ import annotations

import ast
import hmac
import statistics
import time
from datetime import timedelta
from pathlib import Path

import pytest

import streamlit_pgstate
from streamlit_pgstate import UnknownToken
from streamlit_pgstate.postgres.token import TokenSigner

PACKAGE = Path(streamlit_pgstate.__file__).parent
SIGNATURE = 43
SAMPLES = 4000


@pytest.fixture
def signer() -> TokenSigner:
    return TokenSigner("k" * 32, app="app", max_age=timedelta(days=400))


def wrong_at(text: str, place: int) -> str:
    """The token with another character at this place of its signature."""
    at = len(text) - SIGNATURE + place
    other = "A" if text[at] != "A" else "E"  # both are good last characters, too
    return text[:at] + other + text[at + 1 :]


def refused(signer: TokenSigner, text: str) -> None:
    with pytest.raises(UnknownToken):
        signer.check(text)


def test_a_wrong_signature_is_compared_as_a_whole_wherever_it_is_wrong(
    signer: TokenSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[int, int]] = []
    compare = hmac.compare_digest

    def counting(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", counting)
    token = signer.mint().text
    for place in (0, 1, 20, 41, 42):
        refused(signer, wrong_at(token, place))
    assert compared == [(32, 32)] * 5


def test_the_time_for_a_wrong_signature_does_not_grow_with_its_right_beginning(
    signer: TokenSigner,
) -> None:
    """By the least of many times, in turn: what else runs on the machine only adds to a time.

    A comparison that stops at the first wrong byte differs by some ns a byte. That is less than
    this could measure, and a fault that looks the token up or decodes it first is far more.
    """
    token = signer.mint().text
    early, late = wrong_at(token, 0), wrong_at(token, 40)
    times: dict[str, list[int]] = {early: [], late: []}
    for _ in range(SAMPLES):
        for text, taken in times.items():
            begun = time.perf_counter_ns()
            try:
                signer.check(text)
            except UnknownToken:
                taken.append(time.perf_counter_ns() - begun)
    fast = [statistics.median(sorted(taken)[: SAMPLES // 4]) for taken in times.values()]
    assert max(fast) < 1.25 * min(fast)


def test_all_wrong_tokens_get_one_answer(signer: TokenSigner) -> None:
    token = signer.mint().text
    another_app = TokenSigner("k" * 32, app="other", max_age=timedelta(days=400)).mint().text
    another_key = TokenSigner("x" * 32, app="app", max_age=timedelta(days=400)).mint().text
    said = set()
    for text in (wrong_at(token, 0), wrong_at(token, 40), another_app, another_key):
        with pytest.raises(UnknownToken) as caught:
            signer.check(text)
        said.add(str(caught.value))
    assert len(said) == 1


SECRET = ("secret", "signature", "password", "token_hash", "signing_key")


def compared_by_operator(code: str) -> list[str]:
    """The comparisons by == and != in which something is named after a secret."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            sides = [ast.unparse(side).lower() for side in (node.left, *node.comparators)]
            if any(side.endswith(SECRET) for side in sides):
                found.append(ast.unparse(node))
    return found


def test_no_secret_is_compared_by_an_operator_that_stops_at_the_first_difference() -> None:
    """They are compared by `hmac.compare_digest`, or by the database as hashes."""
    assert compared_by_operator("if token.secret != other: pass") == ["token.secret != other"]
    for path in sorted(PACKAGE.rglob("*.py")):
        assert compared_by_operator(path.read_text(encoding="utf-8")) == [], path.name
