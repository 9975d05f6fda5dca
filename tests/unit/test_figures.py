"""Figures of plotly and altair come back as they were; those of matplotlib are told what to do."""

from __future__ import annotations

import datetime as dt
from importlib import import_module

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fingerprint import fingerprint
from hypothesis import given
from libraries import alt, gpd, only_with, pl, plotly, shapely
from own_types import Point
from strategies import figures

from streamlit_pgstate.codecs import Payload, bundle, decode, encode, sections
from streamlit_pgstate.errors import DecodeError, UnsupportedType

FRAME = pd.DataFrame(
    {"a": [1, 2, 3], "b": list("xyx"), "t": pd.date_range("2026", periods=3)}, index=[5, 6, 9]
)
FRAME.attrs = {"source": "here"}


def again(value):
    return decode(encode(value, key="k"), key="k")


# --- the values ---------------------------------------------------------------------------


def plotly_figures():
    go, express = plotly.graph_objects, plotly.express
    grid = plotly.subplots.make_subplots(
        rows=2,
        cols=2,
        specs=[[{"secondary_y": True}, {"type": "polar"}], [{"colspan": 2}, None]],
        subplot_titles=["one", "two", "three"],
    )
    grid.add_trace(go.Bar(x=["a"], y=np.array([2.5])), row=1, col=1)
    grid.add_trace(go.Scatter(x=[1], y=[2]), row=1, col=1, secondary_y=True)
    grid.add_hline(y=2, row=1, col=1)
    grid.add_trace(go.Scatterpolar(r=[1], theta=[2]), row=1, col=2)
    bare = go.Figure(go.Scatter(x=[1]))
    bare.layout.template = None
    named = go.Figure(layout_template="plotly_dark+presentation")
    several = go.layout.Template(layout={"xaxis2": {"title": "x"}}, data_bar=[{"name": "n"}] * 2)
    times = [dt.datetime(2026, 1, 1, 1, 2, 3, 4), dt.date(2026, 1, 2), pd.Timestamp(0), None]
    unknown = go.Figure({"data": [{"type": "bar", "y": [1], "new": {"a": 1}}]}, _validate=False)
    unknown._validate = True
    return {
        "figure, empty": go.Figure(),
        "figure": go.Figure(go.Scatter(x=[1, 2.5], y=(3, None), mode="lines"), {"title": "ä"}),
        "figure of arrays": go.Figure(
            [
                go.Scatter(x=np.arange(3), y=np.arange(3, dtype="f4")[::-1], text=np.array(["a"])),
                go.Heatmap(z=np.eye(2), x=np.array(["2026-01-01", "NaT"], "M8[D]")),
                go.Bar(x=FRAME["t"], y=FRAME["a"], customdata=FRAME[["a", "b"]]),
            ]
        ),
        "figure of times": go.Figure(go.Scatter(x=times, y=np.array(times, object))),
        "figure of typed arrays": go.Figure(
            {"data": [{"type": "scatter", "y": {"bdata": "AQID", "dtype": "i1", "shape": "3"}}]}
        ),
        "figure of three dimensions": go.Figure(go.Surface(z=np.ones((2, 3)))),
        "figure with meta": go.Figure(layout={"meta": {"a": [1, {"b": (None, 2)}]}}),
        "figure with annotations": go.Figure(layout={"annotations": [{"text": "a"}, {"x": 1}]}),
        "figure with frames": go.Figure(
            [go.Bar(y=[1])],
            frames=[
                {"data": [{"type": "bar", "y": np.array([i])}], "name": str(i), "traces": [0]}
                for i in range(3)
            ]
            + [{"layout": {"xaxis2": {"title": "x"}}}],
        ),
        "figure without a template": bare,
        "figure of two templates": named,
        "figure with a template of one's own": go.Figure(layout_template=several),
        "figure that plotly does not validate": unknown,
        "subplots": grid,
        "px, a scatter": express.scatter(FRAME, x="a", y="t", color="b", facet_col="b"),
        "px, in frames": express.bar(FRAME, x="b", y="a", animation_frame="b"),
        "px, a sunburst": express.sunburst(FRAME, path=["b", "a"]),
    }  # fmt: skip


