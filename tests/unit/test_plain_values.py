"""Plain Python values come back as they were, or are refused with the way to the culprit."""

from __future__ import annotations

import contextlib
import datetime as dt
import enum
import functools
import io
import json
import random
import subprocess
import sys
import threading
from collections import defaultdict, namedtuple
from decimal import Decimal, localcontext
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from fingerprint import fingerprint
from hypothesis import given
from hypothesis import strategies as st
from strategies.plain import plain_values

from streamlit_pgstate.codecs import Payload, decode, encode, register
from streamlit_pgstate.errors import ConfigError, DecodeError, UnsupportedType


def again(value):
    return decode(encode(value, key="k"), key="k")


def same(left, right):
    return fingerprint(left) == fingerprint(right)


BERLIN = ZoneInfo("Europe/Berlin")
HIGH, LOW = "\ud83d", "\ude00"

EXACT = {
    "None": None,
    "True": True,
    "False": False,
    "zero": 0,
    "a negative int": -7,
    "an int of 64 bits and one": 2**64,
    "the last int written as digits": 2**2048 - 1,
    "the first int written as hex": 2**2048,
    "a negative int of 5,000 digits": -(10**5000),
    "an int of 100,000 digits": 1 << 332_193,
    "a float": 0.1,
    "a whole float": 1e22,
    "the smallest float": 5e-324,
    "the largest float": sys.float_info.max,
    "nan": float("nan"),
    "inf": float("inf"),
    "-inf": float("-inf"),
    "-0.0": -0.0,
    "complex": 1.5 - 2j,
    "complex with nan and -0.0": complex(float("nan"), -0.0),
    "complex -0.0-0.0j": complex(-0.0, -0.0),
    "empty text": "",
    "text with NUL": "a\0b",
    "control characters": "".join(map(chr, range(32))) + "\x7f\x85\u2028\u2029\ufeff",
    "quotes and backslashes": '\\"/\\u0041\\ud83d\\ude00',
    "any Unicode": "Grüße, 日本, 😀, \U0010ffff, e\u0301",
    "a lone high surrogate": HIGH,
    "a lone low surrogate": LOW,
    "surrogates in the wrong order": LOW + HIGH,
    "surrogates that look like a pair": f"a{HIGH}{LOW}b{HIGH}{HIGH}{LOW}",
    "a high surrogate before the text of an escape": HIGH + "\\ude00",
    "numbers as text": "NaN",
    "bytes": b"\0\xff",
    "empty bytes": b"",
    "a bytearray": bytearray(b"\0\xff"),
    "an empty list": [],
    "a list": [1, "a", None, 2.5],
    "ints and bools": [1, True, 0, False],
    "ints and whole floats": [1, 1.0],
    "a list with a huge int": [1, 2**2048, -(2**2048)],
    "a list with nan": [1.0, float("nan"), float("inf")],
    "a list with a pair of surrogates": ["a", HIGH + LOW],
    "a list with text around a cut": [HIGH, LOW],
    "an empty tuple": (),
    "tuples in tuples": ((1,), [(2,)], ()),
    "an empty dict": {},
    "a dict in its order": {"b": 1, "a": {"d": 1, "c": 2}},
    "keys of every kind": {
        None: 0, 1: 1, 2.5: 2, "s": 3, b"b": 4, (1, (2,)): 5, frozenset({1}): 6,
        dt.date(2026, 1, 2): 7, Decimal("1.50"): 8, float("nan"): 9, range(3): 10, 2**3000: 11,
    },
    "a key True": {True: 1},
    "a key with surrogates": {HIGH + LOW: 1, HIGH: 2},
    "an empty key": {"": 1},
    "a set": {3, 1, 2},
    "a mixed set": {1, "1", 2.5, None, (1, 2), frozenset({"x"})},
    "a set of nan": {float("nan")},
    "an empty set": set(),
    "a frozenset": frozenset({"a", HIGH + LOW}),
    "an empty frozenset": frozenset(),
    "a range": range(10, -5, -3),
    "an empty range": range(5, 5),
    "a huge range": range(0, 10**700, 10**650),
    "a date": dt.date(1, 1, 1),
    "a time": dt.time(23, 59, 59, 999999),
    "a time with fold": dt.time(2, 30, fold=1),
    "a time with a zone": dt.time(2, 30, tzinfo=BERLIN),
    "a time with an offset": dt.time(2, 30, tzinfo=dt.UTC),
    "a datetime": dt.datetime(2026, 1, 2, 3, 4, 5, 6),
    "midnight": dt.datetime(2026, 1, 2),
    "a datetime with fold": dt.datetime(2026, 1, 2, fold=1),
    "UTC": dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
    "the zone UTC": dt.datetime(2026, 1, 2, tzinfo=ZoneInfo("UTC")),
    "a zone": dt.datetime(2026, 7, 2, tzinfo=BERLIN),
    "the second 2:30 of a night": dt.datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN),
    "an hour that does not exist": dt.datetime(2026, 3, 29, 2, 30, tzinfo=BERLIN),
    "the first datetime with a zone": dt.datetime.min.replace(tzinfo=BERLIN),
    "an offset": dt.datetime(2026, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=-5, minutes=-30))),
    "an offset of microseconds": dt.datetime(
        2026, 1, 2, tzinfo=dt.timezone(dt.timedelta(0, 1, 2))
    ),
    "the largest offset": dt.datetime(2026, 1, 2, tzinfo=dt.timezone.max),
    "a named offset": dt.datetime(2026, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=1), "CET")),
    "a named zero": dt.time(1, tzinfo=dt.timezone(dt.timedelta(0), HIGH + LOW)),
    "a timedelta": dt.timedelta(-1, 2, 3),
    "the largest timedelta": dt.timedelta.max,
    "a decimal": Decimal("1.500"),
    "-0 with an exponent": Decimal("-0E-10"),
    "a decimal beyond the context": Decimal("1" * 100 + "E-999999"),
    "a decimal with a huge exponent": Decimal("1E+999999999"),
    "Decimal NaN": Decimal("NaN123"),
    "Decimal -sNaN": Decimal("-sNaN"),
    "Decimal -Infinity": Decimal("-Infinity"),
    "a UUID": UUID(int=1),
    "all in each other": {"a": [({"b": {(1, frozenset({2}))}},), [b"x", {3: [Decimal("1")]}]]},
}  # fmt: skip

