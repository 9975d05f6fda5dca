"""Edits that pile up over reloads give the table that one sitting would have given."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.elements.lib.column_config_utils import determine_dataframe_schema
from streamlit.elements.widgets.data_editor import _apply_dataframe_edits

from streamlit_pgstate.widgets.editor import Basis, basis_after_deletion
from streamlit_pgstate.widgets.edits import INDEX, Edits
from streamlit_pgstate.widgets.stored_edits import Fit, StoredEdits, fit
from streamlit_pgstate.widgets.table import Content, Table


class Sitting:
    """The browser's half of a data editor: what is edited, in terms of the table it was given."""

    def __init__(self, rows: int) -> None:
        self.rows: list[int] = list(range(rows))
        """What the visitor sees: rows of the table, or ``~n`` for the nth added one."""
        self.edited: dict[int, dict[str, Any]] = {}
        self.added: list[dict[str, Any]] = []
        self.deleted: list[int] = []

    def edit(self, seen: int, column: str, value: Any) -> None:
        row = self.rows[seen]
        if row >= 0:
            self.edited.setdefault(row, {})[column] = value
        else:
            self.added[~row][column] = value

    def add(self, cells: dict[str, Any]) -> None:
        self.rows.append(~len(self.added))
        self.added.append(dict(cells))

    def delete(self, seen: int) -> None:
        row = self.rows.pop(seen)
        if row >= 0:
            self.deleted.append(row)
            self.edited.pop(row, None)
            return
        del self.added[~row]
        self.rows = [other + 1 if other < row else other for other in self.rows]

    @property
    def edits(self) -> Edits:
        return Edits.from_state(
            copy.deepcopy(
                {
                    "edited_rows": self.edited,
                    "added_rows": self.added,
                    "deleted_rows": self.deleted,
                }
            )
        )


def streamlits_own(frame: pd.DataFrame, edits: Edits) -> pd.DataFrame:
    """What `st.data_editor` returns for them."""
    frame = frame.copy()
    schema = determine_dataframe_schema(frame, pa.Table.from_pandas(frame).schema)
    state: Any = edits.as_state()
    done = _apply_dataframe_edits(frame, state, schema)
    return frame if done is None else done


FRAMES: dict[str, Callable[[], pd.DataFrame]] = {
    "one of each": lambda: pd.DataFrame(
        {
            "text": ["a", None, "c", "d"],
            "whole": [1, 2, 3, 4],
            "truth": [True, False, True, False],
            "real": [0.5, np.nan, 2.5, 3.5],
            "moment": pd.date_range("2024-01-01", periods=4, tz="Europe/Berlin"),
            "day": [datetime.date(2024, 1, day) for day in (1, 2, 3, 4)],
            "kind": pd.Categorical(["x", "y", "x", None]),
            "money": [Decimal("1.10"), None, Decimal("3"), Decimal("4")],
            "small": np.array([1, 2, 3, 4], dtype="uint8"),
            "nullable": pd.array([1, None, 3, 4], dtype="Int64"),
        }
    ),
    "text as index": lambda: pd.DataFrame(
        {"whole": [1, 2, 3], "text": list("abc")}, index=["p", "q", "r"]
    ),
    "numbers as index": lambda: pd.DataFrame({"whole": [1, 2, 3]}, index=[10, 5, 7]),
    "a label twice": lambda: pd.DataFrame({"whole": [1, 2, 3]}, index=["p", "q", "p"]),
    "another range": lambda: pd.DataFrame(
        {"truth": [True, False], "text": ["a", "b"]}, index=pd.RangeIndex(3, 7, 2)
    ),
    "no rows": lambda: pd.DataFrame({"whole": np.array([], dtype="int64"), "text": []}),
}

