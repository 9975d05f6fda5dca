"""An app whose next deploy stores its values in another shape, as its visitor sees it."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from served import Server
from visitor import Tab, Visitor


def deploy(tab: Tab, name: str) -> None:
    """Replace the server by another deploy of the app, while no page is open. Then load one."""
    tab.page.goto("about:blank")
    tab.server.kill()
    tab.server.environment["DEPLOY"] = name
    tab.server.start()
    tab.open()


@pytest.fixture
def tab(new_app: Callable[..., Server], visitor: Visitor) -> Tab:
    """A page of the first deploy, in which the visitor has typed and stored something."""
    server = new_app(script="app_shape.py", environment={"DEPLOY": "first"})
    tab = visitor.open(server)
    tab.settled(1)
    tab.page.get_by_label("size").fill("42")
    tab.page.get_by_label("size").press("Enter")
    tab.settled(1)
    tab.click("write")
    assert tab.settled(1).seen["kept"] == {"item": "milk", "size": "42"}
    tab.token()
    return tab


UPGRADED = {"cart": ["milk"], "size": 42}


def said(tab: Tab) -> str:
    """The error that the page shows."""
    error = tab.page.locator("[data-testid=stException]").first
    return error.inner_text()


def test_the_first_run_of_the_next_deploy_has_the_upgraded_values_in_its_widgets(
    tab: Tab,
) -> None:
    deploy(tab, "second")
    seen = tab.settled(1).seen
    assert seen == {"size": 42, "kept": UPGRADED, "arrival": "returning"}
    assert tab.page.get_by_label("size").input_value() == "42"
    tab.click("run")
    assert tab.settled(1).seen == seen
    with psycopg.connect(tab.server.url) as sql:
        [(connections,)] = sql.execute(
            """SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name LIKE '%pgstate%'"""
        ).fetchall()
    assert connections <= 2, "the function is defined anew in each run, and counts as the same"


def test_an_open_page_goes_on_with_the_next_deploy(tab: Tab) -> None:
    tab.kill_server()
    tab.server.environment["DEPLOY"] = "second"
    tab.server.start()
    tab.reconnected()
    assert tab.settled().seen["kept"] == UPGRADED


def test_after_a_rollback_the_page_says_why_it_shows_nothing_and_nothing_is_lost(
    tab: Tab,
) -> None:
    deploy(tab, "second")
    tab.settled(1)
    deploy(tab, "first")
    assert tab.settled(1).seen["error"].startswith("ShapeError")
    assert "has shape 2, and this process knows shape 1. Nothing was read or changed" in said(tab)
    deploy(tab, "second")
    assert tab.settled(1).seen["kept"] == UPGRADED


@pytest.mark.long
def test_a_page_of_the_older_deploy_cannot_write_over_upgraded_values(
    tab: Tab, new_app: Callable[..., Server], visitor: Visitor
) -> None:
    """Both deploys run at once. The page of the older one was opened before."""
    newer = new_app(script="app_shape.py", url=tab.server.url, environment={"DEPLOY": "second"})
    token = tab.token()
    other = visitor.open(newer)
    other.settled(1)
    other.set_copies(token)
    other.open()
    assert other.settled(1).seen["kept"] == UPGRADED
    tab.click("write")
    assert tab.settled(1).seen["error"].startswith("ShapeError")
    other.reload()
    assert other.settled(1).seen["kept"] == UPGRADED


@pytest.mark.long
def test_an_upgrade_that_fails_is_told_and_the_mended_one_finds_everything(tab: Tab) -> None:
    deploy(tab, "broken")
    assert tab.settled(1).seen["error"].startswith("ShapeError")
    shown = said(tab)
    assert "upgrade() could not upgrade the stored values from shape 1 to 2: KeyError" in shown
    assert "'a key that nobody has stored'" in shown
    assert "milk" not in shown
    assert "KeyError: 'a key that nobody has stored'" in tab.server.log
    deploy(tab, "second")
    assert tab.settled(1).seen["kept"] == UPGRADED