LOOK_ALIKES = {
    "a tuple's": {"$tuple": [1]},
    "an unknown one": {"$nobody": 1},
    "the dict's own": {"$dict": [["a", 1]]},
    "only a $": {"$": 1},
    "with a second key": {"$tuple": [1], "b": 2},
    "one inside another": {"$set": {"$set": [1]}},
    "in a list": [{"$date": "2026-01-02"}],
    "with a key of surrogates": {"$" + HIGH + LOW: 1},
    "not a look-alike: another key": {"a$": 1},
    "not a look-alike: text": "$tuple",
}


@pytest.mark.parametrize("value", EXACT.values(), ids=EXACT)
def test_a_plain_value_comes_back_as_it_was(value):
    assert same(again(value), value)


@pytest.mark.parametrize("value", EXACT.values(), ids=EXACT)
def test_a_plain_value_comes_back_from_within_containers(value):
    nested = [{"a": (value, [value])}, {(1,): value}]
    assert same(again(nested), nested)


@pytest.mark.parametrize("value", LOOK_ALIKES.values(), ids=LOOK_ALIKES)
def test_a_dict_that_looks_like_a_marker_stays_that_dict(value):
    assert same(again(value), value)


@given(plain_values())
def test_any_plain_value_comes_back_as_it_was(value):
    assert same(again(value), value)


@given(plain_values())
def test_what_came_back_is_written_the_same_again(value):
    payload = encode(value, key="k")
    assert encode(decode(payload, key="k"), key="k") == payload


@given(st.lists(st.integers() | st.text(max_size=3) | st.none(), unique=True), st.randoms())
def test_equal_sets_are_written_equally_whatever_their_history(elements, chance):
    shuffled = elements.copy()
    chance.shuffle(shuffled)
    assert encode(set(elements), key="k").digest == encode(set(shuffled), key="k").digest


@given(plain_values().filter(lambda value: type(value) is not bytes))
def test_the_text_is_json_as_postgresql_takes_it(value):
    def refuse(name):
        raise AssertionError(name)

    text = encode(value, key="k").body.decode("utf-8")
    json.loads(text, parse_constant=refuse)
    assert "\0" not in text


READABLE = {
    '{"name": "Grüße 😀", "sizes": [1, 2.5, null, true]}': {
        "name": "Grüße 😀",
        "sizes": [1, 2.5, None, True],
    },
    '{"$tuple": [1, {"$set": [2, 10]}]}': (1, {10, 2}),
    '{"$dict": [[1, "a"], [{"$tuple": []}, "b"]]}': {1: "a", (): "b"},
    '{"$date": "2026-01-02"}': dt.date(2026, 1, 2),
    '{"$datetime": "2026-01-02T03:04:05"}': dt.datetime(2026, 1, 2, 3, 4, 5),
    '{"$datetime": {"at": "2026-10-25T02:30:00", "fold": 1, "zone": "Europe/Berlin"}}': (
        dt.datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN)
    ),
    '{"$datetime": {"at": "2026-01-02T00:00:00", "zone": ["+01:00:00", "CET"]}}': (
        dt.datetime(2026, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=1), "CET"))
    ),
    '{"$float": "nan"}': float("nan"),
    '{"$decimal": "1.50"}': Decimal("1.50"),
    '[{"$bytes": "AP8="}]': [b"\0\xff"],
    '"a\\u0000\\ud83d"': "a\0" + HIGH,
}


