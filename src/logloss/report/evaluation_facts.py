"""The facts that the charts and tables of an evaluation show, each worked out when it is first asked for."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from logloss.evaluation.concentration import Concentration, concentration
from logloss.evaluation.decisions import Costs, Thresholds, thresholds
from logloss.evaluation.reliability import Reliability, reliability_of, smooth_beside
from logloss.evaluation.round_thresholds import RoundThresholds, round_thresholds
from logloss.evaluation.score_distribution import ScoreDistribution, score_distribution
from logloss.evaluation.slice_scores import SliceScore

if TYPE_CHECKING:
    from logloss.evaluation.evaluation import Evaluation

_POINTS = 480  # of a curve: about as many as the pixels of a chart can tell apart
_SHARES = tuple(round(10 ** (i / 20), 10) for i in range(-60, 1))  # from the worst thousandth of the rows to all


@dataclass(frozen=True)
class EvaluationFacts:
    """What is drawn of an evaluation; None where there is nothing to draw."""

    evaluation: "Evaluation"

    @cached_property
    def reliability(self) -> Reliability | None:  # noqa: D102
        return self.evaluation.reliability

    @cached_property
    def logit_reliability(self) -> Reliability | None:  # noqa: D102
        return reliability_of(self.evaluation.groups, in_log_odds=True) if self._weighs else None

    @cached_property
    def smooth(self) -> tuple[float, ...]:
        """A smooth curve at the diagram's probabilities, where events are few; else nothing."""
        return smooth_beside(self.evaluation.groups, self.reliability) if self.reliability else ()

    @cached_property
    def logit_smooth(self) -> tuple[float, ...]:
        """The same at those of the diagram in log-odds."""
        return smooth_beside(self.evaluation.groups, self.logit_reliability) if self.logit_reliability else ()

    @cached_property
    def scores(self) -> ScoreDistribution | None:  # noqa: D102
        return score_distribution(self.evaluation.groups) if self._weighs else None

    @cached_property
    def thresholds(self) -> Thresholds | None:
        """At most 480 of them; None if there are not two classes to tell apart."""
        if not 0 < self.evaluation.base_rate.value < 1:
            return None
        return thresholds(self.evaluation.groups, self.costs, _POINTS)

    @cached_property
    def decisions(self) -> RoundThresholds | None:  # noqa: D102
        best = self.evaluation.best_threshold
        chosen = best.threshold if best is not None and best.is_worth_it and best.threshold < 1 else None
        return round_thresholds(self.evaluation.groups, self.costs, chosen)

    @cached_property
    def concentration(self) -> Concentration | None:  # noqa: D102
        found = concentration(self.evaluation.tally, self.evaluation.groups, _SHARES)
        return None if math.isnan(found.carried[-1]) else found

    @cached_property
    def slices(self) -> tuple[SliceScore, ...]:  # noqa: D102
        return self.evaluation.slices

    @property
    def is_weighted(self) -> bool:
        """Whether sums are of weights, and not numbers of rows."""
        return self.evaluation.tally.is_weighted

    @property
    def costs(self) -> Costs:
        """Those that were given, else 1 for either mistake."""
        return self.evaluation.costs or Costs()

    @property
    def _weighs(self) -> bool:
        return not math.isnan(self.evaluation.log_loss.value)
