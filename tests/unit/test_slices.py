"""What lies beside a slice, under a null or behind a view is not stored, whatever holds it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pytest
from fingerprint import fingerprint
from hypothesis import given
from hypothesis import strategies as st
from libraries import pl
from strategies.tables import items_of, types

from streamlit_pgstate.codecs import decode, encode

# Longer than a view's own text, and than the 64 bytes in whose steps Arrow's writer cuts.
SECRET = "a neighbour's secret " * 4
OWN = "the visitor's own text"
CUT = slice(3, 5)  # begins and ends within a byte of bits, and within 64 bytes


def body_of(value):
    return encode(value, key="k").body


# --- of any type --------------------------------------------------------------------------


def has_dictionary(arrow):
    if pa.types.is_dictionary(arrow):
        return True
    return any(has_dictionary(arrow.field(place).type) for place in range(arrow.num_fields))


@st.composite
def cut_arrays(draw):
    """A slice of a larger array, and what it shows. Dictionaries belong to the value as they are:
    another array of the same items has another one."""
    arrow = draw(types().filter(lambda arrow: not has_dictionary(arrow)))
    size = draw(st.integers(0, 3))
    before, after = draw(st.integers(0, 9)), draw(st.integers(0, 9))
    count = before + size + after
    items = draw(st.lists(items_of(arrow), min_size=count, max_size=count))
    own = items[before : before + size]
    return pa.array(items, arrow).slice(before, size), pa.array(own, arrow)


@given(cut_arrays())
def test_any_slice_is_written_as_an_array_of_its_items_alone(arrays):
    cut, alone = arrays
    assert body_of(cut) == body_of(alone)
    for many in (pa.table([cut], ["a"]), pa.record_batch([cut], ["a"])):
        assert body_of(many) == body_of(type(many).from_arrays([alone], schema=many.schema))


@given(cut_arrays())
def test_any_slice_in_a_list_or_a_struct_is_written_as_its_items_alone(arrays):
    cut, alone = arrays
    for nest in (in_a_struct, in_lists):
        assert body_of(nest(cut)) == body_of(nest(alone))
        assert fingerprint(decode(encode(nest(cut), key="k"), key="k")) == fingerprint(nest(cut))


def in_a_struct(array):
    return pa.StructArray.from_arrays([array], ["a"])


def in_lists(array):
    return pa.ListArray.from_arrays([0, len(array)], array)


# --- by layout ----------------------------------------------------------------------------


def texts():
    """Items of which the third and the fourth are the visitor's own."""
    return [SECRET, SECRET, SECRET, OWN, None, SECRET, SECRET]


def arrays():
    numbers = [int.from_bytes(b"a neigh", "little")] * 3 + [1, None] + [2**62] * 3
    found = {
        "text": pa.array(texts()),
        "large text": pa.array(texts(), pa.large_string()),
        "bytes": pa.array(texts(), pa.binary()),
        "bytes of one width": pa.array([b"a neighb"] * 3 + [b"12345678", None, b"a neighb"]),
        "views": pa.array(texts(), pa.string_view()),
        "views of bytes": pa.array(texts(), pa.binary_view()),
        "numbers": pa.array(numbers),
        "truths": pa.array([True] * 3 + [False, None] + [True] * 7),
        "decimals": pa.array(numbers, pa.decimal128(38, 0)),
        "lists": pa.array([[text] for text in texts()]),
        "large lists": pa.array([[text] for text in texts()], pa.large_list(pa.string())),
        "lists of one width": pa.array([[t, t] for t in texts()], pa.list_(pa.string(), 2)),
        "lists of lists": pa.array([[[text], []] for text in texts()]),
        "lists of views": pa.array([[text] for text in texts()], pa.list_(pa.string_view())),
        "structs": pa.array([{"a": text, "b": [text]} for text in texts()]),
        "maps": pa.array([[(str(text), text)] for text in texts()], pa.map_("string", "string")),
        "runs": pa.compute.run_end_encode(pa.array(texts())),
        "a sparse union": union(pa.UnionArray.from_sparse),
        "a dense union": union(
            lambda codes, parts: pa.UnionArray.from_dense(codes, pa.array(range(7), "int32"), parts)
        ),
    }
    if hasattr(pa, "list_view"):
        found["views of lists"] = pa.array([[t] for t in texts()], pa.list_view(pa.string()))
        found["large views of lists"] = pa.array(
            [[t] for t in texts()], pa.large_list_view(pa.string())
        )
    return found


