"""Containers that hold frames, arrays and others: shared parts, bounds, refusals, own copies."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import textwrap
import time
from collections import deque
from pathlib import Path

import dateutil.tz
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from everything import in_everything, named
from libraries import NEEDED, PIL, pl, scipy, what_is_missing

from streamlit_pgstate.codecs import Payload, compression, decode, encode, sections
from streamlit_pgstate.codecs.file import StoredFile
from streamlit_pgstate.errors import DecodeError, UnsupportedType


def again(value):
    return decode(encode(value, key="k"), key="k")


def test_the_bundle_has_readable_text_and_its_parts():
    payload = encode({"a": [np.zeros(2), (1,)], "b": pd.Index([1])}, key="k")
    header, (text, *parts) = sections.split(payload.body)
    assert payload.kind == "bundle"
    assert bytes(text) == b'{"a": [{"$part": 0}, {"$tuple": [1]}], "b": {"$part": 1}}'
    assert header["parts"] == ["numpy.array", "pandas.index"]
    assert encode(np.zeros(2), key="k") == Payload("numpy.array", bytes(parts[0]))


def test_what_is_plain_stays_json_and_what_stands_alone_keeps_its_kind():
    assert encode({"a": [1, (2,)]}, key="k").kind == "json"
    assert encode([np.int8(1), pd.NaT], key="k").kind == "json"
    assert encode([b"x" * 1000], key="k").kind == "json"
    assert encode(np.zeros(3), key="k").kind == "numpy.array"


def test_a_dict_that_looks_like_a_part_stays_that_dict():
    value = [{"$part": 0}, np.arange(2), {"$registered": ["a", 1]}, {"$numpy": "masked"}]
    found = again(value)
    assert found[0] == {"$part": 0}
    assert found[1].tolist() == [0, 1]
    assert found[2:] == value[2:]


def test_what_is_held_twice_is_written_once_and_read_as_two():
    big = np.random.default_rng(1).random(100_000)
    payload = encode({"one": big, "other": [big]}, key="k")
    assert payload.size < 1.1 * big.nbytes
    found = decode(payload, key="k")
    found["one"][0] = 7
    assert found["other"][0][0] == big[0] != 7


def doubled(levels, step, leaf):
    value = leaf
    for _ in range(levels):
        value = step(value)
    return value


def cells(*values):
    held = np.empty(len(values), object)
    for place, value in enumerate(values):
        held[place] = value
    return held


def last_written(step):
    """The payload of a value around which `step` is put until it is too deep."""
    value, payloads = 1, []
    with contextlib.suppress(UnsupportedType):
        while True:
            payloads.append(encode(value, key="k"))
            value = step(value)
    with pytest.raises(UnsupportedType, match="more than 200 levels deep"):
        encode(value, key="k")
    return payloads[-1]


NESTINGS = {
    "lists": lambda inner: [inner],
    "tuples": lambda inner: (inner,),
    "dicts": lambda inner: {"a": inner},
    "dicts with other keys": lambda inner: {1: inner},
    "masked arrays": lambda inner: np.ma.array(cells(inner), mask=[False]),
    "frames": lambda inner: pd.DataFrame({"a": cells(inner), "b": [1]}),
    "attrs": lambda inner: with_attrs({"a": [inner]}),
}


def with_attrs(attrs):
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = attrs
    return frame


DOUBLINGS = {
    "lists": lambda inner: [inner, inner],
    "tuples": lambda inner: (inner, inner),
    "dicts": lambda inner: {"a": inner, "b": inner},
    "dicts with other keys": lambda inner: {1: inner, 2: inner},
}


class TestWorkIsBounded:
    @pytest.mark.parametrize("step", named(DOUBLINGS, "lists", "dicts with other keys"))
    @pytest.mark.parametrize("leaf", [1, *in_everything(np.zeros(1))], ids=["plain", "an array"])
    def test_a_structure_that_doubles_at_every_level_is_refused(self, step, leaf):
        start = time.process_time()
        with pytest.raises(UnsupportedType, match="'k' is far longer written than it is in memory"):
            encode(doubled(60, step, leaf), key="k")
        assert time.process_time() - start < 20

    def test_a_large_list_held_many_times_is_refused(self):
        large = list(range(200_000))
        with pytest.raises(UnsupportedType, match="far longer written"):
            encode([large] * 1000, key="k")

    def test_a_large_array_held_many_times_is_refused(self):
        with pytest.raises(UnsupportedType, match="by parts that it holds many times"):
            encode([np.zeros(10_000_000)] * 10, key="k")

    def test_some_repetition_is_fine(self):
        row = [0, 0]
        assert len(again([row] * 1000)) == 1000
        assert len(again([np.zeros(1000)] * 100)) == 100

    def test_values_of_many_containers_are_fine(self):
        value = [(number,) for number in range(300_000)]
        assert again(value) == value

    def test_arrays_that_double_at_every_level_are_refused(self):
        start = time.process_time()
        with pytest.raises(UnsupportedType, match="by parts that it holds many times"):
            encode(doubled(22, lambda inner: cells(inner, inner), np.zeros(1)), key="k")
        assert time.process_time() - start < 5

    def test_an_array_that_holds_itself_is_refused(self):
        value = np.empty(1, object)
        value[0] = value
        with pytest.raises(UnsupportedType):
            encode([value], key="k")

    @pytest.mark.parametrize("step", NESTINGS.values(), ids=NESTINGS)
    def test_whatever_depth_is_written_is_read(self, step):
        for levels in (1, 10, 60, 90, 190):
            payload = last_written(lambda inner: doubled(levels, step, cells(inner)))  # noqa: B023
            assert encode(decode(payload, key="k"), key="k") == payload

    def test_twenty_arrays_in_each_other_are_fine(self):
        found = again(doubled(20, lambda inner: cells(inner, "a"), np.arange(3)))
        for _ in range(20):
            assert found[1] == "a"
            found = found[0]
        assert found.tolist() == [0, 1, 2]

    def test_an_array_of_arrays_beside_a_part_of_260_mb_is_fine(self):
        large, array = again([bytes(260 << 20), cells(np.zeros(1))])
        assert len(large) == 260 << 20
        assert array[0][0] == 0

    def test_a_body_that_repeats_a_part_too_often_is_not_read(self):
        part = encode(np.zeros(1_000_000), key="k")
        body = compression.unpack(part.body)
        text = b"[" + b", ".join([b'{"$part": 0}'] * 1000) + b"]"
        body = sections.join({"parts": ["numpy.array"]}, [text, body])
        with pytest.raises(DecodeError, match="repeated too often"):
            decode(Payload("bundle", body), key="k")


class Own(np.ndarray):
    pass


def closed():
    file = io.BytesIO()
    file.close()
    return file


def animation():
    saved = io.BytesIO()
    frames = [PIL.Image.new("L", (2, 2), colour) for colour in (0, 255)]
    frames[0].save(saved, "GIF", save_all=True, append_images=frames[1:])
    return PIL.Image.open(saved)


REFUSED = {
    "a function beside a frame": ([pd.DataFrame(), print], "'k' → [1] is a builtin_function"),
    "an array of functions": (
        {"a": np.array([[1, print]], object)},
        "'k' → 'a' → [0, 1] is a builtin_function",
    ),
    "a subclass of an array": (np.zeros(2).view(Own), "'k' is a test_codecs_bundle.Own"),
    "a matrix of NumPy": ([np.matrix([1])], "'k' → [0] is a numpy.matrix"),
    "a record array": (np.zeros(2, "i4,f8").view(np.recarray), "'k' is a numpy.re"),
    "floats of 80 bits": (np.zeros(2, "longdouble"), "'k' is of the dtype 'float128'"),
    "a scalar of 80 bits": ([np.longdouble(1)], "'k' → [0] is of the dtype 'float128'"),
    "objects in records": (np.zeros(1, [("a", "O")]), "'k' is of the dtype 'object'"),
    "a type of another program": (
        pa.table({"a": pd.period_range("2026", periods=1, freq="D").array.__arrow_array__()}),
        "'k' → column 'a' is of the Arrow type",
    ),
    "a closed file": ([closed()], "'k' → [0] is a closed file"),
    "an open file": ([sys.stdin], "'k' → [0] is"),
    "a zone of dateutil": (
        pd.Timestamp("2026", tz=dateutil.tz.tzoffset("x", 3600)),
        "'k' is in a time zone of the class dateutil",
    ),
    "a subclass of a Series": (type("Mine", (pd.Series,), {})([1.5]), "Mine"),
    "a deque of one's own beside an array": (
        [np.zeros(1), type("Mine", (deque,), {})()],
        "'k' → [1] is a test_codecs_bundle.Mine",
    ),
}  # fmt: skip
if pl:
    REFUSED |= {
        "a lazy frame": (pl.LazyFrame({"a": [1]}), "'k' is a polars.lazyframe.frame.LazyFrame"),
        "objects in polars": (
            pl.DataFrame({"a": pl.Series([object()], dtype=pl.Object)}),
            "'k' → column 'a' is of the polars dtype Object",
        ),
        "Int128": (pl.Series([1], dtype=pl.Int128), "is of the polars dtype Int128"),
        "Int128 in a list": (pl.Series([[1]], dtype=pl.List(pl.Int128)), "polars dtype Int128"),
    }
if PIL:
    REFUSED["an image of several frames"] = (animation(), "'k' is an image of several frames")


@pytest.mark.parametrize(("value", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_kept_is_refused_with_the_way_to_it(value, words):
    with pytest.raises(UnsupportedType) as caught:
        encode(value, key="k")
    assert words in str(caught.value)
    assert len(str(caught.value)) < 400


COMPRESSED = [f"{layout}_array" for layout in ("csr", "csc", "bsr")] if scipy else []


@pytest.mark.parametrize("name", COMPRESSED)
def test_a_sparse_array_that_would_crash_scipy_is_neither_written_nor_read(name):
    cls = getattr(scipy.sparse, name)
    header = {"class": name, "shape": [3, 3], "dtype": "<f8"}
    blocks = (0, 1, 1) if name == "bsr_array" else (0,)
    arrays = [np.zeros(blocks), np.zeros(0, "i4"), np.array([0, 900_000_000, 0, 0], "i4")]
    body = sections.join(header, [encode(array, key="k").body for array in arrays])
    with pytest.raises(DecodeError, match="rows that overlap"):
        decode(Payload("scipy.sparse", body), key="k")
    for part, place, number in (("indptr", 1, 3), ("indices", 0, 3), ("indices", 2, -1)):
        value = cls(np.eye(3))
        getattr(value, part)[place] = number
        with pytest.raises(UnsupportedType, match=r"'k' is a sparse array with .* crash"):
            encode(value, key="k")


@pytest.mark.parametrize("name", COMPRESSED)
def test_what_scipy_has_left_behind_the_end_of_an_array_is_not_written(name):
    value = getattr(scipy.sparse, name)(np.diag([1.5, 2.5, 0.0]))
    expected = value.toarray()
    value.data = np.concatenate([value.data, value.data])
    value.indices = np.concatenate([value.indices, value.indices + 9])
    assert (again(value).toarray() == expected).all()


@pytest.mark.parametrize("format", ["PNG", "BMP"] if PIL else [])
def test_an_image_from_a_file_comes_back_without_the_file(format):
    saved = io.BytesIO()
    image = PIL.Image.linear_gradient("L").convert("RGB")
    image.save(saved, format, dpi=(72, 72))
    opened = PIL.Image.open(saved)
    found = again(opened)
    assert type(found) is PIL.Image.Image
    assert (found.format, found.mode, found.size) == (format, "RGB", (256, 256))
    assert found.tobytes() == image.tobytes()
    assert found.info == opened.info


def test_an_uploaded_file_comes_back_as_a_stored_file():
    uploaded_file_manager = pytest.importorskip("streamlit.runtime.uploaded_file_manager")
    from streamlit.proto.Common_pb2 import FileURLs

    record = uploaded_file_manager.UploadedFileRec("id", "photo.jpg", "image/jpeg", b"\xff\xd8")
    uploaded = uploaded_file_manager.UploadedFile(record, FileURLs())
    uploaded.read()
    found = again([uploaded])[0]
    assert type(found) is StoredFile
    assert (found.name, found.type, found.size) == ("photo.jpg", "image/jpeg", 2)
    assert found.getvalue() == found.read() == b"\xff\xd8"
    assert found.seek(1) == 1
    assert repr(found) == "StoredFile(name='photo.jpg', type='image/jpeg', size=2)"
    assert again(found).getvalue() == b"\xff\xd8"


OWN = {
    "an array": (lambda: np.zeros(3), lambda value: value.__setitem__(0, 1)),
    "an array of objects": (
        lambda: np.array([[1], None], object),
        lambda value: value[0].append(2),
    ),
    "a masked array": (lambda: np.ma.zeros(3), lambda value: value.__setitem__(0, np.ma.masked)),
    "a Series": (lambda: pd.Series([1.5, 2]), lambda value: value.__setitem__(0, 1)),
    "text in a Series": (lambda: pd.Series(["a", "b"]), lambda value: value.__setitem__(0, "x")),
    "a frame": (
        lambda: pd.DataFrame({"a": [1, 2]}),
        lambda value: value.__setitem__("a", [3, 4]),
    ),
    "a file": (lambda: io.BytesIO(b"abc"), lambda value: value.write(b"x")),
    "a large bytearray": (lambda: bytearray(100_000), lambda value: value.append(1)),
    "a container": (lambda: {"a": [np.zeros(2)]}, lambda value: value["a"][0].__setitem__(0, 5)),
}  # fmt: skip
if scipy:
    OWN["a sparse array"] = (
        lambda: scipy.sparse.csr_array(np.eye(2)),
        lambda value: value.data.__setitem__(0, 9),
    )
if PIL:
    OWN["an image"] = (
        lambda: PIL.Image.new("L", (2, 2)),
        lambda value: value.putpixel((0, 0), 9),
    )
if pl:
    OWN["a frame of polars"] = (
        lambda: pl.DataFrame({"a": [1, 2]}),
        lambda value: value.insert_column(0, pl.Series("b", [0, 0])),
    )


@pytest.mark.parametrize(("make", "change"), OWN.values(), ids=OWN)
def test_what_came_back_and_what_was_given_are_the_caller_s_own(make, change):
    given = make()
    payload = encode(given, key="k")
    before = bytes(payload.body)
    change(given)
    change(decode(payload, key="k"))
    assert payload.body == before
    assert encode(make(), key="k") == payload
    assert encode(decode(payload, key="k"), key="k") == payload


class TestCompression:
    def test_what_shrinks_is_compressed_and_says_so(self):
        payload = encode(np.zeros(100_000), key="k")
        assert payload.kind == "numpy.array+zstd"
        assert payload.size < 1000
        assert decode(payload, key="k").nbytes == 800_000

    def test_what_does_not_shrink_or_is_small_stays_as_it_is(self):
        noise = np.random.default_rng(1).bytes(200_000)
        assert encode(noise, key="k") == Payload("bytes", noise)
        assert encode(b"\0" * 60_000, key="k").kind == "bytes"
        assert encode("a" * 60_000, key="k").kind == "json"

    def test_text_is_compressed_beyond_64_kb(self):
        text = "Ä text. " * 20_000
        payload = encode({"text": text}, key="k")
        assert payload.kind == "json+zstd"
        assert decode(payload, key="k") == {"text": text}

    def test_what_is_compressed_in_steps_comes_back_too(self):
        value = np.random.default_rng(1).integers(0, 1000, (9 << 20) // 8 + 1)
        payload = encode(value, key="k")
        assert payload.kind == "numpy.array+zstd"
        assert payload.size < value.nbytes / 3
        assert encode(value.copy(), key="k") == payload
        assert np.array_equal(decode(payload, key="k"), value)

    @pytest.mark.parametrize("size", [0, 1, 10**5 - 1, 10**5 + 1, 2**30, 2**30 + 1, 2**63])
    def test_another_size_than_it_has_is_a_decode_error(self, size):
        body = encode(bytes(10**5), key="k").body
        with pytest.raises(DecodeError):
            decode(Payload("bytes+zstd", size.to_bytes(8, "little") + body[8:]), key="k")

    def test_compressed_twice_is_no_kind(self):
        payload = encode(bytes(10**5), key="k")
        with pytest.raises(DecodeError, match="cannot read"):
            decode(Payload("bytes+zstd+zstd", payload.body), key="k")

    def test_a_kind_without_compression_stays_readable(self):
        body = compression.unpack(encode(bytes(10**5), key="k").body)
        assert decode(Payload("bytes", body), key="k") == bytes(10**5)


BODIES = Path(__file__).parents[1] / "bodies"
MANIFEST = json.loads((BODIES / "manifest.json").read_text())


def stored(library):
    """A payload that needs the library, as another process has stored it."""
    entry = next(entry for entry in MANIFEST if entry["kind"].startswith(f"{library}."))
    return Payload(entry["kind"], (BODIES / entry["file"]).read_bytes())


def in_a_list(payload):
    body = sections.join({"parts": [payload.kind]}, [b'[{"$part": 0}, 1]', payload.body])
    return Payload("bundle", body)


def printed(code):
    """What a process of its own prints."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("library", NEEDED)
