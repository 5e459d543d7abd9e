"""Calibration intercept and slope: the logistic change that would mend the probabilities.

With z the logit of p, the intercept is the a for which σ(a + z) is right on average: above 0 the probabilities are too
low. The slope is the b of the best σ(a + b·z): below 1 they are too sure of themselves.
"""

import math
from dataclasses import dataclass

import numpy as np

from logloss.evaluation.groups import Floats, Groups
from logloss.evaluation.intervals import spread_of
from logloss.evaluation.log_odds import chances
from logloss.evaluation.score import Score

Columns = list[Floats]

_STEPS = 200
_CLOSE = 1e-12
_SMALL = 0.5  # a change of logits
_FAR = 1000.0  # from nearly 0 to nearly 1, with room
_FEW = 500  # groups


@dataclass(frozen=True)
class Recalibration:
    """Calibration intercept (with the slope fixed at 1) and slope.

    ``excluded`` counts the rows at p of 0 and 1, which have no logit: they are left out of both. ``separated`` says
    that a threshold parts positives from negatives, and then the slope is infinite: no finite one is best. Without two
    classes the intercept is infinite and the slope NaN; without two probabilities the slope is NaN.
    """

    intercept: Score
    slope: Score
    excluded: int
    separated: bool


def recalibration(groups: Groups) -> Recalibration:
    """Calibration intercept and slope, with sandwich intervals.

    Notes
    -----
    Cox (1958), "Two further applications of a model for binary regression". The variance is White's (1982), "Maximum
    likelihood estimation of misspecified models", which needs neither the model nor the weights to be right.

    Examples
    --------
    >>> from logloss.evaluation.counting import Counter
    >>> counter = Counter()
    >>> _ = counter.add(np.array([1, 0, 0, 0, 1, 1, 1, 0]), np.repeat([0.1, 0.9], 4))
    >>> found = recalibration(counter.tally().groups())
    >>> f"{abs(found.intercept.value):.3f} {found.slope.value:.3f}"  # too sure by half
    '0.000 0.500'
    """
    excluded = int(groups.rows[groups.lesser == 0].sum())
    is_inside = (groups.lesser > 0) & (groups.mass > 0)
    groups = groups if is_inside.all() else groups.at(is_inside)  # copies take a while
    negatives, positives = (groups.p[weight > 0] for weight in groups.weight.T)
    if not (len(negatives) and len(positives)):
        infinite = math.inf if len(positives) else -math.inf if len(negatives) else math.nan
        return Recalibration(Score(infinite), Score(math.nan), excluded, separated=False)
    logit = np.log1p(-groups.lesser) - np.log(groups.lesser)
    logit = np.where(groups.p > 0.5, logit, -logit)
    intercept = _fitted(groups, [np.ones(len(logit))], logit)
    if len(logit) == 1:
        return Recalibration(intercept, Score(math.nan), excluded, separated=False)
    if positives.min() >= negatives.max() or negatives.min() >= positives.max():
        infinite = math.inf if positives.min() >= negatives.max() else -math.inf
        return Recalibration(intercept, Score(infinite), excluded, separated=True)
    # Centred and scaled, so that logits which are far away or near each other do not make the equations hard.
    weight = groups.mass
    middle = float((weight * logit).sum() / weight.sum())
    scale = math.sqrt(float((weight * (logit - middle) ** 2).sum() / weight.sum()))
    found = _fitted(groups, [np.ones(len(logit)), (logit - middle) / scale], np.zeros(len(logit)))
    slope = Score(found.value / scale, found.low / scale, found.high / scale)
    return Recalibration(intercept, slope, excluded, separated=False)


def _fitted(groups: Groups, columns: Columns, offset: Floats) -> Score:
    """The last coefficient of a logistic regression on one or two columns, by Newton's method."""
    found = np.zeros(len(columns))
    if len(groups.p) > _FEW:  # from where the solution of a few groups is, it is a step or two
        place = np.arange(0, len(groups.p), len(groups.p) // _FEW)
        some = np.add.reduceat(groups.weight, place)
        found, _ = _solution(some, [column[place] for column in columns], offset[place], found)
    found, bend = _solution(groups.weight, columns, offset, found)
    likely, unlikely = chances(offset + _times(columns, found))
    to_last = _solved(bend, np.eye(len(found))[-1])
    psi = _times(columns, to_last)[:, None] * np.stack([-likely, unlikely], -1) * groups.weight.sum()
    spread, value = spread_of(groups, psi), float(found[-1]) + 0.0
    return Score(value, value - spread.reach * spread.error, value + spread.reach * spread.error)


def _solution(weights: Floats, columns: Columns, offset: Floats, found: Floats) -> tuple[Floats, Floats]:
    """The coefficients, and the curvature there."""
    negative, positive = np.ascontiguousarray(weights.T)
    weight = negative + positive

    def objective(coefficients: Floats) -> float:
        linear = offset + _times(columns, coefficients)
        return float((weight * np.logaddexp(0, linear) - positive * linear).sum())

    for _ in range(_STEPS):
        likely, unlikely = chances(offset + _times(columns, found))
        wrong, curvature = negative * likely - positive * unlikely, weight * likely * unlikely
        bend = np.array([[float((a * (b * curvature)).sum()) for b in columns] for a in columns])
        step = _solved(bend, np.array([float((column * wrong).sum()) for column in columns]))
        moved = float(np.abs(_times(columns, step)).max())
        if moved > _FAR:
            step, moved = step * (_FAR / moved), _FAR
        # Curvature changes by a factor of e^h at most where no logit moves by more than h: such a step goes down.
        if moved > _SMALL:
            lowest = objective(found)
            while not objective(found - step) <= lowest and np.abs(step).max() > _CLOSE:
                step = step / 2
        found = found - step
        # For the same reason the next step would be about h times as long.
        if np.abs(step).max() * min(moved, 1.0) <= _CLOSE * (1 + np.abs(found).max()):
            break
    return found, bend


def _times(columns: Columns, coefficients: Floats) -> Floats:
    """A matrix product whose sums are in one order on every machine."""
    first, *others = (column * coefficient for column, coefficient in zip(columns, coefficients.tolist(), strict=True))
    return np.asarray(first + others[0]) if others else first


def _solved(bend: Floats, right: Floats) -> Floats:
    """Of one or two equations; a curvature that has vanished gives a long step, to be shortened."""
    tiny = 1e-200  # so that what is divided by it stays finite
    if len(right) == 1:
        return right / max(float(bend[0, 0]), tiny)
    (a, b), (_, d) = bend
    determinant = max(float(a * d - b * b), tiny)
    return np.array([d * right[0] - b * right[1], a * right[1] - b * right[0]]) / determinant
