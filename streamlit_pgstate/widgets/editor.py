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

from streamlit_pgstate import tab as _tab
from streamlit_pgstate.errors import DecodeError, PgStateError
from streamlit_pgstate.state import State
from streamlit_pgstate.tab import Tab
from streamlit_pgstate.widgets.call import Call, has_widget, new_widget_key, slot
from streamlit_pgstate.widgets.edits import Edits
from streamlit_pgstate.widgets.table import Table

_LOG: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class Editor:
    """What one tab knows of one data editor."""

    key: str
    state_id: object
    version: int
    """Of the stored edits, as this tab has read or written them."""
    table: Table
    options: str
    """The arguments: Streamlit forgets what was edited when one of them changes."""
    edits: Edits
    """All of them."""
    before: Edits = field(default_factory=Edits)
    """Those that are in the table that the editor was given."""
    origins: list[int] = field(default_factory=list)
    later: Edits = field(default_factory=Edits)
    """Those that Streamlit's own editor holds."""
    widget_key: str = ""
    returned: str = ""
    """Fingerprint of what the script was given back last."""
    is_fed_back: bool = False
    """Whether the script gives as its table what it was given back."""
    unfit: int = 0
    """The version of edits that did not fit the table, and was said not to."""
    failure: PgStateError | None = None
    shown: Any = None
    """What Streamlit's editor is given: the same in each run, or it would begin anew."""
    is_reset: bool = False
    """Whether Streamlit has begun anew all the same, so that it has forgotten `later`."""
    fingerprinted: tuple[Edits, str] | None = None

    def __post_init__(self) -> None:
        self.widget_key = new_widget_key(self.key)
        self.before = self.edits
        self.shown = self.table.shown(self.edits)
        if self.edits:
            self.origins = self.table.origins(self.edits)
        else:
            self.origins = list(range(len(self.table.frame)))

    def take(self, tab: Tab) -> None:
        """Store what the visitor has edited since the last call: what this tab changed, wins."""
        if self.is_reset or not has_widget(self.widget_key):
            return
        later = Edits.read(st.session_state[self.widget_key])
        if later == self.later and self.failure is None:
            return
        self.later = later
        self.edits = self.before.then(later, self.origins)
        self._mirror()
        self.failure = None
        try:
            self.version = tab.browser.call(self._store)
            self.state_id = tab.browser.state.id
        except PgStateError as error:
            self.failure = error  # raised below the widget, where the visitor can undo it

    def _store(self, state: State) -> int:
        if self.edits:
            state.set(self.key, self._as_entry())
        elif state.version_of(self.key):
            state.delete(self.key)
        return state.version_of(self.key)

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

    def _mirror(self) -> None:
        """Have under the script's own key what Streamlit would have there without a reload."""
        st.session_state[self.key] = self.edits.as_state()

    def result(self, drawn: Any) -> Any:
        """What to give back, `drawn` being what Streamlit's editor did."""
        self._mirror()
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
    editor = _current(call, tab, table)
    drawn = call.draw(editor.widget_key, lambda: _changed(call.key), data=editor.shown)
    if editor.failure is not None:
        raise editor.failure
    return editor.result(drawn)


def _changed(key: str) -> None:
    editor = st.session_state.get(slot(key))
    if isinstance(editor, Editor):
        editor.take(_tab.current())


def _current(call: Call, tab: Tab, table: Table) -> Editor:
    """What the tab knows of the editor; begun anew where that no longer holds."""
    known = st.session_state.get(slot(call.key))
    # The page's address too: Streamlit takes the same key on another page for another widget.
    options = repr((call.arguments, st.context.url))
    if not isinstance(known, Editor) or known.state_id != tab.browser.state.id:
        return _begin(call, tab, table, options, None)
    known.take(tab)
    if not known.is_same_table(table):
        if known.is_fed_back and table.fingerprint == known.table.fingerprint:
            tab.browser.call(
                lambda state: state.delete(call.key)
            )  # the script has begun again itself
        return _begin(call, tab, table, options, known)
    known.is_fed_back = known.is_fed_back or table.fingerprint != known.table.fingerprint
    if (
        known.is_reset
        or not has_widget(known.widget_key)
        or known.options != options
        or _has_changed_elsewhere(known, tab)
    ):
        return _begin(call, tab, known.table, options, known)
    return known


def _has_changed_elsewhere(known: Editor, tab: Tab) -> bool:
    """Whether to show what others have stored: not while the visitor types in a cell."""
    if known.version == tab.browser.state.version_of(known.key):
        return False
    return not tab.live.postpones(known.widget_key)


def _begin(call: Call, tab: Tab, table: Table, options: str, former: Editor | None) -> Editor:
    """An editor of Streamlit's that is new, over the table with the stored edits in it."""
    version = tab.browser.state.version_of(call.key)
    unfit = former.unfit if former else 0
    edits, fits = tab.browser.call(lambda state: _stored(call.key, state, table))
    if not fits and unfit != version:
        unfit = version
        _say_unfit(call.key, edits)
    editor = Editor(
        call.key,
        tab.browser.state.id,
        version,
        table,
        options,
        edits if fits else Edits(),
        is_fed_back=former is not None and former.is_fed_back and table is former.table,
        unfit=unfit,
    )
    st.session_state[slot(call.key)] = editor
    return editor


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
