"""Every MultiIndex comes back with its own levels and codes, or is refused by its level."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fingerprint import fingerprint

from streamlit_pgstate.codecs import Payload, decode, encode
from streamlit_pgstate.errors import DecodeError, UnsupportedType

NAN = float("nan")
PANDAS = tuple(int(part) for part in pd.__version__.split(".")[:2])
SALES = pd.DataFrame({"shop": ["x", None, "y", None], "size": [1, NAN, 2, 1], "sold": [1, 2, 3, 4]})


def again(value):
    return decode(encode(value, key="k"), key="k")


def of(*levels, codes=((0, 1, -1), (0, 0, 1)), **more):
    return pd.MultiIndex(list(levels), list(codes), verify_integrity=False, **more)


def with_codes_of(dtype):
    """As `set_levels` leaves them: codes of the dtype that a former level needed."""
    size = {"int8": 2, "int16": 300, "int32": 40_000}[dtype]
    index = pd.MultiIndex([range(size), ["a", "b"]], [[0, 1], [1, 0]])
    return index.set_levels([["x", "y"]], level=[0])


BY_PANDAS = {
    "groupby": SALES.groupby(["shop", "size"], dropna=False).sum().index,
    "value_counts": SALES[["shop", "size"]].value_counts(dropna=False).index,
    "concat": pd.concat([SALES, SALES], keys=[None, "b"]).index,
    "stack": SALES.groupby(["shop", "size"], dropna=False).sum().stack(**(
        {} if PANDAS >= (3, 0) else {"future_stack": True}
    )).index,
    "a part of a groupby": SALES.groupby(["shop", "size"], dropna=False).sum().iloc[1:2].index,
    "crosstab": pd.crosstab(SALES["shop"], [SALES["size"], SALES["sold"]], dropna=False).columns,
    "set_levels, longer": pd.MultiIndex.from_product([[1, 2], ["a"]]).set_levels(
        [range(300)], level=[0]
    ),
    "set_levels, shorter": with_codes_of("int16"),
    "set_levels, much shorter": with_codes_of("int32"),
}  # fmt: skip

IRREGULAR = {
    **BY_PANDAS,
    "NaN in a level, beside -1": of([1.0, NAN], ["a", "b"]),
    "None and NaN in a level": of(pd.Index([None, NAN], dtype=object), ["a", "b"]),
    "NaT in a level": of(pd.DatetimeIndex(["2026-01-01", None]), ["a", "b"]),
    "NA in a level": of(pd.Index([1, None], dtype="Int64"), ["a", "b"]),
    "a missing text": of(pd.Index(["a", None], dtype="string[pyarrow]"), ["a", "b"]),
    "a category that is missing": of(pd.CategoricalIndex(["a", None]), ["a", "b"]),
    "a missing interval": of(
        pd.IntervalIndex.from_tuples([(0, 1), NAN]), ["a", "b"]
    ),
    "a missing period": of(pd.PeriodIndex(["2026", None], freq="Y"), ["a", "b"]),
    "a label twice": of([1, 1], ["a", "b"]),
    "labels without a hash": of(pd.Index([[1], [2]], dtype=object), ["a", "b"]),
    "labels that nothing uses": of([1, 2, 3, 4], ["a", "b", "c"]),
    "no labels": of([], ["a", "b"], codes=((-1, -1), (0, 1))),
    "no rows": of([1, NAN], ["a"], codes=((), ())),
    "one level": of(["a", NAN], codes=((1, 0),)),
    "times with a frequency": of(pd.date_range("2026", periods=3), ["a", "b"]),
    "times of a zone": of(pd.date_range("2026", periods=3, tz="Europe/Berlin"), ["a", "b"]),
    "a range": of(pd.RangeIndex(5, 1, -2), ["a", "b"]),
    "C's long long": of(np.array([1, 2], "q"), ["a", "b"]),
    "categories, not in order": of(
        pd.CategoricalIndex(["b", "a"], ["b", "c", "a"], ordered=True), ["a", "b"]
    ),
    "names": of([1, NAN], ["a", "b"], names=[("x", 1), None]),
    "a name twice": of([1, NAN], ["a", "b"], names=["x", "x"]),
    "a sortorder that is not true": of([1, 2], ["b"], codes=((1, 0), (0, 0)), sortorder=2),
}  # fmt: skip

PLACES = {
    "alone": lambda index: index,
    "index": lambda index: pd.DataFrame({"a": range(len(index))}, index=index),
    "columns": lambda index: pd.DataFrame(np.zeros((1, len(index))), columns=index),
    "Series": lambda index: pd.Series(range(len(index)), index=index, dtype="int64"),
    "in a list": lambda index: [{"a": index}],
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("index", IRREGULAR.values(), ids=IRREGULAR)
def test_an_irregular_index_comes_back_as_it_was(index, place):
    value = place(index)
    payload = encode(value, key="k")
    found = decode(payload, key="k")
    assert fingerprint(found) == fingerprint(value)
    assert encode(found, key="k").digest == payload.digest


@pytest.mark.parametrize("index", BY_PANDAS.values(), ids=BY_PANDAS)
def test_what_is_computed_of_it_is_the_same(index):
    made = pd.Series(np.arange(1.0, len(index) + 1), index)
    found = again(made)
    assert found.equals(made)
    assert found.index.equals(index)
    assert not (found - made).isna().any()
    assert fingerprint(found.sort_index(na_position="first")) == fingerprint(
        made.sort_index(na_position="first")
    )


def test_a_table_of_missing_groups_is_unstacked_in_the_same_order():
    made = SALES.groupby(["shop", "size"], dropna=False).sum()
    assert fingerprint(again(made).unstack()) == fingerprint(made.unstack())


def sorted_by(order):
    index = of([1, 2], ["a", "b"])
    index.sortorder = order
    return index


REFUSED = {
    "codes that point at no label": (
        of([1, 2], ["a", "b"], codes=((0, 1), (0, 5))),
        "'k' → level 1 is a level whose codes point outside of it",
    ),
    "codes below -1": (
        of([1, 2], ["a", "b"], codes=((0, -2), (0, 1))),
        "'k' → level 0 is a level whose codes point outside of it",
    ),
    "fewer codes than rows": (
        of([1, 2], ["a", "b"], codes=((0, 1), (0,))),
        "'k' → level 1 is a level with codes for another number of rows",
    ),
    "an index in an index": (
        of(pd.MultiIndex.from_tuples([(1, 2)]), ["a"], codes=((0,), (0,))),
        "'k' → level 0 is a MultiIndex in a MultiIndex",
    ),
    "a sortorder that is no number": (sorted_by("a"), "'k' is an index whose sortorder"),
    "sorted by more levels than there are": (sorted_by(3), "'k' is an index whose sortorder"),
    "a function in a level": (
        of(pd.Index([print], dtype=object), ["a"], codes=((0,), (0,))),
        r"'k' → level 0 → \[0\] is a builtin",
    ),
}


@pytest.mark.parametrize(("index", "words"), REFUSED.values(), ids=REFUSED)
def test_what_pandas_itself_could_not_use_is_refused_by_its_level(index, words):
    with pytest.raises(UnsupportedType, match=f"^{words}"):
        encode(index, key="k")


def test_what_a_refusal_says_to_type_is_then_stored():
    index = sorted_by(3)
    index.sortorder = None
    assert again(index).equals(index)
    outside = of([1, 2], ["a", "b"], codes=((0, 1), (0, 5)))
    mended = outside.set_codes([0, 1], level=1)
    assert again(mended).equals(mended)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"sortorder": 1', b'"sortorder": 9'), (b'"sizes": [2, 2]', b'"sizes": [2, 1]')],
)
def test_a_header_that_does_not_fit_is_a_decode_error(old, new):
    body = encode(of([1, 2], ["a", "b"], sortorder=1), key="k").body
    assert old in body
    with pytest.raises(DecodeError):
        decode(Payload("pandas.index", body.replace(old, new)), key="k")
