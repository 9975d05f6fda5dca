"""What a visitor has done to a table: cells edited, rows added and deleted.

In the form that `st.session_state` has for a data editor, always in terms of the rows of the
table that the script gives. Between `editor` and what is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

Cells: TypeAlias = dict[str, Any]
"""By name of their column; the index under `INDEX`."""

INDEX: Final = "_index"


@dataclass(frozen=True, slots=True)
class Edits:
    """Edited cells by row, added rows, and the numbers of deleted ones."""

    edited: dict[int, Cells] = field(default_factory=dict)
    added: list[Cells] = field(default_factory=list)
    deleted: list[int] = field(default_factory=list)

    @classmethod
    def read(cls, state: object) -> Edits:
        """From what Streamlit or a row has; whatever makes no sense is no edit."""
        if not isinstance(state, Mapping):
            return cls()
        edited, added = state.get("edited_rows"), state.get("added_rows")
        deleted = state.get("deleted_rows")
        return cls(
            {int(row): dict(cells) for row, cells in dict(edited or {}).items() if cells},
            [dict(cells) for cells in added or ()],
            [int(row) for row in deleted or ()],
        )

    def __bool__(self) -> bool:
        return bool(self.edited or self.added or self.deleted)

    def __len__(self) -> int:
        """How many cells and rows the visitor has changed."""
        return sum(map(len, self.edited.values())) + len(self.added) + len(self.deleted)

    def as_state(self) -> dict[str, Any]:
        return {
            "edited_rows": self.edited,
            "added_rows": self.added,
            "deleted_rows": self.deleted,
        }

    def then(self, later: Edits, origins: Sequence[int]) -> Edits:
        """These edits and later ones together, as if no reload had been between.

        Args:
            later: in terms of the rows that were shown after these edits.
            origins: where each of those rows comes from: a row of the table, or ``~n`` for the
                nth that these edits have added.
        """
        edited = {row: dict(cells) for row, cells in self.edited.items()}
        added: list[Cells | None] = [dict(cells) for cells in self.added]
        for row, cells in later.edited.items():
            origin = _at(origins, row)
            if origin is None:
                continue
            if origin >= 0:
                edited.setdefault(origin, {}).update(cells)
            elif (before := added[~origin]) is not None:
                before.update(cells)
        deleted = set(self.deleted)
        for row in later.deleted:
            origin = _at(origins, row)
            if origin is None:
                continue
            if origin >= 0:
                deleted.add(origin)
                edited.pop(origin, None)
            else:
                added[~origin] = None
        kept = [cells for cells in added if cells is not None]
        return Edits(edited, [*kept, *later.added], sorted(deleted))


def _at(origins: Sequence[int], row: int) -> int | None:
    return origins[row] if 0 <= row < len(origins) else None
