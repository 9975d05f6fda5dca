"""What a browser has stored as a photo or a recording may be anything: the page works."""

from __future__ import annotations

import struct
import zlib

import pytest
from streamlit.testing.v1 import AppTest

import streamlit_pgstate as pgstate
from streamlit_pgstate import State, Store, StoredFile

SCRIPT = """
import streamlit as st
import streamlit_pgstate as pgstate

photo = pgstate.camera_input("Photo", key="photo")
recording = pgstate.audio_input("Recording", key="recording")
file = pgstate.file_uploader("File", key="file")
st.text(f"{[it and len(it.getvalue()) for it in (photo, recording, file)]}")
"""


def bomb() -> bytes:
    """A PNG of 60,000 by 60,000 pixels, which takes no room until it is decoded."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.fixture
def url(emptied_url: str) -> str:
    return emptied_url


@pytest.mark.parametrize(
    "content", [b"", b"garbage", bomb(), b"<svg onload='alert(1)'/>"], ids=range(4)
)
@pytest.mark.parametrize("kind", ["", "image/jpeg", "text/html", "no type\n\0"])
def test_whatever_is_stored_the_page_works_and_it_can_be_removed(
    store: Store, state: State, token: str, url: str, content: bytes, kind: str
) -> None:
    stored = StoredFile(content, name="../a\n# <b>`x`", type=kind)
    state.update(dict.fromkeys(("photo", "recording", "file"), stored))
    app = AppTest.from_string(SCRIPT, default_timeout=30)
    app.secrets["connections"] = {"pgstate": {"url": url}}
    pgstate.testing.visit(app, store, token)
    app.run()
    assert not app.exception
    assert app.text[0].value == str([len(content)] * 3)
    for _ in range(3):
        app.button[0].click().run()
        assert not app.exception
    assert app.text[0].value == "[None, None, None]"
