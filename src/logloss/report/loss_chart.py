"""The curves of a training: loss an epoch. Where things go is decided in layout.py, what they say in words.py."""

import math
import textwrap
from collections.abc import Mapping

import altair as alt

from logloss.report import charts, layout, words
from logloss.report.charts import data
from logloss.training.history import History

Lines = Mapping[str, list[layout.Point]]

_COLOURS = {
    "training": (charts.BLUE, charts.DARK_BLUE),
    "validation": (charts.ORANGE, charts.DARK_ORANGE),
    "base rate": (charts.GREY, charts.DARK_GREY),
}
_LEFT, _RIGHT = 44, 78  # pixels beside the plot: the axis of losses, and the names of the lines
_LINE_HEIGHT = 15
_DENSE = 150  # points: from here on a thin line shows more
_OVERFITTING = "overfitting"

_X, _Y = alt.X("x:Q"), alt.Y("y:Q")


def loss_curves(
    history: History,
    *,
    width: int = charts.WIDE,
    unit: str = "epoch",
    note: str = "",
) -> alt.LayerChart:
    """Training and validation loss an epoch, with the best epoch, overfitting and the base rate's loss.

    Losses that are infinite or not a number are left out; ``note`` is printed below the chart and may say so. ``unit``
    is what a step is called.
    """
    plot_width, plot_height = width - _LEFT - _RIGHT, 290 if width >= charts.WIDE else 210
    lines = _lines(history)
    losses = [value for points in lines.values() for _, value in points if value is not None]
    first, last = history.epochs[0].epoch, history.epochs[-1].epoch
    ends = (first, last) if first < last else (first - 1, last + 1)
    if losses:
        base = _finite(history.base_rate_loss)
        axis = layout.axis(losses, base)
        layers = [
            *_overfitting(history, axis),
            *_base_rate(axis, base),
            *_curves(lines),
            *_best(history, axis, ends, plot_width, unit),
            *_names(lines, base, axis, ends[1], plot_height),
        ]
    else:
        axis = layout.Axis(0, 1, logarithmic=False)
        nothing = data([{"x": sum(ends) / 2, "y": 0.5, "text": "no loss that can be drawn"}])
        layers = [nothing.mark_text(color=charts.DARK_GREY).encode(_X, _Y, text="text:N")]

    few = width < charts.WIDE
    x = alt.X(
        "x:Q",
        scale=alt.Scale(domain=list(ends), nice=False, zero=False),
        axis=alt.Axis(
            title=unit,
            format=",d",
            values=layout.whole_ticks(first, last, (5 if last < 10_000 else 3) if few else 10),
            labelFlush=False,
            grid=False,
        ),
    )
    y = alt.Y(
        "y:Q",
        scale=alt.Scale(
            domain=[axis.low, axis.high], nice=False, zero=False, type="log" if axis.logarithmic else "linear"
        ),
        axis=alt.Axis(
            title="log loss (nats), logarithmic" if axis.logarithmic else "log loss (nats)",
            values=layout.logarithmic_ticks(axis.low, axis.high) if axis.logarithmic else alt.Undefined,
            tickCount=5 if few else 6,
            format="~g" if axis.logarithmic or axis.high < 1e-3 else alt.Undefined,
            minExtent=30,
            domain=False,
            ticks=False,
        ),
    )
    frame = data([{"x": ends[0], "y": axis.low}]).mark_point(opacity=0).encode(x, y)
    chart = alt.LayerChart(layer=[frame, *layers]).properties(width=plot_width, height=plot_height)
    if note:
        chart = chart.properties(
            title=alt.TitleParams(
                textwrap.wrap(note, int(width / charts.LETTER)),
                orient="bottom",
                anchor="start",
                offset=10,
                fontSize=charts.TYPE_SIZE,
                fontWeight="normal",
                color=charts.DARK_GREY,
            )
        )
    return charts.styled(chart)


def _lines(history: History) -> Lines:
    lines = {
        "training": [(e.epoch, _finite(e.train_loss)) for e in history.epochs],
        "validation": [(e.epoch, _finite(e.validation_loss)) for e in history.epochs],
    }
    return {name: points for name, points in lines.items() if any(value is not None for _, value in points)}


