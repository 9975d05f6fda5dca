"""Edits as they are stored: with hashes of the table that they belong to, and of its edited form.

`editor` stores them, and asks whether they belong to the table that the script passes.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from streamlit_pgstate.widgets.edits import Edits
from streamlit_pgstate.widgets.table import Content, Table


class Fit(enum.Enum):
    """What a table has to do with stored edits."""

    APPLY = "they are to be applied"
    INCLUDED = "it is the edited table"
    OTHER = "it is another table"


@dataclass(frozen=True, slots=True)
class StoredEdits:
    """Edits, the table that they belong to, and this table with the edits."""

    edits: Edits
    table: Content
    result: Content

    @classmethod
    def from_value(cls, value: object) -> Self | None:
        """Read a stored value; None if it is no such value."""
        if not isinstance(value, Mapping) or not {"table", "result"} <= set(value):
            return None
        return cls(
            Edits.from_state(value),
            Content(value["table"], value.get("table_rows")),
            Content(value["result"], value.get("result_rows")),
        )

    def as_value(self) -> dict[str, Any]:
        """The value to store."""
        return {
            "table": self.table.digest,
            "table_rows": self.table.rows,
            "result": self.result.digest,
            "result_rows": self.result.rows,
            **self.edits.as_state(),
        }

    def fit(self, table: Table) -> Fit:
        """What `table` has to do with these edits. It may have grown at its end."""
        rows = len(table.frame)
        found = fit(
            rows,
            table=self._first_rows(table, self.table),
            result=self._first_rows(table, self.result),
            only_deletes=not self.edits.edited and not self.edits.added,
        )
        if found is Fit.APPLY and self.table.rows not in (rows, None):
            return found if table.carries(self.edits) else Fit.OTHER
        return found

    def _first_rows(self, table: Table, content: Content) -> int | None:
        if not table.begins_with(content):
            return None
        return len(table.frame) if content.rows is None else content.rows


def fit(rows: int, *, table: int | None, result: int | None, only_deletes: bool) -> Fit:
    """Decide by the first rows of a table. The longer match decides, as it explains more rows.

    Args:
        rows: the number of its rows.
        table: how many of its first rows are those of the table that was edited; None if they
            are not.
        result: the same for the edited table.
        only_deletes: whether the edits only delete rows. Then the edited table has nothing that
            the visitor has put into it. So a longer table may begin with it by chance.
    """
    if only_deletes and result != rows:
        result = None
    if table is None and result is None:
        return Fit.OTHER
    if result is None or (table is not None and table >= result):
        return Fit.APPLY
    return Fit.INCLUDED
