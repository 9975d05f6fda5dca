"""What it costs to turn values into bytes and back, beside pickle 5 and plain Arrow IPC.

Pickle is the base: it is what a session would use that trusts whoever can write to its database.
Arrow stands beside it where it takes the value at all. Run: python benchmarks/codecs.py
"""

from __future__ import annotations

import io
import pickle
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from ipaddress import IPv4Address
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from _frames import ROWS, mixed_frame
from harness import Result, measure, report

from streamlit_pgstate.codecs import compression, decode, encode, register
from streamlit_pgstate.codecs.file import StoredFile

RANDOM = np.random.default_rng(1)


@dataclass
class Order:
    number: int
    items: list[str]


class Place(NamedTuple):
    number: int
    height: float


class Colour(Enum):
    RED = 0
    GREEN = 1
    BLUE = 2


def values() -> dict[str, Any]:
    """One value of every kind, most of them of some MB."""
    mixed = mixed_frame(RANDOM)
    found = {
        "json: a form of 20 fields": {f"field {n}": f"value {n}" for n in range(20)},
        "json: 2,000 dicts": [{"id": n, "name": f"user {n}", "x": n / 7} for n in range(2000)],
        "bytes: 8 MB of noise": RANDOM.bytes(8_000_000),
        "numpy.array: 8 MB of floats": RANDOM.random(1_000_000),
        "numpy.array: 8 MB of small ints": RANDOM.integers(0, 1000, 1_000_000),
        "numpy.masked: 8 MB": np.ma.masked_less(RANDOM.random(1_000_000), 0.1),
        "pandas.frame: 100,000 x 10 mixed": mixed,
        "pandas.frame: 100,000 x 10 floats": pd.DataFrame(RANDOM.random((ROWS, 10))),
        "pandas.frame: 1,000 x 10 mixed": mixed.head(1000),
        "pandas.series: 100,000 texts": mixed["name"],
        "pandas.index: 100,000 times": pd.DatetimeIndex(mixed["at"]),
        "pandas.array: 100,000 categories": mixed["kind"].array,
        "pyarrow.table: 100,000 x 10": (table := pa.Table.from_pandas(mixed)),
        "pyarrow.batch: 100,000 x 10": table.to_batches()[0],
        "pyarrow.array: 100,000 floats": table.to_batches()[0].column("share"),
        "pyarrow.chunks: 100,000 texts": table.column("name"),
        "io.BytesIO: 8 MB of noise": io.BytesIO(RANDOM.bytes(8_000_000)),
        "io.StringIO: 8 MB": io.StringIO("id,name\n" * 1_000_000),
        "file: 8 MB of noise": StoredFile(RANDOM.bytes(8_000_000), name="a", type="image/png"),
        "bundle: a frame, an array, a date": {
            "frame": mixed,
            "array": RANDOM.random(100_000),
            "at": pd.Timestamp("2026-01-02"),
        },
        "registered: 1,000 dataclasses": [Order(n, ["a", "b"]) for n in range(1000)],
    }
    return found | of_the_standard_library() | optional(mixed)


def of_the_standard_library() -> dict[str, Any]:
    texts = [f"text {n}" for n in range(1000)]
    return {
        "containers: 4,000 items in four": {
            "ordered": OrderedDict.fromkeys(texts, 1),
            "groups": defaultdict(list, {text: [1] for text in texts}),
            "counts": Counter(texts),
            "last": deque(texts, maxlen=1000),
        },
        "small values: 3,000": [
            each
            for n in range(1000)
            for each in (Fraction(n, 7), PurePosixPath(f"a/{n}"), IPv4Address(n))
        ],
        "dtypes: of a frame of 10 columns": pd.DataFrame(
            {str(n): [n / 7] for n in range(10)}
        ).dtypes,
        "registered: 1,000 NamedTuples": [Place(n, n / 7) for n in range(1000)],
        "registered: 1,000 members": [Colour(n % 3) for n in range(1000)],
    }