VALUES: dict[str, list[Any]] = {
    "text": ["new", "", None],
    "whole": [7, -1, None],
    "truth": [True, False, None],
    "real": [1.25, 3, None],
    "moment": ["2025-02-03T04:05:06+01:00", None],
    "day": ["2025-02-03", None],
    "kind": ["x", "y", None],
    "money": [2.5, None],
    "small": [5, None],
    "nullable": [9, None],
    INDEX: ["new", "newer"],
}


def cells_of(frame: pd.DataFrame, data: st.DataObject) -> dict[str, Any]:
    columns = data.draw(st.lists(st.sampled_from(list(frame.columns)), unique=True), label="filled")
    return {column: data.draw(st.sampled_from(VALUES[column])) for column in columns}


@pytest.mark.parametrize("name", FRAMES)
@settings(max_examples=settings().max_examples * 2 // 5)
@given(data=st.data())
def test_reloads_in_between_change_nothing(name: str, data: st.DataObject) -> None:
    table = Table(FRAMES[name]())
    at_once, sitting = Sitting(len(table.frame)), Sitting(len(table.frame))
    before, origins = Edits(), list(range(len(table.frame)))
    has_labels = not isinstance(table.frame.index, pd.RangeIndex)
    for step in range(data.draw(st.integers(0, 12), label="steps")):
        do = data.draw(st.sampled_from(["edit", "edit", "add", "delete", "reload"]), label="do")
        if do == "reload":
            before = before.then(sitting.edits, origins)
            origins = table.origins(before)
            sitting = Sitting(len(origins))
            assert len(table.widget_data(before)) == len(origins)
        elif do == "add":
            cells = cells_of(table.frame, data)
            if has_labels:  # the browser adds no row without one
                cells[INDEX] = 100 + step if table.frame.index.dtype.kind == "i" else f"new {step}"
            at_once.add(cells)
            sitting.add(cells)
        elif at_once.rows:
            seen = data.draw(st.integers(0, len(at_once.rows) - 1), label="row")
            if do == "delete" and name != "a label twice":
                at_once.delete(seen)
                sitting.delete(seen)
            elif do == "edit":
                column = data.draw(st.sampled_from(list(table.frame.columns)), label="column")
                value = data.draw(st.sampled_from(VALUES[column]), label="value")
                at_once.edit(seen, column, value)
                sitting.edit(seen, column, value)
    edits = before.then(sitting.edits, origins)
    expected = streamlits_own(table.frame, at_once.edits)
    pd.testing.assert_frame_equal(table.edited(edits), expected, check_exact=True)
    assert len(table.widget_data(edits)) == len(expected)


# In the others an empty cell changes a dtype, and so the way in which a later edit is read.
@pytest.mark.parametrize("name", ["text as index", "numbers as index", "another range"])
@settings(max_examples=settings().max_examples * 2 // 5)
@given(data=st.data())
def test_edits_since_a_save_lead_from_the_saved_table_to_the_same_result(
    name: str, data: st.DataObject
) -> None:
    """The widget stays, and tells all of its edits. Some of them were saved.

    Labels that Streamlit has counted are not compared. It counts added rows by the rows that are
    left above them. The saved table has the labels of the moment when it was saved.

    No truth value is left empty: pandas lets no cell of a bool column become empty, and Streamlit
    ignores the edit. The saved column may be of another dtype than the one it was made from.
    """
    table = Table(FRAMES[name]())
    sitting, saved = Sitting(len(table.frame)), Edits()
    has_labels = not isinstance(table.frame.index, pd.RangeIndex)
    for step in range(data.draw(st.integers(0, 12), label="steps")):
        do = data.draw(st.sampled_from(["edit", "edit", "back", "add", "delete", "save"]))
        if do == "save":
            saved = sitting.edits
        elif do == "add":
            cells = cells_of(table.frame, data)
            if "truth" in table.frame and cells.get("truth") is None:
                cells["truth"] = True
            if has_labels:
                cells[INDEX] = 100 + step if table.frame.index.dtype.kind == "i" else f"new {step}"
            sitting.add(cells)
        elif do == "back" and sitting.edited:
            row = data.draw(st.sampled_from(sorted(sitting.edited)))
            sitting.edited[row].popitem()
            sitting.edited = {row: cells for row, cells in sitting.edited.items() if cells}
        elif do != "back" and sitting.rows:
            seen = data.draw(st.integers(0, len(sitting.rows) - 1), label="row")
            if do == "delete":
                sitting.delete(seen)
            else:
                column = data.draw(st.sampled_from(list(table.frame.columns)), label="column")
                values = [True, False] if column == "truth" else VALUES[column]
                sitting.edit(seen, column, data.draw(st.sampled_from(values)))
    then = Table(table.edited(saved)).with_texts_of(table)
    rows: dict[int, int | None] = {row: at for at, row in enumerate(table.origins(saved))}
    later = sitting.edits.since(saved, rows, table.cell)
    found, expected = then.edited(later), table.edited(sitting.edits)
    if not has_labels:
        found, expected = found.reset_index(drop=True), expected.reset_index(drop=True)
    assert Table(found).content == Table(expected).content


def test_a_text_is_kept_that_follows_a_save_of_a_column_whose_texts_were_all_emptied() -> None:
    """Streamlit makes a column of numbers of it, and would drop the text."""
    table = Table(pd.DataFrame({"text": ["a", "b"], "whole": [1, 2]}))
    emptied = Edits({0: {"text": None}, 1: {"text": None}}, [], [])
    saved = Table(table.edited(emptied)).with_texts_of(table)
    filled = saved.edited(Edits({0: {"text": "new"}}, [{"text": "newer"}], []))
    assert filled["text"].tolist()[::2] == ["new", "newer"]
    assert filled["text"].isna().tolist() == [False, True, False]


def test_a_column_that_never_had_a_text_stays_one_of_numbers() -> None:
    """A select box over an empty column sends the text of its option."""
    frame = pd.DataFrame({"grade": [np.nan, np.nan]})
    edits = Edits({0: {"grade": "1"}}, [], [])
    for table in (Table(frame), Table(frame).with_texts_of(Table(frame))):
        pd.testing.assert_frame_equal(table.edited(edits), streamlits_own(frame, edits))


def test_an_edit_of_a_row_that_is_gone_is_dropped() -> None:
    """The visitor has edited rows of a table that was reset."""
    saved = Edits({0: {"whole": 7}}, [{"whole": 8}, {"whole": 9}], [1])
    now = Edits({0: {"whole": 7}, 2: {"whole": 6}}, [{"whole": 5}], [1])
    rows = {0: 0, 2: 2, 3: 3, ~0: None, ~1: None}
    assert now.since(saved, rows, lambda row, name: None) == Edits({2: {"whole": 6}})


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_saved_rows_below_a_deleted_one_keep_their_place(gone: int) -> None:
    table = Table(FRAMES["numbers as index"]())
    saved = Edits(added=[{INDEX: label, "whole": label} for label in (100, 101, 102)])
    added = [*saved.added[:gone], *saved.added[gone + 1 :], {INDEX: 103, "whole": 103}]
    rows: dict[int, int | None] = {row: at for at, row in enumerate(table.origins(saved))}
    later = Edits(added=added).since(saved, rows, table.cell)
    assert later == Edits(added=added[-1:], deleted=[3 + gone])
    expected = table.edited(Edits(added=added))
    assert Table(Table(table.edited(saved)).edited(later)).content == Table(expected).content


def test_a_saved_row_whose_label_was_edited_moves_to_the_end() -> None:
    table = Table(FRAMES["text as index"]())
    saved = Edits(added=[{INDEX: "s", "whole": 4}, {INDEX: "t", "whole": 5}])
    now = Edits(added=[{INDEX: "u", "whole": 4}, {INDEX: "t", "whole": 6}])
    rows: dict[int, int | None] = {row: at for at, row in enumerate(table.origins(saved))}
    later = now.since(saved, rows, table.cell)
    result = Table(table.edited(saved)).edited(later)
    assert result["whole"].to_dict() == {"p": 1, "q": 2, "r": 3, "t": 6, "u": 4}


def test_a_row_that_is_sent_late_is_added() -> None:
    """The browser sends a row once its required cells are filled: above rows that it has sent."""
    saved = Edits(added=[{INDEX: "t", "whole": 5}])
    now = Edits(added=[{INDEX: "s", "whole": 4}, {INDEX: "t", "whole": 6}])
    later = now.since(saved, {0: 0, ~0: 1}, lambda row, name: None)
    assert later == Edits({1: {"whole": 6}}, [{INDEX: "s", "whole": 4}])


RECORDS = [{"name": "a", "amount": 3}, {"name": "b", "amount": 2}]
EDITED = Edits({0: {"amount": 9}}, [{"name": "own"}], [1])
GROWN: dict[str, tuple[Any, Edits, Fit]] = {
    "the same": (pd.DataFrame(RECORDS), EDITED, Fit.APPLY),
    "a row more": (pd.DataFrame([*RECORDS, {"name": "c", "amount": 1}]), EDITED, Fit.APPLY),
    "a row more with a fraction": (
        pd.DataFrame([*RECORDS, {"name": "c", "amount": 2.5}]),
        EDITED,
        Fit.APPLY,
    ),
    "a row more with an empty cell": (
        pd.DataFrame([*RECORDS, {"name": None, "amount": None}]),
        EDITED,
        Fit.APPLY,
    ),
    "a row more on top": (pd.DataFrame([{"name": "c", "amount": 1}, *RECORDS]), EDITED, Fit.OTHER),
    "a row less": (pd.DataFrame(RECORDS[:1]), EDITED, Fit.OTHER),
    "a column more": (pd.DataFrame(RECORDS).assign(more=1), EDITED, Fit.OTHER),
    "another value": (pd.DataFrame([{"name": "a", "amount": 4}, RECORDS[1]]), EDITED, Fit.OTHER),
    "the label of a deleted row": (
        pd.concat([pd.DataFrame(RECORDS), pd.DataFrame(RECORDS[1:], index=[1])]),
        EDITED,
        Fit.OTHER,
    ),
    "the edited table": (
        pd.DataFrame([{"name": "a", "amount": 9}, {"name": "own"}]),
        EDITED,
        Fit.INCLUDED,
    ),
    "the edited table and a row more": (
        pd.DataFrame([{"name": "a", "amount": 9}, {"name": "own"}, RECORDS[0]]),
        EDITED,
        Fit.INCLUDED,
    ),
    "the rows that were left, and another": (
        pd.DataFrame([RECORDS[0], {"name": "c", "amount": 1}]),
        Edits(deleted=[1]),
        Fit.OTHER,
    ),
}


@pytest.mark.parametrize("name", GROWN)
def test_stored_edits_fit_a_table_that_has_grown_at_its_end(name: str) -> None:
    data, edits, expected = GROWN[name]
    table = Table(pd.DataFrame(RECORDS))
    stored = StoredEdits(edits, table.content, Table(table.edited(edits)).content)
    read = StoredEdits.from_value(stored.as_value())
    assert read == stored
    assert read.fit(Table(data)) is expected


def test_rows_that_were_added_to_an_empty_table_stay_below_its_first_rows() -> None:
    table, edits = Table(pd.DataFrame(columns=["name", "amount"])), Edits(added=[{"name": "own"}])
    stored = StoredEdits(edits, table.content, Table(table.edited(edits)).content)
    grown = Table(pd.DataFrame(RECORDS))
    assert stored.fit(grown) is Fit.APPLY
    assert grown.edited(edits)["name"].tolist() == ["a", "b", "own"]


def test_edits_that_an_earlier_version_has_stored_fit_their_table_alone() -> None:
    table = Table(pd.DataFrame(RECORDS))
    edited = Table(table.edited(EDITED))
    value = {"table": table.fingerprint, "result": edited.fingerprint, **EDITED.as_state()}
    stored = StoredEdits.from_value(value)
    assert stored is not None
    assert stored.fit(table) is Fit.APPLY
    assert stored.fit(edited) is Fit.INCLUDED
    assert stored.fit(Table(pd.DataFrame([*RECORDS, RECORDS[0]]))) is Fit.OTHER


@pytest.mark.parametrize(
    ("table", "result", "only_deletes", "expected"),
    [
        (None, None, False, Fit.OTHER),
        (3, None, False, Fit.APPLY),
        (2, None, False, Fit.APPLY),
        (None, 3, False, Fit.INCLUDED),
        (None, 2, False, Fit.INCLUDED),
        (3, 3, False, Fit.APPLY),
        (2, 3, False, Fit.INCLUDED),  # a row was added: once is enough
        (3, 2, True, Fit.APPLY),
        (None, 2, True, Fit.OTHER),  # any longer table may begin with the rows that are left
        (None, 3, True, Fit.INCLUDED),
    ],
)
def test_the_longer_match_decides(
    table: int | None, result: int | None, only_deletes: bool, expected: Fit
) -> None:
    assert fit(3, table=table, result=result, only_deletes=only_deletes) is expected


@pytest.mark.parametrize(
    ("is_edited", "is_former", "is_given", "expected"),
    [
        (True, False, False, Basis.EDITED),  # saved
        (True, True, True, Basis.EDITED),  # nothing was edited
        (False, True, False, Basis.FORMER),  # reset
        (False, True, True, Basis.FORMER),  # reset before the script knew an edit
        (False, False, True, Basis.GIVEN),  # saved without the newest edit
        (False, False, False, Basis.OTHER),
    ],
)
def test_what_a_table_is_after_its_key_was_deleted(
    is_edited: bool, is_former: bool, is_given: bool, expected: Basis
) -> None:
    found = basis_after_deletion(is_edited=is_edited, is_former=is_former, is_given=is_given)
    assert found is expected


def test_the_content_of_a_table_is_its_values_whatever_its_dtypes() -> None:
    table = Table(FRAMES["one of each"]())
    objects = Table(table.frame.astype({"whole": float, "small": "int64", "truth": object}))
    assert objects.fingerprint != table.fingerprint
    assert objects.content.rows == 4
    cut = Table(pd.concat([table.frame, table.frame]).head(4))  # it shares Arrow's buffers
    assert cut.content == table.content
    assert table.begins_with(Table(table.frame.iloc[:2]).content)
    assert not table.begins_with(Content("", 2))


@pytest.mark.parametrize("dtype", [float, "Int64", "boolean", "string", "datetime64[ns]"])
def test_the_content_of_a_column_without_values_is_the_same_for_each_dtype(dtype: Any) -> None:
    empty = pd.DataFrame({"a": pd.array([None, None], dtype=object), "b": [1, 2]})
    table, other = Table(empty), Table(empty.assign(a=pd.Series([None, None], dtype=dtype)))
    assert other.fingerprint != table.fingerprint
    assert other.content == table.content


def test_what_is_shown_has_the_types_of_the_table() -> None:
    """A whole number stays one beside a cell that is empty, so that it is edited as one."""
    table = Table(FRAMES["one of each"]())
    edits = Edits({0: {"whole": None, "truth": None}}, [{"text": "new"}], [1])
    before = pa.Table.from_pandas(table.frame, preserve_index=False).schema
    after = pa.Table.from_pandas(table.widget_data(edits), preserve_index=False).schema
    assert [field.type for field in after] == [field.type for field in before]


def test_rows_with_the_label_of_a_deleted_one_go_with_it_and_later_edits_find_their_rows() -> None:
    table = Table(FRAMES["a label twice"]())
    first = Edits(deleted=[0])
    assert table.origins(first) == [1]
    both = first.then(Edits({0: {"whole": 9}}), table.origins(first))
    assert table.edited(both)["whole"].tolist() == [9]


def test_rows_that_streamlit_does_not_add_are_not_counted() -> None:
    table = Table(FRAMES["text as index"]())
    first = Edits(added=[{"whole": 1}, {INDEX: "s", "whole": 2}])
    assert table.origins(first) == [0, 1, 2, ~1]
    both = first.then(Edits({3: {"whole": 5}}), table.origins(first))
    assert table.edited(both).loc["s", "whole"] == 5


GIVEN: dict[str, Any] = {
    "list": [1, 2, 3],
    "records": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}],
    "rows": [[1, "x"], [2, "y"]],
    "dict": {"a": [1, 2], "b": ["x", "y"]},
    "series": pd.Series([1, 2], name="a"),
    "array": np.array([1.0, 2.0]),
    "matrix": np.array([[1.0, 2.0], [3.0, 4.0]]),
    "tuple": (1, 2),
    "set": {1, 2},
    "table": pa.table({"a": [1, 2]}),
    "columns that are numbers": pd.DataFrame([[1, 2], [3, 4]]),
    "nested columns": pd.DataFrame(
        [[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])
    ),
}


