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
from hashlib import sha256
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
MANIFEST = FOLDER / "manifest.json"


def _of_int_keys(expression: str) -> str:
    """Before the classes of keys were kept, all keys of a dok came back as int."""
    return f"with_int_keys({expression})" if "dok" in expression else expression


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
        "[c.defaultdict(list, a=[1]), c.OrderedDict(b=1, a=2), c.Counter('aab'), c.deque([1], 2), c.ChainMap({1: 2})]",
        "[types.SimpleNamespace(a=1), types.MappingProxyType({'a': 1}), slice(1, None, 2), array('d', [1.5]), array('u', 'ä')]",
        "[Fraction(1, 3) + 1, PurePosixPath('a/b'), PureWindowsPath('c:/a'), re.compile('a+', re.I), re.compile(b'a')]",
        "[ip.ip_address('10.0.0.1'), ip.ip_network('10.0.0.0/8'), ip.ip_interface('fe80::1%eth0/64'), ip.ip_address('::1')]",
        "[zone('Europe/Berlin'), dt.timezone(dt.timedelta(hours=1), 'CET'), dt.timezone.utc]",
        "[dt.datetime(2026, 7, 1, tzinfo=zone_of_dateutil('Europe/Berlin')), dt.time(1, tzinfo=zone_of_dateutil('UTC'))]",
        "[AttributeDictionary(selection={'rows': [1]}), ChatInputValue('a', [])]",
        "[np.dtype('>i2'), np.dtype([('a', 'O'), ('b', '<f8', (2,))]), pd.Int8Dtype(), pd.CategoricalDtype(), pd.IntervalDtype('int64')]",
        "[pd.DateOffset(months=1, days=2), pd.DateOffset(3, normalize=True)]",
        "[shapely.Point(1, 2), {shapely.from_wkt('LINEARRING Z (0 0 1, 1 0 1, 1 1 1, 0 0 1)'): 1}]",
        "shapely.set_srid(shapely.from_wkt('GEOMETRYCOLLECTION (POINT M (1 2 3), MULTIPOLYGON EMPTY)'), 4326)",
        "[pyproj.CRS('EPSG:4326'), pyproj.CRS('+proj=utm +zone=33'), pyproj.CRS(pyproj.CRS(4979).to_wkt())]",
        "[UUID(int=5, is_safe=SafeUUID.safe), UUID(int=5, is_safe=SafeUUID.unsafe)]",
        "[Point(1, {'a': (2,)}), Strict(1, 'text', Point(2), Inner((3,))), Visit(4, None)]",
        "[Model(name='a', inner=Model(name='b', more=(1,))), Settings()]",
    ],
    "json+zstd": ["{'text': 'some text ' * 10000}"],
    "bytes": ["b''", "bytes(range(256))"],
    "bytes+zstd": ["bytes(100000)"],
    "bundle": [
        "{'f': pd.DataFrame({'a': [1]}), 'x': [np.arange(3), (b'x' * 40000,)], 2: pd.Index([1])}",
        "[bytearray(b'y' * 40000), Point(np.zeros(2), None)]",
        "[c.deque([np.arange(3)]), array('q', range(5000)), pd.CategoricalDtype(['b', 'a'], ordered=True)]",
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
        "pd.concat([pd.DataFrame({char: np.array([1, 2], char)}) for char in 'qlQ'], axis=1)",
        "noted(pd.DataFrame({'a': [1]}), name='sales', since=dt.date(2026, 1, 2))",
        "noted(pd.DataFrame({'a': [1]}), array=np.arange(3))",
    ],
    "pandas.frame+zstd": ["pd.DataFrame({'a': np.zeros(20000), 'b': np.arange(20000) % 7})"],
    "pandas.series": [
        "pd.Series([1.5, None], ['a', 'b'], name='x')",
        "pd.Series(cells(pd.Timestamp(0), pd.NA, np.int8(1)))",
        "with_attrs(pd.Series([1, 2]), array=np.arange(3), text=b'x' * 40000)",
        "pd.Series(np.array([1, -1], 'q'))",
    ],
    "pandas.index": [
        "pd.RangeIndex(1, 9, 2, name='r')",
        "pd.date_range('2026', periods=3, freq='2h')",
        "pd.CategoricalIndex(['b', 'a'], ['b', 'a'])",
        "pd.MultiIndex.from_product([[1, 2], [0.5]], names=['x', None])",
        "pd.date_range('2026-01-31', periods=3, freq=pd.DateOffset(months=2))",
        "pd.MultiIndex([['a', nan], [1, 1]], [[0, 1, -1], [0, 1, 1]], verify_integrity=False)",
        "pd.MultiIndex([range(300), ['x']], [[1, 0], [0, 0]]).set_levels([['a', 'b']], level=[0])",
    ],
    "pandas.array": [
        "pd.array([1, None], 'Int64')",
        "pd.date_range('2026', periods=3).array",
        "pd.arrays.NumpyExtensionArray(np.array([1, 2]))",
        "pd.array([1, None, 3, 4], 'Int64').reshape(2, 2)",
        "pd.arrays.NumpyExtensionArray(np.arange(6.0).reshape(3, 2))",
    ],
    "scipy.sparse": [
        _of_int_keys(f"sparse.{layout}_{shape}(np.array([[0, 1.5, 0], [2.5, 0, 0]]))")
        for layout in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
        for shape in ("array", "matrix")
    ] + [
        "sparse.coo_array([0, 1.5, 0])",
        "sparse.dok_array(np.array([[0, 1.5, 0], [2.5, 0, 0]]))",
        "with_item(sparse.dok_matrix(np.array([[0, 1.5, 0], [2.5, 0, 0]])))",
        "noted(sparse.csr_array(np.array([[0, 1.5]])), note=np.arange(3), maxprint=7)",
    ],
    "pyarrow.table": ["pa.table({'a': [1, None], 'b': [['x'], []]}).replace_schema_metadata({'m': 'n'})"],
    "pyarrow.batch": ["pa.record_batch({'a': [1, None]})"],
    "pyarrow.array": ["pa.array(['x', 'y', 'x']).dictionary_encode()"],
    "pyarrow.chunks": ["pa.chunked_array([[1], [], [2, None]])"],
    "polars.frame": [
        "pl.DataFrame({'a': [1, None], 'b': ['x', None], 'c': [[1], []], 'd': [dt.date(2026, 1, 2), None]})",
        "pl.DataFrame({'e': pl.Series(['a'], dtype=pl.Enum(['b', 'a'])), 's': [{'x': 1.5}]})",
        "pl.DataFrame({'a': pl.Series([1, 2]).sort(), 'b': [2, 1], 'c': pl.Series(['b', 'a']).sort(descending=True)})",
    ],
    "polars.series": [
        "pl.Series('n', [1, None], dtype=pl.Int8)",
        "pl.Series('n', [3, 1, 2]).sort()",
    ],
    "PIL.image": [
        "Image.linear_gradient('L').resize((5, 3)).convert('RGB')",
        "Image.linear_gradient('L').resize((5, 3)).quantize(3)",
        "Image.new('1', (9, 2), 1)",
    ],
    "plotly.figure": [  # the order of the default template is another one in each process
        "go.Figure(layout={'template': {}})",
        "go.Figure([go.Scatter(x=np.arange(3), y=[1, None, 2.5]), go.Bar(x=[dt.date(2026, 1, 2)], y=(1,))], {'title': 'ä', 'template': {}})",
        "go.Figure(go.Bar(y=[1]), {'xaxis2': {'title': 'x'}}, [{'data': [go.Bar(y=[2])], 'name': 'f'}]).update_layout(template=None)",
        "make_subplots(1, 2, specs=[[{'secondary_y': True}, {'type': 'polar'}]]).update_layout(template=None)",
    ],
    "altair.chart": [
        "alt.Chart(with_attrs(pd.DataFrame({'a': [1, 2]}, [5, 6]), unit='m')).mark_bar(size=3).encode(x='a', color=alt.value('red'))",
        "alt.Chart('u.csv').mark_line().encode(x=alt.X('a:Q', bin=True)).transform_filter(alt.datum.a > 1).interactive(name='i')",
        "(alt.Chart({'values': [{'a': 1}]}).mark_point() | alt.Chart('v.csv').mark_rule()) & alt.Chart().mark_bar()",
        "alt.layer(alt.Chart('u.csv').mark_line(), alt.Chart('u.csv').mark_area()).facet('a:N', data='u.csv')",
        "alt.Chart('u.csv').mark_line(opacity=alt.param('p', value=1)).encode(alt.X(alt.repeat('row'), type='ordinal')).repeat(row=['a'])",
    ],
    "geopandas.frame": [
        "gpd.GeoDataFrame({'a': [1, 2]}, geometry=[shapely.Point(1, 2), None], crs='EPSG:4326')",
        "gpd.GeoDataFrame({'g': gpd.GeoSeries.from_wkt(['LINEARRING (0 0, 1 0, 1 1, 0 0)']), 'h': gpd.GeoSeries([shapely.Point(1, 2)], crs=3857)}, index=['x']).set_geometry('h')",
    ],
    "geopandas.series": ["gpd.GeoSeries([shapely.Point(1, 2), shapely.Point()], ['a', 'b'], crs='OGC:CRS84', name='n')"],
    "geopandas.array": ["gpd.GeoSeries([shapely.box(0, 0, 1, 2), None]).array"],
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
        for expression in expressions:
            if expression in known:
                continue
            payload = encode(made_of(expression), key="k")
            if payload.kind != kind:
                raise SystemExit(f"{expression} is of the kind {payload.kind}")
            # Not a number: two branches would take the same one.
            own = sha256(expression.encode()).hexdigest()[:8]
            name = f"{re.sub('[^a-z]+', '-', kind.lower())}-{own}.body"
            with (FOLDER / name).open("xb") as file:
                file.write(payload.body)
            manifest.append({"kind": kind, "file": name, "value": expression})
    MANIFEST.write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
