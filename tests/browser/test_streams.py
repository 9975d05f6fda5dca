"""A stream that F5 interrupts: the example of docs/persist.md keeps the half answer."""

from __future__ import annotations

import psycopg
from playwright.sync_api import expect
from served import Server
from visitor import Visitor

STORED = """SELECT count(*) FROM pgstate.entry
    WHERE key = 'messages' AND value::text LIKE '%%word 20 %%'"""


def test_f5_in_the_midst_of_a_stream_keeps_what_has_come(
    app: Server, visitor: Visitor, rows: psycopg.Connection
) -> None:
    tab = visitor.open(app, "streamed_chat")
    tab.settled(1)
    box = tab.page.get_by_test_id("stChatInputTextArea")
    box.fill("Say something long")
    box.press("Enter")
    messages = tab.page.get_by_test_id("stChatMessage")
    expect(messages.nth(1)).to_contain_text("word 45 ", timeout=30_000)
    assert rows.execute(STORED).fetchone() == (1,), "the run is not over, and half of it is stored"
    tab.reload()
    expect(messages.nth(0)).to_contain_text("Say something long")
    expect(messages.nth(1)).to_contain_text("word 20 ")
    tab.settled(2)  # the run that F5 has ended, and the page's first
    assert "word 199" not in messages.nth(1).inner_text()
    tab.reload()
    tab.settled(1)
    expect(messages).to_have_count(2)
    expect(messages.nth(1)).to_contain_text("word 45 ")  # as the old run ended, it saved the rest
