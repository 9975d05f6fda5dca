"""The containers of the standard library beside list, tuple, dict and set, each as a `Form`."""

from __future__ import annotations

import gc
import sys
from array import array, typecodes
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from types import MappingProxyType, SimpleNamespace
from typing import Any

from .form import Form, expect
from .payload import RefusedError, UnreadableError
from .refusals import class_name

__all__ = ["FORMS"]

# The factories of a defaultdict that are kept, by the name that is written. Never a name that is
# looked up anywhere else.
_FACTORIES: dict[str | None, Any] = {
    None: None,
    **{
        made.__name__: made
        for made in (
            *(list, tuple, dict, set, frozenset, int, float, complex, bool, str, bytes),
            *(bytearray, object, OrderedDict, Counter, deque, defaultdict),
        )
    },
}


def _check_attributes(value: Any, *own: str) -> None:
    if extra := vars(value).keys() - set(own):
        name = class_name(type(value))
        raise RefusedError(
            f"a {name} with the attribute {min(map(str, extra))!r}, which cannot be kept. "
            "Keep it beside the container, and delete the attribute"
        )


# --- dicts -------------------------------------------------------------------------------


def _take_defaultdict(value: defaultdict[Any, Any]) -> tuple[Any, ...]:
    factory: Any = value.default_factory
    for name, made in _FACTORIES.items():
        if made is factory:
            return dict(value), name
    kind = class_name(factory) if isinstance(factory, type) else f"a {class_name(type(factory))}"
    raise RefusedError(
        f"a collections.defaultdict whose factory is {kind}, which cannot be kept. "
        "Keep dict(…) of it instead, or use a builtin as its factory, such as list or int"
    )


def _make_defaultdict(content: Any, name: Any) -> defaultdict[Any, Any]:
    return defaultdict(_FACTORIES[name], expect(content, dict))


def _take_ordered(value: OrderedDict[Any, Any]) -> tuple[Any, ...]:
    _check_attributes(value)
    return (dict(value),)


def _take_counter(value: Counter[Any]) -> tuple[Any, ...]:
    _check_attributes(value)
    return (dict(value),)


def _make_counter(content: Any) -> Counter[Any]:
    counter: Counter[Any] = Counter()
    dict.update(counter, expect(content, dict))  # not its own, which adds
    return counter


def _take_chain(value: ChainMap[Any, Any]) -> tuple[Any, ...]:
    _check_attributes(value, "maps")
    if type(value.maps) is not list or not value.maps:
        raise RefusedError(
            "a collections.ChainMap whose maps are not a list. Keep dict(…) of it instead"
        )
    return (value.maps,)


def _make_chain(content: Any) -> ChainMap[Any, Any]:
    if not expect(content, list):
        raise ValueError
    return ChainMap(*content)


def _take_namespace(value: SimpleNamespace) -> tuple[Any, ...]:
    return (vars(value),)


def _make_namespace(content: Any) -> SimpleNamespace:
    namespace = SimpleNamespace()
    vars(namespace).update(expect(content, dict))
    return namespace


def _take_proxy(value: MappingProxyType[Any, Any]) -> tuple[Any, ...]:
    # The mapping itself. proxy.copy() calls the mapping's own method, which gives a dict for
    # subclasses of dict, so that they would not be refused.
    return tuple(gc.get_referents(value))


# --- sequences ---------------------------------------------------------------------------


def _take_deque(value: deque[Any]) -> tuple[Any, ...]:
    return list(value), value.maxlen


def _make_deque(content: Any, maxlen: Any) -> deque[Any]:
    size = expect(maxlen, int, type(None))
    if size is not None and len(expect(content, list)) > size:
        raise ValueError
    return deque(expect(content, list), size)


def _take_slice(value: slice) -> tuple[Any, ...]:
    return ([value.start, value.stop, value.step],)


def _make_slice(content: Any) -> slice:
    start, stop, step = expect(content, list)
    return slice(start, stop, step)


_CHARACTERS = ("u", "w")  # the second from Python 3.13 on


def _take_array(value: array[Any]) -> tuple[Any, ...]:
    if value.typecode in _CHARACTERS:
        _check_text(value)
    return _little(value).tobytes(), value.typecode, value.itemsize


def _make_array(content: Any, code: Any, itemsize: Any) -> array[Any]:
    if len(expect(code, str)) != 1 or code not in typecodes:
        raise ValueError
    made: array[Any] = array(code)
    if made.itemsize != expect(itemsize, int):
        raise UnreadableError(
            f"and holds an array.array of the type {code!r}, whose items have {itemsize} bytes "
            f"where it was written, and {made.itemsize} here. Read it on a machine of that kind"
        )
    made.frombytes(expect(content, bytes))
    made = _little(made)
    if code in _CHARACTERS:
        _check_text(made)
    return made


def _little(value: array[Any]) -> array[Any]:
    """Turn the bytes of a machine that is not little-endian, and turn them back."""
    if sys.byteorder == "little":
        return value
    turned = value[:]
    turned.byteswap()
    return turned


def _check_text(value: array[Any]) -> None:
    try:
        value.tounicode()
    except ValueError:
        raise RefusedError(
            "an array.array with numbers that are not characters. "
            "Keep numpy.frombuffer(…, 'u4') of it instead"
        ) from None


FORMS: dict[type, Form] = {
    defaultdict: Form("$defaultdict", _take_defaultdict, _make_defaultdict, 1),
    OrderedDict: Form(
        "$ordereddict", _take_ordered, lambda content: OrderedDict(expect(content, dict))
    ),
    Counter: Form("$counter", _take_counter, _make_counter),
    ChainMap: Form("$chainmap", _take_chain, _make_chain),
    SimpleNamespace: Form("$simplenamespace", _take_namespace, _make_namespace),
    MappingProxyType: Form("$mappingproxy", _take_proxy, MappingProxyType),
    deque: Form("$deque", _take_deque, _make_deque, 1),
    slice: Form("$slice", _take_slice, _make_slice),
    array: Form(
        "$array",
        _take_array,
        _make_array,
        2,
        is_leaf=True,
        size=lambda value: len(value) * value.itemsize,
    ),
}
"""By class: its form."""
