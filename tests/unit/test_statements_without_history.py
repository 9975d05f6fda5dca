"""Without the setting `history` a small write is sent as it was before there was a history."""

from __future__ import annotations

import hashlib

import pytest

from streamlit_pgstate.postgres import statements

BEFORE = {
    "READ": "95ed26cd6a2e5a97af1199800c1d43bb",
    "PUT": "3c90f05b1683eeef14c921e831bc49d3",
    "PUT_AS_KNOWN": "4c82eee20b404ebf276656ab0c7d0d7e",
    "PUT_IF": "3cc11f699e56c727ad802394929d68f4",
    "PUT_MANY": "321105f01a8e6808c432d19ce9126b4e",
    "CREATE_AND_PUT": "c9742715cf9984f2dd9bc239a184eb7b",
    "RENEW": "34bf241d56c1d9320d0c83092e4dd598",
    "CREATE_SESSION": "6498db17f9eadabfa302f86738fe254e",
    "LOCK_SESSION": "fae527b647748cebbbe9bc6f24fa53b2",
    "SETTLE": "38c7a094ea7b02a6f120aafb85ed2d2f",
}
"""The first half of the SHA-256 of each text. If one is changed for another reason, change it here,
too."""


@pytest.mark.parametrize("name", BEFORE)
def test_the_statement_is_the_one_from_before_there_was_a_history(name: str) -> None:
    text = statements.of("pgstate")[name]
    assert hashlib.sha256(text.encode()).hexdigest()[:32] == BEFORE[name]


@pytest.mark.parametrize("name", BEFORE)
def test_it_neither_reads_nor_writes_revisions(name: str) -> None:
    text = statements.of("pgstate")[name]
    assert "revision" not in text
    assert "history" not in text
