"""Live pages: each follows what changes elsewhere, and disturbs nobody."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from everything import named
from playwright.sync_api import Locator, Page, expect
from served import Server, identity_in
from table_editor import TableEditor
from visitor import Tab, Visitor

from streamlit_pgstate import State, Store

HIDE = """
Object.defineProperty(document, "visibilityState", {
    get: () => window.hidden_now ? "hidden" : "visible",
});
"""

# A page that waits for the answer to a tick sends no other one. So this waits for the answer first.
DO_AT_A_TICK = """async what => {
    const send = WebSocket.prototype.send;
    const sent = () => new Promise(resolve => {
        WebSocket.prototype.send = function (...all) {
            WebSocket.prototype.send = send;
            resolve();
            return send.apply(this, all);
        };
    });
    await sent();
    await new Promise(done => setTimeout(done, 500));
    document.dispatchEvent(new Event("visibilitychange"));
    const found = document.querySelector(
        { checkbox: "[type=checkbox]", button: ".st-key-click button", text: ".st-key-words input" }
            [what]);
    if (what !== "text") return found.click();
    found.dispatchEvent(
        new KeyboardEvent("keydown", { key: "Enter", code: "Enter", bubbles: true, keyCode: 13 }));
    found.blur();
}"""


@pytest.fixture
def tab(app: Server, visitor: Visitor) -> Tab:
    visitor.run_first(HIDE)
    tab = visitor.open(app, "live")
    tab.settled(1)
    return tab


@pytest.fixture
def state(tab: Tab, store_of_app: Store) -> State:
    """The visitor's state, as another device or a job has it."""
    name(tab).fill("first")
    name(tab).press("Enter")
    tab.settled(1)
    return store_of_app.state(tab.token(), cache=False)


def name(tab: Tab):  # type: ignore[no-untyped-def]  # a Locator
    return tab.page.locator(".st-key-name input")


def set_hidden(tab: Tab, hidden: bool) -> None:
    tab.page.evaluate(
        """hidden => { window.hidden_now = hidden;
            document.dispatchEvent(new Event("visibilitychange")); }""",
        hidden,
    )


def messages_within(tab: Tab, seconds: float) -> int:
    """How often the page speaks to its server in this time."""
    count = tab.page.evaluate(
        """seconds => new Promise(resolve => {
            let count = 0;
            const send = WebSocket.prototype.send;
            WebSocket.prototype.send = function (...all) { count++; return send.apply(this, all); };
            setTimeout(() => { WebSocket.prototype.send = send; resolve(count); }, seconds * 1000);
        })""",
        seconds,
    )
    return int(count)


def test_another_tab_of_the_browser_follows_at_once(
    tab: Tab, state: State, app: Server, visitor: Visitor
) -> None:
    other = visitor.open(app, "live")
    other.settled(1)
    tab.page.get_by_text("check", exact=True).click()
    expect(other.page.get_by_role("checkbox")).to_be_checked(timeout=4000)
    assert other.settled(1).seen["check"] is True
    tab.settled(1)


def test_a_page_follows_another_device_or_a_job_within_two_seconds(tab: Tab, state: State) -> None:
    state["job"] = "done"
    written = time.monotonic()
    while tab.runs()[-1].seen.get("job") != "done":
        assert time.monotonic() - written < 4.0  # 2, where nobody else uses the machine
        tab.page.wait_for_timeout(20)
    tab.settled(1)


def test_while_nothing_changes_the_page_asks_once_a_second_and_does_not_run(tab: Tab) -> None:
    assert 1 <= messages_within(tab, 4) <= 6
    tab.stays_quiet(0.1)


def test_a_hidden_page_costs_nothing_and_follows_when_it_is_shown(tab: Tab, state: State) -> None:
    set_hidden(tab, True)
    tab.stays_quiet(0.5)
    assert messages_within(tab, 3) == 0
    state["job"] = "done while nobody looked"
    assert messages_within(tab, 2) == 0
    set_hidden(tab, False)
    assert tab.settled(1).seen["job"] == "done while nobody looked"


@pytest.mark.long  # the next one reads what they write, too
def test_two_live_pages_that_write_in_each_run_do_not_drive_each_other(
    app: Server, visitor: Visitor
) -> None:
    one, two = visitor.open(app, "live_and_writing"), visitor.tab(app, "live_and_writing")
    one.settled()
    two.open()
    for tab in (two, one):
        tab.settled()
        tab.stays_quiet(3)
    before = len(one.runs()) + len(two.runs())
    one.click("again")
    one.settled()
    for tab in (one, two):
        tab.stays_quiet(3)
    assert len(one.runs()) + len(two.runs()) - before <= 3


