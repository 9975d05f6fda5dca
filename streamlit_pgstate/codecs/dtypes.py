"""NumPy's dtypes as plain values: text such as ``"<f8"``, or a dict for records and subarrays."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any

import numpy as np

from .payload import DamagedError, RefusedError, UnreadableError
from .refusals import class_name, shown

__all__ = [
    "check_values",
    "dump_bits",
    "dump_dtype",
    "load_bits",
    "load_dtype",
    "without_gaps",
]

Dtype = np.dtype[Any]

# Without floats of 80 bits (longdouble): their format depends on the machine, and some of their
# bytes have no meaning.
_TEXT = re.compile(
    r"[<>|](?:b1|[iu][1248]|f[248]|c(?:8|16)|[SUV]\d{1,9}|[mM]8(?:\[\d*[a-zA-Zμ]+\])?)"
)

# Where int64 is C's long, as on Linux, C's long long is a separate type with the same bits.
_LONG_LONG = ("q", "Q")

_MAX_CODE_POINT = 0x10FFFF

# Fields may overlap. Together they may be at most this many times as large as the record, because
# reading checks the values of each field.
_MAX_TIMES = 16


# the character of a dtype: what to type
_WAYS = {"g": '.astype("float64")', "G": '.astype("complex128")'}


def dump_bits(dtype: Dtype) -> str:
    """Write a dtype of bits, which is none of records or subarrays, as text.

    Raises:
        RefusedError: the values are not plain bits, or differ from machine to machine.
    """
    if _TEXT.fullmatch(dtype.str) and type(dtype) is type(np.dtype(dtype.str)):
        return dtype.str
    if dtype.char in _LONG_LONG and dtype.isnative:
        return dtype.char
    way = _WAYS.get(dtype.char, "astype")
    raise RefusedError(
        f"of the dtype {shown(dtype.name)}, which cannot be kept exactly. "
        f"Convert it with {way} first"
    )


def load_bits(spec: Any) -> Dtype:
    """Read a dtype that `dump_bits` wrote.

    Raises:
        DamagedError: the text is damaged.
    """
    if spec not in _LONG_LONG and not _TEXT.fullmatch(spec):
        raise DamagedError("an unknown dtype")
    return _make(spec)


def dump_dtype(dtype: Dtype, simple: Callable[[Dtype], str] = dump_bits) -> str | dict[str, Any]:
    """Write a dtype as a plain value.

    Args:
        dtype: the dtype.
        simple: writes the dtypes that are none of records or subarrays, as text.

    Raises:
        RefusedError: the values are not plain bits, or differ from machine to machine.
    """
    spec = _dump(dtype, simple)
    if dtype.metadata is None:
        return spec
    return {"of": spec, "metadata": dict(dtype.metadata)}


def _dump(dtype: Dtype, simple: Callable[[Dtype], str]) -> str | dict[str, Any]:
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return {"each": dump_dtype(base, simple), "shape": list(shape)}
    if dtype.fields is not None and dtype.names is not None:
        return _dump_record(dtype, simple)
    return simple(dtype)


def _dump_record(dtype: Dtype, simple: Callable[[Dtype], str]) -> dict[str, Any]:
    every: dict[str, Any] = dict(dtype.fields or {})
    fields = [every[name] for name in dtype.names or ()]
    if dtype.isalignedstruct and not all(field[0].alignment for field in fields):
        raise RefusedError(
            "of a dtype with a record of no fields in an aligned record, which NumPy before 2 "
            "cannot make again. Leave that field out"
        )
    if _is_crowded(fields, dtype.itemsize):
        raise RefusedError(
            f"of a dtype with fields over each other, over {_MAX_TIMES} times. Keep the field "
            "that the others are views of"
        )
    spec = {
        "names": list(dtype.names or ()),
        "formats": [dump_dtype(field[0], simple) for field in fields],
        "offsets": [field[1] for field in fields],
        "titles": [field[2] if len(field) > 2 else None for field in fields],
        "itemsize": dtype.itemsize,
        "aligned": dtype.isalignedstruct,
    }
    if dtype.type is np.record:
        spec["record"] = True
    elif dtype.type is not np.void:
        raise RefusedError(
            f"of a dtype over {class_name(dtype.type)}, which is not kept. Use one over numpy.void"
        )
    return spec


def _make(spec: Any, **more: Any) -> Dtype:
    make: Any = np.dtype  # its stubs lack some keywords
    dtype: Dtype = make(spec, **more)
    return dtype


def load_dtype(spec: Any, simple: Callable[[str], Dtype] = load_bits) -> Dtype:
    """Read a dtype that `dump_dtype` wrote.

    Args:
        spec: what it wrote.
        simple: reads the dtypes that are none of records or subarrays, from text.

    Raises:
        DamagedError: the spec is damaged. NumPy may raise other errors.
    """
    if type(spec) is str:
        return simple(spec)
    if "metadata" in spec:
        return _make(load_dtype(spec["of"], simple), metadata=dict(spec["metadata"]))
    if "each" in spec:
        return np.dtype((load_dtype(spec["each"], simple), tuple(spec["shape"])))
    return _load_record(spec, simple)


def _load_record(spec: Any, simple: Callable[[str], Dtype]) -> Dtype:
    fields: dict[str, Any] = {key: spec[key] for key in ("names", "offsets", "itemsize")}
    fields["formats"] = [load_dtype(part, simple) for part in spec["formats"]]
    for offset, part in zip(spec["offsets"], fields["formats"], strict=True):
        # NumPy adds offset and size in 32 bits. If that overflows, it reads outside the memory of
        # the array.
        if type(offset) is not int or not 0 <= offset <= spec["itemsize"] - part.itemsize:
            raise DamagedError("a field outside of its record")
    if _is_crowded(zip(fields["formats"]), spec["itemsize"]):
        raise DamagedError("records with fields over each other")
    if spec["aligned"] and not all(part.alignment for part in fields["formats"]):
        # NumPy would divide by an alignment of 0, which ends the process.
        raise UnreadableError("and needs NumPy 2 for aligned records: pip install -U numpy")
    if any(title is not None for title in spec["titles"]):
        fields["titles"] = spec["titles"]
    dtype: Dtype = _make(fields, align=bool(spec["aligned"]))
    if dtype.itemsize != spec["itemsize"]:
        raise DamagedError("records whose size differs from the stated one")
    return np.dtype((np.record, dtype)) if spec.get("record") else dtype


def _is_crowded(fields: Iterable[Any], size: int) -> bool:
    return bool(sum(field[0].itemsize for field in fields) > _MAX_TIMES * size)


def without_gaps(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the same records with zeros in the gaps between fields.

    The gaps hold whatever was in that memory before. That must not be stored, and equal records
    must be written equally.
    """
    if not _has_gaps(values.dtype):
        return values
    clean = np.zeros(values.shape, values.dtype)
    for name in values.dtype.names or ():
        clean[name] = without_gaps(values[name])
    return clean