def union(make):
    codes = pa.array([0, 1, 0, 0, 1, 0, 1], pa.int8())
    return make(codes, [pa.array(texts()), pa.array([*texts()[:3], "", OWN, SECRET, SECRET])])


def holders():
    """What may hold an array, each with the function that takes its values out."""
    return {
        "array": lambda array: array,
        "chunks": lambda array: pa.chunked_array([array, array]),
        "table": lambda array: pa.table([array], ["a"]),
        "batch": lambda array: pa.record_batch([array], ["a"]),
        "bundle": lambda array: {"at": [array]},
    }


@pytest.mark.parametrize("hold", holders().values(), ids=holders())
@pytest.mark.parametrize("array", arrays().values(), ids=arrays())
def test_nothing_beside_a_slice_is_written(array, hold):
    held = hold(array[CUT])
    assert b"a neigh" in encode(hold(array), key="k").body or array.type == pa.bool_()
    assert b"neigh" not in body_of(held)
    assert fingerprint(decode(encode(held, key="k"), key="k")) == fingerprint(held)


@pytest.mark.parametrize("start", range(10))
@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 64, 65])
def test_bits_of_neighbours_are_not_written(start, size):
    bits = np.arange(start, start + size) % 3 == 0
    missing = np.arange(start, start + size) % 5 == 0
    for neighbours in (True, False):
        around = np.full(90, neighbours)
        around[start : start + size] = bits
        unknown = np.full(90, neighbours)
        unknown[start : start + size] = missing
        cut = pa.array(around, mask=unknown).slice(start, size)
        assert body_of(cut) == body_of(pa.array(bits & ~missing, mask=missing))


def test_the_gap_after_fields_that_lie_over_each_other_is_not_written():
    four = {"names": ["a", "b"], "formats": ["S4", "S4"], "offsets": [0, 0], "itemsize": 8}
    records = np.frombuffer(b"mine" + b"a ne", np.dtype(four))
    assert b"a ne" not in body_of(records)
    assert decode(encode(records, key="k"), key="k")["b"] == b"mine"


# --- pandas and polars --------------------------------------------------------------------

FRAMES = {
    "string[pyarrow]": lambda items: pd.Series(items, dtype="string[pyarrow]"),
    "str": lambda items: pd.Series(items, dtype="str"),
    "Arrow's string": lambda items: pd.Series(items, dtype=pd.ArrowDtype(pa.string())),
    "Arrow's binary": lambda items: pd.Series(
        [item and item.encode() for item in items], dtype=pd.ArrowDtype(pa.binary())
    ),
    "Arrow's lists": lambda items: pd.Series(
        [[item] for item in items], dtype=pd.ArrowDtype(pa.list_(pa.string()))
    ),
}


@pytest.mark.parametrize("of", FRAMES.values(), ids=FRAMES)
def test_a_filtered_frame_of_pandas_is_written_as_one_of_its_rows_alone(of):
    column = of(texts()).iloc[CUT].reset_index(drop=True)
    alone = of(texts()[CUT])
    for cut, own in ((column, alone), (column.to_frame("a"), alone.to_frame("a"))):
        assert b"neigh" not in body_of(cut)
        assert body_of(cut) == body_of(own)


