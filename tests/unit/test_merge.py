"""The decisions of `persist`, each as a table of its cases.

`persist` makes a key of `st.session_state` durable. It merges three values of the key:

- base: what this tab and the database had in common when they were last in sync;
- mine: what `st.session_state` of this tab holds now;
- theirs: what is stored now.

In the columns, "a", "b" and "c" are values. DEFAULT is a value that was shown while nothing was
stored. NONE stands for no value; a base of NONE means that the two sides were never in sync. A base
of EMPTY means that they were in sync, and neither had a value. A row reads from left to right: the
base, the value on either side, what the page has said, what is done, and why.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import pytest

from streamlit_pgstate.persistence.merge import (
    Action,
    AtEnd,
    AtWidget,
    Base,
    Drawn,
    Mine,
    OnSentValue,
    Page,
    Source,
    Theirs,
    decide,
    decide_at_end,
    decide_at_widget,
    decide_on_sent_value,
    keeps_unsaved,
    reads_sent_value,
)

NONE, EMPTY, DEFAULT, DELETED = "none", "empty", "default", "deleted"
UNSAVED_B = "b, unsaved"
"""The visitor changed the widget to "b", and that run ended above the widget: by an error, or by an
outage."""


class Persist(NamedTuple):
    """One case of the merge at the call of `persist`."""

    base: str
    mine: str
    theirs: str
    page: Page
    action: Action
    why: str


SILENT = Page.SILENT

AT_PERSIST = [
    # This session of Streamlit's server has not had the key so far.
    Persist(NONE, NONE, NONE, SILENT, Action.PUT_DEFAULT, "A first visit shows the default."),
    Persist(NONE, NONE, "a", SILENT, Action.TAKE, "F5, a new tab, a new server: restored."),
    Persist(NONE, "b", NONE, SILENT, Action.KEEP, "A value set above `persist` stays."),
    # A value that the script sets above the first `persist` of a session is a default, not a
    # choice, because the same lines run at each F5.
    Persist(NONE, "b", "a", SILENT, Action.TAKE, "The stored value wins over the default."),
    Persist(NONE, "b", "a", Page.TYPING, Action.TAKE, "The same while the visitor is typing."),
    Persist(NONE, UNSAVED_B, "a", SILENT, Action.TAKE_UNSAVED, "A choice not saved yet."),
    Persist(NONE, UNSAVED_B, NONE, SILENT, Action.TAKE_UNSAVED, "A choice not saved yet."),
    # A run has ended without a value, and nothing was stored: the key has no widget and no default.
    Persist(EMPTY, NONE, NONE, SILENT, Action.PUT_DEFAULT, "Nothing has changed."),
    Persist(EMPTY, "b", NONE, SILENT, Action.KEEP, "A first choice: the run's end saves it."),
    Persist(EMPTY, NONE, "a", SILENT, Action.TAKE, "Another tab has chosen first."),
    Persist(EMPTY, "b", "a", SILENT, Action.KEEP, "Both have chosen: mine wins."),
    Persist(EMPTY, UNSAVED_B, NONE, SILENT, Action.TAKE_UNSAVED, "A first choice, not saved yet."),
    Persist(EMPTY, UNSAVED_B, "a", SILENT, Action.TAKE_UNSAVED, "Both have chosen: mine wins."),
    Persist(EMPTY, DELETED, NONE, SILENT, Action.PUT_DEFAULT, "Set and deleted above `persist`."),
    Persist(EMPTY, DELETED, "a", SILENT, Action.DELETE, "Stored elsewhere since: mine wins."),
    Persist(EMPTY, "b", NONE, Page.UNAWARE, Action.SHOW, "The key gets a widget: it shows mine."),
    # Nothing was stored, and a default was shown.
    Persist(DEFAULT, DEFAULT, NONE, SILENT, Action.KEEP, "Nothing has changed."),
    Persist(DEFAULT, "b", NONE, SILENT, Action.KEEP, "A first choice: the run's end saves it."),
    Persist(DEFAULT, DEFAULT, "a", SILENT, Action.TAKE, "Another tab has chosen first."),
    Persist(DEFAULT, "b", "a", SILENT, Action.KEEP, "Both have chosen: mine wins."),
    # The base is stored, and this tab has shown it.
    Persist("a", "a", "a", SILENT, Action.KEEP, "Nothing has changed."),
    Persist("a", "b", "a", SILENT, Action.KEEP, "Changed here: the run's end saves it."),
    Persist("a", "a", "c", SILENT, Action.TAKE, "Changed elsewhere only: theirs is shown."),
    Persist("a", "b", "c", SILENT, Action.KEEP, "Changed on both sides: mine wins."),
    Persist("a", "a", NONE, SILENT, Action.PUT_DEFAULT, "Deleted elsewhere, not changed here."),
    Persist("a", "b", NONE, SILENT, Action.KEEP, "Deleted elsewhere, changed here: mine wins."),
    # `st.session_state` has no value, because Streamlit drops that of a widget that is not drawn.
    Persist("a", NONE, "a", SILENT, Action.TAKE, "The widget is drawn again with its value."),
    Persist("a", NONE, "c", SILENT, Action.TAKE, "Or with the value from another tab."),
    Persist("a", NONE, NONE, SILENT, Action.PUT_DEFAULT, "Another tab has deleted it since."),
    Persist(DEFAULT, NONE, NONE, SILENT, Action.PUT_DEFAULT, "Nobody has chosen: its default."),
    Persist(DEFAULT, NONE, "a", SILENT, Action.TAKE, "Another tab has chosen since."),
    # The script or a callback has deleted the value, which is a change like any other.
    Persist("a", DELETED, "a", SILENT, Action.DELETE, "The run's end deletes the row."),
    Persist("a", DELETED, "c", SILENT, Action.DELETE, "Changed elsewhere as well: mine wins."),
    Persist("a", DELETED, NONE, SILENT, Action.PUT_DEFAULT, "Deleted on both sides."),
    Persist(DEFAULT, DELETED, NONE, SILENT, Action.PUT_DEFAULT, "No row to delete."),
    Persist(DEFAULT, DELETED, "a", SILENT, Action.DELETE, "Stored elsewhere since: mine wins."),
    Persist(NONE, DELETED, NONE, SILENT, Action.PUT_DEFAULT, "Set and deleted above `persist`."),
    Persist(NONE, DELETED, "a", SILENT, Action.DELETE, "Deleting is a choice; setting is not."),
    # The visitor changed the widget, and that run ended above it.
    Persist("a", UNSAVED_B, "a", SILENT, Action.TAKE_UNSAVED, "The choice is not lost."),
    Persist("a", UNSAVED_B, "c", SILENT, Action.TAKE_UNSAVED, "Changed on both sides: mine wins."),
    Persist("a", UNSAVED_B, NONE, SILENT, Action.TAKE_UNSAVED, "Deleted elsewhere: mine wins."),
    Persist(DEFAULT, UNSAVED_B, NONE, SILENT, Action.TAKE_UNSAVED, "A first choice."),
    Persist(DEFAULT, UNSAVED_B, "a", SILENT, Action.TAKE_UNSAVED, "Both have chosen: mine wins."),
    # The visitor is typing in the field of the key.
    Persist("a", "a", "c", Page.TYPING, Action.WAIT, "A text does not change while it is typed."),
    Persist(DEFAULT, DEFAULT, "c", Page.TYPING, Action.WAIT, "The same in an empty field."),
    Persist("a", "a", NONE, Page.TYPING, Action.WAIT, "The same if others have deleted it."),
    Persist("a", "b", "c", Page.TYPING, Action.KEEP, "Changed here too: mine wins, as always."),
    Persist("a", NONE, "c", Page.TYPING, Action.TAKE, "There is no text of mine to change."),
    # The server was restarted. In its first run the page sent "b" while "a" was stored. Nobody knew
    # which was newer, so "a" was shown. In the next run the page says that it had shown "a".
    Persist("a", "a", "a", Page.CONFIRMED, Action.TAKE_CONFIRMED, "So b is newer."),
    Persist("a", "c", "a", Page.CONFIRMED, Action.KEEP, "The visitor has chosen c since."),
    Persist(DEFAULT, DEFAULT, NONE, Page.CONFIRMED, Action.TAKE_CONFIRMED, "It showed a default."),
    # The page draws a new widget with its default, unless this run sets its value.
    Persist("a", "a", "a", Page.UNAWARE, Action.SHOW, "So mine is set once more."),
    Persist(NONE, "b", NONE, Page.UNAWARE, Action.SHOW, "So mine is set once more."),
    Persist("a", "a", "c", Page.UNAWARE, Action.TAKE, "Taking theirs sets it anyway."),
]


def read(base: str, mine: str, theirs: str) -> tuple[Base, Mine, Theirs]:
    """Return the arguments of `decide`: each side as compared with the base."""
    return (
        {NONE: Base.NONE, EMPTY: Base.EMPTY, DEFAULT: Base.UNSTORED}.get(base, Base.STORED),
        {NONE: Mine.MISSING, DELETED: Mine.DELETED, UNSAVED_B: Mine.UNSAVED}.get(
            mine, Mine.SAME if mine == base else Mine.CHANGED
        ),
        {NONE: Theirs.NOTHING}.get(theirs, Theirs.SAME if theirs == base else Theirs.CHANGED),
    )


def told(row: NamedTuple) -> str:
    """Return the name of a row's test: the row without its reason."""
    return " ".join(getattr(part, "name", str(part)).lower() for part in row[:-1])


