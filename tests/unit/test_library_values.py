"""The standard library's other containers and values, dtypes, and Streamlit's values are kept."""

from __future__ import annotations

import array
import datetime as dt
import io
import ipaddress as ip
import os
import re
import subprocess
import sys
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import MappingProxyType, SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy
from dateutil import tz
from dateutil.relativedelta import MO
from fingerprint import fingerprint
from own_types import Point
from strategies.stdlib import SELECTIONS
from streamlit.elements import plotly_chart
from streamlit.elements.widgets.chat import ChatInputValue
from streamlit.util import AttributeDictionary

from streamlit_pgstate.codecs import Payload, decode, encode, register, registered
from streamlit_pgstate.codecs.file import StoredFile
from streamlit_pgstate.errors import DecodeError, UnsupportedType


def again(value):
    return decode(encode(value, key="k"), key="k")


BERLIN = ZoneInfo("Europe/Berlin")
PAIR = "\ud83d\ude00"  # two surrogates as two characters
NUMBERS = [code for code in array.typecodes if code not in "uw"]


def turned(ordered):
    ordered.move_to_end("b")
    return ordered


def named(names):
    namespace = SimpleNamespace()
    vars(namespace).update(names)
    return namespace


def message(text, **fields):
    value = ChatInputValue(text, [])
    vars(value).update(fields)
    return value


FLAG = {"_include_files": True} if "_include_files" in vars(message("")) else {}

PLAIN = {
    "a defaultdict": defaultdict(list, a=[1]),
    "a defaultdict without a factory": defaultdict(None, {1: 2}),
    "a defaultdict of Counters": defaultdict(Counter, a=Counter("aba")),
    "an OrderedDict": OrderedDict(b=1, a=2),
    "an OrderedDict that looks like a marker": OrderedDict({"$tuple": [1]}),
    "an OrderedDict in another order than its dict": turned(OrderedDict(b=1, a=2)),
    "a Counter": Counter({"a": 2, "b": -1, (1,): 0.5}),
    "a deque": deque([1, [2]]),
    "a deque with maxlen": deque([1, 2], 2),
    "a deque of no length": deque(maxlen=0),
    "a ChainMap": ChainMap({"a": 1}, OrderedDict(b=2), ChainMap({3: 4})),
    "a SimpleNamespace": SimpleNamespace(a=1, b=SimpleNamespace()),
    "a SimpleNamespace with a strange name": named({"$tuple": [1]}),
    "a mappingproxy": MappingProxyType({"a": [1]}),
    "a mappingproxy of an OrderedDict": MappingProxyType(OrderedDict(a=1)),
    "a slice": slice(1, None, -2),
    "a slice of anything": slice("a", dt.date(2026, 1, 2), [Fraction(1, 2)]),
    "a Fraction": Fraction(-1, 3),
    "a Fraction of large numbers": Fraction(10**1000, 3**1000),
    "a path": Path("a", "b.txt"),
    "a pure path": PurePosixPath("//a/../b"),
    "a path of Windows": PureWindowsPath("c:a\\b"),
    "a path with a surrogate": PurePosixPath("a" + PAIR),
    "an empty path": PurePosixPath(),
    "an address": ip.ip_address("10.0.0.1"),
    "an address of version 6": ip.ip_address("::ffff:1.2.3.4"),
    "an address with a scope": ip.ip_address("fe80::1%eth0"),
    "a network": ip.ip_network("10.0.0.0/8"),
    "a network of version 6": ip.ip_network("fe80::/10"),
    "an interface": ip.ip_interface("10.0.0.1/8"),
    "an interface with a scope": ip.ip_interface("fe80::1%eth0/64"),
    "a pattern": re.compile(r"(?P<a>\d+)|[a-zä-ü]", re.IGNORECASE | re.VERBOSE),
    "a pattern of bytes": re.compile(b"[\\w]+", re.LOCALE),
    "a ZoneInfo": BERLIN,
    "a timezone": dt.timezone(dt.timedelta(hours=1), "CET"),
    "the timezone UTC": dt.UTC,
    **{f"an array of {code}": array.array(code, [1, 0, 2]) for code in NUMBERS},
    "an array of characters": array.array("u", "aä😀"),
    **({"an array of w": array.array("w", "aä😀")} if "w" in array.typecodes else {}),
    "an empty array": array.array("d"),
    "a zone of dateutil": dt.datetime(2026, 7, 1, 2, tzinfo=tz.gettz("America/Indiana/Knox")),
    "UTC of dateutil": dt.datetime(2026, 7, 1, 2, tzinfo=tz.UTC),
    "an offset of dateutil": dt.time(2, tzinfo=tz.tzoffset(PAIR, -5400)),
    "small values as keys": {
        Fraction(1, 2): 1, Path("a"): 2, ip.ip_address("::1"): 3, re.compile("a"): 4, BERLIN: 5,
        ip.ip_network("10.0.0.0/8"): 6, dt.timezone.max: 7, (Path("a"), Fraction(1, 3)): 8,
    },
    "small values as elements": {Fraction(1, 2), Path("a"), ip.ip_address("::1"), dt.UTC, BERLIN},
    "containers in each other": deque([defaultdict(dict, a={1: Counter([(1, 2)])})], 3),
}  # fmt: skip

