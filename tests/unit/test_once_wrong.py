"""Values that Hypothesis has found, and that did not come back as they were, or not at all."""

from __future__ import annotations

import io
from decimal import Decimal
from zoneinfo import ZoneInfo

import crafted
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from everything import in_everything
from fingerprint import fingerprint
from libraries import PIL, pl

from streamlit_pgstate.codecs import Payload, decode, encode, plain, sections
from streamlit_pgstate.codecs.dtypes import dump_dtype
from streamlit_pgstate.errors import DecodeError, UnsupportedType

pytestmark = pytest.mark.filterwarnings("error")


def masked(dtype, **more):
    return np.ma.MaskedArray(np.zeros(2, dtype), [True, False], **more)


BERLIN = ZoneInfo("Europe/Berlin")


HAS_NAN_STRINGS = hasattr(pd.StringDtype("python"), "_na_value")
STRINGS_WITH_NAN = [pd.StringDtype("python", na_value=np.nan)] if HAS_NAN_STRINGS else []


def swapped_columns():
    return {place: pd.Series(np.array([place], ">i2")) for place in range(33)} | {"a": ["x"]}


FOUND = {
    # the default fill value, 999999, was cast to int8
    **{f"masked {dtype}": masked(dtype) for dtype in ("i1", "u1", "<i2", ">u2", "f2")},
    "masked m8, of no unit": masked("m8"),
    "masked m8, of 25 seconds": masked("m8[25s]"),
    "masked int8 with a fill value": masked("i1", fill_value=7),
    # came back as S1 and U1, of uninitialised memory
    "bytes of no length": np.ndarray((2, 2), "S0"),
    "text of no length": np.ndarray(2, "<U0"),
    "one text of no length": np.ndarray((), "<U0"),
    # could not be read again
    "a scalar of no bytes": np.void(b""),
    "a scalar of no fields": np.zeros(1, [])[0],
    "a scalar of a field of no length": np.zeros(1, [("a", "f8", (0,))])[0],
    # lost its metadata
    "a scalar of no bytes with metadata": np.ndarray(1, np.dtype("V0", metadata={"a": 1}))[0],
    # could not be written: pandas 2 looks them up in a hash table
    "columns of labels without a hash": pd.DataFrame(
        [[1, "a"]], columns=pd.Index(pd.array([[1], None], pd.ArrowDtype(pa.list_(pa.int64()))))
    ),
    # came back, on pandas 2.3, as an array of another class, which compares otherwise
    **{f"strings of {each!r}": pd.Series(["a", None], dtype=each) for each in STRINGS_WITH_NAN},
    # came back with lists that pointed outside of their items, by pyarrow 16
    "lists of nulls": pd.Series([[None] * 2, None], dtype=pd.ArrowDtype(pa.list_(pa.null()))),
    "two nulls in each": pd.Series([[None] * 2] * 2, dtype=pd.ArrowDtype(pa.list_(pa.null(), 2))),
    # could not be written: pandas 2 asks whether it is missing
    "an extension array of a signalling NaN": pd.arrays.NumpyExtensionArray(
        np.array([Decimal("sNaN")], object)
    ),
    # came back in the byte order of this machine
    "33 columns of another byte order": pd.DataFrame(swapped_columns()),
    # could not be read again by pandas 2: in this zone days have 23 to 25 hours
    "days of another zone": pd.date_range("2026-03-28", periods=3, tz="UTC").tz_convert(BERLIN),
    "an array of them": pd.date_range("2026-03-28", periods=3, tz="UTC").tz_convert(BERLIN).array,
    "months of another zone, backwards": (
        pd.date_range("2026-01-01", periods=6, freq="MS", tz="UTC").tz_convert(BERLIN)[::-1]
    ),
    "business hours, backwards": pd.date_range("2026-01-01", periods=9, freq="bh")[::-1],
    "microseconds, in seconds": pd.date_range("2026", periods=3, freq="us").as_unit("s"),
    "steps of microseconds, in seconds": pd.timedelta_range(0, periods=3, freq="us").as_unit("s"),
    # could not be written: pandas does not find a hash of mixed categories
    "mixed categories": pd.DataFrame(
        {"a": pd.Categorical.from_codes([0], pd.Index([True, ("a",)], tupleize_cols=False))}
    ),
    # lost its fold
    "an hour that comes once, the second time": pd.Timestamp("2026-06-25", tz=BERLIN).replace(
        fold=1
    ),
}
if pl:
    FOUND |= {  # could not be read again
        "a Series of polars without a name": pl.Series([1, None]),
        "a frame of polars with a column without a name": pl.DataFrame({"": [1]}),
        "… and one that polars would call so": pl.DataFrame({"": [1], "column_0": [2]}),
    }


