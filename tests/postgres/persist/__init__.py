"""Tests of `persist` in scripts. A package, as its `conftest` must not take the name of another."""

from __future__ import annotations
