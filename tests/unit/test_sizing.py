"""What `pgstate capacity` says of an app, by its visitors."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from streamlit_pgstate.cli import main
from streamlit_pgstate.cli.sizing import (
    BUSY_AT_MOST,
    VERSION_BYTES,
    Load,
    Server,
    carried,
    next_steps,
    plan_for,
)

DAILY = Load(visitors_a_day=1000)


def test_what_is_kept_follows_from_visitors_and_days() -> None:
    plan = plan_for(Load(visitors_a_day=1000, kept_days=10, keys=3))
    assert (plan.sessions, plan.entries) == (10_000, 30_000)


@pytest.mark.parametrize(
    "more",
    [
        Load(visitors_a_day=2000),
        Load(visitors_a_day=1000, kept_days=60),
        Load(visitors_a_day=1000, keys=40),
        Load(visitors_a_day=1000, value_bytes=200),
        Load(visitors_a_day=1000, large_bytes=1),
        Load(visitors_a_day=1000, history=1),
    ],
)
def test_more_of_anything_takes_more_of_the_disk(more: Load) -> None:
    assert plan_for(more).disk_bytes > plan_for(DAILY).disk_bytes


def test_a_version_of_the_history_is_stored_beside_the_value() -> None:
    once, twice = (
        plan_for(Load(visitors_a_day=1, kept_days=1, keys=1, value_bytes=0, history=most))
        for most in (1, 2)
    )
    assert twice.disk_bytes - once.disk_bytes == VERSION_BYTES


@pytest.mark.parametrize(
    ("load", "server", "steps"),
    [
        (DAILY, Server(), []),
        (Load(visitors_a_day=1, at_once=600, script_ms=10), Server(), []),
        (Load(visitors_a_day=1, at_once=150), Server(), ["2 processes of Streamlit"]),
        (
            Load(visitors_a_day=1, at_once=500),
            Server(),
            ["5 processes of Streamlit", "pgbouncer, or max_connections = 125"],
        ),
        (Load(visitors_a_day=1, at_once=500, pool_size=5), Server(), ["5 processes of Streamlit"]),
        (
            Load(visitors_a_day=1, at_once=100_000, script_ms=0),
            Server(memory_bytes=2**40),
            ["A PostgreSQL with "],
        ),
        (
            Load(visitors_a_day=1, at_once=1000, keys=200, runs_a_minute=1, script_ms=1),
            Server(memory_bytes=2**30),
            ["More memory"],
        ),
        (
            Load(visitors_a_day=2_000_000, at_once=1, keys=20),
            Server(),
            ["Partitions by a hash"],
        ),
        (
            Load(visitors_a_day=30_000, at_once=1, keys=20, history=100),
            Server(),
            ["Partitions by a hash"],
        ),
        (
            Load(visitors_a_day=1, at_once=1_000_000, script_ms=0, keys=0),
            Server(memory_bytes=2**40),
            ["Several servers, by Citus"],
        ),
    ],
)
def test_what_comes_next_is_what_is_short(load: Load, server: Server, steps: list[str]) -> None:
    found = next_steps(plan_for(load), server)
    assert len(found) == len(steps)
    assert all(step.startswith(begin) for step, begin in zip(found, steps, strict=True))


def test_a_server_is_as_busy_as_it_may_be_by_the_visitors_that_it_carries() -> None:
    server = Server(cores=8)
    busy = plan_for(Load(visitors_a_day=1, at_once=carried(server))).server_cores
    assert busy == pytest.approx(8 * BUSY_AT_MOST, rel=1e-3)


def test_the_command_asks_no_database() -> None:
    done = CliRunner(env={"PGSTATE_URL": "postgresql://nowhere.invalid/x"}).invoke(
        main, ["capacity", "--visitors", "2000", "--at-once", "500"]
    )
    assert done.exit_code == 0
    assert "60,000 sessions, 1,200,000 values" in done.output
    assert "pgbouncer" in done.output


@pytest.mark.parametrize(
    ("option", "number"), [("--visitors", "0"), ("--kept-days", "inf"), ("--script-ms", "nan")]
)
def test_a_number_that_makes_no_sense_is_refused(option: str, number: str) -> None:
    done = CliRunner().invoke(main, ["capacity", "--visitors", "1", option, number])
    assert done.exit_code == 2
    assert option in done.output