@pytest.mark.parametrize("row", AT_PERSIST, ids=told)
def test_what_persist_does_with_a_key(row: Persist) -> None:
    assert decide(*read(row.base, row.mine, row.theirs), row.page) is row.action, row.why


def can_be(base: Base, mine: Mine, theirs: Theirs) -> bool:
    """Whether a case is possible: theirs can equal only a stored base, mine only a value."""
    is_stored_still = theirs is Theirs.SAME and base is not Base.STORED
    is_like_nothing = base in (Base.NONE, Base.EMPTY) and mine is Mine.SAME
    return not is_stored_still and not is_like_nothing


def test_the_table_holds_every_case_of_a_page_that_says_nothing() -> None:
    told = {read(row.base, row.mine, row.theirs) for row in AT_PERSIST if row.page is SILENT}
    sides = [[mine for mine in Mine if mine is not Mine.UNCOMPARED], list(Theirs)]
    assert told == {case for case in itertools.product(Base, *sides) if can_be(*case)}


@pytest.mark.parametrize("page", [Page.SILENT, Page.UNAWARE])
def test_where_nobody_else_has_changed_anything_mine_need_not_be_compared(page: Page) -> None:
    """To compare mine it must be encoded, which takes 30 ms for 10 MB."""
    for base, theirs in [(Base.STORED, Theirs.SAME), (Base.UNSTORED, Theirs.NOTHING)]:
        answers = {decide(base, m, theirs, page) for m in (Mine.SAME, Mine.CHANGED)}
        assert answers == {decide(base, Mine.UNCOMPARED, theirs, page)}


