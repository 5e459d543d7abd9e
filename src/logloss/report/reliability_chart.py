"""The reliability diagram: how often it happened for each probability that was said."""

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from logloss.evaluation.reliability import Reliability
from logloss.report import charts, words
from logloss.report.charts import data
from logloss.report.probability_axis import LINEAR, Axes, log_odds_between

_ENDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_SEEN = 0.9
_CELLS = 4  # of the grid in a bar
_OPACITY = 0.24
BAND: dict[str, Any] = {"color": "#DCDEE1", "strokeWidth": 12}  # as a key has it: grey of that opacity on white
SMOOTHED: dict[str, Any] = {"color": charts.ORANGE, "strokeWidth": 1.75}


def reliability_diagram(
    reliability: Reliability,
    *,
    width: int = charts.NARROW,
    title: str = "",
    logit: bool = False,
    smooth: Sequence[float] = (),
    is_weighted: bool = False,
) -> alt.VConcatChart:
    """The isotonic curve, the band of chance about the diagonal and, below, how often each probability was said.

    With ``logit`` both axes are in log-odds, as rare events need, and labelled with probabilities. ``smooth`` is a
    curve beside the isotonic one, at the same probabilities. With ``is_weighted`` what is counted are weights.
    """
    side = width - charts.BESIDE
    axes = log_odds_between(reliability.predicted[0], reliability.predicted[-1], side) if logit else LINEAR
    low, high = axes.domain or (0.0, reach(reliability))
    scale = charts.span(low, high)
    x = alt.X("x:Q", scale=scale, axis=charts.axis(None, labels=False, **axes.labels))
    y = alt.Y(
        "y:Q",
        scale=scale,
        axis=charts.upright("observed frequency of the positive class", **axes.labels),
    )
    diagonal = data([{"x": low, "y": low}, {"x": high, "y": high}]).mark_line(**charts.DASHED).encode(x, y)
    band, curve = _facts(reliability, axes)
    layers = [diagonal, band, curve]
    if smooth:
        points = charts.joined(map(axes.place, reliability.predicted), map(axes.place, smooth))
        line = data(points).mark_line(clip=True, **SMOOTHED)
        layers.append(line.encode(alt.X("a:Q"), alt.Y("b:Q")))
    diagram = alt.layer(*layers).properties(width=side, height=side)
    if title:
        diagram = diagram.properties(
            title=alt.TitleParams(words.clean(title), anchor="start", limit=side, fontSize=charts.TYPE_SIZE + 1)
        )
    below = charts.axis("predicted probability", grid=False, domain=True, ticks=True, **axes.labels)
    counted = "weight" if is_weighted else "rows"
    bars = _histogram(reliability, axes, alt.X("x:Q", scale=scale, axis=below), counted)
    bars = bars.properties(width=side, height=44)
    return charts.styled(alt.vconcat(diagram, bars, spacing=10))


def reach(reliability: Reliability) -> float:
    """Where the axes end: at 1, or earlier when nearly all that is to be seen is far below.

    A curve of rare events often shoots up in its last few rows. It may then leave the diagram, rather than press
    everything else into a corner.

    Examples
    --------
    >>> reach(Reliability((0.001, 0.04), (0.0, 0.05), (0.0, 0.03), (0.01, 0.07), (90, 10)))
    0.1
    """
    heights = sorted((*reliability.observed, *reliability.high))
    most = max(reliability.predicted[-1], heights[math.ceil(_SEEN * (len(heights) - 1))])
    return next((end for end in _ENDS if most <= end), 1.0)


def _one_probability(reliability: Reliability) -> bool:
    return reliability.predicted[0] == reliability.predicted[-1]


def _facts(reliability: Reliability, axes: Axes) -> tuple[alt.Chart, alt.Chart]:
    columns = (reliability.predicted, reliability.observed, reliability.low, reliability.high)
    placed = (map(axes.place, column) for column in columns)
    rows = [{"x": x, "y": y, "low": low, "high": high} for x, y, low, high in zip(*placed, strict=True)]
    x, y, low, high = alt.X("x:Q"), alt.Y("y:Q"), alt.Y("low:Q"), alt.Y2("high:Q")
    if _one_probability(reliability):
        spot = data(rows[:1])
        return (
            spot.mark_rule(clip=True, color=charts.GREY, strokeWidth=6, opacity=0.35).encode(x, low, high),
            spot.mark_point(color=charts.BLUE, filled=True, opacity=1, size=70).encode(x, y),
        )
    curve = data(rows)
    return (
        curve.mark_area(clip=True, color=charts.GREY, opacity=_OPACITY).encode(x, low, high),
        curve.mark_line(clip=True, color=charts.BLUE, strokeWidth=2.5, strokeJoin="round").encode(x, y),
    )


def _histogram(reliability: Reliability, axes: Axes, x: alt.X, counted: str) -> alt.Chart:
    grid, count = tuple(map(axes.place, reliability.predicted)), list(reliability.count)
    if _one_probability(reliability):
        total = sum(count)
        alone: alt.Chart = data([{"x": grid[0], "y": total}]).mark_bar(color=charts.BLUE, size=4)
        return alone.encode(x, _counts(total, counted))
    count[-2:] = [count[-2] + count[-1]]  # the predictions at the last grid point itself
    bars = [
        {"x": grid[i], "x2": grid[min(i + _CELLS, len(count))], "y": sum(count[i : i + _CELLS]), "y2": 0}
        for i in range(0, len(count), _CELLS)
    ]
    marks: alt.Chart = data(bars).mark_rect(color=charts.BLUE, opacity=0.65, stroke=charts.PAPER, strokeWidth=0.5)
    return marks.encode(x, _counts(max(bar["y"] for bar in bars), counted), alt.X2("x2:Q"), alt.Y2("y2:Q"))


def _counts(most: float, counted: str) -> alt.Y:
    axis = alt.Axis(
        title=counted,
        minExtent=charts.LABELS,
        values=[0, most],
        format="~s" if most >= 10_000 else ",.0f" if most >= 10 else ".2~f",
        grid=False,
        domain=False,
        ticks=False,
    )
    return alt.Y("y:Q", scale=alt.Scale(domain=[0, most or 1], nice=False), axis=axis)
