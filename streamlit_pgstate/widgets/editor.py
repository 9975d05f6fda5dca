"""The data editor: the visitor's edits are stored, and applied again after a reload.

A script cannot set the value of Streamlit's data editor. So the edits are stored, by the rows of
the table that the script passes. After a reload Streamlit's editor is given the table with these
edits applied. What the visitor edits from then on is added to them.

When the key is deleted, the edits end: the script has saved them, or wants none. The table that it
passes next counts as it is. The visitor may edit the widget before the page shows that table.
These edits belong to the rows that the page has shown.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from streamlit_pgstate.component import script
from streamlit_pgstate.errors import PgStateError
from streamlit_pgstate.page import tab as _tab
from streamlit_pgstate.page.tab import Tab
from streamlit_pgstate.widgets.call import Call
from streamlit_pgstate.widgets.edits import Edits
from streamlit_pgstate.widgets.stored_edits import Fit, StoredEdits
from streamlit_pgstate.widgets.stored_widget import StoredValue, StoredWidget, enter_run
from streamlit_pgstate.widgets.table import Table

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Given:
    """What the script was last given."""

    edits: Edits
    """By the rows of the editor's table."""
    widget_edits: Edits
    """By the rows of the data of Streamlit's editor."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What an editor was when its key was deleted."""

    table: Table
    edits: Edits
    widget_edits: Edits
    given: Given | None


class Basis(enum.Enum):
    """What the table is that the script passes after its key was deleted."""

    EDITED = "the table with all edits that were deleted"
    GIVEN = "the table with the edits that the script knew"
    FORMER = "the table without the edits"
    OTHER = "another table"