class Draw(NamedTuple):
    """One case of a widget that is about to be drawn."""

    source: Source
    drawn: Drawn
    mine: Mine
    is_unfit: bool
    """Whether the page shows another value, because theirs, or the default, did not fit."""
    action: AtWidget
    why: str


# FIT_MINE: the visitor has chosen the value, and it is saved. FIT_THEIRS: nothing is saved.
AT_WIDGET = [
    Draw(
        Source.RESTORED, Drawn.NEVER, Mine.UNCOMPARED, False, AtWidget.FIT_THEIRS,
        "F5: the widget shows the stored value if that fits, else the default.",
    ),
    Draw(
        Source.RESTORED, Drawn.ALIKE, Mine.UNCOMPARED, False, AtWidget.FIT_THEIRS,
        "Another tab has changed it: the same.",
    ),
    Draw(
        Source.PUT_BACK, Drawn.NEVER, Mine.CHANGED, False, AtWidget.FIT_MINE,
        "Set above `persist`. `persist` has set it once more, so that the page shows it.",
    ),
    Draw(
        Source.PUT_BACK, Drawn.ALIKE, Mine.UNCOMPARED, False, AtWidget.FIT_MINE,
        "Chosen with a run that ended above the widget: shown, and saved at this run's end.",
    ),
    Draw(
        Source.RESTORED, Drawn.OTHERWISE, Mine.UNCOMPARED, False, AtWidget.FIT_THEIRS,
        "Restored, and the range of the widget has changed in the same run.",
    ),
    Draw(
        Source.PUT_BACK, Drawn.OTHERWISE, Mine.UNCOMPARED, False, AtWidget.FIT_MINE,
        "Put back, and the range of the widget has changed in the same run.",
    ),
    Draw(
        Source.SCRIPT, Drawn.NEVER, Mine.UNCOMPARED, False, AtWidget.LEAVE,
        "The script has set it below `persist`: Streamlit reports it if it does not fit.",
    ),
    Draw(
        Source.SCRIPT, Drawn.ALIKE, Mine.UNCOMPARED, False, AtWidget.LEAVE,
        "The script has set it below `persist`: Streamlit reports it if it does not fit.",
    ),
    Draw(
        Source.SCRIPT, Drawn.OTHERWISE, Mine.UNCOMPARED, False, AtWidget.LEAVE,
        "The same if the parameters of the widget have changed.",
    ),
    Draw(
        Source.PAGE, Drawn.NEVER, Mine.UNCOMPARED, False, AtWidget.LEAVE,
        "The widget was drawn before the first call of `persist`.",
    ),
    Draw(
        Source.PAGE, Drawn.ALIKE, Mine.UNCOMPARED, False, AtWidget.LEAVE,
        "An ordinary run: the page has the value.",
    ),
    Draw(
        Source.PAGE, Drawn.OTHERWISE, Mine.SAME, False, AtWidget.FIT_THEIRS,
        "Its range has changed, so Streamlit would show the default: its value is kept.",
    ),
    Draw(
        Source.PAGE, Drawn.OTHERWISE, Mine.CHANGED, False, AtWidget.FIT_MINE,
        "The same, and the visitor has changed it with this run: the choice is kept.",
    ),
    Draw(
        Source.PAGE, Drawn.ALIKE, Mine.SAME, True, AtWidget.TRY_THEIRS,
        "The stored value was not an option in the last run. It is shown once it is one.",
    ),
    Draw(
        Source.PAGE, Drawn.ALIKE, Mine.CHANGED, True, AtWidget.LEAVE,
        "The visitor has chosen another value with this run, which is saved.",
    ),
    Draw(
        Source.SCRIPT, Drawn.ALIKE, Mine.UNCOMPARED, True, AtWidget.LEAVE,
        "The script has set another value in this run.",
    ),
    Draw(
        Source.PAGE, Drawn.OTHERWISE, Mine.SAME, True, AtWidget.FIT_THEIRS,
        "It was out of the range, which has changed: the same as for any changed range.",
    ),
    Draw(
        Source.PAGE, Drawn.OTHERWISE, Mine.CHANGED, True, AtWidget.FIT_MINE,
        "The visitor has chosen another value with this run: the choice is kept.",
    ),
    Draw(
        Source.RESTORED, Drawn.ALIKE, Mine.UNCOMPARED, True, AtWidget.FIT_THEIRS,
        "Another tab has chosen another value, which is shown now.",
    ),
    Draw(
        Source.SCRIPT, Drawn.ALIKE, Mine.DELETED, False, AtWidget.DELETE,
        "The script has deleted it between `persist` and the widget.",
    ),
]  # fmt: skip


