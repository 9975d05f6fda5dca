"""What was lost without a word is kept or refused: dimensions, dictionaries of Arrow, marks."""

from __future__ import annotations

import uuid

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fingerprint import fingerprint
from hypothesis import given
from libraries import pl, scipy
from pandas._libs.tslibs.offsets import BaseOffset
from strategies.tables import dictionaries_of_dictionaries

from streamlit_pgstate.codecs import Payload, decode, encode, sections
from streamlit_pgstate.errors import DecodeError, UnsupportedType


def again(value):
    return decode(encode(value, key="k"), key="k")


def assert_kept(value):
    payload = encode(value, key="k")
    found = decode(payload, key="k")
    assert fingerprint(found) == fingerprint(value)
    assert encode(found, key="k").digest == payload.digest


# --- several dimensions -------------------------------------------------------------------

DAYS = pd.date_range("2026", periods=4)

FLAT = {
    "masked": pd.array([1, 2, None, 4], "Int64"),
    "truths": pd.array([True, None, False, True], "boolean"),
    "datetimes": DAYS.array,
    "datetimes of a zone": DAYS.tz_localize("Europe/Berlin").array,
    "timedeltas": pd.timedelta_range(0, periods=4).array,
    "periods": pd.period_range("2026", periods=4, freq="D").array,
    "categories": pd.Categorical(["b", "a", None, "a"]),
    "NumPy": pd.arrays.NumpyExtensionArray(np.arange(4.0)),
    "objects of NumPy": pd.arrays.NumpyExtensionArray(np.array([1, "a", None, (2,)], object)),
    "strings": pd.array(["a", "b", None, "c"], "string[python]"),
}


@pytest.mark.parametrize("shape", [(2, 2), (1, 4), (4, 1), (2, 1, 2)], ids=str)
@pytest.mark.parametrize("flat", FLAT.values(), ids=FLAT)
def test_an_extension_array_of_several_dimensions_comes_back_whole(flat, shape):
    array = flat.reshape(shape)
    assert_kept(array)
    assert_kept({"a": [array]})
    assert_kept(array[:0])
    assert_kept(array.T)


@pytest.mark.parametrize(
    "make",
    [
        lambda: pd.DatetimeIndex(FLAT["datetimes"].reshape(2, 2)),
        lambda: pd.PeriodIndex(FLAT["periods"].reshape(2, 2)),
        lambda: pd.CategoricalIndex(FLAT["categories"].reshape(2, 2)),
    ],
)
def test_an_index_of_several_dimensions_is_refused(make):  # pandas makes them, and uses one column
    with pytest.raises(UnsupportedType, match=r"'k' is pandas data of 2 dimensions"):
        encode(make(), key="k")
    with pytest.raises(UnsupportedType, match=r"'k' → 'index' is pandas data of 2 dimensions"):
        encode(pd.Series([1, 2], make()), key="k")
    assert_kept(np.asarray(make()))  # as the message says


@pytest.mark.parametrize("shape", [b"[2, 3]", b"[4]   ", b"[-2,-2]", b"[2.0,2]", b'"ab"  '])
def test_a_shape_that_does_not_fit_is_a_decode_error(shape):
    body = encode(FLAT["masked"].reshape(2, 2), key="k").body
    assert b'"shape": [2, 2]' in body
    damaged = body.replace(b'"shape": [2, 2]', b'"shape":' + shape.rjust(7))
    if shape == b"[4]   ":
        assert len(decode(Payload("pandas.array", damaged), key="k")) == 4
    else:
        with pytest.raises(DecodeError):
            decode(Payload("pandas.array", damaged), key="k")


# --- Arrow --------------------------------------------------------------------------------

TEXTS = pa.array(["a", "b", None, "a"])
ONCE = TEXTS.dictionary_encode()
TWICE = pa.DictionaryArray.from_arrays(pa.array([0, 1, 3], pa.int8()), ONCE)

