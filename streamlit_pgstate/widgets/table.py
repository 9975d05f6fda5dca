"""The data of a data editor: converted to a DataFrame, edited, and converted back.

The conversions and the application of edits are those of `st.data_editor`, which
`component.data_editor` provides. `editor` uses this module.
"""

from __future__ import annotations

import copy
import datetime
import functools
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from streamlit_pgstate import codecs
from streamlit_pgstate.component import data_editor
from streamlit_pgstate.errors import UnsupportedType
from streamlit_pgstate.widgets.edits import INDEX, Edits

_WITHOUT_INDEX: Final = frozenset(
    {
        *("SET_OF_VALUES", "TUPLE_OF_VALUES", "LIST_OF_VALUES", "NUMPY_LIST", "NUMPY_MATRIX"),
        *("LIST_OF_RECORDS", "LIST_OF_ROWS", "COLUMN_VALUE_MAPPING", "PANDAS_ARRAY"),
        *("PANDAS_INDEX", "POLARS_DATAFRAME", "POLARS_SERIES", "POLARS_LAZYFRAME"),
        "PYARROW_ARRAY",
    }
)
"""Formats without an index of their own. The editor hides the index that pandas adds, unless the
script passes `hide_index`."""

_NULLABLE: Final = {"i": "Int", "u": "UInt"}
"""Names of pandas' nullable types by the kind of the dtype, without the number of bits."""

_ORIGIN: Final = "origin"

_TEXT: Final = "str" if pd.Series(["text"]).dtype == "str" else "string"
"""The dtype of texts. Before pandas 3 it is `object`, of which an empty column has no texts."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a table holds, as a hash."""

    digest: str
    rows: int | None
    """The number of rows. None if `digest` is a fingerprint, as earlier versions stored it."""


class Table:
    """The data that a script passes to an editor. It is never changed."""

    def __init__(self, data: Any) -> None:
        parts = data_editor.parts()
        self._format = parts.determine_data_format(data)
        self.styler = data if self._format.name == "PANDAS_STYLER" else None
        frame = parts.convert_anything_to_pandas_df(data).copy(deep=False)
        parts.fix_column_headers(frame)
        self.read_only = [str(name) for name in frame if parts.is_incompatible(frame[name])]
        """Columns that Arrow cannot hold. Streamlit shows them as text that cannot be edited."""
        for name in self.read_only:
            frame[name] = frame[name].astype("string")
        self.frame = frame
        self._emptied_texts: frozenset[Any] = frozenset()
        """Columns of numbers without any number, which take texts: see `with_texts_of`."""

    @property
    def hides_index(self) -> bool:
        """Whether Streamlit hides the index by default for data of this format."""
        return self._format.name in _WITHOUT_INDEX

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hash of columns, dtypes, index and values."""
        return _digest(self.frame)

    @functools.cached_property
    def content(self) -> Content:
        """A hash of columns, index and values.

        Other than the fingerprint it is the same where only dtypes differ: a row with 2.5 turns
        the integers above it into floats, and a list of dicts turns an empty cell into a float.
        """
        return _content(self.frame)

    def begins_with(self, content: Content) -> bool:
        """Whether the first rows are those of `content`. There may be more rows below them."""
        if content.rows is None:
            return content.digest == self.fingerprint
        if content.rows >= len(self.frame):
            return content == self.content
        return content == _content(self.frame, content.rows)

    def may_be(self, edited: Table, before: Table) -> bool:
        """Whether this is the table `edited`, as a script may have stored it.

        If the index of the table before its edits counts the rows, a script may count them anew:
        a list of dicts, for instance, has no index.
        """
        if self.content == edited.content:
            return True
        counts = isinstance(before.frame.index, pd.RangeIndex)
        return counts and self.content == _content(_counted(edited.frame))

    def carries(self, edits: Edits) -> bool:
        """Whether the edits add and delete the rows that they name, and no others.

        Streamlit skips an added row whose label exists already. With a deleted row it deletes all
        rows of the same label.
        """
        kept = set(range(len(self.frame))) - set(edits.deleted)
        return set(self.origins(edits)) == kept | {~row for row in range(len(edits.added))}

    def cell(self, row: int, name: str) -> Any:
        """A cell in the form of an edit. The index label has the name `INDEX`."""
        value: Any = self.frame.index[row] if name == INDEX else self.frame[name].iloc[row]
        if pd.api.types.is_list_like(value):
            return list(value)
        if pd.isna(value):
            return None
        if isinstance(value, datetime.time):  # the editor reads it as a part of a timestamp
            return value.isoformat()
        return value.item() if isinstance(value, np.generic) else value

    @functools.cached_property
    def _schema(self) -> Any:
        return data_editor.parts().determine_schema(
            self.frame, pa.Table.from_pandas(self.frame).schema
        )

    def with_texts_of(self, shown: Table) -> Table:
        """This table, which takes texts in empty columns of numbers where `shown` has texts.

        Streamlit makes a column of numbers of one whose last text was emptied. A script may save
        that table while the browser still edits texts. Streamlit would drop what comes then.
        """
        table = copy.copy(self)
        table._emptied_texts = frozenset(
            name
            for name, dtype in self.frame.dtypes.items()
            if dtype.kind == "f"
            and self.frame[name].isna().all()
            and name in shown.frame
            and pd.api.types.infer_dtype(shown.frame[name]) == "string"
        )
        return table

    def edited(self, edits: Edits) -> pd.DataFrame:
        """The frame with these edits, as the editor would return it without any reload."""
        cells = [*edits.edited.values(), *edits.added]
        texts = {name for row in cells for name, cell in row.items() if isinstance(cell, str)}
        if emptied := texts & self._emptied_texts:
            return Table(self.frame.astype(dict.fromkeys(emptied, _TEXT))).edited(edits)
        return data_editor.parts().apply(self.frame.copy(), edits.as_state(), self._schema)

    def as_given(self, frame: pd.DataFrame) -> Any:
        """The frame in the format of the script's data, as `st.data_editor` converts it."""
        return data_editor.parts().convert_pandas_df_to_data_format(frame, self._format)

    def widget_data(self, edits: Edits) -> Any:
        """The data for `st.data_editor` that shows these edits.

        Columns keep their dtypes, so that they are edited as before: integers stay integers in a
        column that has an empty cell.
        """
        if not edits:
            return self.styler if self.styler is not None else self.frame
        frame = self.edited(edits)
        for name in frame:
            frame[name] = _with_dtype(frame[name], self.frame[name].dtype)
        index = self.frame.index
        if isinstance(index, pd.RangeIndex):  # otherwise visitors would have to fill it in
            stop = index.start + index.step * len(frame)
            frame.index = pd.RangeIndex(index.start, stop, index.step, name=index.name)
        if self.styler is not None:
            return frame.style.use(self.styler.export())
        return frame

    def origins(self, edits: Edits) -> list[int]:
        """The origin of each row of `widget_data`: a row of the data, or ``~n`` for added row n.

        Streamlit itself applies the edits to a column of row numbers, because it skips added rows
        whose index label is missing or exists already.
        """
        rows = pd.DataFrame({_ORIGIN: range(len(self.frame))}, index=self.frame.index)
        labels = Edits(
            {row: {INDEX: cells[INDEX]} for row, cells in edits.edited.items() if INDEX in cells},
            [
                {_ORIGIN: ~number, **{name: cells[name] for name in cells if name == INDEX}}
                for number, cells in enumerate(edits.added)
            ],
            edits.deleted,
        )
        kinds = {
            **self._schema,
            _ORIGIN: data_editor.parts().determine_schema(rows, pa.Table.from_pandas(rows).schema)[
                _ORIGIN
            ],
        }
        return [
            int(origin)
            for origin in data_editor.parts().apply(rows, labels.as_state(), kinds)[_ORIGIN]
        ]


