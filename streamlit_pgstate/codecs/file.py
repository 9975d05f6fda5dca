"""Bytes, files in memory (`io.BytesIO`, `io.StringIO`), and files that a visitor uploaded."""

from __future__ import annotations

import io
from hashlib import sha256
from typing import Any

from . import plain, sections
from .limits import check_size
from .payload import Body, Codec, DamagedError, RefusedError

__all__ = ["CODECS", "StoredFile"]

_CLOSED = "a closed file, whose content is gone. Store it while it is open"


class StoredFile(io.BytesIO):
    """An uploaded file as `get` returns it: a file in memory that has a name and a type.

    It has all that the files of `st.file_uploader`, `st.camera_input` and `st.audio_input` have,
    except the link to the upload of the running session.

    Attributes:
        name: the name of the file, as the browser gave it.
        type: the MIME type.
        size: the size in bytes.
        file_id: depends only on content, name and type, so it stays the same after a reload.

    Example:
        >>> StoredFile(b"a,b", name="table.csv", type="text/csv").read()
        b'a,b'
    """

    def __init__(self, content: bytes = b"", *, name: str, type: str) -> None:
        """Make a file whose position is at its start."""
        super().__init__(content)
        self.name = name
        self.type = type

    @property
    def size(self) -> int:
        """The size of the file in bytes."""
        return len(self.getvalue())  # shares the bytes, where getbuffer() would copy them

    @property
    def file_id(self) -> str:
        """A hash of content, name and type, where `UploadedFile` has a random id.

        Takes 0.05 s for 100 MB.
        """
        sha = sha256(f"{self.name}\0{self.type}\0".encode("utf-8", "surrogatepass"))
        sha.update(self.getvalue())
        return sha.hexdigest()[:32]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r}, type={self.type!r}, size={self.size})"


def _dump_file(file: Any) -> bytes:
    if file.closed:
        raise RefusedError(_CLOSED)
    content = file.getvalue()
    check_size(len(content))
    return sections.join({"name": file.name, "type": file.type}, [content])


def _load_file(body: Body) -> StoredFile:
    header, (content,) = sections.split(body)
    name, type_ = header["name"], header["type"]
    if type(name) is not str or type(type_) is not str:
        raise DamagedError("a file without a valid name or type")
    return StoredFile(bytes(content), name=name, type=type_)


def _dump_bytes_io(file: io.BytesIO) -> bytes:
    content, position, attributes = _state(file)
    check_size(len(content))
    header = {"position": position, "attributes": attributes or {}}
    return sections.join(header, [content])


def _load_bytes_io(body: Body) -> io.BytesIO:
    header, (content,) = sections.split(body)
    file = io.BytesIO()
    file.__setstate__((bytes(content), header["position"], header["attributes"]))  # type: ignore[attr-defined]
    return file


def _dump_string_io(file: io.StringIO) -> bytes:
    text, newline, position, attributes = _state(file)
    header = {"newline": newline, "position": position, "attributes": attributes or {}}
    return sections.join(header, [plain.dump(text)])


def _load_string_io(body: Body) -> io.StringIO:
    header, (text,) = sections.split(body)
    file = io.StringIO()
    state = plain.load(text), header["newline"], header["position"], header["attributes"]
    file.__setstate__(state)  # type: ignore[attr-defined]
    return file


def _state(file: Any) -> Any:
    if file.closed:
        raise RefusedError(_CLOSED)
    return file.__getstate__()


CODECS = {
    "bytes": Codec(bytes, bytes),
    "file": Codec(_dump_file, _load_file),
    "io.BytesIO": Codec(_dump_bytes_io, _load_bytes_io),
    "io.StringIO": Codec(_dump_string_io, _load_string_io),
}
