"""How values become bytes and come back as they were: type, content and order.

A :class:`Payload` says how it was written (``kind``) and only the kinds of ``_CODECS`` are
read. Nothing is unpickled, evaluated or imported by a name that a row holds. A kind to come is
one more line in that table.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streamlit_pgstate.errors import DecodeError, UnsupportedType

from . import plain
from .payload import DamagedError, Payload, RefusedError

__all__ = ["Payload", "decode", "encode"]

_STEPS_IN_MESSAGE = 6  # of a path; a longer one loses its middle


@dataclass(frozen=True, slots=True)
class _Codec:
    takes: Callable[[type], bool]
    dump: Callable[[Any], bytes]
    load: Callable[[bytes], Any]


def _is_frame(kind: type) -> bool:
    # Who holds a frame has imported pandas; nobody else shall pay 300 ms for it.
    return kind is getattr(sys.modules.get("pandas"), "DataFrame", None)


def _dump_frame(value: Any) -> bytes:
    from . import frame

    return frame.dump(value)


def _load_frame(body: bytes) -> Any:
    from . import frame

    return frame.load(body)


_CODECS = {
    "json": _Codec((plain.TYPES - {bytes}).__contains__, plain.dump, plain.load),
    "bytes": _Codec(lambda kind: kind is bytes, bytes, bytes),
    "pandas.frame": _Codec(_is_frame, _dump_frame, _load_frame),
}


def encode(value: object, *, key: str) -> Payload:
    """Turn a value into a payload from which :func:`decode` makes the same value again.

    Equal content gives an equal digest. The value may be changed afterwards.

    :param key: the key that the value is for; error messages name it.
    :raises UnsupportedType: the value, or something in it, cannot be kept exactly. The message
        leads to the culprit, and never holds a value.

    >>> encode({"page": 3}, key="cart")
    Payload(kind='json')
    """
    try:
        for kind, codec in _CODECS.items():
            if codec.takes(type(value)):
                return Payload(kind, codec.dump(value))
        raise RefusedError(plain.describe(value))
    except RefusedError as refused:
        # Without its traceback: one has up to 800 lines, and the path says it all.
        cause = refused.with_traceback(None)
        raise UnsupportedType(f"{_path(key, refused.steps)} is {refused.culprit}.") from cause
    except RecursionError as full:
        raise UnsupportedType(
            f"{key!r} is nested too deeply for the stack of this call. Keep a flatter structure."
        ) from full.with_traceback(None)


def decode(payload: Payload, *, key: str) -> Any:
    """Turn a payload back into the value, which is the caller's own.

    :param key: the key that the payload was stored under; error messages name it.
    :raises DecodeError: the kind is unknown, or the body is damaged or of a newer version.

    >>> decode(Payload("json", b'{"$tuple": [1, 2]}'), key="pair")
    (1, 2)
    """
    codec = _CODECS.get(payload.kind)
    if codec is None:
        raise DecodeError(
            f"{key!r} was written as {payload.kind!r}, which this version cannot read. "
            "Run the version that wrote it, or a newer one."
        )
    try:
        return codec.load(payload.body)
    except DamagedError as cause:
        raise DecodeError(
            f"{key!r} was written as {payload.kind!r} and cannot be read: it holds {cause}. "
            "The row is left as it is; set the key again, or restore an older version."
        ) from cause


def _path(key: str, steps: list[str]) -> str:
    inwards = steps[::-1]
    if len(inwards) > _STEPS_IN_MESSAGE:
        inwards = [*inwards[: _STEPS_IN_MESSAGE // 2], "…", *inwards[-_STEPS_IN_MESSAGE // 2 :]]
    return " → ".join([repr(key), *inwards])
