"""Plain values of Python: every type, in each other to any depth."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import reduce
from uuid import UUID, SafeUUID

from hypothesis import strategies as st

from strategies import stdlib
from strategies.once import once

MARKERS = (
    *("$", "$tuple", "$set", "$dict", "$part", "$int", "$float", "$str", "$bytes", "$range"),
    *("$date", "$datetime", "$numpy", "$pandas", "$registered", "$nobody", "a"),
    *("$deque", "$counter", "$defaultdict", "$dtype", "$path"),
)


@once
def texts():
    """Any Unicode, lone surrogates, NUL, and what looks like a marker."""
    return st.one_of(
        st.text(st.characters(codec=None), max_size=10),
        st.text("\ud83d\ude00\0$\\u", max_size=5),
        st.sampled_from(MARKERS),
    )


@once
def offsets():
    almost_a_day = dt.timedelta(days=1) - dt.timedelta(microseconds=1)
    sizes = st.timedeltas(-almost_a_day, almost_a_day)
    return sizes.map(dt.timezone) | st.builds(dt.timezone, sizes, texts())


@once
def zones():
    return st.none() | st.timezones() | offsets()


@once
def numbers():
    return st.one_of(
        st.booleans(),
        st.integers(),
        st.integers(2**2040, 2**2060),
        st.integers(-(2**2060), -(2**2040)),
        st.floats(),
        st.complex_numbers(),
        st.decimals().filter(lambda number: not number.is_snan()),  # which has no hash
    )


@once
def times():
    return st.one_of(
        st.dates(),
        st.times(timezones=zones()),
        st.datetimes(timezones=zones(), allow_imaginary=True),
        st.timedeltas(),
        st.builds(lambda at, fold: at.replace(fold=fold), st.datetimes(), st.integers(0, 1)),
        st.builds(lambda at, fold: at.replace(fold=fold), st.times(), st.integers(0, 1)),
    )


@once
def ranges():
    ends = st.integers(-(2**70), 2**70)
    return st.builds(range, ends, ends, ends.filter(bool))


@once
def uuids():
    """Also as `uuid1` makes them, which knows whether its clock is safe."""
    return st.builds(
        lambda number, safe: UUID(int=number.int, is_safe=safe),
        st.uuids(), st.sampled_from(SafeUUID),
    )  # fmt: skip


@once
def atoms():
    """What has a hash and holds nothing else."""
    return st.one_of(
        *(st.none(), numbers(), texts(), st.binary(max_size=20), times(), uuids(), ranges()),
        stdlib.hashables() | offsets(),
    )


@once
def hashables():
    """What can be a key."""
    return st.recursive(
        atoms(),
        lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
        max_leaves=4,
    )


@once
def leaves():
    return st.one_of(
        hashables(),
        st.binary(max_size=20).map(bytearray),
        st.just(Decimal("-sNaN7")),
        stdlib.leaves(),
    )


def containers(inner, keys=None):
    """Containers of `inner`."""
    keys = hashables() if keys is None else keys
    return st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(texts(), inner, max_size=3),
        st.dictionaries(st.sampled_from(MARKERS), inner, max_size=2),
        st.dictionaries(keys, inner, max_size=3),
        st.sets(keys, max_size=3),
        stdlib.containers(inner, keys),
    )


_STEPS = {
    "list": lambda inner: [inner],
    "tuple": lambda inner: (0, inner),
    "dict": lambda inner: {"a": inner},
    "marker": lambda inner: {"$tuple": inner},
    "other keys": lambda inner: {1: inner, None: 2},
}


def deep(inner):
    """`inner` under up to 120 levels."""
    steps = st.tuples(st.integers(1, 40), st.sampled_from(sorted(_STEPS)))
    return st.builds(_bury, inner, st.lists(steps, min_size=1, max_size=3))


def _bury(value, steps):
    for times, name in steps:
        value = reduce(lambda inner, _: _STEPS[name](inner), range(times), value)
    return value


@once
def plain_values():
    """All that is written as JSON text, but for bytes alone."""
    shallow = st.recursive(leaves(), containers, max_leaves=12)
    return shallow | deep(st.recursive(leaves(), containers, max_leaves=3))