def test_a_library_that_is_missing_is_named_and_the_rest_works(library):
    payloads = [stored(library), in_a_list(stored(library))]
    _, name = NEEDED[library]
    found = printed(f"""
        import sys
        sys.modules[{library!r}] = None  # an import of it fails, whether it is here or not
        from streamlit_pgstate.codecs import Payload, decode, encode
        from streamlit_pgstate.errors import DecodeError
        import numpy, pandas
        assert decode(encode([numpy.zeros(2), pandas.Series([1])], key="k"), key="k")[1][0] == 1
        for kind, body in {[(payload.kind, payload.body) for payload in payloads]!r}:
            try:
                decode(Payload(kind, body), key="k")
            except DecodeError as error:
                print(error)
    """).splitlines()
    assert len(found) == 2
    for payload, said in zip(payloads, found, strict=True):
        assert f"pip install {name}" in said
        assert said.startswith(f"'k' was written as {payload.kind!r}, and needs ")


@pytest.mark.parametrize("library", ["polars"] if pl else [])
def test_a_library_that_is_too_old_is_named(library):
    payload = stored(library)
    found = printed(f"""
        import polars
        polars.__version__ = "1.34.0"  # which has what is asked of it here
        from streamlit_pgstate.codecs import Payload, decode, encode
        from streamlit_pgstate.errors import DecodeError, UnsupportedType
        try:
            encode([polars.DataFrame({{"a": [1]}})], key="k")
        except UnsupportedType as error:
            print(error)
        try:
            decode(Payload({payload.kind!r}, {payload.body!r}), key="k")
        except DecodeError as error:
            print(error)
    """)
    assert found.splitlines() == [
        "'k' → [0] is of polars before 1.35, which cannot keep all dtypes exactly. "
        "Run pip install -U polars.",
        f"'k' was written as {payload.kind!r}, and needs polars from 1.35 on: "
        "pip install -U polars. The row is left as it is.",
    ]


