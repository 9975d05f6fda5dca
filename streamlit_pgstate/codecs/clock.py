"""Markers for dates and times, such as ``{"$datetime": {"at": "…", "zone": "Europe/Rome"}}``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from .json_text import dump_str
from .zones import UTC, dump_zone, load_zone

__all__ = ["READERS", "WRITERS"]


def _date(value: dt.date, depth: int) -> object:
    return {"$date": value.isoformat()}


def _time(value: dt.time, depth: int) -> object:
    return {"$time": _clock(value)}


def _datetime(value: dt.datetime, depth: int) -> object:
    return {"$datetime": _clock(value)}


def _timedelta(value: dt.timedelta, depth: int) -> object:
    return {"$timedelta": [value.days, value.seconds, value.microseconds]}


def _clock(value: dt.time | dt.datetime) -> object:
    at = value.replace(tzinfo=None).isoformat()
    if value.tzinfo is None and not value.fold:
        return at
    clock: dict[str, object] = {"at": at}
    if value.fold:
        clock["fold"] = 1
    if value.tzinfo is not None:
        clock["zone"] = _zone(dump_zone(value.tzinfo))
    return clock


def _zone(zone: Any) -> object:
    if zone is UTC or type(zone) in (str, dict):
        return zone
    return [dump_str(part) for part in zone]


def _read_date(content: Any) -> dt.date:
    return dt.date.fromisoformat(content)


def _read_time(content: Any) -> dt.time:
    at, fold, zone = _read_clock(content)
    return dt.time.fromisoformat(at).replace(fold=fold, tzinfo=zone)


def _read_datetime(content: Any) -> dt.datetime:
    at, fold, zone = _read_clock(content)
    return dt.datetime.fromisoformat(at).replace(fold=fold, tzinfo=zone)


def _read_timedelta(content: Any) -> dt.timedelta:
    if type(content) is not list or not all(type(part) is int for part in content):
        raise TypeError
    days, seconds, microseconds = content
    return dt.timedelta(days, seconds, microseconds)


def _read_clock(content: Any) -> tuple[str, int, dt.tzinfo | None]:
    if type(content) is str:
        return content, 0, None
    if type(content) is not dict or not content.keys() <= {"at", "fold", "zone"}:
        raise ValueError
    fold = content.get("fold", 0)
    if type(fold) is not int:
        raise TypeError
    return content["at"], fold, load_zone(content["zone"]) if "zone" in content else None


WRITERS: dict[type, Callable[[Any, int], object]] = {
    dt.date: _date,
    dt.time: _time,
    dt.datetime: _datetime,
    dt.timedelta: _timedelta,
}
"""By class: a function of the value and its depth, which returns the marker."""

READERS: dict[str, Callable[[Any], Any]] = {
    "$date": _read_date,
    "$time": _read_time,
    "$datetime": _read_datetime,
    "$timedelta": _read_timedelta,
}
"""By marker: a function of its content. May raise any exception if the content is damaged."""