DTYPES = {
    "float64": np.dtype("f8"),
    "another byte order": np.dtype(">i2"),
    "objects": np.dtype(object),
    "long long": np.dtype("q"),
    "days": np.dtype("M8[D]"),
    "text": np.dtype("<U5"),
    "records": np.dtype([("a", "i1"), ("b", "f8", (2,)), ("c", [("d", ">U3")])], align=True),
    "records of objects": np.dtype([("a", object), ("b", "i4")]),
    "numpy.record": np.dtype((np.record, [("a", "i4")])),
    "metadata": np.dtype("f8", metadata={"unit": ("m", 2)}),
    "category": pd.CategoricalDtype(["b", "a"], ordered=True),
    "category of intervals": pd.CategoricalDtype(pd.interval_range(0, 2)),
    "category of intervals that overlap": pd.CategoricalDtype(
        pd.IntervalIndex.from_tuples([(0, 1), (0, 2)])
    ),
    "category of anything": pd.CategoricalDtype(),
    "category, not said whether ordered": pd.CategoricalDtype(ordered=None),
    "zone": pd.DatetimeTZDtype("s", BERLIN),
    "period": pd.PeriodDtype("2W-WED"),
    "interval": pd.IntervalDtype("float64", "both"),
    "interval of anything": pd.IntervalDtype(),
    "interval, not said whether closed": pd.IntervalDtype("int64"),
    "sparse": pd.SparseDtype("i4", 3),
    "Int64": pd.Int64Dtype(),
    "boolean": pd.BooleanDtype(),
    "string": pd.StringDtype("python"),
    "Arrow": pd.ArrowDtype(pa.list_(pa.decimal128(5, 2))),
    "extension of NumPy": pd.arrays.NumpyExtensionArray(np.zeros(1, ">f4")).dtype,
    "all of a frame": pd.DataFrame({"a": [1], "b": ["x"], "c": pd.Categorical(["a"])}).dtypes,
}  # fmt: skip
if hasattr(np.dtypes, "StringDType"):
    DTYPES["text of any length"] = np.dtypes.StringDType(na_object=None, coerce=False)

OFFSETS = {
    "a DateOffset": pd.DateOffset(months=1, days=2, nanoseconds=5),
    "a DateOffset of nothing": pd.DateOffset(-3, normalize=True),
    "a DateOffset to a weekday": pd.DateOffset(weekday=MO(-1), hour=3),
    "a DateOffset of NumPy": pd.DateOffset(months=np.int64(2)),
    "an index of DateOffsets": pd.date_range("2026-01-31", periods=3, freq=pd.DateOffset(months=2)),
}

STREAMLIT = {
    **{cls.__name__: cls({"selection": {"rows": [1], "box": []}}) for cls in SELECTIONS},
    "selections in each other": AttributeDictionary({"a": AttributeDictionary({1: (2,)})}),
    "a selection that looks like a marker": AttributeDictionary({"$tuple": [1]}),
    "a message": message("ä"),
    "a message with files": message(
        "", files=[StoredFile(b"x", name="a.txt", type="text/plain")], **FLAG
    ),
}

PARTS = {
    "a deque of arrays": deque([np.arange(3), deque([pd.Series([1.5])])], 5),
    "a Counter of a frame in a dataclass": Point(1, Counter(a=pd.DataFrame({"a": [1]}))),
    "a large array": array.array("d", range(9000)),
    "a selection of a frame": AttributeDictionary(a=pd.DataFrame({"a": [1]})),
    "cells": pd.Series([Fraction(1, 2), deque([1]), Counter("a")], dtype=object),
}

