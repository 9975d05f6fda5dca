"""What a visitor has done to a table: edited cells, added rows and deleted rows.

The form is that of a data editor's value in `st.session_state`. Rows are those of the table that
the script passes. `editor` stores the edits in this form, and `table` applies them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence, ValuesView
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

Cells: TypeAlias = dict[str, Any]
"""Values of one row, by the name of the column. The index label has the name `INDEX`."""

INDEX: Final = "_index"

_MAX_LEVELS: Final = 100
"""Streamlit's columns send text, numbers, and lists of text. A value of more than 200 levels cannot
be stored, and a cell is at its fourth level."""

_CONTAINERS: Final = (list, tuple, ValuesView)

_NUMBER: Final = re.compile(r"\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Edits:
    """Edited cells by row number, added rows, and the numbers of deleted rows."""

    edited: dict[int, Cells] = field(default_factory=dict)
    added: list[Cells] = field(default_factory=list)
    deleted: list[int] = field(default_factory=list)

    @classmethod
    def from_state(cls, state: object) -> Edits:
        """Read the value of Streamlit's editor, or a stored value.

        The former comes from the browser: it may be anything. What makes no sense is no edit.
        """
        if not isinstance(state, Mapping):
            return cls()
        edited = state.get("edited_rows")
        cells_by_row = edited.items() if isinstance(edited, Mapping) else ()
        return cls(
            {
                number: known
                for row, cells in cells_by_row
                if isinstance(cells, Mapping)
                and (known := _cells(cells))
                and (number := _row_number(row)) is not None
            },
            [_cells(cells) for cells in _list(state, "added_rows") if isinstance(cells, Mapping)],
            [
                number
                for row in _list(state, "deleted_rows")
                if (number := _row_number(row)) is not None
            ],
        )

    def __bool__(self) -> bool:
        return bool(self.edited or self.added or self.deleted)

    def __len__(self) -> int:
        """The number of edited cells, added rows and deleted rows."""
        return sum(map(len, self.edited.values())) + len(self.added) + len(self.deleted)

    def as_state(self) -> dict[str, Any]:
        """The value that Streamlit's editor would have in `st.session_state`."""
        return {
            "edited_rows": self.edited,
            "added_rows": self.added,
            "deleted_rows": self.deleted,
        }

    def then(self, later: Edits, origins: Sequence[int]) -> Edits:
        """These edits and later ones together, as if there had been no reload in between.

        Args:
            later: edits of the table that had these edits applied, by the rows of that table.
            origins: the origin of each of those rows: the number of a row of the original table,
                or ``~n`` for row n of `added`.
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

    def since(
        self,
        earlier: Edits,
        rows: Mapping[int, int | None],
        source: Callable[[int, str], Any],
    ) -> Edits:
        """What one widget's edits hold beyond earlier ones, by the rows of another table.

        A row that the other table has keeps its index label. Streamlit labels the added rows of a
        `RangeIndex` itself, by the rows that are left above them: with [3, 5] and an added row,
        which gets 7, the deletion of row 5 makes 5 of 7. The saved row stays 7.

        An added row whose label was edited counts as another row: it moves to the end.

        Args:
            earlier: edits of the same widget. The other table has them, or they were dropped.
            rows: the row of the other table for each row that the widget showed then. Such a row
                is named by the number of a row of the widget's data, or by ``~n`` for row n of
                ``earlier.added``. None for a row that the other table does not have.
            source: the value of a cell of the widget's data. Streamlit drops the edit of a cell
                that the visitor has set back to this value.
        """
        if not earlier:
            return self
        edited: dict[int, Cells] = {}
        for row in sorted({*earlier.edited, *self.edited} - set(self.deleted)):
            before = earlier.edited.get(row, {})
            back = {name: source(row, name) for name in before}
            cells = _changes(before, self.edited.get(row, {}), back)
            if cells and (place := rows.get(row)) is not None:
                edited[place] = cells
        added: list[Cells] = []
        deleted = {row for row in self.deleted if row not in earlier.deleted}
        former = {name: number for number, name in enumerate(_names(earlier.added))}
        for name, now in zip(_names(self.added), self.added, strict=True):
            number = former.pop(name, None)
            if number is None or ~number not in rows:
                added.append(dict(now))
                continue
            before = earlier.added[number]
            cells = _changes(before, now, dict.fromkeys(before))
            if cells and (place := rows[~number]) is not None:
                edited[place] = cells
        deleted |= {~number for number in former.values()}
        places = {rows.get(row) for row in deleted}
        return Edits(edited, added, sorted(place for place in places if place is not None))


def _names(added: Sequence[Cells]) -> list[str | int]:
    """What tells the added rows of one widget apart: the index label, or else a number.

    The browser moves the rows below a deleted one up, and sends a row only once its required cells
    are filled. So the numbers of rows change. If rows with labels were matched by number, a deleted
    row would turn into the labels of all rows below it being edited and the last one being
    deleted. Streamlit deletes by label, after it has edited cells. So two rows would be gone.

    Rows without labels are counted. All their cells are compared, so the values come out right
    whichever row was deleted.
    """
    numbers = itertools.count()
    names: list[str | int] = []
    for cells in added:
        label = cells.get(INDEX)
        names.append(next(numbers) if label is None else repr(label))
    return names


def _cells(cells: Mapping[str, Any]) -> Cells:
    return {name: cell for name, cell in cells.items() if not _is_deep(cell)}


def _is_deep(cell: object) -> bool:
    """Whether a cell has more than `_MAX_LEVELS` levels. Not recursive, as it may have any."""
    level = [cell]
    for _ in range(_MAX_LEVELS + 1):
        parts = [part.values() if isinstance(part, Mapping) else part for part in level]
        level = [item for part in parts if isinstance(part, _CONTAINERS) for item in part]
        if not level:
            return False
    return True


def _list(state: Mapping[Any, Any], name: str) -> Sequence[Any]:
    found = state.get(name)
    return found if isinstance(found, Sequence) and not isinstance(found, str | bytes) else ()


def _row_number(row: object) -> int | None:
    """The number of a row, which JSON has as text where it is the key of an object."""
    if isinstance(row, str) and _NUMBER.fullmatch(row):
        return int(row)
    return row if type(row) is int and row >= 0 else None


def _at(origins: Sequence[int], row: int) -> int | None:
    return origins[row] if 0 <= row < len(origins) else None


def _changes(before: Cells, now: Cells, back: Cells) -> Cells:
    """The cells that differ; those that are no longer there have their value in `back`."""
    changed = {name: now[name] for name in now if name not in before or before[name] != now[name]}
    return {name: back[name] for name in before if name not in now} | changed
