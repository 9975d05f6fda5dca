"""How values become bytes and come back as they were: type, content and order.

A `Payload` says how it was written (`kind`) and only known kinds are read. Nothing is
unpickled, evaluated or imported by a name that a row holds. Plain values are JSON text
(`plain`); what `kinds` lists has a codec of its own; containers that hold such are a `bundle`;
and `compression` makes large bodies smaller.
"""

from __future__ import annotations

import math
from typing import Any

from streamlit_pgstate.errors import DecodeError, LimitExceeded, UnsupportedType

from . import bundle, compression, kinds, limits, plain, refusals
from .payload import DamagedError, Payload, RefusedError, TooLargeError, UnreadableError
from .registered import register

__all__ = ["Payload", "decode", "encode", "register"]

_STEPS_IN_MESSAGE = 6  # of a path; a longer one loses its middle

_SIMPLE = frozenset({type(None), bool, int, float})


def encode(value: object, *, key: str, limit: float = math.inf) -> Payload:
    """Turn a value into a payload from which `decode` makes the same value again.

    Equal content gives an equal digest. The value may be changed afterwards.

    Args:
        value: anything that docs/values.md lists.
        key: the key that the value is for; error messages name it.
        limit: bytes that the body may have before it is compressed: ``max_value_bytes``.

    Raises:
        UnsupportedType: the value, or something in it, cannot be kept exactly. The message
            leads to the culprit, and never holds a value.
        LimitExceeded: it is too large; noticed before it is copied, where that is known.

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
        # Without its traceback: one has up to 800 lines, and the path says it all.
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
    """Turn a payload back into the value, which is the caller's own.

    Args:
        payload: what `encode` gave.
        key: the key that the payload was stored under; error messages name it.

    Raises:
        DecodeError: the kind is unknown, the body is damaged or of a newer version, or a
            library or a registered type that it needs is not there.

    Example:
        >>> decode(Payload("json", b'{"$tuple": [1, 2]}'), key="pair")
        (1, 2)
    """
    try:
        return _read(payload.kind, payload.body)
    except UnreadableError as cause:
        raise DecodeError(
            f"{key!r} was written as {payload.kind!r}, {cause}. The row is left as it is."
        ) from cause
    except DamagedError as cause:
        raise DecodeError(
            f"{key!r} was written as {payload.kind!r} and cannot be read: it holds {cause}. "
            "The row is left as it is; set the key again, or restore an older version."
        ) from cause


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
        own = None if cls in kinds.PLAIN and cls is not bytes else kinds.kind_of(cls)
        kind, body = bundle.write(value) if own is None else (own, kinds.dump(own, value))
    size = len(body)
    if size > limit:
        raise TooLargeError(size, is_whole=True)
    return (kind, body) if size < compression.MIN_SIZE else compression.pack(kind, body)


def _read(kind: str, body: bytes) -> Any:
    if kind == "json":
        return plain.load(body)
    if kind.endswith(compression.SUFFIX):
        kind, body = kind.removesuffix(compression.SUFFIX), compression.unpack(body)
    if kind in ("json", "bundle"):
        return _read_bundle(kind, body)
    return kinds.load(kind, body)


def _read_bundle(kind: str, body: bytes) -> Any:
    try:
        return bundle.read(kind, body)
    except DamagedError:
        raise
    except Exception as cause:  # whatever a damaged part makes a library raise
        raise DamagedError("no well-formed bundle") from cause


def _path(key: str, steps: list[str]) -> str:
    inwards = steps[::-1]
    if len(inwards) > _STEPS_IN_MESSAGE:
        inwards = [*inwards[: _STEPS_IN_MESSAGE // 2], "…", *inwards[-_STEPS_IN_MESSAGE // 2 :]]
    return " → ".join([repr(key), *inwards])
