"""Find the form of a dtype of NumPy or pandas that is a value itself, as in ``frame.dtypes``.

The modules that write them import their library, so they are imported only when one is needed.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from .form import Form

__all__ = ["FORMS", "find"]

_MODULES = {"numpy": "numpy_dtypes", "pandas": "pandas_dtypes"}


def find(cls: type) -> Form | None:
    """Find the form of a class of dtypes, else None."""
    if "ype" not in cls.__name__:  # as in "Int64DType", "dtype[int64]" and "CategoricalDtype"
        return None
    root = str(cls.__module__).partition(".")[0]
    if root == "numpy" and issubclass(cls, sys.modules["numpy"].dtype):
        return _NUMPY
    if root == "pandas" and issubclass(cls, sys.modules["pandas"].api.extensions.ExtensionDtype):
        return _PANDAS
    return None


def _module(library: str) -> Any:
    return import_module(f".{_MODULES[library]}", __package__)


def _take_numpy(value: Any) -> tuple[Any, ...]:
    return (_module("numpy").dump(value),)


def _take_pandas(value: Any) -> tuple[Any, ...]:
    return (_module("pandas").dump(value),)


def _make(content: Any) -> Any:
    return _module("pandas" if type(content) is list else "numpy").load(content)


_NUMPY = Form("$dtype", _take_numpy, _make, is_leaf=True)
_PANDAS = Form("$dtype", _take_pandas, _make)

FORMS = (_NUMPY, _PANDAS)
"""All forms, for reading."""
