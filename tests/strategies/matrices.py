"""scipy.sparse in every layout, with zeros, repetitions, gaps and wide indices."""

from __future__ import annotations

from functools import cache

import numpy as np
from hypothesis import strategies as st
from libraries import scipy

from strategies import arrays
from strategies.once import once

LAYOUTS = ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
DTYPES = ("?", "i1", "<i2", "<i4", "<i8", "u1", "<u2", "<u4", "<u8", "<f4", "<f8", "<c8", "<c16")


@once
def matrices():
    made = st.one_of(converted(), compressed(), diagonals(), of_other_dimensions())
    return made | st.builds(_noted, made, st.sampled_from(["m", (1, 2), np.arange(2)]))


def _noted(matrix, note):
    matrix.note, matrix.maxprint = note, 7
    return matrix


@once
def _class(layout, *, arrays_only=False):
    shapes = ["array"] if arrays_only else ["array", "matrix"]
    return st.sampled_from(shapes).map(lambda shape: getattr(scipy.sparse, f"{layout}_{shape}"))


@once
def _values(count):
    return st.sampled_from(DTYPES).flatmap(lambda name: arrays.filled(np.dtype(name), (count,)))


def _places(draw, shape, count):
    return tuple(
        np.array(draw(st.lists(st.integers(0, size - 1), min_size=count, max_size=count)), "i4")
        for size in shape
    )


@cache
@st.composite
def converted(draw):
    """Of a `coo` that may hold one place twice."""
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    count = draw(st.integers(0, 5))
    parts = draw(_values(count)), _places(draw, shape, count)
    found = draw(_class("coo"))(parts, shape)
    layout = draw(st.sampled_from(LAYOUTS))
    with np.errstate(all="ignore"):
        found = found.asformat(layout)
    if layout in ("csr", "csc", "coo") and draw(st.booleans()):
        _widen(found)
    if layout == "dok" and draw(st.booleans()):
        found[0, 0] = 1  # by a key of two int, beside those of SciPy's int32
    return found


def _widen(matrix):
    if matrix.format != "coo":
        matrix.indices, matrix.indptr = matrix.indices.astype("i8"), matrix.indptr.astype("i8")
    elif hasattr(matrix, "coords"):
        matrix.coords = tuple(part.astype("i8") for part in matrix.coords)
    else:
        matrix.row, matrix.col = matrix.row.astype("i8"), matrix.col.astype("i8")


@cache
@st.composite
def compressed(draw):
    """As one may put it together: not sorted, with repetitions, in blocks."""
    counts = draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))
    (indices,) = _places(draw, (4,), sum(counts))
    indptr = np.cumsum([0, *counts]).astype("i4")
    layout = draw(st.sampled_from(["csr", "csc", "bsr"]))
    cls = draw(_class(layout))
    if layout == "bsr":
        block = draw(st.sampled_from([(1, 1), (2, 1), (2, 3)]))
        values = draw(_values(len(indices) * block[0] * block[1])).reshape(-1, *block)
        return cls((values, indices, indptr), (len(counts) * block[0], 4 * block[1]))
    shape = (len(counts), 4) if layout == "csr" else (4, len(counts))
    return cls((draw(_values(len(indices))), indices, indptr), shape)


@cache
@st.composite
def diagonals(draw):
    """With diagonals partly outside of it."""
    offsets = draw(st.lists(st.integers(-5, 5), max_size=3, unique=True))
    length = draw(st.integers(1, 4))
    values = draw(_values(len(offsets) * length)).reshape(len(offsets), length)
    return draw(_class("dia"))((values, np.array(offsets, "i4")), (draw(st.integers(1, 4)), 4))


@cache
@st.composite
def of_other_dimensions(draw):
    shape = (3,) if draw(st.booleans()) else (2, 3, 2)
    if tuple(map(int, scipy.__version__.split(".")[:2])) < (1, 15):
        shape = (2, 3)
    count = draw(st.integers(0, 4))
    cls = draw(_class("coo", arrays_only=True))
    found = cls((draw(_values(count)), _places(draw, shape, count)), shape)
    layout = draw(st.sampled_from(["coo", "csr", "dok"] if len(shape) == 1 else ["coo"]))
    return found.asformat(layout)
