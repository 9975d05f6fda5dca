"""Plain Python values as JSON text that PostgreSQL's type ``json`` takes and people can read.

What JSON has is written as JSON. Everything else is an object with a single key that starts
with ``$``, such as ``{"$date": "2026-01-02"}``. A dict that looks like one of these, or has
keys that are no text, is written as ``{"$dict": [[key, value], …]}``. Registered types and the
scalars of NumPy and pandas have markers, too; larger things are parts of a `bundle`.
"""

from __future__ import annotations

import base64
import codecs
import datetime as dt
import io
import itertools
import json
import re
import sys
import threading
from collections.abc import Callable, Hashable, Iterable, Sequence
from decimal import Context, Decimal, InvalidOperation
from enum import Enum
from functools import cache, partial
from math import inf, isfinite
from typing import Any, NoReturn
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from . import kinds, registered
from .payload import Body, DamagedError, RefusedError, TooLargeError, UnreadableError

__all__ = [
    "TYPES",
    "check_size",
    "class_name",
    "describe",
    "dump",
    "dump_zone",
    "is_kept",
    "load",
    "load_zone",
    "shown",
    "tree",
    "unhashable",
    "walk",
]

# 200 levels are at most 600 in the JSON text (a "$dict" takes three). Python's parser stops
# near 1,000, less what the caller's stack holds; PostgreSQL's with 2 MB of stack above 6,000.
_MAX_DEPTH = 200

# Values in a part (cells of an object array, attrs of a frame) are so many levels deeper than the
# part. It takes up to 15 frames of the stack to write, as 8 levels do, and fewer to read.
_PART_DEPTH = 8

# int <-> str refuses more digits than sys.set_int_max_str_digits allows, but never below 640
# digits, which 2**2048 (617 digits) stays under.
_INT_LIMIT = 1 << 2048

_KEY_IN_MESSAGE = 40  # characters

# Bytes from here on are a part of their own, where there may be parts: base64 takes a third more
# and six times the memory.
_LARGE_BYTES = 32 << 10

# A list that holds one list twice, which holds one list twice, …: 60 levels would never end.
# So every so often somebody looks how much is left to do. A value may be written at most this
# many containers (or eight items of one) long by repetitions.
_LOOK_EVERY = 1 << 18
_LARGE_LIST = 1 << 17
_MAX_REPEATED = 20_000_000
_SHORT = 64  # items of a container that is not remembered: 1e6 of them would take 200 MB
_visits = itertools.count(1)

# Longer lists, tuples and dicts are written in slices, so that there never are JSON's tree and
# text of all of them at once: a list of 1e6 small dicts took eight times what is stored.
_SLICE = 1 << 13

# A marker that stands in a text for what was written in slices, until it is put there. No value
# of the caller's is written as this, and in JSON's texts a quote has a backslash before it.
_SLICED = re.compile(rb'\{"\$sliced": (\d+)\}')

# One emoji makes Python hold a whole text at 4 bytes for each character, when it is read. In
# texts from here on (characters) those beyond Latin-1 are escapes, unless they are frequent.
_LONG_TEXT = 64 << 10
_FREQUENT = 16  # one in so many
_ESCAPED = "streamlit_pgstate.escaped"

# json.loads joins these two code points into one when it meets them as escapes.
_SURROGATE_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")

# capitals=1 whatever the thread's own context says: equal values must give equal text.
_DECIMAL = Context(capitals=1, traps=[InvalidOperation])

# Every writer checks the depth, so the encoder need not look for circles again.
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False)


class _Walk(threading.local):
    limit = inf  # bytes that a body may have: said anew for each value that is encoded

    def __init__(self) -> None:
        self.sliced: list[io.BytesIO] = []  # texts that are not yet where they belong

    # what takes parts, and the value, until somebody has looked how much there is to do
    now: tuple[Callable[[object], int | None] | None, object] = (None, None)
    depth = 0  # of the part that is being written


walk = _Walk()