VALUES = {**PLAIN, **DTYPES, **OFFSETS, **STREAMLIT, **PARTS}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_value_comes_back_as_it_was(value):
    before = fingerprint(value)
    assert fingerprint(again(value)) == before
    assert fingerprint(value) == before


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_value_comes_back_from_within_containers(value):
    nested = [{"a": deque([value, OrderedDict(b=(value,))])}, defaultdict(list, {(1,): value})]
    assert fingerprint(again(nested)) == fingerprint(nested)


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_what_came_back_is_written_the_same_again(value):
    payload = encode(value, key="k")
    assert encode(decode(payload, key="k"), key="k").digest == payload.digest


def test_it_works_as_before():
    payload = encode([defaultdict(list), deque([1], 1), Counter("aa")], key="k")
    lists, last, counts = decode(payload, key="k")
    lists["new"].append(1)
    last.append(2)
    counts.update("a")
    assert (lists, last, counts) == ({"new": [1]}, deque([2]), {"a": 3})
    assert decode(payload, key="k") == [{}, deque([1]), {"a": 2}]  # each get has its own


# --- what is refused, with what to type -----------------------------------------------------


class Deque(deque):
    pass


class Count(Counter):
    pass


class Third(Fraction):
    pass


class Note(SimpleNamespace):
    pass


class Chain(ChainMap):
    pass


class Address(ip.IPv4Address):
    pass


class Own(PurePosixPath):
    pass


class Fitted:
    def fit(self, data):
        return self

    def predict(self, data):
        return data


class Selection(AttributeDictionary):
    pass


def with_attribute(value):
    value.note = 1
    return value


def chain_of_a_tuple():
    chain = ChainMap()
    chain.maps = ({"a": 1},)
    return chain


def rows():
    with sqlalchemy.create_engine("sqlite://").connect() as connection:
        result = connection.execute(sqlalchemy.text("SELECT 1 AS a, 'x' AS b"))
        return result.all()


def mappings():
    with sqlalchemy.create_engine("sqlite://").connect() as connection:
        return connection.execute(sqlalchemy.text("SELECT 1 AS a, 'x' AS b")).mappings().all()


def characters(*numbers):
    made = array.array("u")
    made.frombytes(np.array(numbers, "u4").tobytes())
    return made


def without_text():
    value = message("a")
    del value["text"]
    return value


def local_time():
    return dt.datetime(2026, 7, 1, tzinfo=tz.tzlocal())


def zone_from_file():
    counts = b"".join(count.to_bytes(4, "big") for count in (0, 0, 0, 0, 1, 4))
    data = b"TZif" + bytes(16) + counts + bytes(6) + b"UTC\0"
    return ZoneInfo.from_file(io.BytesIO(data), key="My/Zone")


# name: the value, words of the message, and what these words tell to type
REFUSED = {
    "a function as factory": (
        defaultdict(lambda: 0, a=1), "whose factory is a function, which", dict,
    ),
    "a class as factory": (defaultdict(Point), "whose factory is own_types.Point, which", dict),
    "a deque of one's own": (Deque([1]), "Keep `list(value)`", list),
    "a Counter of one's own": (Count("a"), "Keep `dict(value)`", dict),
    "a Fraction of one's own": (Third(1, 3), "Keep `fractions.Fraction(value)`", Fraction),
    "a namespace of one's own": (Note(a=1), "Keep `vars(value)`", vars),
    "a ChainMap of one's own": (Chain({"a": 1}), "Keep `dict(value)`", dict),
    "an address of one's own": (Address("10.0.0.1"), "Keep `str(value)`", str),
    "a path of one's own": (Own("a"), "Keep `str(value)`", str),
    "a selection of one's own": (Selection(a=1), "Keep `dict(value)`", dict),
    "an OrderedDict with an attribute": (
        with_attribute(OrderedDict(a=1)), "with the attribute 'note'", dict,
    ),
    "a Counter with an attribute": (with_attribute(Counter("a")), "the attribute 'note'", dict),
    "a network with an attribute": (
        with_attribute(ip.ip_network("10.0.0.0/8")), "Keep str(…) of it", str,
    ),
    "a ChainMap of a tuple": (chain_of_a_tuple(), "Keep dict(…) of it", dict),
    "a Fraction of NumPy's numbers": (
        Fraction(np.int64(1), np.int64(3)),
        "Keep Fraction(int(value.numerator), int(value.denominator))",
        lambda value: Fraction(int(value.numerator), int(value.denominator)),
    ),
    "a Fraction of 16,385 bits": (
        Fraction(1, 1 << 16384),
        "Keep (value.numerator, value.denominator)",
        lambda value: (value.numerator, value.denominator),
    ),
    "a zone from a file": (zone_from_file(), "of the database", lambda zone: b"its data"),
    "a time of this machine": (
        local_time(),
        "Keep .astimezone(zoneinfo.ZoneInfo('…')) of it",
        lambda time: time.astimezone(BERLIN),
    ),
    "a row": (rows()[0], "Keep `value._asdict()`", lambda row: row._asdict()),
    "rows": (rows(), "Keep `value._asdict()`", lambda rows: list(map(tuple, rows))),
    "a mapping of a row": (mappings()[0], "Keep `dict(value)`", dict),
    "a fitted model": (
        Fitted(), "the pathlib.Path of its file", lambda _: Path("model.skops"),
    ),
    "a type of NumPy": (np.float64, "Keep `numpy.dtype(value)`", np.dtype),
    "a dtype of 80 bits": (np.dtype("longdouble"), "Keep str(…) of it", str),
    "characters that are none": (
        characters(0x110000),
        "Keep numpy.frombuffer(…, 'u4') of it",
        lambda value: np.frombuffer(value, "u4"),
    ),
    "a message without an item": (
        without_text(), "Keep value.to_dict()", ChatInputValue.to_dict,
    ),
    **(
        {
            "a dtype of an array that is not kept": (
                pd.ArrowDtype(pa.uuid()), "Keep str(…) of it", str,
            )
        }
        if hasattr(pa, "uuid")
        else {}
    ),
}  # fmt: skip


