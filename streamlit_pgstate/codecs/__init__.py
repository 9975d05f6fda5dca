"""Encode Python values as bytes, and decode the bytes to the same values.

**From a value to a row.** `encode` looks up the *kind* of the value's class. The kind names a
storage format, such as ``pandas.frame``. The *codec* of the kind writes the *body*, which is the
bytes. Kind and body together are a `Payload`, which a row stores. `decode` takes the payload and
calls the codec that its kind names::

    value → kind → codec → body      Payload(kind, body) → codec → value

There are four forms of payload:

1. Kind ``json``: Python's own types, and containers of them. The body is JSON text. A value of a
   type that JSON does not have is written as a *marker*, an object such as
   ``{"$tuple": [1, 2]}``. Values of registered types and the scalars of NumPy and pandas are
   markers, too.
2. A kind with a codec of its own: bytes, arrays, frames, files, images. `kinds` lists them.
3. Kind ``bundle``: a container that holds values of form 2. Its body is the JSON text, in which
   ``{"$part": 0}`` stands for a value, followed by the *parts*: the bodies of those values.
4. Any of these with ``+zstd`` behind the kind: a body of 64 KiB or more that was compressed.

**Exact** means that `decode` returns a value with the same type, content, order, dtype, index
and names as the value that `encode` was given. Whatever a codec cannot keep exactly is refused
with `UnsupportedType` before anything is stored. docs/values.md lists every type, with the few
exceptions, and says where the storage formats are described.

**Which file to open:**

- None, bool, int, float, complex, str, bytes, Decimal, UUID, list, tuple, dict, set, range: `plain`
- dates and times: `clock`; time zones: `zones`
- the other containers and small values of the standard library: `containers`, `small_values`,
  `patterns`; what Streamlit's widgets return: `streamlit_values`; all as a `form`
- classes that the user has registered: `registered`, with the functions of `fields` and `models`;
  which classes a module gives: `members`; which ones fields declare: `declared`; how a class is
  known again: `places`. pydantic's secrets and addresses: `pydantic_scalars`
- bytes that are the whole value, or 32 KiB or more inside a container; `io.BytesIO`,
  `io.StringIO`, uploaded files: `file`
- NumPy: arrays in `ndarray`, scalars in `numpy_scalars`, dtypes in `dtypes`
- pandas: DataFrame in `frame`; Series, Index and extension arrays in `series`; both use `columns`
  for one column of any dtype, with NumPy's in `bits` and text in `strings`, and `attrs`; scalars in
  `pandas_scalars`
- SciPy: `sparse`; pyarrow: `arrow_table`, and which of its types are kept in `arrow_types`; polars:
  `polars_frame`; Pillow: `image`
- plotly: `plotly_figure`; altair: `altair_chart`
- shapely: `geometry`; geopandas: `geo_frame`; pyproj: `crs`
- attributes that a user has set on an object of a library: `own_attributes`
- decoded values of which each caller gets a copy: `masters`, `pandas_masters`, `fixed_values`
- a container that holds any of these beside plain values: `bundle`

**What the codecs share:** `kinds` finds the kind of a class and the codec of a kind. `payload`
has `Payload`, `Codec` and the internal errors. `json_text` writes JSON text in little memory.
`sections` frames a header and several byte strings as one body; `arrow` does so for pandas, as one
Arrow stream; `arrow_stream` checks Arrow streams before they are read. `limits` stops values that
are too deep, too large or too repetitive. `refusals` words the error messages. `compression`
compresses large bodies, on several `threads`.

Reading is safe: only known kinds are read, and nothing is unpickled, evaluated or imported by a
name that a row holds.
"""

from __future__ import annotations

import math
from typing import Any

from streamlit_pgstate.errors import DecodeError, LimitExceeded, UnsupportedType

