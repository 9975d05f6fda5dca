"""In each engine: the table of the token, `persist`, uploads, the data editor, tabs, live pages."""

from __future__ import annotations

from pathlib import Path

from served import Server
from table import Table
from window import Visitor, awaited

REMOVERS = "[class*='-remove-'] button"
"""What removes a stored file, by the class that Streamlit makes of its key."""


def test_a_first_visit_and_each_f5_take_one_run(app: Server, visitor: Visitor) -> None:
    window = visitor.open(app)
    assert window.settled(1).seen["visits"] == 1
    token = window.token()
    for visits in (2, 3):
        window.reload()
        run = window.settled(1)
        assert (run.seen["visits"], run.seen["durable"]) == (visits, True)
        assert window.token() == token


def test_f5_keeps_what_was_typed_in_one_run(app: Server, visitor: Visitor) -> None:
    window = visitor.open(app, "own_name")
    window.settled(1)
    window.type("name", "typed")
    assert window.settled(1).seen["name"] == "typed"
    for _ in range(2):
        window.reload()
        assert window.settled(1).seen["name"] == "typed"
        window.shows_in_field("name", "typed")


def test_a_new_tab_takes_one_run_and_sees_the_same(app: Server, visitor: Visitor) -> None:
    first = visitor.open(app, "own_name")
    first.settled(1)
    first.type("name", "typed")
    first.settled(1)
    token = first.token()
    second = visitor.open(app, "own_name", as_a="tab")
    assert second.settled(1).seen["name"] == "typed"
    second.shows_in_field("name", "typed")
    assert second.token() == token
    first.settled(0)


def test_what_was_typed_survives_a_killed_server(app: Server, visitor: Visitor) -> None:
    window = visitor.open(app, "own_name")
    window.settled(1)
    window.type("name", "typed")
    window.settled(1)
    app.kill()
    app.start()
    assert window.settled(1).seen["name"] == "typed", "the open page has found its server again"
    window.reload()
    assert window.settled(1).seen["name"] == "typed"
    window.shows_in_field("name", "typed")


def test_a_lost_cookie_takes_a_second_run_and_loses_nothing(app: Server, visitor: Visitor) -> None:
    window = visitor.open(app)
    first = window.settled(1)
    token = window.token()
    window.lose_cookie()
    window.reload()
    last = window.settled(2)
    assert last.seen["visits"] == 2
    assert last.seen["id"] == first.seen["id"] != window.runs()[-2].seen["id"]
    assert window.token() == token
    window.reload()
    assert window.settled(1).seen["visits"] == 3


def test_a_lost_local_storage_takes_one_run_and_loses_nothing(
    app: Server, visitor: Visitor
) -> None:
    window = visitor.open(app)
    window.settled(1)
    token = window.token()
    window.lose_local()
    window.reload()
    assert window.settled(1).seen["visits"] == 2
    assert window.token() == token


def test_both_lost_is_a_first_visit(app: Server, visitor: Visitor) -> None:
    window = visitor.open(app)
    window.settled(1)
    token = window.token()
    window.lose_local()
    window.lose_cookie()
    window.reload()
    assert window.settled(1).seen["visits"] == 1
    assert window.token() != token


def test_rotate_changes_both_copies_and_the_second_tab_follows_in_one_run(
    app: Server, visitor: Visitor
) -> None:
    first = visitor.open(app, "reads")
    first.settled(1)
    first.click("write")
    before = first.settled(1)
    token = first.token()
    second = visitor.open(app, "reads", as_a="tab")
    second.settled(1)
    second.click("rotate")
    second.settled(1)
    after = first.settled(1)
    assert (after.seen["id"], after.seen["word"]) == (before.seen["id"], "written")
    assert first.token() == second.token() != token
    for window in (first, second):
        window.reload()
        assert window.settled(1).seen["word"] == "written"