class Editor(StoredWidget):
    """One data editor, as one tab knows it."""

    def __init__(self, stored: StoredValue, table: Table, options: str, edits: Edits) -> None:
        super().__init__(stored)
        self.table = table
        self.options = options
        """The script's arguments. Streamlit drops all edits when one of them changes."""
        self.edits = edits
        """All edits: `applied` and `widget_edits` together."""
        self.result_fingerprint = ""
        """The fingerprint of the result that the script was last given."""
        self.is_fed_back = False
        """Whether the script passes the result of a former run as its data."""
        self.unfit_version = 0
        """The version of the stored edits about which the visitor was told that they belong to
        another table; 0 for none."""
        self.is_in_form = False
        """Whether it was drawn in a form. A form may empty its widgets when it is submitted."""
        self.ended: Ended | None = None
        """What was deleted with the key, until the script has passed its next table."""
        self._edited: tuple[Edits, Table] | None = None
        """Edits, and the table with these edits."""
        self._start_widget()

    def _start_widget(self) -> None:
        self.applied = self.edits
        """The edits that are applied in the data of Streamlit's editor."""
        self.widget_edits = Edits()
        """The edits that Streamlit's editor holds, by the rows of its data."""
        self.ended_edits = Edits()
        """Those of `widget_edits` that were deleted. The table has them."""
        self.given: Given | None = None
        """None if the script was given nothing from the present widget and table."""
        self.is_reset = False
        """Whether Streamlit has dropped `widget_edits` although the key was the same."""
        self.widget_data = self.table.widget_data(self.edits)
        """The data of Streamlit's editor. It must be the same in each run: if it changes,
        Streamlit drops the edits."""
        self.widget_table = Table(self.widget_data) if self.edits else self.table
        self.origins: Sequence[int] = range(len(self.widget_table.frame))
        """The row of the table for each row that `_edits_since` counts."""
        if self.edits:
            self.origins = self.table.origins(self.edits)
        self.rows: dict[int, int | None] = {}
        """The row of the table for each row that the widget showed when `ended_edits` ended: see
        `Edits.since`."""
        self.is_stale = False
        """Whether the page still shows edits that were dropped."""

    def restart_widget(self) -> None:
        self.widget_key = self._new_widget_key()
        self._start_widget()

    def collect_changes(self) -> bool:
        if self.is_reset or self.widget_key not in st.session_state:
            return False
        widget_edits = Edits.from_state(st.session_state[self.widget_key])
        if widget_edits == self.widget_edits:
            return False
        before = self.edits, self.widget_edits
        self.widget_edits = widget_edits
        try:
            self._add_widget_edits()
            self.edited_table.fingerprint  # noqa: B018 - makes the table
        except Exception as error:  # noqa: BLE001 - whatever Streamlit raises: no page sends that
            # Not its message, which may hold what the browser has sent.
            name = type(error).__name__
            _LOG.warning("data_editor(key=%r): edits fit no such table (%s)", self.key, name)
            self.edits, self.widget_edits = before
            return False
        return True

    def _add_widget_edits(self) -> None:
        later = self.widget_edits.since(self.ended_edits, self.rows, self.widget_table.cell)
        self.edits = self.applied.then(later, self.origins)

    @property
    def value(self) -> dict[str, Any]:
        return self.edits.as_state()

    @property
    def value_to_store(self) -> dict[str, Any] | None:
        if not self.edits:
            return None
        return StoredEdits(self.edits, self.table.content, self.edited_table.content).as_value()

    @property
    def has_input(self) -> bool:
        return bool(self.widget_edits)

    @property
    def edited_table(self) -> Table:
        """The table with all edits, as the script gets it."""
        if not self.edits:
            return self.table
        if self._edited is None or self._edited[0] is not self.edits:
            self._edited = self.edits, _with_edits(self.table, self.edits)
        return self._edited[1]

    def result(self, drawn: Any) -> Any:
        """What the script is given.

        Args:
            drawn: what Streamlit's editor has returned.
        """
        self.is_reset = Edits.from_state(st.session_state[self.widget_key]) != self.widget_edits
        if self.applied or self.ended_edits or self.is_reset:
            drawn = self.table.edited(self.edits)
        self.given = Given(self.edits, self.widget_edits)
        self.result_fingerprint = self.edited_table.fingerprint
        return self.table.as_given(drawn)

    def is_same_table(self, table: Table) -> bool:
        """Whether `table` is this editor's table, or the result that the script was given."""
        if table.fingerprint == self.table.fingerprint:
            return not self.is_fed_back or self.result_fingerprint == self.table.fingerprint
        return table.fingerprint == self.result_fingerprint

    # Deletion of the key

    def store_changes(self) -> None:
        if self._is_deleted():
            self._end_edits()
        super().store_changes()

    def _is_deleted(self) -> bool:
        """Whether the edits that this tab knows as stored were deleted: here or elsewhere.

        So they were, too, if somebody has then stored edits of the edited table.
        """
        try:
            tab = _tab.current()
            session = tab.browser.session
            if not self.version or session.id != self.session_id:
                return False
            version = session.entry_version(self.key)
            if version in (0, self.version):
                return not version
            stored = StoredEdits.from_value(StoredValue.read(self.key, tab).value)
        except PgStateError:  # `store` tells the visitor, and the next run asks again
            return False
        return bool(self.edits) and stored is not None and stored.table == self.edited_table.content

    def _end_edits(self) -> None:
        """End all edits. Until the script passes a table, later ones belong to the edited table."""
        self.ended = Ended(self.table, self.edits, self.widget_edits, self.given)
        self.version, self.is_fed_back = 0, False
        self.continue_from(self.edited_table, self.widget_edits)

    def continue_from(
        self, table: Table, ended_edits: Edits, rows: Sequence[int | None] | None = None
    ) -> None:
        """Keep the widget. What the visitor edits beyond `ended_edits` belongs to `table`.

        Args:
            table: the table.
            ended_edits: edits of the widget.
            rows: the row of `table` for each row that the widget showed with `ended_edits`; by
                default they are the same.
        """
        origins = self.widget_table.origins(ended_edits)
        rows = range(len(table.frame)) if rows is None else rows
        self.table = table.with_texts_of(self.widget_table)
        self.ended_edits, self.given = ended_edits, None
        if len(rows) == len(origins):
            self.rows = dict(zip(origins, rows, strict=True))
        else:  # the labels of its index hide which row is which
            self.rows = dict.fromkeys(origins)
        self.applied, self.origins = Edits(), range(len(table.frame))
        self._add_widget_edits()


def basis_after_deletion(*, is_edited: bool, is_former: bool, is_given: bool) -> Basis:
    """Decide what the table is that the script passes.

    Args:
        is_edited: whether it is the former table with all edits that were deleted.
        is_former: whether it is the former table without them.
        is_given: whether it is the former table with the edits that the script knew. A script that
            saves in a callback saves what its last run was given. The visitor may have edited
            the table since.
    """
    if is_edited:
        return Basis.EDITED
    if is_former:
        return Basis.FORMER
    return Basis.GIVEN if is_given else Basis.OTHER


def _with_edits(table: Table, edits: Edits) -> Table:
    return Table(table.as_given(table.edited(edits)))


