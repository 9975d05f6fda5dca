"""Large values are written piece by piece, come back as they were, and are refused early."""

from __future__ import annotations

import io
import json
import math
import tracemalloc

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from everything import named

from streamlit_pgstate.codecs import compression, decode, encode
from streamlit_pgstate.codecs.file import StoredFile
from streamlit_pgstate.errors import LimitExceeded, UnsupportedType

MIB = 1 << 20
MANY = 20_001  # more than fit into two slices


def text_of(value):
    payload = encode(value, key="k")
    packed = payload.kind.endswith(compression.SUFFIX)
    return (compression.unpack(payload.body) if packed else payload.body).decode()


def again(value):
    return decode(encode(value, key="k"), key="k")


NUMBERS = list(range(MANY))

JSON = {
    "a list": NUMBERS,
    "a list of different things": [None, True, 1.5, "é", [], {}] * MANY,
    "a list of dicts": [{"id": n, "name": f"user {n}"} for n in range(MANY)],
    "a dict": {f"key {n}": n for n in range(MANY)},
    "in a dict": {"a": 1, "b": NUMBERS, "c": {"d": NUMBERS, "e": []}},
    "in each other": [NUMBERS, [NUMBERS, 1], "x"] * 3,
    "a long one in a long one": [*NUMBERS, [[NUMBERS]], {"a": NUMBERS}],
}


@pytest.mark.parametrize("value", JSON.values(), ids=JSON)
def test_a_long_value_is_one_json_text_like_any_other(value):
    assert text_of(value) == json.dumps(value, ensure_ascii=False)
    assert again(value) == value


LIKE_MARKERS = [{"$sliced": 0}, '{"$sliced": 0}', {'{"$sliced": 0}': 1}, {"$part": 0}]

MARKED = {
    "a tuple": (*NUMBERS, ()),
    "a dict with numbers for keys": {n: (n,) for n in range(MANY)},
    "a set of long tuples": {(*NUMBERS, n) for n in range(3)},
    "what looks like a marker of ours": [*LIKE_MARKERS, *NUMBERS, *LIKE_MARKERS],
    "that in a slice of its own": {"a": NUMBERS, "b": LIKE_MARKERS},
    "pairs of surrogates": ["\ud83d", "\ude00", "\ud83d\ude00", "😀"] * MANY,
}


@pytest.mark.parametrize("value", MARKED.values(), ids=MARKED)
def test_a_long_value_that_needs_markers_comes_back_as_it_was(value):
    found = again(value)
    assert type(found) is type(value)
    assert found == value
    assert encode(found, key="k") == encode(value, key="k")


def test_parts_may_stand_anywhere_in_a_long_value():
    value = {"a": [*NUMBERS, np.arange(3)], "b": [(np.arange(2),)] * MANY}
    found = again(value)
    assert found["a"][:-1] == NUMBERS
    assert found["a"][-1].tolist() == [0, 1, 2]
    assert len(found["b"]) == MANY
    assert found["b"][-1][0].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ([*NUMBERS, print], rf"'k' → \[{MANY}\] is"),
        (({}, [*NUMBERS, {"a": print}]), rf"'k' → \[1\] → \[{MANY}\] → 'a' is"),
        ({"x": {**JSON["a dict"], "y": print}}, "'k' → 'x' → 'y' is"),
        ({**dict.fromkeys(NUMBERS), "y": print}, "'k' → 'y' is"),
    ],
)
def test_what_is_refused_far_inside_is_found(value, path):
    with pytest.raises(UnsupportedType, match=path):
        encode(value, key="k")
    assert text_of(NUMBERS) == json.dumps(NUMBERS)  # nothing was left behind


