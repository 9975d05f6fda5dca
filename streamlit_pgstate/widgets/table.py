"""A table as Streamlit's data editor takes it: any kind of data as a frame, edited, and back.

Stands between `editor` and the parts of `st.data_editor` that turn data and edits into frames.
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
"""Formats whose index, which pandas has made, the editor hides unless told otherwise."""

_NULLABLE: Final = {"i": "Int", "u": "UInt"}
_ORIGIN: Final = "origin"


class Table:
    """The data given to an editor. Nothing here changes it."""

    def __init__(self, data: Any) -> None:
        parts = data_editor.parts()
        self._format = parts.determine_data_format(data)
        self.styler = data if self._format.name == "PANDAS_STYLER" else None
        frame = parts.convert_anything_to_pandas_df(data).copy(deep=False)
        parts.fix_column_headers(frame)
        self.frozen = [str(name) for name in frame if parts.is_incompatible(frame[name])]
        """Columns that Streamlit shows as text, which nobody can edit."""
        for name in self.frozen:
            frame[name] = frame[name].astype("string")
        self.frame = frame

    @property
    def hides_index(self) -> bool:
        return self._format.name in _WITHOUT_INDEX

    @functools.cached_property
    def fingerprint(self) -> str:
        """Equal for equal content only: columns, dtypes, index and values."""
        try:
            payload = codecs.encode(self.frame, key="table")
        except UnsupportedType:  # objects, which the editor shows as text
            payload = codecs.encode(self.frame.astype(str), key="table")
        return payload.digest.hex()

    @functools.cached_property
    def _schema(self) -> Any:
        return data_editor.parts().determine_schema(
            self.frame, pa.Table.from_pandas(self.frame).schema
        )

    def edited(self, edits: Edits) -> pd.DataFrame:
        """The frame as the editor would return it, had it had all these edits at once."""
        return data_editor.parts().apply(self.frame.copy(), edits.as_state(), self._schema)

    def as_given(self, frame: pd.DataFrame) -> Any:
        """The frame in the format in which the data was given, as `st.data_editor` does it."""
        return data_editor.parts().convert_pandas_df_to_data_format(frame, self._format)

    def shown(self, edits: Edits) -> Any:
        """What to give to `st.data_editor` for these edits to be on the screen.

        With the columns' types of before, so that they are edited as before: a whole number
        stays one beside a cell that is empty.
        """
        if not edits:
            return self.styler if self.styler is not None else self.frame
        frame = self.edited(edits)
        for name in frame:
            frame[name] = _like(frame[name], self.frame[name].dtype)
        index = self.frame.index
        if isinstance(index, pd.RangeIndex):  # else the visitor would have to fill it in
            stop = index.start + index.step * len(frame)
            frame.index = pd.RangeIndex(index.start, stop, index.step, name=index.name)
        if self.styler is not None:
            return frame.style.use(self.styler.export())
        return frame

    def origins(self, edits: Edits) -> list[int]:
        """Where each row of `shown` comes from: a row of the data, or ``~n`` for the nth added.

        Streamlit itself says so, as it skips rows whose index is missing or there already.
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


def _like(column: pd.Series[Any], dtype: Any) -> pd.Series[Any]:
    """The column with the type of before, where no value is lost by it."""
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
