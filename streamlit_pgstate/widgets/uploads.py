"""Files that a visitor has uploaded, photographed or recorded, which last.

Streamlit lets nobody set these widgets. So what they hold is stored as soon as it is there; after
a reload it is shown beside the widget, or in its place, with a way to remove it.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import streamlit as st
from streamlit.errors import StreamlitAPIException

from streamlit_pgstate.codecs.file import StoredFile
from streamlit_pgstate.component import callback, page
from streamlit_pgstate.errors import DecodeError
from streamlit_pgstate.page import tab as _tab
from streamlit_pgstate.page.tab import Tab
from streamlit_pgstate.state.mapping import State
from streamlit_pgstate.widgets.call import Call
from streamlit_pgstate.widgets.known import Known, changed

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Upload:
    """One file, as this process holds it; what scripts get shares its bytes."""

    name: str
    type: str
    content: bytes = field(repr=False)
    id: str = field(default_factory=lambda: secrets.token_hex(4))

    @classmethod
    def of(cls, file: Any) -> Upload:
        return cls(file.name, file.type, file.getvalue())

    def as_file(self) -> StoredFile:
        return StoredFile(self.content, name=self.name, type=self.type)


@dataclass(slots=True, kw_only=True)
class Uploads(Known):
    """What one tab knows of one of these widgets."""

    is_multiple: bool
    kept: list[Upload]
    """Stored before, and not in Streamlit's widget."""
    live: list[Upload] = field(default_factory=list)
    """In Streamlit's widget."""
    live_ids: list[str] = field(default_factory=list)
    is_drawn: bool = False
    """Whether Streamlit's widget was drawn since it began: a stored photo stands in its place."""

    def __post_init__(self) -> None:
        self.widget_key = self.new_widget_key()

    @property
    def all(self) -> list[Upload]:
        return [*self.kept, *self.live]

    @property
    def value(self) -> StoredFile | list[StoredFile] | None:
        files = [upload.as_file() for upload in self.all]
        if self.is_multiple:
            return files
        return files[-1] if files else None

    @property
    def entry(self) -> StoredFile | list[StoredFile] | None:
        return self.value or None

    @property
    def is_filled(self) -> bool:
        return bool(self.live)

    def begin_anew(self) -> None:
        self.kept, self.live, self.live_ids = self.all, [], []
        self.widget_key, self.is_drawn = self.new_widget_key(), False

    def accept(self, *, several: bool) -> None:
        """The script has begun to take several files, or one only: the last."""
        self.begin_anew()
        self.is_multiple = several
        if not several:
            self.kept = self.kept[-1:]

    def notice(self) -> bool:
        return self._notice_live() | self._notice_removals()

    def _notice_live(self) -> bool:
        if self.widget_key not in st.session_state:
            return False
        held = st.session_state[self.widget_key]
        held = held if isinstance(held, list) else [held]
        files = [file for file in held if hasattr(file, "getvalue")]
        ids = [file.file_id for file in files]
        if ids == self.live_ids:
            return False
        known = dict(zip(self.live_ids, self.live, strict=True))
        self.live = [known.get(file.file_id) or Upload.of(file) for file in files]
        self.live_ids = ids
        if self.live and not self.is_multiple:
            self.kept = []
        return True

    def _notice_removals(self) -> bool:
        """What was ticked in a form, which allows no buttons, before it was sent."""
        ticked = [upload for upload in self.kept if st.session_state.get(self.remover(upload))]
        self.kept = [upload for upload in self.kept if upload not in ticked]
        return bool(ticked)

    def remover(self, upload: Upload) -> str:
        """The key of what removes a stored file."""
        return f"{self.widget_key}-remove-{upload.id}"

    def remove(self, upload: Upload) -> None:
        self.kept = [other for other in self.kept if other.id != upload.id]
        self.store()


def draw_uploader(call: Call) -> Any:
    """Draw a file uploader, the stored files below it; return all files."""
    uploads = _current(call, is_multiple=bool(call.arguments.get("accept_multiple_files")))
    with _frame(call):
        _draw_widget(call, uploads)
        for upload in uploads.kept:
            with _row(gap="small" if call.is_in_form else None):
                _describe(upload)
                _draw_remover(call, uploads, upload)
    return _result(uploads)


