"""Figures of plotly and altair."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from hypothesis import reject
from hypothesis import strategies as st
from libraries import alt, plotly

from strategies import frames, plain
from strategies.once import once


@once
def figures():
    return st.one_of(*([plotly_figures()] if plotly else []), *([altair_charts()] if alt else []))


# --- plotly -------------------------------------------------------------------------------

_ARRAYS = st.one_of(
    st.lists(st.one_of(st.integers(), st.floats(), st.none(), st.text(max_size=3)), max_size=4),
    st.lists(st.floats(), max_size=4).map(np.array),
    st.lists(st.integers(-100, 100), max_size=4).map(lambda found: np.array(found, "i2")),
    st.lists(st.dates() | st.datetimes(), max_size=3),
    st.lists(st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)), max_size=3).map(
        lambda days: np.array(days, "M8[D]")
    ),
    st.lists(st.text(max_size=3), max_size=3).map(lambda found: pd.Series(found, dtype=object)),
)
_TRACES = ("scatter", "bar", "scattergl", "histogram", "box", "scatter3d", "scatterpolar")


@once
def _trace_props():
    return st.fixed_dictionaries(
        {"type": st.sampled_from(_TRACES)},
        optional={
            "name": st.text(max_size=5),
            "customdata": _ARRAYS,
            "text": st.text(max_size=5),
            "meta": plain.plain_values(),
            "marker": st.fixed_dictionaries(
                {},
                optional={"opacity": st.floats(0, 1), "color": st.sampled_from(["red", "#123456"])},
            ),
            "visible": st.sampled_from([True, False, "legendonly"]),
        },
    )


@once
def _traces():
    return st.builds(_with_data, _trace_props(), _ARRAYS, _ARRAYS)


def _with_data(props, one, other):
    names = ("r", "theta") if props["type"] == "scatterpolar" else ("x", "y")
    return {**props, **dict(zip(names, (one, other), strict=True))}


@once
def _layouts():
    return st.fixed_dictionaries(
        {},
        optional={
            "title": st.fixed_dictionaries({"text": st.text(max_size=5)}),
            "xaxis2": st.fixed_dictionaries({}, optional={"visible": st.booleans()}),
            "polar": st.just({"angularaxis": {"direction": "clockwise"}}),
            "template": st.sampled_from(["none", "plotly_dark", "seaborn+gridon"]),
            "annotations": st.lists(
                st.fixed_dictionaries({"text": st.text(max_size=3)}), max_size=2
            ),
            "meta": plain.plain_values(),
        },
    )


@once
def plotly_figures():
    frame = st.builds(
        lambda data, layout, name: {"data": data, "layout": layout, "name": name},
        st.lists(_traces(), max_size=2),
        _layouts().map(lambda layout: {**layout, "template": None}),
        st.text(max_size=3),
    )
    return st.builds(
        _plotly_figure, st.lists(_traces(), max_size=3), _layouts(), st.lists(frame, max_size=2)
    )


def _plotly_figure(data, layout, frames):
    try:
        return plotly.graph_objects.Figure(data, layout, frames)
    except TypeError:  # plotly makes deep copies, which a mappingproxy does not allow
        reject()


# --- altair -------------------------------------------------------------------------------


def _can_be_printed(frame):
    """altair prints the data of charts that it puts together. pandas cannot print each frame: not
    one with a Decimal that is a signalling NaN, nor one whose column is named by a mappingproxy of
    a dict, which has no hash. What it raises then is no contract, so that any error counts."""
    try:
        return bool(str(frame))
    except Exception:  # noqa: BLE001 - pandas promises no kind of error
        return False


@once
def _data():
    return st.one_of(
        frames.frames().filter(_can_be_printed),
        st.sampled_from(["data.csv", {"values": [{"a": 1}]}]),
        st.builds(lambda values: alt.InlineData(values), st.just([{"a": None}])),
        st.just(alt.Undefined),
    )


@once
def _expressions():
    leaves = st.one_of(
        st.integers(), st.text(max_size=3), st.booleans(), st.none(), st.just(alt.datum.a)
    )
    return st.recursive(
        st.just(alt.datum["b"]),
        lambda inner: st.one_of(
            st.builds(lambda one, other: one + other, inner, leaves),
            st.builds(lambda one, other: (one > other) & True, inner, leaves),
            inner.map(alt.expr.sqrt),
        ),
        max_leaves=3,
    )


@once
def _encodings():
    fields = st.sampled_from(["a", "b:N", "count()", "mean(a):Q", "t:T"])
    channels = st.one_of(
        fields,
        st.builds(alt.X, fields, bin=st.booleans(), title=st.none() | st.text(max_size=3)),
        st.builds(alt.X, st.just("a:Q"), scale=st.builds(alt.Scale, zero=st.booleans())),
        st.builds(lambda found: alt.datum(found), st.integers() | st.text(max_size=3)),
    )
    return st.fixed_dictionaries({}, optional={"x": channels})


def _single(data, mark, encoding, expression, numbers):
    chart = getattr(alt.Chart(data, usermeta=numbers), f"mark_{mark}")()
    size = alt.param(value=1, bind=alt.binding_range(max=len(mark)))
    chart = chart.encode(**encoding).transform_calculate(c=expression + size)
    return chart.add_params(size)


@once
def altair_charts():
    single = st.builds(
        _single,
        _data(),
        st.sampled_from(["bar", "point", "line", "geoshape"]),
        _encodings(),
        _expressions(),
        plain.plain_values(),
    )
    together = st.lists(single, min_size=1, max_size=3)
    return st.one_of(
        single,
        single.map(lambda chart: chart.interactive()),
        together.map(lambda charts: alt.hconcat(*charts)),
        together.map(lambda charts: alt.vconcat(*charts)),
        together.map(lambda charts: alt.concat(*charts, columns=2)),
        together.map(lambda charts: alt.layer(*charts)),
        single.filter(lambda chart: chart.data is not alt.Undefined).map(
            lambda chart: chart.facet("b:N")
        ),
        single.map(lambda chart: chart.repeat(column=["a", "b"])),
    )
