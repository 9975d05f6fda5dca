"""File names of an export, ids that people type, and texts that a terminal shows."""

from __future__ import annotations

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlit_pgstate import ConfigError
from streamlit_pgstate.cli.printing import safe, size
from streamlit_pgstate.postgres.inspection import id_range
from streamlit_pgstate.state.archive.file_names import file_name, safe_suffix


@given(st.text(min_size=1, max_size=255), st.integers(1, 10_000))
def test_any_key_has_a_name_that_every_system_takes(key: str, number: int) -> None:
    name = file_name(number, key, ".json")
    assert re.fullmatch(r"\d{4,5}(-[A-Za-z0-9_-]{1,40})?\.json", name)
    assert not name.startswith("-")


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("a.csv", ".csv"),
        ("a.tar.gz", ".gz"),
        ("a", ".bin"),
        ("", ".bin"),
        (".", ".bin"),
        ("a.", ".bin"),
        ("a.b/c", ".bin"),
        ("a.\x00", ".bin"),
        ("a." + "x" * 11, ".bin"),
    ],
)
def test_a_suffix_is_taken_only_if_it_is_safe(name: str, suffix: str) -> None:
    assert safe_suffix(name) == suffix


@given(st.uuids(), st.integers(4, 32))
def test_an_id_is_within_the_range_of_its_first_digits(id_: uuid.UUID, digits: int) -> None:
    first, last = id_range(id_.hex[:digits])
    assert first <= id_ <= last
    assert id_range(str(id_)) == (id_, id_)


@pytest.mark.parametrize("text", ["", "abc", "-", "----", "xyz1", "0" * 33, "abcd%"])
def test_what_is_no_beginning_of_an_id_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="at least 4"):
        id_range(text)


@given(st.text())
def test_a_terminal_gets_no_control_character(text: str) -> None:
    assert safe(text).isprintable()
    assert text.isprintable() == (safe(text) == text)


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 bytes"), (1023, "1,023 bytes"), (1536, "1.5 KiB"), (2**40, "1.0 TiB")],
)
def test_sizes_have_units(number: int, said: str) -> None:
    assert size(number) == said
