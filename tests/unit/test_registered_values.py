"""Types of the user's own are kept under a name, and nothing but that name is trusted."""

from __future__ import annotations

import collections.abc
import dataclasses
import decimal
import enum
import io
import pathlib
import sys
import threading
import types
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from streamlit_pgstate.codecs import Payload, decode, encode, register, registered
from streamlit_pgstate.errors import ConfigError, DecodeError, UnsupportedType


def again(value):
    return decode(encode(value, key="k"), key="k")


class Celsius:
    def __init__(self, degrees):
        self.degrees = degrees


def module_of_a_rerun(source, name="pages_of_a_test"):
    """What Streamlit does with the user's modules: the same names, new classes."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(source, module.__dict__)
    return module


POINT = "import dataclasses\n@dataclasses.dataclass\nclass Point:\n    x: int\n    y: int = 0\n"


def test_functions_of_the_user_dump_and_load():
    register(Celsius, name="celsius", dump=lambda c: c.degrees, load=Celsius)
    assert encode(Celsius(20), key="k") == Payload("json", b'{"$registered": ["celsius", 20]}')
    assert again([Celsius(20.5)])[0].degrees == 20.5


def test_what_dump_gives_may_be_anything_that_can_be_kept():
    register(Celsius, name="celsius", dump=lambda c: c.degrees, load=Celsius)
    frame = pd.DataFrame({"a": [1.5]})
    found = again({"c": Celsius({"f": frame, "inner": [Celsius(1)]})})["c"].degrees
    pd.testing.assert_frame_equal(found["f"], frame)
    assert found["inner"][0].degrees == 1


def test_a_registered_value_may_be_a_cell_a_label_and_an_element():
    register(Size, name="size")
    size = Size.SMALL
    assert again(pd.Series([size], dtype=object))[0] is size
    assert again(pd.DataFrame({"a": [1]}, index=pd.Index([size], dtype=object))).index[0] is size
    assert again(np.array([size, None], object))[0] is size
    assert again({size: {size}}) == {size: {size}}


def test_a_class_that_was_made_anew_replaces_the_old_one():
    old = module_of_a_rerun(POINT).Point
    register(old, name="point of a page")
    payload = encode(old(1), key="k")
    new = module_of_a_rerun(POINT).Point
    register(new, name="point of a page")
    assert type(decode(payload, key="k")) is new
    assert again(new(2)) == new(2)
    # A value of the run before is still about, say in st.session_state.
    assert encode(old(1), key="k") == payload


def test_what_a_run_reads_is_of_its_own_class_while_another_visitor_s_run_makes_it_anew():
    mine = module_of_a_rerun(POINT).Point
    register(mine, name="point of two visitors")
    payload = encode(mine(1), key="k")

    def run_of_another_visitor():
        register(module_of_a_rerun(POINT).Point, name="point of two visitors")

    other = threading.Thread(target=run_of_another_visitor)
    other.start()
    other.join()

    assert sys.modules["pages_of_a_test"].Point is not mine
    assert decode(payload, key="k") == mine(1)
    assert encode(mine(1), key="k") == payload


def test_a_class_that_moved_keeps_its_name():
    register(module_of_a_rerun(POINT, "place_one").Point, name="moved")
    payload = encode(sys.modules["place_one"].Point(1), key="k")
    del sys.modules["place_one"]
    new = module_of_a_rerun(POINT, "place_two").Point
    register(new, name="moved")
    assert decode(payload, key="k") == new(1)


def test_a_field_with_a_default_may_be_added_later():
    register(module_of_a_rerun(POINT).Point, name="growing")
    payload = encode(sys.modules["pages_of_a_test"].Point(1, 2), key="k")
    register(module_of_a_rerun(POINT + "    z: int = 9\n").Point, name="growing")
    assert decode(payload, key="k").z == 9


def test_a_row_of_a_name_that_is_not_registered_says_what_to_do():
    body = b'[{"$registered": ["nobody", {"x": 1}]}]'
    with pytest.raises(DecodeError) as caught:
        decode(Payload("json", body), key="cart")
    message = str(caught.value)
    assert message.startswith("'cart' was written as 'json', and holds a value of a type that was")
    assert "pgstate.register(…, name='nobody')" in message
    assert message.endswith("The row is left as it is.")


def test_a_name_imports_nothing():
    body = b'{"$registered": ["json.tool:main", []]}'
    sys.modules.pop("json.tool", None)
    with pytest.raises(DecodeError):
        decode(Payload("json", body), key="k")
    assert "json.tool" not in sys.modules


def test_an_error_of_load_is_the_cause_of_the_decode_error():
    class Strict:
        pass

    def load(content):
        raise KeyError("secret")

    register(Strict, name="strict", dump=lambda value: 1, load=load)
    payload = encode([Strict()], key="k")
    with pytest.raises(DecodeError, match="'strict', whose load raised a KeyError") as caught:
        decode(payload, key="k")
    assert "secret" not in str(caught.value)
    assert type(caught.value.__cause__.__cause__) is KeyError


def test_an_error_of_dump_is_the_user_s():
    class Broken:
        pass

    register(Broken, name="broken", dump=lambda value: 1 / 0, load=lambda content: None)
    with pytest.raises(ZeroDivisionError):
        encode([Broken()], key="k")
    assert encode([1], key="k").kind == "json"


def test_what_dump_gives_is_refused_by_its_place():
    class Holder:
        pass

    register(Holder, name="holder", dump=lambda value: {"f": print}, load=lambda content: None)
    with pytest.raises(UnsupportedType, match=r"'k' → \[0\] → 'f' is a builtin_function"):
        encode([Holder()], key="k")


def test_a_dump_that_never_ends_is_refused():
    class Endless:
        pass

    register(Endless, name="endless", dump=lambda value: [value], load=lambda content: None)
    with pytest.raises(UnsupportedType, match="200 levels"):
        encode(Endless(), key="k")


def test_a_value_that_holds_itself_is_refused():
    @dataclasses.dataclass
    class Node:
        children: list

    register(Node, name="node")
    node = Node([])
    node.children.append(node)
    with pytest.raises(UnsupportedType, match="200 levels"):
        encode(node, key="k")


def test_values_of_a_subclass_are_not_taken_for_those_of_the_class():
    class Kelvin(Celsius):
        pass

    register(Celsius, name="celsius", dump=lambda c: c.degrees, load=Celsius)
    with pytest.raises(UnsupportedType, match="registers its class"):
        encode(Kelvin(1), key="k")


class Size(enum.Enum):
    SMALL = 1


class Pair(NamedTuple):
    left: int


@dataclasses.dataclass
class WithItems(dict):
    x: int = 0


KEPT = (
    *(pd.Timestamp, pd.Timedelta, pd.Period, pd.Interval, type(pd.NaT), type(pd.NA)),
    *(pd.offsets.MonthEnd, pd.Series, pd.MultiIndex, pd.Categorical, pd.arrays.SparseArray),
    *(np.float64, np.int8, np.longlong, np.bool_, np.str_, np.datetime64, np.void, np.record),
    *(np.ndarray, np.ma.MaskedArray, type(np.ma.masked), pa.Table, pa.Int64Array),
    *(bytes, type(None), decimal.Decimal, io.BytesIO),
)

REFUSED = {
    "an empty name": (Celsius, {"name": ""}, "1 to 100 characters"),
    "a long name": (Celsius, {"name": "x" * 101}, "1 to 100 characters"),
    "a name with NUL": (Celsius, {"name": "a\0"}, "1 to 100 characters"),
    "a name that is no text": (Celsius, {"name": 5}, "1 to 100 characters"),
    "no functions": (Celsius, {"name": "c"}, "needs dump and load"),
    "no load": (Celsius, {"name": "c", "dump": str}, "both dump and load"),
    "no functions but text": (Celsius, {"name": "c", "dump": "a", "load": "b"}, "needs functions"),
    "a dataclass that is a dict": (WithItems, {"name": "c"}, "WithItems is a dict, too"),
    "no class": (5, {"name": "c"}, "needs a class"),
    "a plain type": (dict, {"name": "c"}, "builtins.dict is kept already"),
    "a frame": (pd.DataFrame, {"name": "c"}, "DataFrame is kept already"),
    **{
        cls.__name__: (cls, {"name": "c", "dump": str, "load": str}, f"{cls.__name__} is kept al")
        for cls in KEPT
    },
    "all paths": (
        pathlib.Path,
        {"name": "c", "dump": str, "load": pathlib.Path},
        rf"gives a pathlib\S*\.{type(pathlib.Path()).__name__}\. Register type\(Path\(\)\)",
    ),
    "an abstract class": (
        collections.abc.Mapping,
        {"name": "c", "dump": str, "load": str},
        "abstract, so no value",
    ),
    "a name that is taken": (Pair, {"name": "size"}, "'size' is the name of test_registered"),
}


@pytest.mark.parametrize(("cls", "more", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_registered_is_said_at_once(cls, more, words):
    register(Size, name="size")
    with pytest.raises(ConfigError, match=words):
        register(cls, **more)
    assert again(Size.SMALL) is Size.SMALL


PATH = pathlib.Path("a", "b")
OTHERS = {
    "a path": (PATH, str, pathlib.Path),
    "80 bits": (np.longdouble(1) / 3, str, np.longdouble),
    "a frequency without a name": (pd.offsets.Easter(2), lambda freq: freq.n, pd.offsets.Easter),
}


@pytest.mark.parametrize(("value", "dump", "load"), OTHERS.values(), ids=OTHERS)
def test_a_class_of_a_library_that_is_not_kept_can_be_registered(monkeypatch, value, dump, load):
    monkeypatch.setattr(registered, "_by_class", {})  # nor is it afterwards
    monkeypatch.setattr(registered, "_by_name", {})
    monkeypatch.setattr(registered, "_own", registered._Own())
    register(type(value), name=type(value).__name__, dump=dump, load=load)
    (found,) = again([value])
    assert (type(found), found) == (type(value), value)


def test_a_renamed_type_is_still_read_under_its_old_name():
    register(Pair, name="pair, the old name")
    payload = encode(Pair(1), key="k")
    register(Pair, name="pair, the new name")
    assert b"new name" in encode(Pair(1), key="k").body
    assert decode(payload, key="k") == Pair(1)


class Word(enum.StrEnum):
    YES = "y"


class Corner(tuple, enum.Enum):
    __slots__ = ()
    FIRST = (0, 0)


@pytest.mark.parametrize("member", [Word.YES, Corner.FIRST])
def test_a_member_that_is_text_or_a_tuple_is_found_by_its_name(member):
    register(type(member), name=type(member).__name__)
    assert again([member])[0] is member


class Double(Pair):
    __slots__ = ()

    def __new__(cls):
        return super().__new__(cls, 2)


def test_a_named_tuple_comes_back_whatever_it_is_made_with():
    register(Double, name="double")
    assert type(again(Double())) is Double
    assert again(Double()) == (2,)


def test_a_dataclass_without_one_of_its_fields_is_refused():
    point = module_of_a_rerun(POINT).Point(1)
    register(type(point), name="point without x")
    del point.x
    with pytest.raises(
        UnsupportedType, match=r"'k' → \[0\] is a .*Point whose field 'x' was never"
    ):
        encode([point], key="k")
