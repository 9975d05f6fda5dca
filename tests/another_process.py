"""A process of its own, with a connection of its own: says what it reads, and writes it again.

Each line of its input is a question, `{"read": key, "write": key or null}`, and each line of its
output an answer: the fingerprint and the digest of the value, or the error that it met.
"""

from __future__ import annotations

import json
import sys

import own_types  # noqa: F401  # which registers them
from fingerprint import fingerprint

from streamlit_pgstate import State, connect
from streamlit_pgstate.codecs import encode


def main(url: str, token: str) -> None:
    state = connect(url).state(token, cache=False)
    for line in sys.stdin:
        try:
            answer = answered(state, **json.loads(line))
        except Exception as error:  # noqa: BLE001  # the other process shows it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


def answered(state: State, read: str, write: str | None) -> dict[str, object]:
    value = state[read]
    answer = {"fingerprint": fingerprint(value), "digest": encode(value, key=read).digest.hex()}
    if write is not None:
        state[write] = value
    return answer


if __name__ == "__main__":
    main(*sys.argv[1:])