@pytest.mark.parametrize("value", FOUND.values(), ids=FOUND)
def test_what_was_once_wrong_comes_back_as_it_was(value):
    payload = encode(value, key="k")
    found = decode(payload, key="k")
    assert fingerprint(found) == fingerprint(value)
    assert encode(found, key="k").digest == payload.digest


def test_how_far_levels_are_sorted_is_kept():
    index, _ = pd.MultiIndex.from_tuples([(2, 2), (1, 3)]).sortlevel(0, sort_remaining=False)
    assert index.sortorder == 0
    assert decode(encode(index, key="k"), key="k").sortorder == 0


def times_in_a_zone():
    return pd.date_range("2026", periods=2, tz=BERLIN)


@pytest.mark.parametrize("make", [pd.Series, pd.array, lambda times: pd.DataFrame({"at": times})])
def test_times_in_a_zone_can_be_written_to(make):  # with pandas 3.1 they could not
    found = decode(encode(make(times_in_a_zone()), key="k"), key="k")
    places = found.iloc if hasattr(found, "iloc") else found
    places[0] = places[1]
    assert np.all(places[0] == times_in_a_zone()[1])


def closed_image():
    file = io.BytesIO()
    PIL.Image.new("RGB", (4, 4)).save(file, "PNG")
    with PIL.Image.open(file) as image:
        pass
    return image


def cut_image():
    file = io.BytesIO()
    PIL.Image.new("RGB", (4, 4)).save(file, "PNG")
    return PIL.Image.open(io.BytesIO(file.getvalue()[:-25]))


@pytest.mark.skipif(not PIL, reason="Pillow is not installed")
@pytest.mark.parametrize("make", [closed_image, cut_image])
def test_an_image_that_cannot_be_loaded_is_refused(make):  # it was an AssertionError or OSError
    with pytest.raises(UnsupportedType, match=r"'k' → \[0\] is an image that Pillow cannot load"):
        encode([make()], key="k")


def test_an_aligned_record_of_no_fields_in_another_does_not_end_the_process():  # by NumPy 1
    inner = np.dtype([], align=True)
    value = np.zeros(2, np.dtype([("a", inner), ("b", "i4")], align=True))
    body = encode(np.zeros(2, [("a", "V0"), ("b", "i4")]), key="k").body
    header = plain.load(body[8 : 8 + int.from_bytes(body[:8], "little")])
    header["dtype"] |= {"aligned": True, "formats": [dump_dtype(inner), "<i4"]}
    stored = Payload("numpy.array", sections.join(header, [bytes(8)]))
    if inner.alignment:
        assert fingerprint(decode(encode(value, key="k"), key="k")) == fingerprint(value)
        assert decode(stored, key="k").dtype == value.dtype
    else:
        with pytest.raises(UnsupportedType, match="NumPy before 2"):
            encode(value, key="k")
        with pytest.raises(DecodeError, match="needs NumPy 2"):
            decode(stored, key="k")


class Own(np.ndarray):
    pass


def test_a_mask_over_a_subclass_is_refused():
    with pytest.raises(UnsupportedType, match=r"'k' is masked over a test_once_wrong\.Own"):
        encode(np.ma.MaskedArray(np.zeros(2).view(Own)), key="k")


@pytest.mark.skipif(not pl, reason="polars is not installed")
@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: [{"b\0": [value]}]])
def test_a_name_over_which_polars_panics_is_refused(wrap):
    frame = pl.DataFrame({"a" if wrap(0) else "a\0": [wrap(1)]})
    with pytest.raises(UnsupportedType, match=r"'k' → column 'a.* is of a name with NUL"):
        encode(frame, key="k")


def test_what_lies_in_the_gaps_of_records_is_not_stored():
    dtype = np.dtype(
        [("a", "i1"), ("b", "f8"), ("c", [("d", "i2"), ("e", "i4")], (2,))], align=True
    )
    zeros, dirty = np.zeros(3, dtype), np.full(3 * dtype.itemsize, 7, "u1").view(dtype)
    for one, other in ((zeros, dirty), (zeros[0], dirty[0])):
        for name in ("a", "b", "c"):
            other[name] = one[name]
        assert encode(other, key="k") == encode(one, key="k")