def _has_gaps(dtype: Dtype) -> bool:
    """Whether the fields are not one right after the other: with gaps, or over each other."""
    if dtype.names is None:
        return False
    every: dict[str, Any] = dict(dtype.fields or {})
    end = 0
    for field, start, *_ in sorted((every[name] for name in dtype.names), key=itemgetter(1)):
        if start != end or _has_gaps(field.base):
            return True
        end += field.itemsize
    return bool(end != dtype.itemsize)


def check_values(values: np.ndarray[Any, Any]) -> None:
    """Check for bits that are no value of the dtype, over which NumPy would only fail later.

    Raises:
        DamagedError: a truth value is neither 0 nor 1, or a character of a text is over U+10FFFF.
    """
    dtype = values.dtype
    if dtype.names is not None:
        for name in dtype.names:
            check_values(values[name])
    elif not values.size or not dtype.itemsize:
        return
    elif dtype.kind == "b" and values.view("u1").max() > 1:
        raise DamagedError("a truth value that is neither 0 nor 1")
    elif dtype.kind == "U" and _largest_code(values) > _MAX_CODE_POINT:
        raise DamagedError("text with a number that is not a character")


def _largest_code(values: np.ndarray[Any, Any]) -> int:
    order = values.dtype.byteorder
    codes = np.dtype("u4").newbyteorder(order if order in "<>" else "=")
    return int(np.ascontiguousarray(values).view(codes).max())
