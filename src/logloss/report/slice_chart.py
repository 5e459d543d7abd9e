"""The log loss of slices, with intervals."""

import math
from collections.abc import Sequence

import altair as alt

from logloss.evaluation.slice_scores import SliceScore
from logloss.report import charts, words
from logloss.report.interval_chart import Row, interval_chart

MOST = 20


def slice_chart(slices: Sequence[SliceScore], overall: float, *, width: int = charts.WIDE) -> alt.LayerChart:
    """The first slices, and the log loss of all rows as a line."""
    return interval_chart([*map(_row, slices[:MOST])], "log loss, in nats", level=overall, least=0.0, width=width)


def _row(one: SliceScore) -> Row:
    count = f"{one.rows:,} rows" + (", uncertain" if one.is_small else "")
    lost = ", infinite" if math.isinf(one.log_loss.value) else ""
    colour = charts.GREY if one.is_small else charts.BLUE
    return Row(f"{words.slice_name(one.by, one.value)} · {count}{lost}", one.log_loss, colour)
