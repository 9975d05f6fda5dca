"""Wherever a script calls its first verb: the component is there, and the value is stored."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from everything import in_everything
from run_log import Run
from served import Server
from visitor import Tab, Visitor

from streamlit_pgstate import Store


def written(tab: Tab, store: Store) -> object:
    """What the database holds for the token that the browser keeps."""
    return store.state(tab.token()).get("word")


def full(runs: list[Run]) -> list[Run]:
    return [run for run in runs if not run.is_fragment]


def test_a_page_that_calls_no_verb_has_no_component(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "nothing")
    tab.settled(1)
    assert tab.local() is None
    assert tab.cookie() is None
    tab.click("run")
    tab.settled(1)


@pytest.mark.parametrize("case", ["in_fragment", *in_everything("around_fragment")])
def test_verbs_in_a_fragment(case: str, app: Server, visitor: Visitor, store_of_app: Store) -> None:
    tab = visitor.open(app, case)
    tab.settled(2)  # the script and, within it, the fragment
    tab.click("write")
    run = tab.settled(1)
    assert run.is_fragment
    assert run.seen["word"] == "written"
    assert written(tab, store_of_app) == "written"
    tab.reload()
    assert tab.settled(2).seen["word"] == "written"
    tab.set_cookie(None)
    tab.reload()
    last = tab.settled()
    assert last.seen["word"] == "written"
    assert len(full(tab.runs())) <= 2 + 2


@pytest.mark.parametrize("case", ["in_fragment", *in_everything("around_fragment")])
def test_forget_in_a_fragment(case: str, app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, case)
    before = tab.settled(2).seen["id"]
    tab.click("write")
    tab.settled(1)
    token = tab.token()
    tab.click("forget")
    last = tab.settled()
    assert tab.token() != token
    assert last.seen["word"] is None
    assert last.seen["id"] != before
    tab.click("run")
    assert tab.settled(2).seen["id"] == last.seen["id"]
    tab.reload()
    assert tab.settled(2).seen["id"] == last.seen["id"]


@pytest.mark.long
def test_a_rotation_elsewhere_reaches_a_page_with_a_fragment(app: Server, visitor: Visitor) -> None:
    """Both components of this page hear of it; after a run of the fragment alone."""
    first = visitor.open(app, "around_fragment")
    first.settled(2)
    first.click("write")
    first.settled(1)
    second = visitor.open(app, "reads")
    second.settled(1)
    token = first.token()
    second.click("rotate")
    second.settled(1)
    last = first.settled()
    assert first.token() == second.token() != token
    assert last.seen["word"] == "written"
    assert len(full(first.runs())) <= 1 + 2
    first.click("write")
    first.settled(1)


@pytest.mark.long
def test_a_fragment_that_polls_goes_on_polling_and_never_reruns_the_page(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "in_polling_fragment")
    poll_until(tab, 5)
    assert len(full(tab.runs())) == 1
    token = tab.token()
    tab.reload()
    poll_until(tab, 5)
    assert len(full(tab.runs())) == 2
    assert tab.token() == token
    tab.set_cookie(None)
    tab.reload()
    poll_until(tab, 5)
    assert len(full(tab.runs())) <= 4
    assert tab.token() == token
    polls = [run.seen["polls"] for run in tab.runs() if "polls" in run.seen]
    assert polls[-1] > 10


def poll_until(tab: Tab, number: int) -> None:
    """Wait for so many more runs of the fragment."""
    before = len(tab.runs())
    for _ in range(300):
        if len([run for run in tab.runs()[before:] if run.is_fragment and run.is_over]) >= number:
            return
        tab.page.wait_for_timeout(50)
    raise AssertionError(f"the fragment does not poll: {tab.runs()}")


def test_verbs_in_a_callback_alone(app: Server, visitor: Visitor, store_of_app: Store) -> None:
    tab = visitor.open(app, "in_callback")
    tab.settled(1)
    assert tab.local() is None
    tab.click("write")
    tab.settled(1)
    assert written(tab, store_of_app) == "written"
    tab.reload()
    tab.settled(1)
    tab.page.get_by_text("look").click()
    assert tab.settled(1).seen["word"] == "written"


@pytest.mark.parametrize("is_mounted", [False, *in_everything(True)])
@pytest.mark.long
def test_a_callback_as_the_first_verb_after_the_cookie_was_lost(
    is_mounted: bool, app: Server, visitor: Visitor, store_of_app: Store
) -> None:
    """Without `mount()` in the script its write goes to a candidate, which is dropped."""
    tab = visitor.open(app, "in_callback_and_mounted" if is_mounted else "in_callback")
    tab.settled(1)
    tab.click("write")
    tab.settled(1)
    token = tab.token()
    store_of_app.state(token).update({"word": "old", "other": "kept"})
    tab.set_cookie(None)
    tab.reload()
    tab.settled(2 if is_mounted else 1)
    tab.click("write")
    tab.settled()
    tab.page.get_by_text("look").click()
    run = tab.settled()
    assert tab.token() == token
    assert run.seen["keys"] == ["other", "word"]
    assert run.seen["word"] == ("written" if is_mounted else "old")
    assert tab.runs_within(2) == 0


def test_forget_in_a_callback(app: Server, visitor: Visitor, store_of_app: Store) -> None:
    tab = visitor.open(app, "in_callback")
    tab.settled(1)
    tab.click("write")
    tab.settled(1)
    token = tab.token()
    tab.click("forget")
    tab.settled(1)
    assert tab.token() != token
    assert written(tab, store_of_app) is None


def test_verbs_in_a_form(app: Server, visitor: Visitor, store_of_app: Store) -> None:
    tab = visitor.open(app, "in_form")
    tab.settled(1)
    tab.token()
    tab.page.get_by_label("word").fill("typed")
    tab.click("send")
    assert tab.settled(1).seen["word"] == "typed"
    assert written(tab, store_of_app) == "typed"
    tab.reload()
    assert tab.settled(1).seen["word"] == "typed"
    tab.set_cookie(None)
    tab.reload()
    assert tab.settled(2).seen["word"] == "typed"


def test_verbs_in_a_dialog(app: Server, visitor: Visitor, store_of_app: Store) -> None:
    tab = visitor.open(app, "in_dialog")
    tab.settled(1)
    tab.click("open")
    tab.settled(2)
    tab.click("write")
    assert tab.settled(1).seen["word"] == "written"
    assert written(tab, store_of_app) == "written"
    tab.reload()
    tab.settled(1)
    tab.click("open")
    assert tab.settled(2).seen["word"] == "written"


@pytest.mark.parametrize(("case", "by"), [("in_column", 2), *in_everything(("in_sidebar", 1))])
def test_verbs_in_a_container(case: str, by: int, app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, case)
    for number in (1, 2, 3):
        assert tab.settled(1).seen["visits"] == number * by
        tab.reload()
    tab.settled(1)


@pytest.mark.parametrize(
    ("case", "runs"), [("reruns", 2), *in_everything(("stops", 1), ("raises", 1))]
)
def test_a_value_set_right_before_the_run_ends_is_stored(
    case: str, runs: int, app: Server, visitor: Visitor, store_of_app: Store
) -> None:
    tab = visitor.open(app, case)
    tab.settled(1)
    tab.click("write")
    tab.settled(runs)
    assert written(tab, store_of_app) == "written"
    tab.reload()
    assert tab.settled(1).seen["word"] == "written"


def test_a_rerun_at_once_on_a_first_visit_loses_nothing(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "reruns_at_once")
    first = tab.settled(2)
    tab.reload()
    again = tab.settled(1)
    assert again.seen["id"] == first.seen["id"]


@pytest.mark.parametrize("case", ["in_cache", "in_cache_later"])
def test_a_verb_in_a_cached_function_says_that_it_may_not(
    case: str, app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, case)
    error = tab.settled(1).seen["error"]
    assert error.startswith("NoSessionError")
    assert "st.cache_data" in error


def test_clearing_the_session_state_loses_nothing(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "clears_session_state")
    first = tab.settled(1)
    tab.click("clear")
    run = tab.settled(1)
    assert (run.seen["word"], run.seen["visits"]) == ("written", 2)
    assert run.seen["id"] == first.seen["id"]
    tab.click("clear")
    assert tab.settled(1).seen["visits"] == 3
    tab.reload()
    run = tab.settled(1)
    assert (run.seen["word"], run.seen["visits"]) == ("written", 4)
    tab.set_cookie(None)
    tab.reload()
    assert tab.settled(2).seen["visits"] == 5


@pytest.mark.parametrize("case", ["rotates_each_run", *in_everything("forgets_each_run")])
def test_a_new_token_in_each_run_makes_no_loop(
    case: str, app: Server, new_visitor: Callable[..., Visitor]
) -> None:
    tab = new_visitor().open(app, case)
    tab.settled(1)
    for _ in range(3):
        tab.click("run")
        tab.settled(1)
    tab.token()
    assert tab.runs_within(2) == 0


@pytest.mark.parametrize("clicks", [3, *in_everything(1)])
@pytest.mark.long
def test_runs_of_one_tab_that_overlap_do_not_disturb_each_other(
    clicks: int, app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "overlaps")
    first = tab.settled(1)
    token = tab.token()
    for _ in range(clicks):
        tab.click("run")
        tab.page.wait_for_timeout(500)
    last = tab.settled()
    assert [run.seen.get("error") for run in tab.runs()] == [None] * len(tab.runs())
    assert len(tab.runs()) == 1 + clicks
    assert last.seen["id"] == first.seen["id"]
    assert last.seen["visits"] >= 2
    assert tab.token() == token
    tab.reload()
    assert tab.settled(1).seen["id"] == first.seen["id"]
