"""Plain Python values as JSON text, which PostgreSQL's type ``json`` accepts and people can read.

Types that JSON has are written as JSON. Any other value is a *marker*: an object with a single
key that starts with ``$``, such as ``{"$date": "2026-01-02"}``. A dict that looks like a marker, or
has keys that are not text, is written as ``{"$dict": [[key, value], …]}``. Registered types, types
that have a form in `forms`, and the scalars of NumPy and pandas have markers, too. Arrays, frames
and the like are parts of a `bundle`, for which ``{"$part": 0}`` stands.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable, Hashable, Iterable, Sequence
from decimal import Context, Decimal, InvalidOperation
from functools import partial
from math import isfinite
from typing import Any, NoReturn
from uuid import UUID, SafeUUID

from . import clock, forms, kinds, limits, registered
from .form import Form
from .json_text import (
    LONG_TEXT,
    discard_slices,
    dump_str,
    dump_text,
    in_order,
    in_slices,
    is_joined,
    load_str,
    slices,
)
from .kinds import LEAVES
from .limits import check_depth, check_size
from .payload import Body, DamagedError, RefusedError, UnreadableError
from .refusals import classes, describe, shown, unhashable

__all__ = ["dump", "load", "tree"]

# Python converts between int and str only up to the number of digits that
# sys.set_int_max_str_digits allows, which is at least 640. 2**2048 has 617 digits.
_INT_LIMIT = 1 << 2048

# bytes of this size or more become a part, where parts are possible. As base64 they would be a
# third larger, and take six times the memory.
_LARGE_BYTES = 32 << 10

# Lists, tuples and dicts of more than _SLICE items are written in slices. A list or tuple of more
# than _LARGE_LIST items inside another container is checked for repetitions first.
_SLICE = 1 << 13
_LARGE_LIST = 1 << 17

_UNKNOWN = SafeUUID.unknown  # to find it in its class takes as long as to write a UUID

# capitals=1, whatever the thread's own context says, so that equal values give equal text.
_DECIMAL = Context(capitals=1, traps=[InvalidOperation])


def dump(value: object, add_part: Callable[[object], int | None] | None = None) -> bytes:
    """Write a plain value as JSON text in UTF-8.

    Args:
        value: the value.
        add_part: takes a value that is not plain, and returns the number of its part, or None if
            it cannot be a part. Without this function, such values are refused.

    Raises:
        RefusedError: the value holds something that is not plain, or is too deep.

    Example:
        >>> dump({"at": (1, 2.5)})
        b'{"at": {"$tuple": [1, 2.5]}}'
    """
    start = slices()
    if add_part is None and type(value) in LEAVES:
        return dump_text(_WRITERS[type(value)](value, 0), start)
    now = limits.now
    outer = now.add_part, now.unseen, now.unseen_owner
    now.add_part, now.unseen, now.unseen_owner = add_part, value, now.owner
    depth = 0 if add_part is None else now.depth
    try:
        return dump_text(_WRITERS.get(type(value), _other)(value, depth), start)
    except BaseException as error:
        discard_slices(start)
        if isinstance(error, TypeError) and (odd := unhashable(value)):
            raise odd from None
        # The whole value is refused, so the path to the item that raised this would mislead.
        if isinstance(error, RefusedError) and error.is_whole:
            error.steps, error.is_whole = [], False
        raise
    finally:
        now.add_part, now.unseen, now.unseen_owner = outer


def tree(value: object) -> Any:
    """Turn a plain value into a tree for the JSON encoder, which is the first step of `dump`.

    Raises:
        RefusedError: the value holds something that is not plain, or is too deep.
    """
    return _WRITERS.get(type(value), _other)(value, 0)


def load(body: Body, part: Callable[[int], Any] | None = None) -> Any:
    """Read JSON text that `dump` wrote.

    Args:
        body: the text in UTF-8.
        part: takes the number of a part and returns its value.

    Raises:
        DamagedError: the body is not JSON text, or a marker is unknown or has wrong content.
        UnreadableError: the text is nested too deeply for what is left of the stack.

    Example:
        >>> load(b'{"at": {"$tuple": [1, 2.5]}}')
        {'at': (1, 2.5)}
    """
    try:
        text = str(body, "utf-8")
        if '"$' not in text:
            return _parsed(_UNMARKED, text)
        return _parsed(_MARKED if part is None else _decoder(part), text)
    except DamagedError:
        raise
    except ValueError:  # dropped as a cause, as its message may quote the value
        raise DamagedError("no well-formed JSON text of this format") from None
    except RecursionError:
        raise UnreadableError(
            "and is nested too deeply for the stack of this call. Read it from a shallower one"
        ) from None


# --- writing -----------------------------------------------------------------------------


# A writer takes a value and its depth, and returns a tree, which the encoder of the standard
# library writes exactly. A level of nesting takes two stack frames, so that 200 levels take 400 of
# the 1,000 that Python allows by default.


def _other(value: object, depth: int) -> object:
    """Write a value of a registered type, one that has a form, a scalar of a library, or a part."""
    entry = registered.find(type(value), limits.now.owner)
    if entry is not None:
        return _registered(value, entry, depth)
    form = forms.find(type(value))
    if form is not None:
        return _formed(value, form, depth)
    marker = _scalar(value)
    if marker is not None:
        return marker
    now = limits.now
    outer, now.depth = now.depth, depth + limits.PART_DEPTH
    try:
        number = None if now.add_part is None else now.add_part(value)
    finally:
        now.depth = outer
    if number is None:
        raise RefusedError(describe(value))
    return {"$part": number}


def _formed(value: object, form: Form, depth: int) -> object:
    if form.size is not None:
        check_size(form.size(value))
    content, *notes = form.take_apart(value)
    if form.is_leaf:
        written = _WRITERS[type(content)](content, 0)
    else:
        check_depth(depth)
        written = _WRITERS.get(type(content), _other)(content, depth + 1)
    return {form.marker: [written, *notes] if form.notes else written}


def _registered(value: object, entry: registered.Registered, depth: int) -> object:
    check_depth(depth)
    now, dumped = limits.now, entry.way.dump(value)
    outer, now.owner = now.owner, entry.owner or entry
    try:
        if entry.way.make is not None:
            fields, rest = dumped
            written = [_dict(fields, depth + 1), _dict(rest, depth + 1) if rest else rest]
        elif odd := unhashable(dumped):
            raise odd
        else:
            written = [_WRITERS.get(type(dumped), _other)(dumped, depth + 1)]
    finally:
        now.owner = outer
    return {"$registered": [entry.name, *written]}


def _scalar(value: object) -> dict[str, Any] | None:
    scalars = kinds.scalars_of(type(value))
    marker: dict[str, Any] | None = None if scalars is None else scalars.dump(value, tree)
    return marker


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


def _bytes(value: bytes, depth: int) -> object:
    if len(value) >= _LARGE_BYTES and limits.now.add_part is not None:
        return {"$part": limits.now.add_part(value)}
    return {"$bytes": base64.b64encode(value).decode()}


def _bytearray(value: bytearray, depth: int) -> object:
    if len(value) >= _LARGE_BYTES and limits.now.add_part is not None:
        check_size(len(value))
        return {"$bytearray": {"$part": limits.now.add_part(bytes(value))}}
    return {"$bytearray": base64.b64encode(value).decode()}


def _list(value: list[object], depth: int) -> object:
    check_depth(depth)
    if len(value) > _SLICE:
        return _long(value, depth)
    return value if _is_flat(value) else _items(value, depth)


def _tuple(value: tuple[object, ...], depth: int) -> object:
    check_depth(depth)
    return {"$tuple": _long(value, depth) if len(value) > _SLICE else _items(value, depth)}


def _long(values: Sequence[object], depth: int) -> object:
    if depth and len(values) > _LARGE_LIST:
        limits.check_repetitions()

    def written(start: int) -> object:
        part = values[start : start + _SLICE]
        return part if _is_flat(part) else _items(part, depth, start)

    return in_slices(b"[]", map(written, range(0, len(values), _SLICE)))


def _dict(value: dict[object, object], depth: int) -> object:
    check_depth(depth)
    if len(value) > _SLICE:
        return _long_dict(value.copy(), depth)
    items = list(value.items())  # one atomic step, as another thread may add a key meanwhile
    trees = _values(items, depth)
    if all(map(_is_name, value)) and not _is_marker_like(items):
        return dict(zip(value, trees, strict=True))
    return {"$dict": [list(pair) for pair in zip(_keys(items, depth), trees, strict=True)]}


def _long_dict(value: dict[object, object], depth: int) -> object:
    rest = iter(value.items())
    parts = iter(lambda: list(itertools.islice(rest, _SLICE)), [])
    if all(map(_is_name, value)):
        return in_slices(b"{}", (_named(part, depth) for part in parts))
    pairs = (zip(_keys(part, depth), _values(part, depth), strict=True) for part in parts)
    return {"$dict": in_slices(b"[]", ([list(pair) for pair in part] for part in pairs))}


def _named(items: list[tuple[object, object]], depth: int) -> object:
    return dict(zip((name for name, _ in items), _values(items, depth), strict=True))


def _is_name(key: object) -> bool:
    return type(key) is str and not is_joined(key)


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
    trees: list[object] = []  # in an error, its length is the position of the culprit
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
    """Write elements in an order that depends only on them, so that equal sets give equal text."""
    check_depth(depth)
    elements = list(value)
    if classes(elements) in ({int}, {str}):
        return _items(sorted(elements), depth)
    start = slices()
    try:
        return in_order(_items(elements, depth), start)
    except RefusedError as refused:
        refused.steps[-1] = "an element"
        raise


def _range(value: range, depth: int) -> object:
    return {"$range": [_int(part, 0) for part in (value.start, value.stop, value.step)]}


def _decimal(value: Decimal, depth: int) -> object:
    return {"$decimal": _DECIMAL.to_sci_string(value)}


def _uuid(value: UUID, depth: int) -> object:
    safe: Any = value.is_safe
    if safe is _UNKNOWN:
        return {"$uuid": str(value)}
    if type(safe) is not SafeUUID:
        raise RefusedError("a UUID whose is_safe is no uuid.SafeUUID. Keep uuid.UUID(str(…)) of it")
    return {"$uuid": [str(value), safe.name]}


_WRITERS: dict[type, Callable[[Any, int], Any]] = {
    type(None): _as_it_is,
    bool: _as_it_is,
    int: _int,
    float: _float,
    complex: _complex,
    str: dump_str,
    bytes: _bytes,
    bytearray: _bytearray,
    list: _list,
    tuple: _tuple,
    dict: _dict,
    set: _set,
    frozenset: _frozenset,
    range: _range,
    Decimal: _decimal,
    UUID: _uuid,
    **clock.WRITERS,
}


def _is_flat(values: Sequence[Any]) -> bool:
    """Whether the JSON encoder can take the list as it is: saves 40 of 150 ms for 1e6 ints."""
    found = classes(values)
    if len(found) != 1:
        return not found
    kind = found.pop()
    if kind is int:
        return bool(min(values) > -_INT_LIMIT and max(values) < _INT_LIMIT)
    if kind is float:
        return all(map(isfinite, values))
    if kind is str:
        text = "\0".join(values)
        if len(text) > LONG_TEXT:
            check_size(len(text))
        return not is_joined(text)
    return kind is bool


# --- reading -----------------------------------------------------------------------------


def _restore(found: dict[str, Any], part: Callable[[int], Any] | None = None) -> Any:
    """Turn a marker into its value. The JSON parser calls this for each object, innermost first."""
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
    except (DamagedError, RecursionError):
        raise
    except Exception:  # noqa: BLE001  # damaged content may raise any error
        # The cause is dropped: it quotes the content, and messages never show a value.
        raise DamagedError(f"a {marker} with content of another form") from None


def _no_constant(name: str) -> NoReturn:
    raise DamagedError("NaN or Infinity outside of $float")


_MARKED = json.JSONDecoder(object_hook=_restore, parse_constant=_no_constant)
_UNMARKED = json.JSONDecoder(parse_constant=_no_constant)


def _parsed(decoder: json.JSONDecoder, text: str) -> Any:
    """Read a text. Mostly there is no white space around it: to look for some takes 0.4 µs."""
    try:
        value, end = decoder.raw_decode(text)
        if end == len(text):
            return value
    except ValueError:
        pass
    return decoder.decode(text)


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


def _read_bytes(content: Any) -> bytes:
    return base64.b64decode(_expect(content, str), validate=True)


def _read_bytearray(content: Any) -> bytearray:
    return bytearray(content if type(content) is bytes else _read_bytes(content))


def _read_dict(content: Any) -> dict[Hashable, object]:
    pairs = _expect(content, list)
    restored = {key: item for key, item in pairs}  # noqa: C416  # dict() accepts "ab" as a pair
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


def _read_uuid(content: Any) -> UUID:
    if type(content) is list:
        text, name = content
        return UUID(_expect(text, str), is_safe=SafeUUID[name])
    return UUID(_expect(content, str))


_READERS: dict[str, Callable[[Any], Any]] = {
    "$int": lambda content: int(_expect(content, str), 16),
    "$float": _read_float,
    "$complex": _read_complex,
    "$str": load_str,
    "$bytes": _read_bytes,
    "$bytearray": _read_bytearray,
    "$tuple": lambda content: tuple(_expect(content, list)),
    "$dict": _read_dict,
    "$set": _read_set,
    "$frozenset": lambda content: frozenset(_read_set(content)),
    "$range": _read_range,
    "$decimal": lambda content: Decimal(_expect(content, str), _DECIMAL),
    "$uuid": _read_uuid,
    "$numpy": lambda content: kinds.scalars("numpy").load(content),
    "$pandas": lambda content: kinds.scalars("pandas").load(content),
    "$shapely": lambda content: kinds.scalars("shapely").load(content),
    "$crs": lambda content: kinds.scalars("pyproj").load(content),
    "$pydantic": lambda content: kinds.scalars("pydantic").load(content),
    "$registered": registered.load,
    **forms.READERS,
    **clock.READERS,
}