def dump(value: object, add_part: Callable[[object], int | None] | None = None) -> bytes:
    """Write a plain value as JSON text in UTF-8.

    Args:
        value: what to write.
        add_part: takes what is not plain and gives the number of its part, or None.

    Raises:
        RefusedError: something in it is no plain value, or it is too deep.

    Example:
        >>> dump({"at": (1, 2.5)})
        b'{"at": {"$tuple": [1, 2.5]}}'
    """
    if add_part is None and type(value) in _LEAVES:
        line = _JSON.encode(_WRITERS[type(value)](value, 0))
        return line.encode() if line.isascii() else _utf8(line)
    outer, sliced = walk.now, walk.sliced
    start = len(sliced)
    walk.now = add_part, value
    depth = 0 if add_part is None else walk.depth
    try:
        text = _utf8(_JSON.encode(_WRITERS.get(type(value), _other)(value, depth)))
        return text if len(sliced) == start else _filled(text, start)
    except BaseException as error:
        del sliced[start:]
        if isinstance(error, TypeError) and (odd := unhashable(value)):
            raise odd from None
        if isinstance(error, RefusedError) and error.is_whole:  # it was noticed somewhere inside
            error.steps, error.is_whole = [], False
        raise
    finally:
        walk.now = outer


def check_size(size: int) -> None:
    """Take notice of how many bytes a body has at least, before they are copied or computed.

    Raises:
        TooLargeError: more than are allowed.
    """
    if size > walk.limit:
        raise TooLargeError(size)


def tree(value: object) -> Any:
    """What JSON has for a plain value: the part of `dump` before the text.

    Raises:
        RefusedError: something in it is no plain value, or it is too deep.
    """
    return _WRITERS.get(type(value), _other)(value, 0)


def _utf8(text: str) -> bytes:
    if text.isascii():
        return text.encode()
    if len(text) >= _LONG_TEXT:
        text = _narrowed(text)
    try:
        return text.encode()
    except UnicodeEncodeError:  # lone surrogates: as escapes, which is where json keeps them
        return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def _narrowed(text: str) -> str:
    wide = len(text) - len(text.encode("latin-1", "ignore"))
    if not wide or wide * _FREQUENT > len(text):
        return text
    return text.encode("latin-1", _ESCAPED).decode("latin-1")


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


codecs.register_error(_ESCAPED, _escaped)


def _filled(text: bytes, start: int) -> bytes:
    """The text with those that were sliced, from `start` on, where they belong."""
    filled = _put(text, walk.sliced)
    del walk.sliced[start:]
    return filled


def _put(text: bytes, sliced: list[io.BytesIO]) -> bytes:
    if alone := _SLICED.fullmatch(text):
        return sliced[int(alone[1])].getvalue()  # no copy
    pieces = _SLICED.split(text)  # every other one is a number
    pieces[1::2] = [sliced[int(number)].getvalue() for number in pieces[1::2]]
    return b"".join(pieces)


def load(body: Body, part: Callable[[int], Any] | None = None) -> Any:
    """Read what `dump` wrote.

    Args:
        body: the text.
        part: gives the value of a part.

    Raises:
        DamagedError: it is no JSON text, or a marker in it is unknown or holds something else.
        UnreadableError: the stack is too full for it.

    Example:
        >>> load(b'{"at": {"$tuple": [1, 2.5]}}')
        {'at': (1, 2.5)}
    """
    try:
        text = str(body, "utf-8")
        if '"$' not in text:
            return _UNMARKED.decode(text)
        return (_MARKED if part is None else _decoder(part)).decode(text)
    except DamagedError:
        raise
    except ValueError:  # its text may quote the value
        raise DamagedError("no well-formed JSON text of this format") from None
    except RecursionError:
        raise UnreadableError(
            "and is nested too deeply for the stack of this call. Read it from a shallower one"
        ) from None


# --- writing -----------------------------------------------------------------------------


# A writer turns a value into what the encoder of the standard library writes exactly. A level
# of nesting costs two frames of the stack, for 400 of the 1,000 that Python has by default.


def _other(value: object, depth: int) -> object:
    """What is not plain itself: registered, a scalar of a library, or a part."""
    entry = registered.find(type(value))
    if entry is not None:
        _check_depth(depth)
        dumped = entry.dump(value)
        if odd := unhashable(dumped):
            raise odd
        return {"$registered": [entry.name, _WRITERS.get(type(dumped), _other)(dumped, depth + 1)]}
    marker = _scalar(value)
    if marker is not None:
        return marker
    add_part, _ = walk.now
    outer, walk.depth = walk.depth, depth + _PART_DEPTH
    try:
        number = None if add_part is None else add_part(value)
    finally:
        walk.depth = outer
    if number is None:
        raise RefusedError(describe(value))
    return {"$part": number}


