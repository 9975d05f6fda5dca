"""How Streamlit's data editor reads a table and applies edits to it.

Private functions, seen in 1.51 to 1.67: without them edits that were stored could not be shown, and
`parts` says so instead of losing them.
"""

from __future__ import annotations

import functools
from typing import Any

import pandas as pd
import streamlit as st

from streamlit_pgstate.errors import ConfigError


class Parts:
    """Functions of `st.data_editor`, under the names that they have here."""

    def __init__(self) -> None:
        from streamlit import dataframe_util
        from streamlit.elements.lib import column_config_utils
        from streamlit.elements.widgets import data_editor

        self.determine_data_format = dataframe_util.determine_data_format
        self.convert_anything_to_pandas_df = dataframe_util.convert_anything_to_pandas_df
        self.convert_pandas_df_to_data_format = dataframe_util.convert_pandas_df_to_data_format
        self.determine_schema = column_config_utils.determine_dataframe_schema
        self.fix_column_headers = data_editor._fix_column_headers
        self._apply = data_editor._apply_dataframe_edits
        self._fix = getattr(dataframe_util, "determine_arrow_column_fix", None)
        if self._fix is None:  # up to some version after 1.51
            self._is_incompatible = dataframe_util.is_colum_type_arrow_incompatible  # type: ignore[attr-defined]

    def apply(self, frame: pd.DataFrame, edits: dict[str, Any], schema: Any) -> pd.DataFrame:
        """Apply to `frame`, which may be changed by it; 1.51 changes it and returns nothing."""
        state: Any = edits
        done: pd.DataFrame | None = self._apply(frame, state, schema)
        return frame if done is None else done

    def is_incompatible(self, column: pd.Series[Any]) -> bool:
        if self._fix is None:
            return bool(self._is_incompatible(column))
        return self._fix(column, trial_conversion=True) is not None


@functools.cache
def parts() -> Parts:
    """The functions.

    Raises:
        ConfigError: this version of Streamlit lacks one of them.
    """
    try:
        return Parts()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"The data editor of Streamlit {st.__version__} is not one that this version "
            "of streamlit-pgstate knows. Upgrade it, or use st.data_editor; nothing was lost."
        ) from error
