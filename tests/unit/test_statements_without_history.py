"""Without the setting `history` a small write has nothing to do with revisions."""

from __future__ import annotations

import pytest

from streamlit_pgstate.postgres import statements

SMALL = (
    *("READ", "REFRESH", "PUT", "PUT_AS_KNOWN", "PUT_IF", "PUT_MANY", "CREATE_AND_PUT", "RENEW"),
    *("CREATE_SESSION", "LOCK_SESSION", "SETTLE"),
)


@pytest.mark.parametrize("name", SMALL)
def test_it_neither_reads_nor_writes_revisions(name: str) -> None:
    text = statements.of("pgstate")[name]
    assert "revision" not in text
    assert "history" not in text
