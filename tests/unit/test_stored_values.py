"""A kind once released stays readable: bodies that older versions have stored, and their values."""

from __future__ import annotations

import collections
import datetime as dt
import io
import ipaddress
import json
import math
import re
import types
from array import array
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from uuid import UUID, SafeUUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from dateutil import tz
from fingerprint import fingerprint
from libraries import PIL, alt, gpd, pl, plotly, pyproj, scipy, shapely, what_is_missing
from own_types import Colour, Inner, Model, Pair, Point, Settings, Strict, Visit
from streamlit.elements.widgets.chat import ChatInputValue
from streamlit.util import AttributeDictionary
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


def noted(value, **attributes):
    for name, item in attributes.items():
        object.__setattr__(value, name, item)
    return value


def with_item(matrix):
    matrix[0, 0] = 7
    return matrix


def with_int_keys(matrix):
    """A dok whose keys are of int, as if its items had been set one by one."""
    made = type(matrix)(matrix.shape, dtype=matrix.dtype)
    for (row, column), value in matrix.items():
        made[int(row), int(column)] = value
    return made


NAMES = {
    "AttributeDictionary": AttributeDictionary, "ChatInputValue": ChatInputValue,
    "PurePosixPath": PurePosixPath, "PureWindowsPath": PureWindowsPath, "array": array,
    "c": collections, "ip": ipaddress, "re": re, "types": types, "zone_of_dateutil": tz.gettz,
    "Inner": Inner, "Model": Model, "Settings": Settings, "Strict": Strict, "Visit": Visit,
    "Colour": Colour, "D": Decimal, "Fraction": Fraction, "Image": PIL and PIL.Image,
    "Pair": Pair, "Point": Point, "SafeUUID": SafeUUID, "StoredFile": StoredFile, "UUID": UUID,
    "alt": alt, "cells": cells, "dt": dt,
    "go": plotly and plotly.graph_objects, "gpd": gpd, "pyproj": pyproj, "shapely": shapely,
    "make_subplots": plotly and plotly.subplots.make_subplots,
    "inf": math.inf, "io": io, "nan": math.nan, "noted": noted, "np": np, "pa": pa, "pd": pd,
    "pl": pl, "sparse": scipy and scipy.sparse, "with_attrs": with_attrs,
    "with_int_keys": with_int_keys, "with_item": with_item, "zone": ZoneInfo,
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
    is_older = (PANDAS < (3, 0) and "pd." in entry["value"]) or (
        "alt." in entry["value"] and alt.__version__ < "6"
    )
    if not is_older:
        assert fingerprint(found) == fingerprint(expected)
    assert type(found) is type(expected)  # older ones make others of these expressions


def test_there_is_a_stored_body_of_every_kind():
    stored = {entry["kind"].removesuffix("+zstd") for entry in MANIFEST}
    assert stored == {"json", "bundle", *kinds.KINDS}


def test_every_stored_body_is_in_the_manifest():
    assert {path.name for path in BODIES.glob("*.body")} == {entry["file"] for entry in MANIFEST}
