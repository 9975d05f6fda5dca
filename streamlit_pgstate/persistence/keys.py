"""PersistedKeys: the durable keys of `st.session_state` in one tab, widgets' or not.

Between `persist`, which names the keys, and the state, which stores their values. The call of
`persist` merges `st.session_state` with what is stored, as `merge` decides. The end of the run
stores what this tab has changed, in one statement. `run` does what is done in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

from streamlit_pgstate import codecs
from streamlit_pgstate.component import runs, script, session_state
from streamlit_pgstate.errors import DecodeError, InvalidKey, PgStateError
from streamlit_pgstate.persistence.fingerprint import fingerprint_of
from streamlit_pgstate.persistence.key import NOTHING, PersistedKey
from streamlit_pgstate.persistence.key_in_run import KeyInRun
from streamlit_pgstate.persistence.merge import (
    Action,
    Base,
    Mine,
    Page,
    decide,
    is_news,
    keeps_unsaved,
)
from streamlit_pgstate.persistence.run import PersistedRun
from streamlit_pgstate.persistence.stored import StoredKeys, never
from streamlit_pgstate.state.key import check_key
from streamlit_pgstate.state.session import Session


class PersistedKeys:
    """All durable keys of one tab, in one state.

    Args:
        session: the session of the state.
        known: what the tab knows of its keys from another session.
    """

    def __init__(self, session: Session, known: dict[str, PersistedKey] | None = None) -> None:
        self.postpones: Callable[[str], bool] = never
        """Whether what others have changed under a key is not to be shown yet."""
        self._stored = StoredKeys(session, {} if known is None else known)
        self._in_page: set[str] = set()
        """The keys that the last run of the whole page and its fragments since have persisted."""

    @property
    def session(self) -> Session:
        """The session in which the values are stored."""
        return self._stored.session

    @property
    def keys(self) -> Set[str]:
        """All keys that were ever persisted in this tab."""
        return self._stored.keys.keys()

    @property
    def version_shown(self) -> int:
        """The last version of which the page shows all keys that are persisted in it.

        To be read at the end of a run.
        """
        with self._stored.lock:
            found = [(self.session.entry_version(key), key) for key in self._in_page]
            outdated = [
                version for version, key in found if self._stored.keys[key].is_outdated(version)
            ]
            return min([self.session.version, *(version - 1 for version in outdated)])

    def note_page(self, showed: int | None, lacked: Callable[[str], bool] = never) -> None:
        """Note what the page showed before this server knew it.

        Args:
            showed: the version that it showed; None if it has not said so.
            lacked: whether nothing was stored under a key in that version.
        """
        self._stored.page_showed, self._stored.page_lacked = showed, lacked

    def bind(self, keys: Sequence[str], defaults: Mapping[str, Any]) -> None:
        """Merge `st.session_state` with what is stored, and save its changes at the run's end.

        Raises:
            InvalidKey: one of the keys is not allowed.
            UnsupportedType: a default cannot be stored.
            ConfigError: the widget of a key was drawn already.
        """
        names = [_bound_name(key) for key in (*keys, *defaults)]
        with self._stored.lock:
            if session_state.was_emptied_by_streamlit():
                for persisted in self._stored.keys.values():
                    persisted.was_there = False
            run = self._present_run()
            for key in names:
                persisted = self._stored.keys.setdefault(key, PersistedKey(key))
                self._in_page.add(key)
                if key in defaults:
                    persisted.default = defaults[key]
                if key not in run.keys:
                    if key not in run.former:
                        session_state.refuse_below_widget(key)
                    run.keys[key] = self._merge(persisted, run.former.get(key))
                elif not session_state.has(key):  # deleted since, or without a default so far
                    self._put_default_again(run.keys[key])
            run.start_timer()

    def _present_run(self) -> PersistedRun:
        """Return the listener of this run; a new one if the run has gone to another state."""
        run = runs.listener(PersistedRun)
        if run is not None and run.stored is self._stored:
            return run
        if not script.is_fragment_run():
            self._in_page.clear()
        is_of_another = run is not None and run.stored.session.id != self.session.id
        former = run.keys if run and is_of_another else {}
        return runs.listen(PersistedRun(self._stored, former))

    def save_so_far(self) -> None:
        """Save now what the end of this run would save.

        In a callback the run has persisted nothing yet. Then this saves what the visitor has
        changed in the widgets that the page shows.
        """
        with self._stored.lock:
            run = runs.listener(PersistedRun)
            in_run: Set[str] = frozenset()
            if run is not None and run.stored is self._stored:
                run.save()
                in_run = run.keys.keys()
            changes: dict[str, codecs.Payload] = {}
            for key in sorted(self._in_page - in_run):
                persisted = self._stored.keys[key]
                if persisted.has_own_value and not persisted.is_unfit:
                    payload = self._choice(persisted)
                    if payload is not None:
                        changes[key] = payload
            self._stored.save(changes, [])

    def keep_unsaved(self, *, is_early: bool) -> None:
        """Keep each choice of the visitor that this run has not saved, nor drawn its widget.

        The page drops such a widget now, unless the next run takes the place of this one. Then the
        page sends the value again. That value counts, and the kept one is dropped.

        Args:
            is_early: whether the run has ended before its last line.
        """
        with self._stored.lock:
            if self._stored.is_closed:
                return
            run = runs.ended(PersistedRun)
            in_run = run.keys if run is not None and run.stored is self._stored else {}
            for key, persisted in self._stored.keys.items():
                if not persisted.leaves_the_page or not persisted.has_own_value:
                    continue
                mine = persisted.compared
                if keeps_unsaved(
                    mine,
                    is_early=is_early,
                    is_persisted=key in in_run,
                    is_sent=not runs.is_set_in_this_run(key),
                ):
                    persisted.unsaved_choice = session_state.get(key)
                elif mine is Mine.SAME:
                    persisted.unsaved_choice = NOTHING

    def _merge(self, persisted: PersistedKey, former: KeyInRun | None = None) -> KeyInRun:
        """Merge the value in `st.session_state` with the stored one, at the call of `persist`."""
        in_run = KeyInRun(persisted)
        if former is not None and former.persisted is persisted:
            in_run.continue_from(former)
        version = self.session.entry_version(persisted.key)
        mine = persisted.mine
        is_there = mine is Mine.UNCOMPARED
        in_run.appears = not is_there or persisted.widget_id is None
        self._carry_out(self._decide(persisted, mine, version), in_run, version)
        persisted.unsaved_choice = persisted.unconfirmed_choice = NOTHING
        if is_there and in_run.value_put is NOTHING and persisted.widget_id is not None:
            in_run.chosen = self._choice(persisted)
        persisted.was_there |= session_state.has(persisted.key)
        return in_run

    def _put_default_again(self, in_run: KeyInRun) -> None:
        """Put the default, at a second call of `persist` in a run, if the key is missing."""
        if in_run.persisted.mine is Mine.DELETED:
            in_run.delete()
        else:
            in_run.put_default()

    def _decide(self, persisted: PersistedKey, mine: Mine, version: int) -> Action:
        """Find out the facts and decide; what takes time is found out only if it matters."""
        base, theirs = persisted.base, persisted.theirs(version)
        page = Page.UNAWARE if persisted.may_be_new_to_the_page else Page.SILENT
        is_unconfirmed = persisted.unconfirmed_choice is not NOTHING
        if is_unconfirmed and self._stored.has_shown(persisted.key):
            page = Page.CONFIRMED
        if mine is Mine.UNCOMPARED and base is not Base.NONE:
            has_news = is_news(base, theirs)
            if has_news or page is Page.CONFIRMED:
                mine = persisted.compared
            if has_news and mine is Mine.SAME and page is not Page.CONFIRMED:
                page = Page.TYPING if self.postpones(persisted.key) else page
        return decide(base, mine, theirs, page)

    def _carry_out(self, action: Action, in_run: KeyInRun, version: int) -> None:
        persisted = in_run.persisted
        match action:
            case Action.KEEP | Action.WAIT:
                pass
            case Action.SHOW:
                in_run.put(session_state.get(persisted.key))
            case Action.TAKE_UNSAVED:
                in_run.put(persisted.unsaved_choice)
                persisted.version = version
                in_run.chosen = self._choice(persisted)
            case Action.TAKE_CONFIRMED:
                in_run.put(persisted.unconfirmed_choice)
                in_run.chosen = self._choice(persisted)
            case Action.TAKE:
                self._take_theirs(in_run, version)
            case Action.PUT_DEFAULT:
                in_run.put_default()
                persisted.version = version
            case Action.DELETE:
                persisted.version = version
                in_run.delete()

    def _take_theirs(self, in_run: KeyInRun, version: int) -> None:
        """Put the stored value; or the default, if that value has expired or cannot be read."""
        persisted = in_run.persisted
        theirs = self._theirs(in_run, version)
        if theirs is not NOTHING:
            in_run.put_stored(theirs)
        elif not session_state.has(persisted.key) or persisted.widget_id is not None:
            in_run.put_default()
        # Only after the put: if Streamlit refuses it, each further run tries again, and raises.
        persisted.version = version

    def _theirs(self, in_run: KeyInRun, version: int) -> Any:
        try:
            return self._stored.value_of(in_run.key)
        except DecodeError as error:
            in_run.is_unreadable = in_run.persisted.is_unfit = True
            in_run.persisted.version = version
            self._stored.warn_unfit(in_run.persisted, str(error).rstrip("."))
            return NOTHING

    def _choice(self, persisted: PersistedKey) -> codecs.Payload | None:
        """Return what the visitor has chosen; None if that is the base, or cannot be stored.

        It is encoded, so that another thread can store it while the script changes the value.
        """
        try:
            payload = self._stored.encode(persisted.key)
        except PgStateError:
            return None  # the end of the run reports why
        is_same = payload is None or fingerprint_of(payload) == persisted.fingerprint
        return None if is_same else payload

    def move_to(self, session: Session) -> PersistedKeys:
        """Close these keys, and return the same ones for another session.

        The session is the same one reopened, or a new and empty one. What the page shows is not
        saved there until somebody changes it.
        """
        moved = PersistedKeys(session, self._stored.keys)
        self.close()  # a run that is not over yet saves nothing any more
        if session.id != self.session.id:
            for persisted in moved._stored.keys.values():
                persisted.leave_state()
        return moved

    def close(self) -> None:
        """Save nothing any more, because what the page shows belongs to another state."""
        self._stored.close()


def _bound_name(key: object) -> str:
    """Return the text of a key that is to be bound.

    Raises:
        InvalidKey: it cannot be a key, or Streamlit calls the widget with this key otherwise.
    """
    name = check_key(key)
    if str(key) == name:
        return name
    raise InvalidKey(
        f"Streamlit calls the widget of this {type(key).__name__} {str(key)!r}, and not {name!r}. "
        f"Pass the text {name!r} to persist() and to the widget. Or derive the enum from "
        "enum.StrEnum."
    )