class TestOneEmojiInALongText:
    # Python holds a text that has one at four bytes for each of its characters.

    @pytest.mark.parametrize("rare", ["😀", "€", "\ud83d", "\ud83d😀\ude00"])
    def test_is_an_escape(self, rare):
        value = ["Grüße, ", rare, *["plain text, é"] * 20_000]
        text = text_of(value)
        assert max(text) <= "\xff"
        assert "é" in text
        assert again(value) == value

    def test_is_none_where_there_are_many(self):
        value = ["Ελληνικά 😀"] * 20_000
        assert text_of(value) == json.dumps(value, ensure_ascii=False)
        assert again(value) == value

    def test_is_none_in_a_short_one(self):
        assert text_of("a 😀") == '"a 😀"'


# --- limits ------------------------------------------------------------------------------

LARGE = {
    "zeros": lambda: np.zeros(64 * MIB, "u1"),
    "with strides": lambda: np.zeros((8192, 8192), "u1")[:, ::2],
    "in F order": lambda: np.zeros((8192, 8192), "u1").T,
    "masked": lambda: np.ma.masked_array(np.zeros(8 * MIB)),
    "bytes": lambda: bytes(64 * MIB),
    "bytearray": lambda: bytearray(64 * MIB),
    "text": lambda: "a" * (64 * MIB),
    "a list of numbers": lambda: list(range(3 * MIB)),
    "a tuple of texts": lambda: ("some text",) * 3 * MIB,
    "a list of dicts": lambda: [{"a": 1, "b": "some text" * 9}] * (MIB // 4),
    "a dict": lambda: dict.fromkeys(range(MIB // 8), "some text" * 9),
    "a dict of arrays": lambda: {n: np.zeros(MIB // 2, "u1") for n in range(64)},
    "BytesIO": lambda: io.BytesIO(bytes(64 * MIB)),
    "a file": lambda: StoredFile(bytes(64 * MIB), name="a", type="b"),
    "a frame of one dtype": lambda: pd.DataFrame(np.zeros((MIB, 8))),
    "a frame of many columns": lambda: pd.DataFrame(np.zeros((1000, 8192))),
    "a frame of many dtypes": lambda: pd.DataFrame(
        {n: np.zeros(MIB // 2, f"{'if'[n % 2]}8") for n in range(16)}
    ),
    "a frame of objects": lambda: pd.DataFrame({"a": ["some text" * 9] * (MIB // 2)}, dtype=object),
    "a series": lambda: pd.Series(np.zeros(8 * MIB)),
    "a series of texts": lambda: pd.Series(["some text"] * 4 * MIB, dtype="string[pyarrow]"),
    "an Arrow table": lambda: pa.table({"a": np.zeros(8 * MIB)}),
}


@pytest.mark.parametrize("make", LARGE.values(), ids=LARGE)
def test_what_is_too_large_is_refused_before_it_is_copied(make):
    peak, caught = refusal(make())
    words = str(caught).replace(",", "").split()
    assert words[0] == "'cart'"
    size = int(words[words.index("bytes") - 1])
    assert size > 2 * MIB
    assert "max_value_bytes (2,097,152)" in str(caught)
    assert peak < 16 * MIB


def test_a_few_long_texts_are_refused_before_they_are_written():
    peak, _ = refusal(["a" * 8 * MIB] * 8)
    assert peak < 80 * MIB


def refusal(value):
    tracemalloc.start()
    try:
        with pytest.raises(LimitExceeded) as caught:
            encode(value, key="cart", limit=2 * MIB)
        return tracemalloc.get_traced_memory()[1], caught.value
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "make", named(LARGE, "zeros", "a tuple of texts", "a frame of many dtypes")
)
def test_the_limit_is_of_the_body_before_it_is_compressed(make):
    value = make()
    payload = encode(value, key="k")
    size = payload.size
    if payload.kind.endswith(compression.SUFFIX):
        size = len(compression.unpack(payload.body))
        assert payload.size < size / 2
    assert encode(value, key="k", limit=size) == payload
    with pytest.raises(LimitExceeded):
        encode(value, key="k", limit=size - 1)


def test_a_limit_is_that_of_its_own_call_only():
    with pytest.raises(LimitExceeded):
        encode(np.zeros(1000), key="k", limit=100)
    assert encode(np.zeros(1000), key="k", limit=math.inf) == encode(np.zeros(1000), key="k")
