"""The widgets that Streamlit lets nobody set, with values that last: one function for each.

The same calls as Streamlit's own, with a `key`; under it the value is kept, and `pgstate.get(key)`
has it too. To place one, use `with`: `with st.sidebar: pgstate.file_uploader(…)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypedDict, TypeVar, Unpack, overload

import pandas as pd
import streamlit as st

from streamlit_pgstate.codecs.file import StoredFile
from streamlit_pgstate.page.outage import verb
from streamlit_pgstate.widgets import editor, uploads
from streamlit_pgstate.widgets.call import Call

__all__ = ["audio_input", "camera_input", "data_editor", "file_uploader"]

_T = TypeVar("_T")
_D = TypeVar("_D")


class _Callback(TypedDict, total=False):
    on_change: Callable[..., Any] | Literal["rerun", "ignore"] | None
    args: Sequence[Any] | None
    kwargs: Mapping[str, Any] | None


class _EditorOptions(_Callback, total=False):
    width: Literal["stretch", "content"] | int
    height: Literal["auto", "stretch", "content"] | int
    use_container_width: bool | None
    hide_index: bool | None
    column_order: Iterable[str] | None
    column_config: Mapping[Any, Any] | None
    num_rows: Literal["fixed", "dynamic", "add", "delete"]
    disabled: bool | Iterable[str | int]
    row_height: int | None
    placeholder: str | None
    alt: str | None


class _InputOptions(_Callback, total=False):
    help: str | None
    disabled: bool
    label_visibility: Literal["visible", "hidden", "collapsed"]
    width: Literal["stretch"] | int


class _UploaderOptions(_InputOptions, total=False):
    max_upload_size: int | None


class _CameraOptions(_InputOptions, total=False):
    resolution: Any


class _AudioOptions(_InputOptions, total=False):
    sample_rate: int | None


_Types = str | Sequence[str] | None


@overload
def data_editor(data: list[_T], *, key: str, **options: Unpack[_EditorOptions]) -> list[_T]: ...
@overload
def data_editor(
    data: dict[str, _T], *, key: str, **options: Unpack[_EditorOptions]
) -> dict[str, _T]: ...
@overload
def data_editor(data: set[_T], *, key: str, **options: Unpack[_EditorOptions]) -> set[_T]: ...
@overload
def data_editor(
    data: pd.DataFrame, *, key: str, **options: Unpack[_EditorOptions]
) -> pd.DataFrame: ...
@overload
def data_editor(data: _D, *, key: str, **options: Unpack[_EditorOptions]) -> _D: ...
@verb
def data_editor(*args: Any, **options: Any) -> Any:
    """`st.data_editor` with edits, added and deleted rows that survive a reload.

    Give it the same `data` in each run: the edits are kept for that, and are not applied to any
    other; nor is its own result another. With `pgstate.delete(key)` the editor begins anew.

    Args:
        *args: `data`, as for `st.data_editor`.
        **options: as for `st.data_editor`; `key` is needed.

    Returns:
        The edited data, in the type in which it was given, as `st.data_editor` does.

    Example:
        >>> table = pgstate.data_editor(frame, key="table", num_rows="dynamic")  # doctest: +SKIP
    """
    return editor.draw(Call(st.data_editor, args, options))


@overload
def file_uploader(
    label: str,
    type: _Types = None,
    accept_multiple_files: Literal[False] = False,
    *,
    key: str,
    **options: Unpack[_UploaderOptions],
) -> StoredFile | None: ...
@overload
def file_uploader(
    label: str,
    type: _Types,
    accept_multiple_files: Literal[True, "directory"],
    *,
    key: str,
    **options: Unpack[_UploaderOptions],
) -> list[StoredFile]: ...
@overload
def file_uploader(
    label: str,
    *,
    accept_multiple_files: Literal[True, "directory"],
    key: str,
    type: _Types = None,
    **options: Unpack[_UploaderOptions],
) -> list[StoredFile]: ...
@verb
def file_uploader(*args: Any, **options: Any) -> Any:
    """`st.file_uploader` with files that survive a reload, shown below it until removed.

    A file may be of up to `max_value_bytes` (256 MiB); of several, all together.

    Args:
        *args: `label`, `type`, `accept_multiple_files`, as for `st.file_uploader`.
        **options: as for `st.file_uploader`; `key` is needed.

    Returns:
        A file, or None; a list where it accepts several. Each is read from its start.

    Example:
        >>> file = pgstate.file_uploader("A table", type="csv", key="csv")  # doctest: +SKIP
    """
    return uploads.draw_uploader(Call(st.file_uploader, args, options))


@overload
def camera_input(
    label: str, *, key: str, **options: Unpack[_CameraOptions]
) -> StoredFile | None: ...
@overload
def camera_input(label: str, key: str, **options: Unpack[_CameraOptions]) -> StoredFile | None: ...
@verb
def camera_input(*args: Any, **options: Any) -> Any:
    """`st.camera_input` with a photo that survives a reload, shown in its place until cleared.

    Args:
        *args: `label`, as for `st.camera_input`.
        **options: as for `st.camera_input`; `key` is needed.

    Returns:
        The photo, a file; None while there is none.
    """
    return uploads.draw_camera(Call(st.camera_input, args, options))


@overload
def audio_input(label: str, *, key: str, **options: Unpack[_AudioOptions]) -> StoredFile | None: ...
@overload
def audio_input(label: str, key: str, **options: Unpack[_AudioOptions]) -> StoredFile | None: ...
@verb
def audio_input(*args: Any, **options: Any) -> Any:
    """`st.audio_input` with a recording that survives a reload, with a player until removed.

    Args:
        *args: `label`, as for `st.audio_input`.
        **options: as for `st.audio_input`; `key` is needed.

    Returns:
        The recording, a file; None while there is none.
    """
    return uploads.draw_audio(Call(st.audio_input, args, options))
