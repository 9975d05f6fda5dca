"""Whether a test has failed, for fixtures that then show what its page says."""

from __future__ import annotations

import pytest

FAILED = pytest.StashKey[bool]()
