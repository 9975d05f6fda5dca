"""Values about as large as the bounds at which they are compressed, cut and sent ahead."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from noise import noise

from strategies.once import once

KB, MB = 2**10, 2**20
SIZES = (64 * KB - 200, 64 * KB, 100 * KB, MB - 200, MB, MB + 1, 5 * MB)

MAKERS = {
    "bytes": bytes,
    "text": lambda body: body.decode("latin-1"),
    "a list": lambda body: [body[at : at + 999].hex() for at in range(0, len(body), 1998)],
    "an array": lambda body: np.frombuffer(body, "u1").reshape(1, -1),
    "a frame": lambda body: pd.DataFrame(
        np.frombuffer(body, "<u2", len(body) // 32 * 16).reshape(-1, 16)
    ),
    "text in a frame": lambda body: pd.DataFrame({"a": [body.hex()] * 3, "b": [1, 2, 3]}),
    "a bundle": lambda body: {
        "a": body,
        "b": [bytearray(body[:40_000]), np.frombuffer(body, "u1")],
    },
}


@once
def large_values():
    """Noise, which nothing makes smaller, or a few bytes again and again."""
    bodies = st.builds(
        lambda size, seed, is_noise: noise(size, str(seed)) if is_noise else _repeated(size, seed),
        st.sampled_from(SIZES), st.integers(0, 99), st.booleans(),
    )  # fmt: skip
    makers = st.sampled_from(sorted(MAKERS)).map(MAKERS.__getitem__)
    return st.builds(lambda make, body: make(body), makers, bodies)


def _repeated(size, seed):
    return (bytes(range(seed + 1)) * (size // (seed + 1) + 1))[:size]