def polars_columns():
    return {
        "text": lambda items: pl.Series(items, dtype=pl.String),
        "bytes": lambda items: pl.Series([item and item.encode() for item in items]),
        "lists": lambda items: pl.Series([[item] for item in items]),
        "structs": lambda items: pl.Series([{"a": item} for item in items]),
        "categories": lambda items: pl.Series(items, dtype=pl.Categorical),
        "truths": lambda items: pl.Series([item == SECRET for item in items]),
        "numbers": lambda items: pl.Series([len(item or "") for item in items]),
    }


if pl:

    @pytest.mark.parametrize("make", polars_columns().values(), ids=polars_columns())
    def test_a_slice_of_polars_is_written_as_its_items_alone(make):
        cut, alone = make(texts())[CUT], make(texts()[CUT])
        for given, own in ((cut, alone), (cut.to_frame(), alone.to_frame())):
            assert b"neigh" not in body_of(given)
            assert body_of(given) == body_of(own)


# --- what a null hides --------------------------------------------------------------------

HIDDEN = np.array([False, True, False])


def masked(array):
    """The same array with its second item null, and still in its memory."""
    validity = pa.array(~HIDDEN).buffers()[1]
    if pa.types.is_struct(array.type):
        children = [array.field(place) for place in range(array.type.num_fields)]
    else:
        children = [array.values] if pa.types.is_list(array.type) else []
    buffers = [validity, *array.buffers()[1 : array.type.num_buffers]]
    return pa.Array.from_buffers(array.type, 3, buffers, children=children)


@pytest.mark.parametrize(
    "array",
    [
        pa.array([OWN, SECRET, OWN]),
        pa.array([b"12345678", b"a neighb", b"12345678"], pa.binary(8)),
        pa.array([1, int.from_bytes(b"a neigh", "little"), 3]),
        pa.array([[OWN], [SECRET], []]),
        pa.array([{"a": OWN, "b": [1]}, {"a": SECRET, "b": [2]}, {"a": None, "b": None}]),
        pa.array([{"a": {"b": OWN}}, {"a": {"b": SECRET}}, {"a": None}]),
    ],
    ids=lambda array: str(array.type),
)
def test_what_lies_under_a_null_is_not_written(array):
    hidden = masked(array)
    assert b"neigh" not in body_of(hidden)
    assert body_of(hidden) == body_of(pa.array(hidden.to_pylist(), array.type))


@pytest.mark.parametrize("array", arrays().values(), ids=arrays())
def test_what_lies_under_a_struct_that_is_null_is_not_written(array):
    unseen = np.full(len(array), True)
    unseen[CUT] = False
    hidden = pa.StructArray.from_arrays([array], ["a"], mask=pa.array(unseen))
    assert b"neigh" not in body_of(hidden)
    assert fingerprint(decode(encode(hidden, key="k"), key="k")) == fingerprint(hidden)


def test_a_column_of_numbers_has_no_other_bytes_where_it_is_null():
    values = np.array([1.5, np.nan, 2.5])
    cast = pa.array(values, from_pandas=True)
    assert body_of(cast) == body_of(pa.array([1.5, None, 2.5]))


def test_views_that_show_one_text_keep_it_once():
    text = OWN * 1000
    many = pa.array([text], pa.string_view())
    repeated = pa.chunked_array([many] * 50).combine_chunks()
    payload = encode(repeated, key="k")
    assert decode(payload, key="k").to_pylist() == [text] * 50
    assert payload.size < 2 * len(text)


def test_batches_that_share_a_dictionary_share_it_when_they_are_written():
    words = pa.array([f"word {number}" for number in range(1000)])
    codes = pa.array(range(1000), pa.int16())
    column = pa.DictionaryArray.from_arrays(codes, words)
    once = len(body_of(pa.table([column], ["a"])))
    cut = pa.table([pa.chunked_array([column[:500], column[500:]])], ["a"])
    assert len(body_of(cut)) < once + 1000