def draw_audio(call: Call) -> Any:
    """Draw a recorder, a player for the stored recording below it; return the recording."""
    uploads = _current(call, is_multiple=False)
    with _frame(call, gap="small"):
        _draw_widget(call, uploads)
        for upload in uploads.kept:
            with _row(gap="small"):
                st.audio(upload.content, format=upload.type)
                _draw_remover(call, uploads, upload)
    return _result(uploads)


def draw_camera(call: Call) -> Any:
    """Draw the stored photo, or the camera where there is none; return the photo."""
    uploads = _current(call, is_multiple=False)
    with _frame(call):
        if uploads.kept:
            _draw_photo(call, uploads, uploads.kept[-1])
        else:
            _draw_widget(call, uploads)
    return _result(uploads)


def _current(call: Call, *, is_multiple: bool) -> Uploads:
    """What the tab knows of the widget; begun anew where that no longer holds."""
    tab = _tab.current()
    tab.notice_reconnect()
    uploads = Uploads.find(call.key, tab)
    if uploads is None or uploads.is_outdated(tab.browser.session):
        return _read(call.key, tab, is_multiple=is_multiple).keep()
    if uploads.is_multiple != is_multiple:
        uploads.accept(several=is_multiple)
    elif uploads.is_drawn and not uploads.is_on_the_page():
        uploads.begin_anew()
    return uploads


def _read(key: str, tab: Tab, *, is_multiple: bool) -> Uploads:
    """What is stored."""
    version = tab.browser.session.version_of(key)
    files = tab.browser.call(lambda state: _stored(key, state))
    return Uploads(
        key=key,
        state_id=tab.browser.session.id,
        version=version,
        is_multiple=is_multiple,
        kept=files if is_multiple else files[-1:],
    )


def _stored(key: str, state: State) -> list[Upload]:
    try:
        found = state.get(key)
    except DecodeError as error:
        _LOG.warning("%s", error)
        return []
    files = found if isinstance(found, list) else [found]
    return [Upload.of(file) for file in files if isinstance(file, StoredFile)]


def _removed(call: Call, upload: Upload) -> None:
    uploads = Uploads.known(call.key)
    if uploads is not None:
        uploads.remove(upload)
    call.call_back()


def _result(uploads: Uploads) -> Any:
    if uploads.failure is not None:
        raise uploads.failure
    uploads.mirror()
    return uploads.value


# What is drawn


def _frame(call: Call, gap: Literal["small"] | None = None) -> Any:
    """A container under the script's own key, for its CSS, as wide as the widget."""
    width = call.arguments.get("width", "stretch")
    call.arguments["width"] = "stretch"
    return st.container(key=call.key, width=width, gap=gap)


def _row(gap: Literal["small"] | None) -> Any:
    return st.container(horizontal=True, vertical_alignment="center", gap=gap)


def _draw_widget(call: Call, uploads: Uploads) -> None:
    call.draw(uploads.widget_key, lambda: changed(call.key))
    uploads.is_drawn = True


def _draw_remover(call: Call, uploads: Uploads, upload: Upload, label: str = "") -> None:
    """A button, but in forms, which allow none: a box to be ticked."""
    key, is_disabled = uploads.remover(upload), bool(call.arguments.get("disabled"))
    # Where Streamlit's widget is not drawn, only the button itself says that this is a form.
    if not call.is_in_form:
        with contextlib.suppress(StreamlitAPIException):
            st.button(
                label or ":material/close:",
                key=key,
                icon=":material/close:" if label else None,
                help=None if label else f"Remove {page.plain_markdown(upload.name)}",
                type="secondary" if label else "tertiary",
                on_click=_removed,
                args=(call, upload),
                disabled=is_disabled,
                width="stretch" if label else "content",
            )
            return
    st.checkbox(label or "Remove", key=key, disabled=is_disabled, width="content")
    callback.attach(key, lambda: changed(call.key))


def _describe(upload: Upload) -> None:
    name, size = page.plain_markdown(upload.name), _size(len(upload.content))
    st.markdown(f":small[:material/draft: {name} :gray[{size}]]", width="content")


def _draw_photo(call: Call, uploads: Uploads, upload: Upload) -> None:
    if call.arguments.get("label_visibility", "visible") != "collapsed":
        st.markdown(f":small[{call.arguments['label']}]", help=call.arguments.get("help"))
    st.image(upload.content, width="stretch")
    _draw_remover(call, uploads, upload, "Clear photo")


def _size(size: float) -> str:
    """As Streamlit's uploader shows it."""
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.1f}{unit}"
        size /= 1024
    return f"{size:.1f}GB"