@pytest.mark.long  # the field with the focus is one
def test_a_text_that_is_being_typed_is_not_disturbed(tab: Tab, state: State) -> None:
    name(tab).click()
    tab.page.keyboard.press("End")
    tab.page.keyboard.type(" and half a w")
    state["name"] = "by another device"
    state["job"] = "makes the page run"
    tab.settled(1)
    expect(name(tab)).to_have_value("first and half a w")
    expect(name(tab)).to_be_focused()
    tab.page.keyboard.type("ord")
    tab.page.keyboard.press("Enter")
    assert tab.settled().seen["name"] == "first and half a word"
    assert state["name"] == "first and half a word"


@pytest.mark.long
def test_a_field_that_is_left_without_a_change_follows_then(tab: Tab, state: State) -> None:
    name(tab).click()
    tab.page.keyboard.press("End")
    tab.page.keyboard.type("!")
    state["name"] = "by another device"
    tab.settled(1)
    tab.page.keyboard.press("Backspace")
    expect(name(tab)).to_have_value("first")
    tab.page.keyboard.press("Tab")
    expect(name(tab)).to_have_value("by another device")
    tab.settled()
    assert state["name"] == "by another device"


@pytest.mark.long
def test_a_long_run_is_not_interrupted(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "live_and_long")
    tab.settled(1)
    tab.click("compute")
    assert tab.settled(1).seen == {"computed": True}


def test_after_f5_a_live_page_takes_one_run(tab: Tab, state: State) -> None:
    tab.reload()
    assert tab.settled(1).seen["name"] == "first"


# Which keys, whose, and which fields


FIELDS = {
    "text": (".st-key-text input", "Enter", "mine", "theirs"),
    "area": (".st-key-area textarea", "Control+Enter", "mine", "theirs"),
    "number": (".st-key-number input", "Enter", 12, 34),
}


def test_a_field_with_the_focus_follows_once_its_text_is_sent_and_not_before(
    app: Server, visitor: Visitor, store_of_app: Store
) -> None:
    tab = visitor.open(app, "live_fields")
    tab.settled(1)
    state = store_of_app.state(tab.token(), cache=False)
    for key, (place, sent_by, mine, theirs) in FIELDS.items():
        field = tab.page.locator(place)
        field.click()
        tab.page.keyboard.press("Control+a")
        tab.page.keyboard.type(str(mine))
        state.update({key: theirs, "job": f"while {key} is typed"})
        expect_seen(tab, "job", f"while {key} is typed")
        expect(field).to_have_value(str(mine))
        tab.page.keyboard.press(sent_by)
        expect_seen(tab, key, mine)
        assert state[key] == mine
        expect(field).to_be_focused()
        state[key] = theirs
        expect(field).to_have_value(str(theirs))
        expect(field).to_be_focused()
        tab.settled()
        assert state[key] == theirs
    chat = tab.page.get_by_test_id("stChatInput").locator("textarea")
    chat.click()
    tab.page.keyboard.type("half a sent")
    state["job"] = "while somebody chats"
    expect_seen(tab, "job", "while somebody chats")
    expect(chat).to_have_value("half a sent")


def expect_seen(tab: Tab, fact: str, value: object) -> None:
    """Wait until a run that is over has seen it."""
    while tab.settled().seen[fact] != value:
        pass


def test_a_cell_that_is_being_edited_is_not_disturbed(
    app: Server, visitor: Visitor, store_of_app: Store
) -> None:
    tab, other = visitor.open(app, "live_fields"), visitor.tab(app, "other_table")
    tab.settled(1)
    other.open().settled(1)
    tab.page.bring_to_front()
    table = TableEditor(tab, has_markers=False)
    table.select(0, "name")
    tab.page.keyboard.press("Enter")
    cell = tab.page.locator("#portal textarea, #portal input").first
    cell.fill("half a na")
    TableEditor(other, has_markers=False).type(1, "name", "eve")
    other.settled(1)
    store_of_app.state(tab.token())["job"] = "done"
    expect_seen(tab, "job", "done")
    expect(cell).to_have_value("half a na")
    cell.press("Escape")
    table.shows(1, "name", "eve")


CLOSINGS = {
    "its x": lambda page: page.get_by_role("dialog").get_by_label("Close").click(),
    "Escape": lambda page: page.keyboard.press("Escape"),
    "a click beside it": lambda page: page.mouse.click(5, 300),
    "a button in it": lambda page: page.get_by_role("button", name="save").click(),
}


