"""A score in three parts: what is miscalibrated, what the model tells apart, what is uncertain without one.

``score = miscalibration - discrimination + uncertainty``, for log loss and for the Brier score. Miscalibration is what
the best increasing change of the probabilities would save; discrimination is what they, so changed, save over always
saying the base rate; uncertainty is what that costs.

Miscalibration is found on the rows that it is tried on, and so is above 0 for perfect probabilities too. What chance
alone makes of it stands beside it: no interval would say that, for near perfection its distribution is far from normal.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from logloss.evaluation.gathering import weighty
from logloss.evaluation.groups import Floats, Groups
from logloss.evaluation.isotonic import pooled
from logloss.evaluation.losses import entropy_of, finite_losses
from logloss.evaluation.redrawing import IfCalibrated, if_calibrated
from logloss.evaluation.scores import has_infinite_losses, mean
from logloss.evaluation.tally import Sum, Tally


@dataclass(frozen=True)
class Decomposition:
    """The three parts, in the score's unit. NaN without rows that weigh anything."""

    miscalibration: float
    discrimination: float
    uncertainty: float


def log_loss_decomposition(tally: Tally, groups: Groups) -> Decomposition:
    """Of the log loss, in nats; miscalibration is infinite where the loss is.

    Notes
    -----
    Dimitriadis, Gneiting and Jordan (2021), "Stable reliability diagrams for probabilistic classifiers". Where groups
    are cells, the change of probabilities is the same for a whole cell.

    Examples
    --------
    >>> from logloss.evaluation.counting import Counter
    >>> import numpy as np
    >>> counter = Counter()
    >>> _ = counter.add(np.array([0, 0, 1, 1]), np.array([0.2, 0.2, 0.2, 0.9]))
    >>> tally = counter.tally()
    >>> parts = log_loss_decomposition(tally, tally.groups())
    >>> round(parts.miscalibration, 4), round(parts.discrimination, 4), round(parts.uncertainty, 4)
    (0.0629, 0.2158, 0.6931)
    """
    score = math.inf if has_infinite_losses(tally) else mean(tally, Sum.LOSS)
    return _decomposed(score, groups, entropy_of)


def decomposition_of(groups: Groups, *, are_endless: bool) -> Decomposition:
    """Of the log loss at the groups' probabilities, as `losses.finite_losses` has it: for resampled groups."""
    groups = weighty(groups)
    cost = finite_losses(groups, are_endless=are_endless)
    score = float((groups.weight * cost).sum() / groups.weight.sum()) if len(groups.p) else math.nan
    return _decomposed(score, groups, entropy_of)


def brier_decomposition(tally: Tally, groups: Groups) -> Decomposition:
    """Of the Brier score; as `log_loss_decomposition`."""
    return _decomposed(mean(tally, Sum.BRIER), groups, _variance_of)


def miscalibration_if_calibrated(groups: Groups, *, seed: int = 0) -> IfCalibrated:
    """What the miscalibration of the log loss would be, in nats, if the probabilities were right.

    Perfectly calibrated probabilities are beyond the 95 % point once in 20 times.
    """
    groups = weighty(groups)
    cost = finite_losses(groups, are_endless=True)  # redrawn, what is certain is right

    def found(weight: Floats) -> float:
        score = float((weight * cost).sum() / weight.sum())
        return max(score - _recalibrated(weight, entropy_of), 0.0)

    return if_calibrated(groups, found, seed=seed)


def _decomposed(score: float, groups: Groups, spread: Callable[[Floats], Floats]) -> Decomposition:
    groups = weighty(groups)
    if not len(groups.p):
        return Decomposition(math.nan, math.nan, math.nan)
    weight = groups.weight.sum(0)
    uncertainty = float(spread(weight[1] / weight.sum()))
    # To leave the probabilities as they are is increasing, and so is the base rate: only rounding is above either.
    best = min(_recalibrated(groups.weight, spread), score, uncertainty)
    return Decomposition(score - best, uncertainty - best, uncertainty)


def _recalibrated(weight: Floats, spread: Callable[[Floats], Floats]) -> float:
    total, frequency = pooled(weight.sum(1), weight[:, 1])
    return float((total * spread(frequency)).sum() / weight.sum())


def _variance_of(rate: Floats) -> Floats:
    return rate * (1 - rate)
