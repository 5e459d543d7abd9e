"""What a threshold is worth: expected cost and net benefit, beside acting on every row and on none."""

from dataclasses import replace
from typing import Any

import altair as alt

from logloss.evaluation.round_thresholds import RoundThresholds
from logloss.report import charts
from logloss.report.charts import axis, data, joined, span, upright
from logloss.report.probability_axis import LINEAR, Axes, log_odds_between

_LEAST = -0.25  # of the greatest net benefit: further down there is nothing to choose
_SPARE = 1.06
STYLES: dict[str, dict[str, Any]] = {
    "model": {"color": charts.BLUE, "strokeWidth": 2.5},
    "all": {"color": charts.ORANGE, "strokeWidth": 1.5, "strokeDash": [5, 3]},
    "none": {"color": charts.GREY, "strokeWidth": 1.5, "strokeDash": [2, 2]},
}
MARKED: dict[str, Any] = {"color": charts.MARK, "strokeWidth": 2}


def cost_chart(facts: RoundThresholds, *, width: int = charts.NARROW) -> alt.LayerChart:
    """Expected cost a row against the threshold."""
    count = len(facts.threshold)
    return _against_threshold(
        facts,
        ("cost a row", 0.0, greatest_cost(facts)),
        {"model": facts.cost, "all": (facts.cost_all,) * count, "none": (facts.cost_none,) * count},
        width,
    )


def greatest_cost(facts: RoundThresholds) -> float:
    """Up to where costs are drawn.

    Above twice what it costs not to ask the model there is nothing to choose, but for what the model costs.
    """
    costs = (*facts.cost, facts.cost_all, facts.cost_none)
    return _SPARE * min(max(costs), max(2 * min(costs[-2:]), facts.cost[facts.chosen])) or 1.0


def net_benefit_chart(facts: RoundThresholds, *, width: int = charts.NARROW) -> alt.LayerChart:
    """Net benefit against the threshold: the decision curve."""
    top = _SPARE * max(*facts.net_benefit, *facts.treat_all, 0.0) or 1.0
    low = min(_LEAST * top, _SPARE * facts.net_benefit[facts.chosen])
    none = (0.0,) * len(facts.threshold)
    return _against_threshold(
        facts,
        ("net benefit, in positives caught a row", low, top),
        {"model": facts.net_benefit, "all": facts.treat_all, "none": none},
        width,
    )


def threshold_axis(facts: RoundThresholds) -> Axes:
    """Where thresholds stand."""
    if facts.in_log_odds:
        return log_odds_between(facts.low, facts.high, charts.NARROW - charts.BESIDE)
    return replace(LINEAR, domain=(0.0, facts.high))


def along(facts: RoundThresholds) -> list[float]:
    """How far along the axis each threshold stands, as a share of its length."""
    axes = threshold_axis(facts)
    low, high = axes.domain or (0.0, 1.0)
    return [round((axes.place(threshold) - low) / (high - low), 4) for threshold in facts.threshold]


def _against_threshold(
    facts: RoundThresholds, axis_of_y: tuple[str, float, float], lines: dict[str, tuple[float, ...]], width: int
) -> alt.LayerChart:
    title, low, high = axis_of_y
    axes = threshold_axis(facts)
    named = "threshold, in log-odds" if facts.in_log_odds else "threshold"
    x = alt.X("a:Q", scale=span(*(axes.domain or (0.0, 1.0))), axis=axis(named, grid=True, **axes.labels))
    at = [axes.place(threshold) for threshold in facts.threshold]
    y = alt.Y("b:Q", scale=span(low, high), axis=upright(title, format="~g"))
    layers = []
    for name in ("none", "all", "model"):
        curve = data(joined(at, lines[name]))
        line = curve.mark_line(clip=True, strokeJoin="round", **STYLES[name])
        layers.append(line.encode(x, y))
    mark = data([{"a": at[facts.chosen]}]).mark_rule(**MARKED).encode(x)
    side = width - charts.BESIDE
    return charts.styled(alt.LayerChart(layer=[*layers, mark]).properties(width=side, height=round(0.8 * side)))
