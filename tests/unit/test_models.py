"""Models of pydantic come back with everything that pydantic keeps of them."""

from __future__ import annotations

import datetime as dt
import enum
import functools
import sys
import uuid
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar

import pandas as pd
import pytest
from fingerprint import fingerprint
from libraries import only_with, pydantic
from test_own_classes import again, rerun

from streamlit_pgstate.codecs import Payload, decode, encode, register
from streamlit_pgstate.errors import DecodeError, UnsupportedType

T = TypeVar("T")


class Right(enum.Flag):
    READ = 1
    WRITE = 2


if pydantic:
    VERSION = tuple(map(int, pydantic.VERSION.split(".")[:2]))

    class Tool(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
        schema_of: type[pydantic.BaseModel] | None = None
        item: pydantic.BaseModel | None = None
        frame: pd.DataFrame | None = None

    class Pet(pydantic.BaseModel):
        name: str

    class Dog(Pet):
        kind: Literal["dog"] = "dog"
        breed: str

    class Cat(Pet):
        kind: Literal["cat"] = "cat"

    class Box(pydantic.BaseModel, Generic[T]):
        item: T

    class Owner(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow", arbitrary_types_allowed=True)
        pet: Pet
        pets: tuple[Pet, ...] = ()
        notes: Any = None
        size: float = pydantic.Field(1.5, alias="theSize")
        hidden: int = pydantic.Field(0, exclude=True)
        either: Dog | Cat | None = pydantic.Field(None, discriminator="kind")
        box: Box[int] | None = None
        frame: pd.DataFrame | None = None
        right: Right = Right.READ
        _seen: int = 0
        _inner: Pet | None = pydantic.PrivateAttr(None)

        @pydantic.field_serializer("size")
        def round_it(self, size):
            return round(size, 1)

        @pydantic.computed_field
        @property
        def area(self) -> float:
            return self.size**2

    class Doubled(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(frozen=True)
        x: int

        @pydantic.field_validator("x", mode="before")
        @classmethod
        def double(cls, x):
            return 2 * x

        @functools.cached_property
        def triple(self):
            return 3 * self.x

    class Numbers(pydantic.RootModel[list[int]]):
        pass

    class Settings(pydantic.BaseModel):
        key: pydantic.SecretStr
        salt: pydantic.SecretBytes
        url: pydantic.HttpUrl
        any_url: pydantic.AnyUrl
        database: pydantic.PostgresDsn
        size: pydantic.ByteSize
        at: dt.datetime
        day: dt.date
        price: Decimal
        id: uuid.UUID
        parsed: pydantic.Json

    def settings():
        return Settings(
            key="the key", salt=b"salt", url="http://example.org", any_url="ftp://a.b/c?d=1#e",
            database="postgres://u:p@h:1/db", size="1MiB", at="2026-01-02T03:04:05+02:00",
            day="2026-01-02", price="1.50", id=uuid.UUID(int=5), parsed='{"a": [1]}',
        )  # fmt: skip

    def owner(**more):
        made = Owner(pet=Pet(name="No"), theSize=1.25, unknown=(1,), **more)
        made._seen, made._inner = 5, Pet(name="In")
        return made

    def inside(model):
        return [
            model.__dict__,
            list(model.__dict__),
            model.__pydantic_fields_set__,
            model.__pydantic_extra__,
            model.__pydantic_private__,
        ]

    MODELS = {
        "fields, extra fields and private attributes": owner(),
        "nothing but what is required": Owner(pet=Pet(name="No")),
        "fields set again": owner(hidden=0, notes=None),
        "an excluded field": owner(hidden=1),
        "a field of a union": owner(either={"kind": "dog", "name": "Rex", "breed": "Boxer"}),
        "a generic model": owner(box=Box[int](item=1)),
        "a model in a field of any type": owner(notes=[Pet(name="A"), {"b": Right.WRITE}]),
        "what its validator doubles, frozen": Doubled(x=1),
        "what is not valid": Pet.model_construct(name=5),
        "what lacks a required field": Dog.model_construct(breed="b"),
        "fields that are said to be set": Pet.model_construct({"name", "more"}, name="a"),
        "a root": Numbers([1, 2]),
        "secrets, addresses and times": settings(),
    }

    @pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
    def test_a_model_comes_back_with_everything_that_pydantic_keeps_of_it(model):
        register(type(model), name=f"own {type(model).__name__}")
        (found,) = again([model])
        assert type(found) is type(model)
        assert inside(found) == inside(model)
        assert found == model

    def test_a_model_of_a_subclass_that_no_field_declares_is_refused_until_it_is_registered():
        register(Owner, name="own Owner")

        class Fish(Pet):
            fins: int

        value = Owner(pet=Fish(name="F", fins=2))
        with pytest.raises(UnsupportedType, match=r"'k' → 'pet' .*register\(Fish, name=\"fish\"\)"):
            encode(value, key="k")
        register(Fish, name="fish")
        assert type(again(value).pet) is Fish

    def test_a_secret_comes_back_as_one_and_its_text_lies_in_the_row():
        register(Settings, name="own Settings")
        payload = encode(settings(), key="k")
        assert b"the key" in payload.body
        found = decode(payload, key="k")
        assert type(found.key) is pydantic.SecretStr
        assert found.key.get_secret_value() == "the key"
        assert "the key" not in repr(found)
        assert (type(found.size), type(found.at.tzinfo)) == (
            pydantic.ByteSize,
            type(settings().at.tzinfo),
        )
        assert type(found.url) is type(settings().url)

    def test_secrets_and_addresses_are_kept_outside_of_models_too():
        value = [settings().url, pydantic.SecretStr("a"), {"b": settings().database}]
        assert again(value) == value

    def test_what_a_cached_property_of_a_model_has_computed_is_computed_again():
        register(Doubled, name="own Doubled")
        value = Doubled(x=1)
        assert value.triple == 6
        assert encode(value, key="k").body == encode(Doubled(x=1), key="k").body
        assert again(value).triple == 6

    def test_a_generic_model_is_registered_by_what_it_is_made_with():
        register(Box[int], Box[Pet])
        assert again([Box[int](item=1), Box[Pet](item=Pet(name="a"))]) == [
            Box[int](item=1),
            Box[Pet](item=Pet(name="a")),
        ]
        with pytest.raises(UnsupportedType, match=r"register\(Box\[str\], name=\"box_str\"\)"):
            encode(Box[str](item="a"), key="k")

    def test_generic_models_over_two_classes_of_one_name_are_two():
        one = rerun("import pydantic\nclass Item(pydantic.BaseModel):\n    x: int\n", "shop_one")
        two = rerun("import pydantic\nclass Item(pydantic.BaseModel):\n    x: int\n", "shop_two")
        register(Box[one.Item], Box[two.Item])
        for item in (one.Item(x=1), two.Item(x=1)):
            found = again(Box[type(item)](item=item))
            assert (type(found), type(found.item)) == (Box[type(item)], type(item))

    def test_two_models_that_were_read_share_nothing():
        register(Owner, name="own Owner")
        one, two = again([Owner(pet=Pet(name="a")), Owner(pet=Pet(name="b"))])
        one.more, one._seen = 1, 9
        one.__pydantic_fields_set__.add("x")
        assert (two.model_extra, two._seen, two.model_fields_set) == ({}, 0, {"pet"})

    def test_a_deleted_field_that_has_a_default_is_refused():
        register(Owner, name="own Owner")
        value = owner()
        del value.notes
        with pytest.raises(UnsupportedType, match="whose field 'notes' was deleted"):
            encode(value, key="k")

    def test_a_model_that_an_earlier_version_stored_is_validated():
        register(Owner, name="own Owner")
        register(Numbers, name="own Numbers")
        body = b'[{"$registered": ["own Owner", {"pet": {"name": "No"}, "size": 2.5, "more": 1}]}, '
        body += b'{"$registered": ["own Numbers", [1, 2]]}]'
        if VERSION >= (2, 11):  # before, validation knows the field by its alias only
            found = decode(Payload("json", body), key="k")
            assert found[0].size == 2.5
            assert found == [Owner(pet=Pet(name="No"), theSize=2.5, more=1), Numbers([1, 2])]

    MODEL = "import pydantic\nclass Growing(pydantic.BaseModel, extra='%s'):\n    x: int\n"

    def test_fields_that_a_model_has_got_or_lost_since():
        register(rerun(MODEL % "ignore" + "    old: int = 1\n").Growing, name="own model")
        payload = encode(sys.modules["own_classes_of_a_rerun"].Growing(x=1, old=2), key="k")
        more = "    new: list = pydantic.Field(default_factory=list)\n    _private: int = 7\n"
        register(rerun(MODEL % "ignore" + more).Growing, name="own model")
        found = decode(payload, key="k")
        assert (found.x, found.new, found._private, found.model_fields_set) == (1, [], 7, {"x"})
        register(rerun(MODEL % "allow").Growing, name="own model")
        assert decode(payload, key="k").model_extra == {"old": 2}
        register(rerun(MODEL % "forbid").Growing, name="own model")
        with pytest.raises(DecodeError, match=r"the field 'old' of a .*, which forbids"):
            decode(payload, key="k")

    def test_a_model_of_the_run_before_is_kept_with_the_models_in_it():
        source = (
            "import pydantic\nclass Inner(pydantic.BaseModel):\n    x: int\n"
            "class Outer(pydantic.BaseModel):\n    inner: Inner\n"
        )
        old = rerun(source)
        value = old.Outer(inner=old.Inner(x=1))
        new = rerun(source)
        register(new.Outer, name="outer")
        assert again(value) == new.Outer(inner=new.Inner(x=1))
        assert type(again(value).inner) is new.Inner


@only_with(pydantic)
def test_a_field_may_be_declared_as_any_model():
    register(Tool, name="a tool")
    (found,) = again([Tool(frame=pd.DataFrame({"a": [1]}))])
    assert found.frame.equals(pd.DataFrame({"a": [1]}))
    assert found.item is None


@only_with(pydantic)
def test_a_time_zone_that_pydantic_has_made_is_kept_within_pandas_too():
    class Visit(pydantic.BaseModel):
        at: dt.datetime

    zone = Visit(at="2026-01-02T03:04:05+01:00").at.tzinfo
    times = pd.Series(pd.date_range("2026", periods=2)).dt.tz_localize(zone)
    for value in (times, times[0], times.to_frame("at")):
        (found,) = again([value])
        assert fingerprint(found) == fingerprint(value)
    assert type(again([times])[0].dt.tz) is type(zone)
