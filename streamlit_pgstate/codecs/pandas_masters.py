"""Masters of pandas frames, Series, indexes and arrays: for `masters`.

`copy` of pandas leaves shared what pandas takes for immutable: labels, categories and the buffers
of Arrow. A caller can change them all the same: labels and categories by ``index.name = …``, their
memory by ``flags.writeable = True``. So both are copied here. The buffers of Arrow are put into
`bytes`, which neither NumPy nor Arrow makes writable.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from .arrow import as_one
from .columns import INDEXES
from .fixed_values import fixed_size, is_fixed
from .master import FindMaster, Master
from .own_attributes import own_attributes

__all__ = ["master_of"]


def master_of(value: Any, find: FindMaster) -> Master | None:
    """Make the master of pandas data; None for what cannot be copied exactly, or not surely.

    Args:
        value: an object of a class of pandas.
        find: makes the masters of what the attrs hold.
    """
    cls = type(value)
    if cls is pd.DataFrame:
        return _frame(value, find)
    if cls is pd.Series:
        return _series(value, find)
    if cls in INDEXES:
        return _index(value)
    if isinstance(value, pd.api.extensions.ExtensionArray):
        return None if own_attributes(value) else _array(value)
    return None


# --- frames and Series ---------------------------------------------------------------------


def _frame(frame: Any, find: FindMaster) -> Master | None:
    index, columns = _index(frame.index), _index(frame.columns)
    attrs = _attrs(frame, find)
    if index is None or columns is None or attrs is None:
        return None
    held = frame.copy()
    held.attrs = {}  # `copy` would make a copy of them, which is not always exact
    anew: dict[int, Callable[[], Any]] = {}
    size = index.size + columns.size + attrs.size
    for place, dtype in enumerate(frame.dtypes):
        if _is_of_bits(dtype):
            size += len(frame) * dtype.itemsize
            continue
        array = frame.iloc[:, place].array
        master = _array(array)
        if master is None:
            return None
        if isinstance(dtype, pd.CategoricalDtype):
            anew[place] = master.copy
        elif _is_in_arrow(dtype):
            held.isetitem(place, master.copy())
        size += master.size
    if not _has_dtypes_of(held, frame):
        return None
    data = _copy_of_data(held, anew)
    allows_duplicates = frame.flags.allows_duplicate_labels

    def copy() -> Any:
        new = data(index.copy(), columns.copy())
        if not allows_duplicates:
            new.flags.allows_duplicate_labels = False
        return _with_attrs(new, attrs)

    return Master(copy, size)


def _copy_of_data(held: Any, anew: dict[int, Callable[[], Any]]) -> Callable[[Any, Any], Any]:
    """Return what makes a frame of an index, of columns, and of a copy of the data.

    A frame of the copied blocks takes half the time of `DataFrame.copy` and further columns.

    Private part: `DataFrame._mgr.blocks`, with `values` and `mgr_locs`, seen in pandas 3.1. Without
    it, and before pandas 3, which has no `create_dataframe_from_blocks`, the frame is copied.

    Args:
        held: the frame. Nobody else has it.
        anew: what copies columns whose own `copy` shares something, by their places.
    """
    made_of: Any = getattr(getattr(pd.api, "internals", None), "create_dataframe_from_blocks", None)
    parts: list[tuple[Callable[[], Any], Any]] = []
    with contextlib.suppress(AttributeError):
        for block in held._mgr.blocks:
            places = block.mgr_locs.as_array
            parts.append((anew.get(int(places[0]), block.values.copy), places))

    def of_blocks(index: Any, columns: Any) -> Any:
        blocks = [(values(), places) for values, places in parts]
        return made_of(blocks, index=index, columns=columns)

    def of_copy(index: Any, columns: Any) -> Any:
        new = held.copy()
        for place, column in anew.items():
            new.isetitem(place, column())
        new.index, new.columns = index, columns
        return new

    return of_blocks if made_of is not None and parts else of_copy


def _has_dtypes_of(held: Any, frame: Any) -> bool:
    """Whether `copy` has kept all dtypes: it puts columns of equal ones together.

    C's long and long long are equal.
    """
    pairs = zip(held.dtypes, frame.dtypes, strict=True)
    return all(_class_of(one) == _class_of(two) for one, two in pairs)


def _class_of(dtype: Any) -> Any:
    return dtype.char if isinstance(dtype, np.dtype) else type(dtype)


def _series(series: Any, find: FindMaster) -> Master | None:
    index, array = _index(series.index), _array(series.array)
    attrs = _attrs(series, find)
    if index is None or array is None or attrs is None or not is_fixed(series.name):
        return None
    dtype, name = series.dtype, series.name
    allows_duplicates = series.flags.allows_duplicate_labels

    def copy() -> Any:
        values = array.copy()
        new = pd.Series(
            values.to_numpy() if isinstance(dtype, np.dtype) else values,
            index.copy(),
            None if isinstance(dtype, pd.CategoricalDtype) else dtype,
            name,
            copy=False,
        )
        _with_attrs(new, attrs)
        new.flags.allows_duplicate_labels = allows_duplicates
        return new

    return Master(copy, array.size + index.size + attrs.size)


def _attrs(data: Any, find: FindMaster) -> Master | None:
    """The master of the attrs; None also if the user has set attributes of their own."""
    if own_attributes(data):
        return None
    return find(data.attrs)


def _with_attrs(data: Any, attrs: Master) -> Any:
    if found := attrs.copy():
        data.attrs = found
    return data


# --- indexes -------------------------------------------------------------------------------


def _index(index: Any) -> Master | None:
    if (
        type(index) not in INDEXES
        or not all(map(is_fixed, index.names))
        or own_attributes(index, ("sortorder",))
    ):
        return None
    if type(index) is pd.MultiIndex:
        return _multi_index(index)
    name = index.name
    if type(index) is pd.RangeIndex:
        start, stop, step = index.start, index.stop, index.step
        return Master(lambda: pd.RangeIndex(start, stop, step, name=name), 200)
    array = _array(index.array)
    if array is None:
        return None
    if type(index) is pd.CategoricalIndex:  # its `copy` shares the categories
        return Master(lambda: _index_of(array.copy(), name), array.size)
    if _is_in_arrow(index.dtype):
        of_arrow = _index_of(array.copy(), name)
        return Master(lambda: of_arrow[:], array.size)  # 3 µs, where `copy` takes 12
    held = index.copy(deep=True)
    if getattr(held.copy(deep=True), "freq", None) != getattr(index, "freq", None):
        return None
    return Master(lambda: held.copy(deep=True), array.size)


def _index_of(array: Any, name: Any) -> Any:
    return pd.Index(array, dtype=array.dtype, name=name, copy=False, tupleize_cols=False)


def _multi_index(index: Any) -> Master | None:
    levels = [level for level in map(_index, index.levels) if level is not None]
    if len(levels) != index.nlevels:
        return None
    codes: list[Any] = [np.array(each) for each in index.codes]
    order, names = index.sortorder, list(index.names)

    def copy() -> Any:
        return pd.MultiIndex(
            [level.copy() for level in levels],
            [each.copy() for each in codes],
            order,
            names,
            verify_integrity=False,  # it would replace codes that point at a missing label
        )

    if any(one.dtype != two.dtype for one, two in zip(copy().codes, codes, strict=True)):
        return None  # pandas chooses their dtype by the size of the level
    sizes = [*(level.size for level in levels), *(each.nbytes for each in codes)]
    return Master(copy, sum(sizes))


# --- arrays --------------------------------------------------------------------------------


def _array(array: Any) -> Master | None:
    """The master of an extension array, or of what ``.array`` gives for an array of NumPy."""
    is_numpy = type(array) is pd.arrays.NumpyExtensionArray
    dtype = array.dtype.numpy_dtype if is_numpy else array.dtype
    if len(array.shape) != 1:
        return None
    if isinstance(dtype, pd.CategoricalDtype):
        return _categorical(array)
    if _is_in_arrow(dtype):
        held = _in_bytes(array)
        return Master(held.copy, int(held.nbytes))
    size = int(array.nbytes)
    if _is_of_objects(dtype):
        of_cells = fixed_size(np.asarray(array, object).tolist())
        if of_cells is None:
            return None
        size += of_cells
    elif not _is_of_bits(dtype) and type(dtype) not in _COPIED:
        return None
    held = array.copy()
    return Master(held.copy, size)


def _categorical(array: Any) -> Master | None:
    categories = _index(array.categories)
    if categories is None:
        return None
    codes, ordered = np.array(array.codes), array.ordered

    def copy() -> Any:
        dtype = _categories_of(categories.copy(), ordered)
        return pd.Categorical.from_codes(codes.copy(), dtype=dtype, validate=False)

    return Master(copy, codes.nbytes + categories.size)


# pandas would look each time if the categories are unique, which takes 50 µs for two of them. Seen
# in pandas 2.2 to 3.1. Without it they are looked at.
_categories_of: Any = getattr(pd.CategoricalDtype, "_from_fastpath", pd.CategoricalDtype)


def _in_bytes(array: Any) -> Any:
    """The same array of Arrow, over the memory of bytes of its own.

    As it is decoded, it is a view of the whole body. So the body is let go, and nothing can write
    to the memory.
    """
    values = as_one(pa.array(array))
    batch = pa.RecordBatch.from_arrays([values], ["values"])
    sink = io.BytesIO()
    with pa.ipc.new_stream(pa.PythonFile(sink, "w"), batch.schema) as stream:
        stream.write_batch(batch)
    copy = pa.ipc.open_stream(sink.getvalue()).read_next_batch().column(0)
    if isinstance(array.dtype, pd.StringDtype):
        return _from_arrow(array.dtype, copy)
    return pd.arrays.ArrowExtensionArray(copy)  # as `columns` makes it


def _from_arrow(dtype: Any, values: Any) -> Any:
    return dtype.__from_arrow__(values)


def _is_of_bits(dtype: Any) -> bool:
    """Whether it is a dtype of NumPy without objects."""
    return isinstance(dtype, np.dtype) and not dtype.hasobject


def _is_of_objects(dtype: Any) -> bool:
    """Whether the cells are Python's objects: texts of pandas, too, unless they are in Arrow."""
    return isinstance(dtype, pd.StringDtype) or (isinstance(dtype, np.dtype) and dtype.hasobject)


def _is_in_arrow(dtype: Any) -> bool:
    if isinstance(dtype, pd.StringDtype):
        return str(dtype.storage).startswith("pyarrow")  # pandas 2.2 has "pyarrow_numpy", too
    return isinstance(dtype, pd.ArrowDtype)


_COPIED = frozenset(
    {
        *(pd.Int8Dtype, pd.Int16Dtype, pd.Int32Dtype, pd.Int64Dtype, pd.BooleanDtype),
        *(pd.UInt8Dtype, pd.UInt16Dtype, pd.UInt32Dtype, pd.UInt64Dtype),
        *(pd.Float32Dtype, pd.Float64Dtype),
        *(pd.DatetimeTZDtype, pd.PeriodDtype, pd.IntervalDtype),
    }
)
"""Dtypes whose arrays `copy` makes anew, all of them."""