@pytest.mark.parametrize("nest", [lambda part: part, lambda part: pl.Series([part])] if pl else [])
def test_categories_that_the_process_has_met_elsewhere_are_not_written(nest):
    elsewhere = nest(pl.Series(["a secret", "b"], dtype=pl.Categorical))
    body = encode(nest(pl.Series(["b", None], dtype=pl.Categorical)), key="k").body
    assert b"secret" not in body
    assert b"secret" in encode(elsewhere, key="k").body


def test_numpy_scalars_do_not_import_pandas_and_arrays_no_more_than_they_need():
    found = printed("""
        import sys, numpy
        from streamlit_pgstate.codecs import decode, encode
        decode(encode([numpy.float64(1), numpy.zeros(3)], key="k"), key="k")
        print({"pandas", "pyarrow", "scipy", "polars", "PIL", "streamlit"} & set(sys.modules))
    """)
    assert found == "set()\n"


def test_plain_values_arrays_and_frames_of_every_kind_import_no_optional_library():
    files = [
        (entry["kind"], str(BODIES / entry["file"]))
        for entry in MANIFEST
        if entry["kind"].partition(".")[0] not in NEEDED
        and not entry["file"].startswith("registered")
        and "Point" not in entry["value"]  # registered, too
        and "AttributeDictionary" not in entry["value"]  # of Streamlit
        and what_is_missing(entry) is None
    ]
    found = printed(f"""
        import sys
        from streamlit_pgstate.codecs import Payload, decode, encode
        for kind, file in {files}:
            encode(decode(Payload(kind, open(file, "rb").read()), key="k"), key="k")
        print({{"scipy", "polars", "PIL", "pydantic", "streamlit"}} & set(sys.modules))
    """)
    assert len(files) > 50
    assert found == "set()\n"


LARGE = {
    "a frame": "pd.DataFrame(np.random.default_rng(1).random((1_250_000, 10)))",
    "an array": "np.random.default_rng(1).random(12_500_000)",
    "bytes": "np.random.default_rng(1).bytes(100_000_000)",
    "a frame in a dict": "{'f': pd.DataFrame(np.random.default_rng(1).random((1_250_000, 10)))}",
    "an array that shrinks": "np.random.default_rng(1).integers(0, 1000, 12_500_000)",
}


@pytest.mark.parametrize("source", named(LARGE, "a frame in a dict", "an array that shrinks"))
def test_100_mb_take_at_most_three_times_as_much_memory(source):
    code = f"""
        import resource, numpy as np, pandas as pd, pyarrow as pa
        from streamlit_pgstate.codecs import decode, encode
        decode(encode([pd.DataFrame({{'a': [1.5]}}), bytes(10**5)], key="k"), key="k")
        peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        before = peak()
        value = {source}
        payload = encode(value, key="k")
        encoding = peak() - before
        del value
        decode(payload, key="k")
        print(encoding, peak() - before)
    """
    encoding, decoding = (int(text) / 100e6 for text in printed(code).split())
    assert encoding < 3.3  # what was given is one of the three
    assert decoding < 3.3
