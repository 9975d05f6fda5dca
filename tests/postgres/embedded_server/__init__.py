"""Tests of the embedded PostgreSQL. A package, as its `conftest` must not take another's name."""

from __future__ import annotations
