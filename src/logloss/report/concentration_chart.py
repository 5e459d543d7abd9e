"""How concentrated the loss is: what the worst rows carry."""

import altair as alt

from logloss.evaluation.concentration import Concentration
from logloss.report import charts
from logloss.report.charts import axis, data, joined, span, upright


def concentration_chart(concentration: Concentration, *, width: int = charts.NARROW) -> alt.LayerChart:
    """The share of the loss against the share of the rows, the worst first, on a logarithmic axis of rows."""
    least = concentration.rows[0]
    x = alt.X(
        "a:Q",
        scale=alt.Scale(type="log", domain=[least, 1], nice=False),
        axis=axis("the worst rows", values=[0.001, 0.01, 0.1, 1], **charts.PERCENT),
    )
    y = alt.Y("b:Q", scale=span(0, 1), axis=upright("share of the loss", **charts.PERCENT))
    curve = data(joined(concentration.rows, concentration.carried))
    equal = data(joined(concentration.rows, concentration.rows))
    side = width - charts.BESIDE
    lines = (
        equal.mark_line(**charts.DASHED).encode(x, y),
        curve.mark_line(color=charts.BLUE, strokeWidth=2.5, strokeJoin="round").encode(x, y),
    )
    return charts.styled(alt.LayerChart(layer=list(lines)).properties(width=side, height=round(0.8 * side)))