@pytest.mark.parametrize("row", AT_WIDGET, ids=told)
def test_what_is_done_before_a_widget_is_drawn(row: Draw) -> None:
    action = decide_at_widget(row.source, row.drawn, row.mine, is_unfit=row.is_unfit)
    assert action is row.action, row.why


def test_the_table_holds_every_source_with_every_way_of_having_been_drawn() -> None:
    told = {(row.source, row.drawn) for row in AT_WIDGET}
    assert told == set(itertools.product(Source, Drawn))


class Sent(NamedTuple):
    """One case of a value that a page sends to a restarted server."""

    theirs: str
    sent: str
    page_showed_theirs: bool
    action: OnSentValue
    why: str


ON_SENT_VALUE = [
    Sent("a", "a", False, OnSentValue.IGNORE, "It sends what is stored."),
    Sent("a", "a", True, OnSentValue.IGNORE, "It sends what is stored."),
    Sent("a", "b", True, OnSentValue.TAKE, "It showed a when b was chosen, so b is newer."),
    Sent("a", "b", False, OnSentValue.REMEMBER, "b may be older than a."),
]


@pytest.mark.parametrize("row", ON_SENT_VALUE, ids=told)
def test_what_is_done_with_a_value_that_a_page_sends_to_a_new_server(row: Sent) -> None:
    is_another = row.sent != row.theirs
    action = decide_on_sent_value(is_another=is_another, page_showed_theirs=row.page_showed_theirs)
    assert action is row.action, row.why


