"""The data of a data editor: converted to a DataFrame, edited, and converted back.

The conversions and the application of edits are those of `st.data_editor`, which
`component.data_editor` provides. `editor` uses this module.
"""

from __future__ import annotations

import functools
from typing import Any, Final

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

    @property
    def hides_index(self) -> bool:
        """Whether Streamlit hides the index by default for data of this format."""
        return self._format.name in _WITHOUT_INDEX

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hash of columns, dtypes, index and values."""
        try:
            payload = codecs.encode(self.frame, key="table")
        except UnsupportedType:  # it holds objects, which the editor shows as text
            payload = codecs.encode(self.frame.astype(str), key="table")
        return payload.digest.hex()

    @functools.cached_property
    def _schema(self) -> Any:
        return data_editor.parts().determine_schema(
            self.frame, pa.Table.from_pandas(self.frame).schema
        )

    def edited(self, edits: Edits) -> pd.DataFrame:
        """The frame with these edits, as the editor would return it without any reload."""
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
