"""Time zones as pandas has them: those of `plain`, and those of pytz."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

from . import plain
from .payload import RefusedError, UnreadableError

__all__ = ["dump_zone", "load_zone"]


def dump_zone(zone: tzinfo) -> object:
    """Write a time zone: as `plain` does, or ``{"pytz": name}``.

    Raises:
        RefusedError: the zone is of another class, or has no name to find it by.
    """
    if type(zone).__module__.partition(".")[0] != "pytz":
        return plain.dump_zone(zone)
    name = getattr(zone, "zone", None)
    if name is None:
        raise RefusedError(
            "in a fixed offset of pytz, which cannot be kept exactly. Use datetime.timezone"
        )
    return {"pytz": name}  # the default of pandas before 3.0


def load_zone(zone: Any) -> Any:
    """Read what `dump_zone` wrote.

    Raises:
        UnreadableError: it needs pytz, which is not installed.
    """
    if type(zone) is not dict:
        return plain.load_zone(zone)
    try:
        import pytz  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        raise UnreadableError("and needs pytz for a time zone: pip install pytz") from None
    return pytz.timezone(zone["pytz"])
