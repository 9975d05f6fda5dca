"""Cases that `make everything` runs and `make test` leaves out.

They try a rule once more: in a further combination, with more visitors, or for longer. A case that
is the only one of its rule never belongs here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest


def in_everything(*values: Any) -> list[Any]:
    """Values of a parameter that `make everything` tries beside those of `make test`."""
    return [
        pytest.param(*(value if isinstance(value, tuple) else [value]), marks=pytest.mark.long)
        for value in values
    ]


def named(table: Mapping[str, Any], *in_test: str) -> list[Any]:
    """Values of a parameter by their names: `make test` tries those of these names alone."""
    unknown = set(in_test) - set(table)
    assert not unknown, unknown
    return [
        pytest.param(value, id=name, marks=[] if name in in_test else [pytest.mark.long])
        for name, value in table.items()
    ]