@pytest.mark.parametrize(("value", "words", "advice"), REFUSED.values(), ids=REFUSED)
def test_what_the_message_of_a_refusal_says_to_type_is_stored(value, words, advice):
    with pytest.raises(UnsupportedType) as caught:
        encode({"here": value}, key="k")
    message = str(caught.value)
    assert message.startswith("'k' → 'here'")
    assert words in message
    kept = advice(value)
    assert fingerprint(again(kept)) == fingerprint(kept)


BROKEN = {
    "$defaultdict of a factory that nobody keeps": b'{"$defaultdict": [{}, "eval"]}',
    "$defaultdict without a dict": b'{"$defaultdict": [[1], "list"]}',
    "$defaultdict with too much": b'{"$defaultdict": [{}, "list", 1]}',
    "$ordereddict": b'{"$ordereddict": [["a", 1]]}',
    "$counter": b'{"$counter": ["a", "a"]}',
    "$deque": b'{"$deque": [1, 2]}',
    "$deque of text": b'{"$deque": ["ab", null]}',
    "$deque longer than its maxlen": b'{"$deque": [[1, 2], 1]}',
    "$deque of a negative maxlen": b'{"$deque": [[], -1]}',
    "$deque of a huge maxlen": b'{"$deque": [[], 100000000000000000000]}',
    "$chainmap of nothing": b'{"$chainmap": []}',
    "$simplenamespace": b'{"$simplenamespace": [1]}',
    "$mappingproxy": b'{"$mappingproxy": 1}',
    "$slice": b'{"$slice": [1, 2]}',
    "$fraction": b'{"$fraction": [1, 0]}',
    "$fraction of text": b'{"$fraction": ["1", 2]}',
    "$path of another class": b'{"$path": ["secret", "Popen"]}',
    "$path of a number": b'{"$path": [1, "PurePosixPath"]}',
    "$address": b'{"$address": ["secret", "IPv4Address"]}',
    "$address of another class": b'{"$address": ["1.2.3.4", "IPv9Address"]}',
    "$address of a number": b'{"$address": [1, "IPv4Address"]}',
    "$pattern": b'{"$pattern": ["(secret", 32]}',
    "$pattern of a number": b'{"$pattern": [1, 32]}',
    "$pattern that would be printed": b'{"$pattern": ["a", 160]}',
    "$pattern in many groups": b'{"$pattern": ["%s", 32]}' % (b"(" * 5000),
    "$zone": b'{"$zone": "../secret"}',
    "$array of another type": b'{"$array": [{"$bytes": ""}, "bB", 1]}',
    "$array of half an item": b'{"$array": [{"$bytes": "AAA="}, "d", 8]}',
    "$array of text": b'{"$array": ["", "d", 8]}',
    "$array of numbers that are no characters": b'{"$array": [{"$bytes": "/////w=="}, "u", 4]}',
    "$dtype": b'{"$dtype": "<f3"}',
    "$dtype of a name": b'{"$dtype": ["secret"]}',
    "$dtype without its array": b'{"$dtype": ["array", 1]}',
    "$streamlit of another class": b'{"$streamlit": [{}, "DeltaGenerator"]}',
    "$streamlit without a dict": b'{"$streamlit": [1, "AttributeDictionary"]}',
    "$chatinput with other fields": b'{"$chatinput": {"text": "a", "secret": 1}}',
    "a zone of dateutil that nobody has": (
        b'{"$time": {"at": "01:00:00", "zone": {"dateutil": "a/b"}}}'
    ),
    "a zone of dateutil outside of the database": (
        b'{"$time": {"at": "01:00:00", "zone": {"dateutil": "/etc/passwd"}}}'
    ),
    "the zone of this machine": b'{"$time": {"at": "01:00:00", "zone": {"dateutil": "localtime"}}}',
    "an offset of dateutil of a day": (
        b'{"$time": {"at": "01:00:00", "zone": {"dateutil": [null, 86400]}}}'
    ),
    "a zone of another library": b'{"$time": {"at": "01:00:00", "zone": {"secret": "UTC"}}}',
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_body_that_is_damaged_or_foreign_is_a_decode_error(body):
    with pytest.raises(DecodeError) as caught:
        decode(Payload("json", body), key="cart")
    assert "secret" not in str(caught.value)
    assert "secret" not in str(caught.value.__cause__)


# --- limits ---------------------------------------------------------------------------------


RANGES = re.compile("[a-z]" * 199, re.IGNORECASE)


def test_a_value_has_at_most_200_ranges_that_ignore_case():
    assert again([RANGES, re.compile("[a-z]{3}", re.I)])[0] == RANGES
    other = [re.compile("[a-z]" * 9999), re.compile("(?:[a-z]-[a-z])", re.I)]
    with pytest.raises(UnsupportedType, match=r"'k' → \[2\] is with over 200 ranges"):
        encode([RANGES, *other], key="k")
    assert again(other) == other  # each value counts for itself
    cells = np.array([RANGES, None], object)
    assert again([cells] * 9)[8][0] == RANGES  # written once, read nine times


def test_a_body_of_more_ranges_is_not_compiled():
    pattern = r'{"$pattern": ["[a-z]%d", 34]}'
    body = f"[{', '.join(pattern % number for number in range(201))}]".encode()
    with pytest.raises(DecodeError):
        decode(Payload("json", body), key="k")


def test_a_pattern_that_prints_when_it_is_compiled_is_refused(capsys):
    pattern = re.compile("a", re.DEBUG)
    capsys.readouterr()
    with pytest.raises(UnsupportedType, match=r"the flag re\.DEBUG, .* Compile it without"):
        encode(pattern, key="k")
    assert again(re.compile("a")) == re.compile("a")
    assert capsys.readouterr().out == ""


def nested(levels, step):
    value = 0
    for _ in range(levels):
        value = step(value)
    return value


STEPS = {
    "deque": lambda inner: deque([inner]),
    "Counter": lambda inner: Counter({(1,): inner}),
    "defaultdict": lambda inner: defaultdict(list, {1: inner}),
    "SimpleNamespace": lambda inner: SimpleNamespace(a=inner),
    "ChainMap": lambda inner: ChainMap({"a": inner}),
    "slice": lambda inner: slice(inner),
    "mappingproxy": lambda inner: MappingProxyType({1: inner}),
    "selection": lambda inner: AttributeDictionary({1: inner}),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_65_levels_are_kept_and_100_000_are_refused(step):
    value = nested(65, step)
    assert fingerprint(again(value)) == fingerprint(value)
    with pytest.raises(UnsupportedType, match="more than 200 levels deep"):
        encode(nested(201, step), key="k")


def test_a_circle_is_refused():
    circle = deque()
    circle.append(defaultdict(list, a=[circle]))
    with pytest.raises(UnsupportedType, match="contains itself"):
        encode(circle, key="k")


def test_what_is_held_many_times_is_refused_at_once():
    value = deque([1])
    for _ in range(60):
        value = deque([value, value])
    with pytest.raises(UnsupportedType, match="far longer written"):
        encode(value, key="k")


def test_a_path_of_another_system_says_so_when_it_is_read():
    other = "PosixPath" if os.name == "nt" else "WindowsPath"
    body = b'[{"$path": ["a", "%s"]}]' % other.encode()
    with pytest.raises(DecodeError, match=f"holds a pathlib.{other}, which this system does not"):
        decode(Payload("json", body), key="k")


def test_an_array_of_a_machine_with_other_sizes_says_so_when_it_is_read():
    body = b'[{"$array": [{"$bytes": ""}, "l", 3]}]'
    with pytest.raises(DecodeError, match="items have 3 bytes where it was written, and 8 here"):
        decode(Payload("json", body), key="k")


# --- registered before it was kept ----------------------------------------------------------


def test_a_registered_class_goes_before(monkeypatch):
    for name in ("_by_name", "_by_class", "_by_module"):
        monkeypatch.setattr(registered, name, {})
    monkeypatch.setattr(registered, "_own", registered._Own())
    register(deque, name="deque", dump=list, load=deque)
    register(pd.DateOffset, name="offset", dump=lambda offset: offset.kwds, load=pd.DateOffset)
    assert encode([deque([1])], key="k").body == b'[{"$registered": ["deque", [1]]}]'
    assert again({"a": deque([deque([1])])}) == {"a": deque([deque([1])])}


# --- Streamlit ------------------------------------------------------------------------------


def test_a_value_of_streamlit_is_read_where_streamlit_is_imported():
    selection, chat = encode(AttributeDictionary(a=1), key="k"), encode(message("a"), key="k")
    code = (
        "import sys\n"
        "from streamlit_pgstate.codecs import Payload, decode\n"
        "from streamlit_pgstate.errors import DecodeError\n"
        f"for body in ({selection.body!r}, {chat.body!r}):\n"
        "    try: decode(Payload('json', body), key='k')\n"
        "    except DecodeError as error: print(error)\n"
        "print('streamlit' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.count("import streamlit before reading it") == 2
    assert run.stdout.endswith("False\n")


def test_a_selection_of_a_class_that_this_streamlit_lacks_is_read_as_what_it_returns(monkeypatch):
    body = b'{"$streamlit": [{"selection": {}}, "PlotlyState"]}'
    monkeypatch.delattr(plotly_chart, "PlotlyState")
    found = decode(Payload("json", body), key="k")
    assert isinstance(found, AttributeDictionary)
    assert found == {"selection": {}}


# --- zones of pytz --------------------------------------------------------------------------


def test_dates_with_zones_of_pytz_come_back_with_the_same_ones():
    pytz = pytest.importorskip("pytz")
    berlin = pytz.timezone("Europe/Berlin")
    zones = [
        *(pytz.utc, pytz.FixedOffset(90), pytz.FixedOffset(-720), pytz.timezone("Etc/GMT+3")),
        *(berlin, *(berlin.localize(dt.datetime(2026, month, 1)).tzinfo for month in (1, 7))),
    ]
    for zone in zones:
        at = dt.datetime(2026, 7, 1, 2, tzinfo=zone)
        assert again([at])[0] == at
        assert again([at])[0].tzinfo is zone


def test_a_zone_of_pytz_is_read_whatever_its_database_calls_the_offset_now():
    pytz = pytest.importorskip("pytz")
    body = b'{"$datetime": {"at": "2026-07-01T00:00:00", "zone": {"pytz": [%s]}}}'
    found = decode(Payload("json", body % b'"Europe/Berlin", 7200, 3600, "ABC"'), key="k")
    assert found == pytz.timezone("Europe/Berlin").localize(dt.datetime(2026, 7, 1))
    for damaged in (b'"../secret"', b'"Europe/Berlin", 7201, 3600, "CEST"', b'"UTC", 1, 1, "A"'):
        with pytest.raises(DecodeError):
            decode(Payload("json", body % damaged), key="k")


def test_without_pytz_a_row_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytz", None)
    body = b'{"$datetime": {"at": "2026-07-01T00:00:00", "zone": {"pytz": ["UTC"]}}}'
    with pytest.raises(DecodeError, match="needs pytz for a time zone: pip install pytz"):
        decode(Payload("json", body), key="k")


def test_a_message_of_another_version_of_streamlit_is_read_with_its_files():
    def read(fields):
        return decode(Payload("json", b'{"$chatinput": {"text": "a", %s}}' % fields), key="k")

    older, newer = read(b'"files": [1]'), read(b'"files": [1], "_include_files": true, "new": null')
    assert older["files"] == newer["files"] == [1]
    assert read(b'"files": [], "_include_files": true, "audio": null').text == "a"
    with pytest.raises(DecodeError, match="a ChatInputValue of another version of Streamlit"):
        read(b'"files": [], "new": 1')