def _scalar(value: object) -> dict[str, Any] | None:
    scalars = _scalars_of(type(value))
    marker: dict[str, Any] | None = None if scalars is None else scalars.dump(value)
    return marker


def _scalars_of(cls: type) -> Any:
    """The module for the scalars of the library that a class is from; None for most."""
    root = str(cls.__module__).partition(".")[0]
    if root == "numpy" and "numpy" in sys.modules:
        from . import numpy_scalars

        return numpy_scalars
    if root == "pandas" and "pandas" in sys.modules:
        from . import pandas_scalars

        return pandas_scalars
    return None


def _as_it_is(value: object, depth: int) -> object:
    return value


def _int(value: int, depth: int) -> object:
    if -_INT_LIMIT < value < _INT_LIMIT:
        return value
    return {"$int": hex(value)}


def _float(value: float, depth: int) -> object:
    return value if isfinite(value) else {"$float": repr(value)}


def _complex(value: complex, depth: int) -> object:
    return {"$complex": [_float(value.real, 0), _float(value.imag, 0)]}


def _str(value: str, depth: int) -> object:
    if value.isascii() or not _SURROGATE_PAIR.search(value):
        return value
    # A cut after every high surrogate leaves no pair in any piece.
    return {"$str": [piece for piece in re.split("(?<=[\ud800-\udbff])", value) if piece]}


def _bytes(value: bytes, depth: int) -> object:
    if len(value) >= _LARGE_BYTES and walk.now[0] is not None:
        return {"$part": walk.now[0](value)}
    return {"$bytes": base64.b64encode(value).decode()}


def _bytearray(value: bytearray, depth: int) -> object:
    if len(value) >= _LARGE_BYTES and walk.now[0] is not None:
        check_size(len(value))
        return {"$bytearray": {"$part": walk.now[0](bytes(value))}}
    return {"$bytearray": base64.b64encode(value).decode()}


def _list(value: list[object], depth: int) -> object:
    _check_depth(depth)
    if len(value) > _SLICE:
        return _long(value, depth)
    return value if _is_flat(value) else _items(value, depth)


def _tuple(value: tuple[object, ...], depth: int) -> object:
    _check_depth(depth)
    return {"$tuple": _long(value, depth) if len(value) > _SLICE else _items(value, depth)}


def _long(values: Sequence[object], depth: int) -> object:
    if depth and len(values) > _LARGE_LIST:
        _check_repetitions()

    def written(start: int) -> object:
        part = values[start : start + _SLICE]
        return part if _is_flat(part) else _items(part, depth, start)

    return _in_slices(b"[]", map(written, range(0, len(values), _SLICE)))


def _in_slices(brackets: bytes, slices: Iterable[object]) -> object:
    sliced = walk.sliced
    start = len(sliced)
    whole = io.BytesIO()
    for written in slices:
        text = _utf8(_JSON.encode(written))
        if len(sliced) > start:
            text = _filled(text, start)
        whole.write(b", " if whole.tell() else brackets[:1])
        whole.write(memoryview(text)[1:-1])
        check_size(whole.tell())
    whole.write(brackets[1:])
    sliced.append(whole)
    return {"$sliced": start}


def _dict(value: dict[object, object], depth: int) -> object:
    _check_depth(depth)
    if len(value) > _SLICE:
        return _long_dict(value.copy(), depth)
    items = list(value.items())  # at one stroke: another thread may add a key meanwhile
    trees = _values(items, depth)
    if all(map(_is_name, value)) and not _is_marker_like(items):
        return dict(zip(value, trees, strict=True))
    return {"$dict": [list(pair) for pair in zip(_keys(items, depth), trees, strict=True)]}


def _long_dict(value: dict[object, object], depth: int) -> object:
    rest = iter(value.items())
    parts = iter(lambda: list(itertools.islice(rest, _SLICE)), [])
    if all(map(_is_name, value)):
        return _in_slices(b"{}", (_named(part, depth) for part in parts))
    pairs = (zip(_keys(part, depth), _values(part, depth), strict=True) for part in parts)
    return {"$dict": _in_slices(b"[]", ([list(pair) for pair in part] for part in pairs))}


