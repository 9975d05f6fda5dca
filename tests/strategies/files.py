"""Files in memory, uploaded files and pictures."""

from __future__ import annotations

import io
from functools import cache

from hypothesis import strategies as st
from libraries import PIL

from strategies import plain
from strategies.once import once
from streamlit_pgstate.codecs.file import StoredFile

MODES = (
    *("1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB", "I", "F", "LA", "PA", "La"),
    *("RGBX", "RGBa", "I;16", "I;16B"),
)


@cache
@st.composite
def bytes_files(draw):
    file = io.BytesIO(draw(st.binary(max_size=100)))
    file.seek(draw(st.integers(0, 120)))
    if draw(st.booleans()):
        file.name = draw(plain.texts())
    return file


@cache
@st.composite
def text_files(draw):
    newline = draw(st.sampled_from([None, "", "\n", "\r", "\r\n"]))
    lines = st.lists(plain.texts() | st.sampled_from(["\n", "\r\n", "\r"]), max_size=4)
    file = io.StringIO("".join(draw(lines)), newline)
    file.read(draw(st.integers(0, 9)))
    return file


@once
def stored_files():
    return st.builds(StoredFile, st.binary(max_size=100), name=plain.texts(), type=plain.texts())


@cache
@st.composite
def images(draw):
    mode = draw(st.sampled_from(MODES))
    size = draw(st.tuples(st.integers(1, 9), st.integers(1, 4)))
    empty = PIL.Image.new(mode, size)
    length = len(empty.tobytes())
    image = PIL.Image.frombytes(mode, size, draw(st.binary(min_size=length, max_size=length)))
    if mode in ("P", "PA"):
        kind, width = draw(st.sampled_from([("RGB", 3), ("RGBA", 4)]))
        colours = draw(st.integers(1, 256)) * width
        image.putpalette(bytes(place % 251 for place in range(colours)), kind)
    image.info = draw(st.dictionaries(st.text(max_size=5), plain.leaves(), max_size=2))
    image.format = draw(st.sampled_from([None, "PNG"]))
    return image


@once
def files():
    found = [bytes_files(), text_files(), stored_files()]
    return st.one_of(*found, images()) if PIL else st.one_of(found)
