"""The merge of `persist`: decides what happens to one key, and changes nothing itself.

`keys` and `run` find out the facts, ask here, and carry out the decision. The tables in
`tests/unit/test_merge.py` list all cases.

It is a three-way merge, and its values have the names that are usual in one:

- base: what this tab and the database had in common when they were last in sync;
- mine: what `st.session_state` of this tab holds now;
- theirs: what is stored now.

A side that differs from the base was changed. If only one side was changed, its value goes to the
other side. If both sides were changed, mine wins. Without a base theirs wins, because nobody knows
whether mine was changed. Theirs is compared by its version, mine by its encoded bytes.
"""

from __future__ import annotations

from enum import Enum, auto


class Base(Enum):
    """What this tab and the database had in common when they were last in sync."""

    NONE = auto()
    """They were never in sync: this session of Streamlit's server has not had the key so far."""
    EMPTY = auto()
    """No value: nothing was stored, and `st.session_state` held nothing at the end of a run."""
    UNSTORED = auto()
    """A default: a value that nobody has chosen. It was shown, and nothing was stored."""
    STORED = auto()
    """A stored value, in some version."""


class Mine(Enum):
    """What `st.session_state` of this tab holds, compared with the base."""

    MISSING = auto()
    """No value: the session is new, or Streamlit has dropped a widget that was not drawn."""
    DELETED = auto()
    """No value, because the script or a callback has deleted it."""
    UNSAVED = auto()
    """No value, but the visitor chose one in a run that did not save it: see `keeps_unsaved`."""
    SAME = auto()
    CHANGED = auto()
    UNCOMPARED = auto()
    """A value that was not compared with the base yet. To compare it, it must be encoded."""


class Theirs(Enum):
    """What is stored, compared with the base."""

    NOTHING = auto()
    SAME = auto()
    CHANGED = auto()
    """Another version, written by another tab, another device, a job, or `pgstate.set`."""


class Page(Enum):
    """What is known of the page in the browser."""

    SILENT = auto()
    TYPING = auto()
    """The visitor is typing in the field of this key."""
    CONFIRMED = auto()
    """An earlier run received another value from the page, and showed theirs instead. Now the page
    says that it showed theirs when the visitor chose that value, so the choice is newer."""
    UNAWARE = auto()
    """The page may not show mine: it shows a new widget's value only if the same run has set it."""


class Action(Enum):
    """What `persist` does with a key."""

    KEEP = auto()
    """Mine stays. If it differs from the base, the end of the run saves it."""
    SHOW = auto()
    """Mine stays, and is set once more, so that the page shows it."""
    TAKE = auto()
    """Theirs goes into `st.session_state`."""
    PUT_DEFAULT = auto()
    """The default goes into `st.session_state`: the one given to `persist`, or the widget's own."""
    DELETE = auto()
    """The default goes into `st.session_state`, and the end of the run deletes what is stored."""
    WAIT = auto()
    """Mine stays, and is shown. A later run takes theirs."""
    TAKE_UNSAVED = auto()
    """The visitor's unsaved choice goes back into `st.session_state`, and is saved."""
    TAKE_CONFIRMED = auto()
    """The choice that the page has confirmed goes into `st.session_state`, and is saved."""


def is_news(base: Base, theirs: Theirs) -> bool:
    """Whether others have changed or deleted what is stored."""
    return theirs is Theirs.CHANGED or (theirs is Theirs.NOTHING and base is Base.STORED)


def decide(base: Base, mine: Mine, theirs: Theirs, page: Page = Page.SILENT) -> Action:
    """Decide what `persist` does with a key.

    `mine` may be UNCOMPARED if there is no base, and also if there is no news and the page has
    confirmed no choice. In these cases the decision does not depend on whether mine was changed.
    """
    restore = Action.PUT_DEFAULT if theirs is Theirs.NOTHING else Action.TAKE
    if mine is Mine.DELETED:
        return Action.PUT_DEFAULT if theirs is Theirs.NOTHING else Action.DELETE
    if mine is Mine.UNSAVED:
        return Action.TAKE_UNSAVED
    if mine is Mine.MISSING:
        return restore
    if base is Base.NONE and theirs is Theirs.CHANGED:
        return Action.TAKE
    if page is Page.CONFIRMED and mine is Mine.SAME:
        return Action.TAKE_CONFIRMED
    if is_news(base, theirs) and mine is Mine.SAME:
        return Action.WAIT if page is Page.TYPING else restore
    return Action.SHOW if page is Page.UNAWARE else Action.KEEP


