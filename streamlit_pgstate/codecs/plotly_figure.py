"""plotly figures: traces, layout and frames as plotly holds them, and the grid of subplots.

What plotly holds is JSON with arrays in it. It is given back to plotly as it is, and not
validated anew: that would take a hundred times as long, and change it where plotly's versions
differ.
"""

from __future__ import annotations

import re
from typing import Any

from . import bundle, sections
from .payload import Body, Codec, DamagedError, RefusedError, UnreadableError

__all__ = ["CODECS"]

# Each takes 0.2 ms to make, however little of it is stored.
_MOST_TRACES = 10_000

# The properties of a layout that plotly takes for known only once they were set: "xaxis2".
_SUBPLOT = re.compile(r"[a-z]{2,20}[1-9][0-9]{0,4}")

Props = dict[str, Any]


def _dump(figure: Any) -> bytes:
    _check(figure)
    content: Props = {
        "data": figure._data,
        "layout": figure._layout,
        "frames": [frame._props for frame in figure._frame_objs],
        "subplots": sorted(figure._layout_obj._subplotid_props),  # which may hold nothing yet
    }
    if figure._grid_ref is not None or figure._grid_str is not None:
        content["grid"] = {"text": figure._grid_str, "cells": _grid(figure._grid_ref)}
    kind, text = bundle.write(content)
    return sections.join({"content": kind, "express": hasattr(figure, "_px_trendlines")}, [text])


def _check(figure: Any) -> None:
    # A list if plotly express has drawn no trend line, else a frame.
    if len(getattr(figure, "_px_trendlines", ())):
        raise RefusedError(
            "a figure with the models that px.get_trendline_results returns, which cannot be kept. "
            "Keep plotly.graph_objects.Figure(figure) instead, which is the figure without them"
        )
    if any(part._change_callbacks for part in (*figure._data_objs, figure._layout_obj)):
        raise RefusedError(
            "a figure with functions that on_change has added, which cannot be kept. "
            "Keep plotly.graph_objects.Figure(figure) instead, which is the figure without them"
        )
    if _count(figure._data, [frame._props for frame in figure._frame_objs]) > _MOST_TRACES:
        raise RefusedError(
            f"a figure of over {_MOST_TRACES:,} traces. Keep the data that it shows instead"
        )


def _count(data: list[Any], frames: list[Props]) -> int:
    return len(data) + sum(1 + len(frame.get("data", ())) for frame in frames)


def _grid(cells: Any) -> Any:
    """Return the grid of subplots without plotly's own class of tuples."""
    if cells is None:
        return None
    return [[None if cell is None else list(map(list, cell)) for cell in row] for row in cells]


def _load(body: Body) -> Any:
    go = _plotly()
    header, (text,) = sections.split(body)
    content = bundle.read(header["content"], text)
    data, layout, frames = content["data"], content["layout"], content["frames"]
    if type(layout) is not dict or not all(type(part) is dict for part in (*data, *frames)):
        raise DamagedError("a figure whose parts are not dicts")
    if _count(data, frames) > _MOST_TRACES:
        raise DamagedError("a figure of very many traces")
    figure = _bare(go, data, layout, frames, content["subplots"])
    for place, props in enumerate(data):
        _fill(figure._data[place], props)
    _fill(figure._layout, layout)
    for frame, props in zip(figure._frame_objs, frames, strict=True):
        _fill(frame._props, props)
    if "grid" in content:
        figure._grid_str = content["grid"]["text"]
        figure._grid_ref = _load_grid(content["grid"]["cells"])
    if header["express"]:
        figure._px_trendlines = []
    return figure


def _bare(
    go: Any, data: list[Props], layout: Props, frames: list[Props], subplots: list[str]
) -> Any:
    """Make a figure with the same parts, of the same classes, that hold nothing yet."""
    try:
        bare = [{"data": _types(frame.get("data", []))} for frame in frames]
        figure = go.Figure(_types(data), _named(subplots), bare)
        # The default template of this process is not that of the figure.
        figure._layout_obj._compound_props.pop("template", None)
        template = layout.get("template")
        if type(template) is dict and (inner := _subplots(template.get("layout"))):
            figure._layout_obj.template = {"layout": _named(inner)}
        for frame, props in zip(figure._frame_objs, frames, strict=True):
            if inner := _subplots(props.get("layout")):
                frame.layout = _named(inner)
    except ValueError as cause:
        if isinstance(cause, DamagedError):
            raise
        raise UnreadableError(
            "and has a trace or a subplot that this version of plotly does not have. "
            "Run pip install -U plotly"
        ) from None
    return figure


def _types(data: list[Props]) -> list[Props]:
    types = [trace["type"] for trace in data]
    if any(type(name) is not str for name in types):
        raise DamagedError("a trace of no type")
    return [{"type": name} for name in types]


def _subplots(layout: Any) -> list[str]:
    return [name for name in layout if _SUBPLOT.fullmatch(name)] if type(layout) is dict else []


def _named(subplots: list[str]) -> Props:
    if not all(map(_SUBPLOT.fullmatch, subplots)):
        raise DamagedError("a subplot of no name")
    return {name: {} for name in subplots}


def _fill(held: Props, props: Props) -> None:
    held.clear()
    held.update(props)


def _load_grid(cells: Any) -> Any:
    if cells is None:
        return None
    return [[None if cell is None else tuple(map(_cell, cell)) for cell in row] for row in cells]


def _cell(parts: Any) -> Any:
    from plotly._subplots import SubplotRef

    kind, keys, arguments = parts
    return SubplotRef(kind, keys, arguments)


def _plotly() -> Any:
    try:
        import plotly.graph_objects as go
    except ImportError:
        raise UnreadableError("and needs plotly: pip install plotly") from None
    return go


CODECS = {"plotly.figure": Codec(_dump, _load)}
