"""The report: the counts of a run as a table."""

from __future__ import annotations

from collections import Counter

from chaos.history import ACKNOWLEDGED, IDLE, KILLED, REFUSED, UNKNOWN
from chaos.run import Outcome
from chaos.verdict import PROMISES

_ENDS = (ACKNOWLEDGED, REFUSED, UNKNOWN, KILLED, IDLE)
_SHOWN = 5
"""How much of what broke one promise is shown."""


def report(outcome: Outcome) -> str:
    """The counts, and of each broken promise what broke it first."""
    broken = Counter(promise for promise, _ in outcome.broken)
    return "\n".join(
        [
            "",
            _row("calls", *_ENDS),
            *(
                _row(verb, *(outcome.calls[verb, end] for end in _ENDS))
                for verb in sorted({verb for verb, _ in outcome.calls})
            ),
            "",
            _row("values read", outcome.reads),
            *(_row(f"cleanups {how}", count) for how, count in sorted(outcome.cleanups.items())),
            *(_row(fault, count) for fault, count in sorted(outcome.faults.items())),
            _row("acknowledged, and may be undone", outcome.in_gaps),
            "",
            _row("must be 0", "found"),
            *(_row(promise, broken[promise]) for promise in PROMISES),
            "",
            *(
                f"{promise}: {how}"
                for promise in PROMISES
                for how in [how for name, how in outcome.broken if name == promise][:_SHOWN]
            ),
        ]
    )


def _row(name: str, *cells: object) -> str:
    return f"{name:<34}" + "".join(f"{cell!s:>13}" for cell in cells)
