"""How well probabilities tell positives from negatives, whatever they say: ROC AUC and average precision.

Both look at the order of probabilities only. Where groups are cells of probability, the order within a cell is not
known; it is counted as a tie, ``error`` says by how much at most that is wrong, and intervals are wider by as much.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from logloss.evaluation.groups import Floats, Groups, Integers
from logloss.evaluation.intervals import on_logit_scale, spread_of, student, wilson
from logloss.evaluation.score import Score

_HALF = int(np.float64(0.5).view(np.int64))


@dataclass(frozen=True)
class Ranking:
    """A score of the order, and a proven bound on what counting in cells has changed in it."""

    score: Score
    error: float


def roc_auc(groups: Groups) -> Ranking:
    """The probability that a positive gets a greater probability than a negative, ties counting half.

    NaN with one class only.

    Notes
    -----
    DeLong, DeLong and Clarke-Pearson (1988), "Comparing the areas under two or more correlated receiver operating
    characteristic curves", on the scale of the logit. Where all positives are above all negatives, or all below, that
    variance is 0 and the interval is Newcombe's (2006), "Confidence intervals for an effect size measure based on the
    Mann-Whitney statistic", method 5.

    Examples
    --------
    >>> from logloss.evaluation.counting import Counter
    >>> counter = Counter()
    >>> _ = counter.add(np.array([1, 0, 1, 0]), np.array([0.8, 0.6, 0.6, 0.3]))
    >>> roc_auc(counter.tally().groups()).score.value
    0.875
    """
    negatives, positives = groups.weight.T
    rows = _class_rows(groups)
    if not (rows > 0).all():
        return Ranking(Score(math.nan), math.nan)
    places = placements(groups)
    value, total = places.area, groups.weight.sum(0)
    tied = np.where(groups.width > 0, negatives / total[0] * positives / total[1], 0.0)
    error = float(tied.sum()) / 2
    if not 0 < value < 1:
        return _within(Score(value, *_newcombe(value, rows)), error)
    if not (rows > 1).all():
        return Ranking(Score(value), error)
    psi = (places.share - value) * total.sum() / total
    return _within(on_logit_scale(value, spread_of(groups, psi, by_class=True)), error)


def _within(score: Score, error: float) -> Ranking:
    """With an interval that holds the truth wherever in the bound it lies."""
    return Ranking(Score(score.value, max(score.low - error, 0.0), min(score.high + error, 1.0)), error)


@dataclass(frozen=True)
class Placements:
    """Of each probability, how a negative and how a positive there fares against the other class.

    That is the share of positives above it and of negatives below it, ties counting half: the mean of either is
    ``area``. NaN with one class only.
    """

    starts: Integers  # (m - 1,), the steps from which on rows belong to each group but the first
    share: Floats  # (m, 2)
    area: float

    def at(self, p: Floats, q: Floats) -> Floats:
        """Of rows with these probabilities of a positive and of a negative, (n, 2)."""
        found = np.searchsorted(self.starts, _steps(np.minimum(p, q), p > q), "right")
        return np.asarray(self.share[found])


def placements(groups: Groups) -> Placements:
    """Of the groups' rows.

    Whoever computes a probability from a logit once more may be off by a few units in the last place: groups meet half
    way between them, in such units, so that a row finds its own.
    """
    negatives, positives = groups.weight.T
    is_upper, reach = groups.p > 0.5, groups.width / 2
    reach = np.where(is_upper, -reach, reach)
    first, last = _steps(groups.lesser - reach, is_upper)[1:], _steps(groups.lesser + reach, is_upper)[:-1]
    starts = first - (first - last) // 2
    if not (groups.weight.sum(0) > 0).all():
        return Placements(starts, np.full(groups.weight.shape, math.nan), math.nan)
    return Placements(starts, np.stack([1 - _below(positives), _below(negatives)], -1), area(groups))


def _steps(lesser: Floats, is_upper: npt.NDArray[np.bool_]) -> Integers:
    """Probabilities by the lesser of p and 1 - p, in units of its last place, from 0 up to 1."""
    steps = np.maximum(lesser, 0.0).view(np.int64)
    return np.where(is_upper, 2 * _HALF - steps, steps)


def area(groups: Groups) -> float:
    """The area alone, without its interval; for resampling."""
    negatives, positives = groups.weight.T
    total = float(positives.sum())
    if not (total > 0 and negatives.sum() > 0):
        return math.nan
    return float((positives * _below(negatives)).sum()) / total


def _below(weight: Floats) -> Floats:
    """The share of a class that is below each probability, and half of what is at it."""
    cumulated = np.cumsum(weight)
    return np.asarray((cumulated - weight / 2) / cumulated[-1])


def average_precision(groups: Groups) -> Ranking:
    """The mean over positives of the precision at their threshold, as scikit-learn defines it; NaN without positives.

    Notes
    -----
    The interval is that of the influence function on the scale of the logit (Boyd, Eng and Page 2013, "Area under the
    precision-recall curve: point estimates and confidence intervals", prefer that scale); Wilson's over the positives
    where all of them come first.

    Examples
    --------
    >>> from logloss.evaluation.counting import Counter
    >>> counter = Counter()
    >>> _ = counter.add(np.array([1, 0, 1, 0]), np.array([0.8, 0.6, 0.5, 0.3]))
    >>> average_precision(counter.tally().groups()).score.value
    0.8333333333333333
    """
    false, true = np.cumsum(groups.weight[::-1], 0).T  # at each threshold, the highest first
    negatives, positives = groups.weight[::-1].T
    total = float(groups.weight[:, 1].sum())
    if not total > 0:
        return Ranking(Score(math.nan), math.nan)
    said = false + true
    precision = np.divide(true, said, out=np.zeros_like(said), where=said > 0)
    value = min(float((positives * precision).sum() / total), 1.0)
    error = _unordered(groups.width[::-1], true, false, positives, negatives) / total
    if not value < 1:
        rows = _class_rows(groups)[1]
        return _within(Score(value, *wilson(value, rows)), error)
    # One more row moves the precision at its threshold and at all lower ones, and a positive adds its own.
    inverse = np.divide(1.0, said, out=np.zeros_like(said), where=said > 0)
    moved = positives / total * inverse**2
    helped, hurt = (np.cumsum((moved * other)[::-1]) for other in (false, true))
    psi = np.stack([-hurt, helped + (precision[::-1] - value) / total], -1) * float(groups.weight.sum())
    bias = _optimism(groups, true, false, inverse)
    ends = on_logit_scale(max(value - bias, value / 2), spread_of(groups, psi, by_class=True))
    return _within(Score(value, min(ends.low, value), max(ends.high, value)), error)


def _optimism(groups: Groups, true: Floats, false: Floats, inverse: Floats) -> float:
    """By how much average precision is expected to be too high, in the second order.

    A positive raises the precision at its own threshold, which another one there would not find so high; and precision
    is convex in the false positives and concave in the true ones.
    """
    positives, squares = groups.weight[::-1, 1], groups.square[::-1]
    varies = np.cumsum(squares, 0)
    own = squares[:, 1] * false * inverse**2
    bent = positives * (true * varies[:, 0] - false * varies[:, 1]) * inverse**3
    return float((own + bent).sum() / positives.sum())


def _unordered(width: Floats, true: Floats, false: Floats, positives: Floats, negatives: Floats) -> float:
    """By how much the sum of precisions may differ when the rows of each cell are in any order.

    At most all its positives come first; at least all its negatives do, and its positives one by one.
    """
    is_mixed = (width > 0) & (positives > 0) & (negatives > 0)
    true, false, positives, negatives = (c[is_mixed] for c in (true, false, positives, negatives))
    counted = positives * true / (true + false)
    most = positives * true / (true + false - negatives)
    least = positives + false * np.log1p(-positives / (true + false))
    return float(np.maximum(most - counted, counted - least).sum())


def _class_rows(groups: Groups) -> Floats:
    """Effective numbers of negatives and of positives."""
    square, rows = groups.square.sum(0), np.zeros(2)
    np.divide(groups.weight.sum(0) ** 2, square, out=rows, where=square > 0)
    return rows


def _newcombe(value: float, rows: Floats) -> tuple[float, float]:
    """The area's interval from the numbers of rows alone, for areas of 0 or 1."""
    negatives, positives = rows.tolist()
    beside = max((negatives + positives) / 2 - 1, 0.0)

    def is_near(shortfall: float) -> bool:
        variance = shortfall * (1 - shortfall) / (negatives * positives)
        variance *= 1 + beside * (shortfall / (1 + shortfall) + (1 - shortfall) / (2 - shortfall))
        return shortfall <= student(math.inf) * math.sqrt(variance)

    near, far = 0.0, 1.0
    for _ in range(60):
        middle = (near + far) / 2
        near, far = (middle, far) if is_near(middle) else (near, middle)
    return (value - near, value) if value else (value, value + near)
