"""What a threshold is worth: expected cost and net benefit, beside acting on every row and on none."""

import altair as alt

from logloss.evaluation.round_thresholds import RoundThresholds
from logloss.report import charts
from logloss.report.charts import axis, data, joined, span

BESIDE = 66
_LEAST = -0.25  # of the greatest net benefit: further down there is nothing to choose
_SPARE = 1.06
_COLOURS = {"model": charts.BLUE, "all": charts.ORANGE, "none": charts.GREY}


def cost_chart(facts: RoundThresholds, *, width: int = charts.NARROW) -> alt.LayerChart:
    """Expected cost a row against the threshold."""
    top = _SPARE * max(*facts.cost, facts.cost_all, facts.cost_none) or 1.0
    # Where acting on none or on all would cost many times as much, they leave the picture.
    top = min(top, 4 * max(facts.cost)) or 1.0
    count = len(facts.threshold)
    return _against_threshold(
        facts,
        ("cost a row", 0.0, top),
        {"model": facts.cost, "all": (facts.cost_all,) * count, "none": (facts.cost_none,) * count},
        width,
    )


def net_benefit_chart(facts: RoundThresholds, *, width: int = charts.NARROW) -> alt.LayerChart:
    """Net benefit against the threshold: the decision curve."""
    top = _SPARE * max(*facts.net_benefit, *facts.treat_all, 0.0) or 1.0
    none = (0.0,) * len(facts.threshold)
    return _against_threshold(
        facts,
        ("net benefit, in positives caught a row", _LEAST * top, top),
        {"model": facts.net_benefit, "all": facts.treat_all, "none": none},
        width,
    )


def _against_threshold(
    facts: RoundThresholds, axis_of_y: tuple[str, float, float], lines: dict[str, tuple[float, ...]], width: int
) -> alt.LayerChart:
    title, low, high = axis_of_y
    x = alt.X("a:Q", scale=span(0, facts.reach), axis=axis("threshold", format="~g"))
    y = alt.Y("b:Q", scale=span(low, high), axis=axis(title, format="~g", minExtent=34))
    layers = []
    for name in ("none", "all", "model"):
        curve = data(joined(facts.threshold, lines[name]))
        dashes = {"strokeDash": {"all": [5, 3], "none": [2, 2]}[name]} if name != "model" else {}
        thickness = 2.5 if name == "model" else 1.5
        line = curve.mark_line(clip=True, color=_COLOURS[name], strokeWidth=thickness, strokeJoin="round", **dashes)
        layers.append(line.encode(x, y))
    mark = data([{"a": facts.threshold[facts.chosen]}]).mark_rule(color=charts.MARK, strokeWidth=2).encode(x)
    side = width - BESIDE
    return charts.styled(alt.layer(*layers, mark).properties(width=side, height=round(0.8 * side)))
