"""The text form of a value: lines that two versions of it can be compared by."""

from __future__ import annotations

import json
from typing import Any, Final

from streamlit_pgstate import codecs
from streamlit_pgstate.codecs import Payload

MOST_ROWS: Final = 1_000
MOST_LINES: Final = 1_000

_FRAMES: Final = frozenset({"pandas.frame", "pandas.series", "geopandas.frame", "geopandas.series"})


def lines_of(payload: Payload, *, key: str) -> list[str] | None:
    """Return a value as lines of text, at most the first 1,000; None if it has no such form.

    Args:
        payload: the encoded value.
        key: of the value, for messages.

    Raises:
        DecodeError: the value is damaged, or a library or a registered type is missing here.

    Example:
        >>> lines_of(Payload("json", b'{"page": 3}'), key="cart")
        ['{', '  "page": 3', '}']
    """
    payload = codecs.unpacked(payload, key=key)
    if payload.kind == "json":  # not decoded: the app's own classes may be unknown here
        return _json(json.loads(payload.body))[:MOST_LINES]
    if payload.kind in _FRAMES:
        value = codecs.decode(payload, key=key)
        return str(value.head(MOST_ROWS).to_csv()).splitlines()[:MOST_LINES]
    return None


def _json(tree: Any) -> list[str]:
    if isinstance(tree, str):
        return tree.splitlines()
    return json.dumps(tree, ensure_ascii=False, indent=2).split("\n")
