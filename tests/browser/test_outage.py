"""A page whose database is away: it says so in one sentence, and comes back by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from gate import Gate
from playwright.sync_api import Locator, expect
from run_log import Run
from served import Server, running
from visitor import Tab, Visitor

pytestmark = pytest.mark.xdist_group("outage")  # they share a server

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
        assert "Traceback" not in server.log


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
    tab.stays_quiet(1.2)
    tab.settled()
    expect(sentence(tab)).to_have_count(0)  # it is drawn elsewhere after another kind of failure


def whole_runs(tab: Tab) -> list[Run]:
    return [run for run in tab.runs() if not run.is_fragment]


def write(tab: Tab, text: str) -> None:
    tab.page.get_by_label("name").fill(text)
    tab.page.get_by_label("name").press("Enter")


def test_a_page_comes_back_with_what_was_typed_and_a_first_visit_begins(
    away: Server, gate: Gate, visitor: Visitor, new_visitor: Callable[..., Visitor]
) -> None:
    tab = visitor.open(away, "outage_at_the_top")
    tab.settled(1)
    gate.shut()
    write(tab, "typed")
    says_it_once(tab)
    first = new_visitor().open(away, "outage_of_a_waiting_page")
    says_it_once(first)
    gate.open()
    comes_back(first)
    assert first.runs()[-1].seen["durable"] is True
    tab.page.bring_to_front()
    comes_back(tab)
    assert tab.runs()[-1].seen["name"] == "typed"
    expect(tab.page.get_by_label("name")).to_have_value("typed")
    tab.reload()
    assert tab.settled(1).seen["name"] == "typed"


@pytest.mark.long
def test_who_catches_it_draws_beside_the_sentence_and_a_callback_ends_its_run_with_it(
    away: Server, gate: Gate, visitor: Visitor
) -> None:
    tab = visitor.open(away, "outage")
    tab.settled()
    gate.shut()
    tab.page.get_by_text("catches").click()
    expect(tab.page.get_by_text("caught 2")).to_be_visible()
    says_it_once(tab)
    tab.click("call back")
    expect(tab.page.get_by_text("caught 2")).to_have_count(0)
    says_it_once(tab)
    gate.open()
    comes_back(tab)
    expect(tab.page.get_by_text("caught 0")).to_be_visible()


@pytest.mark.long
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
    expect(tab.page.get_by_text("end of one")).to_be_visible()
    expect(tab.page.get_by_text("the end", exact=True)).to_be_visible()
    gate.open()
    comes_back(tab)
    for name in ("two", "three"):
        expect(tab.page.get_by_text(f"end of {name}")).to_be_visible()
    assert len(whole_runs(tab)) == whole


@pytest.mark.long
def test_the_sentence_stays_where_only_the_click_that_failed_needs_the_database(
    away: Server, gate: Gate, visitor: Visitor
) -> None:
    tab = visitor.open(away, "outage")
    tab.settled()
    gate.shut()
    tab.click("save in one")
    says_it_once(tab)
    whole = len(whole_runs(tab))
    expect(tab.page.get_by_test_id("stEvent").get_by_text("not available")).to_be_visible()
    expect(tab.page.get_by_text("end of one")).to_be_visible()
    while len(whole_runs(tab)) < whole + 2:
        assert sentence(tab).count() == 1
    gate.open()
    comes_back(tab)
    expect(tab.page.get_by_text("the end", exact=True)).to_be_visible()


@pytest.mark.long
def test_where_the_callback_of_a_fragment_fails_the_page_says_so(
    away: Server, gate: Gate, visitor: Visitor
) -> None:
    tab = visitor.open(away, "outage_of_callbacks_only")
    tab.settled()
    gate.shut()
    tab.click("call back")
    says_it_once(tab)
    expect(tab.page.get_by_text("the page", exact=True)).to_be_visible()
    gate.open()
    comes_back(tab)
    expect(tab.page.get_by_text("the page", exact=True)).to_be_visible()


def test_a_dialog_says_so_and_stays_open(away: Server, gate: Gate, visitor: Visitor) -> None:
    tab = visitor.open(away, "outage")
    tab.settled()
    tab.click("open")
    expect(tab.page.get_by_text("in the dialog", exact=True)).to_be_visible()
    tab.settled()  # what stands below the call of the dialog reads, too
    gate.shut()
    tab.click("save in the dialog")
    says_it_once(tab)
    gate.open()
    comes_back(tab)
    expect(tab.page.get_by_text("in the dialog", exact=True)).to_be_visible()


def await_ticks(tab: Tab, count: int) -> None:
    """Wait until the page has asked so often; each time something runs, if only a fragment."""
    tab.page.evaluate(
        """() => {
            const app = document.querySelector("[data-testid=stApp]");
            window.ticks = 0;
            const watch = new MutationObserver(() => {
                window.ticks += app.getAttribute("data-test-script-state") === "running";
            });
            watch.observe(app, { attributeFilter: ["data-test-script-state"] });
        }"""
    )
    tab.page.wait_for_function("count => window.ticks >= count", arg=count, timeout=60_000)


def test_a_page_that_asks_for_changes_while_its_run_fails_is_not_left_white(
    away: Server, gate: Gate, visitor: Visitor
) -> None:
    """What asks is a fragment: its run comes after the one that has drawn nothing of it."""
    tab = visitor.open(away, "outage_of_a_live_page_with_a_state_of_its_tab")
    tab.settled()
    with gate.frozen():  # the run waits for two seconds, and the page asks once a second
        tab.click("click")
        says_it_once(tab)
        tab.page.wait_for_timeout(1500)
        says_it_once(tab)
    comes_back(tab)
    assert not tab.errors
    tab.click("click")
    tab.settled()
    expect(tab.page.get_by_text("the end", exact=True)).to_be_visible()


@pytest.mark.long
def test_a_page_that_asks_for_changes_while_its_run_stops_is_not_left_white(
    away: Server, visitor: Visitor
) -> None:
    tab = visitor.open(away, "outage_of_a_live_page_with_a_state_of_its_tab")
    tab.settled()
    tab.page.get_by_text("stops").click()
    expect(tab.page.get_by_text("the end", exact=True)).to_have_count(0)
    tab.settled()
    expect(tab.page.get_by_text("stops")).to_be_visible()
    assert not tab.errors


@pytest.mark.long
def test_a_live_page_that_has_asked_in_vain_comes_back_as_soon_as_others_and_follows(
    away: Server, gate: Gate, visitor: Visitor
) -> None:
    tab = visitor.open(away, "outage_of_a_live_page")
    tab.settled(1)
    gate.shut()
    await_ticks(tab, 6)  # if each counted as a failure, the page would wait 22 s after the next
    expect(sentence(tab)).to_have_count(0)
    expect(tab.page.get_by_label("name")).to_be_visible()
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
    write(tab, "long")
    expect(tab.page.get_by_text("it waits")).to_be_visible()
    gate.shut()
    visitor.open(away, "outage_go_on")
    tab.page.bring_to_front()
    says_it_once(tab)
    expect(tab.page.get_by_test_id("stToast")).to_have_count(0)
    gate.open()
    comes_back(tab)
    tab.reload()
    assert tab.settled(1).seen == {"name": "long", "found": "something"}


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
