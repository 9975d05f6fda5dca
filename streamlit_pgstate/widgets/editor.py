"""A data editor whose edits last: over any number of reloads, as if there had been none.

Streamlit lets nobody set a data editor. So what is stored are the edits, in terms of the rows that
the script gives; after a reload the editor is given the table with these edits in it, and what
is edited from then on is added to them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any, Final

import streamlit as st

from streamlit_pgstate.errors import DecodeError
from streamlit_pgstate.page import tab as _tab
from streamlit_pgstate.page.tab import Tab
from streamlit_pgstate.state.mapping import State
from streamlit_pgstate.widgets.call import Call
from streamlit_pgstate.widgets.edits import Edits
from streamlit_pgstate.widgets.known import Known, changed
from streamlit_pgstate.widgets.table import Table

_LOG: Final = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Editor(Known):
    """What one tab knows of one data editor."""

    table: Table
    options: str
    """The arguments: Streamlit forgets what was edited when one of them changes."""
    edits: Edits
    """All of them."""
    before: Edits = field(init=False)
    """Those that are in the table that the editor was given."""
    origins: list[int] = field(init=False)
    later: Edits = field(init=False)
    """Those that Streamlit's own editor holds."""
    returned: str = ""
    """Fingerprint of what the script was given back last."""
    is_fed_back: bool = False
    """Whether the script gives as its table what it was given back."""
    unfit: int = 0
    """The version of edits that did not fit the table, and was said not to."""
    shown: Any = field(init=False)
    """What Streamlit's editor is given: the same in each run, or it would begin anew."""
    is_reset: bool = field(init=False)
    """Whether Streamlit has begun anew all the same, so that it has forgotten `later`."""
    fingerprinted: tuple[Edits, str] | None = None

    def __post_init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        self.widget_key = self.new_widget_key()
        self.before, self.later, self.is_reset = self.edits, Edits(), False
        self.shown = self.table.shown(self.edits)
        if self.edits:
            self.origins = self.table.origins(self.edits)
        else:
            self.origins = list(range(len(self.table.frame)))

    def notice(self) -> bool:
        if self.is_reset or self.widget_key not in st.session_state:
            return False
        later = Edits.read(st.session_state[self.widget_key])
        if later == self.later:
            return False
        self.later = later
        self.edits = self.before.then(later, self.origins)
        return True

    @property
    def value(self) -> dict[str, Any]:
        return self.edits.as_state()

    @property
    def entry(self) -> dict[str, Any] | None:
        return self._as_entry() if self.edits else None

    @property
    def is_filled(self) -> bool:
        return bool(self.later)

    def _as_entry(self) -> dict[str, Any]:
        return {
            "table": self.table.fingerprint,
            "result": self._fingerprint_of_result(),
            **self.edits.as_state(),
        }

    def _fingerprint_of_result(self) -> str:
        if not self.edits:
            return self.table.fingerprint
        if self.fingerprinted is None or self.fingerprinted[0] is not self.edits:
            result = Table(self.table.as_given(self.table.edited(self.edits)))
            self.fingerprinted = self.edits, result.fingerprint
        return self.fingerprinted[1]

    def result(self, drawn: Any) -> Any:
        """What to give back, `drawn` being what Streamlit's editor did."""
        self.mirror()
        self.is_reset = Edits.read(st.session_state[self.widget_key]) != self.later
        if self.before or self.is_reset:
            drawn = self.table.edited(self.edits)
        self.returned = self._fingerprint_of_result()
        return self.table.as_given(drawn)

    def is_same_table(self, table: Table) -> bool:
        """Whether the script gives the table of before, or what it was given back for it."""
        if table.fingerprint == self.table.fingerprint:
            return not self.is_fed_back or self.returned == self.table.fingerprint
        return table.fingerprint == self.returned


def draw(call: Call) -> Any:
    """Draw the editor and return what is in it."""
    tab = _tab.current()
    tab.notice_reconnect()
    table = Table(call.arguments.pop("data"))
    if table.hides_index and call.arguments.get("hide_index") is None:
        call.arguments["hide_index"] = True
    if table.frozen and call.arguments.get("disabled", False) is not True:
        call.arguments["disabled"] = [*(call.arguments.get("disabled") or ()), *table.frozen]
    # The page's address too: Streamlit takes the same key on another page for another widget.
    options = repr((call.arguments, st.context.url))
    editor = _current(call.key, tab, table, options)
    drawn = call.draw(editor.widget_key, lambda: changed(call.key), data=editor.shown)
    if editor.failure is not None:
        raise editor.failure
    return editor.result(drawn)


def _current(key: str, tab: Tab, table: Table, options: str) -> Editor:
    """What the tab knows of the editor; begun anew where that no longer holds."""
    editor = Editor.find(key, tab)
    if editor is None:
        return _read(key, tab, table, options).keep()
    if not editor.is_same_table(table):
        if editor.is_fed_back and table.fingerprint == editor.table.fingerprint:
            tab.browser.call(lambda state: state.delete(key))  # the script has begun again itself
        return _read(key, tab, table, options, unfit=editor.unfit).keep()
    editor.is_fed_back = editor.is_fed_back or table.fingerprint != editor.table.fingerprint
    is_outdated = editor.is_outdated(tab.browser.session)
    if is_outdated and not tab.live.postpones(editor.widget_key):  # nobody types in a cell
        read = _read(key, tab, editor.table, options, unfit=editor.unfit)
        read.is_fed_back = editor.is_fed_back
        return read.keep()
    if editor.is_reset or editor.options != options or not editor.is_on_the_page():
        editor.options = options
        editor.begin_anew()
    return editor


def _read(key: str, tab: Tab, table: Table, options: str, unfit: int = 0) -> Editor:
    """An editor over the table with the edits that are stored, where they are to this table."""
    version = tab.browser.session.version_of(key)
    edits, fits = tab.browser.call(lambda state: _stored(key, state, table))
    if not fits and unfit != version:
        unfit = version
        _say_unfit(key, edits)
    return Editor(
        key=key,
        state_id=tab.browser.session.id,
        version=version,
        table=table,
        options=options,
        edits=edits if fits else Edits(),
        unfit=unfit,
    )


def _stored(key: str, state: State, table: Table) -> tuple[Edits, bool]:
    """The edits that are stored, and whether they are to this table."""
    try:
        entry = state.get(key)
    except DecodeError as error:
        _LOG.warning("%s", error)
        return Edits(), True
    if not isinstance(entry, dict) or "table" not in entry:
        return Edits(), True
    if entry["table"] == table.fingerprint:
        return Edits.read(entry), True
    if entry.get("result") == table.fingerprint:
        return Edits(), True  # the script has kept the edited table, and gives that
    return Edits.read(entry), False


def _say_unfit(key: str, edits: Edits) -> None:
    _LOG.warning(
        "data_editor(key=%r): the table has changed since it was edited; %d stored edits are not "
        "applied. They stay stored until the visitor edits the table anew.",
        key,
        len(edits),
    )
    st.toast(
        "This table has changed since you edited it. It is shown as it is now, without your edits.",
        icon=":material/info:",
    )