@pytest.mark.parametrize("close", named(CLOSINGS, "its x"))
def test_an_open_dialog_stays_with_its_text_and_the_page_follows_when_it_is_closed(
    app: Server, visitor: Visitor, close: Callable[[Page], None]
) -> None:
    tab = visitor.open(app, "live_dialog")
    tab.settled(1)
    other = visitor.open(app, "live_dialog")
    other.settled(1)
    tab.page.bring_to_front()
    words = open_dialog(tab)
    words.press_sequentially("sent")
    words.press("Enter")  # runs the dialog's own fragment
    words.press_sequentially(", and half a w")
    other.click("work")
    other.settled(1)
    await_ticks(tab)
    expect(words).to_have_value("sent, and half a w")
    expect(tab.page.get_by_text("job: None")).to_be_visible()
    close(tab.page)
    expect(tab.page.get_by_text("job: done")).to_be_visible()
    expect(tab.page.get_by_role("dialog")).to_have_count(0)
    assert tab.settled().seen["job"] == "done"


@pytest.mark.long  # a tick before the dialog shows is in test_followed_reads.py
def test_a_dialog_stays_where_the_page_has_asked_before_it_shows_the_dialog(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "live_dialog")
    tab.settled(1)
    words = open_dialog(tab, "comment late")
    tab.settled(1)
    await_ticks(tab)
    words.press_sequentially("half a w")
    expect(words).to_have_value("half a w")
    CLOSINGS["its x"](tab.page)
    expect(tab.page.get_by_text("job: done meanwhile")).to_be_visible()


@pytest.mark.long  # what counts as a dialog is in live.test.ts
def test_a_page_also_waits_for_a_dialog_of_streamlit_and_for_no_popover(
    app: Server, visitor: Visitor, store_of_app: Store
) -> None:
    tab = visitor.open(app, "live_dialog")
    tab.settled(1)
    state = store_of_app.state(tab.token(), cache=False)
    tab.page.get_by_test_id("stMainMenu").get_by_role("button").click()
    tab.page.get_by_text("Clear cache", exact=True).click()
    expect(tab.page.get_by_role("dialog")).to_be_visible()
    state["job"] = "done"
    await_ticks(tab)
    expect(tab.page.get_by_text("job: None")).to_be_visible()
    CLOSINGS["its x"](tab.page)
    expect(tab.page.get_by_text("job: done")).to_be_visible()

    tab.page.get_by_role("button", name="more").click()
    aside = tab.page.locator(".st-key-aside input")
    aside.press_sequentially("half a w")
    state["job"] = "done again"
    expect(tab.page.get_by_text("job: done again")).to_be_visible()
    expect(aside).to_have_value("half a w")


def open_dialog(tab: Tab, button: str = "comment") -> Locator:
    """The field in the dialog, which is empty and has the focus."""
    tab.click(button)
    words = tab.page.locator(".st-key-words input")
    words.click()
    return words


def await_ticks(tab: Tab) -> None:
    """Wait until a live page that nobody touches has asked its server three times.

    It asks only when the former question was answered. So the server has looked for changes twice,
    and a page that would run has begun to.
    """
    tab.page.bring_to_front()  # a hidden page asks nothing
    tab.page.evaluate(
        """() => new Promise(resolve => {
            let count = 0;
            const send = WebSocket.prototype.send;
            WebSocket.prototype.send = function (...all) {
                if (++count === 3) { WebSocket.prototype.send = send; resolve(); }
                return send.apply(this, all);
            };
        })"""
    )


def test_pages_that_write_in_each_run_follow_what_they_read_and_do_not_drive_each_other(
    app: Server, visitor: Visitor, new_visitor: Callable[..., Visitor]
) -> None:
    one, two = visitor.open(app, "live_crowd"), visitor.tab(app, "live_crowd")
    one.settled()
    two.open()
    guest = new_visitor().open(app, "live_crowd")
    pages = [one, two, guest]
    for page in pages:
        page.settled()
    assert sum(runs_of(pages, 5)) == 0, "nobody has touched anything"

    channel = f"pgstate.{identity_in(app.url)}.{one.runs()[-1].seen['id']}"
    two.page.evaluate(
        "name => { window.news = 0; window.heard = new BroadcastChannel(name);"
        "window.heard.onmessage = () => { window.news++; }; }",
        channel,
    )
    one.click("write")
    expect_seen(two, "word", one.name)
    assert two.page.evaluate("window.news") >= 1, "what a callback has written is told at once"

    clicks = guest.runs()[-1].seen["clicks"] or 0
    one.click("count")
    for page in (guest, two):
        expect_seen(page, "clicks", clicks + 1)
    guest.click("count by the state")
    for page in (one, two):
        expect_seen(page, "clicks", clicks + 2)
    assert sum(runs_of(pages, 5)) == 0


@pytest.mark.long
def test_pages_that_read_what_the_others_write_in_each_run_are_slowed_down(
    app: Server, visitor: Visitor
) -> None:
    pages = [visitor.open(app, "live_circle") for _ in range(2)]
    for _ in range(300):
        if "drive each other" in app.log:
            break
        pages[0].page.wait_for_timeout(100)
    for runs in runs_of(pages, 11):
        assert 1 <= runs <= 4  # one in five seconds, after those that the other page still had
    assert app.log.count("drive each other") == 1


