"""Fingerprints of the standard library's other containers and values, and of dtypes.

`singledispatch` looks at the bare class, so annotations name no parameters.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from array import array
from collections import ChainMap, defaultdict, deque
from pathlib import PurePath
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from fingerprint import Print, _class, _hex, _of, _zone, dtype_print, fingerprint
from pandas.tseries.offsets import BaseOffset


@_of.register
def _(value: defaultdict) -> Print:  # type: ignore[type-arg]  # any
    return [repr(value.default_factory), fingerprint(dict(value))]


@_of.register
def _(value: deque) -> Print:  # type: ignore[type-arg]  # any
    return [repr(value.maxlen), *map(fingerprint, value)]


@_of.register
def _(value: ChainMap) -> Print:  # type: ignore[type-arg]  # any
    return fingerprint(value.maps)


@_of.register
def _(value: SimpleNamespace) -> Print:
    return fingerprint(vars(value))


@_of.register
def _(value: MappingProxyType) -> Print:  # type: ignore[type-arg]  # any
    return fingerprint(value.copy())


@_of.register
def _(value: slice) -> Print:
    return [fingerprint(part) for part in (value.start, value.stop, value.step)]


@_of.register
def _(value: array) -> Print:  # type: ignore[type-arg]  # any
    return [value.typecode, _hex(value.tobytes())]


@_of.register
def _(value: PurePath) -> Print:
    return [ascii(part) for part in (value.drive, value.root, *value.parts)]


@_of.register(ipaddress._IPAddressBase)
def _(value: Any) -> Print:
    return str(value)


@_of.register(re.Pattern)
def _(value: Any) -> Print:
    return [fingerprint(value.pattern), str(value.flags)]


@_of.register
def _(value: dt.tzinfo) -> Print:
    return _zone(value)


@_of.register
def _(value: np.dtype) -> Print:  # type: ignore[type-arg]  # any
    if value.kind != "T":
        return dtype_print(value)
    return [str(value.coerce), fingerprint(getattr(value, "na_object", "none"))]  # type: ignore[attr-defined]


@_of.register
def _(value: pd.api.extensions.ExtensionDtype) -> Print:
    return [
        [name, _part(getattr(value, name))]
        for name in (
            *("ordered", "categories", "unit", "tz", "freq", "subtype", "closed", "fill_value"),
            *("storage", "na_value", "pyarrow_dtype", "numpy_dtype", "_dtype"),
        )
        if hasattr(value, name)
    ]


def _part(part: Any) -> Print:
    if isinstance(part, pd.Index | BaseOffset | np.dtype | np.generic | float):
        return fingerprint(part)
    return _zone(part) if isinstance(part, dt.tzinfo) else [_class(type(part)), ascii(part)]
