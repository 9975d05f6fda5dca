"""Bodies that somebody has made up: short to write, and dear to read for whoever believes them.

Each says numbers that its own length does not carry, or points many times to one thing.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from libraries import PIL, alt, gpd, pl, plotly, scipy, shapely

from streamlit_pgstate.codecs import Payload, bundle, encode, plain, sections
from streamlit_pgstate.codecs.arrow import BufferWriter
from streamlit_pgstate.codecs.arrow_stream import FlatTable

ARROW = int(pa.__version__.partition(".")[0])

MANY = 10**8
INTEGER = f'{{"$int": "0x{"e" * 1_000_000}"}}'
HUGE = ("100000000", "2147483647", "1000000000000")


def bodies() -> dict[str, Payload]:
    """Those that are made of several things that fit each other."""
    found = {
        "intervals between ranges": array(MANY, interval(span(MANY))),
        "ranges as levels": labels(1, levels(3), *[pa.array([0], "int8")] * 3),
        "a range as categories": array(1, categories(), pa.array([0], "int8")),
        "rows of no columns": frame(MANY, [bits("float64", [])], pa.array([], "float64")),
        "nulls": frame(2**31 - 1, [{"columns": [0], "array": {"is": "arrow", "at": 0}}], nulls()),
        "one buffer for all columns": frame(
            1 << 20, [bits("int8", [n]) for n in range(999)], zeros()
        ),
        "one buffer twice": labels(
            MANY >> 3, {**levels(2), "codes": [bits("int8")["array"]] * 2}, zeros(MANY >> 3)
        ),
        "many sizes": numpy_array([999_999_999] * 100_000, "<f8"),
        "a mask of one for all": masked(numpy_array([MANY], "|S0"), numpy_array([1], "|b1", b"\0")),
        "records of nothing": masked(numpy_array([MANY], {**RECORD, "formats": ["|S0"]})),
        "fields over each other": fields_over_each_other(100_000, 1 << 20),
        "nothing in large pieces": numpy_array([0], {"each": "<f8", "shape": [MANY]}),
        "few rows, many columns of nothing": numpy_array([0, 10**10], "<f8"),
        "parts in parts": nested(18, encode(pd.DataFrame(), key="k").body),
        "parts of nothing in parts": nested(40, b"", "bytes"),
        "frames in frames": nested(18, encode(pd.Series([1, "a"]), key="k").body, "pandas.series"),
        "compressed by Arrow": batch(
            stream(table([pa.array(np.zeros(1 << 24))]), compression="zstd")
        ),
        "a name for many fields": batch(names_over_each_other()),
        "a buffer for many fields": batch(buffers_over_each_other()),
        "a dictionary in many parts": Payload("pyarrow.table", dictionary_in_parts()),
        "a deque of a huge maxlen": listed('{"$deque": [[], 9223372036854775807]}'),
        "an address range": listed('{"$address": ["::/0", "IPv6Network"]}'),
        "fractions of many digits": listed(f'{{"$fraction": [{INTEGER}, {INTEGER}]}}'),
        "patterns of many ranges": listed(
            ", ".join(rf'{{"$pattern": ["[!-\\uffff]{n}", 34]}}' for n in range(9999))
        ),
        "a pattern of repetitions": listed('{"$pattern": ["(?:(?:a{9999}){9999}){9999}", 32]}'),
        "dates' offsets": listed(
            '{"$pandas": ["offset", {"n": 2147483647, "normalize": false, "parts": {"years": 9}}]}'
        ),
        "an index of huge offsets": offsets(2147483647),
        "an index of no offset": offsets(0),
    }
    for text in FREQUENCIES:
        found |= {f"{kind}, of {text[-7:]}": freq for kind, freq in frequencies(text).items()}
    if ARROW >= 20:  # before, from_buffers does not take the text of views
        found["a text for many views"] = batch(stream(table([views()])))
    if scipy:
        found["rows in few bytes"] = lil(np.zeros(200_000, "i1"))
    if PIL:
        found["lines of no pixels"] = image([0, MANY])
        found["columns of no pixels"] = image([MANY, 0])
    if pl:
        found |= polars_frames()
    if plotly:
        found["traces of nothing"] = figure([{"type": "bar"}] * 100_000)
        found["frames of nothing"] = figure([], [{}] * 100_000)
        found["subplots of nothing"] = figure([], [], [f"xaxis{n}" for n in range(2, 50_000)])
        found["a subplot of no name"] = figure([], [], ["_props", "x" * 100_000])
    if alt:
        found["objects of nothing"] = chart([{"$class": "core.Axis"}] * 10_000)
        found["a chart of functions"] = chart({"$class": "core.SchemaBase", "to_dict": 5})
    if shapely:
        found |= {f"a geometry, {name}": marker(body) for name, body in geometries().items()}
    if gpd:
        found["a geometry of many for all"] = geo_series({"crs": None, "rings": [0] * 100_000})
        found["a system of a file"] = geo_series({"crs": "+init=/etc/hosts:a"})
        found["a deep system"] = geo_series({"crs": "GEOGCRS[" * 8_000 + "]" * 8_000})
        found["a long system"] = geo_series({"crs": "EPSG:4326" + "+4326" * 15})
    return found


def figure(
    data: Sequence[object], frames: Sequence[object] = (), subplots: Sequence[str] = ()
) -> Payload:
    content = {"data": [*data], "layout": {}, "frames": [*frames], "subplots": [*subplots]}
    header = {"content": "json", "express": False}
    return Payload("plotly.figure", sections.join(header, [bundle.write(content)[1]]))


def chart(usermeta: object) -> Payload:
    text = bundle.write({"$class": "api.Chart", "usermeta": usermeta})[1]
    return Payload("altair.chart", sections.join({"content": "json"}, [text]))


def geometries() -> dict[str, bytes]:
    """WKB whose counts and levels nobody has paid for."""
    empty = struct.pack("<BII", 1, 7, 0)
    return {
        **{
            f"many of kind {kind}": struct.pack("<BII", 1, kind, count) + bytes(160)
            for kind in range(2, 8)
            for count in (2**20, 2**28, 2**32 - 1)
        },
        "rings of nothing": struct.pack("<BII", 1, 3, 50_000) + bytes(200_000),
        "collections of nothing": struct.pack("<BII", 1, 7, 50_000) + empty * 50_000,
        "very many levels": struct.pack("<BII", 1, 7, 1) * 200_000 + empty,
        "very many levels of points": struct.pack("<BII", 1, 4, 1) * 200_000 + empty,
    }


def marker(wkb: bytes) -> Payload:
    text = plain.dump(["GeometryCollection", wkb])
    return Payload("json", b'{"$shapely": %s}' % text)


def geo_series(spec: dict[str, object]) -> Payload:
    point = struct.pack("<BIdd", 1, 1, 1.0, 2.0)
    column = pd.Series(pd.arrays.ArrowExtensionArray(pa.array([point], pa.large_binary())))
    inner = encode(column, key="k").body
    return Payload("geopandas.series", sections.join({"geometries": spec}, [inner]))


def with_huge_numbers(payload: Payload) -> Iterator[Payload]:
    """The same body with other numbers in its header, and the framing as it must be."""
    for text, framed in headers(payload):
        for number in sorted(set(re.findall(rb"(?<![\w.\"+-])\d+(?![\w.\"])", text))):
            everywhere = rb"(?<![\w.\"+-])%s(?![\w.\"])" % number
            for huge in HUGE:
                yield Payload(payload.kind, framed(re.sub(everywhere, huge.encode(), text)))
                for place in re.finditer(everywhere, text):
                    start, end = place.span()
                    changed = text[:start] + huge.encode() + text[end:]
                    yield Payload(payload.kind, framed(changed))


def headers(payload):
    """The texts that say how to read a body, each with what puts another one in its place."""
    body = payload.body
    if payload.kind == "json":
        yield body, lambda text: text
    elif payload.kind.startswith(("pandas.", "pyarrow.", "polars.")) and body[:4] == b"\xff" * 4:
        with pa.ipc.open_stream(body) as reader:
            schema, batches = reader.schema, list(reader)
        for name, note in (schema.metadata or {}).items():
            yield note, lambda text, name=name: rewritten(schema, batches, name, text)
    elif "+" not in payload.kind and payload.kind != "bytes":
        end = 8 + int.from_bytes(body[:8], "little")
        rest = body[end + -end % 16 :]
        yield (
            body[8:end],
            lambda text: struct.pack("<q", len(text)) + text + bytes(-(8 + len(text)) % 16) + rest,
        )


def rewritten(schema, batches, name, text):
    metadata = {**schema.metadata, name: text}
    return stream(pa.Table.from_batches(batches, schema).replace_schema_metadata(metadata))


# --- pandas ------------------------------------------------------------------------------


def container(kind, header, *arrays):
    out = BufferWriter()
    for values in arrays:
        out.add(values)
    return Payload(kind, out.finish({"format": 1, **header}))


def listed(values):
    return Payload("json", f"[{values}]".encode())


def offsets(n):
    """Times at steps of years, of which a body says that they are n years each."""
    payload = encode(pd.date_range("2026", periods=3, freq=pd.DateOffset(years=7)), key="k")
    ((found, framed),) = headers(payload)
    return Payload(payload.kind, framed(found.replace(b'"years": 7', b'"years": %d' % n)))


def frame(rows, data, *arrays):
    columns = sum(len(part["columns"]) for part in data)
    header = {"shape": [rows, columns], "index": span(rows), "columns": span(columns)}
    notes = {"attrs": {}, "allows_duplicate_labels": True}
    return container("pandas.frame", {**header, "data": data, **notes}, *arrays)


def array(length, spec, *arrays):
    return container("pandas.array", {"length": length, "array": spec}, *arrays)


def labels(length, index, *arrays):
    return container("pandas.index", {"length": length, "index": index}, *arrays)


def span(length):
    return {"range": [0, length, 1], "name": None}


def bits(dtype, columns=(0,)):
    return {"columns": list(columns), "array": {"is": "numpy", "dtype": dtype, "at": 0}}


def interval(side):
    return {"is": "interval", "closed": "left", "left": side, "right": side}


def levels(count):
    codes = [{**bits("int8")["array"], "at": at} for at in range(count)]
    every = {"levels": [span(MANY)] * count, "sizes": [MANY] * count, "codes": codes}
    return {**every, "names": [None] * count}


def categories():
    codes = bits("int8")["array"]
    return {
        "is": "categorical",
        "codes": codes,
        "count": MANY,
        "categories": span(MANY),
        "ordered": False,
    }


FREQUENCIES = ("1" * 60_000, "1" * 60_000 + ".", "-" * 60_000, "D" * 60_000, " " * 60_000)


def frequencies(text):
    """Whatever takes one."""
    times = {"is": "numpy", "dtype": "datetime64[s]", "at": 0}
    index = {"array": times, "name": None, "freq": text}
    period = {"is": "period", "freq": text, "at": 0}
    two = pa.array([0, 86_400], "int64")
    return {
        "an offset": Payload("json", b'{"$pandas": ["offset", "%s"]}' % text.encode()),
        "a period": Payload("json", b'{"$pandas": ["Period", 0, "%s"]}' % text.encode()),
        "an index": labels(2, index, two),
        "periods": array(2, period, two),
    }


def zeros(size=1 << 20):
    return pa.array(np.zeros(size, "i1"))


def nulls(size=2**31 - 1):
    return pa.Array.from_buffers(pa.null(), size, [None])


# --- sections ----------------------------------------------------------------------------

RECORD = {"names": ["a"], "offsets": [0], "titles": [None], "itemsize": 0, "aligned": False}


def numpy_array(shape, dtype, data=b""):
    return Payload("numpy.array", sections.join({"shape": shape, "dtype": dtype}, [data]))


def fields_over_each_other(count, length):
    dtype = {
        "names": [f"f{number}" for number in range(count)],
        "formats": [f"<U{length}"] * count,
        "offsets": [0] * count,
        "titles": [None] * count,
        "itemsize": 4 * length,
        "aligned": False,
    }
    return numpy_array([1], dtype, bytes(4 * length))


def masked(*parts):
    header = {"mask": len(parts) > 1, "fill": False, "hard": False}
    return Payload("numpy.masked", sections.join(header, [part.body for part in parts]))


def nested(depth, body, kind="pandas.frame"):
    """Arrays of twice the same array, of twice the same array, …"""
    for _ in range(depth):
        cells = sections.join({"parts": [kind]}, [b'[{"$part": 0}, {"$part": 0}]', body])
        kind, body = "numpy.array", sections.join({"shape": [2], "cells": "bundle"}, [cells])
    return Payload(kind, body)


def lil(counts):
    empty = numpy_array([0], "<f8"), numpy_array([0], "<i8")
    parts = [*empty, numpy_array([len(counts)], counts.dtype.str, counts.tobytes())]
    header = {"class": "lil_array", "shape": [len(counts), 1], "dtype": "<f8"}
    return Payload("scipy.sparse", sections.join(header, [part.body for part in parts]))


def image(size):
    return Payload("PIL.image", sections.join({"mode": "L", "size": size, "info": {}}, [b""]))


# --- Arrow and polars --------------------------------------------------------------------


def batch(body):
    return Payload("pyarrow.batch", body)


def table(arrays):
    return pa.table(arrays, names=[str(place) for place in range(len(arrays))])


def stream(rows, batches=None, **options):
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(**options)
    with pa.ipc.new_stream(pa.PythonFile(sink, "w"), rows.schema, options=options) as out:
        for part in batches or rows.to_batches():
            out.write_batch(part)
    return sink.getvalue()


def names_over_each_other():
    """All fields of a schema are its first one, whose name is long."""
    body = bytearray(stream(pa.table([zeros(1)] * 9000, names=["a" * 99_999, *"b" * 8999])))
    view = memoryview(body)[8:]
    start, count = FlatTable.root(view).table(2).vector(1)
    first = start + struct.unpack_from("<I", view, start)[0]
    for place in range(start, start + 4 * count, 4):
        struct.pack_into("<I", view, place, first - place)
    return bytes(body)


def buffers_over_each_other():
    """All buffers of a batch are its first one, and the others are not there."""
    size, count = 1 << 20, 999
    body = bytearray(stream(table([zeros(1)] * count)))  # of full size it would be 1 GB
    start = 8 + struct.unpack_from("<I", body, 4)[0]
    length = 8 + struct.unpack_from("<I", body, start + 4)[0]
    view = memoryview(body)[start + 8 : start + length]
    message = FlatTable.root(view)
    batch = message.table(2)
    struct.pack_into("<q", view, batch.place(0), size)
    place, nodes = batch.vector(1)
    for node in range(nodes):
        struct.pack_into("<q", view, place + 16 * node, size)
    place, buffers = batch.vector(2)
    for buffer in range(buffers):
        struct.pack_into("<qq", view, place + 16 * buffer, 0, size if buffer % 2 else 0)
    struct.pack_into("<q", view, message.place(3), size)
    return bytes(body[: start + length]) + bytes(size) + b"\xff\xff\xff\xff\0\0\0\0"


def views(count=100_000, size=1 << 20):
    one = pa.array(["a" * size], pa.string_view())
    every = np.tile(np.frombuffer(one.buffers()[1], "u1", 16), count)
    return pa.Array.from_buffers(
        pa.string_view(), count, [None, pa.py_buffer(every), one.buffers()[2]]
    )


def dictionary_in_parts(count=300, size=5000):
    """Each batch adds to the dictionary, and holds all of it so far."""
    texts = pa.array([f"{number:{size}}" for number in range(count)])
    arrays = [pa.DictionaryArray.from_arrays(zeros(1), texts[: n + 1]) for n in range(count)]
    batches = [pa.record_batch([array], names=["a"]) for array in arrays]
    return stream(batches[0], batches, emit_dictionary_deltas=True)


def polars_frames():
    from streamlit_pgstate.codecs.polars_frame import _notes_sum

    def made(column, spec, *, rows=None):
        rows = len(column) if rows is None else rows
        found = table([] if column is None else [column])
        metadata = {
            "streamlit_pgstate.polars": plain.dump([["0", spec]] if spec else []),
            "streamlit_pgstate.rows": str(rows),
            "streamlit_pgstate.notes": _notes_sum(found.schema),
        }
        found = found.replace_schema_metadata(metadata)
        return Payload("polars.frame", stream(found))

    lists = pa.array([[1] * 10_000], pa.large_list(pa.int64()))
    nothing = pa.StructArray.from_buffers(pa.struct([]), MANY, [None])
    return {
        "polars, a list for all": made(
            pa.DictionaryArray.from_arrays(zeros(20_000), lists), ["List", ["Int64"]]
        ),
        "polars, nulls": made(nulls(), ["Null"]),
        "polars, rows": made(None, None, rows=2**32 - 2),
        "polars, too many rows": made(None, None, rows=2**40),
        "polars, arrays of nulls": made(
            pa.FixedSizeListArray.from_arrays(nulls(), 2**31 - 1), ["Array", 2**31 - 1, ["Null"]]
        ),
        "polars, records of nothing": made(nothing, ["Struct", []]),
    }
