"""Values of all families in each other, and such that hold something that cannot be kept."""

from __future__ import annotations

import io
import threading
from collections import deque
from fractions import Fraction

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from libraries import alt, pl, plotly, scipy, shapely
from own_types import Colour, Frozen, Inner, Level, Model, Pair, Point, Right, Strict, Visit

from strategies import arrays, figures, files, frames, matrices, places, plain, stdlib, tables
from strategies.arrays import cells_of
from strategies.once import once

ALONE = {
    "plain values": plain.plain_values(),
    "arrays": arrays.arrays(),
    "scalars": frames.scalars(),
    "frames": frames.frames(),
    "Series": frames.series(),
    "indexes": frames.lone_indexes(),
    "extension arrays": frames.lone_arrays(),
    "Arrow": tables.arrow_arrays() | tables.arrow_tables(),
    "files": files.files(),
    "dtypes": arrays.dtypes() | stdlib.pandas_dtypes(frames.lone_arrays()),
    "dates' offsets": stdlib.date_offsets(),
    **({"polars": tables.polars_frames()} if pl else {}),
    **({"sparse matrices": matrices.matrices()} if scipy else {}),
    **({"figures": figures.figures()} if plotly or alt else {}),
    **({"places": places.places()} if shapely else {}),
}


def own(inner):
    """Values of registered types that hold others."""
    names = st.text().filter(lambda name: not name.startswith("_"))
    model = Model and st.builds(
        _model,
        name=st.text(),
        sizes=st.lists(st.integers(), max_size=2),
        private=inner,
        value=inner,
        extra=st.dictionaries(names, inner, max_size=1),
    )
    return st.one_of(
        st.builds(Point, st.integers(), inner),
        st.builds(Pair, inner, inner),
        st.builds(Strict, st.integers(), st.text(), st.none(), st.none() | inner.map(Inner)),
        st.builds(Visit, st.integers(), inner),
        st.builds(Frozen, st.lists(st.integers(), max_size=3).map(tuple)),
        *([model] if Model else []),
        st.sampled_from([*Colour, *Level, Right.READ, Right.READ | Right.WRITE]),
        st.builds(Fraction, st.integers(), st.integers(1, 99)),
    )


def _model(*, name, sizes, private, value, extra):
    model = Model(name=name, sizes=sizes, value=value)
    model._private = private
    model.__pydantic_extra__.update(extra)
    return model


def _noted(data, value):
    data.attrs = {"note": value}
    return data


@once
def keys():
    return st.one_of(
        plain.hashables(),
        frames.names(),
        st.sampled_from([Colour.RED, Level.LOW, Pair(1, "a"), Fraction(1, 2)]),
    )


def holders(inner):
    """Whatever holds others: containers, registered types, arrays and cells of objects."""
    return st.one_of(
        plain.containers(inner, keys()),
        own(inner),
        st.lists(inner, max_size=2).map(cells_of),
        inner.map(lambda value: _noted(pd.Series([1.5]), value)),
        st.lists(inner, max_size=2).map(lambda cells: pd.Series(cells_of(cells), dtype=object)),
        st.lists(inner, max_size=2).map(
            lambda cells: pd.DataFrame({"a": pd.Series(cells_of(cells), dtype=object)})
        ),
    )


@once
def anything():
    """Values of all families in each other."""
    return st.recursive(st.one_of(*ALONE.values()), holders, max_leaves=5)


FAMILIES = {**ALONE, "values in each other": anything()}


_CULPRITS = {
    "a function": lambda: print,
    "a lambda": lambda: lambda: 0,
    "an object": object,
    "a class": lambda: int,
    "a generator": lambda: (number for number in ()),
    "a lock": threading.Lock,
    "a closed file": lambda: _closed(),
    "a deque of a user's own": lambda: type("Deque", (deque,), {})(),
    "a circle": lambda: _circle(),
    "80 bits": lambda: np.longdouble(1),
    "an array of 80 bits": lambda: np.zeros(2, "longdouble"),
    "a record array": lambda: np.zeros(1, "i4,f8").view(np.recarray),
    "an index of two dimensions": lambda: pd.DatetimeIndex(
        pd.date_range("2026", periods=4).array.reshape(2, 2)
    ),
}


def _closed():
    file = io.BytesIO()
    file.close()
    return file


def _circle():
    value = []
    value.append({"again": value})
    return value


@once
def refused():
    """Values that hold one thing that cannot be kept, anywhere."""
    culprits = st.sampled_from(sorted(_CULPRITS)).map(lambda name: _CULPRITS[name]())
    culprits |= tables.dictionaries_of_dictionaries()
    return st.recursive(culprits, _around, max_leaves=1)


def _around(culprit):
    beside = st.lists(plain.leaves() | arrays.arrays(), max_size=2)
    return st.one_of(
        st.builds(lambda some, value, more: [*some, value, *more], beside, culprit, beside),
        st.builds(lambda some, value: (*some, value), beside, culprit),
        st.builds(lambda some, value: {"a": some, 1: value}, beside, culprit),
        st.builds(lambda some, value: cells_of([*some, value]), beside, culprit),
        st.builds(lambda value: pd.DataFrame({"a": [1], "b": cells_of([value])}), culprit),
        st.builds(lambda value: Point(1, value), culprit),
        st.builds(lambda some, value: deque([*some, value]), beside, culprit),
    )
