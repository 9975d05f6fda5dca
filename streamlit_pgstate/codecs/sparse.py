"""scipy.sparse arrays and matrices: the NumPy arrays that each layout consists of.

Each layout (``csr``, ``coo``, …) has a function that takes the arrays out, one that checks them
and one that makes the matrix; the tables at the end list these functions.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from . import bundle, sections
from .limits import check_size
from .ndarray import dump_array, load_array
from .own_attributes import own_attributes, set_own_attributes
from .payload import Body, Codec, DamagedError, RefusedError, UnreadableError

__all__ = ["CODECS"]

Array = np.ndarray[Any, Any]


def _dump(matrix: Any) -> bytes:
    arrays = [np.asarray(array) for array in _TAKERS[matrix.format](matrix)]
    check_size(sum(array.nbytes for array in arrays))
    try:
        _CHECKERS[matrix.format](matrix.format, tuple(matrix.shape), arrays)
    except DamagedError as cause:
        raise RefusedError(f"{cause}, over which scipy may crash. Make a new one") from None
    header = {
        "class": type(matrix).__name__,
        "shape": [int(size) for size in matrix.shape],
        "dtype": np.dtype(matrix.dtype).str,
    }
    parts = [dump_array(array) for array in arrays]
    if matrix.format == "dok" and (classes := _key_classes(matrix)) is not None:
        header["keys"] = True
        parts.append(dump_array(classes))
    if own := _own(matrix):
        header["own"], body = _dump_own(own)
        parts.append(body)
    return sections.join(header, parts)


def _load(body: Body) -> Any:
    sparse = _scipy()
    header, parts = sections.split(body)
    layout, _, kind = header["class"].partition("_")
    if layout not in _CHECKERS or kind not in ("array", "matrix"):
        raise DamagedError("a sparse array of an unknown class")
    cls = getattr(sparse, header["class"])
    shape = tuple(header["shape"])
    if any(type(size) is not int or size < 0 for size in shape):
        raise DamagedError("a sparse array without a valid shape")
    if len(shape) != 2 and not hasattr(sparse, "safely_cast_index_arrays"):  # new in 1.15
        raise UnreadableError(
            "and needs SciPy from 1.15 on for any number of dimensions: pip install -U scipy"
        )
    own = bundle.read(header["own"], parts.pop()) if "own" in header else {}
    classes = load_array(parts.pop()) if "keys" in header else None
    arrays = list(map(load_array, parts))
    _CHECKERS[layout](layout, shape, arrays)
    if layout == "dok":
        matrix = _make_dok(cls, shape, arrays, classes)
    else:
        matrix = _MAKERS[layout](cls, shape, arrays)
    if matrix.shape != shape or np.dtype(matrix.dtype).str != header["dtype"]:
        raise DamagedError("a sparse array whose shape or dtype differs from the stated one")
    _set_own(matrix, own)
    return matrix


def _scipy() -> Any:
    try:
        import scipy.sparse
    except ImportError:
        raise UnreadableError("and needs SciPy: pip install scipy") from None
    return scipy.sparse


# --- attributes of the user's own --------------------------------------------------------

# What the layouts consist of, and what SciPy finds anew: whether there are repetitions.
_KNOWN = frozenset(
    {
        *("data", "indices", "indptr", "offsets", "rows", "coords", "row", "col", "dtype"),
        *("maxprint", "has_canonical_format"),
    }
)
_PRINTED = 50  # SciPy's own maxprint: how many items `print` shows


def _own(matrix: Any) -> dict[str, Any]:
    own = own_attributes(matrix, _KNOWN)
    printed = vars(matrix).get("maxprint", _PRINTED)
    return own if printed == _PRINTED else {**own, "maxprint": printed}


def _dump_own(own: dict[str, Any]) -> tuple[str, bytes]:
    try:
        return bundle.write(own)
    except RefusedError as refused:
        raise refused.inside("its own attributes") from None


def _set_own(matrix: Any, own: dict[str, Any]) -> None:
    if "maxprint" in own:
        matrix.maxprint = own.pop("maxprint")
    set_own_attributes(matrix, own)


# --- the arrays of each layout -----------------------------------------------------------


def _take_compressed(matrix: Any) -> list[Any]:
    end = matrix.indptr[-1] if len(matrix.indptr) else 0  # scipy may leave unused items at the end
    return [matrix.data[:end], matrix.indices[:end], matrix.indptr]


def _check_compressed(layout: str, shape: tuple[int, ...], arrays: list[Array]) -> None:
    """Check the arrays of csr, csc or bsr, an indptr that decreases included.

    scipy's own `check_format` accepts such an indptr, and scipy then reads outside the arrays.
    """
    data, indices, indptr = arrays
    _check_integers(indices, indptr)
    major, minor = (1, *shape)[-2:]
    if layout == "bsr":
        if data.ndim != 3 or 0 in data.shape[1:] or major % data.shape[1] or minor % data.shape[2]:
            raise DamagedError("a sparse array with blocks that do not fit its shape")
        major, minor = major // data.shape[1], minor // data.shape[2]
    elif layout == "csc":
        major, minor = minor, major
    if len(indptr) != major + 1 or indptr[0] != 0 or indptr[-1] != len(indices):
        raise DamagedError("a sparse array whose size differs from its shape")
    if (indptr[1:] < indptr[:-1]).any():
        raise DamagedError("a sparse array with rows that overlap")
    _check_coords((minor,), data[:, 0, 0] if layout == "bsr" else data, [indices])


def _make_compressed(cls: Any, shape: tuple[int, ...], arrays: list[Array]) -> Any:
    data, indices, indptr = arrays
    blocks = {"blocksize": data.shape[1:]} if data.ndim == 3 else {}
    matrix = cls((data, indices, indptr), shape, copy=False, **blocks)
    # Set again, because the constructor converts indices that fit to 32 bits.
    matrix.indices, matrix.indptr = indices, indptr
    return matrix


def _take_coo(matrix: Any) -> list[Any]:
    coords = matrix.coords if hasattr(matrix, "coords") else (matrix.row, matrix.col)
    return [matrix.data, *coords]


def _check_places(layout: str, shape: tuple[int, ...], arrays: list[Array]) -> None:
    data, *coords = arrays
    _check_integers(*coords)
    _check_coords(shape, data, coords)


def _make_coo(cls: Any, shape: tuple[int, ...], arrays: list[Array]) -> Any:
    data, *coords = arrays
    matrix = cls((data, tuple(coords)), shape, copy=False)
    if hasattr(matrix, "coords"):
        matrix.coords = tuple(coords)
    else:
        matrix.row, matrix.col = coords
    return matrix


def _take_dia(matrix: Any) -> list[Any]:
    return [matrix.data, matrix.offsets]


def _check_dia(layout: str, shape: tuple[int, ...], arrays: list[Array]) -> None:
    """Check the arrays of dia. If offset plus size overflows, scipy reads outside the arrays."""
    data, offsets = arrays
    _check_integers(offsets)
    if data.ndim != 2 or len(data) != len(offsets):
        raise DamagedError("a sparse array with more or fewer diagonals than offsets")
    largest = max(map(abs, offsets.tolist()), default=0)
    if largest + max(shape, default=0) > np.iinfo(offsets.dtype).max:
        raise DamagedError("a sparse array with diagonals far outside its shape")


def _make_dia(cls: Any, shape: tuple[int, ...], arrays: list[Array]) -> Any:
    data, offsets = arrays
    matrix = cls((data, offsets), shape, copy=False)
    matrix.offsets = offsets
    return matrix


def _take_lil(matrix: Any) -> list[Any]:
    counts = np.array([len(row) for row in matrix.rows], "i8")
    if counts.tolist() != list(map(len, matrix.data)):
        raise RefusedError("a sparse array with rows that lack values. Make a new one")
    columns = [column for row in matrix.rows for column in row]
    values = [value for row in matrix.data for value in row]
    return [np.array(values, matrix.dtype), np.array(columns, "i8"), counts]


def _check_lil(layout: str, shape: tuple[int, ...], arrays: list[Array]) -> None:
    data, columns, counts = arrays
    if columns.dtype != "i8" or counts.dtype != "i8":
        raise DamagedError("a sparse array whose columns or row lengths are not int64")
    _check_integers(columns, counts)
    _check_coords(shape[1:], data, [columns])
    if len(shape) != 2 or len(counts) != shape[0] or (counts < 0).any() or sum(counts) != len(data):
        raise DamagedError("a sparse array whose rows differ from their stated lengths")


def _make_lil(cls: Any, shape: tuple[int, ...], arrays: list[Array]) -> Any:
    data, columns, counts = arrays
    matrix = cls(shape, dtype=data.dtype)
    ends = np.cumsum(counts).tolist()
    for row, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
        matrix.rows[row] = columns[start:end].tolist()
        matrix.data[row] = data[start:end].tolist()
    return matrix


def _take_dok(matrix: Any) -> list[Any]:
    if not set(map(type, matrix.values())) <= {np.dtype(matrix.dtype).type}:
        raise RefusedError(
            f"a sparse array with values that are not of its dtype, {matrix.dtype}. "
            "Make a new one: matrix.tocoo().todok()"
        )
    places = np.array(list(matrix.keys()), "i8").reshape(-1, len(matrix.shape))
    return [np.array(list(matrix.values()), matrix.dtype), *places.T]


def _make_dok(cls: Any, shape: tuple[int, ...], arrays: list[Array], numbers: Array | None) -> Any:
    data, *coords = arrays
    matrix = cls(shape, dtype=data.dtype)
    places = zip(*_coordinates(coords, len(data), numbers), strict=True)
    keys = (place if len(place) > 1 else place[0] for place in places)
    found = dict(zip(keys, data, strict=True))
    if len(found) != len(data):
        raise DamagedError("a sparse array with repeated coordinates")
    held = matrix._dict if hasattr(matrix, "_dict") else matrix
    dict.update(held, found)
    return matrix


# SciPy's own conversions make keys of numpy.int32, and setting an item makes keys of int.
_KEY_CLASSES: tuple[type, ...] = (int, np.int32, np.int64)


def _key_classes(matrix: Any) -> Array | None:
    """Number the classes of a dok's coordinates, in order; one number if all are of one class.

    None if all are of int, as in what was written before this was noted.
    """
    keys = matrix.keys()
    parts = list(keys if len(matrix.shape) == 1 else itertools.chain.from_iterable(keys))
    found = set(map(type, parts))
    if not found <= set(_KEY_CLASSES):
        raise RefusedError(
            "a sparse array with keys that are neither int nor numpy.int32 nor numpy.int64. "
            "Make a new one: matrix.tocoo().todok()"
        )
    if found <= {int}:
        return None
    noted = parts[:1] if len(found) == 1 else parts
    return np.array([_KEY_CLASSES.index(type(part)) for part in noted], "u1")


def _coordinates(coords: list[Array], count: int, numbers: Array | None) -> list[list[Any]]:
    """Make the coordinates of each dimension, each of its own class."""
    if numbers is None:
        return [part.tolist() for part in coords]
    if numbers.dtype != "u1" or numbers.shape not in ((1,), (count * len(coords),)):
        raise DamagedError("a sparse array whose keys are of unknown classes")
    if len(numbers) == 1:
        kind = _KEY_CLASSES[numbers[0]]
        return [list(part.astype(kind)) for part in coords]
    kinds = [_KEY_CLASSES[number] for number in numbers.tolist()]
    return [
        [kind(place) for kind, place in zip(kinds[first :: len(coords)], part, strict=True)]
        for first, part in enumerate(coords)
    ]


def _check_integers(*arrays: Array) -> None:
    if any(array.dtype.kind != "i" or array.ndim != 1 for array in arrays):
        raise DamagedError("a sparse array with indices that are not integers")


def _check_coords(shape: tuple[int, ...], data: Array, coords: list[Array]) -> None:
    if len(coords) != len(shape) or data.ndim != 1:
        raise DamagedError("a sparse array with indices for another number of dimensions")
    for size, part in zip(shape, coords, strict=True):
        if len(part) != len(data) or (part.size and not 0 <= part.min() <= part.max() < size):
            raise DamagedError("a sparse array with indices outside its shape")


_TAKERS: dict[str, Callable[[Any], list[Any]]] = {
    **dict.fromkeys(("csr", "csc", "bsr"), _take_compressed),
    "coo": _take_coo,
    "dia": _take_dia,
    "lil": _take_lil,
    "dok": _take_dok,
}

_CHECKERS: dict[str, Callable[[str, tuple[int, ...], list[Array]], None]] = {
    **dict.fromkeys(("csr", "csc", "bsr"), _check_compressed),
    **dict.fromkeys(("coo", "dok"), _check_places),
    "dia": _check_dia,
    "lil": _check_lil,
}

_MAKERS: dict[str, Callable[[Any, tuple[int, ...], list[Array]], Any]] = {
    **dict.fromkeys(("csr", "csc", "bsr"), _make_compressed),
    "coo": _make_coo,
    "dia": _make_dia,
    "lil": _make_lil,
}

CODECS = {"scipy.sparse": Codec(_dump, _load)}