DICTIONARIES = {
    "alone": (TWICE, "'k' is of"),
    "no items": (TWICE[:0], "'k' is of"),
    "three": (pa.DictionaryArray.from_arrays(pa.array([0]), TWICE), "'k' is of"),
    "in a list": (pa.ListArray.from_arrays([0, 3], TWICE), "'k' → field 'item' is of"),
    "in a struct": (pa.StructArray.from_arrays([TWICE], ["x"]), "'k' → field 'x' is of"),
    "under a dictionary": (
        pa.DictionaryArray.from_arrays(pa.array([0]), pa.StructArray.from_arrays([TWICE], ["x"])),
        "'k' → its dictionary → field 'x' is of",
    ),
    "in chunks": (pa.chunked_array([TWICE, TWICE]), "'k' is of"),
    "in no chunks": (pa.chunked_array([], TWICE.type), "'k' is of"),
    "in a table": (pa.table({"a": [1, 2, 3], "b": TWICE}), "'k' → column 'b' is of"),
    "in a batch": (pa.record_batch({"b": TWICE}), "'k' → column 'b' is of"),
    "in a dict": ({"a": [TWICE]}, r"'k' → 'a' → \[0\] is of"),
}


@pytest.mark.parametrize(("value", "words"), DICTIONARIES.values(), ids=DICTIONARIES)
def test_a_dictionary_of_a_dictionary_is_refused_when_it_is_written(value, words):
    with pytest.raises(UnsupportedType, match=f"^{words} the Arrow type .* a dictionary of a dict"):
        encode(value, key="k")


def test_what_the_refusal_says_to_type_is_then_stored():
    assert_kept(TWICE.cast(TWICE.type.value_type))
    chunks = pa.chunked_array([TWICE])
    assert_kept(chunks.cast(chunks.type.value_type))
    assert_kept(pa.array(pa.ListArray.from_arrays([0, 3], TWICE).to_pylist()))


@given(dictionaries_of_dictionaries())
def test_any_dictionary_of_a_dictionary_is_refused(value):
    with pytest.raises(UnsupportedType, match="a dictionary of a dictionary"):
        encode([value], key="k")


def test_a_dictionary_of_arrow_in_pandas_is_refused_with_what_to_type():
    series = pd.Series(pd.arrays.ArrowExtensionArray(ONCE))
    with pytest.raises(UnsupportedType, match=r"ArrowDtype\(dtype\.pyarrow_dtype\.value_type\)"):
        encode(series, key="k")
    assert_kept(series.astype(pd.ArrowDtype(series.dtype.pyarrow_dtype.value_type)))


def test_floats_of_80_bits_are_refused_with_what_to_type():
    series = pd.Series(np.array([1.5], "longdouble"))
    with pytest.raises(UnsupportedType, match=r'Convert it with \.astype\("float64"\)'):
        encode(series, key="k")
    assert_kept(series.astype("float64"))


class Metres(pa.ExtensionType):
    def __init__(self):
        super().__init__(pa.float64(), "test.metres")

    def __arrow_ext_serialize__(self):
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage, serialized):
        return cls()


METRES = pa.ExtensionArray.from_storage(Metres(), pa.array([1.5, None]))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (METRES, "'k' is of the Arrow type"),
        (pa.table({"a": METRES}), "'k' → column 'a' is of the Arrow type"),
        (pa.ListArray.from_arrays([0, 2], METRES), "'k' → field 'item' is of the Arrow type"),
    ],
)
def test_an_extension_type_is_refused_with_what_to_type(value, words):
    with pytest.raises(UnsupportedType, match=f"{words} .* an extension type"):
        encode(value, key="k")
    assert_kept(METRES.cast(METRES.type.storage_type))
    assert_kept(pa.ListArray.from_arrays([0, 2], METRES).cast(pa.list_(pa.float64())))


def test_a_dictionary_of_an_empty_list_is_written():  # pyarrow 16 raised a TypeError here
    empty = pa.array([[]], pa.list_(pa.string()))
    assert_kept(pa.DictionaryArray.from_arrays(pa.array([0], pa.int8()), empty))


def test_chunks_that_pyarrow_cannot_put_together_are_refused():
    runs = pa.RunEndEncodedArray.from_arrays([2], METRES[:1])
    value = pd.arrays.ArrowExtensionArray(pa.chunked_array([runs, runs]))
    with pytest.raises(UnsupportedType, match=r"'k' is of the dtype|in chunks of the Arrow type"):
        encode(value, key="k")


# --- marks, attributes, types with the same bits --------------------------------------------


@pytest.mark.parametrize("safe", uuid.SafeUUID)
def test_a_uuid_knows_whether_it_was_made_safely(safe):
    value = uuid.UUID(int=5, is_safe=safe)
    assert again(value).is_safe is safe
    assert_kept([uuid.uuid1(), {value: value}])


def test_a_uuid_of_something_else_is_refused():
    with pytest.raises(UnsupportedType, match=r"'k' is a UUID whose is_safe"):
        encode(uuid.UUID(int=5, is_safe="yes"), key="k")


