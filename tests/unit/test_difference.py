"""What two versions of a value differ in, line by line."""

from __future__ import annotations

import pandas as pd
import pytest

from streamlit_pgstate import DecodeError, codecs
from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.page.inspection.difference import difference
from streamlit_pgstate.page.inspection.text_form import MOST_LINES, lines_of


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([], [], []),
        (["a"], ["a"], []),
        (["a"], ["b"], ["@@ -1 +1 @@", "-a", "+b"]),
        ([], ["a"], ["@@ -0,0 +1 @@", "+a"]),
        (["a"], [], ["@@ -1 +0,0 @@", "-a"]),
        (["--- a"], ["+++ b"], ["@@ -1 +1 @@", "---- a", "++++ b"]),
    ],
)
def test_two_texts_differ(before: list[str], after: list[str], expected: list[str]) -> None:
    assert difference(before, after) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, ["3"]),
        ("first\nsecond", ["first", "second"]),
        ({"page": 3}, ["{", '  "page": 3', "}"]),
        ((1, 2), ["{", '  "$tuple": [', "    1,", "    2", "  ]", "}"]),
        (pd.DataFrame({"a": [1, 2]}), [",a", "0,1", "1,2"]),
        (pd.Series([5], name="s"), [",s", "0,5"]),
        (b"bytes", None),
    ],
)
def test_a_value_has_a_text_form(value: object, expected: list[str] | None) -> None:
    assert lines_of(codecs.encode(value, key="k"), key="k") == expected


def test_a_compressed_value_has_the_same_text_form() -> None:
    value = ["word"] * 50_000
    payload = codecs.encode(value, key="k")
    assert payload.kind == "json+zstd"
    lines = lines_of(payload, key="k")
    assert lines is not None
    assert lines[:2] == ["[", '  "word",']
    assert len(lines) == MOST_LINES


def test_a_damaged_value_is_named() -> None:
    with pytest.raises(DecodeError, match="'k' was written as 'pandas\\.frame'"):
        lines_of(Payload("pandas.frame", b"no frame"), key="k")
