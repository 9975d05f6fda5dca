"""Whatever a body holds, reading it gives a value or a `DecodeError`, and nothing else happens.

Every value of the other tests is damaged in many ways: bits flipped, bytes replaced, cut off,
put in, numbers and words changed, read as another kind; and there are those of `crafted`. They are
read in a process that may take another GiB, where nothing may be unpickled, executed, compiled,
imported or opened.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import struct
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
from everything import in_everything

MEMORY = 1 << 30  # of addresses, beside those that the libraries have taken before
CRAFTED_MEMORY = 64 << 20
FORBIDDEN = frozenset(
    {
        *("pickle.find_class", "exec", "compile", "import", "open", "code.__new__"),
        *("os.system", "subprocess.Popen", "socket.connect", "ctypes.dlopen"),
    }
)


@pytest.mark.faults
@pytest.mark.parametrize("damages", [2, *in_everything(24)])  # of each body, beside two fixed ones
def test_no_damage_does_anything_but_raise_a_decode_error(damages):
    run = subprocess.run(
        [sys.executable, "-X", "faulthandler", __file__, str(damages)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    crafted, tried, values, errors = map(int, run.stdout.split())
    assert crafted >= 1_000
    assert tried >= 500 * damages
    assert values + errors == tried
    assert values > tried / 20


def main():
    import resource

    import crafted
    from libraries import plotly
    from test_figures import FIGURES
    from test_frames import ALL
    from test_geometry import PLACES
    from test_library_values import VALUES as LIBRARY
    from test_plain_values import EXACT
    from test_values import VALUES

    from streamlit_pgstate.codecs import Payload, compression, decode, encode
    from streamlit_pgstate.errors import DecodeError

    values = {**VALUES, **ALL, **EXACT, **LIBRARY, **FIGURES, **PLACES}
    values["all"] = {**VALUES, "": b"secret"}
    payloads = [encode(value, key="k") for value in values.values()]
    payloads += [
        Payload(*compression.pack("pandas.frame", payloads[-1].body * 3)),
        encode(["text " * 40_000], key="k"),
    ]
    for payload in payloads[:-2]:
        decode(payload, key="k")  # what they need is loaded now
    if plotly:  # which has a table of its own of what to import for which trace and subplot
        for name in plotly.graph_objects.__all__:
            getattr(plotly.graph_objects, name)
    with contextlib.suppress(DecodeError):  # and what the fields of registered classes declare
        decode(Payload("json", b'{"$registered": ["nobody", 1]}'), key="k")
    made_up = crafted.bodies()
    kinds = sorted({payload.kind for payload in payloads})
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    # Over a year that no zone has, pandas 2 shows an error, for which Python opens the source.
    show, sys.unraisablehook = sys.excepthook, lambda _: None
    sys.excepthook = lambda *error: None if watching else show(*error)
    memory = Memory()
    watch()
    check_the_watch()
    for name, payload in made_up.items():
        attempt_in_bounds(name, payload, decode, memory)
    count = len(made_up)
    for payload in payloads[:-2]:
        for huge in crafted.with_huge_numbers(payload):
            attempt_in_bounds(payload.kind, huge, decode, memory)
            count += 1
    results = [attempt(damaged, decode) for damaged in damages(payloads, kinds, Payload)]
    print(count, len(results), results.count(True), results.count(False))


def watch():
    def hook(event, arguments):
        if event in FORBIDDEN and watching:
            found.append((event, arguments))
            raise RuntimeError(event)

    sys.addaudithook(hook)


watching: list[bool] = []
found: list[object] = []


def check_the_watch():
    watching.append(True)
    with contextlib.suppress(RuntimeError):
        open(__file__).close()
    with contextlib.suppress(RuntimeError):
        import this  # noqa: F401
    watching.clear()
    assert [event for event, _ in found] == ["open", "import"]
    found.clear()


def attempt(payload, decode):
    from streamlit_pgstate.errors import DecodeError

    start = time.process_time()  # whatever else the machine does
    watching.append(True)
    try:
        value = decode(payload, key="k")
        watching.clear()
        use(value)
        return True
    except DecodeError:
        return False
    except BaseException as error:
        raise AssertionError(f"{payload.kind}: {error!r} of {payload.body[:2000]!r}") from error
    finally:
        watching.clear()
        seconds = time.process_time() - start
        assert not found, (payload.kind, found)
        assert seconds < 5, (payload.kind, seconds, payload.body[:200])


class Memory:
    """The highest that this process has taken. It opens its files once: decoding may open none."""

    def __init__(self):
        self._highest = os.open("/proc/self/status", os.O_RDONLY)
        self._forget = os.open("/proc/self/clear_refs", os.O_WRONLY)

    def highest(self):
        return int(re.search(rb"VmHWM:\s+(\d+)", os.pread(self._highest, 1 << 16, 0))[1]) << 10

    def begin(self):
        """Take what is in use now for the highest so far."""
        os.pwrite(self._forget, b"5", 0)
        return self.highest()


def attempt_in_bounds(name, payload, decode, memory):
    """As `attempt`, in the memory that the body has a right to; nor was more only asked for.

    What pandas takes to show the value is not counted: it makes each label of a range.
    """

    def decode_in_bounds(payload, key):
        before = memory.begin()
        try:
            return decode(payload, key=key)
        except Exception as error:
            if isinstance(error.__cause__ and error.__cause__.__cause__, MemoryError):
                raise AssertionError(name) from error
            raise
        finally:
            taken = memory.highest() - before
            bound = CRAFTED_MEMORY + 4 * len(payload.body)
            assert taken < bound, (name, taken, payload.body[:2000])

    attempt(payload, decode_in_bounds)


def use(value):
    """A process must not end by what a value has become, wherever it is read."""
    if hasattr(value, "tocsr") and hasattr(value, "sum") and max(value.shape, default=0) < 10**6:
        value.sum()
    if isinstance(value, list):
        for item in value:
            use(item)
    if "polars" not in type(value).__module__:  # which panics over a day of the year 10^6
        with contextlib.suppress(Exception):
            repr(value)


def damages(payloads, kinds, make):
    chance = random.Random(20260102)
    for payload in payloads:
        for way in (swap, cut, *[chance.choice(WAYS) for _ in range(int(sys.argv[1]))]):
            kind, body = way(payload.kind, payload.body, kinds, chance)
            yield make(kind, body)


def swap(kind, body, kinds, chance):
    return chance.choice(kinds), body


def cut(kind, body, kinds, chance):
    return kind, body[: chance.randrange(len(body) + 1)]


def flip(kind, body, kinds, chance):
    damaged = bytearray(body)
    for _ in range(chance.choice([1, 1, 2, 8]) if body else 0):
        damaged[near(chance, len(body))] ^= 1 << chance.randrange(8)
    return kind, bytes(damaged)


def near(chance, size):
    """A place, often at the start, where the headers are."""
    return chance.randrange(min(size, chance.choice([64, 512, size])))


def replace(kind, body, kinds, chance):
    start = near(chance, len(body) + 1)
    new = chance.choice(
        [b"\0" * 8, b"\xff" * 8, struct.pack("<q", chance.randrange(1 << 40)), b"", b'{"$part": 0}']
    )
    return kind, body[:start] + new + body[start + len(new) :]


def insert(kind, body, kinds, chance):
    start = near(chance, len(body) + 1)
    return kind, body[:start] + chance.randbytes(chance.choice([1, 2, 16])) + body[start:]


def renumber(kind, body, kinds, chance):
    """Another number in a header, of the same length, so that the framing stays sound."""
    numbers = list(re.finditer(rb"(?<=[ \[:])-?\d+", body))
    if not numbers:
        return flip(kind, body, kinds, chance)
    number = chance.choice(numbers)
    new = bytes(chance.choice(b"0123456789") for _ in range(len(number[0])))
    return kind, body[: number.start()] + new.replace(b"0", b"9", 1) + body[number.end() :]


def respell(kind, body, kinds, chance):
    """Another word in a header."""
    words = list(re.finditer(rb"(?<=\")[\w$<>|./\[\]-]+(?=\")", body))
    if len(words) < 2:
        return flip(kind, body, kinds, chance)
    one, other = chance.choice(words), chance.choice(words)
    return kind, body[: one.start()] + other[0] + body[one.end() :]


WAYS = (flip, flip, cut, replace, insert, renumber, renumber, respell, swap)


@pytest.mark.parametrize("way", [flip, cut, replace, insert, renumber, respell])
def test_an_empty_body_can_be_damaged(way):
    way("bytes", b"", ["bytes"], random.Random(1))


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of NumPy and pandas, about the nonsense that they are given
    main()
