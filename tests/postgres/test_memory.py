"""How much memory a large value takes on its way, in copies of what is written.

docs/values.md promises three. This is what each kind takes, and a copy more fails. What the cache
of large values keeps comes on top, `cache_bytes` at most.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest
from everything import named

MIB = 1 << 20
SIZE = 20 * MIB
SENDING = 4 * MIB
"""What a statement takes: libpq's buffers for the 4 MiB in it."""


class Copies(NamedTuple):
    """In `set` beside the value; in `get` with the value, or beside it where it is of many
    small objects, which take several times what is written.
    """

    set: float
    get: float
    is_of_objects: bool = False


KINDS = {
    "bytes": Copies(0, 1),
    "a file": Copies(1, 2),
    "an array": Copies(1, 2),
    "an array that shrinks": Copies(1, 2.2),
    "a frame": Copies(1, 2),
    "a mixed frame": Copies(1.5, 2),
    "a dict of arrays": Copies(2, 2),
    "texts": Copies(1.5, 2.6, is_of_objects=True),
    "dicts": Copies(1.5, 2.3, is_of_objects=True),
    "a sparse matrix": Copies(2, 2),
    "a polars frame": Copies(2, 2),
    "a picture": Copies(2, 2),
}
LIBRARIES = {"a sparse matrix": "scipy", "a polars frame": "polars", "a picture": "PIL"}

pytestmark = pytest.mark.xdist_group("memory")  # they share one process that takes 6 s

HERE = {name: name for name in KINDS if name not in LIBRARIES or find_spec(LIBRARIES[name])}
MORE = ("a file", "an array", "a frame", "dicts")
"""Kinds that are written as another one is: bytes, an array that shrinks, a mixed frame, texts."""
every_kind = pytest.mark.parametrize(
    "name", named(HERE, *[name for name in HERE if name not in MORE])
)


class Growth(NamedTuple):
    body: int
    set: int
    get: int
    value: int


@pytest.fixture(scope="module")
def grown(shared_url: str, request: pytest.FixtureRequest) -> dict[str, Growth]:
    """By the name of each kind that this run asks for."""
    items = [item for item in request.session.items if item.path == request.path]
    asked = {item.callspec.params["name"] for item in items}  # type: ignore[attr-defined]
    program = str(Path(__file__).with_name("growth.py"))
    # What is freed goes back to the system, whatever was allocated before.
    env = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
    lines = subprocess.run(
        [sys.executable, program, shared_url, str(SIZE), *[name for name in HERE if name in asked]],
        check=True,
        capture_output=True,
        text=True,
        env=env,
    ).stdout.splitlines()
    return {name: Growth(*numbers) for name, *numbers in map(json.loads, lines)}


@every_kind
def test_a_set_takes_no_more_copies_than_it_needs(name: str, grown: dict[str, Growth]) -> None:
    growth, copies = grown[name], KINDS[name]
    assert growth.set < (copies.set + 0.5) * growth.body + SENDING


@every_kind
def test_a_get_takes_no_more_copies_than_it_needs(name: str, grown: dict[str, Growth]) -> None:
    growth, copies = grown[name], KINDS[name]
    taken = growth.get - growth.value * copies.is_of_objects
    assert taken < (copies.get + 0.5) * growth.body + SENDING