def _named(items: list[tuple[object, object]], depth: int) -> object:
    return dict(zip((name for name, _ in items), _values(items, depth), strict=True))


def _is_name(key: object) -> bool:
    return type(key) is str and (key.isascii() or not _SURROGATE_PAIR.search(key))


def _is_marker_like(items: list[tuple[Any, object]]) -> bool:
    return len(items) == 1 and items[0][0].startswith("$")


def _values(items: list[tuple[object, object]], depth: int) -> list[object]:
    trees: list[object] = []
    try:
        for _, item in items:
            trees.append(_WRITERS.get(type(item), _other)(item, depth + 1))
    except RefusedError as refused:
        raise refused.inside(shown(items[len(trees)][0])) from None
    except TypeError:
        key, item = items[len(trees)]
        if odd := unhashable(item):
            raise odd.inside(shown(key)) from None
        raise
    return trees


def _keys(items: list[tuple[object, object]], depth: int) -> list[object]:
    try:
        return _items([key for key, _ in items], depth)
    except RefusedError as refused:
        refused.steps[-1] = "a key"
        raise


def _items(values: Sequence[object], depth: int, start: int = 0) -> list[object]:
    trees: list[object] = []  # its length is the position, for the message
    try:
        for item in values:
            trees.append(_WRITERS.get(type(item), _other)(item, depth + 1))  # noqa: PERF401
    except RefusedError as refused:
        raise refused.inside(f"[{start + len(trees)}]") from None
    except TypeError:
        if odd := unhashable(values[len(trees)]):
            raise odd.inside(f"[{start + len(trees)}]") from None
        raise
    return trees


def _set(value: set[object], depth: int) -> object:
    return {"$set": _elements(value, depth)}


def _frozenset(value: frozenset[object], depth: int) -> object:
    return {"$frozenset": _elements(value, depth)}


def _elements(value: Iterable[Any], depth: int) -> list[object]:
    """Elements in an order that only depends on what they are, so that equal sets write equally."""
    _check_depth(depth)
    elements = list(value)
    if _kinds(elements) in ({int}, {str}):
        return _items(sorted(elements), depth)
    sliced = walk.sliced
    start = len(sliced)
    try:
        trees = _items(elements, depth)
        if len(sliced) == start:
            return sorted(trees, key=_JSON.encode)
        return sorted(trees, key=lambda tree: _put(_utf8(_JSON.encode(tree)), sliced))
    except RefusedError as refused:
        refused.steps[-1] = "an element"
        raise


def _range(value: range, depth: int) -> object:
    return {"$range": [_int(part, 0) for part in (value.start, value.stop, value.step)]}


def _date(value: dt.date, depth: int) -> object:
    return {"$date": value.isoformat()}


def _time(value: dt.time, depth: int) -> object:
    return {"$time": _clock(value)}


def _datetime(value: dt.datetime, depth: int) -> object:
    return {"$datetime": _clock(value)}


def _clock(value: dt.time | dt.datetime) -> object:
    at = value.replace(tzinfo=None).isoformat()
    if value.tzinfo is None and not value.fold:
        return at
    clock: dict[str, object] = {"at": at}
    if value.fold:
        clock["fold"] = 1
    if value.tzinfo is not None:
        clock["zone"] = dump_zone(value.tzinfo)
    return clock


# Most times are in UTC: a known zone saves 3 of 6 µs to write one and 1 of 3 to read it.
_UTC = ["+00:00:00"]


def dump_zone(zone: dt.tzinfo) -> object:
    """Write a time zone: the key of a `ZoneInfo`, or ``[offset]`` or ``[offset, name]``.

    Raises:
        RefusedError: the zone is of another class, or was made from a file.
    """
    if type(zone) is dt.timezone:
        if zone is dt.UTC:
            return _UTC
        offset, *name = zone.__getinitargs__()  # type: ignore[attr-defined]
        return [_offset(offset), *(_str(part, 0) for part in name)]
    if type(zone) is ZoneInfo and zone.key is not None and _is_zone(zone.key):
        return zone.key
    raise RefusedError(
        f"in a time zone of the class {class_name(type(zone))}, which cannot be kept exactly. "
        "Use zoneinfo.ZoneInfo('…') or datetime.timezone"
    )


