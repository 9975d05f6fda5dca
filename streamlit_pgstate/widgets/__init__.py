"""Widgets whose value a script cannot set: data editor, file uploader, camera and recorder.

Each function has the parameters of Streamlit's function of the same name. `key` is required: the
value is stored under it, and `pgstate.get(key)` returns it. To draw a widget in a container, use
`with`: `with st.sidebar: pgstate.file_uploader(…)`.
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
    """Draw `st.data_editor` with edits, added rows and deleted rows that survive a reload.

    Pass the same `data` in each run. The edits belong to this data and are not applied to other
    data, with two exceptions: rows may be added at its end, and the editor's own result may be
    passed as `data`. `pgstate.delete(key)` removes the edits. Call it when you have saved the
    result: the `data` of the next run then count as they are, whatever they equal.

    Args:
        *args: `data`: a DataFrame, or anything else that `st.data_editor` takes.
        **options: `key`, which is required, and the other parameters of `st.data_editor`.

    Returns:
        The edited data, in the format of `data`, as `st.data_editor` returns it.

    Raises:
        InvalidKey: `key` is missing or cannot be a key.
        TypeError: `st.data_editor` has no such parameter.
        LimitExceeded: the edits are too large to be stored, or the session would be.
        ConfigError: this package does not know the data editor of the installed Streamlit.
        NoSessionError: the call is not in the run of a Streamlit script.
        StoreUnavailable: PostgreSQL cannot be reached.

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
    """Draw `st.file_uploader` with files that survive a reload.

    The stored files are drawn below the uploader, each with a button that removes it.

    Args:
        *args: `label`, `type` and `accept_multiple_files`, as for `st.file_uploader`.
        **options: `key`, which is required, and the other parameters of `st.file_uploader`.

    Returns:
        A `StoredFile`, or None if there is none; a list if `accept_multiple_files` is set. The
        position of each file is at its start.

    Raises:
        InvalidKey: `key` is missing or cannot be a key.
        TypeError: `st.file_uploader` has no such parameter.
        LimitExceeded: all files together are larger than `max_value_bytes` (256 MiB), or the
            session would exceed a limit. The visitor can remove the files.
        NoSessionError: the call is not in the run of a Streamlit script.
        StoreUnavailable: PostgreSQL cannot be reached.

    Example:
        >>> file = pgstate.file_uploader("A table", type="csv", key="csv")  # doctest: +SKIP
        >>> if file is not None:  # doctest: +SKIP
        ...     frame = pd.read_csv(file)
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
    """Draw `st.camera_input` with a photo that survives a reload.

    The stored photo is drawn in place of the camera, until the visitor clears it.

    Args:
        *args: `label`, as for `st.camera_input`.
        **options: `key`, which is required, and the other parameters of `st.camera_input`.

    Returns:
        The photo as a `StoredFile`, or None if there is none.

    Raises:
        InvalidKey: `key` is missing or cannot be a key.
        TypeError: `st.camera_input` has no such parameter.
        LimitExceeded: the photo is larger than `max_value_bytes` (256 MiB), or the session would
            exceed a limit. The visitor can clear the photo.
        NoSessionError: the call is not in the run of a Streamlit script.
        StoreUnavailable: PostgreSQL cannot be reached.

    Example:
        >>> photo = pgstate.camera_input("A photo", key="photo")  # doctest: +SKIP
    """
    return uploads.draw_camera(Call(st.camera_input, args, options))


@overload
def audio_input(label: str, *, key: str, **options: Unpack[_AudioOptions]) -> StoredFile | None: ...
@overload
def audio_input(label: str, key: str, **options: Unpack[_AudioOptions]) -> StoredFile | None: ...
@verb
def audio_input(*args: Any, **options: Any) -> Any:
    """Draw `st.audio_input` with a recording that survives a reload.

    The stored recording is drawn below the recorder: a player, with a button that removes it.

    Args:
        *args: `label`, as for `st.audio_input`.
        **options: `key`, which is required, and the other parameters of `st.audio_input`.

    Returns:
        The recording as a `StoredFile`, or None if there is none.

    Raises:
        InvalidKey: `key` is missing or cannot be a key.
        TypeError: `st.audio_input` has no such parameter.
        LimitExceeded: the recording is larger than `max_value_bytes` (256 MiB), or the session
            would exceed a limit. The visitor can remove the recording.
        NoSessionError: the call is not in the run of a Streamlit script.
        StoreUnavailable: PostgreSQL cannot be reached.

    Example:
        >>> sound = pgstate.audio_input("A comment", key="sound")  # doctest: +SKIP
    """
    return uploads.draw_audio(Call(st.audio_input, args, options))
