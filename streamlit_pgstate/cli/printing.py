"""Printing: how the command line writes numbers, sizes and lines of facts."""

from __future__ import annotations

import click

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def fact(name: str, value: str) -> None:
    click.echo(f"{name + ':':<10} {value}")


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def size(number: float) -> str:
    """Return a number of bytes with its unit."""
    for unit in _UNITS:
        if number < 1024 or unit == _UNITS[-1]:
            break
        number /= 1024
    return f"{number:,.0f} {unit}" if unit == "bytes" else f"{number:,.1f} {unit}"
