"""Cases that `make everything` runs and `make test` leaves out.

They try a rule once more: in a further combination, with more visitors, or for longer. A case that
is the only one of its rule never belongs here.
"""

from __future__ import annotations

from typing import Any

import pytest


def in_everything(*values: Any) -> list[Any]:
    """Values of a parameter that `make everything` tries beside those of `make test`."""
    return [
        pytest.param(*(value if isinstance(value, tuple) else [value]), marks=pytest.mark.long)
        for value in values
    ]
