"""What visitors read where the database refuses the app: no host, port, user, database, schema."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from everything import in_everything
from playwright.sync_api import expect
from served import READY_WITHIN, Server
from sqlalchemy.engine import URL, make_url
from visitor import Visitor

from streamlit_pgstate.postgres.faults import Place


@pytest.mark.parametrize("wrong", ["database", *in_everything("user", "tables")])
def test_the_page_of_an_error_names_no_place_and_the_log_does(
    wrong: str,
    server: URL,
    empty_url: str,
    new_app: Callable[..., Server],
    visitor: Visitor,
) -> None:
    url = {
        "user": server.set(username="ann_of_shop", password="of-ann", database="shop_of_ann"),
        "database": server.set(database="shop_of_ann"),
        "tables": make_url(empty_url),
    }[wrong]
    app = new_app(
        url=url.render_as_string(hide_password=False),
        environment={"PGSTATE_SCHEMA": "team_of_ann", "PGSTATE_AUTO_MIGRATE": "false"},
    )
    tab = visitor.open(app)
    tab.settled()
    expect(tab.page.get_by_test_id("stException")).to_be_visible(timeout=READY_WITHIN * 1000)
    shown = tab.page.locator("body").inner_text()
    assert "Traceback" in shown
    place = Place(url, schema="team_of_ann", timeout=10)
    host, _, database = str(place).rpartition("/")
    for name in (host, database, "ann_of_shop", "shop_of_ann", "team_of_ann"):
        assert name not in shown
    assert f"Database: {place}, schema 'team_of_ann'" in app.log