@pytest.mark.parametrize(("text", "value"), READABLE.items(), ids=READABLE)
def test_the_text_can_be_read_by_people(text, value):
    assert encode(value, key="k").body.decode() == text


def test_bytes_are_kept_as_they_are_and_all_else_as_json():
    assert encode(b"\0x", key="k") == Payload("bytes", b"\0x")
    assert encode(bytearray(b"x"), key="k").kind == "json"
    assert encode("x", key="k") == Payload("json", b'"x"')


def test_a_payload_tells_its_size_and_digest_and_hides_its_body():
    one, other = Payload("json", b'"secret"'), Payload("bytes", b'"secret"')
    assert one.size == 8
    assert one.digest == Payload("json", b'"secret"').digest == one.digest
    assert one.digest != other.digest
    assert "secret" not in repr(one)


def test_the_thread_s_decimal_context_changes_nothing():
    expected = encode(Decimal("1E+10"), key="k")
    with localcontext() as context:
        context.prec, context.capitals = 2, 0
        assert encode(Decimal("1E+10"), key="k") == expected
        assert same(again(Decimal("1.23456789")), Decimal("1.23456789"))


def test_what_came_back_is_the_caller_s_own():
    payload = encode({"a": [1]}, key="k")
    decode(payload, key="k")["a"].append(2)
    assert decode(payload, key="k") == {"a": [1]}


class Colour(enum.IntEnum):
    RED = 1


class Text(str):
    __slots__ = ()


class Zone(dt.tzinfo):
    def utcoffset(self, when):
        return dt.timedelta(0)


class Lazy:
    """As those of werkzeug: they ask what they stand for, which may not be there."""

    @property
    def __class__(self):
        raise LookupError


Point = namedtuple("Point", "x y")


def zone_from_file(name):
    # the smallest file of a time zone: version 1, one type, which is UTC
    counts = b"".join(count.to_bytes(4, "big") for count in (0, 0, 0, 0, 1, 4))
    data = b"TZif" + bytes(16) + counts + bytes(6) + b"UTC\0"
    return ZoneInfo.from_file(io.BytesIO(data), key=name)


def circle():
    value = [1]
    value.append({"again": value})
    return value


def nested(depth, step):
    return functools.reduce(lambda inner, _: step(inner), range(depth), 0)


REFUSED = {
    "a function": ({"items": [1, 2, 3, print]}, "'cart' → 'items' → [3] is a builtin_function"),
    "a lambda": (lambda: 0, "'cart' is a function, which"),
    "a class": ([int], "'cart' → [0] is a type, which"),
    "an object": ((object(),), "'cart' → [0] is an object, which"),
    "an enum": ({"c": Colour.RED}, "is not registered. Add a line that registers its class"),
    "a defaultdict of a function": (
        [defaultdict(lambda: 0)],
        "'cart' → [0] is a collections.defaultdict whose factory is a function, which",
    ),
    "a named tuple": (Point(1, 2), '`pgstate.register(Point, name="point")`'),
    "a str of one's own": (["a", Text("b")], "Keep `str.__str__(value)` instead"),
    "a key of one's own": ({1: 2, Text("b"): 3}, "'cart' → a key is a"),
    "an element": ({"s": {Text("b"), 1}}, "'cart' → 's' → an element is a"),
    "an int key on the way": ({1: {"b": [print]}}, "'cart' → 1 → 'b' → [0] is a"),
    "a zone of one's own": (dt.datetime(2026, 1, 2, tzinfo=Zone()), "'cart' is in a time zone"),
    "a zone from a file": (
        dt.time(1, tzinfo=zone_from_file("My/Zone")),
        "'cart' is in a time zone",
    ),
    "what raises over its class": ([Lazy()], "'cart' → [0] is a test_plain_values.Lazy, which"),
    "a matrix": (
        np.matrix([[1]]),
        "'cart' is a numpy.matrix, which cannot be kept exactly. "
        "Keep `numpy.asarray(value)` instead",
    ),
    "an exception": (ValueError("secret"), "'cart' is a ValueError"),
    "a generator": ((i for i in "a"), "'cart' is a generator"),
    "a lock": ([threading.Lock()], "'cart' → [0] is a _thread.lock"),
    "a memoryview": (memoryview(b"secret"), "'cart' is a memoryview"),
    "a circle": (circle(), "or contains itself"),
    "lists 201 deep": (nested(201, lambda inner: [inner]), "more than 200 levels deep"),
    "lists 100,000 deep": (nested(100_000, lambda inner: [inner]), "more than 200 levels"),
    "tuples 100,000 deep": (nested(100_000, lambda inner: (inner,)), "more than 200 levels"),
    "dicts 100,000 deep": (nested(100_000, lambda inner: {"a": inner}), "more than 200 levels"),
}


