"""A page whose database is away: it says so in one sentence, and comes back by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from gate import Gate
from playwright.sync_api import Locator, expect
from run_log import Run
from served import Server, running
from visitor import Tab, Visitor

BACK_WITHIN = 20_000
"""Milliseconds: after 3 s of an outage the page tries again within 4 s."""


@pytest.fixture(scope="module")
def gate(database: Callable[[], str]) -> Iterator[Gate]:
    gate = Gate(database())
    yield gate
    gate.shut()


@pytest.fixture(scope="module")
def away(gate: Gate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An app whose way to the database is the gate."""
    environment = {"PGSTATE_TIMEOUT": "2"}
    folder = tmp_path_factory.mktemp("away")
    with running(Server(folder, gate.url, environment=environment)) as server:
        yield server


@pytest.fixture(autouse=True)
def _open(gate: Gate) -> Iterator[None]:
    yield
    gate.open()


def sentence(tab: Tab) -> Locator:
    return tab.page.get_by_text("database is not available right now").filter(visible=True)


def says_it_once(tab: Tab) -> None:
    expect(sentence(tab)).to_have_count(1)
    expect(tab.page.get_by_test_id("stException")).to_have_count(0)


def comes_back(tab: Tab) -> None:
    expect(sentence(tab)).to_have_count(0, timeout=BACK_WITHIN)
    tab.stays_quiet(2.5)
    tab.settled()
    expect(sentence(tab)).to_have_count(0)  # it is drawn elsewhere after another kind of failure


def whole_runs(tab: Tab) -> list[Run]:
    return [run for run in tab.runs() if not run.is_fragment]


def shot(tab: Tab, name: str) -> None:
    tab.page.wait_for_timeout(300)
    tab.page.screenshot(path=f"/tmp/shots/{name}.png")


def write(tab: Tab, text: str) -> None:
    tab.page.get_by_label("name").fill(text)
    tab.page.get_by_label("name").press("Enter")


def test_a_page_whose_verbs_stand_at_the_top_comes_back_with_what_was_typed(
    away: Server, gate: Gate, visitor: Visitor
) -> None:
    tab = visitor.open(away, "outage_at_the_top")
    tab.settled(1)
    gate.shut()
    write(tab, "typed")
    says_it_once(tab)
    shot(tab, "top")
    gate.open()
    comes_back(tab)
    assert tab.runs()[-1].seen["name"] == "typed"
    expect(tab.page.get_by_label("name")).to_have_value("typed")
    tab.reload()
    assert tab.settled(1).seen["name"] == "typed"


def test_a_callback_that_fails_ends_its_run_with_the_sentence(
    away: Server, gate: Gate, visitor: Visitor
) -> None:
    tab = visitor.open(away, "outage")
    tab.settled()
    gate.shut()
    tab.click("call back")
    says_it_once(tab)
    shot(tab, "callback")
    gate.open()
    comes_back(tab)
    expect(tab.page.get_by_text("the end", exact=True)).to_be_visible()
    tab.click("call back")
    tab.settled()
    assert whole_runs(tab)[-1].seen["stored"]["called"] == "saved"


def test_who_catches_it_draws_what_they_like_beside_the_sentence(
    away: Server, gate: Gate, visitor: Visitor
) -> None:
    tab = visitor.open(away, "outage")
    tab.settled()
    gate.shut()
    tab.page.get_by_text("catches").click()
    expect(tab.page.get_by_text("caught 2")).to_be_visible()
    says_it_once(tab)
    shot(tab, "caught")
    gate.open()
    comes_back(tab)
    expect(tab.page.get_by_text("caught 0")).to_be_visible()


def test_a_fragment_that_fails_says_so_where_it_is_and_comes_back_alone(
    away: Server, gate: Gate, visitor: Visitor
) -> None:
    tab = visitor.open(away, "outage")
    tab.settled()
    whole = len(whole_runs(tab))
    gate.shut()
    for name in ("two", "three"):
        tab.click(f"save in {name}")
        expect(tab.page.get_by_text(f"end of {name}")).to_have_count(0)
        says_it_once(tab)
    shot(tab, "two-fragments")
    expect(tab.page.get_by_text("end of one")).to_be_visible()
    expect(tab.page.get_by_text("the end", exact=True)).to_be_visible()
    gate.open()
    comes_back(tab)
    for name in ("two", "three"):
        expect(tab.page.get_by_text(f"end of {name}")).to_be_visible()
    assert len(whole_runs(tab)) == whole


def test_the_sentence_stays_where_only_the_click_that_failed_needs_the_database(
    away: Server, gate: Gate, visitor: Visitor
) -> None:
    tab = visitor.open(away, "outage")
    tab.settled()
    gate.shut()
    tab.click("save in one")
    says_it_once(tab)
    shot(tab, "fragment")
    whole = len(whole_runs(tab))
    expect(tab.page.get_by_test_id("stEvent").get_by_text("not available")).to_be_visible()
    expect(tab.page.get_by_text("end of one")).to_be_visible()
    while len(whole_runs(tab)) < whole + 2:
        assert sentence(tab).count() == 1
    gate.open()
    comes_back(tab)
    expect(tab.page.get_by_text("the end", exact=True)).to_be_visible()


