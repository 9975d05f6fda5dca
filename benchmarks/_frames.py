"""The frame that several benchmarks store."""

from __future__ import annotations

import numpy as np
import pandas as pd

ROWS = 100_000


def mixed_frame(random: np.random.Generator) -> pd.DataFrame:
    """100,000 rows and 10 columns, of all the common types."""
    return pd.DataFrame(
        {
            "id": np.arange(ROWS),
            "amount": random.normal(size=ROWS).round(2),
            "share": random.random(ROWS),
            "count": random.integers(0, 1000, ROWS),
            "city": random.choice(["Berlin", "Paris", "Rome", "Madrid"], ROWS),
            "name": [f"user {number}" for number in range(ROWS)],
            "at": pd.date_range("2026-01-01", periods=ROWS, freq="min"),
            "kind": pd.Categorical(random.choice(list("abc"), ROWS)),
            "done": random.random(ROWS) > 0.5,
            "stars": pd.array(random.integers(0, 6, ROWS), "Int8"),
        }
    )


def noisy_frame(random: np.random.Generator) -> pd.DataFrame:
    """As `mixed_frame`, with more numbers that hardly shrink: 8.35 MB as Arrow, half as zstd."""
    return pd.DataFrame(
        {
            "id": np.arange(ROWS),
            "x": random.normal(size=ROWS),
            "y": random.normal(size=ROWS),
            "amount": random.normal(size=ROWS).round(2),
            "count": random.integers(0, 100_000, ROWS),
            "city": random.choice(["Berlin", "Paris", "Rome", "Madrid"], ROWS),
            "name": [f"customer {number}" for number in random.permutation(ROWS)],
            "at": pd.date_range("2026-01-01", periods=ROWS, freq="min"),
            "kind": pd.Categorical(random.choice(list("abc"), ROWS)),
            "done": random.random(ROWS) > 0.5,
        }
    )
