"""An app with the setting `encryption_key`: pages work as without it, and no row shows a word."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from encrypted import KEY, OTHER_KEY, everything_stored
from served import Server
from table_editor import TableEditor
from upload_fields import fields, file
from visitor import Tab, Visitor

WORD = "said in confidence"
LARGE = WORD.encode() * 30_000
"""540 kB: more than one part."""


def stored(server: Server) -> bytes:
    with psycopg.connect(server.url, autocommit=True) as connection:
        return everything_stored(connection)


def type_word(tab: Tab) -> None:
    field = tab.page.locator(".st-key-text_input input")
    field.fill(WORD)
    field.press("Enter")
    tab.settled(1)


def test_what_a_visitor_types_edits_and_uploads_comes_back_and_nobody_reads_it_in_the_database(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    app = new_app(environment={"PGSTATE_ENCRYPTION_KEY": KEY})
    widgets = visitor.open(app, "every_widget")
    widgets.settled(1)
    type_word(widgets)
    table = visitor.open(app, "table")
    table.settled(1)
    TableEditor(table).type(0, "name", WORD)
    table.settled(1)
    upload = visitor.open(app, "upload")
    upload.settled(1)
    fields(upload).nth(0).set_input_files(file(f"{WORD}.csv", LARGE))
    uploaded = upload.settled(1)

    app.kill()
    app.start()
    for tab in (widgets, table, upload):
        tab.reload()
    # The open pages may have found the server before they were loaded anew: not counted here.
    assert widgets.settled().seen["values"]["text_input"] == repr(WORD)
    assert table.settled().seen["rows"][0][0] == WORD
    assert upload.settled().seen["one"] == uploaded.seen["one"]
    assert WORD.encode() not in stored(app)


def test_a_page_of_a_server_with_another_key_shows_the_default_and_loses_nothing(
    new_app: Callable[..., Server], visitor: Visitor
) -> None:
    app = new_app(environment={"PGSTATE_ENCRYPTION_KEY": KEY})
    tab = visitor.open(app, "every_widget")
    tab.settled(1)
    type_word(tab)
    token, before = tab.token(), stored(app)
    for key, shown in ((OTHER_KEY, "default"), (KEY, WORD)):
        app.kill()
        app.environment["PGSTATE_ENCRYPTION_KEY"] = key
        app.start()
        tab.reload()
        assert tab.settled().seen["values"]["text_input"] == repr(shown)
        assert tab.token() == token
        assert stored(app) == before
    assert "encrypted with a key that is not in `encryption_key`" in app.log