@pytest.mark.parametrize("case", ["outage", "outage_of_callbacks_only"])
def test_a_callback_in_a_fragment_that_fails_has_the_page_say_so(
    case: str, away: Server, gate: Gate, visitor: Visitor
) -> None:
    tab = visitor.open(away, case)
    tab.settled()
    gate.shut()
    tab.click("call back in one" if case == "outage" else "call back")
    says_it_once(tab)
    shot(tab, f"fragment-callback-{case}")
    gate.open()
    comes_back(tab)
    expect(
        tab.page.get_by_text("the end" if case == "outage" else "the page", exact=True)
    ).to_be_visible()


def test_a_dialog_and_a_form(away: Server, gate: Gate, visitor: Visitor) -> None:
    tab = visitor.open(away, "outage")
    tab.settled()
    tab.click("open")
    expect(tab.page.get_by_text("in the dialog", exact=True)).to_be_visible()
    gate.shut()
    tab.click("save in the dialog")
    says_it_once(tab)
    shot(tab, "dialog")
    gate.open()
    comes_back(tab)
    expect(tab.page.get_by_text("in the dialog", exact=True)).to_be_visible()
    tab.page.keyboard.press("Escape")
    gate.shut()
    tab.page.get_by_label("in the form").fill("given")
    tab.click("send")
    says_it_once(tab)
    shot(tab, "form")
    gate.open()
    comes_back(tab)
    expect(tab.page.get_by_label("in the form")).to_have_value("given")


def test_a_first_visit_while_it_is_away_begins_when_it_is_back(
    away: Server, gate: Gate, visitor: Visitor
) -> None:
    gate.shut()
    tab = visitor.open(away, "outage_of_a_waiting_page")
    says_it_once(tab)
    gate.open()
    comes_back(tab)
    assert tab.runs()[-1].seen["durable"] is True


def test_a_live_page_comes_back_and_follows(away: Server, gate: Gate, visitor: Visitor) -> None:
    tab = visitor.open(away, "outage_of_a_live_page")
    tab.settled(1)
    gate.shut()
    says_it_once(tab)
    shot(tab, "live")
    write(tab, "typed")
    expect(tab.page.get_by_label("name")).to_have_count(0)
    says_it_once(tab)
    gate.open()
    comes_back(tab)
    assert tab.runs()[-1].seen["name"] == "typed"


def test_what_cannot_be_saved_at_a_runs_end_is_saved_by_itself(
    away: Server, gate: Gate, visitor: Visitor
) -> None:
    tab = visitor.open(away, "outage_in_the_midst")
    tab.settled(1)
    write(tab, "first")
    tab.settled(1)
    write(tab, "long")
    tab.page.wait_for_timeout(500)
    gate.shut()
    visitor.open(away, "outage_go_on")
    tab.page.bring_to_front()
    says_it_once(tab)
    shot(tab, "midst")
    expect(tab.page.get_by_test_id("stToast")).to_have_count(0)
    gate.open()
    comes_back(tab)
    tab.reload()
    assert tab.settled(1).seen["name"] == "long"


def test_what_was_typed_stays_where_a_verb_between_persist_and_the_widget_fails(
    away: Server, gate: Gate, visitor: Visitor
) -> None:
    tab = visitor.open(away, "outage_between_verbs_and_widgets")
    tab.settled(1)
    write(tab, "before")
    tab.settled(1)
    gate.shut()
    write(tab, "typed")
    says_it_once(tab)
    tab.page.keyboard.press("r")
    says_it_once(tab)
    gate.open()
    comes_back(tab)
    assert tab.runs()[-1].seen["name"] == "typed"
    tab.reload()
    assert tab.settled(1).seen["name"] == "typed"


def test_a_page_of_a_navigation_comes_back(away: Server, gate: Gate, visitor: Visitor) -> None:
    tab = visitor.open(away, "outage_on_pages")
    tab.settled(1)
    gate.shut()
    tab.page.get_by_text("Second", exact=True).click()
    says_it_once(tab)
    shot(tab, "navigation")
    gate.open()
    comes_back(tab)
    assert tab.runs()[-1].seen["page"] == "second"


def test_a_run_waits_for_a_frozen_server_once(away: Server, gate: Gate, visitor: Visitor) -> None:
    tab = visitor.open(away, "outage")
    tab.settled()
    with gate.frozen():
        tab.click("freeze")
        says_it_once(tab)
    comes_back(tab)
    seen = next(run.seen for run in tab.runs() if "took" in run.seen)
    assert all("within 2 s" in failure for failure in seen["failures"])
    assert seen["took"] < 4


def test_the_log_says_it_once_an_outage(away: Server, gate: Gate, visitor: Visitor) -> None:
    tab = visitor.open(away, "outage_at_the_top")
    tab.settled(1)
    before = away.log.count("cannot be reached")
    for outage in (1, 2):
        gate.shut()
        tab.page.keyboard.press("r")
        says_it_once(tab)
        runs = len(tab.runs())
        tab.page.wait_for_timeout(2500)
        assert len(tab.runs()) > runs
        gate.open()
        comes_back(tab)
        assert away.log.count("cannot be reached") == before + outage
    assert "Traceback" not in away.log
