"""A write reads a version from PostgreSQL's message, whose quotes are those of its language."""

from __future__ import annotations

import psycopg
import pytest

from streamlit_pgstate.postgres.statements.parts.write import PUSHED_OUT
from streamlit_pgstate.postgres.writes import _version_met


@pytest.mark.parametrize("quoted", ['"{}"', "»{}«", "« {} »", "„{}“", "'{}'"])
def test_the_version_is_read_whatever_the_quotes_are(quoted: str) -> None:
    message = "ungültiger Wert: " + quoted.format(f"{PUSHED_OUT}27 1764393524123456")
    assert _version_met(psycopg.errors.InvalidTextRepresentation(message)) == (27, 1764393524123456)


def test_another_error_has_none() -> None:
    assert _version_met(psycopg.errors.InvalidTextRepresentation('invalid value: "soon"')) is None
