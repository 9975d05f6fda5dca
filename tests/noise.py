"""Bytes that no compression makes smaller: so that a test knows how many are stored."""

from __future__ import annotations

import random
from functools import cache


@cache
def noise(size: int, seed: str = "x") -> bytes:
    """`size` bytes, always the same for one `seed`."""
    return random.Random(seed).randbytes(size)