def altair_charts():
    brush = alt.selection_interval(encodings=["x"], name="brush")
    size = alt.param(value=3, bind=alt.binding_range(min=0, max=10), name="size")
    chart = (
        alt.Chart(FRAME, title=alt.Title("ä", subtitle=["b"]))
        .mark_bar(opacity=size, tooltip=True)
        .encode(
            x=alt.X("a", bin=True),
            y=alt.Y("t", scale=alt.Scale(zero=False), axis=None),
            color=alt.condition(brush, "b:N", alt.value("grey")),
            order=alt.Order("a:Q", sort="descending"),
        )
        .add_params(brush, size)
        .transform_filter((alt.datum.a > size) & (alt.datum["b"] != "z"))
        .transform_calculate(c=alt.expr.sqrt(alt.datum.a) + 1)
        .properties(width=100)
    )
    line = alt.Chart("data.csv").mark_line().encode(x="a:Q", detail=["b:N", "c:N"])
    point = alt.Chart(FRAME).mark_point()
    zoned = FRAME.assign(
        z=FRAME["t"].dt.tz_localize("Europe/Berlin"), c=FRAME["b"].astype("category")
    )
    days = alt.Scale(domain=[alt.DateTime(year=2026), dt.date(2026, 1, 2)])
    found = {
        "chart": chart,
        "chart of an address": line,
        "chart of a format": alt.Chart(alt.UrlData("a", format=alt.CsvDataFormat())).mark_bar(),
        "chart of values": alt.Chart({"values": [{"a": 1}]}).mark_rule().encode(x="a:Q"),
        "chart of inline values": alt.Chart(alt.InlineData([{"a": 1}, {"a": None}])).mark_area(),
        "chart of a name": alt.Chart(alt.NamedData("n")).mark_area(),
        "chart of nothing": alt.Chart().mark_rule().encode(x=alt.datum(5), y=alt.value(3)),
        "chart of a sphere": alt.Chart(alt.sphere()).mark_geoshape().project("mercator"),
        "chart of a topology": alt.Chart(alt.topo_feature("a.json", "b")).mark_geoshape(),
        "chart of a table": alt.Chart(pa.table({"a": [1]})).mark_point().encode(x="a"),
        "chart of zones and categories": alt.Chart(zoned).mark_point().encode(x="z", color="c"),
        "chart with days": point.encode(x=alt.X("t", scale=days)),
        "chart with a look-up": line.transform_lookup("a", alt.LookupData(FRAME, "a", ["t"])),
        "chart with tuples": alt.Chart(usermeta={"a": (1, ()), "$class": {"b": ()}}).mark_bar(),
        "chart with settings": point.configure_axis(grid=False).interactive(),
        "chart in facets": point.encode(x="a", facet=alt.Facet("b", columns=1)),
        "layers": alt.layer(chart, chart.mark_line(), data=FRAME).resolve_scale(y="independent"),
        "charts side by side": chart | line,
        "charts above each other": chart & line,
        "charts in columns": alt.concat(line, point, columns=1),
        "facets": point.encode(x="a").facet("b:N"),
        "repeated": point.encode(alt.X(alt.repeat("column"), type="quantitative")).repeat(
            column=["a", "t"]
        ),
        "charts in charts": (line + line) | (point & line),
        "chart of JSON": alt.Chart.from_dict(line.to_dict()),
    }  # fmt: skip
    if hasattr(alt, "when"):
        coloured = alt.when(brush).then("b:N").otherwise(alt.value("grey"))
        found["chart with a condition"] = point.encode(x="a", color=coloured).add_params(brush)
        found["chart with an open condition"] = point.encode(color=alt.when(brush).then("b:N"))
    if pl:
        found["chart of polars"] = alt.Chart(pl.DataFrame({"a": [1]})).mark_point().encode(x="a")
    if gpd:
        places = gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(1, 2)], crs=4326)
        found["chart of places"] = alt.Chart(places).mark_geoshape()
    return found