def draw(call: Call) -> Any:
    """Draw the editor and return the edited data."""
    tab = enter_run()
    table = Table(call.arguments.pop("data"))
    if table.hides_index and call.arguments.get("hide_index") is None:
        call.arguments["hide_index"] = True
    if table.read_only and call.arguments.get("disabled", False) is not True:
        call.arguments["disabled"] = [*(call.arguments.get("disabled") or ()), *table.read_only]
    # With the page's address, as Streamlit treats the same key on another page as another widget.
    options = repr((call.arguments, st.context.url))
    editor = _current(call.key, tab, table, options)
    drawn = editor.draw(call, data=editor.widget_data)
    editor.is_in_form = call.is_in_form
    editor.finish()
    return editor.result(drawn)


def _current(key: str, tab: Tab, table: Table, options: str) -> Editor:
    """The tab's editor; read from the state if the tab has none that is up to date."""
    editor = Editor.resume(key, tab)
    if editor is None:
        return _read(key, tab, table, options)
    if editor.ended is not None:
        editor = _begin_anew(editor, editor.ended, tab, table, options)
    if not editor.is_same_table(table):
        if editor.is_fed_back and table.fingerprint == editor.table.fingerprint:
            tab.browser.call(lambda state: state.delete(key))  # the script starts from its own data
        return _read(key, tab, table, options, unfit_version=editor.unfit_version)
    editor.is_fed_back = editor.is_fed_back or table.fingerprint != editor.table.fingerprint
    is_outdated = editor.is_outdated(tab)
    if is_outdated and not tab.live.postpones(editor.widget_key):  # nobody types in a cell
        read = _read(key, tab, editor.table, options, unfit_version=editor.unfit_version)
        read.is_fed_back = editor.is_fed_back
        return read
    is_stale = editor.is_stale and not tab.live.postpones(editor.widget_key)
    if is_stale or editor.is_reset or editor.options != options or not editor.is_intact():
        editor.options = options
        editor.restart_widget()
    return editor


def _begin_anew(editor: Editor, ended: Ended, tab: Tab, table: Table, options: str) -> Editor:
    """The editor for the first table that the script passes after the key was deleted.

    Where the page shows this table already, its widget stays. So nothing is lost of what the
    visitor is typing, and has not sent yet.
    """
    given, known, belonged_to = ended.given, editor.edits, editor.table.content
    basis = basis_after_deletion(
        is_edited=table.may_be(editor.table, ended.table),
        is_former=table.content == ended.table.content,
        is_given=given is not None
        and table.may_be(_with_edits(ended.table, given.edits), ended.table),
    )
    editor.ended = None
    if basis is Basis.OTHER:
        return _read(editor.key, tab, table, options, unfit_version=editor.unfit_version)
    if basis is Basis.FORMER:
        rows = [row if row >= 0 else None for row in ended.table.origins(ended.edits)]
        editor.continue_from(table, ended.widget_edits, rows)
        editor.is_stale = True
    elif basis is Basis.GIVEN and given is not None:
        editor.continue_from(table, given.widget_edits)
    else:
        editor.continue_from(table, ended.widget_edits)
    if len(editor.edits) < len(known):  # some belong to rows that are gone
        _report_unfit(editor.key, known)
    if editor.is_in_form or script.is_apptest():  # nobody can have typed meanwhile
        editor.restart_widget()
    if editor.edits != known or (known and table.content != belonged_to):
        editor.store()
    return editor


def _read(key: str, tab: Tab, table: Table, options: str, unfit_version: int = 0) -> Editor:
    """An editor for `table`, with the stored edits if they belong to this table."""
    stored = StoredValue.read(key, tab)
    found = StoredEdits.from_value(stored.value)
    fit = found.fit(table) if found is not None else Fit.INCLUDED
    if found is not None and fit is Fit.OTHER and unfit_version != stored.version:
        unfit_version = stored.version
        _report_unfit(key, found.edits)
    edits = found.edits if found is not None and fit is Fit.APPLY else Edits()
    editor = Editor(stored, table, options, edits)
    editor.unfit_version = unfit_version
    return editor.remember()


def _report_unfit(key: str, edits: Edits) -> None:
    _LOG.warning(
        "data_editor(key=%r): the table has changed since it was edited; %d stored edits are not "
        "applied. They stay stored until the visitor edits the new table.",
        key,
        len(edits),
    )
    st.toast(
        "This table has changed since you edited it. It is shown as it is now, without your edits.",
        icon=":material/info:",
    )
