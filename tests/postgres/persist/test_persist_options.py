"""Options that come and go under a choice that is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from persist.persist_scripts import ran
from streamlit_pgstate import State

Script = str | Callable[[], None]


def test_an_option_that_goes_away_while_the_page_is_open_leaves_what_is_stored(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    app = ran(
        tab("""
            options = ["a", "b"] if st.session_state.get("fewer") else ["a", "b", "c"]
            pgstate.persist("w")
            st.multiselect("w", options, key="w")
        """)
    )
    app.multiselect(key="w").set_value(["c"]).run()
    app.session_state["fewer"] = True
    ran(app)
    assert state["w"] == ["c"]
    app.multiselect(key="w").set_value(["b"]).run()
    assert state["w"] == ["b"]


@pytest.mark.skipif(not hasattr(st, "pagination"), reason="the selectbox of 1.51 cannot find it")
def test_not_a_number_is_an_option_like_others(
    tab: Callable[[Script], AppTest], state: State, caplog: pytest.LogCaptureFixture
) -> None:
    state["w"] = float("nan")
    app = ran(
        tab("""
            options = [1.0, float("nan")]
            pgstate.persist("w")
            st.session_state["seen"] = [st.selectbox("w", options, key="w")]
        """)
    )
    assert app.session_state["seen"][0] != app.session_state["seen"][0]
    assert "no longer fits" not in caplog.text


def test_a_choice_that_another_one_rules_out_is_no_news_for_the_log_where_nothing_is_stored(
    tab: Callable[[Script], AppTest], state: State, caplog: pytest.LogCaptureFixture
) -> None:
    app = ran(
        tab("""
            pgstate.persist("country", "city")
            cities = {"DE": ["Bonn", "Ulm"], "FR": ["Lyon", "Nice"]}
            country = st.selectbox("Country", list(cities), key="country")
            st.selectbox("City", cities[country], key="city")
        """)
    )
    app.selectbox(key="country").select("FR").run()
    assert app.selectbox(key="city").value == "Lyon"
    assert dict(state) == {"country": "FR"}
    assert "fit" not in caplog.text


ONE: dict[str, str] = {
    "selectbox": 'st.selectbox("w", options, key="selectbox")',
    "selectbox_or_nothing": 'st.selectbox("w", options, index=None, key="selectbox_or_nothing")',
    "radio": 'st.radio("w", options, key="radio")',
    "select_slider": 'st.select_slider("w", options or ["-"], key="select_slider")',
    "relabelled": 'st.selectbox(f"one of {len(options)}", options, key="relabelled")',
}

SEVERAL: dict[str, str] = {
    "multiselect": 'st.multiselect("w", options, key="multiselect")',
}

if hasattr(st, "pagination"):  # AppTest of 1.51 runs no second time where these are empty
    ONE |= {
        "pills": 'st.pills("w", options, key="pills")',
        "segment": 'st.segmented_control("w", options, key="segment")',
    }
    SEVERAL |= {
        "some_pills": 'st.pills("w", options, selection_mode="multi", key="some_pills")',
        "segments": 'st.segmented_control("w", options, selection_mode="multi", key="segments")',
    }

RANGE = {
    "range": 'st.select_slider("w", options or "ab", (options or "ab")[:2], key="range")',
}


class Choices:
    """A page with many widgets, all of the options that the test sets."""

    def __init__(self, app: AppTest, widgets: dict[str, str]) -> None:
        self.app = app
        self.widgets = widgets

    def seen(self, options: str | None = None) -> dict[str, Any]:
        """What they show, in a run with these options."""
        if options is not None:
            self.app.session_state["options"] = list(options)
        ran(self.app)
        return {name: self.app.session_state[name] for name in self.widgets}

    def choose(self, value: Any) -> None:
        """In all of them; it is sent with the next run."""
        kinds = ("selectbox", "radio", "multiselect", "select_slider", "button_group")
        for widget in (widget for kind in kinds for widget in self.app.get(kind)):
            if isinstance(value, tuple):
                widget.set_range(*value)
            else:
                widget.set_value(value)


@pytest.fixture
def choices(tab: Callable[[Script], AppTest]) -> Callable[..., Choices]:
    def make(widgets: dict[str, str], default: Any = None) -> Choices:
        defaults = {} if default is None else dict.fromkeys(widgets, default)
        lines = [
            'options = st.session_state.get("options", [])',
            f"pgstate.persist(*{list(widgets)}, **{defaults})",
            *widgets.values(),
        ]
        return Choices(tab("\n".join(lines)), widgets)

    return make


FORMS = [
    pytest.param(ONE, "c", "b", id="one"),
    pytest.param(SEVERAL, ["c"], ["b"], id="several"),
    pytest.param(RANGE, ("b", "c"), ("b", "b"), id="range"),
]


def none_shows(value: Any, seen: dict[str, Any]) -> bool:
    return value not in seen.values()


@pytest.mark.parametrize(("widgets", "value", "anew"), FORMS)
def test_a_choice_is_shown_as_soon_as_it_is_an_option_until_there_is_another_one(
    widgets: dict[str, str],
    value: Any,
    anew: Any,
    choices: Callable[..., Choices],
    state: State,
) -> None:
    all_of_it, all_anew = dict.fromkeys(widgets, value), dict.fromkeys(widgets, anew)
    state.update(all_of_it)
    w = choices(widgets)
    assert none_shows(value, w.seen())  # there are no options so far
    assert none_shows(value, w.seen())
    assert w.seen("abc") == all_of_it
    assert w.seen() == all_of_it
    assert none_shows(value, w.seen("ab"))
    assert w.seen("bca") == all_of_it
    assert dict(state) == all_of_it
    assert {type(found) for found in dict(state).values()} == {type(value)}
    assert none_shows(value, w.seen("ab"))
    w.choose(anew)
    assert w.seen() == all_anew
    assert dict(state) == all_anew
    assert w.seen("abc") == all_anew
    assert dict(state) == all_anew


@pytest.mark.parametrize(("widgets", "value", "anew"), FORMS)
def test_a_given_default_is_shown_once_it_is_an_option_and_is_not_stored(
    widgets: dict[str, str],
    value: Any,
    anew: Any,
    choices: Callable[..., Choices],
    state: State,
) -> None:
    w = choices(widgets, value)
    assert none_shows(value, w.seen())
    assert w.seen("abc") == dict.fromkeys(widgets, value)
    assert dict(state) == {}
    w.choose(anew)
    assert w.seen() == dict.fromkeys(widgets, anew)
    assert w.seen("bca") == dict.fromkeys(widgets, anew)
    assert dict(state) == dict.fromkeys(widgets, anew)


def test_the_part_of_a_choice_that_fits_is_shown_and_all_of_it_once_it_fits(
    choices: Callable[..., Choices], state: State
) -> None:
    state.update({key: ["a", "c", "d"] for key in SEVERAL})
    w = choices(SEVERAL)
    steps = {"ab": "a", "abc": "ac", "bca": "ac", "abcd": "acd", "acd": "acd", "ad": "ad"}
    for options, shown in steps.items():
        assert w.seen(options) == {key: list(shown) for key in SEVERAL}
    assert dict(state) == {key: ["a", "c", "d"] for key in SEVERAL}
    w.choose(["d"])
    assert w.seen() == {key: ["d"] for key in SEVERAL}
    assert w.seen("abcd") == {key: ["d"] for key in SEVERAL}
    assert dict(state) == {key: ["d"] for key in SEVERAL}


def test_a_choice_that_its_own_run_rules_out_in_part_is_kept_whole(
    choices: Callable[..., Choices], state: State
) -> None:
    state.update({key: ["a", "c"] for key in SEVERAL})
    w = choices(SEVERAL)
    w.seen("abc")
    w.choose(["a", "b", "c"])
    assert w.seen("ab") == {key: ["a", "b"] for key in SEVERAL}
    assert w.seen() == {key: ["a", "b"] for key in SEVERAL}
    assert dict(state) == {key: ["a", "b", "c"] for key in SEVERAL}
    assert w.seen("abc") == {key: ["a", "b", "c"] for key in SEVERAL}


def test_what_another_tab_has_chosen_meanwhile_is_shown_once_it_is_an_option(
    choices: Callable[..., Choices], state: State
) -> None:
    state["radio"] = "c"
    w = choices({"radio": ONE["radio"]})
    assert w.seen("ab") == {"radio": "a"}
    state["radio"] = "d"
    assert w.seen() == {"radio": "a"}
    assert w.seen("abc") == {"radio": "a"}
    assert w.seen("abcd") == {"radio": "d"}


def test_what_no_longer_fits_is_said_once_however_often_it_comes_and_goes(
    choices: Callable[..., Choices], state: State, caplog: pytest.LogCaptureFixture
) -> None:
    state["radio"] = "c"
    w = choices({"radio": ONE["radio"]})
    for options in ("ab", "abc", "ab", "abc", "a"):
        w.seen(options)
    assert caplog.text.count("no longer fits") == 1


def test_an_option_that_comes_back_does_not_win_over_what_the_script_sets(
    tab: Callable[[Script], AppTest], state: State
) -> None:
    state["w"] = "c"
    app = tab("""
        options = st.session_state.get("options", ["a", "b"])
        pgstate.persist("w")
        if len(options) == 3:
            st.session_state.w = "b"
        st.selectbox("w", options, key="w")
    """)
    assert ran(app).selectbox(key="w").value == "a"
    app.session_state["options"] = ["a", "b", "c"]
    assert ran(app).selectbox(key="w").value == "b"
    assert state["w"] == "b"
