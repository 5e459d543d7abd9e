"""How scores are spread in each class: positives above the line, negatives below it."""

import altair as alt

from logloss.evaluation.score_distribution import ScoreDistribution
from logloss.report import charts
from logloss.report.charts import data
from logloss.report.probability_axis import LINEAR, log_odds_between

_LEFT, _RIGHT = 58, 70
_GAP = 0.06  # of the height, so that no bar touches an edge


def score_chart(distribution: ScoreDistribution, *, width: int = charts.WIDE) -> alt.LayerChart:
    """Shares of each class in bins of predicted probability."""
    edges, plot = distribution.edges, width - _LEFT - _RIGHT
    axes = log_odds_between(edges[0], edges[-1], plot) if distribution.in_log_odds else LINEAR
    ends = axes.domain or (0.0, 1.0)
    tall = max([share for share in (*distribution.positives, *distribution.negatives) if share == share], default=1.0)
    tall *= 1 + _GAP
    title = "predicted probability" + (", in log-odds" if distribution.in_log_odds else "")
    x = alt.X("x:Q", scale=charts.span(*ends), axis=charts.axis(title, grid=False, **axes.labels))
    y = alt.Y(
        "y:Q",
        scale=charts.span(-tall, tall),
        axis=charts.upright("share of the class", tickCount=6, **charts.PERCENT),
    )
    layers = []
    sides = ((distribution.positives, 1, charts.ORANGE), (distribution.negatives, -1, charts.BLUE))
    for shares, sign, colour in sides:
        bins = zip(edges, edges[1:], shares, strict=False)
        rows = [
            {"x": axes.place(left), "x2": axes.place(right), "y": 0, "y2": sign * share}
            for left, right, share in bins
            if share > 0
        ]
        bars = data(rows).mark_rect(color=colour, opacity=0.85, stroke=charts.PAPER, strokeWidth=0.5)
        layers.append(bars.encode(x, y, alt.X2("x2:Q"), alt.Y2("y2:Q")))
    names = [("positives", 1, charts.DARK_ORANGE), ("negatives", -1, charts.DARK_BLUE)]
    for name, sign, colour in names:
        label = data([{"x": ends[1], "y": sign * tall / 2, "text": name}])
        layers.append(label.mark_text(align="left", dx=8, color=colour).encode(x, y, text="text:N"))
    line = data([{"y": 0}]).mark_rule(color=charts.GREY).encode(y)
    height = 260 if width >= charts.WIDE else 220
    return charts.styled(alt.LayerChart(layer=[*layers, line]).properties(width=plot, height=height))
