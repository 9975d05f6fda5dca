"""Printing: how the command line writes numbers, sizes, times, tables and JSON.

What a visitor has entered is printed without control characters: a terminal would obey them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def fact(name: str, value: str) -> None:
    """Print a line with a fact."""
    click.echo(f"{name + ':':<10} {value}")


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """Print a table.

    Args:
        head: the names of its columns.
        rows: texts, one for each column.
        right: columns whose texts end at the same place, as numbers do.
    """
    lines = [tuple(head), *(tuple(map(safe, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [
            text.rjust(width) if name in right else text.ljust(width)
            for name, text, width in zip(head, line, widths, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())


def as_json(value: Any) -> None:
    """Print a value as JSON, for programs."""
    click.echo(json.dumps(value, indent=2, default=_plain))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def safe(text: str) -> str:
    """Return a text as one line, with escapes for what a terminal would obey or not show.

    Example:
        >>> safe("a\\x1b[2Jb")
        'a\\\\x1b[2Jb'
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def safe_lines(text: str) -> str:
    """As `safe`, for a text of several lines."""
    return "\n".join(map(safe, text.split("\n")))


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def size(number: float) -> str:
    """Return a number of bytes with its unit."""
    for unit in _UNITS:
        if number < 1024 or unit == _UNITS[-1]:
            break
        number /= 1024
    return f"{number:,.0f} {unit}" if unit == "bytes" else f"{number:,.1f} {unit}"


def time(at: datetime | None) -> str:
    """Return a time of this machine's zone, to the minute."""
    return "" if at is None else f"{at.astimezone():%Y-%m-%d %H:%M}"
