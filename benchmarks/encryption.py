"""What the setting `encryption_key` costs, beside the same without it.

Run: python benchmarks/encryption.py, with PGSTATE_URL for a server of yours; else on a durable
PostgreSQL of its own, over TCP.
"""

from __future__ import annotations

import base64
import itertools
import secrets

import numpy as np
import pandas as pd
from _frames import mixed_frame
from harness import Result, measure, report
from server import server

from streamlit_pgstate import connect

VALUE = "v" * 80
NAMES = [f"widget {number}" for number in range(20)]
KEY = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
SHORT, LONG = {"rounds": 101, "repeats": 9}, {"rounds": 21, "repeats": 1}
"""Short turns: the differences are smaller than the drift of a machine within a second."""


class Visitor:
    """A visitor of a store with a key, or without one, with twenty values and a frame."""

    def __init__(self, url: str, key: str | None, frame: pd.DataFrame) -> None:
        self._store = connect(url, schema="sealed" if key else "plain", encryption_key=key)
        self._store.migrate()
        self._token = self._store.new_token()
        self._state = self._store.state(self._token)
        self._state.update(dict.fromkeys(NAMES, VALUE))
        self._frame = frame
        self._state["frame"] = frame
        self._numbers = itertools.count()

    def load(self) -> list[object]:
        state = self._store.state(self._token)
        return [state[name] for name in NAMES]

    def set_small(self) -> None:
        self._state[NAMES[0]] = f"{VALUE}{next(self._numbers)}"

    def set_frame(self) -> None:
        self._frame.iloc[0, 0] = next(self._numbers)
        self._state["frame"] = self._frame

    def get_frame(self) -> object:
        return self._store.state(self._token)["frame"]


def main(url: str) -> None:
    frame = mixed_frame(np.random.default_rng(1))
    plain, sealed = Visitor(url, None, frame), Visitor(url, KEY, frame)

    def both(title: str, does: str, **often: int) -> Result:
        cases = {
            "without a key": getattr(plain, does),
            "with a key": getattr(sealed, does),
        }
        return measure(title, cases, **often)

    results = [
        both("A page load with twenty values", "load", **SHORT),
        both("A small set, durable", "set_small", **SHORT),
        both("A set of a mixed frame of 100,000 x 10, durable", "set_frame", **LONG),
        both("A get of it", "get_frame", **LONG),
    ]
    report("encryption", results)


if __name__ == "__main__":
    with server() as url:
        main(url)
