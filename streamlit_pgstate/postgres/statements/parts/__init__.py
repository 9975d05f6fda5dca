"""Parts that several statements share, once each."""

from __future__ import annotations
