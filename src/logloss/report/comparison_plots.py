"""A comparison's charts for notebooks, and their points as tables for whoever draws with something else."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from logloss.core.errors import ParameterError, nearest
from logloss.evaluation.difference import PROBABILITY, Difference, Region
from logloss.evaluation.score import Score
from logloss.report.comparison_facts import DRAWN, split_by
from logloss.report.comparison_words import SHORT, heading
from logloss.report.words import shortened

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

    from logloss.evaluation.comparison import Comparison


@dataclass(frozen=True)
class ComparisonPlots:
    """The charts of a comparison, each an Altair chart.

    ``points`` has a method of the same name for each, which returns what is drawn as a pandas DataFrame:
    ``comparison.plot.differences()`` and ``comparison.plot.points.differences()``.
    """

    comparison: "Comparison"

    @property
    def points(self) -> "ComparisonPoints":
        """What the charts draw, as tables."""
        return ComparisonPoints(self.comparison)

    def differences(self) -> "alt.LayerChart":
        """By how much the log loss of each model is above that of the best, with 95 % intervals."""
        from logloss.report.chart_alone import titled
        from logloss.report.comparison_charts import differences_chart

        chart = differences_chart(_differences(self.comparison))
        return titled(chart, "Differences from the best model", f"Beside {_named(self.comparison.best)}, {_INTERVALS}")

    def regions(self, model: str, *, by: str = PROBABILITY) -> "alt.LayerChart":
        """Where ``model`` and the best one win: by band of mean probability, or by a column that slices were made by.

        Of a column the 20 values are drawn that make the largest difference.
        """
        from logloss.report import charts
        from logloss.report.chart_alone import titled
        from logloss.report.comparison_charts import regions_chart

        regions = _regions(self.comparison, model, by)
        chart = regions_chart(regions[:DRAWN], (self.comparison.best, model), width=charts.WIDE)
        named = f"{_named(model)} beside {_named(self.comparison.best)}"
        return titled(chart, f"Where each wins, {heading(by)}", f"{named}, {_INTERVALS}")


@dataclass(frozen=True)
class ComparisonPoints:
    """What each chart of `ComparisonPlots` draws, as a pandas DataFrame; of regions all there are."""

    comparison: "Comparison"

    def differences(self) -> "pd.DataFrame":
        """A row a model, with the difference of its log loss and the ends of its interval."""
        import pandas as pd

        rows = [{"model": one.model, **_apart(one.log_loss)} for one in _differences(self.comparison)]
        return pd.DataFrame(rows)

    def regions(self, model: str, *, by: str = PROBABILITY) -> "pd.DataFrame":
        """A row a region, with the difference there, the ends of its interval, and who wins."""
        import pandas as pd

        rows = [{**vars(one), **_apart(one.difference)} for one in _regions(self.comparison, model, by)]
        return pd.DataFrame(rows)


_INTERVALS = "with 95 % intervals; the grey strokes are no difference."


def _named(model: str) -> str:
    return shortened(model, SHORT)


def _apart(score: Score) -> dict[str, float]:
    return {"difference": score.value, "low": score.low, "high": score.high}


def _differences(comparison: "Comparison") -> tuple[Difference, ...]:
    if not comparison.differences:
        raise ParameterError("There is nothing to draw: this needs two models or more.")
    return comparison.differences


def _regions(comparison: "Comparison", model: str, by: str) -> tuple[Region, ...]:
    others = {one.model: one for one in _differences(comparison)}
    if model not in others:
        known = "the best model itself" if model == comparison.best else "not known"
        hint = nearest(model, list(others))
        raise ParameterError(f"{model!r} is {known}; expected one of {', '.join(map(repr, others))}.{hint}")
    found = split_by(others[model])
    if by not in found:
        what = ", ".join(map(repr, found)) or "no column, since no part has rows enough"
        raise ParameterError(f"by={by!r} is not known; there is {what}. Name columns with evaluate(…, by=…).")
    return found[by]
