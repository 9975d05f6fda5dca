"""Tables and arrays of pyarrow, of any type that it has, and those of polars."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute
from hypothesis import strategies as st
from libraries import pl

from strategies.once import once

# --- pyarrow ------------------------------------------------------------------------------

_DAY = 86_400
_TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def _integers(arrow):
    bits = arrow.bit_width
    if pa.types.is_signed_integer(arrow):
        return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return st.integers(0, 2**bits - 1)


def _decimals(arrow):
    limit = 10**arrow.precision - 1
    return st.integers(-limit, limit).map(lambda digits: Decimal(f"{digits}e{-arrow.scale}"))


_ITEMS = {
    **{getattr(pa, f"{sign}int{bits}")(): None for sign in ("", "u") for bits in (8, 16, 32, 64)},
    pa.bool_(): st.booleans(),
    pa.null(): st.none(),
    pa.float16(): st.floats(width=16).map(np.float16),
    pa.float32(): st.floats(width=32),
    pa.float64(): st.floats(),
    pa.string(): st.text(max_size=5),
    pa.large_string(): st.text(max_size=5),
    pa.binary(): st.binary(max_size=5),
    pa.large_binary(): st.binary(max_size=5),
    pa.binary(3): st.binary(min_size=3, max_size=3),
    pa.date32(): st.integers(-10_000, 10_000),
    pa.date64(): st.integers(-10_000, 10_000).map(lambda days: days * _DAY * 1000),
    **{pa.time32(unit): st.integers(0, _DAY * _TICKS[unit] - 1) for unit in ("s", "ms")},
    **{pa.time64(unit): st.integers(0, _DAY * _TICKS[unit] - 1) for unit in ("us", "ns")},
    **{pa.timestamp(unit): st.integers(-(2**40), 2**40) for unit in _TICKS},
    pa.timestamp("us", "Europe/Berlin"): st.integers(-(2**40), 2**40),
    pa.timestamp("ns", "+05:30"): st.integers(-(2**40), 2**40),
    **{pa.duration(unit): st.integers(-(2**40), 2**40) for unit in _TICKS},
    pa.decimal128(5, 2): None,
    pa.decimal128(38, 0): None,
    pa.decimal256(50, 20): None,
}
"""A strategy for the items of each type that holds no other; None if its size says it."""

_ORDERED = pa.dictionary(pa.uint32(), pa.int64(), ordered=True)

_OF_ARROW_ALONE = {
    pa.month_day_nano_interval(): st.tuples(*[st.integers(-100, 100)] * 3),
    pa.string_view(): st.text(max_size=20),
    pa.binary_view(): st.binary(max_size=20),
    pa.dictionary(pa.int8(), pa.string()): st.sampled_from(["a", "b", ""]),
    **({_ORDERED: st.integers(0, 3)} if pa.array([1], _ORDERED).type.ordered else {}),
}


def _nested(inner):
    fields = st.builds(
        lambda name, arrow, nullable, notes: pa.field(
            name, arrow, nullable or pa.types.is_null(arrow), notes
        ),
        st.sampled_from(["a", "b", "ä", ""]),
        inner,
        st.booleans(),
        st.sampled_from([None, None, {"unit": "m"}]),
    )
    return st.one_of(
        inner.map(pa.list_),
        inner.map(pa.large_list),
        st.builds(pa.list_, inner, st.integers(0, 2)),
        st.lists(fields, max_size=3, unique_by=lambda field: field.name).map(pa.struct),
        st.builds(pa.map_, st.sampled_from([pa.string(), pa.int8()]), inner),
    )


@once
def pandas_types():
    """Arrow types that pandas can have as a dtype."""
    return st.recursive(st.sampled_from(list(_ITEMS)), _nested, max_leaves=3)


@once
def types():
    simple = st.sampled_from([*_ITEMS, *_OF_ARROW_ALONE])
    return st.recursive(simple, _nested, max_leaves=3)


@once
def items_of(arrow, nullable=True):
    """Items of an Arrow type, as `pa.array` takes them."""
    items = _items_of(arrow)
    return st.none() | items if nullable else items


def _items_of(arrow):
    if pa.types.is_struct(arrow):
        fields = [arrow.field(place) for place in range(arrow.num_fields)]
        return st.fixed_dictionaries(
            {field.name: items_of(field.type, field.nullable) for field in fields}
        )
    if pa.types.is_map(arrow):
        keys = items_of(arrow.key_type, False)
        return st.lists(st.tuples(keys, items_of(arrow.item_type)), max_size=2)
    if pa.types.is_fixed_size_list(arrow):
        return st.lists(
            items_of(arrow.value_type), min_size=arrow.list_size, max_size=arrow.list_size
        )
    if pa.types.is_list(arrow) or pa.types.is_large_list(arrow):
        return st.lists(items_of(arrow.value_type), max_size=2)
    found = {**_ITEMS, **_OF_ARROW_ALONE}[arrow]
    if found is None:
        return _decimals(arrow) if pa.types.is_decimal(arrow) else _integers(arrow)
    return found


def arrays_of(arrow, size):
    """Arrays of an Arrow type: whole, a slice of a larger one, or in chunks."""
    items = st.lists(items_of(arrow), min_size=size + 2, max_size=size + 2)
    made = st.builds(lambda items, cut: _cut(items, arrow, cut), items, st.integers(0, 2))
    return made.filter(_is_valid)


def _is_valid(array):
    """Whether pyarrow takes what it has made: not for nulls in a struct over a dictionary."""
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _cut(items, arrow, cut):
    size = len(items) - 2
    if cut < 2:
        return pa.array(items, arrow).slice(cut, size)
    parts = (items[: size // 2], [], items[size // 2 : size])
    return pa.chunked_array([pa.array(part, arrow) for part in parts], arrow)


@st.composite
def in_dictionaries(draw, arrow, size):
    """Arrays whose dictionary is an array of any type but a dictionary, with entries left over."""
    entries = draw(arrays_of(arrow, draw(st.integers(0, 3))))
    if isinstance(entries, pa.ChunkedArray):
        entries = entries.combine_chunks()
    index = st.none() | st.integers(0, len(entries) - 1) if len(entries) else st.none()
    codes = pa.array(
        draw(st.lists(index, min_size=size, max_size=size)),
        draw(st.sampled_from([pa.int8(), pa.uint8(), pa.int32(), pa.int64()])),
    )
    return pa.DictionaryArray.from_arrays(codes, entries, ordered=draw(st.booleans()))


def columns(size):
    kept = types().filter(lambda arrow: not pa.types.is_dictionary(arrow))
    found = types().flatmap(lambda arrow: arrays_of(arrow, size))
    return found | kept.flatmap(lambda arrow: in_dictionaries(arrow, size)).filter(_is_valid)


@cache
@st.composite
def dictionaries_of_dictionaries(draw):
    """What Arrow writes and cannot read: in arrays, lists, structs, chunks, tables and batches."""
    size = draw(st.integers(1, 3))
    codes = pa.array(draw(st.lists(st.integers(0, size - 1), min_size=size, max_size=size)))
    inner = draw(in_dictionaries(draw(st.sampled_from([pa.string(), pa.int8()])), size))
    array = pa.DictionaryArray.from_arrays(codes, inner)
    wraps = [
        lambda array: array,
        lambda array: array[:0],
        lambda array: pa.ListArray.from_arrays(list(range(len(array) + 1)), array),
        lambda array: pa.StructArray.from_arrays([array], ["a"]),
        lambda array: pa.DictionaryArray.from_arrays(codes, array),
    ]
    holds = [
        lambda array: array,
        lambda array: pa.chunked_array([array, array]),
        lambda array: pa.chunked_array([], array.type),
        lambda array: pa.table({"b": array.is_null(), "a": array}),
        lambda array: pa.record_batch({"a": array}),
    ]
    return draw(st.sampled_from(holds))(draw(st.sampled_from(wraps))(array))


@cache
@st.composite
def arrow_arrays(draw):
    size = draw(sizes())
    array = draw(columns(size))
    if isinstance(array, pa.ChunkedArray) or not draw(st.booleans()):
        return array
    if pa.types.is_integer(array.type) or pa.types.is_string(array.type):
        return pa.compute.run_end_encode(array)
    codes = pa.array(draw(st.lists(st.integers(0, 1), min_size=size, max_size=size)), pa.int8())
    numbers = pa.array(range(size), pa.int8())
    if draw(st.booleans()):
        return pa.UnionArray.from_sparse(codes, [numbers, array])
    return pa.UnionArray.from_dense(codes, pa.array(range(size), pa.int32()), [numbers, array])


def sizes():
    return st.integers(0, 4)


@cache
@st.composite
def arrow_tables(draw):
    size = draw(sizes())
    found = draw(st.lists(columns(size), max_size=3))
    names = draw(st.lists(st.text(max_size=3), min_size=len(found), max_size=len(found)))
    notes = st.none() | st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2)
    fields = [
        pa.field(name, column.type, metadata=draw(notes))
        for name, column in zip(names, found, strict=True)
    ]
    table = pa.table(found, schema=pa.schema(fields, draw(notes)))
    if draw(st.booleans()) and found:
        batches = table.combine_chunks().to_batches()
        return batches[0] if batches else _no_rows(table.schema)
    return table


def _no_rows(schema):
    empty = [pa.nulls(1, arrow).slice(1) for arrow in schema.types]
    return pa.RecordBatch.from_arrays(empty, schema=schema)


# --- polars -------------------------------------------------------------------------------


@once
def polars_frames(*, masked=False):
    """Frames, Series, and with `masked` also what lies under the nulls of structs.

    That shows nowhere, but makes equal frames unequal bytes.
    """
    from polars.testing import parametric

    kept = [
        *(pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64),
        *(pl.Float32, pl.Float64, pl.Boolean, pl.String, pl.Binary, pl.Null, pl.Date),
        *(pl.Datetime, pl.Duration, pl.Time, pl.Decimal, pl.Categorical, pl.Enum),
        *(pl.List, pl.Array, pl.Struct),
    ]
    names = st.sampled_from(["", "a", "column_0"])

    def made_of(dtypes):
        options = {"max_size": 4, "allowed_dtypes": dtypes, "allow_masked_out": masked}
        series = parametric.series(name=names, **options)
        frames = parametric.dataframes(max_cols=3, **options)
        ordered = st.builds(_ordered, series, st.booleans(), st.booleans())
        return frames | series | ordered | ordered.map(pl.Series.to_frame)

    if tuple(map(int, pl.__version__.split(".")[:2])) >= (1, 38):
        return made_of(kept)
    # which makes no Array of Categoricals, and does not know it
    return st.one_of(
        made_of([dtype for dtype in kept if dtype is not left_out])
        for left_out in (pl.Array, pl.Categorical)
    )


def _ordered(series, descending, is_sorted):
    """As polars sorts it, or as a user has said that it is sorted."""
    if is_sorted:
        return series.sort(descending=descending)
    return series.set_sorted(descending=descending)
