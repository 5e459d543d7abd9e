"""Numbers with their intervals, one below the other: each under its name, so that names of any length have room."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import altair as alt

from logloss.evaluation.score import Score
from logloss.report import charts
from logloss.report.charts import axis, data, span

_STEP = 44  # pixels a row: its name, a gap, and the interval, with more of a gap to the name below
_BESIDE = 30
_SPARE = 0.06
_FARTHEST = 3.0  # times the greatest value: intervals of few rows may leave the chart
_AT = 0.22  # of a row, where its name stands
_HEAD = 0.6  # rows, for the words above
_NAME, _WORD = 0.56, 0.42  # of the width, where a word stands beside a name
_DARKER = {charts.BLUE: charts.DARK_BLUE, charts.ORANGE: charts.DARK_ORANGE, charts.GREY: charts.DARK_GREY}


@dataclass(frozen=True)
class Row:
    """A number under its name, with a word at the right; colour and shape say the same."""

    name: str
    score: Score
    colour: str = charts.BLUE
    shape: str = "circle"
    word: str = ""


def interval_chart(
    rows: Sequence[Row],
    title: str,
    *,
    level: float,
    least: float = -math.inf,
    sides: tuple[str, str] | None = None,
    width: int = charts.WIDE,
) -> alt.LayerChart:
    """A dot and an interval for each row.

    Parameters
    ----------
    rows : sequence of Row
        From above. An infinite number is an arrow at the chart's edge; one that is not known has a name only.
    title : str
        Of the axis, with its unit.
    level : float
        Marked by a stroke in every row, if it is finite.
    least : float
        Below it the axis has nothing.
    sides : (str, str), optional
        What it means to be left or right of the level, in words above the rows.
    width : int
        In pixels.
    """
    plot = width - _BESIDE
    low, high = _ends([row.score for row in rows], level, least)
    ruler = axis(title, format="~g", grid=False, domain=True, ticks=True)
    if not any(math.isfinite(row.score.value) for row in rows):
        ruler = axis(None, labels=False, grid=False)  # there is nothing to read off
    x = alt.X("x:Q", scale=span(low, high), axis=ruler)
    top = -_HEAD if sides else 0.0
    y = alt.Y("y:Q", scale=alt.Scale(domain=[len(rows), top], nice=False), axis=None)
    colour, shape = alt.Color("colour:N", scale=None), alt.Shape("shape:N", scale=None)
    places = [_placed(i, row, low, high) for i, row in enumerate(rows)]
    dots = [place for place in places if not math.isnan(place["x"])]
    ranged = [place for place in dots if math.isfinite(place["low"])]
    # No line runs through a name: the level shows beside each row.
    beside = [{"x": level, "y": i + 0.5, "y2": i + 0.86} for i in range(len(rows)) if math.isfinite(level)]
    ends = alt.X("low:Q", scale=span(low, high)), alt.X2("high:Q")
    limit = _NAME * plot if any(row.word for row in rows) else plot
    layers = [
        data(beside).mark_rule(color=charts.GREY, strokeWidth=1.5).encode(x, y, y2="y2:Q"),
        data(ranged).mark_rule(clip=True, strokeWidth=2.5).encode(*ends, y, colour),
        data(dots).mark_point(filled=True, size=80, opacity=1).encode(x, y, colour, shape),
        _text([{"y": i + _AT, "text": row.name} for i, row in enumerate(rows)], y, plot, limit=limit),
    ]
    if limit < plot:
        words = [{"y": i + _AT, "text": row.word, "colour": _DARKER[row.colour]} for i, row in enumerate(rows)]
        layers.append(_text(words, y, plot, limit=_WORD * plot, right=True).encode(colour))
    for right, said in enumerate(sides or ()):
        above = [{"y": top / 2, "text": said}]
        layers.append(_text(above, y, plot, limit=plot / 2 - 8, right=bool(right), quiet=True))
    height = round(_STEP * (len(rows) - top))
    return charts.styled(alt.LayerChart(layer=list(layers)).properties(width=plot, height=height))


def _ends(scores: Sequence[Score], level: float, least: float) -> tuple[float, float]:
    """Of the axis: all numbers are on it, and intervals as far as they are of use."""
    values = [value for value in (level, *(score.value for score in scores)) if math.isfinite(value)] or [1.0]
    reached = [end for score in scores for end in (score.low, score.high) if math.isfinite(end)]
    usual = median(map(abs, reached)) if reached else 0.0
    farthest = _FARTHEST * max(usual, *map(abs, values))
    low, high = max(min([*values, *reached]), -farthest), min(max([*values, *reached]), farthest)
    spare = _SPARE * (high - low) or 0.1
    return max(low - spare, least), high + spare


def _placed(place: int, row: Row, low: float, high: float) -> dict[str, Any]:
    value, shape = row.score.value, row.shape
    if math.isinf(value):
        value, shape = (high, "triangle-right") if value > 0 else (low, "triangle-left")
    interval = {"low": row.score.low, "high": row.score.high}
    return {"x": value, "y": place + 0.68, "colour": row.colour, "shape": shape, **interval}


def _text(
    rows: Sequence[dict[str, Any]], y: alt.Y, plot: int, *, limit: float, right: bool = False, quiet: bool = False
) -> alt.Chart:
    colour = charts.DARK_GREY if quiet else charts.INK
    marks: alt.Chart = data(rows).mark_text(align="right" if right else "left", limit=limit, color=colour)
    return marks.encode(y=y, x=alt.value(plot if right else 0), text="text:N")
