"""The data editor: the visitor's edits are stored, and applied again after a reload.

A script cannot set the value of Streamlit's data editor. So the edits are stored, by the rows of
the table that the script passes. After a reload Streamlit's editor is given the table with these
edits applied. What the visitor edits from then on is added to them.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import streamlit as st

from streamlit_pgstate.page.tab import Tab
from streamlit_pgstate.widgets.call import Call
from streamlit_pgstate.widgets.edits import Edits
from streamlit_pgstate.widgets.stored_widget import StoredValue, StoredWidget, enter_run
from streamlit_pgstate.widgets.table import Table

_LOG: Final = logging.getLogger(__name__)


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
        self._fingerprinted: tuple[Edits, str] | None = None
        """Edits, and the fingerprint of the table with these edits."""
        self._start_widget()

    def _start_widget(self) -> None:
        self.applied = self.edits
        """The edits that are applied in the data of Streamlit's editor."""
        self.widget_edits = Edits()
        """The edits that Streamlit's editor holds, by the rows of its data."""
        self.is_reset = False
        """Whether Streamlit has dropped `widget_edits` although the key was the same."""
        self.widget_data = self.table.widget_data(self.edits)
        """The data of Streamlit's editor. It must be the same in each run: if it changes,
        Streamlit drops the edits."""
        if self.edits:
            self.origins = self.table.origins(self.edits)
        else:
            self.origins = list(range(len(self.table.frame)))

    def restart_widget(self) -> None:
        self.widget_key = self._new_widget_key()
        self._start_widget()

    def collect_changes(self) -> bool:
        if self.is_reset or self.widget_key not in st.session_state:
            return False
        widget_edits = Edits.from_state(st.session_state[self.widget_key])
        if widget_edits == self.widget_edits:
            return False
        before, self.edits = self.edits, self.applied.then(widget_edits, self.origins)
        try:
            self._fingerprint_of_result()
        except Exception as error:  # noqa: BLE001 - whatever Streamlit raises: no page sends that
            # Not its message, which may hold what the browser has sent.
            name = type(error).__name__
            _LOG.warning("data_editor(key=%r): edits fit no such table (%s)", self.key, name)
            self.edits = before
            return False
        self.widget_edits = widget_edits
        return True

    @property
    def value(self) -> dict[str, Any]:
        return self.edits.as_state()

    @property
    def value_to_store(self) -> dict[str, Any] | None:
        if not self.edits:
            return None
        return {
            "table": self.table.fingerprint,
            "result": self._fingerprint_of_result(),
            **self.edits.as_state(),
        }

    @property
    def has_input(self) -> bool:
        return bool(self.widget_edits)

    def _fingerprint_of_result(self) -> str:
        if not self.edits:
            return self.table.fingerprint
        if self._fingerprinted is None or self._fingerprinted[0] is not self.edits:
            result = Table(self.table.as_given(self.table.edited(self.edits)))
            self._fingerprinted = self.edits, result.fingerprint
        return self._fingerprinted[1]

    def result(self, drawn: Any) -> Any:
        """What the script is given.

        Args:
            drawn: what Streamlit's editor has returned.
        """
        self.is_reset = Edits.from_state(st.session_state[self.widget_key]) != self.widget_edits
        if self.applied or self.is_reset:
            drawn = self.table.edited(self.edits)
        self.result_fingerprint = self._fingerprint_of_result()
        return self.table.as_given(drawn)

    def is_same_table(self, table: Table) -> bool:
        """Whether `table` is this editor's table, or the result that the script was given."""
        if table.fingerprint == self.table.fingerprint:
            return not self.is_fed_back or self.result_fingerprint == self.table.fingerprint
        return table.fingerprint == self.result_fingerprint


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
    editor.finish()
    return editor.result(drawn)


def _current(key: str, tab: Tab, table: Table, options: str) -> Editor:
    """The tab's editor; read from the state if the tab has none that is up to date."""
    editor = Editor.resume(key, tab)
    if editor is None:
        return _read(key, tab, table, options)
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
    if editor.is_reset or editor.options != options or not editor.is_intact():
        editor.options = options
        editor.restart_widget()
    return editor


def _read(key: str, tab: Tab, table: Table, options: str, unfit_version: int = 0) -> Editor:
    """An editor for `table`, with the stored edits if they belong to this table."""
    stored = StoredValue.read(key, tab)
    edits, fits = _edits_of(stored, table)
    if not fits and unfit_version != stored.version:
        unfit_version = stored.version
        _report_unfit(key, edits)
    editor = Editor(stored, table, options, edits if fits else Edits())
    editor.unfit_version = unfit_version
    return editor.remember()


def _edits_of(stored: StoredValue, table: Table) -> tuple[Edits, bool]:
    """The stored edits, and whether they belong to this table."""
    entry = stored.value
    if not isinstance(entry, dict) or "table" not in entry:
        return Edits(), True
    if entry["table"] == table.fingerprint:
        return Edits.from_state(entry), True
    if entry.get("result") == table.fingerprint:
        return Edits(), True  # the script passes the edited table, so there is nothing to apply
    return Edits.from_state(entry), False


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