def test_what_a_page_sends_is_read_only_if_the_server_has_not_drawn_the_widget() -> None:
    found = {
        (source, drawn, mine)
        for source, drawn, mine in itertools.product(Source, Drawn, (Mine.SAME, Mine.CHANGED))
        if reads_sent_value(source, drawn, mine)
    }
    assert found == {
        (Source.RESTORED, Drawn.NEVER, Mine.SAME),
        (Source.RESTORED, Drawn.NEVER, Mine.CHANGED),
        (Source.PUT_BACK, Drawn.NEVER, Mine.SAME),  # an overtaken run had put theirs there
    }


class End(NamedTuple):
    """One case of a key at the end of a run."""

    base: str
    mine: str
    known: str
    """What else is known of the run; "" for nothing."""
    action: AtEnd
    why: str


AT_END = [
    End("a", "a", "", AtEnd.LEAVE, "Nothing has changed, so nothing is saved."),
    End("a", "b", "", AtEnd.SAVE, "The visitor or the script has changed it."),
    End("a", NONE, "", AtEnd.LEAVE, "Its widget was not drawn: the row stays."),
    End("a", DELETED, "", AtEnd.DELETE, "The script has deleted it below `persist`."),
    End(DEFAULT, DEFAULT, "", AtEnd.LEAVE, "A default is not stored."),
    End(DEFAULT, "b", "", AtEnd.SAVE, "A first choice."),
    End(DEFAULT, DELETED, "", AtEnd.LEAVE, "Nothing is stored that could be deleted."),
    End(NONE, "b", "", AtEnd.SAVE, "The script has set it for the first time."),
    End(NONE, NONE, "", AtEnd.LEAVE, "It has no value, and never had one."),
    End("a", "a", "is_deleted", AtEnd.DELETE, "Deleted before; now at its default, a."),
    End("a", NONE, "is_deleted", AtEnd.DELETE, "Deleted before, and there is no default."),
    End("a", "b", "is_deleted", AtEnd.SAVE, "Deleted before, and set again."),
    End("a", "a", "is_ruled_out", AtEnd.SAVE_CHOICE, "The visitor chose b; the widget shows a."),
    End("a", "c", "is_ruled_out", AtEnd.SAVE, "The same, and the script has set it to c."),
    # A newer version of this package has written the row, and this one cannot read it.
    End("a", "b", "is_unreadable", AtEnd.REBASE, "b is shown, and does not overwrite the row."),
    End("a", "a", "is_unreadable", AtEnd.REBASE, "The same if the default is shown."),
    End("a", NONE, "is_unreadable", AtEnd.LEAVE, "Nothing is shown."),
    End("a", DELETED, "is_unreadable", AtEnd.DELETE, "A row can be deleted without reading it."),
]


@pytest.mark.parametrize("row", AT_END, ids=told)
def test_what_the_end_of_a_run_does_with_a_key(row: End) -> None:
    base, mine, _ = read(row.base, row.mine, NONE)
    known = {row.known: True} if row.known else {}
    assert decide_at_end(mine, is_stored=base is Base.STORED, **known) is row.action, row.why


@pytest.mark.parametrize(
    ("mine", "is_early", "is_persisted", "is_sent", "is_kept"),
    [
        (Mine.SAME, True, True, True, False),  # it is saved, or was never changed
        (Mine.SAME, False, False, True, False),
        (Mine.CHANGED, True, False, True, True),  # typed, and the run ended above `persist`
        (Mine.CHANGED, True, False, False, True),  # a callback set it, before an error
        (Mine.CHANGED, True, True, True, True),  # the run ended below it, and could not save
        (Mine.CHANGED, False, True, True, True),  # it came to its end, and could not save
        (Mine.CHANGED, False, True, False, True),
        (Mine.CHANGED, False, False, True, True),  # sent with a form that hides its own field
        (Mine.CHANGED, False, False, False, False),  # another page uses the key as its own
    ],
)
def test_what_a_run_that_has_not_drawn_the_widget_keeps(
    mine: Mine, is_early: bool, is_persisted: bool, is_sent: bool, is_kept: bool
) -> None:
    assert (
        keeps_unsaved(mine, is_early=is_early, is_persisted=is_persisted, is_sent=is_sent)
        is is_kept
    )
