"""A large body is compressed in pieces, by several threads, and decompressed while it comes."""

from __future__ import annotations

import os
import sys
import threading

import pyarrow as pa
import pytest
from noise import noise

from streamlit_pgstate.codecs import Payload, compression, decode
from streamlit_pgstate.codecs.compression import Unpacking
from streamlit_pgstate.codecs.payload import DamagedError
from streamlit_pgstate.codecs.threads import Helpers, on_threads
from streamlit_pgstate.errors import DecodeError

MIB = 1 << 20
ORIGINAL = b"".join(noise(1000, f"piece {n % 97}") + b"text " * n for n in range(1600))
KIND, PACKED = compression.pack("bytes", ORIGINAL)
AS_ONE_FRAME = PACKED[:8] + pa.Codec("zstd", compression_level=1).compress(ORIGINAL, asbytes=True)
"""As it was stored before bodies had several frames."""


def test_the_pieces_are_together_what_zstd_itself_reads_as_one():
    # So a replica of the version before, which reads a body by one call, reads it, too.
    assert (KIND, len(ORIGINAL) > 4 * MIB) == ("bytes+zstd", True)
    one_call = pa.Codec("zstd").decompress(PACKED[8:], len(ORIGINAL), asbytes=True)
    assert one_call == ORIGINAL
    assert compression.unpack(PACKED) == ORIGINAL


def test_a_body_of_one_frame_is_read():
    assert PACKED != AS_ONE_FRAME
    assert compression.unpack(AS_ONE_FRAME) == ORIGINAL


@pytest.mark.parametrize("size", [MIB - 1, MIB, MIB + 1, 2 * MIB, 17 * MIB + 5])
def test_every_size_comes_back(size):
    original = (ORIGINAL * 5)[:size]
    kind, packed = compression.pack("bytes", original)
    assert kind == "bytes+zstd"
    assert compression.unpack(packed) == original
    assert compression.pack("bytes", original) == (kind, packed)


@pytest.mark.parametrize("length", [5, 1000, 99_991, MIB, len(PACKED)])
def test_a_body_may_come_in_parts_of_any_length(length):
    body = PACKED if length > 5 else compression.pack("bytes", ORIGINAL[: MIB + 9])[1]
    with Unpacking() as unpacking:
        for start in range(0, len(body), length):
            unpacking.add(body[start : start + length])
        assert unpacking.finish() == (ORIGINAL if length > 5 else ORIGINAL[: MIB + 9])


def test_what_is_not_in_pieces_is_left_to_the_one_call():
    for body in (AS_ONE_FRAME, PACKED[:-1], PACKED + b"\0", PACKED[:4], PACKED + PACKED[8:]):
        with Unpacking() as unpacking:
            unpacking.add(body)
            assert unpacking.finish() is None


def test_a_damaged_head_is_a_decode_error_or_another_value_of_the_same_size():
    original = ORIGINAL[: 2 * MIB]
    _, packed = compression.pack("bytes", original)
    found = set()
    for bit in range(8 * 8, 8 * 40):
        damaged = bytearray(packed)
        damaged[bit >> 3] ^= 1 << (bit & 7)
        try:
            found.add(len(compression.unpack(bytes(damaged))))
        except DamagedError:
            found.add(-1)
    assert -1 in found
    assert found <= {-1, len(original)}


@pytest.mark.parametrize("size", [0, 2 * MIB, len(ORIGINAL) - 1, len(ORIGINAL) + 1, 2**30, 2**63])
def test_another_stated_size_is_a_decode_error(size):
    with pytest.raises(DecodeError):
        decode(Payload(KIND, size.to_bytes(8, "little") + PACKED[8:]), key="k")


def test_an_original_that_is_known_is_taken_once():
    payload = Payload(KIND, PACKED)
    payload.original = memoryview(b"known")
    assert decode(payload, key="k") == b"known"
    assert payload.original is None
    assert decode(payload, key="k") == ORIGINAL


# --- threads -----------------------------------------------------------------------------


def test_results_come_in_the_order_of_the_items_and_no_thread_stays():
    before = threading.active_count()
    assert on_threads(lambda number: number * 2, range(1000)) == list(range(0, 2000, 2))
    assert on_threads(str, []) == []
    assert threading.active_count() == before


def test_what_a_piece_raises_the_caller_gets_and_no_thread_stays():
    before = threading.active_count()

    def fail(number: int) -> None:
        raise ValueError(number)

    with pytest.raises(ValueError, match=r"^\d+$"):
        on_threads(fail, range(100))
    assert threading.active_count() == before


def test_dismissed_helpers_end():
    before = threading.active_count()
    helpers = Helpers(len)
    for _ in range(10):
        helpers.give("item")
    helpers.dismiss()
    helpers.dismiss()
    assert threading.active_count() == before


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has processors of its own there")
def test_on_a_single_processor_the_caller_does_all():
    used: set[int] = set()

    def alone() -> None:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        on_threads(lambda _: used.add(threading.get_ident()), range(100))
        used.remove(threading.get_ident())

    thread = threading.Thread(target=alone)
    thread.start()
    thread.join()
    assert not used