@pytest.mark.parametrize(("value", "words"), REFUSED.values(), ids=REFUSED)
def test_anything_else_is_refused_with_the_way_to_it(value, words):
    with pytest.raises(UnsupportedType) as caught:
        encode(value, key="cart")
    message = str(caught.value)
    assert message.startswith("'cart'")
    assert words in message
    assert "secret" not in message
    assert len(message) < 400


class WithoutHash(type):
    __hash__ = None


class Odd(metaclass=WithoutHash):
    pass


# With Python 3.13 NumPy's array() raises an error over such a class.
CELLS = np.empty((1, 2), object)
CELLS[0, 1] = Odd()

ODD = {
    "alone": (Odd(), "'k'"),
    "in a list": ([1, Odd()], "'k' → [1]"),
    "in a tuple": ((Odd(),), "'k' → [0]"),
    "in dicts": ({"a": [{"b": Odd()}]}, "'k' → 'a' → [0] → 'b'"),
    "as a key": ({Odd(): 1}, "'k' → a key"),
    "in a set": ({1, Odd()}, "'k' → an element"),
    "in a long list": ([*range(9000), Odd()], "'k' → [9000]"),
    "in cells": (CELLS, "'k' → [0, 1]"),
}


@pytest.mark.parametrize(("value", "path"), ODD.values(), ids=ODD)
def test_what_is_of_a_class_without_a_hash_is_refused_with_the_way_to_it(value, path):
    with pytest.raises(UnsupportedType) as caught:
        encode(value, key="k")
    words = f"{path} is of the class test_plain_values.Odd, which has no hash, by its metaclass"
    assert str(caught.value).startswith(words)


def test_a_class_without_a_hash_cannot_be_registered():
    with pytest.raises(ConfigError, match="its metaclass has no hash"):
        register(Odd, name="odd", dump=vars, load=Odd)


def test_a_long_key_is_cut_in_the_message():
    with pytest.raises(UnsupportedType) as caught:
        encode({"x" * 1000: print}, key="k")
    assert len(str(caught.value)) < 250


DEEP = {
    "lists": lambda inner: [inner],
    "tuples": lambda inner: (inner,),
    "dicts": lambda inner: {"a": inner},
    "dicts with other keys": lambda inner: {1: inner},
    "frozensets": lambda inner: frozenset({inner}),
    "tuple keys": lambda inner: (inner, 1),
}


@pytest.mark.parametrize("step", DEEP.values(), ids=DEEP)
def test_200_levels_are_kept(step):
    value = nested(200, step)
    assert again(value) == value


def test_a_circle_with_many_ways_is_refused_at_once():
    value = []
    value.extend([value] * 10)
    with pytest.raises(UnsupportedType):
        encode(value, key="k")


def test_a_stack_that_is_nearly_full_gives_an_error_of_ours():
    def dive(levels):
        return dive(levels - 1) if levels else encode(nested(150, DEEP["tuples"]), key="k")

    with pytest.raises(UnsupportedType, match="stack"):
        dive(sys.getrecursionlimit() - 200)


def test_a_stack_that_is_nearly_full_is_not_called_damage_of_the_row():
    """From Python 3.12 on, json has a stack of its own: then the value is read."""
    value = nested(150, DEEP["tuples"])
    payload = encode(value, key="k")

    def dive(levels):
        return dive(levels - 1) if levels else decode(payload, key="k")

    words = "nested too deeply for the stack of this call"
    is_read = sys.version_info >= (3, 12)
    with contextlib.nullcontext() if is_read else pytest.raises(DecodeError, match=words):
        assert dive(sys.getrecursionlimit() - 200) == value