def optional(mixed: pd.DataFrame) -> dict[str, Any]:
    found: dict[str, Any] = {}
    try:
        import scipy.sparse

        matrix = scipy.sparse.random_array((2000, 2000), density=0.1, rng=1, format="csr")
        found["scipy.sparse: 400,000 of 4 million"] = matrix
    except ImportError:
        pass
    try:
        import polars

        found["polars.frame: 100,000 x 10"] = frame = polars.from_pandas(mixed)
        found["polars.series: 100,000 texts"] = frame["name"]
    except ImportError:
        pass
    try:
        from PIL import Image

        picture = Image.linear_gradient("L").resize((1000, 800)).convert("RGB")
        found["PIL.image: 1000 x 800"] = picture
    except ImportError:
        pass
    try:
        import plotly.graph_objects

        points = RANDOM.random(10_000)
        found["plotly.figure: 10,000 points"] = plotly.graph_objects.Figure(
            plotly.graph_objects.Scatter(x=points, y=points)
        )
    except ImportError:
        pass
    try:
        import altair

        found["altair.chart: 1,000 rows"] = (
            altair.Chart(mixed[["id", "share"]].head(1000)).mark_point().encode(x="id", y="share")
        )
    except ImportError:
        pass
    try:
        import geopandas
        import shapely

        points = shapely.points(RANDOM.random((10_000, 2)))
        found["shapely: 1,000 points"] = list(points[:1000])
        found["geopandas.frame: 10,000 points"] = geopandas.GeoDataFrame(
            {"id": range(10_000)}, geometry=points, crs="EPSG:4326"
        )
    except ImportError:
        pass
    try:
        import pydantic

        model = pydantic.create_model("Model", number=(int, ...), items=(list[str], ...))
        globals()["Model"] = model  # where pickle looks for it
        register(model, name="model")
        models = [model(number=n, items=["a", "b"]) for n in range(1000)]
        found["registered: 1,000 models"] = models
    except ImportError:
        pass
    return found


class Ratios(Result):
    """One kind: what it takes in each respect, pickle 5 being 1."""

    def __str__(self) -> str:
        rows = [f"| {case} | {ratio:.2f}x |" for case, ratio in self.seconds.items()]
        return "\n".join([f"### {self.title}", "| case | ratio |", "|---|---|", *rows])


def main() -> None:
    register(Order, name="order")
    register(Place, name="place")
    register(Colour, name="colour")
    results: list[Result] = []
    for name, value in values().items():
        print(name, flush=True)
        results.append(compared(name, value))
    report("codecs", results)


def compared(name: str, value: Any) -> Result:
    payload = encode(value, key="k")
    pickled = pickle.dumps(value, 5)
    writers: dict[str, Callable[[], object]] = {
        "pickle 5": lambda: pickle.dumps(value, 5),
        payload.kind: lambda: encode(value, key="k"),
    }
    readers: dict[str, Callable[[], object]] = {
        "pickle 5": lambda: pickle.loads(pickled),  # the peer, on bytes of its own
        payload.kind: lambda: decode(payload, key="k"),
    }
    sizes = {"pickle 5": len(pickled), payload.kind: payload.size}
    if payload.kind.endswith(compression.SUFFIX):
        case = "not compressed"
        writers[case], readers[case], sizes[case] = without_compression(value, payload)
    arrow = arrow_of(value)
    if arrow is not None:
        writers["Arrow IPC"] = lambda: arrow_of(value)
        readers["Arrow IPC"] = lambda: pa.ipc.open_stream(arrow).read_pandas()
        sizes["Arrow IPC"] = len(arrow)
    repeats = 50 if len(pickled) < 200_000 else 3
    encoded = measure("encode", writers, rounds=5, repeats=repeats)
    decoded = measure("decode", readers, rounds=5, repeats=repeats)
    base = encoded.seconds["pickle 5"], decoded.seconds["pickle 5"], len(pickled)
    ratios = {"pickle 5": 1.0}
    for case in list(writers)[1:]:
        ratios[f"{case}: encode"] = encoded.ratio(case)
        ratios[f"{case}: decode"] = decoded.ratio(case)
        ratios[f"{case}: size"] = sizes[case] / len(pickled)
    took = f"{base[0] * 1e3:.2f} ms, {base[1] * 1e3:.2f} ms, {base[2] / 1e6:.2f} MB"
    return Ratios(f"{name} (pickle: {took})", ratios, unit="x")


def without_compression(
    value: Any, payload: Any
) -> tuple[Callable[[], object], Callable[[], object], int]:
    body = compression.unpack(payload.body)
    plain = type(payload)(payload.kind.removesuffix(compression.SUFFIX), body)

    def write() -> object:
        pack = compression.pack
        compression.pack = lambda kind, body: (kind, body)
        try:
            return encode(value, key="k")
        finally:
            compression.pack = pack

    return write, lambda: decode(plain, key="k"), len(body)


def arrow_of(value: Any) -> bytes | None:
    """What plain Arrow IPC makes of a frame; None for what it is not made for."""
    if not isinstance(value, pd.DataFrame):
        return None
    try:
        table = pa.Table.from_pandas(value)
    except pa.ArrowException:  # of a column of geometries
        return None
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


if __name__ == "__main__":
    main()
