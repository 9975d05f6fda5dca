"""The command `capacity`: what an app's visitors ask of PostgreSQL, and what comes next."""

from __future__ import annotations

import functools
import math
from typing import Any

import click

from streamlit_pgstate.cli.printing import count, fact, size
from streamlit_pgstate.cli.sizing import Load, Plan, Server, next_steps, plan_for

_MEBIBYTE = 2**20
_option = functools.partial(click.option, show_default=True, metavar="N")
_POSITIVE = click.IntRange(min=1)
_NOT_NEGATIVE = click.IntRange(min=0)


class _Number(click.FloatRange):
    """Neither infinite nor NaN, which is in no range and outside of none."""

    def convert(
        self, value: Any, param: click.Parameter | None, context: click.Context | None
    ) -> float:
        found = float(super().convert(value, param, context))
        if math.isnan(found):
            self.fail(f"{value} is not a number.", param, context)
        return found


_NUMBER = _Number(min=0, max=100_000)


@click.command()
@_option("--visitors", type=_POSITIVE, required=True, help="New visitors a day.")
@_option("--kept-days", type=_NUMBER, default=30, help="Days: the setting session_ttl.")
@_option("--keys", type=_NOT_NEGATIVE, default=20, help="Small values of a visitor.")
@_option("--value-bytes", type=_NOT_NEGATIVE, default=100, help="The size of one.")
@_option("--large-mib", type=_NUMBER, default=0, help="A visitor's frames and files, in MiB.")
@_option("--history", type=_NOT_NEGATIVE, default=0, help="The setting history.")
@_option("--at-once", type=_POSITIVE, default=50, help="Visitors at the busiest time.")
@_option("--runs-a-minute", type=_NUMBER, default=6, help="Of the script, for each of them.")
@_option("--sets-a-run", type=_NUMBER, default=1, help="Values that a run changes.")
@_option("--script-ms", type=_NUMBER, default=60, help="Milliseconds that a run computes.")
@_option("--pool-size", type=_POSITIVE, default=20, help="The setting pool_size.")
@_option("--cores", type=_POSITIVE, default=4, help="Of the server of PostgreSQL.")
@_option("--memory-gib", type=_POSITIVE, default=16, help="Of the same server.")
def capacity(
    visitors: int,
    kept_days: float,
    keys: int,
    value_bytes: int,
    large_mib: float,
    history: int,
    at_once: int,
    runs_a_minute: float,
    sets_a_run: float,
    script_ms: float,
    pool_size: int,
    cores: int,
    memory_gib: int,
) -> None:
    """Show how much PostgreSQL an app needs, by the number of its visitors.

    It asks no database. It counts with what was measured on two cores of a small cloud server: see
    docs/scaling.md. Take the numbers as right within a factor of two.

    \b
    Exit codes:
      0  done
      2  an option is wrong or missing

    \b
    Examples:
      pgstate capacity --visitors 2000
      pgstate capacity --visitors 50000 --at-once 3000 --history 10 --cores 8
    """
    load = Load(
        visitors_a_day=visitors,
        kept_days=kept_days,
        keys=keys,
        value_bytes=value_bytes,
        large_bytes=int(large_mib * _MEBIBYTE),
        history=history,
        at_once=at_once,
        runs_a_minute=runs_a_minute,
        sets_a_run=sets_a_run,
        script_ms=script_ms,
        pool_size=pool_size,
    )
    server = Server(cores=cores, memory_bytes=memory_gib * 2**30)
    _print(plan_for(load), server)


def _print(plan: Plan, server: Server) -> None:
    fact("Kept", f"{count(plan.sessions, 'session')}, {count(plan.entries, 'value')}")
    fact("On disk", size(plan.disk_bytes))
    fact("In memory", f"{size(plan.busy_bytes)} of pages, for those at work")
    fact("Peak", f"{plan.runs_a_second:.1f} runs and {plan.writes_a_second:.1f} writes a second")
    fact("Log", f"{size(plan.wal_bytes_a_second)} of WAL a second at the peak")
    fact("CPU", f"{_busy(plan.server_cores)} of {count(server.cores, 'core')} at the peak")
    fact("App", f"{plan.processes} of Streamlit's processes, {plan.connections} connections")
    steps = next_steps(plan, server) or ["nothing: one process of Streamlit and this server do."]
    fact("Needs", steps[0])
    for step in steps[1:]:
        click.echo(f"{'':<10} {step}")


def _busy(cores: float) -> str:
    return f"{cores:.2f}" if cores >= 0.01 else "less than 0.01"
