"""What a refusal tells the reader to type is typed here, and then stored and read back."""

from __future__ import annotations

import argparse
import array
import asyncio
import collections
import concurrent.futures
import configparser
import contextvars
import dataclasses
import datetime as dt
import decimal
import email.message
import enum
import fractions
import functools
import http.cookies
import inspect
import io
import ipaddress
import itertools
import os
import queue
import random
import re
import socket
import sqlite3
import statistics
import string
import subprocess
import sys
import tempfile
import threading
import traceback
import types
import typing
import urllib.parse
import uuid
import weakref
import xml.etree.ElementTree
import zipfile
import zoneinfo
from functools import partial
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import attrs
import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pydeck
import pytest
import requests
import sqlalchemy
from fingerprint import fingerprint
from google.protobuf import wrappers_pb2
from libraries import PIL, pl, plotly, pydantic, shapely
from sqlalchemy import orm

import streamlit_pgstate as pgstate
from streamlit_pgstate.codecs import decode, encode, refusals, registered
from streamlit_pgstate.errors import UnsupportedType

matplotlib = None
if find_spec("matplotlib"):
    import matplotlib.figure


@pytest.fixture(autouse=True)
def _nothing_is_registered(monkeypatch):
    for name in ("_by_name", "_by_class", "_by_module"):
        monkeypatch.setattr(registered, name, {})
    monkeypatch.setattr(registered, "_own", registered._Own())


def below(*bases, **names):
    """A class of the user's own below others."""
    return type("Own", bases, names)


def refusal(value):
    with pytest.raises(UnsupportedType) as caught:
        encode([value], key="k")
    message = str(caught.value)
    assert message.startswith("'k' → [0] is a")
    assert refusals.class_name(type(value)) in message or "is an image of" in message
    return message


def typed(message, value):
    """What is to be kept, once the reader has typed what the message says."""
    names = {
        "value": value, "pgstate": pgstate, type(value).__name__: type(value), "io": io,
        "numpy": np, "pandas": pd, "datetime": dt, "decimal": decimal, "uuid": uuid,
        "asyncio": asyncio, "traceback": traceback, "collections": collections, "xml": xml,
        "PIL": PIL, "fractions": fractions, "plotly": plotly,
    }  # fmt: skip
    *before, last = re.findall("`([^`]+)`", message)
    for statement in before:
        exec(statement, names)
    if "register" in last:
        exec(last, names)
        return value
    if "asyncio" in last:  # which refuses a thread that runs a loop, as that of a browser's test
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            return thread.submit(eval, last, names).result()
    return eval(last, names)


