"""Markers for the scalars of pandas, such as ``{"$pandas": ["Timestamp", 0, "ns"]}``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from dateutil.relativedelta import weekday  # type: ignore[import-untyped,unused-ignore]  # none
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset

from .payload import DamagedError, RefusedError
from .refusals import class_name
from .zones import dump_zone_of_pandas, load_zone_of_pandas

__all__ = ["dump", "dump_offset", "is_kept", "load", "load_offset", "short"]

# Names of frequencies have up to 36 characters, numbers included. The time that pandas takes to
# split a name grows with the square of its length: for 100,000 digits it would be hours.
_LONGEST_FREQUENCY = 64

_Tree: TypeAlias = Callable[[object], Any]


def dump(value: Any, tree: _Tree) -> dict[str, Any] | None:
    """Return the marker of a scalar; None if the value is not a scalar of pandas.

    Args:
        value: the value.
        tree: turns a plain value into a tree for the JSON encoder: `plain.tree`.

    Raises:
        RefusedError: the time zone or the frequency cannot be kept exactly.
    """
    write = _DUMPERS.get(type(value))
    if write is not None:
        return {"$pandas": write(value, tree)}
    if isinstance(value, BaseOffset):
        return {"$pandas": ["offset", tree(dump_offset(value))]}
    return None


def is_kept(cls: type) -> bool:
    """Whether `dump` accepts values of exactly this class; of offsets, at least the default one.

    False for `DateOffset`, which users may have registered before it was kept.
    """
    if cls in _DUMPERS:
        return True
    try:
        return issubclass(cls, BaseOffset) and type(dump_offset(cls())) is str
    except Exception:  # noqa: BLE001  # refused, or not made without arguments
        return False


def load(content: Any) -> Any:
    """Read the content of a marker that `dump` made.

    Raises:
        DamagedError: the content is damaged. pandas may raise other errors.
    """
    name, *parts = content
    return _LOADERS[name](*parts)


def dump_offset(offset: Any) -> str | dict[str, Any]:
    """Write a frequency as its name; one of the class `DateOffset` itself as its parts.

    Raises:
        RefusedError: pandas does not make the same frequency from this.
    """
    if type(offset) is pd.DateOffset:
        return _dump_date_offset(offset)
    text: str = ""
    try:
        text = offset.freqstr
        again = to_offset(text)
        is_same = bool(again == offset) and type(again) is type(offset)
    except Exception:  # noqa: BLE001  # of base classes such as Tick, pandas has no name
        is_same = False
    if not is_same:
        name = repr(text) if text else class_name(type(offset))
        raise RefusedError(
            f"of the frequency {name}, which pandas cannot make again from this name. "
            "Store the data without it, and set it again after reading"
        )
    return text


def load_offset(content: Any) -> Any:
    """Read a frequency that `dump_offset` wrote.

    Raises:
        DamagedError: the content is damaged. pandas may raise other errors.
    """
    return _load_date_offset(**content) if type(content) is dict else to_offset(short(content))


def _dump_date_offset(offset: Any) -> dict[str, Any]:
    parts = {name: _dump_part(part) for name, part in sorted(offset.kwds.items())}
    content = {"n": offset.n, "normalize": offset.normalize, "parts": parts}
    try:
        again = _load_date_offset(**content)
    except Exception:  # noqa: BLE001  # parts of other types, of which pandas takes a few
        again = None
    if again != offset or vars(again).keys() != vars(offset).keys():
        raise RefusedError(
            "a pandas.DateOffset that cannot be made again from its parts. "
            "Keep value.kwds and value.n instead"
        )
    return content


def _load_date_offset(n: Any, normalize: Any, parts: Any) -> Any:
    found = {name: _load_part(part) for name, part in parts.items()}
    if type(n) is not int or type(normalize) is not bool:
        raise DamagedError("a DateOffset with content of another form")
    make: Any = pd.DateOffset  # its stubs lack normalize
    return make(n, normalize, **found)


def _dump_part(part: Any) -> Any:
    return [part.weekday, part.n] if type(part) is weekday else part


def _load_part(part: Any) -> Any:
    if type(part) is list:  # a weekday of dateutil
        return weekday(*part)
    if not isinstance(part, int | float | np.integer):
        raise DamagedError("a DateOffset with parts of another form")
    return part


def short(freq: Any) -> str:
    """Return the name of a frequency, if it is short enough for pandas to split.

    Raises:
        DamagedError: it is not text, or is longer than any name of a frequency.
    """
    if type(freq) is not str or len(freq) > _LONGEST_FREQUENCY:
        raise DamagedError("a name that is not a frequency")
    return freq


def _dump_timestamp(value: Any, tree: _Tree) -> list[object]:
    written: list[object] = ["Timestamp", int(value.asm8.view("i8")), value.unit]
    if value.tzinfo is not None:
        written.append(tree(dump_zone_of_pandas(value.tzinfo)))
    elif value.fold:
        written.append(None)
    if value.fold:
        written.append(1)
    return written


def _load_timestamp(number: int, unit: str, zone: Any = None, fold: Any = 0) -> Any:
    value = pd.Timestamp(_time("datetime64", number, unit))
    if zone is not None:
        value = value.tz_localize("UTC").tz_convert(load_zone_of_pandas(zone))
    # With a zone, pandas has set the fold already, except if a time that is not ambiguous was given
    # a fold.
    return value.replace(fold=fold) if fold and not value.fold else value


def _load_timedelta(number: int, unit: str) -> Any:
    return pd.Timedelta(_time("timedelta64", number, unit))


def _time(kind: str, number: int, unit: str) -> Any:
    if type(number) is not int or unit not in ("s", "ms", "us", "ns"):
        raise DamagedError("a time of pandas with content of another form")
    return np.array(number, "i8").view(f"{kind}[{unit}]")[()]


def _dump_period(value: Any, tree: _Tree) -> list[object]:
    if pd.Period(ordinal=value.ordinal, freq=value.freqstr) != value:
        raise RefusedError(
            "a period that pandas cannot make again from its ordinal and frequency. "
            "Keep its start_time instead"
        )
    return ["Period", value.ordinal, value.freqstr]


def _dump_interval(value: Any, tree: _Tree) -> list[object]:
    return ["Interval", tree(value.left), tree(value.right), value.closed]


_DUMPERS: dict[type, Callable[[Any, _Tree], list[object]]] = {
    type(pd.NaT): lambda value, tree: ["NaT"],
    type(pd.NA): lambda value, tree: ["NA"],
    pd.Timestamp: _dump_timestamp,
    pd.Timedelta: lambda value, tree: ["Timedelta", int(value.asm8.view("i8")), value.unit],
    pd.Period: _dump_period,
    pd.Interval: _dump_interval,
}

_LOADERS: dict[str, Callable[..., Any]] = {
    "NaT": lambda: pd.NaT,
    "NA": lambda: pd.NA,
    "Timestamp": _load_timestamp,
    "Timedelta": _load_timedelta,
    "Period": lambda ordinal, freq: pd.Period(ordinal=ordinal, freq=short(freq)),
    "Interval": pd.Interval,
    "offset": load_offset,
}