def _digest(frame: pd.DataFrame) -> str:
    try:
        payload = codecs.encode(frame, key="table")
    except UnsupportedType:  # it holds objects, which the editor shows as text
        payload = codecs.encode(frame.astype(str), key="table")
    return payload.digest.hex()


def _content(frame: pd.DataFrame, rows: int | None = None) -> Content:
    """The content of the first rows; of all by default."""
    rows = len(frame) if rows is None else rows
    if not rows:
        return Content(_digest(pd.DataFrame(columns=frame.columns)), 0)
    # A slice of an Arrow array is encoded with what is cut off, so the rows are gathered. To take
    # them as they are gives a slice; to take the first one twice does not.
    index = frame.index[:rows]
    frame = frame.take(np.append(np.arange(rows), 0))
    if index.dtype.kind in "iu" and np.array_equal(index, np.arange(rows)):
        frame = _counted(frame)
    frame = frame.convert_dtypes()
    # Without values `convert_dtypes` finds no dtype: NaN, NaT and None would still be told apart.
    missing = np.full(len(frame), None, dtype=object)
    for column in np.flatnonzero(frame.isna().all()).tolist():
        frame.isetitem(column, missing)
    return Content(_digest(frame), rows)


def _counted(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_axis(pd.RangeIndex(len(frame), name=frame.index.name))


def _with_dtype(column: pd.Series[Any], dtype: Any) -> pd.Series[Any]:
    """The column converted to `dtype`, or its nullable form; unchanged if a value would be lost."""
    if column.dtype == dtype:
        return column
    wanted = dtype
    if dtype.kind in _NULLABLE and not pd.api.types.is_extension_array_dtype(dtype):
        wanted = f"{_NULLABLE[dtype.kind]}{dtype.itemsize * 8}"
    elif dtype.kind == "b":
        wanted = "boolean"
    try:
        cast = column.astype(wanted)
    except (TypeError, ValueError, OverflowError):
        return column
    return cast if cast.isna().equals(column.isna()) else column
