"""Zones of pytz and dateutil in dates and times, by what these libraries find them again.

A zone is written only if it comes back equal and of the same class. That of one machine
(``tz.tzlocal()``), and those of rules or files of the user's own do not. Neither library is
imported unless a row needs it, and only names of the time zone database are looked up.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from .payload import DamagedError, UnreadableError
from .zones import is_zone, load_pytz, zone_of_pydantic

__all__ = ["dump", "load"]


def dump(zone: dt.tzinfo) -> dict[str, Any] | None:
    """Write a zone as a dict of its library; None if it cannot be kept exactly.

    A fixed offset of pytz is its minutes, one of dateutil ``[name, seconds]``. A zone of pytz with
    summer time is ``[name, seconds, seconds of summer time, abbreviation]``, because each of its
    offsets is a zone of its own.
    """
    library = str(type(zone).__module__).partition(".")[0]
    if library not in _WRITERS:
        return None
    try:
        content = {library: _WRITERS[library](zone)}
        again = load(content)
    except Exception:  # noqa: BLE001  # a zone of another form, which has other attributes
        return None
    is_same = again is zone if library == "pytz" else type(again) is type(zone) and again == zone
    return content if is_same else None


def load(content: dict[str, Any]) -> Any:
    """Read a zone that `dump` wrote.

    Raises:
        UnreadableError: the library is not installed.
        ValueError, LookupError, TypeError: the content is damaged.
    """
    ((library, spec),) = content.items()
    return _READERS[library](spec)


# --- pytz --------------------------------------------------------------------------------


def _write_pytz(zone: Any) -> Any:
    """What pickle would write, which is how pytz itself finds a zone again."""
    if zone.zone is None:
        (minutes,) = zone.__reduce__()[1]
        return minutes
    return list(zone.__reduce__()[1]) or [zone.zone]  # nothing for UTC


def _read_pytz(spec: Any) -> Any:
    pytz = load_pytz()
    if type(spec) is int:
        return pytz.FixedOffset(spec)
    name, *offsets = spec
    if name not in pytz.all_timezones_set:
        raise LookupError
    zone = pytz.timezone(name)
    if not offsets:
        return zone
    offset, summer, abbreviation = offsets
    wanted = dt.timedelta(seconds=offset), dt.timedelta(seconds=summer), abbreviation
    if wanted in zone._tzinfos:
        return zone._tzinfos[wanted]
    # Versions of the database call an offset by other names.
    return next(found for known, found in zone._tzinfos.items() if known[:2] == wanted[:2])


# --- dateutil ----------------------------------------------------------------------------


def _write_dateutil(zone: Any) -> Any:
    tz = _dateutil()
    if type(zone) is type(tz.UTC):
        return None
    if type(zone) is tz.tzoffset:
        seconds = zone.utcoffset(None).total_seconds()
        return [zone.tzname(None), int(seconds)]
    # Its file, such as /usr/share/zoneinfo/America/Indiana/Knox. The name is the end of the path.
    parts = zone._filename.split("/")
    names = ("/".join(parts[start:]) for start in range(max(0, len(parts) - 3), len(parts)))
    return next(name for name in names if _is_known(name) and tz.gettz(name) == zone)


def _read_dateutil(spec: Any) -> Any:
    tz = _dateutil()
    if spec is None:
        return tz.UTC
    if type(spec) is list:
        name, seconds = spec
        if type(seconds) is not int or type(name) not in (str, type(None)):
            raise TypeError
        dt.timezone(dt.timedelta(seconds=seconds))  # raises an error if it is a day or more
        return tz.tzoffset(name, seconds)
    if type(spec) is not str or not _is_known(spec):
        raise LookupError
    zone = tz.gettz(spec)
    if zone is None:
        raise DamagedError("a time zone that this machine does not have")
    return zone


def _is_known(name: str) -> bool:
    # Some systems have a zone "localtime" in their database, which is another one on each.
    return name != "localtime" and is_zone(name)


def _dateutil() -> Any:
    try:
        from dateutil import tz  # type: ignore[import-untyped,unused-ignore]  # has no types
    except ImportError:
        raise UnreadableError(
            "and needs dateutil for a time zone: pip install python-dateutil"
        ) from None
    return tz


_WRITERS = {"pytz": _write_pytz, "dateutil": _write_dateutil}
_READERS = {
    "pytz": _read_pytz,
    "dateutil": _read_dateutil,
    "pydantic_core": zone_of_pydantic,
}
