"""The two pictures of a ranking, over all thresholds: the ROC curve, and precision against recall."""

from typing import Any

import altair as alt

from logloss.evaluation.decisions import Thresholds
from logloss.report import charts
from logloss.report.charts import axis, data, joined, span, upright

_LINE: dict[str, Any] = {"color": charts.BLUE, "strokeWidth": 2.5, "strokeJoin": "round"}


def roc_chart(thresholds: Thresholds, *, width: int = charts.NARROW) -> alt.LayerChart:
    """The share of positives that are caught against the share of negatives that raise a false alarm."""
    x = alt.X("a:Q", scale=span(0, 1), axis=axis("negatives that raise a false alarm", **charts.PERCENT))
    y = alt.Y("b:Q", scale=span(0, 1), axis=upright("positives that are caught", **charts.PERCENT))
    # From the threshold that all rows reach to the one that none does.
    alarms = (*(1 - share for share in thresholds.specificity), 0.0)
    curve = data(joined(alarms, (*thresholds.sensitivity, 0.0)))
    corners = data(joined([0.0, 1.0], [0.0, 1.0]))
    return _square(
        width,
        corners.mark_line(**charts.DASHED).encode(x, y),
        curve.mark_line(order=False, **_LINE).encode(x, y),
    )


def precision_recall_chart(thresholds: Thresholds, base_rate: float, *, width: int = charts.NARROW) -> alt.LayerChart:
    """Precision against recall, as steps: what average precision is the area under."""
    x = alt.X("a:Q", scale=span(0, 1), axis=axis("positives that are caught (recall)", **charts.PERCENT))
    y = alt.Y("b:Q", scale=span(0, 1), axis=upright("alarms that are right (precision)", **charts.PERCENT))
    recall, precision = thresholds.recall[::-1], thresholds.precision[::-1]
    curve = data(joined((0.0, *recall), (*precision[:1], *precision)))
    level = data(joined([0.0, 1.0], [base_rate, base_rate]))
    return _square(
        width,
        level.mark_line(**charts.DASHED).encode(x, y),
        curve.mark_line(order=False, interpolate="step-before", **_LINE).encode(x, y),
    )


def _square(width: int, *layers: alt.Chart) -> alt.LayerChart:
    side = width - charts.BESIDE
    return charts.styled(alt.LayerChart(layer=list(layers)).properties(width=side, height=side))
