"""The threshold that would have cost least, and what it costs rows that did not choose it.

The least of many estimated costs is too low an estimate, and its threshold is a chance find where costs hardly differ.
So each fold of the rows is decided by the threshold that is best on the others.
"""

from dataclasses import dataclass

import numpy as np

from logloss.evaluation.decisions import Costs, mean_of, over, parted, thresholds_of
from logloss.evaluation.groups import Floats, Groups
from logloss.evaluation.score import Score
from logloss.evaluation.thinning import dealt

FOLDS = 5


@dataclass(frozen=True)
class BestThreshold:
    """What the choice of a threshold for given costs comes to; costs are expected ones per row.

    ``by_theory`` is right for calibrated probabilities, and ``cost_by_theory`` is its cost. ``empirical`` cost least on
    these rows, with ``apparent_cost``; ``cost`` is that of choosing so on other rows, and ``least`` and ``greatest``
    are the outermost thresholds that the folds chose. ``saving`` is by how much that cost is below that by theory, row
    by row.
    """

    by_theory: float
    cost_by_theory: Score
    empirical: float
    least: float
    greatest: float
    apparent_cost: float
    cost: Score
    saving: Score

    @property
    def is_worth_it(self) -> bool:
        """Whether the data can show that choosing by them costs less than theory does."""
        return self.saving.low > 0

    @property
    def threshold(self) -> float:
        """The one to use: that by theory, unless the data can show theirs to cost less."""
        return self.empirical if self.is_worth_it else self.by_theory

    @property
    def expected_cost(self) -> Score:
        """What it costs to decide by that one."""
        return self.cost if self.is_worth_it else self.cost_by_theory

    @property
    def takes_none(self) -> bool:
        """Whether no probability can reach that one."""
        return self.threshold > 1


def best_threshold(groups: Groups, costs: Costs, *, seed: int = 0) -> BestThreshold:
    """The threshold by theory, the empirical one, and what each costs; NaN without rows that weigh anything.

    Notes
    -----
    Elkan (2001), "The foundations of cost-sensitive learning", for theory; Varma and Simon (2006), "Bias in error
    estimation when using cross-validation for model selection", for why the choice is tried on other rows. Five folds,
    dealt by a seeded draw from the groups' counts, so that the order of rows is nothing to it.

    Examples
    --------
    >>> from logloss.evaluation.counting import Counter
    >>> counter = Counter()
    >>> _ = counter.add(np.array([0, 0, 1, 1] * 25), np.array([0.1, 0.2, 0.4, 0.6] * 25))
    >>> found = best_threshold(counter.tally().groups(), Costs(1, 1))
    >>> found.by_theory, found.empirical, found.cost_by_theory.value, found.cost.value
    (0.5, 0.4, 0.25, 0.0)
    """
    theory = costs.threshold
    if not groups.weight.sum() > 0:
        return BestThreshold(theory, Score(np.nan), np.nan, np.nan, np.nan, np.nan, *[Score(np.nan)] * 2)
    groups = parted(groups)
    starts = thresholds_of(groups)
    empirical, apparent = _cheapest(groups.weight, starts, costs)
    folds = dealt(groups, FOLDS, seed)
    chosen = [_cheapest(groups.weight - fold, starts, costs)[0] for fold in folds]
    # Each fold's rows beside those of the others, each with the cost of its own threshold.
    share = [over(fold, groups.weight, 0.0) for fold in folds]
    together = Groups(
        **{name: np.concatenate([getattr(groups, name)] * FOLDS) for name in ("p", "lesser", "rows", "width")},
        weight=np.concatenate(folds),
        square=np.concatenate([groups.square * part for part in share]),
    )
    by_theory = _costs_at(starts, theory, costs)
    spent = np.concatenate([_costs_at(starts, threshold, costs) for threshold in chosen])
    return BestThreshold(
        by_theory=theory,
        cost_by_theory=mean_of(groups, by_theory, least=0.0),
        empirical=empirical,
        least=min(chosen),
        greatest=max(chosen),
        apparent_cost=apparent,
        cost=mean_of(together, spent, least=0.0),
        saving=mean_of(together, np.concatenate([by_theory] * FOLDS) - spent),
    )


def _costs_at(starts: Floats, threshold: float, costs: Costs) -> Floats:
    """What each label costs at each probability, (m, 2)."""
    is_taken = starts >= threshold
    return np.stack([costs.false_positive * is_taken, costs.false_negative * ~is_taken], -1)


def _cheapest(weight: Floats, starts: Floats, costs: Costs) -> tuple[float, float]:
    """The threshold that costs least on some of the rows, and its cost; of equal ones the nearest to theory."""
    weighs = weight.sum(1) > 1e-12 * weight.sum()
    if not weighs.any():
        return costs.threshold, np.nan
    starts, weight = starts[weighs], weight[weighs]
    below, total = np.concatenate([np.zeros((1, 2)), np.cumsum(weight, 0)]), weight.sum(0)
    cost = costs.false_positive * (total[0] - below[:, 0]) + costs.false_negative * below[:, 1]
    # A threshold between two probabilities decides as one at the greater; it goes no further down than half way.
    low = np.concatenate([[0.0], (starts[:-1] + starts[1:]) / 2, [(starts[-1] + 1) / 2]])
    high = np.concatenate([starts, [np.nextafter(1.0, 2.0)]])
    threshold = np.clip(costs.threshold, np.minimum(low, high), high)
    threshold[-1] = max(threshold[-1], np.nextafter(starts[-1], 2.0))
    least = cost <= cost.min() + 1e-9 * total.sum() * max(costs.false_positive, costs.false_negative)
    best = np.flatnonzero(least)[np.argmin(np.abs(threshold[least] - costs.threshold))]
    return float(threshold[best]), float(max(cost[best], 0.0) / total.sum())
