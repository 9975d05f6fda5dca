"""NumPy: arrays of every dtype, order and layout, masked ones, records, scalars."""

from __future__ import annotations

import re
import warnings
from functools import cache

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from strategies import plain
from strategies.once import once

UNITS = ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "25s")

NUMBERS = (
    *("?", "i1", "<i2", ">i2", "<i4", ">i4", "<i8", ">i8", "u1", "<u2", "<u4", ">u4", "<u8"),
    *("<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "<c8", ">c8", "<c16", ">c16", "q", "Q"),
)
TIMES = tuple(f"{kind}[{unit}]" for kind in ("<M8", "<m8", ">M8", ">m8") for unit in UNITS)


@once
def dtypes():
    """All that are kept, in records and arrays in records, too."""
    simple = st.one_of(
        st.sampled_from(NUMBERS + TIMES),
        st.sampled_from(["S0", "S1", "S5", "<U0", "<U1", ">U4", "V0", "V3", "m8"]),
    ).map(np.dtype)
    noted = st.builds(
        lambda dtype, notes: np.dtype(dtype, metadata=notes),
        simple,
        st.dictionaries(st.sampled_from(["unit", "$tuple"]), plain.atoms(), max_size=1),
    )
    return st.one_of(
        simple, noted, st.recursive(simple, lambda inner: records(inner), max_leaves=3)
    )


@st.composite
def records(draw, inner):
    names = draw(st.lists(st.sampled_from(["a", "b", "ä", "f 1"]), max_size=3, unique=True))
    formats = [_repeated(draw(inner), draw(st.sampled_from(_SHAPES))) for _ in names]
    spec = {"names": names, "formats": formats}
    if names and draw(st.booleans()):
        spec["titles"] = [draw(st.sampled_from([None, f"the {name}"])) for name in names]
    align = draw(st.booleans())
    if align and not all(np.dtype(format_).alignment for format_ in formats):
        align = False  # with NumPy 1, one of no fields, which is refused there
    dtype = np.dtype(spec, align=align)
    if names and draw(st.booleans()):
        gap = draw(st.integers(1, 9))
        offsets = [dtype.fields[name][1] + gap for name in names]
        dtype = np.dtype({**spec, "offsets": offsets, "itemsize": dtype.itemsize + 2 * gap})
    return np.dtype((np.record, dtype)) if draw(st.integers(0, 9)) == 9 else dtype


_SHAPES = ((), (), (2,), (1, 2), (0,))


def _repeated(dtype, shape):
    return np.dtype((dtype, shape)) if dtype.itemsize else dtype  # NumPy refuses many nothings


def filled(dtype, shape):
    """Arrays of a dtype: any bits where all of them mean something, NaN payloads among them."""
    if dtype.names is not None:
        return _filled_records(dtype, shape)
    if dtype.subdtype is not None:
        return filled(dtype.subdtype[0], (*shape, *dtype.subdtype[1]))
    plain = _filled(dtype.str, shape)
    if dtype.metadata is None and dtype.char == np.dtype(dtype.str).char:
        return plain
    return plain.map(lambda array: array.view(dtype))


@cache
def _filled(name, shape):
    dtype, size = np.dtype(name), int(np.prod(shape))
    if dtype.kind in "iufcmM":
        few = [np.zeros(1, dtype), np.ones(1, dtype), *_extremes(dtype)]
        return st.one_of(
            st.binary(min_size=size * dtype.itemsize, max_size=size * dtype.itemsize).map(
                lambda bits: np.frombuffer(bits, dtype).reshape(shape).copy()
            ),
            st.lists(st.sampled_from(few), min_size=size, max_size=size).map(
                lambda cells: np.array(cells, dtype).reshape(shape)
            ),
        )
    if dtype.kind == "V":
        return st.binary(min_size=size * dtype.itemsize, max_size=size * dtype.itemsize).map(
            lambda bits: _of_bits(bits, dtype, shape)
        )
    items = {
        "b": st.booleans(),
        "S": st.binary(max_size=dtype.itemsize),
        "U": st.text(st.characters(codec=None), max_size=dtype.itemsize // 4),
    }[dtype.kind]
    return st.lists(items, min_size=size, max_size=size).map(
        lambda cells: _cast(cells, dtype, shape)
    )


def _extremes(dtype):
    if dtype.kind in "fc":
        return [np.array([value], dtype) for value in (-0.0, np.nan, -np.inf, 1.5)]
    if dtype.kind in "mM":
        return [np.array(["NaT"], dtype)]
    return [np.array([edge], dtype) for edge in (np.iinfo(dtype).min, np.iinfo(dtype).max)]


def _of_bits(bits, dtype, shape):
    array = np.ndarray(shape, dtype)
    if dtype.itemsize:
        array[...] = np.frombuffer(bits, dtype).reshape(shape)
    return array


def _cast(cells, dtype, shape):
    array = np.ndarray(shape, dtype)  # np.empty makes one byte of none
    for place, cell in enumerate(cells):
        array.reshape(-1)[place] = cell
    return array


@st.composite
def _filled_records(draw, dtype, shape):
    array = np.zeros(shape, dtype)
    for name in dtype.names:
        array[name] = draw(filled(dtype[name], shape))
    return array


@once
def shapes():
    return npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)


LAYOUTS = {
    "as it is": lambda array: array,
    "in columns": np.asfortranarray,
    "backwards": lambda array: array[::-1] if array.ndim else array,
    "a part": lambda array: np.repeat(array, 2, axis=0)[::2] if array.ndim else array,
    "turned": lambda array: array.T,
    "read-only": lambda array: _read_only(array),
    "repeated": lambda array: np.broadcast_to(array, (2, *array.shape)),
}


def _read_only(array):
    array.flags.writeable = False
    return array


@once
def in_layouts(arrays):
    layouts = st.sampled_from(sorted(LAYOUTS))
    return st.builds(lambda array, layout: LAYOUTS[layout](array), arrays, layouts)


@cache
@st.composite
def bit_arrays(draw):
    return draw(filled(draw(dtypes()), draw(shapes())))


def cells_of(values, shape=None):
    """An array of objects."""
    held = np.empty(len(values), object)
    for place, value in enumerate(values):  # [:] would ask pandas and others for arrays
        held[place] = value
    return held if shape is None else held.reshape(shape)


@cache
@st.composite
def object_arrays(draw, items):
    """Arrays of objects; `items` what may be in them."""
    shape = draw(npst.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=2))
    size = int(np.prod(shape))
    return cells_of(draw(st.lists(items, min_size=size, max_size=size)), shape)