FIGURES = {
    **(plotly_figures() if plotly else {}),
    **(altair_charts() if alt else {}),
}


# --- tests --------------------------------------------------------------------------------


@only_with(FIGURES)
@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_a_figure_comes_back_as_it_was(figure):
    before = fingerprint(figure)
    found = again(figure)
    assert type(found) is type(figure)
    assert fingerprint(found) == before == fingerprint(figure)
    assert fingerprint(found.to_dict()) == fingerprint(figure.to_dict())
    assert found.to_json() == figure.to_json()  # the order, too


@only_with(FIGURES)
@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_a_figure_comes_back_in_containers_and_registered_types(figure):
    value = {"a": [(1, Point(1, figure))]}
    found = again(value)
    assert fingerprint(found) == fingerprint(value)
    assert encode(found, key="k").digest == encode(value, key="k").digest


@only_with(plotly or alt)
@given(figures.figures())
def test_any_figure_comes_back_as_it_was(figure):
    assert fingerprint(again(figure)) == fingerprint(figure)


@only_with(plotly)
def test_a_plotly_figure_that_came_back_works_like_any_other():
    go = plotly.graph_objects
    grid = again(FIGURES["subplots"])
    grid.add_trace(go.Scatter(x=[1]), row=2, col=1)
    grid.layout.xaxis2.title = "x"
    assert (grid.data[-1].xaxis, grid.layout.xaxis2.title.text) == ("x2", "x")
    with pytest.raises(ValueError, match="Invalid property"):
        grid.update_traces(nonsense=1)
    moving = again(FIGURES["figure with frames"])
    assert [list(frame.data[0].y) for frame in moving.frames[:3]] == [[0], [1], [2]]
    assert moving.frames[3].layout.xaxis2.title.text == "x"
    own = again(FIGURES["figure with a template of one's own"]).layout.template
    assert (own.layout.xaxis2.title.text, [bar.name for bar in own.data.bar]) == ("x", ["n"] * 2)
    assert again(FIGURES["figure without a template"]).layout.template.layout.font.color is None


@only_with(plotly)
def test_the_template_of_this_process_is_not_that_of_a_stored_figure():
    import plotly.io as pio

    go, before = plotly.graph_objects, pio.templates.default
    payload = encode(go.Figure(go.Bar(y=[1])), key="k")
    expected = decode(payload, key="k").to_dict()
    try:
        pio.templates.default = "seaborn"
        assert decode(payload, key="k").to_dict() == expected
    finally:
        pio.templates.default = before


@only_with(plotly)
def test_changing_a_plotly_figure_that_came_back_changes_nothing_stored():
    payload = encode(FIGURES["figure of arrays"], key="k")
    decode(payload, key="k").update_traces(opacity=0.5).update_layout(title="new")
    assert fingerprint(decode(payload, key="k")) == fingerprint(FIGURES["figure of arrays"])


@only_with(plotly)
def test_what_a_plotly_figure_cannot_give_is_refused_and_the_advice_works():
    go = plotly.graph_objects
    fitted = go.Figure(go.Bar(y=[1]))
    fitted._px_trendlines = pd.DataFrame({"px_fit_results": [object()]})
    watched = go.Figure(go.Bar(y=[1]))
    watched.data[0].on_change(print, "y")
    for figure in (fitted, watched):
        with pytest.raises(UnsupportedType, match=r"^'k' → 'f' is a figure with .* Keep plotly.*"):
            encode({"f": figure}, key="k")
        assert again(go.Figure(figure)).to_dict() == figure.to_dict()
    with pytest.raises(UnsupportedType, match=r"Bar, which .* Keep `value.to_plotly_json\(\)`"):
        encode(go.Bar(y=[1]), key="k")
    assert again(go.Bar(y=[1]).to_plotly_json()) == {"y": [1], "type": "bar"}
    with pytest.raises(UnsupportedType, match=r"'data' → \[0\] → 'meta' is a function|builtin"):
        encode(go.Figure({"data": [{"type": "bar", "meta": print}]}), key="k")


