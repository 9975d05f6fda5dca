"""Values of dataclasses, enums, NamedTuples and attrs classes come back exactly."""

from __future__ import annotations

import collections
import dataclasses
import enum
import functools
import sys
import types
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeVar

import attrs
import pandas as pd
import pytest

from streamlit_pgstate.codecs import Payload, decode, encode, register
from streamlit_pgstate.errors import ConfigError, DecodeError, UnsupportedType

T = TypeVar("T")


def again(value):
    return decode(encode(value, key="k"), key="k")


def kept(value):
    """The value that comes back, with every attribute and in the same order."""
    register(type(value), name=f"own {type(value).__qualname__}")
    (found,) = again([value])
    assert type(found) is type(value)
    assert attributes(found) == attributes(value)
    assert type(found) is not Computed or found.fixed == 3
    return found


def attributes(value):
    slots = [name for base in type(value).__mro__ for name in getattr(base, "__slots__", ())]
    held = {name: getattr(value, name, "empty") for name in slots if not name.startswith("__")}
    found = {**getattr(value, "__dict__", {}), **held}
    found.pop("fixed", None)  # which the class holds, and a value of it may
    return list(found.items())


def rerun(source, name="own_classes_of_a_rerun"):
    """What Streamlit does with the user's modules: the same names, new classes."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(source, module.__dict__)
    return module


# --- dataclasses --------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    x: int
    y: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Computed:
    x: int
    total: int = dataclasses.field(init=False)
    fixed: int = dataclasses.field(init=False, default=3)
    kinds: ClassVar[int] = 1

    def __post_init__(self):
        self.total = 2 * self.x


@dataclasses.dataclass
class WithInitVar:
    x: int
    path: dataclasses.InitVar[str]
    shown: str = ""

    def __post_init__(self, path):
        self.shown = path.upper()


@dataclasses.dataclass
class WithItsOwnInit:
    x: int

    def __init__(self, text):
        self.x = int(text)


@dataclasses.dataclass
class Strict:
    x: int

    def __post_init__(self):
        if self.x < 0:
            raise ValueError(self.x)


@dataclasses.dataclass
class Base:
    x: int


class Below(Base):
    """Not a dataclass itself."""

    __slots__ = ("more",)


@dataclasses.dataclass
class Generic1(Generic[T]):
    item: T


@dataclasses.dataclass
class Lazily:
    x: int

    @functools.cached_property
    def double(self):
        return 2 * self.x


@dataclasses.dataclass
class Guarded:
    _x: int

    @property
    def x(self):
        return self._x

    def __setattr__(self, name, item):
        if name in vars(self):
            raise AttributeError(name)
        super().__setattr__(name, item)


def with_attributes(value, **more):
    for name, item in more.items():
        object.__setattr__(value, name, item)
    return value


DATACLASSES = {
    "frozen, with slots and keywords": Frozen(x=1, y=[2, (3,)]),
    "fields that __init__ does not take": with_attributes(Computed(2), total=7),
    "an InitVar": with_attributes(WithInitVar(1, "p"), shown="other"),
    "an __init__ of its own": WithItsOwnInit("5"),
    "what __post_init__ refuses by now": with_attributes(Strict(1), x=-1),
    "attributes beside the fields": with_attributes(Base(1), note={"a": (1,)}, other=None),
    "a subclass with a slot": with_attributes(Below(1), more=2),
    "a subclass with an empty slot": Below(1),
    "a guard against setting twice": Guarded(1),
}


@pytest.mark.parametrize("value", DATACLASSES.values(), ids=DATACLASSES)
def test_a_dataclass_comes_back_with_all_its_attributes(value):
    kept(value)


def test_a_generic_dataclass_is_kept_without_what_typing_writes_into_it():
    register(Generic1, name="own Generic1")
    found = again(Generic1[int](1))
    assert (type(found), vars(found)) == (Generic1, {"item": 1})


def test_what_a_cached_property_has_computed_is_computed_again():
    value = Lazily(2)
    assert value.double == 4
    register(Lazily, name="own Lazily")
    found = again(value)
    assert vars(found) == {"x": 2}
    assert found.double == 4


def test_an_attribute_beside_the_fields_that_cannot_be_kept_is_refused_by_its_place():
    register(Base, name="own Base")
    with pytest.raises(UnsupportedType, match=r"'k' → \[0\] → 'lock' is a builtin_function"):
        encode([with_attributes(Base(1), lock=print)], key="k")


def test_a_row_of_an_earlier_version_is_still_made_by_init():
    register(Computed, name="own Computed")
    body = b'{"$registered": ["own Computed", {"x": 1, "total": 5, "fixed": 3}]}'
    assert decode(Payload("json", body), key="k") == with_attributes(Computed(1), total=5)


SOURCE = "import dataclasses\n@dataclasses.dataclass\nclass Growing:\n    x: int\n"


def test_fields_that_a_class_has_got_since_have_their_defaults():
    register(rerun(SOURCE).Growing, name="own Growing")
    payload = encode(sys.modules["own_classes_of_a_rerun"].Growing(1), key="k")
    grown = SOURCE + (
        "    y: list = dataclasses.field(default_factory=list)\n"
        "    z: int = dataclasses.field(init=False)\n"
        "    def __post_init__(self):\n        self.z = self.x + 1\n"
    )
    register(rerun(grown).Growing, name="own Growing")
    found = decode(payload, key="k")
    assert (found.x, found.y, found.z) == (1, [], 2)


def test_a_field_that_a_class_has_no_longer_is_named():
    source = SOURCE + "    y: int = 0\n"
    register(rerun(source).Growing, name="own Growing")
    payload = encode(sys.modules["own_classes_of_a_rerun"].Growing(1), key="k")
    register(rerun(SOURCE).Growing, name="own Growing")
    with pytest.raises(DecodeError, match=r"the field 'y' of a \S+\.Growing"):
        decode(payload, key="k")


# --- NamedTuples and enums ----------------------------------------------------------------


class Pair(NamedTuple):
    left: object
    right: object = None


class Labelled(Pair):
    """With a dict of attributes, which a NamedTuple itself has not."""


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Open(enum.IntFlag):
    A = 1


class Word(enum.StrEnum):
    YES = "y"


class Odd(enum.Enum):
    A = "a"

    @property
    def name(self):
        return "not A"

    @property
    def value(self):
        return "not a"


class Bare(enum.Enum):
    A = object()
    B = None


MEMBERS = [Right.READ | Right.WRITE, Right(0), Open(9), Word.YES, Odd.A, Bare.A, Bare.B]


@pytest.mark.parametrize("member", MEMBERS, ids=map(repr, range(len(MEMBERS))))
def test_a_member_of_an_enum_is_the_same_one(member):
    register(type(member), name=f"own {type(member).__name__}")
    (found,) = again([member])
    assert found == member
    assert found is member or isinstance(member, enum.Flag)


def test_a_named_tuple_comes_back_and_one_with_attributes_is_refused():
    assert kept(Pair(1, [2])) == (1, [2])
    register(Labelled, name="own Labelled")
    assert type(again(Labelled(1))) is Labelled
    with pytest.raises(UnsupportedType, match="with the attribute 'note'"):
        encode(with_attributes(Labelled(1), note=1), key="k")


# --- attrs --------------------------------------------------------------------------------


@attrs.define
class Slotted:
    x: int = attrs.field(converter=int)
    y: list = attrs.Factory(list)


@attrs.frozen
class Immutable:
    x: int = attrs.field(validator=attrs.validators.gt(0))
    double: int = attrs.field(init=False, default=attrs.Factory(lambda self: 2 * self.x, True))


@attrs.define(slots=False)
class InADict:
    x: int
    _private: int = 0


@attrs.frozen(cache_hash=True)
class Hashed:
    x: str


@attrs.frozen(cache_hash=True, slots=False)
class HashedInADict:
    x: str


ATTRS = {
    "slots and a converter": with_attributes(Slotted("1"), x="not converted"),
    "frozen, with a validator": with_attributes(Immutable(1), x=-1),
    "a dict": with_attributes(InADict(1, 2), note="n"),
}


@pytest.mark.parametrize("value", ATTRS.values(), ids=ATTRS)
def test_an_attrs_value_comes_back_with_all_its_attributes(value):
    kept(value)


@pytest.mark.parametrize("cls", [Hashed, HashedInADict])
def test_a_hash_that_attrs_keeps_is_computed_anew_in_another_process(cls):
    register(cls, name=f"own {cls.__name__}")
    value = cls("a")
    payload = encode(value, key="k")
    hash(value)
    assert encode(value, key="k").body == payload.body
    assert hash(decode(payload, key="k")) == hash(value)


def test_attributes_that_an_attrs_class_has_got_since_have_their_defaults():
    source = "import attrs\n@attrs.define\nclass Growing:\n    x: int\n"
    register(rerun(source).Growing, name="own attrs")
    payload = encode(sys.modules["own_classes_of_a_rerun"].Growing(1), key="k")
    more = "    y: list = attrs.Factory(list)\n    z: int = 5\n"
    more += "    s: int = attrs.field(default=attrs.Factory(lambda self: self.x + 1, True))\n"
    register(rerun(source + more).Growing, name="own attrs")
    found = decode(payload, key="k")
    assert (found.x, found.y, found.z, found.s) == (1, [], 5, 2)


@attrs.define
class Failure(Exception):
    x: int


def test_an_exception_of_attrs_needs_functions_because_more_is_in_it_than_attributes():
    with pytest.raises(ConfigError, match="Failure is a BaseException, too"):
        register(Failure, name="failure")


# --- what fields declare ------------------------------------------------------------------


@dataclasses.dataclass
class Town:
    name: str
    size: Word | None = None


@dataclasses.dataclass
class Address:
    towns: dict[str, list[Town]]
    kind: Literal[Right.READ] | None = None


@dataclasses.dataclass
class Client:
    address: Address | None
    pairs: tuple[Pair, ...] = ()
    anything: Any = None


def test_what_fields_declare_is_kept_inside_the_value_and_nowhere_else():
    client = Client(Address({"a": [Town("Rome", Word.YES)]}, Right.READ), (Pair(1),), Pair(2))
    register(Client, name="own client")
    assert again([client]) == [client]
    frame = pd.DataFrame({"c": [client]})
    assert again(frame)["c"][0] == client
    with pytest.raises(UnsupportedType, match=r"Town, which is not registered.*register\(Town, na"):
        encode([client, Town("Rome")], key="k")


def test_a_declared_class_that_is_registered_itself_is_read_by_whom_it_is_not():
    register(Client, name="own client")
    payload = encode(Client(None), key="k")
    address = b'{"$registered": ["test_own_classes.Address", {"towns": {}, "kind": null}, {}]}'
    body = payload.body.replace(b'"address": null', b'"address": ' + address)
    assert decode(Payload("json", body), key="k") == Client(Address({}))


def test_a_declared_class_may_move_and_its_row_names_no_other():
    register(Client, name="own client")
    body = (
        b'{"$registered": [["own client", "old.place.Town"], {"name": "Rome", "size": null}, {}]}'
    )
    assert decode(Payload("json", body), key="k") == Town("Rome")
    other = body.replace(b"Town", b"Nothing")
    with pytest.raises(DecodeError, match=r"class 'old.place.Nothing', which the fields of"):
        decode(Payload("json", other), key="k")


@dataclasses.dataclass
class Node:
    children: list[Node]


@dataclasses.dataclass
class Tree:
    root: Node


def test_declared_values_that_are_held_many_times_are_refused_at_once():
    node = Node([])
    for _ in range(60):
        node = Node([node, node])
    register(Tree, name="own tree")
    with pytest.raises(UnsupportedType, match="far longer written than it is in memory"):
        encode(Tree(node), key="k")


HOSTILE = [
    b'["own client", {"address": null}, {}, {}]',
    b'["own client", [], {}]',
    b'["own client", {}, []]',
    b'["own client", {"address": null, "__class__": 1}, {}]',
    b'["own client", {"address": null}, {"$dict": [[1, 2]]}]',
    b'[["own client"], {}, {}]',
    b'[["own client", 5], {}, {}]',
    b'[["own client", "a", "b"], {}, {}]',
    b'[[["own client"], "a"], {}, {}]',
    b"[5, {}, {}]",
    b'["own member", "A", {"a": 1}]',
]


@pytest.mark.parametrize("content", HOSTILE)
def test_a_damaged_registered_value_is_a_decode_error(content):
    register(Client, name="own client")
    register(Bare, name="own member")
    with pytest.raises(DecodeError):
        decode(Payload("json", b'{"$registered": %s}' % content), key="k")


# --- other classes at the same place ------------------------------------------------------


def two(first, second):
    """Two classes of the same name, of one place; the first is registered."""
    for cls in (first, second):
        cls.__module__, cls.__qualname__ = __name__, f"Same{id(first)}"
    register(first, name=f"same {id(first)}")
    return second


OTHERS = {
    "a dataclass with another field": lambda: two(
        dataclasses.make_dataclass("Row", ["a"]), dataclasses.make_dataclass("Row", ["a", "b"])
    )(1, 2),
    "a NamedTuple in another order": lambda: two(
        collections.namedtuple("Rec", "x y"), collections.namedtuple("Rec", "y x")
    )(1, 2),
    "an enum with another member": lambda: (
        two(enum.Enum("E", {"A": 1}), enum.Enum("E", {"B": 1})).B
    ),
    "an enum where a dataclass is": lambda: (
        two(dataclasses.make_dataclass("Row", ["a"]), enum.Enum("E", {"A": 1})).A
    ),
    "a plain class where a dataclass is": lambda: two(
        dataclasses.make_dataclass("Row", ["a"]), type("Row", (), {})
    )(),
}


@pytest.mark.parametrize("make", OTHERS.values(), ids=OTHERS)
def test_a_value_of_another_class_at_the_place_of_a_registered_one_is_refused(make):
    with pytest.raises(UnsupportedType):
        encode([make()], key="k")


def test_rows_of_itertuples_are_told_what_to_type_though_others_were_registered():
    one, other = (next(pd.DataFrame({name: [1]}).itertuples()) for name in "ab")
    register(type(one), name="rows of itertuples")
    with pytest.raises(UnsupportedType, match=r"Keep `value\._asdict\(\)`"):
        encode([other], key="k")
    assert again(other._asdict()) == {"Index": 0, "b": 1}


def test_a_member_that_missing_has_made_is_refused():
    class State(enum.Enum):
        KNOWN = "known"

        @classmethod
        def _missing_(cls, value):
            made = object.__new__(cls)
            made._name_, made._value_ = "UNKNOWN" if value == "new" else "KNOWN", value
            return made

    register(State, name="a state of an API")
    assert again([State.KNOWN]) == [State.KNOWN]
    for value in ("new", "other"):
        with pytest.raises(UnsupportedType, match="no member of the class"):
            encode([State(value)], key="k")
