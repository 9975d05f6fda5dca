"""Chunks: the parts of a large body, each in a row of the table `body`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.postgres.cipher import Cipher, Large

CHUNK: Final = 2**20
"""Bytes of a large value in one row. Chunks of 256 KiB to 1 MiB were the fastest, to write and to
read: 80 MB took 0.5 s and 0.25 s, and in a single row 1.9 s and 0.44 s."""

IN_ONE_STATEMENT: Final = 4 * CHUNK
"""Up to this many bytes of new bodies are sent within the write itself, in its one round trip."""


class Chunk(NamedTuple):
    """One part of a large body."""

    large: Large
    part: int
    data: memoryview


def chunks_of(bodies: Mapping[bytes, Payload]) -> Iterator[Chunk]:
    """Cut bodies, which are given by digest, into chunks."""
    for digest, payload in bodies.items():
        large = Large(payload.kind, payload.size, digest)
        view = memoryview(payload.body)
        for part, start in enumerate(range(0, payload.size, CHUNK)):
            yield Chunk(large, part, view[start : start + CHUNK])


def number_of(payload: Payload) -> int:
    """Return how many chunks a body has."""
    return -(-payload.size // CHUNK)


def in_batches(chunks: Iterable[Chunk]) -> Iterator[list[Chunk]]:
    """Yield the chunks that fit into one statement, again and again."""
    rest = iter(chunks)
    while batch := list(itertools.islice(rest, IN_ONE_STATEMENT // CHUNK)):
        yield batch


def columns(cipher: Cipher, chunks: Iterable[Chunk]) -> dict[str, Any]:
    """Return the sealed chunks as the parameters of a statement: one after the other.

    They are cut again by the server: where each starts, counted from 1, and how long it is.
    """
    given = list(chunks)
    sealed = [cipher.seal_chunk(*chunk) for chunk in given]
    lengths = [len(data) for data in sealed]
    ends = itertools.accumulate(lengths, initial=0)
    return {
        "body_digest": [chunk.large.digest for chunk in given],
        "body_part": [chunk.part for chunk in given],
        "body_start": [end + 1 for end in ends][:-1],
        "body_length": lengths,
        "body_data": sealed[0] if len(sealed) == 1 else b"".join(sealed),
    }