def _is_zone(key: str) -> bool:
    """Whether the database has the zone: ZoneInfo opens files and imports by what it is given."""
    return key.removeprefix("posix/").removeprefix("right/") in _zone_names()


@cache  # 10 ms
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


def _offset(offset: dt.timedelta) -> str:
    sign = "-" if offset < dt.timedelta(0) else "+"
    hours, rest = divmod(abs(offset), dt.timedelta(hours=1))
    return f"{sign}{(dt.datetime.min + rest).replace(hour=hours).time().isoformat()}"


def _timedelta(value: dt.timedelta, depth: int) -> object:
    return {"$timedelta": [value.days, value.seconds, value.microseconds]}


def _decimal(value: Decimal, depth: int) -> object:
    return {"$decimal": _DECIMAL.to_sci_string(value)}


def _uuid(value: UUID, depth: int) -> object:
    return {"$uuid": str(value)}


_WRITERS: dict[type, Callable[[Any, int], Any]] = {
    type(None): _as_it_is,
    bool: _as_it_is,
    int: _int,
    float: _float,
    complex: _complex,
    str: _str,
    bytes: _bytes,
    bytearray: _bytearray,
    list: _list,
    tuple: _tuple,
    dict: _dict,
    set: _set,
    frozenset: _frozenset,
    range: _range,
    dt.date: _date,
    dt.time: _time,
    dt.datetime: _datetime,
    dt.timedelta: _timedelta,
    Decimal: _decimal,
    UUID: _uuid,
}

TYPES = frozenset(_WRITERS)
"""The exact types whose values `dump` takes (containers: if it takes what they hold)."""

_CONTAINERS = frozenset({list, tuple, dict, set, frozenset})
_LEAVES = TYPES - _CONTAINERS


def _is_flat(values: Sequence[Any]) -> bool:
    """Whether the JSON encoder may have the list as it is: 1e6 ints then take 40 ms less of 150."""
    kinds = _kinds(values)
    if len(kinds) != 1:
        return not kinds
    kind = kinds.pop()
    if kind is int:
        return bool(min(values) > -_INT_LIMIT and max(values) < _INT_LIMIT)
    if kind is float:
        return all(map(isfinite, values))
    if kind is str:
        text = "\0".join(values)
        if len(text) > _LONG_TEXT:
            check_size(len(text))
        return text.isascii() or not _SURROGATE_PAIR.search(text)
    return kind is bool


def is_kept(cls: type) -> bool:
    """Whether values of exactly this class are kept without being registered."""
    if cls in TYPES or kinds.kind_of(cls) is not None:
        return True
    scalars = _scalars_of(cls)
    return scalars is not None and bool(scalars.is_kept(cls))


def _kinds(values: Sequence[object]) -> set[type]:
    try:
        return set(map(type, values))
    except TypeError:  # over a class without a hash, for which somebody else has words
        return {object, type}


def unhashable(value: object) -> RefusedError | None:
    """What to raise for a value whose class cannot be looked up; None for any other."""
    try:
        hash(type(value))
    except TypeError:
        name = class_name(type(value))
        return RefusedError(
            f"of the class {name}, which has no hash, by its metaclass "
            f"{type(type(value)).__name__}. Keep its data as plain values, arrays or frames"
        )
    return None


def _check_depth(depth: int) -> None:
    if depth >= _MAX_DEPTH:
        raise RefusedError(
            f"more than {_MAX_DEPTH} levels deep, or contains itself. "
            "Keep a flatter structure, or the parts under keys of their own"
        )
    if not next(_visits) % _LOOK_EVERY:
        _check_repetitions()


def _check_repetitions() -> None:
    """Refuse what would be far longer than it is large. Looks once at a value."""
    add_part, root = walk.now
    walk.now = add_part, None
    if root is None:
        return
    lengths: dict[int, tuple[int, object]] = {}
    own = 0

    def length(value: Any, depth: int) -> int:
        nonlocal own
        inner = _inner(value)
        if inner is None:
            return 0
        if id(value) not in lengths:
            _check_depth(depth)
            alone = 1 + len(inner) // 8
            own += alone
            rest = [] if _kinds(inner) <= _LEAVES else inner
            if not rest and len(inner) <= _SHORT:
                return alone
            # The value is held, so that no other gets its id meanwhile.
            lengths[id(value)] = alone + sum(length(item, depth + 1) for item in rest), value
        return lengths[id(value)][0]

    if length(root, 0) > own + _MAX_REPEATED:
        raise RefusedError(
            "far longer written than it is in memory, by containers that it holds many times. "
            "Keep such a container once, and where it belongs beside it",
            is_whole=True,
        )