@cache
@st.composite
def text_arrays(draw):
    """Text of any length, of NumPy 2."""
    missing = draw(st.sampled_from(["none", None, np.nan, "?"]))
    more = {} if missing == "none" else {"na_object": missing}
    dtype = np.dtypes.StringDType(coerce=draw(st.booleans()), **more)
    text = st.text(max_size=20).filter(lambda text: text.isprintable() or "\0" in text)
    items = text if missing == "none" else text | st.just(missing)
    return np.array(draw(st.lists(items, max_size=4)), dtype)


def _can_be_masked(array):
    """NumPy itself finds no fill value for some times in records."""
    return array.dtype.names is None or not re.search(r"[mM]8('|\[25s)", repr(array.dtype))


@cache
@st.composite
def masked_arrays(draw):
    data = draw(in_layouts(bit_arrays()).filter(_can_be_masked))
    mask_dtype = np.ma.make_mask_descr(data.dtype)
    mask = draw(st.just(np.ma.nomask) | filled(mask_dtype, data.shape))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        array = np.ma.MaskedArray(data.copy("K"), mask, hard_mask=draw(st.booleans()))
    if data.dtype.kind in "biufc" and draw(st.booleans()):
        array.fill_value = draw(filled(data.dtype, ()))[()]
    return array


@once
def arrays():
    """NumPy arrays of all kinds, but those that hold arrays and frames."""
    items = st.one_of(plain.leaves(), scalars())
    found = [in_layouts(bit_arrays()), in_layouts(object_arrays(items)), masked_arrays()]
    if hasattr(np.dtypes, "StringDType"):
        found.append(in_layouts(text_arrays()))
    return st.one_of(found)


@cache
@st.composite
def scalars(draw):
    """NumPy's scalars, each of its own type; those of records among them."""
    scalar = draw(filled(draw(dtypes()), (1,)))[0]
    return scalar if isinstance(scalar, np.generic) else np.ma.masked
