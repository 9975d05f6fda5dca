"""Tests of a new token for a state. A package, as its `conftest` must not take another's name."""

from __future__ import annotations