LONG = np.array([1, 2], "q")

LONGS = {
    "a Series": pd.Series(LONG),
    "unsigned": pd.Series(LONG.astype("Q")),
    "the other byte order": pd.Series(LONG.astype(np.dtype("q").newbyteorder())),
    "an index": pd.Index(LONG),
    "an array": pd.arrays.NumpyExtensionArray(LONG),
    "categories": pd.Categorical.from_codes([0], pd.Index(LONG)),
    "intervals": pd.arrays.IntervalArray.from_arrays(LONG, LONG + 1),
    "a sparse array": pd.arrays.SparseArray(LONG),
    "a level": pd.MultiIndex([pd.Index(LONG)], [[0]]),
    "a frame": pd.DataFrame({"a": LONG, "b": LONG}),
    "a frame of both": pd.concat([pd.DataFrame({c: LONG.astype(c)}) for c in "qlQL"], axis=1),
    "… and of text": pd.concat(
        [pd.DataFrame({"a": ["x", "y"]}), *(pd.DataFrame({c: LONG.astype(c)}) for c in "lq")],
        axis=1,
    ),
    "70 columns": pd.concat(
        [pd.DataFrame({place: LONG.astype("ql"[place % 2])}) for place in range(70)], axis=1
    ),
    "columns": pd.DataFrame([[1, 2]], columns=LONG),
}  # fmt: skip


@pytest.mark.parametrize("value", LONGS.values(), ids=LONGS)
def test_a_long_long_of_c_does_not_become_a_long(value):
    assert_kept(value)


def noted(value, **attributes):
    for name, item in attributes.items():
        object.__setattr__(value, name, item)
    return value


def test_attributes_that_a_user_has_set_on_a_frame_or_a_series_are_kept():
    for value in (pd.DataFrame({"a": ["x"]}), pd.Series(["x"])):
        noted(value, name_of_it="sales", made=np.arange(3))
        assert again(value).name_of_it == "sales"
        assert_kept(value)
    with pytest.raises(UnsupportedType, match=r"'k' → 'own' → 'f' is a builtin"):
        encode(noted(pd.DataFrame(), f=print), key="k")


def test_accessors_that_pandas_keeps_in_a_series_are_no_attributes_of_a_user():
    series = pd.Series(["x"])
    before = encode(series, key="k").digest
    assert series.str.upper()[0] == "X"
    assert encode(series, key="k").digest == before


@pytest.mark.parametrize(
    "value",
    [
        pd.Index([1]),
        pd.MultiIndex.from_tuples([(1, 2)]),
        pd.array([1], "Int64"),
        pd.Categorical(["a"]),
        np.ma.array([1]),
        *([pl.Series([1]), pl.DataFrame({"a": [1]})] if pl else []),
    ],
    ids=lambda value: type(value).__name__,
)
def test_attributes_are_refused_where_they_are_not_kept(value):
    assert_kept(value)
    noted(value, note=1)
    with pytest.raises(UnsupportedType, match="with the attribute 'note' of your own"):
        encode(value, key="k")
    del value.note  # as the message says
    assert_kept(value)


@pytest.mark.parametrize("name", ["shape", "_mgr", "columns", "attrs", "__class__"])
def test_a_row_cannot_set_an_attribute_of_the_library(name):
    body = encode(noted(pd.DataFrame({"a": [1]}), **{"n" * len(name): 1}), key="k").body
    damaged = body.replace(b'"' + b"n" * len(name) + b'"', b'"' + name.encode() + b'"')
    assert damaged != body
    with pytest.raises(DecodeError):
        decode(Payload("pandas.frame", damaged), key="k")


OFFSETS = [
    cls
    for cls in (*vars(pd.tseries.offsets).values(), *BaseOffset.__subclasses__(), BaseOffset)
    if isinstance(cls, type) and issubclass(cls, BaseOffset)
]


