"""Adds the bodies of values that are not here yet. What is here is never written again.

Each body is what this version of the package, or an older one, stored for the value that its
Python expression in `manifest.json` makes. `test_stored_values.py` reads them all, in every later
version. Run: python tests/bodies/write.py
"""
# ruff: noqa: E501 - one value a line reads as a table

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
MANIFEST = FOLDER / "manifest.json"

EXPRESSIONS = {
    "json": [
        "None",
        "{'a': [1, 2.5, -0.0, inf, None, True], 'ä\\0\\ud83d': 2**3000}",
        "[(1,), {2}, frozenset({'a'}), {1: (2,)}, {'$tuple': 1}, range(1, 9, 2), b'a', bytearray(b'b')]",
        "[dt.date(2026, 1, 2), dt.time(1, 2, fold=1), dt.timedelta(-1, 2, 3), D('1.50'), UUID(int=5)]",
        "[dt.datetime(2026, 1, 2, tzinfo=zone('Europe/Berlin')), dt.datetime(1, 1, 1, tzinfo=dt.timezone.utc)]",
        "[complex(1, -0.0), '\\ud83d\\ude00']",
        "[np.int8(1), np.float32(0.1), np.datetime64('2026-01-02'), np.str_('a\\0'), np.ma.masked]",
        "[np.float64('nan'), np.complex64(1j), np.bool_(True), np.array([(1, 2.5)], '<i4,<f8')[0]]",
        "[pd.Timestamp('2026-01-02', tz=zone('Europe/Berlin')), pd.Timedelta(5, 'ms'), pd.NaT, pd.NA]",
        "[pd.Period('2026-01', 'M'), pd.Interval(0, 1.5, 'both'), pd.offsets.MonthEnd(2)]",
        "[Point(1, (2,)), Colour.RED, Pair(1, 2), Fraction(1, 3)]",
        "[Point(1, {'a': (2,)}), Strict(1, 'text', Point(2), Inner((3,))), Visit(4, None)]",
        "[Model(name='a', inner=Model(name='b', more=(1,))), Settings()]",
    ],
    "json+zstd": ["{'text': 'some text ' * 10000}"],
    "bytes": ["b''", "bytes(range(256))"],
    "bytes+zstd": ["bytes(100000)"],
    "bundle": [
        "{'f': pd.DataFrame({'a': [1]}), 'x': [np.arange(3), (b'x' * 40000,)], 2: pd.Index([1])}",
        "[bytearray(b'y' * 40000), Point(np.zeros(2), None)]",
    ],
    "numpy.array": [
        "np.arange(6.0).reshape(2, 3)",
        "np.asfortranarray(np.arange(6, dtype='>i2').reshape(2, 3))",
        "np.array(1.5 + 2j)",
        "np.zeros((3, 0), '?')",
        "np.array(['ä', 'b'])",
        "np.array([b'a'], 'S3')",
        "np.array(['2026-01', 'NaT'], 'M8[M]')",
        "np.array([1, -1], 'm8[25s]')",
        "np.array([(1, 'a', [[1.5]])], [('i', '<i4'), ('s', '<U2'), ('m', '<f8', (1, 1))])",
        "np.zeros(2, np.dtype([('a', 'i1'), ('b', '<f8')], align=True))",
        "np.zeros(1, np.dtype('<f8', metadata={'unit': 'm'}))",
        "cells(1, 'a', None, (2,), pd.NaT)",
        "cells(np.arange(2), None)",
        "cells(cells(cells(cells(cells(np.arange(2))))))",
        "np.array(['a', 'ä' * 20, None], np.dtypes.StringDType(na_object=None))",
    ],
    "numpy.array+zstd": ["np.zeros(20000)"],
    "numpy.masked": [
        "np.ma.array([1, 2, 3], mask=[0, 1, 0])",
        "np.ma.array([1.5], fill_value=-1, hard_mask=True)",
    ],
    "pandas.frame": [
        "pd.DataFrame()",
        "pd.DataFrame(np.arange(6.0).reshape(2, 3))",
        "pd.DataFrame({'i': [1, 2], 'f': [0.5, nan], 'b': [True, False], 't': pd.to_datetime(['2026-01-02', None])})",
        "pd.DataFrame({'c': pd.Categorical(['a', None]), 'n': pd.array([1, None], 'Int8'), 'o': cells(1, [2])})",
        "pd.DataFrame({'s': pd.array(['a', None], 'string[python]'), 'p': pd.array(['a', None], 'string[pyarrow]')})",
        "pd.DataFrame({'z': pd.date_range('2026', periods=2, tz=zone('Europe/Berlin')), 'p': pd.period_range('2026', periods=2, freq='D')})",
        "pd.DataFrame({'i': pd.interval_range(0, 2), 'l': pd.array([[1], None], pd.ArrowDtype(pa.list_(pa.int64())))})",
        "pd.DataFrame({'a': pd.arrays.SparseArray([0.0, 1.5]), 'b': pd.arrays.SparseArray([0.0, 0.0])})",
        "pd.DataFrame([[1, 2]], pd.MultiIndex.from_tuples([(1, 'a')]), pd.Index(['x', 'x'], name='n', dtype=object))",
        "pd.DataFrame(np.arange(3, dtype='>f8').reshape(1, 3), columns=pd.RangeIndex(0, 6, 2))",
        "pd.DataFrame({'a': [1, 2]}, pd.date_range('2026', periods=2, freq='2D'))",
        "with_attrs(pd.DataFrame({'a': [1]}), unit='m', since=dt.date(2026, 1, 2))",
        "with_attrs(pd.DataFrame({'a': [1]}), array=np.arange(3), frames=[pd.DataFrame({'b': ['x']})])",
        "pd.DataFrame({'a': cells(np.arange(2.0), {'x': np.arange(2)}, pd.Series([1]))})",
    ],
    "pandas.frame+zstd": ["pd.DataFrame({'a': np.zeros(20000), 'b': np.arange(20000) % 7})"],
    "pandas.series": [
        "pd.Series([1.5, None], ['a', 'b'], name='x')",
        "pd.Series(cells(pd.Timestamp(0), pd.NA, np.int8(1)))",
        "with_attrs(pd.Series([1, 2]), array=np.arange(3), text=b'x' * 40000)",
    ],
    "pandas.index": [
        "pd.RangeIndex(1, 9, 2, name='r')",
        "pd.date_range('2026', periods=3, freq='2h')",
        "pd.CategoricalIndex(['b', 'a'], ['b', 'a'])",
        "pd.MultiIndex.from_product([[1, 2], [0.5]], names=['x', None])",
    ],
    "pandas.array": [
        "pd.array([1, None], 'Int64')",
        "pd.date_range('2026', periods=3).array",
        "pd.arrays.NumpyExtensionArray(np.array([1, 2]))",
    ],
    "scipy.sparse": [
        f"sparse.{layout}_{shape}(np.array([[0, 1.5, 0], [2.5, 0, 0]]))"
        for layout in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
        for shape in ("array", "matrix")
    ] + ["sparse.coo_array([0, 1.5, 0])"],
    "pyarrow.table": ["pa.table({'a': [1, None], 'b': [['x'], []]}).replace_schema_metadata({'m': 'n'})"],
    "pyarrow.batch": ["pa.record_batch({'a': [1, None]})"],
    "pyarrow.array": ["pa.array(['x', 'y', 'x']).dictionary_encode()"],
    "pyarrow.chunks": ["pa.chunked_array([[1], [], [2, None]])"],
    "polars.frame": [
        "pl.DataFrame({'a': [1, None], 'b': ['x', None], 'c': [[1], []], 'd': [dt.date(2026, 1, 2), None]})",
        "pl.DataFrame({'e': pl.Series(['a'], dtype=pl.Enum(['b', 'a'])), 's': [{'x': 1.5}]})",
    ],
    "polars.series": ["pl.Series('n', [1, None], dtype=pl.Int8)"],
    "PIL.image": [
        "Image.linear_gradient('L').resize((5, 3)).convert('RGB')",
        "Image.linear_gradient('L').resize((5, 3)).quantize(3)",
        "Image.new('1', (9, 2), 1)",
    ],
    "file": ["StoredFile(b'a,b', name='t.csv', type='text/csv')"],
    "io.BytesIO": ["io.BytesIO(b'abc')"],
    "io.StringIO": ["io.StringIO('a\\nä')"],
}  # fmt: skip


def main() -> None:
    sys.path[:0] = [str(FOLDER.parent), str(FOLDER.parent / "unit")]
    from test_stored_values import made_of

    from streamlit_pgstate.codecs import encode

    manifest: list[dict[str, Any]] = json.loads(MANIFEST.read_text()) if MANIFEST.exists() else []
    known = {entry["value"] for entry in manifest}
    for kind, expressions in EXPRESSIONS.items():
        for number, expression in enumerate(expressions):
            if expression in known:
                continue
            payload = encode(made_of(expression), key="k")
            if payload.kind != kind:
                raise SystemExit(f"{expression} is of the kind {payload.kind}")
            name = f"{re.sub('[^a-z]+', '-', kind.lower())}-{number}.body"
            with (FOLDER / name).open("xb") as file:
                file.write(payload.body)
            manifest.append({"kind": kind, "file": name, "value": expression})
    MANIFEST.write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