from . import bundle, compression, kinds, limits, masters, patterns, plain, refusals, registered
from .compression import Unpacking
from .master import Master
from .payload import (
    Body,
    DamagedError,
    Payload,
    RefusedError,
    TooLargeError,
    UnreadableError,
    digest_of,
)
from .registered import register

__all__ = [
    "Master",
    "Payload",
    "Unpacking",
    "decode",
    "decode_with_master",
    "digest_of",
    "encode",
    "is_known",
    "original_size",
    "packed",
    "register",
    "unpacked",
    "unpacking",
]

_STEPS_IN_MESSAGE = 6  # a longer path is shown without its middle

_SIMPLE = frozenset({type(None), bool, int, float})

_FAST = frozenset({"numpy.array", "numpy.masked"})
"""Kinds whose body is decoded by one copy of the memory, so a master would save nothing."""


def encode(value: object, *, key: str, limit: float = math.inf) -> Payload:
    """Encode a value as a payload, from which `decode` makes the same value again.

    Values with equal content give payloads with equal digests. The payload shares nothing with
    the value that the caller could change.

    Args:
        value: a value of any type that docs/values.md lists.
        key: the key that the value is for. Error messages name it.
        limit: the largest size of the body in bytes, before compression: ``max_value_bytes``.

    Raises:
        UnsupportedType: the value, or something in it, cannot be kept exactly. The message
            gives the path to the culprit, and never shows a value.
        LimitExceeded: the body is larger than `limit`. Where the size is known beforehand, this
            is raised before anything is copied.

    Example:
        >>> encode({"page": 3}, key="cart")
        Payload(kind='json')
    """
    try:
        return Payload(*_write(value, limit))
    except TooLargeError as found:
        least = "" if found.is_whole else "at least "
        raise LimitExceeded(
            f"{key!r} takes {least}{found.size:,} bytes, over max_value_bytes ({limit:,}). "
            "Store less, in several keys, or raise the setting."
        ) from None
    except RefusedError as refused:
        # The traceback is dropped: it can have 800 lines, and the path says the same.
        cause = refused.with_traceback(None)
        raise UnsupportedType(f"{_path(key, refused.steps)} is {refused.culprit}.") from cause
    except TypeError:
        if odd := refusals.unhashable(value):
            raise UnsupportedType(f"{key!r} is {odd.culprit}.") from None
        raise
    except RecursionError as full:
        raise UnsupportedType(
            f"{key!r} is nested too deeply for the stack of this call. Keep a flatter structure."
        ) from full.with_traceback(None)


def decode(payload: Payload, *, key: str) -> Any:
    """Decode a payload. Each call makes a new value, which the caller may change.

    Args:
        payload: what `encode` returned.
        key: the key that the payload was stored under. Error messages name it.

    Raises:
        DecodeError: the kind is unknown, the body is damaged or was written by a newer version,
            or a library or a registered type that it needs is missing.

    Example:
        >>> decode(Payload("json", b'{"$tuple": [1, 2]}'), key="pair")
        (1, 2)
    """
    try:
        return _read(payload)
    except UnreadableError as cause:
        raise DecodeError(
            f"{key!r} was written as {payload.kind!r}, {cause}. The row is left as it is."
        ) from cause
    except DamagedError as cause:
        raise DecodeError(
            f"{key!r} was written as {payload.kind!r} and cannot be read: it holds {cause}. "
            "The row is left as it is; set the key again, or restore an older version."
        ) from cause


def decode_with_master(payload: Payload, *, key: str) -> tuple[Any, Master | None]:
    """Decode a payload, and make a master of the value.

    Args:
        payload: as in `decode`.
        key: as in `decode`.

    Returns:
        The value, which the caller may change, and its master. The master is None for a value that
        has to be decoded anew for each caller: see `masters`. Values of registered types are among
        these, because the function that reads them is the user's, and may be another one next time.

    Raises:
        DecodeError: as `decode`.
    """
    loads = registered.loads()
    value = decode(payload, key=key)
    if payload.kind.removesuffix(compression.SUFFIX) in _FAST or registered.loads() != loads:
        return value, None
    try:
        return value, masters.master_of(value)
    except (MemoryError, RecursionError):
        return value, None  # the value itself is there


