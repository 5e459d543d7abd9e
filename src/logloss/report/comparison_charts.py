"""By how much models differ from the best one, and where either wins: colour, shape and a word say it."""

import math
from collections.abc import Sequence

import altair as alt

from logloss.evaluation.difference import Difference, Region
from logloss.report import charts, words
from logloss.report.comparison_words import region_name, standing, told_apart
from logloss.report.interval_chart import Row, interval_chart

_NAME = 60  # letters of a name; what does not fit beside other words is cut by the chart
_SHORT = 22
_TITLE = "difference of log loss, in nats"
_BEST, _OTHER, _NEITHER = (charts.BLUE, "square"), (charts.ORANGE, "diamond"), (charts.GREY, "circle")


def differences_chart(differences: Sequence[Difference], *, width: int = charts.WIDE) -> alt.LayerChart:
    """By how much the log loss of each model is above that of the best."""
    rows = [
        Row(
            words.shortened(one.model, _NAME),
            one.log_loss,
            *(_BEST if standing(one.log_loss) == "worse" else _NEITHER),
            word=_said(one.log_loss.value, standing(one.log_loss)),
        )
        for one in differences
    ]
    return interval_chart(rows, _TITLE, level=0.0, sides=("← better", "worse →"), width=width)


def regions_chart(regions: Sequence[Region], models: tuple[str, str], *, width: int = charts.NARROW) -> alt.LayerChart:
    """By how much the log loss of the second model is above that of the first, in each region, and who wins there."""
    best, other = told_apart(models, _SHORT)
    look = {models[0]: (*_BEST, f"{best} wins"), models[1]: (*_OTHER, f"{other} wins")}
    rows = []
    for one in regions:
        colour, shape, word = look[one.winner] if one.winner else (*_NEITHER, "")
        name = words.shortened(region_name(one), _NAME)
        rows.append(Row(name, one.difference, colour, shape, _said(one.difference.value, word)))
    return interval_chart(rows, _TITLE, level=0.0, sides=(f"← better: {other}", f"→ better: {best}"), width=width)


def _said(value: float, word: str) -> str:
    if math.isnan(value):
        return "both infinite"
    return f"infinite: {word}" if math.isinf(value) else word
