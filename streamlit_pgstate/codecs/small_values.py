"""Small values of the standard library as a `Form` each: fractions, paths, addresses, zones."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
from fractions import Fraction
from pathlib import PosixPath, PurePath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any
from zoneinfo import ZoneInfo

from . import patterns
from .form import Form, expect
from .payload import RefusedError, UnreadableError
from .refusals import class_name
from .zones import dump_zone, load_zone

__all__ = ["FORMS"]

# To reduce a fraction takes a time that grows with the square of its length: 0.4 ms at 2^14 bits.
_MAX_BITS = 1 << 14


def _take_fraction(value: Fraction) -> tuple[Any, ...]:
    parts = [value.numerator, value.denominator]
    if not all(type(part) is int for part in parts):
        raise RefusedError(
            "a fractions.Fraction of numbers that are not int. "
            "Keep Fraction(int(value.numerator), int(value.denominator)) instead"
        )
    if max(part.bit_length() for part in parts) > _MAX_BITS:
        raise RefusedError(
            f"a fractions.Fraction of over {_MAX_BITS:,} bits, which takes too long to read. "
            "Keep (value.numerator, value.denominator) instead"
        )
    return (parts,)


def _make_fraction(content: Any) -> Fraction:
    parts = [expect(part, int) for part in expect(content, list)]
    if max(part.bit_length() for part in parts) > _MAX_BITS:
        raise ValueError
    return Fraction(*parts)


# --- paths -------------------------------------------------------------------------------


_PATHS = {
    path.__name__: path
    for path in (PurePosixPath, PureWindowsPath, PosixPath, WindowsPath)
}  # fmt: skip
_FOREIGN = PosixPath if os.name == "nt" else WindowsPath  # not to be made on this system
_PURE: dict[type, type[PurePath]] = {PosixPath: PurePosixPath, WindowsPath: PureWindowsPath}


def _take_path(value: PurePath) -> tuple[Any, ...]:
    text = str(value)
    pure: type[PurePath] = _PURE.get(type(value), type(value))
    again = pure(text)
    if (again.drive, again.root, again.parts) != (value.drive, value.root, value.parts):
        raise RefusedError(
            f"a {class_name(type(value))} that its text does not make again. "
            "Keep value.parts instead"
        )
    return text, type(value).__name__


def _make_path(text: Any, name: Any) -> PurePath:
    cls = _PATHS[expect(name, str)]
    if cls is _FOREIGN:
        raise UnreadableError(
            f"and holds a pathlib.{name}, which this system does not have. Read it on the system "
            f"that wrote it, and store {_PURE[cls].__name__} to read it on both"
        )
    return cls(expect(text, str))


# --- addresses ---------------------------------------------------------------------------


_ADDRESSES = {
    made.__name__: made
    for made in (
        *(ipaddress.IPv4Address, ipaddress.IPv4Network, ipaddress.IPv4Interface),
        *(ipaddress.IPv6Address, ipaddress.IPv6Network, ipaddress.IPv6Interface),
    )
}


def _take_address(value: Any) -> tuple[Any, ...]:
    again = type(value)(str(value))
    # Networks and interfaces have a __dict__, in which they also keep what they have computed.
    extra = vars(value).keys() - vars(again).keys() if hasattr(value, "__dict__") else set()
    if again != value or any(not hasattr(type(value), name) for name in extra):
        raise RefusedError(
            f"a {class_name(type(value))} that its text does not make again, or with attributes "
            "of its own. Keep str(…) of it instead"
        )
    return str(value), type(value).__name__


def _make_address(text: Any, name: Any) -> Any:
    return _ADDRESSES[expect(name, str)](expect(text, str))


# --- zones -------------------------------------------------------------------------------


def _take_zone(value: dt.tzinfo) -> tuple[Any, ...]:
    try:
        return (dump_zone(value),)
    except RefusedError:
        raise RefusedError(
            "a zoneinfo.ZoneInfo that is not one of the database, such as one of a file. "
            "Keep the data of the file instead"
        ) from None


FORMS: dict[type, Form] = {
    Fraction: Form("$fraction", _take_fraction, _make_fraction, is_leaf=True),
    **dict.fromkeys(_PATHS.values(), Form("$path", _take_path, _make_path, 1, is_leaf=True)),
    **dict.fromkeys(
        _ADDRESSES.values(), Form("$address", _take_address, _make_address, 1, is_leaf=True)
    ),
    **dict.fromkeys((ZoneInfo, dt.timezone), Form("$zone", _take_zone, load_zone, is_leaf=True)),
    **patterns.FORMS,
}
"""By class: its form."""
