"""File names: safe on every system, whatever the key is."""

from __future__ import annotations

import re
from typing import Final

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")
_SUFFIX: Final = re.compile(r"\.[A-Za-z0-9]{1,10}")
_LONGEST: Final = 40


def file_name(number: int, key: str, suffix: str) -> str:
    """Return the name of the file of a key.

    The number tells apart keys that differ in what a file name cannot hold, or in upper and lower
    case. Beginning with it, no name is a device's, such as `con` on Windows.

    Args:
        number: of the key in its session, from 1 on.
        key: any text.
        suffix: with its dot, from this package or from `safe_suffix`.

    Example:
        >>> file_name(7, "../../etc/passwd", ".json")
        '0007-etc-passwd.json'
    """
    shown = _UNSAFE.sub("-", key).strip("-")[:_LONGEST].strip("-")
    return f"{number:04}-{shown}{suffix}" if shown else f"{number:04}{suffix}"


def safe_suffix(name: str, otherwise: str = ".bin") -> str:
    """Return the suffix of a file's name that a visitor's browser gave.

    Example:
        >>> safe_suffix("table.CSV"), safe_suffix("x.a/b")
        ('.CSV', '.bin')
    """
    found = _SUFFIX.fullmatch(name[name.rfind(".") :]) if "." in name else None
    return found.group() if found else otherwise
