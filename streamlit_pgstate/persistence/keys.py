"""PersistedKeys: keys of `st.session_state` that are durable, widgets or not.

Between `persist`, which names them, and the state, which keeps them. At `persist` the two are
brought in line as `merge` decides; at the run's end what this tab has changed is stored, in one
statement. What happens in between: see `bound`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

from streamlit_pgstate import codecs
from streamlit_pgstate.component import page, runs, script, session_state
from streamlit_pgstate.errors import (
    DecodeError,
    LimitExceeded,
    PgStateError,
    StoreUnavailable,
    UnknownToken,
)
from streamlit_pgstate.persistence.key import NOTHING, PersistedKey, mark, mark_if_kept, mark_of
from streamlit_pgstate.persistence.merge import Action, Base, Mine, Page, decide, holds, is_news
from streamlit_pgstate.persistence.run import KeyInRun, PersistedRun
from streamlit_pgstate.state.key import check_key
from streamlit_pgstate.state.mapping import State
from streamlit_pgstate.state.session import Session

_LOG = logging.getLogger(__name__)


class PersistedKeys:
    """All bound keys of one tab, over one state."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._state = State(session)
        self.lock = threading.RLock()
        """Runs of a tab may overlap: the one that was overtaken ends while the next begins."""
        self.postpones: Callable[[str], bool] = _never
        """Whether what others have changed under a key is not to be shown yet."""
        self.page_showed: int | None = None
        """The version that the page showed when it found its server again; for its first run."""
        self.page_lacked: Callable[[str], bool] = _never
        """Whether nothing was stored under a key in the version that the page showed."""
        self._all: dict[str, PersistedKey] = {}
        self._in_page: set[str] = set()
        """Keys that were bound in the last run of the whole page, and in its fragments since."""
        self._said: dict[str, set[object]] = {}
        """What the log has said of a key: once is enough."""
        self.is_closed = False

    @property
    def keys(self) -> Set[str]:
        """All keys that were ever bound in this tab."""
        return self._all.keys()

    @property
    def version_shown(self) -> int:
        """Up to which version the page shows all keys bound in it, at the end of a run."""
        with self.lock:
            found = [(self.session.version_of(key), self._all[key]) for key in self._in_page]
            return min([self.session.version, *(at - 1 for at, it in found if it.lacks(at))])

    def value_of(self, key: str) -> Any:
        """What is stored under a key; NOTHING where nothing is.

        Raises:
            DecodeError: it cannot be read by this version.
        """
        return self._state.get(key, NOTHING)

    def has_shown(self, binding: PersistedKey) -> bool:
        """Whether the page showed what is stored: then another value is its visitor's choice."""
        if self.page_showed is None:
            return False
        stored = self.session.version_of(binding.key)
        return stored <= self.page_showed if stored else self.page_lacked(binding.key)

    def bind(self, keys: Sequence[str], defaults: Mapping[str, Any]) -> None:
        """Bring `st.session_state` in line with what is stored; save its changes at the run's end.

        Raises:
            InvalidKey: one of them cannot be a key.
            UnsupportedType: a default cannot be kept.
            ConfigError: the widget of a key was drawn already.
        """
        for key in (*keys, *defaults):
            check_key(key)
        with self.lock:
            if session_state.was_emptied_by_streamlit():
                for binding in self._all.values():
                    binding.was_there = False
            run = self._present_run()
            for key in (*keys, *defaults):
                binding = self._all.setdefault(key, PersistedKey(key))
                self._in_page.add(key)
                if key in defaults:
                    binding.default = defaults[key]
                if key not in run.bound:
                    run.bound[key] = self._bring_in_line(binding, run.former.get(key))
                elif not session_state.has(key):  # deleted since, or without a default so far
                    self._begin_again(run.bound[key])
            run.save_soon()

    def _present_run(self) -> PersistedRun:
        """The listener of the present run; a new one where the state has become another in it."""
        run = runs.listener(PersistedRun)
        if run is not None and run.bindings is self:
            return run
        if not script.is_fragment_run():
            self._in_page.clear()
        is_of_another = run is not None and run.bindings.session.id != self.session.id
        return runs.listen(PersistedRun(self, former=run.bound if run and is_of_another else {}))

    def hold(self, *, is_early: bool) -> None:
        """Keep what the visitor has changed with a run that has not drawn its widget, nor saved it.

        The page drops that widget now, unless the next run takes this one's place. Then it sends
        the value once more, which counts, and what is held does not.

        Args:
            is_early: whether the run has not come to its last line.
        """
        with self.lock:
            if self.is_closed:
                return
            run = runs.ended(PersistedRun)
            bound = run.bound if run is not None and run.bindings is self else {}
            for key, binding in self._all.items():
                if not binding.leaves_the_page or not binding.has_own_value:
                    continue
                mine = binding.compared
                if holds(
                    mine,
                    is_early=is_early,
                    is_bound=key in bound,
                    is_sent=not runs.is_set_in_this_run(key),
                ):
                    binding.held = session_state.get(key)
                elif mine is Mine.SAME:
                    binding.held = NOTHING

    def _bring_in_line(self, binding: PersistedKey, former: KeyInRun | None = None) -> KeyInRun:
        bound = KeyInRun(binding)
        if former is not None and former.binding is binding:
            self._go_on_from(former, bound)
        version = self.session.version_of(binding.key)
        mine = binding.mine
        is_there = mine is Mine.UNCOMPARED
        bound.appears = not is_there or binding.widget_id is None
        self._carry_out(self._decide(binding, mine, version), bound, version)
        binding.held = binding.overruled = NOTHING
        if is_there and bound.put is NOTHING and binding.widget_id is not None:
            bound.chosen = self._chosen(binding)
        binding.was_there |= session_state.has(binding.key)
        return bound

    def _go_on_from(self, former: KeyInRun, bound: KeyInRun) -> None:
        """The same run has bound the key to the state that it has left: by `forget`, mostly.

        What it shows was of that one, and needs no saving until somebody changes it.
        """
        binding = bound.binding
        if session_state.has(binding.key):
            binding.mark = mark_if_kept(binding.key, session_state.get(binding.key))
        if former.is_ours:
            bound.put, bound.is_restored = former.put, True

    def _begin_again(self, bound: KeyInRun) -> None:
        """`persist` comes a second time in a run, and the key is not there."""
        if bound.binding.mine is Mine.DELETED:
            self.delete(bound)
        else:
            self._begin(bound)

    def _decide(self, binding: PersistedKey, mine: Mine, version: int) -> Action:
        """Find out how things are, and what is to be done. What costs time, only if it matters."""
        base, theirs = binding.base, binding.theirs(version)
        page = Page.UNAWARE if binding.may_be_new_to_the_page else Page.SILENT
        if binding.overruled is not NOTHING and self.has_shown(binding):
            page = Page.CHOSE
        if mine is Mine.UNCOMPARED and base is not Base.NONE:
            has_news = is_news(base, theirs)
            if has_news or page is Page.CHOSE:
                mine = binding.compared
            if has_news and mine is Mine.SAME and page is not Page.CHOSE:
                page = Page.TYPING if self.postpones(binding.key) else page
        return decide(base, mine, theirs, page)

    def _carry_out(self, action: Action, bound: KeyInRun, version: int) -> None:
        binding = bound.binding
        match action:
            case Action.KEEP | Action.WAIT:
                pass
            case Action.SHOW:
                self._put(bound, session_state.get(binding.key))
            case Action.TAKE_HELD:
                self._put(bound, binding.held)
                binding.version = version
                bound.chosen = self._chosen(binding)
            case Action.TAKE_CHOSEN:
                self._put(bound, binding.overruled)
                bound.chosen = self._chosen(binding)
            case Action.TAKE:
                self._take(bound, version)
            case Action.BEGIN:
                self._begin(bound)
                binding.version = version
            case Action.DELETE:
                binding.version = version
                self.delete(bound)

    def _take(self, bound: KeyInRun, version: int) -> None:
        """Put what is stored; or the default, where that has lapsed or cannot be read."""
        binding = bound.binding
        stored = self._stored(bound, version)
        if stored is not NOTHING:
            self._put(bound, stored)
            bound.is_restored = True
            binding.mark = mark(binding.key, stored)
            binding.is_unfit = binding.is_deleted = False
        elif not session_state.has(binding.key) or binding.widget_id is not None:
            self._begin(bound)
        binding.version = version  # not where the put was refused: it is refused in each run

    def _begin(self, bound: KeyInRun) -> None:
        """Put the default; it needs no saving. Where there is none, the key goes."""
        binding = bound.binding
        if binding.default is not NOTHING:
            payload = codecs.encode(binding.default, key=binding.key)
            # A copy: what the script changes in it must show as a change.
            self._put(bound, codecs.decode(payload, key=binding.key))
            bound.is_restored = True
            binding.mark = mark_of(payload)
        elif binding.widget_id is not None:
            self._put(bound, binding.widget_default)
            bound.is_restored = True
            binding.mark = mark_if_kept(binding.key, binding.widget_default)
        else:
            session_state.drop(binding.key)
            binding.mark = None
            binding.was_there = False
        binding.is_unfit = bound.is_unreadable

    def delete(self, bound: KeyInRun) -> None:
        """The script has deleted it: it begins anew, and what is stored goes at the run's end."""
        bound.binding.is_deleted = bound.binding.version > 0
        self._begin(bound)

    def _stored(self, bound: KeyInRun, version: int) -> Any:
        try:
            return self.value_of(bound.binding.key)
        except DecodeError as error:
            bound.is_unreadable = bound.binding.is_unfit = True
            bound.binding.version = version
            self.say_unfit(bound.binding, str(error).rstrip("."))
            return NOTHING

    def _put(self, bound: KeyInRun, value: Any) -> None:
        session_state.put(bound.binding.key, value)
        bound.put = session_state.get(bound.binding.key)

    def _chosen(self, binding: PersistedKey) -> codecs.Payload | None:
        """Which another thread may store while the script changes the value."""
        try:
            payload = self.session.encode(binding.key, session_state.get(binding.key))
        except PgStateError:
            return None  # the run's end says why
        return None if mark_of(payload) == binding.mark else payload

    def save(self, changes: Mapping[str, codecs.Payload], deleted: Sequence[str]) -> None:
        """Store what one run has changed: in one statement, none if there is nothing.

        Args:
            changes: the encoded values.
            deleted: keys whose entries go.
        """
        if self.is_closed or not (changes or deleted):
            return
        try:
            self.session.amend(changes, deleted)
        except UnknownToken:
            _LOG.debug("The session was forgotten during a run; its changes went with it.")
            for key, payload in changes.items():
                self._all[key].mark = mark_of(payload)
            return
        except LimitExceeded as error:
            self._save_each(changes, deleted, error)
            return
        except PgStateError as error:
            if isinstance(error, StoreUnavailable) and error.is_outage:
                return  # the page says so, and runs again, which saves it
            self.say_unsaved(self._all[next(iter([*changes, *deleted]))], error)
            return
        for key, payload in changes.items():
            self._all[key].mark = mark_of(payload)
            self._all[key].is_unfit = False
        for key in (*changes, *deleted):
            self._all[key].is_deleted = False
            self._said.pop(key, None)
            self._all[key].version = self.session.version_of(key)

    def save_soon(self, run: PersistedRun) -> None:
        """What the visitor has changed with a run that goes on: F5 does not wait for its end.

        Nor does it come after what they choose next, in the page that F5 brings.
        """
        with self.lock:
            chosen = {
                key: bound.chosen
                for key, bound in run.bound.items()
                if bound.chosen and not bound.is_ruled_out
            }
            if self.is_closed or run.is_over or not chosen:
                return
            try:
                self.session.amend(chosen, ())
            except PgStateError as error:
                _LOG.debug("Not saved in the midst of a run: %s", error)  # its end tries again
                return
            for key, payload in chosen.items():
                self._all[key].mark = mark_of(payload)
                self._all[key].is_unfit = self._all[key].is_deleted = False
                self._all[key].version = self.session.version_of(key)

    def _save_each(
        self,
        changes: Mapping[str, codecs.Payload],
        deleted: Sequence[str],
        error: LimitExceeded,
    ) -> None:
        """One of them is too much for the session: the others are saved all the same."""
        self.save({}, deleted)
        if len(changes) == 1:
            self.say_unsaved(self._all[next(iter(changes))], error)
            return
        for key, payload in changes.items():
            self.save({key: payload}, [])

    def say_unsaved(self, binding: PersistedKey, error: PgStateError) -> None:
        """The run is over, so nothing can be raised; each further run tries again."""
        if self._is_first_time(binding, str(error)):
            _LOG.error("persist() could not save: %s", error)
        page.show_error(f"Not saved: {error}")

    def say_unfit(self, binding: PersistedKey, why: str) -> None:
        """Once for each version of the entry: what is shown is not what is stored."""
        if not (binding.version and self._is_first_time(binding, binding.version)):
            return
        _LOG.warning(
            "%r: %s. What is stored stays, and is shown as soon as it fits, until the visitor "
            "chooses anew.",
            binding.key,
            why,
        )

    def say_unfit_default(self, binding: PersistedKey) -> None:
        if self._is_first_time(binding, "default"):
            _LOG.warning("%r: the default given to persist() does not fit the widget.", binding.key)

    def _is_first_time(self, binding: PersistedKey, what: object) -> bool:
        """Whether the log has not said so of this key, since it was saved last."""
        said = self._said.setdefault(binding.key, set())
        if what in said:
            return False
        said.add(what)
        return True

    def go_on_over(self, session: Session) -> PersistedKeys:
        """The same bindings over another session: the same one reopened, or a new and empty one.

        What the page shows is not saved there until somebody changes it.
        """
        bindings = self._moved_to(session)
        if session.id != self.session.id:
            for binding in bindings._all.values():
                binding.leave_state()
        return bindings

    def close(self) -> None:
        """Save nothing any more: the page shows what is of another state."""
        with self.lock:
            self.is_closed = True

    def _moved_to(self, session: Session) -> PersistedKeys:
        bindings = PersistedKeys(session)
        self.close()  # a run that is not over yet saves nothing any more
        bindings._all = self._all
        return bindings


def _never(key: str) -> bool:
    return False
