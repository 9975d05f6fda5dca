"""Tests of the command line. A package, as its `conftest` must not take the name of another one."""

from __future__ import annotations
