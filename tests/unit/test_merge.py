"""The decisions of `persist`, each as a table of its cases.

A key of `st.session_state` is durable from `persist` on. Three values of it meet there:

- base: what this tab and the database had in common when they were last in sync;
- mine: what `st.session_state` of this tab holds now;
- theirs: what is stored now.

In the columns, "a", "b" and "c" are values, DEFAULT is one that was shown though nothing was
stored, and NONE says that there is no value; as a base, that the two were never in sync. A base is
EMPTY where they were in sync, and neither had a value. Read a row from left to right: what there
was, what there is on either side, what the page has said, what is done, and why.
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
    Hearing,
    Mine,
    Page,
    Source,
    Theirs,
    decide,
    decide_at_end,
    decide_at_widget,
    decide_on_hearing,
    hears_page,
    holds,
)

NONE, EMPTY, DEFAULT, DELETED = "none", "empty", "default", "deleted"
HELD_B = "b, held"
"""The visitor changed the widget to "b", and that run stopped before it came to the widget: by an
error, by an outage."""


class Persist(NamedTuple):
    """One case of the merge, when `persist` is called."""

    base: str
    mine: str
    theirs: str
    page: Page
    action: Action
    why: str


SILENT = Page.SILENT

AT_PERSIST = [
    # This session of Streamlit's server has not had the key so far.
    Persist(NONE, NONE, NONE, SILENT, Action.BEGIN, "A first visit shows the default."),
    Persist(NONE, NONE, "a", SILENT, Action.TAKE, "F5, a new tab, a new server: it comes back."),
    Persist(NONE, "b", NONE, SILENT, Action.KEEP, "What was there before `persist` is kept."),
    # What the script sets above its first `persist` of a session is a default, no choice: the same
    # lines run at each F5.
    Persist(NONE, "b", "a", SILENT, Action.TAKE, "What is stored wins over the script's default."),
    Persist(NONE, "b", "a", Page.TYPING, Action.TAKE, "The same, whatever its visitor does."),
    Persist(NONE, HELD_B, "a", SILENT, Action.TAKE_HELD, "A change that could not be saved."),
    Persist(NONE, HELD_B, NONE, SILENT, Action.TAKE_HELD, "A change that could not be saved."),
    # A run has ended without a value, and nothing was stored: a key without widget and default.
    Persist(EMPTY, NONE, NONE, SILENT, Action.BEGIN, "Nothing has changed."),
    Persist(EMPTY, "b", NONE, SILENT, Action.KEEP, "A first choice: the run's end saves it."),
    Persist(EMPTY, NONE, "a", SILENT, Action.TAKE, "Another tab was the first to choose."),
    Persist(EMPTY, "b", "a", SILENT, Action.KEEP, "Both have chosen: mine wins."),
    Persist(EMPTY, HELD_B, NONE, SILENT, Action.TAKE_HELD, "A first choice, not saved yet."),
    Persist(EMPTY, HELD_B, "a", SILENT, Action.TAKE_HELD, "Both have chosen: mine wins."),
    Persist(EMPTY, DELETED, NONE, SILENT, Action.BEGIN, "Set and deleted above `persist`."),
    Persist(EMPTY, DELETED, "a", SILENT, Action.DELETE, "Stored elsewhere meanwhile: mine wins."),
    Persist(EMPTY, "b", NONE, Page.UNAWARE, Action.SHOW, "A widget comes to it: mine is shown."),
    # Nobody has stored anything; what is shown is a default.
    Persist(DEFAULT, DEFAULT, NONE, SILENT, Action.KEEP, "Nothing has changed."),
    Persist(DEFAULT, "b", NONE, SILENT, Action.KEEP, "A first choice: the run's end saves it."),
    Persist(DEFAULT, DEFAULT, "a", SILENT, Action.TAKE, "Another tab was the first to choose."),
    Persist(DEFAULT, "b", "a", SILENT, Action.KEEP, "Both have chosen: mine wins."),
    # It is stored, and this tab has shown it.
    Persist("a", "a", "a", SILENT, Action.KEEP, "Nothing has changed."),
    Persist("a", "b", "a", SILENT, Action.KEEP, "Changed here: the run's end saves it."),
    Persist("a", "a", "c", SILENT, Action.TAKE, "Changed elsewhere only: theirs is shown."),
    Persist("a", "b", "c", SILENT, Action.KEEP, "Changed on both sides: mine wins."),
    Persist("a", "a", NONE, SILENT, Action.BEGIN, "Deleted elsewhere, not changed here."),
    Persist("a", "b", NONE, SILENT, Action.KEEP, "Deleted elsewhere, changed here: mine wins."),
    # `st.session_state` has lost it: Streamlit drops what belongs to a widget that is not drawn.
    Persist("a", NONE, "a", SILENT, Action.TAKE, "The widget comes back with its value."),
    Persist("a", NONE, "c", SILENT, Action.TAKE, "And with what another tab has made of it."),
    Persist("a", NONE, NONE, SILENT, Action.BEGIN, "Another tab has deleted it meanwhile."),
    Persist(DEFAULT, NONE, NONE, SILENT, Action.BEGIN, "Nobody has chosen: its default again."),
    Persist(DEFAULT, NONE, "a", SILENT, Action.TAKE, "Another tab has chosen meanwhile."),
    # The script or a callback has deleted it: a change like others.
    Persist("a", DELETED, "a", SILENT, Action.DELETE, "It begins anew; the row goes at the end."),
    Persist("a", DELETED, "c", SILENT, Action.DELETE, "And changed elsewhere: mine wins."),
    Persist("a", DELETED, NONE, SILENT, Action.BEGIN, "Deleted on both sides."),
    Persist(DEFAULT, DELETED, NONE, SILENT, Action.BEGIN, "Nothing was stored that could go."),
    Persist(DEFAULT, DELETED, "a", SILENT, Action.DELETE, "Stored elsewhere meanwhile: mine wins."),
    Persist(NONE, DELETED, NONE, SILENT, Action.BEGIN, "Set and deleted above `persist`."),
    Persist(NONE, DELETED, "a", SILENT, Action.DELETE, "To delete is a choice, unlike to set."),
    # The run before has ended above the widget, which had just been changed.
    Persist("a", HELD_B, "a", SILENT, Action.TAKE_HELD, "The choice is not lost."),
    Persist("a", HELD_B, "c", SILENT, Action.TAKE_HELD, "It was a change: mine wins."),
    Persist("a", HELD_B, NONE, SILENT, Action.TAKE_HELD, "It was a change: mine wins."),
    Persist(DEFAULT, HELD_B, NONE, SILENT, Action.TAKE_HELD, "A first choice."),
    Persist(DEFAULT, HELD_B, "a", SILENT, Action.TAKE_HELD, "Both have chosen: mine wins."),
    # Its visitor is typing in the field of the key.
    Persist("a", "a", "c", Page.TYPING, Action.WAIT, "Nobody's text changes under their hands."),
    Persist(DEFAULT, DEFAULT, "c", Page.TYPING, Action.WAIT, "The same in an empty field."),
    Persist("a", "a", NONE, Page.TYPING, Action.WAIT, "The same where others have deleted it."),
    Persist("a", "b", "c", Page.TYPING, Action.KEEP, "Changed here too: mine wins, as always."),
    Persist("a", NONE, "c", Page.TYPING, Action.TAKE, "There is no text of mine to be changed."),
    # The server was restarted. In its first run the page sent "b", but "a" was stored, and nobody
    # knew which was newer: so "a" was shown. With the next run the page says what it had shown.
    Persist("a", "a", "a", Page.CHOSE, Action.TAKE_CHOSEN, "So b is the newer one."),
    Persist("a", "c", "a", Page.CHOSE, Action.KEEP, "Its visitor has chosen c since."),
    Persist(DEFAULT, DEFAULT, NONE, Page.CHOSE, Action.TAKE_CHOSEN, "It showed the default then."),
    # The page draws a new widget at its default, unless its value is set in this very run.
    Persist("a", "a", "a", Page.UNAWARE, Action.SHOW, "So mine is set once more."),
    Persist(NONE, "b", NONE, Page.UNAWARE, Action.SHOW, "So mine is set once more."),
    Persist("a", "a", "c", Page.UNAWARE, Action.TAKE, "To take theirs sets it anyway."),
]


def read(base: str, mine: str, theirs: str) -> tuple[Base, Mine, Theirs]:
    """The three columns as the decision gets them: each side as it compares with the base."""
    return (
        {NONE: Base.NONE, EMPTY: Base.EMPTY, DEFAULT: Base.UNSTORED}.get(base, Base.STORED),
        {NONE: Mine.MISSING, DELETED: Mine.DELETED, HELD_B: Mine.HELD}.get(
            mine, Mine.SAME if mine == base else Mine.CHANGED
        ),
        {NONE: Theirs.NOTHING}.get(theirs, Theirs.SAME if theirs == base else Theirs.CHANGED),
    )


def told(row: NamedTuple) -> str:
    """A row without its sentence, as the name of its test."""
    return " ".join(getattr(part, "name", str(part)).lower() for part in row[:-1])


@pytest.mark.parametrize("row", AT_PERSIST, ids=told)
def test_what_persist_does_with_a_key(row: Persist) -> None:
    assert decide(*read(row.base, row.mine, row.theirs), row.page) is row.action, row.why


def can_be(base: Base, mine: Mine, theirs: Theirs) -> bool:
    """What was never stored is not stored still, and what is compared with nothing differs."""
    is_stored_still = theirs is Theirs.SAME and base is not Base.STORED
    is_like_nothing = base in (Base.NONE, Base.EMPTY) and mine is Mine.SAME
    return not is_stored_still and not is_like_nothing


def test_the_table_holds_every_case_of_a_page_that_says_nothing() -> None:
    told = {read(row.base, row.mine, row.theirs) for row in AT_PERSIST if row.page is SILENT}
    sides = [[mine for mine in Mine if mine is not Mine.UNCOMPARED], list(Theirs)]
    assert told == {case for case in itertools.product(Base, *sides) if can_be(*case)}


@pytest.mark.parametrize("page", [Page.SILENT, Page.UNAWARE])
def test_where_nobody_else_has_changed_anything_mine_need_not_be_compared(page: Page) -> None:
    """It would have to be encoded, which takes 30 ms for 10 MB."""
    for base, theirs in [(Base.STORED, Theirs.SAME), (Base.UNSTORED, Theirs.NOTHING)]:
        answers = {decide(base, m, theirs, page) for m in (Mine.SAME, Mine.CHANGED)}
        assert answers == {decide(base, Mine.UNCOMPARED, theirs, page)}


class Draw(NamedTuple):
    """One case of a widget that is about to be drawn."""

    source: Source
    drawn: Drawn
    mine: Mine
    is_unfit: bool
    """Whether the page shows something else, because theirs, or the default, did not fit."""
    action: AtWidget
    why: str


# FIT_MINE: the visitor has chosen it, which is saved. FIT_THEIRS: there is nothing to save.
AT_WIDGET = [
    Draw(
        Source.RESTORED, Drawn.NEVER, Mine.UNCOMPARED, False, AtWidget.FIT_THEIRS,
        "F5: what is stored is shown, if the widget can show it; else the default.",
    ),
    Draw(
        Source.RESTORED, Drawn.ALIKE, Mine.UNCOMPARED, False, AtWidget.FIT_THEIRS,
        "Another tab has changed it: the same.",
    ),
    Draw(
        Source.PUT_BACK, Drawn.NEVER, Mine.CHANGED, False, AtWidget.FIT_MINE,
        "Set above `persist`, which has set it once more, so that the page shows it.",
    ),
    Draw(
        Source.PUT_BACK, Drawn.ALIKE, Mine.UNCOMPARED, False, AtWidget.FIT_MINE,
        "Chosen with a run that ended above the widget: shown, and saved at this run's end.",
    ),
    Draw(
        Source.RESTORED, Drawn.OTHERWISE, Mine.UNCOMPARED, False, AtWidget.FIT_THEIRS,
        "And where its range has moved at the same time.",
    ),
    Draw(
        Source.PUT_BACK, Drawn.OTHERWISE, Mine.UNCOMPARED, False, AtWidget.FIT_MINE,
        "And where its range has moved at the same time.",
    ),
    Draw(
        Source.SCRIPT, Drawn.NEVER, Mine.UNCOMPARED, False, AtWidget.LEAVE,
        "The script has set it below `persist`: Streamlit itself says whether it fits.",
    ),
    Draw(
        Source.SCRIPT, Drawn.ALIKE, Mine.UNCOMPARED, False, AtWidget.LEAVE,
        "The script has set it below `persist`: Streamlit itself says whether it fits.",
    ),
    Draw(
        Source.SCRIPT, Drawn.OTHERWISE, Mine.UNCOMPARED, False, AtWidget.LEAVE,
        "The same where the widget has changed.",
    ),
    Draw(
        Source.PAGE, Drawn.NEVER, Mine.UNCOMPARED, False, AtWidget.LEAVE,
        "Streamlit has drawn it before; `persist` is called for the first time.",
    ),
    Draw(
        Source.PAGE, Drawn.ALIKE, Mine.UNCOMPARED, False, AtWidget.LEAVE,
        "An ordinary run: the page knows its value.",
    ),
    Draw(
        Source.PAGE, Drawn.OTHERWISE, Mine.SAME, False, AtWidget.FIT_THEIRS,
        "Its range has moved, so Streamlit would show its default: its value is carried over.",
    ),
    Draw(
        Source.PAGE, Drawn.OTHERWISE, Mine.CHANGED, False, AtWidget.FIT_MINE,
        "And its visitor has changed it with this very run: the choice is carried over.",
    ),
    Draw(
        Source.PAGE, Drawn.ALIKE, Mine.SAME, True, AtWidget.TRY_THEIRS,
        "What was chosen long ago was no option in the last run. It is shown as soon as it is one.",
    ),
    Draw(
        Source.PAGE, Drawn.ALIKE, Mine.CHANGED, True, AtWidget.LEAVE,
        "But its visitor has chosen something else with this run, which is saved.",
    ),
    Draw(
        Source.SCRIPT, Drawn.ALIKE, Mine.UNCOMPARED, True, AtWidget.LEAVE,
        "Or the script has.",
    ),
    Draw(
        Source.PAGE, Drawn.OTHERWISE, Mine.SAME, True, AtWidget.FIT_THEIRS,
        "It was out of the range, which has moved: the same as in any range that has moved.",
    ),
    Draw(
        Source.PAGE, Drawn.OTHERWISE, Mine.CHANGED, True, AtWidget.FIT_MINE,
        "But its visitor has chosen something else with this run: the choice is carried over.",
    ),
    Draw(
        Source.RESTORED, Drawn.ALIKE, Mine.UNCOMPARED, True, AtWidget.FIT_THEIRS,
        "Another tab has chosen anew: that is what is to be shown now.",
    ),
    Draw(
        Source.SCRIPT, Drawn.ALIKE, Mine.DELETED, False, AtWidget.BEGIN,
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


class Hear(NamedTuple):
    """One case of a page whose server was restarted, and which sends a value."""

    theirs: str
    sent: str
    says_it_showed_theirs: bool
    hearing: Hearing
    why: str


ON_HEARING = [
    Hear("a", "a", False, Hearing.IGNORE, "It sends what is stored."),
    Hear("a", "a", True, Hearing.IGNORE, "It sends what is stored, and says so too."),
    Hear("a", "b", True, Hearing.CHOICE, "It showed a when b was chosen: b is newer than a."),
    Hear("a", "b", False, Hearing.REMEMBER, "b may be older than a. The page may say it later."),
]


@pytest.mark.parametrize("row", ON_HEARING, ids=lambda row: row.why)
def test_what_is_made_of_a_value_that_a_page_sends_to_a_new_server(row: Hear) -> None:
    is_another = row.sent != row.theirs
    hearing = decide_on_hearing(
        is_another=is_another, says_it_showed_theirs=row.says_it_showed_theirs
    )
    assert hearing is row.hearing, row.why


def test_what_a_page_sends_counts_only_where_the_server_has_not_drawn_the_widget() -> None:
    heard = {
        (source, drawn, mine)
        for source, drawn, mine in itertools.product(Source, Drawn, (Mine.SAME, Mine.CHANGED))
        if hears_page(source, drawn, mine)
    }
    assert heard == {
        (Source.RESTORED, Drawn.NEVER, Mine.SAME),
        (Source.RESTORED, Drawn.NEVER, Mine.CHANGED),
        (Source.PUT_BACK, Drawn.NEVER, Mine.SAME),  # an overtaken run had put theirs there
    }


class End(NamedTuple):
    """One case of a key at the end of a run."""

    base: str
    mine: str
    known: str
    """What is known of the run, beside these; "" for nothing."""
    action: AtEnd
    why: str


AT_END = [
    End("a", "a", "", AtEnd.LEAVE, "Nothing has changed: nothing is written."),
    End("a", "b", "", AtEnd.SAVE, "The visitor or the script has changed it."),
    End("a", NONE, "", AtEnd.LEAVE, "Its widget was not drawn: what is stored stays."),
    End("a", DELETED, "", AtEnd.DELETE, "The script has deleted it below `persist`."),
    End(DEFAULT, DEFAULT, "", AtEnd.LEAVE, "A page view stores no default."),
    End(DEFAULT, "b", "", AtEnd.SAVE, "A first choice."),
    End(DEFAULT, DELETED, "", AtEnd.LEAVE, "There is nothing stored that could be deleted."),
    End(NONE, "b", "", AtEnd.SAVE, "The script has set it for the first time."),
    End(NONE, NONE, "", AtEnd.LEAVE, "It has no value, and never had one."),
    End("a", "a", "is_deleted", AtEnd.DELETE, "Deleted before; its default, a, is back, unsaved."),
    End("a", NONE, "is_deleted", AtEnd.DELETE, "Deleted before, and there is no default."),
    End("a", "b", "is_deleted", AtEnd.SAVE, "Deleted before, and set anew."),
    End("a", "a", "is_ruled_out", AtEnd.SAVE_CHOICE, "The visitor chose b. Its widget shows a."),
    End("a", "c", "is_ruled_out", AtEnd.SAVE, "The same, and the script has set it to c."),
    # A newer version of this package has written the row: it cannot be read here.
    End("a", "b", "is_unreadable", AtEnd.REBASE, "b is shown instead, and does not overwrite it."),
    End("a", "a", "is_unreadable", AtEnd.REBASE, "The same with a default that is shown instead."),
    End("a", NONE, "is_unreadable", AtEnd.LEAVE, "Nothing is shown instead."),
    End("a", DELETED, "is_unreadable", AtEnd.DELETE, "To delete a row nobody has to read it."),
]


@pytest.mark.parametrize("row", AT_END, ids=told)
def test_what_the_end_of_a_run_does_with_a_key(row: End) -> None:
    base, mine, _ = read(row.base, row.mine, NONE)
    known = {row.known: True} if row.known else {}
    assert decide_at_end(mine, is_stored=base is Base.STORED, **known) is row.action, row.why


@pytest.mark.parametrize(
    ("mine", "is_early", "is_bound", "is_sent", "is_kept"),
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
    mine: Mine, is_early: bool, is_bound: bool, is_sent: bool, is_kept: bool
) -> None:
    assert holds(mine, is_early=is_early, is_bound=is_bound, is_sent=is_sent) is is_kept
