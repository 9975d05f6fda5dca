"""The words of error messages about refused values: what it is, and what to type instead.

They never show a value. In what they tell the reader to type, ``value`` is the refused value.
`WAYS`, `METHODS` and `RESOURCES` are the advice as data. A test types each of them, and stores and
reads back what that gives.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from inspect import Parameter, signature
from typing import Any, cast

from . import members, registered
from .fields import is_registrable
from .kinds import PLAIN, is_kept
from .payload import RefusedError
from .places import is_there, line_name, short_name

__all__ = [
    "METHODS",
    "RESOURCES",
    "WAYS",
    "class_name",
    "classes",
    "describe",
    "shown",
    "unhashable",
]

_KEY_IN_MESSAGE = 40  # characters
_LEVELS = 3  # of containers in each other, into which advice looks


def shown(key: object) -> str:
    """Return a key or a label as messages show it: at most 40 characters."""
    text = repr(key) if type(key) in PLAIN else class_name(type(key))
    return text if len(text) <= _KEY_IN_MESSAGE else text[: _KEY_IN_MESSAGE - 1] + "…"


def class_name(kind: type) -> str:
    """Return the name of a class for messages: with its module, unless it is built in."""
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def describe(value: object) -> str:
    """Say of what class a refused value is, and what to type."""
    name = class_name(type(value))
    article = "an" if name[0].lower() in "aeiou" else "a"
    if RESOURCES.intersection(map(class_name, type(value).__mro__)):
        return (
            f"{article} {name}, which cannot outlive its process. Make it in a function under "
            "`@st.cache_resource`, and keep what that function is called with"
        )
    # Each call of DataFrame.itertuples makes another class, which stands nowhere.
    if hasattr(type(value), "_asdict") and not is_there(type(value)):
        return f"{article} {name}, which cannot be kept exactly. {_keep('value._asdict()')}"
    if name in _NAMED_TUPLES_OF_OTHER_VALUES or _has_more_than_fields(value):
        return f"{article} {name}, which cannot be kept exactly. {_advice(value)}"
    if is_registrable(type(value)):
        return f"{article} {name}, which is not registered. {_line(type(value))}"
    return f"{article} {name}, which cannot be kept exactly. {_advice(value)}"


# --- the line that registers a class -----------------------------------------------------


def _line(cls: type) -> str:
    if module := _library_module(cls):
        return (
            "Add a line that registers all classes of its module, at the top of the script: "
            f"`import {module}; pgstate.register({module})`"
        )
    name = short_name(cls)
    if registered.is_taken(name):
        name = f"{str(cls.__module__).rpartition('.')[2].strip('_')}_{name}"
    line = f'pgstate.register({line_name(cls)}, name="{name}")'
    if imported := _import_of(cls):
        return f"Add a line that registers its class, at the top of the script: `{imported}{line}`"
    return (
        "Add a line that registers its class, at the top of the script or below the class: "
        f"`{line}`"
    )


def _import_of(cls: type) -> str:
    """Return the statement that imports a class which the script may not have imported."""
    if not _is_of_library(cls) or "<locals>" in cls.__qualname__:
        return ""
    outermost = cls.__qualname__.partition("[")[0].partition(".")[0]
    return f"from {cls.__module__} import {outermost}; "


def _is_of_library(cls: type) -> bool:
    """Whether the class is not of the app itself: the script may not have imported it."""
    module = str(cls.__module__)
    file = str(getattr(sys.modules.get(module), "__file__", ""))
    is_installed = "site-packages" in file or "dist-packages" in file
    return is_installed or module.partition(".")[0] in sys.stdlib_module_names - {"__main__"}


def _library_module(cls: type) -> str | None:
    """Find the module of an installed library by which all its classes can be registered.

    That is the outermost package around the class that shows it: of a class that is defined in
    ``langchain_core.messages.human`` it is ``langchain_core.messages``.
    """
    if not _is_of_library(cls):
        return None
    steps = str(cls.__module__).split(".")
    for end in range(1, len(steps) + 1):
        name = ".".join(steps[:end])
        module = sys.modules.get(name)
        if module is not None and cls in members.classes_of(module):
            return name
    return None


# --- what to keep instead ----------------------------------------------------------------

# class name: what to type for a value of it, or of a subclass. The last statement is what to keep.
_PNG = "png = io.BytesIO(); {}.savefig(png, format='png'); png.getvalue()"
WAYS = {
    # subclasses of what is kept
    **{f"{base}": f"{base}(value)" for base in (
        *("int", "float", "complex", "bytes", "bytearray", "list", "tuple", "dict", "set"),
        *("frozenset", "decimal.Decimal"),
    )},
    "str": "str.__str__(value)",
    "datetime.datetime": "datetime.datetime.fromisoformat(value.isoformat())",
    "datetime.date": "datetime.date.fromordinal(value.toordinal())",
    "datetime.time": "datetime.time.fromisoformat(value.isoformat())",
    "datetime.timedelta": "datetime.timedelta(value.days, value.seconds, value.microseconds)",
    "uuid.UUID": "uuid.UUID(int=value.int)",
    "_io.BytesIO": "io.BytesIO(value.getvalue())",
    "_io.StringIO": "io.StringIO(value.getvalue())",
    "numpy.ndarray": "numpy.asarray(value)",
    "numpy.ma.MaskedArray": "numpy.ma.asarray(value)",
    "numpy.ma.core.MaskedArray": "numpy.ma.asarray(value)",
    "numpy.ma.mvoid": "value.tolist()",
    "numpy.ma.core.mvoid": "value.tolist()",
    "pandas.DataFrame": "pandas.DataFrame(value)",
    "pandas.core.frame.DataFrame": "pandas.DataFrame(value)",
    "pandas.Series": "pandas.Series(value)",
    "pandas.core.series.Series": "pandas.Series(value)",
    "pandas.Index": "pandas.Index(list(value), name=value.name)",
    "pandas.core.indexes.base.Index": "pandas.Index(list(value), name=value.name)",
    # views, code, and what comes once
    **dict.fromkeys(("dict_keys", "dict_values", "dict_items"), "list(value)"),
    **dict.fromkeys(("odict_keys", "odict_values", "odict_items"), "list(value)"),
    "collections.abc.Mapping": "dict(value)",
    "collections.abc.Set": "set(value)",
    "collections.abc.Sequence": "list(value)",
    "collections.abc.MappingView": "list(value)",
    "collections.UserString": "str(value)",
    **dict.fromkeys(
        ("function", "method", "builtin_function_or_method", "method_descriptor", "module",
         "numpy.ufunc"), "value.__name__"
    ),
    "type": "value.__qualname__",
    "functools.partial": "[value.args, value.keywords]",
    "types.GenericAlias": "str(value)",
    "types.UnionType": "str(value)",
    "typing._Final": "str(value)",
    "ellipsis": "str(value)",
    **dict.fromkeys(("itertools.count", "itertools.cycle"), "next(value)"),
    "coroutine": "asyncio.run(value)",
    "_asyncio.Future": "value.result()",
    "concurrent.futures._base.Future": "value.result()",
    "weakref.ReferenceType": "value()",
    "BaseException": "''.join(traceback.format_exception(value))",
    "re.Match": "[value.group(), *value.groups()]",
    "memoryview": "bytes(value)",
    "collections.deque": "list(value)",
    "fractions.Fraction": "fractions.Fraction(value)",
    "collections.ChainMap": "dict(value)",
    "array.array": "numpy.asarray(value)",
    "types.SimpleNamespace": "vars(value)",
    "argparse.Namespace": "vars(value)",
    "string.Template": "value.template",
    "random.Random": "value.getstate()",
    "queue.Queue": "list(value.queue)",
    "inspect.Signature": "str(value)",
    "decimal.Context": "str(value)",
    "statistics.NormalDist": "[value.mean, value.stdev]",
    # files and paths
    "pathlib.PurePath": "str(value)",
    "pathlib._local.PurePath": "str(value)",
    "_io.BufferedWriter": "value.name",
    "_io._IOBase": "value.read()",
    "tempfile._TemporaryFileWrapper": "value.read()",
    "tempfile.TemporaryDirectory": "value.name",
    "posix.DirEntry": "value.path",
    "nt.DirEntry": "value.path",
    "zipfile.ZipFile": "{name: value.read(name) for name in value.namelist()}",
    "configparser.RawConfigParser": "{name: dict(value[name]) for name in value}",
    "http.cookies.BaseCookie": "{name: part.value for name, part in value.items()}",
    "email.message.Message": "value.as_bytes()",
    "xml.etree.ElementTree.Element": "xml.etree.ElementTree.tostring(value)",
    "xml.etree.ElementTree.ElementTree": "xml.etree.ElementTree.tostring(value.getroot())",
    "ipaddress._IPAddressBase": "str(value)",
    "zoneinfo.ZoneInfo": "value.key",
    # databases and the web
    "sqlite3.Row": "dict(value)",
    "sqlalchemy.engine.row.Row": "value._asdict()",
    "sqlalchemy.engine.row.RowMapping": "dict(value)",
    "sqlalchemy.engine.result.Result": "[row._asdict() for row in value]",
    "requests.models.Response": "value.content",
    "httpx.Response": "value.content",
    "httpx.URL": "str(value)",
    "sqlalchemy.engine.url.URL": "value.render_as_string(hide_password=False)",
    "sqlalchemy.sql.elements.CompilerElement": "str(value)",
    "bs4.element.PageElement": "str(value)",
    "bs4.element.ResultSet": "[str(tag) for tag in value]",
    "lxml.etree._Element": "lxml.etree.tostring(value)",
    "streamlit.runtime.state.query_params_proxy.QueryParamsProxy": "value.to_dict()",
    "streamlit.runtime.state.session_state_proxy.SessionStateProxy": "value.to_dict()",
    # tables and numbers
    "numpy.poly1d": "value.coeffs",
    "numpy.polynomial._polybase.ABCPolyBase": "value.coef",
    "numpy.random._generator.Generator": "value.bit_generator.state",
    "numpy.random.bit_generator.BitGenerator": "value.state",
    "numpy.random.mtrand.RandomState": "value.get_state()",
    "pandas.core.groupby.groupby.BaseGroupBy": "value.obj",
    "pandas.core.window.rolling.BaseWindow": "value.obj",
    "pandas.io.formats.style.Styler": "value.data",
    "pandas.io.excel._base.ExcelFile": "value.parse(None)",
    "pandas.ExcelFile": "value.parse(None)",
    "pandas.core.dtypes.base.ExtensionDtype": "str(value)",
    "pandas.api.extensions.ExtensionDtype": "str(value)",
    "polars.lazyframe.frame.LazyFrame": "value.collect()",
    "polars.dataframe.group_by.GroupBy": "value.df",
    "polars.expr.expr.Expr": "value.meta.serialize()",
    "polars.datatypes.classes.DataType": "str(value)",
    "polars.schema.Schema": "{name: str(kind) for name, kind in value.items()}",
    "pyarrow.lib.Scalar": "value.as_py()",
    "pyarrow.lib.Schema": "value.serialize().to_pybytes()",
    "pyarrow.lib.DataType": "str(value)",
    "pyarrow.lib.Field": "[value.name, str(value.type), value.nullable]",
    "pyarrow.lib.Buffer": "value.to_pybytes()",
    "pyarrow.lib.RecordBatchReader": "value.read_all()",
    "pyarrow._dataset.Dataset": "value.to_table()",
    "duckdb.duckdb.DuckDBPyRelation": "value.df()",
    "_duckdb.DuckDBPyRelation": "value.df()",
    "duckdb._relation.DuckDBPyRelation": "value.df()",
    "xarray.core.dataset.Dataset": "value.to_dict()",
    # figures and geometry
    "plotly.basedatatypes.BaseFigure": "plotly.graph_objects.Figure(value)",
    "plotly.basedatatypes.BasePlotlyType": "value.to_plotly_json()",
    "narwhals.dataframe.DataFrame": "value.to_native()",
    "shapely.prepared.PreparedGeometry": "value.context",
    "shapely.strtree.STRtree": "value.geometries",
    "matplotlib.figure.FigureBase": _PNG.format("value"),
    "matplotlib.artist.Artist": _PNG.format("value.figure"),
    "matplotlib.container.Container": _PNG.format("value[0].figure"),
    "seaborn.axisgrid.Grid": _PNG.format("value"),
    "pydeck.bindings.deck.Deck": "value.to_json()",
    "graphviz.base.Base": "value.source",
    "networkx.classes.graph.Graph": "networkx.node_link_data(value, edges='edges')",
    "folium.folium.Map": "value.get_root().render()",
    "sympy.core.basic.Basic": "sympy.srepr(value)",
    # models and tensors
    "torch.Tensor": "value.numpy(force=True)",
    "torch.dtype": "str(value)",
    "torch.device": "str(value)",
    "torch.nn.modules.module.Module": (
        "{name: part.numpy(force=True) for name, part in value.state_dict().items()}"
    ),
    "keras.src.models.model.Model": "[value.to_json(), value.get_weights()]",
    "sklearn.base.BaseEstimator": "skops.io.dumps(value)",
    "xgboost.core.Booster": "bytes(value.save_raw())",
    "lightgbm.basic.Booster": "value.model_to_string()",
    "statsmodels.base.wrapper.ResultsWrapper": "value.params",
    "google.protobuf.message.Message": "value.SerializeToString()",
    "google._upb._message.Message": "value.SerializeToString()",
    "spacy.tokens.doc.Doc": "value.to_bytes()",
    "pydantic.main.BaseModel": "value.model_dump()",
    "pydantic.v1.main.BaseModel": "value.dict()",
    "pydantic.types._SecretBase": "value.get_secret_value()",
    "pydantic.types.Secret": "value.get_secret_value()",
    "pydantic.networks._BaseUrl": "str(value)",
    "pydantic.networks._BaseMultiHostUrl": "str(value)",
}  # fmt: skip

# a method or attribute of the class: what to type for any other value that has it
METHODS = {
    "_sa_class_manager": (
        "{name: getattr(value, name) for name in value.__mapper__.column_attrs.keys()}"
    ),
    "__next__": "list(value)",
    "toPandas": "value.toPandas()",
    "to_pandas": "value.to_pandas()",
    "numpy": "value.numpy()",
    "to_dict": "value.to_dict()",
    "__array__": "numpy.asarray(value)",
}

RESOURCES = frozenset(
    {
        *("_thread.lock", "_thread.RLock", "_thread._local", "threading.Thread"),
        *("threading.Event", "threading.Condition", "threading.Semaphore", "threading.Barrier"),
        *("_socket.socket", "subprocess.Popen", "asyncio.events.AbstractEventLoop"),
        *("concurrent.futures._base.Executor", "multiprocessing.process.BaseProcess"),
        *("_queue.SimpleQueue", "multiprocessing.queues.Queue", "_contextvars.Context"),
        *("sqlite3.Connection", "psycopg._connection_base.BaseConnection", "psycopg2.connection"),
        *("sqlalchemy.engine.base.Engine", "sqlalchemy.engine.base.Connection"),
        *("sqlalchemy.orm.session.Session", "streamlit.connections.base_connection.BaseConnection"),
        *("_duckdb.DuckDBPyConnection", "duckdb.duckdb.DuckDBPyConnection", "redis.client.Redis"),
        *("pymongo.synchronous.mongo_client.MongoClient", "botocore.client.BaseClient"),
        *("requests.sessions.Session", "httpx._client.BaseClient", "httpx.Client"),
        *(
            "httpx.AsyncClient",
            "openai._base_client.BaseClient",
            "anthropic._base_client.BaseClient",
        ),
        *("langchain_core.language_models.base.BaseLanguageModel",),
        *("streamlit.delta_generator.DeltaGenerator",),
    }
)
"""Names of classes whose values last as long as their process, and no longer."""


_NAMED_TUPLES_OF_OTHER_VALUES = {"sqlalchemy.engine.url.URL"}
"""NamedTuples of which a field is always of a class that is refused."""

_PLACE = "streamlit.delta_generator.DeltaGenerator"


def _advice(value: object) -> str:
    # Not isinstance, which reads value.__class__: some lazy objects raise an error then.
    if _is_numpy_type(value):
        return _keep("numpy.dtype(value)")
    if _has_more_than_fields(value):
        return _keep("{**value._asdict(), **vars(value)}")
    for base in map(class_name, type(value).__mro__):
        if base == _PLACE:
            return "It is a place on this page. Keep what you write there"
        if base == "_io._IOBase" and _is_only_written(value):
            return _keep("value.name")
        if base in WAYS:
            return _keep(WAYS[base])
    if hasattr(type(value), "fit") and hasattr(type(value), "predict"):
        return (
            "Keep the bytes of skops or ONNX, or the pathlib.Path of its file instead: see «Fitted "
            "models» in docs/values.md"
        )
    for name, way in METHODS.items():
        if hasattr(type(value), name):
            return _keep(way)
    return _own_class(value)


def _keep(way: str) -> str:
    before, _, kept = way.rpartition("; ")
    return f"Type `{before}` and keep `{kept}` instead" if before else f"Keep `{kept}` instead"


def _is_numpy_type(value: object) -> bool:
    generic = getattr(sys.modules.get("numpy"), "generic", None)
    if generic is None or not issubclass(type(value), type):
        return False
    kind: Any = value  # not isinstance, which reads value.__class__
    return generic in type.mro(kind)


def _own_class(value: object) -> str:
    """Say what to do about a class of which nothing is known but its attributes."""
    held = getattr(value, "__dict__", None)
    line, name = line_name(type(value)), short_name(type(value))
    functions = f'pgstate.register({line}, name="{name}", dump=…, load=…)'
    if type(held) is not dict or not all(map(_is_kept, held.values())):
        return (
            "Keep its data instead, as plain values of Python, arrays or frames, or write "
            f"functions for {functions}"
        )
    if _is_made_of(type(value), held):
        return (
            "Add a line that registers its class: "
            f'`{_import_of(type(value))}pgstate.register({line}, name="{name}", dump=vars, '
            "load=lambda found: "
            f"{line}(**found))`"
        )
    return f"Keep `vars(value)` instead, or write functions for {functions}"


def _is_kept(value: object) -> bool:
    """Whether a value may be kept, as far as its class and the first ones inside it tell."""
    for _ in range(_LEVELS):
        if type(value) in {list, tuple, set, frozenset} and value:
            (value, *_) = cast(Iterable[object], value)
        elif type(value) is dict and value:
            value = next(iter(value.values()))
    return is_kept(type(value)) or registered.find(type(value)) is not None


def _has_more_than_fields(value: object) -> bool:
    """Whether it is a NamedTuple with further attributes, as the results of scipy.stats have."""
    return hasattr(type(value), "_asdict") and bool(getattr(value, "__dict__", None))


def _is_only_written(value: Any) -> bool:
    try:
        return not value.readable()
    except Exception:  # noqa: BLE001  # a file that is closed, or one of the user's own
        return False


def _is_made_of(cls: type, held: dict[str, object]) -> bool:
    try:
        parameters = signature(cls).parameters.values()
    except (TypeError, ValueError):
        return False
    by_name = [part.name for part in parameters if part.kind in _BY_NAME]
    return len(by_name) == len(parameters) and set(by_name) == held.keys()


_BY_NAME = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


def classes(values: Sequence[object]) -> set[type]:
    """Return the set of the values' classes."""
    try:
        return set(map(type, values))
    except TypeError:  # a class without a hash, which the caller's next step refuses
        return {object, type}


def unhashable(value: object) -> RefusedError | None:
    """Return the error for a value whose class has no hash; None for any other value."""
    try:
        hash(type(value))
    except TypeError:
        name = class_name(type(value))
        return RefusedError(
            f"of the class {name}, which has no hash, by its metaclass "
            f"{type(type(value)).__name__}. Keep its data as plain values, arrays or frames"
        )
    return None
