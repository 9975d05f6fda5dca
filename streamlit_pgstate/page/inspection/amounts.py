"""Amounts: sizes, counts and times as the inspector shows them."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB")


def size(number: float) -> str:
    """Return a number of bytes with its unit.

    Example:
        >>> size(1536)
        '1.5 KiB'
    """
    for unit in _UNITS:
        if number < 1024 or unit == _UNITS[-1]:
            break
        number /= 1024
    return f"{number:,.0f} {unit}" if unit == "bytes" else f"{number:,.1f} {unit}"


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    Example:
        >>> count(1, "key"), count(2, "key")
        ('1 key', '2 keys')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def local(at: datetime) -> datetime:
    """Return a time in the zone of the browser; in UTC if that is not known."""
    return at.astimezone(_zone())


def time(at: datetime | None) -> str:
    """Return a time in the zone of the browser, to the minute, for people."""
    return "never" if at is None else f"{local(at):%Y-%m-%d %H:%M %Z}"


def cell(at: datetime | None) -> str:
    """Return a time for the cell of a table. In the order of texts they are in that of times."""
    return "" if at is None else f"{local(at):%Y-%m-%d %H:%M:%S}"


def _zone() -> tzinfo:
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (KeyError, ValueError, OSError):  # the browser may say anything
        return UTC