@pytest.mark.parametrize("name", GIVEN)
def test_edited_data_has_the_type_in_which_it_was_given(name: str) -> None:
    data = GIVEN[name]
    table = Table(data)
    column = table.frame.columns[0]
    value = 9 if table.frame[column].dtype.kind in "if" else "new"
    result = table.as_given(table.edited(Edits({0: {column: value}})))
    assert type(result) is type(data)
    assert Table(result).frame.iloc[0, 0] == value or isinstance(data, set)


@pytest.mark.parametrize("name", GIVEN)
def test_a_fingerprint_tells_tables_apart(name: str) -> None:
    table = Table(GIVEN[name])
    assert Table(copy.deepcopy(GIVEN[name])).fingerprint == table.fingerprint
    column = table.frame.columns[0]
    value = 9 if table.frame[column].dtype.kind in "if" else "new"
    edited = table.as_given(table.edited(Edits({0: {column: value}})))
    assert Table(edited).fingerprint != table.fingerprint


def test_a_table_of_objects_has_a_fingerprint_too() -> None:
    table = Table(pd.DataFrame({"a": [object(), object()], "b": [1, 2]}))
    assert table.read_only == ["a"]
    assert table.fingerprint


def test_styles_are_shown_with_the_edits() -> None:
    styler = FRAMES["numbers as index"]().style.highlight_max(color="red")
    table = Table(styler)
    shown = table.widget_data(Edits({0: {"whole": 9}}))
    assert "red" in shown.to_html()
    assert shown.data["whole"].tolist() == [9, 2, 3]


@pytest.mark.parametrize(("levels", "is_kept"), [(0, True), (1, True), (100, True), (101, False)])
@pytest.mark.parametrize("kind", ["list", "object"])
def test_a_cell_of_too_many_levels_is_no_edit(kind: str, levels: int, is_kept: bool) -> None:
    cell: object = 5
    for _ in range(levels):
        cell = [1, cell] if kind == "list" else {"a": 1, "b": cell}
    told = {"edited_rows": {"0": {"a": cell, "b": 1}}, "added_rows": [{"a": cell}]}
    kept = {"a": cell} if is_kept else {}
    assert Edits.from_state(told) == Edits({0: {**kept, "b": 1}}, [kept])


def test_nonsense_in_a_row_is_no_edit() -> None:
    for nonsense in (None, 3, {}, {"edited_rows": None}):
        assert not Edits.from_state(nonsense)
