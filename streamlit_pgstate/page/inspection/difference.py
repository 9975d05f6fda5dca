"""The difference between two versions of a value, line by line."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def difference(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Return what has changed, as `diff -u` writes it; empty if nothing has.

    Example:
        >>> difference(["a", "b"], ["a", "c"])
        ['@@ -1,2 +1,2 @@', ' a', '-b', '+c']
    """
    found = difflib.unified_diff(before, after, lineterm="")
    return list(found)[2:]  # without the names of the files