def _inner(value: Any) -> list[Any] | None:
    """What a container holds; None for what is none."""
    if type(value) is dict:
        return [*value, *value.values()]
    if unhashable(value):
        return None
    if type(value) in _CONTAINERS:
        return list(value)
    entry = registered.find(type(value)) if type(value) not in TYPES else None
    return None if entry is None else [entry.dump(value)]


def shown(key: object) -> str:
    """A key or label as messages show it."""
    text = repr(key) if type(key) in TYPES else class_name(type(key))
    return text if len(text) <= _KEY_IN_MESSAGE else text[: _KEY_IN_MESSAGE - 1] + "…"


def describe(value: object) -> str:
    """What a value that is not taken is, and what to keep instead; never what it holds."""
    name = class_name(type(value))
    article = "an" if name[0].lower() in "aeiou" else "a"
    return f"{article} {name}, which cannot be kept exactly. {_advice(value)}"


def class_name(kind: type) -> str:
    """The name of a class for messages: with its module, unless it is built in."""
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def _advice(value: object) -> str:
    if issubclass(type(value), Enum):  # isinstance asks the value, too: some lazy ones raise
        return "Keep its .value instead, or pgstate.register its class"
    if callable(value):
        return "Keep the data that it works on instead"
    if issubclass(type(value), dt.datetime):
        return "Keep a datetime.datetime instead"
    base = next((base for base in type(value).__mro__ if base in TYPES), None)
    if base is not None:
        return f"Keep {base.__name__}(…) of it instead, or pgstate.register its class"
    if found := next(
        (way for way in map(_WAYS.get, map(class_name, type(value).__mro__)) if way), ""
    ):
        return f"Keep {found} of it instead"
    return (
        "Keep its data instead, as plain values of Python, arrays or frames, "
        "or pgstate.register its class"
    )


# What makes of a value of a subclass one that is kept, where the name of the class is not it.
_WAYS = {
    "numpy.ndarray": "numpy.asarray(…)",
    "pandas.DataFrame": "pandas.DataFrame(…)",
    "pandas.core.frame.DataFrame": "pandas.DataFrame(…)",
    "pandas.Series": "pandas.Series(…)",
    "pandas.core.series.Series": "pandas.Series(…)",
    "polars.lazyframe.frame.LazyFrame": "collect()",
    "pyarrow.lib.Scalar": "as_py()",
    "collections.deque": "list(…)",
    "array.array": "numpy.asarray(…)",
    "memoryview": "bytes(…)",
    "pathlib.PurePath": "str(…)",
    "pathlib._local.PurePath": "str(…)",
}


# --- reading -----------------------------------------------------------------------------


def _restore(found: dict[str, Any], part: Callable[[int], Any] | None = None) -> Any:
    """Called by the JSON parser for every object, innermost first."""
    if len(found) != 1:
        return found
    ((marker, content),) = found.items()
    if not marker.startswith("$"):
        return found
    read = part if marker == "$part" else _READERS.get(marker)
    if read is None:
        raise DamagedError("a marker that this version does not know")
    try:
        return read(content)
    except DamagedError:
        raise
    except Exception:  # noqa: BLE001
        # The causes quote what they were given, and a message never holds a value.
        raise DamagedError(f"a {marker} that holds something else") from None


def _no_constant(name: str) -> NoReturn:
    raise DamagedError("NaN or Infinity outside of $float")


_MARKED = json.JSONDecoder(object_hook=_restore, parse_constant=_no_constant)
_UNMARKED = json.JSONDecoder(parse_constant=_no_constant)


def _decoder(part: Callable[[int], Any]) -> json.JSONDecoder:
    return json.JSONDecoder(object_hook=partial(_restore, part=part), parse_constant=_no_constant)


