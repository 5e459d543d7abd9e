"""A smooth calibration curve: local regression of labels on probabilities."""

import numpy as np

from logloss.evaluation.gathering import coarser
from logloss.evaluation.groups import Floats, Groups

SPAN = 0.75
_PLACES = 200
_AT_ONCE = 50  # places
_MOST = 1000  # groups, beyond which the curve is as smooth with neighbours together


def smooth_curve(groups: Groups, at: Floats, span: float = SPAN) -> Floats:
    """The frequency of positives at probabilities ``at``, (k,), by local quadratic regression, kept within [0, 1].

    ``span`` is the share of all weight that is near enough to a place to count there. NaN without rows that weigh
    anything.

    Notes
    -----
    Cleveland and Devlin (1988), "Locally weighted regression", with the defaults of R's ``loess``: tricube weights and
    degree 2. Where fewer than three probabilities are near, a straight line, or their mean.

    Examples
    --------
    >>> from logloss.evaluation.counting import Counter
    >>> p, counter = np.repeat(np.linspace(0.1, 0.9, 9), 10), Counter()
    >>> _ = counter.add((np.tile(np.arange(10), 9) / 10 < p**2 - 1e-9).astype(float), p)
    >>> smooth_curve(counter.tally().groups(), np.array([0.5])).round(2).tolist()
    [0.3]
    """
    groups = coarser(groups, _MOST)
    p, weight, positives = groups.p, groups.mass, groups.weight[:, 1]
    if not len(p):
        return np.full(len(at), np.nan)
    reach = _reach(p, weight, at, span)
    found = [
        _values_at(at[i : i + _AT_ONCE], reach[i : i + _AT_ONCE], p, weight, positives)
        for i in range(0, len(at), _AT_ONCE)
    ]
    return np.asarray(np.clip(np.concatenate(found), 0.0, 1.0))


def integrated_calibration_index(groups: Groups, span: float = SPAN) -> float:
    """Mean distance of probabilities and the smooth curve, by weight: the ICI; NaN without any weight.

    Notes
    -----
    Austin and Steyerberg (2019), "The Integrated Calibration Index (ICI) and related metrics for quantifying the
    calibration of logistic regression models". The curve is worked out at up to 200 probabilities, spread as the rows
    are, and straight between them.

    Examples
    --------
    >>> from logloss.evaluation.counting import Counter
    >>> counter = Counter()
    >>> _ = counter.add(np.array([0, 1, 1, 1]), np.array([0.5, 0.5, 0.5, 0.5]))
    >>> integrated_calibration_index(counter.tally().groups())
    0.25
    """
    weight = groups.mass
    total = float(weight.sum())
    if not total > 0:
        return np.nan
    places = spread_places(groups, _PLACES)
    curve = np.interp(groups.p, places, smooth_curve(groups, places, span))
    return float((weight * np.abs(curve - groups.p)).sum()) / total


def spread_places(groups: Groups, count: int) -> Floats:
    """At most ``count`` of the probabilities, the outermost and others with equal weight between them."""
    weight = groups.mass
    p: Floats = groups.p[weight > 0]
    if len(p) <= count:
        return p
    cumulated = np.cumsum(weight[weight > 0])
    chosen = np.searchsorted(cumulated, np.linspace(0, float(cumulated[-1]), count))
    return np.asarray(np.unique(p[np.clip(chosen, 0, len(p) - 1)]))


def _reach(p: Floats, weight: Floats, at: Floats, span: float) -> Floats:
    """The distance within which ``span`` of the weight lies, of each place; a little more, so that its end counts."""
    cumulated = np.append(0.0, np.cumsum(weight))
    wanted = span * cumulated[-1]
    low, high = np.zeros(len(at)), np.ones(len(at))
    for _ in range(50):
        middle = (low + high) / 2
        inside = cumulated[np.searchsorted(p, at + middle, side="right")] - cumulated[np.searchsorted(p, at - middle)]
        enough = inside >= wanted
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high * (1 + 1e-6) + 1e-12


def _values_at(at: Floats, reach: Floats, p: Floats, weight: Floats, positives: Floats) -> Floats:
    """Of the best parabola about each place; of less where the rows do not say as much."""
    x = (p - at[:, None]) / reach[:, None]
    square = x * x
    near = np.maximum(1 - square * np.abs(x), 0.0)
    near *= near * near  # by products, as a power takes three times as long
    terms, counted = near * weight, near * positives
    moments, right = [terms.sum(1)], [counted.sum(1)]
    for power in range(1, 5):
        terms = terms * x
        moments.append(terms.sum(1))
        if power < 3:
            counted = counted * x
            right.append(counted.sum(1))
    matrix = np.stack([np.stack(moments[i : i + 3], -1) for i in range(3)], -1) / moments[0][:, None, None]
    sides = np.stack(right, -1) / moments[0][:, None]
    found: Floats = sides[:, 0].copy()  # their mean
    for size in (2, 3):
        solvable = np.linalg.matrix_rank(matrix[:, :size, :size], tol=1e-9, hermitian=True) == size
        solved = np.linalg.solve(matrix[solvable, :size, :size], sides[solvable, :size, None])
        found[solvable] = solved[:, 0, 0]
    return found