@pytest.mark.parametrize("cls", OFFSETS, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("more", [{}, {"normalize": True}, {"n": 2}], ids=str)
def test_every_frequency_is_kept_or_refused_by_name(cls, more):  # Tick was an AttributeError
    try:
        offset = cls(**more)
    except Exception:  # noqa: BLE001  # pandas itself makes none
        return
    try:
        payload = encode([offset], key="k")
    except UnsupportedType:
        with pytest.raises(UnsupportedType, match=r"'k' → \[0\] is of the frequency"):
            encode([offset], key="k")
    else:
        assert fingerprint(decode(payload, key="k")) == fingerprint([offset])


if pl:
    SORTED = {
        "ascending": pl.Series("n", [3, 1, 2]).sort(),
        "descending": pl.Series("n", [3, 1, 2]).sort(descending=True),
        "nulls last": pl.Series([None, 2, 1]).sort(nulls_last=True),
        "text": pl.Series(["b", "a"]).sort(),
        "a struct": pl.Series([{"a": 2}, {"a": 1}]).sort(),
        "an Enum": pl.Series(["a", "b"], dtype=pl.Enum(["b", "a"])).sort(),
        "as a user says": pl.Series([2, 1]).set_sorted(),
        "one item, descending": pl.Series([1]).set_sorted(descending=True),
        "in a frame": pl.DataFrame({"a": [1, 2], "b": [2, 1]}).sort("b"),
        "columns of both directions": pl.DataFrame(
            [pl.Series("a", [1, 2]).sort(), pl.Series("a b", [1, 2]).sort(descending=True)]
        ),
    }

    @pytest.mark.parametrize("value", SORTED.values(), ids=SORTED)
    def test_polars_goes_on_knowing_that_a_column_is_sorted(value):
        assert_kept(value)

    def test_a_frame_that_is_not_sorted_is_written_as_before():
        assert b"sorted" not in encode(pl.DataFrame({"a": [2, 1]}), key="k").body

    @pytest.mark.parametrize(
        "marks", [b"[[9, true]]", b"[[0, null]]", b"[[-1,true]]", b"[[true]]  "]
    )
    def test_a_mark_of_no_column_is_a_decode_error(marks):
        body = encode(SORTED["descending"], key="k").body
        assert b"[[0, true]]" in body
        damaged = body.replace(b"[[0, true]]", marks.ljust(11))
        with pytest.raises(DecodeError):
            decode(Payload("polars.series", damaged), key="k")


if scipy:

    def dok(kind, keys, values=(1.5, 2.5)):
        matrix = kind((3, 3))
        held = matrix._dict if hasattr(matrix, "_dict") else matrix
        dict.update(held, zip(keys, map(np.float64, values), strict=False))
        return matrix

    @pytest.mark.parametrize("kind", [scipy.sparse.dok_array, scipy.sparse.dok_matrix])
    def test_the_keys_of_a_dok_come_back_as_their_own_classes(kind):
        converted = kind(np.eye(3))
        mixed = kind(np.eye(3))
        mixed[0, 1] = 7
        for matrix in (
            converted,
            mixed,
            dok(kind, [(0, 1)]),
            dok(kind, [(np.int64(0), np.int64(1))]),
            dok(kind, [(np.int32(0), 1), (np.int64(2), 2)]),
            dok(kind, []),
        ):
            assert_kept(matrix)

    def test_keys_and_values_that_scipy_does_not_make_are_refused_with_what_to_type():
        odd_key = dok(scipy.sparse.dok_array, [(np.uint8(0), np.uint8(1))])
        odd_value = dok(scipy.sparse.dok_array, [(0, 1)])
        odd_value.dtype = np.dtype("f4")
        for matrix, words in ((odd_key, "with keys that are neither"), (odd_value, "with values")):
            with pytest.raises(UnsupportedType, match=words):
                encode(matrix, key="k")
            assert_kept(matrix.tocoo().todok())

    @pytest.mark.parametrize("layout", ["bsr", "coo", "csc", "csr", "dia", "dok", "lil"])
    def test_attributes_of_a_sparse_matrix_are_kept(layout):
        matrix = getattr(scipy.sparse, f"{layout}_matrix")(np.eye(2))
        assert_kept(noted(matrix, note={"of": np.arange(2)}, maxprint=7))
        assert again(matrix).note["of"].tolist() == [0, 1]
        with pytest.raises(UnsupportedType, match=r"'k' → its own attributes → 'f' is a builtin"):
            encode(noted(matrix, f=print), key="k")

    @pytest.mark.parametrize("name", ["data", "_shape", "indices", "todense"])
    def test_a_row_cannot_set_an_attribute_of_scipy(name):
        payload = encode(noted(scipy.sparse.csr_array(np.eye(2)), note=1), key="k")
        header, parts = sections.split(payload.body)
        del header["sections"], header["format"]
        body = sections.join(header, [*parts[:-1], b'{"%s": 1}' % name.encode()])
        with pytest.raises(DecodeError):
            decode(Payload("scipy.sparse", body), key="k")
