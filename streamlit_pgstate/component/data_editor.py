"""How Streamlit's data editor reads a table and applies edits to it.

Uses private functions of `st.data_editor`, seen in 1.51 to 1.67. Without them stored edits could
not be shown. Then `parts` raises an error, and nothing that is stored is lost.
"""

from __future__ import annotations

import functools
from typing import Any

import pandas as pd
import streamlit as st

from streamlit_pgstate.errors import ConfigError


class Parts:
    """The private functions, under the names that this package uses."""

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
        if self._fix is None:  # in 1.51 and some later versions
            self._is_incompatible = dataframe_util.is_colum_type_arrow_incompatible  # type: ignore[attr-defined]

    def apply(self, frame: pd.DataFrame, edits: dict[str, Any], schema: Any) -> pd.DataFrame:
        """Return `frame` with the edits. `frame` itself may be changed.

        1.51 changes `frame` and returns nothing; 1.67 returns the result.
        """
        state: Any = edits
        done: pd.DataFrame | None = self._apply(frame, state, schema)
        return frame if done is None else done

    def is_incompatible(self, column: pd.Series[Any]) -> bool:
        """Whether Arrow cannot hold the column as it is."""
        if self._fix is None:
            return bool(self._is_incompatible(column))
        return self._fix(column, trial_conversion=True) is not None


@functools.cache
def parts() -> Parts:
    """The private functions of the installed Streamlit.

    Raises:
        ConfigError: this version of Streamlit lacks one of them.
    """
    try:
        return Parts()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"This version of streamlit-pgstate does not know the data editor of Streamlit "
            f"{st.__version__}. Upgrade streamlit-pgstate, or use st.data_editor. Nothing that "
            "was stored is lost."
        ) from error