class Colour(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    LOW = 1


class HTTPReply(NamedTuple):
    text: str


@dataclasses.dataclass
class Order:
    n: int


@dataclasses.dataclass
class Mapped:
    n: int
    _sa_class_manager = None
    __mapper__ = types.SimpleNamespace(column_attrs={"n": None})


@attrs.define
class Visit:
    n: int


class Celsius:
    def __init__(self, degrees, place=None):
        self.degrees, self.place = degrees, place


LINES = {
    "an enum": (Colour.RED, 'pgstate.register(Colour, name="colour")'),
    "an enum of numbers": (Level.LOW, 'pgstate.register(Level, name="level")'),
    "a NamedTuple": (HTTPReply("a"), 'pgstate.register(HTTPReply, name="http_reply")'),
    "a dataclass": (Order(1), 'pgstate.register(Order, name="order")'),
    "an attrs class": (Visit(1), 'pgstate.register(Visit, name="visit")'),
    "a class of the standard library": (
        subprocess.CompletedProcess(["a"], 0, "text"),
        "from subprocess import CompletedProcess; pgstate.register(CompletedProcess, "
        'name="completed_process", dump=vars, load=lambda found: CompletedProcess(**found))',
    ),
    "a class that is made of its attributes": (
        Celsius(5),
        'pgstate.register(Celsius, name="celsius", dump=vars, load=lambda found: Celsius(**found))',
    ),
}
if pydantic:

    class HumanMessage(pydantic.BaseModel):
        text: str

    line = 'pgstate.register(HumanMessage, name="human_message")'
    LINES["a model"] = (HumanMessage(text="a"), line)


@pytest.mark.parametrize(("value", "line"), LINES.values(), ids=LINES)
def test_the_line_that_a_refusal_prints_registers_the_class(value, line):
    message = refusal(value)
    assert f"`{line}`" in message
    typed(message, value)
    (found,) = decode(encode([value], key="k"), key="k")
    assert type(found) is type(value)
    assert getattr(found, "__dict__", found) == getattr(value, "__dict__", value)


def test_the_name_in_the_line_is_one_that_is_free():
    pgstate.register(Order, name="colour")
    message = refusal(Colour.RED)
    assert 'name="test_advice_colour"' in message
    typed(message, Colour.RED)
    assert decode(encode(Colour.RED, key="k"), key="k") is Colour.RED


def test_of_a_library_the_line_registers_the_module_that_shows_the_class(tmp_path, monkeypatch):
    home = tmp_path / "site-packages" / "somelib"
    (home / "messages").mkdir(parents=True)
    (home / "__init__.py").touch()
    (home / "messages" / "__init__.py").write_text("from .human import Human, Machine\n")
    source = "import dataclasses\n@dataclasses.dataclass\nclass Human:\n    text: str\n"
    source += "@dataclasses.dataclass\nclass Machine(Human):\n    text: str\n"
    (home / "messages" / "human.py").write_text(source)
    monkeypatch.syspath_prepend(home.parent)
    import somelib.messages

    value = somelib.messages.Human("a")
    message = refusal(value)
    assert "`import somelib.messages; pgstate.register(somelib.messages)`" in message
    typed(message, value)
    both = [value, somelib.messages.Machine("b")]
    assert decode(encode(both, key="k"), key="k") == both
    for name in [name for name in sys.modules if name.partition(".")[0] == "somelib"]:
        del sys.modules[name]


class _Row(orm.DeclarativeBase):
    pass


class Person(_Row):
    __tablename__ = "person"
    id = orm.mapped_column(sqlalchemy.Integer, primary_key=True)
    name = orm.mapped_column("called", sqlalchemy.String)


async def five():
    return 5


def rows(what="all"):
    with sqlalchemy.create_engine("sqlite://").connect() as connection:
        result = connection.execute(sqlalchemy.text("SELECT 1 AS a, 'x' AS b"))
        if what == "result":
            return result.freeze()()
        return result.mappings().one() if what == "mapping" else result.one()


def sqlite_row():
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    return connection.execute("SELECT 1 AS a").fetchone()


def response(cls):
    if cls is httpx.Response:
        return httpx.Response(200, content=b"{}")
    made = requests.Response()
    made._content = b"{}"
    return made


def file(mode):
    path = Path(tempfile.gettempdir()) / f"pgstate-advice-{os.getpid()}"
    path.write_text("text")
    opened = path.open(mode)
    path.unlink()
    return opened


def zipped():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        made.writestr("a", b"x")
    return zipfile.ZipFile(content)


def ini():
    made = configparser.ConfigParser()
    made.read_string("[a]\nb = 1\n")
    return made


def mail():
    made = email.message.EmailMessage()
    made.set_content("text")
    return made


def future(cls, **more):
    made = cls(**more)
    made.set_result(5)
    return made


REFERRED = np.arange(2)
FRAME = pd.DataFrame({"a": [1, 2], "b": [1.5, 2.5]})
element = xml.etree.ElementTree.fromstring("<a><b/></a>")  # noqa: S314

# Each sample is a function, because some can be used once only.
SAMPLES = {
    **{f"a subclass of {base.__name__}": partial(below(base), content)
       for base, content in (
           (int, 5), (float, 1.5), (complex, 1j), (bytes, b"a"), (bytearray, b"a"), (list, [1]),
           (tuple, (1, 2)), (dict, {"a": 1}), (set, {1}), (frozenset, {1}), (str, "a"),
           (decimal.Decimal, "1.5"), (uuid.UUID, str(uuid.UUID(int=5))), (io.BytesIO, b"a"),
           (io.StringIO, "a"),
       )},
    "text that stays itself": lambda: below(str, __str__=lambda self: self)("a"),
    "a subclass of datetime": lambda: below(dt.datetime)(2026, 1, 2, 3, tzinfo=dt.UTC),
    "a subclass of date": lambda: below(dt.date)(2026, 1, 2),
    "a subclass of time": lambda: below(dt.time)(1, 2),
    "a subclass of timedelta": lambda: below(dt.timedelta)(1, 2, 3),
    "a matrix": lambda: np.matrix([[1]]),
    "a record array": lambda: np.zeros(1, "i4,f8").view(np.recarray),
    "a subclass of MaskedArray": lambda: np.ma.array([1, 2], mask=[0, 1]).view(
        below(np.ma.MaskedArray)
    ),
    "a masked record": lambda: np.ma.array([(1, 2.5)], mask=[(0, 1)], dtype="i4,f8")[0],
    "a subclass of DataFrame": lambda: below(pd.DataFrame)({"a": [1]}),
    "a subclass of Series": lambda: below(pd.Series)([1]),
    "a subclass of RangeIndex": lambda: below(pd.RangeIndex)(3),
    "keys": lambda: {"a": 1}.keys(),
    "values": lambda: {"a": 1}.values(),
    "items": lambda: {"a": 1}.items(),
    "keys in order": lambda: collections.OrderedDict(a=1).keys(),
    "values in order": lambda: collections.OrderedDict(a=1).values(),
    "items in order": lambda: collections.OrderedDict(a=1).items(),
    "a mapping of one's own": lambda: collections.UserDict(a=1),
    "a set of one's own": lambda: set_of_one(),
    "a sequence of one's own": lambda: collections.UserList([1]),
    "a view of one's own": lambda: collections.abc.ValuesView({"a": 1}),
    "text of one's own": lambda: collections.UserString("a"),
    "a function": lambda: refusal,
    "a lambda": lambda: lambda: 0,
    "a builtin": lambda: print,
    "a method": lambda: FRAME.head,
    "a method of a builtin": lambda: str.upper,
    "a ufunc": lambda: np.add,
    "a module": lambda: os,
    "a class": lambda: Celsius,
    "a class of a metaclass": lambda: collections.abc.Mapping,
    "a partial": lambda: functools.partial(print, 1, end=""),
    "an alias": lambda: list[int],
    "a union": lambda: int | None,
    "an annotation": lambda: typing.Optional[int],  # noqa: UP045
    "any annotation": lambda: typing.Any,
    "an ellipsis": lambda: ...,
    "a generator": lambda: (n for n in range(3)),
    "an iterator": lambda: iter([1]),
    "a map": lambda: map(str, [1]),
    "a chain": lambda: itertools.chain([1], [2]),
    "a reader of rows": lambda: sqlite3.connect(":memory:").execute("SELECT 1"),
    "a coroutine": five,
    "a future": lambda: future(concurrent.futures.Future),
    "a future of a loop": lambda: future(asyncio.Future, loop=asyncio.new_event_loop()),
    "a weak reference": lambda: weakref.ref(REFERRED),
    "an exception": lambda: ValueError("text"),
    "a match": lambda: re.match("(a)(b)?", "a"),
    "a memoryview": lambda: memoryview(b"a"),
    "an array": lambda: below(array.array)("d", [1.5]),
    "a namespace": lambda: below(types.SimpleNamespace)(a=1),
    "arguments": lambda: argparse.Namespace(a=1),
    "a template": lambda: string.Template("$a"),
    "a source of chance": lambda: random.Random(1),
    "a queue": queue.Queue,
    "a counter without an end": itertools.count,
    "a cycle": lambda: itertools.cycle([1, 2]),
    "a signature": lambda: inspect.signature(refusal),
    "a context of decimals": decimal.Context,
    "a distribution": lambda: statistics.NormalDist(1, 2),
    "a NamedTuple with more attributes": lambda: with_more(HTTPReply("a")),
    "a NamedTuple of the standard library": lambda: urllib.parse.urlparse("http://a/b"),
    "a NamedTuple of a library that shows it nowhere": lambda: np.linalg.slogdet(np.eye(2)),
    "a text file to write": lambda: file("w"),
    "a cookie": lambda: http.cookies.SimpleCookie("a=b; c=d"),
    "a URL of SQLAlchemy": lambda: sqlalchemy.make_url("postgresql://me:secret@host/name"),
    "a query": lambda: sqlalchemy.select(sqlalchemy.literal(1)),
    "a URL of httpx": lambda: httpx.URL("https://a.b/c"),
    "a field of Arrow": lambda: pa.field("a", pa.int8()),
    "an object of one that is kept": lambda: Holder([{"a": (1, "b")}]),
    "a subclass of deque": lambda: below(collections.deque)([1]),
    "a subclass of Fraction": lambda: below(fractions.Fraction)(1, 2),
    "a subclass of ChainMap": lambda: below(collections.ChainMap)({"a": 1}),
    "an open file": lambda: file("r"),
    "an open file of bytes": lambda: file("rb"),
    "a file to write": lambda: file("wb"),
    "a file for now": tempfile.NamedTemporaryFile,
    "a folder for now": tempfile.TemporaryDirectory,
    "an entry of a folder": lambda: next(os.scandir(Path(__file__).parent)),
    "a zip": zipped,
    "an ini": ini,
    "a mail": mail,
    "an element": lambda: element,
    "a tree": lambda: xml.etree.ElementTree.ElementTree(element),
    "a path": lambda: below(PurePosixPath)("a"),
    "an address": lambda: below(ipaddress.IPv4Address)("127.0.0.1"),
    "a zone": lambda: below(zoneinfo.ZoneInfo)("Europe/Rome"),
    "a row of sqlite3": sqlite_row,
    "a row": rows,
    "a row as a mapping": lambda: rows("mapping"),
    "a result": lambda: rows("result"),
    "a row of an ORM": lambda: Person(id=1, name="a"),
    "a dataclass of an ORM": lambda: Mapped(1),
    "a response": lambda: response(requests.Response),
    "a response of httpx": lambda: response(httpx.Response),
    "a polynomial": lambda: np.poly1d([1, 2]),
    "a polynomial of a basis": lambda: np.polynomial.Chebyshev([1, 2]),
    "a generator of chance": lambda: np.random.default_rng(1),
    "its bits": lambda: np.random.PCG64(1),
    "an old generator of chance": lambda: np.random.RandomState(1),
    "a row of itertuples": lambda: next(FRAME.itertuples()),
    "a groupby": lambda: FRAME.groupby("a"),
    "a groupby of a column": lambda: FRAME.groupby("a")["b"],
    "a window": lambda: FRAME.rolling(2),
    "a styled frame": lambda: FRAME.style,
    "a scalar of Arrow": lambda: pa.scalar(5),
    "a schema": lambda: pa.schema([("a", pa.int8())]),
    "a type of Arrow": lambda: pa.int8(),
    "a buffer": lambda: pa.py_buffer(b"a"),
    "batches that come once": lambda: pa.table({"a": [1]}).to_reader(),
    "a dataset": lambda: __import__("pyarrow.dataset").dataset.dataset(pa.table({"a": [1]})),
    "a dtype of pandas": lambda: pd.CategoricalDtype(["a"]),
    "a map of pydeck": pydeck.Deck,
    "a message of protobuf": lambda: wrappers_pb2.Int32Value(value=5),
    **({
        "a figure": lambda: matplotlib.figure.Figure(),
        "axes": lambda: matplotlib.figure.Figure().add_subplot(),
        "bars": lambda: matplotlib.figure.Figure().add_subplot().bar([1], [2]),
    } if matplotlib else {}),
    **({
        "a figure of plotly": lambda: below(plotly.graph_objects.Figure)(),
        "a trace": lambda: plotly.graph_objects.Bar(y=[1]),
    } if plotly else {}),
    **({
        "a frame of narwhals": lambda: __import__("narwhals").from_native(FRAME),
    } if find_spec("narwhals") else {}),
    **({
        "a prepared geometry": lambda: shapely.prepared.prep(shapely.Point(1, 2)),
        "a tree of geometries": lambda: shapely.STRtree([shapely.Point(1, 2)]),
    } if shapely else {}),
    **({
        "a lazy frame": lambda: pl.LazyFrame({"a": [1]}),
        "a groupby of polars": lambda: pl.DataFrame({"a": [1]}).group_by("a"),
        "an expression": lambda: pl.col("a"),
        "a dtype of polars": lambda: pl.Int8(),
        "a schema of polars": lambda: pl.Schema({"a": pl.Int8}),
    } if pl else {}),
    **({
        "an image of several frames": lambda: animation(),
        "an image of no pixels": lambda: PIL.Image.new("L", (0, 70_000)),
    } if PIL else {}),
    **({
        "a secret of one's own": lambda: below(pydantic.SecretStr)("a"),
        **({
            "a typed secret": lambda: pydantic.Secret[int](5),
            "another secret of one's own": lambda: below(pydantic.Secret)("a"),
        } if hasattr(pydantic, "Secret") else {}),
        **({
            "an address of one's own": lambda: below(pydantic.AnyUrl)("http://a.b"),
            "a database of one's own": lambda: below(pydantic.PostgresDsn)("postgres://a@b/c"),
        } if hasattr(pydantic.networks, "_BaseUrl") else {}),
    } if pydantic else {}),
}  # fmt: skip


class Holder:
    def __init__(self, held):
        self.held, self.count = held, 1


class WithMore(HTTPReply):
    """As scipy.stats makes its results."""


def with_more(reply):
    made = WithMore(*reply)
    made.error = 0.5
    return made


def animation():
    content = io.BytesIO()
    frames = [PIL.Image.new("P", (2, 2), number) for number in range(3)]
    frames[0].save(content, "GIF", save_all=True, append_images=frames[1:])
    return PIL.Image.open(content)


def set_of_one():
    return below(
        collections.abc.Set,
        __contains__=lambda self, item: item == 1,
        __iter__=lambda self: iter([1]),
        __len__=lambda self: 1,
    )()


def is_kept(value):
    try:
        encode([value], key="k")
    except UnsupportedType:
        return False
    return True


@pytest.mark.parametrize("make", SAMPLES.values(), ids=SAMPLES)
def test_what_a_refusal_says_to_keep_is_kept(make):
    value = make()
    if is_kept(value):
        return  # by itself, in this version
    kept = typed(refusal(value), value)
    (found,) = decode(encode([kept], key="k"), key="k")
    assert fingerprint(found) == fingerprint(kept)


def exists(name):
    """Whether there is a class of this name here: names differ between versions of libraries."""
    module, _, cls = name.rpartition(".")
    found = getattr(sys.modules.get(module), cls, None)
    return isinstance(found, type) and refusals.class_name(found) == name


# These need what is made with effort, or what no test has.
WITHOUT_A_SAMPLE = {
    "pandas.ExcelFile", "pandas.io.excel._base.ExcelFile", "pydantic.main.BaseModel",
    "streamlit.runtime.state.query_params_proxy.QueryParamsProxy",
    "streamlit.runtime.state.session_state_proxy.SessionStateProxy",
    "matplotlib.artist.Artist", "pydantic.v1.main.BaseModel", "google.protobuf.message.Message",
}  # fmt: skip


def test_every_advice_has_a_sample_where_its_class_is_here():
    met = set()
    for make in SAMPLES.values():
        value = make()
        met |= set(map(refusals.class_name, type(value).__mro__))
        if type(value).__name__ == "coroutine":
            value.close()  # which nobody awaits
    missing = {name for name in refusals.WAYS if name not in met and exists(name)}
    assert missing <= WITHOUT_A_SAMPLE
    built_in = {name for name in refusals.WAYS if "." not in name}
    assert built_in <= met


RESOURCES = {
    "a lock": threading.Lock,
    "a thread": threading.Thread,
    "an event": threading.Event,
    "a condition": threading.Condition,
    "what threads own": threading.local,
    "a simple queue": queue.SimpleQueue,
    "a context": contextvars.Context,
    "a socket": socket.socket,
    "a loop": asyncio.new_event_loop,
    "an executor": lambda: concurrent.futures.ThreadPoolExecutor(1),
    "a connection": lambda: sqlite3.connect(":memory:"),
    "an engine": lambda: sqlalchemy.create_engine("sqlite://"),
    "a session of an ORM": orm.Session,
    "a session": requests.Session,
    "a client": httpx.Client,
}


@pytest.mark.parametrize("make", RESOURCES.values(), ids=RESOURCES)
def test_what_ends_with_its_process_is_told_where_to_live(make):
    value = make()
    message = refusal(value)
    assert "cannot outlive its process" in message
    assert "`@st.cache_resource`" in message
    if hasattr(value, "close"):
        value.close()


def test_a_class_of_which_nothing_is_known_is_told_both_ways():
    class Thing:
        def __init__(self):
            self.a = 1

    message = refusal(Thing())
    assert "Keep `vars(value)` instead, or write functions for pgstate.register(Thing" in message
    assert typed(message, Thing()) == {"a": 1}


def test_attributes_that_are_not_kept_either_are_no_advice():
    message = refusal(Holder([{"a": (open, 1)}]))
    assert "vars(value)" not in message
    assert "write functions for pgstate.register(Holder" in message


def test_times_that_stop_at_holidays_are_kept_without_their_frequency():
    holidays = pd.offsets.CustomBusinessDay(holidays=["2026-01-02"])
    index = pd.date_range("2026-01-01", periods=3, freq=holidays)
    with pytest.raises(UnsupportedType, match=r"type `index\.freq = None`"):
        encode(index, key="k")
    index.freq = None
    assert decode(encode(index, key="k"), key="k").equals(index)


@pytest.mark.skipif(shapely is None, reason="needs shapely, which `make matrix` takes out once")
def test_a_plain_frame_with_geometries_is_told_to_be_one_of_geopandas():
    geopandas = pytest.importorskip("geopandas")
    frame = pd.DataFrame({"where": geopandas.GeoSeries([shapely.Point(1, 2)])})
    with pytest.raises(UnsupportedType, match=r"`geopandas\.GeoDataFrame\(frame\)`"):
        encode(frame, key="k")
    kept = geopandas.GeoDataFrame(frame)
    assert decode(encode(kept, key="k"), key="k").equals(kept)