def _expect(content: Any, kind: type) -> Any:
    if type(content) is not kind:
        raise TypeError
    return content


def _read_float(content: Any) -> float:
    if content not in ("nan", "inf", "-inf"):
        raise ValueError
    return float(content)


def _read_complex(content: Any) -> complex:
    real, imag = _expect(content, list)
    return complex(_expect(real, float), _expect(imag, float))


def _read_str(content: Any) -> str:
    return "".join(_expect(content, list))


def _read_bytes(content: Any) -> bytes:
    return base64.b64decode(_expect(content, str), validate=True)


def _read_bytearray(content: Any) -> bytearray:
    return bytearray(content if type(content) is bytes else _read_bytes(content))


def _read_numpy(content: Any) -> Any:
    from . import numpy_scalars

    return numpy_scalars.load(content)


def _read_pandas(content: Any) -> Any:
    from . import pandas_scalars

    return pandas_scalars.load(content)


def _read_dict(content: Any) -> dict[Hashable, object]:
    pairs = _expect(content, list)
    restored = {key: item for key, item in pairs}  # noqa: C416  # dict() would take "ab" for a pair
    if len(restored) != len(pairs) or not all(type(pair) is list for pair in pairs):
        raise ValueError
    return restored


def _read_set(content: Any) -> set[Hashable]:
    restored = set(_expect(content, list))
    if len(restored) != len(content):
        raise ValueError
    return restored


def _read_range(content: Any) -> range:
    start, stop, step = (_expect(part, int) for part in _expect(content, list))
    return range(start, stop, step)


def _read_time(content: Any) -> dt.time:
    at, fold, zone = _read_clock(content)
    return dt.time.fromisoformat(at).replace(fold=fold, tzinfo=zone)


def _read_datetime(content: Any) -> dt.datetime:
    at, fold, zone = _read_clock(content)
    return dt.datetime.fromisoformat(at).replace(fold=fold, tzinfo=zone)


def _read_clock(content: Any) -> tuple[str, int, dt.tzinfo | None]:
    if type(content) is str:
        return content, 0, None
    clock = _expect(content, dict)
    if not clock.keys() <= {"at", "fold", "zone"}:
        raise ValueError
    zone = load_zone(clock["zone"]) if "zone" in clock else None
    return _expect(clock["at"], str), _expect(clock.get("fold", 0), int), zone


def load_zone(content: Any) -> dt.tzinfo:
    """Read what `dump_zone` wrote; looks up nothing but keys of the time zone database.

    Raises:
        ValueError, LookupError, OSError, TypeError: it is something else, or not installed.
    """
    if type(content) is str:
        if not _is_zone(content):
            raise LookupError
        return ZoneInfo(content)
    offset, *name = _expect(content, list)
    if content == _UTC:
        return dt.UTC
    sign = {"+": 1, "-": -1}[_expect(offset, str)[0]]
    at = dt.time.fromisoformat(offset[1:])
    size = dt.timedelta(0, at.second, at.microsecond, 0, at.minute, at.hour)
    return dt.timezone(sign * size, *(_expect(part, str) for part in name))


def _read_timedelta(content: Any) -> dt.timedelta:
    days, seconds, microseconds = (_expect(part, int) for part in _expect(content, list))
    return dt.timedelta(days, seconds, microseconds)


_READERS: dict[str, Callable[[Any], Any]] = {
    "$int": lambda content: int(_expect(content, str), 16),
    "$float": _read_float,
    "$complex": _read_complex,
    "$str": _read_str,
    "$bytes": _read_bytes,
    "$bytearray": _read_bytearray,
    "$tuple": lambda content: tuple(_expect(content, list)),
    "$dict": _read_dict,
    "$set": _read_set,
    "$frozenset": lambda content: frozenset(_read_set(content)),
    "$range": _read_range,
    "$date": lambda content: dt.date.fromisoformat(_expect(content, str)),
    "$time": _read_time,
    "$datetime": _read_datetime,
    "$timedelta": _read_timedelta,
    "$decimal": lambda content: Decimal(_expect(content, str), _DECIMAL),
    "$uuid": lambda content: UUID(_expect(content, str)),
    "$numpy": _read_numpy,
    "$pandas": _read_pandas,
    "$registered": registered.load,
}
