"""What a visitor sees of `persist`: each widget as they left it, at once, wherever they are."""

from __future__ import annotations

import contextlib
import datetime as dt
import inspect
from collections.abc import Callable
from typing import Any

import pytest
import streamlit as st
from everything import in_everything
from persist_cases import DAY, WIDGETS
from playwright.sync_api import Locator, Page, expect
from served import Server
from visitor import Tab, Visitor, settled

NOT_SETTABLE = {
    *("altair_chart", "echarts_chart", "plotly_chart", "pydeck_chart", "vega_lite_chart"),
    *("audio_input", "camera_input", "data_editor", "file_uploader"),
    *("button", "chat_input", "download_button", "form_submit_button", "menu_button"),
}
WITHOUT_STATE = {
    *("container", "form", "fragment", "grid", "link_button", "pdf"),
    *("get_option", "set_option"),
}


def test_every_widget_of_this_streamlit_is_known_here() -> None:
    """A new one makes this fail: is it kept, or does Streamlit let nobody set it?"""
    keyed = {
        name
        for name, thing in vars(st).items()
        if callable(thing) and not name.startswith("_") and _takes_key(thing)
    }
    assert keyed - NOT_SETTABLE - WITHOUT_STATE <= set(WIDGETS)


def _takes_key(thing: Callable[..., Any]) -> bool:
    try:
        return "key" in inspect.signature(thing).parameters
    except (TypeError, ValueError):
        return False


def of(page: Page, key: str) -> Locator:
    return page.locator(f".st-key-{key}")


def fill(selector: str, text: str, end: str = "Enter") -> Callable[[Page, str], None]:
    def act(page: Page, key: str) -> None:
        field = of(page, key).locator(selector).first
        field.fill(text)
        field.press(end)

    return act


def press(name: str, thumb: int = 0) -> Callable[[Page, str], None]:
    def act(page: Page, key: str) -> None:
        of(page, key).get_by_role("slider").nth(thumb).focus()
        page.keyboard.press(name)  # one: of two Streamlit's slider may miss the second

    return act


def click(text: str) -> Callable[[Page, str], None]:
    return lambda page, key: of(page, key).get_by_text(text, exact=True).first.click()


def choose(*options: str) -> Callable[[Page, str], None]:
    def act(page: Page, key: str) -> None:
        for option in options:
            of(page, key).locator("input").first.click()
            page.get_by_role("option", name=option, exact=True).click()
        page.keyboard.press("Escape")

    return act


def star(page: Page, key: str) -> None:
    # Buttons in 1.51, radio buttons in 1.67.
    of(page, key).locator("[role=radio], button").nth(3).click()


def color(page: Page, key: str) -> None:
    of(page, key).get_by_test_id("stColorPickerBlock").click()
    page.locator("[data-testid=stColorPickerPopover] input").first.fill("#00ff80")
    page.keyboard.press("Escape")


def third_row(page: Page, key: str) -> None:
    canvas = of(page, key).locator("canvas").first
    expect(canvas).to_be_visible()
    box = canvas.bounding_box()
    assert box is not None
    selected = canvas.locator("tr[aria-selected=true]")
    for _ in range(2):  # 1.51 takes the first click for one outside of the color's popover
        page.mouse.click(box["x"] + 15, box["y"] + box["height"] - 15)
        with contextlib.suppress(AssertionError):
            expect(selected).to_have_count(1, timeout=3000)
            return


def date_as_text(text: str) -> Callable[[Page, str], None]:
    def act(page: Page, key: str) -> None:
        fill("input", text)(page, key)
        page.keyboard.press("Escape")  # its calendar lies over what comes below

    return act


def date(text: str) -> Callable[[Page, str], None]:
    def act(page: Page, key: str) -> None:
        of(page, key).get_by_role("spinbutton").first.click()
        page.keyboard.type(text)
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")

    return act


IS_NEW = hasattr(st, "pagination")
"""Whether dates are typed part by part; in 1.51 as text, and times are chosen from a list."""
SHOWN = set(WIDGETS) - ({"dataframe"} if not IS_NEW else set())
"""What the page shows as it was set by the script: selections only since 1.56."""