class Source(Enum):
    """Where the value comes from that a widget is about to show."""

    RESTORED = auto()
    """`persist` has put the stored value, or a default, into `st.session_state` in this run."""
    PUT_BACK = auto()
    """`persist` has put this tab's own value back into `st.session_state` in this run."""
    SCRIPT = auto()
    """The script or a callback has set or deleted the value in this run."""
    PAGE = auto()
    """The page has sent the value, with this run or an earlier one."""


class Drawn(Enum):
    """How the widget of a key was drawn before, since this server session persists the key."""

    NEVER = auto()
    ALIKE = auto()
    OTHERWISE = auto()
    """With other parameters: Streamlit takes it for a new widget, and would show its default."""


class AtWidget(Enum):
    """What is done before a widget is drawn."""

    LEAVE = auto()
    """It shows the value that Streamlit has for it."""
    FIT_MINE = auto()
    """It shows mine, which is the visitor's choice, as far as that fits. The choice is saved even
    if the widget cannot show it. A later run shows it if it fits then."""
    FIT_THEIRS = auto()
    """It shows theirs, or the default, as far as that fits. There is nothing to save."""
    TRY_THEIRS = auto()
    """It shows theirs if that fits now, or if more of it fits; else what it has shown so far."""
    DELETE = auto()
    """It shows its default, and the end of the run deletes what is stored."""


def decide_at_widget(source: Source, drawn: Drawn, mine: Mine, *, is_unfit: bool) -> AtWidget:
    """Decide what is done before the widget of a key is drawn.

    Args:
        source: where its value comes from.
        drawn: how it was drawn before.
        mine: its value. It may be UNCOMPARED, except if the page has sent it and either the widget
            was drawn OTHERWISE or `is_unfit` is true.
        is_unfit: whether theirs, or the default, did not fit the widget so far.
    """
    if mine is Mine.DELETED:
        return AtWidget.DELETE
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


class OnSentValue(Enum):
    """What is done with the value that the page sends for a widget this server has not drawn."""

    IGNORE = auto()
    """It is the value that the widget shows anyway."""
    TAKE = auto()
    """It is the visitor's choice. It is shown, and saved."""
    REMEMBER = auto()
    """Theirs is shown. The page may say in the next run that it had shown theirs. Then the value
    is known to be the visitor's choice: see `Page.CONFIRMED`."""


def reads_sent_value(source: Source, drawn: Drawn, mine: Mine) -> bool:
    """Whether a value that the page sends for a widget may be a choice the server did not see.

    It may if this server has not drawn the widget, because it was restarted, and `persist` has put
    a value into `st.session_state` that nobody has chosen with this run.
    """
    is_unchosen = source is Source.RESTORED or (source is Source.PUT_BACK and mine is Mine.SAME)
    return drawn is Drawn.NEVER and is_unchosen


def decide_on_sent_value(*, is_another: bool, page_showed_theirs: bool) -> OnSentValue:
    """Decide what is done with a value that the page has sent.

    Args:
        is_another: whether it differs from the value that `persist` has put in its place.
        page_showed_theirs: whether the page says that it showed what is stored.
    """
    if not is_another:
        return OnSentValue.IGNORE
    return OnSentValue.TAKE if page_showed_theirs else OnSentValue.REMEMBER


class AtEnd(Enum):
    """What the end of a run does with a key."""

    LEAVE = auto()
    SAVE = auto()
    """Mine is stored."""
    SAVE_CHOICE = auto()
    """The visitor's choice is stored, though the widget shows another value now."""
    DELETE = auto()
    """What is stored is deleted."""
    REBASE = auto()
    """Mine becomes the base without being saved, because the stored row cannot be read."""


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
        is_stored: whether anything was stored when this tab and the database were last in sync.
        is_deleted: whether the key was deleted, and shows its default since, in this run too.
        is_unreadable: whether the stored row could not be read in this run.
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


def keeps_unsaved(mine: Mine, *, is_early: bool, is_persisted: bool, is_sent: bool) -> bool:
    """Whether mine is kept for a later run, at the end of a run that has not drawn its widget.

    A change that the visitor made with this run, or that could not be saved, is kept. A value that
    the script has set in a run without `persist` is the script's own, and theirs comes back.

    Args:
        mine: SAME or CHANGED, after the end of the run has saved what it could.
        is_early: whether the run has ended before its last line, so perhaps before its `persist`.
        is_persisted: whether `persist` has been called for the key in this run.
        is_sent: whether the page has sent the value with this run, rather than the script set it.
    """
    return mine is Mine.CHANGED and (is_early or is_persisted or is_sent)