def _overfitting(history: History, axis: layout.Axis) -> list[alt.Chart]:
    if history.overfitting is None:
        return []
    area = [{"x": history.best.epoch, "x2": history.epochs[-1].epoch, "y": axis.low, "y2": axis.high}]
    return [data(area).mark_rect(color=charts.ORANGE, opacity=0.09).encode(_X, _Y, alt.X2("x2:Q"), alt.Y2("y2:Q"))]


def _base_rate(axis: layout.Axis, base: float | None) -> list[alt.Chart]:
    if base is None or not axis.holds(base):
        return []
    return [data([{"y": base}]).mark_rule(**charts.DASHED).encode(_Y)]


def _curves(lines: Lines) -> list[alt.Chart]:
    layers = []
    for name, points in lines.items():
        colour, drawn = _COLOURS[name][0], layout.thin(points)
        thickness = 2.25 if len(drawn) < _DENSE else 1.25
        rows = [{"x": epoch, "y": value} for epoch, value in drawn]
        layers.append(data(rows).mark_line(color=colour, strokeWidth=thickness, strokeJoin="round").encode(_X, _Y))
        dots = [{"x": epoch, "y": value} for epoch, value in layout.alone(drawn)]
        if dots:
            layers.append(data(dots).mark_point(color=colour, filled=True, opacity=1, size=60).encode(_X, _Y))
    return layers


def _best(history: History, axis: layout.Axis, ends: tuple[int, int], width: int, unit: str) -> list[alt.Chart]:
    best = history.best
    value = _finite(best.train_loss if best.validation_loss is None else best.validation_loss)
    if value is None:
        return []
    text = words.best(best, unit)
    line = (best.epoch - ends[0]) / (ends[1] - ends[0]) * width
    # The label stands above the plot, where no curve can run through it.
    place = layout.beside(line, charts.LETTER * len(text), left=4 - _LEFT, right=width + _RIGHT)
    colour = _COLOURS["training" if best.validation_loss is None else "validation"][1]
    spot = data([{"x": best.epoch, "y": value, "y2": axis.high, "text": text}])
    above = alt.value(-7)
    layers = [
        spot.mark_rule(color=charts.INK, opacity=0.5).encode(_X, _Y, alt.Y2("y2:Q")),
        spot.mark_point(fill=charts.PAPER, stroke=colour, strokeWidth=2.25, size=64, opacity=1).encode(_X, _Y),
        spot.mark_text(
            align=place.align, dx=place.shift, baseline="bottom", color=charts.INK, fontWeight="bold"
        ).encode(_X, y=above, text="text:N"),
    ]
    if history.overfitting is not None and place.end + charts.LETTER * (len(_OVERFITTING) + 2) < width:
        name = data([{"x": ends[1], "text": _OVERFITTING}])
        layers.append(
            name.mark_text(align="right", baseline="bottom", color=charts.DARK_ORANGE).encode(
                _X, y=above, text="text:N"
            )
        )
    return layers


def _names(lines: Lines, base: float | None, axis: layout.Axis, end: int, height: int) -> list[alt.Chart]:
    """The lines' names at their ends, moved apart where they would touch."""
    heights = {name: axis.height_of(_last(points)) for name, points in lines.items()}
    texts = {name: [name] for name in lines}
    if base is not None:
        heights["base rate"] = axis.height_of(base) if axis.holds(base) else float(base > axis.high)
        outside = [] if axis.holds(base) else [f"{words.loss(base)} {'↑' if base > axis.high else '↓'}"]
        texts["base rate"] = ["base rate", *outside]
    rows = [(name, heights[name], text) for name in heights for text in reversed(texts[name])]
    places = layout.spread([wanted for _, wanted, _ in rows], _LINE_HEIGHT / height)
    return [
        data([{"x": end, "y": axis.loss_at(place), "text": text}])
        .mark_text(align="left", dx=10, color=_COLOURS[name][1])
        .encode(_X, _Y, text="text:N")
        for (name, _, text), place in zip(rows, places, strict=True)
    ]


def _last(points: list[layout.Point]) -> float:
    return next(value for _, value in reversed(points) if value is not None)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
