"""The merge of `persist`: what becomes of one key, decided without touching anything.

`bindings` and `bound` find out how things are, ask here, and do what is decided. The cases stand in
the tables of `tests/unit/test_merge.py`.

It is a merge of three values, with the names that they have in every such merge:

- base: what this tab and the database had in common when they were last in sync;
- mine: what `st.session_state` of this tab holds now;
- theirs: what is stored now.

What differs from the base was changed. A change on one side goes to the other; changes on both
sides: mine wins. Without a base theirs wins: nobody knows whether mine was changed. Theirs is
compared by its version, mine by its encoded bytes.
"""

from __future__ import annotations

from enum import Enum, auto


class Base(Enum):
    """What this tab and the database had in common when they were last in sync."""

    NONE = auto()
    """They have not been in sync: this session of Streamlit's server has not had the key so far."""
    EMPTY = auto()
    """No value: nothing was stored, and `st.session_state` held nothing at the end of a run."""
    UNSTORED = auto()
    """A value that nobody has chosen, a default: it was shown, and nothing was stored."""
    STORED = auto()
    """A stored value, in some version."""


class Mine(Enum):
    """What `st.session_state` of this tab holds, compared with the base."""

    MISSING = auto()
    """Nothing: the session is new, or Streamlit has dropped a widget that was not drawn."""
    DELETED = auto()
    """Nothing, though it was there: the script or a callback has deleted it."""
    HELD = auto()
    """Nothing, but the visitor had changed it with a run that has not saved it: see `holds`."""
    SAME = auto()
    CHANGED = auto()
    UNCOMPARED = auto()
    """A value; whether it is the base's nobody has asked. To compare, it has to be encoded."""


class Theirs(Enum):
    """What is stored, compared with the base."""

    NOTHING = auto()
    SAME = auto()
    CHANGED = auto()
    """Another version: by another tab, another device, a job, or `pgstate.set`."""


class Page(Enum):
    """What is known of the page in the browser."""

    SILENT = auto()
    TYPING = auto()
    """Its visitor is typing in the field of this key."""
    CHOSE = auto()
    """An earlier run got another value from the page, and put theirs in its place. Now the page
    says that it showed theirs when its visitor chose that value: so the choice is newer."""
    UNAWARE = auto()
    """It may not show mine: it shows a new widget's value only if the same run has set it."""


class Action(Enum):
    """What `persist` does with a key."""

    KEEP = auto()
    """Mine stays. If it differs from the base, the run's end saves it."""
    SHOW = auto()
    """Mine stays, and is set once more, so that the page shows it."""
    TAKE = auto()
    """Theirs goes into `st.session_state`."""
    BEGIN = auto()
    """The default goes into `st.session_state`: the one given to `persist`, or the widget's."""
    DELETE = auto()
    """The default goes into `st.session_state`, and the run's end deletes what is stored."""
    WAIT = auto()
    """Mine stays as it is shown; theirs is taken by a later run."""
    TAKE_HELD = auto()
    """What the visitor had chosen goes back into `st.session_state`, and is saved."""
    TAKE_CHOSEN = auto()
    """What the page had sent goes into `st.session_state`, and is saved."""


def is_news(base: Base, theirs: Theirs) -> bool:
    """Whether others have changed or deleted what is stored."""
    return theirs is Theirs.CHANGED or (theirs is Theirs.NOTHING and base is Base.STORED)


def decide(base: Base, mine: Mine, theirs: Theirs, page: Page = Page.SILENT) -> Action:
    """Decide what `persist` does with a key.

    `mine` may be UNCOMPARED without a base, and where there is no news and the page has not
    chosen: there it does not matter whether it was changed.
    """
    restore = Action.BEGIN if theirs is Theirs.NOTHING else Action.TAKE
    if mine is Mine.DELETED:
        return Action.BEGIN if theirs is Theirs.NOTHING else Action.DELETE
    if mine is Mine.HELD:
        return Action.TAKE_HELD
    if mine is Mine.MISSING:
        return restore
    if base is Base.NONE and theirs is Theirs.CHANGED:
        return Action.TAKE
    if page is Page.CHOSE and mine is Mine.SAME:
        return Action.TAKE_CHOSEN
    if is_news(base, theirs) and mine is Mine.SAME:
        return Action.WAIT if page is Page.TYPING else restore
    return Action.SHOW if page is Page.UNAWARE else Action.KEEP


class Source(Enum):
    """Where the value comes from that a widget is about to show."""

    RESTORED = auto()
    """`persist` has put it there in this run: what is stored, or a default."""
    PUT_BACK = auto()
    """`persist` has put it there in this run: this tab's own value, once more."""
    SCRIPT = auto()
    """The script or a callback has set it in this run, or has deleted it."""
    PAGE = auto()
    """The page has sent it, with this run or an earlier one."""


class Drawn(Enum):
    """How the widget of a key was drawn before, since this session of the server's persists it."""

    NEVER = auto()
    ALIKE = auto()
    OTHERWISE = auto()
    """With other parameters: to Streamlit it is a new widget, and would be at its default."""


