"""Time zones as plain values: those of the standard library, and pytz's, which pandas may use."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from .payload import RefusedError, UnreadableError
from .refusals import class_name

__all__ = [
    "UTC",
    "dump_zone",
    "dump_zone_of_pandas",
    "is_zone",
    "load_zone",
    "load_zone_of_pandas",
]

# Most times are in UTC. Comparing with this constant saves 3 of 6 µs when a time is written, and
# 1 of 3 µs when it is read.
UTC = ["+00:00:00"]


def dump_zone(zone: dt.tzinfo) -> object:
    """Write a time zone: the key of a `ZoneInfo`, or ``[offset]`` or ``[offset, name]``.

    Raises:
        RefusedError: the zone is of another class, or is a `ZoneInfo` that was made from a file.
    """
    if type(zone) is dt.timezone:
        if zone is dt.UTC:
            return UTC
        # Not `tzname`, which returns a name made from the offset if none was given.
        offset, *name = zone.__getinitargs__()  # type: ignore[attr-defined]
        return [_offset(offset), *name]
    if type(zone) is ZoneInfo and zone.key is not None and is_zone(zone.key):
        return zone.key
    if str(type(zone).__module__).startswith("pydantic_core.") and _is_again(zone):
        return {"pydantic_core": _seconds(zone)}
    raise RefusedError(
        f"in a time zone of the class {class_name(type(zone))}, which cannot be kept exactly. "
        "Use .astimezone(zoneinfo.ZoneInfo('…')) of it, in pandas .tz_convert('…')"
    )


def load_zone(content: Any) -> dt.tzinfo:
    """Read a zone that `dump_zone` wrote. Looks up only keys of the time zone database.

    Raises:
        ValueError, LookupError, OSError, TypeError: the content is of another form, or the zone
            is not in the database that is installed.
    """
    if type(content) is str:
        if not is_zone(content):
            raise LookupError
        return ZoneInfo(content)
    if type(content) is dict:
        ((library, seconds),) = content.items()
        if library != "pydantic_core":
            raise LookupError
        return zone_of_pydantic(seconds)
    if type(content) is not list:
        raise TypeError
    if content == UTC:
        return dt.UTC
    offset, *name = content
    sign = {"+": 1, "-": -1}[offset[0]]
    at = dt.time.fromisoformat(offset[1:])
    size = dt.timedelta(0, at.second, at.microsecond, 0, at.minute, at.hour)
    return dt.timezone(sign * size, *name)


def zone_of_pydantic(seconds: Any) -> dt.tzinfo:
    """Make the zone that pydantic gives to dates and times that it reads from text."""
    if type(seconds) is not int:
        raise TypeError
    try:
        from pydantic_core import TzInfo
    except ImportError:
        raise UnreadableError(
            "and holds a time zone of pydantic, which is not installed. Run pip install pydantic"
        ) from None
    return TzInfo(seconds)


def _seconds(zone: dt.tzinfo) -> int:
    offset = zone.utcoffset(None) or dt.timedelta(0)
    return int(offset.total_seconds())


def _is_again(zone: dt.tzinfo) -> bool:
    try:
        again = zone_of_pydantic(_seconds(zone))
        return type(again) is type(zone) and again == zone
    except Exception:  # noqa: BLE001  # of a version that makes no zones by itself
        return False


def is_zone(key: str) -> bool:
    """Whether the database has the zone. By other keys, ZoneInfo would open files and import."""
    return key.removeprefix("posix/").removeprefix("right/") in _zone_names()


@cache  # as this takes 10 ms
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


def _offset(offset: dt.timedelta) -> str:
    sign = "-" if offset < dt.timedelta(0) else "+"
    hours, rest = divmod(abs(offset), dt.timedelta(hours=1))
    return f"{sign}{(dt.datetime.min + rest).replace(hour=hours).time().isoformat()}"


def dump_zone_of_pandas(zone: dt.tzinfo) -> object:
    """Write a zone as `dump_zone` does, or one of pytz, pandas' default before 3.0, by its name.

    A zone of pytz is written as ``{"pytz": name}``.

    Raises:
        RefusedError: the zone is of another class, or has no name.
    """
    if type(zone).__module__.partition(".")[0] != "pytz":
        return dump_zone(zone)
    name = getattr(zone, "zone", None)
    if name is None:
        raise RefusedError(
            "in a fixed offset of pytz, which cannot be kept exactly. Use datetime.timezone"
        )
    return {"pytz": name}


def load_zone_of_pandas(content: Any) -> Any:
    """Read a zone that `dump_zone_of_pandas` wrote.

    Raises:
        UnreadableError: the zone needs pytz, which is not installed.
        ValueError, LookupError, OSError, TypeError: as `load_zone`.
    """
    if type(content) is not dict or "pytz" not in content:
        return load_zone(content)
    return load_pytz().timezone(content["pytz"])


def load_pytz() -> Any:
    """Import pytz, which few apps have.

    Raises:
        UnreadableError: it is not installed.
    """
    try:
        import pytz  # type: ignore[import-untyped,unused-ignore]  # has no types of its own
    except ImportError:
        raise UnreadableError("and needs pytz for a time zone: pip install pytz") from None
    return pytz
