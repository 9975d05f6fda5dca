"""Types of a user's own, registered: wherever this is imported, their values can be kept."""

from __future__ import annotations

import dataclasses
import enum
from fractions import Fraction
from typing import NamedTuple

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


Model = None
if pydantic:

    class Model(pydantic.BaseModel):
        name: str
        sizes: tuple[int, ...] = ()
        inner: Model | None = None

    register(Model, name="Model")

for _cls in (Point, Frozen, Colour, Level, Right, Pair):
    register(_cls, name=_cls.__name__)


class OldFraction:
    """Stands for `Fraction`, which had to be registered once: such rows are still read."""


register(OldFraction, name="fraction", dump=str, load=Fraction)