class AtWidget(Enum):
    """What is done before a widget is drawn."""

    LEAVE = auto()
    """It shows what Streamlit has for it."""
    FIT_MINE = auto()
    """It shows mine, as far as that fits: it is the visitor's choice. The choice is saved even
    where the widget cannot show it; a later run in which it fits shows it."""
    FIT_THEIRS = auto()
    """It shows theirs, or the default, as far as that fits: there is nothing to save."""
    TRY_THEIRS = auto()
    """It shows theirs if that fits by now, or more of it; else what it has shown so far."""
    BEGIN = auto()
    """It shows its default, and what is stored is deleted at the run's end."""


def decide_at_widget(source: Source, drawn: Drawn, mine: Mine, *, is_unfit: bool) -> AtWidget:
    """Decide what is done before the widget of a key is drawn.

    Args:
        source: where its value comes from.
        drawn: how it was drawn before.
        mine: its value; may be UNCOMPARED unless the page has sent it and the widget was drawn
            OTHERWISE, or something is unfit.
        is_unfit: whether theirs, or the default, did not fit the widget so far.
    """
    if mine is Mine.DELETED:
        return AtWidget.BEGIN
    if source is Source.RESTORED:
        return AtWidget.FIT_THEIRS
    if source is Source.PUT_BACK:
        return AtWidget.FIT_MINE
    if source is Source.SCRIPT or drawn is Drawn.NEVER:
        return AtWidget.LEAVE
    if drawn is Drawn.OTHERWISE:
        return AtWidget.FIT_MINE if mine is Mine.CHANGED else AtWidget.FIT_THEIRS
    if is_unfit and mine is Mine.SAME:
        return AtWidget.TRY_THEIRS
    return AtWidget.LEAVE


class Hearing(Enum):
    """What is made of a value that the page sends of a widget which this server has not drawn."""

    IGNORE = auto()
    """It is what is stored."""
    CHOICE = auto()
    """It is the visitor's choice: it is shown, and saved."""
    REMEMBER = auto()
    """It gives way; but should the page say later what it showed, it may prove a choice."""


def hears_page(source: Source, drawn: Drawn, mine: Mine) -> bool:
    """Whether what the page sends of a widget counts: the server was restarted, and `persist` has
    put a value there that nobody has chosen with this run."""
    is_nobodys = source is Source.RESTORED or (source is Source.PUT_BACK and mine is Mine.SAME)
    return drawn is Drawn.NEVER and is_nobodys


def decide_on_hearing(*, is_another: bool, says_it_showed_theirs: bool) -> Hearing:
    """Decide what is made of what the page has sent.

    Args:
        is_another: whether it is not the value that is put in its place.
        says_it_showed_theirs: whether the page says that it showed what is stored.
    """
    if not is_another:
        return Hearing.IGNORE
    return Hearing.CHOICE if says_it_showed_theirs else Hearing.REMEMBER


class AtEnd(Enum):
    """What the end of a run does with a key."""

    LEAVE = auto()
    SAVE = auto()
    """Mine is stored."""
    SAVE_CHOICE = auto()
    """What the visitor has chosen is stored, though its widget shows something else by now."""
    DELETE = auto()
    """What is stored is deleted."""
    REBASE = auto()
    """Mine becomes the base, unsaved: it is in the place of a row that cannot be read."""


def decide_at_end(
    mine: Mine,
    *,
    is_stored: bool,
    is_deleted: bool = False,
    is_unreadable: bool = False,
    is_ruled_out: bool = False,
) -> AtEnd:
    """Decide what the end of a run does with a key.

    Args:
        mine: MISSING, DELETED, SAME or CHANGED.
        is_stored: whether anything was stored when the two were last in line.
        is_deleted: whether it was deleted before, and began anew at its default in this run.
        is_unreadable: whether its row could not be read in this run.
        is_ruled_out: whether the widget could not show what the visitor has chosen with this run.
    """
    if mine in (Mine.MISSING, Mine.DELETED):
        is_gone = is_stored and (mine is Mine.DELETED or is_deleted)
        return AtEnd.DELETE if is_gone else AtEnd.LEAVE
    if is_unreadable:
        return AtEnd.REBASE
    if mine is Mine.CHANGED:
        return AtEnd.SAVE
    if is_ruled_out:
        return AtEnd.SAVE_CHOICE
    return AtEnd.DELETE if is_deleted else AtEnd.LEAVE


def holds(mine: Mine, *, is_early: bool, is_bound: bool, is_sent: bool) -> bool:
    """Whether mine is kept for a later run, at the end of one that has not drawn its widget.

    What the visitor has changed with this run, and what could not be saved, is kept. What the
    script has set where it does not call `persist` is its own: there theirs comes back.

    Args:
        mine: SAME or CHANGED, after the end has saved what it could.
        is_early: whether the run has not come to its last line: so perhaps not to its `persist`.
        is_bound: whether `persist` has been called for it in this run.
        is_sent: whether the page has sent it with this run, rather than the script set it.
    """
    return mine is Mine.CHANGED and (is_early or is_bound or is_sent)
