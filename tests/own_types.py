"""Types of a user's own, registered: wherever this is imported, their values can be kept."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from fractions import Fraction
from typing import Any, NamedTuple

import attrs
from libraries import pydantic

from streamlit_pgstate.codecs import register


@dataclasses.dataclass
class Point:
    x: int
    y: object = None


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    values: tuple
    total: int = dataclasses.field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "total", sum(self.values))


@dataclasses.dataclass
class Strict:
    """What its __init__ makes of text, with a field that declares a class."""

    x: int
    text: dataclasses.InitVar[str]
    point: Point | None = None
    inner: Inner | None = None

    def __post_init__(self, text):
        self.note = text


@dataclasses.dataclass
class Inner:
    """Not registered: `Strict` declares it."""

    value: object


@attrs.frozen
class Visit:
    n: int = attrs.field(converter=int)
    value: object = None


class Colour(enum.Enum):
    RED = 1
    GREEN = object()


class Level(enum.IntEnum):
    LOW = 1


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Pair(NamedTuple):
    left: object
    right: object = None


Model = Settings = None
if pydantic:

    class Model(pydantic.BaseModel, extra="allow"):
        name: str
        sizes: tuple[int, ...] = ()
        inner: Model | None = None
        value: Any = None
        _private: Any = None

    class Settings(pydantic.BaseModel):
        key: pydantic.SecretStr = pydantic.SecretStr("the key")
        salt: pydantic.SecretBytes = pydantic.SecretBytes(b"salt")
        urls: tuple[pydantic.HttpUrl, pydantic.AnyUrl, pydantic.PostgresDsn] = pydantic.Field(
            ("http://a.b", "ftp://a.b/c?d=1#e", "postgres://u:p@h:1/db"), validate_default=True
        )
        size: pydantic.ByteSize = pydantic.Field("1MiB", validate_default=True)
        at: dt.datetime = pydantic.Field("2026-01-02T03:04:05+02:00", validate_default=True)
        model: Model | None = None

    register(Settings)
    register(Model, name="Model")

for _cls in (Point, Frozen, Strict, Visit, Colour, Level, Right, Pair):
    register(_cls, name=_cls.__name__)


class OldFraction:
    """Stands for `Fraction`, which had to be registered once: such rows are still read."""


register(OldFraction, name="fraction", dump=str, load=Fraction)