BY_HAND: dict[str, tuple[Callable[[Page, str], None], Any]] = {
    "text_input": (fill("input", "typed"), "typed"),
    "text_area": (fill("textarea", "two\nlines", "Control+Enter"), "two\nlines"),
    "number_input": (fill("input", "77"), 77),
    "number_input_float": (fill("input", "7.25"), 7.25),
    "slider": (press("ArrowRight"), 51),
    "slider_range": (press("ArrowLeft", thumb=1), (30, 69)),
    "slider_date": (press("ArrowLeft"), DAY + dt.timedelta(9)),
    "select_slider": (press("ArrowRight"), "beta"),
    "selectbox": (choose("gamma"), "gamma"),
    "multiselect": (choose("gamma"), ["alpha", "gamma"]),
    "radio": (click("beta"), "beta"),
    "checkbox": (click("check"), True),
    "toggle": (click("toggle"), True),
    "pills": (click("beta"), ["beta"]),
    "segmented_control": (click("gamma"), "gamma"),
    "feedback": (star, 3),
    "date_input": (
        date("20240315") if IS_NEW else date_as_text("2024/03/15"),
        dt.date(2024, 3, 15),
    ),
    "time_input": (date("0930") if IS_NEW else choose("09:30"), dt.time(9, 30)),
    "color_picker": (color, "#00ff80"),
    "dataframe": (third_row, {"selection": {"rows": [2], "columns": [], "cells": []}}),
    "datetime_input": (date("202403150930"), dt.datetime(2024, 3, 15, 9, 30)),
    "pagination": (click("3"), 3),
    "tabs": (click("beta"), "beta"),
    "expander": (click("expander"), True),
    "popover": (click("popover"), True),
}

