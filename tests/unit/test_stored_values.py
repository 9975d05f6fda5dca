"""A kind once released stays readable: bodies that older versions have stored, and their values."""

from __future__ import annotations

import datetime as dt
import io
import json
import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fingerprint import fingerprint
from libraries import PIL, pl, scipy, what_is_missing
from own_types import Colour, Inner, Model, Pair, Point, Settings, Strict, Visit
from test_frames import PANDAS

from streamlit_pgstate.codecs import Payload, decode, kinds
from streamlit_pgstate.codecs.file import StoredFile
from streamlit_pgstate.errors import DecodeError

BODIES = Path(__file__).parents[1] / "bodies"
MANIFEST = json.loads((BODIES / "manifest.json").read_text())


def cells(*values):
    held = np.empty(len(values), object)
    for place, value in enumerate(values):  # [:] would make one array of arrays
        held[place] = value
    return held


def with_attrs(data, **attrs):
    data.attrs = attrs
    return data


NAMES = {
    "Colour": Colour, "Inner": Inner, "Model": Model, "Settings": Settings, "Strict": Strict,
    "Visit": Visit, "D": Decimal, "Fraction": Fraction, "Image": PIL and PIL.Image,
    "Pair": Pair, "Point": Point, "StoredFile": StoredFile, "UUID": UUID, "cells": cells, "dt": dt,
    "inf": math.inf, "io": io, "nan": math.nan, "np": np, "pa": pa, "pd": pd, "pl": pl,
    "sparse": scipy and scipy.sparse, "with_attrs": with_attrs, "zone": ZoneInfo,
}  # fmt: skip


def made_of(expression):
    """The value of an expression of the manifest."""
    return eval(expression, dict(NAMES))


@pytest.mark.parametrize("entry", MANIFEST, ids=[entry["value"][:60] for entry in MANIFEST])
def test_a_stored_body_is_still_read_or_names_the_library_that_it_needs(entry):
    payload = Payload(entry["kind"], (BODIES / entry["file"]).read_bytes())
    missing = what_is_missing(entry)
    if missing:
        with pytest.raises(DecodeError, match=missing):
            decode(payload, key="k")
        return
    found, expected = decode(payload, key="k"), made_of(entry["value"])
    if PANDAS >= (3, 0) or "pd." not in entry["value"]:
        assert fingerprint(found) == fingerprint(expected)
    assert type(found) is type(expected)  # before, pandas makes other dtypes of these expressions


def test_there_is_a_stored_body_of_every_kind():
    stored = {entry["kind"].removesuffix("+zstd") for entry in MANIFEST}
    assert stored == {"json", "bundle", *kinds.KINDS}


def test_every_stored_body_is_in_the_manifest():
    assert {path.name for path in BODIES.glob("*.body")} == {entry["file"] for entry in MANIFEST}
