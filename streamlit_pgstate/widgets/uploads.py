"""File uploader, camera and recorder: their files are stored, and shown again after a reload.

A script cannot set the value of these widgets. So their files are stored as soon as they are
uploaded. After a reload the stored files are drawn beside Streamlit's widget, or in its place, each
with a control that removes it.
"""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import streamlit as st
from streamlit.errors import StreamlitAPIException

from streamlit_pgstate.codecs.file import StoredFile
from streamlit_pgstate.component import callback, page
from streamlit_pgstate.widgets.call import Call
from streamlit_pgstate.widgets.stored_widget import (
    StoredValue,
    StoredWidget,
    enter_run,
    store_changes,
)

_LOG: Final = logging.getLogger(__name__)

_AUDIO: Final = re.compile(r"audio/[a-z0-9][a-z0-9.+-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Upload:
    """One file in the memory of this process. The files that scripts get share its bytes."""

    name: str
    type: str
    content: bytes = field(repr=False)
    id: str = field(default_factory=lambda: secrets.token_hex(4))

    @classmethod
    def of(cls, file: Any) -> Upload:
        return cls(file.name, file.type, file.getvalue())

    def as_file(self) -> StoredFile:
        return StoredFile(self.content, name=self.name, type=self.type)


class Uploads(StoredWidget):
    """One uploader, camera or recorder, as one tab knows it."""

    def __init__(self, stored: StoredValue, *, is_multiple: bool) -> None:
        super().__init__(stored)
        self.is_multiple = is_multiple
        """Whether the script accepts several files."""
        found = stored.value if isinstance(stored.value, list) else [stored.value]
        files = [Upload.of(file) for file in found if isinstance(file, StoredFile)]
        self.kept = files if is_multiple else files[-1:]
        """Files from before Streamlit's present widget. This package draws them."""
        self.in_widget: list[Upload] = []
        """Files in Streamlit's widget, which draws them."""
        self.ids_in_widget: list[str] = []
        """Streamlit's ids of these files."""
        self.is_drawn = False
        """Whether Streamlit's present widget was drawn. A stored photo is drawn in its place."""

    @property
    def all(self) -> list[Upload]:
        return [*self.kept, *self.in_widget]

    @property
    def value(self) -> StoredFile | list[StoredFile] | None:
        files = [upload.as_file() for upload in self.all]
        if self.is_multiple:
            return files
        return files[-1] if files else None

    @property
    def value_to_store(self) -> StoredFile | list[StoredFile] | None:
        return self.value or None

    @property
    def has_input(self) -> bool:
        return bool(self.in_widget)

    def restart_widget(self) -> None:
        self.kept, self.in_widget, self.ids_in_widget = self.all, [], []
        self.widget_key, self.is_drawn = self._new_widget_key(), False

    def set_multiple(self, is_multiple: bool) -> None:
        """Follow a script that now accepts several files, or only one. One is the last file."""
        self.restart_widget()
        self.is_multiple = is_multiple
        if not is_multiple:
            self.kept = self.kept[-1:]

    def collect_changes(self) -> bool:
        return self._collect_uploads() | self._collect_removals()

    def _collect_uploads(self) -> bool:
        if self.widget_key not in st.session_state:
            return False
        held = st.session_state[self.widget_key]
        held = held if isinstance(held, list) else [held]
        files = [file for file in held if hasattr(file, "getvalue")]
        ids = [file.file_id for file in files]
        if ids == self.ids_in_widget:
            return False
        known = dict(zip(self.ids_in_widget, self.in_widget, strict=True))
        self.in_widget = [known.get(file.file_id) or Upload.of(file) for file in files]
        self.ids_in_widget = ids
        if self.in_widget and not self.is_multiple:
            self.kept = []
        return True

    def _collect_removals(self) -> bool:
        """Remove the files whose checkbox was ticked in a form. Forms allow no buttons."""
        ticked = [upload for upload in self.kept if st.session_state.get(self.remove_key(upload))]
        self.kept = [upload for upload in self.kept if upload not in ticked]
        return bool(ticked)

    def remove_key(self, upload: Upload) -> str:
        """The key of the button or checkbox that removes a kept file."""
        return f"{self.widget_key}-remove-{upload.id}"

    def remove(self, upload: Upload) -> None:
        self.kept = [other for other in self.kept if other.id != upload.id]
        self.store()


def draw_uploader(call: Call) -> Any:
    """Draw a file uploader with the kept files below it; return all files."""
    uploads = _current(call, is_multiple=bool(call.arguments.get("accept_multiple_files")))
    with _container(call):
        _draw_widget(call, uploads)
        for upload in uploads.kept:
            with _row(gap="small" if call.is_in_form else None):
                _describe(upload)
                _draw_remove(call, uploads, upload)
    uploads.finish()
    return uploads.value


def draw_audio(call: Call) -> Any:
    """Draw a recorder with a player for the kept recording below it; return the recording."""
    uploads = _current(call, is_multiple=False)
    with _container(call, gap="small"):
        _draw_widget(call, uploads)
        for upload in uploads.kept:
            with _row(gap="small"):
                st.audio(upload.content, format=_audio_type(upload.type))
                _draw_remove(call, uploads, upload)
    uploads.finish()
    return uploads.value


def draw_camera(call: Call) -> Any:
    """Draw the kept photo, or the camera if there is none; return the photo."""
    uploads = _current(call, is_multiple=False)
    with _container(call):
        if uploads.kept:
            _draw_photo(call, uploads, uploads.kept[-1])
        else:
            _draw_widget(call, uploads)
    uploads.finish()
    return uploads.value


def _current(call: Call, *, is_multiple: bool) -> Uploads:
    """The tab's widget; read from the state if the tab has none that is up to date."""
    tab = enter_run()
    uploads = Uploads.resume(call.key, tab)
    if uploads is None or uploads.is_outdated(tab):
        return Uploads(StoredValue.read(call.key, tab), is_multiple=is_multiple).remember()
    if uploads.is_multiple != is_multiple:
        uploads.set_multiple(is_multiple)
    elif uploads.is_drawn and not uploads.is_intact():
        uploads.restart_widget()
    return uploads


def _remove(call: Call, upload: Upload) -> None:
    """The callback of a button that removes a kept file."""
    uploads = Uploads.find(call.key)
    if uploads is not None:
        uploads.remove(upload)
    call.call_back()


# Drawing


def _container(call: Call, gap: Literal["small"] | None = None) -> Any:
    """A container with the width of the widget. It has the script's key, for the script's CSS."""
    width = call.arguments.get("width", "stretch")
    call.arguments["width"] = "stretch"
    return st.container(key=call.key, width=width, gap=gap)


def _row(gap: Literal["small"] | None) -> Any:
    return st.container(horizontal=True, vertical_alignment="center", gap=gap)


def _draw_widget(call: Call, uploads: Uploads) -> None:
    uploads.draw(call)
    uploads.is_drawn = True


def _draw_remove(call: Call, uploads: Uploads, upload: Upload, label: str = "") -> None:
    """Draw a button that removes a kept file; in a form, which allows no buttons, a checkbox."""
    key, is_disabled = uploads.remove_key(upload), bool(call.arguments.get("disabled"))
    # If Streamlit's widget is not drawn, only the error of the button shows that this is a form.
    if not call.is_in_form:
        with contextlib.suppress(StreamlitAPIException):
            st.button(
                label or ":material/close:",
                key=key,
                icon=":material/close:" if label else None,
                help=None if label else f"Remove {page.plain_markdown(upload.name)}",
                type="secondary" if label else "tertiary",
                on_click=_remove,
                args=(call, upload),
                disabled=is_disabled,
                width="stretch" if label else "content",
            )
            return
    st.checkbox(label or "Remove", key=key, disabled=is_disabled, width="content")
    callback.attach(key, lambda: store_changes(call.key))


def _describe(upload: Upload) -> None:
    name, size = page.plain_markdown(upload.name), _size(len(upload.content))
    st.markdown(f":small[:material/draft: {name} :gray[{size}]]", width="content")


def _draw_photo(call: Call, uploads: Uploads, upload: Upload) -> None:
    if call.arguments.get("label_visibility", "visible") != "collapsed":
        st.markdown(f":small[{call.arguments['label']}]", help=call.arguments.get("help"))
    try:
        st.image(upload.content, width="stretch")
    except Exception as error:  # noqa: BLE001 - a browser may send anything as its photo
        _LOG.warning("camera_input(key=%r): no image (%s)", call.key, type(error).__name__)
        st.caption("This photo cannot be shown.")
    _draw_remove(call, uploads, upload, "Clear photo")


def _audio_type(kind: str) -> str:
    """The type under which the server may send a recording. The browser has said its type.

    The server sends it from the app's own address. As `text/html` it would be a page there, with
    scripts that read the token of whoever opens its link.
    """
    found = _AUDIO.match(kind)
    return found[0] if found else "audio/wav"


def _size(size: float) -> str:
    """A size in bytes as text, in the format of Streamlit's uploader."""
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.1f}{unit}"
        size /= 1024
    return f"{size:.1f}GB"
