"""What a visitor sees of the component: nothing. And where the token shows: nowhere."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from dump import dump_of
from everything import in_everything
from served import TOKEN, Server
from visitor import Tab, Visitor

BOXES = """() => [...document.querySelectorAll("[data-testid=stMain] *, [data-testid=stSidebar] *")]
    .filter(element => !element.closest("[data-testid=stBidiComponentRegular]"))
    .map(element => [element, element.getBoundingClientRect()])
    .map(([{tagName, dataset}, {x, y, width, height}]) =>
        [tagName, dataset.testid ?? "", x, y, width, height].join(" "))"""


def boxes(tab: Tab) -> list[str]:
    tab.page.mouse.move(0, 0)
    found: list[str] = tab.page.evaluate(BOXES)
    assert len(found) > 50
    return found


WITH_COMPONENT = [
    "page_with_component",
    *in_everything("page_with_component_in_sidebar", "page_with_component_at_end"),
]


@pytest.mark.parametrize("case", WITH_COMPONENT)
def test_every_element_stands_where_it_stands_without_the_component(
    case: str, app: Server, visitor: Visitor
) -> None:
    alone = visitor.open(app, "page_alone")
    alone.settled(1)
    tab = visitor.open(app, case)
    tab.settled(1)
    assert boxes(tab) == boxes(alone)


def test_without_the_event_container_the_component_works_and_moves_the_page_by_a_gap(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app(environment={"WITHOUT_EVENT_CONTAINER": "1"})
    alone = visitor.open(server, "page_alone")
    alone.settled(1)
    tab = visitor.open(server, "page_with_component")
    tab.settled(1)
    tab.token()
    heights = [t.page.get_by_text("some text").bounding_box() for t in (alone, tab)]
    assert heights[0] is not None
    assert heights[1] is not None
    assert heights[1]["y"] - heights[0]["y"] <= 16
    tab.reload()
    tab.settled(1)


def secrets_of(token: str) -> list[str]:
    """The token, and the parts of it that would open the state, as they may be written."""
    head, _, signature = token.split(".")
    secret = base64.urlsafe_b64decode(head)[16:]
    return [token, head, signature, secret.hex(), base64.b64encode(secret).decode()[:40]]


def assert_hidden(token: str, text: str) -> None:
    assert not TOKEN.search(text)
    assert not [secret for secret in secrets_of(token) if secret in text]


@pytest.mark.page_copies
def test_the_session_state_and_the_page_show_no_token(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "shows_session_state")
    run = tab.settled(1)
    token = tab.token()
    assert_hidden(token, run.seen["state"])
    assert_hidden(token, tab.page.content())
    tab.set_cookie(None)
    tab.reload()
    run = tab.settled(2)  # now the browser has answered: with the token, veiled
    assert "answer" in run.seen["state"]
    for verb in (None, "rotate", "forget"):
        if verb:
            tab.click(verb)
            run = tab.settled(1)
        for text in (run.seen["state"], tab.page.content(), tab.page.inner_text("body")):
            assert_hidden(token, text)
            assert_hidden(tab.token(), text)


def test_no_request_but_the_cookie_holds_the_token(app: Server, visitor: Visitor) -> None:
    tab = visitor.tab(app)
    seen: list[str] = []
    tab.page.on("request", lambda request: seen.append(request.url + (request.post_data or "")))
    tab.open()
    tab.settled(1)
    tab.reload()
    tab.settled(1)
    assert seen
    assert_hidden(tab.token(), "\n".join(seen))


@pytest.mark.page_copies
def test_the_log_of_a_server_that_logs_everything_holds_no_token(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app(options=("--logger.level", "debug"))
    tab = visitor.open(server, "shows_session_state")
    tab.settled(1)
    tokens = [tab.token()]
    tab.set_cookie(None)
    tab.reload()
    tab.settled(2)
    for verb in ("rotate", "forget"):
        tab.click(verb)
        tab.settled(1)
        tokens.append(tab.token())
    assert "Removing orphaned files" in server.log  # it does log everything
    for token in tokens:
        assert_hidden(token, server.log)


def test_a_dump_of_the_database_holds_no_token(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app)
    tab.settled(1)
    tokens = [tab.token()]
    for verb in ("rotate", "forget"):
        tab.click(verb)
        tab.settled(1)
        tokens.append(tab.token())
    dump = dump_of(app.url)
    assert "COPY pgstate.session" in dump
    for token in tokens:
        assert_hidden(token, dump)


@pytest.mark.parametrize(
    "case", ["visits", "in_dialog", *in_everything("around_fragment", "in_polling_fragment")]
)
def test_the_console_has_no_more_errors_than_without_the_component(
    case: str, app: Server, visitor: Visitor
) -> None:
    alone = visitor.open(app, "nothing")
    alone.settled(1)
    tab = visitor.open(app, case)
    tab.page.wait_for_timeout(500)
    tab.reload()
    tab.page.wait_for_timeout(500)
    assert set(tab.errors) <= set(alone.errors)