def test_parts_that_stand_in_each_other_too_often_are_refused():  # they took 50 s to read
    cells = np.empty(200, object)
    cells[:] = [np.zeros(1)] * 200
    assert len(decode(encode([cells] * 100, key="k"), key="k")) == 100
    with pytest.raises(UnsupportedType, match="parts larger when read"):
        encode([cells] * 110, key="k")


def test_one_part_may_stand_in_as_many_places_as_there_is_text_for_them():
    value = [np.zeros(1)] * 30_000
    assert len(decode(encode(value, key="k"), key="k")) == 30_000


@pytest.mark.skipif(crafted.ARROW < 20, reason="from_buffers does not take the text of views")
@pytest.mark.parametrize(
    "wrap", [lambda views: views, *in_everything(pd.arrays.ArrowExtensionArray)]
)
def test_a_text_that_too_many_views_show_is_refused(wrap):  # each view is checked when it is read
    assert decode(encode(wrap(crafted.views(900)), key="k"), key="k") is not None
    with pytest.raises(UnsupportedType, match="most of it the same"):
        encode(wrap(crafted.views()), key="k")


def no_text():
    ends = pa.py_buffer(b"\0\0\0\0\1\0\0\0")
    return pa.Array.from_buffers(pa.string(), 1, [None, ends, pa.py_buffer(b"\xff")])


NOT_VALID = {
    "nulls in a struct over a dictionary": pa.array(
        [None], pa.struct([("a", pa.dictionary(pa.int8(), pa.string()))])
    ),
    "text that is none": no_text(),
    "in pandas": pd.Series(pd.arrays.ArrowExtensionArray(no_text())),
}


@pytest.mark.parametrize("value", NOT_VALID.values(), ids=NOT_VALID)
def test_what_arrow_would_not_read_again_is_refused(value):
    with pytest.raises(UnsupportedType, match="not valid: its validate"):
        encode({"a": value}, key="k")


@pytest.mark.parametrize("wrap", [lambda nulls: nulls, pd.arrays.ArrowExtensionArray])
def test_what_is_longer_than_arrow_writes_is_refused(wrap):  # it was an ArrowCapacityError
    assert len(decode(encode(wrap(crafted.nulls(2**31 - 1)), key="k"), key="k")) == 2**31 - 1
    with pytest.raises(UnsupportedType, match=r"'k' → \[0\] is longer than 2,147,483,647 items"):
        encode([wrap(crafted.nulls(2**31))], key="k")


@pytest.mark.skipif(not PIL, reason="Pillow is not installed")
def test_an_image_of_many_lines_but_no_pixels_is_refused():
    assert decode(encode(PIL.Image.new("L", (0, 9)), key="k"), key="k").size == (0, 9)
    with pytest.raises(UnsupportedType, match="an image of no pixels"):
        encode(PIL.Image.new("L", (0, 10**6)), key="k")


def test_a_field_outside_of_its_record_is_damage():  # the process could end over it, or show memory
    body = encode(np.zeros(1, [("a", "i4"), ("b", "f8")]), key="k").body
    header = plain.load(body[8 : 8 + int.from_bytes(body[:8], "little")])
    header["dtype"]["offsets"][0] = 2**31 - 1
    with pytest.raises(DecodeError, match="a field outside of its record"):
        decode(Payload("numpy.array", sections.join(header, [bytes(12)])), key="k")


def test_fields_may_lie_over_each_other_but_not_very_many():
    def record(count):
        spec = {"names": [f"f{n}" for n in range(count)], "formats": ["i4"] * count}
        return np.zeros(2, {**spec, "offsets": [0] * count})

    assert fingerprint(decode(encode(record(16), key="k"), key="k")) == fingerprint(record(16))
    with pytest.raises(UnsupportedType, match="fields over each other"):
        encode(record(17), key="k")


def test_levels_of_long_ranges_come_back():
    levels = [pd.RangeIndex(10**12), ["a", "b"]]
    index = pd.MultiIndex(levels, [[0, 5], [1, 0]], verify_integrity=False)  # 1 TB of truth values
    found = decode(encode(index, key="k"), key="k")
    assert fingerprint(found) == fingerprint(index)
