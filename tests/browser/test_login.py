"""The state of a user who logs in at a provider of logins, as a visitor does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from provider import CLIENT, Provider, providing
from served import Server, free_port, running
from visitor import Tab, Visitor

pytestmark = [pytest.mark.xdist_group("login"), pytest.mark.whole_chromium]  # they share a server


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with providing() as provider:
        yield provider


@pytest.fixture
def app(new_database: Callable[..., str], template: str, tmp_path: Any, provider: Provider) -> Any:
    server = Server(tmp_path / "app", new_database(template), "app_login.py", port=free_port())
    (server.folder / ".streamlit").mkdir(parents=True)
    (server.folder / ".streamlit" / "secrets.toml").write_text(
        f"""[auth]
        redirect_uri = "{server.address}/oauth2callback"
        cookie_secret = "of the test only, and long enough"
        client_id = "{CLIENT}"
        client_secret = "hidden"
        server_metadata_url = "{provider.address}/.well-known/openid-configuration"
        """
    )
    with running(server):
        yield server


def log_in(tab: Tab, name: str) -> dict[str, Any]:
    tab.click("Log in")
    tab.page.get_by_label("Name").fill(name)
    tab.page.get_by_role("button", name="Go on").click()
    return seen_last(tab, "user")


def seen_last(tab: Tab, fact: str) -> dict[str, Any]:
    """What the page saw once it is what it is to be."""
    while fact not in (seen := tab.settled().seen):
        pass
    return seen


@pytest.mark.long
def test_a_user_finds_on_every_device_what_they_did_before_and_after_the_login(
    app: Server, new_visitor: Callable[..., Visitor]
) -> None:
    tab = new_visitor().open(app)
    tab.settled(1)
    tab.click("write as anybody")
    tab.settled(1)
    first = log_in(tab, "ada")
    assert first["user"] == {"cart": "milk"}
    tab.click("write")
    tab.settled(1)
    tab.reload()
    assert tab.settled(1).seen == {"user": {"cart": "milk", "theme": "dark"}, "id": first["id"]}

    phone = new_visitor().open(app)
    assert phone.settled(1).seen == {"anybody": {}}
    assert log_in(phone, "ada")["user"] == {"cart": "milk", "theme": "dark"}
    phone.click("write elsewhere")
    phone.settled(1)
    assert tab.settled(1).seen["user"]["job"] == "done", "the page there has followed by itself"
    bobs = new_visitor().open(app)
    bobs.settled(1)
    assert log_in(bobs, "bob")["user"] == {}


@pytest.mark.long  # test_scope_pages has a logout
def test_after_logout_the_next_one_at_the_machine_finds_nothing(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app)
    tab.settled(1)
    tab.click("write as anybody")
    tab.settled(1)
    ada = log_in(tab, "ada")
    tab.click("write")
    tab.settled(1)
    tab.click("Log out")
    assert seen_last(tab, "anybody")["anybody"] == {}
    assert log_in(tab, "bob")["user"] == {}
    tab.click("Log out")
    seen_last(tab, "anybody")
    again = log_in(tab, "ada")
    assert again == {"user": {"cart": "milk", "theme": "dark"}, "id": ada["id"]}