@only_with(plotly)
def test_a_figure_of_very_many_traces_is_refused_and_not_read():
    with pytest.raises(UnsupportedType, match="over 10,000 traces"):
        encode(_many(5_001), key="k")
    text = bundle.write(
        {"data": [{"type": "bar"}] * 10_001, "layout": {}, "frames": [], "subplots": []}
    )[1]
    body = sections.join({"content": "json", "express": False}, [text])
    with pytest.raises(DecodeError, match="very many traces"):
        decode(Payload("plotly.figure", body), key="k")


def _many(count):
    figure = plotly.graph_objects.Figure()
    figure._data = [{"type": "bar"}] * count
    figure._frame_objs = tuple(plotly.graph_objects.Frame() for _ in range(count))
    return figure


@only_with(plotly)
def test_a_subclass_of_a_figure_is_refused_and_the_advice_works():
    class Own(plotly.graph_objects.Figure):
        pass

    with pytest.raises(UnsupportedType, match=r"Keep `plotly.graph_objects.Figure\(value\)`"):
        encode(Own(), key="k")
    assert again(plotly.graph_objects.Figure(Own())) == Own()


@only_with(plotly)
def test_a_trace_that_this_plotly_does_not_have_says_so():
    text = bundle.write(
        {"data": [{"type": "hologram"}], "layout": {}, "frames": [], "subplots": []}
    )[1]
    body = sections.join({"content": "json", "express": False}, [text])
    with pytest.raises(DecodeError, match=r"this version of plotly does not have.*pip install -U"):
        decode(Payload("plotly.figure", body), key="k")


@only_with(alt)
def test_the_data_of_a_chart_come_back_as_a_frame_of_their_own():
    found = again(FIGURES["chart"])
    assert found.data is not FRAME
    assert fingerprint(found.data) == fingerprint(FRAME)
    found.data = FRAME.assign(a=0.5)
    assert found.to_dict()["encoding"]["y"]["type"] == "temporal"  # inferred anew


@only_with(alt)
def test_what_a_chart_cannot_keep_is_refused_with_its_path():
    class Own(alt.Chart):
        pass

    chart = alt.Chart(FRAME, usermeta={"f": [print]}).mark_bar()
    with pytest.raises(UnsupportedType, match=r"^'k' → 'usermeta' → 'f' → \[0\] is a"):
        encode(chart, key="k")
    with pytest.raises(UnsupportedType, match="Own, which cannot be kept"):
        encode(Own(), key="k")
    circle = alt.Chart(FRAME)
    circle.usermeta = {"chart": circle}
    with pytest.raises(UnsupportedType, match="nested too deeply"):
        encode(circle, key="k")


@only_with(alt)
def test_a_frame_of_narwhals_in_a_chart_is_refused_and_the_advice_works():
    narwhals = import_module("narwhals")
    chart = alt.Chart(narwhals.from_native(FRAME)).mark_bar()
    with pytest.raises(UnsupportedType, match=r"'data' is a narwhals.* Keep `value.to_native\(\)`"):
        encode(chart, key="k")
    assert again(chart.data.to_native()).equals(FRAME)


@only_with(alt)
@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"$class": "channels.Hologram"}, "this version of altair does not have.*pip install -U"),
        ({"$class": ["x"]}, "this version of altair does not have"),
        ({"$class": "channels.X", "shorthand": "a"}, "not a chart"),
        ({"$class": "Undefined"}, "not a chart"),
        ([], "not a chart"),
        ({"$class": "api.Chart", 5: 1}, "a property of no name"),
        ({"$class": "api.Chart", "$args": 5}, "without its arguments"),
    ],
)
def test_a_damaged_chart_is_a_decode_error(tree, message):
    kind, text = bundle.write(tree)
    with pytest.raises(DecodeError, match=message):
        decode(Payload("altair.chart", sections.join({"content": kind}, [text])), key="k")