def test_forget_leaves_nothing_in_either_tab(app: Server, visitor: Visitor) -> None:
    first = visitor.open(app, "reads")
    first.settled(1)
    first.click("write")
    forgotten = first.settled(1).seen["id"]
    token = first.token()
    second = visitor.open(app, "reads", as_a="tab")
    assert second.settled(1).seen["word"] == "written"
    second.click("forget")
    second.settled(1)
    first.settled(1)
    for window in (first, second):
        window.reload()
        seen = window.settled(1).seen
        assert seen["word"] is None
        assert seen["id"] != forgotten
    assert first.token() == second.token() != token


def test_two_tabs_share_the_browsers_state_and_have_each_their_own(
    app: Server, visitor: Visitor
) -> None:
    windows = []
    for _ in range(2):
        windows.append(window := visitor.open(app, "tab_scope_beside_the_browsers", as_a="tab"))
        assert window.settled(1).seen["shown"] == "none"
        window.click("write")
        window.settled(1)
    for window in windows:
        window.reload()
        seen = window.sees(shown=window.name).seen
        assert seen["word"] == "the browser's"
    assert len({window.runs()[-1].seen["id"] for window in windows}) == 1


def test_an_upload_survives_f5_until_it_is_removed(
    app: Server, visitor: Visitor, tmp_path: Path
) -> None:
    path = tmp_path / "one.csv"
    path.write_bytes(b"a,b\n1,2\n")
    window = visitor.open(app, "upload_of_a_type")
    assert window.settled(1).seen["one"] is None
    window.find("input[type=file]").send_keys(str(path))
    before = window.settled(1)
    assert before.seen["one"][:4] == ["StoredFile", "one.csv", "text/csv", 8]
    window.reload()
    assert window.settled(1).seen["one"] == before.seen["one"]
    window.click_on(REMOVERS)
    assert window.settled(1).seen["one"] is None
    window.reload()
    assert window.settled(1).seen["one"] is None
    assert window.count(REMOVERS) == 0


def test_edits_of_a_table_survive_f5_and_pile_up(app: Server, visitor: Visitor) -> None:
    window = visitor.open(app, "table")
    window.settled(1)
    Table(window).type_first(0, "eve")
    assert [row[0] for row in window.settled(1).seen["rows"]] == ["eve", "bob", "cyd"]
    window.reload()
    assert [row[0] for row in window.settled(1).seen["rows"]] == ["eve", "bob", "cyd"]
    Table(window).shows_first(0, "eve")
    Table(window).type_first(1, "ben")
    assert [row[0] for row in window.settled(1).seen["rows"]] == ["eve", "ben", "cyd"]
    window.reload()
    assert [row[0] for row in window.settled(1).seen["rows"]] == ["eve", "ben", "cyd"]


def test_without_the_setting_cookie_f5_takes_two_runs(
    app_without_cookie: Server, visitor: Visitor
) -> None:
    window = visitor.open(app_without_cookie)
    assert window.settled(2).seen["durable"] is True
    for visits in (2, 3):
        window.reload()
        assert window.settled(2).seen["visits"] == visits
        assert window.runs()[-2].seen == {}, "nothing was shown of a candidate"
    assert window.cookie() is None


def test_a_browser_that_is_set_to_keep_no_cookies(
    app: Server, visitor_without_cookies: Visitor
) -> None:
    """Firefox blocks localStorage with them, and so keeps nothing; WebKitGTK does not."""
    window = visitor_without_cookies.open(app)
    run = window.settled()
    keeps_nothing = run.seen["durable"] is False
    assert len(window.runs()) == (2 if keeps_nothing else 1)
    window.click("write")
    assert window.settled(1).seen["id"] == run.seen["id"]
    window.reload()
    last = window.settled(2).seen
    assert last["durable"] is not keeps_nothing
    assert last["word"] == (None if keeps_nothing else "written")
    assert window.cookie() is None


def test_a_live_page_follows_the_other_window(app: Server, visitor: Visitor) -> None:
    first = visitor.open(app, "live")
    first.settled(1)
    second = visitor.open(app, "live")
    second.settled(1)
    first.click("check")
    awaited(lambda: second.count(".st-key-check input:checked") == 1, "a tick in the other page")
    assert second.settled(1).seen["check"] is True
    first.settled(1)
    second.type("name", "typed")
    first.shows_in_field("name", "typed")
