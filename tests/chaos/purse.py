"""The purse of a hand: the tokens that open its own session, kept while processes come and go.

It stands for a browser, which keeps one token: what `rotate` returned last.
"""

from __future__ import annotations

import json
import os
from pathlib import Path


class Purse:
    """A file with the newest token, and the one before it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def tokens(self) -> list[str]:
        """The newest first; none at the beginning."""
        return json.loads(self._path.read_text()) if self._path.exists() else []

    def put(self, *tokens: str) -> None:
        """Keep these alone. Whoever reads meanwhile finds these or those of before."""
        aside = self._path.with_suffix(".new")
        aside.write_text(json.dumps(tokens))
        os.replace(aside, self._path)
