"""A short chaos run: some faults of each kind, in an order of the test's own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import memory
import pytest
from everything import in_everything

from chaos.history import ACKNOWLEDGED
from chaos.report import report
from chaos.run import run

FAULTS = (
    *("some answers lost", "app killed", "backends frozen", "PostgreSQL killed"),
    *("primary lost, standby promoted", "answers held back", "backend killed"),
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that the user of PostgreSQL may enter."""
    folder = Path(tempfile.mkdtemp(prefix="pgstate-chaos-", dir=memory.folder()))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.faults
@pytest.mark.timeout(600)  # of which a machine that is not busy needs 50 s
@pytest.mark.parametrize("seed", [1, *in_everything(2)])
def test_no_promise_is_broken_while_everything_else_is(seed: int, folder: Path) -> None:
    outcome = run(folder, seed=seed, faults=FAULTS, writers=1)
    print(report(outcome))
    assert outcome.broken == []
    assert outcome.calls["set, update", ACKNOWLEDGED] > 0
    assert outcome.reads > 0


BEHIND = ("standby away, then primary lost", "app killed", "primary lost, standby promoted")


@pytest.mark.faults
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", in_everything(3))
def test_an_asynchronous_standby_lacks_the_last_writes_and_breaks_no_other_promise(
    seed: int, folder: Path
) -> None:
    outcome = run(folder, seed=seed, faults=BEHIND, writers=1, is_synchronous=False)
    print(report(outcome))
    assert outcome.broken == []
    assert outcome.in_gaps > 0
    assert outcome.calls["modify", ACKNOWLEDGED] > 0
