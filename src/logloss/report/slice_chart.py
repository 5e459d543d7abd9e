"""The log loss of slices, with intervals: each under its name, so that names of any length have room."""

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from logloss.evaluation.slice_scores import SliceScore
from logloss.report import charts, words
from logloss.report.charts import axis, data, span

MOST = 20
_STEP = 36  # pixels a slice
_BESIDE = 30
_SPARE = 0.06
_FARTHEST = 3.0  # times the greatest loss: intervals of small slices may leave the chart


def slice_chart(slices: Sequence[SliceScore], overall: float, *, width: int = charts.WIDE) -> alt.LayerChart:
    """The first slices, and the log loss of all rows as a line."""
    slices = slices[:MOST]
    plot = width - _BESIDE
    known = [one.log_loss for one in slices if math.isfinite(one.log_loss.value)]
    level = [overall] if math.isfinite(overall) else []
    values = [score.value for score in known] + level or [1.0]
    reached = [end for score in known for end in (score.low, score.high) if math.isfinite(end)]
    low, high = min([*values, *reached]), min(max([*values, *reached]), _FARTHEST * max(values))
    spare = _SPARE * (high - low) or 0.1
    low, high = max(low - spare, 0.0), high + spare
    x = alt.X(
        "x:Q", scale=span(low, high), axis=axis("log loss, in nats", format="~g", grid=False, domain=True, ticks=True)
    )
    y = alt.Y("y:Q", scale=alt.Scale(domain=[len(slices), 0], nice=False), axis=None)
    rows = [_row(i, one) for i, one in enumerate(slices)]
    drawn = [row for row in rows if math.isfinite(row["x"])]
    ranged = [row for row in drawn if math.isfinite(row["low"])]
    # No line runs through a name: that of all rows shows beside each slice.
    beside = [{"x": value, "y": i + 0.52, "y2": i + 0.92} for value in level for i in range(len(slices))]
    names = data([{"y": row["top"], "text": row["text"]} for row in rows])
    colour = alt.Color("colour:N", scale=None)
    ends = alt.X("low:Q", scale=span(low, high)), alt.X2("high:Q")
    layers = [
        data(beside).mark_rule(color=charts.GREY, strokeWidth=1.5).encode(x, y, y2="y2:Q"),
        data(ranged).mark_rule(clip=True, strokeWidth=2.5).encode(*ends, y, colour),
        data(drawn).mark_point(filled=True, size=70, opacity=1).encode(x, y, colour),
        names.mark_text(align="left", limit=plot, color=charts.INK).encode(y=y, x=alt.value(0), text="text:N"),
    ]
    return charts.styled(alt.LayerChart(layer=list(layers)).properties(width=plot, height=_STEP * len(slices)))


def _row(place: int, one: SliceScore) -> dict[str, Any]:
    count = f"{one.rows:,} rows" + (", uncertain" if one.is_small else "")
    lost = ", infinite" if math.isinf(one.log_loss.value) else ""
    return {
        "x": one.log_loss.value,
        "low": one.log_loss.low,
        "high": one.log_loss.high,
        "y": place + 0.72,
        "top": place + 0.3,
        "text": f"{words.slice_name(one.by, one.value)} · {count}{lost}",
        "colour": charts.GREY if one.is_small else charts.BLUE,
    }