def runs_of(pages: list[Tab], seconds: float) -> list[int]:
    """How often each page runs in so many seconds."""
    before = [len(page.runs()) for page in pages]
    pages[0].page.wait_for_timeout(seconds * 1000)
    return [len(page.runs()) - then for page, then in zip(pages, before, strict=True)]


# What fresh eyes found


def test_mounted_twice_it_is_mounted_once(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "live_twice")
    tab.settled(1)
    expect(tab.page.get_by_test_id("stException")).to_have_count(0)


def test_what_a_thread_of_the_same_process_writes_in_a_run_is_followed(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "live_with_a_thread")
    tab.settled(1)
    tab.click("start")
    assert tab.settled(2).seen["job"] == "done"


@pytest.mark.long
def test_a_change_in_a_fragment_makes_no_other_run_of_its_own_page(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "live_fragment")
    tab.settled()
    tab.page.locator(".st-key-inside input").fill("typed")
    tab.page.keyboard.press("Enter")
    assert tab.settled(1).is_fragment
    before = len(tab.runs())
    tab.stays_quiet(2.5)
    assert len(tab.runs()) == before


@pytest.mark.long
def test_in_a_fragment_it_goes_on_after_a_run_of_the_fragment(
    app: Server, visitor: Visitor, store_of_app: Store
) -> None:
    tab = visitor.open(app, "live_in_a_fragment")
    tab.settled()
    tab.click("again")
    tab.settled()
    store_of_app.state(tab.token())["job"] = "done"
    tab.settled()
    assert [run.seen for run in tab.runs() if not run.is_fragment][-1] == {"job": "done"}


def test_below_a_fragment_it_goes_on_after_runs_of_the_fragment(
    app: Server, visitor: Visitor, store_of_app: Store
) -> None:
    tab = visitor.open(app, "live_below_a_fragment")
    tab.settled(1)
    tab.click("write")
    tab.settled(0)
    store_of_app.state(tab.token())["job"] = "begun"
    assert tab.settled().seen == {"job": "begun"}
    token = tab.token()
    tab.click("rotate")
    tab.page.wait_for_function(
        "([key, token]) => localStorage.getItem(key) !== token", arg=[tab._key, token]
    )
    store_of_app.state(tab.token())["job"] = "done"
    assert tab.settled().seen == {"job": "done"}


@pytest.mark.long
def test_a_page_that_is_not_live_any_more_postpones_nothing(
    app: Server, visitor: Visitor, store_of_app: Store
) -> None:
    tab = visitor.open(app, "live_page_and_another")
    tab.settled(1)
    name(tab).fill("first")
    name(tab).press("Enter")
    tab.settled(1)
    name(tab).click()
    tab.page.wait_for_timeout(1500)  # so that the page has said which field is in use
    tab.page.get_by_text("Other", exact=True).click()
    tab.settled()
    store_of_app.state(tab.token())["name"] = "by another device"
    tab.click("nothing")
    assert tab.settled().seen["name"] == "by another device"


@pytest.mark.parametrize("what", ["checkbox", "button"])
def test_what_the_visitor_does_in_the_moment_of_a_tick_runs_the_page(tab: Tab, what: str) -> None:
    """Streamlit's page sends both in one message, which names the fragment of the tick."""
    for _ in range(3):
        before = tab.runs()[-1].seen
        tab.page.evaluate(DO_AT_A_TICK, what)
        now = tab.settled(1).seen
        assert now["check"] is (before["check"] ^ (what == "checkbox"))
        assert (now["clicks"], now["clicked"]) == (
            before["clicks"] + (what == "button"),
            what == "button",
        )


def test_what_is_typed_into_a_dialog_in_the_moment_of_a_tick_leaves_it_open(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "live_dialog")
    tab.settled(1)
    tab.page.bring_to_front()
    open_dialog(tab).press_sequentially("sent")
    tab.settled()
    tab.page.evaluate(DO_AT_A_TICK, "text")
    expect(tab.page.get_by_text("words: sent")).to_be_visible()
    expect(tab.page.get_by_role("dialog")).to_have_count(1)
    tab.stays_quiet(0.5)


def test_streamlit_makes_no_class_for_the_values_of_our_component(
    app: Server, visitor: Visitor
) -> None:
    """It made one for each of them whenever a text input was drawn: a fifth of a run's time."""
    tab = visitor.open(app, "plain_component_values")
    tab.settled()
    tab.click("again")
    kinds = tab.settled(1).seen["kinds"]
    assert kinds
    assert "_WriteThrough" not in kinds