BROKEN = {
    "nothing": b"",
    "cut off": b'{"a": [1',
    "two values": b"1 2",
    "not UTF-8": b'"\xff"',
    "NaN": b"[NaN]",
    "-Infinity": b'{"a": -Infinity, "$b": {"$set": []}}',
    "an unknown marker": b'{"$nobody": 1}',
    "an unknown marker, deep": b'[{"a": {"$": 1}}]',
    "20,000 levels": b"[" * 20_000 + b"]" * 20_000,
    "20,000 levels of markers": b'{"$tuple": [' * 20_000 + b"]}" * 20_000,
    "an int of 5,000 digits": b"1" * 5000,
    "$tuple": b'{"$tuple": 1}',
    "$tuple of text": b'{"$tuple": "ab"}',
    "$set": b'{"$set": [[]]}',
    "$set with a repetition": b'{"$set": [1, 1]}',
    "$frozenset": b'{"$frozenset": {}}',
    "$dict": b'{"$dict": [[1, 2, 3]]}',
    "$dict of text": b'{"$dict": ["ab"]}',
    "$dict with a repetition": b'{"$dict": [[1, 2], [1, 3]]}',
    "$dict with a list as key": b'{"$dict": [[[], 2]]}',
    "$str": b'{"$str": [1]}',
    "$int": b'{"$int": "0xg"}',
    "$float": b'{"$float": "1.5"}',
    "$complex": b'{"$complex": [1, 2]}',
    "$bytes": b'{"$bytes": "?"}',
    "$bytes of another alphabet": b'{"$bytes": "\xc3\xa4"}',
    "$range with a step of 0": b'{"$range": [0, 1, 0]}',
    "$range of floats": b'{"$range": [0, 1.0, 1]}',
    "$date": b'{"$date": "2026-13-01"}',
    "$date of a number": b'{"$date": 1}',
    "$time": b'{"$time": {"at": "01:00:00", "fold": 2}}',
    "$datetime with other keys": b'{"$datetime": {"at": "2026-01-02T00:00:00", "x": 1}}',
    "$datetime without a time": b'{"$datetime": {"fold": 1}}',
    "a zone that nobody has": b'{"$time": {"at": "01:00:00", "zone": "Mars/Base"}}',
    "a zone that is a folder": b'{"$time": {"at": "01:00:00", "zone": "Europe"}}',
    "a zone outside of the database": b'{"$time": {"at": "01:00:00", "zone": "../../etc/passwd"}}',
    "an absolute zone": b'{"$time": {"at": "01:00:00", "zone": "/etc/passwd"}}',
    "a zone with NUL": b'{"$time": {"at": "01:00:00", "zone": "a\\u0000"}}',
    "an offset of a day": b'{"$time": {"at": "01:00:00", "zone": ["+24:00:00"]}}',
    "an offset without a sign": b'{"$time": {"at": "01:00:00", "zone": ["01:00:00"]}}',
    "an empty offset": b'{"$time": {"at": "01:00:00", "zone": [""]}}',
    "$timedelta": b'{"$timedelta": [1e400, 0, 0]}',
    "$timedelta too large": b'{"$timedelta": [1000000000, 0, 0]}',
    "$decimal": b'{"$decimal": "secret"}',
    "$uuid": b'{"$uuid": "secret"}',
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_body_that_is_damaged_or_foreign_is_a_decode_error(body):
    with pytest.raises(DecodeError) as caught:
        decode(Payload("json", body), key="cart")
    assert "'cart'" in str(caught.value)
    assert "'json'" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "secret" not in str(caught.value.__cause__)


def test_a_lenient_decimal_context_lets_no_damage_through():
    with localcontext() as context:
        context.traps = dict.fromkeys(context.traps, False)
        with pytest.raises(DecodeError):
            decode(Payload("json", b'{"$decimal": "x"}'), key="k")


def test_a_kind_of_another_version_is_a_decode_error():
    with pytest.raises(DecodeError, match=r"'k' was written as 'json9', which this version cannot"):
        decode(Payload("json9", b""), key="k")


def test_thousands_of_damaged_texts_give_a_decode_error_or_a_value():
    chance = random.Random(7)
    body = encode([value for value in EXACT.values() if type(value) is not int], key="k").body
    for _ in range(1500):
        damaged = bytearray(body)
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        del damaged[chance.choice([len(damaged), chance.randrange(len(damaged))]) :]
        with contextlib.suppress(DecodeError):
            decode(Payload("json", bytes(damaged)), key="k")


def test_pandas_is_not_imported_for_plain_values():
    code = (
        "import sys; from streamlit_pgstate.codecs import decode, encode\n"
        "decode(encode({'a': (1, b'x')}, key='k'), key='k')\n"
        "print({'pandas', 'numpy', 'pyarrow', 'streamlit'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"
