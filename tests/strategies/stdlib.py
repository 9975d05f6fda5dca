"""Values of the standard library beside the plain ones, dtypes, and what Streamlit returns."""

from __future__ import annotations

import ipaddress
import re
import string
from array import array, typecodes
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import MappingProxyType, SimpleNamespace

import pandas as pd
from hypothesis import strategies as st
from streamlit import util
from streamlit.elements import arrow, plotly_chart
from streamlit.elements.widgets.chat import ChatInputValue

from strategies.once import once

# Of these, older versions of Streamlit have only the first. Theirs of the others are for mypy.
SELECTIONS = [
    cls
    for cls in (
        util.AttributeDictionary,
        getattr(util, "ReadOnlyAttributeDictionary", dict),
        *(arrow.DataframeState, plotly_chart.PlotlyState, plotly_chart.PlotlySelectionState),
    )
    if issubclass(cls, util.AttributeDictionary)
]


@once
def paths():
    texts = st.text(st.characters(codec=None, exclude_characters="\0"), max_size=8)
    names = texts | st.sampled_from(["..", "", "a/b", "c:x", "\\\\host\\share\\a", "//a", "~"])
    parts = st.lists(names, max_size=3)
    made = st.builds(
        lambda cls, parts: cls(*parts),
        st.sampled_from([PurePosixPath, PureWindowsPath, Path]), parts,
    )  # fmt: skip
    return made.filter(_is_made_again)


def _is_made_again(path):
    """Not so a few of Windows before Python 3.12, whose text means another path: refused."""
    again = type(path)(str(path))
    return (again.drive, again.root, again.parts) == (path.drive, path.root, path.parts)


@once
def addresses():
    scoped = st.builds(
        lambda address, scope: ipaddress.IPv6Address(f"{address}%{scope}"),
        st.ip_addresses(v=6), st.text(string.ascii_letters + string.digits, min_size=1, max_size=4),
    )  # fmt: skip
    alone = st.ip_addresses() | scoped
    return st.one_of(
        alone,
        st.builds(lambda address, size: ipaddress.ip_interface(f"{address}/{size}"), alone, bits()),
        st.builds(
            lambda address, size: ipaddress.ip_network(f"{address}/{size}", strict=False),
            st.ip_addresses(), bits(),
        ),
    )  # fmt: skip


def bits():
    return st.integers(0, 32)


@once
def patterns():
    flags = st.sampled_from([0, re.I, re.M | re.S, re.X, re.A, re.I | re.A])
    texts = st.text(st.characters(codec=None), max_size=5).map(re.escape)
    return st.one_of(
        st.builds(re.compile, texts, flags),
        st.builds(re.compile, st.binary(max_size=5).map(re.escape), flags),
        st.sampled_from([re.compile("(?i)[a-zä-ü]+|(?P<n>x)"), re.compile(b"\\d", re.L)]),
    )


@once
def hashables():
    """What can be a key."""
    return st.one_of(
        st.fractions(),
        paths(),
        addresses(),
        patterns(),
        st.timezones(),
    )


@once
def arrays():
    return st.sampled_from(typecodes).flatmap(_arrays)


def _arrays(code):
    if code in {"u", "w"}:  # "w" from Python 3.13 on
        return st.text(st.characters(codec=None), max_size=5).map(lambda text: array(code, text))
    size = array(code).itemsize
    return st.binary(max_size=5 * size).map(
        lambda data: array(code, data[: len(data) // size * size])
    )


@once
def leaves():
    ends = st.none() | st.integers()
    return hashables() | arrays() | st.builds(slice, ends, ends, ends)


FACTORIES = (None, list, set, dict, int, float, str, tuple, bool, bytes, frozenset, complex, deque)


def containers(inner, keys):
    """Containers of `inner`."""
    pairs = st.dictionaries(keys, inner, max_size=3)
    return st.one_of(
        st.builds(defaultdict, st.sampled_from(FACTORIES), pairs),
        st.builds(_turned, pairs),
        st.dictionaries(keys, st.integers() | inner, max_size=3).map(_counted),
        st.builds(deque, st.lists(inner, max_size=3), st.none() | st.integers(0, 5)),
        st.lists(pairs, min_size=1, max_size=2).map(lambda maps: ChainMap(*maps)),
        st.dictionaries(st.text(max_size=3), inner, max_size=3).map(_named),
        pairs.map(MappingProxyType),
        pairs.map(_turned).map(MappingProxyType),
        st.builds(slice, inner, st.none(), inner),
        st.builds(lambda cls, found: cls(found), st.sampled_from(SELECTIONS), pairs),
        st.builds(_message, st.text(max_size=3), st.lists(inner, max_size=2)),
    )


def _turned(pairs):
    made = OrderedDict(pairs)
    for key in list(pairs)[:1]:
        made.move_to_end(key)  # an order that the dict below it does not have
    return made


def _counted(pairs):
    made = Counter()
    dict.update(made, pairs)
    return made


def _named(pairs):
    made = SimpleNamespace()
    vars(made).update(pairs)
    return made


def _message(text, files):
    value = ChatInputValue(text, files)
    vars(value).update({name: True for name in vars(value) if name == "_include_files"})
    return value


@once
def pandas_dtypes(series):
    """Those of any array of pandas, and the few of which there is no array."""
    return series.map(lambda data: data.dtype) | st.sampled_from(
        [
            *(pd.CategoricalDtype(), pd.CategoricalDtype(ordered=None), pd.IntervalDtype()),
            *(pd.IntervalDtype("int64"), pd.Int8Dtype(), pd.BooleanDtype()),
        ]
    )


@once
def date_offsets():
    names = ("years", "months", "weeks", "days", "hours", "nanoseconds", "year", "hour", "weekday")
    parts = st.dictionaries(st.sampled_from(names), st.integers(1, 6), max_size=3)
    return st.builds(
        lambda n, normalize, parts: pd.DateOffset(n, normalize, **parts),
        st.integers(-3, 3), st.booleans(), parts,
    )  # fmt: skip
