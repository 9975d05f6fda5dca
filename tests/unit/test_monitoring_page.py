"""The tables of docs/monitoring.md are those of the code."""

from __future__ import annotations

import logging
import uuid
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from streamlit_pgstate.errors import Ending, Refusal
from streamlit_pgstate.page import changes
from streamlit_pgstate.page.changes import Change, of_refusal
from streamlit_pgstate.state.metrics import metrics

ROOT = Path(__file__).parents[2]
ONE, OTHER = uuid.UUID(int=2**127), uuid.UUID(int=2**126)


def test_the_tables_are_those_of_the_code() -> None:
    spec = spec_from_file_location("monitoring", ROOT / "docs" / "monitoring.py")
    assert spec is not None
    assert spec.loader is not None
    writing = module_from_spec(spec)
    spec.loader.exec_module(writing)
    written = writing.PAGE.read_text(encoding="utf-8")
    assert writing.page() == written, "write them anew: python docs/monitoring.py"
    assert all(f"| {change.value} |" in written for change in Change)


@pytest.mark.parametrize(
    ("refusal", "session_id", "ended", "change"),
    [
        (Refusal.FINAL, None, None, Change.REFUSED),
        (Refusal.FINAL, ONE, None, Change.FORGOTTEN),
        (Refusal.FINAL, ONE, "forgotten", Change.FORGOTTEN),
        (Refusal.KEY, None, None, Change.REFUSED),
        (Refusal.TIME, None, None, Change.REFUSED),
        (Refusal.TIME, None, "expired", Change.EXPIRED),
        (Refusal.DATABASE, ONE, "expired", Change.EXPIRED),
        (Refusal.DATABASE, ONE, None, Change.REFUSED),
        (Refusal.LOGIN, ONE, None, Change.REPLACED),
    ],
)
def test_each_refusal_is_a_change(
    refusal: Refusal, session_id: uuid.UUID | None, ended: Ending | None, change: Change
) -> None:
    assert of_refusal(refusal, session_id, ended)[0] is change


def test_a_change_is_one_line_and_one_count(caplog: pytest.LogCaptureFixture) -> None:
    before = metrics().sessions.get("forgotten", 0)
    with caplog.at_level(logging.INFO, "streamlit_pgstate"):
        changes.note(Change.FORGOTTEN, ONE, "browser", "by its visitor", to=OTHER)
        changes.note(Change.REFUSED, None, "tab", "it is no token of this app")
    assert caplog.messages == [
        "Session 80000000 (browser) forgotten: by its visitor. The tab goes on with session "
        "40000000.",
        "A session (tab) refused: it is no token of this app.",
    ]
    assert metrics().sessions["forgotten"] == before + 1


def test_without_info_it_is_counted_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    before = metrics().sessions.get("copied", 0)
    with caplog.at_level(logging.WARNING, "streamlit_pgstate"):
        changes.note(Change.COPIED, ONE, "tab", "from another tab")
    assert caplog.messages == []
    assert metrics().sessions["copied"] == before + 1