def unpacked(payload: Payload, *, key: str) -> Payload:
    """Return a payload without its compression.

    Args:
        payload: what `encode` returned.
        key: as in `decode`.

    Raises:
        DecodeError: the body is damaged.
    """
    if not payload.kind.endswith(compression.SUFFIX):
        return payload
    try:
        body = bytes(_original_of(payload))
    except DamagedError as cause:
        raise DecodeError(
            f"{key!r} was written as {payload.kind!r} and cannot be read: it holds {cause}. "
            "The row is left as it is; set the key again, or restore an older version."
        ) from cause
    return Payload(payload.kind.removesuffix(compression.SUFFIX), body)


def original_size(payload: Payload) -> int:
    """Return how many bytes a payload has without its compression.

    It is what the body states. Whether that is so, `decode` finds out.
    """
    if not payload.kind.endswith(compression.SUFFIX):
        return payload.size
    return compression.stated_size(payload.body)


def packed(payload: Payload) -> Payload:
    """Return a payload that is not compressed as `encode` stores it: compressed, if it shrinks."""
    if payload.size < compression.MIN_SIZE or payload.kind.endswith(compression.SUFFIX):
        return payload
    return Payload(*compression.pack(payload.kind, payload.body))


def unpacking(kind: str) -> Unpacking | None:
    """Return what decompresses a body of this kind while it comes; None if that is not needed."""
    return Unpacking() if kind.endswith(compression.SUFFIX) else None


def is_known(kind: str) -> bool:
    """Whether this version can read values of this kind, compressed or not."""
    return kinds.is_known(kind.removesuffix(compression.SUFFIX))


def _write(value: object, limit: float) -> tuple[str, bytes]:
    cls = type(value)
    if cls in _SIMPLE:
        return "json", plain.dump(value)
    if cls is str:
        if len(value) > limit:  # type: ignore[arg-type]  # mypy does not see that it is text
            raise TooLargeError(len(value))  # type: ignore[arg-type]
        kind, body = "json", plain.dump(value)
    else:
        limits.now.max_bytes = limit
        if patterns.account.known:
            patterns.begin()
        own = None if cls in kinds.PLAIN and cls is not bytes else kinds.kind_of(cls)
        kind, body = bundle.write(value) if own is None else (own, kinds.dump(own, value))
    size = len(body)
    if size > limit:
        raise TooLargeError(size, is_whole=True)
    return (kind, body) if size < compression.MIN_SIZE else compression.pack(kind, body)


def _read(payload: Payload) -> Any:
    if patterns.account.known:
        patterns.begin()
    kind = payload.kind
    if kind == "json":
        return plain.load(payload.body)
    if kind.endswith(compression.SUFFIX):
        kind, body = kind.removesuffix(compression.SUFFIX), _original_of(payload)
    else:
        body = payload.body
    if kind in ("json", "bundle"):
        return _read_bundle(kind, body)
    return kinds.load(kind, body)


def _original_of(payload: Payload) -> Body:
    original, payload.original = payload.original, None
    return compression.unpack(payload.body) if original is None else original


def _read_bundle(kind: str, body: Body) -> Any:
    try:
        return bundle.read(kind, body)
    except DamagedError:
        raise
    except Exception as cause:  # libraries raise errors of many kinds over a damaged part
        raise DamagedError("no well-formed bundle") from cause


def _path(key: str, steps: list[str]) -> str:
    inwards = steps[::-1]
    if len(inwards) > _STEPS_IN_MESSAGE:
        inwards = [*inwards[: _STEPS_IN_MESSAGE // 2], "…", *inwards[-_STEPS_IN_MESSAGE // 2 :]]
    return " → ".join([repr(key), *inwards])
