"""Two replicas behind haproxy: either serves any page, and goes on with a page of the other's."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from urllib.parse import urljoin

import pytest
from everything import in_everything
from gate import Gate
from playwright.sync_api import expect
from pooler import pooled
from replicas import Replicas, balanced
from upload_fields import fields, file
from visitor import Tab, Visitor

pytestmark = [pytest.mark.xdist_group("replicas"), pytest.mark.faults]


@pytest.fixture(scope="module", params=["pgbouncer", *in_everything("PostgreSQL")])
def both(
    request: pytest.FixtureRequest,
    database: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Replicas]:
    """Two replicas, and nothing that leads a visitor to one of them."""
    folder = tmp_path_factory.mktemp("replicas")
    with contextlib.ExitStack() as stack:
        url = database()
        if request.param == "pgbouncer":
            # Its user may not enter the folder of the server's socket.
            gate = Gate(url)
            stack.callback(gate.shut)
            url = stack.enter_context(pooled(gate.url))
        yield stack.enter_context(balanced(Replicas(folder, url)))


@pytest.fixture
def replicas(both: Replicas) -> Replicas:
    """Both of them run, whatever the test before has killed."""
    both.start_all()
    return both


def write(tab: Tab, text: str) -> None:
    tab.page.get_by_label("name").fill(text)
    tab.page.get_by_label("name").press("Enter")


def reloaded_at(tab: Tab, processes: set[int]) -> None:
    """Reload until each of the processes has served the page; each time the same is there."""
    before = tab.runs()[-1].seen
    for _ in range(20):
        tab.reload()
        run = tab.settled(1)
        assert run.seen == before
        processes = processes - {run.process}
        if not processes:
            return
    raise AssertionError(f"{processes} served none of 20 page loads")


def test_two_pages_of_one_visitor_are_at_two_replicas_and_have_one_state(
    replicas: Replicas, visitor: Visitor
) -> None:
    first = visitor.open(replicas, "own_name")
    run = first.settled(1)
    write(first, "written at one")
    first.settled(1)
    second = visitor.open(replicas, "own_name")
    other = second.settled(1)
    assert other.process != run.process
    assert other.seen["name"] == "written at one"
    assert first.token() == second.token()
    second.page.close()
    reloaded_at(first, {run.process, other.process})


def test_what_is_typed_while_the_replica_of_the_page_is_killed_is_kept_by_the_other(
    replicas: Replicas, visitor: Visitor
) -> None:
    tab = visitor.open(replicas, "own_name")
    tab.settled(1)
    write(tab, "acknowledged")
    run = tab.settled(1)
    field = tab.page.get_by_label("name")
    field.fill("")
    field.press_sequentially("typed before")
    tab.loaded()
    replicas.serving(run).kill()
    tab.lost()  # Streamlit lets nobody type meanwhile
    tab.reconnected()
    field.click()
    field.press("End")
    field.press_sequentially(" and after")
    field.press("Enter")
    assert tab.settled().seen["name"] == "typed before and after"
    assert tab.runs()[-1].process != run.process
    replicas.start_all()
    processes = {server.process.pid for server in replicas.servers if server.process}
    reloaded_at(tab, processes)


def test_what_was_sent_is_there_when_the_replica_is_killed_at_once(
    replicas: Replicas, visitor: Visitor
) -> None:
    tab = visitor.open(replicas, "own_name")
    tab.settled(1)
    write(tab, "acknowledged")
    run = tab.settled(1)
    tab.loaded()
    replicas.serving(run).kill()
    tab.reload()
    again = tab.settled(1)
    assert again.seen["name"] == "acknowledged"
    assert again.process != run.process


# What docs/deployment.md says that Streamlit itself needs the page's own replica for


def upload(tab: Tab, name: str) -> int:
    """Upload a file, and return the status of the answer."""
    with tab.page.expect_response(lambda each: "upload_file" in each.url) as answer:
        fields(tab).nth(0).set_input_files(file(name))
    return answer.value.status


@pytest.mark.long
def test_an_upload_that_reaches_the_other_replica_is_refused_by_streamlit(
    replicas: Replicas, visitor: Visitor
) -> None:
    tab = visitor.open(replicas, "upload")
    tab.settled(1)
    assert 400 in [upload(tab, f"{number}.csv") for number in range(6)]


@pytest.mark.long
def test_a_picture_is_missing_at_the_other_replica(replicas: Replicas, visitor: Visitor) -> None:
    tab = visitor.open(replicas, "picture")
    tab.settled(1)
    address = tab.page.locator("img").get_attribute("src")
    assert address is not None
    address = urljoin(replicas.address, address)
    assert 404 in [tab.page.request.get(address).status for _ in range(6)]


def test_with_a_cookie_of_the_proxy_uploads_reach_their_replica_and_survive_its_end(
    both: Replicas, database: Callable[[], str], visitor: Visitor, tmp_path_factory
) -> None:
    replicas = Replicas(tmp_path_factory.mktemp("sticky"), both.url, is_sticky=True)
    with balanced(replicas):
        tab = visitor.open(replicas, "upload")
        tab.settled(1)
        for number in range(6):  # each when the page has the one before
            assert upload(tab, f"{number}.csv") == 204
            run = tab.settled()
            while run.seen["one"][1] != f"{number}.csv":
                run = tab.settled()
        replicas.serving(run).kill()
        tab.reload()
        again = tab.settled(1)
        assert again.seen["one"] == run.seen["one"]
        assert again.process != run.process
        expect(tab.page.get_by_text("5.csv 8.0B")).to_be_visible()
