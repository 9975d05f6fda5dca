"""What a visitor sees of files, photos and recordings: they are there after a reload."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from run_log import Run
from served import Server
from upload_fields import fields, file, own_removers, removers, take_photo
from visitor import Visitor


def names(run: Run, key: str) -> list[str]:
    found = run.seen[key]
    if found is None:
        return []
    return [one[1] for one in found] if found and isinstance(found[0], list) else [found[1]][:1]


def test_a_file_is_there_after_a_reload_and_goes_with_its_button(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "upload")
    assert tab.settled(1).seen["one"] is None
    fields(tab).nth(0).set_input_files(file("one.csv"))
    before = tab.settled(1)
    assert before.seen["one"][:4] == ["StoredFile", "one.csv", "text/csv", 8]
    expect(removers(tab)).to_have_count(0)  # Streamlit's own widget shows it
    tab.reload()
    after = tab.settled(1)
    assert after.seen["one"] == before.seen["one"]
    expect(tab.page.get_by_text("one.csv 8.0B")).to_be_visible()
    tab.click("run")
    again = tab.settled(1)
    assert again.seen["one"] == before.seen["one"], "it is read from its start in each run"
    assert again.seen["versions"] == before.seen["versions"], "and nothing was written"
    removers(tab).click()
    run = tab.settled(1)
    assert run.seen["one"] is None
    assert run.seen["changed"][-1] is None
    expect(tab.page.get_by_text("one.csv")).to_have_count(0)
    tab.reload()
    assert tab.settled(1).seen["one"] is None


@pytest.mark.long
def test_a_second_upload_replaces_the_first(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "upload")
    tab.settled(1)
    for name, content in (("one.csv", b"1"), ("one.csv", b"2"), ("two.csv", b"3")):
        fields(tab).nth(0).set_input_files(file(name, content))
        run = tab.settled(1)
        assert run.seen["one"][1] == name
        assert run.seen["one"][4] == hashlib.sha256(content).hexdigest()
        expect(removers(tab)).to_have_count(0)
        tab.reload()
        assert tab.settled(1).seen["one"] == run.seen["one"]


@pytest.mark.long
def test_removing_it_in_streamlits_own_widget_removes_it(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "upload")
    tab.settled(1)
    fields(tab).nth(0).set_input_files(file("one.csv"))
    tab.settled(1)
    own_removers(tab).click()
    assert tab.settled(1).seen["one"] is None
    tab.reload()
    assert tab.settled(1).seen["one"] is None


@pytest.mark.long
def test_several_files_add_up_and_may_have_the_same_name(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "upload")
    tab.settled(1)
    fields(tab).nth(0).set_input_files(file("x.csv", b"the other uploader's"))
    tab.settled(1)
    fields(tab).nth(1).set_input_files([file("x.csv", b"1"), file("x.csv", b"2")])
    assert names(tab.settled(1), "many") == ["x.csv", "x.csv"]
    tab.reload()
    tab.settled(1)
    fields(tab).nth(1).set_input_files([file("y.csv", b"3")])
    run = tab.settled(1)
    assert names(run, "many") == ["x.csv", "x.csv", "y.csv"]
    tab.reload()
    assert tab.settled(1).seen["many"] == run.seen["many"]
    removers(tab).nth(2).click()  # the first is that of the other uploader
    left = tab.settled(1)
    assert [one[4] for one in left.seen["many"]] == [
        hashlib.sha256(content).hexdigest() for content in (b"1", b"3")
    ]
    assert left.seen["one"] == run.seen["one"]
    tab.reload()
    assert tab.settled(1).seen["many"] == left.seen["many"]


def test_a_folder_is_there_after_a_reload(app: Server, visitor: Visitor, tmp_path: Path) -> None:
    (tmp_path / "chosen" / "in it").mkdir(parents=True)
    (tmp_path / "chosen" / "a.csv").write_bytes(b"1")
    (tmp_path / "chosen" / "in it" / "a.csv").write_bytes(b"2")
    tab = visitor.open(app, "upload_of_a_folder")
    tab.settled(1)
    fields(tab).set_input_files(tmp_path / "chosen")
    before = tab.settled(1)
    assert sorted(names(before, "many")) == ["chosen/a.csv", "chosen/in it/a.csv"]
    tab.reload()
    assert tab.settled(1).seen == before.seen


def test_a_disabled_uploader_shows_its_file_and_lets_nobody_remove_it(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "upload_disabled")
    tab.settled(1)
    fields(tab).set_input_files(file("one.csv"))
    before = tab.settled(1)
    tab.reload()
    tab.settled(1)
    tab.page.get_by_text("disable", exact=True).click()
    assert tab.settled(1).seen["one"] == before.seen["one"]
    expect(tab.page.get_by_text("one.csv 8.0B")).to_be_visible()
    expect(removers(tab)).to_be_disabled()


@pytest.mark.long  # test_replicas has a file at another server
def test_a_second_tab_and_a_restarted_server_have_the_file(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    server = new_app()
    first = visitor.open(server, "upload")
    first.settled(1)
    second = visitor.open(server, "upload")
    second.settled(1)
    first.page.bring_to_front()
    fields(first).nth(0).set_input_files(file("one.csv"))
    before = first.settled(1)
    second.page.bring_to_front()
    second.click("run")
    assert second.settled(1).seen["one"] == before.seen["one"]
    removers(second).click()
    second.settled(1)
    first.page.bring_to_front()
    first.click("run")
    assert first.settled(1).seen["one"] is None, "though Streamlit's widget there had it"
    fields(first).nth(0).set_input_files(file("two.csv"))
    before = first.settled(1)
    first.restart_server()
    first.reload()
    assert first.settled().seen["one"] == before.seen["one"]


def test_deleting_the_key_empties_the_widget(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "upload")
    tab.settled(1)
    fields(tab).nth(0).set_input_files(file("one.csv"))
    tab.settled(1)
    tab.click("delete")
    tab.settled(1)
    tab.click("run")
    assert tab.settled(1).seen["one"] is None
    expect(tab.page.get_by_text("one.csv")).to_have_count(0)


def test_the_types_and_the_help_are_streamlits(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "upload_of_a_type")
    tab.settled(1)
    assert (fields(tab).get_attribute("accept") or "").endswith(".csv")
    fields(tab).set_input_files(file("one.txt", type="text/plain"))
    expect(tab.page.get_by_text("files are not allowed")).to_be_visible()
    expect(tab.page.get_by_test_id("stTooltipHoverTarget").first).to_be_attached()
    fields(tab).set_input_files(file("one.csv"))
    assert names(tab.settled(1), "one") == ["one.csv"]


@pytest.mark.long
def test_a_widget_that_was_not_drawn_for_a_while_keeps_its_file(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app, "upload_hidden")
    tab.settled(1)
    fields(tab).set_input_files(file("one.csv"))
    before = tab.settled(1)
    switch = tab.page.get_by_text("show")
    for _ in range(2):
        switch.click()
        tab.settled(1)
        tab.click("run")
        tab.settled(1)
        switch.click()
        assert tab.settled(1).seen == before.seen


def test_in_a_form_a_file_comes_and_goes_with_its_button(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "upload_in_form")
    tab.settled(1)
    for content in (b"1", b"2"):
        fields(tab).nth(1).set_input_files([file("x.csv", content), file("y.csv", content)])
        expect(own_removers(tab)).to_have_count(2)
        tab.page.wait_for_timeout(400)  # both have been sent
        tab.click("send")
        run = tab.settled(1)
        tab.reload()
        assert tab.settled(1).seen["many"] == run.seen["many"]
    assert names(run, "many") == ["x.csv", "y.csv"] * 2
    boxes = tab.page.locator("label").filter(has_text="Remove")
    boxes.nth(0).click()
    boxes.nth(3).click()
    tab.click("send")
    assert names(tab.settled(1), "many") == ["y.csv", "x.csv"]
    tab.click("send")
    assert names(tab.settled(1), "many") == ["y.csv", "x.csv"]
    tab.reload()
    assert names(tab.settled(1), "many") == ["y.csv", "x.csv"]


def test_in_a_fragment_only_that_runs(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "upload_in_fragment")
    tab.settled(2)
    fields(tab).set_input_files(file("one.csv"))
    run = tab.settled(1)
    assert run.is_fragment
    tab.reload()
    assert tab.settled(2).seen["one"] == run.seen["one"]
    removers(tab).click()
    run = tab.settled(1)
    assert run.is_fragment
    assert run.seen["one"] is None


@pytest.mark.long
def test_a_large_file_is_saved_and_comes_back(
    app: Server, visitor: Visitor, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """100 MB, which Playwright takes from a file only."""
    path = tmp_path_factory.mktemp("large") / "large.bin"
    content = random.Random(0).randbytes(100 * 10**6)
    path.write_bytes(content)
    tab = visitor.open(app, "upload")
    tab.settled(1)
    fields(tab).nth(0).set_input_files(path)
    expect(tab.page.get_by_text("large.bin").first).to_be_visible(timeout=60_000)
    for _ in range(600):
        if tab.runs()[-1].seen.get("one"):
            break
        tab.page.wait_for_timeout(100)
    before = tab.settled(1)
    assert before.seen["one"][3:5] == [len(content), hashlib.sha256(content).hexdigest()]
    tab.reload()
    for _ in range(600):
        if tab.runs()[-1].is_over:
            break
        tab.page.wait_for_timeout(100)
    assert tab.settled(1).seen["one"] == before.seen["one"]
    removers(tab).click()
    tab.settled(1)


def test_without_a_key_it_says_what_is_missing(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app, "widgets_without_a_key")
    assert "pgstate.file_uploader() needs a key" in tab.settled().seen["error"]


def test_a_photo_is_there_after_a_reload_until_it_is_cleared(
    app: Server, visitor_with_devices: Visitor
) -> None:
    tab = visitor_with_devices.open(app, "camera")
    tab.settled(1)
    for _ in range(2):
        take_photo(tab)
        before = tab.settled(1)
        assert before.seen["photo"][2] == "image/jpeg"
        tab.reload()
        assert tab.settled(1).seen["photo"] == before.seen["photo"]
        expect(tab.page.get_by_test_id("stImage")).to_be_visible()
        expect(tab.page.get_by_test_id("stCameraInput")).to_have_count(0)
        tab.page.get_by_role("button", name="Clear photo").click()
        assert tab.settled(1).seen["photo"] is None
    tab.reload()
    assert tab.settled(1).seen["photo"] is None


@pytest.mark.long  # a file in a form is tried above
def test_a_photo_in_a_form_is_cleared_with_its_button(
    app: Server, visitor_with_devices: Visitor
) -> None:
    tab = visitor_with_devices.open(app, "camera_in_form")
    tab.settled(1)
    take_photo(tab)
    expect(tab.page.get_by_role("button", name="Clear photo")).to_be_visible()
    tab.page.wait_for_timeout(400)  # the page has heard of it
    tab.click("send")
    before = tab.settled(1)
    assert before.seen["photo"][2] == "image/jpeg"
    tab.reload()
    assert tab.settled(1).seen["photo"] == before.seen["photo"]
    tab.page.locator("label").filter(has_text="Clear photo").click()
    tab.click("send")
    assert tab.settled(1).seen["photo"] is None


def test_a_recording_is_there_after_a_reload_and_a_new_one_replaces_it(
    app: Server, visitor_with_devices: Visitor
) -> None:
    tab = visitor_with_devices.open(app, "recorder")
    tab.settled(1)
    recordings = []
    for milliseconds in (700, 2000):  # of one length they could be the same silence
        tab.page.get_by_role("button", name="Record").click()
        tab.page.wait_for_timeout(milliseconds)
        tab.page.get_by_role("button", name="Stop recording").click()
        recordings.append(tab.settled(1).seen["sound"])
        assert recordings[-1][2] == "audio/wav"
        expect(removers(tab)).to_have_count(0)
        tab.reload()
        assert tab.settled(1).seen["sound"] == recordings[-1]
        expect(tab.page.get_by_test_id("stAudio")).to_be_visible()
    assert recordings[0] != recordings[1]
    removers(tab).click()
    assert tab.settled(1).seen["sound"] is None