FRAMES = """
window.frames_seen = {};
const shown = (element) => [
    ...[...element.querySelectorAll("input, textarea")].map((field) =>
        ["checkbox", "radio"].includes(field.type) ? field.checked : field.value),
    ...[...element.querySelectorAll("[aria-current]")].map((part) => part.innerText),
    ...["checked", "selected", "pressed", "valuenow"].flatMap((state) =>
        [...element.querySelectorAll(`[aria-${state}]`)]
            .map((part) => part.getAttribute(`aria-${state}`))),
    ...[...element.querySelectorAll("[open]")].map(() => "open"),
    ...[...element.querySelectorAll("[data-testid$=Active]")].map((part) => part.innerText),
    ...[...element.querySelectorAll("[data-testid=stColorPickerBlock]")]
        .map((part) => getComputedStyle(part).backgroundColor),
    element.innerText,
];
const look = () => {
    for (const element of document.querySelectorAll("[data-testid=stMain] [class*=st-key-]")) {
        const drawn = element.firstElementChild;
        if (drawn === null || drawn.matches("[data-testid=stSkeleton]")) continue;
        const key = [...element.classList].find((name) => name.startsWith("st-key-")).slice(7);
        const known = (window.frames_seen[key] ??= []);
        const now = JSON.stringify(shown(element));
        if (!known.includes(now)) known.push(now);
    }
    requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
"""Each different look of each widget that was on the screen, frame by frame, from the first on."""


def looks(tab: Tab) -> dict[str, list[str]]:
    """All that each widget was, in the order of the frames, once all have come into the page."""
    tab.page.wait_for_function(
        """names => names.every(name => ![undefined, '[""]'].includes(
            (window.frames_seen[name] ?? []).at(-1)))""",
        arg=list(WIDGETS),
    )
    seen: dict[str, list[str]] = tab.page.evaluate("window.frames_seen")
    return seen


def assert_shown_at_once(tab: Tab, defaults: dict[str, str]) -> None:
    """Not one frame showed a default, not even while the page was being put together."""
    seen = looks(tab)
    flashed = {key: seen[key] for key in SHOWN if defaults[key] in seen[key]}
    assert not flashed, sorted(flashed)
    assert not {key for key in SHOWN if seen[key][-1] == defaults[key]}


def expected() -> dict[str, str]:
    return {name: repr(BY_HAND[name][1]) for name in WIDGETS}


def test_each_widget_comes_back_as_the_visitor_left_it(
    new_app: Callable[..., Server], new_visitor: Callable[..., Visitor]
) -> None:
    server = new_app()
    visitor = new_visitor(viewport={"width": 1000, "height": 2600})
    visitor.run_first(FRAMES)
    tab = visitor.open(server, "every_widget")
    tab.settled(1)
    defaults = {key: seen[-1] for key, seen in looks(tab).items()}
    for name in WIDGETS:
        act, _ = BY_HAND[name]
        act(tab.page, name)
        tab.settled()
    assert tab.runs()[-1].seen["values"] == expected()

    tab.reload()  # F5
    assert tab.settled(1).seen["values"] == expected()
    assert_shown_at_once(tab, defaults)

    tab.page.get_by_text("Other", exact=True).click()  # and back
    tab.settled(1)
    tab.page.evaluate("window.frames_seen = {}")
    tab.page.get_by_text("Widgets", exact=True).click()
    assert tab.settled(1).seen["values"] == expected()
    assert_shown_at_once(tab, defaults)

    second = visitor.open(server, "every_widget")
    assert second.settled(1).seen["values"] == expected()
    assert_shown_at_once(second, defaults)

    server.kill()
    server.start()
    again = visitor.open(server, "every_widget")
    assert again.settled(1).seen["values"] == expected()
    assert_shown_at_once(again, defaults)
    assert not [line for line in server.log.splitlines() if "WARN" in line]


IN_THE_FORM: dict[str, tuple[Callable[[Page, str], None], Any]] = {
    **{name: BY_HAND[name] for name in ("slider", "checkbox")},
    "text_input": (fill("input", "typed", "Tab"), "typed"),  # Enter would send the form
}


def test_in_a_form_it_is_saved_when_the_form_is_sent(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "every_widget_in_a_form")
    first = tab.settled(1).seen["values"]
    for name, (act, _) in IN_THE_FORM.items():
        act(tab.page, name)
    tab.stays_quiet(0.5)
    tab.reload()  # before it was sent
    assert tab.settled(1).seen["values"] == first
    for name, (act, _) in IN_THE_FORM.items():
        act(tab.page, name)
    tab.click("send")
    tab.settled(1)
    tab.reload()
    assert tab.settled(1).seen["values"] == {name: sent for name, (_, sent) in IN_THE_FORM.items()}


def test_a_chat_keeps_every_message_however_its_run_ends(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "chat")
    tab.settled(1)
    said = ["hello", "then rerun", "then stop", "then raise"]
    for text in said:
        box = tab.page.get_by_test_id("stChatInputTextArea")
        box.fill(text)
        box.press("Enter")
        tab.settled(2 if text == "then rerun" else 1)
    tab.reload()
    assert tab.settled(1).seen["messages"] == said
    expect(tab.page.get_by_test_id("stChatMessage")).to_have_count(4)


def test_what_the_script_or_a_callback_has_deleted_does_not_come_back(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app()
    tab = visitor.open(server, "clearable")
    there = {"messages": ["hello"], "draft": "half a sentence"}
    gone = {"messages": [], "draft": None}
    tab.settled(1)

    def clicked(name: str, runs: int = 1) -> dict[str, Any]:
        tab.click(name)
        return tab.settled(runs).seen

    assert clicked("say") == there
    assert clicked("clear") == gone
    assert clicked("say") == there
    assert clicked("empty", 2) == gone
    assert clicked("nothing") == gone
    assert clicked("say") == there
    tab.click("compute")
    expect(tab.page.get_by_text("computing")).to_be_visible()
    tab.click("clear")  # the run that computes ends when the next has begun
    assert tab.settled().seen == gone
    tab.reload()
    assert tab.settled(1).seen == gone

    # What Streamlit has removed, nobody has deleted.
    assert clicked("say") == there
    tab.page.keyboard.press("c")
    tab.page.get_by_role("button", name="Clear caches").click()
    expect(tab.page.get_by_role("dialog")).to_have_count(0)
    assert clicked("nothing") == there
    tab.restart_server()
    assert tab.settled(1).seen == there
    assert clicked("clear") == gone


def test_a_choice_comes_back_with_the_options_that_it_is_one_of(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "coming_options")
    tab.settled(1)

    def clicked(name: str, runs: int = 1) -> dict[str, Any]:
        tab.click(name)
        return tab.settled(runs).seen

    clicked("all", 2)
    for name in ("selectbox", "multiselect"):
        of(tab.page, name).locator("input").first.click()
        tab.page.get_by_role("option", name="gamma", exact=True).click()
        tab.settled(1)
    for name in ("radio", "pills", "segmented_control"):
        click("gamma")(tab.page, name)
        tab.settled(1)
    for _ in range(2):
        press("ArrowRight")(tab.page, "select_slider")
        seen = tab.settled(1).seen
    click("alpha")(tab.page, "pills")
    several = {"multiselect": ["gamma"], "pills": ["gamma", "alpha"]}
    chosen = {**dict.fromkeys(seen, "gamma"), **several}
    assert tab.settled(1).seen == chosen

    tab.reload()
    seen = tab.settled(1).seen
    assert "gamma" not in seen.values()
    assert clicked("all", 2) == chosen
    assert clicked("nothing") == chosen, "that is what the page shows and sends"
    seen = clicked("fewer", 2)
    assert seen["pills"] == ["alpha"]
    assert "gamma" not in seen.values()
    assert clicked("all", 2) == chosen
    assert clicked("nothing") == chosen

    clicked("fewer", 2)
    click("beta")(tab.page, "radio")
    tab.settled(1)
    click("beta")(tab.page, "pills")
    tab.settled(1)
    anew = {**chosen, "radio": "beta", "pills": ["alpha", "beta"]}
    assert clicked("all", 2) == anew
    tab.reload()
    tab.settled(1)
    assert clicked("all", 2) == anew


@pytest.mark.long  # test_places has a dialog
def test_in_a_dialog(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "persisting_dialog")
    tab.settled(1)
    tab.click("settings")
    tab.settled()
    of(tab.page, "name").locator("input").fill("Ada")
    of(tab.page, "name").locator("input").press("Enter")
    tab.settled()
    tab.click("close")
    assert tab.settled().seen["name"] == "Ada"
    tab.reload()
    tab.settled(1)
    tab.click("settings")
    tab.settled()
    expect(of(tab.page, "name").locator("input")).to_have_value("Ada")


def test_in_a_fragment_no_full_run_is_needed(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "persisting_fragment")
    tab.settled()
    of(tab.page, "inside").locator("input").fill("kept")
    of(tab.page, "inside").locator("input").press("Enter")
    assert tab.settled(1).is_fragment
    tab.reload()
    assert tab.settled().seen == {"inside": "kept"}


@pytest.mark.long  # test_scope_pages has five
def test_twenty_visitors_at_once_get_each_their_own(
    app: Server, new_visitor: Callable[..., Visitor]
) -> None:
    tabs = [new_visitor().tab(app, "own_name") for _ in range(20)]
    for tab in tabs:
        tab.open()
    for number, tab in enumerate(tabs):
        field = of(tab.page, "name").locator("input")
        field.fill(f"visitor {number}")
        field.press("Enter")
    settled(tabs, 2)
    for tab in tabs:
        tab.reload()
    names = [run.seen["name"] for run in settled(tabs, 1)]
    assert names == [f"visitor {number}" for number in range(20)]


def test_a_quick_visitor_loses_nothing(app: Server, visitor: Visitor) -> None:
    """Each key overtakes the run of the one before, which ends while the next begins."""
    tab = visitor.open(app, "every_widget")
    tab.settled(1)
    of(tab.page, "slider").get_by_role("slider").focus()
    for _ in range(15):
        tab.page.keyboard.press("ArrowRight")
    of(tab.page, "checkbox").get_by_text("check", exact=True).click()
    of(tab.page, "toggle").get_by_text("toggle", exact=True).click()
    before = tab.settled().seen["values"]
    assert int(before["slider"]) > 55  # Streamlit's own slider misses a key, up to some 1.5x
    expect(of(tab.page, "slider")).to_contain_text(before["slider"])
    assert (before["checkbox"], before["toggle"]) == ("True", "True")
    tab.reload()
    assert tab.settled(1).seen["values"] == before


def test_two_tabs_follow_each_other_without_writing_back(app: Server, visitor: Visitor) -> None:
    one = visitor.open(app, "every_widget")
    one.settled(1)
    two = visitor.open(app, "every_widget")
    two.settled(1)
    BY_HAND["text_input"][0](one.page, "text_input")
    one.settled(1)
    BY_HAND["checkbox"][0](two.page, "checkbox")
    values = two.settled(1).seen["values"]
    assert (values["text_input"], values["checkbox"]) == ("'typed'", "True")
    expect(of(two.page, "text_input").locator("input")).to_have_value("typed")
    BY_HAND["toggle"][0](one.page, "toggle")
    values = one.settled(1).seen["values"]
    assert (values["text_input"], values["checkbox"], values["toggle"]) == (
        "'typed'",
        "True",
        "True",
    )


def enter(tab: Tab, key: str, text: str) -> None:
    fill("input", text)(tab.page, key)


@pytest.mark.long
def test_a_click_that_overtakes_a_slow_run_loses_nothing_of_what_was_typed(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "slow_above_the_widget")
    tab.settled(1)
    for text in ("first", "second"):
        enter(tab, "name", text)
        tab.page.wait_for_timeout(500)
        tab.click("other")
        tab.settled()
        expect(of(tab.page, "name").locator("input")).to_have_value(text)
    tab.reload()
    assert tab.settled(1).seen["name"] == "second"


@pytest.mark.long
def test_a_key_may_be_persisted_in_the_page_and_in_a_fragment(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "persisting_page_and_fragment")
    tab.settled()
    for key, text in (("name", "one"), ("inside", "f"), ("inside", "f2"), ("name", "two")):
        enter(tab, key, text)
        tab.settled()
    tab.reload()
    tab.settled()
    seen = [run.seen for run in tab.runs() if not run.is_fragment][-1]
    assert seen == {"name": "two", "inside": "f2"}


@pytest.mark.long
def test_what_another_tab_has_forgotten_does_not_come_back_from_a_page_that_shows_it(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "forgettable")
    tab.settled(1)
    enter(tab, "name", "secret")
    tab.settled(1)
    enter(tab, "given", "secret")
    tab.settled(1)
    other = visitor.open(app, "forgettable")
    assert other.settled().seen["name"] == "secret"
    other.click("forget")
    other.settled()
    tab.settled()
    for _ in range(2):
        tab.click("nothing")
        seen = tab.settled().seen
    assert seen == {"name": "", "given": "default", "keys": []}
    expect(of(tab.page, "name").locator("input")).to_have_value("")


@pytest.fixture(params=["app_kept_pages.py", *in_everything("folder_of_kept/First.py")])
def pages(request: pytest.FixtureRequest, new_app: Callable[..., Server]) -> Server:
    return new_app(script=request.param)


def follow(tab: Tab, page: str) -> dict[str, Any]:
    tab.page.get_by_role("link", name=page, exact=True).click()
    return tab.settled(1).seen


def test_pages_of_one_app_keep_their_own_widgets_and_share_those_of_one_key(
    pages: Server, visitor: Visitor
) -> None:
    tab = visitor.open(pages)
    tab.settled(1)
    enter(tab, "name", "Ada")
    tab.settled(1)
    press("ArrowRight")(tab.page, "age")
    assert tab.settled(1).seen == {"name": "Ada", "age": 51}
    assert follow(tab, "Second") == {"name": "Ada"}
    enter(tab, "name", "Grace")
    assert tab.settled(1).seen == {"name": "Grace"}
    assert follow(tab, "First") == {"name": "Grace", "age": 51}
    assert follow(tab, "List") == {"name": "Grace"}
    tab.reload()
    assert tab.settled(1).seen == {"name": "Grace"}
    assert follow(tab, "First") == {"name": "Grace", "age": 51}
    expect(of(tab.page, "name").locator("input")).to_have_value("Grace")
    expect(of(tab.page, "age")).to_contain_text("51")
    enter(tab, "name", "not in the list")
    tab.settled(1)
    assert follow(tab, "List") == {"name": "Ada"}  # does not fit: the default, and nothing is lost
    assert follow(tab, "Second") == {"name": "not in the list"}
    pages.kill()
    pages.start()
    tab.reload()
    # The page may reconnect by itself before it is reloaded: a run of its own.
    assert tab.settled().seen == {"name": "not in the list"}
    assert follow(tab, "First") == {"name": "not in the list", "age": 51}
    assert pages.log.count("no longer fits") == 1


@pytest.mark.skipif(
    "bind" not in inspect.signature(st.text_input).parameters, reason="a Streamlit without bind="
)
@pytest.mark.long
def test_what_the_address_names_wins_and_is_kept(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "bound_to_the_address")
    tab.settled(1)
    enter(tab, "size", "7")
    tab.settled(1)
    assert "size=7" in tab.page.url
    tab.reload()
    assert tab.settled(1).seen["size"] == "7"
    assert "size=7" in tab.page.url
    shared = visitor.tab(app, "bound_to_the_address")
    shared.address += "&size=12"
    shared.open()
    assert shared.settled(1).seen["size"] == "12"
    again = visitor.open(app, "bound_to_the_address")
    assert again.settled(1).seen["size"] == "12"
    expect(of(again.page, "size").locator("input")).to_have_value("12")


def test_what_was_typed_with_a_run_that_ends_early_is_there_with_the_next(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "early_ends")
    tab.settled(1)
    for at in ("above", "callback"):
        tab.page.get_by_label("name").fill(at)
        tab.page.get_by_label("name").press("Enter")
        expect(tab.page.get_by_test_id("stException")).to_be_visible()
        expect(tab.page.get_by_label("name")).to_have_count(0)
        tab.page.keyboard.press("r")
        expect(tab.page.get_by_label("name")).to_have_value(at)
