"""An evaluation's charts for notebooks, and their points as tables for whoever draws with something else."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from logloss.core.errors import ParameterError
from logloss.report.evaluation_facts import EvaluationFacts

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

    from logloss.evaluation.evaluation import Evaluation


@dataclass(frozen=True)
class EvaluationPlots:
    """The charts of an evaluation, each an Altair chart with its title and a key of its lines.

    ``points`` has a method of the same name for each, which returns what is drawn as a pandas DataFrame:
    ``evaluation.plot.roc()`` and ``evaluation.plot.points.roc()``.
    """

    evaluation: "Evaluation"

    @cached_property
    def points(self) -> "EvaluationPoints":
        """What the charts draw, as tables."""
        return EvaluationPoints(self._facts)

    def reliability(self, *, logit: bool = False) -> "alt.VConcatChart":
        """How often it happened for each probability that was said; with ``logit`` on axes of log-odds."""
        from logloss.report import chart_alone
        from logloss.report.reliability_chart import reliability_diagram

        found = self._facts
        facts, smooth = (found.logit_reliability, found.logit_smooth) if logit else (found.reliability, found.smooth)
        chart = reliability_diagram(
            _known(facts, "rows that weigh anything"),
            width=_SQUARE,
            logit=logit,
            smooth=smooth,
            is_weighted=found.is_weighted,
        )
        key = chart_alone.reliability_key(has_smooth=bool(smooth))
        return chart_alone.titled(chart_alone.keyed(chart, key), "Reliability diagram")

    def scores(self) -> "alt.LayerChart":
        """How the scores of each class are spread."""
        from logloss.report.chart_alone import titled
        from logloss.report.score_chart import score_chart

        return titled(score_chart(_known(self._facts.scores, "rows that weigh anything")), "Scores of each class")

    def roc(self) -> "alt.LayerChart":
        """The receiver operating characteristic."""
        from logloss.report.chart_alone import RANKING, keyed, titled
        from logloss.report.ranking_charts import roc_chart

        chart = roc_chart(_known(self._facts.thresholds, "two classes"), width=_SQUARE)
        return titled(keyed(chart, RANKING), "Receiver operating characteristic")

    def precision_recall(self) -> "alt.LayerChart":
        """Precision against recall."""
        from logloss.report.chart_alone import RANKING, keyed, titled
        from logloss.report.ranking_charts import precision_recall_chart

        facts = _known(self._facts.thresholds, "two classes")
        chart = precision_recall_chart(facts, self.evaluation.base_rate.value, width=_SQUARE)
        return titled(keyed(chart, RANKING), "Precision against recall")

    def cost(self) -> "alt.LayerChart":
        """Expected cost a row against the threshold."""
        from logloss.report.chart_alone import DECISIONS, keyed, titled
        from logloss.report.decision_charts import cost_chart

        chart = cost_chart(_known(self._facts.decisions, "rows that weigh anything"), width=_SQUARE)
        return titled(keyed(chart, DECISIONS), "Expected cost")

    def net_benefit(self) -> "alt.LayerChart":
        """The decision curve: net benefit against the threshold, beside acting on every row and on none."""
        from logloss.report.chart_alone import DECISIONS, keyed, titled
        from logloss.report.decision_charts import net_benefit_chart

        chart = net_benefit_chart(_known(self._facts.decisions, "rows that weigh anything"), width=_SQUARE)
        return titled(keyed(chart, DECISIONS), "Net benefit")

    def concentration(self) -> "alt.LayerChart":
        """What the worst rows carry of the loss."""
        from logloss.report.chart_alone import CONCENTRATION, keyed, titled
        from logloss.report.concentration_chart import concentration_chart

        chart = concentration_chart(_known(self._facts.concentration, "a loss above 0"), width=_SQUARE)
        return titled(keyed(chart, CONCENTRATION), "How concentrated the loss is")

    def slices(self) -> "alt.LayerChart":
        """The log loss of slices, those that matter most first."""
        from logloss.report.chart_alone import titled
        from logloss.report.slice_chart import slice_chart

        facts = _known(self._facts.slices, "slices: name a column with by")
        chart = slice_chart(facts, self.evaluation.log_loss.value)
        return titled(chart, "Log loss of slices", "With 95 % intervals; grey strokes are the log loss of all rows.")

    @cached_property
    def _facts(self) -> EvaluationFacts:
        return EvaluationFacts(self.evaluation)


@dataclass(frozen=True)
class EvaluationPoints:
    """What each chart of `EvaluationPlots` draws, as a pandas DataFrame."""

    facts: EvaluationFacts

    def reliability(self, *, logit: bool = False) -> "pd.DataFrame":
        """Columns predicted, observed, low and high (the band of chance), count."""
        return _frame(self.facts.logit_reliability if logit else self.facts.reliability)

    def scores(self) -> "pd.DataFrame":
        """Bins from low to high, and which share of each class is in them."""
        import pandas as pd

        found = _known(self.facts.scores, "rows that weigh anything")
        low, high = found.edges[:-1], found.edges[1:]
        return pd.DataFrame({"low": low, "high": high, "negatives": found.negatives, "positives": found.positives})

    def roc(self) -> "pd.DataFrame":
        """Columns threshold, specificity, sensitivity and others, a row a threshold."""
        return _frame(self.facts.thresholds)

    def precision_recall(self) -> "pd.DataFrame":
        """Columns threshold, recall and precision."""
        return self.roc().rename(columns={"sensitivity": "recall", "ppv": "precision"})

    def cost(self) -> "pd.DataFrame":
        """Columns threshold and cost, with the counts that it comes from."""
        return _frame(self.facts.decisions)

    def net_benefit(self) -> "pd.DataFrame":
        """Columns threshold, net_benefit and treat_all; that of treating none is 0."""
        return _frame(self.facts.decisions)

    def concentration(self) -> "pd.DataFrame":
        """Columns rows and carried: shares of the rows, the worst first, and of the loss."""
        return _frame(self.facts.concentration)

    def slices(self) -> "pd.DataFrame":
        """A row a slice, with its log loss and the ends of its interval."""
        import pandas as pd

        flat = []
        for one in self.facts.slices:
            row = {**vars(one), **{name: getattr(one.log_loss, end) for name, end in _ENDS.items()}}
            flat.append(row)
        return pd.DataFrame(flat)


_SQUARE = 476
_ENDS = {"log_loss": "value", "low": "low", "high": "high"}


def _frame(facts: Any) -> "pd.DataFrame":
    import pandas as pd

    columns = vars(_known(facts, "rows that weigh anything, of two classes"))
    return pd.DataFrame({name: values for name, values in columns.items() if isinstance(values, tuple)})


def _known(facts: Any, needed: str) -> Any:
    if not facts:
        raise ParameterError(f"There is nothing to draw: this needs {needed}.")
    return facts
